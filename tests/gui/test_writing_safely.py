"""What the dialogs that write never do: replace a recording, lose a name, or say nothing."""

from __future__ import annotations

import errno
import os
import threading
from pathlib import Path

import h5py
import numpy as np
import pytest
import tifffile
from controls import bleaching, choose, click, find
from PyQt5.QtCore import Qt
from PyQt5.QtWidgets import QAction, QCheckBox, QComboBox, QDialog, QLineEdit, QPushButton

import flimage.export
from flimage_gui.labels import Notice
from flimage_gui.main_window import MainWindow
from flimage_gui.target_chooser import free_path

PATIENCE = 30_000
#: Object names of the two dialogs start with these; each opens by an action.
DIALOGS = {"export": "actionExport", "exportAs": "actionExportAs"}
ENDINGS = {"export": ".h5", "exportAs": ".csv"}


@pytest.fixture
def fitted(opened: MainWindow, settle) -> MainWindow:
    opened.session.run_fit()
    settle(opened.session)
    return opened


def ask(window: MainWindow, prefix: str) -> QDialog:
    find(window, QAction, DIALOGS[prefix]).trigger()
    return find(window, QDialog, f"{prefix}Dialog")


def set_path(dialog: QDialog, prefix: str, path: Path | str) -> None:
    find(dialog, QLineEdit, f"{prefix}PathEdit").setText(str(path))


def notice(dialog: QDialog, prefix: str) -> Notice:
    return find(dialog, Notice, f"{prefix}PathNotice")


def write_button(dialog: QDialog, prefix: str) -> QPushButton:
    return find(dialog, QPushButton, f"{prefix}WriteButton")


# ---------------------------------------------------------------------- recordings


@pytest.fixture(params=["dataset", "folder"])
def converted(request, window: MainWindow, tmp_path: Path, settle) -> tuple[MainWindow, Path]:
    """A window with a series that was converted just now, and a file that it was made from."""
    frames = bleaching().astype(np.uint16)
    if request.param == "dataset":
        original = source = tmp_path / "stack.h5"
        with h5py.File(source, "w") as file:
            file["images"] = frames
        options = {"key": "/images"}
    else:
        source, options = tmp_path / "frames", {}
        source.mkdir()
        for number, frame in enumerate(frames):
            tifffile.imwrite(source / f"{number:03d}.tif", frame)
        original = source / "003.tif"
    window.session.convert_and_open(source, tmp_path / "series.h5", interval=1.0, **options)
    settle(window.session)
    return window, original


@pytest.mark.parametrize("prefix", DIALOGS)
def test_what_a_recording_was_converted_from_is_not_written_to(
    converted: tuple[MainWindow, Path], prefix: str
) -> None:
    window, original = converted
    before = original.read_bytes()
    dialog = ask(window, prefix)
    set_path(dialog, prefix, original)
    if original.suffix == ENDINGS[prefix] or (original.suffix, prefix) == (".tif", "exportAs"):
        assert "never written to" in notice(dialog, prefix).text()
    check = find(dialog, QCheckBox, f"{prefix}OverwriteCheck")
    assert not check.isVisible()
    check.setChecked(True)
    assert not write_button(dialog, prefix).isEnabled()
    dialog.reject()
    assert original.read_bytes() == before


def test_a_session_does_not_write_to_what_its_recording_was_converted_from(
    converted: tuple[MainWindow, Path], settle
) -> None:
    window, original = converted
    before = original.read_bytes()
    session = window.session
    said: list[str] = []
    session.failed.connect(lambda error: said.append(str(error)))
    session.export(original, overwrite=True)
    settle(session)
    session.export_as(flimage.export.Request(original.with_suffix(".tif"), overwrite=True))
    settle(session)
    session.save_as(original, overwrite=True)
    settle(session)
    assert original.read_bytes() == before
    wanted = 3 if original.suffix == ".tif" else 2
    assert sum("never written to" in each for each in said) == wanted


# ---------------------------------------------------------------------- names


@pytest.mark.parametrize("prefix", DIALOGS)
@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("~nobody-of-this-name", "There is no folder"),
        ("{folder}/" + 300 * "a", "too long"),
        ("{folder}/a\0b", "no file name may have"),
    ],
)
def test_a_name_that_cannot_be_is_told(
    fitted: MainWindow, tmp_path: Path, prefix: str, name: str, words: str
) -> None:
    dialog = ask(fitted, prefix)
    # A file of a person who is not there would be in a folder of the person who is.
    if name.startswith("~"):
        name += "/a"
    set_path(dialog, prefix, name.format(folder=tmp_path))
    assert words in notice(dialog, prefix).text()
    assert not write_button(dialog, prefix).isEnabled()
    set_path(dialog, prefix, tmp_path / f"a{ENDINGS[prefix]}")
    assert not notice(dialog, prefix).isVisible()
    assert write_button(dialog, prefix).isEnabled()
    dialog.reject()


@pytest.mark.parametrize("prefix", DIALOGS)
def test_a_folder_that_is_closed_to_the_person_is_told(
    fitted: MainWindow, tmp_path: Path, prefix: str, monkeypatch
) -> None:
    closed, stat = tmp_path / "closed", Path.stat
    closed.mkdir()

    def forbid(path: Path, **options: bool) -> os.stat_result:
        if closed in path.parents:
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return stat(path, **options)

    # Root, who runs this in a container, may look everywhere.
    monkeypatch.setattr(Path, "stat", forbid)
    dialog = ask(fitted, prefix)
    set_path(dialog, prefix, closed / f"a{ENDINGS[prefix]}")
    assert "may not look into" in notice(dialog, prefix).text()
    assert not write_button(dialog, prefix).isEnabled()
    dialog.reject()


@pytest.mark.parametrize("stem", [250 * "a", 120 * "µ" + "µ"], ids=["ascii", "two bytes a letter"])
def test_a_suggested_name_is_as_long_as_a_name_may_be(tmp_path: Path, stem: str) -> None:
    found = free_path(tmp_path / f"{stem}_corrected.ome.tif")
    assert found.name.endswith(".ome.tif")
    found.touch()
    again = free_path(tmp_path / f"{stem}_corrected.ome.tif")
    assert again != found
    again.touch()


@pytest.mark.parametrize("name", ["cells_0.5uM", "dose 1.25", "a.b.c"])
def test_another_kind_changes_nothing_of_a_name_but_a_known_ending(
    qtbot, fitted: MainWindow, tmp_path: Path, name: str
) -> None:
    dialog = ask(fitted, "exportAs")
    for typed in (name, f"{name}.csv"):
        set_path(dialog, "exportAs", tmp_path / typed)
        for kind, ending in (("png", ".png"), ("ome", ".ome.tif"), ("csv", ".csv")):
            choose(qtbot, dialog, "exportAsKindCombo", kind)
            shown = find(dialog, QLineEdit, "exportAsPathEdit").text()
            assert shown == str(tmp_path / f"{name}{ending}")
    dialog.reject()


# ---------------------------------------------------------------------- what is said


@pytest.mark.parametrize("prefix", DIALOGS)
@pytest.mark.parametrize("name", ["a<i>b", "it's & that", '"a"'])
def test_names_are_shown_as_they_are(
    fitted: MainWindow, tmp_path: Path, prefix: str, name: str
) -> None:
    path = tmp_path / f"{name}{ENDINGS[prefix]}"
    path.touch()
    dialog = ask(fitted, prefix)
    set_path(dialog, prefix, path)
    said = notice(dialog, prefix)
    assert said.textFormat() == Qt.TextFormat.RichText
    # What a rich text says, as Qt reads it.
    from PyQt5.QtGui import QTextDocument

    document = QTextDocument()
    document.setHtml(said.text())
    assert document.toPlainText() == f"“{path.name}” exists already."
    dialog.reject()


def test_a_failure_is_told_as_it_is(qtbot, fitted: MainWindow, tmp_path: Path, monkeypatch) -> None:
    from PyQt5.QtGui import QTextDocument

    errors = [flimage.errors.InputError("run 'pip install \"a[b]\"' & <go> on."), MemoryError()]
    monkeypatch.setattr(
        flimage.export, "write", lambda *_, **__: (_ for _ in ()).throw(errors.pop(0))
    )
    dialog = ask(fitted, "exportAs")
    set_path(dialog, "exportAs", tmp_path / "a.csv")
    failure = find(dialog, Notice, "exportAsFailure")
    told = []
    for _ in range(2):
        click(qtbot, dialog, "exportAsWriteButton")
        qtbot.waitUntil(failure.isVisible, timeout=PATIENCE)
        document = QTextDocument()
        document.setHtml(failure.text())
        told.append(document.toPlainText())
    assert told[0] == "✕ run 'pip install \"a[b]\"' & <go> on."
    assert "not enough memory" in told[1]
    dialog.reject()


# ---------------------------------------------------------------------- a disk that changes


@pytest.mark.parametrize("prefix", DIALOGS)
def test_a_file_that_appeared_after_its_name_was_typed_is_told(
    qtbot, fitted: MainWindow, tmp_path: Path, prefix: str
) -> None:
    path = tmp_path / f"new{ENDINGS[prefix]}"
    dialog = ask(fitted, prefix)
    set_path(dialog, prefix, path)
    path.write_bytes(b"of somebody else")
    click(qtbot, dialog, f"{prefix}WriteButton")
    assert "exists already" in notice(dialog, prefix).text()
    assert notice(dialog, prefix).isVisible()
    assert find(dialog, QCheckBox, f"{prefix}OverwriteCheck").isVisible()
    assert not write_button(dialog, prefix).isEnabled()
    assert path.read_bytes() == b"of somebody else"
    dialog.reject()


def test_a_file_that_appeared_while_it_was_written_can_be_replaced_then(
    qtbot, fitted: MainWindow, tmp_path: Path, monkeypatch
) -> None:
    path, write = tmp_path / "new.csv", flimage.export.write

    def late(*args, **options):
        path.write_bytes(b"of somebody else")
        return write(*args, **options)

    dialog = ask(fitted, "exportAs")
    set_path(dialog, "exportAs", path)
    with monkeypatch.context() as patch:
        patch.setattr(flimage.export, "write", late)
        click(qtbot, dialog, "exportAsWriteButton")
        failure = find(dialog, Notice, "exportAsFailure")
        qtbot.waitUntil(failure.isVisible, timeout=PATIENCE)
    check = find(dialog, QCheckBox, "exportAsOverwriteCheck")
    assert check.isVisible()
    check.setChecked(True)
    click(qtbot, dialog, "exportAsWriteButton")
    qtbot.waitUntil(find(dialog, Notice, "exportAsDoneNotice").isVisible, timeout=PATIENCE)
    assert b"gain" in path.read_bytes()
    dialog.reject()


def test_what_is_finished_when_it_is_cancelled_is_finished(
    qtbot, fitted: MainWindow, tmp_path: Path, settle, monkeypatch
) -> None:
    written, release, write = threading.Event(), threading.Event(), flimage.export.write

    def slow(*args, **options):
        made = write(*args, **options)
        written.set()
        release.wait(20)
        return made

    monkeypatch.setattr(flimage.export, "write", slow)
    session = fitted.session
    dialog = ask(fitted, "exportAs")
    set_path(dialog, "exportAs", tmp_path / "a.csv")
    click(qtbot, dialog, "exportAsWriteButton")
    assert written.wait(20)
    click(qtbot, dialog, "exportAsStopButton")
    release.set()
    settle(session)
    qtbot.waitUntil(find(dialog, Notice, "exportAsDoneNotice").isVisible, timeout=PATIENCE)
    assert (tmp_path / "a.csv").exists()
    assert session.protocol.outputs[-1].kind == "export"
    dialog.reject()


# ---------------------------------------------------------------------- corrected series


def test_a_figure_of_a_corrected_series_is_refused_before_it_is_written(
    qtbot, fitted: MainWindow, tmp_path: Path, settle
) -> None:
    session = fitted.session
    session.export(tmp_path / "c.h5")
    settle(session)
    fitted.open_path(tmp_path / "c.h5")
    settle(session)
    dialog = ask(fitted, "exportAs")
    offered = find(dialog, QComboBox, "exportAsKindCombo")
    for kind in [offered.itemData(row) for row in range(offered.count())]:
        choose(qtbot, dialog, "exportAsKindCombo", kind)
        is_figure = kind in ("png", "svg", "pdf")
        assert write_button(dialog, "exportAs").isEnabled() is not is_figure
        said = find(dialog, Notice, "exportAsWarning")
        assert ("corrected already" in said.text() and said.isVisible()) is is_figure
    dialog.reject()
