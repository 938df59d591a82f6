"""The window fits every screen that people have."""

from __future__ import annotations

from pathlib import Path

import pytest
from controls import find
from PyQt5.QtCore import QRect, QSize, Qt
from PyQt5.QtGui import QScreen
from PyQt5.QtWidgets import QDialog, QToolButton, QWidget

from flimage_gui.main_window import MainWindow
from flimage_gui.placing import fit_into, fit_to_screen
from flimage_gui.settings import Preferences, Settings

#: A screen of 1440 × 900 px at scale 2, without the frame of the window.
SMALL = QSize(720, 420)


@pytest.mark.parametrize(
    ("wanted", "screen", "shown"),
    [
        (QRect(10, 10, 900, 600), QRect(0, 0, 1920, 1080), QRect(10, 10, 900, 600)),
        (QRect(0, 0, 1280, 820), QRect(0, 0, 1024, 700), QRect(0, 0, 1024, 700)),
        (QRect(1500, 300, 900, 600), QRect(0, 0, 1920, 1080), QRect(1020, 300, 900, 600)),
        (QRect(-3000, -50, 900, 600), QRect(0, 30, 1440, 870), QRect(0, 30, 900, 600)),
    ],
)
def test_a_rectangle_is_moved_first_and_then_shrunk_until_it_fits(
    wanted: QRect, screen: QRect, shown: QRect
) -> None:
    assert fit_into(wanted, screen) == shown


def test_the_first_window_fits_the_screen_before_and_after_opening(
    qtbot, settings: Settings, recording: Path, settle
) -> None:
    # The offscreen platform has a screen of 800 × 600 px.
    window = MainWindow(settings)
    qtbot.addWidget(window, before_close_func=lambda w: w.session.shut_down())
    window.show()
    qtbot.waitExposed(window)
    available = window.screen().availableGeometry()
    assert available.width() < 1280
    assert available.contains(window.frameGeometry())
    window.open_path(recording)
    settle(window.session)
    assert available.contains(window.frameGeometry())


def test_a_remembered_window_that_the_screen_cannot_hold_is_made_smaller(
    qtbot, settings: Settings, window: MainWindow
) -> None:
    window.resize(2600, 1700)
    settings.set(Preferences.geometry, window.saveGeometry())
    again = MainWindow(settings)
    qtbot.addWidget(again, before_close_func=lambda w: w.session.shut_down())
    again.show()
    qtbot.waitExposed(again)
    fit_to_screen(again)
    assert again.screen().availableGeometry().contains(again.frameGeometry())


def test_everything_fits_half_of_a_laptop_screen_with_a_fit_shown(
    qtbot, window: MainWindow, recording: Path, settle
) -> None:
    window.open_path(recording)
    settle(window.session)
    window.session.run_fit()
    settle(window.session)
    assert window.session.fit_current
    smallest = window.minimumSizeHint()
    assert smallest.width() <= SMALL.width(), _widest(window)
    assert smallest.height() <= SMALL.height()
    window.resize(SMALL)
    qtbot.wait(50)
    assert window.size() == SMALL
    for name in ("runBleachButton", "frameSlider", "displayCombo", "tracePlot"):
        widget = window.findChild(QWidget, name)
        assert widget.isVisible(), name
        right = widget.mapTo(window, widget.rect().bottomRight()).x()
        assert right < SMALL.width(), name


def test_the_image_keeps_its_share_when_the_window_becomes_smaller(
    qtbot, window: MainWindow, recording: Path, settle
) -> None:
    window.resize(1280, 820)
    window.open_path(recording)
    settle(window.session)
    dock = window.panels.docks["traceDock"]
    window.resizeDocks([dock], [420], Qt.Orientation.Vertical)
    window.resizeDocks([window.panels.docks["bleachDock"]], [600], Qt.Orientation.Horizontal)
    qtbot.wait(20)
    # What a person chose stays as long as the window does.
    assert dock.height() > 380
    window.resize(1024, 700)
    qtbot.wait(50)
    graphics = window.frame_view.graphics
    assert graphics.height() >= 250
    assert graphics.width() >= 400


def test_buttons_that_zoom_go_and_come_together(qtbot, opened: MainWindow) -> None:
    buttons = [find(opened, QToolButton, name) for name in ("zoomOutButton", "zoomInButton")]
    seen = set()
    for width in range(1280, SMALL.width(), -8):
        opened.resize(width, 700)
        qtbot.wait(1)
        shown = {button.isVisible() for button in buttons}
        assert len(shown) == 1, width
        seen |= shown
    assert seen == {True, False}


@pytest.mark.parametrize("show", ["show_preferences", "show_shortcuts"])
def test_a_dialog_is_no_larger_than_the_screen(
    qtbot, window: MainWindow, monkeypatch, show: str
) -> None:
    low = QRect(0, 0, 700, 480)
    monkeypatch.setattr(QScreen, "availableGeometry", lambda screen: low)
    getattr(window, show)()
    dialog = window.findChild(QDialog)
    assert dialog.height() <= 480 - 20
    dialog.close()


def _widest(window: MainWindow) -> str:
    widths = {
        each.objectName() or type(each).__name__: each.minimumSizeHint().width()
        for each in window.findChildren(QWidget)
        if each.isVisible()
    }
    return str(sorted(widths.items(), key=lambda item: -item[1])[:12])
