"""Scale bar and time stamp, drawn over the image and part of its picture (no session)."""

from __future__ import annotations

import math
from typing import Any

import pyqtgraph as pg
from PyQt5.QtCore import QPointF, QRectF, Qt
from PyQt5.QtGui import QColor, QFont, QPainter, QPainterPath, QPen

from flimage.quantities import format_quantity

__all__ = ["Annotations", "scale_bar_length"]

#: The scale bar is at most this part of what is seen of the image.
_LARGEST_PART = 0.3
_MARGIN = 14.0
_THICKNESS = 5.0


def scale_bar_length(seen: float) -> float:
    """Return a length with one digit, 1, 2 or 5, that suits what is seen.

    Parameters
    ----------
    seen
        Width of what is seen, in any unit.

    Returns
    -------
    float
        At most 0.3 of it, in the same unit; 0 where nothing is seen.
    """
    if not (math.isfinite(seen) and seen > 0):
        return 0.0
    limit = seen * _LARGEST_PART
    power = 10.0 ** math.floor(math.log10(limit))
    # Rounding must not keep back a length that fits exactly.
    return max(d * power for d in (1.0, 2.0, 5.0) if d * power <= limit * (1 + 1e-9))


class Annotations(pg.GraphicsObject):
    """Writes on the part of the image that is seen, at a size that does not depend on the zoom.

    Parameters
    ----------
    box
        View box with the image.
    """

    def __init__(self, box: Any) -> None:
        super().__init__()
        self._box = box
        self._shape = (0, 0)
        self._pixel_size: float | None = None
        self._time = ""
        self._shows_scale = self._shows_time = False
        self.setParentItem(box)
        self.setZValue(500)
        self.setAcceptedMouseButtons(Qt.MouseButton.NoButton)
        box.sigRangeChanged.connect(self._on_box_changed)
        box.sigResized.connect(self._on_box_changed)

    # ------------------------------------------------------------------ what is shown

    def show_image(self, shape: tuple[int, int], pixel_size: float | None) -> None:
        """Tell the size of the image (y, x) and of its pixels [m]."""
        if (shape, pixel_size) != (self._shape, self._pixel_size):
            self._shape, self._pixel_size = shape, pixel_size
            self.update()

    def show_time(self, text: str) -> None:
        """Tell the time of the frame."""
        if text != self._time:
            self._time = text
            if self._shows_time:
                self.update()

    @property
    def shows_scale(self) -> bool:
        """Whether the scale bar is shown."""
        return self._shows_scale

    @shows_scale.setter
    def shows_scale(self, shows: bool) -> None:
        self._shows_scale = shows
        self.update()

    @property
    def shows_time(self) -> bool:
        """Whether the time stamp is shown."""
        return self._shows_time

    @shows_time.setter
    def shows_time(self, shows: bool) -> None:
        self._shows_time = shows
        self.update()

    def seen(self) -> QRectF:
        """Return the part of the image that is seen, in coordinates of the view box."""
        image = QRectF(0, 0, self._shape[1], self._shape[0])
        part = image.intersected(QRectF(self._box.viewRect()))
        if part.isEmpty():
            return QRectF()
        return QRectF(
            self._box.mapFromView(part.topLeft()), self._box.mapFromView(part.bottomRight())
        ).normalized()

    def scale_bar(self) -> tuple[float, str] | None:
        """Return length [screen pixels] and text of the scale bar; None where there is none."""
        seen = self.seen()
        if not self._shows_scale or not self._pixel_size or seen.isEmpty():
            return None
        per_pixel = self._box.viewPixelSize()[0] * self._pixel_size
        length = scale_bar_length(seen.width() * per_pixel)
        return (length / per_pixel, format_quantity(length, "m")) if length > 0 else None

    # ------------------------------------------------------------------ drawing

    def boundingRect(self) -> QRectF:  # noqa: N802 - Qt's name
        """Return the rectangle of the view box."""
        return QRectF(self._box.rect())

    def shape(self) -> QPainterPath:
        """Return nothing: the mouse passes through."""
        return QPainterPath()

    def _on_box_changed(self, *_: Any) -> None:
        self.prepareGeometryChange()
        self.update()

    def paint(self, painter: QPainter, *args: Any) -> None:
        """Draw white on a dark rim, so that it is seen on any image."""
        seen = self.seen()
        if seen.width() < 60 or seen.height() < 40:
            return
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        font = QFont(painter.font())
        font.setBold(True)
        if font.pointSizeF() > 0:
            font.setPointSizeF(font.pointSizeF() * 1.15)
        painter.setFont(font)
        bar = self.scale_bar()
        if bar is not None:
            length, text = bar
            rect = QRectF(
                seen.right() - _MARGIN - length,
                seen.bottom() - _MARGIN - _THICKNESS,
                length,
                _THICKNESS,
            )
            painter.setPen(QPen(QColor(0, 0, 0, 150), 2))
            painter.setBrush(Qt.GlobalColor.white)
            painter.drawRect(rect)
            painter.fillRect(rect, Qt.GlobalColor.white)
            width = painter.fontMetrics().horizontalAdvance(text)
            _write(painter, QPointF(rect.center().x() - width / 2, rect.top() - 7), text)
        elif self._shows_scale and not self._pixel_size:
            # Said where the bar would be: otherwise the switch would seem to do nothing.
            text = "pixel size unknown"
            width = painter.fontMetrics().horizontalAdvance(text)
            _write(painter, seen.bottomRight() - QPointF(width + _MARGIN, _MARGIN), text)
        if self._shows_time and self._time:
            ascent = painter.fontMetrics().ascent()
            _write(painter, seen.topLeft() + QPointF(_MARGIN, _MARGIN + ascent), self._time)


def _write(painter: QPainter, place: QPointF, text: str) -> None:
    path = QPainterPath()
    path.addText(place, painter.font(), text)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.setPen(QPen(QColor(0, 0, 0, 160), 3))
    painter.drawPath(path)
    painter.fillPath(path, Qt.GlobalColor.white)
