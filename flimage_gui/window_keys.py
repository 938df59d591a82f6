"""Lets the window's keys work in number fields, too, where the system edits texts with them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import cast

from PyQt5.QtCore import QEvent, QObject, Qt
from PyQt5.QtGui import QKeyEvent, QKeySequence
from PyQt5.QtWidgets import (
    QAbstractSpinBox,
    QAction,
    QDoubleSpinBox,
    QLineEdit,
    QSpinBox,
    QWidget,
)

__all__ = ["WindowKeys"]

#: What a person expects of a text that is being typed; afterwards they are for the window's steps.
_TYPING = (QKeySequence.StandardKey.Undo, QKeySequence.StandardKey.Redo)
#: What a person who types expects everywhere.
_EDITING = (
    QKeySequence.StandardKey.Copy,
    QKeySequence.StandardKey.Cut,
    QKeySequence.StandardKey.Paste,
    QKeySequence.StandardKey.SelectAll,
)


class WindowKeys(QObject):
    """Takes keys with Ctrl back from text fields that would use them in the manner of Emacs.

    On Linux, Ctrl+E goes to the end of the line in every text field, so that it would not export
    after a number was typed. Undo and redo are left to a number field only while what is typed in
    it has not been taken over: afterwards, what is undone is the setting.

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
            left = _EDITING if _is_settled(watched) else (*_EDITING, *_TYPING)
            if control and not any(pressed.matches(key) for key in left):
                sequence = QKeySequence(int(pressed.modifiers()) | pressed.key())
                if sequence in self._keys:
                    event.ignore()
                    return True
        return super().eventFilter(watched, event)


def _is_settled(field: QObject) -> bool:
    """Tell whether a field shows the number that holds, and nothing that is still being typed."""
    box = field if isinstance(field, QAbstractSpinBox) else field.parent()
    if not isinstance(box, (QSpinBox, QDoubleSpinBox)):
        return False
    shown = f"{box.prefix()}{box.textFromValue(box.value())}{box.suffix()}"
    if box.specialValueText() and box.value() == box.minimum():
        shown = box.specialValueText()
    return box.text() == shown
