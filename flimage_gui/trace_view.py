"""The intensity trace and the fit of the session, and what can be set by pointing into them."""

from __future__ import annotations

import html
from typing import TYPE_CHECKING

import numpy as np
from PyQt5.QtCore import QEvent, QPoint, Qt
from PyQt5.QtWidgets import (
    QCheckBox,
    QHBoxLayout,
    QMenu,
    QStackedWidget,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from flimage.quantities import format_number

from .labels import ElidedLabel, Notice
from .plot_style import PlotColors
from .session import Change, Session
from .time_texts import time_text
from .trace_plot import TracePlots
from .widgets import describe

if TYPE_CHECKING:
    from flimage.bleach import BleachFit
    from flimage.trace import Trace

__all__ = ["TraceView"]


class TraceView(QWidget):
    """Shows the trace of the session; asks the session for frames, ranges and exclusions.

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
        self._trace: Trace | None = None
        self._fit: BleachFit | None = None
        self._dragging_range = False
        self._hovered = -1
        self._plots = TracePlots()
        self._empty = Notice()
        self._empty.setObjectName("traceEmptyLabel")
        self._empty.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._stack = QStackedWidget()
        self._stack.addWidget(self._empty)
        self._stack.addWidget(self._plots)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(6, 2, 6, 4)
        layout.setSpacing(2)
        layout.addLayout(self._build_header())
        layout.addWidget(self._stack, 1)
        self._apply_colors()
        self._connect()
        self._refresh_all()

    def _build_header(self) -> QHBoxLayout:
        self._readout = ElidedLabel(mode=Qt.TextElideMode.ElideRight)
        self._readout.setObjectName("traceReadout")
        self._zero_check = QCheckBox("From &zero")
        self._zero_check.setChecked(True)
        describe(
            self._zero_check,
            "traceZeroCheck",
            "Show zero on the intensity axis",
            "Let the intensity axis reach zero, where the background level is. Switch it off to"
            " fill the plot with the trace, which shows weak bleaching better.",
        )
        self._all_button = QToolButton()
        self._all_button.setText("Show all")
        self._all_button.setProperty("flat", True)
        describe(
            self._all_button,
            "traceShowAllButton",
            "Show the whole trace",
            "Show the whole trace again after zooming. A double click into the plot does the same.",
        )
        header = QHBoxLayout()
        header.addWidget(self._readout, 1)
        header.addWidget(self._zero_check)
        header.addWidget(self._all_button)
        return header

    def _connect(self) -> None:
        self._zero_check.toggled.connect(self._show_all)
        self._all_button.clicked.connect(self._show_all)
        self._plots.frame_chosen.connect(self._session.set_frame)
        self._plots.frame_hovered.connect(self._on_plots_frame_hovered)
        self._plots.range_chosen.connect(self._on_plots_range_chosen)
        self._plots.range_released.connect(self._on_plots_range_released)
        self._plots.menu_requested.connect(self._on_plots_menu_requested)
        self._plots.reset_requested.connect(self._show_all)
        self._session.changed.connect(self._on_session_changed)
        self._session.quiet_progress.connect(self._on_session_quiet_progress)

    def changeEvent(self, event: QEvent) -> None:  # noqa: N802 - Qt's name
        """Follow a change of theme or font."""
        super().changeEvent(event)
        followed = (QEvent.Type.PaletteChange, QEvent.Type.FontChange, QEvent.Type.StyleChange)
        if event.type() in followed and hasattr(self, "_stack"):
            self._apply_colors()

    def _apply_colors(self) -> None:
        self._plots.apply_colors(PlotColors.from_palette(self.palette()), self.font())

    # ------------------------------------------------------------------ showing the session

    def _on_session_changed(self, change: Change) -> None:
        if change & (Change.RECORDING | Change.FIT | Change.SCAN | Change.JOB):
            self._refresh_all()
        elif change & Change.RECIPE:
            self._refresh_range()
        if change & Change.FRAME:
            self._refresh_frame()

    def _on_session_quiet_progress(self) -> None:
        """Say that frames are being measured, which begins after the recording was opened."""
        if self._trace is None:
            self._empty.show_notice("neutral", self._empty_text())

    def _refresh_all(self) -> None:
        session = self._session
        fit, trace = session.fit, session.trace
        if fit is not None and (session.fit_current or trace is None):
            trace = fit.trace
        if session.tuning_error is not None:
            # A curve of other settings would look as if it belonged to these.
            fit = None
        self._stack.setCurrentIndex(0 if trace is None else 1)
        for control in (self._zero_check, self._all_button):
            control.setVisible(trace is not None)
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
        is_new = (
            self._trace is None
            or len(trace.times) != len(self._trace.times)
            or (fit is None) != (self._fit is None)
        )
        self._trace, self._fit = trace, fit
        before = self._plots.axis
        self._plots.show_trace(trace, fit)
        is_new = is_new or not self._plots.axis.spans_as(before)
        # Later changes keep the scale, so that one sees what a setting does, while it suits.
        if is_new or not self._plots.is_in_sight:
            self._show_all()

    def _show_all(self) -> None:
        self._plots.show_all(self._zero_check.isChecked())

    def _range(self) -> tuple[int, int]:
        """Return the first and last frame of the fit as the recipe says."""
        recipe = self._session.recipe
        end = max(0, len(self._plots.axis) - 1)
        first = min(recipe.first or 0, end)
        last = end if recipe.last is None else min(recipe.last, end)
        return first, max(first, last)

    def _refresh_range(self) -> None:
        """Put the range where the recipe says, unless a person is dragging it."""
        if not self._dragging_range and self._trace is not None:
            self._plots.show_range(*self._range())

    def _refresh_frame(self) -> None:
        if self._trace is None:
            return
        self._plots.show_frame(min(self._session.frame, len(self._plots.axis) - 1))
        self._readout.setText(self._describe())

    def _describe(self) -> str:
        """Say in words what is known of the frame below the pointer, or else of the current."""
        trace, fit = self._trace, self._fit
        frame = self._session.frame if self._hovered < 0 else self._hovered
        if trace is None or not 0 <= frame < len(trace.times):
            return ""
        pixels = max(trace.region_pixels, 1)
        parts = [f"Frame {frame}", self._time_text(frame)]
        parts.append(f"signal {format_number(float(trace.intensity[frame]) / pixels)}")
        if fit is not None and frame < len(fit.curve):
            parts.append(f"fit {format_number(float(fit.curve[frame]) / pixels)}")
            parts.append(f"gain {format_number(float(fit.gain[frame]))}")
            if frame in fit.outliers:
                parts.append("outlier, not in the fit")
        if not trace.used[frame]:
            parts.append("not in the fit")
        return "  ·  ".join(part for part in parts if part)

    def _time_text(self, frame: int) -> str:
        """Write the time of a frame as it stands beside the slider, where the file has one."""
        times, axis = self._session.shown_times, self._plots.axis
        if axis.symbol and frame < len(times) and np.isfinite(times[frame]):
            return time_text(times, frame)
        return axis.text(frame)

    # ------------------------------------------------------------------ pointing

    def _on_plots_frame_hovered(self, frame: int) -> None:
        if frame != self._hovered:
            self._hovered = frame
            self._readout.setText(self._describe())

    def leaveEvent(self, event: QEvent) -> None:  # noqa: N802 - Qt's name
        """Describe the current frame again when the pointer has left."""
        super().leaveEvent(event)
        self._on_plots_frame_hovered(-1)

    def _on_plots_range_chosen(self, first: int, last: int) -> None:
        self._dragging_range = True
        self._set_range(first, last)

    def _on_plots_range_released(self) -> None:
        self._dragging_range = False
        self._refresh_range()

    def _set_range(self, first: int, last: int) -> None:
        end = len(self._plots.axis) - 1
        recipe = self._session.recipe.replace(
            first=None if first <= 0 else first, last=None if last >= end else last
        )
        self._session.set_recipe(recipe, "Change the fit range")

    def _on_plots_menu_requested(self, frame: int, place: QPoint) -> None:
        menu = self._make_menu(frame)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        menu.popup(place)

    def _make_menu(self, frame: int) -> QMenu:
        """Build the menu of what can be done with a frame of the trace."""
        recipe = self._session.recipe
        end = len(self._plots.axis) - 1
        first, last = self._range()
        menu = QMenu(self)
        menu.setObjectName("traceMenu")
        menu.addAction(f"&Go to frame {frame}").triggered.connect(
            lambda: self._session.set_frame(frame)
        )
        menu.addSeparator()
        is_excluded = frame in recipe.exclude
        verb = f"&Use frame {frame} again" if is_excluded else f"&Leave frame {frame} out"
        menu.addAction(verb).triggered.connect(lambda: self._toggle_excluded(frame))
        use_all = menu.addAction("Use &all left-out frames again")
        use_all.setEnabled(bool(recipe.exclude))
        use_all.triggered.connect(
            lambda: self._session.set_recipe(recipe.replace(exclude=()), "Use all frames again")
        )
        menu.addSeparator()
        start = menu.addAction("&Start the fit here")
        start.setEnabled(frame <= last)
        start.triggered.connect(lambda: self._set_range(frame, last))
        stop = menu.addAction("&End the fit here")
        stop.setEnabled(frame >= first)
        stop.triggered.connect(lambda: self._set_range(first, frame))
        whole = menu.addAction("Fit the &whole series")
        whole.setEnabled(first > 0 or last < end)
        whole.triggered.connect(lambda: self._set_range(0, end))
        menu.addSeparator()
        menu.addAction("Show all").triggered.connect(self._show_all)
        return menu

    def _toggle_excluded(self, frame: int) -> None:
        recipe = self._session.recipe
        excluded = set(recipe.exclude) ^ {frame}
        verb = "Leave out" if frame in excluded else "Use again"
        self._session.set_recipe(recipe.replace(exclude=tuple(excluded)), f"{verb} frame {frame}")
