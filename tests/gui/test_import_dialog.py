"""The import dialog shows what a recording states and asks only for what it does not."""

from __future__ import annotations

import time
from pathlib import Path

import h5py
import numpy as np
import pytest
import tifffile
from controls import bleaching, choose, click, find
from czi_files import attach_time_stamps
from PyQt5.QtCore import Qt
from PyQt5.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDialog,
    QLabel,
    QLineEdit,
    QProgressBar,
    QPushButton,
    QTreeWidget,
)

from flimage.convert import convert
from flimage.protocol import command_lines
from flimage.readers import Recording, open_recording
from flimage_gui.import_dialog import ImportDialog
from flimage_gui.labels import Notice
from flimage_gui.spin_boxes import QuantitySpin


@pytest.fixture
def bare(tmp_path: Path) -> Path:
    """A stack that states neither times nor pixel size."""
    path = tmp_path / "bare.tif"
    tifffile.imwrite(path, np.arange(5 * 8 * 10, dtype=np.uint16).reshape(5, 8, 10))
    return path


@pytest.fixture
def stated(tmp_path: Path) -> Path:
    """An ImageJ stack with an interval of 0.25 s and pixels of 0.1 µm."""
    path = tmp_path / "stated.tif"
    tifffile.imwrite(
        path,
        np.arange(5 * 8 * 10, dtype=np.uint16).reshape(5, 8, 10),
        imagej=True,
        resolution=(10.0, 10.0),
        metadata={"axes": "TYX", "finterval": 0.25, "unit": "um"},
    )
    return path


def ask(qtbot, path: Path, preview: np.ndarray | None = None) -> ImportDialog:
    with open_recording(path) as recording:
        dialog = ImportDialog(recording, preview)
    qtbot.addWidget(dialog)
    with qtbot.waitActive(dialog):
        dialog.open()
        dialog.activateWindow()
    return dialog


def enter(qtbot, dialog: ImportDialog, name: str, text: str) -> None:
    spin = find(dialog, QuantitySpin, name)
    spin.setFocus()
    spin.selectAll()
    qtbot.keyClick(spin, Qt.Key.Key_Delete)
    qtbot.keyClicks(spin, text)


def convert_button(dialog: ImportDialog) -> QPushButton:
    return find(dialog, QPushButton, "importConvertButton")


def test_what_was_found_is_shown(qtbot, bare) -> None:
    dialog = ask(qtbot, bare, np.eye(8, 10))
    assert find(dialog, QLabel, "importFileLabel").text() == "bare.tif"
    size = find(dialog, QLabel, "importSizeLabel").text()
    assert size == "5 frames of 10 × 8 pixels, 16-bit"
    assert not find(dialog, QLabel, "importPreview").pixmap().isNull()


def test_a_missing_interval_must_be_entered(qtbot, bare) -> None:
    dialog = ask(qtbot, bare)
    assert find(dialog, QuantitySpin, "importIntervalSpin").isVisible()
    assert not convert_button(dialog).isEnabled()
    assert "time between" in find(dialog, Notice, "importNotice").text()
    enter(qtbot, dialog, "importIntervalSpin", "200 ms")
    assert convert_button(dialog).isEnabled(), "without leaving the box first"
    click(qtbot, dialog, "importConvertButton")
    assert dialog.result() == QDialog.DialogCode.Accepted
    assert dialog.interval == pytest.approx(0.2)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("3", 3.0), ("0.5", 0.5), ("0,5", 0.5), ("200ms", 0.2), ("2 min", 120.0), ("1e-3 s", 1e-3)],
)
def test_an_interval_is_understood_as_it_is_written(qtbot, bare, text, seconds) -> None:
    dialog = ask(qtbot, bare)
    enter(qtbot, dialog, "importIntervalSpin", text)
    qtbot.keyClick(find(dialog, QuantitySpin, "importIntervalSpin"), Qt.Key.Key_Tab)
    assert dialog.interval == pytest.approx(seconds)


@pytest.mark.parametrize("text", ["abc", "3 apples", "-1", "0", "2 nm"])
def test_what_is_no_interval_is_not_accepted(qtbot, bare, text) -> None:
    dialog = ask(qtbot, bare)
    enter(qtbot, dialog, "importIntervalSpin", text)
    assert not convert_button(dialog).isEnabled()
    dialog.accept()
    assert dialog.result() != QDialog.DialogCode.Accepted


def test_the_pixel_size_may_stay_unknown_and_is_in_micrometres_unless_said(qtbot, bare) -> None:
    dialog = ask(qtbot, bare)
    assert dialog.pixel_size is None
    enter(qtbot, dialog, "importPixelSizeSpin", "0.65")
    qtbot.keyClick(find(dialog, QuantitySpin, "importPixelSizeSpin"), Qt.Key.Key_Tab)
    assert dialog.pixel_size == pytest.approx(6.5e-7)
    qtbot.waitUntil(lambda: find(dialog, QuantitySpin, "importPixelSizeSpin").text() == "650 nm")
    enter(qtbot, dialog, "importPixelSizeSpin", "")
    qtbot.keyClick(find(dialog, QuantitySpin, "importPixelSizeSpin"), Qt.Key.Key_Tab)
    assert dialog.pixel_size is None


def test_what_the_file_states_is_not_asked_for(qtbot, stated) -> None:
    dialog = ask(qtbot, stated)
    assert not find(dialog, QuantitySpin, "importIntervalSpin").isVisible()
    assert not find(dialog, QuantitySpin, "importPixelSizeSpin").isVisible()
    assert convert_button(dialog).isEnabled()
    notes = find(dialog, QLabel, "importNotesLabel").text()
    assert "0.25 s" in notes
    assert "ImageJ" in notes
    click(qtbot, dialog, "importConvertButton")
    assert dialog.interval is None
    assert dialog.pixel_size is None


def test_what_the_file_states_can_be_changed_and_taken_back(qtbot, stated) -> None:
    dialog = ask(qtbot, stated)
    click(qtbot, dialog, "importIntervalChangeButton")
    spin = find(dialog, QuantitySpin, "importIntervalSpin")
    assert spin.text() == "250 ms", "it starts from what the file states"
    enter(qtbot, dialog, "importIntervalSpin", "2 s")
    qtbot.keyClick(spin, Qt.Key.Key_Tab)
    assert dialog.interval == pytest.approx(2.0)
    click(qtbot, dialog, "importIntervalChangeButton")
    assert dialog.interval is None


def test_the_answers_give_a_series_with_them(qtbot, bare) -> None:
    dialog = ask(qtbot, bare)
    enter(qtbot, dialog, "importIntervalSpin", "0.5 s")
    enter(qtbot, dialog, "importPixelSizeSpin", "100 nm")
    click(qtbot, dialog, "importConvertButton")
    assert dialog.target == bare.with_suffix(".h5")
    convert(bare, dialog.target, interval=dialog.interval, pixel_size=dialog.pixel_size)
    from flimage import FLSeries

    with FLSeries(h5file=dialog.target, h5mode="r") as series:
        assert [fli["time"] for fli in series] == pytest.approx([0, 0.5, 1, 1.5, 2])
        assert series[0]["pixel size"] == pytest.approx(1e-7)


def test_an_existing_series_is_not_suggested_and_replaced_only_when_agreed(qtbot, stated) -> None:
    stated.with_suffix(".h5").write_bytes(b"old")
    dialog = ask(qtbot, stated)
    assert dialog.target == stated.with_name("stated_2.h5")
    edit = find(dialog, QLineEdit, "importPathEdit")
    edit.setText(str(stated.with_suffix(".h5")))
    assert not convert_button(dialog).isEnabled()
    assert not dialog.overwrite
    check = find(dialog, QCheckBox, "importOverwriteCheck")
    check.setFocus()
    qtbot.keyClick(check, Qt.Key.Key_Space)
    assert convert_button(dialog).isEnabled()
    assert dialog.overwrite


def test_a_single_image_needs_no_interval(qtbot, tmp_path) -> None:
    path = tmp_path / "single.npy"
    np.save(path, np.ones((8, 10), dtype=np.float32))
    dialog = ask(qtbot, path)
    assert convert_button(dialog).isEnabled()
    assert "1 frame of" in find(dialog, QLabel, "importSizeLabel").text()


def test_irregular_times_are_described(qtbot, tmp_path) -> None:
    class Irregular(Recording):
        kind = "test"

        def __init__(self) -> None:
            super().__init__(tmp_path / "x.tif")
            self.n_frames, self.shape = 4, (8, 10)
            self.times = np.array([0.0, 1.0, 1.5, 10.0])

        def _read(self, index: int) -> np.ndarray:
            return np.zeros((8, 10))

        def close(self) -> None:
            pass

    dialog = ImportDialog(Irregular())
    qtbot.addWidget(dialog)
    texts = [label.text() for label in dialog.findChildren(QLabel)]
    assert "irregular, 500 ms to 8.5 s, 10 s in all" in texts


def test_cancel_is_the_answer_no(qtbot, bare) -> None:
    dialog = ask(qtbot, bare)
    click(qtbot, dialog, "importCancelButton")
    assert dialog.result() == QDialog.DialogCode.Rejected
    assert not bare.with_suffix(".h5").exists()


def test_arrows_step_in_the_shown_unit(qtbot, bare) -> None:
    dialog = ask(qtbot, bare)
    spin = find(dialog, QuantitySpin, "importIntervalSpin")
    spin.setFocus()
    qtbot.keyClick(spin, Qt.Key.Key_Up)
    assert spin.value() == 1.0
    qtbot.keyClick(spin, Qt.Key.Key_Down)
    assert spin.value() == pytest.approx(0.9)
    assert spin.text() == "900 ms"
    qtbot.keyClick(spin, Qt.Key.Key_Down)
    assert spin.value() == pytest.approx(0.899)


def test_every_control_says_what_it_is(qtbot, bare) -> None:
    dialog = ask(qtbot, bare)
    for control in dialog.findChildren((QPushButton, QLineEdit, QuantitySpin)):
        if control.objectName() == "qt_spinbox_lineedit":
            continue
        assert control.objectName()
        assert control.accessibleName()
        assert control.toolTip()


# --- files that hold several recordings -----------------------------------------------------


@pytest.fixture
def several(tmp_path: Path) -> Path:
    """OME-TIFF of 4 times, 2 channels and 3 depths; each plane tells where it is from."""
    path = tmp_path / "several.ome.tif"
    t, c, z = np.mgrid[:4, :2, :3]
    planes = (1000 * c + 100 * z + t).astype(np.uint16)
    frames = np.broadcast_to(planes[..., None, None], (4, 2, 3, 8, 10))
    metadata = {
        "axes": "TCZYX",
        "Channel": {"Name": ["GFP", "mCherry"]},
        "TimeIncrement": 2.0,
        "TimeIncrementUnit": "s",
    }
    tifffile.imwrite(path, np.ascontiguousarray(frames), metadata=metadata, ome=True)
    return path


def open_in(qtbot, window, path: Path) -> ImportDialog:
    window.open_path(path)
    qtbot.waitUntil(lambda: window.findChild(ImportDialog) is not None)
    dialog = window.findChild(ImportDialog)
    qtbot.waitUntil(lambda: not window.session.busy)
    return dialog


def raw_values(path: Path) -> list[float]:
    from flimage import FLSeries

    with FLSeries(h5file=path, h5mode="r") as series:
        return [float(fli.raw_fl[0, 0]) for fli in series]


def test_channel_and_depth_are_chosen_in_the_dialog_and_converted(
    qtbot, window, settle, several
) -> None:
    dialog = open_in(qtbot, window, several)
    channel = find(dialog, QComboBox, "importChannelCombo")
    assert [channel.itemText(i) for i in range(2)] == ["0: GFP", "1: mCherry"]
    assert find(dialog, QLabel, "importSizeLabel").text().startswith("4 frames of 10 × 8")
    assert dialog.findChild(QComboBox, "importPositionCombo") is None, "there is one only"
    before = find(dialog, QLabel, "importPreview").pixmap().toImage()
    choose(qtbot, dialog, "importChannelCombo", 1)
    assert not convert_button(dialog).isEnabled(), "until it was looked at"
    qtbot.waitUntil(lambda: "channel 1" in find(dialog, QLabel, "importNotesLabel").text())
    choose(qtbot, dialog, "importZCombo", 2)
    qtbot.waitUntil(lambda: "depth 2" in find(dialog, QLabel, "importNotesLabel").text())
    assert "Times are multiples of 2 s" in find(dialog, QLabel, "importNotesLabel").text()
    assert find(dialog, QLabel, "importPreview").pixmap().toImage().size() == before.size()
    qtbot.waitUntil(convert_button(dialog).isEnabled)
    click(qtbot, dialog, "importConvertButton")
    settle(window.session)
    assert raw_values(several.with_name("several.h5")) == [1200, 1201, 1202, 1203]
    # The command line makes the same, and the window says how.
    from flimage.cli import main

    out = several.with_name("cli.h5")
    assert main(["convert", str(several), str(out), "--channel", "mCherry", "--z", "2", "-q"]) == 0
    assert raw_values(out) == [1200, 1201, 1202, 1203]
    lines = command_lines(window.session.protocol)
    assert "--channel 1 --z 2" in lines


def test_what_was_entered_stays_when_another_channel_is_chosen(qtbot, window, several) -> None:
    dialog = open_in(qtbot, window, several)
    click(qtbot, dialog, "importIntervalChangeButton")
    enter(qtbot, dialog, "importIntervalSpin", "5 s")
    enter(qtbot, dialog, "importPixelSizeSpin", "100 nm")
    choose(qtbot, dialog, "importChannelCombo", 1)
    qtbot.waitUntil(lambda: "channel 1" in find(dialog, QLabel, "importNotesLabel").text())
    assert dialog.interval == pytest.approx(5.0)
    assert dialog.pixel_size == pytest.approx(1e-7)
    click(qtbot, dialog, "importCancelButton")


def test_a_dataset_is_picked_from_the_tree_of_an_hdf5_file(qtbot, window, settle, tmp_path) -> None:
    path = tmp_path / "other.h5"
    with h5py.File(path, "w") as file:
        file["run1/camera/frames"] = np.full((3, 8, 10), 5, dtype=np.uint16)
        file["run2/camera/frames"] = np.full((6, 8, 10), 7, dtype=np.uint8)
        file["run2/flat"] = np.ones((8, 10))
        file["run2/words"] = "no image"
    dialog = open_in(qtbot, window, path)
    tree = find(dialog, QTreeWidget, "importDatasetTree")
    assert [tree.topLevelItem(i).text(0) for i in range(2)] == ["run1", "run2"]
    assert find(dialog, QLabel, "importSizeLabel").text() == "3 frames of 10 × 8 pixels, 16-bit"
    leaf = tree.topLevelItem(1).child(0).child(0)
    assert (leaf.text(0), leaf.text(1), leaf.text(2)) == ("frames", "6 × 8 × 10", "uint8")
    qtbot.mouseClick(
        tree.viewport(), Qt.MouseButton.LeftButton, pos=tree.visualItemRect(leaf).center()
    )
    qtbot.waitUntil(
        lambda: find(dialog, QLabel, "importSizeLabel").text().startswith("6 frames of 10 × 8")
    )
    enter(qtbot, dialog, "importIntervalSpin", "1 s")
    click(qtbot, dialog, "importConvertButton")
    settle(window.session)
    assert raw_values(tmp_path / "other_2.h5") == [7] * 6
    assert path.exists()


def test_a_file_without_images_says_so(qtbot, window, tmp_path) -> None:
    path = tmp_path / "words.h5"
    with h5py.File(path, "w") as file:
        file["words"] = "no image"
    window.open_path(path)
    qtbot.waitUntil(lambda: "no fluorescence series" in window.message_bar.text)


def test_an_array_of_a_bundle_is_picked(qtbot, window, tmp_path) -> None:
    path = tmp_path / "arrays.npz"
    np.savez(path, flat=np.ones((8, 10)), cells=np.ones((3, 8, 10)), other=np.zeros((4, 8, 10)))
    dialog = open_in(qtbot, window, path)
    assert dialog.key == "cells", "the first stack"
    tree = find(dialog, QTreeWidget, "importDatasetTree")
    tree.setFocus()
    qtbot.keyClick(tree, Qt.Key.Key_Down)
    qtbot.waitUntil(
        lambda: find(dialog, QLabel, "importSizeLabel").text().startswith("4 frames of")
    )
    assert dialog.key == "other"
    click(qtbot, dialog, "importCancelButton")


def test_a_conversion_shows_how_far_it_is_and_can_be_cancelled(
    qtbot, window, settle, stated, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With frames that come so slowly that a person could press the button."""
    path = stated.with_name("long.tif")
    frames = np.zeros((400, 8, 10), np.uint16)
    tifffile.imwrite(path, frames, imagej=True, metadata={"axes": "TYX", "finterval": 0.25})
    read = Recording.frame

    def slowly(self: Recording, index: int) -> np.ndarray:
        time.sleep(0.02)
        return read(self, index)

    monkeypatch.setattr(Recording, "frame", slowly)
    dialog = open_in(qtbot, window, path)
    click(qtbot, dialog, "importConvertButton")
    bar = find(window, QProgressBar, "statusProgressBar")
    qtbot.waitUntil(lambda: bar.isVisible() and 0 < bar.value() < bar.maximum())
    shown = bar.value()
    qtbot.waitUntil(lambda: bar.value() > shown)
    click(qtbot, window, "cancelButton")
    settle(window.session)
    assert window.session.source is None
    assert sorted(each.name for each in path.parent.iterdir() if "long" in each.name) == [
        "long.tif"
    ]


def test_the_time_stamps_of_a_czi_are_shown_and_kept(qtbot, window, settle, tmp_path) -> None:
    library = pytest.importorskip("pylibCZIrw.czi")
    pytest.importorskip("czifile")
    path, stamps = tmp_path / "zen.czi", [0.5, 1.0, 1.75, 6.0]
    with library.create_czi(str(path)) as file:
        for t in range(4):
            for c in range(2):
                image = np.full((8, 10, 1), 100 * c + t, np.uint16)
                file.write(data=image, plane={"T": t, "C": c, "Z": 0})
        file.write_metadata(
            document_name="zen", channel_names={0: "GFP", 1: "RFP"}, scale_x=2e-7, scale_y=2e-7
        )
    attach_time_stamps(path, stamps)
    dialog = open_in(qtbot, window, path)
    choose(qtbot, dialog, "importChannelCombo", 1)
    qtbot.waitUntil(lambda: "channel 1" in find(dialog, QLabel, "importNotesLabel").text())
    notes = find(dialog, QLabel, "importNotesLabel").text()
    assert "Times are from the CZI time stamp of each frame." in notes
    qtbot.waitUntil(convert_button(dialog).isEnabled)
    click(qtbot, dialog, "importConvertButton")
    settle(window.session)
    assert window.session.times.tolist() == stamps
    assert window.session.pixel_size == pytest.approx(2e-7)
    assert raw_values(path.with_suffix(".h5")) == [100, 101, 102, 103]


def test_what_was_found_in_a_folder_is_not_said_of_a_file(qtbot, tmp_path) -> None:
    folder = tmp_path / "frames"
    folder.mkdir()
    for index, frame in enumerate(bleaching(3)):
        tifffile.imwrite(folder / f"frame{index}.tif", frame)
    dialog = ask(qtbot, folder)
    assert find(dialog, QLabel, "importFoundHeader").text() == "Found in the folder"
