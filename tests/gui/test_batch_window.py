"""The batch window does what the command line does, and says what became of each recording."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

import h5py
import numpy as np
import pytest
import tifffile
from controls import bleaching, click, find, type_number, write_frames
from PyQt5 import sip
from PyQt5.QtCore import QMimeData, QPoint, QRect, Qt, QTimer, QUrl
from PyQt5.QtGui import QDragEnterEvent, QDropEvent
from PyQt5.QtWidgets import (
    QAbstractButton,
    QApplication,
    QCheckBox,
    QComboBox,
    QFileDialog,
    QLabel,
    QLineEdit,
    QTableView,
)

from flimage import FLSeries, Recipe, provenance
from flimage.cli import main
from flimage_gui.batch_queue import Column, State
from flimage_gui.batch_window import BatchWindow
from flimage_gui.labels import Notice

PATIENCE = 60_000


@pytest.fixture
def three(tmp_path: Path) -> list[Path]:
    """Three recordings, of which the second is damaged."""
    folder = tmp_path / "in"
    folder.mkdir()
    paths = [
        write_frames(folder / f"dish{number}.h5", bleaching(seed=number)) for number in range(3)
    ]
    paths[1].write_bytes(b"this is no recording" * 50)
    return paths


@pytest.fixture
def batch(qtbot) -> Iterator[BatchWindow]:
    made = BatchWindow()
    made.resize(1024, 700)
    with qtbot.waitActive(made):
        made.show()
        made.activateWindow()
    yield made
    made.run.shut_down()
    made.hide()
    sip.delete(made)


def states(batch: BatchWindow) -> list[State]:
    return [recording.state for recording in batch.queue.recordings]


def shown(batch: BatchWindow, column: Column) -> list[str]:
    model = find(batch, QTableView, "batchTable").model()
    return [model.index(row, column).data() for row in range(model.rowCount())]


def finish(qtbot, batch: BatchWindow) -> None:
    qtbot.waitUntil(lambda: not batch.run.running, timeout=PATIENCE)
    qtbot.wait(10)


def select(qtbot, batch: BatchWindow, row: int) -> None:
    table = find(batch, QTableView, "batchTable")
    place = table.visualRect(table.model().index(row, 0)).center()
    qtbot.mouseClick(table.viewport(), Qt.MouseButton.LeftButton, pos=place)


def drop(batch: BatchWindow, paths: list[Path]) -> None:
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(path)) for path in paths])
    place = batch.rect().center()
    buttons, keys = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    enter = QDragEnterEvent(place, Qt.DropAction.CopyAction, data, buttons, keys)
    QApplication.sendEvent(batch, enter)
    assert enter.isAccepted()
    event = QDropEvent(QPoint(place), Qt.DropAction.CopyAction, data, buttons, keys)
    QApplication.sendEvent(batch, event)


def border_of(path: Path) -> int:
    with h5py.File(path) as file:
        record = provenance.read(file)
    assert record is not None
    return record.recipe.border_px


def test_a_batch_goes_on_after_a_failure_and_says_what_became_of_each(
    qtbot, batch, three, tmp_path
) -> None:
    drop(batch, [three[0].parent])
    qtbot.waitUntil(lambda: len(batch.queue.recordings) == 3)
    assert states(batch) == [State.WAITING] * 3
    out = three[0].parent / "corrected"
    assert find(batch, QLineEdit, "batchFolderEdit").text() == str(out)
    click(qtbot, batch, "batchStartButton")
    assert not find(batch, QAbstractButton, "batchStartButton").isEnabled()
    finish(qtbot, batch)
    assert states(batch) == [State.CORRECTED, State.FAILED, State.CORRECTED]
    verdicts = shown(batch, Column.VERDICT)
    assert "can be used" in verdicts[0]
    assert "not an HDF5 file" in verdicts[1]
    assert float(shown(batch, Column.GAIN)[0]) > 1.5
    assert "1 recording failed" in find(batch, Notice, "batchNotice").text()
    assert find(batch, QLabel, "batchStatusLabel").text() == "3 recordings: 2 corrected, 1 failed."
    with (out / "summary.csv").open(encoding="utf-8", newline="") as file:
        assert [row["status"] for row in csv.DictReader(file)] == [
            "corrected",
            "failed",
            "corrected",
        ]
    assert "dish1.h5" in (out / "summary.html").read_text(encoding="utf-8")


def test_a_state_is_the_verdict_in_words_and_what_needs_a_look_is_told(
    qtbot, batch, tmp_path
) -> None:
    frames = bleaching()
    drift = 4 * np.arange(len(frames), dtype=frames.dtype)[:, None, None]
    good = write_frames(tmp_path / "good.h5", frames)
    doubt = write_frames(tmp_path / "doubt.h5", frames + drift)
    still = write_frames(tmp_path / "still.h5", np.repeat(frames[:1], len(frames), axis=0))
    batch.add([good, doubt, still])
    click(qtbot, batch, "batchStartButton")
    finish(qtbot, batch)
    words = ["✓ Corrected", "⚠ Use with caution", "✕ Not corrected (gain 1)"]
    assert shown(batch, Column.STATE) == words
    sentence = "3 recordings: 1 corrected, 1 use with caution, 1 not corrected (gain 1)."
    assert find(batch, QLabel, "batchStatusLabel").text() == sentence
    notice = find(batch, Notice, "batchNotice")
    assert (notice.grade, sentence in notice.text()) == ("caution", True)
    click(qtbot, batch, "batchStartButton")
    finish(qtbot, batch)
    words = ["✓ Unchanged", "⚠ Unchanged (use with caution)", "✕ Unchanged (not corrected)"]
    assert shown(batch, Column.STATE) == words


def test_a_recording_that_was_corrected_already_is_named_as_such(qtbot, batch, tmp_path) -> None:
    source = write_frames(tmp_path / "dish.h5", bleaching())
    assert main(["bleach", str(source), str(tmp_path / "first.h5"), "--quiet"]) == 0
    batch.add([tmp_path / "first.h5"])
    click(qtbot, batch, "batchStartButton")
    finish(qtbot, batch)
    (verdict,) = shown(batch, Column.VERDICT)
    assert verdict.startswith("It was bleach-corrected already, from dish.h5; ")
    assert "✓" not in shown(batch, Column.STATE)[0]


def test_the_window_writes_what_the_command_line_writes(qtbot, batch, three, tmp_path) -> None:
    batch.add([three[0]])
    click(qtbot, batch, "batchStartButton")
    finish(qtbot, batch)
    assert main(["bleach", str(three[0]), "--out-dir", str(tmp_path / "cli"), "--quiet"]) == 0
    name = "dish0_corrected.h5"
    with (
        FLSeries(h5file=three[0].parent / "corrected" / name, h5mode="r") as ours,
        FLSeries(h5file=tmp_path / "cli" / name, h5mode="r") as theirs,
    ):
        for one, other in zip(ours, theirs, strict=True):
            np.testing.assert_array_equal(one.fl, other.fl)
    # What one has made is done for the other, too.
    code = main(["bleach", str(three[0]), "--out-dir", str(three[0].parent / "corrected")])
    assert code == 0
    click(qtbot, batch, "batchStartButton")
    finish(qtbot, batch)
    assert states(batch) == [State.UNCHANGED]


def test_a_batch_that_was_cancelled_goes_on_where_it_stopped(qtbot, batch, tmp_path) -> None:
    folder = tmp_path / "many"
    folder.mkdir()
    content = write_frames(folder / "r0.h5", bleaching()).read_bytes()
    for number in range(1, 30):
        (folder / f"r{number}.h5").write_bytes(content)
    batch.add([folder])
    type_number(qtbot, batch, "batchJobsSpin", 1)
    click(qtbot, batch, "batchStartButton")
    qtbot.waitUntil(lambda: State.CORRECTED in states(batch), timeout=PATIENCE)
    click(qtbot, batch, "batchCancelButton")
    finish(qtbot, batch)
    done = states(batch).count(State.CORRECTED)
    assert 0 < done < 30
    assert states(batch).count(State.WAITING) == 30 - done
    assert f"Cancelled after {done} of 30" in find(batch, QLabel, "batchStatusLabel").text()
    out = folder / "corrected"
    assert len(list(out.iterdir())) == done, "nothing half-written is left"
    click(qtbot, batch, "batchStartButton")
    finish(qtbot, batch)
    assert states(batch).count(State.UNCHANGED) == done
    assert states(batch).count(State.CORRECTED) == 30 - done


def test_a_result_is_opened_by_its_button_by_double_click_and_by_return(
    qtbot, batch, three
) -> None:
    asked: list[Path] = []
    batch.open_requested.connect(asked.append)
    batch.add(three)
    click(qtbot, batch, "batchStartButton")
    finish(qtbot, batch)
    result = three[0].parent / "corrected" / "dish0_corrected.h5"
    select(qtbot, batch, 0)
    click(qtbot, batch, "batchOpenButton")
    assert asked == [result]
    table = find(batch, QTableView, "batchTable")
    place = table.visualRect(table.model().index(0, 0)).center()
    qtbot.mouseDClick(table.viewport(), Qt.MouseButton.LeftButton, pos=place)
    qtbot.keyClick(table, Qt.Key.Key_Return)
    assert asked == [result] * 3
    select(qtbot, batch, 1)
    assert not find(batch, QAbstractButton, "batchOpenButton").isEnabled(), "it failed"


def test_files_are_added_once_and_taken_out_by_button_and_key(
    qtbot, batch, three, monkeypatch
) -> None:
    def choose(*arguments: object) -> tuple[list[str], str]:
        return [str(path) for path in three], ""

    monkeypatch.setattr(QFileDialog, "getOpenFileNames", choose)
    click(qtbot, batch, "batchAddFilesButton")
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *a: str(three[0].parent))
    click(qtbot, batch, "batchAddFolderButton")
    assert shown(batch, Column.RECORDING) == ["dish0.h5", "dish1.h5", "dish2.h5"]
    select(qtbot, batch, 1)
    click(qtbot, batch, "batchRemoveButton")
    select(qtbot, batch, 0)
    qtbot.keyClick(find(batch, QTableView, "batchTable"), Qt.Key.Key_Delete)
    assert shown(batch, Column.RECORDING) == ["dish2.h5"]
    assert all(path.exists() for path in three)


def test_recordings_in_other_formats_are_corrected_as_they_are(qtbot, batch, tmp_path) -> None:
    tifffile.imwrite(tmp_path / "plain.tif", bleaching().astype(np.uint16), metadata=None)
    drop(batch, [tmp_path / "plain.tif"])
    qtbot.waitUntil(lambda: bool(batch.queue.recordings))
    click(qtbot, batch, "batchStartButton")
    finish(qtbot, batch)
    (verdict,) = shown(batch, Column.VERDICT)
    assert verdict.startswith("It does not state when its frames were taken; ")
    assert "--" not in verdict, "here is nothing to be typed into a terminal"
    type_number(qtbot, batch, "batchIntervalSpin", 2)
    click(qtbot, batch, "batchStartButton")
    finish(qtbot, batch)
    assert states(batch) == [State.CORRECTED]
    assert (tmp_path / "corrected" / "plain_corrected.h5").exists()


def test_recordings_of_a_folder_that_are_left_out_are_counted_with_the_remedy(
    qtbot, batch, three, tmp_path
) -> None:
    folder = three[0].parent
    notice = find(batch, Notice, "batchNotice")
    tifffile.imwrite(folder / "a.tif", bleaching(seed=1))
    batch.add([folder])
    assert len(batch.queue.recordings) == 3
    assert notice.text() == (
        "1 recording in another format (a.tif) was left out of the folder; Add files… takes it."
    )
    tifffile.imwrite(folder / "b.tif", bleaching(seed=2))
    only = tmp_path / "only"
    only.mkdir()
    for number in range(2):
        tifffile.imwrite(only / f"{number}.tif", bleaching(seed=number))
    batch.add([only])
    assert len(batch.queue.recordings) == 3
    assert notice.text() == (
        "2 recordings in other formats (the first is 0.tif) were left out of the folder;"
        " Add files… takes them."
    )


def test_a_failure_leads_with_its_reason_and_is_read_in_full(qtbot, batch, three, tmp_path) -> None:
    batch.add(three)
    click(qtbot, batch, "batchStartButton")
    finish(qtbot, batch)
    table = find(batch, QTableView, "batchTable")
    reason = shown(batch, Column.VERDICT)[1]
    assert reason.startswith("It is not an HDF5 file; ")
    assert str(tmp_path) not in reason
    batch.resize(720, 700)
    qtbot.wait(20)
    room = table.columnWidth(Column.VERDICT) - 8
    wrapped = table.fontMetrics().boundingRect(
        QRect(0, 0, room, 1000), int(Qt.TextFlag.TextWordWrap), reason
    )
    assert wrapped.height() > table.fontMetrics().height()
    assert table.rowHeight(1) >= wrapped.height()


def test_names_get_the_room_that_they_need_and_there_is(qtbot, batch, tmp_path) -> None:
    long = tmp_path / "experiment_of_november_dish_17_position_03.h5"
    write_frames(long, bleaching())
    batch.resize(1200, 700)
    batch.add([long])
    qtbot.wait(20)
    table = find(batch, QTableView, "batchTable")
    needed = table.fontMetrics().horizontalAdvance(long.name)
    assert table.columnWidth(Column.RECORDING) >= needed
    batch.resize(700, 700)
    qtbot.wait(20)
    assert table.columnWidth(Column.RECORDING) <= 0.41 * table.viewport().width()


def test_what_cannot_be_read_is_refused_by_name(qtbot, batch, tmp_path) -> None:
    (tmp_path / "notes.txt").write_bytes(b"II*")
    (tmp_path / "empty").mkdir()
    batch.add([tmp_path / "notes.txt", tmp_path / "empty"])
    text = find(batch, Notice, "batchNotice").text()
    assert "notes.txt is no recording" in text
    assert "stands for no series file" in text
    assert not find(batch, QAbstractButton, "batchStartButton").isEnabled()


def test_a_dropped_recipe_gives_the_settings(qtbot, batch, three, tmp_path) -> None:
    recipe = tmp_path / "recipe.json"
    recipe.write_text(Recipe(border_px=4, model="linear").to_json())
    drop(batch, [recipe, three[0]])
    qtbot.waitUntil(lambda: bool(batch.queue.recordings))
    assert find(batch, QComboBox, "batchSettingsCombo").currentText() == "Those of recipe.json"
    assert "border 4 px" in find(batch, QLabel, "batchSettingsLabel").text()
    click(qtbot, batch, "batchStartButton")
    finish(qtbot, batch)
    out = three[0].parent / "corrected" / "dish0_corrected.h5"
    assert border_of(out) == 4
    click(qtbot, batch, "batchBorderCheck")
    click(qtbot, batch, "batchStartButton")
    finish(qtbot, batch)
    assert states(batch) == [State.FAILED]
    assert "other settings" in shown(batch, Column.VERDICT)[0]
    click(qtbot, batch, "batchOverwriteCheck")
    click(qtbot, batch, "batchPagesCheck")
    click(qtbot, batch, "batchStartButton")
    finish(qtbot, batch)
    assert states(batch) == [State.CORRECTED]
    assert border_of(out) == 10, "a sixth of the shorter side"
    assert out.with_suffix(".html").exists()


def test_a_file_that_holds_no_settings_is_named(qtbot, batch, tmp_path) -> None:
    (tmp_path / "notes.json").write_text("{")
    batch.add([tmp_path / "notes.json"])
    assert "notes.json" in find(batch, Notice, "batchNotice").text()
    assert find(batch, QComboBox, "batchSettingsCombo").count() == 1


def test_a_folder_that_cannot_be_used_is_named_before_anything_starts(qtbot, batch, three) -> None:
    batch.add([three[0]])
    edit = find(batch, QLineEdit, "batchFolderEdit")
    edit.selectAll()
    qtbot.keyClicks(edit, str(three[0]))
    assert "is a file" in find(batch, Notice, "batchNotice").text()
    assert not find(batch, QAbstractButton, "batchStartButton").isEnabled()


def test_two_recordings_of_one_name_are_refused(qtbot, batch, three, tmp_path) -> None:
    other = write_frames(tmp_path / "dish0.h5", bleaching())
    batch.add([three[0], other])
    click(qtbot, batch, "batchStartButton")
    assert "would both become" in find(batch, Notice, "batchNotice").text()
    assert not batch.run.running


def test_the_settings_of_the_window_are_followed_until_the_batch_starts(
    qtbot, window, settle, recording, three
) -> None:
    window.open_path(recording)
    settle(window.session)
    window._actions["actionBatch"].trigger()
    batch = window.windows.batch
    assert batch is not None
    combo = find(batch, QComboBox, "batchSettingsCombo")
    assert combo.currentText() == "Those of the window (recording.h5)"
    assert not find(batch, QCheckBox, "batchBorderCheck").isChecked()
    type_number(qtbot, window, "borderSpin", 7)
    assert "border 7 px" in find(batch, QLabel, "batchSettingsLabel").text()
    batch.add([three[0]])
    click(qtbot, batch, "batchStartButton")
    finish(qtbot, batch)
    assert border_of(three[0].parent / "corrected" / "dish0_corrected.h5") == 7
    # Asked for again, it is the same window.
    window._actions["actionBatch"].trigger()
    assert window.windows.batch is batch
    batch.close()
    assert window.windows.batch is None


def test_leaving_while_a_batch_runs_is_asked_about_and_leaves_nothing_behind(
    qtbot, window, tmp_path
) -> None:
    folder = tmp_path / "many"
    folder.mkdir()
    content = write_frames(folder / "r0.h5", bleaching()).read_bytes()
    for number in range(1, 40):
        (folder / f"r{number}.h5").write_bytes(content)
    window._actions["actionBatch"].trigger()
    batch = window.windows.batch
    batch.add([folder])
    click(qtbot, batch, "batchStartButton")
    qtbot.waitUntil(lambda: State.CORRECTED in states(batch), timeout=PATIENCE)

    def answer(name: str) -> None:
        box = QApplication.activeModalWidget()
        assert box is not None
        click(qtbot, box, f"cancelQuestion{name}Button")

    QTimer.singleShot(200, lambda: answer("No"))
    window.windows.quit()
    assert window.windows.batch is batch
    assert window.isVisible()
    QTimer.singleShot(200, lambda: answer("Yes"))
    batch.close()
    assert window.windows.batch is None
    assert not list((folder / "corrected").glob(".*"))


def test_every_control_says_what_it_is(batch) -> None:
    kinds = (QAbstractButton, QLineEdit, QComboBox, QTableView)
    for control in batch.findChildren(kinds):
        if control.objectName() == "qt_spinbox_lineedit" or not control.isVisible():
            continue
        if control.metaObject().className().startswith("QTableCorner"):
            continue
        assert control.objectName(), control
        assert control.accessibleName(), control.objectName()
