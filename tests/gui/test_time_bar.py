from __future__ import annotations

import numpy as np
import pytest
from controls import find
from pointer import drag
from PyQt5.QtCore import QPoint, Qt
from PyQt5.QtWidgets import QAbstractButton, QComboBox, QLabel, QSlider, QSpinBox
from recordings import decaying, write_series

from flimage_gui import time_texts
from flimage_gui.playback import PlaybackClock, playable_times, suitable_speed
from flimage_gui.session import Session
from flimage_gui.time_bar import TimeBar
from flimage_gui.time_texts import time_text

PATIENCE = 20_000


@pytest.fixture
def bar(qtbot, session: Session, recording, settle) -> TimeBar:
    made = TimeBar(session)
    qtbot.addWidget(made)
    made.resize(700, 40)
    made.show()
    qtbot.waitExposed(made)
    session.open(recording)
    settle(session)
    return made


def test_nothing_can_be_moved_without_a_recording(qtbot, session: Session) -> None:
    made = TimeBar(session)
    qtbot.addWidget(made)
    assert not find(made, QSlider, "frameSlider").isEnabled()
    assert not find(made, QAbstractButton, "playButton").isEnabled()
    assert find(made, QLabel, "timeLabel").text() == ""


def test_slider_and_spin_box_follow_each_other(qtbot, bar: TimeBar, session: Session) -> None:
    slider, spin = find(bar, QSlider, "frameSlider"), find(bar, QSpinBox, "frameSpin")
    assert (slider.minimum(), slider.maximum()) == (0, 11)
    slider.setFocus()
    qtbot.keyClick(slider, Qt.Key.Key_Right)
    assert (session.frame, spin.value()) == (1, 1)
    qtbot.keyClick(slider, Qt.Key.Key_End)
    assert (session.frame, spin.value()) == (11, 11)
    spin.setFocus()
    spin.selectAll()
    qtbot.keyClicks(spin, "4")
    qtbot.keyClick(spin, Qt.Key.Key_Return)
    assert (session.frame, slider.value()) == (4, 4)


def test_paging_keys_of_the_slider_go_the_way_of_those_of_the_window(
    qtbot, bar: TimeBar, session: Session
) -> None:
    slider = find(bar, QSlider, "frameSlider")
    session.set_frame(5)
    qtbot.keyClick(slider, Qt.Key.Key_PageDown)
    assert session.frame == 6
    qtbot.keyClick(slider, Qt.Key.Key_PageUp)
    assert session.frame == 5


def test_slider_can_be_dragged(qtbot, bar: TimeBar, session: Session) -> None:
    slider = find(bar, QSlider, "frameSlider")
    middle = slider.height() // 2
    seen = []
    session.changed.connect(lambda change: seen.append(session.frame))
    drag(slider, *(QPoint(x, middle) for x in range(6, slider.width() + 40, 4)))
    assert seen == list(range(1, 12))


def test_clicking_the_slider_goes_there(qtbot, bar: TimeBar, session: Session) -> None:
    slider = find(bar, QSlider, "frameSlider")
    place = QPoint(slider.width() // 2, slider.height() // 2)
    qtbot.mouseClick(slider, Qt.MouseButton.LeftButton, pos=place)
    assert session.frame in (5, 6)
    place.setX(slider.width() - 3)
    qtbot.mouseClick(slider, Qt.MouseButton.LeftButton, pos=place)
    assert session.frame == 11


def test_time_since_the_first_frame_is_shown(bar: TimeBar, session: Session) -> None:
    label = find(bar, QLabel, "timeLabel")
    assert label.text() == "0.0 s"
    session.set_frame(3)
    assert label.text() == "1.5 s"


@pytest.mark.parametrize(
    ("times", "index", "text"),
    [
        (np.arange(100) * 0.001, 7, "7 ms"),
        (np.arange(100) * 0.25, 3, "0.75 s"),
        (1e9 + np.arange(10) * 5.0, 2, "10 s"),
        (np.arange(100) * 60.0, 30, "30 min"),
        (np.arange(300) * 600.0, 12, "2.00 h"),
        (np.array([np.nan, np.nan]), 1, "–"),
        (np.array([0.0, np.nan, 4.0]), 1, "–"),
        (np.array([5.0]), 0, "0"),
    ],
)
def test_times_have_units_and_digits_that_suit_them(times, index: int, text: str) -> None:
    assert time_text(times, index).startswith(text)


def test_playing_shows_every_frame_at_its_time(qtbot, bar: TimeBar, session: Session) -> None:
    combo = find(bar, QComboBox, "speedCombo")
    combo.setFocus()
    combo.setCurrentIndex(combo.findData(10.0))
    seen = []
    session.changed.connect(lambda change: seen.append(session.frame))
    qtbot.mouseClick(find(bar, QAbstractButton, "playButton"), Qt.MouseButton.LeftButton)
    assert bar.playing
    qtbot.waitUntil(lambda: not bar.playing, timeout=PATIENCE)
    assert session.frame == 11
    assert seen == sorted(seen)


def test_playing_again_from_the_end_starts_at_the_first_frame(
    qtbot, bar: TimeBar, session: Session
) -> None:
    session.set_frame(11)
    bar.toggle_play()
    assert session.frame == 0
    bar.toggle_play()
    assert not bar.playing


def test_moving_the_slider_stops_playing(qtbot, bar: TimeBar, session: Session) -> None:
    bar.toggle_play()
    assert bar.playing
    slider = find(bar, QSlider, "frameSlider")
    qtbot.keyClick(slider, Qt.Key.Key_PageDown)
    assert not bar.playing


def test_clock_follows_irregular_times() -> None:
    times = playable_times(np.array([10.0, 10.1, 10.2, 15.2, 15.3]))
    clock = PlaybackClock(times, first=1, speed=1.0)
    assert [clock.frame(t) for t in (0.0, 0.05, 0.1, 3.0, 5.1, 5.2, 99.0)] == [1, 1, 2, 2, 3, 4, 4]
    assert clock.wait(2, 0.1) == pytest.approx(5.0)
    assert clock.wait(4, 0.0) is None


def test_clock_leaves_frames_out_that_are_due_in_between() -> None:
    clock = PlaybackClock(playable_times(np.arange(1000) * 0.001), first=0, speed=1.0)
    assert clock.frame(0.1) == 100


def test_times_that_cannot_be_played_are_made_regular() -> None:
    assert np.allclose(playable_times(np.full(3, np.nan)), [0.0, 0.1, 0.2])
    assert np.allclose(playable_times(np.array([0.0, 2.0, np.nan, 1.0, 3.0])), [0, 2, 4, 6, 8])
    assert np.allclose(playable_times(np.array([5.0, 5.0, 5.0])), [0.0, 0.1, 0.2])
    assert playable_times(np.empty(0)).size == 0


@pytest.mark.parametrize("interval", [1e-4, 0.1, 1.0, 60.0, 3600.0])
def test_chosen_speed_plays_any_recording_within_a_minute(interval: float) -> None:
    times = np.arange(200) * interval
    duration = times[-1] / suitable_speed(times)
    assert 1.0 < duration < 60.0


def test_recording_without_times_can_still_be_stepped_and_played(
    qtbot, session: Session, tmp_path, settle
) -> None:
    path = tmp_path / "timeless.h5"
    from flimage import FLImage, FLSeries

    with FLSeries(h5file=path, h5mode="w") as series:
        for frame in decaying(5):
            series.add_flimage(FLImage(frame))
    made = TimeBar(session)
    qtbot.addWidget(made)
    made.show()
    session.open(path)
    settle(session)
    assert find(made, QLabel, "timeLabel").text() == "–"
    made.toggle_play()
    qtbot.waitUntil(lambda: session.frame == 4, timeout=PATIENCE)


def test_another_recording_resets_the_range(qtbot, bar, session, tmp_path, settle) -> None:
    session.set_frame(9)
    session.open(write_series(tmp_path / "short.h5", decaying(4)))
    settle(session)
    assert find(bar, QSlider, "frameSlider").maximum() == 3
    assert find(bar, QSpinBox, "frameSpin").value() == 0
    assert find(bar, QLabel, "frameCountLabel").text() == "of 0–3"


def test_the_time_of_a_frame_is_that_of_the_recording_that_is_asked_for() -> None:
    seconds, hours = np.arange(5.0), 3600.0 * np.arange(100.0)
    texts = [time_text(seconds, 2), time_text(hours, 2), time_text(seconds, 2)]
    assert texts[0] == texts[2]
    assert texts[0].endswith(" s")
    assert texts[1].split()[-1] in ("h", "d")


def test_asking_for_a_time_again_does_not_go_through_all_of_them(monkeypatch) -> None:
    times = np.arange(100_000.0)
    first = time_text(times, 7)
    monkeypatch.setattr(time_texts, "time_unit", None)
    assert time_text(times, 7) == first


def test_a_single_frame_has_its_time_in_seconds() -> None:
    assert time_text(np.array([0.0]), 0) == "0 s"
    assert time_text(np.array([12.5]), 0) == "0 s"
