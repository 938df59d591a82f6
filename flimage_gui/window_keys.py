"""Lets the window's keys work in number fields, too, where the system edits texts with them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import cast

from PyQt5.QtCore import QEvent, QObject, Qt
from PyQt5.QtGui import QKeyEvent, QKeySequence
from PyQt5.QtWidgets import QAbstractSpinBox, QAction, QLineEdit, QWidget

__all__ = ["WindowKeys"]

#: What a person who types expects everywhere.
_EDITING = (
    QKeySequence.StandardKey.Undo,
    QKeySequence.StandardKey.Redo,
    QKeySequence.StandardKey.Copy,
    QKeySequence.StandardKey.Cut,
    QKeySequence.StandardKey.Paste,
    QKeySequence.StandardKey.SelectAll,
)


class WindowKeys(QObject):
    """Takes keys with Ctrl back from text fields that would use them in the manner of Emacs.

    On Linux, Ctrl+E goes to the end of the line in every text field, so that it would not export
    after a number was typed.

    Parameters
    ----------
    window
        The window, with its panels.
    actions
        Actions whose keys count.
    """

    def __init__(self, window: QWidget, actions: Iterable[QAction]) -> None:
        super().__init__(window)
        self._keys = {key for action in actions for key in action.shortcuts()}
        fields: list[QWidget] = [
            *window.findChildren(QAbstractSpinBox),
            *window.findChildren(QLineEdit),
        ]
        for field in fields:
            field.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802 - Qt's name
        """Leave what a field would do with the window's keys to the window."""
        if event.type() == QEvent.Type.ShortcutOverride:
            pressed = cast("QKeyEvent", event)
            control = bool(pressed.modifiers() & Qt.KeyboardModifier.ControlModifier)
            if control and not any(pressed.matches(key) for key in _EDITING):
                sequence = QKeySequence(int(pressed.modifiers()) | pressed.key())
                if sequence in self._keys:
                    event.ignore()
                    return True
        return super().eventFilter(watched, event)
