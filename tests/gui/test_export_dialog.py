"""The export dialog says what it writes, asks before it replaces, and offers to open it."""

from __future__ import annotations

import threading
from pathlib import Path

import numpy as np
import pytest
from controls import bleaching, choose, click, find, write_frames
from PyQt5.QtCore import Qt
from PyQt5.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDialog,
    QFileDialog,
    QLabel,
    QLineEdit,
    QProgressBar,
    QPushButton,
)

from flimage import FLSeries, correct
from flimage_gui.export_dialog import ExportDialog
from flimage_gui.labels import Notice
from flimage_gui.session import Session
from flimage_gui.target_chooser import free_path


@pytest.fixture
def corrected(session: Session, recording: Path, settle) -> Session:
    session.open(recording)
    settle(session)
    session.run_fit()
    settle(session)
    return session


@pytest.fixture
def dialog(qtbot, corrected: Session) -> ExportDialog:
    made = ExportDialog(corrected)
    qtbot.addWidget(made)
    with qtbot.waitExposed(made):
        made.open()
    return made


def set_path(qtbot, dialog: ExportDialog, path: Path | str) -> None:
    edit = find(dialog, QLineEdit, "exportPathEdit")
    edit.setFocus()
    edit.selectAll()
    qtbot.keyClick(edit, Qt.Key.Key_Delete)
    qtbot.keyClicks(edit, str(path))


def write_button(dialog: ExportDialog) -> QPushButton:
    return find(dialog, QPushButton, "exportWriteButton")


def test_the_suggestion_lies_beside_the_recording_and_replaces_nothing(dialog, recording) -> None:
    suggested = Path(find(dialog, QLineEdit, "exportPathEdit").text())
    assert suggested == recording.with_name("recording_corrected.h5")
    suggested.touch()
    assert free_path(suggested).name == "recording_corrected_2.h5"


def test_the_summary_tells_what_is_written(dialog, corrected) -> None:
    text = find(dialog, QLabel, "exportSummaryLabel").text()
    assert f"{corrected.n_frames} frames of 80 × 60 pixels" in text
    assert f"border {corrected.recipe.border_px} px" in text
    assert "gains up to" in text


def test_writing_gives_the_librarys_result_and_offers_to_open_it(
    qtbot, dialog, corrected, settle, tmp_path
) -> None:
    target = tmp_path / "out.h5"
    set_path(qtbot, dialog, target)
    click(qtbot, dialog, "exportWriteButton")
    qtbot.waitUntil(lambda: find(dialog, QPushButton, "exportOpenButton").isVisible())
    settle(corrected)
    assert "out.h5" in find(dialog, Notice, "exportDoneNotice").text()
    assert str(tmp_path) in find(dialog, Notice, "exportDoneNotice").text()
    reference = tmp_path / "reference.h5"
    correct.run(corrected.source, corrected.recipe, reference)
    with FLSeries(h5file=target, h5mode="r") as ours, FLSeries(h5file=reference) as theirs:
        for index in range(len(theirs)):
            np.testing.assert_array_equal(ours[index].raw_fl, theirs[index].raw_fl)
    with qtbot.waitSignal(dialog.open_requested) as opened:
        click(qtbot, dialog, "exportOpenButton")
    assert opened.args == [target]
    assert not dialog.isVisible()


def test_a_name_without_ending_gets_one(qtbot, dialog, corrected, settle, tmp_path) -> None:
    set_path(qtbot, dialog, tmp_path / "out")
    click(qtbot, dialog, "exportWriteButton")
    settle(corrected)
    assert (tmp_path / "out.h5").exists()


def test_an_existing_file_is_replaced_only_after_the_person_agreed(
    qtbot, dialog, corrected, settle, tmp_path
) -> None:
    target = tmp_path / "old.h5"
    target.write_bytes(b"old")
    set_path(qtbot, dialog, target)
    check = find(dialog, QCheckBox, "exportOverwriteCheck")
    assert check.isVisible()
    assert "exists" in find(dialog, Notice, "exportPathNotice").text()
    assert not write_button(dialog).isEnabled()
    check.setFocus()
    qtbot.keyClick(check, Qt.Key.Key_Space)
    assert write_button(dialog).isEnabled()
    click(qtbot, dialog, "exportWriteButton")
    settle(corrected)
    assert target.read_bytes()[:4] == b"\x89HDF"


def test_agreeing_to_replace_one_file_is_no_leave_to_replace_another(
    qtbot, dialog, tmp_path
) -> None:
    for name in ("one.h5", "two.h5"):
        (tmp_path / name).write_bytes(b"old")
    set_path(qtbot, dialog, tmp_path / "one.h5")
    find(dialog, QCheckBox, "exportOverwriteCheck").setChecked(True)
    set_path(qtbot, dialog, tmp_path / "two.h5")
    assert not write_button(dialog).isEnabled()


@pytest.mark.parametrize(
    ("path", "word"),
    [("", "Enter"), ("{folder}", "folder"), ("{folder}/missing/out.h5", "no folder")],
)
def test_a_path_that_cannot_be_written_says_why(
    qtbot, dialog, tmp_path, path: str, word: str
) -> None:
    set_path(qtbot, dialog, path.format(folder=tmp_path))
    notice = find(dialog, Notice, "exportPathNotice")
    assert notice.isVisible()
    assert word in notice.text()
    assert not write_button(dialog).isEnabled()


def test_the_recording_itself_is_never_offered_as_target(qtbot, dialog, recording) -> None:
    set_path(qtbot, dialog, recording)
    assert "never written to" in find(dialog, Notice, "exportPathNotice").text()
    assert not find(dialog, QCheckBox, "exportOverwriteCheck").isVisible()
    assert not write_button(dialog).isEnabled()


def test_the_file_dialog_fills_in_the_path(qtbot, dialog, tmp_path, monkeypatch) -> None:
    chosen = str(tmp_path / "chosen.h5")
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *a, **k: (chosen, ""))
    click(qtbot, dialog, "exportBrowseButton")
    assert find(dialog, QLineEdit, "exportPathEdit").text() == chosen


def test_the_chosen_compression_is_used(qtbot, dialog, corrected, settle, monkeypatch) -> None:
    used = []
    run = correct.run
    monkeypatch.setattr(
        correct, "run", lambda *a, **k: (used.append(k["compression"]), run(*a, **k))[1]
    )
    choose(qtbot, dialog, "exportCompressionCombo", "small")
    click(qtbot, dialog, "exportWriteButton")
    settle(corrected)
    assert used == ["small"]


def test_writing_can_be_stopped_and_leaves_nothing(
    qtbot, dialog, corrected, settle, tmp_path, monkeypatch
) -> None:
    started, release = threading.Event(), threading.Event()
    corrected_frame = correct.FrameCorrector.frame

    def slow(self, index: int) -> np.ndarray:
        started.set()
        release.wait(20)
        return corrected_frame(self, index)

    monkeypatch.setattr(correct.FrameCorrector, "frame", slow)
    target = tmp_path / "stopped.h5"
    before = sorted(tmp_path.iterdir())
    set_path(qtbot, dialog, target)
    click(qtbot, dialog, "exportWriteButton")
    assert started.wait(20)
    try:
        assert find(dialog, QProgressBar, "exportProgressBar").isVisible()
        dialog.close()
        assert dialog.isVisible(), "it stays until the writing has stopped"
    finally:
        release.set()
    settle(corrected)
    qtbot.waitUntil(write_button(dialog).isVisible)
    assert sorted(tmp_path.iterdir()) == before
    assert find(dialog, QLineEdit, "exportPathEdit").text() == str(target)
    dialog.close()
    assert not dialog.isVisible()


def test_a_failure_is_told_in_the_dialog_and_can_be_tried_again(
    qtbot, dialog, corrected, settle, tmp_path, monkeypatch
) -> None:
    def fail(*args: object, **kwargs: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(correct, "run", fail)
        click(qtbot, dialog, "exportWriteButton")
        settle(corrected)
    failure = find(dialog, Notice, "exportFailure")
    qtbot.waitUntil(failure.isVisible)
    assert "No space left" in failure.text()
    click(qtbot, dialog, "exportWriteButton")
    settle(corrected)
    qtbot.waitUntil(find(dialog, QPushButton, "exportOpenButton").isVisible)


def test_cancel_writes_nothing(qtbot, dialog, tmp_path) -> None:
    before = sorted(tmp_path.iterdir())
    click(qtbot, dialog, "exportCancelButton")
    assert dialog.result() == QDialog.DialogCode.Rejected
    assert sorted(tmp_path.iterdir()) == before


def test_a_refused_correction_is_pointed_out(qtbot, session, settle, tmp_path) -> None:
    frames = bleaching(20, loss=0.0)
    session.open(write_frames(tmp_path / "constant.h5", frames))
    settle(session)
    session.run_fit()
    settle(session)
    dialog = ExportDialog(session)
    qtbot.addWidget(dialog)
    dialog.open()
    warning = find(dialog, Notice, "exportWarning")
    assert warning.isVisible()
    assert "refused" in warning.text()


def test_without_a_fit_the_dialog_says_that_nobody_has_seen_it(
    qtbot, session, settle, recording
) -> None:
    session.open(recording)
    settle(session)
    dialog = ExportDialog(session)
    qtbot.addWidget(dialog)
    dialog.open()
    assert "look at it" in find(dialog, Notice, "exportWarning").text()
    click(qtbot, dialog, "exportWriteButton")
    settle(session)
    assert session.fit_current


def test_every_control_says_what_it_is(dialog) -> None:
    for control in dialog.findChildren((QPushButton, QLineEdit, QComboBox, QCheckBox)):
        assert control.objectName()
        assert control.accessibleName()
        assert control.toolTip()
