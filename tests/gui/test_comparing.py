"""Raw and corrected compared: side by side, swipe, difference, ratio."""

from __future__ import annotations

import numpy as np
import pytest
from controls import find
from on_image import drag_image
from PyQt5.QtCore import QPoint, QPointF, Qt
from PyQt5.QtGui import QWheelEvent
from PyQt5.QtWidgets import QAbstractButton, QAction, QApplication, QComboBox, QLabel, QWidget
from recordings import decaying

from flimage_gui.comparing import Mode, constant_of, difference, ratio
from flimage_gui.main_window import MainWindow
from flimage_gui.session import Display

PATIENCE = 20_000


def test_the_button_does_not_look_pointed_at_after_a_choice_in_its_menu(qtbot, window) -> None:
    button = find(window, QAbstractButton, "compareButton")
    button.setAttribute(Qt.WidgetAttribute.WA_UnderMouse)
    menu = button.menu()
    menu.popup(button.mapToGlobal(QPoint(0, 60)))
    menu.hide()
    assert not button.underMouse()


@pytest.fixture
def opened(qtbot, opened: MainWindow, settle) -> MainWindow:
    opened.session.run_fit()
    settle(opened.session)
    opened.session.set_display(Display.BLEACH_CORRECTED)
    opened.session.set_frame(9)
    settle(opened.session)
    qtbot.waitUntil(
        lambda: opened.frame_view.shown == (9, Display.BLEACH_CORRECTED), timeout=PATIENCE
    )
    return opened


def choose(window: MainWindow, mode: Mode, settle) -> None:
    button = find(window, QAbstractButton, "compareButton")
    find(button, QAction, f"compareMode{mode.name.capitalize()}").trigger()
    settle(window.session)
    assert window.looking.comparison.mode is mode


def ranges(window: MainWindow) -> np.ndarray:
    return np.array([window.frame_view.box.viewRange(), window.looking.comparison.box.viewRange()])


def test_difference_and_ratio_of_images() -> None:
    image = np.array([[4.0, 1.0, np.nan, 3.0]], dtype=np.float32)
    reference = np.array([[2.0, 4.0, 1.0, 0.0]], dtype=np.float32)
    np.testing.assert_array_equal(difference(image, reference), [[2.0, -3.0, np.nan, 3.0]])
    np.testing.assert_array_equal(ratio(image, reference), [[2.0, 0.25, np.nan, np.nan]])


def test_a_ratio_that_is_the_same_everywhere_says_which_and_why(opened, settle) -> None:
    choose(opened, Mode.RATIO, settle)
    label = find(opened, QLabel, "compareDisplayLabel")
    gain = float(opened.session.fit.gain[9])
    assert label.text().startswith("Bleach-corrected / Background-corrected = ")
    assert label.text().endswith(" wherever there is signal: the gain of this frame")
    assert float(label.text().split(" = ")[1].split()[0]) == pytest.approx(gain, rel=1e-3)
    opened.looking.comparison.set_reference(Display.RAW)
    settle(opened.session)
    assert label.text() == "Bleach-corrected / Raw"


@pytest.mark.parametrize(
    ("values", "constant"),
    [([2.0, 2.0005, np.nan], 2.0), ([2.0, 3.0], None), ([np.nan], None)],
)
def test_noise_of_rounding_is_no_difference(values, constant) -> None:
    found = constant_of(np.array([values], dtype=np.float32))
    assert (found is None) == (constant is None)
    assert constant is None or found == pytest.approx(constant, rel=1e-3)


def test_raw_is_shown_beside_the_corrected_image(qtbot, opened: MainWindow, settle) -> None:
    choose(opened, Mode.SIDE, settle)
    comparison = opened.looking.comparison
    assert find(opened, QWidget, "compareGraphics").isVisible()
    assert np.array_equal(comparison.image, decaying()[9])
    assert find(opened, QLabel, "compareReferenceLabel").text() == "Raw"
    assert find(opened, QLabel, "compareDisplayLabel").text() == "Bleach-corrected"
    opened.frame_view.setFocus()
    qtbot.keyClick(opened.frame_view, Qt.Key.Key_Left)
    settle(opened.session)
    assert opened.session.frame == 8
    assert comparison.shown[0] == 8
    assert np.array_equal(comparison.image, decaying()[8])
    choose(opened, Mode.OFF, settle)
    assert not find(opened, QWidget, "compareGraphics").isVisible()


def test_both_views_zoom_and_pan_together(qtbot, opened: MainWindow, settle) -> None:
    choose(opened, Mode.SIDE, settle)
    qtbot.waitUntil(lambda: np.allclose(*ranges(opened), atol=0.5), timeout=PATIENCE)
    before = ranges(opened)
    opened.frame_view.setFocus()
    for _ in range(3):
        qtbot.keyClick(opened.frame_view, Qt.Key.Key_Plus)
    zoomed = ranges(opened)
    assert np.ptp(zoomed[1, 0]) < 0.7 * np.ptp(before[1, 0])
    np.testing.assert_allclose(zoomed[0], zoomed[1], atol=0.5)
    drag_image(qtbot, opened, (40, 30), (46, 34))
    panned = ranges(opened)
    assert abs(panned[0, 0, 0] - zoomed[0, 0, 0]) > 2
    np.testing.assert_allclose(panned[0], panned[1], atol=0.5)
    # The wheel over the other view moves both as well.
    target = find(opened, QWidget, "compareGraphics").viewport()
    middle = QPointF(target.rect().center())
    event = QWheelEvent(
        middle,
        QPointF(target.mapToGlobal(middle.toPoint())),
        QPoint(0, 0),
        QPoint(0, 240),
        Qt.MouseButton.NoButton,
        Qt.KeyboardModifier.NoModifier,
        Qt.ScrollPhase.NoScrollPhase,
        False,
    )
    QApplication.sendEvent(target, event)
    after = ranges(opened)
    assert np.ptp(after[0, 0]) < np.ptp(panned[0, 0]) * 0.98
    np.testing.assert_allclose(after[0], after[1], atol=0.5)


def test_difference_is_bleach_corrected_minus_background_corrected(
    qtbot, opened: MainWindow, settle
) -> None:
    choose(opened, Mode.DIFFERENCE, settle)
    comparison = opened.looking.comparison
    fit = opened.session.fit
    expected = opened.frame_view.image - (decaying()[9] - fit.background_of(9))
    np.testing.assert_allclose(comparison.image, expected, atol=1e-3)
    border = comparison.image[:5]
    assert abs(float(border.mean())) < 1, "what is empty is neutral"
    assert find(opened, QWidget, "compareLevelsBar").isVisible()
    assert not find(opened, QWidget, "levelsBar").isVisible()
    low, high = comparison._shown_levels()
    assert low == -high
    said = find(opened, QLabel, "compareDisplayLabel").text()
    assert said == "Bleach-corrected − Background-corrected"
    # The contrast stays put from frame to frame.
    opened.session.set_frame(2)
    settle(opened.session)
    assert comparison._shown_levels() == (low, high)
    choose(opened, Mode.OFF, settle)
    assert find(opened, QWidget, "levelsBar").isVisible()


def test_the_reference_that_was_chosen_counts_more_than_the_usual_one(
    qtbot, opened: MainWindow, settle
) -> None:
    comparison = opened.looking.comparison
    choose(opened, Mode.RATIO, settle)
    assert comparison.reference is Display.BACKGROUND_CORRECTED
    choose(opened, Mode.SIDE, settle)
    assert comparison.reference is Display.RAW
    button = find(opened, QAbstractButton, "compareButton")
    find(button, QAction, "compareWithRaw").trigger()
    choose(opened, Mode.DIFFERENCE, settle)
    assert comparison.reference is Display.RAW


def test_the_colours_that_are_named_are_those_that_are_shown(
    qtbot, opened: MainWindow, settle
) -> None:
    named = find(opened, QComboBox, "fixedColormapCombo")
    usual = find(opened, QComboBox, "colormapCombo")
    for mode, name in ((Mode.DIFFERENCE, "Blue–red"), (Mode.RATIO, None)):
        choose(opened, mode, settle)
        assert usual.isVisible() == (name is None)
        assert (named.currentText() if named.isVisible() else None) == name
    assert opened.frame_view.colormap == usual.currentText() == "Gray"


def test_ratio_to_the_background_corrected_image_is_the_gain(
    qtbot, opened: MainWindow, settle
) -> None:
    button = find(opened, QAbstractButton, "compareButton")
    find(button, QAction, "compareWithBackgroundCorrected").trigger()
    choose(opened, Mode.RATIO, settle)
    image = opened.looking.comparison.image
    gain = float(opened.session.fit.gain[9])
    assert np.nanmedian(image[25:35, 35:45]) == pytest.approx(gain, rel=1e-4)


def test_swiping_moves_the_edge_between_the_images(qtbot, opened: MainWindow, settle) -> None:
    view = opened.frame_view
    view.border_button.setChecked(False)
    choose(opened, Mode.SWIPE, settle)
    comparison = opened.looking.comparison
    opened.session.set_levels(-1e6, -9e5)

    def brightness(column: float) -> int:
        picture = view.grab_view()
        where = view.pixel_to_widget(column, 30) * picture.devicePixelRatio()
        return picture.pixelColor(where.toPoint()).lightness()

    # The image on the right is white with these levels, the raw one on the left is not.
    qtbot.wait(50)
    assert brightness(10) < 200
    assert brightness(70) > 250
    drag_image(qtbot, opened, (40, 50), (60, 50))
    assert comparison.line.value() == pytest.approx(60, abs=1.5)
    assert brightness(50) < 250
    assert brightness(70) > 250


def test_comparing_raw_with_itself_shows_the_corrected_image(
    qtbot, opened: MainWindow, settle
) -> None:
    opened.session.set_display(Display.RAW)
    settle(opened.session)
    choose(opened, Mode.SIDE, settle)
    assert opened.session.display is Display.BLEACH_CORRECTED


def test_same_contrast_on_demand(qtbot, opened: MainWindow, settle) -> None:
    choose(opened, Mode.SIDE, settle)
    comparison = opened.looking.comparison
    own = comparison._shown_levels()
    button = find(opened, QAbstractButton, "compareButton")
    find(button, QAction, "compareSameLevels").trigger()
    assert comparison._shown_levels() == opened.session.levels
    assert own != opened.session.levels


def test_key_goes_through_the_ways_and_closing_ends_comparing(
    qtbot, opened: MainWindow, settle
) -> None:
    seen = []
    opened.frame_view.setFocus()
    for _ in range(5):
        qtbot.keyClick(opened.frame_view, Qt.Key.Key_D)
        settle(opened.session)
        seen.append(opened.looking.comparison.mode)
    assert seen == [Mode.SIDE, Mode.SWIPE, Mode.DIFFERENCE, Mode.RATIO, Mode.OFF]
    find(opened, QAction, "actionCompareDifference").trigger()
    settle(opened.session)
    opened.session.close()
    assert opened.looking.comparison.mode is Mode.OFF
