"""A file with several series: one is chosen in the window, from a tree with a preview."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import h5py
import numpy as np
import pytest
from controls import click, find
from PyQt5.QtCore import Qt
from PyQt5.QtWidgets import QDialog, QLabel, QTreeWidget, QTreeWidgetItemIterator

from flimage.opening import open_series
from flimage.protocol import command_lines
from flimage.recipe import Recipe
from flimage.series import FLSeries
from flimage.session_file import SessionFile, write_session
from flimage.session_reading import read_session
from flimage.source import Edits
from flimage_gui.editor import Editor
from flimage_gui.journal import JournalWriter, journal_folder
from flimage_gui.main_window import MainWindow

#: Place -> frames, width and brightness, so that each series is told apart by what is shown.
SERIES = {
    "/control": (3, 12, 10.0),
    "/drug/dish1": (4, 16, 200.0),
    "/drug/dish2": (5, 20, 3000.0),
}


@pytest.fixture
def several(tmp_path: Path) -> Path:
    path = tmp_path / "plate.h5"
    with h5py.File(path, "w") as file:
        for place, (frames, width, level) in SERIES.items():
            with FLSeries(h5file=file.create_group(place), identifier=f"of {place}") as series:
                images = [np.full((8, width), level + i) for i in range(frames)]
                for image in images:
                    image[2:5, 3:6] *= 2
                series.add_images(images, [{"time": 0.5 * i} for i in range(frames)])
    return path


def asked(qtbot, window: MainWindow, path: Path) -> QDialog:
    """Open a file, and return the dialog that asks which series is meant."""
    window.open_path(path)
    qtbot.waitUntil(lambda: window.findChild(QDialog, "seriesDialog") is not None, timeout=10_000)
    return find(window, QDialog, "seriesDialog")


def click_row(qtbot, dialog: QDialog, names: Sequence[str]) -> None:
    """Click a row of the tree, found by the names from its group downwards."""
    tree = find(dialog, QTreeWidget, "seriesTree")
    walk = QTreeWidgetItemIterator(tree)
    while (item := walk.value()) is not None:
        above, steps = item, []
        while above is not None:
            steps.insert(0, above.text(0))
            above = above.parent()
        if steps == list(names):
            tree.scrollToItem(item)
            place = tree.visualItemRect(item).center()
            qtbot.mouseClick(tree.viewport(), Qt.MouseButton.LeftButton, pos=place)
            return
        walk += 1
    raise AssertionError(f"there is no row {names}")


def test_a_series_is_chosen_from_the_tree_and_opened_where_it_is(
    qtbot, window: MainWindow, several: Path
) -> None:
    before = several.read_bytes()
    dialog = asked(qtbot, window, several)
    size = find(dialog, QLabel, "seriesSizeLabel")
    assert size.text() == "3 frames of 12 × 8 pixels"
    pictures = [find(dialog, QLabel, "seriesPreview").pixmap().toImage()]
    click_row(qtbot, dialog, ("drug", "dish2"))
    assert size.text() == "5 frames of 20 × 8 pixels"
    assert find(dialog, QLabel, "seriesPlaceLabel").text() == "/drug/dish2"
    pictures.append(find(dialog, QLabel, "seriesPreview").pixmap().toImage())
    assert pictures[0] != pictures[1], "the preview follows"
    with qtbot.waitSignal(window.session.changed):
        click(qtbot, dialog, "seriesOpenButton")
    session = window.session
    qtbot.waitUntil(lambda: not session.busy and session.source is not None)
    assert session.group == "/drug/dish2"
    assert session.n_frames == 5
    assert session.source.raw(4)[0, 0] == 3004.0
    assert "plate.h5 › /drug/dish2" in window.windowTitle()
    assert several.read_bytes() == before


def test_a_group_is_nothing_that_can_be_opened(qtbot, window: MainWindow, several: Path) -> None:
    dialog = asked(qtbot, window, several)
    click_row(qtbot, dialog, ("drug",))
    assert find(dialog, QLabel, "seriesPlaceLabel").text() == "/control", "the choice stays"
    click(qtbot, dialog, "seriesCancelButton")
    qtbot.waitUntil(lambda: window.findChild(QDialog, "seriesDialog") is None)
    assert window.session.source is None


def choose_dish1(qtbot, window: MainWindow, path: Path) -> None:
    dialog = asked(qtbot, window, path)
    click_row(qtbot, dialog, ("drug", "dish1"))
    click(qtbot, dialog, "seriesOpenButton")
    qtbot.waitUntil(lambda: window.session.source is not None and not window.session.busy)


def test_what_is_saved_goes_into_the_chosen_series_and_into_no_other(
    qtbot, window: MainWindow, several: Path
) -> None:
    choose_dish1(qtbot, window, several)
    session = window.session
    assert Editor(session).set_value([1], "time", 0.75)
    with qtbot.waitSignal(session.saved, timeout=10_000):
        session.save()
    assert session.group == "/drug/dish1"
    for place, (frames, _, level) in SERIES.items():
        with open_series(several, place) as series:
            assert len(series) == frames
            assert series[1]["time"] == (0.75 if place == "/drug/dish1" else 0.5)
            assert series[0].raw_fl[0, 0] == level


def test_the_command_line_for_what_was_done_names_the_group(
    qtbot, window: MainWindow, several: Path
) -> None:
    choose_dish1(qtbot, window, several)
    protocol = window.session.protocol
    assert protocol is not None
    assert "--group /drug/dish1" in command_lines(protocol)


def test_a_session_file_leads_back_to_the_same_series(
    qtbot, window: MainWindow, several: Path, tmp_path: Path
) -> None:
    path = write_session(SessionFile(several, group="/drug/dish2"), tmp_path / "a.flsession")
    assert read_session(path).group == "/drug/dish2"
    window.open_path(path)
    session = window.session
    qtbot.waitUntil(lambda: session.source is not None and not session.busy)
    assert session.group == "/drug/dish2"
    qtbot.waitUntil(lambda: window.session_keeping.path == path)


def test_unsaved_work_on_one_series_is_not_taken_for_that_on_another(
    qtbot, window: MainWindow, several: Path, settle
) -> None:
    left = Edits().with_meta({1: {"time": 0.75}})
    # As a program left it that was killed.
    writer = JournalWriter(journal_folder() / "left")
    writer.write(several, Recipe(border_px=1), left, ["Edit"], group="/drug/dish2")
    choose_dish1(qtbot, window, several)
    session = window.session
    settle(session)
    assert session.times[1] == 0.5
    keeper = window.saving.journaling
    (entry,) = keeper.pending(several)
    assert entry.group == "/drug/dish2"
    with qtbot.waitSignal(keeper.restored, timeout=10_000):
        keeper.restore(entry)
    settle(session)
    assert session.group == "/drug/dish2"
    assert session.times[1] == 0.75
    session.save()
    settle(session)
    with open_series(several, "/drug/dish1") as series:
        assert series[1]["time"] == 0.5
    with open_series(several, "/drug/dish2") as series:
        assert series[1]["time"] == 0.75
