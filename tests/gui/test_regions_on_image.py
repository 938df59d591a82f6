"""Signal and background region drawn, dragged and shown on the image, with real mouse events."""

from __future__ import annotations

import time

import numpy as np
import pytest
from controls import choose, click, find
from on_image import drag_image, draw_polygon
from PyQt5.QtCore import Qt
from PyQt5.QtWidgets import QAbstractButton, QAction, QComboBox, QLabel, QWidget
from recordings import decaying, write_series

from flimage.recipe import Region
from flimage_gui.main_window import MainWindow
from flimage_gui.region_item import outline_segments
from flimage_gui.session import Change

PATIENCE = 20_000


@pytest.fixture
def opened(opened: MainWindow) -> MainWindow:
    find(opened, QAbstractButton, "moreSettingsButton").setChecked(True)
    return opened


def corners(region: Region) -> np.ndarray:
    return np.array(region.points)


def test_edges_of_a_mask_enclose_its_pixels() -> None:
    mask = np.zeros((6, 8), dtype=bool)
    mask[2:4, 3:7] = True
    x, y = outline_segments(mask)
    lines = {
        tuple(map(tuple, np.stack([x[i : i + 2], y[i : i + 2]], axis=1).tolist()))
        for i in range(0, len(x), 2)
    }
    assert lines == {
        ((3, 2), (7, 2)),
        ((3, 4), (7, 4)),
        ((3, 2), (3, 4)),
        ((7, 2), (7, 4)),
    }
    assert outline_segments(np.zeros((3, 3), dtype=bool))[0].size == 0


@pytest.mark.parametrize("kind", ["rectangle", "ellipse"])
def test_signal_region_is_drawn_from_corner_to_corner_and_undone(
    qtbot, opened: MainWindow, settle, kind: str
) -> None:
    session = opened.session
    button = find(opened, QAbstractButton, "drawRegionButton")
    find(button, QAction, f"drawRegionButton{kind.capitalize()}").trigger()
    assert find(opened, QLabel, "drawingHint").isVisible()
    drag_image(qtbot, opened, (20, 15), (60, 45))
    assert session.recipe.region.kind == kind
    np.testing.assert_allclose(corners(session.recipe.region), [(20, 15), (60, 45)], atol=0.6)
    assert not find(opened, QLabel, "drawingHint").isVisible()
    assert find(opened, QComboBox, "regionCombo").currentText() == f"drawn {kind}"
    settle(session)
    assert session.scan.region.sum() < 1300
    assert find(opened, QAbstractButton, "regionButton").isChecked()
    qtbot.keyClick(opened, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    assert session.recipe.region == Region("auto")


def test_polygon_is_drawn_click_by_click(qtbot, opened: MainWindow, settle) -> None:
    opened.looking.regions.draw_signal("polygon")
    draw_polygon(qtbot, opened, (20, 10), (60, 12), (40, 50))
    region = opened.session.recipe.region
    assert region.kind == "polygon"
    np.testing.assert_allclose(corners(region), [(20, 10), (60, 12), (40, 50)], atol=0.6)


def test_freehand_is_a_polygon_along_the_way_of_the_mouse(qtbot, opened: MainWindow) -> None:
    opened.looking.regions.draw_signal("freehand")
    drag_image(qtbot, opened, (20, 10), (60, 10), (60, 50), (20, 50), steps=10)
    region = opened.session.recipe.region
    assert region.kind == "polygon"
    assert len(region.points) > 15
    points = corners(region)
    assert np.ptp(points[:, 0]) == pytest.approx(40, abs=1)
    assert np.ptp(points[:, 1]) == pytest.approx(40, abs=1)


def test_escape_ends_drawing_and_changes_nothing(qtbot, opened: MainWindow) -> None:
    before = opened.session.recipe
    click(qtbot, opened, "drawRegionButton")
    qtbot.keyClick(find(opened, QWidget, "frameGraphics"), Qt.Key.Key_Escape)
    assert not opened.looking.drawing.active
    drag_image(qtbot, opened, (20, 15), (60, 45))
    assert opened.session.recipe == before


def test_drawn_region_is_moved_and_reshaped(qtbot, opened: MainWindow, settle) -> None:
    session = opened.session
    session.set_recipe(
        session.recipe.replace(region=Region("rectangle", ((20, 15), (50, 40)))), "Region"
    )
    opened.looking.regions.shown = True
    drag_image(qtbot, opened, (35, 28), (45, 33))
    np.testing.assert_allclose(corners(session.recipe.region), [(30, 20), (60, 45)], atol=0.6)
    drag_image(qtbot, opened, (60, 45), (70, 50))
    np.testing.assert_allclose(corners(session.recipe.region), [(30, 20), (70, 50)], atol=0.6)
    settle(session)
    assert session.scan.region.sum() == pytest.approx(1200, abs=80)


def test_a_region_is_never_dragged_off_the_image(qtbot, opened: MainWindow, settle) -> None:
    session = opened.session
    session.set_recipe(
        session.recipe.replace(region=Region("rectangle", ((60, 15), (75, 40)))), "Region"
    )
    opened.looking.regions.shown = True
    drag_image(qtbot, opened, (68, 28), (100, 28), (240, 28))
    settle(session)
    assert session.tuning_error is None
    assert session.scan.region.any()


def test_trace_and_fit_follow_a_drag_at_once_and_exactly_when_it_rests(
    qtbot, window: MainWindow, tmp_path, settle
) -> None:
    window.open_path(write_series(tmp_path / "long.h5", decaying(300, (128, 128))))
    session = window.session
    settle(session)
    session.run_fit()
    settle(session)
    start = session.recipe.replace(region=Region("rectangle", ((40, 40), (80, 80))))
    session.set_recipe(start, "Region")
    settle(session)
    shown: list[float] = []
    session.changed.connect(
        lambda change: shown.append(time.perf_counter()) if change & Change.FIT else None
    )
    delays = []
    for x in range(41, 52):
        shown.clear()
        region = Region("rectangle", ((x, 40), (x + 40, 80)))
        fit = session.fit
        began = time.perf_counter()
        session.set_recipe(session.recipe.replace(region=region), "Move the signal region")
        qtbot.waitUntil(lambda fit=fit: session.fit is not fit, timeout=PATIENCE)
        delays.append(shown[-1] - began)
    assert not session.fit_current
    # 0.1 s is the aim; a computer that runs other tests at the same time takes longer.
    assert min(delays) < 0.25
    estimate = session.fit
    settle(session)
    assert session.fit_current
    assert session.fit.curve == pytest.approx(estimate.curve, rel=0.05)
    assert session.scan.region[60, 51]
    assert not session.scan.region[60, 50]


def test_region_combo_offers_automatic_frame_and_drawn(qtbot, opened: MainWindow, settle) -> None:
    session = opened.session
    automatic = int(session.scan.region.sum())
    choose(qtbot, opened, "regionCombo", Region("frame"))
    settle(session)
    assert session.scan.region.all()
    qtbot.keyClick(find(opened, QComboBox, "regionCombo"), Qt.Key.Key_Down)
    # Nothing was drawn yet, so it is drawn now.
    assert opened.looking.drawing.active
    drag_image(qtbot, opened, (20, 15), (60, 45))
    drawn = session.recipe.region
    assert drawn.kind == "rectangle"
    choose(qtbot, opened, "regionCombo", Region("auto"))
    settle(session)
    assert int(session.scan.region.sum()) == automatic
    combo = find(opened, QComboBox, "regionCombo")
    combo.setFocus()
    qtbot.keyClick(combo, Qt.Key.Key_End)
    assert session.recipe.region == drawn


def test_automatic_region_is_outlined(qtbot, opened: MainWindow, settle) -> None:
    outline = opened.looking.regions.outline
    assert outline.path.isEmpty()
    opened.frame_view.setFocus()
    qtbot.keyClick(opened.frame_view, Qt.Key.Key_R)
    assert find(opened, QAbstractButton, "regionButton").isChecked()
    assert find(opened, QAction, "actionShowRegion").isChecked()
    qtbot.waitUntil(lambda: not outline.path.isEmpty(), timeout=PATIENCE)
    rows, columns = np.nonzero(opened.session.scan.region)
    rect = outline.path.boundingRect()
    assert (rect.left(), rect.right()) == (columns.min(), columns.max() + 1)
    assert (rect.top(), rect.bottom()) == (rows.min(), rows.max() + 1)
    click(qtbot, opened, "regionButton")
    assert outline.path.isEmpty()


def test_background_is_taken_from_a_drawn_region(qtbot, opened: MainWindow, settle) -> None:
    session = opened.session
    combo = find(opened, QComboBox, "backgroundSourceCombo")
    combo.setFocus()
    qtbot.keyClick(combo, Qt.Key.Key_Down)
    assert opened.looking.drawing.active
    assert session.recipe.background_source == "border"
    drag_image(qtbot, opened, (2, 2), (15, 12))
    assert session.recipe.background_source == "region"
    assert combo.currentData() == "region"
    assert opened.frame_view.border_shown == 0
    settle(session)
    assert session.background_levels == pytest.approx(np.full(12, 100.0), abs=0.5)
    # Dragged onto the cell, it is no background any more.
    drag_image(qtbot, opened, (8, 7), (40, 30))
    settle(session)
    assert session.background_levels.min() > 150
    session.undo()
    settle(session)
    assert session.background_levels.max() < 101


def test_background_can_be_a_plane(qtbot, opened: MainWindow, settle) -> None:
    choose(qtbot, opened, "backgroundSourceCombo", "border")
    combo = find(opened, QComboBox, "backgroundSourceCombo")
    combo.setCurrentIndex(combo.findData("plane"))
    assert opened.session.recipe.background_source == "plane"
    settle(opened.session)
    assert opened.session.tuning_error is None
    assert opened.frame_view.border_shown > 0
