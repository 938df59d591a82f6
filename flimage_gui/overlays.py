"""What is drawn over the image: the border that holds the background."""

from __future__ import annotations

from typing import Any

import pyqtgraph as pg
from PyQt5.QtCore import QRect, QRectF, Qt
from PyQt5.QtGui import QBrush, QColor, QPainter, QPainterPath

__all__ = ["BorderItem"]

#: Yellow is told from gray, green and the dark ends of all maps, and by colour-blind people.
COLOR = QColor(255, 196, 0)


class BorderItem(pg.GraphicsObject):
    """Hatches the pixels within some distance of the image's edge."""

    def __init__(self) -> None:
        super().__init__()
        self._shape = (0, 0)
        self._border = 0
        self.setZValue(10)
        self.setAcceptedMouseButtons(Qt.MouseButton.NoButton)

    @property
    def border(self) -> int:
        """Width of the border [px]."""
        return self._border

    def show_border(self, shape: tuple[int, int], border: int) -> None:
        """Draw the border of an image of `shape` (y, x); 0 draws nothing."""
        if (shape, border) != (self._shape, self._border):
            self.prepareGeometryChange()
            self._shape, self._border = shape, border
            self.update()

    def boundingRect(self) -> QRectF:  # noqa: N802 - Qt's name
        """Return the rectangle of the image."""
        return QRectF(0, 0, self._shape[1], self._shape[0])

    def paint(self, painter: QPainter, *args: Any) -> None:
        """Draw in screen pixels, so that hatching looks the same at every zoom."""
        if self._border <= 0:
            return
        outer = self.boundingRect()
        inner = outer.adjusted(self._border, self._border, -self._border, -self._border)
        to_screen = painter.transform()
        painter.save()
        painter.resetTransform()
        frame = QPainterPath()
        frame.addRect(to_screen.mapRect(outer))
        if inner.width() > 0 and inner.height() > 0:
            frame.addRect(to_screen.mapRect(inner))
        hatch = QColor(COLOR)
        hatch.setAlpha(70)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QBrush(hatch, Qt.BrushStyle.BDiagPattern))
        painter.drawPath(frame)
        if inner.width() > 0 and inner.height() > 0:
            edge = to_screen.mapRect(inner).toRect()
            # Filled, because a pen is drawn over one or two pixels as it happens to fall.
            painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
            for side in (
                QRect(edge.left(), edge.top(), edge.width(), 1),
                QRect(edge.left(), edge.bottom(), edge.width(), 1),
                QRect(edge.left(), edge.top(), 1, edge.height()),
                QRect(edge.right(), edge.top(), 1, edge.height()),
            ):
                painter.fillRect(side, COLOR)
        painter.restore()
