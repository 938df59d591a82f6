"""Background images in the running window: each source and target, seen, cleared, stored once."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pytest
import tifffile
from controls import choose, click, find, type_number
from hands import CTRL, SHIFT, click_rows, press, raise_panel
from PyQt5.QtCore import Qt
from PyQt5.QtWidgets import QLabel, QTableView
from questions import answer_file_dialog

from flimage import FLImage
from flimage_gui.main_window import MainWindow
from flimage_gui.session import Display

PATIENCE = 20_000


def backgrounds(window: MainWindow) -> list[np.ndarray | None]:
    source = window.session.source
    assert source is not None
    return [source.background(i) for i in range(len(source))]


def with_background(window: MainWindow) -> list[int]:
    return [i for i, image in enumerate(backgrounds(window)) if image is not None]


def assign(qtbot, window: MainWindow, settle) -> None:
    known = len(window.session.steps)
    click(qtbot, window, "assignBackgroundButton")
    qtbot.waitUntil(lambda: len(window.session.steps) == known + 1, timeout=PATIENCE)
    settle(window.session)


def select(qtbot, window: MainWindow, frames: list[int]) -> None:
    raise_panel(qtbot, window, "frameDock")
    click_rows(find(window, QTableView, "frameTable"), frames)


@pytest.fixture
def panel(qtbot, opened: MainWindow) -> MainWindow:
    raise_panel(qtbot, opened, "backgroundDock")
    return opened


@pytest.mark.parametrize("name", ["dark.h5", "dark.tif", "dark.npy"])
def test_a_file_goes_to_all_frames_and_is_seen(
    qtbot, panel: MainWindow, tmp_path: Path, settle, name: str
) -> None:
    image = np.add.outer(np.arange(60.0), np.arange(80.0)).astype(np.float32)
    path = tmp_path / name
    if path.suffix == ".h5":
        FLImage(image, h5file=path, h5mode="w", meta_data={"time": 0.0}).h5.file.close()
    elif path.suffix == ".tif":
        tifffile.imwrite(path, image)
    else:
        np.save(path, image)
    choose(qtbot, panel, "backgroundOriginCombo", "file")
    choose(qtbot, panel, "backgroundTargetCombo", "all")
    answer_file_dialog(path)
    assign(qtbot, panel, settle)
    for found in backgrounds(panel):
        np.testing.assert_array_equal(found, image)
    press(qtbot, panel, Qt.Key.Key_2, Qt.KeyboardModifier.AltModifier)
    qtbot.waitUntil(lambda: panel.frame_view.shown == (0, Display.BACKGROUND), timeout=PATIENCE)
    # What is subtracted besides is one number for the frame.
    seen = panel.frame_view.image
    np.testing.assert_allclose(seen - seen[0, 0], image, atol=1e-3)
    hint = find(panel, QLabel, "backgroundImageHint")
    qtbot.waitUntil(lambda: "12 of 12" in hint.text() or "every frame" in hint.text())


def test_frames_means_and_planes_go_to_this_frame_selected_ones_or_all(
    qtbot, panel: MainWindow, settle
) -> None:
    source = panel.session.source
    raw = [source.raw(i) for i in range(12)]
    # A frame, for the frame on display.
    press(qtbot, panel, Qt.Key.Key_Right)
    choose(qtbot, panel, "backgroundOriginCombo", "frame")
    type_number(qtbot, panel, "backgroundFrameSpin", 5)
    choose(qtbot, panel, "backgroundTargetCombo", "frame")
    assign(qtbot, panel, settle)
    assert with_background(panel) == [1]
    np.testing.assert_array_equal(backgrounds(panel)[1], raw[5])
    # The mean of a range, for frames that are clicked in the table.
    select(qtbot, panel, [3, 6, 7])
    choose(qtbot, panel, "backgroundOriginCombo", "range")
    type_number(qtbot, panel, "backgroundFrameSpin", 8)
    type_number(qtbot, panel, "backgroundLastSpin", 11)
    choose(qtbot, panel, "backgroundTargetCombo", "selection")
    assign(qtbot, panel, settle)
    assert with_background(panel) == [1, 3, 6, 7]
    np.testing.assert_allclose(backgrounds(panel)[6], np.mean(raw[8:], axis=0), rtol=1e-6)
    # A plane, for all; the border is flat but for noise.
    choose(qtbot, panel, "backgroundOriginCombo", "plane")
    choose(qtbot, panel, "backgroundTargetCombo", "all")
    assign(qtbot, panel, settle)
    assert with_background(panel) == list(range(12))
    plane = backgrounds(panel)[7]
    assert np.ptp(np.diff(plane, axis=1)) < 1e-3, "the same slope everywhere"
    assert plane.mean() == pytest.approx(100, abs=1)
    # Cleared for the selected frames only, then for all; each is one step back.
    choose(qtbot, panel, "backgroundTargetCombo", "selection")
    click(qtbot, panel, "clearBackgroundButton")
    settle(panel.session)
    assert with_background(panel) == [0, 1, 2, 4, 5, 8, 9, 10, 11]
    choose(qtbot, panel, "backgroundTargetCombo", "all")
    click(qtbot, panel, "clearBackgroundButton")
    settle(panel.session)
    assert with_background(panel) == []
    for expected in ([0, 1, 2, 4, 5, 8, 9, 10, 11], list(range(12)), [1, 3, 6, 7], [1], []):
        press(qtbot, panel, Qt.Key.Key_Z, CTRL)
        settle(panel.session)
        assert with_background(panel) == expected
    assert not panel.isWindowModified()


def test_an_image_that_frames_share_is_stored_once(
    qtbot, panel: MainWindow, tmp_path: Path, settle
) -> None:
    choose(qtbot, panel, "backgroundOriginCombo", "frame")
    type_number(qtbot, panel, "backgroundFrameSpin", 0)
    choose(qtbot, panel, "backgroundTargetCombo", "all")
    assign(qtbot, panel, settle)
    select(qtbot, panel, [4])
    choose(qtbot, panel, "backgroundTargetCombo", "selection")
    type_number(qtbot, panel, "backgroundFrameSpin", 9)
    assign(qtbot, panel, settle)
    target = tmp_path / "copy.h5"
    answer_file_dialog(target)
    press(qtbot, panel, Qt.Key.Key_S, CTRL, SHIFT)
    settle(panel.session)
    with h5py.File(target) as file:
        stored = [file[f"fli_{i}/fluorescence/bg_data/data"] for i in range(12)]
        places = [h5py.h5o.get_info(each.id).addr for each in stored]
    assert len(set(places)) == 2
    assert places.count(places[4]) == 1
