"""Times, gaps and metadata of the frames in the running window, by clicks and keys alone."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from controls import bleaching, choose, click, find, write_frames
from hands import CTRL, click_rows, pick_below, press, raise_panel
from PyQt5.QtCore import Qt
from PyQt5.QtTest import QTest
from PyQt5.QtWidgets import (
    QCheckBox,
    QDialog,
    QLabel,
    QLineEdit,
    QListWidget,
    QTableView,
    QTableWidget,
)
from questions import answer_file_dialog

from flimage_gui.main_window import MainWindow
from flimage_gui.session import Display

PATIENCE = 20_000
#: A pause after frame 3, and a clock that was put back before frame 8.
TIMES = (0.0, 0.5, 1.0, 1.5, 9.0, 9.5, 10.0, 10.5, 4.0, 4.5)


@pytest.fixture
def odd(qtbot, window: MainWindow, tmp_path: Path, settle) -> MainWindow:
    answer_file_dialog(write_frames(tmp_path / "odd.h5", bleaching(10), TIMES))
    press(qtbot, window, Qt.Key.Key_O, CTRL)
    settle(window.session)
    qtbot.waitUntil(lambda: window.frame_view.shown == (0, Display.RAW), timeout=PATIENCE)
    return window


def column(window: MainWindow, title: str) -> int:
    model = find(window, QTableView, "frameTable").model()
    titles = [model.headerData(i, Qt.Orientation.Horizontal) for i in range(model.columnCount())]
    return titles.index(title)


def properties(window: MainWindow) -> dict[str, str]:
    table = find(window, QTableWidget, "metadataTable")
    rows = range(table.rowCount())
    items = [[table.item(row, place) for place in (0, 1)] for row in rows]
    return {name.text(): value.text() for name, value in items if name and value}


def test_gaps_and_times_that_run_backwards_are_seen_and_said(
    qtbot, odd: MainWindow, settle
) -> None:
    raise_panel(qtbot, odd, "frameDock")
    settle(odd.session)
    table = find(odd, QTableView, "frameTable")
    step = column(odd, "Δt")
    marked = [
        row
        for row in range(10)
        if table.model().index(row, step).data(Qt.ItemDataRole.DecorationRole) is not None
    ]
    assert marked == [4, 8]
    tips = [table.model().index(row, step).data(Qt.ItemDataRole.ToolTipRole) for row in marked]
    assert "gap" in tips[0].lower() or "longer" in tips[0].lower()
    assert "before" in tips[1].lower() or "backwards" in tips[1].lower()
    assert "1 gap" in find(odd, QLabel, "timesSummaryLabel").text()
    # Times, or the steps between them.
    for kind in ("time", "step"):
        choose(qtbot, odd, "timesPlotCombo", kind)
    raise_panel(qtbot, odd, "metadataDock")
    qtbot.waitUntil(lambda: "frames" in properties(odd), timeout=PATIENCE)
    assert "backwards" in " ".join(properties(odd).values())


def test_every_attribute_of_the_frame_follows_the_frame_with_its_unit(
    qtbot, odd: MainWindow, settle
) -> None:
    raise_panel(qtbot, odd, "metadataDock")
    for frame, written in enumerate(("0 s", "0.5 s", "1 s", "1.5 s", "9 s")):
        qtbot.waitUntil(
            lambda frame=frame: properties(odd).get("identifier") == f"w-{frame}", timeout=PATIENCE
        )
        assert properties(odd)["time"] == written
        assert properties(odd)["pixel size"] == "100 nm"
        press(qtbot, odd, Qt.Key.Key_Right)
        settle(odd.session)


def test_all_frames_get_an_interval_and_a_start_and_undo_gives_the_old_times_back(
    qtbot, odd: MainWindow, settle
) -> None:
    raise_panel(qtbot, odd, "frameDock")
    click(qtbot, odd, "editFramesButton")
    dialog = find(odd, QDialog, "editFramesDialog")
    QTest.keyClick(find(dialog, QCheckBox, "editTimesCheck"), Qt.Key.Key_Space)
    for name, text in (("editIntervalEdit", "250 ms"), ("editStartEdit", "2 s")):
        edit = find(dialog, QLineEdit, name)
        edit.selectAll()
        QTest.keyClicks(edit, text)
    click(qtbot, dialog, "editFramesOkButton")
    settle(odd.session)
    np.testing.assert_allclose(odd.session.times, 2 + 0.25 * np.arange(10))
    assert odd.isWindowModified()
    press(qtbot, odd, Qt.Key.Key_End)
    settle(odd.session)
    assert find(odd, QLabel, "timeLabel").text() == "2.25 s"
    raise_panel(qtbot, odd, "historyDock")
    steps = find(odd, QListWidget, "historyList")
    place = steps.visualItemRect(steps.item(0)).center()
    QTest.mouseClick(steps.viewport(), Qt.MouseButton.LeftButton, pos=place)
    settle(odd.session)
    np.testing.assert_allclose(odd.session.times, TIMES)
    assert not odd.isWindowModified()


def test_sorting_by_time_and_keeping_frames_are_edits_of_what_is_shown(
    qtbot, odd: MainWindow, settle
) -> None:
    path = odd.session.path
    before = path.read_bytes()
    raise_panel(qtbot, odd, "frameDock")
    click(qtbot, odd, "sortFramesButton")
    settle(odd.session)
    assert list(np.diff(odd.session.times) > 0) == [True] * 9
    table = find(odd, QTableView, "frameTable")
    click_rows(table, [2, 3, 5])
    click(qtbot, odd, "keepFramesButton")
    settle(odd.session)
    assert list(odd.session.times) == [1.0, 1.5, 4.5]
    assert path.read_bytes() == before


def test_raw_and_corrected_get_the_same_contrast_on_demand(
    qtbot, opened: MainWindow, settle
) -> None:
    press(qtbot, opened, Qt.Key.Key_Return, CTRL)
    settle(opened.session)
    pick_below(qtbot, opened, "compareButton", "compareModeSide")
    settle(opened.session)
    comparison = opened.looking.comparison
    own = comparison._shown_levels()
    pick_below(qtbot, opened, "compareButton", "compareSameLevels")
    settle(opened.session)
    assert comparison._shown_levels() == opened.session.levels != own
