"""The image in the frame view: converts only what the screen can show, quick enough to scrub."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pyqtgraph as pg
from PyQt5.QtCore import QPointF, QRectF
from PyQt5.QtGui import QImage, QPainter

from .colormaps import DEFAULT
from .pixels import color_list, to_indices

__all__ = ["FrameImageItem"]


class FrameImageItem(pg.ImageItem):
    """An image item for two-dimensional images that are replaced all the time.

    Only the part in view is converted, and no more pixels of it than the screen has.
    """

    def __init__(self) -> None:
        super().__init__(axisOrder="row-major")
        #: What lies to the right of this column is not drawn; None draws everything.
        self.cut: float | None = None
        self._table: list[int] = []
        self._range = (0.0, 1.0)
        self._saturation: float | None = None
        self._indices: np.ndarray | None = None
        self._qimage: QImage | None = None
        #: Part of the image in `_qimage`: first and last row and column, step.
        self._part: tuple[int, int, int, int, int] | None = None
        self.set_colors(DEFAULT)

    def show_image(
        self, image: np.ndarray, levels: tuple[float, float], saturation: float | None = None
    ) -> None:
        """Show `image` (y, x) with the values `levels` in the first and last colour."""
        resized = self.image is None or self.image.shape != image.shape
        self._range, self._saturation = levels, saturation
        self.image: np.ndarray | None
        # The base class would look for levels and make a histogram; both are known here.
        self.image = image
        self._qimage = None
        if resized:
            self.prepareGeometryChange()
            self.informViewBoundsChanged()
        self.update()

    def set_saturation(self, saturation: float | None) -> None:
        """Mark values from `saturation` on; None marks none."""
        if saturation != self._saturation:
            self._saturation = saturation
            self._qimage = None
            self.update()

    def set_levels(self, levels: tuple[float, float]) -> None:
        """Show the same image with other levels."""
        if levels != self._range:
            self._range = levels
            self._qimage = None
            self.update()

    def set_colors(self, name: str) -> None:
        """Choose the colour map."""
        self._table = color_list(name)
        if self._qimage is not None:
            self._qimage.setColorTable(self._table)
        self.update()

    def viewTransformChanged(self) -> None:  # noqa: N802 - pyqtgraph's name
        """Convert again when another part or another size of the image comes into view."""
        if self._part is not None and self._part != self._visible_part():
            self._qimage = None
            self.update()

    def paint(self, painter: QPainter, *args: Any) -> None:
        """Draw the part in view."""
        if self.image is None:
            return
        if self._qimage is None:
            self.render()
        if self._qimage is None or self._part is None:
            return
        top, bottom, left, right, step = self._part
        rows, columns = self._qimage.height(), self._qimage.width()
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, False)
        # The last row and column may stand for fewer pixels; they are drawn in full size there,
        # and cut off where the image ends.
        end = right if self.cut is None else min(float(right), max(float(left), self.cut))
        painter.setClipRect(QRectF(left, top, end - left, bottom - top))
        painter.drawImage(QRectF(left, top, columns * step, rows * step), self._qimage)
        painter.restore()

    def render(self) -> None:
        """Convert the part in view."""
        part = self._visible_part()
        if self.image is None or part is None:
            self._qimage = self._part = None
            return
        top, bottom, left, right, step = self._part = part
        shown = self.image[top:bottom:step, left:right:step]
        indices = np.ascontiguousarray(to_indices(shown, *self._range, self._saturation))
        height, width = indices.shape
        # QImage does not copy: the array has to live as long as it.
        self._indices = indices
        self._qimage = QImage(indices.data, width, height, width, QImage.Format.Format_Indexed8)
        self._qimage.setColorTable(self._table)

    def _visible_part(self) -> tuple[int, int, int, int, int] | None:
        if self.image is None:
            return None
        height, width = self.image.shape
        origin = self.mapToDevice(QPointF(0, 0))
        unit = self.mapToDevice(QPointF(1, 0))
        if origin is None or unit is None:
            return (0, height, 0, width, 1)
        size = math.hypot(unit.x() - origin.x(), unit.y() - origin.y())
        widget = self.getViewWidget()
        if widget is not None:
            size *= widget.devicePixelRatioF()
        step = max(1, int(1 / size)) if size > 0 else 1
        box = self.getViewBox()
        if box is None:
            return (0, height, 0, width, step)
        seen = self.mapRectFromView(box.viewRect())
        if seen is None:
            return (0, height, 0, width, step)
        seen = seen.normalized()
        # Parts are taken in steps, so that moving the view does not convert again each time.
        grid = 64 * step
        top = max(0, int(seen.top()) // grid * grid)
        left = max(0, int(seen.left()) // grid * grid)
        bottom = min(height, -(-math.ceil(seen.bottom()) // grid) * grid)
        right = min(width, -(-math.ceil(seen.right()) // grid) * grid)
        if bottom <= top or right <= left:
            return None
        return (top, bottom, left, right, step)
