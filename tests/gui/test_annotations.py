"""Scale bar, time stamp, readout, saturation, and the view as a picture."""

from __future__ import annotations

import math
import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest
from controls import click, find, write_frames
from on_image import place, viewport
from pointer import hover, send
from PyQt5.QtCore import QEvent, QPoint, Qt
from PyQt5.QtGui import QImage
from PyQt5.QtWidgets import QAbstractButton, QAction, QApplication, QFileDialog, QLabel, QWidget
from recordings import decaying

from flimage_gui.annotations import scale_bar_length
from flimage_gui.colormaps import COLORMAPS, color_table
from flimage_gui.main_window import MainWindow

PATIENCE = 20_000


@pytest.mark.parametrize("seen", [8e-6, 1e-4, 0.1, 3.0, 3.34, 1e6])
def test_scale_bar_is_a_round_number_of_a_suitable_size(seen: float) -> None:
    length = scale_bar_length(seen)
    assert seen * 0.11 < length <= seen * 0.3 * (1 + 1e-6)
    digit = length / 10 ** math.floor(math.log10(length) + 1e-9)
    assert min(abs(digit - d) for d in (1, 2, 5)) < 1e-6


def test_scale_bar_is_as_long_as_it_says(qtbot, opened: MainWindow) -> None:
    annotations = opened.looking.annotations
    assert annotations.scale_bar() is None
    opened.frame_view.setFocus()
    qtbot.keyClick(opened.frame_view, Qt.Key.Key_S)
    assert find(opened, QAbstractButton, "scaleButton").isChecked()
    length, text = annotations.scale_bar()
    # 8 µm are seen; pixels of 0.1 µm.
    assert text == "2 µm"
    view = opened.frame_view
    width = view.pixel_to_widget(20, 0).x() - view.pixel_to_widget(0, 0).x()
    assert length == pytest.approx(width, abs=1)
    for _ in range(6):
        view.zoom_in()
    length, text = annotations.scale_bar()
    assert text in ("200 nm", "500 nm")


def bright_pixels(image: QImage) -> int:
    pixels = image.convertToFormat(QImage.Format.Format_RGB32)
    data = pixels.constBits().asarray(pixels.sizeInBytes())
    values = np.frombuffer(bytes(data), dtype=np.uint8).reshape(image.height(), -1, 4)
    return int((values[..., :3].min(axis=2) > 250).sum())


def test_scale_bar_and_time_are_part_of_the_copied_picture(
    qtbot, opened: MainWindow, settle
) -> None:
    session = opened.session
    opened.frame_view.border_button.setChecked(False)
    session.set_levels(0.0, 5000.0)
    session.set_frame(3)
    settle(session)
    counts = []
    for _ in range(3):
        qtbot.keyClick(opened, Qt.Key.Key_C, Qt.KeyboardModifier.ControlModifier)
        counts.append(bright_pixels(QApplication.clipboard().image()))
        if len(counts) == 1:
            click(qtbot, opened, "scaleButton")
        elif len(counts) == 2:
            opened.frame_view.setFocus()
            qtbot.keyClick(opened.frame_view, Qt.Key.Key_T)
    assert counts[0] == 0
    assert counts[1] > 200
    assert counts[2] > counts[1] + 30
    # Nothing but the image is in the picture.
    image = QApplication.clipboard().image()
    assert image.width() / image.height() == pytest.approx(80 / 60, rel=0.02)


def test_clipboard_holds_pixels_and_a_drawing(qtbot, opened: MainWindow) -> None:
    QApplication.clipboard().clear()
    click(qtbot, opened, "copyViewButton")
    data = QApplication.clipboard().mimeData()
    assert data.hasImage()
    assert bytes(data.data("image/png")).startswith(b"\x89PNG")
    root = ElementTree.fromstring(bytes(data.data("image/svg+xml")))
    assert root.tag.endswith("svg")
    assert any(each.tag.endswith("image") for each in root.iter())


@pytest.mark.parametrize("suffix", [".png", ".svg"])
def test_view_is_saved_as_the_suffix_says(
    qtbot, opened: MainWindow, tmp_path, monkeypatch, suffix: str
) -> None:
    target = tmp_path / f"view{suffix}"
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *args: (str(target), ""))
    find(opened, QAction, "actionSaveView").trigger()
    assert target.read_bytes()[:4] in (b"\x89PNG", b"<?xm")
    errors = []
    opened.session.failed.connect(errors.append)
    target = tmp_path / "missing" / f"view{suffix}"
    find(opened, QAction, "actionSaveView").trigger()
    assert "cannot be written" in str(errors[0])


def test_view_is_dragged_out_as_a_file(qtbot, opened: MainWindow, monkeypatch) -> None:
    dragged = []
    monkeypatch.setattr(
        "flimage_gui.looking.run_drag", lambda drag: dragged.append(drag.mimeData())
    )
    button = find(opened, QAbstractButton, "copyViewButton")
    left, start = Qt.MouseButton.LeftButton, button.rect().center()
    send(button, QEvent.Type.MouseButtonPress, start, left, left)
    send(button, QEvent.Type.MouseMove, start + QPoint(40, 30), pressed=left)
    send(button, QEvent.Type.MouseButtonRelease, start + QPoint(40, 30), left)
    (data,) = dragged
    assert data.hasImage()
    (url,) = data.urls()
    assert url.toLocalFile().endswith("recording.png")
    assert not QImage(url.toLocalFile()).isNull()


def test_readout_tells_raw_background_and_corrected_value(
    qtbot, opened: MainWindow, settle
) -> None:
    session = opened.session
    session.run_fit()
    settle(session)
    session.set_frame(8)
    settle(session)
    target = viewport(opened)
    qtbot.wait(30)
    hover(target, place(opened, 40.5, 30.5))
    label = find(opened, QLabel, "pixelLabel")
    names = ("raw", "background", "bleach-corrected")
    qtbot.waitUntil(lambda: all(name in label.text().split() for name in names), timeout=PATIENCE)
    assert "x 40, y 30 px" in label.text()
    assert "(4.05, 3.05 µm)" in label.text()
    words = label.text().replace("\u2212", "-").split()
    told = {
        name: float(words[words.index(name) + 1])
        for name in ("raw", "background", "bleach-corrected")
    }
    raw = float(decaying()[8, 30, 40])
    level = float(session.background_levels[8])
    assert told["raw"] == pytest.approx(raw, abs=0.05)
    assert told["background"] == pytest.approx(level, abs=0.05)
    gain = float(session.fit.gain[8])
    assert told["bleach-corrected"] == pytest.approx((raw - level) * gain, rel=1e-3)


def test_saturated_pixels_are_marked_and_counted(
    qtbot, window: MainWindow, tmp_path, settle
) -> None:
    frames = np.full((4, 40, 50), 1000.0, dtype=np.float32)
    frames[:, ::2] += 50
    frames[1, 20:22, 30:33] = 4095.0
    window.open_path(write_frames(tmp_path / "saturated.h5", frames))
    settle(window.session)
    label = find(window, QWidget, "saturationLabel")
    assert not label.isVisible()
    window.session.set_frame(1)
    settle(window.session)
    assert label.isVisible()
    assert label.text() == "6 pixels are saturated (4095)"
    window.session.set_levels(0.0, 60000.0)
    picture = window.frame_view.grab_view()
    where = window.frame_view.pixel_to_widget(31.5, 21.0) * picture.devicePixelRatio()
    color = picture.pixelColor(where.toPoint())
    assert color.red() > 200
    assert color.green() < 110


def test_every_map_has_an_inverted_one() -> None:
    for name in ("Gray", "Magma", "Inferno", "Viridis", "Cividis"):
        assert f"{name} inverted" in COLORMAPS
        assert np.array_equal(color_table(f"{name} inverted"), color_table(name)[::-1])


def test_contrast_can_follow_each_frame(qtbot, opened: MainWindow, settle) -> None:
    session = opened.session
    find(opened, QAction, "actionFollowContrast").trigger()
    high = session.levels[1]
    session.set_frame(11)
    settle(session)
    assert session.levels[1] < high - 100
    find(opened, QAction, "actionFollowContrast").trigger()
    settle(session)
    assert session.levels[1] > high - 50
