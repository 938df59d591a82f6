"""Colours and axes of the plots; the colours are those of the palette of the window."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pyqtgraph as pg
from PyQt5.QtCore import Qt
from PyQt5.QtGui import QColor, QFont, QFontMetricsF, QPalette, QPen

from .plot_ranges import readable_ticks
from .widgets import is_dark

__all__ = ["PlotColors", "ScaleAxis", "make_pen", "style_plot", "translucent"]


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


def translucent(color: QColor, alpha: int) -> QColor:
    """Return `color` with an opacity of `alpha` (0–255)."""
    result = QColor(color)
    result.setAlpha(alpha)
    return result


def make_pen(color: QColor, width: float = 1.0, style: Qt.PenStyle = Qt.PenStyle.SolidLine) -> QPen:
    """Make a pen whose width is in screen pixels at every zoom."""
    return pg.mkPen(color, width=width, style=style)


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
