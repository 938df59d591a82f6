"""Offers to write what can be read of a damaged series to a new file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from PyQt5.QtCore import QObject
from PyQt5.QtWidgets import QFileDialog, QWidget

from flimage.errors import DamagedImageError, DamagedSeriesError

from .notify import MessageBar
from .saving import Saving
from .session import Session

if TYPE_CHECKING:
    from flimage.recover import Recovery

__all__ = ["Recovering"]


class Recovering(QObject):
    """Tells what went wrong, and has a button where a series is damaged.

    Parameters
    ----------
    session
        Where recordings are opened.
    message_bar
        Where it is told.
    saving
        Asks where something would be lost.
    window
        The window; it owns the dialogs.
    """

    def __init__(
        self, session: Session, message_bar: MessageBar, saving: Saving, window: QWidget
    ) -> None:
        super().__init__(window)
        self._session = session
        self._bar = message_bar
        self._saving = saving
        self._window = window
        session.recovered.connect(self._on_session_recovered)

    def tell(self, error: Exception) -> None:
        """Say what went wrong; offer a remedy where a series is damaged."""
        path, group = self._session.asked
        if (
            isinstance(error, (DamagedSeriesError, DamagedImageError))
            and path is not None
            and str(path) in str(error)
        ):
            self._bar.show_error(
                error, "Save what can be read…", lambda: self.ask_recover(path, group)
            )
        else:
            self._bar.show_error(error)

    def ask_recover(self, path: Path, group: str | None = None) -> None:
        """Ask for a file, and write what can be read of a damaged series to it."""
        chosen, _ = QFileDialog.getSaveFileName(
            self._window,
            "Save what can be read",
            str(path.with_name(f"{path.stem}_recovered.h5")),
            "Series (*.h5)",
        )
        if chosen:
            self._begin(path, Path(chosen), group)

    def _begin(self, path: Path, out: Path, group: str | None) -> None:
        # The new file is opened in place of what is open here.
        if self._saving.may_leave(lambda: self._begin(path, out, group)):
            # The file dialog has asked whether a file that exists is to be replaced.
            self._session.recover_and_open(path, out, overwrite=True, group=group)

    def _on_session_recovered(self, recovery: Recovery) -> None:
        details = recovery.details()
        self._bar.show_note(
            f"{recovery.path.name}: {recovery.sentence}"
            + (" What was lost is listed with the metadata." if details else ""),
            details="\n".join(details),
        )
