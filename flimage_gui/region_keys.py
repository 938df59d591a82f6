"""Regions by keys: put one on what is seen of the image, move it, make it larger or smaller."""

from __future__ import annotations

from collections.abc import Callable

from PyQt5.QtCore import QObject, QTimer

from flimage.recipe import Region

from .frame_view import FrameView
from .region_list import RegionList
from .region_tools import BACKGROUND, SIGNAL, RegionTools
from .session import Change, Session

__all__ = ["RegionKeys", "moved", "resized"]

#: Part of what is seen that a new region covers, across.
_NEW_PART = 0.25
#: Presses that follow each other within this time are one step of the history [ms].
_REST_MS = 700
#: Smallest width and height [px].
_LEAST = 1.0

Box = tuple[float, float, float, float]
How = Callable[[Region, tuple[float, float], tuple[int, int]], Region]


def _box(region: Region) -> Box:
    """Return left, top, right and bottom."""
    xs, ys = zip(*region.points, strict=True)
    return min(xs), min(ys), max(xs), max(ys)


def moved(region: Region, by: tuple[float, float], shape: tuple[int, int]) -> Region:
    """Return a region that lies elsewhere, but still on the image.

    Parameters
    ----------
    region
        A region with points.
    by
        How far to the right and down [px].
    shape
        Size of the image (y, x).
    """
    left, top, right, bottom = _box(region)
    dx = max(-left, min(by[0], shape[1] - right))
    dy = max(-top, min(by[1], shape[0] - bottom))
    return Region(region.kind, tuple((x + dx, y + dy) for x, y in region.points))


def resized(region: Region, by: tuple[float, float], shape: tuple[int, int]) -> Region:
    """Return a region whose right and lower edge lie elsewhere; see :func:`moved`."""
    left, top, right, bottom = _box(region)
    width, height = right - left, bottom - top
    across = max(_LEAST, min(width + by[0], shape[1] - left)) / max(width, _LEAST)
    down = max(_LEAST, min(height + by[1], shape[0] - top)) / max(height, _LEAST)
    points = tuple((left + (x - left) * across, top + (y - top) * down) for x, y in region.points)
    return Region(region.kind, points)


class RegionKeys(QObject):
    """Changes as keys ask for it the region that was put or selected last.

    Parameters
    ----------
    session
        The open recording.
    regions
        Its named regions.
    tools
        Its signal and its background region.
    view
        Where they are seen.
    """

    def __init__(
        self, session: Session, regions: RegionList, tools: RegionTools, view: FrameView
    ) -> None:
        super().__init__(view)
        self._session = session
        self._regions = regions
        self._tools = tools
        self._view = view
        #: Purpose of the region that the keys change; none for a named one.
        self._purpose = ""
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(_REST_MS)
        self._timer.timeout.connect(regions.end_drag)
        regions.changed.connect(self._on_regions_changed)
        session.changed.connect(self._on_session_changed)

    def add(self) -> None:
        """Put a named rectangle into the middle of the part of the image that is seen."""
        self._regions.add(self._rectangle(corner=False))

    def take_signal(self) -> None:
        """Let the keys change the signal region; where none is drawn, put one into the middle."""
        self._take(SIGNAL, corner=False)

    def take_background(self) -> None:
        """Let the keys change the background region; where none is drawn, put one into a corner."""
        self._take(BACKGROUND, corner=True)

    def _take(self, purpose: str, corner: bool) -> None:
        if self._session.source is None:
            return
        self._regions.select(-1)
        self._tools.shown = True
        if self._tools.drawn(purpose) is None:
            self._tools.set_drawn(purpose, self._rectangle(corner))
        self._purpose = purpose

    def _rectangle(self, corner: bool) -> Region:
        """Return a rectangle in the middle of what is seen, or in its upper left corner."""
        height, width = self._session.shape
        seen = self._view.box.viewRect()
        left, right = max(0.0, seen.left()), min(float(width), seen.right())
        top, bottom = max(0.0, seen.top()), min(float(height), seen.bottom())
        reach = max(1, round(_NEW_PART * min(right - left, bottom - top) / 2))
        x, y = round((left + right) / 2), round((top + bottom) / 2)
        if corner:
            x, y = round(left) + reach, round(top) + reach
        corners = ((x - reach, y - reach), (x + reach, y + reach))
        return moved(Region("rectangle", corners), (0, 0), (height, width))

    def move(self, dx: int, dy: int) -> None:
        """Move the selected region [px]; where there is none, add one."""
        self._change(moved, (dx, dy))

    def resize(self, dx: int, dy: int) -> None:
        """Make the selected region wider and higher [px]; where there is none, add one."""
        self._change(resized, (dx, dy))

    def _change(self, how: How, by: tuple[int, int]) -> None:
        drawn = self._tools.drawn(self._purpose) if self._purpose else None
        if drawn is not None:
            self._tools.drag(self._purpose, how(drawn, by, self._session.shape))
            self._timer.start()
            return
        regions = self._regions
        if not regions.regions:
            self.add()
            return
        if regions.selected < 0:
            regions.select(len(regions.regions) - 1)
        index = regions.selected
        region = regions.regions[index].region
        if region.points:
            regions.drag(index, how(region, by, self._session.shape))
            # Until the person rests, all of it is one step.
            self._timer.start()

    def _on_regions_changed(self) -> None:
        if self._regions.selected >= 0:
            self._purpose = ""

    def _on_session_changed(self, change: Change) -> None:
        if change & Change.RECORDING:
            self._purpose = ""
