"""The background panel asks the session for what a person chooses, and shows what holds."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tifffile
from controls import choose, click, find, type_number
from PyQt5.QtCore import Qt
from PyQt5.QtWidgets import (
    QAbstractSpinBox,
    QComboBox,
    QFileDialog,
    QLabel,
    QPushButton,
    QSpinBox,
)

from flimage import FLImage
from flimage_gui.background_panel import BackgroundPanel
from flimage_gui.session import Change, Session


@pytest.fixture
def panel(qtbot, session: Session) -> BackgroundPanel:
    made = BackgroundPanel(session)
    qtbot.addWidget(made)
    made.resize(340, 320)
    with qtbot.waitExposed(made):
        made.show()
    return made


@pytest.fixture
def opened(panel: BackgroundPanel, session: Session, recording: Path, settle) -> BackgroundPanel:
    session.open(recording)
    settle(session)
    return panel


def answer_file_dialog(monkeypatch: pytest.MonkeyPatch, path: Path | str) -> None:
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *args, **kwargs: (str(path), ""))


def test_a_typed_border_is_one_step_that_can_be_undone(qtbot, opened, session) -> None:
    before = session.recipe.border_px
    border = find(opened, QSpinBox, "borderSpin")
    type_number(qtbot, opened, "borderSpin", 12, enter=False)
    assert session.recipe.border_px == before, "a number that is half typed is no request"
    qtbot.keyClick(border, Qt.Key.Key_Return)
    assert session.recipe.border_px == 12
    session.undo()
    assert border.value() == before
    assert not session.can_undo


def test_the_border_cannot_be_wider_than_the_image_allows(qtbot, opened, session) -> None:
    border = find(opened, QSpinBox, "borderSpin")
    assert border.maximum() == (min(session.shape) - 1) // 2
    assert str(border.maximum()) in find(opened, QLabel, "backgroundLevelHint").text()


def test_no_border_is_said_in_words(qtbot, opened, session) -> None:
    session.set_recipe(session.recipe.replace(border_px=0), "test")
    assert "none" in find(opened, QSpinBox, "borderSpin").text()
    assert "Nothing is subtracted" in find(opened, QLabel, "backgroundLevelHint").text()
    assert not find(opened, QComboBox, "backgroundScopeCombo").isEnabled()


def test_the_scope_is_chosen_by_keys(qtbot, opened, session) -> None:
    choose(qtbot, opened, "backgroundScopeCombo", "frame")
    assert session.recipe.background == "frame"


def test_measured_levels_are_shown(qtbot, opened, session, settle) -> None:
    settle(session)
    shown = find(opened, QLabel, "backgroundLevelHint").text()
    assert float(shown.split(" counts")[0]) == pytest.approx(100, abs=0.5)


def test_showing_a_recipe_from_elsewhere_asks_for_nothing(qtbot, opened, session, settle) -> None:
    session.set_recipe(session.recipe.replace(border_px=7, background="frame"), "elsewhere")
    settle(session)
    assert session.steps == ("elsewhere",)
    assert find(opened, QSpinBox, "borderSpin").value() == 7
    assert find(opened, QComboBox, "backgroundScopeCombo").currentData() == "frame"


@pytest.mark.parametrize("kind", ["tif", "npy", "h5"])
def test_an_image_file_is_assigned_to_all_frames(
    qtbot, opened, session, settle, tmp_path, monkeypatch, kind: str
) -> None:
    image = np.full(session.shape, 7.0, dtype=np.float32)
    path = tmp_path / f"background.{kind}"
    if kind == "tif":
        tifffile.imwrite(path, image)
    elif kind == "npy":
        np.save(path, image)
    else:
        FLImage(image, h5file=path, h5mode="w", meta_data={"time": 0.0}).h5.file.close()
    answer_file_dialog(monkeypatch, path)
    click(qtbot, opened, "assignBackgroundButton")
    settle(session)
    for frame in (0, session.n_frames - 1):
        np.testing.assert_array_equal(session.source.background(frame), image)
    assert "every frame" in find(opened, QLabel, "backgroundImageHint").text()
    session.undo()
    assert session.source.background(0) is None


def test_a_frame_of_the_series_is_assigned_to_the_frame_on_display(
    qtbot, opened, session, settle
) -> None:
    session.set_frame(3)
    choose(qtbot, opened, "backgroundOriginCombo", "frame")
    assert find(opened, QSpinBox, "backgroundFrameSpin").isVisible()
    type_number(qtbot, opened, "backgroundFrameSpin", 5)
    choose(qtbot, opened, "backgroundTargetCombo", "frame")
    click(qtbot, opened, "assignBackgroundButton")
    settle(session)
    np.testing.assert_array_equal(session.source.background(3), session.source.raw(5))
    assert session.source.background(2) is None
    hint = find(opened, QLabel, "backgroundImageHint")
    qtbot.waitUntil(lambda: "Frame 3: an image is subtracted" in hint.text())
    assert f"1 of {session.n_frames} frames" in hint.text()


def test_clear_removes_the_image_of_the_chosen_frames_only(qtbot, opened, session, settle) -> None:
    image = np.ones(session.shape, dtype=np.float32)
    session.assign_background(image, None, "test")
    session.set_frame(2)
    choose(qtbot, opened, "backgroundTargetCombo", "frame")
    click(qtbot, opened, "clearBackgroundButton")
    settle(session)
    assert session.source.background(2) is None
    assert session.source.background(1) is image


def test_no_chosen_file_changes_nothing(qtbot, opened, session, settle, monkeypatch) -> None:
    answer_file_dialog(monkeypatch, "")
    click(qtbot, opened, "assignBackgroundButton")
    settle(session)
    assert not session.can_undo


def test_an_image_of_another_size_is_refused_in_one_sentence(
    qtbot, opened, session, settle, tmp_path, monkeypatch
) -> None:
    np.save(tmp_path / "small.npy", np.ones((5, 6), dtype=np.float32))
    answer_file_dialog(monkeypatch, tmp_path / "small.npy")
    with qtbot.waitSignal(session.failed) as caught:
        click(qtbot, opened, "assignBackgroundButton")
    settle(session)
    assert "small.npy" in str(caught.args[0])
    assert not session.can_undo


def test_without_a_recording_nothing_can_be_changed(qtbot, panel) -> None:
    for control in panel.findChildren((QComboBox, QSpinBox, QPushButton)):
        assert not control.isEnabled(), control.objectName()


def test_every_control_says_what_it_is(qtbot, panel) -> None:
    controls = panel.findChildren((QComboBox, QAbstractSpinBox, QPushButton))
    assert len(controls) == 9
    for control in controls:
        assert control.objectName()
        assert control.accessibleName()
        assert control.toolTip()


def test_a_closed_recording_leaves_an_empty_panel(qtbot, opened, session, settle) -> None:
    session.close()
    settle(session)
    assert find(opened, QLabel, "backgroundLevelHint").text() == ""
    assert not find(opened, QSpinBox, "borderSpin").isEnabled()
    assert not session.can_undo


def test_changes_of_the_display_do_not_touch_the_panel(qtbot, opened, session) -> None:
    hint = find(opened, QLabel, "backgroundLevelHint")
    hint.setText("untouched")
    session.changed.emit(Change.DISPLAY)
    assert hint.text() == "untouched"
