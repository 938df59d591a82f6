"""The frame table: all frames with what is known of them, to be selected, edited and sorted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PyQt5.QtCore import QItemSelection, QItemSelectionModel, QModelIndex, QSize, Qt, QTimer
from PyQt5.QtGui import QFont, QFontMetrics, QKeyEvent, QPaintEvent, QShowEvent
from PyQt5.QtWidgets import (
    QAbstractItemView,
    QHBoxLayout,
    QHeaderView,
    QMenu,
    QPushButton,
    QSplitter,
    QTableView,
    QVBoxLayout,
    QWidget,
)

from flimage.quantities import format_count

from .edit_frames_dialog import EditFramesDialog
from .editor import Editor
from .frame_model import KEYS, Column, FrameModel
from .labels import ElidedLabel
from .session import Change, Session
from .spin_boxes import NumberSpin
from .times_plot import TimesPlot
from .widgets import describe, make_dense

if TYPE_CHECKING:
    from .frame_survey import FrameTable

__all__ = ["FramePanel"]

#: Widths of the columns in numbers of digits.
_WIDTHS = {
    Column.NUMBER: 5,
    Column.IDENTIFIER: 10,
    Column.TIME: 8,
    Column.STEP: 9,
    Column.PIXEL_SIZE: 8,
    Column.BACKGROUND: 11,
    Column.GAIN: 8,
    Column.SATURATED: 9,
    Column.MISSING: 7,
}


class _Table(QTableView):
    """A table whose Delete key deletes frames, and whose Return key goes to one."""

    def __init__(self, panel: FramePanel) -> None:
        super().__init__(panel)
        self._panel = panel

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802 - Qt's name
        """Paint; what is painted is seen again."""
        super().paintEvent(event)
        self._panel.catch_up()

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802 - Qt's name
        """Take the keys that mean something here; others keep their meaning in the window."""
        editing = self.state() == QAbstractItemView.State.EditingState
        if event.key() == Qt.Key.Key_Delete and not editing:
            self._panel.delete_selected()
        elif event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and not editing:
            self._panel.go_to(self.currentIndex())
        elif event.key() in (Qt.Key.Key_Left, Qt.Key.Key_Right, Qt.Key.Key_Space):
            # Steps and plays the recording, as everywhere in the window.
            event.ignore()
        else:
            super().keyPressEvent(event)


class FramePanel(QWidget):
    """Table of frames, buttons that change them, and a plot of their times.

    Parameters
    ----------
    session
        The open recording.
    parent
        Qt parent.
    """

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("framePanel")
        self._session = session
        self._editor = Editor(session)
        self._surveyed: object = None
        self._plotted: object = None
        self._is_behind = False
        self.model = FrameModel(session, self._editor, self)
        self._table = self._build_table()
        self._times = TimesPlot()
        self._times.frame_chosen.connect(session.set_frame)
        self._label = ElidedLabel(mode=Qt.TextElideMode.ElideRight)
        self._label.setObjectName("frameSelectionLabel")
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(0)
        self._timer.timeout.connect(self._refresh)
        left = QWidget()
        column = QVBoxLayout(left)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(2)
        column.addLayout(self._build_buttons())
        column.addWidget(self._table, 1)
        splitter = QSplitter(Qt.Orientation.Horizontal)
        splitter.setObjectName("frameSplitter")
        splitter.setChildrenCollapsible(False)
        splitter.addWidget(left)
        splitter.addWidget(self._times)
        splitter.setStretchFactor(0, 5)
        splitter.setStretchFactor(1, 2)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(splitter)
        session.changed.connect(self._on_session_changed)
        session.table_ready.connect(self._on_session_table_ready)
        session.saved.connect(self._timer.start)
        self._refresh()

    # ------------------------------------------------------------------ construction

    def _build_table(self) -> QTableView:
        table = _Table(self)
        describe(
            table,
            "frameTable",
            "Frames",
            "All frames. Double click goes to a frame, F2 edits a cell, Delete deletes the"
            " selected frames.",
        )
        # The description would cover the cells' own tips.
        table.setToolTip("")
        table.setModel(self.model)
        table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        table.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        table.setEditTriggers(QAbstractItemView.EditTrigger.EditKeyPressed)
        table.setHorizontalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        table.setTabKeyNavigation(False)
        table.setShowGrid(False)
        table.setAlternatingRowColors(True)
        table.setWordWrap(False)
        # Names of frames differ at their ends.
        table.setTextElideMode(Qt.TextElideMode.ElideMiddle)
        table.setIconSize(QSize(14, 14))
        table.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        table.customContextMenuRequested.connect(self._on_menu_requested)
        table.doubleClicked.connect(self.go_to)
        table.selectionModel().selectionChanged.connect(self._on_selection_changed)
        rows = table.verticalHeader()
        rows.hide()
        # One height for all: measuring thousands of rows would take long.
        rows.setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        rows.setDefaultSectionSize(table.fontMetrics().height() + 7)
        header = table.horizontalHeader()
        header.setHighlightSections(False)
        header.setMinimumSectionSize(30)
        # The current frame is written in bold.
        font = QFont(table.font())
        font.setBold(True)
        digit = QFontMetrics(font).horizontalAdvance("0")
        for section, digits in _WIDTHS.items():
            header.resizeSection(int(section), digits * digit + 12)
        return table

    def _build_buttons(self) -> QHBoxLayout:
        self._edit = _button(
            "&Edit…", "editFramesButton", "Edit frames", "Change times, pixel size or names."
        )
        self._delete = _button(
            "De&lete",
            "deleteFramesButton",
            "Delete the selected frames",
            "Leave the selected frames out (Delete). The file changes only when you save.",
        )
        self._keep = _button(
            "&Keep",
            "keepFramesButton",
            "Keep only the selected frames",
            "Leave out all frames that are not selected.",
        )
        self._move = _button(
            "&Move to",
            "moveFramesButton",
            "Move the selected frames",
            "Put the selected frames at the place with the number beside this button.",
        )
        self._place = NumberSpin()
        self._place.setMaximumWidth(64)
        describe(self._place, "moveFramesSpin", "Place to move to", "Number of the new place.")
        self._sort = _button(
            "&Sort",
            "sortFramesButton",
            "Sort the frames by time",
            "Put the frames into the order of their times.",
        )
        self._edit.clicked.connect(self.edit_selected)
        self._delete.clicked.connect(self.delete_selected)
        self._keep.clicked.connect(lambda: self._editor.keep(self._session.selection))
        self._move.clicked.connect(self._on_move_clicked)
        self._sort.clicked.connect(lambda: self._editor.sort_by_time())
        row = QHBoxLayout()
        row.setContentsMargins(6, 3, 6, 1)
        row.setSpacing(5)
        for widget in (
            self._edit,
            self._delete,
            self._keep,
            self._move,
            self._place,
            self._sort,
        ):
            row.addWidget(widget)
        row.addWidget(self._label, 1)
        return row

    def showEvent(self, event: QShowEvent) -> None:  # noqa: N802 - Qt's name
        """Ask for what was not asked for while nobody could see it."""
        super().showEvent(event)
        self._timer.start()

    # ------------------------------------------------------------------ requests

    def go_to(self, index: QModelIndex) -> None:
        """Display the frame of a row."""
        if index.isValid():
            self._session.set_frame(index.row())

    def delete_selected(self) -> None:
        """Leave the selected frames out."""
        if self._session.selection and not self._session.busy:
            self._editor.delete(self._session.selection)

    def edit_selected(self) -> None:
        """Ask what to change of the selected frames, or of all."""
        if self._session.source is None:
            return
        dialog = EditFramesDialog(self._session, self._editor, self)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.open()

    def _on_move_clicked(self) -> None:
        self._editor.move(self._session.selection, self._place.value())

    def _on_selection_changed(self) -> None:
        rows = [
            row
            for part in self._table.selectionModel().selection()
            for row in range(part.top(), part.bottom() + 1)
        ]
        self._session.select(rows)

    def _on_menu_requested(self) -> None:
        index = self._table.currentIndex()
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        menu.addAction("&Go to this frame").triggered.connect(lambda: self.go_to(index))
        cell = menu.addAction("Edit this &value")
        cell.setEnabled(index.isValid() and Column(index.column()) in KEYS)
        cell.triggered.connect(lambda: self._table.edit(index))
        menu.addSeparator()
        for button in (self._edit, self._delete, self._keep, self._sort):
            action = menu.addAction(button.text())
            action.setEnabled(button.isEnabled())
            action.triggered.connect(button.click)
        menu.popup(self.cursor().pos())

    # ------------------------------------------------------------------ showing the session

    def _on_session_changed(self, change: Change) -> None:
        values = Change.RECORDING | Change.BACKGROUND | Change.SCAN | Change.FIT | Change.RECIPE
        if change & values:
            if change & (Change.RECORDING | Change.BACKGROUND):
                # Another number of rows must never meet a session with fewer frames.
                self._refresh()
            else:
                self._timer.start()
        if change & Change.FRAME:
            self._show_frame()
        if change & Change.SELECTION:
            self._show_selection()
        if change & Change.JOB:
            self._enable()

    def _on_session_table_ready(self, table: FrameTable) -> None:
        self.model.set_table(table)

    def _refresh(self) -> None:
        source = self._session.source
        inner = None if source is None else source.source
        if inner is not self._surveyed:
            self._surveyed = None
            if inner is None or self.isVisible():
                self._surveyed = inner
                self.model.set_table(None)
                self._session.request_table()
        self.model.refresh()
        if self.model.times is not self._plotted:
            self._plotted = self.model.times
            self._times.show_times(self.model.times)
        self._place.setMaximum(max(0, self._session.n_frames - 1))
        self._show_selection()
        self._show_frame()

    def _show_frame(self) -> None:
        frame = self._session.frame
        self.model.set_current(frame)
        self._times.show_frame(frame)
        if self._session.selection:
            return
        # Qt takes a panel that lies behind another one for visible; scrolling it would be in vain.
        self._is_behind = self._table.visibleRegion().isEmpty()
        if not self._is_behind:
            self._table.scrollTo(self.model.index(frame, 0))

    def catch_up(self) -> None:
        """Scroll to the current frame, if that was left out while nobody saw the table."""
        if self._is_behind:
            self._is_behind = False
            self._timer.start()

    def _show_selection(self) -> None:
        selection = self._session.selection
        chooser = self._table.selectionModel()
        shown = sorted(
            row for part in chooser.selection() for row in range(part.top(), part.bottom() + 1)
        )
        if shown != list(selection):
            chosen = QItemSelection()
            last = len(Column) - 1
            for first, end in _runs(selection):
                chosen.select(self.model.index(first, 0), self.model.index(end, last))
            chooser.select(chosen, QItemSelectionModel.SelectionFlag.ClearAndSelect)
        self._enable()

    def _enable(self) -> None:
        session = self._session
        chosen, free = len(session.selection), session.source is not None and not session.busy
        self._edit.setEnabled(free)
        self._sort.setEnabled(free and session.n_frames > 1)
        some = free and 0 < chosen < session.n_frames
        for widget in (self._delete, self._keep, self._move, self._place):
            widget.setEnabled(some)
        self._label.setText(f"{format_count(chosen, 'frame')} selected" if chosen else "")


def _button(text: str, name: str, accessible_name: str, tip: str) -> QPushButton:
    button = QPushButton(text)
    make_dense(button)
    describe(button, name, accessible_name, tip)
    return button


def _runs(numbers: tuple[int, ...]) -> list[tuple[int, int]]:
    """Pairs of first and last number of each run of neighbouring numbers."""
    runs: list[tuple[int, int]] = []
    for number in numbers:
        if runs and number == runs[-1][1] + 1:
            runs[-1] = (runs[-1][0], number)
        else:
            runs.append((number, number))
    return runs
