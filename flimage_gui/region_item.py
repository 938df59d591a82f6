"""A region drawn over the image, which can be moved and reshaped with the mouse (no session)."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyqtgraph as pg
from PyQt5.QtCore import QPointF, QRectF, Qt, pyqtSignal
from PyQt5.QtGui import QColor, QFont, QPainter, QPainterPath, QPen, QPolygonF, QTransform

from flimage.recipe import Region

__all__ = ["DRAWN_KINDS", "OutlineItem", "RegionItem", "outline_segments", "region_path"]

#: Kinds of regions that are drawn.
DRAWN_KINDS = ("rectangle", "ellipse", "polygon")
#: Polygons with more vertices were drawn freehand: they are moved, but not reshaped.
_MOST_HANDLES = 40
#: Half the size of a handle, and how near the pointer has to be to it [screen pixels].
_HANDLE, _GRAB = 4.0, 8.0


def region_path(region: Region) -> QPainterPath:
    """Return the outline of a drawn region in image coordinates; empty for other kinds."""
    path = QPainterPath()
    if region.kind in ("rectangle", "ellipse"):
        (xa, ya), (xb, yb) = region.points
        rect = QRectF(QPointF(xa, ya), QPointF(xb, yb)).normalized()
        if region.kind == "rectangle":
            path.addRect(rect)
        else:
            path.addEllipse(rect)
    elif region.kind == "polygon":
        path.addPolygon(QPolygonF([QPointF(x, y) for x, y in region.points]))
        path.closeSubpath()
    return path


def outline_segments(mask: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the edges between the pixels of a mask (y, x) and all others.

    Parameters
    ----------
    mask
        bool.

    Returns
    -------
    x, y : numpy.ndarray
        Image coordinates; each two in succession are the ends of a straight line.
    """
    steps = np.pad(mask, 1).astype(np.int8)
    found = []
    for edges in (np.diff(steps, axis=0), np.diff(steps, axis=1).T):
        # Row k lies before pixel k; neighbouring edges of one kind make one line.
        rows, columns = np.nonzero(edges)
        kinds = edges[rows, columns]
        new = np.ones(rows.size, dtype=bool)
        new[1:] = (np.diff(rows) != 0) | (np.diff(columns) != 1) | (np.diff(kinds) != 0)
        firsts = np.flatnonzero(new)
        lasts = np.append(firsts[1:], rows.size)[: firsts.size] - 1
        along = np.stack([columns[firsts] - 1.0, columns[lasts] + 0.0], axis=1).ravel()
        found.append((along, np.repeat(rows[firsts], 2).astype(float)))
    (across_x, across_y), (down_y, down_x) = found
    return np.concatenate([across_x, down_x]), np.concatenate([across_y, down_y])


def _pen(color: QColor, width: float) -> QPen:
    pen = QPen(color, width)
    pen.setCosmetic(True)
    pen.setJoinStyle(Qt.PenJoinStyle.RoundJoin)
    return pen


class OutlineItem(pg.GraphicsObject):
    """The outline of a set of pixels; it takes no part in what the mouse does.

    Parameters
    ----------
    color
        Colour of the line.
    """

    def __init__(self, color: QColor) -> None:
        super().__init__()
        self._color = color
        self._path = QPainterPath()
        self.setZValue(9)
        self.setAcceptedMouseButtons(Qt.MouseButton.NoButton)

    def show_segments(self, x: np.ndarray, y: np.ndarray) -> None:
        """Draw lines from :func:`outline_segments`; none where the arrays are empty."""
        self.prepareGeometryChange()
        self._path = pg.arrayToQPath(x, y, connect="pairs") if len(x) else QPainterPath()
        self.update()

    @property
    def path(self) -> QPainterPath:
        """What is drawn, in image coordinates."""
        return self._path

    def boundingRect(self) -> QRectF:  # noqa: N802 - Qt's name
        """Return the rectangle of the path."""
        return self._path.boundingRect().adjusted(-1, -1, 1, 1)

    def shape(self) -> QPainterPath:
        """Return nothing: the mouse passes through."""
        return QPainterPath()

    def paint(self, painter: QPainter, *args: Any) -> None:
        """Draw thin lines: of those, thousands are drawn in no time."""
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
        painter.setPen(_pen(self._color, 1.0))
        painter.drawPath(self._path)


class RegionItem(pg.GraphicsObject):
    """A drawn region with handles.

    Drag it to move it, drag a handle to reshape it.

    Parameters
    ----------
    color
        Colour of the outline.
    name
        Written beside the region; empty for nothing.
    """

    #: Region, while it is being dragged
    edited = pyqtSignal(object)
    #: the mouse button was released after dragging
    released = pyqtSignal()
    #: the region was clicked
    clicked = pyqtSignal()

    def __init__(self, color: QColor, name: str = "") -> None:
        super().__init__()
        self._region = Region()
        self._color = QColor(color)
        self._name = name
        self._active = True
        self._hovered = False
        #: what is dragged: a handle, or None for the whole
        self._grabbed: int | None = None
        self._points_before: tuple[tuple[float, float], ...] = ()
        self.setZValue(20)

    # ------------------------------------------------------------------ what is shown

    @property
    def region(self) -> Region:
        """The region; of kind ``"auto"`` while nothing is drawn."""
        return self._region

    def show_region(self, region: Region) -> None:
        """Draw a region; kinds that are not drawn show nothing."""
        shown = region if region.kind in DRAWN_KINDS else Region()
        if shown != self._region:
            self.prepareGeometryChange()
            self._region = shown
            self.update()

    def show_look(self, color: QColor, name: str, active: bool = True) -> None:
        """Draw in a colour, with a name; only an active region has handles."""
        if (color, name, active) != (self._color, self._name, self._active):
            self.prepareGeometryChange()
            self._color, self._name, self._active = QColor(color), name, active
            self.update()

    def handles(self) -> list[QPointF]:
        """Return where the handles are, in image coordinates."""
        points = self._region.points
        if not self._active or len(points) > _MOST_HANDLES:
            return []
        if self._region.kind in ("rectangle", "ellipse"):
            (xa, ya), (xb, yb) = points
            return [QPointF(x, y) for x, y in ((xa, ya), (xb, ya), (xb, yb), (xa, yb))]
        return [QPointF(x, y) for x, y in points]

    # ------------------------------------------------------------------ geometry

    def _screen_unit(self) -> float:
        """Return the size of a screen pixel in image pixels."""
        transform = self.sceneTransform()
        scale = abs(transform.m11()) or 1.0
        return 1.0 / scale

    def boundingRect(self) -> QRectF:  # noqa: N802 - Qt's name
        """Return the rectangle of region, handles and name."""
        if not self._region.points:
            return QRectF()
        unit = self._screen_unit()
        room = (_GRAB + 2) * unit
        rect = region_path(self._region).boundingRect().adjusted(-room, -room, room, room)
        if self._name:
            rect = rect.adjusted(0, -20 * unit, 250 * unit, 0)
        return rect

    def shape(self) -> QPainterPath:
        """Return where the mouse takes hold of the region."""
        path = region_path(self._region)
        size = _GRAB * self._screen_unit()
        path.setFillRule(Qt.FillRule.WindingFill)
        for handle in self.handles():
            path.addEllipse(handle, size, size)
        return path

    def viewTransformChanged(self) -> None:  # noqa: N802 - pyqtgraph's name
        """Keep handles and name at their size on the screen."""
        self.prepareGeometryChange()
        super().viewTransformChanged()

    def paint(self, painter: QPainter, *args: Any) -> None:
        """Draw outline, handles and name."""
        if not self._region.points:
            return
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        path = region_path(self._region)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        for color, width in (
            (QColor(0, 0, 0, 120), 3.4 if self._active else 2.8),
            (self._color, 2.2 if self._hovered else 1.5),
        ):
            painter.setPen(_pen(color, width))
            painter.drawPath(path)
        to_screen: QTransform = painter.transform()
        handles = [to_screen.map(point) for point in self.handles()]
        corner = to_screen.mapRect(path.boundingRect()).topLeft()
        painter.save()
        painter.resetTransform()
        painter.setPen(QPen(QColor(0, 0, 0, 160), 1))
        painter.setBrush(self._color)
        for handle in handles:
            painter.drawRect(
                QRectF(handle.x() - _HANDLE, handle.y() - _HANDLE, 2 * _HANDLE, 2 * _HANDLE)
            )
        if self._name:
            self._paint_name(painter, corner)
        painter.restore()

    def _paint_name(self, painter: QPainter, corner: QPointF) -> None:
        font = QFont(painter.font())
        font.setBold(True)
        painter.setFont(font)
        path = QPainterPath()
        path.addText(corner + QPointF(0, -6), font, self._name)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(QPen(QColor(0, 0, 0, 150), 3))
        painter.drawPath(path)
        painter.fillPath(path, self._color)

    # ------------------------------------------------------------------ mouse

    def _handle_at(self, place: QPointF) -> int | None:
        reach = _GRAB * self._screen_unit()
        nearest, distance = None, reach
        for number, handle in enumerate(self.handles()):
            away = max(abs(handle.x() - place.x()), abs(handle.y() - place.y()))
            if away <= distance:
                nearest, distance = number, away
        return nearest

    def hoverEvent(self, event: Any) -> None:  # noqa: N802 - pyqtgraph's name
        """Show that the region can be dragged."""
        over = not event.isExit() and event.acceptDrags(Qt.MouseButton.LeftButton)
        if over:
            event.acceptClicks(Qt.MouseButton.LeftButton)
            on_handle = self._handle_at(event.pos()) is not None
            self.setCursor(
                Qt.CursorShape.CrossCursor if on_handle else Qt.CursorShape.SizeAllCursor
            )
        else:
            self.unsetCursor()
        if over != self._hovered:
            self._hovered = over
            self.update()

    def mouseClickEvent(self, event: Any) -> None:  # noqa: N802 - pyqtgraph's name
        """Tell that the region was clicked."""
        if event.button() == Qt.MouseButton.LeftButton and not event.double():
            event.accept()
            self.clicked.emit()
        else:
            event.ignore()

    def mouseDragEvent(self, event: Any) -> None:  # noqa: N802 - pyqtgraph's name
        """Move or reshape the region."""
        if event.button() != Qt.MouseButton.LeftButton:
            event.ignore()
            return
        event.accept()
        start = event.buttonDownPos()
        if event.isStart():
            self._grabbed = self._handle_at(start)
            self._points_before = self._region.points
        by = event.pos() - start
        points = self._moved(by.x(), by.y())
        if points != self._region.points:
            self.show_region(Region(self._region.kind, points))
            self.edited.emit(self._region)
        if event.isFinish():
            self.released.emit()

    def _moved(self, x: float, y: float) -> tuple[tuple[float, float], ...]:
        before = self._points_before
        if self._grabbed is None:
            return tuple((_tidy(a + x), _tidy(b + y)) for a, b in before)
        if self._region.kind == "polygon":
            points = list(before)
            a, b = points[self._grabbed]
            points[self._grabbed] = (_tidy(a + x), _tidy(b + y))
            return tuple(points)
        (xa, ya), (xb, yb) = before
        # Handles go round: the first and the last are at the first x, the first two at the first y.
        if self._grabbed in (0, 3):
            xa = _tidy(xa + x)
        else:
            xb = _tidy(xb + x)
        if self._grabbed in (0, 1):
            ya = _tidy(ya + y)
        else:
            yb = _tidy(yb + y)
        if abs(xb - xa) < 1 or abs(yb - ya) < 1:
            return self._region.points
        return ((xa, ya), (xb, yb))


def _tidy(value: float) -> float:
    """Round a coordinate to what can be told apart on a screen."""
    return round(value, 2)
