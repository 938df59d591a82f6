"""A number that is typed is that number, whatever signs a person writes it with."""

from __future__ import annotations

import pytest
from controls import find
from PyQt5.QtCore import Qt
from PyQt5.QtWidgets import QComboBox, QWidget

from flimage_gui.main_window import MainWindow
from flimage_gui.settings import Preferences
from flimage_gui.spin_boxes import ValueSpin


def typed(qtbot, text: str, low: float = -1e12, high: float = 1e12, before: float = 7) -> ValueSpin:
    spin = ValueSpin(low, high)
    qtbot.addWidget(spin)
    spin.setValue(before)
    spin.show()
    spin.setFocus()
    spin.selectAll()
    qtbot.keyClicks(spin, text)
    qtbot.keyClick(spin, Qt.Key.Key_Return)
    return spin


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("7,5", 7.5),
        ("0,5", 0.5),
        ("2e3", 2000.0),
        ("3e-6", 3e-6),
        ("0.0000004", 4e-7),
        ("-1.36e-7", -1.36e-7),
        ("-12", -12.0),
        ("12345678901", 12345678901.0),
        ("1.23456789e+10", 12345678900.0),
    ],
)
def test_a_number_is_taken_as_it_is_typed(qtbot, text: str, value: float) -> None:
    assert typed(qtbot, text).value() == pytest.approx(value, rel=1e-9)


@pytest.mark.parametrize("text", ["", "abc", "1.2.3", "5 kg", "-", "1e", "300", "1000"])
def test_what_is_no_number_of_the_range_leaves_the_one_before(qtbot, text: str) -> None:
    spin = typed(qtbot, text, 0.1, 240, before=15)
    assert spin.value() == 15
    assert spin.text() == "15"


@pytest.mark.parametrize("value", [1.36e-7, 4.1e-6, 0.1, 15, 65535, 12345678901, 1e12])
def test_what_is_shown_is_read_back(qtbot, value: float) -> None:
    spin = typed(qtbot, "1")
    spin.setValue(value)
    assert typed(qtbot, spin.text()).value() == pytest.approx(value, rel=1e-9)


def test_a_preferred_speed_stays_where_times_change(opened: MainWindow, settle) -> None:
    session = opened.session
    combo = find(opened, QComboBox, "speedCombo")
    opened.settings.set(Preferences.playback_speed, "10 fps")
    chosen = combo.currentData()
    session.set_recipe(session.recipe.replace(interval=30.0), "Interval")
    settle(session)
    assert combo.currentData() == chosen == "10 fps"
    session.set_recipe(session.recipe.replace(interval=None), "Interval")
    settle(session)
    assert combo.currentData() == "10 fps"


def test_a_suitable_speed_follows_the_times(opened: MainWindow, settle) -> None:
    session = opened.session
    combo: QWidget = find(opened, QComboBox, "speedCombo")
    speeds = []
    for interval in (0.02, 300.0):
        session.set_recipe(session.recipe.replace(interval=interval), "Interval")
        settle(session)
        speeds.append(combo.currentData())
    assert speeds[0] != speeds[1]
