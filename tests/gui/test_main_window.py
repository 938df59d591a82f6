from __future__ import annotations

import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from controls import find
from PyQt5 import sip
from PyQt5.QtCore import QByteArray, QMimeData, QPoint, QPointF, QSettings, Qt, QUrl
from PyQt5.QtGui import QColor, QDragEnterEvent, QDropEvent, QPalette
from PyQt5.QtWidgets import (
    QAbstractButton,
    QAction,
    QApplication,
    QDialog,
    QLabel,
    QMenu,
    QSpinBox,
    QTableView,
    QWidget,
)
from questions import answer
from recordings import decaying, write_series

from flimage import FLImage, FLSeries
from flimage.errors import InputError
from flimage_gui import assets, theme
from flimage_gui.actions import ACTIONS, KEYS
from flimage_gui.labels import shortened
from flimage_gui.main_window import MainWindow
from flimage_gui.menus import shortcut_rows
from flimage_gui.notify import ExceptionReporter, details_of, sentence_of
from flimage_gui.settings import Preferences, Settings

PATIENCE = 20_000


# ---------------------------------------------------------------------- looks and actions


def test_every_object_name_of_the_design_is_there(opened: MainWindow) -> None:
    names = (
        "frameView displayCombo colormapCombo autoContrastButton frameSlider frameSpin timeLabel"
        " playButton borderSpin backgroundScopeCombo assignBackgroundButton backgroundTargetCombo"
        " clearBackgroundButton modelCombo offsetCombo denoiseCheck rangeStartSpin rangeStopSpin"
        " runBleachButton cancelButton progressBar tracePlot residualPlot fitTable verdictLabel"
        " exportButton metadataTable"
    )
    assert opened.objectName() == "MainWindow"
    for name in names.split():
        find(opened, QWidget, name)
    for name in ("Open", "Example", "Save", "Export", "Undo", "Redo", "Quit"):
        find(opened, QAction, f"action{name}")


def test_controls_have_names_for_screen_readers(opened: MainWindow) -> None:
    from PyQt5.QtWidgets import QAbstractSpinBox, QComboBox, QSlider

    for kind in (QComboBox, QAbstractSpinBox, QSlider, QAbstractButton):
        for widget in opened.findChildren(kind):
            if widget.isVisible() and widget.objectName() and "qt_" not in widget.objectName():
                said = widget.accessibleName() or getattr(widget, "text", str)()
                assert said, f"{widget.objectName()} is mute"


def test_no_two_actions_share_a_key() -> None:
    shortcuts = [key for spec in ACTIONS for key in spec.shortcuts]
    assert len(shortcuts) == len(set(shortcuts))
    keys = [key for spec in ACTIONS for key in spec.keys]
    assert len(keys) == len(set(keys)) == len(KEYS)
    assert len(shortcut_rows()) > 20


def test_every_action_does_something(opened: MainWindow) -> None:
    for spec in ACTIONS:
        action = opened._actions[spec.name]
        assert action.receivers(action.triggered) > 0, spec.name


def test_welcome_page_tells_what_to_do_and_panels_are_away(window: MainWindow) -> None:
    assert find(window, QWidget, "welcomePage").isVisible()
    assert find(window, QAbstractButton, "openButton").isEnabled()
    assert not find(window, QWidget, "tracePlot").isVisible()
    assert not find(window, QAction, "actionExport").isEnabled()
    assert find(window, QAction, "actionOpen").isEnabled()


def test_opening_shows_the_panels_and_closing_the_welcome_page(
    qtbot, opened: MainWindow, settle
) -> None:
    assert not find(opened, QWidget, "welcomePage").isVisible()
    assert find(opened, QWidget, "tracePlot").isVisible()
    assert "recording.h5" in opened.windowTitle()
    qtbot.keyClick(opened, Qt.Key.Key_W, Qt.KeyboardModifier.ControlModifier)
    assert opened.session.source is None
    assert find(opened, QWidget, "welcomePage").isVisible()
    assert not find(opened, QWidget, "tracePlot").isVisible()


def test_window_fits_a_small_screen(qtbot, opened: MainWindow) -> None:
    opened.resize(1024, 700)
    QApplication.processEvents()
    assert opened.width() <= 1024
    assert opened.height() <= 700
    view = find(opened, QWidget, "frameGraphics")
    assert view.height() >= 200
    assert view.width() >= 400


# ---------------------------------------------------------------------- keys


@pytest.mark.parametrize(
    ("key", "start", "end"),
    [
        (Qt.Key.Key_Right, 5, 6),
        (Qt.Key.Key_Left, 5, 4),
        (Qt.Key.Key_Period, 5, 6),
        (Qt.Key.Key_Comma, 5, 4),
        (Qt.Key.Key_Home, 5, 0),
        (Qt.Key.Key_End, 5, 11),
        (Qt.Key.Key_PageDown, 5, 6),
        (Qt.Key.Key_PageUp, 5, 4),
        (Qt.Key.Key_Right, 11, 11),
    ],
)
def test_keys_go_through_the_frames(qtbot, opened: MainWindow, key, start: int, end: int) -> None:
    opened.session.set_frame(start)
    graphics = find(opened, QWidget, "frameGraphics")
    graphics.setFocus()
    qtbot.keyClick(graphics, key)
    assert opened.session.frame == end


def test_keys_go_through_the_frames_right_after_opening(qtbot, opened: MainWindow) -> None:
    focus = opened.focusWidget() or opened
    qtbot.keyClick(focus, Qt.Key.Key_Right)
    assert opened.session.frame == 1


def test_space_plays_and_pauses(qtbot, opened: MainWindow) -> None:
    graphics = find(opened, QWidget, "frameGraphics")
    graphics.setFocus()
    qtbot.keyClick(graphics, Qt.Key.Key_Space)
    assert opened.time_bar.playing
    qtbot.keyClick(graphics, Qt.Key.Key_Space)
    assert not opened.time_bar.playing


def test_space_on_a_button_presses_the_button(qtbot, opened: MainWindow) -> None:
    button = find(opened, QAbstractButton, "borderButton")
    button.setFocus()
    qtbot.keyClick(button, Qt.Key.Key_Space)
    assert not button.isChecked()
    assert not opened.time_bar.playing


def test_typing_a_number_does_not_move_frames_or_zoom(qtbot, opened: MainWindow) -> None:
    spin = find(opened, QSpinBox, "frameSpin")
    view = opened.frame_view
    before = view.pixel_to_widget(1, 1)
    spin.setFocus()
    spin.selectAll()
    qtbot.keyClicks(spin, "45")
    assert opened.session.frame == 0
    assert view.pixel_to_widget(1, 1) == before


def test_plus_and_minus_zoom_and_control_r_fits(qtbot, opened: MainWindow) -> None:
    graphics = find(opened, QWidget, "frameGraphics")

    def size() -> float:
        view = opened.frame_view
        return view.pixel_to_widget(1, 0).x() - view.pixel_to_widget(0, 0).x()

    fitted = size()
    qtbot.keyClick(graphics, Qt.Key.Key_Plus)
    assert size() > 1.2 * fitted
    qtbot.keyClick(graphics, Qt.Key.Key_Minus)
    assert size() == pytest.approx(fitted, rel=0.01)
    for key, modifier in (
        (Qt.Key.Key_R, Qt.KeyboardModifier.ControlModifier),
        (Qt.Key.Key_4, Qt.KeyboardModifier.NoModifier),
    ):
        qtbot.keyClick(graphics, Qt.Key.Key_5)
        assert size() * opened.devicePixelRatioF() == pytest.approx(1.0, rel=0.02)
        qtbot.keyClick(graphics, key, modifier)
        qtbot.waitUntil(lambda: abs(size() - fitted) < 0.02 * fitted, timeout=PATIENCE)


def test_control_z_takes_a_change_back(qtbot, opened: MainWindow, settle) -> None:
    session = opened.session
    before = session.recipe
    session.set_recipe(before.replace(border_px=3), "Change the border")
    assert "Change the border" in opened._actions["actionUndo"].text()
    qtbot.keyClick(opened, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    assert session.recipe == before
    assert not opened._actions["actionUndo"].isEnabled()
    modifiers = Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier
    qtbot.keyClick(opened, Qt.Key.Key_Z, modifiers)
    assert session.recipe.border_px == 3
    settle(session)


def test_control_c_copies_the_view(qtbot, opened: MainWindow) -> None:
    QApplication.clipboard().clear()
    qtbot.keyClick(opened, Qt.Key.Key_C, Qt.KeyboardModifier.ControlModifier)
    image = QApplication.clipboard().image()
    # The image without what is around it.
    assert image.width() / image.height() == pytest.approx(80 / 60, rel=0.02)
    assert image.height() > find(opened, QWidget, "frameGraphics").height() * 0.9


def test_f1_shows_all_keys(qtbot, opened: MainWindow) -> None:
    qtbot.keyClick(opened, Qt.Key.Key_F1)
    dialog = find(opened, QDialog, "shortcutsDialog")
    assert dialog.isVisible()
    qtbot.keyClick(dialog, Qt.Key.Key_Escape)
    qtbot.waitUntil(lambda: not opened.findChildren(QDialog, "shortcutsDialog"), timeout=PATIENCE)


# ---------------------------------------------------------------------- files


def test_dropped_file_is_opened(qtbot, window: MainWindow, recording: Path, settle) -> None:
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(recording))])
    for kind, place in ((QDragEnterEvent, QPoint(50, 50)), (QDropEvent, QPointF(50, 50))):
        event = kind(
            place,
            Qt.DropAction.CopyAction,
            data,
            Qt.MouseButton.LeftButton,
            Qt.KeyboardModifier.NoModifier,
        )
        QApplication.sendEvent(window, event)
        assert event.isAccepted()
    qtbot.waitUntil(lambda: window.session.path == recording, timeout=PATIENCE)
    settle(window.session)


def test_tiff_asks_for_what_it_does_not_say_and_is_opened(
    qtbot, window: MainWindow, tmp_path: Path, settle
) -> None:
    import tifffile

    path = tmp_path / "stack.tif"
    tifffile.imwrite(path, decaying(6).astype(np.uint16))
    window.open_path(path)
    qtbot.waitUntil(lambda: bool(window.findChildren(QDialog, "importDialog")), timeout=PATIENCE)
    dialog = find(window, QDialog, "importDialog")
    dialog.findChild(QWidget, "importIntervalSpin").setValue(0.5)
    dialog.accept()
    qtbot.waitUntil(lambda: window.session.source is not None, timeout=PATIENCE)
    settle(window.session)
    assert window.session.path == tmp_path / "stack.h5"
    assert window.session.times[3] == 1.5
    qtbot.waitUntil(lambda: not window.findChildren(QDialog, "importDialog"), timeout=PATIENCE)


def test_error_is_one_sentence_with_details_and_the_program_goes_on(
    qtbot, opened: MainWindow, tmp_path: Path, settle
) -> None:
    bad = tmp_path / "bad.h5"
    bad.write_bytes(b"nothing")
    opened.open_path(bad)
    settle(opened.session)
    bar = opened.message_bar
    assert bar.isVisible()
    assert "bad.h5" in bar.text
    details = find(bar, QWidget, "messageDetails")
    assert not details.isVisible()
    qtbot.mouseClick(find(bar, QAbstractButton, "messageDetailsButton"), Qt.MouseButton.LeftButton)
    assert details.isVisible()
    assert "Traceback" in details.toPlainText()
    graphics = find(opened, QWidget, "frameGraphics")
    qtbot.keyClick(graphics, Qt.Key.Key_Escape)
    assert not bar.isVisible()
    qtbot.keyClick(graphics, Qt.Key.Key_Right)
    assert opened.session.frame == 1


def test_opened_files_are_offered_again(
    qtbot, window: MainWindow, recording: Path, tmp_path: Path, settle
) -> None:
    other = write_series(tmp_path / "other.h5", decaying(4))
    for path in (recording, other, recording):
        window.open_path(path)
        settle(window.session)
    assert window.settings.get(Preferences.recent) == [str(recording), str(other)]
    menu = find(window, QMenu, "menuRecent")

    def texts() -> list[str]:
        return [each.text() for each in menu.actions() if "Recent" in each.objectName()]

    assert texts()[:2] == ["&1 recording.h5", "&2 other.h5"]
    other.unlink()
    window.session.close()
    menu.aboutToShow.emit()
    assert texts()[:2] == ["&1 recording.h5", "&Forget these"]
    find(window, QAction, "actionForgetRecent").trigger()
    assert window.settings.get(Preferences.recent) == []
    assert not menu.isEnabled()


# ---------------------------------------------------------------------- leaving


def slow_export(window: MainWindow, out: Path, monkeypatch) -> threading.Event:
    from flimage.correct import FrameCorrector

    original, entered = FrameCorrector.frame, threading.Event()

    def slow(self, index):
        entered.set()
        time.sleep(0.05)
        return original(self, index)

    monkeypatch.setattr(FrameCorrector, "frame", slow)
    window.session.export(out)
    assert entered.wait(10)
    return entered


def test_the_folder_of_the_example_is_not_where_files_are_looked_for(
    qtbot, opened: MainWindow, recording: Path, settings: Settings, settle
) -> None:
    find(opened, QAction, "actionExample").trigger()
    settle(opened.session)
    assert opened.session.path == assets.example_path()
    assert settings.get(Preferences.folder) == str(recording.parent)


def test_closing_while_writing_asks_and_can_be_taken_back(
    qtbot, opened: MainWindow, tmp_path: Path, monkeypatch, settle
) -> None:
    out = tmp_path / "out.h5"
    slow_export(opened, out, monkeypatch)
    seen: list[str] = []
    answer("cancelQuestion", "cancelQuestionNoButton", seen)
    assert not opened.close()
    assert "out.h5" in seen[0]
    assert opened.isVisible()
    settle(opened.session)
    assert out.exists()


def test_closing_while_writing_cancels_and_waits(
    qtbot, opened: MainWindow, tmp_path: Path, monkeypatch
) -> None:
    folder = tmp_path / "out"
    folder.mkdir()
    slow_export(opened, folder / "out.h5", monkeypatch)
    seen: list[str] = []
    answer("cancelQuestion", "cancelQuestionYesButton", seen)
    assert opened.close()
    assert list(folder.iterdir()) == []
    assert opened.session.source is None


def test_closing_with_unsaved_backgrounds_asks(qtbot, opened: MainWindow, settle) -> None:
    opened.session.assign_background(np.zeros((60, 80), dtype=np.float32), None, "Zero")
    settle(opened.session)
    assert opened.isWindowModified()
    seen: list[str] = []
    answer("discardQuestion", "discardQuestionNoButton", seen)
    assert not opened.close()
    answer("discardQuestion", "discardQuestionYesButton", seen)
    assert opened.close()
    assert len(seen) == 2
    assert "recording.h5" in seen[0]


def test_closing_at_rest_asks_nothing(qtbot, opened: MainWindow) -> None:
    assert opened.close()
    assert opened.session.source is None


def test_window_is_found_again_as_it_was_left(
    qtbot, window: MainWindow, settings: Settings, recording: Path, settle
) -> None:
    # Qt brings back no size that the screen has no room for.
    room = QApplication.primaryScreen().availableGeometry()
    window.open_path(recording)
    settle(window.session)
    window.resize(room.width() - 40, room.height() - 80)
    size = window.size()
    window.frame_view.colormap = "Viridis"
    window._docks["metadataDock"].hide()
    assert window.close()
    again = MainWindow(settings)
    try:
        again.show()
        again.open_path(recording)
        settle(again.session)
        if size.width() <= room.width() and size.height() <= room.height():
            assert again.size() == size
        assert again.frame_view.colormap == "Viridis"
        assert again._docks["metadataDock"].isHidden()
        assert not again._docks["bleachDock"].isHidden()
    finally:
        again.session.shut_down()
        again.hide()
        sip.delete(again)


# ---------------------------------------------------------------------- after export


def test_written_file_is_offered_to_be_opened_beside_its_recording(
    qtbot, opened: MainWindow, recording: Path, tmp_path: Path, settle
) -> None:
    out = tmp_path / "corrected.h5"
    opened.session.export(out)
    settle(opened.session)
    button = find(opened.message_bar, QAbstractButton, "messageActionButton")
    assert button.isVisible()
    assert str(out) in opened.message_bar.text
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
    (beside,) = (each for each in opened.windows.open if each is not opened)
    try:
        qtbot.waitUntil(lambda: beside.session.path == out, timeout=PATIENCE)
        settle(beside.session)
        assert opened.session.path == recording
    finally:
        beside.session.shut_down()
        beside.hide()
        sip.delete(beside)


def test_status_bar_tells_place_value_time_and_frame(qtbot, opened: MainWindow, settle) -> None:
    opened.frame_view.pixel_hovered.emit((40, 30))
    text = find(opened, QLabel, "pixelLabel").text()
    value = float(decaying()[0, 30, 40])
    assert "x 40, y 30 px" in text
    assert "4.05" in text
    assert f"{value:.1f}"[:4] in text
    opened.session.set_frame(3)
    text = find(opened, QLabel, "frameLabel").text()
    assert "1.5 s" in text
    assert "frame 3 of 0–11" in text
    assert "80 × 60" in text


def test_names_that_are_too_long_keep_the_number_at_their_end(
    window: MainWindow, tmp_path: Path, settle
) -> None:
    path = tmp_path / "long.h5"
    with FLSeries(h5file=path, h5mode="w") as series:
        for number, frame in enumerate(decaying()):
            name = f"2026-11-29_embryo 3_488 nm_confocal:{number:03d}"
            series.add_flimage(FLImage(frame, meta_data={"identifier": name, "time": number}))
    window.open_path(path)
    settle(window.session)
    window.session.set_frame(7)
    said = find(window, QLabel, "frameLabel").text().split("   ")[0]
    assert said.startswith("2026-11-29")
    assert said.endswith("confocal:007")
    assert len(said) == 24
    for name in ("frameTable", "metadataTable"):
        table = find(window, QTableView, name)
        assert table.textElideMode() == Qt.TextElideMode.ElideMiddle, name


@pytest.mark.parametrize(
    ("name", "most", "short"), [("abcdef", 6, "abcdef"), ("abcdefg", 6, "ab…efg"), ("abc", 2, "…c")]
)
def test_a_name_is_shortened_in_its_middle(name: str, most: int, short: str) -> None:
    assert shortened(name, most) == short


# ---------------------------------------------------------------------- theme, settings, notify


def test_plots_and_image_follow_the_theme(qtbot, qapp, opened: MainWindow) -> None:
    before, sheet = QPalette(qapp.palette()), qapp.styleSheet()
    style = qapp.style().objectName()
    try:
        grounds = {}
        for name in ("light", "dark"):
            opened.set_theme(name)
            QApplication.processEvents()
            plot = find(opened, QWidget, "tracePlot")
            picture = plot.grab().toImage()
            grounds[name] = QColor(picture.pixel(picture.width() - 2, picture.height() - 2))
        assert grounds["light"].lightness() > 200
        assert grounds["dark"].lightness() < 60
        assert opened.settings.get(Preferences.theme) == "dark"
    finally:
        qapp.setStyleSheet(sheet)
        qapp.setStyle(style)
        qapp.setPalette(before)


@pytest.mark.parametrize("colors", [theme.LIGHT, theme.DARK], ids=["light", "dark"])
def test_texts_can_be_read_on_their_grounds(colors: theme.Theme) -> None:
    def luminance(name: str) -> float:
        color = QColor(name)
        parts = [color.redF(), color.greenF(), color.blueF()]
        linear = [c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    def contrast(a: str, b: str) -> float:
        low, high = sorted((luminance(a), luminance(b)))
        return (high + 0.05) / (low + 0.05)

    for ground in (colors.window, colors.base, colors.button, colors.panel_title, colors.error):
        assert contrast(colors.text, ground) >= 7
    for ground in (colors.window, colors.base):
        assert contrast(colors.dim, ground) >= 4.5
    assert contrast(colors.accent_text, colors.accent) >= 3.5


def test_every_icon_can_be_drawn(qapp) -> None:
    for path in assets.folder().glob("icon-*.svg"):
        name = path.stem.removeprefix("icon-")
        icon = assets.app_icon() if name == "flimage" else assets.icon(name)
        image = icon.pixmap(32, 32).toImage()
        colors = {image.pixel(x, y) for x in range(32) for y in range(32)}
        assert len(colors) > 1, f"{name} is empty"


def test_damaged_settings_are_their_defaults(tmp_path: Path) -> None:
    store = QSettings(str(tmp_path / "s.ini"), QSettings.Format.IniFormat)
    settings = Settings(store)
    store.setValue("cache_megabytes", "many")
    store.setValue("theme", "pink")
    store.setValue("playback", -3)
    assert settings.get(Preferences.cache_megabytes) == 48
    assert settings.get(Preferences.theme) == "system"
    assert settings.get(Preferences.playback_speed) == "suitable"


def test_settings_come_back_with_their_types(tmp_path: Path) -> None:
    path = str(tmp_path / "s.ini")
    settings = Settings(QSettings(path, QSettings.Format.IniFormat))
    values = {
        "wheel_steps": True,
        "show_border": False,
        "cache_megabytes": 128,
        "playback_speed": "2",
        "theme": "dark",
        "recent": ["/a/b.h5"],
        "geometry": QByteArray(b"\x00\x01"),
    }
    for name, value in values.items():
        settings.set(getattr(Preferences, name), value)
    settings._store.sync()
    again = Settings(QSettings(path, QSettings.Format.IniFormat))
    for name, value in values.items():
        assert again.get(getattr(Preferences, name)) == value
        assert type(again.get(getattr(Preferences, name))) is type(value)


def test_each_preference_is_declared_once() -> None:
    declared = Preferences.all()
    assert len({p.key for p in declared}) == len(declared)


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (InputError("The border is too wide; use 5."), "The border is too wide; use 5."),
        (FileNotFoundError(2, "No such file", "/a/b.h5"), "/a/b.h5 does not exist"),
        (PermissionError(13, "Permission denied", "/a/b.h5"), "/a/b.h5 may not be"),
        (KeyError("x"), "Something went wrong"),
        (ValueError("line one\nline two"), "line one line two"),
    ],
)
def test_errors_are_told_in_one_sentence(error: Exception, sentence: str) -> None:
    text = sentence_of(error)
    assert sentence in text
    assert "\n" not in text
    assert text.endswith(".")
    assert type(error).__name__ in details_of(error)


def test_exceptions_of_any_thread_reach_the_window(qtbot, opened: MainWindow, monkeypatch) -> None:
    told = []
    monkeypatch.setattr(sys, "excepthook", lambda *args: told.append(args))
    monkeypatch.setattr(threading, "excepthook", lambda args: told.append(args))
    reporter = ExceptionReporter()
    reporter.caught.connect(opened.message_bar.show_error)
    reporter.install()
    try:
        error = RuntimeError("from the window")
        sys.excepthook(RuntimeError, error, None)
        assert "from the window" in opened.message_bar.text

        def fail() -> None:
            raise RuntimeError("from a thread")

        thread = threading.Thread(target=fail)
        thread.start()
        thread.join()
        qtbot.waitUntil(lambda: "from a thread" in opened.message_bar.text, timeout=PATIENCE)
        assert len(told) == 2
    finally:
        reporter.remove()


# ---------------------------------------------------------------------- the command


def run_command(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    import os

    base = {k: v for k, v in os.environ.items() if k not in ("DISPLAY", "WAYLAND_DISPLAY")}
    return subprocess.run(
        [sys.executable, "-m", "flimage_gui", *arguments],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        env={**base, **environment},
    )


def test_without_a_display_the_command_says_so_and_exits_with_3() -> None:
    if not sys.platform.startswith("linux"):
        pytest.skip("only Linux starts programs without a display")
    done = run_command(QT_QPA_PLATFORM="")
    assert done.returncode == 3
    assert "no display" in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_command_opens_a_file_and_quits_after_the_time(recording: Path) -> None:
    done = run_command(str(recording), "--quit-after", "2", QT_QPA_PLATFORM="offscreen")
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
