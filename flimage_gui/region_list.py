"""The named regions of a recording; the one list that image, table and plot share (no widgets)."""

from __future__ import annotations

import itertools

from PyQt5.QtCore import QObject, pyqtSignal

from flimage.errors import InputError
from flimage.recipe import Region
from flimage.region_traces import NamedRegion

from .session import Change, Session

__all__ = ["COLORS", "RegionList"]

#: Hues of Okabe and Ito, "Color Universal Design" (2008), which colour-blind people tell apart;
#: without their orange and yellow, which the border on the image has.
COLORS = ("#56b4e9", "#cc79a7", "#009e73", "#d55e00", "#0072b2")


class RegionList(QObject):
    """Named regions of a session, in the order in which they were drawn, and which is selected.

    The regions belong to the session's history; which one is selected does not.

    Parameters
    ----------
    session
        The open recording.
    parent
        Qt parent.
    """

    #: regions or selection are different now
    changed = pyqtSignal()

    def __init__(self, session: Session, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._selected = -1
        session.changed.connect(self._on_session_changed)

    @property
    def regions(self) -> tuple[NamedRegion, ...]:
        """All regions."""
        return self._session.regions

    @property
    def selected(self) -> int:
        """Number of the selected region; -1 for none."""
        return self._selected

    def select(self, index: int) -> None:
        """Select a region; -1 for none."""
        index = index if 0 <= index < len(self.regions) else -1
        if index != self._selected:
            self._selected = index
            self.changed.emit()

    def add(self, region: Region) -> None:
        """Add a region with a name and a colour of its own, and select it."""
        names = {each.name for each in self.regions}
        name = next(n for i in itertools.count(1) if (n := f"Region {i}") not in names)
        used = [each.color for each in self.regions]
        color = min(COLORS, key=used.count)
        number = len(self.regions)
        self._set((*self.regions, NamedRegion(name, region, color)), number, f"Draw {name}")

    def remove(self, index: int) -> None:
        """Remove a region."""
        regions = self.regions
        if 0 <= index < len(regions):
            rest = (*regions[:index], *regions[index + 1 :])
            self._set(rest, min(index, len(rest) - 1), f"Delete {regions[index].name}")

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
        old = self.regions[index]
        label = f"Move {old.name}" if region is not None else f"Colour {old.name}"
        if name is not None:
            name = name.strip()
            others = {each.name for i, each in enumerate(self.regions) if i != index}
            if not name or name in others:
                raise InputError(
                    f"Another region is called {name!r}; choose another name."
                    if name
                    else "A region needs a name; type one."
                )
            label = f"Rename {old.name} to {name}"
        new = NamedRegion(name or old.name, region or old.region, color or old.color)
        if new != old:
            regions = list(self.regions)
            regions[index] = new
            self._set(tuple(regions), self._selected, label)

    def drag(self, index: int, region: Region) -> None:
        """Move or reshape a region while the mouse is held; :meth:`end_drag` ends the step."""
        self.change(index, region=region)
        self._session.hold_step()

    def end_drag(self) -> None:
        """Let what is done next be a step of its own."""
        self._session.release_step()

    def clear(self) -> None:
        """Remove all regions."""
        self._set((), -1, "Delete all regions")

    def _set(self, regions: tuple[NamedRegion, ...], selected: int, label: str) -> None:
        # Before the regions change, so that whoever hears of them sees both.
        self._selected = selected
        self._session.set_regions(regions, label)

    def _on_session_changed(self, change: Change) -> None:
        if change & (Change.REGIONS | Change.RECORDING):
            if change & Change.RECORDING or self._selected >= len(self.regions):
                self._selected = -1
            self.changed.emit()
