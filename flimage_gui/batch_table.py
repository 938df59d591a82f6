"""The list of a batch: progress in its cells, keys, and what is said where it is empty."""

from __future__ import annotations

from PyQt5.QtCore import QModelIndex, QRect, Qt, pyqtSignal
from PyQt5.QtGui import QKeyEvent, QPainter, QPaintEvent, QPalette
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

#: The longest texts that columns usually hold.
_TEXTS = {
    Column.RECORDING: "recording_of_2026-01-01.h5",
    Column.STATE: "⚠ Unchanged (use with caution)",
    Column.GAIN: "Largest gain",
}
_MARGIN = 20
_EMPTY = "Add recordings, or drop files and folders here"


class _ProgressDelegate(QStyledItemDelegate):
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
        self.setItemDelegateForColumn(Column.STATE, _ProgressDelegate(self))
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setWordWrap(False)
        self.setShowGrid(False)
        self.setTabKeyNavigation(False)
        self.verticalHeader().hide()
        self.verticalHeader().setDefaultSectionSize(26)
        header = self.horizontalHeader()
        header.setHighlightSections(False)
        header.setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        for column, text in _TEXTS.items():
            self.setColumnWidth(column, self.fontMetrics().horizontalAdvance(text) + _MARGIN)
        header.setSectionResizeMode(Column.VERDICT, QHeaderView.ResizeMode.Stretch)

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802 - Qt's name
        """Take the keys that mean something here."""
        if event.key() == Qt.Key.Key_Delete:
            self.remove_requested.emit()
        elif event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.open_requested.emit()
        else:
            super().keyPressEvent(event)

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802 - Qt's name
        """Say what to do where there is nothing yet."""
        super().paintEvent(event)
        if not self.model().rowCount():
            painter = QPainter(self.viewport())
            painter.setPen(self.palette().color(QPalette.ColorRole.PlaceholderText))
            painter.drawText(self.viewport().rect(), int(Qt.AlignmentFlag.AlignCenter), _EMPTY)
            painter.end()
