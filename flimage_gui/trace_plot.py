"""Two linked plots: the trace with its fit, and the residuals (no session, no computation)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyqtgraph as pg
from PyQt5.QtCore import QPoint, QSize, Qt, pyqtSignal
from PyQt5.QtGui import QFont, QFontMetrics, QResizeEvent
from PyQt5.QtWidgets import QSplitter, QWidget

from .plot_ranges import fits, range_of
from .plot_style import FrameLine, PlotColors, ScaleAxis, make_pen, style_plot, translucent
from .trace_axis import TraceAxis, thin_out
from .trace_legend import Legend
from .trace_numbers import gain_band, residual_limit
from .widgets import blocked, describe

if TYPE_CHECKING:
    from flimage.bleach import BleachFit
    from flimage.trace import Trace

__all__ = ["TracePlots"]

#: Least heights of trace and residuals, axes included, where there is plenty of room and where
#: there is little [px]. In between, the axis of time goes without its title.
_ROOMY, _TIGHT = (90, 84), (66, 62)
#: Height from which there is plenty [px]; with less than both need, the trace is shown alone.
_PLENTY = 180
#: Opacity of the band around the curve.
_BAND_ALPHA = 60
#: Half the size of the largest dots, with a bit of air [px].
_DOT = 7.0
#: Frames beyond this number are drawn as smaller dots.
_MANY = 400
#: Most dots of one kind, and most points along curve and band, that are drawn at a time: the
#: screen could not show more of them apart.
_MOST_DOTS, _MOST_POINTS = 1000, 2000
#: Longest number at a vertical axis for which room is kept.
_LONGEST_NUMBER = "−10000"


class TracePlots(QSplitter):
    """The trace above, the residuals below.

    Parameters
    ----------
    parent
        Qt parent.
    """

    #: A frame was clicked, or the line of the current frame was dragged there.
    frame_chosen = pyqtSignal(int)
    #: The pointer is over a frame; -1 when it has left the plots.
    frame_hovered = pyqtSignal(int)
    #: first and last frame of the range that is being dragged
    range_chosen = pyqtSignal(int, int)
    #: The range was let go.
    range_released = pyqtSignal()
    #: frame, place on the screen
    menu_requested = pyqtSignal(int, QPoint)
    #: The person wants to see everything again.
    reset_requested = pyqtSignal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(Qt.Orientation.Vertical, parent)
        self.setObjectName("traceSplitter")
        self.setChildrenCollapsible(False)
        self.axis = TraceAxis.from_times(np.empty(0))
        self._values = np.empty(0)
        self._clouds: list[tuple[Any, np.ndarray, np.ndarray]] = []
        self._dots = np.empty((0, 2))
        self._limit = 1.0
        self._has_fit = False
        self._zoomed = False
        self._arranged = (False, False)
        self.trace_plot = _plot(
            "tracePlot",
            "Intensity trace and fit",
            "Signal of every frame over time, and the decay that was fitted. Click to go to a"
            " frame, drag the edges of the tinted range to choose the frames of the fit, right"
            " click to leave a frame out.",
        )
        self.residual_plot = _plot(
            "residualPlot",
            "Residuals of the fit",
            "Trace minus fit. A fit that describes the data leaves a band without structure"
            " around zero.",
        )
        for plot, share in ((self.trace_plot, 5), (self.residual_plot, 3)):
            box = plot.getPlotItem().getViewBox()
            box.sigResized.connect(self._on_box_resized)
            box.sigRangeChangedManually.connect(self._on_box_zoomed)
            self.addWidget(plot)
            self.setStretchFactor(self.count() - 1, share)
            scene = plot.scene()
            scene.sigMouseClicked.connect(
                lambda event, plot=plot: self._on_plot_clicked(plot, event)
            )
            scene.sigMouseMoved.connect(
                lambda place, plot=plot: self._on_plot_mouse_moved(plot, place)
            )
        self.residual_plot.getPlotItem().setXLink(self.trace_plot.getPlotItem())
        self.residual_plot.getPlotItem().setMouseEnabled(x=True, y=False)
        self.trace_plot.sigXRangeChanged.connect(self._on_sight_changed)
        self._set_heights(_ROOMY)
        self._build_items()
        self.legend = Legend(self.trace_plot.getPlotItem())

    def _build_items(self) -> None:
        self.range_item = pg.LinearRegionItem(swapMode="block")
        self.range_item.setZValue(-20)
        self.range_item.sigRegionChanged.connect(self._on_range_item_moved)
        self.range_item.sigRegionChangeFinished.connect(self._on_range_item_released)
        self._band_low = pg.PlotDataItem()
        self._band_high = pg.PlotDataItem()
        self.band = pg.FillBetweenItem(self._band_low, self._band_high)
        self.band.setZValue(-10)
        self.level = pg.PlotDataItem()
        self.used = pg.ScatterPlotItem(symbol="o")
        self.unused = pg.ScatterPlotItem(symbol="x", size=7)
        self.outliers = pg.ScatterPlotItem(symbol="d", size=12)
        self.curve = pg.PlotDataItem(antialias=True)
        self.frame_line = FrameLine(angle=90, movable=True)
        self.frame_line.setZValue(20)
        self.frame_line.sigDragged.connect(self._on_frame_line_dragged)
        for item in (self.band, self.level, self.used, self.unused, self.outliers, self.curve):
            self.trace_plot.addItem(item)
        for handle in (self.range_item, self.frame_line):
            # Only data decide what "everything" is, not the handles.
            self.trace_plot.addItem(handle, ignoreBounds=True)
        self.zero_line = pg.InfiniteLine(angle=0, pos=0)
        self.residuals = pg.ScatterPlotItem(symbol="o")
        self.unused_residuals = pg.ScatterPlotItem(symbol="x", size=6)
        self.residual_frame_line = FrameLine(angle=90)
        for item in (self.zero_line, self.residuals, self.unused_residuals):
            self.residual_plot.addItem(item)
        self.residual_plot.addItem(self.residual_frame_line, ignoreBounds=True)

    # ------------------------------------------------------------------ showing

    def apply_colors(self, colors: PlotColors, font: QFont) -> None:
        """Draw everything in `colors`."""
        for plot in (self.trace_plot, self.residual_plot):
            style_plot(plot, colors, font)
            axis = plot.getAxis("left")
            metrics = QFontMetrics(axis.label.font())
            # The same in both plots, so that their times lie below each other.
            axis.setWidth(metrics.horizontalAdvance(_LONGEST_NUMBER) + metrics.height() + 6)
        dots = translucent(colors.trace, 190)
        for item in (self.used, self.residuals):
            item.setPen(None)
            item.setBrush(dots)
        for item in (self.unused, self.unused_residuals):
            item.setPen(make_pen(colors.excluded, 1.2))
        self.outliers.setPen(make_pen(colors.outlier, 1.8))
        self.outliers.setBrush(None)
        self.curve.setPen(make_pen(colors.fit, 2))
        self.level.setPen(make_pen(colors.background, 1.5, Qt.PenStyle.DashLine))
        self._band_low.setPen(None)
        self._band_high.setPen(None)
        self.band.setBrush(translucent(colors.fit, _BAND_ALPHA))
        self.range_item.setBrush(translucent(colors.trace, 16))
        self.range_item.setHoverBrush(translucent(colors.trace, 26))
        for line in self.range_item.lines:
            line.setPen(make_pen(translucent(colors.trace, 150), 2))
            line.setHoverPen(make_pen(colors.trace, 4))
        for line in (self.frame_line, self.residual_frame_line):
            line.setPen(make_pen(translucent(colors.marker, 170), 1.5))
        self.frame_line.setHoverPen(make_pen(colors.marker, 3))
        self.zero_line.setPen(make_pen(colors.fit, 1.5))
        self.legend.apply_colors(colors)
        self._refresh_legend()

    def show_trace(self, trace: Trace, fit: BleachFit | None) -> None:
        """Show a trace as mean signal per pixel, and what was fitted to it."""
        self.axis = TraceAxis.from_times(trace.times, trace.time_unit)
        places = self.axis.positions
        share = 1.0 / max(trace.region_pixels, 1)
        intensity = trace.intensity * share
        finite = np.isfinite(intensity)
        outlying = np.zeros(len(places), dtype=bool)
        if fit is not None:
            outlying[list(fit.outliers)] = True
        fitted = trace.used & finite & ~outlying
        left_out = ~trace.used & finite & ~outlying
        for item in (self.used, self.residuals):
            item.setSize(5 if len(places) <= _MANY else 3)
        self._clouds = [
            (self.used, places[fitted], intensity[fitted]),
            (self.unused, places[left_out], intensity[left_out]),
        ]
        self.outliers.setData(x=places[outlying & finite], y=intensity[outlying & finite])
        self.level.setData(x=np.asarray(self.axis.edges(0, len(places) - 1)), y=np.zeros(2))
        self._values = intensity[finite]
        self._dots = np.column_stack([places[finite], intensity[finite]])
        self.curve.setVisible(fit is not None)
        self._has_fit = fit is not None
        self.band.setVisible(False)
        if fit is not None:
            self._show_fit(fit, fitted, left_out | (outlying & finite), share)
        if not fits(self.residual_plot.viewRange()[1], -self._limit, self._limit, share=0.2):
            _show_heights(self.residual_plot, -self._limit, self._limit)
        self._draw_dots()
        self._arrange()
        self._label_axes()
        self._refresh_legend()

    def _arrange(self) -> None:
        """Show the residuals below the trace where there is room for both."""
        both, tight = self._room(self.height())
        self._arranged = (both, tight)
        self._set_heights(_TIGHT if tight else _ROOMY)
        # In a strip, more numbers would be written over each other.
        self.residual_plot.getAxis("left").setTickDensity(0.35 if tight else 0.6)
        self.residual_plot.setVisible(both)
        self.trace_plot.getAxis("bottom").setStyle(showValues=not both)
        title = "" if tight else self.axis.title
        for plot, text in ((self.trace_plot, "" if both else title), (self.residual_plot, title)):
            plot.setLabel("bottom", text)
            plot.showLabel("bottom", bool(text))

    def _room(self, height: int) -> tuple[bool, bool]:
        """Tell whether there is room for both plots, and whether they have to be thrifty."""
        both = self._has_fit and height >= sum(_TIGHT) + self.handleWidth()
        return both, both and height < _PLENTY

    def _set_heights(self, heights: tuple[int, int]) -> None:
        for plot, height in zip((self.trace_plot, self.residual_plot), heights, strict=True):
            plot.setMinimumHeight(height)

    def minimumSizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        """Do with the room for the trace alone."""
        return QSize(super().minimumSizeHint().width(), _ROOMY[0])

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802 - Qt's name
        """Leave titles, and at last the residuals, out where there is no room."""
        super().resizeEvent(event)
        if self._room(event.size().height()) != self._arranged:
            self._arrange()
            self._label_axes()

    def _show_fit(self, fit: BleachFit, fitted: Any, others: Any, share: float) -> None:
        places = self.axis.positions
        curve = fit.curve * share
        step = 1 + len(places) // _MOST_POINTS
        self.curve.setData(x=places[::step], y=curve[::step])
        self._values = np.concatenate([self._values, curve[np.isfinite(curve)]])
        residuals = fit.residuals * share
        self._clouds += [
            (self.residuals, places[fitted], residuals[fitted]),
            (self.unused_residuals, places[others], residuals[others]),
        ]
        self._limit = residual_limit(residuals, fitted, fit.outliers)
        low, high = gain_band(fit, curve)
        if np.any(high > low):
            self.band.setVisible(True)
            self._band_low.setData(x=places[::step], y=low[::step])
            self._band_high.setData(x=places[::step], y=high[::step])

    def _draw_dots(self) -> None:
        """Draw the dots in sight; of very many, those that make up the outline."""
        left, right = self.trace_plot.viewRange()[0]
        for item, x, y in self._clouds:
            if len(x) > _MOST_DOTS:
                start, stop = np.searchsorted(x, (left, right))
                inside = slice(max(0, start - 1), stop + 1)
                x, y = x[inside], y[inside]
                chosen = thin_out(y, _MOST_DOTS)
                x, y = x[chosen], y[chosen]
            item.setData(x=x, y=y)

    def _on_sight_changed(self) -> None:
        if any(len(x) > _MOST_DOTS for _, x, _ in self._clouds):
            self._draw_dots()

    def _on_box_resized(self) -> None:
        self._label_axes()
        self.legend.place(self._dots)

    def _label_axes(self) -> None:
        """Write what the vertical axes show, shorter where there is no room for it."""
        for plot, texts in (
            (self.trace_plot, ("Signal (counts/px)", "Signal")),
            (self.residual_plot, ("Residual (counts/px)", "Residual", "Res.")),
        ):
            axis = plot.getAxis("left")
            metrics = QFontMetrics(axis.label.font())
            room = plot.getPlotItem().getViewBox().height()
            fitting = [text for text in texts if metrics.horizontalAdvance(text) <= room]
            if fitting:
                axis.setLabel(fitting[0])
            axis.showLabel(bool(fitting))
            # The label stays where the longer one was until the axis is laid out again.
            axis.resizeEvent()

    def show_range(self, first: int, last: int) -> None:
        """Put the range around the frames `first` to `last`."""
        with blocked(self.range_item):
            self.range_item.setBounds(self.axis.edges(0, len(self.axis) - 1))
            self.range_item.setRegion(self.axis.edges(first, last))

    def show_frame(self, frame: int) -> None:
        """Put the line of the current frame."""
        place = float(self.axis.positions[frame])
        with blocked(self.frame_line):
            self.frame_line.setBounds((self.axis.positions[0], self.axis.positions[-1]))
            self.frame_line.setValue(place)
        self.residual_frame_line.setValue(place)

    def _on_box_zoomed(self) -> None:
        self._zoomed = True

    @property
    def is_in_sight(self) -> bool:
        """Whether the trace lies in the plot and fills it; also where a person chose a part."""
        if self._zoomed or not len(self._values):
            return True
        return fits(self.trace_plot.viewRange()[1], *self._extent(), share=0.4)

    def _extent(self) -> tuple[float, float]:
        """Return the smallest and the largest value that the trace is shown with."""
        low, high = float(self._values.min()), float(self._values.max())
        return (min(low, 0.0), max(high, 0.0)) if self.level.isVisible() else (low, high)

    def show_all(self, from_zero: bool) -> None:
        """Show every frame, also those below zero; zero and the background there if asked for."""
        self._zoomed = False
        self.level.setVisible(from_zero)
        self._refresh_legend()
        if not len(self._values):
            return
        edges = self.axis.edges(0, len(self.axis) - 1)
        self.trace_plot.setXRange(*edges, padding=0.01)
        _show_heights(self.trace_plot, *self._extent())
        _show_heights(self.residual_plot, -self._limit, self._limit)
        self.legend.place(self._dots)

    def _refresh_legend(self) -> None:
        empty = [item for item in (self.unused, self.outliers) if not len(item.data)]
        self.legend.show_entries(
            [
                (item, text)
                for item, text in (
                    (self.used, "trace"),
                    (self.curve, "fit"),
                    (self.band, "95\u202f% interval"),
                    (self.level, "zero: background"),
                    (self.unused, "not in the fit"),
                    (self.outliers, "outlier"),
                )
                if len(self.axis) and item.isVisible() and item not in empty
            ]
        )

    # ------------------------------------------------------------------ pointing

    def _on_range_item_moved(self) -> None:
        if len(self.axis):
            self.range_chosen.emit(*self.axis.frames_between(*self.range_item.getRegion()))

    def _on_range_item_released(self) -> None:
        self.range_released.emit()

    def _on_frame_line_dragged(self) -> None:
        if len(self.axis):
            self.frame_chosen.emit(self.axis.nearest(float(self.frame_line.value())))

    def _frame_at(self, plot: Any, scene_position: Any) -> int:
        """Find the frame below the pointer; -1 when it is not over the data."""
        box = plot.getPlotItem().getViewBox()
        if not len(self.axis) or not box.sceneBoundingRect().contains(scene_position):
            return -1
        return self.axis.nearest(box.mapSceneToView(scene_position).x())

    def _on_plot_clicked(self, plot: Any, event: Any) -> None:
        frame = self._frame_at(plot, event.scenePos())
        if frame < 0:
            return
        event.accept()
        if event.button() == Qt.MouseButton.RightButton:
            self.menu_requested.emit(frame, event.screenPos().toPoint())
        elif event.button() == Qt.MouseButton.LeftButton and event.double():
            self.reset_requested.emit()
        elif event.button() == Qt.MouseButton.LeftButton:
            self.frame_chosen.emit(frame)

    def _on_plot_mouse_moved(self, plot: Any, scene_position: Any) -> None:
        self.frame_hovered.emit(self._frame_at(plot, scene_position))


def _show_heights(plot: Any, low: float, high: float) -> None:
    """Show these heights, with room for the whole of the dots at both ends."""
    inner = max(plot.getPlotItem().getViewBox().height() - 2 * _DOT, 2 * _DOT)
    plot.setYRange(*range_of(np.array([low, high]), max(0.06, _DOT / inner)), padding=0)


def _plot(object_name: str, accessible_name: str, description: str) -> Any:
    plot = pg.PlotWidget(axisItems={"left": ScaleAxis()})
    describe(plot, object_name, accessible_name, description)
    # A tip would cover what the pointer is there for; the description stays for screen readers.
    plot.setToolTip("")
    plot.setMenuEnabled(False)
    plot.hideButtons()
    for name in ("left", "bottom"):
        plot.getAxis(name).enableAutoSIPrefix(False)
    return plot
