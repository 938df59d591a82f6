"""Several windows, and how the program ends."""

from __future__ import annotations

import gc
import os
import signal
import subprocess
import sys
import time
import weakref
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from controls import find
from PyQt5 import sip
from PyQt5.QtCore import QCoreApplication, QEvent, QMimeData, QPoint, QPointF, Qt, QTimer, QUrl
from PyQt5.QtGui import QDragEnterEvent, QDropEvent
from PyQt5.QtWidgets import QApplication, QFileDialog, QMenu
from questions import answer
from recordings import decaying, write_series

from flimage.recipe import Recipe
from flimage_gui.journal import find_entries, journal_folder
from flimage_gui.main_window import MainWindow
from flimage_gui.settings import Preferences, Settings
from flimage_gui.windows import Windows

PATIENCE = 20_000
CTRL, SHIFT = Qt.KeyboardModifier.ControlModifier, Qt.KeyboardModifier.ShiftModifier


@pytest.fixture
def windows(qapp, settings: Settings) -> Iterator[Windows]:
    made = Windows(settings)
    yield made
    for window in made.open:
        window.session.shut_down()
        window.hide()
        sip.delete(window)


@pytest.fixture
def other(tmp_path: Path) -> Path:
    return write_series(tmp_path / "other.h5", decaying(5))


def buried() -> None:
    """Let Qt delete what is to be deleted."""
    for _ in range(3):
        QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
        QApplication.processEvents()
        gc.collect()


def edit(window: MainWindow, settle) -> None:
    window.session.assign_background(np.zeros((60, 80), dtype=np.float32), None, "Zero")
    settle(window.session)
    assert window.session.modified


# ---------------------------------------------------------------------- windows


def test_control_n_opens_a_window_with_a_session_of_its_own(
    qtbot, windows: Windows, recording: Path, other: Path, settle
) -> None:
    first = windows.new_window()
    first.open_path(recording)
    settle(first.session)
    # So that there is room on the screen for both.
    first.resize(first.minimumSizeHint())
    qtbot.keyClick(first, Qt.Key.Key_N, CTRL)
    assert len(windows.open) == 2
    second = windows.open[1]
    assert second.isVisible()
    assert second.session.source is None
    second.open_path(other)
    settle(second.session)
    second.session.set_frame(3)
    second.session.set_recipe(Recipe(border_px=2), "Change the border")
    settle(second.session)
    assert (first.session.path, first.session.frame) == (recording, 0)
    assert not first.session.can_undo
    assert second.pos() != first.pos()


def test_closing_one_window_leaves_the_others_and_nothing_behind(
    qtbot, windows: Windows, recording: Path, settle
) -> None:
    first, second = windows.new_window(), windows.new_window()
    for window in (first, second):
        window.open_path(recording)
        settle(window.session)
    gone = [weakref.ref(second.session), weakref.ref(second.frame_view)]
    qtbot.keyClick(second, Qt.Key.Key_W, CTRL | SHIFT)
    assert windows.open == [first]
    buried()
    assert sip.isdeleted(second)
    del second, window
    buried()
    assert [each() for each in gone if each() is not None and not sip.isdeleted(each())] == []
    first.session.set_frame(2)
    settle(first.session)
    assert first.session.frame == 2
    assert first.isVisible()


def test_a_file_is_opened_beside_the_one_that_is_open(
    qtbot, windows: Windows, recording: Path, other: Path, settle, monkeypatch
) -> None:
    first = windows.new_window()
    first.open_path(recording)
    settle(first.session)
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *args: (str(other), ""))
    qtbot.keyClick(first, Qt.Key.Key_O, CTRL | SHIFT)
    assert len(windows.open) == 2
    qtbot.waitUntil(lambda: windows.open[1].session.path == other, timeout=PATIENCE)
    settle(windows.open[1].session)
    assert first.session.path == recording


def test_of_several_dropped_files_each_gets_a_window(
    qtbot, windows: Windows, recording: Path, other: Path, settle
) -> None:
    first = windows.new_window()
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(path)) for path in (recording, other)])
    for kind, place in ((QDragEnterEvent, QPoint(50, 50)), (QDropEvent, QPointF(50, 50))):
        event = kind(
            place,
            Qt.DropAction.CopyAction,
            data,
            Qt.MouseButton.LeftButton,
            Qt.KeyboardModifier.NoModifier,
        )
        QApplication.sendEvent(first, event)
    qtbot.waitUntil(lambda: len(windows.open) == 2, timeout=PATIENCE)
    second = windows.open[1]
    qtbot.waitUntil(
        lambda: (first.session.path, second.session.path) == (recording, other), timeout=PATIENCE
    )
    for window in (first, second):
        settle(window.session)


def test_recent_files_and_preferences_are_shared(
    qtbot, windows: Windows, recording: Path, settle
) -> None:
    first, second = windows.new_window(), windows.new_window()
    first.open_path(recording)
    settle(first.session)
    names = [action.text() for action in find(second, QMenu, "menuRecent").actions()]
    assert names[0] == "&1 recording.h5"
    windows.settings.set(Preferences.wheel_steps, True)
    assert first.frame_view.wheel_steps
    assert second.frame_view.wheel_steps
    # What is switched in one window is a matter of that window.
    first.frame_view.colormap = "Magma"
    assert second.frame_view.colormap == "Gray"


def test_a_dropped_recipe_is_one_step(
    qtbot, window: MainWindow, recording, settle, tmp_path
) -> None:
    path = tmp_path / "settings.json"
    recipe = Recipe(border_px=7, model="linear")
    path.write_text(recipe.to_json(), encoding="utf-8")
    window.open_path(path)
    assert "open a recording first" in window.message_bar.text
    window.open_path(recording)
    settle(window.session)
    before = window.session.recipe
    window.open_path(path)
    settle(window.session)
    assert window.session.recipe == recipe
    assert window.session.undo_text == "Take over settings.json"
    assert "settings.json" in window.message_bar.text
    window.session.undo()
    settle(window.session)
    assert window.session.recipe == before


@pytest.mark.parametrize("content", [b"{", b"\xff\xfe\x00", b'{"border_px": "wide"}', b"[]"])
def test_a_file_that_is_no_recipe_is_named(
    window: MainWindow, recording, settle, tmp_path: Path, content: bytes
) -> None:
    path = tmp_path / "other.json"
    path.write_bytes(content)
    window.open_path(recording)
    settle(window.session)
    before = window.session.recipe
    window.open_path(path)
    assert window.message_bar.text
    assert window.session.recipe == before


# ---------------------------------------------------------------------- quitting


def test_quit_closes_all_windows(qtbot, windows: Windows, recording: Path, settle) -> None:
    first, second = windows.new_window(), windows.new_window()
    second.open_path(recording)
    settle(second.session)
    qtbot.keyClick(first, Qt.Key.Key_Q, CTRL)
    assert windows.open == []
    buried()
    assert sip.isdeleted(first)
    assert sip.isdeleted(second)


def test_quit_asks_each_window_about_its_edits_and_any_can_stop_it(
    qtbot, windows: Windows, recording: Path, other: Path, settle
) -> None:
    first, second, third = (windows.new_window() for _ in range(3))
    for window, path in ((first, recording), (second, other)):
        window.open_path(path)
        settle(window.session)
        edit(window, settle)
    seen: list[str] = []
    answer("discardQuestion", "discardQuestionNoButton", seen)
    windows.quit()
    # The newest is asked first; what needed no question is closed already.
    assert windows.open == [first, second]
    assert "other.h5" in seen[0]
    answer("discardQuestion", "discardQuestionYesButton", seen)
    QTimer.singleShot(50, lambda: answer("discardQuestion", "discardQuestionYesButton", seen))
    windows.quit()
    assert windows.open == []
    assert ["other.h5" in seen[1], "recording.h5" in seen[2]] == [True, True]
    assert sip.isdeleted(third) or not third.isVisible()


def test_quit_goes_on_after_saving(qtbot, windows: Windows, recording: Path, settle) -> None:
    first, second = windows.new_window(), windows.new_window()
    second.open_path(recording)
    settle(second.session)
    edit(second, settle)
    seen: list[str] = []
    answer("discardQuestion", "discardQuestionSaveButton", seen)
    windows.quit()
    assert first in windows.open
    qtbot.waitUntil(lambda: windows.open == [], timeout=PATIENCE)
    assert len(seen) == 1


# ---------------------------------------------------------------------- being ended


def test_leaving_unasked_keeps_unsaved_work_and_asks_nothing(
    qtbot, windows: Windows, recording: Path, settle
) -> None:
    window = windows.new_window()
    window.open_path(recording)
    settle(window.session)
    window.session.change_edits(window.session.edits.with_order([0, 1]), "Keep two")
    # At once: before the journal would have been written by itself.
    windows.leave_unasked()
    assert windows.open == []
    buried()
    entries = find_entries(journal_folder())
    assert [entry.path for entry in entries] == [recording.absolute()]
    assert "Keep two" in entries[0].steps


def test_a_question_that_is_open_does_not_hold_up_the_end(
    qtbot, windows: Windows, recording: Path, settle
) -> None:
    window = windows.new_window()
    window.open_path(recording)
    settle(window.session)
    edit(window, settle)
    QTimer.singleShot(100, windows.leave_unasked)
    assert not window.close()
    qtbot.waitUntil(lambda: windows.open == [], timeout=PATIENCE)
    assert len(find_entries(journal_folder())) == 1


SCRIPT = """
import sys, flimage_gui.__main__ as program
from PyQt5.QtCore import QTimer
from flimage_gui import windows

make = windows.Windows.new_window
def new_window(self):
    window = make(self)
    def poll():
        session = window.session
        if session.source is None or not session.at_rest:
            QTimer.singleShot(20, poll)
            return
        session.change_edits(session.edits.with_order([0, 1]), "Keep two")
        print("edited", flush=True)
    poll()
    return window
windows.Windows.new_window = new_window
sys.exit(program.main(sys.argv[1:]))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such signals")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_ends_the_program_at_once_and_keeps_unsaved_work(
    recording: Path, tmp_path: Path, number: signal.Signals
) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", SCRIPT, str(recording)],
        env={**os.environ, "QT_QPA_PLATFORM": "offscreen"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "edited\n"
        start = time.monotonic()
        process.send_signal(number)
        _, errors = process.communicate(timeout=20)
        assert time.monotonic() - start < 5
    finally:
        process.kill()
    assert process.returncode == 0, errors
    assert "Traceback" not in errors
    entries = find_entries(journal_folder())
    assert [entry.path.name for entry in entries] == ["recording.h5"]


def test_the_command_opens_each_file_in_a_window(
    recording: Path, other: Path, tmp_path: Path
) -> None:
    script = (
        "import sys, flimage_gui.__main__ as program\n"
        "from PyQt5.QtCore import QTimer\n"
        "from PyQt5.QtWidgets import QApplication\n"
        "from flimage_gui import windows\n"
        "leave = windows.Windows.leave_unasked\n"
        "def told(self):\n"
        "    print(sorted(w.session.title for w in self.open), flush=True)\n"
        "    leave(self)\n"
        "windows.Windows.leave_unasked = told\n"
        "sys.exit(program.main(sys.argv[1:]))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(recording), str(other), "--quit-after", "3"],
        env={**os.environ, "QT_QPA_PLATFORM": "offscreen"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "['other.h5', 'recording.h5']"
