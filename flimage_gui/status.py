"""The status bar: pixel under the pointer, what is going on, time and frame."""

from __future__ import annotations

from PyQt5.QtCore import Qt
from PyQt5.QtWidgets import QLabel, QProgressBar, QSizePolicy, QStatusBar, QToolButton, QWidget

from flimage.quantities import format_number, format_quantity

from . import assets
from .labels import ElidedLabel, shortened
from .probe import NAMES, Probe
from .session import Change, Session
from .time_texts import time_text
from .widgets import describe

__all__ = ["StatusBar"]


class StatusBar(QStatusBar):
    """Shows the session's state in a line.

    Parameters
    ----------
    session
        The open recording.
    parent
        Qt parent.
    """

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("statusBar")
        self._session = session
        self._pixel: tuple[int, int] | None = None
        self._probe = Probe(session)
        self._probe.ready.connect(lambda: self.show_pixel(self._pixel))
        self._place = QLabel()
        self._place.setObjectName("pixelLabel")
        self._place.setTextInteractionFlags(Qt.TextInteractionFlag.NoTextInteraction)
        self._quiet = QLabel()
        self._quiet.setObjectName("activityLabel")
        self._quiet.setProperty("role", "hint")
        self._bar = QProgressBar()
        describe(self._bar, "statusProgressBar", "Progress")
        self._bar.setFixedWidth(150)
        self._bar.setTextVisible(False)
        self._bar.setMaximumHeight(10)
        self._stop = QToolButton()
        self._stop.setProperty("flat", True)
        self._stop.setIcon(assets.icon("close"))
        describe(self._stop, "statusCancelButton", "Cancel", "Cancel (Esc)")
        self._stop.clicked.connect(session.cancel)
        self._frame = ElidedLabel(mode=Qt.TextElideMode.ElideLeft)
        # As wide as its text where there is room; the number of the frame stays to the last.
        self._frame.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        self._frame.setObjectName("frameLabel")
        self.addWidget(self._place, 1)
        self.addPermanentWidget(self._quiet)
        self.addPermanentWidget(self._bar)
        self.addPermanentWidget(self._stop)
        self.addPermanentWidget(self._frame)
        session.changed.connect(self._on_session_changed)
        session.job_progress.connect(self._on_session_job_progress)
        session.quiet_progress.connect(self._on_session_quiet_progress)
        self._show_busy()
        self._show_frame()

    def show_pixel(self, pixel: tuple[int, int] | None) -> None:
        """Show place and values of the pixel in (column, row)."""
        self._pixel = pixel
        session = self._session
        if pixel is None or session.source is None:
            self._place.clear()
            return
        column, row = pixel
        text = f"x {column}, y {row} px"
        if session.pixel_size:
            # The middle of the pixel.
            x, y = ((v + 0.5) * session.pixel_size * 1e6 for v in pixel)
            text += f"  ({x:.2f}, {y:.2f} µm)"
        values = self._probe.values(column, row)
        told = [f"{NAMES[each]} {format_number(value, 5)}" for each, value in values.items()]
        self._place.setText("   ".join([text, *told]))

    def _on_session_changed(self, change: Change) -> None:
        if change & Change.JOB:
            self._show_busy()
        if change & (Change.FRAME | Change.RECORDING | Change.BACKGROUND | Change.TIMES):
            self._show_frame()
        if change & Change.RECORDING:
            self.show_pixel(None)

    def _show_busy(self) -> None:
        busy = self._session.busy
        self._bar.setVisible(bool(busy))
        self._stop.setVisible(bool(busy))
        self._bar.setRange(0, 0)
        self._quiet.setText(f"{busy} …" if busy else "")

    def _on_session_job_progress(self, done: int, total: int, stage: str) -> None:
        self._bar.setRange(0, max(total, 1))
        self._bar.setValue(done)
        if self._session.busy:
            self._quiet.setText(f"{self._session.busy} …")

    def _on_session_quiet_progress(self, done: int, total: int, stage: str) -> None:
        if not self._session.busy:
            percent = 100 * done // max(total, 1)
            self._quiet.setText("" if done >= total else f"{stage} {percent}\u202f%")

    def _show_frame(self) -> None:
        session = self._session
        if session.source is None:
            self._frame.clear()
            return
        frame = session.frame
        parts = []
        name = session.source.identifiers[frame]
        if name:
            parts.append(shortened(name, 24))
        height, width = session.shape
        parts.append(f"{width} × {height} px")
        if session.pixel_size:
            parts.append(f"{format_quantity(session.pixel_size, 'm')}/px")
        parts.append(time_text(session.shown_times, frame))
        parts.append(f"frame {frame} of 0–{session.n_frames - 1}")
        self._frame.setText("   ".join(parts))
