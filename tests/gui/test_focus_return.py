"""The focus stays with the control that was pressed, also when it cannot be used meanwhile."""

from __future__ import annotations

import pytest
from controls import choose, find
from hands import raise_panel
from PyQt5.QtCore import Qt
from PyQt5.QtWidgets import QApplication, QPushButton, QWidget

from flimage_gui.main_window import MainWindow


@pytest.fixture
def assign(qtbot, opened: MainWindow) -> QPushButton:
    """The button that assigns a background, with the focus."""
    opened.activateWindow()
    qtbot.waitUntil(opened.isActiveWindow)
    raise_panel(qtbot, opened, "backgroundDock")
    choose(qtbot, opened, "backgroundOriginCombo", "plane")
    button = find(opened, QPushButton, "assignBackgroundButton")
    button.setFocus()
    assert button.hasFocus()
    return button


def test_the_focus_comes_back_to_the_button_that_was_pressed(
    qtbot, opened: MainWindow, assign: QPushButton, settle
) -> None:
    places: list[QWidget] = []
    opened.session.changed.connect(lambda _change: places.append(QApplication.focusWidget()))
    qtbot.keyClick(assign, Qt.Key.Key_Space)
    settle(opened.session)
    assert opened.session.steps
    assert assign.hasFocus()
    # Meanwhile it is nowhere where a key would do something else.
    panel = find(opened, QWidget, "backgroundPanel")
    assert all(place is panel or panel.isAncestorOf(place) for place in places if place)


def test_whoever_goes_elsewhere_meanwhile_stays_there(
    qtbot, opened: MainWindow, assign: QPushButton, settle
) -> None:
    qtbot.keyClick(assign, Qt.Key.Key_Space)
    opened.frame_view.graphics.setFocus()
    settle(opened.session)
    assert opened.frame_view.graphics.hasFocus()
