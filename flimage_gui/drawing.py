"""Drawing a new region or line on the image with the mouse (no session)."""

from __future__ import annotations

from typing import Any

import pyqtgraph as pg
from PyQt5.QtCore import QEvent, QObject, QPointF, QRectF, Qt, pyqtSignal
from PyQt5.QtGui import QColor, QPainter, QPainterPath, QPen, QPolygonF
from PyQt5.QtWidgets import QLabel

from flimage.recipe import Region

from .region_item import region_path

__all__ = ["HINTS", "Drawing"]

#: Kind -> what the person is told to do.
HINTS = {
    "rectangle": "Drag from corner to corner.  Esc: cancel",
    "ellipse": "Drag from corner to corner.  Esc: cancel",
    "polygon": "Click each corner, double click the last one.  Esc: cancel",
    "freehand": "Drag around the region.  Esc: cancel",
    "line": "Drag along the line.  Esc: cancel",
}
#: A freehand line gets a vertex where it has gone on by this much [screen pixels].
_FREEHAND_STEP = 3.0
_COLOR = QColor(255, 255, 255)


class _Canvas(pg.GraphicsObject):
    """Covers the image while something is being drawn, and takes all mouse events."""

    dragged = pyqtSignal(object, object, bool)
    clicked = pyqtSignal(object, bool)
    hovered = pyqtSignal(object)

    def __init__(self) -> None:
        super().__init__()
        self.setZValue(1000)
        self.setCursor(Qt.CursorShape.CrossCursor)
        self.path = QPainterPath()
        self.hide()

    def show_path(self, path: QPainterPath) -> None:
        self.path = path
        self.update()

    def boundingRect(self) -> QRectF:  # noqa: N802 - Qt's name
        box = self.getViewBox()
        return QRectF() if box is None else QRectF(box.viewRect())

    def viewRangeChanged(self) -> None:  # noqa: N802 - pyqtgraph's name
        self.prepareGeometryChange()

    def dataBounds(self, *args: Any, **kwargs: Any) -> None:  # noqa: N802 - pyqtgraph's name
        """Take no part in what "the whole image" is."""
        return

    def paint(self, painter: QPainter, *args: Any) -> None:
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        for color, width in ((QColor(0, 0, 0, 150), 3.0), (_COLOR, 1.4)):
            pen = QPen(color, width)
            pen.setCosmetic(True)
            painter.setPen(pen)
            painter.drawPath(self.path)

    def hoverEvent(self, event: Any) -> None:  # noqa: N802 - pyqtgraph's name
        if not event.isExit():
            event.acceptDrags(Qt.MouseButton.LeftButton)
            event.acceptClicks(Qt.MouseButton.LeftButton)
            self.hovered.emit(event.pos())

    def mouseClickEvent(self, event: Any) -> None:  # noqa: N802 - pyqtgraph's name
        if event.button() == Qt.MouseButton.LeftButton:
            event.accept()
            self.clicked.emit(event.pos(), event.double())
        else:
            event.ignore()

    def mouseDragEvent(self, event: Any) -> None:  # noqa: N802 - pyqtgraph's name
        if event.button() == Qt.MouseButton.LeftButton:
            event.accept()
            self.dragged.emit(event.buttonDownPos(), event.pos(), event.isFinish())
        else:
            event.ignore()


class Drawing(QObject):
    """Lets a person draw one region, or a line, on an image.

    Parameters
    ----------
    graphics
        The `pyqtgraph.GraphicsView` with the image.
    box
        Its view box, in image coordinates.
    """

    #: purpose, Region; or purpose, ((x, y), (x, y)) for a line
    drawn = pyqtSignal(str, object)
    #: drawing has begun or ended
    changed = pyqtSignal()

    def __init__(self, graphics: Any, box: Any) -> None:
        super().__init__(graphics)
        self._graphics = graphics
        self._box = box
        self._kind = self._purpose = ""
        self._points: list[QPointF] = []
        self._canvas = _Canvas()
        box.addItem(self._canvas, ignoreBounds=True)
        self._canvas.dragged.connect(self._on_canvas_dragged)
        self._canvas.clicked.connect(self._on_canvas_clicked)
        self._canvas.hovered.connect(self._on_canvas_hovered)
        self._hint = QLabel(graphics)
        self._hint.setObjectName("drawingHint")
        self._hint.setStyleSheet(
            "QLabel { background: rgba(20, 22, 26, 215); color: white; border-radius: 4px;"
            " padding: 4px 9px; }"
        )
        self._hint.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self._hint.hide()
        graphics.installEventFilter(self)

    @property
    def active(self) -> bool:
        """Whether something is being drawn."""
        return bool(self._kind)

    def start(self, purpose: str, kind: str) -> None:
        """Let the person draw.

        Parameters
        ----------
        purpose
            What it is for; told with what was drawn.
        kind
            A key of :data:`HINTS`.
        """
        self._purpose, self._kind = purpose, kind
        self._points = []
        self._canvas.show_path(QPainterPath())
        self._canvas.prepareGeometryChange()
        self._canvas.show()
        self._hint.setText(HINTS[kind])
        self._place_hint()
        self._hint.show()
        self._graphics.setFocus()
        self.changed.emit()

    def cancel(self) -> bool:
        """Stop drawing; tell whether anything was being drawn."""
        if not self._kind:
            return False
        self._kind = ""
        self._points = []
        self._canvas.hide()
        self._hint.hide()
        self.changed.emit()
        return True

    def _finish(self, result: object) -> None:
        purpose = self._purpose
        self.cancel()
        self.drawn.emit(purpose, result)

    def _place_hint(self) -> None:
        room = self._graphics.width() - 16
        self._hint.setWordWrap(False)
        size = self._hint.sizeHint()
        if size.width() > room:
            self._hint.setWordWrap(True)
            size.setWidth(room)
            size.setHeight(self._hint.heightForWidth(room))
        self._hint.resize(size)
        self._hint.move(max(0, (self._graphics.width() - self._hint.width()) // 2), 10)

    # ------------------------------------------------------------------ mouse

    def _screen_distance(self, a: QPointF, b: QPointF) -> float:
        way = self._box.mapViewToScene(a) - self._box.mapViewToScene(b)
        return float(max(abs(way.x()), abs(way.y())))

    def _region(self, points: list[QPointF]) -> Region | None:
        """Return the region of the points; None where it is too small to hold a pixel."""
        pairs = tuple((round(p.x(), 2), round(p.y(), 2)) for p in points)
        if self._kind in ("rectangle", "ellipse"):
            (xa, ya), (xb, yb) = pairs
            if abs(xb - xa) < 1 or abs(yb - ya) < 1:
                return None
            return Region("rectangle" if self._kind == "rectangle" else "ellipse", pairs)
        pairs = tuple(dict.fromkeys(pairs))
        if len(pairs) < 3:
            return None
        rect = QPolygonF(points).boundingRect()
        return Region("polygon", pairs) if min(rect.width(), rect.height()) >= 1 else None

    def _preview(self, points: list[QPointF]) -> None:
        if self._kind in ("rectangle", "ellipse"):
            region = self._region(points)
            self._canvas.show_path(QPainterPath() if region is None else region_path(region))
            return
        path = QPainterPath()
        path.addPolygon(QPolygonF(points))
        self._canvas.show_path(path)

    def _on_canvas_dragged(self, start: QPointF, place: QPointF, finished: bool) -> None:
        if self._kind == "polygon":
            # A click during which the hand has moved a little.
            if finished:
                self._on_canvas_clicked(place, False)
            return
        if self._kind == "freehand":
            if not self._points:
                self._points = [start]
            if self._screen_distance(place, self._points[-1]) >= _FREEHAND_STEP:
                self._points.append(place)
            points = self._points
        else:
            points = [start, place]
        self._preview(points)
        if not finished:
            return
        if self._kind == "line":
            if self._screen_distance(start, place) >= 1:
                a, b = ((round(p.x(), 2), round(p.y(), 2)) for p in points)
                self._finish((a, b))
            return
        region = self._region(points)
        if region is None:
            self._points = []
            self._canvas.show_path(QPainterPath())
        else:
            self._finish(region)

    def _on_canvas_clicked(self, place: QPointF, double: bool) -> None:
        if self._kind != "polygon":
            return
        # The second click of a double click is at the place of the first.
        if not self._points or self._screen_distance(place, self._points[-1]) > 2:
            closes = len(self._points) >= 3 and self._screen_distance(place, self._points[0]) < 8
            if closes:
                double = True
            else:
                self._points.append(place)
        self._preview(self._points)
        if double:
            self._close_polygon()

    def _on_canvas_hovered(self, place: QPointF) -> None:
        if self._kind == "polygon" and self._points:
            self._preview([*self._points, place])

    def _close_polygon(self) -> None:
        region = self._region(self._points)
        if region is not None:
            self._finish(region)

    # ------------------------------------------------------------------ keys

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802 - Qt's name
        """Take the keys that end, or change, what is being drawn."""
        if event.type() == QEvent.Type.Resize:
            self._place_hint()
        if not self._kind or event.type() not in (
            QEvent.Type.KeyPress,
            QEvent.Type.ShortcutOverride,
        ):
            return super().eventFilter(watched, event)
        key = event.key()
        known = (
            Qt.Key.Key_Escape,
            Qt.Key.Key_Return,
            Qt.Key.Key_Enter,
            Qt.Key.Key_Backspace,
        )
        if key not in known:
            return super().eventFilter(watched, event)
        event.accept()
        if event.type() == QEvent.Type.KeyPress:
            if key == Qt.Key.Key_Escape:
                self.cancel()
            elif key == Qt.Key.Key_Backspace:
                self._points = self._points[:-1]
                self._preview(self._points)
            elif self._kind == "polygon":
                self._close_polygon()
        return True
