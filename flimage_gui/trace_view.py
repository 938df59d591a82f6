"""The intensity trace, the fit with its residuals, and what can be set by pointing into them."""

from __future__ import annotations

import html
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pyqtgraph as pg
from PyQt5.QtCore import QEvent, QPoint, Qt
from PyQt5.QtWidgets import (
    QCheckBox,
    QHBoxLayout,
    QMenu,
    QSplitter,
    QStackedWidget,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from .plot_style import PlotColors, make_pen, style_plot, translucent
from .quantities import format_number
from .session import Change, Session
from .trace_axis import TraceAxis
from .widgets import ElidedLabel, Notice, blocked, describe

if TYPE_CHECKING:
    from flimage.bleach import BleachFit, Trace

__all__ = ["TraceView"]

Mask = npt.NDArray[np.bool_]

#: Opacity of the band around the fit curve.
_BAND_ALPHA = 60


class TraceView(QWidget):
    """Shows the trace of the session's fit; asks the session for frames, ranges, exclusions.

    Click: go to the frame. Drag the vertical line: scrub. Drag the edges of the tinted range:
    change which frames are fitted. Right click: leave a frame out of the fit, and more.

    Parameters
    ----------
    session
        The open recording and its correction.
    parent
        Qt parent.
    """

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("traceView")
        self._session = session
        self._axis = TraceAxis.from_times(np.empty(0))
        self._trace: Trace | None = None
        self._fit: BleachFit | None = None
        self._dragging_range = False
        self._build_header()
        self._build_plots()
        self._build_items()
        self._empty = Notice()
        self._empty.setObjectName("traceEmptyLabel")
        self._empty.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._stack = QStackedWidget()
        self._stack.addWidget(self._empty)
        self._stack.addWidget(self._splitter)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(6, 4, 6, 4)
        layout.setSpacing(4)
        layout.addLayout(self._header)
        layout.addWidget(self._stack, 1)
        self._apply_colors()
        session.changed.connect(self._on_session_changed)
        self._refresh_all()

    # ------------------------------------------------------------------ construction

    def _build_header(self) -> None:
        self._readout = ElidedLabel(mode=Qt.TextElideMode.ElideRight)
        self._readout.setObjectName("traceReadout")
        self._zero_check = QCheckBox("From &zero")
        self._zero_check.setChecked(True)
        describe(
            self._zero_check,
            "traceZeroCheck",
            "Start the intensity axis at zero",
            "Start the intensity axis at zero and show the background level there. Switch it off"
            " to fill the plot with the trace, which shows weak bleaching better.",
        )
        self._zero_check.toggled.connect(lambda _checked: self._show_all())
        self._all_button = QToolButton()
        self._all_button.setText("Show &all")
        describe(
            self._all_button,
            "traceShowAllButton",
            "Show the whole trace",
            "Show the whole trace again after zooming (double click in the plot does the same).",
        )
        self._all_button.clicked.connect(self._show_all)
        self._header = QHBoxLayout()
        self._header.addWidget(self._readout, 1)
        self._header.addWidget(self._zero_check)
        self._header.addWidget(self._all_button)

    def _build_plots(self) -> None:
        self._trace_plot = pg.PlotWidget()
        describe(
            self._trace_plot,
            "tracePlot",
            "Intensity trace and fit",
            "Signal of every frame over time, and the decay that was fitted. Click to go to a"
            " frame, drag the edges of the tinted range to choose the frames of the fit, right"
            " click to leave a frame out.",
        )
        self._residual_plot = pg.PlotWidget()
        describe(
            self._residual_plot,
            "residualPlot",
            "Residuals of the fit",
            "Trace minus fit. A fit that describes the data leaves a band without structure"
            " around zero.",
        )
        for plot in (self._trace_plot, self._residual_plot):
            # The tip would cover what the pointer is there for.
            plot.setToolTip("")
            plot.setMenuEnabled(False)
            plot.hideButtons()
            plot.getPlotItem().getViewBox().setDefaultPadding(0.03)
            plot.getAxis("left").setWidth(64)
            for name in ("left", "bottom"):
                plot.getAxis(name).enableAutoSIPrefix(False)
            plot.scene().sigMouseClicked.connect(self._on_plot_clicked)
            plot.scene().sigMouseMoved.connect(self._on_plot_mouse_moved)
        self._trace_plot.getAxis("bottom").setStyle(showValues=False)
        self._residual_plot.getPlotItem().setXLink(self._trace_plot.getPlotItem())
        self._splitter = QSplitter(Qt.Orientation.Vertical)
        self._splitter.setObjectName("traceSplitter")
        self._splitter.setChildrenCollapsible(False)
        self._splitter.addWidget(self._trace_plot)
        self._splitter.addWidget(self._residual_plot)
        self._splitter.setStretchFactor(0, 3)
        self._splitter.setStretchFactor(1, 1)
        self._trace_plot.setMinimumHeight(110)
        self._residual_plot.setMinimumHeight(80)

    def _build_items(self) -> None:
        self._range_item = pg.LinearRegionItem(swapMode="block")
        self._range_item.setZValue(-20)
        self._range_item.sigRegionChanged.connect(self._on_range_item_moved)
        self._range_item.sigRegionChangeFinished.connect(self._on_range_item_released)
        self._band_low = pg.PlotDataItem()
        self._band_high = pg.PlotDataItem()
        self._band = pg.FillBetweenItem(self._band_low, self._band_high)
        self._band.setZValue(-10)
        self._level = pg.PlotDataItem()
        self._used = pg.ScatterPlotItem(symbol="o", size=5)
        self._unused = pg.ScatterPlotItem(symbol="x", size=7)
        self._outliers = pg.ScatterPlotItem(symbol="d", size=12)
        self._curve = pg.PlotDataItem(antialias=True)
        self._frame_line = pg.InfiniteLine(angle=90, movable=True)
        self._frame_line.setZValue(20)
        self._frame_line.sigDragged.connect(self._on_frame_line_dragged)
        self._frame_line.sigPositionChangeFinished.connect(self._refresh_frame)
        for item in (
            self._range_item,
            self._band,
            self._level,
            self._used,
            self._unused,
            self._outliers,
            self._curve,
            self._frame_line,
        ):
            # Only data decide what "everything" is, not the handles.
            is_handle = item in (self._range_item, self._frame_line)
            self._trace_plot.addItem(item, ignoreBounds=is_handle)
        self._zero_line = pg.InfiniteLine(angle=0, pos=0)
        self._residual_dots = pg.ScatterPlotItem(symbol="o", size=4)
        self._residual_unused = pg.ScatterPlotItem(symbol="x", size=6)
        self._residual_frame_line = pg.InfiniteLine(angle=90)
        for item in (
            self._zero_line,
            self._residual_dots,
            self._residual_unused,
            self._residual_frame_line,
        ):
            self._residual_plot.addItem(item)
        self._legend = self._trace_plot.addLegend(offset=(-8, 8), verSpacing=-4)
        self._legend.setZValue(30)

    # ------------------------------------------------------------------ colours

    def changeEvent(self, event: QEvent) -> None:  # noqa: N802 - Qt's name
        """Follow a change of theme or font."""
        super().changeEvent(event)
        followed = (
            QEvent.Type.PaletteChange,
            QEvent.Type.ApplicationPaletteChange,
            QEvent.Type.FontChange,
        )
        if event.type() in followed and hasattr(self, "_stack"):
            self._apply_colors()

    def _apply_colors(self) -> None:
        colors = PlotColors.from_palette(self.palette())
        for plot in (self._trace_plot, self._residual_plot):
            style_plot(plot, colors, self.font())
        self._used.setPen(None)
        self._used.setBrush(translucent(colors.trace, 200))
        self._unused.setPen(make_pen(colors.excluded, 1.2))
        self._outliers.setPen(make_pen(colors.outlier, 1.6))
        self._outliers.setBrush(None)
        self._curve.setPen(make_pen(colors.fit, 2))
        self._level.setPen(make_pen(colors.background, 1.4, Qt.PenStyle.DashLine))
        self._band_low.setPen(None)
        self._band_high.setPen(None)
        self._band.setBrush(translucent(colors.fit, _BAND_ALPHA))
        self._range_item.setBrush(translucent(colors.trace, 16))
        self._range_item.setHoverBrush(translucent(colors.trace, 28))
        for line in self._range_item.lines:
            line.setPen(make_pen(translucent(colors.trace, 150), 2))
            line.setHoverPen(make_pen(colors.trace, 4))
        for line in (self._frame_line, self._residual_frame_line):
            line.setPen(make_pen(translucent(colors.marker, 170), 1.5))
        self._frame_line.setHoverPen(make_pen(colors.marker, 3))
        self._zero_line.setPen(make_pen(colors.fit, 1.5))
        self._residual_dots.setPen(None)
        self._residual_dots.setBrush(translucent(colors.trace, 200))
        self._residual_unused.setPen(make_pen(colors.excluded, 1.2))
        self._legend.setBrush(translucent(colors.ground, 215))
        self._legend.setPen(make_pen(translucent(colors.faint, 60)))
        self._legend.setLabelTextColor(colors.text)
        self._refresh_legend()

    def _refresh_legend(self) -> None:
        self._legend.clear()
        if self._trace is None:
            return
        self._legend.addItem(self._used, "trace")
        if self._fit is not None:
            self._legend.addItem(self._curve, "fit")
        if self._band.isVisible():
            self._legend.addItem(self._band, "95 % interval")
        if self._level.isVisible():
            self._legend.addItem(self._level, "background level")
        if len(self._unused.data):
            self._legend.addItem(self._unused, "not in the fit")
        if len(self._outliers.data):
            self._legend.addItem(self._outliers, "outlier")

    # ------------------------------------------------------------------ showing the session

    def _on_session_changed(self, change: Change) -> None:
        if change & (Change.RECORDING | Change.FIT | Change.SCAN | Change.JOB):
            self._refresh_all()
        elif change & Change.RECIPE:
            self._refresh_range()
        if change & Change.FRAME:
            self._refresh_frame()

    def _refresh_all(self) -> None:
        session = self._session
        fit, trace = session.fit, session.trace
        if fit is not None and (session.fit_current or trace is None):
            trace = fit.trace
        self._stack.setCurrentIndex(0 if trace is None else 1)
        for control in (self._zero_check, self._all_button):
            control.setEnabled(trace is not None)
        if trace is None:
            self._trace = self._fit = None
            self._empty.show_notice("neutral", self._empty_text())
            self._readout.setText("")
            return
        if trace is not self._trace or fit is not self._fit:
            self._show(trace, fit)
        self._refresh_range()
        self._refresh_frame()

    def _empty_text(self) -> str:
        session = self._session
        if session.source is None:
            return "Open a recording to see how its intensity changes over time."
        if session.tuning_error is not None:
            return html.escape(str(session.tuning_error))
        if session.measuring or session.busy:
            return "Measuring the intensity of every frame …"
        return (
            "Press <b>Run correction</b> to measure the intensity of every frame and to fit the"
            " bleaching."
        )

    def _show(self, trace: Trace, fit: BleachFit | None) -> None:
        new_axis = TraceAxis.from_times(trace.times)
        is_new_recording = self._trace is None or len(new_axis) != len(self._axis)
        had_fit = self._fit is not None
        self._trace, self._fit, self._axis = trace, fit, new_axis
        places = new_axis.positions
        used = np.asarray(trace.used, dtype=bool)
        finite = np.isfinite(trace.intensity)
        shown, hidden = used & finite, ~used & finite
        self._used.setData(x=places[shown], y=trace.intensity[shown])
        self._unused.setData(x=places[hidden], y=trace.intensity[hidden])
        outliers = np.array(() if fit is None else fit.outliers, dtype=int)
        self._outliers.setData(x=places[outliers], y=trace.intensity[outliers])
        self._show_curve(fit)
        self._level.setData(x=places[[0, -1]], y=np.zeros(2))
        self._show_residuals(fit, shown, hidden)
        self._residual_plot.setVisible(fit is not None)
        self._trace_plot.setLabel("left", "Signal (counts)")
        self._trace_plot.getAxis("bottom").setStyle(showValues=fit is None)
        self._trace_plot.setLabel("bottom", new_axis.title if fit is None else None)
        self._residual_plot.setLabel("bottom", new_axis.title)
        self._refresh_legend()
        if is_new_recording or (fit is not None) != had_fit:
            self._show_all()

    def _show_curve(self, fit: BleachFit | None) -> None:
        places = self._axis.positions
        self._curve.setVisible(fit is not None)
        self._band.setVisible(False)
        if fit is None:
            return
        self._curve.setData(x=places, y=fit.curve)
        low, high = getattr(fit, "curve_low", None), getattr(fit, "curve_high", None)
        if low is not None and high is not None and np.isfinite(low).any():
            self._band.setVisible(True)
            self._band_low.setData(x=places, y=low)
            self._band_high.setData(x=places, y=high)

    def _show_residuals(self, fit: BleachFit | None, shown: Mask, hidden: Mask) -> None:
        if fit is None:
            return
        places = self._axis.positions
        self._residual_dots.setData(x=places[shown], y=fit.residuals[shown])
        self._residual_unused.setData(x=places[hidden], y=fit.residuals[hidden])
        self._residual_plot.setLabel("left", "Residual")

    def _refresh_range(self) -> None:
        """Put the range where the recipe says, unless a person is dragging it."""
        if self._dragging_range or not len(self._axis):
            return
        recipe = self._session.recipe
        last_frame = len(self._axis) - 1
        first = min(recipe.first or 0, last_frame)
        last = last_frame if recipe.last is None else min(recipe.last, last_frame)
        with blocked(self._range_item):
            self._range_item.setBounds(self._axis.edges(0, last_frame))
            self._range_item.setRegion(self._axis.edges(first, max(first, last)))

    def _refresh_frame(self) -> None:
        if self._trace is None:
            return
        frame = min(self._session.frame, len(self._axis) - 1)
        with blocked(self._frame_line):
            self._frame_line.setBounds((self._axis.positions[0], self._axis.positions[-1]))
            self._frame_line.setValue(self._axis.positions[frame])
        self._residual_frame_line.setValue(self._axis.positions[frame])
        self._readout.setText(self._describe(frame))

    def _describe(self, frame: int) -> str:
        """Say in words what is known of a frame."""
        trace, fit = self._trace, self._fit
        if trace is None or not 0 <= frame < len(self._axis):
            return ""
        parts = [f"Frame {frame}", self._axis.text(frame)]
        parts.append(f"signal {format_number(float(trace.intensity[frame]))}")
        if fit is not None:
            parts.append(f"fit {format_number(float(fit.curve[frame]))}")
            parts.append(f"gain {format_number(float(fit.gain[frame]))}")
        if fit is not None and frame in fit.outliers:
            parts.append("outlier")
        elif not trace.used[frame]:
            parts.append("not in the fit")
        return "  ·  ".join(part for part in parts if part)

    def _show_all(self) -> None:
        """Show every frame; from zero on if asked for."""
        if self._trace is None:
            return
        self._level.setVisible(self._zero_check.isChecked())
        self._refresh_legend()
        curve = np.empty(0) if self._fit is None else self._fit.curve
        values = np.concatenate([self._trace.intensity, curve])
        values = values[np.isfinite(values)]
        if not len(values):
            return
        low, high = float(values.min()), float(values.max())
        if self._zero_check.isChecked():
            low, high = min(low, 0.0), max(high, 0.0)
        if low == high:
            low, high = low - 1, high + 1
        self._trace_plot.setXRange(*self._axis.edges(0, len(self._axis) - 1), padding=0.01)
        self._trace_plot.setYRange(low, high, padding=0.06)
        if self._fit is not None:
            residuals = self._fit.residuals[np.isfinite(self._fit.residuals)]
            limit = (float(np.abs(residuals).max()) if len(residuals) else 0.0) or 1.0
            self._residual_plot.setYRange(-limit, limit, padding=0.1)

    # ------------------------------------------------------------------ pointing

    def _on_range_item_moved(self) -> None:
        self._dragging_range = True
        first, last = self._axis.frames_between(*self._range_item.getRegion())
        self._set_range(first, last)

    def _on_range_item_released(self) -> None:
        self._dragging_range = False
        self._refresh_range()

    def _set_range(self, first: int, last: int) -> None:
        recipe = self._session.recipe.replace(
            first=None if first <= 0 else first,
            last=None if last >= len(self._axis) - 1 else last,
        )
        self._session.set_recipe(recipe, "Fit range")

    def _on_frame_line_dragged(self) -> None:
        self._session.set_frame(self._axis.nearest(self._frame_line.value()))

    def _frame_at(self, scene_position: Any, plot: Any) -> int | None:
        box = plot.getPlotItem().getViewBox()
        if not len(self._axis) or not box.sceneBoundingRect().contains(scene_position):
            return None
        return self._axis.nearest(box.mapSceneToView(scene_position).x())

    def _on_plot_clicked(self, event: Any) -> None:
        plot = self._trace_plot
        if event.currentItem is not None and event.scenePos() is not None:
            scene = getattr(event.currentItem, "scene", lambda: None)()
            plot = self._residual_plot if scene is self._residual_plot.scene() else plot
        frame = self._frame_at(event.scenePos(), plot)
        if frame is None:
            return
        if event.button() == Qt.MouseButton.RightButton:
            event.accept()
            self._open_menu(frame, event.screenPos().toPoint())
        elif event.button() == Qt.MouseButton.LeftButton:
            if event.double():
                self._show_all()
            else:
                self._session.set_frame(frame)

    def _on_plot_mouse_moved(self, scene_position: Any) -> None:
        for plot in (self._trace_plot, self._residual_plot):
            if plot.underMouse():
                frame = self._frame_at(scene_position, plot)
                shown = self._session.frame if frame is None else frame
                self._readout.setText(self._describe(shown))

    def leaveEvent(self, event: QEvent) -> None:  # noqa: N802 - Qt's name
        """Describe the current frame again when the pointer has left."""
        super().leaveEvent(event)
        self._refresh_frame()

    def _open_menu(self, frame: int, position: QPoint) -> None:
        menu = self.make_menu(frame)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        menu.popup(position)

    def make_menu(self, frame: int) -> QMenu:
        """Build the menu of what can be done with a frame of the trace."""
        recipe = self._session.recipe
        end = len(self._axis) - 1
        first = recipe.first or 0
        last = end if recipe.last is None else recipe.last
        menu = QMenu(self)
        menu.setObjectName("traceMenu")
        go = menu.addAction(f"&Go to frame {frame}")
        go.triggered.connect(lambda: self._session.set_frame(frame))
        menu.addSeparator()
        is_excluded = frame in recipe.exclude
        toggle = menu.addAction(
            f"&Use frame {frame} in the fit" if is_excluded else f"&Leave frame {frame} out"
        )
        toggle.triggered.connect(lambda: self._toggle_excluded(frame))
        use_all = menu.addAction("Use all &excluded frames again")
        use_all.setEnabled(bool(recipe.exclude))
        use_all.triggered.connect(
            lambda: self._session.set_recipe(recipe.replace(exclude=()), "Excluded frames")
        )
        menu.addSeparator()
        start = menu.addAction("&Start the fit here")
        start.setEnabled(frame <= last)
        start.triggered.connect(lambda: self._set_range(frame, last))
        stop = menu.addAction("E&nd the fit here")
        stop.setEnabled(frame >= first)
        stop.triggered.connect(lambda: self._set_range(first, frame))
        whole = menu.addAction("Fit the &whole series")
        whole.setEnabled(first > 0 or last < end)
        whole.triggered.connect(lambda: self._set_range(0, end))
        menu.addSeparator()
        show_all = menu.addAction("Show &all")
        show_all.triggered.connect(self._show_all)
        return menu

    def _toggle_excluded(self, frame: int) -> None:
        recipe = self._session.recipe
        excluded = set(recipe.exclude) ^ {frame}
        label = "Leave a frame out" if frame in excluded else "Use a frame again"
        self._session.set_recipe(recipe.replace(exclude=tuple(excluded)), label)
