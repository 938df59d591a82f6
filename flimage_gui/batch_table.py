"""The list of a batch: progress in its cells, keys, and what is said where it is empty."""

from __future__ import annotations

from PyQt5.QtCore import QModelIndex, QRect, QSize, Qt, pyqtSignal
from PyQt5.QtGui import QKeyEvent, QPainter, QPaintEvent, QPalette, QResizeEvent
from PyQt5.QtWidgets import (
    QAbstractItemView,
    QHeaderView,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QTableView,
    QWidget,
)

from .batch_queue import BatchQueue, Column
from .widgets import describe

__all__ = ["BatchTable"]

#: The longest texts that columns usually hold in one line.
_TEXTS = {
    Column.STATE: "⚠ Use with caution",
    Column.GAIN: "Largest gain",
}
_MARGIN = 20
#: Width of the names: at least that of such a text, at most this part of the table.
_NAME, _NAME_SHARE = "recording.h5", 0.4
#: Height of a line [px].
_ROW = 26
#: What is added above and below several lines of text, together [px].
_AIR = 8
_EMPTY = "Add recordings, or drop files and folders here"


class _AiryDelegate(QStyledItemDelegate):
    """Keeps the lines of one recording apart from those of the next."""

    def sizeHint(  # noqa: N802 - Qt's name
        self, option: QStyleOptionViewItem, index: QModelIndex
    ) -> QSize:
        return super().sizeHint(option, index) + QSize(0, _AIR)


class _ProgressDelegate(_AiryDelegate):
    """Draws how far a recording is behind the text of the cell."""

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex) -> None:
        share = index.data(Qt.ItemDataRole.UserRole)
        if share is None:
            super().paint(painter, option, index)
            return
        palette = option.palette
        track = option.rect.adjusted(6, 5, -6, -5)
        done = QRect(track)
        done.setWidth(round(track.width() * share))
        painter.save()
        painter.fillRect(track, palette.color(QPalette.ColorRole.Mid))
        painter.fillRect(done, palette.color(QPalette.ColorRole.Highlight))
        # On the part that is done in its colour, on the rest in that of all texts.
        for area, role in (
            (track, QPalette.ColorRole.Text),
            (done, QPalette.ColorRole.HighlightedText),
        ):
            painter.setClipRect(area)
            painter.setPen(palette.color(role))
            painter.drawText(track, int(Qt.AlignmentFlag.AlignCenter), index.data())
        painter.restore()


class BatchTable(QTableView):
    """Shows a :class:`~flimage_gui.batch_queue.BatchQueue`.

    Parameters
    ----------
    queue
        The recordings.
    parent
        Qt parent.
    """

    #: The Delete key was pressed.
    remove_requested = pyqtSignal()
    #: The Return key was pressed.
    open_requested = pyqtSignal()

    def __init__(self, queue: BatchQueue, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        describe(
            self,
            "batchTable",
            "Recordings",
            "The recordings of the batch. Delete takes the selected ones out of the list; double"
            " click opens a result.",
        )
        # The description would cover the cells' own tips.
        self.setToolTip("")
        self.setModel(queue)
        self.setItemDelegate(_AiryDelegate(self))
        self.setItemDelegateForColumn(Column.STATE, _ProgressDelegate(self))
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        # A reason and its remedy are read in full.
        self.setWordWrap(True)
        self.setTextElideMode(Qt.TextElideMode.ElideMiddle)
        self.setShowGrid(False)
        self.setTabKeyNavigation(False)
        self.verticalHeader().hide()
        self.verticalHeader().setDefaultSectionSize(_ROW)
        self.verticalHeader().setMinimumSectionSize(_ROW)
        header = self.horizontalHeader()
        header.setHighlightSections(False)
        header.setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        for column, text in _TEXTS.items():
            self.setColumnWidth(column, self.fontMetrics().horizontalAdvance(text) + _MARGIN)
        header.setSectionResizeMode(Column.VERDICT, QHeaderView.ResizeMode.Stretch)
        # Whether the width of the names was chosen by the person.
        self._fitting = self._chosen = False
        header.sectionResized.connect(self._on_section_resized)
        queue.rowsInserted.connect(self._fit_names)
        queue.rowsRemoved.connect(self._fit_names)
        queue.dataChanged.connect(self._on_data_changed)

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802 - Qt's name
        """Take the keys that mean something here."""
        if event.key() == Qt.Key.Key_Delete:
            self.remove_requested.emit()
        elif event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.open_requested.emit()
        else:
            super().keyPressEvent(event)

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802 - Qt's name
        """Share the new width."""
        super().resizeEvent(event)
        self._fit_names()

    def _fit_names(self) -> None:
        """Make the first column as wide as the names, while the others keep enough."""
        if not self._chosen:
            metrics = self.fontMetrics()
            names = (each.path.name for each in self.model().recordings)
            needed = max(map(metrics.horizontalAdvance, (_NAME, *names))) + _MARGIN
            most = max(round(_NAME_SHARE * self.viewport().width()), 0)
            self._fitting = True
            self.setColumnWidth(
                Column.RECORDING,
                max(min(needed, most), metrics.horizontalAdvance(_NAME) + _MARGIN),
            )
            self._fitting = False
        self.resizeRowsToContents()

    def _on_section_resized(self, column: int) -> None:
        if column == Column.RECORDING and not self._fitting:
            self._chosen = True
        if column in (Column.RECORDING, Column.VERDICT) and not self._fitting:
            self.resizeRowsToContents()

    def _on_data_changed(self, first: QModelIndex, last: QModelIndex) -> None:
        for row in range(first.row(), last.row() + 1):
            # Progress is told often, and needs no other height.
            if not self.model().recordings[row].share or self.model().recordings[row].outcome:
                self.resizeRowToContents(row)

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802 - Qt's name
        """Say what to do where there is nothing yet."""
        super().paintEvent(event)
        if not self.model().rowCount():
            painter = QPainter(self.viewport())
            painter.setPen(self.palette().color(QPalette.ColorRole.PlaceholderText))
            painter.drawText(self.viewport().rect(), int(Qt.AlignmentFlag.AlignCenter), _EMPTY)
            painter.end()
