"""A tree of the groups of a file and of what can be chosen in them."""

from __future__ import annotations

from collections.abc import Sequence

from PyQt5.QtCore import Qt, pyqtSignal
from PyQt5.QtWidgets import QAbstractItemView, QHeaderView, QTreeWidget, QTreeWidgetItem

from .widgets import blocked, describe

__all__ = ["GroupTree"]

#: Rows that are seen at once, at most.
_ROWS = 6


class GroupTree(QTreeWidget):
    """Shows things by their place in a file; one of them is chosen.

    Parameters
    ----------
    name, title, description
        See :func:`flimage_gui.widgets.describe`.
    headers
        Titles of the columns; the first one holds the names.
    rows
        Place of each thing, as in ``/group/name``, and the texts of its further columns.
    chosen
        Place of what is chosen first.
    """

    #: Another thing was chosen; its place.
    chosen = pyqtSignal(str)

    def __init__(
        self,
        name: str,
        title: str,
        description: str,
        headers: Sequence[str],
        rows: Sequence[tuple[str, Sequence[str]]],
        chosen: str | None,
    ) -> None:
        super().__init__()
        describe(self, name, title, description)
        self.setToolTip("")
        self.setHeaderLabels(list(headers))
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        items: dict[str, QTreeWidgetItem] = {}
        for place, texts in rows:
            *above, last = place.strip("/").split("/")
            parent: QTreeWidget | QTreeWidgetItem = self
            for depth, group in enumerate(above, 1):
                path = "/".join(above[:depth])
                if path not in items:
                    items[path] = QTreeWidgetItem(parent, [group])
                    # A group is nothing that can be chosen.
                    items[path].setFlags(Qt.ItemFlag.ItemIsEnabled)
                parent = items[path]
            item = items["/".join([*above, last])] = QTreeWidgetItem(parent, [last, *texts])
            item.setData(0, Qt.ItemDataRole.UserRole, place)
            if place == chosen:
                with blocked(self):
                    self.setCurrentItem(item)
        self.expandAll()
        header = self.header()
        header.setStretchLastSection(False)
        header.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        for section in range(1, len(headers)):
            header.setSectionResizeMode(section, QHeaderView.ResizeMode.ResizeToContents)
        height = min(_ROWS, len(items)) * self.sizeHintForRow(0)
        self.setFixedHeight(header.sizeHint().height() + height + 6)
        self.currentItemChanged.connect(self._on_current_item_changed)

    @property
    def key(self) -> str | None:
        """Place of what is chosen; None where nothing is."""
        item = self.currentItem()
        return None if item is None else item.data(0, Qt.ItemDataRole.UserRole)

    def _on_current_item_changed(self, item: QTreeWidgetItem | None) -> None:
        key = None if item is None else item.data(0, Qt.ItemDataRole.UserRole)
        if key is not None:
            self.chosen.emit(key)
