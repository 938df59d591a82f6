"""A small plot of the times of all frames, or of the time between them."""

from __future__ import annotations

import numpy as np
import pyqtgraph as pg
from PyQt5.QtCore import QEvent, QSize, Qt, pyqtSignal
from PyQt5.QtWidgets import QHBoxLayout, QSizePolicy, QVBoxLayout, QWidget

from flimage.quantities import choose_unit, format_count
from flimage.timing import TimeFlag, time_flags, time_steps

from .labels import ElidedLabel
from .plot_ranges import range_of
from .plot_style import FrameLine, PlotColors, ScaleAxis, make_pen, style_plot
from .widgets import ChoiceCombo, describe, fill_combo

__all__ = ["TimesPlot"]

_KINDS = (
    ("Δt", "step", "Time between neighbouring frames: gaps stand out."),
    ("Time", "time", "Time of each frame: a straight line where the interval is constant."),
)
#: Up to this number, each frame has its dot.
_FEW = 200


class TimesPlot(QWidget):
    """Times against frame numbers; what is odd is marked with triangles.

    Parameters
    ----------
    parent
        Qt parent.
    """

    #: A frame was clicked.
    frame_chosen = pyqtSignal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("timesPlotPanel")
        self._times = np.empty(0)
        self._frame = -1
        self._combo = ChoiceCombo()
        self._combo.setMinimumContentsLength(4)
        self._combo.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Fixed)
        fill_combo(self._combo, _KINDS)
        describe(
            self._combo, "timesPlotCombo", "What is plotted", "What is plotted for each frame."
        )
        self._combo.currentIndexChanged.connect(self._draw)
        self._summary = ElidedLabel(mode=Qt.TextElideMode.ElideRight)
        self._summary.setObjectName("timesSummaryLabel")
        self.plot = pg.PlotWidget(axisItems={"left": ScaleAxis()})
        describe(
            self.plot,
            "timesPlot",
            "Times of the frames",
            "Times against frame numbers. Triangles mark gaps, repeated times and steps backwards."
            " Click to go to a frame.",
        )
        self.plot.setMinimumSize(QSize(150, 70))
        self.plot.hideButtons()
        self.plot.getPlotItem().setMenuEnabled(False)
        self.plot.getPlotItem().getViewBox().setMouseMode(pg.ViewBox.RectMode)
        self.plot.getPlotItem().setMouseEnabled(x=True, y=False)
        self._line = pg.PlotDataItem()
        self._line.setDownsampling(auto=True, method="peak")
        self._line.setClipToView(True)
        self._odd = pg.ScatterPlotItem(symbol="t1", size=10)
        self._marker = FrameLine(angle=90)
        for item in (self._line, self._odd, self._marker):
            self.plot.addItem(item)
        self.plot.scene().sigMouseClicked.connect(self._on_plot_clicked)
        row = QHBoxLayout()
        row.setContentsMargins(6, 2, 6, 0)
        row.addWidget(self._combo)
        row.addWidget(self._summary, 1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(2)
        layout.addLayout(row)
        layout.addWidget(self.plot, 1)
        self._style()

    @property
    def summary(self) -> str:
        """What is odd about the times, in a few words."""
        return self._summary.text()

    def show_times(self, times: np.ndarray) -> None:
        """Plot the times of all frames, (n,) [s]."""
        self._times = times
        self._draw()

    def show_frame(self, frame: int) -> None:
        """Mark the frame that is on display."""
        self._frame = frame
        self._marker.setPos(frame)
        self._marker.setVisible(0 <= frame < len(self._times))

    def _draw(self) -> None:
        times = self._times
        flags = time_flags(times)
        self._summary.setText(_summary(flags))
        is_step = self._combo.currentData() == "step"
        values = time_steps(times) if is_step else times
        known = np.isfinite(values)
        unit = choose_unit(float(np.median(np.abs(values[known]))) if known.any() else 1.0, "s")
        with np.errstate(over="ignore"):
            shown = values / unit.scale
        known &= np.isfinite(shown)
        frames = np.arange(len(times), dtype=np.float64)
        self._line.setData(frames[known], shown[known])
        marked = known & (flags != TimeFlag.NONE)
        self._odd.setData(frames[marked], shown[marked])
        self.plot.setLabel("left", f"{'Δt' if is_step else 'Time'} ({unit.symbol})")
        self.plot.setLabel("bottom", "Frame")
        few = len(times) <= _FEW
        self._line.setSymbol("o" if few else None)
        self._line.setSymbolSize(4)
        if known.any():
            self.plot.setXRange(0, max(1, len(times) - 1), padding=0.04)
            self.plot.setYRange(*range_of(shown[known]), padding=0)
        self.show_frame(self._frame)

    def _on_plot_clicked(self, event: object) -> None:
        # pyqtgraph's own events have no types.
        place = event.scenePos()  # type: ignore[attr-defined]
        box = self.plot.getPlotItem().getViewBox()
        if len(self._times) and box.sceneBoundingRect().contains(place):
            frame = round(box.mapSceneToView(place).x())
            self.frame_chosen.emit(max(0, min(frame, len(self._times) - 1)))

    def changeEvent(self, event: QEvent) -> None:  # noqa: N802 - Qt's name
        """Follow the theme."""
        super().changeEvent(event)
        if event.type() in (QEvent.Type.PaletteChange, QEvent.Type.FontChange):
            self._style()

    def _style(self) -> None:
        if not hasattr(self, "_marker"):
            return
        colors = PlotColors.from_palette(self.palette())
        style_plot(self.plot, colors, self.font())
        self._line.setPen(make_pen(colors.trace, 1.3))
        self._line.setSymbolPen(None)
        self._line.setSymbolBrush(colors.trace)
        self._odd.setPen(make_pen(colors.ground))
        self._odd.setBrush(colors.fit)
        self._marker.setPen(make_pen(colors.faint))


def _summary(flags: np.ndarray) -> str:
    """Count what is odd about the times."""
    words = (
        (TimeFlag.GAP, "gap", "gaps"),
        (TimeFlag.BACKWARDS, "step backwards", "steps backwards"),
        (TimeFlag.REPEATED, "repeated time", "repeated times"),
    )
    parts = []
    for flag, one, many in words:
        count = int(np.count_nonzero(flags == flag))
        if count:
            parts.append(f"{count} {one if count == 1 else many}")
    missing = int(np.count_nonzero(flags == TimeFlag.MISSING))
    if missing:
        parts.append(f"no time in {format_count(missing, 'frame')}")
    if parts:
        return ", ".join(parts)
    return "no gaps" if len(flags) > 1 else ""
