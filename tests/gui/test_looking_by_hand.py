"""Contrast, colours, comparing, regions, profile and pictures, by clicks and keys alone."""

from __future__ import annotations

import csv
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import numpy as np
import pytest
from controls import click, find
from hands import CTRL, SHIFT, click_rows, pick, pick_below, press
from on_image import drag_image, draw_polygon
from pointer import double_click
from PyQt5.QtCore import Qt
from PyQt5.QtTest import QTest
from PyQt5.QtWidgets import (
    QComboBox,
    QDialog,
    QLabel,
    QLineEdit,
    QTableWidget,
    QWidget,
)
from questions import answer_file_dialog
from recordings import decaying

from flimage.quantities import format_number
from flimage_gui.main_window import MainWindow
from flimage_gui.session import Display

PATIENCE = 20_000


@pytest.fixture
def corrected(qtbot, opened: MainWindow, settle) -> MainWindow:
    """The recording after Ctrl+Return, at frame 9, which shows corrected frames then."""
    press(qtbot, opened, Qt.Key.Key_Return, CTRL)
    settle(opened.session)
    press(qtbot, opened, Qt.Key.Key_End)
    for _ in range(2):
        press(qtbot, opened, Qt.Key.Key_Left)
    press(qtbot, opened, Qt.Key.Key_4, Qt.KeyboardModifier.AltModifier)
    settle(opened.session)
    qtbot.waitUntil(
        lambda: opened.frame_view.shown == (9, Display.BLEACH_CORRECTED), timeout=PATIENCE
    )
    return opened


def lightness(window: MainWindow, column: float, row: float) -> int:
    picture = window.frame_view.grab_view()
    where = window.frame_view.pixel_to_widget(column, row) * picture.devicePixelRatio()
    return picture.pixelColor(where.toPoint()).lightness()


# ---------------------------------------------------------------------- contrast and colours


def test_contrast_stays_from_frame_to_frame_unless_each_frame_is_asked_for(
    qtbot, opened: MainWindow, settle
) -> None:
    press(qtbot, opened, Qt.Key.Key_B)
    first = lightness(opened, 40, 30)
    press(qtbot, opened, Qt.Key.Key_End)
    settle(opened.session)
    # The disc is dimmer in the last frame, and looks so.
    assert lightness(opened, 40, 30) < first - 60
    pick_below(qtbot, opened, "autoContrastButton", "actionFollowContrast")
    settle(opened.session)
    assert lightness(opened, 40, 30) > first - 30
    pick_below(qtbot, opened, "autoContrastButton", "actionFollowContrast")
    settle(opened.session)
    assert lightness(opened, 40, 30) < first - 60
    # Once for this frame, and back.
    pick_below(qtbot, opened, "autoContrastButton", "actionFrameContrast")
    settle(opened.session)
    assert lightness(opened, 40, 30) > first - 30
    press(qtbot, opened, Qt.Key.Key_C)
    settle(opened.session)
    assert lightness(opened, 40, 30) < first - 60


def test_colour_maps_are_chosen_by_keys_and_inverted(qtbot, opened: MainWindow) -> None:
    press(qtbot, opened, Qt.Key.Key_B)
    combo = find(opened, QComboBox, "colormapCombo")
    combo.setFocus()
    assert lightness(opened, 40, 30) > 200 > 100 > lightness(opened, 3, 3)
    QTest.keyClicks(combo, "Gray inv")
    assert combo.currentText() == "Gray inverted"
    qtbot.wait(20)
    assert lightness(opened, 40, 30) < 100 < 200 < lightness(opened, 3, 3)


def test_going_to_a_time_a_number_and_an_identifier(qtbot, opened: MainWindow, settle) -> None:
    for text, frame in (("2.5 s", 5), ("11", 11), ("test:3", 3)):
        press(qtbot, opened, Qt.Key.Key_G, CTRL)
        dialog = find(opened, QDialog, "jumpDialog")
        QTest.keyClicks(find(dialog, QLineEdit, "jumpEdit"), text)
        QTest.keyClick(find(dialog, QLineEdit, "jumpEdit"), Qt.Key.Key_Return)
        settle(opened.session)
        qtbot.waitUntil(lambda: opened.findChild(QDialog, "jumpDialog") is None)
        assert find(opened, QLabel, "timeLabel").text() == f"{frame / 2:.1f} s"


# ---------------------------------------------------------------------- comparing


def test_images_are_compared_through_the_menus(qtbot, corrected: MainWindow, settle) -> None:
    raw = decaying()[9]
    shown = corrected.frame_view.image
    other = find(corrected, QWidget, "compareGraphics")
    label = find(corrected, QLabel, "compareDisplayLabel")
    comparison = corrected.looking.comparison
    pick(qtbot, corrected, "actionCompareSide")
    settle(corrected.session)
    assert other.isVisible()
    np.testing.assert_array_equal(comparison.image, raw)
    # Zoom, pan and frame go together.
    press(qtbot, corrected, Qt.Key.Key_Plus)
    drag_image(qtbot, corrected, (40, 30), (46, 34))
    ranges = corrected.frame_view.box.viewRange(), comparison.box.viewRange()
    np.testing.assert_allclose(*ranges, atol=0.5)
    press(qtbot, corrected, Qt.Key.Key_Right)
    settle(corrected.session)
    assert comparison.shown[0] == 10
    press(qtbot, corrected, Qt.Key.Key_Left)
    press(qtbot, corrected, Qt.Key.Key_4)
    settle(corrected.session)
    pick(qtbot, corrected, "actionCompareDifference")
    settle(corrected.session)
    assert label.text() == "Bleach-corrected − Background-corrected"
    signal = raw - corrected.session.fit.background_of(9)
    np.testing.assert_allclose(comparison.image, shown - signal, atol=1e-3)
    pick_below(qtbot, corrected, "compareButton", "compareModeRatio")
    settle(corrected.session)
    gain = format_number(corrected.session.fit.gain[9], 4)
    assert label.text() == (
        f"Bleach-corrected / Background-corrected = {gain} wherever there is signal: the gain of"
        " this frame"
    )
    # Close to 0, single precision is all that counts; below, there is no ratio.
    clear = signal > 1
    np.testing.assert_allclose(comparison.image[clear], (shown / signal)[clear], rtol=1e-4)
    assert np.isnan(comparison.image[signal < 0]).all()
    pick_below(qtbot, corrected, "compareButton", "compareModeOff")
    settle(corrected.session)
    assert not other.isVisible()


def test_the_swipe_line_is_dragged_and_moved_by_keys(qtbot, corrected: MainWindow, settle) -> None:
    press(qtbot, corrected, Qt.Key.Key_B)
    pick(qtbot, corrected, "actionCompareSwipe")
    settle(corrected.session)
    line = corrected.looking.comparison.line
    assert line.value() == pytest.approx(40, abs=1)
    left, right = lightness(corrected, 35, 30), lightness(corrected, 45, 30)
    # Raw is dimmer where the levels are those of corrected frames; both halves are the disc.
    assert abs(left - right) > 25
    drag_image(qtbot, corrected, (line.value(), 50), (60, 50))
    assert line.value() == pytest.approx(60, abs=1.5)
    assert abs(lightness(corrected, 45, 30) - left) < 15
    before = line.value()
    press(qtbot, corrected, Qt.Key.Key_BracketLeft)
    assert line.value() < before


# ---------------------------------------------------------------------- regions


def test_regions_of_every_kind_are_drawn_named_and_exported(
    qtbot, opened: MainWindow, tmp_path: Path, settle
) -> None:
    press(qtbot, opened, Qt.Key.Key_B)
    press(qtbot, opened, Qt.Key.Key_R, CTRL, SHIFT)
    qtbot.wait(20)
    drag_image(qtbot, opened, (36, 26), (44, 34))
    settle(opened.session)
    pick(qtbot, opened, "actionAddEllipse")
    qtbot.wait(20)
    drag_image(qtbot, opened, (4, 4), (14, 14))
    settle(opened.session)
    pick(qtbot, opened, "actionAddFreehand")
    qtbot.wait(20)
    drag_image(qtbot, opened, (60, 40), (70, 40), (70, 52), (60, 52), steps=8)
    settle(opened.session)
    pick(qtbot, opened, "actionAddPolygon")
    draw_polygon(qtbot, opened, (60, 6), (74, 8), (66, 20))
    settle(opened.session)
    table = find(opened, QTableWidget, "regionsTable")
    assert table.rowCount() == 4
    kinds = [each.region.kind for each in opened.session.regions]
    assert kinds == ["rectangle", "ellipse", "polygon", "polygon"]
    # Named by typing into the table.
    double_click(table.viewport(), table.visualItemRect(table.item(0, 0)).center())
    edit = table.viewport().findChild(QLineEdit)
    edit.selectAll()
    QTest.keyClicks(edit, "nucleus")
    QTest.keyClick(edit, Qt.Key.Key_Return)
    click_rows(table, [3])
    QTest.keyClick(table, Qt.Key.Key_Delete)
    names = ["nucleus", "Region 2", "Region 3"]
    assert [each.name for each in opened.session.regions] == names
    following = opened.looking.regions_panel.following
    qtbot.waitUntil(
        lambda: (traces := following.traces()) is not None and len(traces.mean[0]) == 3,
        timeout=PATIENCE,
    )
    path = tmp_path / "traces.csv"
    answer_file_dialog(path)
    click(qtbot, opened, "exportRegionsButton")
    qtbot.waitUntil(path.exists, timeout=PATIENCE)
    settle(opened.session)
    rows = list(csv.reader(path.read_text(encoding="utf-8").splitlines()))
    assert rows[0][2:5] == [
        "nucleus: raw mean [counts/px]",
        "nucleus: raw SD [counts/px]",
        "nucleus: pixels [px]",
    ]
    assert [name.partition(":")[0] for name in rows[0][2::3]] == names
    square = decaying()[:, 26:34, 36:44]
    read = np.array(rows[1:], dtype=float)
    inside = read[:, 4] == 64
    assert inside.all(), "pixels whose middle lies inside"
    np.testing.assert_allclose(read[:, 2], square.mean(axis=(1, 2)), rtol=1e-5)
    np.testing.assert_allclose(
        read[:, 3], square.std(axis=(1, 2), ddof=1), rtol=0.02, err_msg="mean ± SD"
    )


def test_a_line_is_drawn_and_its_profile_follows_the_frame(
    qtbot, opened: MainWindow, settle
) -> None:
    press(qtbot, opened, Qt.Key.Key_B)
    press(qtbot, opened, Qt.Key.Key_L, CTRL)
    qtbot.wait(20)
    drag_image(qtbot, opened, (5, 30), (75, 30))
    plot = find(opened, QWidget, "profilePlot")
    qtbot.waitUntil(lambda: plot.curve.getData()[0] is not None, timeout=PATIENCE)
    settle(opened.session)
    x, y = plot.curve.getData()
    assert x[-1] == pytest.approx(7.0, abs=0.1), "pixels of 0.1 µm"
    peak = y.max()
    press(qtbot, opened, Qt.Key.Key_End)
    settle(opened.session)
    assert plot.curve.getData()[1].max() < 0.8 * peak


# ---------------------------------------------------------------------- the view as a picture


@pytest.mark.parametrize("suffix", [".png", ".svg"])
def test_the_view_is_saved_with_scale_bar_and_time(
    qtbot, opened: MainWindow, tmp_path: Path, suffix: str
) -> None:
    sizes = []
    for name in ("plain", "annotated"):
        path = tmp_path / f"{name}{suffix}"
        answer_file_dialog(path)
        pick(qtbot, opened, "actionSaveView")
        data = path.read_bytes()
        if suffix == ".png":
            assert data.startswith(b"\x89PNG")
            sizes.append(len(data))
        else:
            sizes.append(len(list(ElementTree.fromstring(data).iter())))
        press(qtbot, opened, Qt.Key.Key_S)
        press(qtbot, opened, Qt.Key.Key_T)
    assert sizes[1] > sizes[0], "bar and time are in it"


def test_a_recent_file_is_opened_from_the_menu(
    qtbot, opened: MainWindow, recording: Path, settle
) -> None:
    press(qtbot, opened, Qt.Key.Key_W, CTRL)
    assert opened.session.path is None
    pick(qtbot, opened, "actionRecent1")
    settle(opened.session)
    assert opened.session.path == recording.absolute()
