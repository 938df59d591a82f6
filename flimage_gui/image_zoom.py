"""Which part of the image is seen, and how large."""

from __future__ import annotations

from typing import Any

import pyqtgraph as pg
from PyQt5.QtCore import QRectF

__all__ = ["ImageZoom"]

#: How much one press of + or − zooms.
ZOOM_FACTOR = 1.4


class ImageZoom:
    """Zooms the image of a view, and keeps the whole of it in view until a person zooms.

    Parameters
    ----------
    box
        View box of the image, in which one unit is one pixel.
    graphics
        Widget that shows the box.
    """

    def __init__(self, box: pg.ViewBox, graphics: pg.GraphicsView) -> None:
        self._box = box
        self._graphics = graphics
        self._shape = (0, 0)
        self._fits = True
        box.sigRangeChangedManually.connect(self._on_box_moved)

    @property
    def fits(self) -> bool:
        """Whether the whole image is kept in view."""
        return self._fits

    def start(self, shape: tuple[int, int]) -> None:
        """Show the whole of an image of another recording.

        Parameters
        ----------
        shape
            Of the image (y, x) [px].
        """
        self._shape = height, width = shape
        # Far enough to see a small image at 100 %, and not so far that it gets lost.
        margin = max(height, width, 2000)
        self._box.setLimits(
            xMin=-margin,
            xMax=width + margin,
            yMin=-margin,
            yMax=height + margin,
            minXRange=min(4.0, width),
            minYRange=min(4.0, height),
        )
        self.fit()

    def fit(self) -> None:
        """Show the whole image, also after the window was resized."""
        self._fits = True
        height, width = self._shape
        if height and width:
            self._box.setRange(QRectF(0, 0, width, height), padding=0.02)
            self._box.enableAutoRange()

    def hold(self) -> None:
        """Keep the part of the image that is seen when the window is resized."""
        self._fits = False
        self._box.disableAutoRange()

    def enlarge(self) -> None:
        """Zoom in on the middle."""
        self._scale(1 / ZOOM_FACTOR)

    def reduce(self) -> None:
        """Zoom out from the middle."""
        self._scale(ZOOM_FACTOR)

    def original(self) -> None:
        """Show one image pixel on one screen pixel."""
        pixel_width, _ = self._box.viewPixelSize()
        self._scale(1.0 / (pixel_width * self._graphics.devicePixelRatioF()))

    def _scale(self, factor: float) -> None:
        if factor > 0:
            self.hold()
            self._box.scaleBy((factor, factor))

    def _on_box_moved(self, *_: Any) -> None:
        self._fits = False
