"""What other programs read is chosen and written by clicks, as the library writes it."""

from __future__ import annotations

import csv
import errno
import importlib.util
import json
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from controls import choose, click, find, type_number
from PIL import Image
from PyQt5.QtCore import Qt
from PyQt5.QtGui import QDesktopServices
from PyQt5.QtWidgets import (
    QAbstractSpinBox,
    QAction,
    QApplication,
    QCheckBox,
    QComboBox,
    QDialog,
    QLabel,
    QLineEdit,
    QProgressBar,
    QPushButton,
    QWidget,
)
from repeating import run_commands, run_python

from flimage import bleach, extras
from flimage.export import Images, Request, write
from flimage.export import frames as export_frames
from flimage.export.movie_frame import palette
from flimage.recipe import Region
from flimage.scan import scan_series
from flimage_gui.colormaps import COLORMAPS, color_table
from flimage_gui.editor import Editor
from flimage_gui.export_kinds import KINDS, colormap_name
from flimage_gui.labels import Notice
from flimage_gui.main_window import MainWindow
from flimage_gui.session import Session
from flimage_gui.spin_boxes import ValueSpin

PATIENCE = 30_000
needs_zarr = pytest.mark.skipif(
    importlib.util.find_spec("zarr") is None, reason="an extra, and not there for every Python"
)
CTRL, SHIFT = Qt.KeyboardModifier.ControlModifier, Qt.KeyboardModifier.ShiftModifier


@pytest.fixture
def fitted(opened: MainWindow, settle) -> MainWindow:
    opened.session.run_fit()
    settle(opened.session)
    return opened


def ask(qtbot, window: MainWindow) -> QDialog:
    """Open the dialog by its key."""
    window.activateWindow()
    qtbot.waitUntil(window.isActiveWindow)
    qtbot.keyClick(window.frame_view, Qt.Key.Key_E, CTRL | SHIFT)
    dialog = find(window, QDialog, "exportAsDialog")
    qtbot.waitUntil(dialog.isActiveWindow)
    return dialog


def set_path(qtbot, dialog: QWidget, path: Path | str, name: str = "exportAsPathEdit") -> None:
    edit = find(dialog, QLineEdit, name)
    edit.setFocus()
    edit.selectAll()
    qtbot.keyClick(edit, Qt.Key.Key_Delete)
    qtbot.keyClicks(edit, str(path))


def path_of(dialog: QDialog) -> Path:
    return Path(find(dialog, QLineEdit, "exportAsPathEdit").text())


def kind_of(dialog: QDialog) -> str:
    return find(dialog, QComboBox, "exportAsKindCombo").currentData()


def type_value(qtbot, dialog: QDialog, name: str, value: float) -> None:
    spin = find(dialog, ValueSpin, name)
    spin.setFocus()
    spin.selectAll()
    qtbot.keyClicks(spin, str(value))
    qtbot.keyClick(spin, Qt.Key.Key_Tab)


def finish(qtbot, dialog: QDialog) -> str:
    """Wait until it is written; return what is told about it."""
    notice = find(dialog, Notice, "exportAsDoneNotice")
    qtbot.waitUntil(notice.isVisible, timeout=PATIENCE)
    return notice.text().replace("\u200b", "")


def export(qtbot, window: MainWindow, path: Path, **chosen: Any) -> str:
    """Export by clicks; the ending of the path chooses the kind."""
    dialog = ask(qtbot, window)
    set_path(qtbot, dialog, path)
    for name, value in chosen.items():
        if name.endswith("Combo"):
            choose(qtbot, dialog, f"exportAs{name}", value)
        else:
            click(qtbot, dialog, f"exportAs{name}")
    click(qtbot, dialog, "exportAsWriteButton")
    said = finish(qtbot, dialog)
    click(qtbot, dialog, "exportAsCloseButton")
    qtbot.waitUntil(lambda: not window.findChildren(QDialog, "exportAsDialog"))
    return said


def expected(session: Session, kind: str = "bleach-corrected") -> np.ndarray:
    """The images as the library makes them of recording, edits and settings."""
    recipe = session.recipe
    fit = bleach.fit(scan_series(session.source, recipe), recipe)
    images = Images(session.source, kind, fit)
    return np.stack([images.image(number) for number in range(len(images))]).astype(np.float32)


# ---------------------------------------------------------------------- what is offered


def test_every_kind_says_what_opens_it_and_suggests_a_name_that_replaces_nothing(
    qtbot, fitted: MainWindow, recording: Path
) -> None:
    recording.with_name("recording_corrected.ome.tif").touch()
    dialog = ask(qtbot, fitted)
    said = set()
    for kind in KINDS:
        choose(qtbot, dialog, "exportAsKindCombo", kind.format)
        said.add(find(dialog, QLabel, "exportAsKindLabel").text())
        suggested = path_of(dialog)
        assert suggested.parent == recording.parent
        assert suggested.name.startswith("recording")
        assert suggested.name.endswith(kind.suffix)
        assert not suggested.exists()
        assert find(dialog, QPushButton, "exportAsWriteButton").isEnabled()
    assert len(said) == len(KINDS)
    choose(qtbot, dialog, "exportAsKindCombo", "ome")
    assert path_of(dialog).name == "recording_corrected_2.ome.tif"
    choose(qtbot, dialog, "exportAsImagesCombo", "raw")
    assert path_of(dialog).name == "recording_raw.ome.tif"
    dialog.reject()


@pytest.mark.parametrize(
    ("kind", "offered"),
    [
        ("ome", "Images First Last Pixels"),
        ("imagej", "Images First Last Pixels"),
        ("zarr", "Images First Last"),
        ("mp4", "Images First Last Range Rate Colormap"),
        ("gif", "Images First Last Range Rate Colormap"),
        ("csv", "Content"),
        ("html", ""),
        ("json", ""),
        ("png", ""),
    ],
)
def test_only_what_a_kind_has_can_be_chosen(
    qtbot, fitted: MainWindow, kind: str, offered: str
) -> None:
    dialog = ask(qtbot, fitted)
    choose(qtbot, dialog, "exportAsKindCombo", kind)
    controls = {
        name: find(dialog, QWidget, f"exportAs{name}{what}")
        for what, names in {
            "Combo": "Images Content Pixels Range Colormap",
            "Spin": "First Last Low High Rate",
            "Check": "Clip",
        }.items()
        for name in names.split()
    }
    seen = {name for name, control in controls.items() if control.isVisible()}
    assert seen == set(offered.split())
    dialog.reject()


def test_a_typed_ending_chooses_the_kind_and_a_kind_the_ending(
    qtbot, fitted: MainWindow, tmp_path: Path
) -> None:
    dialog = ask(qtbot, fitted)
    for name, kind in (
        ("a.csv", "csv"),
        ("a.tif", "imagej"),
        ("a.OME.TIF", "ome"),
        ("b.gif", "gif"),
    ):
        set_path(qtbot, dialog, tmp_path / name)
        assert kind_of(dialog) == kind
    choose(qtbot, dialog, "exportAsKindCombo", "zarr")
    assert path_of(dialog) == tmp_path / "b.zarr"
    dialog.reject()


def test_the_dialog_is_as_high_as_what_can_be_chosen(qtbot, fitted: MainWindow) -> None:
    dialog = ask(qtbot, fitted)
    heights = {}
    for kind in ("html", "mp4", "imagej", "csv", "ome", "html"):
        choose(qtbot, dialog, "exportAsKindCombo", kind)
        qtbot.wait(20)
        heights[kind] = dialog.height()
        for control in dialog.findChildren((QComboBox, QAbstractSpinBox, QPushButton)):
            if control.isVisible():
                assert control.height() >= control.minimumSizeHint().height(), control.objectName()
    assert heights["html"] < heights["csv"] < heights["ome"] < heights["mp4"]
    dialog.reject()


def test_a_movie_starts_with_the_colours_of_the_view(qtbot, fitted: MainWindow) -> None:
    fitted.frame_view.colormap = "Viridis inverted"
    dialog = ask(qtbot, fitted)
    choose(qtbot, dialog, "exportAsKindCombo", "mp4")
    assert find(dialog, QComboBox, "exportAsColormapCombo").currentText() == "Viridis inverted"
    dialog.reject()


@pytest.mark.parametrize("shown", COLORMAPS)
def test_colours_of_the_window_are_those_that_the_library_knows_by_name(shown: str) -> None:
    found = palette(colormap_name(shown))[:224]
    places = np.linspace(0, 255, 224).round().astype(int)
    # There are two versions of some maps, which differ a little.
    assert np.abs(found.astype(float) - color_table(shown)[places]).mean() < 4


# ---------------------------------------------------------------------- what is written


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("a.ome.tif", "bleach-corrected"),
        ("a.tif", "raw"),
        ("a.ome.tif", "background-corrected"),
        pytest.param("a.zarr", "bleach-corrected", marks=needs_zarr),
    ],
)
def test_images_are_those_of_the_library_with_edits_and_settings_as_they_are(
    qtbot, fitted: MainWindow, tmp_path: Path, settle, name: str, kind: str
) -> None:
    session = fitted.session
    Editor(session).delete([0])
    session.assign_background(np.full(session.shape, 3.25, np.float32), [2], "Dark")
    session.set_recipe(session.recipe.replace(border_px=5, model="linear"), "Tune")
    settle(session)
    said = export(qtbot, fitted, tmp_path / name, ImagesCombo=kind)
    assert f"11 {kind} images" in said
    wanted = expected(session, kind)
    assert len(wanted) == 11
    if name.endswith(".zarr"):
        import zarr

        found = zarr.open_group(tmp_path / name, mode="r")["0"][:]
    else:
        found = tifffile.imread(tmp_path / name)
    np.testing.assert_array_equal(found, wanted)


def test_chosen_frames_are_written_as_whole_numbers_with_the_scale_that_is_told(
    qtbot, fitted: MainWindow, tmp_path: Path
) -> None:
    dialog = ask(qtbot, fitted)
    set_path(qtbot, dialog, tmp_path / "small.tif")
    type_number(qtbot, dialog, "exportAsFirstSpin", 3, enter=False)
    type_number(qtbot, dialog, "exportAsLastSpin", 7, enter=False)
    choose(qtbot, dialog, "exportAsPixelsCombo", "uint16")
    click(qtbot, dialog, "exportAsWriteButton")
    said = finish(qtbot, dialog)
    assert "5 bleach-corrected images" in said
    with tifffile.TiffFile(tmp_path / "small.tif") as file:
        stored, properties = file.asarray(), file.imagej_metadata
    assert stored.dtype == np.uint16
    assert f"stored number × {properties['c1']!r} + {properties['c0']!r}" in said
    restored = stored * properties["c1"] + properties["c0"]
    wanted = expected(fitted.session)[3:8]
    np.testing.assert_allclose(restored, wanted, atol=properties["c1"])
    dialog.reject()


def test_values_outside_a_range_are_refused_or_cut_off_and_counted(
    qtbot, fitted: MainWindow, tmp_path: Path
) -> None:
    target = tmp_path / "cut.ome.tif"
    dialog = ask(qtbot, fitted)
    set_path(qtbot, dialog, target)
    choose(qtbot, dialog, "exportAsPixelsCombo", "uint16")
    choose(qtbot, dialog, "exportAsRangeCombo", "own")
    type_value(qtbot, dialog, "exportAsLowSpin", 500)
    type_value(qtbot, dialog, "exportAsHighSpin", 0)
    assert "smaller number first" in find(dialog, Notice, "exportAsWarning").text()
    assert not find(dialog, QPushButton, "exportAsWriteButton").isEnabled()
    type_value(qtbot, dialog, "exportAsLowSpin", 0)
    type_value(qtbot, dialog, "exportAsHighSpin", 100)
    click(qtbot, dialog, "exportAsWriteButton")
    failure = find(dialog, Notice, "exportAsFailure")
    qtbot.waitUntil(failure.isVisible, timeout=PATIENCE)
    assert "would be cut off" in failure.text()
    assert not target.exists()
    click(qtbot, dialog, "exportAsClipCheck")
    click(qtbot, dialog, "exportAsWriteButton")
    said = finish(qtbot, dialog)
    wanted = expected(fitted.session)
    step = 100 / 65535
    outside = np.count_nonzero((wanted < -step / 2) | (wanted > 100 + step / 2))
    assert f"{outside} pixels were outside the range and were cut off" in said
    found = tifffile.imread(target)
    np.testing.assert_allclose(found * step, np.clip(wanted, 0, 100), atol=step)
    dialog.reject()


def test_what_was_typed_last_counts_also_where_the_focus_stays_in_it(
    qtbot, fitted: MainWindow, tmp_path: Path
) -> None:
    dialog = ask(qtbot, fitted)
    set_path(qtbot, dialog, tmp_path / "few.tif")
    choose(qtbot, dialog, "exportAsPixelsCombo", "uint16")
    choose(qtbot, dialog, "exportAsRangeCombo", "own")
    type_number(qtbot, dialog, "exportAsLastSpin", 3, enter=False)
    spin = find(dialog, ValueSpin, "exportAsHighSpin")
    spin.setFocus()
    spin.selectAll()
    qtbot.keyClicks(spin, "-99")
    # The mnemonic of the button leaves the focus where it is.
    find(dialog, QPushButton, "exportAsWriteButton").click()
    assert "smaller number first" in find(dialog, Notice, "exportAsWarning").text()
    spin.selectAll()
    qtbot.keyClicks(spin, "60000")
    type_value(qtbot, dialog, "exportAsLowSpin", -500)
    find(dialog, QPushButton, "exportAsWriteButton").click()
    assert "4 bleach-corrected images" in finish(qtbot, dialog)
    dialog.reject()


def test_a_movie_is_that_of_the_library(qtbot, fitted: MainWindow, tmp_path: Path) -> None:
    session = fitted.session
    said = export(qtbot, fitted, tmp_path / "a.gif", ColormapCombo="Inferno")
    assert "a movie of 12 frames" in said
    assert "Raw is shown from" in said
    with Image.open(tmp_path / "a.gif") as movie:
        assert movie.n_frames == 12
    request = Request(tmp_path / "b.gif", colormap="inferno")
    write(session.source, request, session.recipe, fit=session.fit)
    assert (tmp_path / "a.gif").read_bytes() == (tmp_path / "b.gif").read_bytes()
    export(qtbot, fitted, tmp_path / "one.mp4", ImagesCombo="raw")
    assert b"ftyp" in (tmp_path / "one.mp4").read_bytes()[:16]


def test_tables_hold_the_fit_or_the_named_regions(
    qtbot, fitted: MainWindow, tmp_path: Path, settle
) -> None:
    session = fitted.session
    export(qtbot, fitted, tmp_path / "fit.csv")
    with (tmp_path / "fit.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    np.testing.assert_array_equal([float(row["gain [1]"]) for row in rows], session.fit.gain)
    regions = fitted.looking.named_regions
    regions.add(Region("rectangle", ((30, 20), (50, 40))))
    regions.add(Region("ellipse", ((5, 5), (20, 20))))
    settle(session)
    export(qtbot, fitted, tmp_path / "regions.csv", ContentCombo="regions")
    with (tmp_path / "regions.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    name = session.regions[0].name
    corrected = expected(session)[:, 20:40, 30:50].mean((1, 2))
    found = [float(row[f"{name}: bleach-corrected [counts/px]"]) for row in rows]
    np.testing.assert_allclose(found, corrected, rtol=1e-6)


def test_report_fit_and_figures_are_written(qtbot, fitted: MainWindow, tmp_path: Path) -> None:
    starts = {
        "html": b"<!DOCTYPE",
        "png": b"\x89PNG",
        "svg": b"<?xml",
        "pdf": b"%PDF",
        "json": b"{",
    }
    for ending, start in starts.items():
        export(qtbot, fitted, tmp_path / f"a.{ending}")
        assert (tmp_path / f"a.{ending}").read_bytes()[:9].lower().startswith(start.lower())
    stored = json.loads((tmp_path / "a.json").read_text(encoding="utf-8"))["fit"]
    assert stored == json.loads(json.dumps(fitted.session.fit.to_dict()))


def test_without_a_fit_it_is_made_told_and_kept(
    qtbot, opened: MainWindow, tmp_path: Path, settle
) -> None:
    dialog = ask(qtbot, opened)
    assert "look at it" in find(dialog, Notice, "exportAsWarning").text()
    choose(qtbot, dialog, "exportAsImagesCombo", "raw")
    assert not find(dialog, Notice, "exportAsWarning").isVisible()
    choose(qtbot, dialog, "exportAsImagesCombo", "bleach-corrected")
    set_path(qtbot, dialog, tmp_path / "a.tif")
    click(qtbot, dialog, "exportAsWriteButton")
    assert "Correction good: " in finish(qtbot, dialog)
    dialog.reject()
    settle(opened.session)
    assert opened.session.fit_current


def test_a_corrected_series_is_offered_and_written_as_it_stands(
    qtbot, fitted: MainWindow, tmp_path: Path, settle
) -> None:
    session = fitted.session
    session.export(tmp_path / "c.h5")
    settle(session)
    fitted.open_path(tmp_path / "c.h5")
    settle(session)
    dialog = ask(qtbot, fitted)
    assert find(dialog, QComboBox, "exportAsImagesCombo").currentText().startswith("As stored")
    dialog.reject()
    qtbot.waitUntil(lambda: not fitted.findChildren(QDialog, "exportAsDialog"))
    said = export(qtbot, fitted, tmp_path / "c.ome.tif")
    assert "12 bleach-corrected images" in said
    wanted = [session.source.raw(i) for i in range(12)]
    np.testing.assert_array_equal(tifffile.imread(tmp_path / "c.ome.tif"), wanted)


def test_the_folder_of_what_was_written_is_shown(
    qtbot, fitted: MainWindow, tmp_path: Path, monkeypatch
) -> None:
    shown = []
    monkeypatch.setattr(QDesktopServices, "openUrl", lambda url: shown.append(url.toLocalFile()))
    dialog = ask(qtbot, fitted)
    set_path(qtbot, dialog, tmp_path / "a.csv")
    click(qtbot, dialog, "exportAsWriteButton")
    assert str(tmp_path / "a.csv") in finish(qtbot, dialog)
    click(qtbot, dialog, "exportAsFolderButton")
    assert shown == [str(tmp_path)]
    dialog.reject()


# ---------------------------------------------------------------------- what goes wrong


@pytest.mark.parametrize(
    "name",
    [
        "stopped.ome.tif",
        "stopped.gif",
        "stopped.mp4",
        pytest.param("stopped.zarr", marks=needs_zarr),
    ],
)
def test_cancelling_in_the_middle_leaves_nothing(
    qtbot, fitted: MainWindow, tmp_path: Path, settle, monkeypatch, name: str
) -> None:
    started, release = threading.Event(), threading.Event()
    image = export_frames.Images.image

    def slow(self: Images, number: int) -> np.ndarray:
        if number == 5:
            started.set()
            release.wait(20)
        return image(self, number)

    monkeypatch.setattr(export_frames.Images, "image", slow)
    dialog = ask(qtbot, fitted)
    set_path(qtbot, dialog, tmp_path / name)
    # The contrast of a movie is found from frames before.
    if not name.endswith((".tif", ".zarr")):
        monkeypatch.setattr("flimage.export.movie._levels", lambda panes: [(0, 1)] * len(panes))
    before = sorted(tmp_path.iterdir())
    click(qtbot, dialog, "exportAsWriteButton")
    assert started.wait(20)
    try:
        assert find(dialog, QProgressBar, "exportAsProgressBar").isVisible()
        click(qtbot, dialog, "exportAsStopButton")
        assert dialog.isVisible(), "it stays until the writing has stopped"
    finally:
        release.set()
    settle(fitted.session)
    qtbot.waitUntil(find(dialog, QPushButton, "exportAsWriteButton").isVisible)
    assert sorted(tmp_path.iterdir()) == before
    assert path_of(dialog) == tmp_path / name
    dialog.reject()


@pytest.mark.parametrize("name", ["old.csv", pytest.param("old.zarr", marks=needs_zarr)])
def test_what_exists_is_replaced_only_after_the_person_agreed(
    qtbot, fitted: MainWindow, tmp_path: Path, name: str
) -> None:
    target = tmp_path / name
    if target.suffix == ".zarr":
        target.mkdir()
        (target / ".zgroup").write_text("old")
    else:
        target.write_bytes(b"old")
    dialog = ask(qtbot, fitted)
    set_path(qtbot, dialog, target)
    check = find(dialog, QCheckBox, "exportAsOverwriteCheck")
    assert check.isVisible()
    assert ("folder" if target.is_dir() else "file") in check.text()
    assert not find(dialog, QPushButton, "exportAsWriteButton").isEnabled()
    check.setFocus()
    qtbot.keyClick(check, Qt.Key.Key_Space)
    click(qtbot, dialog, "exportAsWriteButton")
    finish(qtbot, dialog)
    if target.is_dir():
        import zarr

        assert zarr.open_group(target, mode="r")["0"].shape == (12, 60, 80)
    else:
        assert b"gain" in target.read_bytes()
    dialog.reject()


def test_a_missing_package_is_told_in_the_sentence_of_the_library(
    qtbot, fitted: MainWindow, tmp_path: Path, settle, monkeypatch
) -> None:
    monkeypatch.setattr(extras.importlib.util, "find_spec", lambda name: None)
    dialog = ask(qtbot, fitted)
    set_path(qtbot, dialog, tmp_path / "a.mp4")
    click(qtbot, dialog, "exportAsWriteButton")
    failure = find(dialog, Notice, "exportAsFailure")
    qtbot.waitUntil(failure.isVisible, timeout=PATIENCE)
    assert "MP4 needs the package av" in failure.text()
    assert not (tmp_path / "a.mp4").exists()
    dialog.reject()
    settle(fitted.session)


def test_a_full_disk_is_told_and_what_was_chosen_stays(
    qtbot, fitted: MainWindow, tmp_path: Path, monkeypatch
) -> None:
    def full(*args: object, **kwargs: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    dialog = ask(qtbot, fitted)
    set_path(qtbot, dialog, tmp_path / "a.tif")
    choose(qtbot, dialog, "exportAsPixelsCombo", "uint16")
    with monkeypatch.context() as patch:
        patch.setattr(tifffile.TiffWriter, "write", full)
        click(qtbot, dialog, "exportAsWriteButton")
        failure = find(dialog, Notice, "exportAsFailure")
        qtbot.waitUntil(failure.isVisible, timeout=PATIENCE)
    assert "a.tif could not be written: the disk is full" in failure.text()
    assert not list(tmp_path.glob("a.tif*"))
    assert find(dialog, QComboBox, "exportAsPixelsCombo").currentData() == "uint16"
    click(qtbot, dialog, "exportAsWriteButton")
    finish(qtbot, dialog)
    assert tifffile.imread(tmp_path / "a.tif").dtype == np.uint16
    dialog.reject()


# ---------------------------------------------------------------------- the two dialogs


def test_a_name_of_another_format_leads_from_one_dialog_to_the_other_and_back(
    qtbot, fitted: MainWindow, tmp_path: Path, settle
) -> None:
    find(fitted, QAction, "actionExport").trigger()
    dialog = find(fitted, QDialog, "exportDialog")
    assert not find(dialog, QPushButton, "exportOtherButton").isVisible()
    set_path(qtbot, dialog, tmp_path / "out.tif", "exportPathEdit")
    notice = find(dialog, Notice, "exportPathNotice")
    assert "a series file is written (.h5)" in notice.text()
    assert "an ImageJ TIFF" in notice.text()
    assert not find(dialog, QPushButton, "exportWriteButton").isEnabled()
    qtbot.keyClick(find(dialog, QLineEdit, "exportPathEdit"), Qt.Key.Key_Return)
    assert list(tmp_path.glob("out*")) == []
    click(qtbot, dialog, "exportOtherButton")
    qtbot.waitUntil(lambda: not fitted.findChildren(QDialog, "exportDialog"))
    other = find(fitted, QDialog, "exportAsDialog")
    assert kind_of(other) == "imagej"
    assert path_of(other) == tmp_path / "out.tif"
    set_path(qtbot, other, tmp_path / "out.h5")
    assert "a series file" in find(other, Notice, "exportAsPathNotice").text()
    click(qtbot, other, "exportAsOtherButton")
    qtbot.waitUntil(lambda: not fitted.findChildren(QDialog, "exportAsDialog"))
    dialog = find(fitted, QDialog, "exportDialog")
    assert find(dialog, QLineEdit, "exportPathEdit").text() == str(tmp_path / "out.h5")
    click(qtbot, dialog, "exportWriteButton")
    settle(fitted.session)
    assert (tmp_path / "out.h5").exists()
    dialog.reject()


# ---------------------------------------------------------------------- repeated


@pytest.mark.parametrize("way", ["Python", "Commands"])
def test_copied_steps_export_the_same_files(
    qtbot, opened: MainWindow, tmp_path: Path, settle, way: str
) -> None:
    session = opened.session
    Editor(session).delete([0])
    session.set_recipe(session.recipe.replace(border_px=5, exclude=(2,)), "Tune")
    opened.looking.named_regions.add(Region("rectangle", ((30, 20), (50, 40))))
    settle(session)
    export(qtbot, opened, tmp_path / "a.tif", PixelsCombo="uint16")
    export(qtbot, opened, tmp_path / "r.csv", ContentCombo="regions")
    export(qtbot, opened, tmp_path / "m.gif", ColormapCombo="Magma", ImagesCombo="raw")
    names = ("r.csv", "m.gif")
    wanted = {name: (tmp_path / name).read_bytes() for name in names}
    stack = tifffile.imread(tmp_path / "a.tif")
    for name in ("a.tif", *names):
        (tmp_path / name).unlink()
    find(opened, QAction, f"actionCopy{way}").trigger()
    text = QApplication.clipboard().text()
    (run_python if way == "Python" else run_commands)(text, tmp_path)
    np.testing.assert_array_equal(tifffile.imread(tmp_path / "a.tif"), stack)
    assert {name: (tmp_path / name).read_bytes() for name in names} == wanted


def test_a_copied_export_of_a_corrected_series_takes_it_as_it_stands(
    qtbot, fitted: MainWindow, tmp_path: Path, settle
) -> None:
    fitted.session.export(tmp_path / "c.h5")
    settle(fitted.session)
    fitted.open_path(tmp_path / "c.h5")
    settle(fitted.session)
    export(qtbot, fitted, tmp_path / "c.tif")
    stack = tifffile.imread(tmp_path / "c.tif")
    for way, run in (("Python", run_python), ("Commands", run_commands)):
        find(fitted, QAction, f"actionCopy{way}").trigger()
        (tmp_path / "c.tif").unlink()
        run(QApplication.clipboard().text(), tmp_path)
        np.testing.assert_array_equal(tifffile.imread(tmp_path / "c.tif"), stack)


# ---------------------------------------------------------------------- access


def test_tab_goes_through_the_question_as_it_is_read(qtbot, fitted: MainWindow) -> None:
    dialog = ask(qtbot, fitted)
    choose(qtbot, dialog, "exportAsKindCombo", "mp4")
    passed = []
    for _ in range(30):
        if "exportAsWriteButton" in passed:
            break
        focused = QApplication.focusWidget()
        passed.append(focused.objectName())
        qtbot.keyClick(focused, Qt.Key.Key_Tab)
    controls = "KindCombo ImagesCombo FirstSpin LastSpin RangeCombo RateSpin ColormapCombo PathEdit"
    wanted = [*controls.split(), "BrowseButton", "WriteButton"]
    assert passed == [f"exportAs{name}" for name in wanted]
    dialog.reject()


def test_every_control_says_what_it_is(qtbot, fitted: MainWindow) -> None:
    dialog = ask(qtbot, fitted)
    for control in dialog.findChildren((QPushButton, QComboBox, QCheckBox)):
        assert control.objectName()
        assert control.accessibleName()
        assert control.toolTip()
    dialog.reject()
