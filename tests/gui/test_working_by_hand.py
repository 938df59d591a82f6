"""Files, panels, steps and sessions in the running window, by clicks and keys alone."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import numpy as np
import pytest
from controls import choose, click, find, type_number
from hands import CTRL, SHIFT, click_rows, pick, press, raise_panel
from on_image import drag_image
from pointer import double_click, send
from PyQt5.QtCore import QEvent, QPoint, Qt
from PyQt5.QtGui import QKeyEvent
from PyQt5.QtTest import QTest
from PyQt5.QtWidgets import (
    QAbstractButton,
    QApplication,
    QCheckBox,
    QComboBox,
    QDialog,
    QDockWidget,
    QLabel,
    QLineEdit,
    QSpinBox,
    QTabBar,
    QTableView,
    QTableWidget,
    QWidget,
)
from questions import answer, answer_file_dialog
from recordings import decaying, held_by_another_program
from repeating import repeat

from flimage import FLSeries, provenance
from flimage_gui.main_window import MainWindow
from flimage_gui.session import Display
from flimage_gui.window_keys import WindowKeys

PATIENCE = 30_000


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def type_into(dialog: QWidget, name: str, text: str) -> None:
    edit = find(dialog, QLineEdit, name)
    edit.setFocus()
    edit.selectAll()
    QTest.keyClicks(edit, text)


def edit_cell(window: MainWindow, row: int, column: int, text: str) -> None:
    """Double-click would go to the frame: F2 edits."""
    table = find(window, QTableView, "frameTable")
    click_rows(table, [row], column)
    QTest.keyClick(table, Qt.Key.Key_F2)
    edit = table.viewport().findChild(QLineEdit)
    edit.selectAll()
    QTest.keyClicks(edit, text)
    QTest.keyClick(edit, Qt.Key.Key_Return)


# ---------------------------------------------------------------------- steps that are repeated


def edit_everything(qtbot, window: MainWindow, folder: Path, settle) -> None:
    """Make every kind of step: backgrounds, metadata, order, settings, a named region."""
    session = window.session
    dark = folder / "dark frame.npy"
    np.save(dark, np.full(session.shape, 3.25, np.float32))
    raise_panel(qtbot, window, "backgroundDock")
    choose(qtbot, window, "backgroundOriginCombo", "file")
    answer_file_dialog(dark)
    click(qtbot, window, "assignBackgroundButton")
    qtbot.waitUntil(lambda: len(session.steps) == 1, timeout=PATIENCE)
    settle(session)
    raise_panel(qtbot, window, "frameDock")
    table = find(window, QTableView, "frameTable")
    click_rows(table, [2, 3])
    choose(qtbot, window, "backgroundTargetCombo", "selection")
    choose(qtbot, window, "backgroundOriginCombo", "plane")
    click(qtbot, window, "assignBackgroundButton")
    qtbot.waitUntil(lambda: len(session.steps) == 2, timeout=PATIENCE)
    settle(session)
    edit_cell(window, 4, 2, "2.125 s")
    edit_cell(window, 5, 1, "cell's {5}")
    click_rows(table, [0])
    QTest.keyClick(table, Qt.Key.Key_Delete)
    settle(session)
    click_rows(table, [8, 9])
    type_number(qtbot, window, "moveFramesSpin", 1)
    click(qtbot, window, "moveFramesButton")
    settle(session)
    click(qtbot, window, "sortFramesButton")
    settle(session)
    click(qtbot, window, "editFramesButton")
    dialog = find(window, QDialog, "editFramesDialog")
    target = find(dialog, QComboBox, "editTargetCombo")
    target.setFocus()
    QTest.keyClick(target, Qt.Key.Key_End)
    QTest.keyClick(find(dialog, QCheckBox, "editPixelSizeCheck"), Qt.Key.Key_Space)
    type_into(dialog, "editPixelSizeEdit", "0.25 µm")
    click(qtbot, dialog, "editFramesOkButton")
    settle(session)
    assert session.pixel_size == pytest.approx(2.5e-7)
    # What is undone leaves no trace.
    click_rows(table, [0, 1])
    click(qtbot, window, "keepFramesButton")
    settle(session)
    assert session.n_frames == 2
    press(qtbot, window, Qt.Key.Key_Z, CTRL)
    settle(session)
    assert session.n_frames == 11
    type_number(qtbot, window, "borderSpin", 5)
    choose(qtbot, window, "backgroundScopeCombo", "frame")
    raise_panel(qtbot, window, "bleachDock")
    QTest.keyClick(find(window, QCheckBox, "denoiseCheck"), Qt.Key.Key_Space)
    press(qtbot, window, Qt.Key.Key_B)
    pick(qtbot, window, "actionAddEllipse")
    qtbot.wait(20)
    drag_image(qtbot, window, (30, 22), (46, 36))
    settle(session)


@pytest.mark.parametrize("way", ["Python", "Commands"])
def test_what_was_done_by_hand_is_repeated_by_the_copied_text(
    qtbot, opened: MainWindow, recording: Path, tmp_path: Path, settle, way: str
) -> None:
    before = digest(recording)
    edit_everything(qtbot, opened, tmp_path, settle)
    corrected, saved, table = (tmp_path / n for n in ("corrected.h5", "edited.h5", "traces.csv"))
    click(qtbot, opened, "runBleachButton")
    settle(opened.session)
    raise_panel(qtbot, opened, "regionsDock")
    qtbot.wait(300)
    settle(opened.session)
    answer_file_dialog(table)
    click(qtbot, opened, "exportRegionsButton")
    qtbot.waitUntil(table.exists, timeout=PATIENCE)
    settle(opened.session)
    press(qtbot, opened, Qt.Key.Key_E, CTRL)
    dialog = find(opened, QDialog, "exportDialog")
    type_into(dialog, "exportPathEdit", str(corrected))
    QTest.keyClick(find(dialog, QLineEdit, "exportPathEdit"), Qt.Key.Key_Return)
    qtbot.waitUntil(corrected.exists, timeout=PATIENCE)
    settle(opened.session)
    click(qtbot, dialog, "exportCloseButton")
    answer_file_dialog(saved)
    press(qtbot, opened, Qt.Key.Key_S, CTRL, SHIFT)
    qtbot.waitUntil(saved.exists, timeout=PATIENCE)
    settle(opened.session)
    assert digest(recording) == before
    pick(qtbot, opened, f"actionCopy{way}")
    text = QApplication.clipboard().text()
    repeat(way, text, (corrected, saved), table, tmp_path)


# ---------------------------------------------------------------------- files


def test_a_file_in_use_is_read_only_and_its_changes_go_to_a_copy(
    qtbot, window: MainWindow, recording: Path, tmp_path: Path, settle, monkeypatch
) -> None:
    monkeypatch.delenv("HDF5_USE_FILE_LOCKING", raising=False)
    copy = tmp_path / "copy.h5"
    with held_by_another_program(recording):
        answer_file_dialog(recording)
        press(qtbot, window, Qt.Key.Key_O, CTRL)
        settle(window.session)
        assert "recording.h5 is in use by another program" in window.message_bar.text
        assert find(window, QWidget, "frameView").isVisible()
        before = digest(recording)
        raise_panel(qtbot, window, "frameDock")
        edit_cell(window, 0, 1, "renamed")
        answer_file_dialog(copy)
        press(qtbot, window, Qt.Key.Key_S, CTRL)
        qtbot.waitUntil(copy.exists, timeout=PATIENCE)
        settle(window.session)
        assert digest(recording) == before
    with FLSeries(h5file=copy, h5mode="r") as series:
        assert series[0].meta["identifier"] == "renamed"


def test_a_session_is_saved_and_opened_again_by_keys(
    qtbot, opened: MainWindow, tmp_path: Path, settle
) -> None:
    target = tmp_path / "work.flsession"
    type_number(qtbot, opened, "borderSpin", 4)
    press(qtbot, opened, Qt.Key.Key_End)
    answer_file_dialog(target)
    press(qtbot, opened, Qt.Key.Key_S, CTRL, Qt.KeyboardModifier.AltModifier)
    qtbot.waitUntil(target.exists, timeout=PATIENCE)
    settle(opened.session)
    press(qtbot, opened, Qt.Key.Key_W, CTRL)
    assert opened.session.path is None
    answer_file_dialog(target)
    press(qtbot, opened, Qt.Key.Key_O, CTRL)
    qtbot.waitUntil(lambda: opened.session.path is not None, timeout=PATIENCE)
    settle(opened.session)
    assert opened.session.recipe.border_px == 4
    assert opened.session.frame == 11


def test_leaving_with_edits_asks_and_saving_first_keeps_them(
    qtbot, opened: MainWindow, recording: Path, settle
) -> None:
    raise_panel(qtbot, opened, "frameDock")
    edit_cell(opened, 3, 1, "kept")
    seen: list[str] = []
    answer("discardQuestion", "discardQuestionSaveButton", seen)
    press(qtbot, opened, Qt.Key.Key_W, CTRL)
    qtbot.waitUntil(lambda: opened.session.path is None, timeout=PATIENCE)
    assert len(seen) == 1
    with FLSeries(h5file=recording, h5mode="r") as series:
        assert series[3].meta["identifier"] == "kept"


# ---------------------------------------------------------------------- panels


def tab_of(window: MainWindow, title: str) -> tuple[QTabBar, QPoint]:
    """Return the tab bar that names a panel, and where."""
    for bar in window.findChildren(QTabBar):
        for index in range(bar.count()):
            if bar.isVisible() and bar.tabText(index) == title:
                return bar, bar.tabRect(index).center()
    raise AssertionError(f"no tab is called {title}")


@pytest.mark.parametrize("name", ["frameDock", "bleachDock"])
def test_a_panel_that_is_taken_out_of_the_window_lies_on_the_screen(
    qtbot, opened: MainWindow, name: str
) -> None:
    # Panels at the left edge of the screen and, as it is a small one, beyond its right edge.
    opened.move(0, 0)
    raise_panel(qtbot, opened, name)
    opened.activateWindow()
    dock = find(opened, QDockWidget, name)
    table = {"frameDock": "frameTable", "bleachDock": "modelCombo"}[name]
    find(opened, QWidget, table).setFocus()
    qtbot.waitUntil(lambda: dock.isAncestorOf(QApplication.focusWidget()))
    QTest.keyClick(QApplication.focusWidget(), Qt.Key.Key_F6, CTRL)
    assert dock.isFloating()
    screen = opened.screen().availableGeometry()
    assert screen.contains(dock.frameGeometry()), (screen, dock.frameGeometry())


def test_a_panel_that_was_taken_out_of_the_window_is_found_there_again(
    qtbot, opened: MainWindow, recording: Path, settings, settle
) -> None:
    raise_panel(qtbot, opened, "metadataDock")
    dock = find(opened, QDockWidget, "metadataDock")
    double_click(*tab_of(opened, "Metadata"))
    qtbot.waitUntil(dock.isFloating)
    # Keys take it back and out again.
    dock.activateWindow()
    find(opened, QTableWidget, "metadataTable").setFocus()
    for floats in (False, True):
        qtbot.waitUntil(lambda: dock.isAncestorOf(QApplication.focusWidget()))
        QTest.keyClick(QApplication.focusWidget(), Qt.Key.Key_F6, CTRL)
        assert dock.isFloating() == floats
    # Small enough for the screen of the offscreen platform.
    dock.resize(320, 300)
    dock.move(60, 80)
    pick(qtbot, opened, "actionShowHistoryDock")
    press(qtbot, opened, Qt.Key.Key_W, CTRL, SHIFT)
    qtbot.waitUntil(lambda: not opened.isVisible())
    again = MainWindow(settings)
    qtbot.addWidget(again, before_close_func=lambda window: window.session.shut_down())
    again.show()
    qtbot.waitExposed(again)
    answer_file_dialog(recording)
    press(qtbot, again, Qt.Key.Key_O, CTRL)
    settle(again.session)
    found = find(again, QDockWidget, "metadataDock")
    assert found.isFloating()
    assert found.isVisible()
    assert (found.pos() - QPoint(60, 80)).manhattanLength() < 30
    assert find(again, QDockWidget, "historyDock").isHidden()
    pick(qtbot, again, "actionResetPanels")
    assert not found.isFloating()
    assert not find(again, QDockWidget, "historyDock").isHidden()


# ---------------------------------------------------------------------- the view goes elsewhere


def test_the_dragged_view_is_a_file_a_picture_and_a_drawing(
    qtbot, opened: MainWindow, monkeypatch
) -> None:
    taken = []
    # The drag itself is the desktop's.
    monkeypatch.setattr("flimage_gui.looking.run_drag", lambda drag: taken.append(drag.mimeData()))
    button = find(opened, QAbstractButton, "copyViewButton")
    left, start = Qt.MouseButton.LeftButton, button.rect().center()
    send(button, QEvent.Type.MouseButtonPress, start, left, left)
    send(button, QEvent.Type.MouseMove, start + QPoint(40, 30), pressed=left)
    send(button, QEvent.Type.MouseButtonRelease, start + QPoint(40, 30), left)
    (data,) = taken
    assert data.hasImage()
    assert bytes(data.data("image/png")).startswith(b"\x89PNG")
    assert b"<svg" in bytes(data.data("image/svg+xml"))
    assert Path(data.urls()[0].toLocalFile()).read_bytes().startswith(b"\x89PNG")


# ---------------------------------------------------------------------- by keyboard alone


def focused() -> QWidget:
    widget = QApplication.focusWidget()
    assert widget is not None, "nothing has the focus"
    return widget


def walk_to(name: str, key: Qt.Key = Qt.Key.Key_Tab, most: int = 80) -> QWidget:
    """Press Tab until a control has the focus."""
    for _ in range(most):
        if focused().objectName() == name:
            return focused()
        QTest.keyClick(focused(), key)
    raise AssertionError(f"{name} is not reached by Tab")


def test_a_recording_is_corrected_and_exported_without_a_mouse(
    qtbot, window: MainWindow, recording: Path, tmp_path: Path, settle
) -> None:
    window.activateWindow()
    qtbot.waitUntil(window.isActiveWindow)
    # From the first control of the empty window on.
    walk_to("openButton")
    answer_file_dialog(recording)
    QTest.keyClick(focused(), Qt.Key.Key_Space)
    settle(window.session)
    qtbot.waitUntil(lambda: window.frame_view.shown == (0, Display.RAW), timeout=PATIENCE)
    window.activateWindow()
    qtbot.waitUntil(window.isActiveWindow)
    QTest.keyClick(focused(), Qt.Key.Key_Right)
    assert window.session.frame == 1
    # To the panel in front, and through its controls; what is folded away is unfolded.
    for _ in range(8):
        QTest.keyClick(focused(), Qt.Key.Key_F6)
        if find(window, QDockWidget, "bleachDock").isAncestorOf(focused()):
            break
    walk_to("modelCombo")
    QTest.keyClick(focused(), Qt.Key.Key_Home)
    while focused().currentData() != "linear":
        QTest.keyClick(focused(), Qt.Key.Key_Down)
    walk_to("denoiseCheck")
    QTest.keyClick(focused(), Qt.Key.Key_Space)
    walk_to("runBleachButton")
    QTest.keyClick(focused(), Qt.Key.Key_Space)
    settle(window.session)
    assert window.session.fit.model == "linear"
    assert window.session.recipe.denoise
    QTest.keyClick(focused(), Qt.Key.Key_E, CTRL)
    qtbot.waitUntil(lambda: window.findChild(QDialog, "exportDialog") is not None)
    dialog = find(window, QDialog, "exportDialog")
    qtbot.waitUntil(dialog.isActiveWindow)
    out = tmp_path / "by keys.h5"
    walk_to("exportPathEdit")
    QTest.keyClick(focused(), Qt.Key.Key_A, CTRL)
    QTest.keyClicks(focused(), str(out))
    QTest.keyClick(focused(), Qt.Key.Key_Return)
    qtbot.waitUntil(out.exists, timeout=PATIENCE)
    settle(window.session)
    qtbot.waitUntil(lambda: "Written" in find(dialog, QLabel, "exportDoneNotice").text())
    QTest.keyClick(focused(), Qt.Key.Key_Escape)
    with FLSeries(h5file=out, h5mode="r") as series:
        assert len(series) == len(decaying())
        assert provenance.read(series.h5).recipe.model == "linear"


@pytest.mark.skipif(os.name == "nt", reason="the folder is made unreadable for everybody")
def test_what_is_dropped_and_cannot_be_opened_leaves_what_is_shown(
    qtbot, opened: MainWindow, tmp_path: Path, settle
) -> None:
    (tmp_path / "notes.h5").write_text("no series")
    answer_file_dialog(tmp_path / "notes.h5")
    press(qtbot, opened, Qt.Key.Key_O, CTRL)
    settle(opened.session)
    assert "notes.h5" in opened.message_bar.text
    assert opened.session.title == "recording.h5"
    click(qtbot, opened, "messageDetailsButton")
    click(qtbot, opened, "messageCloseButton")
    assert not opened.message_bar.isVisible()


def test_keys_do_not_change_a_number_that_lies_behind_another_panel(
    qtbot, opened: MainWindow
) -> None:
    raise_panel(qtbot, opened, "backgroundDock")
    opened.activateWindow()
    border = find(opened, QSpinBox, "borderSpin")
    QTest.mouseClick(border, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(border.hasFocus)
    before = opened.session.recipe
    raise_panel(qtbot, opened, "bleachDock")
    qtbot.waitUntil(lambda: not border.hasFocus())
    QTest.keyClick(focused(), Qt.Key.Key_5)
    QTest.keyClick(focused(), Qt.Key.Key_Return)
    QTest.keyClick(focused(), Qt.Key.Key_Right)
    assert opened.session.recipe == before
    assert opened.session.frame == 1


@pytest.mark.parametrize(
    ("key", "taken"), [(Qt.Key.Key_E, False), (Qt.Key.Key_C, True), (Qt.Key.Key_Z, False)]
)
def test_a_number_field_that_is_not_typed_in_takes_the_keys_of_the_clipboard_alone(
    qtbot, opened: MainWindow, key: Qt.Key, taken: bool
) -> None:
    # As Linux asks a field, for which Ctrl+E is the end of the line; other systems never do.
    asked = QKeyEvent(QEvent.Type.ShortcutOverride, key, CTRL)
    border = find(opened, QSpinBox, "borderSpin")
    keys = opened.findChild(WindowKeys)
    for field in (border, find(border, QLineEdit, "qt_spinbox_lineedit")):
        asked.accept()
        assert keys.eventFilter(field, asked) is not taken
        assert asked.isAccepted() is taken
