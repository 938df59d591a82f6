"""The histogram beside the image, with handles for the values shown darkest and brightest."""

from __future__ import annotations

import numpy as np
from PyQt5.QtCore import QPointF, QRectF, QSize, Qt, pyqtSignal
from PyQt5.QtGui import (
    QColor,
    QImage,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPalette,
    QPen,
    QPolygonF,
)
from PyQt5.QtWidgets import QSizePolicy, QWidget

from flimage.quantities import format_number
from flimage.quietly import quietly

from .colormaps import DEFAULT, color_table

__all__ = ["LevelsBar", "histogram"]

BINS = 160
#: At most about this many pixels are counted.
COUNTED_PIXELS = 40_000
BAR_WIDTH = 14
GRAB_PIXELS = 9


@quietly
def histogram(image: np.ndarray, low: float, high: float) -> np.ndarray:
    """Count how often values between `low` and `high` occur, in :data:`BINS` equal bins.

    Counts are scaled so that a peak does not hide everything else: cube root, largest 1.
    """
    step = max(1, int(np.sqrt(image.size / COUNTED_PIXELS)))
    values = image[::step, ::step]
    position = (values - np.float32(low)) * np.float32(BINS / (high - low))
    position = position[np.isfinite(position)]
    inside = position[(position >= 0) & (position < BINS)].astype(np.int64)
    counts = np.cbrt(np.bincount(inside, minlength=BINS)[:BINS])
    top = counts.max()
    return counts / top if top > 0 else counts


class LevelsBar(QWidget):
    """Histogram of the frame over the colours it is shown in; drag the handles to change them.

    With the keyboard: Up and Down move the upper handle, with Shift the lower one.

    Parameters
    ----------
    parent
        Qt parent.
    """

    #: low, high: the person has moved a handle
    levels_edited = pyqtSignal(float, float)
    #: double click
    auto_requested = pyqtSignal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("levelsBar")
        self.setAccessibleName("Contrast")
        self.setToolTip(
            "<p>Histogram of the frame. Drag the handles, or what is between them, to change the"
            " contrast; double click for the contrast of the whole series.</p>"
        )
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Expanding)
        self.setMouseTracking(True)
        self._image: np.ndarray | None = None
        self._levels: tuple[float, float] | None = None
        self._span = (0.0, 1.0)
        #: None where they have to be counted before they are drawn.
        self._counts: np.ndarray | None = None
        self._colors = DEFAULT
        self._grabbed: str | None = None
        self._grab_offset = (0.0, 0.0)

    def sizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        """Return the usual size."""
        digits = self.fontMetrics().horizontalAdvance("−00000.0")
        return QSize(max(78, digits + 12), 160)

    def show_image(self, image: np.ndarray | None) -> None:
        """Show the histogram of `image` (y, x)."""
        self._image = image
        self._outdate()

    def show_levels(self, levels: tuple[float, float] | None) -> None:
        """Show the values of the first and the last colour."""
        if levels == self._levels:
            return
        self._levels = levels
        if levels is not None and self._grabbed is None:
            # Room around the levels to drag the handles into.
            room = (levels[1] - levels[0]) * 0.25
            self._span = (levels[0] - room, levels[1] + room)
        self._outdate()

    def show_colors(self, name: str) -> None:
        """Show a colour map."""
        self._colors = name
        self.update()

    def _outdate(self) -> None:
        """Count anew when it is drawn: image and levels often change together."""
        self._counts = None
        self.update()

    def _counted(self) -> np.ndarray:
        if self._counts is None:
            image = self._image
            self._counts = np.zeros(BINS) if image is None else histogram(image, *self._span)
        return self._counts

    # ------------------------------------------------------------------ drawing

    def _plot_rect(self) -> QRectF:
        line = self.fontMetrics().height() + 4
        return QRectF(9, line, self.width() - 17, max(10, self.height() - 2 * line))

    def _y_of(self, value: float) -> float:
        rect = self._plot_rect()
        low, high = self._span
        return rect.bottom() - (value - low) / (high - low) * rect.height()

    def _value_at(self, y: float) -> float:
        rect = self._plot_rect()
        low, high = self._span
        return low + (rect.bottom() - y) / rect.height() * (high - low)

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802 - Qt's name
        """Draw histogram, colours and handles."""
        if self._levels is None:
            return
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        palette = self.palette()
        rect = self._plot_rect()
        bar = QRectF(rect.right() - BAR_WIDTH, rect.top(), BAR_WIDTH, rect.height())
        plot = QRectF(rect.left(), rect.top(), rect.width() - BAR_WIDTH - 5, rect.height())
        top, bottom = self._y_of(self._levels[1]), self._y_of(self._levels[0])

        band = QColor(palette.color(QPalette.ColorRole.Highlight))
        band.setAlpha(38)
        painter.fillRect(QRectF(plot.left(), top, plot.width(), bottom - top), band)
        self._draw_counts(painter, plot)
        self._draw_colors(painter, bar, top, bottom)
        self._draw_handles(painter, plot, top, bottom)
        if self.hasFocus():
            painter.setPen(QPen(palette.color(QPalette.ColorRole.Highlight), 1))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRoundedRect(rect.adjusted(-4, -3, 4, 3), 3, 3)
        painter.setPen(palette.color(QPalette.ColorRole.WindowText))
        line = QRectF(0, 0, self.width(), rect.top() - 4)
        painter.drawText(line, Qt.AlignmentFlag.AlignCenter, format_number(self._levels[1], 4))
        line.moveTop(rect.bottom() + 4)
        painter.drawText(line, Qt.AlignmentFlag.AlignCenter, format_number(self._levels[0], 4))
        painter.end()

    def _draw_counts(self, painter: QPainter, plot: QRectF) -> None:
        heights = np.linspace(plot.bottom(), plot.top(), BINS)
        widths = plot.right() - self._counted() * (plot.width() - 2)
        points = [QPointF(x, y) for x, y in zip(widths.tolist(), heights.tolist(), strict=True)]
        outline = QPolygonF(
            [QPointF(plot.right(), plot.bottom()), *points, QPointF(plot.right(), plot.top())]
        )
        color = QColor(self.palette().color(QPalette.ColorRole.WindowText))
        color.setAlpha(110)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(color)
        painter.drawPolygon(outline)

    def _draw_colors(self, painter: QPainter, bar: QRectF, top: float, bottom: float) -> None:
        table = np.ascontiguousarray(color_table(self._colors)[::-1])
        image = QImage(table.data, 1, len(table), 3, QImage.Format.Format_RGB888)
        first = QColor(*(int(v) for v in table[-1]))
        last = QColor(*(int(v) for v in table[0]))
        painter.fillRect(QRectF(bar.left(), bar.top(), bar.width(), top - bar.top()), last)
        painter.fillRect(QRectF(bar.left(), bottom, bar.width(), bar.bottom() - bottom), first)
        painter.drawImage(QRectF(bar.left(), top, bar.width(), bottom - top), image)
        painter.setPen(QPen(self.palette().color(QPalette.ColorRole.Mid), 1))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawRect(bar)

    def _draw_handles(self, painter: QPainter, plot: QRectF, top: float, bottom: float) -> None:
        color = self.palette().color(QPalette.ColorRole.Highlight)
        for y in (top, bottom):
            painter.setPen(QPen(color, 1.6))
            painter.drawLine(QPointF(plot.left(), y), QPointF(plot.right() + 3, y))
            painter.setBrush(color)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.drawPolygon(
                QPolygonF(
                    [
                        QPointF(plot.left() - 5, y - 5),
                        QPointF(plot.left() + 3, y),
                        QPointF(plot.left() - 5, y + 5),
                    ]
                )
            )

    # ------------------------------------------------------------------ handles

    def _handle_at(self, y: float) -> str | None:
        if self._levels is None:
            return None
        low_y, high_y = self._y_of(self._levels[0]), self._y_of(self._levels[1])
        distances = {"low": abs(y - low_y), "high": abs(y - high_y)}
        nearest = min(distances, key=lambda name: distances[name])
        if distances[nearest] <= GRAB_PIXELS:
            return nearest
        return "both" if high_y < y < low_y else None

    def mousePressEvent(self, event: QMouseEvent) -> None:  # noqa: N802 - Qt's name
        """Grab a handle."""
        if event.button() != Qt.MouseButton.LeftButton or self._levels is None:
            return
        self._grabbed = self._handle_at(event.y())
        value = self._value_at(event.y())
        self._grab_offset = (self._levels[0] - value, self._levels[1] - value)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:  # noqa: N802 - Qt's name
        """Move what was grabbed; show what can be."""
        if self._grabbed is None or self._levels is None:
            over = self._handle_at(event.y())
            shapes = {
                "both": Qt.CursorShape.OpenHandCursor,
                "low": Qt.CursorShape.SizeVerCursor,
                "high": Qt.CursorShape.SizeVerCursor,
            }
            self.setCursor(shapes.get(over or "", Qt.CursorShape.ArrowCursor))
            return
        low, high = self._levels
        value = self._value_at(event.y())
        least = (self._span[1] - self._span[0]) / 500
        if self._grabbed in ("low", "both"):
            low = value + self._grab_offset[0]
        if self._grabbed in ("high", "both"):
            high = value + self._grab_offset[1]
        if self._grabbed == "low":
            low = min(low, high - least)
        elif self._grabbed == "high":
            high = max(high, low + least)
        self.levels_edited.emit(low, high)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:  # noqa: N802 - Qt's name
        """Let go."""
        if self._grabbed is not None and self._levels is not None:
            self._grabbed = None
            levels, self._levels = self._levels, None
            self.show_levels(levels)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:  # noqa: N802 - Qt's name
        """Go back to the contrast of the series."""
        self._grabbed = None
        self.auto_requested.emit()

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802 - Qt's name
        """Move the handles in small steps."""
        steps = {Qt.Key.Key_Up: 1, Qt.Key.Key_Down: -1}
        if event.key() not in steps or self._levels is None:
            super().keyPressEvent(event)
            return
        low, high = self._levels
        by = steps[event.key()] * (high - low) / 50
        if event.modifiers() & Qt.KeyboardModifier.ShiftModifier:
            self.levels_edited.emit(low + by, high)
        else:
            self.levels_edited.emit(low, high + by)
