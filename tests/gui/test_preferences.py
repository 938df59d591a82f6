"""The preferences: all of them are shown, count at once and are kept."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from controls import find
from PyQt5.QtCore import QByteArray, QSettings, Qt
from PyQt5.QtGui import QPalette
from PyQt5.QtWidgets import (
    QAbstractButton,
    QCheckBox,
    QComboBox,
    QDialog,
    QLabel,
    QSpinBox,
    QWidget,
)

from flimage_gui.main_window import MainWindow
from flimage_gui.playback import Ending
from flimage_gui.preferences_dialog import PreferencesDialog, default_text, object_name
from flimage_gui.session import Display
from flimage_gui.settings import Preference, Preferences, Settings

PATIENCE = 20_000
CHOSEN = [each for each in Preferences.all() if each.group]
REMEMBERED = [each for each in Preferences.all() if not each.group]

#: Another value than the default, and what is different in a window then.
EFFECTS: dict[str, tuple[Any, Callable[[MainWindow], bool]]] = {
    "theme": (
        "dark",
        lambda w: w.palette().color(QPalette.ColorRole.Window).lightness() < 100,
    ),
    "colormap": ("Viridis", lambda w: w.frame_view.colormap == "Viridis"),
    "show_border": (False, lambda w: not w.frame_view.border_button.isChecked()),
    "show_scale": (True, lambda w: w.looking.annotations.shows_scale),
    "show_time": (True, lambda w: w.looking.annotations.shows_time),
    "wheel_steps_frames": (True, lambda w: w.frame_view.wheel_steps),
    "playback": ("10 fps", lambda w: w.time_bar.frame_rate == 10),
    "playback_ending": ("LOOP", lambda w: w.time_bar.ending is Ending.LOOP),
    "cache_megabytes": (32, lambda w: w.session.cache_bytes == 32 << 20),
}


@pytest.fixture
def kept_theme(qapp):
    before, sheet, style = QPalette(qapp.palette()), qapp.styleSheet(), qapp.style().objectName()
    yield
    qapp.setStyleSheet(sheet)
    qapp.setStyle(style)
    qapp.setPalette(before)


@pytest.fixture
def dialog(qtbot, opened: MainWindow, kept_theme) -> PreferencesDialog:
    qtbot.keyClick(opened, Qt.Key.Key_Comma, Qt.KeyboardModifier.ControlModifier)
    return find(opened, QDialog, "preferencesDialog")


def choose_value(qtbot, dialog: QDialog, preference: Preference[Any], value: Any) -> None:
    """Choose a value as a person does, with mouse and keys."""
    control = find(dialog, QWidget, object_name(preference, "Control"))
    control.setFocus()
    if isinstance(control, QCheckBox):
        qtbot.keyClick(control, Qt.Key.Key_Space)
    elif isinstance(control, QComboBox):
        qtbot.keyClick(control, Qt.Key.Key_Home)
        for _ in range(preference.choices.index(value)):
            qtbot.keyClick(control, Qt.Key.Key_Down)
    else:
        assert isinstance(control, QSpinBox)
        control.selectAll()
        qtbot.keyClicks(control, str(value))
        qtbot.keyClick(control, Qt.Key.Key_Return)


@pytest.mark.parametrize("preference", Preferences.all(), ids=lambda each: each.key)
def test_every_preference_has_a_row_with_an_explanation_its_default_and_a_reset(
    dialog: PreferencesDialog, preference: Preference[Any]
) -> None:
    assert preference.label
    assert preference.explanation.endswith(".")
    text = find(dialog, QLabel, object_name(preference, "Explanation")).text()
    assert preference.explanation in text
    find(dialog, QAbstractButton, object_name(preference, "Reset"))
    if preference.group:
        control = find(dialog, QWidget, object_name(preference, "Control"))
        assert control.accessibleName() == preference.label
        assert f"Default: {default_text(preference)}." in text


def test_every_preference_that_is_chosen_has_an_effect_that_is_tested() -> None:
    assert set(EFFECTS) | {"show_result"} == {each.key for each in CHOSEN}


@pytest.mark.parametrize("preference", CHOSEN, ids=lambda each: each.key)
def test_a_choice_counts_at_once_is_kept_and_can_be_reset(
    qtbot, opened: MainWindow, dialog: PreferencesDialog, preference: Preference[Any]
) -> None:
    if preference.key not in EFFECTS:
        pytest.skip("what it does shows at the next result; it has a test of its own")
    value, has_effect = EFFECTS[preference.key]
    reset = find(dialog, QAbstractButton, object_name(preference, "Reset"))
    assert not reset.isEnabled()
    assert not has_effect(opened)
    choose_value(qtbot, dialog, preference, value)
    assert has_effect(opened)
    store = QSettings(opened.settings._store.fileName(), QSettings.Format.IniFormat)
    opened.settings._store.sync()
    assert Settings(store).get(preference) == value
    assert reset.isEnabled()
    qtbot.mouseClick(reset, Qt.MouseButton.LeftButton)
    assert not has_effect(opened)
    assert opened.settings.get(preference) == preference.default
    assert not reset.isEnabled()


@pytest.mark.parametrize("preference", CHOSEN, ids=lambda each: each.key)
def test_a_new_window_starts_with_what_was_chosen(
    qtbot, settings: Settings, preference: Preference[Any], recording: Path, settle
) -> None:
    if preference.key not in EFFECTS or preference is Preferences.theme:
        pytest.skip("the theme is that of the whole program; the other has a test of its own")
    value, has_effect = EFFECTS[preference.key]
    settings.set(preference, value)
    window = MainWindow(settings)
    qtbot.addWidget(window, before_close_func=lambda w: w.session.shut_down())
    window.open_path(recording)
    settle(window.session)
    assert has_effect(window)


@pytest.mark.parametrize("wanted", [True, False])
def test_the_first_result_is_shown_only_where_that_is_wanted(
    qtbot, opened: MainWindow, dialog: PreferencesDialog, settle, wanted: bool
) -> None:
    if not wanted:
        choose_value(qtbot, dialog, Preferences.show_result, False)
    dialog.reject()
    opened.session.run_fit()
    settle(opened.session)
    assert opened.session.fit_current
    assert (opened.session.display is Display.BLEACH_CORRECTED) is wanted


def test_what_is_switched_in_a_window_is_kept_for_the_next(
    qtbot, opened: MainWindow, settings: Settings
) -> None:
    qtbot.mouseClick(find(opened, QAbstractButton, "scaleButton"), Qt.MouseButton.LeftButton)
    assert settings.get(Preferences.show_scale)
    opened.frame_view.colormap = "Magma"
    assert settings.get(Preferences.colormap) == "Magma"


def test_reset_all_goes_back_everywhere_but_forgets_no_files(
    qtbot, opened: MainWindow, dialog: PreferencesDialog, recording: Path
) -> None:
    for preference in CHOSEN:
        if preference.key in EFFECTS:
            opened.settings.set(preference, EFFECTS[preference.key][0])
    button = find(dialog, QAbstractButton, "preferencesResetAllButton")
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
    for preference in CHOSEN:
        assert opened.settings.get(preference) == preference.default
        if preference.key in EFFECTS:
            assert not EFFECTS[preference.key][1](opened)
    assert opened.settings.get(Preferences.recent) == [str(recording)]


@pytest.mark.parametrize("preference", REMEMBERED, ids=lambda each: each.key)
def test_what_is_remembered_can_be_forgotten(
    qtbot, dialog: PreferencesDialog, opened: MainWindow, preference: Preference[Any]
) -> None:
    settings = opened.settings
    values = {"folder": "/somewhere", "recent": ["/a/b.h5"]}
    settings.set(preference, values.get(preference.key, QByteArray(b"\x01\x02")))
    button = find(dialog, QAbstractButton, object_name(preference, "Reset"))
    assert button.isEnabled()
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
    assert settings.get(preference) == preference.default
    assert not button.isEnabled()


def test_forgetting_the_panels_puts_them_back(
    qtbot, opened: MainWindow, dialog: PreferencesDialog
) -> None:
    opened.settings.remember(Preferences.layout, opened.panels.layout())
    opened._docks["metadataDock"].setFloating(True)
    opened._docks["traceDock"].hide()
    opened.settings.reset(Preferences.layout)
    assert not opened._docks["metadataDock"].isFloating()
    assert not opened._docks["traceDock"].isHidden()


def test_setting_an_equal_value_tells_nobody(settings: Settings) -> None:
    told: list[Preference[Any]] = []
    settings.changed.connect(told.append)
    settings.set(Preferences.wheel_steps, False)
    settings.reset(Preferences.wheel_steps)
    assert told == []
    settings.set(Preferences.wheel_steps, True)
    settings.set(Preferences.wheel_steps, True)
    assert told == [Preferences.wheel_steps]
