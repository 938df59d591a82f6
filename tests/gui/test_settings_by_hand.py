"""Settings change, and are undone, when a person asks for it, and not otherwise."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import tifffile
from controls import click, find
from hands import CTRL, SHIFT, raise_panel
from pointer import roll
from PyQt5.QtCore import Qt
from PyQt5.QtTest import QTest
from PyQt5.QtWidgets import (
    QAbstractSlider,
    QAbstractSpinBox,
    QComboBox,
    QDialog,
    QDockWidget,
    QDoubleSpinBox,
    QScrollArea,
    QScrollBar,
    QSpinBox,
    QWidget,
)

from flimage_gui import history
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


def test_the_wheel_changes_nothing_in_the_export_for_other_programs(opened: MainWindow) -> None:
    opened._actions["actionExportAs"].trigger()
    form = find(opened, QDialog, "exportAsDialog")
    # A movie of chosen values has all the boxes that there are.
    kinds = find(form, QComboBox, "exportAsKindCombo")
    kinds.setCurrentIndex(kinds.findData("gif"))
    ranges = find(form, QComboBox, "exportAsRangeCombo")
    ranges.setCurrentIndex(ranges.findData("own"))
    assert len(boxes(form)) >= 9
    assert changed_by_the_wheel(form) == []
    form.reject()


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


@pytest.fixture
def border(qtbot, opened: MainWindow) -> QSpinBox:
    """The number box of the border, with the focus."""
    raise_panel(qtbot, opened, "backgroundDock")
    opened.activateWindow()
    box = find(opened, QSpinBox, "borderSpin")
    box.setFocus()
    qtbot.waitUntil(box.hasFocus)
    return box


def test_undo_takes_back_the_number_that_was_just_entered(
    opened: MainWindow, border: QSpinBox, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Quick changes of one setting are one step otherwise.
    monkeypatch.setattr(history, "MERGE_SECONDS", 0.0)
    before = opened.session.recipe.border_px
    for number in (9, 12):
        border.selectAll()
        QTest.keyClicks(border, str(number))
        QTest.keyClick(border, Qt.Key.Key_Return)
    assert opened.session.recipe.border_px == 12
    for expected in (9, before):
        QTest.keyClick(border, Qt.Key.Key_Z, CTRL)
        assert opened.session.recipe.border_px == border.value() == expected
    for expected in (9, 12):
        QTest.keyClick(border, Qt.Key.Key_Z, CTRL | SHIFT)
        assert opened.session.recipe.border_px == border.value() == expected
    # The same after a step with the arrow keys, and at the number that has a text of its own.
    QTest.keyClick(border, Qt.Key.Key_Up)
    assert opened.session.recipe.border_px == 13
    QTest.keyClick(border, Qt.Key.Key_Z, CTRL)
    assert opened.session.recipe.border_px == 12
    border.selectAll()
    QTest.keyClicks(border, "0")
    QTest.keyClick(border, Qt.Key.Key_Return)
    assert opened.session.recipe.border_px == 0
    QTest.keyClick(border, Qt.Key.Key_Z, CTRL)
    assert opened.session.recipe.border_px == 12


def test_undo_takes_back_typing_until_the_number_is_entered(
    opened: MainWindow, border: QSpinBox
) -> None:
    before, steps = border.text(), len(opened.session.steps)
    border.stepUp()
    assert len(opened.session.steps) == steps + 1
    shown = border.text()
    border.selectAll()
    QTest.keyClicks(border, "57")
    for _ in range(5):
        if border.text() != shown:
            QTest.keyClick(border, Qt.Key.Key_Z, CTRL)
    assert border.text() == shown
    assert opened.session.can_undo
    QTest.keyClick(border, Qt.Key.Key_Z, CTRL)
    assert border.text() == before


def test_undo_takes_back_a_quantity_and_a_number_with_decimals(
    qtbot, opened: MainWindow, settle
) -> None:
    raise_panel(qtbot, opened, "bleachDock")
    click(qtbot, opened, "moreSettingsButton")
    opened.activateWindow()
    recipe = opened.session.recipe
    for name, typed in (("intervalSpin", "250 ms"), ("maxGainSpin", "7.5")):
        box = find(opened, QDoubleSpinBox, name)
        box.setFocus()
        box.selectAll()
        QTest.keyClicks(box, typed)
        QTest.keyClick(box, Qt.Key.Key_Return)
        settle(opened.session)
        assert opened.session.recipe != recipe, name
        QTest.keyClick(box, Qt.Key.Key_Z, CTRL)
        settle(opened.session)
        assert opened.session.recipe == recipe, name
