"""Named regions on the image, their table, plot and CSV, and the line profile."""

from __future__ import annotations

import csv
import itertools

import numpy as np
import pytest
from controls import click, find
from on_image import drag_image
from PyQt5.QtCore import Qt
from PyQt5.QtGui import QColor
from PyQt5.QtWidgets import (
    QAbstractButton,
    QAction,
    QColorDialog,
    QDockWidget,
    QFileDialog,
    QLabel,
    QTableWidget,
    QWidget,
)
from recordings import decaying

from flimage.errors import InputError
from flimage.recipe import Region
from flimage_gui import overlays
from flimage_gui.main_window import MainWindow
from flimage_gui.region_list import COLORS, RegionList
from flimage_gui.session import Display

PATIENCE = 20_000


@pytest.fixture
def opened(opened: MainWindow) -> MainWindow:
    opened.frame_view.border_button.setChecked(False)
    return opened


def draw(qtbot, window: MainWindow, settle, start, end) -> None:
    known = len(window.looking.named_regions.regions)
    find(window, QAction, "actionAddRegion").trigger()
    qtbot.wait(20)
    drag_image(qtbot, window, start, end)
    assert len(window.looking.named_regions.regions) == known + 1
    following = window.looking.regions_panel.following
    qtbot.waitUntil(lambda: following.traces() is not None, timeout=PATIENCE)
    settle(window.session)


def cell(window: MainWindow, row: int, column: int) -> str:
    return find(window, QTableWidget, "regionsTable").item(row, column).text()


def test_no_region_looks_like_the_border_or_another_region() -> None:
    colors = [overlays.COLOR, *map(QColor, COLORS)]
    for first, second in itertools.combinations(colors, 2):
        apart = [a - b for a, b in zip(first.getRgb(), second.getRgb(), strict=True)]
        assert np.hypot.reduce(apart) > 70, (first.name(), second.name())
    amber = overlays.COLOR.hslHue()
    assert abs(QColor(COLORS[0]).hslHue() - amber) > 90


def test_an_empty_plot_says_what_to_do_instead_of_showing_axes(qtbot, opened, settle) -> None:
    opened._docks["regionsDock"].raise_()
    qtbot.wait(20)
    plot, profile = (find(opened, QWidget, name) for name in ("regionsPlot", "profilePlot"))
    hint = plot.findChild(QLabel)
    assert "Draw a region" in hint.text()
    assert "draw along the image" in profile.findChild(QLabel).text()
    for each in (plot, profile):
        assert not any(each.getAxis(name).isVisible() for name in ("left", "bottom"))
    assert hint.isVisible()
    opened.looking.named_regions.add(Region("rectangle", ((5, 5), (20, 20))))
    settle(opened.session)
    qtbot.waitUntil(lambda: plot.getAxis("left").isVisible())
    assert not hint.isVisible()
    assert plot.getAxis("left").label.toPlainText().strip() == "Signal (counts/px)"
    opened.session.undo()
    settle(opened.session)
    assert hint.isVisible()
    assert not plot.getAxis("bottom").isVisible()


def test_regions_have_names_and_colours_of_their_own(session, recording, settle) -> None:
    session.open(recording)
    settle(session)
    regions = RegionList(session)
    for _ in range(3):
        regions.add(Region("frame"))
    assert [each.name for each in regions.regions] == ["Region 1", "Region 2", "Region 3"]
    assert len({each.color for each in regions.regions}) == 3
    assert [each.color for each in regions.regions] == list(COLORS[:3])
    regions.change(0, name="cell")
    with pytest.raises(InputError, match="Another region"):
        regions.change(1, name="cell")
    with pytest.raises(InputError, match="needs a name"):
        regions.change(1, name="  ")
    regions.remove(0)
    regions.add(Region("frame"))
    assert [each.name for each in regions.regions] == ["Region 2", "Region 3", "Region 1"]


def test_everything_that_is_done_to_a_region_is_undone_and_redone(
    qtbot, opened: MainWindow, settle, monkeypatch
) -> None:
    session, regions = opened.session, opened.looking.named_regions
    table = find(opened, QTableWidget, "regionsTable")
    seen = [regions.regions]
    draw(qtbot, opened, settle, (30, 25), (45, 35))
    seen.append(regions.regions)
    drag_image(qtbot, opened, (38, 30), (20, 20))
    seen.append(regions.regions)
    table.item(0, 0).setText("nucleus")
    seen.append(regions.regions)
    monkeypatch.setattr(QColorDialog, "getColor", lambda *args: QColor("#123456"))
    click(qtbot, opened, "regionColorButton")
    seen.append(regions.regions)
    click(qtbot, opened, "deleteRegionButton")
    seen.append(regions.regions)
    assert session.steps == (
        "Draw Region 1",
        "Move Region 1",
        "Rename Region 1 to nucleus",
        "Colour nucleus",
        "Delete nucleus",
    )
    assert len(set(seen[1:5])) == 4
    assert seen[5] == ()
    for state in reversed(seen[:-1]):
        qtbot.keyClick(opened.frame_view, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
        assert regions.regions == state
        assert len(opened.looking.markers.items) == len(state) == table.rowCount()
    control_shift = Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier
    for state in seen[1:]:
        qtbot.keyClick(opened.frame_view, Qt.Key.Key_Z, control_shift)
        assert regions.regions == state
    settle(session)


def test_a_drag_that_rests_on_its_way_is_one_step(qtbot, opened: MainWindow, settle) -> None:
    draw(qtbot, opened, settle, (30, 25), (45, 35))
    item = opened.looking.markers.items[0]
    (region,) = opened.looking.named_regions.regions
    for shift in (2.0, 4.0):
        moved = tuple((x - shift, y) for x, y in region.region.points)
        item.edited.emit(Region("rectangle", moved))
        qtbot.wait(1200)
    item.released.emit()
    assert opened.session.steps == ("Draw Region 1", "Move Region 1")
    item.edited.emit(region.region)
    item.released.emit()
    assert opened.session.steps == ("Draw Region 1", "Move Region 1", "Move Region 1")
    settle(opened.session)


def test_a_drawn_region_is_measured_in_every_frame(qtbot, opened: MainWindow, settle) -> None:
    draw(qtbot, opened, settle, (35, 25), (45, 35))
    assert find(opened, QDockWidget, "regionsDock").isVisible()
    (region,) = opened.looking.named_regions.regions
    traces = opened.looking.regions_panel.following.traces()
    (xa, ya), (xb, yb) = region.region.points
    inside = np.s_[:, int(ya + 0.5) : int(yb + 0.5), int(xa + 0.5) : int(xb + 0.5)]
    part = decaying()[inside].reshape(12, -1).astype(float)
    np.testing.assert_allclose(traces.mean[:, 0], part.mean(axis=1), rtol=1e-6)
    np.testing.assert_allclose(traces.std[:, 0], part.std(axis=1, ddof=1), rtol=1e-4)
    assert cell(opened, 0, 0) == "Region 1"
    assert float(cell(opened, 0, 1)) == pytest.approx(part[0].mean(), rel=1e-3)
    opened.session.set_frame(7)
    assert float(cell(opened, 0, 1)) == pytest.approx(part[7].mean(), rel=1e-3)


def test_traces_follow_the_display(qtbot, opened: MainWindow, settle) -> None:
    draw(qtbot, opened, settle, (35, 25), (45, 35))
    following = opened.looking.regions_panel.following
    raw = following.traces().mean[:, 0]
    with qtbot.waitSignal(following.measured, timeout=PATIENCE):
        opened.session.set_display(Display.BACKGROUND_CORRECTED)
    settle(opened.session)
    qtbot.wait(200)
    settle(opened.session)
    corrected = following.traces().mean[:, 0]
    np.testing.assert_allclose(raw - corrected, 100, atol=0.5)


def test_moving_a_region_measures_it_anew(qtbot, opened: MainWindow, settle) -> None:
    draw(qtbot, opened, settle, (36, 26), (44, 34))
    following = opened.looking.regions_panel.following
    before = following.traces().mean[0, 0]
    with qtbot.waitSignal(following.measured, timeout=PATIENCE):
        drag_image(qtbot, opened, (40, 30), (10, 10))
    assert before > 450
    assert following.traces().mean[0, 0] == pytest.approx(100, abs=1)


def test_regions_are_renamed_coloured_and_deleted(
    qtbot, opened: MainWindow, settle, monkeypatch
) -> None:
    draw(qtbot, opened, settle, (35, 25), (45, 35))
    draw(qtbot, opened, settle, (2, 2), (12, 12))
    regions = opened.looking.named_regions
    table = find(opened, QTableWidget, "regionsTable")
    table.item(0, 0).setText("nucleus")
    assert regions.regions[0].name == "nucleus"
    errors = []
    opened.session.failed.connect(errors.append)
    table.item(1, 0).setText("nucleus")
    assert "Another region" in str(errors[0])
    assert cell(opened, 1, 0) == "Region 2"
    table.selectRow(0)
    monkeypatch.setattr(QColorDialog, "getColor", lambda *args: QColor("#123456"))
    click(qtbot, opened, "regionColorButton")
    assert regions.regions[0].color == "#123456"
    assert opened.looking.markers.items[0]._color == QColor("#123456")
    table.setFocus()
    qtbot.keyClick(table, Qt.Key.Key_Delete)
    assert [each.name for each in regions.regions] == ["Region 2"]
    assert len(opened.looking.markers.items) == 1
    click(qtbot, opened, "deleteRegionButton")
    assert regions.regions == ()
    assert not find(opened, QAbstractButton, "exportRegionsButton").isEnabled()


def test_traces_are_exported_as_csv(
    qtbot, opened: MainWindow, settle, tmp_path, monkeypatch
) -> None:
    draw(qtbot, opened, settle, (35, 25), (45, 35))
    target = tmp_path / "traces.csv"
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *args: (str(target), ""))
    following = opened.looking.regions_panel.following
    with qtbot.waitSignal(following.exported, timeout=PATIENCE):
        click(qtbot, opened, "exportRegionsButton")
    rows = list(csv.reader(target.read_text(encoding="utf-8").splitlines()))
    columns = ("raw mean [counts/px]", "raw SD [counts/px]", "pixels [px]")
    assert rows[0] == ["frame", "time [s]", *(f"Region 1: {column}" for column in columns)]
    assert [float(row[2]) for row in rows[1:]] == following.traces().mean[:, 0].tolist()
    assert float(rows[4][1]) == 1.5


def test_values_along_a_line_are_plotted(qtbot, opened: MainWindow, settle) -> None:
    find(opened, QAction, "actionLineProfile").trigger()
    click(qtbot, opened, "lineProfileButton")
    qtbot.wait(20)
    drag_image(qtbot, opened, (5, 30), (75, 30))
    plot = find(opened, QWidget, "profilePlot")
    qtbot.waitUntil(lambda: plot.curve.getData()[0] is not None, timeout=PATIENCE)
    settle(opened.session)
    x, y = plot.curve.getData()
    # Pixels of 0.1 µm.
    assert x[-1] == pytest.approx(7.0, abs=0.1)
    assert y[0] == pytest.approx(100, abs=10)
    assert y[len(y) // 2] > 450
    opened.session.set_frame(11)
    settle(opened.session)
    assert plot.curve.getData()[1][len(y) // 2] < 300


def test_another_recording_starts_without_regions(
    qtbot, opened: MainWindow, settle, tmp_path
) -> None:
    draw(qtbot, opened, settle, (35, 25), (45, 35))
    opened.session.close()
    assert opened.looking.named_regions.regions == ()
    assert opened.looking.markers.items == []
