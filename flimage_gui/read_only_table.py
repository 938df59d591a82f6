"""A small table of results: read-only, as tall as its rows, and copied as a whole."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence

from PyQt5.QtCore import QSize, Qt
from PyQt5.QtGui import QKeyEvent, QKeySequence, QResizeEvent
from PyQt5.QtWidgets import (
    QAbstractItemView,
    QApplication,
    QHeaderView,
    QMenu,
    QSizePolicy,
    QTableWidget,
    QTableWidgetItem,
    QWidget,
)

__all__ = ["ReadOnlyTable"]


class ReadOnlyTable(QTableWidget):
    """A table that the panel around it scrolls; Ctrl+C and its menu copy all of it.

    Parameters
    ----------
    headers
        Texts above the columns.
    tips
        What they mean, said where the pointer rests on them; none by default.
    parent
        Qt parent.
    """

    def __init__(
        self, headers: Sequence[str], tips: Sequence[str] = (), parent: QWidget | None = None
    ) -> None:
        super().__init__(0, len(headers), parent)
        self._headers = tuple(headers)
        font = self.font()
        if font.pointSizeF() > 0:
            font.setPointSizeF(font.pointSizeF() * 0.92)
            self.setFont(font)
            self.horizontalHeader().setFont(font)
        for column, text in enumerate(headers):
            item = QTableWidgetItem(text)
            if tips:
                item.setToolTip(f"<p>{tips[column]}</p>")
            self.setHorizontalHeaderItem(column, item)
        self.verticalHeader().hide()
        self.verticalHeader().setMinimumSectionSize(0)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setTabKeyNavigation(False)
        self.setAlternatingRowColors(True)
        self.setShowGrid(False)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self.customContextMenuRequested.connect(self._on_menu_requested)
        header = self.horizontalHeader()
        header.setHighlightSections(False)
        header.setMinimumSectionSize(24)
        header.setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        header.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        header.setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)

    @abstractmethod
    def rows_of_text(self) -> Sequence[Sequence[str]]:
        """Return the texts of all columns, hidden ones too, row by row."""

    @abstractmethod
    def _arrange(self) -> None:
        """Share the width among the columns."""

    def as_text(self) -> str:
        """Return the table with tabs between columns, ready for a spreadsheet."""
        return "\n".join("\t".join(row) for row in (self._headers, *self.rows_of_text()))

    def copy(self) -> None:
        """Put the whole table on the clipboard."""
        QApplication.clipboard().setText(self.as_text())

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802 - Qt's name
        """Copy the table with the usual keys."""
        if event.matches(QKeySequence.StandardKey.Copy):
            self.copy()
            return
        super().keyPressEvent(event)

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802 - Qt's name
        """Use the width for as many columns as fit."""
        super().resizeEvent(event)
        if event.size().width() != event.oldSize().width():
            self._arrange()

    def sizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        """Ask for the height of all rows."""
        return QSize(240, self._full_height())

    def minimumSizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        """Don't become shorter than all rows: the panel scrolls, not the table."""
        return QSize(160, self._full_height())

    def _full_height(self) -> int:
        rows = sum(self.rowHeight(row) for row in range(self.rowCount()))
        return self.horizontalHeader().sizeHint().height() + rows + 2 * self.frameWidth()

    def _on_menu_requested(self) -> None:
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        menu.addAction("&Copy table").triggered.connect(self.copy)
        menu.popup(self.cursor().pos())
