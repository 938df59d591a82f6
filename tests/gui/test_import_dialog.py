"""The import dialog shows what a recording states and asks only for what it does not."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tifffile
from controls import click, find
from PyQt5.QtCore import Qt
from PyQt5.QtWidgets import QCheckBox, QDialog, QLabel, QLineEdit, QPushButton

from flimage.convert import convert
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
