"""Saving into the recording, leaving with unsaved changes, files that others write."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
from controls import click, find
from PyQt5.QtCore import Qt
from PyQt5.QtWidgets import QLabel, QListWidget, QMessageBox
from questions import answer, answer_file_dialog
from recordings import held_by_another_program

from flimage import FLSeries, save
from flimage.recipe import Region
from flimage_gui import assets, dialogs
from flimage_gui.editor import Editor
from flimage_gui.main_window import MainWindow
from flimage_gui.session import Session


def save_by_key(qtbot, window: MainWindow, settle) -> None:
    # Shortcuts are those of the active window, which a question may have been before.
    window.activateWindow()
    qtbot.waitUntil(window.isActiveWindow)
    qtbot.keyClick(window, Qt.Key.Key_S, Qt.KeyboardModifier.ControlModifier)
    settle(window.session)


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def zeros(session: Session) -> np.ndarray:
    return np.zeros(session.shape, dtype=np.float32)


def test_ctrl_s_writes_the_changes_into_the_recording(qtbot, opened, recording, settle) -> None:
    session = opened.session
    session.assign_background(zeros(session), [1], "Zero")
    Editor(session).set_value([0], "identifier", "renamed")
    session.set_frame(5)
    assert opened.isWindowModified()
    save_by_key(qtbot, opened, settle)
    assert not session.modified
    assert not opened.isWindowModified()
    assert session.frame == 5
    assert session.steps == ()
    assert session.source.identifiers[0] == "renamed"
    assert session.source.edits.meta == {}
    assert "saved to" in opened.message_bar.text
    with FLSeries(h5file=recording, h5mode="r") as series:
        assert series.identifiers[0] == "renamed"
        assert len(series.h5["fli_1/fluorescence/bg_data"]) == 1


def test_what_was_measured_survives_saving(qtbot, opened, settle) -> None:
    session = opened.session
    session.run_fit()
    settle(session)
    scan, gains = session.scan, session.fit.gain
    Editor(session).set_value([0], "identifier", "renamed")
    save_by_key(qtbot, opened, settle)
    assert session.scan is scan, "frames are not read again"
    assert session.fit_current
    np.testing.assert_array_equal(session.fit.gain, gains)


def test_nothing_that_is_changed_while_saving_is_lost(qtbot, opened, recording, settle) -> None:
    session = opened.session
    Editor(session).set_value([0], "identifier", "saved")
    session.save()
    refused: list[str] = []
    session.failed.connect(lambda error: refused.append(str(error)))
    frames = session.n_frames
    Editor(session).delete([frames - 1])
    session.assign_background(zeros(session), [0], "Zeros")
    session.undo()
    assert len(refused) == 3
    assert all("Busy (Saving recording.h5)" in sentence for sentence in refused)
    # Settings are not part of the file.
    session.set_recipe(session.recipe.replace(border_px=3), "Change the border")
    settle(session)
    assert session.n_frames == frames
    assert session.recipe.border_px == 3
    assert not session.modified
    with FLSeries(h5file=recording, h5mode="r") as series:
        assert series[0]["identifier"] == "saved"
        assert len(series) == frames


def test_editing_and_saving_go_on_after_saving(qtbot, opened, recording, settle) -> None:
    session = opened.session
    for name in ("one", "two"):
        Editor(session).set_value([3], "identifier", name)
        save_by_key(qtbot, opened, settle)
    with FLSeries(h5file=recording, h5mode="r") as series:
        assert series.identifiers[3] == "two"


def test_leaving_frames_out_for_good_is_asked(qtbot, opened, recording, settle) -> None:
    session, seen = opened.session, []
    Editor(session).delete([1, 2])
    settle(session)
    before = digest(recording)
    answer("deletionQuestion", "deletionQuestionNoButton", seen)
    save_by_key(qtbot, opened, settle)
    assert digest(recording) == before
    answer("deletionQuestion", "deletionQuestionYesButton", seen)
    save_by_key(qtbot, opened, settle)
    assert "2 frames" in seen[0]
    assert session.n_frames == 10
    with FLSeries(h5file=recording, h5mode="r") as series:
        assert len(series) == 10


def test_a_failure_keeps_the_old_file_and_the_changes(
    qtbot, opened, recording, settle, monkeypatch
) -> None:
    session = opened.session
    before = digest(recording)
    Editor(session).set_value([0], "identifier", "renamed")

    def fail(path: Path) -> None:
        raise OSError("the disk is full")

    monkeypatch.setattr(save, "_flush", fail)
    save_by_key(qtbot, opened, settle)
    assert "the disk is full" in opened.message_bar.text
    assert digest(recording) == before
    assert session.modified
    assert session.source.identifiers[0] == "renamed"
    assert list(recording.parent.glob(".*part")) == []


# ---------------------------------------------------------------------- leaving


def test_closing_can_save_first(qtbot, opened, recording, settle) -> None:
    session, seen = opened.session, []
    Editor(session).set_value([0], "identifier", "renamed")
    answer("discardQuestion", "discardQuestionSaveButton", seen)
    opened.close()
    qtbot.waitUntil(lambda: not opened.isVisible(), timeout=20_000)
    assert len(seen) == 1
    assert session.source is None
    with FLSeries(h5file=recording, h5mode="r") as series:
        assert series.identifiers[0] == "renamed"


def test_the_window_stays_when_saving_before_closing_fails(
    qtbot, opened, settle, monkeypatch
) -> None:
    Editor(opened.session).set_value([0], "identifier", "renamed")

    def fail(path: Path) -> None:
        raise OSError("the disk is full")

    monkeypatch.setattr(save, "_flush", fail)
    answer("discardQuestion", "discardQuestionSaveButton", [])
    opened.close()
    settle(opened.session)
    assert opened.isVisible()
    assert opened.session.modified


def test_opening_another_file_asks_about_unsaved_changes(
    qtbot, opened, recording, tmp_path, settle
) -> None:
    other = tmp_path / "other.h5"
    other.write_bytes(recording.read_bytes())
    session, seen = opened.session, []
    Editor(session).set_value([0], "identifier", "renamed")
    answer("discardQuestion", "discardQuestionNoButton", seen)
    opened.open_path(other)
    assert session.path == recording
    answer("discardQuestion", "discardQuestionYesButton", seen)
    opened.open_path(other)
    settle(session)
    assert session.path == other
    assert len(seen) == 2


# ---------------------------------------------------------------------- files in use


def test_a_file_that_another_program_writes_is_shown_for_reading_only(
    qtbot, window, recording, settle, monkeypatch
) -> None:
    monkeypatch.delenv("HDF5_USE_FILE_LOCKING", raising=False)
    with held_by_another_program(recording):
        window.open_path(recording)
        settle(window.session)
        session = window.session
        assert session.n_frames == 12
        assert "in use by another program" in window.message_bar.text
        assert session.in_use
        Editor(session).set_value([0], "identifier", "renamed")
        before = digest(recording)
        session.save()
        settle(session)
        assert "for reading only" in window.message_bar.text
        assert digest(recording) == before


def test_regions_that_no_file_has_are_named_wherever_saving_is_spoken_of(
    qtbot, opened, settle, tmp_path
) -> None:
    session = opened.session
    hint = find(opened, QLabel, "historyHint")
    save_by_key(qtbot, opened, settle)
    assert opened.message_bar.text == "The recording has no changes to be saved."
    opened.looking.named_regions.add(Region("rectangle", ((5, 5), (10, 10))))
    assert "regions are not saved yet" in hint.text()
    save_by_key(qtbot, opened, settle)
    assert "regions are not saved yet" in opened.message_bar.text
    Editor(session).set_value([0], "identifier", "renamed")
    assert hint.text() == "Changes of the frames and the drawn regions are not saved yet."
    session.undo()
    asked: list[str] = []
    answer("discardQuestion", "discardQuestionNoButton", asked)
    assert not opened.close()
    assert asked == ["The regions that you have drawn on recording.h5 are not saved."]
    answer_file_dialog(tmp_path / "kept.flsession")
    save_by_key(qtbot, opened, settle)
    click(qtbot, opened.message_bar, "messageActionButton")
    settle(session)
    assert not session.regions_modified
    assert "regions are not saved yet" not in hint.text()


def test_questions_have_the_icon_of_the_program(qtbot, opened) -> None:
    box = dialogs._question(opened, "someQuestion", "Shall it be?")
    qtbot.addWidget(box)
    assert box.icon() == QMessageBox.Icon.NoIcon
    drawn = assets.icon("question").pixmap(box.iconPixmap().size()).toImage()
    assert box.iconPixmap().toImage() == drawn


# ---------------------------------------------------------------------- the list of steps


def test_a_click_on_a_step_goes_there(qtbot, opened, settle) -> None:
    session = opened.session
    opened.findChild(QListWidget, "historyList").window()
    editor = Editor(session)
    for frame in range(3):
        editor.set_value([frame], "identifier", f"new {frame}")
    steps = find(opened, QListWidget, "historyList")
    opened._docks["historyDock"].raise_()
    qtbot.wait(20)
    assert steps.count() == 4
    assert steps.currentRow() == 3

    def press(row: int) -> None:
        place = steps.visualItemRect(steps.item(row)).center()
        qtbot.mouseClick(steps.viewport(), Qt.MouseButton.LeftButton, pos=place)

    press(1)
    assert list(session.source.identifiers[:3]) == ["new 0", "test:1", "test:2"]
    assert steps.item(2).font().italic()
    assert steps.item(2).toolTip().endswith("(undone)")
    press(0)
    assert not session.modified
    qtbot.keyClick(steps, Qt.Key.Key_End)
    assert list(session.source.identifiers[:3]) == ["new 0", "new 1", "new 2"]
    qtbot.keyClick(opened, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    assert steps.currentRow() == 2
