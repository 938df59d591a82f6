"""The named regions of a recording; the one list that image, table and plot share (no widgets)."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from typing import Any

from PyQt5.QtCore import QObject, pyqtSignal

from flimage.errors import InputError
from flimage.recipe import Region
from flimage.region_traces import NamedRegion

__all__ = ["COLORS", "RegionList"]

#: Hues of Okabe and Ito, "Color Universal Design" (2008), which colour-blind people tell apart.
COLORS = ("#e69f00", "#56b4e9", "#009e73", "#f0e442", "#cc79a7", "#d55e00", "#0072b2")


class RegionList(QObject):
    """Named regions, in the order in which they were drawn, and which of them is selected.

    Parameters
    ----------
    parent
        Qt parent.
    """

    #: regions or selection are different now
    changed = pyqtSignal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._regions: tuple[NamedRegion, ...] = ()
        self._selected = -1

    @property
    def regions(self) -> tuple[NamedRegion, ...]:
        """All regions."""
        return self._regions

    @property
    def selected(self) -> int:
        """Number of the selected region; -1 for none."""
        return self._selected

    def select(self, index: int) -> None:
        """Select a region; -1 for none."""
        index = index if 0 <= index < len(self._regions) else -1
        if index != self._selected:
            self._selected = index
            self.changed.emit()

    def add(self, region: Region) -> None:
        """Add a region with a name and a colour of its own, and select it."""
        names = {each.name for each in self._regions}
        name = next(n for i in itertools.count(1) if (n := f"Region {i}") not in names)
        used = [each.color for each in self._regions]
        color = min(COLORS, key=used.count)
        self._set((*self._regions, NamedRegion(name, region, color)), len(self._regions))

    def remove(self, index: int) -> None:
        """Remove a region."""
        if 0 <= index < len(self._regions):
            rest = (*self._regions[:index], *self._regions[index + 1 :])
            self._set(rest, min(index, len(rest) - 1))

    def change(
        self,
        index: int,
        *,
        name: str | None = None,
        region: Region | None = None,
        color: str | None = None,
    ) -> None:
        """Change some properties of a region.

        Raises
        ------
        flimage.errors.InputError
            When the name is empty, or that of another region.
        """
        old = self._regions[index]
        if name is not None:
            name = name.strip()
            others = {each.name for i, each in enumerate(self._regions) if i != index}
            if not name or name in others:
                raise InputError(
                    f"Another region is called {name!r}; choose another name."
                    if name
                    else "A region needs a name; type one."
                )
        new = NamedRegion(name or old.name, region or old.region, color or old.color)
        if new != old:
            regions = list(self._regions)
            regions[index] = new
            self._set(tuple(regions), self._selected)

    def clear(self) -> None:
        """Remove all regions."""
        if self._regions:
            self._set((), -1)

    def to_list(self) -> list[dict[str, Any]]:
        """Return all regions as plain values that JSON can hold."""
        return [each.to_dict() for each in self._regions]

    def restore(self, stored: Iterable[dict[str, Any]]) -> None:
        """Take the regions that :meth:`to_list` returned.

        Raises
        ------
        flimage.errors.InputError
            When something is missing or wrong; the list stays as it is.
        """
        self._set(tuple(NamedRegion.from_dict(each) for each in stored), -1)

    def _set(self, regions: tuple[NamedRegion, ...], selected: int) -> None:
        self._regions, self._selected = regions, selected
        self.changed.emit()
