"""Unsaved work survives a crash, is offered again, and is gone once it was saved or discarded."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from controls import click, find
from PyQt5.QtWidgets import QDialog, QLabel, QListWidget, QPushButton

from flimage.errors import FileFormatError
from flimage.recipe import Recipe, Region
from flimage.region_traces import NamedRegion
from flimage.source import Edits
from flimage_gui import journal
from flimage_gui.editor import Editor
from flimage_gui.journal import JournalWriter, find_entries, journal_folder, load_entry
from flimage_gui.journaling import Journaling
from flimage_gui.main_window import MainWindow
from flimage_gui.session import Session

#: A program that edits a recording and dies without a chance to tidy up.
CRASHING = """
import os, sys
import numpy as np
from PyQt5.QtCore import QTimer
from PyQt5.QtWidgets import QApplication
from flimage_gui.editor import Editor
from flimage_gui.journal import find_entries, journal_folder
from flimage_gui.journaling import Journaling
from flimage_gui.session import Change, Session

app = QApplication([])
session = Session()
keeper = Journaling(session)

def work(change):
    if change & Change.RECORDING:
        session.changed.disconnect(work)
        Editor(session).set_value([2], "identifier", "before the crash")
        session.assign_background(np.full(session.shape, 7.0, np.float32), [0, 1], "Seven")
        session.set_recipe(session.recipe.replace(border_px=3), "Change the border")

def look():
    entries = find_entries(journal_folder())
    if entries and len(entries[0].steps) == 3:
        os._exit(9)

session.changed.connect(work)
session.open(sys.argv[1])
timer = QTimer()
timer.timeout.connect(look)
timer.start(20)
QTimer.singleShot(60_000, app.quit)
app.exec()
"""


NUCLEUS = NamedRegion("nucleus", Region("ellipse", ((1, 2), (3, 4))), "#123456")


@pytest.fixture
def crashed(recording: Path) -> Path:
    """A recording that was edited by a program which crashed."""
    done = subprocess.run([sys.executable, "-c", CRASHING, str(recording)], timeout=120)
    assert done.returncode == 9
    return recording


def edits() -> Edits:
    image = np.arange(6, dtype=np.float32).reshape(2, 3)
    some = Edits().with_order([2, 0]).with_background([0, 2], image).with_background([1], None)
    return some.with_meta({2: {"time": 1.5, "identifier": "µ"}, 0: {"pixel size": None}})


def test_what_is_kept_is_read_again(tmp_path) -> None:
    writer = JournalWriter(tmp_path / "one")
    writer.write(tmp_path / "a.h5", Recipe(border_px=3), edits(), ["First", "Second"], [NUCLEUS])
    (entry,) = find_entries(tmp_path)
    assert entry.path == tmp_path / "a.h5"
    assert entry.steps == ("First", "Second")
    recipe, read, regions = load_entry(entry)
    assert regions == (NUCLEUS,)
    assert recipe == Recipe(border_px=3)
    assert read.order == (2, 0)
    assert read.meta == edits().meta
    assert read.backgrounds[1] is None
    assert read.backgrounds[0] is read.backgrounds[2]
    np.testing.assert_array_equal(read.backgrounds[0], edits().backgrounds[0])


def test_images_are_written_once_and_removed_when_not_needed(tmp_path) -> None:
    writer = JournalWriter(tmp_path / "one")
    some = edits()
    writer.write(tmp_path / "a.h5", Recipe(), some, [])
    (image,) = (tmp_path / "one").glob("*.npy")
    written = image.stat().st_mtime_ns
    writer.write(tmp_path / "a.h5", Recipe(), some.with_meta({1: {"time": 3.0}}), [])
    assert image.stat().st_mtime_ns == written
    writer.write(tmp_path / "a.h5", Recipe(), Edits(), [])
    assert list((tmp_path / "one").glob("*.npy")) == []


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="asks Linux what is flushed")
def test_what_takes_its_name_is_on_the_disk_with_all_it_names(tmp_path, monkeypatch) -> None:
    flushed: dict[str, bytes] = {}
    fsync, replace = os.fsync, Path.replace

    def flush(descriptor: int) -> None:
        fsync(descriptor)
        path = Path(f"/proc/self/fd/{descriptor}").readlink()
        flushed[path.name] = b"" if path.is_dir() else path.read_bytes()

    def named(path: Path, target: Path) -> Path:
        content = path.read_bytes()
        assert flushed.get(path.name) == content
        for name in json.loads(content)["backgrounds"]:
            assert flushed.get(name) == (path.parent / name).read_bytes()
        flushed.pop(path.parent.name, None)
        return replace(path, target)

    monkeypatch.setattr(os, "fsync", flush)
    monkeypatch.setattr(Path, "replace", named)
    JournalWriter(tmp_path / "one").write(tmp_path / "a.h5", Recipe(), edits(), ["First"])
    assert "one" in flushed, "the new name as well"
    assert [entry.steps for entry in find_entries(tmp_path)] == [("First",)]


@pytest.mark.parametrize("stage", ["image", "replace"])
def test_a_failure_while_writing_keeps_what_was_kept_before(tmp_path, monkeypatch, stage) -> None:
    writer = JournalWriter(tmp_path / "one")
    writer.write(tmp_path / "a.h5", Recipe(), Edits().with_order([1]), ["Before"])

    def fail(*args: object, **options: object) -> None:
        raise OSError("power cut")

    if stage == "image":
        monkeypatch.setattr(journal.np, "save", fail)
    else:
        monkeypatch.setattr(Path, "replace", fail)
    with pytest.raises(OSError, match="power cut"):
        writer.write(tmp_path / "a.h5", Recipe(), edits(), ["After"])
    (entry,) = find_entries(tmp_path)
    assert entry.steps == ("Before",)
    assert load_entry(entry)[1].order == (1,)


def spoil_name(content: dict) -> None:
    content["backgrounds"] = {"../../etc/image-1.npy": [0]}


def spoil_meta(content: dict) -> None:
    content["meta"] = {"0": {"time": "soon"}}


def spoil_recipe(content: dict) -> None:
    content["recipe"] = "{}]"


@pytest.mark.parametrize("spoil", [spoil_name, spoil_meta, spoil_recipe])
def test_a_journal_that_was_tampered_with_is_refused(tmp_path, spoil) -> None:
    JournalWriter(tmp_path / "one").write(tmp_path / "a.h5", Recipe(), edits(), [])
    file = tmp_path / "one" / journal.FILE
    content = json.loads(file.read_text())
    spoil(content)
    file.write_text(json.dumps(content))
    (entry,) = find_entries(tmp_path)
    with pytest.raises(FileFormatError, match="cannot be restored"):
        load_entry(entry)


def test_pickled_objects_are_never_loaded(tmp_path) -> None:
    JournalWriter(tmp_path / "one").write(tmp_path / "a.h5", Recipe(), edits(), [])
    (image,) = (tmp_path / "one").glob("*.npy")
    np.save(image, np.array([{"a": 1}], dtype=object), allow_pickle=True)
    with pytest.raises(FileFormatError, match="cannot be restored"):
        load_entry(find_entries(tmp_path)[0])


def test_half_written_journals_are_left_alone(tmp_path) -> None:
    (tmp_path / "one").mkdir()
    (tmp_path / "one" / journal.FILE).write_text('{"format": 1, "pa')
    assert find_entries(tmp_path) == []


# ---------------------------------------------------------------------- in the window


def test_unsaved_work_is_kept_and_forgotten_when_undone(
    qtbot, session: Session, recording, settle
) -> None:
    keeper = Journaling(session)
    session.open(recording)
    settle(session)
    Editor(session).set_value([0], "identifier", "new")
    qtbot.waitUntil(lambda: len(find_entries(journal_folder())) == 1, timeout=10_000)
    assert keeper.pending() == [], "one's own work is not offered"
    assert Journaling(session).pending() == [], "nor that of a window that is open"
    session.undo()
    qtbot.waitUntil(lambda: find_entries(journal_folder()) == [], timeout=10_000)


def test_work_lost_in_a_crash_is_offered_and_restored(
    qtbot, crashed: Path, settings, settle
) -> None:
    window = MainWindow(settings)
    qtbot.addWidget(window, before_close_func=lambda made: made.session.shut_down())
    window.show()
    assert "Unsaved changes to recording.h5" in window.message_bar.text
    click(qtbot, window, "messageActionButton")
    dialog = find(window, QDialog, "recoveryDialog")
    assert find(dialog, QListWidget, "recoveryList").count() == 1
    click(qtbot, dialog, "recoverRestoreButton")
    session = window.session
    qtbot.waitUntil(lambda: bool(session.steps), timeout=20_000)
    settle(session)
    assert session.source.identifiers[2] == "before the crash"
    assert float(session.source.background(1).max()) == 7.0
    assert session.recipe.border_px == 3
    assert session.modified
    # Now it is kept by this window, and by it alone.
    qtbot.waitUntil(
        lambda: (
            [entry.folder for entry in find_entries(journal_folder())]
            == [window.saving.journaling._writer.folder]
        ),
        timeout=10_000,
    )
    session.undo()
    assert session.source.identifiers[2] == "test:2"
    session.redo()
    session.save()
    settle(session)
    # What is saved is not offered again; the border is in no file yet.
    qtbot.waitUntil(
        lambda: [entry.steps for entry in find_entries(journal_folder())] == [()], timeout=10_000
    )
    session.export(crashed.with_name("corrected.h5"))
    settle(session)
    qtbot.waitUntil(lambda: find_entries(journal_folder()) == [], timeout=10_000)


def test_it_is_offered_when_the_same_file_is_opened_and_can_be_discarded(
    qtbot, window: MainWindow, recording, settle
) -> None:
    left = JournalWriter(journal_folder() / "left")
    left.write(recording, Recipe(), Edits().with_order([0]), ["Keep one"])
    window.open_path(recording)
    settle(window.session)
    assert "Unsaved changes to recording.h5" in window.message_bar.text
    click(qtbot, window, "messageActionButton")
    dialog = find(window, QDialog, "recoveryDialog")
    assert "Keep one" in find(dialog, QLabel, "recoveryHint").text()
    click(qtbot, dialog, "recoverDiscardButton")
    assert find_entries(journal_folder()) == []
    assert window.session.n_frames == 12
    qtbot.waitUntil(lambda: not dialog.isVisible())


def test_changes_of_a_missing_recording_cannot_be_restored(
    qtbot, window: MainWindow, tmp_path
) -> None:
    left = JournalWriter(journal_folder() / "left")
    left.write(tmp_path / "gone.h5", Recipe(), Edits(), [])
    window.saving.review()
    dialog = find(window, QDialog, "recoveryDialog")
    assert not find(dialog, QPushButton, "recoverRestoreButton").isEnabled()
    click(qtbot, dialog, "recoverLaterButton")
    assert len(find_entries(journal_folder())) == 1


def test_restored_work_that_is_discarded_at_once_is_not_offered_again(
    qtbot, session: Session, crashed: Path, settle
) -> None:
    keeper = Journaling(session)
    (entry,) = keeper.pending(crashed)
    with qtbot.waitSignal(keeper.restored):
        keeper.restore(entry)
    # Before its own journal is written.
    keeper.discard()
    settle(session)
    assert find_entries(journal_folder()) == []
    assert list(journal_folder().iterdir()) == []


def test_a_journal_that_was_begun_and_never_written_is_removed(session: Session) -> None:
    old, new = journal_folder() / "old", journal_folder() / "new"
    for folder in (old, new):
        folder.mkdir(parents=True)
        (folder / "image-1.npy").write_bytes(b"half")
    os.utime(old, (0, 0))
    assert Journaling(session).pending() == []
    assert [path.name for path in journal_folder().iterdir()] == ["new"]


def test_discarding_on_leaving_forgets_the_journal(
    qtbot, window: MainWindow, recording, settle, monkeypatch
) -> None:
    window.open_path(recording)
    settle(window.session)
    Editor(window.session).set_value([0], "identifier", "new")
    qtbot.waitUntil(lambda: len(find_entries(journal_folder())) == 1, timeout=10_000)
    monkeypatch.setattr("flimage_gui.dialogs.ask_unsaved", lambda parent, title: "discard")
    assert window.close()
    assert list(journal_folder().iterdir()) == []
