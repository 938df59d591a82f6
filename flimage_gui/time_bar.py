"""Going through the frames: slider, number, time, and playing with the recording's real times."""

from __future__ import annotations

import numpy as np
from PyQt5.QtCore import QElapsedTimer, QSize, Qt, QTimer, pyqtSignal
from PyQt5.QtGui import (
    QResizeEvent,
)
from PyQt5.QtWidgets import (
    QActionGroup,
    QHBoxLayout,
    QLabel,
    QMenu,
    QSizePolicy,
    QToolButton,
    QWidget,
)

from flimage.quantities import format_number

from . import assets
from .frame_slider import FrameSlider
from .playback import (
    FRAME_RATES,
    SPEEDS,
    Ending,
    PlaybackClock,
    playable_times,
    suitable_speed,
)
from .session import Change, Session
from .spin_boxes import NumberSpin
from .time_texts import time_text
from .widgets import ChoiceCombo, blocked, describe, spare_room

__all__ = ["TimeBar"]

#: Least width [px].
_LEAST_WIDTH = 390


class TimeBar(QWidget):
    """Shows which frame is displayed and asks the session for others.

    Parameters
    ----------
    session
        The open recording.
    parent
        Qt parent.
    """

    #: The times have changed, and with them the speed that suits them.
    times_changed = pyqtSignal()

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("timeBar")
        self._session = session
        self._times = np.zeros(0)
        self._clock: PlaybackClock | None = None
        self._elapsed = QElapsedTimer()
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.timeout.connect(self._on_timer_timeout)

        self._play_button = QToolButton()
        self._play_button.setProperty("flat", True)
        describe(
            self._play_button,
            "playButton",
            "Play",
            "Play the recording with its own times, at the chosen speed (Space).",
        )
        self._speed_combo = ChoiceCombo()
        # In a row of controls it is no wider than its items.
        self._speed_combo.setSizeAdjustPolicy(ChoiceCombo.SizeAdjustPolicy.AdjustToContents)
        self._speed_combo.setMinimumContentsLength(0)
        self._speed_combo.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        for speed in SPEEDS:
            self._speed_combo.addItem(f"×{speed:g}", speed)
        self._speed_combo.insertSeparator(self._speed_combo.count())
        for rate in FRAME_RATES:
            self._speed_combo.addItem(f"{rate:g} fps", f"{rate:g} fps")
        describe(
            self._speed_combo,
            "speedCombo",
            "Playback speed",
            "×1 plays as fast as it was recorded, with the recorded times. With a number of frames"
            " per second, every frame is shown for the same time.",
        )
        self._ending = Ending.STOP
        self._range: tuple[int, int] | None = None
        self._build_options()
        self._slider = FrameSlider(Qt.Orientation.Horizontal)
        describe(
            self._slider,
            "frameSlider",
            "Frame",
            "Drag, or use the arrow keys; PgUp and PgDn go a tenth of the recording.",
        )
        self._slider.setToolTip("")
        self._spin = NumberSpin()
        self._spin.setSizePolicy(QSizePolicy.Policy.Minimum, QSizePolicy.Policy.Fixed)
        describe(self._spin, "frameSpin", "Frame number", "Number of the frame; the first is 0.")
        self._count = QLabel()
        self._count.setObjectName("frameCountLabel")
        self._time = QLabel()
        self._time.setObjectName("timeLabel")
        self._time.setAccessibleName("Time")
        self._time.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)

        row = self._row = QHBoxLayout(self)
        row.setContentsMargins(6, 3, 8, 3)
        row.setSpacing(6)
        row.addWidget(self._play_button)
        row.addWidget(self._speed_combo)
        row.addWidget(self._options)
        row.addWidget(self._slider, 1)
        row.addWidget(self._spin)
        row.addWidget(self._count)
        row.addWidget(self._time)

        self._play_button.clicked.connect(self.toggle_play)
        self._speed_combo.activated.connect(self._on_speed_activated)
        self._slider.valueChanged.connect(self._on_slider_changed)
        self._spin.valueChanged.connect(self._on_spin_changed)
        session.changed.connect(self._on_session_changed)
        self._refresh_recording()

    def _build_options(self) -> None:
        self._options = QToolButton()
        self._options.setProperty("flat", True)
        self._options.setIcon(assets.icon("loop"))
        self._options.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        describe(
            self._options,
            "playOptionsButton",
            "Options of playing",
            "What happens at the end, and which frames are played.",
        )
        menu = QMenu(self._options)
        group = QActionGroup(menu)
        self._endings = {}
        for ending in Ending:
            action = menu.addAction(ending.value)
            action.setObjectName(f"playEnding{ending.name.title().replace('_', '')}")
            action.setCheckable(True)
            action.triggered.connect(lambda _checked, ending=ending: self.set_ending(ending))
            group.addAction(action)
            self._endings[ending] = action
        self._endings[self._ending].setChecked(True)
        menu.addSeparator()
        for name, text, slot in (
            ("playFromHere", "Play &from this frame on", lambda: self._bound_range(0)),
            ("playToHere", "Play up &to this frame", lambda: self._bound_range(1)),
            ("playFitRange", "Play the frames of the &fit", self._play_fit_range),
            ("playAll", "Play &all frames", lambda: self.set_range(None)),
        ):
            action = menu.addAction(text)
            action.setObjectName(name)
            action.triggered.connect(lambda _checked, slot=slot: slot())
        self._options.setMenu(menu)

    # ------------------------------------------------------------------ stepping

    def step(self, by: int) -> None:
        """Go some frames forward or back."""
        self.stop()
        self._session.set_frame(self._session.frame + by)

    def page(self, direction: int) -> None:
        """Go a tenth of the recording forward or back."""
        self.step(direction * max(1, round(self._session.n_frames / 10)))

    def go_to(self, index: int) -> None:
        """Go to a frame; negative numbers count from the end."""
        self.stop()
        self._session.set_frame(index if index >= 0 else self._session.n_frames + index)

    # ------------------------------------------------------------------ playing

    @property
    def playing(self) -> bool:
        """Whether the recording is being played."""
        return self._clock is not None

    @property
    def speed(self) -> float:
        """Speed of playing, relative to the recording; 1 with a number of frames per second."""
        chosen = self._speed_combo.currentData()
        return 1.0 if isinstance(chosen, str) else float(chosen)

    @property
    def frame_rate(self) -> float | None:
        """Frames per second; None when the recorded times count."""
        chosen = self._speed_combo.currentData()
        return float(chosen.split()[0]) if isinstance(chosen, str) else None

    @property
    def ending(self) -> Ending:
        """What happens at the last frame that is played."""
        return self._ending

    def set_ending(self, ending: Ending) -> None:
        """Choose what happens at the last frame that is played."""
        self._ending = ending
        self._endings[ending].setChecked(True)
        if self.playing:
            self._start()

    @property
    def played(self) -> tuple[int, int]:
        """First and last frame that are played."""
        end = max(0, self._session.n_frames - 1)
        first, last = (0, end) if self._range is None else self._range
        return min(first, end), min(last, end)

    def set_range(self, frames: tuple[int, int] | None) -> None:
        """Play only the frames from the first to the last of `frames`; None plays all."""
        end = max(0, self._session.n_frames - 1)
        if frames is not None and (max(frames[0], 0), min(frames[1], end)) == (0, end):
            frames = None
        self._range = frames
        self._slider.show_range(None if frames is None else self.played)
        if self.playing:
            self._start()

    def _bound_range(self, end: int) -> None:
        first, last = self.played
        frame = self._session.frame
        self.set_range((first, max(frame, first)) if end else (frame, max(frame, last)))

    def _play_fit_range(self) -> None:
        recipe, end = self._session.recipe, max(0, self._session.n_frames - 1)
        self.set_range((recipe.first or 0, end if recipe.last is None else recipe.last))

    def toggle_play(self) -> None:
        """Play, or stop playing."""
        if self.playing:
            self.stop()
        elif self._session.n_frames > 1:
            first, last = self.played
            if not first <= self._session.frame < last:
                self._session.set_frame(first)
            self._start()

    def stop(self) -> None:
        """Stop playing."""
        self._clock = None
        self._timer.stop()
        self._show_playing()

    def _start(self) -> None:
        times, rate = self._times, self.frame_rate
        if rate is not None:
            times = np.arange(len(times)) / rate
        first, last = self.played
        begin = min(max(self._session.frame, first), last)
        self._clock = PlaybackClock(times, begin, self.speed, first, last, self._ending)
        self._elapsed.start()
        self._show_playing()
        self._wait()

    def _wait(self) -> None:
        if self._clock is None:
            return
        seconds = self._clock.wait(self._session.frame, self._elapsed.nsecsElapsed() * 1e-9)
        if seconds is None:
            self.stop()
            return
        # Faster than the screen makes no sense: frames that are due in between are left out.
        self._timer.start(max(15, min(round(seconds * 1e3), 2**31 - 1)))

    def _on_timer_timeout(self) -> None:
        if self._clock is not None:
            elapsed = self._elapsed.nsecsElapsed() * 1e-9
            self._session.set_frame(self._clock.frame(elapsed))
            self._wait()

    def _on_speed_activated(self, _index: int) -> None:
        if self.playing:
            self._start()

    def _show_playing(self) -> None:
        self._play_button.setIcon(assets.icon("pause" if self.playing else "play"))
        self._play_button.setAccessibleName("Pause" if self.playing else "Play")

    # ------------------------------------------------------------------ room

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802 - Qt's name
        """Leave out what stands elsewhere, too, where there is no room for it."""
        super().resizeEvent(event)
        spare_room(self._row, event.size().width(), (self._count, self._speed_combo))

    def minimumSizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        """Do with the room for the controls that cannot be spared."""
        hint = super().minimumSizeHint()
        return QSize(min(hint.width(), _LEAST_WIDTH), hint.height())

    # ------------------------------------------------------------------ slots

    def _on_slider_changed(self, value: int) -> None:
        self.stop()
        self._session.set_frame(value)

    def _on_spin_changed(self, value: int) -> None:
        self.stop()
        self._session.set_frame(value)

    def _on_session_changed(self, change: Change) -> None:
        if change & (Change.RECORDING | Change.BACKGROUND | Change.TIMES):
            self._refresh_recording()
        elif change & Change.FRAME:
            self._refresh_frame()

    def _refresh_recording(self) -> None:
        self.stop()
        count = self._session.n_frames
        if self._range is not None and self._range[1] >= count:
            self.set_range(None)
        new_times = playable_times(self._session.shown_times)
        if not np.array_equal(new_times, self._times):
            self._times = new_times
            self._speed_combo.setCurrentIndex(
                self._speed_combo.findData(suitable_speed(self._times))
            )
            self.times_changed.emit()
        last = max(0, count - 1)
        with blocked(self._slider, self._spin):
            self._slider.setRange(0, last)
            self._slider.setPageStep(max(1, round(count / 10)))
            self._spin.setRange(0, last)
        for widget in (
            self._play_button,
            self._speed_combo,
            self._options,
            self._slider,
            self._spin,
        ):
            widget.setEnabled(count > 1)
        self._count.setText(f"of 0–{last}" if count else "")
        metrics = self._time.fontMetrics()
        times = self._session.shown_times
        widest = max((time_text(times, i) for i in (0, count // 2, last)), key=len)
        self._time.setMinimumWidth(metrics.horizontalAdvance(f"{widest}00") if count else 0)
        self._refresh_frame()

    def _refresh_frame(self) -> None:
        frame = self._session.frame
        with blocked(self._slider, self._spin):
            self._slider.setValue(frame)
            self._spin.setValue(frame)
        times = self._session.shown_times
        self._time.setText(time_text(times, frame) if self._session.n_frames else "")
        tip, stored = "Time since the first frame.", self._session.times
        if times is not stored:
            tip = "Time since the first frame, with the interval of the settings."
        differs = times is not stored or (len(stored) and stored[0] != 0)
        if differs and frame < len(stored) and np.isfinite(stored[frame]):
            tip += f" The file states {format_number(float(stored[frame]), 7)} s for this one."
        self._time.setToolTip(f"<p>{tip}</p>")
