"""The verdict is seen after a run, whichever panel lies in front."""

from __future__ import annotations

import numpy as np
import pytest
from controls import click, find
from hands import raise_panel
from PyQt5.QtCore import Qt
from PyQt5.QtWidgets import QDockWidget, QPushButton
from recordings import write_series

from flimage_gui.main_window import MainWindow


def run_by_key(qtbot, window: MainWindow, settle) -> None:
    window.activateWindow()
    qtbot.waitUntil(window.isActiveWindow)
    qtbot.keyClick(window, Qt.Key.Key_Return, Qt.KeyboardModifier.ControlModifier)
    settle(window.session)
    assert window.session.fit_current


@pytest.fixture
def steady(qtbot, window: MainWindow, tmp_path, settle) -> MainWindow:
    """The window with a recording that does not bleach."""
    rng = np.random.default_rng(3)
    y, x = np.mgrid[:60, :80]
    disc = np.hypot(y - 30, x - 40) < 12
    frames = (100 + 400 * disc + rng.normal(0, 2, (12, 60, 80))).astype(np.float32)
    window.open_path(write_series(tmp_path / "steady.h5", frames))
    settle(window.session)
    return window


def test_a_refusal_is_said_while_another_panel_is_in_front(qtbot, steady, settle) -> None:
    raise_panel(qtbot, steady, "metadataDock")
    run_by_key(qtbot, steady, settle)
    assert steady.session.fit.verdict.grade == "refused"
    bar = steady.message_bar
    assert bar.isVisible()
    assert bar.text.startswith("✕ Not corrected: ")
    assert steady.session.fit.verdict.sentence in bar.text
    click(qtbot, bar, "messageActionButton")
    assert steady.panels.in_sight("bleachDock")
    assert not bar.isVisible()


def test_a_good_verdict_is_said_where_the_panel_is_closed(qtbot, opened, settle) -> None:
    find(opened, QDockWidget, "bleachDock").close()
    run_by_key(qtbot, opened, settle)
    assert opened.message_bar.text.startswith("Good: ")
    click(qtbot, opened.message_bar, "messageActionButton")
    assert find(opened, QPushButton, "runBleachButton").isVisible()
    assert opened.panels.in_sight("bleachDock")


def test_a_verdict_in_sight_is_not_said_twice(qtbot, steady, settle) -> None:
    raise_panel(qtbot, steady, "bleachDock")
    run_by_key(qtbot, steady, settle)
    assert not steady.message_bar.isVisible()


def test_a_fit_that_follows_the_settings_says_nothing(qtbot, steady, settle) -> None:
    raise_panel(qtbot, steady, "bleachDock")
    run_by_key(qtbot, steady, settle)
    raise_panel(qtbot, steady, "metadataDock")
    session = steady.session
    session.set_recipe(session.recipe.replace(border_px=3), "Border")
    settle(session)
    assert not steady.message_bar.isVisible()
