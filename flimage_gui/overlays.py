"""What is drawn over the image: the border that holds the background."""

from __future__ import annotations

from typing import Any

import pyqtgraph as pg
from PyQt5.QtCore import QPoint, QPointF, QRect, QRectF, Qt, pyqtSignal
from PyQt5.QtGui import QBrush, QColor, QPainter, QPainterPath

__all__ = ["BorderItem"]

#: Yellow is told from gray, green and the dark ends of all maps, and by colour-blind people.
COLOR = QColor(255, 196, 0)
#: How near the pointer has to be to the border's inner edge to drag it [screen pixels].
_GRAB = 5.0


class BorderItem(pg.GraphicsObject):
    """Hatches the pixels within some distance of the image's edge; its inner edge is dragged."""

    #: Width that the inner edge was dragged to [px], at least 1.
    dragged = pyqtSignal(int)
    #: The edge was let go.
    released = pyqtSignal()

    def __init__(self) -> None:
        super().__init__()
        self._shape = (0, 0)
        self._border = 0
        #: Side that is dragged, as in :meth:`_widths`; None while none is.
        self._side: int | None = None
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

    def _inner(self) -> QRectF:
        width = self._border
        return self.boundingRect().adjusted(width, width, -width, -width)

    def shape(self) -> QPainterPath:
        """Return what the mouse can take hold of: the inner edge."""
        path = QPainterPath()
        if self._border > 0:
            grab = _GRAB * float(self.pixelWidth() or 0)
            inner = self._inner()
            path.addRect(inner.adjusted(-grab, -grab, grab, grab) & self.boundingRect())
            hole = inner.adjusted(grab, grab, -grab, -grab)
            if hole.width() > 0 and hole.height() > 0:
                path.addRect(hole)
        return path

    def _widths(self, place: QPointF) -> tuple[float, float, float, float]:
        """Return how far a place is from the left, right, top and bottom of the image [px]."""
        height, width = self._shape
        return place.x(), width - place.x(), place.y(), height - place.y()

    def _nearest_side(self, place: QPointF) -> int:
        off = [abs(width - self._border) for width in self._widths(place)]
        return off.index(min(off))

    def hoverEvent(self, event: Any) -> None:  # noqa: N802 - pyqtgraph's name
        """Show that the edge can be dragged."""
        if event.isExit() or not event.acceptDrags(Qt.MouseButton.LeftButton):
            self.unsetCursor()
        else:
            across = self._nearest_side(event.pos()) < 2
            self.setCursor(Qt.CursorShape.SizeHorCursor if across else Qt.CursorShape.SizeVerCursor)

    def mouseDragEvent(self, event: Any) -> None:  # noqa: N802 - pyqtgraph's name
        """Make the border as wide as the edge is dragged."""
        if event.button() != Qt.MouseButton.LeftButton or self._border <= 0:
            event.ignore()
            return
        event.accept()
        if event.isStart():
            self._side = self._nearest_side(event.buttonDownPos())
        if self._side is not None:
            self.dragged.emit(max(1, round(self._widths(event.pos())[self._side])))
        if event.isFinish():
            self._side = None
            self.released.emit()
            self.update()

    def paint(self, painter: QPainter, *args: Any) -> None:
        """Draw in screen pixels, so that hatching looks the same at every zoom."""
        if self._border <= 0:
            return
        outer = self.boundingRect()
        inner = self._inner()
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
            if self._side is not None:
                painter.setPen(COLOR)
                painter.drawText(edge.topLeft() + QPoint(6, 16), f"{self._border} px")
        painter.restore()
