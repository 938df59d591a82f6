"""The named regions, and the line of the profile, on the image."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyqtgraph as pg
from PyQt5.QtCore import QObject, pyqtSignal
from PyQt5.QtGui import QColor

from flimage.recipe import Region

from .region_item import RegionItem
from .region_list import RegionList

if TYPE_CHECKING:
    from .drawing import Drawing
    from .frame_view import FrameView

__all__ = ["RegionMarkers"]

#: Purposes of drawing.
NAMED, PROFILE = "named", "profile"
Line = tuple[tuple[float, float], tuple[float, float]]


class RegionMarkers(QObject):
    """Keeps the items on the image and the list of regions the same.

    Parameters
    ----------
    regions
        What is shown.
    view
        Where it is shown.
    drawing
        How new ones are drawn.
    """

    #: ends of the line ((x, y), (x, y)), or None when there is none
    line_changed = pyqtSignal(object)

    def __init__(self, regions: RegionList, view: FrameView, drawing: Drawing) -> None:
        super().__init__(view)
        self._regions = regions
        self._box = view.box
        self._drawing = drawing
        self.items: list[RegionItem] = []
        self.line: pg.LineSegmentROI | None = None
        regions.changed.connect(self._refresh)
        drawing.drawn.connect(self._on_drawing_drawn)

    def draw(self, kind: str) -> None:
        """Let the person draw another region."""
        self._drawing.start(NAMED, kind)

    def draw_line(self) -> None:
        """Let the person draw the line of the profile."""
        self._drawing.start(PROFILE, "line")

    def remove_line(self) -> None:
        """Remove the line of the profile."""
        if self.line is not None:
            self._box.removeItem(self.line)
            self.line = None
            self.line_changed.emit(None)

    def _on_drawing_drawn(self, purpose: str, drawn: object) -> None:
        if purpose == NAMED and isinstance(drawn, Region):
            self._regions.add(drawn)
        elif purpose == PROFILE and isinstance(drawn, tuple):
            self._show_line(drawn)

    def _show_line(self, ends: Line) -> None:
        self.remove_line()
        pen, hover = pg.mkPen("#ffffff", width=2), pg.mkPen("#ffc400", width=3)
        line = pg.LineSegmentROI(ends, pen=pen, hoverPen=hover, handlePen=hover)
        line.setZValue(25)
        self._box.addItem(line, ignoreBounds=True)
        line.sigRegionChanged.connect(self._on_line_moved)
        self.line = line
        self._on_line_moved()

    def _on_line_moved(self, *_: object) -> None:
        if self.line is not None:
            places = [self.line.mapToParent(p) for _, p in self.line.getLocalHandlePositions()]
            self.line_changed.emit(tuple((p.x(), p.y()) for p in places))

    def _refresh(self) -> None:
        regions = self._regions.regions
        while len(self.items) > len(regions):
            self._box.removeItem(self.items.pop())
        while len(self.items) < len(regions):
            item, index = RegionItem(QColor("#ffffff")), len(self.items)
            item.edited.connect(lambda region, i=index: self._on_item_edited(i, region))
            item.released.connect(self._regions.end_drag)
            item.clicked.connect(lambda i=index: self._regions.select(i))
            self._box.addItem(item, ignoreBounds=True)
            self.items.append(item)
        for index, (item, each) in enumerate(zip(self.items, regions, strict=True)):
            item.show_region(each.region)
            item.show_look(QColor(each.color), each.name, index == self._regions.selected)

    def _on_item_edited(self, index: int, region: Region) -> None:
        self._regions.select(index)
        self._regions.drag(index, region)
