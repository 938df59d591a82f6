"""Answer questions and file dialogs that hold up the window until they are answered."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from controls import find
from PyQt5.QtCore import Qt, QTimer
from PyQt5.QtTest import QTest
from PyQt5.QtWidgets import (
    QAbstractButton,
    QApplication,
    QDialog,
    QFileDialog,
    QLineEdit,
    QMessageBox,
)

#: How often it is looked whether the question is there [ms], and how often in all.
_EVERY_MS, _TIMES = 10, 2000


def _once_there(answered: Callable[[QDialog | None], bool], times: int = _TIMES) -> None:
    """Try to answer the dialog in front until that was possible."""

    def attempt() -> None:
        front = QApplication.activeModalWidget()
        if not answered(front if isinstance(front, QDialog) else None) and times > 1:
            _once_there(answered, times - 1)

    QTimer.singleShot(_EVERY_MS, attempt)


def answer(name: str, button: str, seen: list[str]) -> None:
    """Click a button of the question of that name as soon as it is there; note what it asks."""

    def answered(dialog: QDialog | None) -> bool:
        if not isinstance(dialog, QMessageBox) or dialog.objectName() != name:
            return False
        seen.append(dialog.text())
        QTest.mouseClick(find(dialog, QAbstractButton, button), Qt.MouseButton.LeftButton)
        return True

    _once_there(answered)


def answer_file_dialog(path: Path | str) -> None:
    """Type a file's name into the file dialog that is about to open, and press Enter.

    An empty name presses Escape instead.
    """

    def answered(dialog: QDialog | None) -> bool:
        if not isinstance(dialog, QFileDialog) or not dialog.isVisible():
            return False
        edit = find(dialog, QLineEdit, "fileNameEdit")
        if not str(path):
            QTest.keyClick(dialog, Qt.Key.Key_Escape)
            return True
        edit.selectAll()
        QTest.keyClicks(edit, str(path))
        # The list of names that fit would take Enter for itself.
        edit.completer().popup().hide()
        QTest.keyClick(edit, Qt.Key.Key_Return)
        return True

    _once_there(answered)
