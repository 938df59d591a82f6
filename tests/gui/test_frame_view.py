from __future__ import annotations

import numpy as np
import pytest
from controls import find
from pointer import double_click, drag, hover
from PyQt5.QtCore import QPoint, QPointF, Qt
from PyQt5.QtGui import QColor, QWheelEvent
from PyQt5.QtWidgets import QAbstractButton, QApplication, QComboBox, QWidget
from recordings import decaying, write_series

from flimage_gui.colormaps import COLORMAPS, color_table
from flimage_gui.displays import image_levels
from flimage_gui.frame_view import FrameView
from flimage_gui.levels_bar import BINS, LevelsBar, histogram
from flimage_gui.pixels import LAST_COLOR, MISSING, SATURATED, to_indices
from flimage_gui.session import Display, Session

PATIENCE = 20_000


@pytest.fixture
def view(qtbot, session: Session, recording, settle) -> FrameView:
    made = FrameView(session)
    qtbot.addWidget(made)
    made.resize(700, 500)
    made.show()
    qtbot.waitExposed(made)
    session.open(recording)
    settle(session)
    qtbot.waitUntil(lambda: made.shown == (0, Display.RAW), timeout=PATIENCE)
    return made


def color_at(view: FrameView, column: float, row: float) -> QColor:
    """Colour on screen of a place of the image."""
    QApplication.processEvents()
    picture = view.grab_view()
    place = view.pixel_to_widget(column, row) * picture.devicePixelRatio()
    return picture.pixelColor(place.toPoint())


def wheel(view: FrameView, notches: int, modifiers=Qt.KeyboardModifier.NoModifier) -> None:
    viewport = find(view, QWidget, "frameGraphics").viewport()
    place = QPointF(viewport.rect().center())
    event = QWheelEvent(
        place,
        QPointF(viewport.mapToGlobal(place.toPoint())),
        QPoint(0, 0),
        QPoint(0, 120 * notches),
        Qt.MouseButton.NoButton,
        modifiers,
        Qt.ScrollPhase.NoScrollPhase,
        False,
    )
    QApplication.sendEvent(viewport, event)


def shown_width(view: FrameView) -> float:
    """How many image pixels the view is wide."""
    return view.pixel_to_widget(1, 0).x() - view.pixel_to_widget(0, 0).x()


# ---------------------------------------------------------------------- from values to colours


def test_levels_are_the_first_and_the_last_colour() -> None:
    values = np.array([[0.0, 10.0, 15.0, 20.0, 1e9, -1e9]], dtype=np.float32)
    indices = to_indices(values, 10.0, 20.0)
    assert indices.tolist() == [[0, 0, LAST_COLOR // 2, LAST_COLOR, LAST_COLOR, 0]]
    assert indices.dtype == np.uint8


def test_missing_and_saturated_pixels_have_indices_of_their_own() -> None:
    values = np.array([[np.nan, 5.0, 255.0, np.inf, -np.inf]], dtype=np.float32)
    indices = to_indices(values, 0.0, 100.0, saturation=255.0)
    assert indices[0, 0] == MISSING
    assert indices[0, 2] == SATURATED
    assert indices[0, 4] == 0
    assert to_indices(values, 0.0, 100.0)[0, 2] == LAST_COLOR


def test_percentiles_leave_out_missing_pixels_and_never_coincide() -> None:
    image = np.full((50, 50), np.nan, dtype=np.float32)
    assert image_levels([image]) == (0.0, 1.0)
    image[10:20, 10:20] = 7.0
    low, high = image_levels([image])
    assert low < 7.0 < high
    ramp = np.linspace(0, 1000, 10_000, dtype=np.float32).reshape(100, 100)
    low, high = image_levels([ramp])
    assert 0 < low < 10
    assert 990 < high < 1000


@pytest.mark.parametrize("name", list(COLORMAPS))
def test_brightness_of_every_map_runs_one_way(name: str) -> None:
    table = color_table(name).astype(float)
    assert table.shape == (256, 3)
    luminance = table @ [0.2126, 0.7152, 0.0722]
    steps = np.diff(luminance if "inverted" not in name else luminance[::-1])
    assert steps.min() > -1.0
    assert abs(luminance[-1] - luminance[0]) > 120


def test_histogram_counts_what_lies_between_its_ends() -> None:
    image = np.concatenate([np.full(800, 25.0), np.full(100, 75.0), [np.nan, 1e6]])
    counts = histogram(image.astype(np.float32).reshape(-1, 2), 0.0, 100.0)
    assert counts.shape == (BINS,)
    assert counts[BINS // 4] == 1.0
    assert counts[3 * BINS // 4] == pytest.approx(0.5)
    assert np.count_nonzero(counts) == 2


# ---------------------------------------------------------------------- what is on screen


def test_image_on_screen_is_upright_and_in_its_colours(qtbot, view: FrameView, session) -> None:
    view.border_button.setChecked(False)
    session.set_levels(100.0, 500.0)
    bright, dark = color_at(view, 40, 30), color_at(view, 5, 5)
    assert bright.red() > 220
    assert dark.red() < 30
    # The top left pixel of the array is at the top left of the screen.
    origin, corner = view.pixel_to_widget(0, 0), view.pixel_to_widget(80, 60)
    assert corner.x() > origin.x()
    assert corner.y() > origin.y()


def test_colormap_combo_changes_the_colours(qtbot, view: FrameView, session) -> None:
    view.border_button.setChecked(False)
    session.set_levels(100.0, 500.0)
    combo = find(view, QComboBox, "colormapCombo")
    combo.setFocus()
    qtbot.keyClick(combo, Qt.Key.Key_Down)
    assert view.colormap == "Gray inverted"
    assert color_at(view, 40, 30).red() < 40
    assert color_at(view, 5, 5).red() > 220


def test_display_combo_asks_the_session_and_shows_what_it_answers(
    qtbot, view: FrameView, session: Session, settle
) -> None:
    combo = find(view, QComboBox, "displayCombo")
    assert [combo.itemText(i) for i in range(combo.count())] == [
        "Raw",
        "Background",
        "Background-corrected",
        "Bleach-corrected",
    ]
    combo.setFocus()
    for display in (Display.BACKGROUND, Display.BACKGROUND_CORRECTED, Display.BLEACH_CORRECTED):
        qtbot.keyClick(combo, Qt.Key.Key_Down)
        assert session.display is display
        settle(session)
        qtbot.waitUntil(lambda d=display: view.shown == (0, d), timeout=PATIENCE)
    session.set_display(Display.RAW)
    assert combo.currentText() == "Raw"


def test_background_corrected_image_has_no_background(
    qtbot, view: FrameView, session: Session, settle
) -> None:
    session.set_display(Display.BACKGROUND_CORRECTED)
    settle(session)
    assert abs(float(view.image[:5].mean())) < 0.5
    session.set_display(Display.BACKGROUND)
    settle(session)
    assert float(view.image.mean()) == pytest.approx(100.0, abs=0.5)


def test_auto_contrast_button_spreads_the_colours_over_the_series(
    qtbot, view: FrameView, session: Session, settle
) -> None:
    session.set_levels(0.0, 1.0)
    qtbot.mouseClick(find(view, QAbstractButton, "autoContrastButton"), Qt.MouseButton.LeftButton)
    settle(session)
    low, high = session.levels
    assert 90 < low < 105
    assert 450 < high < 520


def test_contrast_from_this_frame_uses_only_it(qtbot, view: FrameView, session, settle) -> None:
    session.set_frame(11)
    settle(session)
    qtbot.waitUntil(lambda: view.shown == (11, Display.RAW), timeout=PATIENCE)
    view.frame_contrast_action.trigger()
    assert session.levels[1] < 300


def test_border_is_drawn_as_wide_as_the_recipe_says(view: FrameView, session: Session) -> None:
    session.set_recipe(session.recipe.replace(border_px=12), "Border")
    assert view.border_shown == 12
    # The inner edge of the border is a yellow line.
    origin, unit = view.pixel_to_widget(0, 0), view.pixel_to_widget(1, 1)
    picture = view.grab_view()
    row = view.pixel_to_widget(12, 30).toPoint()
    colors = [picture.pixelColor(row.x() + dx, row.y()) for dx in (-1, 0, 1)]
    assert any(c.red() > 200 and c.green() > 140 and c.blue() < 90 for c in colors)
    assert unit.x() > origin.x()
    view.border_button.setChecked(False)
    assert view.border_shown == 0
    view.border_button.setChecked(True)
    session.set_recipe(session.recipe.replace(border_px=0), "No border")
    assert view.border_shown == 0


def test_pixel_under_the_pointer_is_told_by_column_and_row(qtbot, view: FrameView) -> None:
    pixels = []
    view.pixel_hovered.connect(pixels.append)
    viewport = find(view, QWidget, "frameGraphics").viewport()
    for column, row in ((3, 50), (79, 0), (40, 59)):
        place = view.pixel_to_widget(column + 0.5, row + 0.5).toPoint()
        # pyqtgraph leaves out movements that follow each other too quickly.
        qtbot.wait(30)
        hover(viewport, place)
        qtbot.waitUntil(lambda c=column, r=row: pixels[-1:] == [(c, r)], timeout=PATIENCE)
    qtbot.wait(30)
    hover(viewport, QPoint(2, 2))
    qtbot.waitUntil(lambda: pixels[-1] is None, timeout=PATIENCE)


def test_wheel_zooms_and_with_control_steps_through_the_frames(
    qtbot, view: FrameView, session: Session
) -> None:
    before = shown_width(view)
    wheel(view, 2)
    assert shown_width(view) > before * 1.02
    assert session.frame == 0
    zoomed = shown_width(view)
    wheel(view, -3, Qt.KeyboardModifier.ControlModifier)
    assert session.frame == 3
    assert shown_width(view) == zoomed
    wheel(view, 1, Qt.KeyboardModifier.ControlModifier)
    assert session.frame == 2


def test_wheel_habits_can_be_swapped(qtbot, view: FrameView, session: Session) -> None:
    view.wheel_steps = True
    before = shown_width(view)
    wheel(view, -1)
    assert session.frame == 1
    assert shown_width(view) == before
    wheel(view, 1, Qt.KeyboardModifier.ControlModifier)
    assert session.frame == 1
    assert shown_width(view) > before


def test_double_click_fits_the_view(qtbot, view: FrameView) -> None:
    before = shown_width(view)
    view.zoom_in()
    assert shown_width(view) > before * 1.2
    viewport = find(view, QWidget, "frameGraphics").viewport()
    double_click(viewport, viewport.rect().center())
    qtbot.waitUntil(lambda: abs(shown_width(view) - before) < before * 0.02, timeout=PATIENCE)


def test_hundred_percent_is_one_image_pixel_per_screen_pixel(view: FrameView) -> None:
    view.zoom_original()
    assert shown_width(view) * view.devicePixelRatioF() == pytest.approx(1.0, rel=0.02)


def test_zoomed_in_view_shows_the_right_pixels(qtbot, view: FrameView, session) -> None:
    view.border_button.setChecked(False)
    session.set_levels(100.0, 500.0)
    for _ in range(6):
        view.zoom_in()
    # The disc fills the view now.
    assert color_at(view, 40, 30).red() > 200
    assert shown_width(view) > 20


def test_large_image_is_shown_whole_with_fewer_pixels(
    qtbot, session: Session, tmp_path, settle
) -> None:
    frames = np.zeros((2, 1500, 2000), dtype=np.float32)
    frames[:, 750:, 1000:] = 100.0
    view = FrameView(session)
    qtbot.addWidget(view)
    view.resize(500, 400)
    view.border_button.setChecked(False)
    view.show()
    session.open(write_series(tmp_path / "large.h5", frames))
    settle(session)
    session.set_levels(0.0, 100.0)
    assert color_at(view, 500, 375).red() < 20
    assert color_at(view, 1500, 375).red() < 20
    assert color_at(view, 500, 1100).red() < 20
    assert color_at(view, 1500, 1100).red() > 235
    assert color_at(view, 1990, 1490).red() > 235


def test_damaged_frame_is_told_in_its_place_and_the_next_one_is_shown(
    qtbot, session: Session, tmp_path, settle
) -> None:
    path = write_series(tmp_path / "damaged.h5", decaying())
    import h5py

    with h5py.File(path, "r") as file:
        place = file["fli_5/fluorescence/raw"].id.get_chunk_info(0)
    with path.open("r+b") as stream:
        stream.seek(place.byte_offset + place.size // 2)
        stream.write(b"\xde\xad\xbe\xef")
    view = FrameView(session)
    qtbot.addWidget(view)
    view.show()
    session.open(path)
    settle(session)
    session.set_frame(5)
    settle(session)
    notice = find(view, QWidget, "frameNotice")
    assert notice.isVisible()
    assert "Frame 5" in notice.text()
    assert view.image is None
    session.set_frame(6)
    settle(session)
    assert not notice.isVisible()
    assert np.array_equal(view.image, decaying()[6])


# ---------------------------------------------------------------------- levels bar


@pytest.fixture
def bar(qtbot) -> LevelsBar:
    made = LevelsBar()
    qtbot.addWidget(made)
    made.resize(90, 300)
    made.show_levels((100.0, 200.0))
    made.show_image(np.linspace(90, 210, 10_000, dtype=np.float32).reshape(100, 100))
    made.show()
    qtbot.waitExposed(made)
    made.levels_edited.connect(lambda low, high: made.show_levels((low, high)))
    return made


def drag_level(bar: LevelsBar, start: float, end: float) -> None:
    drag(bar, *(QPoint(20, round(bar._y_of(value))) for value in (start, end)))


def test_dragging_a_handle_moves_its_level_only(qtbot, bar: LevelsBar) -> None:
    drag_level(bar, 200.0, 180.0)
    low, high = bar._levels
    assert low == 100.0
    assert high == pytest.approx(180.0, abs=1.0)


def test_dragging_between_the_handles_moves_both(qtbot, bar: LevelsBar) -> None:
    drag_level(bar, 150.0, 165.0)
    low, high = bar._levels
    assert low == pytest.approx(115.0, abs=1.0)
    assert high - low == pytest.approx(100.0)


def test_handles_never_cross(qtbot, bar: LevelsBar) -> None:
    drag_level(bar, 200.0, 80.0)
    low, high = bar._levels
    assert high > low


def test_keys_move_the_handles(qtbot, bar: LevelsBar) -> None:
    bar.setFocus()
    qtbot.keyClick(bar, Qt.Key.Key_Up)
    assert bar._levels == (100.0, 202.0)
    qtbot.keyClick(bar, Qt.Key.Key_Down, Qt.KeyboardModifier.ShiftModifier)
    assert bar._levels == pytest.approx((97.96, 202.0))


def test_double_click_asks_for_the_contrast_of_the_series(qtbot, bar: LevelsBar) -> None:
    with qtbot.waitSignal(bar.auto_requested, timeout=PATIENCE):
        qtbot.mouseDClick(bar, Qt.MouseButton.LeftButton)
