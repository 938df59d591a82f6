"""What was done by clicks is copied as Python and as command lines that make the same files."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pytest
from controls import choose, click, find
from on_image import drag_image
from PyQt5.QtCore import Qt
from PyQt5.QtWidgets import QAction, QApplication, QFileDialog
from recordings import decaying
from repeating import content, repeat, run_commands, run_python

from flimage import provenance
from flimage_gui.editor import Editor
from flimage_gui.main_window import MainWindow
from flimage_gui.session import Display

PATIENCE = 30_000


def copied(qtbot, window: MainWindow, name: str) -> str:
    find(window, QAction, "actionShowHistoryDock").trigger()
    window._docks["historyDock"].show()
    window._docks["historyDock"].raise_()
    qtbot.wait(50)
    click(qtbot, window, name)
    assert "copied" in window.message_bar.text
    return QApplication.clipboard().text()


def edit(qtbot, window: MainWindow, folder: Path, settle, monkeypatch) -> None:
    """Edit a recording in every way, by clicks where there is something to click."""
    session = window.session
    dark = folder / "dark frame.npy"
    np.save(dark, np.full(session.shape, 3.25, np.float32))
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *args: (str(dark), ""))
    window._docks["backgroundDock"].raise_()
    click(qtbot, window, "assignBackgroundButton")
    qtbot.waitUntil(lambda: len(session.steps) == 1, timeout=PATIENCE)
    settle(session)
    session.select([2, 3])
    choose(qtbot, window, "backgroundTargetCombo", "selection")
    choose(qtbot, window, "backgroundOriginCombo", "plane")
    click(qtbot, window, "assignBackgroundButton")
    qtbot.waitUntil(lambda: len(session.steps) == 2, timeout=PATIENCE)
    settle(session)
    session.select([5])
    click(qtbot, window, "clearBackgroundButton")
    assert len(session.steps) == 3
    editor = Editor(session)
    assert editor.set_value(None, "identifier", "cell's {n}")
    assert editor.set_interval(None, 0.3, 1.0)
    assert editor.set_value([4], "time", 7.125)
    assert editor.delete([0])
    assert editor.move([6, 7], 1)
    assert editor.sort_by_time()
    assert editor.set_value([1], "pixel size", None)
    # What is undone leaves no trace.
    assert editor.keep([0, 1])
    qtbot.keyClick(window.frame_view, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    settle(session)


@pytest.mark.parametrize("way", ["python", "commands"])
def test_copied_steps_make_the_same_files_in_another_process(
    qtbot, opened: MainWindow, tmp_path: Path, settle, monkeypatch, way: str
) -> None:
    session = opened.session
    edit(qtbot, opened, tmp_path, settle, monkeypatch)
    corrected, saved, table = (tmp_path / n for n in ("corrected.h5", "edited.h5", "traces.csv"))
    opened.frame_view.border_button.setChecked(False)
    find(opened, QAction, "actionAddEllipse").trigger()
    qtbot.wait(20)
    drag_image(qtbot, opened, (30, 22), (46, 36))
    session.set_recipe(
        session.recipe.replace(border_px=5, background="frame", exclude=(1,), denoise=1.0), "Tune"
    )
    find(opened, QAction, "actionRunFit").trigger()
    settle(session)
    session.set_display(Display.BLEACH_CORRECTED)
    settle(session)
    qtbot.wait(300)
    settle(session)
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *args: (str(table), ""))
    opened._docks["regionsDock"].raise_()
    click(qtbot, opened, "exportRegionsButton")
    qtbot.waitUntil(table.exists, timeout=PATIENCE)
    settle(session)
    session.export(corrected)
    settle(session)
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *args: (str(saved), ""))
    find(opened, QAction, "actionSaveAs").trigger()
    settle(session)
    button = "copyPythonButton" if way == "python" else "copyCommandsButton"
    text = copied(qtbot, opened, button)
    repeat(way, text, (corrected, saved), table, tmp_path)


def test_saving_in_place_is_repeated_from_the_recording_as_it_was(
    qtbot, opened: MainWindow, recording: Path, tmp_path: Path, settle, monkeypatch
) -> None:
    original = recording.read_bytes()
    monkeypatch.setattr("flimage_gui.dialogs.confirm_deletion", lambda *args: True)
    session = opened.session
    Editor(session).delete([0, 1])
    find(opened, QAction, "actionSave").trigger()
    settle(session)
    Editor(session).set_interval(None, 2.0, 0.0)
    out = tmp_path / "out.h5"
    session.export(out)
    settle(session)
    wanted = content(out)
    for button, run in (("copyPythonButton", run_python), ("copyCommandsButton", run_commands)):
        text = copied(qtbot, opened, button)
        recording.write_bytes(original)
        out.unlink()
        run(text, tmp_path)
        assert content(out) == wanted
        (tmp_path / "recording_edited.h5").unlink(missing_ok=True)


def test_without_any_output_the_corrected_series_is_what_is_made(
    qtbot, opened: MainWindow, recording: Path, tmp_path: Path, settle
) -> None:
    session = opened.session
    session.set_recipe(session.recipe.replace(model="linear"), "Model")
    run_commands(copied(qtbot, opened, "copyCommandsButton"), tmp_path)
    with h5py.File(tmp_path / "recording_corrected.h5") as file:
        assert provenance.read(file).recipe.model == "linear"


def test_the_conversion_of_a_recording_is_part_of_the_steps(
    qtbot, window: MainWindow, tmp_path: Path, settle
) -> None:
    np.save(tmp_path / "stack.npy", decaying(8))
    window.session.convert_and_open(tmp_path / "stack.npy", tmp_path / "stack.h5", interval=0.25)
    settle(window.session)
    wanted = content(tmp_path / "stack.h5")
    for button, run in (("copyPythonButton", run_python), ("copyCommandsButton", run_commands)):
        text = copied(qtbot, window, button)
        (tmp_path / "stack.h5").unlink()
        run(text, tmp_path)
        assert content(tmp_path / "stack.h5") == wanted
        (tmp_path / "stack_corrected.h5").unlink()


def test_what_cannot_be_repeated_is_said_instead_of_copied(
    qtbot, opened: MainWindow, settle
) -> None:
    session = opened.session
    session.assign_background(np.zeros(session.shape, np.float32), None, "From nowhere")
    settle(session)
    QApplication.clipboard().setText("before")
    find(opened, QAction, "actionCopyPython").trigger()
    assert "From nowhere" in opened.message_bar.text
    assert QApplication.clipboard().text() == "before"
