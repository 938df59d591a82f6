"""Copies what was done in a window as Python, or as command lines that make the same files."""

from __future__ import annotations

from collections.abc import Callable

from PyQt5.QtCore import QObject
from PyQt5.QtWidgets import QApplication

from flimage.errors import FlimageError
from flimage.protocol import Protocol, command_lines, python_script
from flimage.quantities import format_count

from .notify import MessageBar
from .session import Session

__all__ = ["Copying"]


class Copying(QObject):
    """Puts the steps of a session on the clipboard.

    Parameters
    ----------
    session
        The open recording.
    message_bar
        Where it is said what was copied, or why not.
    """

    def __init__(self, session: Session, message_bar: MessageBar) -> None:
        super().__init__(message_bar)
        self._session = session
        self._bar = message_bar

    def copy_python(self) -> None:
        """Copy the steps as a Python script that calls the library."""
        self._copy(python_script, "Python")

    def copy_commands(self) -> None:
        """Copy the steps as command lines."""
        self._copy(command_lines, "command lines")

    def _copy(self, write: Callable[[Protocol], str], name: str) -> None:
        protocol = self._session.protocol
        if protocol is None:
            return
        try:
            text = write(protocol)
        except FlimageError as error:
            self._bar.show_error(error)
            return
        QApplication.clipboard().setText(text)
        lines = format_count(len(text.splitlines()), "line")
        self._bar.show_done(f"{lines} were copied as {name}; paste them where they are to run.")
