"""Sessions: saved, opened, dropped and located, with all that belongs to them."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from controls import click, find
from on_image import drag_image
from PyQt5.QtCore import QMimeData, QPoint, Qt, QUrl
from PyQt5.QtGui import QDropEvent
from PyQt5.QtWidgets import QAction, QDockWidget, QFileDialog
from recordings import decaying, write_series

from flimage.recipe import Region
from flimage.session_reading import read_session
from flimage_gui.comparing import Mode
from flimage_gui.editor import Editor
from flimage_gui.journal import find_entries, journal_folder
from flimage_gui.main_window import MainWindow
from flimage_gui.session import Display

PATIENCE = 20_000


@pytest.fixture
def target(tmp_path: Path, monkeypatch) -> Path:
    path = tmp_path / "work.flsession"
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *args: (str(path), ""))
    return path


def save(qtbot, window: MainWindow, settle) -> None:
    find(window, QAction, "actionSaveSession").trigger()
    settle(window.session)


def work(qtbot, window: MainWindow, recording: Path, settle) -> None:
    """Do a bit of everything that a session keeps."""
    session = window.session
    window.open_path(recording)
    settle(session)
    qtbot.waitUntil(lambda: window.frame_view.shown is not None, timeout=PATIENCE)
    find(window, QAction, "actionAddRegion").trigger()
    qtbot.wait(20)
    drag_image(qtbot, window, (30, 25), (45, 35))
    Editor(session).set_value([2], "identifier", "renamed")
    Editor(session).delete([0])
    session.assign_background(np.full(session.shape, 7, np.float32), [3], "Seven")
    session.set_recipe(session.recipe.replace(border_px=4, model="linear"), "Change")
    session.set_frame(5)
    session.set_display(Display.BACKGROUND_CORRECTED)
    session.set_levels(-5, 333)
    window.frame_view.colormap = "Viridis"
    qtbot.keyClick(window.frame_view, Qt.Key.Key_T)
    qtbot.keyClick(window.frame_view, Qt.Key.Key_Plus)
    window.looking.comparison.set_mode(Mode.SWIPE)
    find(window, QDockWidget, "metadataDock").hide()
    settle(session)


def state(window: MainWindow) -> dict[str, object]:
    session, view = window.session, window.frame_view
    return {
        "recipe": session.recipe,
        "regions": session.regions,
        "identifiers": list(session.source.identifiers),
        "background": float(session.source.background(3).max()),
        "frame": session.frame,
        "display": session.display,
        "levels": session.levels,
        "colormap": view.colormap,
        "area": np.round(view.box.viewRange(), 1).tolist(),
        "time": window.looking.time_action.isChecked(),
        "border": view.border_button.isChecked(),
        "mode": window.looking.comparison.mode,
        "metadata": find(window, QDockWidget, "metadataDock").isHidden(),
    }


def forget(window: MainWindow) -> None:
    """Bring the window back to how it was at first."""
    window.looking.comparison.set_mode(Mode.OFF)
    window.saving.journaling.discard()
    window.session.close()
    window.frame_view.colormap = "Gray"
    window.looking.time_action.setChecked(False)
    find(window, QDockWidget, "metadataDock").show()


def reopen(qtbot, window: MainWindow, target: Path, settle) -> None:
    """Open the session in a window that knows nothing of it any more."""
    forget(window)
    window.open_path(target)
    qtbot.waitUntil(lambda: bool(window.session.steps), timeout=PATIENCE)
    settle(window.session)


def test_a_session_is_taken_up_as_it_was_left(
    qtbot, window: MainWindow, recording, target: Path, settle
) -> None:
    work(qtbot, window, recording, settle)
    before = state(window)
    save(qtbot, window, settle)
    assert "The session was saved" in window.message_bar.text
    assert window.session.modified, "the recording itself is as it was"
    reopen(qtbot, window, target, settle)
    qtbot.waitUntil(lambda: window.frame_view.shown == (5, Display.BACKGROUND_CORRECTED))
    assert state(window) == before
    assert window.session.steps == ("Take up work.flsession",)
    assert window.session.modified
    window.session.undo()
    assert window.session.regions == ()
    assert window.session.n_frames == 12


def test_a_session_brings_back_the_fit_and_the_panels_in_front(
    qtbot, window: MainWindow, recording, target: Path, settle
) -> None:
    window.open_path(recording)
    settle(window.session)
    click(qtbot, window, "runBleachButton")
    settle(window.session)
    window.session.set_display(Display.RAW)
    for name in ("metadataDock", "frameDock"):
        find(window, QDockWidget, name).raise_()
    qtbot.waitUntil(lambda: set(window.panels.in_front()) == {"metadataDock", "frameDock"})
    before = window.session.fit
    save(qtbot, window, settle)
    window.session.close()
    for name in ("bleachDock", "traceDock"):
        find(window, QDockWidget, name).raise_()
    window.open_path(target)
    qtbot.waitUntil(lambda: window.session.fit is not None, timeout=PATIENCE)
    settle(window.session)
    assert window.session.fit.parameters == before.parameters
    assert window.session.display is Display.RAW, "as it was left, though there is a result"
    qtbot.waitUntil(lambda: set(window.panels.in_front()) == {"metadataDock", "frameDock"})


def test_a_session_without_a_fit_makes_none(
    qtbot, window: MainWindow, recording, target: Path, settle
) -> None:
    work(qtbot, window, recording, settle)
    save(qtbot, window, settle)
    reopen(qtbot, window, target, settle)
    assert window.session.fit is None


def test_saving_again_asks_for_no_name(
    qtbot, window: MainWindow, recording, target: Path, settle, monkeypatch
) -> None:
    work(qtbot, window, recording, settle)
    save(qtbot, window, settle)

    def refuse(*args: object) -> None:
        raise AssertionError("asked for a name")

    monkeypatch.setattr(QFileDialog, "getSaveFileName", refuse)
    window.session.set_frame(1)
    save(qtbot, window, settle)
    assert read_session(target).view.frame == 1


def test_a_session_is_dropped_and_is_among_the_recent_files(
    qtbot, window: MainWindow, recording, target: Path, settle
) -> None:
    work(qtbot, window, recording, settle)
    save(qtbot, window, settle)
    forget(window)
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(target))])
    event = QDropEvent(
        QPoint(50, 50),
        Qt.DropAction.CopyAction,
        data,
        Qt.MouseButton.LeftButton,
        Qt.KeyboardModifier.NoModifier,
    )
    window.dropEvent(event)
    qtbot.waitUntil(lambda: bool(window.session.steps), timeout=PATIENCE)
    settle(window.session)
    assert window.session.recipe.border_px == 4
    window.recent.refresh()
    assert "work.flsession" in find(window, QAction, "actionRecent1").text()


def test_a_recording_that_is_missing_can_be_located(
    qtbot, window: MainWindow, recording: Path, target: Path, settle, monkeypatch, tmp_path
) -> None:
    work(qtbot, window, recording, settle)
    save(qtbot, window, settle)
    forget(window)
    (tmp_path / "elsewhere").mkdir()
    moved = recording.rename(tmp_path / "elsewhere" / "moved.h5")
    window.open_path(target)
    qtbot.waitUntil(lambda: "is not there" in window.message_bar.text, timeout=PATIENCE)
    assert "recording.h5" in window.message_bar.text
    assert window.session.source is None
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *args: (str(moved), ""))
    click(qtbot, window, "messageActionButton")
    qtbot.waitUntil(lambda: bool(window.session.steps), timeout=PATIENCE)
    settle(window.session)
    assert window.session.path == moved
    assert window.session.recipe.border_px == 4


def test_a_session_that_does_not_fit_its_recording_is_refused_and_leaves_it_open(
    qtbot, window: MainWindow, recording: Path, target: Path, settle
) -> None:
    work(qtbot, window, recording, settle)
    save(qtbot, window, settle)
    forget(window)
    write_series(recording, decaying(5))
    window.open_path(target)
    qtbot.waitUntil(lambda: "cannot be edited" in window.message_bar.text, timeout=PATIENCE)
    settle(window.session)
    assert window.session.n_frames == 5
    assert window.session.steps == ()


def test_a_damaged_session_is_refused_in_a_sentence(
    qtbot, window: MainWindow, recording, target: Path, settle
) -> None:
    work(qtbot, window, recording, settle)
    save(qtbot, window, settle)
    content = json.loads(target.read_text())
    content["view"]["frame"] = "first"
    target.write_text(json.dumps(content))
    forget(window)
    window.open_path(target)
    qtbot.waitUntil(lambda: "view.frame" in window.message_bar.text, timeout=PATIENCE)
    settle(window.session)
    assert '"first"' in window.message_bar.text
    assert window.session.source is None


def test_a_changed_recording_is_pointed_out(
    qtbot, window: MainWindow, recording: Path, target: Path, settle
) -> None:
    work(qtbot, window, recording, settle)
    save(qtbot, window, settle)
    forget(window)
    write_series(recording, decaying(12, seed=9))
    window.open_path(target)
    qtbot.waitUntil(lambda: "has changed since" in window.message_bar.text, timeout=PATIENCE)
    settle(window.session)


@pytest.mark.parametrize("answer", ["save", "discard", "cancel"])
def test_regions_in_no_session_file_are_not_lost_without_a_question(
    qtbot, window: MainWindow, recording: Path, target: Path, settle, monkeypatch, answer: str
) -> None:
    asked = []

    def ask(parent: object, title: str) -> str:
        asked.append(title)
        return answer

    monkeypatch.setattr("flimage_gui.dialogs.ask_unsaved_regions", ask)
    window.open_path(recording)
    settle(window.session)
    window.looking.named_regions.add(Region("frame"))
    settle(window.session)
    find(window, QAction, "actionClose").trigger()
    settle(window.session)
    assert asked == ["recording.h5"]
    if answer == "save":
        qtbot.waitUntil(lambda: window.session.source is None, timeout=PATIENCE)
        assert len(read_session(target).regions) == 1
        window.open_path(target)
        qtbot.waitUntil(lambda: bool(window.session.regions), timeout=PATIENCE)
        settle(window.session)
        find(window, QAction, "actionClose").trigger()
        assert asked == ["recording.h5"], "what is in the file is not asked for"
    assert (window.session.source is None) == (answer != "cancel")
    assert target.exists() == (answer == "save")


def test_what_a_session_file_holds_is_neither_asked_about_nor_offered_again(
    qtbot, window: MainWindow, recording, target: Path, settle
) -> None:
    work(qtbot, window, recording, settle)
    qtbot.waitUntil(lambda: len(find_entries(journal_folder())) == 1, timeout=PATIENCE)
    save(qtbot, window, settle)
    assert not window.isWindowModified()
    qtbot.waitUntil(lambda: find_entries(journal_folder()) == [], timeout=PATIENCE)
    # The next change is in no file.
    for _ in range(2):
        qtbot.keyClick(window.frame_view, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    assert window.isWindowModified()
    qtbot.waitUntil(lambda: len(find_entries(journal_folder())) == 1, timeout=PATIENCE)
    redo = Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier
    for _ in range(2):
        qtbot.keyClick(window.frame_view, Qt.Key.Key_Z, redo)
    assert not window.isWindowModified()
    settle(window.session)
    # As at the end of the desktop's session, or after SIGTERM.
    window.leave_unasked()
    assert find_entries(journal_folder()) == []


def test_a_session_that_was_only_opened_is_not_offered_again(
    qtbot, window: MainWindow, recording, target: Path, settle
) -> None:
    work(qtbot, window, recording, settle)
    save(qtbot, window, settle)
    reopen(qtbot, window, target, settle)
    assert not window.isWindowModified()
    window.leave_unasked()
    assert find_entries(journal_folder()) == []


def test_settings_that_a_corrected_file_holds_are_not_offered_again(
    qtbot, opened: MainWindow, tmp_path: Path, settle
) -> None:
    session = opened.session
    session.set_recipe(session.recipe.replace(border_px=7), "Border")
    session.export(tmp_path / "out.h5")
    settle(session)
    opened.leave_unasked()
    assert find_entries(journal_folder()) == []
