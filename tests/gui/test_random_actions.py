"""Random legal actions, as a restless person would do them: nothing may break or leak.

``tests/torture/window_actions.py`` does many more of them. What it has found is tested here.
"""

from __future__ import annotations

import os
import random
from pathlib import Path

import numpy as np
import pytest
from controls import find
from on_image import place, viewport
from PyQt5.QtCore import QCoreApplication, QEvent, Qt
from PyQt5.QtTest import QTest
from PyQt5.QtWidgets import QAction, QApplication, QDialog, QLabel, QLineEdit, QTableWidget
from recordings import decaying, write_series
from restless import RestlessPerson

from flimage.errors import FlimageError
from flimage.recipe import Region
from flimage.source import Edits
from flimage_gui.main_window import MainWindow

#: Set FLIMAGE_RANDOM_ACTIONS to run more of them.
ACTIONS = int(os.environ.get("FLIMAGE_RANDOM_ACTIONS", "300"))
PATIENCE = 20_000


# What fits say of data that are not worth a fit is the business of the library's tests.
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.timeout(max(300, ACTIONS))
@pytest.mark.parametrize("seed", [1, 2])
def test_random_actions_break_nothing(
    window: MainWindow, tmp_path: Path, settle, seed: int, monkeypatch
) -> None:
    person = RestlessPerson(window, tmp_path, random.Random(seed))
    person.answer_questions(monkeypatch.setattr)
    session = window.session
    errors: list[Exception] = []
    session.failed.connect(errors.append)
    for _ in range(ACTIONS):
        person.act()
        QApplication.processEvents()
    window.time_bar.stop()
    settle(session)
    assert session.busy == ""
    # Whatever was refused was refused on purpose, with a sentence.
    unexpected = [e for e in errors if not isinstance(e, (FlimageError, FileNotFoundError))]
    assert unexpected == []
    # What is on screen in the end is what the session says.
    if session.source is not None and window.frame_view.image is not None:
        assert window.frame_view.shown == (session.frame, session.display)
        assert window.frame_view.image.shape == session.shape
    assert [p.name for p in tmp_path.rglob("*") if ".part" in p.name] == []


# ---------------------------------------------------------------------- found by chance


def test_a_pointer_that_rests_outside_a_smaller_recording_reads_no_pixel(
    qtbot, window: MainWindow, recording: Path, tmp_path: Path, settle
) -> None:
    small = write_series(tmp_path / "small.h5", np.full((3, 25, 30), 7.0, np.float32))
    window.open_path(recording)
    settle(window.session)
    qtbot.waitUntil(lambda: window.frame_view.shown is not None, timeout=PATIENCE)
    target = viewport(window)
    QTest.mouseMove(target, place(window, 40, 30))
    qtbot.wait(50)
    QTest.mouseMove(target, place(window, 70, 50))
    qtbot.waitUntil(lambda: "x 7" in find(window, QLabel, "pixelLabel").text())
    window.open_path(small)
    settle(window.session)
    qtbot.waitUntil(lambda: window.frame_view.image.shape == (25, 30), timeout=PATIENCE)
    assert find(window, QLabel, "pixelLabel").text() == ""


def test_regions_and_frames_that_are_undone_together_are_shown_together(
    qtbot, window: MainWindow, recording: Path, settle
) -> None:
    window.open_path(recording)
    settle(window.session)
    session, regions = window.session, window.looking.named_regions
    session.set_frame(5)
    regions.add(Region("frame"))
    settle(session)
    wanted = [*regions.regions, *regions.regions]
    session.restore(session.recipe, Edits().with_order([1, 2, 3]), wanted)
    assert find(window, QTableWidget, "regionsTable").rowCount() == 2
    session.undo()
    assert session.n_frames == len(decaying())
    assert find(window, QTableWidget, "regionsTable").rowCount() == 1
    settle(session)


def test_a_command_that_goes_while_the_palette_is_open_cannot_be_used_any_more(
    qtbot, window: MainWindow, recording: Path, settle
) -> None:
    window.open_path(recording)
    settle(window.session)
    find(window, QAction, "actionCommands").trigger()
    palette = find(window, QDialog, "commandPalette")
    field = find(palette, QLineEdit, "commandEdit")
    qtbot.keyClicks(field, "recording.h5")
    window.settings.add_recent(str(recording.with_name("another.h5")))
    window.recent.refresh()
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    qtbot.wait(50)
    palette.repaint()
    qtbot.keyClick(field, Qt.Key.Key_Return)
    if palette.isVisible():
        palette.reject()
    settle(window.session)
