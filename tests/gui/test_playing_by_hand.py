"""Playing in the running window: speeds, rates, ranges and ends, by clicks and keys alone."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pytest
from controls import bleaching, choose, click, find, write_frames
from hands import pick_below, press
from PyQt5.QtCore import Qt
from PyQt5.QtWidgets import QLabel, QSpinBox

from flimage_gui.main_window import MainWindow

PATIENCE = 20_000
#: Frames that follow each other after 0.2 s, but for one pause.
TIMES = (0.0, 0.2, 0.4, 1.4, 1.6, 1.8)
#: How much later than due a frame may come on a machine that has other things to do [s].
LATE = 0.4


class Watch:
    """Notes when each frame is painted."""

    def __init__(self, window: MainWindow) -> None:
        self.frames: list[int] = []
        self.at: list[float] = []
        self._window = window
        window.session.frame_ready.connect(self._note)

    def _note(self, index: int, *_: object) -> None:
        if not self.frames or self.frames[-1] != index:
            self.frames.append(index)
            self.at.append(time.monotonic())

    def lasted(self, frame: int) -> float:
        """How long a frame was on screen [s], the first time that it was."""
        place = self.frames.index(frame)
        return self.at[place + 1] - self.at[place]


@pytest.fixture
def irregular(qtbot, window: MainWindow, tmp_path: Path, settle) -> MainWindow:
    window.open_path(write_frames(tmp_path / "irregular.h5", bleaching(6), TIMES))
    settle(window.session)
    return window


def at_frame(window: MainWindow, frame: int) -> bool:
    return find(window, QSpinBox, "frameSpin").value() == frame


@pytest.mark.parametrize(("speed", "frame"), [(0.1, 0), (1.0, 2), (2.0, 2), (10.0, 2)])
def test_real_time_speeds_keep_the_pauses_of_the_recording(
    qtbot, irregular: MainWindow, settle, speed: float, frame: int
) -> None:
    choose(qtbot, irregular, "speedCombo", speed)
    watch = Watch(irregular)
    press(qtbot, irregular, Qt.Key.Key_Space)
    start = time.monotonic()
    qtbot.waitUntil(lambda: at_frame(irregular, frame + 1), timeout=PATIENCE)
    press(qtbot, irregular, Qt.Key.Key_Space)
    settle(irregular.session)
    due = (TIMES[frame + 1] - TIMES[frame]) / speed
    lasted = watch.at[0] - start if frame == 0 else watch.lasted(frame)
    # A frame that comes late itself is not shown longer for that.
    assert due - LATE / 2 < lasted < due + LATE
    if speed <= 1:
        assert lasted > 0.9 * due - 0.05


def test_a_hundred_times_as_fast_is_over_at_once(qtbot, irregular: MainWindow, settle) -> None:
    choose(qtbot, irregular, "speedCombo", 100.0)
    start = time.monotonic()
    click(qtbot, irregular, "playButton")
    qtbot.waitUntil(lambda: not irregular.time_bar.playing, timeout=PATIENCE)
    assert time.monotonic() - start < 1.0
    assert at_frame(irregular, 5)
    assert find(irregular, QLabel, "timeLabel").text() == "1.8 s"


def test_a_rate_shows_all_frames_for_the_same_time(qtbot, irregular: MainWindow, settle) -> None:
    choose(qtbot, irregular, "speedCombo", "5 fps")
    watch = Watch(irregular)
    click(qtbot, irregular, "playButton")
    qtbot.waitUntil(lambda: not irregular.time_bar.playing, timeout=PATIENCE)
    assert watch.frames == [1, 2, 3, 4, 5]
    # As long as the others, where the recording pauses.
    assert np.diff(watch.at) == pytest.approx([0.2] * 4, abs=0.15)


def test_a_range_is_played_in_a_loop_and_back_and_forth(
    qtbot, irregular: MainWindow, settle
) -> None:
    choose(qtbot, irregular, "speedCombo", "25 fps")
    press(qtbot, irregular, Qt.Key.Key_Right)
    pick_below(qtbot, irregular, "playOptionsButton", "playFromHere")
    for _ in range(2):
        press(qtbot, irregular, Qt.Key.Key_Period)
    pick_below(qtbot, irregular, "playOptionsButton", "playToHere")
    pick_below(qtbot, irregular, "playOptionsButton", "playEndingLoop")
    watch = Watch(irregular)
    click(qtbot, irregular, "playButton")
    qtbot.waitUntil(lambda: len(watch.frames) > 8, timeout=PATIENCE)
    follows = set(zip(watch.frames, watch.frames[1:], strict=False))
    assert set(watch.frames) == {1, 2, 3}
    assert (3, 1) in follows
    assert (3, 2) not in follows
    # Also while it plays.
    pick_below(qtbot, irregular, "playOptionsButton", "playEndingPingPong")
    again = Watch(irregular)
    qtbot.waitUntil(lambda: len(again.frames) > 10, timeout=PATIENCE)
    follows = set(zip(again.frames[2:], again.frames[3:], strict=False))
    assert {(1, 2), (2, 3), (3, 2), (2, 1)} <= follows
    assert (3, 1) not in follows
    press(qtbot, irregular, Qt.Key.Key_Space)
    assert not irregular.time_bar.playing
    pick_below(qtbot, irregular, "playOptionsButton", "playEndingStop")
    pick_below(qtbot, irregular, "playOptionsButton", "playAll")
    press(qtbot, irregular, Qt.Key.Key_Home)
    press(qtbot, irregular, Qt.Key.Key_Space)
    qtbot.waitUntil(lambda: not irregular.time_bar.playing, timeout=PATIENCE)
    assert at_frame(irregular, 5)
