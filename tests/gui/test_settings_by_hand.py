"""Settings change when a person changes them, by wheel or keys, and not otherwise."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import tifffile
from controls import click, find
from hands import raise_panel
from pointer import roll
from PyQt5.QtWidgets import (
    QAbstractSlider,
    QAbstractSpinBox,
    QComboBox,
    QDialog,
    QDockWidget,
    QScrollArea,
    QScrollBar,
    QSpinBox,
    QWidget,
)

from flimage_gui.batch_window import BatchWindow
from flimage_gui.main_window import MainWindow
from flimage_gui.opening import Inspected

PATIENCE = 20_000


def value_of(box: QWidget) -> object:
    return box.currentIndex() if isinstance(box, QComboBox) else box.value()


def boxes(root: QWidget) -> list[QWidget]:
    """Return all combo boxes, number boxes and sliders, but not the bars that scroll."""
    kinds = (QComboBox, QAbstractSpinBox, QAbstractSlider)
    found = [box for box in root.findChildren(QWidget) if isinstance(box, kinds)]
    # The slider of the frames steps like the image, and lies in no panel.
    return [
        box
        for box in found
        if not isinstance(box, QScrollBar) and box.objectName() not in ("frameSlider", "")
    ]


def changed_by_the_wheel(root: QWidget) -> list[str]:
    """Turn the wheel over everything that can be set, and name what it changed."""
    moved = []
    for box in boxes(root):
        for notches in (-1, 1):
            if root.focusWidget() is not None:
                root.focusWidget().clearFocus()
            before = value_of(box)
            roll(box, notches)
            if value_of(box) != before or box.hasFocus():
                moved.append(box.objectName())
    return moved


def test_the_wheel_changes_no_setting_of_the_window_that_one_passes_over(
    opened: MainWindow, settle
) -> None:
    opened.session.run_fit()
    settle(opened.session)
    opened.activateWindow()
    steps = len(opened.session.steps)
    assert len(boxes(opened)) > 15
    assert changed_by_the_wheel(opened) == []
    assert len(opened.session.steps) == steps
    assert opened.session.frame == 0


@pytest.fixture
def forms(qtbot, opened: MainWindow, tmp_path: Path, settle) -> Iterator[list[QWidget]]:
    """Every other window in which something is set."""
    opened.session.run_fit()
    settle(opened.session)
    shown: list[QWidget] = []
    for action, kind, name in (
        ("actionExport", QDialog, "exportDialog"),
        ("actionPreferences", QDialog, "preferencesDialog"),
    ):
        opened._actions[action].trigger()
        shown.append(find(opened, kind, name))
    tifffile.imwrite(tmp_path / "stack.tif", np.zeros((5, 20, 30), np.uint16))
    inspected: list[Inspected] = []
    opened.session.inspected.connect(inspected.append)
    opened.open_path(tmp_path / "stack.tif")
    qtbot.waitUntil(lambda: bool(inspected), timeout=PATIENCE)
    shown.append(find(opened, QDialog, "importDialog"))
    yield shown
    for form in shown:
        form.reject()
    settle(opened.session)


def test_the_wheel_changes_nothing_in_a_form_that_one_passes_over(forms: list[QWidget]) -> None:
    for form in forms:
        assert boxes(form), form.objectName()
        assert changed_by_the_wheel(form) == [], form.objectName()


def test_the_wheel_changes_nothing_in_the_form_of_a_batch(qtbot, qapp) -> None:
    batch = BatchWindow()
    qtbot.addWidget(batch)
    batch.show()
    assert boxes(batch)
    assert changed_by_the_wheel(batch) == []


def test_the_wheel_over_a_setting_scrolls_its_panel(qtbot, opened: MainWindow) -> None:
    opened.resize(1280, 500)
    raise_panel(qtbot, opened, "bleachDock")
    dock = find(opened, QDockWidget, "bleachDock")
    click(qtbot, opened, "moreSettingsButton")
    area = dock.findChild(QScrollArea)
    bar = area.verticalScrollBar()
    qtbot.waitUntil(lambda: bar.maximum() > 0)
    for name in ("modelCombo", "rangeStartSpin", "intervalSpin", "maxGainSpin"):
        bar.setValue(0)
        opened.frame_view.setFocus()
        roll(find(opened, QWidget, name), -1)
        assert bar.value() > 0, name


def test_the_wheel_changes_the_setting_that_has_the_focus(qtbot, opened: MainWindow) -> None:
    raise_panel(qtbot, opened, "backgroundDock")
    opened.activateWindow()
    border = find(opened, QSpinBox, "borderSpin")
    border.setFocus()
    qtbot.waitUntil(border.hasFocus)
    before = border.value()
    roll(border, 1)
    assert opened.session.recipe.border_px == border.value() == before + 1
