"""Choosing one time series of a file that holds several: channel, depth, position, dataset."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from PyQt5.QtCore import pyqtSignal
from PyQt5.QtWidgets import QVBoxLayout, QWidget

from flimage.selecting import Axis, Selection

from .group_tree import GroupTree
from .labels import SectionHeader
from .widgets import ChoiceCombo, add_row, describe, fill_combo, make_form, select_data

if TYPE_CHECKING:
    from flimage.choosing import Explored

__all__ = ["ImportChoices"]

_TITLES = {"channel": "&Channel", "z": "&Depth", "position": "Po&sition"}


class ImportChoices(QWidget):
    """Offers what can be chosen in a file; hidden where there is nothing to choose.

    Parameters
    ----------
    parent
        Qt parent.
    """

    #: Something else was chosen: read :attr:`key` and :attr:`selection`.
    changed = pyqtSignal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("importChoices")
        self._layout = QVBoxLayout(self)
        self._layout.setContentsMargins(0, 0, 0, 0)
        self._content = QWidget()
        self._layout.addWidget(self._content)
        self._combos: dict[str, ChoiceCombo] = {}
        self._tree: GroupTree | None = None
        self._offered: object = None
        self._explored: Explored | None = None

    @property
    def key(self) -> str | None:
        """Dataset or array that is chosen; None where the file holds one only."""
        if self._tree is None:
            return None if self._explored is None else self._explored.key
        return self._tree.key

    @property
    def selection(self) -> Selection:
        """Channel, depth and position that are chosen."""
        chosen = {name: combo.currentData() for name, combo in self._combos.items()}
        return replace(Selection(), **chosen)

    def show_explored(self, explored: Explored | None) -> None:
        """Offer what a file holds, with what is chosen of it."""
        self._explored = explored
        offered = None if explored is None else (explored.axes, explored.arrays)
        if offered != self._offered:
            # Combo boxes stay where nothing has changed: one of them may have the focus.
            self._offered = offered
            self._build(explored)
        if explored is not None:
            for name, combo in self._combos.items():
                select_data(combo, getattr(explored.selection, name))
        self.setVisible(bool(self._combos) or self._tree is not None)

    def _build(self, explored: Explored | None) -> None:
        before, self._content = self._content, QWidget()
        self._layout.replaceWidget(before, self._content)
        before.hide()
        before.deleteLater()
        self._combos, self._tree = {}, None
        if explored is None:
            return
        column = QVBoxLayout(self._content)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(6)
        if explored.axes or len(explored.arrays) > 1:
            column.addWidget(SectionHeader("The file holds several recordings: choose one"))
        if len(explored.arrays) > 1:
            self._tree = GroupTree(
                "importDatasetTree",
                "Datasets",
                "What the file holds: the groups, and the arrays of images in them.",
                ("Dataset", "Size", "Values"),
                [(a.key, (" × ".join(map(str, a.shape)), a.dtype)) for a in explored.arrays],
                explored.key,
            )
            self._tree.chosen.connect(lambda _key: self.changed.emit())
            column.addWidget(self._tree)
        form = make_form()
        for axis in explored.axes:
            combo = _combo(axis)
            combo.currentIndexChanged.connect(lambda _index: self.changed.emit())
            self._combos[axis.option] = combo
            add_row(form, _TITLES.get(axis.option, axis.name.capitalize()), combo)
        column.addLayout(form)


def _combo(axis: Axis) -> ChoiceCombo:
    combo = ChoiceCombo()
    name = axis.option
    describe(
        combo,
        f"import{name.capitalize()}Combo",
        axis.name.capitalize(),
        f"Which {axis.name} is opened; the others stay in the file.",
    )
    items = []
    for number in range(axis.size):
        label = axis.labels[number] if number < len(axis.labels) else ""
        items.append((f"{number}: {label}" if label else str(number), number, ""))
    fill_combo(combo, items)
    return combo
