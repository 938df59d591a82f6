"""Colours and axes of the plots; the colours are those of the palette of the window."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pyqtgraph as pg
from PyQt5.QtCore import Qt
from PyQt5.QtGui import QColor, QFont, QFontMetricsF, QGuiApplication, QPalette, QPen

from .plot_ranges import readable_ticks
from .widgets import is_dark

__all__ = ["FrameLine", "PlotColors", "ScaleAxis", "make_pen", "style_plot", "translucent"]

#: By how much more than a line Qt has to paint where the line was [px]: at scales between whole
#: numbers, its last pixel lies outside of what it says to cover.
_SPARE = 2.0


@dataclass(frozen=True)
class PlotColors:
    """What each thing in a plot is drawn in; the hues can be told apart by colour-blind people.

    The hues are those of Okabe and Ito, "Color Universal Design" (2008), darkened or lightened
    for contrast with the ground.
    """

    ground: QColor
    text: QColor
    faint: QColor
    trace: QColor
    fit: QColor
    background: QColor
    outlier: QColor
    excluded: QColor
    marker: QColor

    @classmethod
    def from_palette(cls, palette: QPalette) -> PlotColors:
        """Choose colours that can be read on the base colour of `palette`."""
        ground = palette.color(QPalette.ColorRole.Base)
        text = palette.color(QPalette.ColorRole.Text)
        faint = QColor(text)
        faint.setAlpha(110)
        if is_dark(palette):
            hues = ("#6fbdf0", "#ff9a5c", "#3fd6a4", "#ffd24a", "#9aa0a6")
        else:
            hues = ("#0067a5", "#c4500c", "#00795a", "#9a5a00", "#80868b")
        trace, fit, background, outlier, excluded = (QColor(hue) for hue in hues)
        return cls(ground, text, faint, trace, fit, background, outlier, excluded, QColor(text))


class ScaleAxis(pg.AxisItem):
    """A vertical axis at which two numbers can be read wherever there is room for them."""

    def __init__(self) -> None:
        super().__init__("left")

    def tickValues(  # noqa: N802 - pyqtgraph's name
        self,
        minVal: float,  # noqa: N803
        maxVal: float,  # noqa: N803
        size: float,
    ) -> Any:
        """Leave the choice to pyqtgraph unless it has numbers that are cut off, and so left out."""
        levels = super().tickValues(minVal, maxVal, size)
        low, high = sorted((minVal, maxVal))
        # As much of the height as pyqtgraph asks for.
        needed = 0.8 * QFontMetricsF(self.style["tickFont"] or self.label.font()).height()
        room = needed * (high - low) / max(size, 1.0)
        inside = [each for each in levels[0][1] if low + room / 2 <= each <= high - room / 2]
        if len(inside) < 2 and (chosen := readable_ticks(low, high, room)) is not None:
            return [chosen]
        return levels

    def tickStrings(  # noqa: N802 - pyqtgraph's name
        self, values: Any, scale: float, spacing: float
    ) -> list[str]:
        """Write numbers with the sign that is a minus, as everywhere else."""
        texts = super().tickStrings(values, scale, spacing)
        return [text.replace("-", "−") for text in texts]


class FrameLine(pg.InfiniteLine):
    """The line of the current frame; it leaves nothing behind when it moves."""

    def _computeBoundingRect(self) -> Any:  # noqa: N802 - pyqtgraph's name
        rect = super()._computeBoundingRect()
        along = self.pixelLength(pg.Point(1, 0))
        if rect.isEmpty() or not along:
            return rect
        return rect.adjusted(-_SPARE * along, 0, _SPARE * along, 0)


def translucent(color: QColor, alpha: int) -> QColor:
    """Return `color` with an opacity of `alpha` (0–255)."""
    result = QColor(color)
    result.setAlpha(alpha)
    return result


def make_pen(color: QColor, width: float = 1.0, style: Qt.PenStyle = Qt.PenStyle.SolidLine) -> QPen:
    """Make a pen of the same width at every zoom, in pixels as of a screen of scale 1."""
    app = QGuiApplication.instance()
    # Qt counts the width of such a pen in the pixels of the screen, however small they are.
    scale = app.devicePixelRatio() if isinstance(app, QGuiApplication) else 1.0
    pen = pg.mkPen(color, width=width * scale, style=style)
    if style == Qt.PenStyle.SolidLine:
        # The usual caps reach beyond the ends.
        pen.setCapStyle(Qt.PenCapStyle.FlatCap)
    return pen


def style_plot(plot: Any, colors: PlotColors, font: QFont, grid: bool = True) -> None:
    """Give a `pyqtgraph.PlotWidget` the colours and the font of the window."""
    plot.setBackground(colors.ground)
    item = plot.getPlotItem()
    small = QFont(font)
    if small.pointSizeF() > 0:
        small.setPointSizeF(small.pointSizeF() * 0.88)
    item.showGrid(x=grid, y=grid, alpha=0.12)
    for name in ("left", "bottom"):
        axis = item.getAxis(name)
        axis.setPen(make_pen(colors.faint))
        axis.setTextPen(make_pen(colors.text))
        axis.setTickFont(small)
        axis.label.setFont(small)
        axis.setStyle(tickLength=-4, hideOverlappingLabels=True)
