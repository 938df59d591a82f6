"""Plots of named regions over time and of the profile along a line (no session)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyqtgraph as pg
from PyQt5.QtCore import Qt, pyqtSignal
from PyQt5.QtGui import QColor, QFont, QPalette
from PyQt5.QtWidgets import QVBoxLayout, QWidget

from .labels import hint_label
from .plot_style import FrameLine, PlotColors, ScaleAxis, make_pen, style_plot, translucent
from .trace_axis import TraceAxis, thin_out
from .widgets import describe

if TYPE_CHECKING:
    from flimage.region_traces import RegionTraces

__all__ = ["ProfilePlot", "RegionPlot"]

#: Most points of a curve that are drawn.
_MOST_POINTS = 1500
_BAND_ALPHA = 50


class _Plot(pg.PlotWidget):
    """A plot that says what to do as long as there is nothing in it, instead of showing axes."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent, axisItems={"left": ScaleAxis()})
        self._empty = hint_label()
        self._empty.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._empty.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        layout = QVBoxLayout(self)
        layout.addWidget(self._empty, 1)
        item = self.getPlotItem()
        item.setMenuEnabled(False)
        item.hideButtons()
        self._show_empty(True)

    def set_hint(self, text: str) -> None:
        """Say `text` where there is nothing to be plotted."""
        self._empty.setText(text)

    def _show_empty(self, empty: bool) -> None:
        self._empty.setVisible(empty)
        for name in ("left", "bottom"):
            self.getPlotItem().showAxis(name, not empty)


class RegionPlot(_Plot):
    """Mean of each region over time, with a band of one standard deviation.

    Parameters
    ----------
    parent
        Qt parent.
    """

    #: a frame was clicked
    frame_chosen = pyqtSignal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        describe(
            self,
            "regionsPlot",
            "Regions over time",
            "Mean of each region, with a band of one standard deviation of its pixels. Click to go"
            " to a frame.",
        )
        self.axis = TraceAxis.from_times(np.empty(0))
        self._drawn: list[Any] = []
        self.line = FrameLine(angle=90)
        self.line.setZValue(20)
        self.line.hide()
        self.addItem(self.line, ignoreBounds=True)
        self.scene().sigMouseClicked.connect(self._on_scene_clicked)

    def apply_colors(self, palette: QPalette, font: QFont) -> None:
        """Follow the theme."""
        colors = PlotColors.from_palette(palette)
        style_plot(self, colors, font)
        self.line.setPen(make_pen(colors.marker))

    def show_frame(self, frame: int) -> None:
        """Mark the current frame."""
        if 0 <= frame < len(self.axis):
            self.line.setValue(self.axis.positions[frame])

    def show_traces(
        self, traces: RegionTraces | None, colors: list[str], band: int, unit: str
    ) -> None:
        """Draw traces.

        Parameters
        ----------
        traces
            Regions over time; None draws nothing.
        colors
            Colour of each region.
        band
            Region whose standard deviation is drawn; all of them would hide each other.
        unit
            What the vertical axis shows.
        """
        for item in self._drawn:
            self.removeItem(item)
        self._drawn = []
        self.line.setVisible(traces is not None)
        self._show_empty(traces is None)
        if traces is None:
            return
        before, self.axis = self.axis, TraceAxis.from_times(traces.times)
        if not self.axis.spans_as(before):
            # What a person zoomed into lies elsewhere now.
            self.getPlotItem().getViewBox().enableAutoRange()
        x = self.axis.positions
        self.setLabel("bottom", self.axis.title)
        self.setLabel("left", unit)
        for column, color in enumerate(colors):
            mean = traces.mean[:, column]
            chosen = thin_out(np.nan_to_num(mean), _MOST_POINTS)
            if column == band:
                std = np.nan_to_num(traces.std[:, column])
                ends = [
                    pg.PlotCurveItem(x[chosen], (mean + sign * std)[chosen], pen=None)
                    for sign in (-1, 1)
                ]
                fill = pg.FillBetweenItem(*ends, brush=translucent(QColor(color), _BAND_ALPHA))
                fill.setZValue(-10)
                self._add(*ends, fill)
            self._add(pg.PlotDataItem(x[chosen], mean[chosen], pen=make_pen(QColor(color), 1.6)))

    def _add(self, *items: Any) -> None:
        for item in items:
            self.addItem(item)
            self._drawn.append(item)

    def _on_scene_clicked(self, event: Any) -> None:
        box = self.getPlotItem().getViewBox()
        if len(self.axis) and box.sceneBoundingRect().contains(event.scenePos()):
            place = box.mapSceneToView(event.scenePos())
            self.frame_chosen.emit(self.axis.nearest(place.x()))


class ProfilePlot(_Plot):
    """Values along a line.

    Parameters
    ----------
    parent
        Qt parent.
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        describe(self, "profilePlot", "Profile along the line", "Values along the drawn line.")
        self.curve = pg.PlotDataItem(connect="finite")
        self.addItem(self.curve)

    def apply_colors(self, palette: QPalette, font: QFont) -> None:
        """Follow the theme."""
        colors = PlotColors.from_palette(palette)
        style_plot(self, colors, font)
        self.curve.setPen(make_pen(colors.trace, 1.6))

    def show_profile(
        self, distance: np.ndarray, values: np.ndarray, pixel_size: float | None, unit: str
    ) -> None:
        """Draw a profile; `distance` is in pixels, `pixel_size` in metres."""
        scale = pixel_size * 1e6 if pixel_size else 1.0
        self.curve.setData(distance * scale, values)
        self.setLabel("bottom", "Distance (µm)" if pixel_size else "Distance (px)")
        self.setLabel("left", unit)
        # Last, as a label brings its axis back.
        self._show_empty(not len(distance))
