"""The steps of the undo history as a list; a click goes to a step."""

from __future__ import annotations

from PyQt5.QtCore import QEvent, Qt, pyqtSignal
from PyQt5.QtGui import QPalette
from PyQt5.QtWidgets import (
    QAbstractItemView,
    QHBoxLayout,
    QListWidget,
    QListWidgetItem,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from .labels import hint_label
from .session import Change, Session
from .widgets import blocked, describe, tip_text

__all__ = ["HistoryPanel"]


class HistoryPanel(QWidget):
    """A list of all steps, oldest first; those that were undone are shown paler, in italics.

    Parameters
    ----------
    session
        The open recording.
    parent
        Qt parent.
    """

    #: The person wants to have the steps as Python, or as command lines.
    copy_python_requested = pyqtSignal()
    copy_commands_requested = pyqtSignal()

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("historyPanel")
        self._session = session
        self._buttons: list[QPushButton] = []
        self._shown: tuple[tuple[str, ...], int] | None = None
        self._list = QListWidget()
        describe(
            self._list,
            "historyList",
            "Steps of the history",
            "Everything that was changed since the recording was opened. A click on a step goes"
            " back, or forward, to it.",
        )
        self._list.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self._list.setFrameShape(QListWidget.Shape.NoFrame)
        self._list.setTextElideMode(Qt.TextElideMode.ElideRight)
        self._list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        # Keys move the current line as well as clicks do.
        self._list.currentRowChanged.connect(self._on_row_changed)
        self._hint = hint_label()
        self._hint.setObjectName("historyHint")
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 6)
        layout.addWidget(self._list, 1)
        layout.addWidget(self._hint)
        layout.addLayout(self._build_buttons())
        self._hint.setContentsMargins(8, 0, 8, 0)
        session.changed.connect(self._on_session_changed)
        self._refresh()

    def _build_buttons(self) -> QHBoxLayout:
        row = QHBoxLayout()
        row.setContentsMargins(8, 0, 8, 0)
        for text, name, accessible, hint, signal in (
            (
                "Copy as &Python",
                "copyPythonButton",
                "Copy the steps as Python",
                "Copy a script that calls the library and makes the same files.",
                self.copy_python_requested,
            ),
            (
                "Copy as &commands",
                "copyCommandsButton",
                "Copy the steps as command lines",
                "Copy lines for a terminal that make the same files.",
                self.copy_commands_requested,
            ),
        ):
            button = QPushButton(text)
            describe(button, name, accessible, hint)
            button.clicked.connect(lambda _checked, signal=signal: signal.emit())
            row.addWidget(button)
            self._buttons.append(button)
        row.addStretch(1)
        return row

    def _on_session_changed(self, change: Change) -> None:
        shown = Change.RECORDING | Change.HISTORY | Change.BACKGROUND | Change.RECIPE
        if change & (shown | Change.REGIONS):
            self._refresh()

    def changeEvent(self, event: QEvent) -> None:  # noqa: N802 - Qt's name
        """Write steps that were undone in the pale colour of another theme."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange and self._shown is not None:
            with blocked(self._list):
                self._fill(*self._shown)

    def _refresh(self) -> None:
        session = self._session
        is_open = session.source is not None
        for button in self._buttons:
            button.setEnabled(is_open)
        steps = (f"Open {session.title}", *session.steps) if is_open else ()
        if (steps, session.step) != self._shown:
            self._shown = (steps, session.step)
            with blocked(self._list):
                self._fill(steps, session.step)
        if not is_open:
            self._hint.setText("Open a recording to see what was changed.")
        elif not session.edits_kept:
            also = " and the drawn regions" if session.regions_modified else ""
            self._hint.setText(f"Changes of the frames{also} are not saved yet.")
        elif session.regions_modified:
            self._hint.setText("The drawn regions are not saved yet; Save session keeps them.")
        elif session.modified:
            self._hint.setText("The session file has all changes; the recording is as it was.")
        else:
            self._hint.setText("Nothing was changed in frames and regions that is not saved.")

    def _fill(self, steps: tuple[str, ...], current: int) -> None:
        while self._list.count() > len(steps):
            self._list.takeItem(self._list.count() - 1)
        while self._list.count() < len(steps):
            self._list.addItem(QListWidgetItem())
        pale = self.palette().brush(QPalette.ColorGroup.Disabled, QPalette.ColorRole.Text)
        for number, label in enumerate(steps):
            item = self._list.item(number)
            undone = number > current
            item.setText(f" {number}   {label}" if number else f" {label}")
            state = " (undone)" if undone else ", where you are" if number == current else ""
            item.setToolTip(tip_text(f"{label}{state}"))
            item.setData(Qt.ItemDataRole.AccessibleTextRole, f"{label}{state}")
            font = self._list.font()
            font.setItalic(undone)
            font.setBold(number == current)
            item.setFont(font)
            item.setData(Qt.ItemDataRole.ForegroundRole, pale if undone else None)
        if steps:
            self._list.setCurrentRow(current)
            self._list.scrollToItem(self._list.item(current))

    def _on_row_changed(self, row: int) -> None:
        if row >= 0:
            self._session.go_to_step(row)
