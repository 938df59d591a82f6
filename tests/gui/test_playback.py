"""Playing at a speed or a rate, in a range, in a loop, back and forth; and jumping."""

from __future__ import annotations

import numpy as np
import pytest
from controls import find
from PyQt5.QtCore import Qt
from PyQt5.QtWidgets import (
    QAbstractButton,
    QAction,
    QComboBox,
    QDialog,
    QDialogButtonBox,
    QLabel,
    QLineEdit,
)

from flimage_gui.editor import Editor
from flimage_gui.jump_dialog import find_frame
from flimage_gui.main_window import MainWindow
from flimage_gui.playback import Ending, PlaybackClock

PATIENCE = 20_000


def sequence(clock: PlaybackClock, until: float, step: float = 0.01) -> list[int]:
    """Frames in the order in which they are shown."""
    frames = [clock.frame(t) for t in np.arange(0, until, step) + step / 3]
    return [f for i, f in enumerate(frames) if i == 0 or f != frames[i - 1]]


def test_a_loop_starts_again_after_the_last_frame() -> None:
    clock = PlaybackClock(np.arange(5) * 0.1, 3, 1.0, 1, 3, Ending.LOOP)
    assert sequence(clock, 0.95) == [3, 1, 2, 3, 1, 2, 3, 1, 2, 3][:10]
    assert clock.wait(3, 0.0) == pytest.approx(0.1)
    assert clock.wait(1, 0.1) == pytest.approx(0.1)


def test_back_and_forth_turns_at_both_ends() -> None:
    clock = PlaybackClock(np.arange(5) * 0.1, 1, 2.0, 1, 4, Ending.PING_PONG)
    assert sequence(clock, 0.42, 0.005)[:8] == [1, 2, 3, 4, 3, 2, 1, 2]
    assert all(1 <= f <= 4 for f in sequence(clock, 3.0))


def test_waiting_leads_to_the_next_frame_in_every_mode() -> None:
    times = np.array([0.0, 0.1, 0.5, 0.6, 2.0])
    for ending in (Ending.LOOP, Ending.PING_PONG):
        clock = PlaybackClock(times, 0, 1.0, 0, 4, ending)
        elapsed, seen = 0.0, set()
        for _ in range(30):
            frame = clock.frame(elapsed)
            seen.add(frame)
            wait = clock.wait(frame, elapsed)
            assert 0 <= wait <= 1.5
            elapsed += max(wait, 0.001)
        assert seen == {0, 1, 2, 3, 4}


def test_playing_stops_at_the_end_of_the_range(qtbot, opened: MainWindow) -> None:
    bar, session = opened.time_bar, opened.session
    combo = find(opened, QComboBox, "speedCombo")
    combo.setCurrentIndex(combo.findData("50 fps"))
    assert bar.frame_rate == 50
    session.set_frame(3)
    find(opened, QAction, "playFromHere").trigger()
    session.set_frame(8)
    find(opened, QAction, "playToHere").trigger()
    assert bar.played == (3, 8)
    seen = []
    session.changed.connect(lambda change: seen.append(session.frame))
    opened.frame_view.setFocus()
    qtbot.keyClick(opened.frame_view, Qt.Key.Key_Space)
    assert bar.playing
    qtbot.waitUntil(lambda: not bar.playing, timeout=PATIENCE)
    assert session.frame == 8
    assert min(seen) == 3
    find(opened, QAction, "playAll").trigger()
    assert bar.played == (0, 11)


def test_a_loop_goes_on_until_it_is_stopped(qtbot, opened: MainWindow) -> None:
    bar, session = opened.time_bar, opened.session
    combo = find(opened, QComboBox, "speedCombo")
    combo.setCurrentIndex(combo.findData("50 fps"))
    find(opened, QAction, "playEndingLoop").trigger()
    bar.set_range((0, 2))
    seen = []
    session.changed.connect(lambda change: seen.append(session.frame))
    qtbot.mouseClick(find(opened, QAbstractButton, "playButton"), Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: seen.count(0) >= 2, timeout=PATIENCE)
    assert bar.playing
    assert set(seen) <= {0, 1, 2}
    qtbot.mouseClick(find(opened, QAbstractButton, "playButton"), Qt.MouseButton.LeftButton)
    assert not bar.playing


def test_the_frames_of_the_fit_can_be_played(qtbot, opened: MainWindow) -> None:
    session = opened.session
    session.set_recipe(session.recipe.replace(first=2, last=9), "Range")
    find(opened, QAction, "playFitRange").trigger()
    assert opened.time_bar.played == (2, 9)


@pytest.mark.parametrize(
    ("text", "frame"),
    [
        ("7", 7),
        (" 0 ", 0),
        ("12", None),
        ("2.6 s", 5),
        ("1500 ms", 3),
        ("99 h", 11),
        ("test:4", 4),
        ("TEST:11", 11),
        ("nothing like it", None),
        ("", None),
    ],
)
def test_frames_are_found_by_number_time_and_identifier(
    opened: MainWindow, text: str, frame: int | None
) -> None:
    assert find_frame(opened.session, text) == frame


def test_jumping_by_keys(qtbot, opened: MainWindow) -> None:
    qtbot.keyClick(opened, Qt.Key.Key_G, Qt.KeyboardModifier.ControlModifier)
    dialog = find(opened, QDialog, "jumpDialog")
    edit = find(dialog, QLineEdit, "jumpEdit")
    ok = dialog.findChild(QDialogButtonBox).button(QDialogButtonBox.StandardButton.Ok)
    assert not ok.isEnabled()
    qtbot.keyClicks(edit, "99")
    assert "run from 0 to 11" in find(dialog, QLabel, "jumpHint").text()
    edit.clear()
    qtbot.keyClicks(edit, "3 s")
    assert find(dialog, QLabel, "jumpHint").text().startswith("Frame 6")
    qtbot.keyClick(edit, Qt.Key.Key_Return)
    assert opened.session.frame == 6


def test_a_long_identifier_fits_the_answer(qtbot, opened: MainWindow, settle) -> None:
    Editor(opened.session).set_value([3], "identifier", "a very long name of a recording " * 4)
    settle(opened.session)
    find(opened, QAction, "actionJump").trigger()
    dialog = find(opened, QDialog, "jumpDialog")
    qtbot.keyClicks(find(dialog, QLineEdit, "jumpEdit"), "3")
    hint = find(dialog, QLabel, "jumpHint")
    qtbot.wait(50)
    assert hint.text().startswith("Frame 3")
    assert hint.heightForWidth(hint.width()) <= hint.height()
    dialog.reject()
