"""Real recordings open through the window, and their times are right."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from controls import click, find
from PyQt5.QtCore import Qt
from PyQt5.QtWidgets import QPushButton

from flimage_gui.import_dialog import ImportDialog
from flimage_gui.spin_boxes import QuantitySpin

#: Name, frames, first and last time [s], whether the time between frames has to be entered (2 s);
#: None: it is a series or an image, which is opened as it is.
RECORDINGS = [
    ("arcadia_example-timelapse.nd2", 53, 4.2272, 30.2355, False),
    ("basicpy_timelapse_nanog_189x128x171_u8.npz", 189, 0.0, 376.0, True),
    ("detrendr_bleached_500x25x30_u8.tif", 500, 0.0, 998.0, True),
    ("mitosis_C1_51x196x171_u16.tif", 51, 0.0, 100.0, True),
    ("cellsino_sinogram_fli.h5", 200, 0.0, 19.9, None),
    ("flimage_retina_p10.h5", 1, 0.04328, 0.04328, None),
    ("flimage_basic.h5", 1, np.nan, np.nan, None),
]


@pytest.mark.parametrize(("name", "frames", "first", "last", "asked"), RECORDINGS)
def test_a_real_recording_opens_with_its_times(
    qtbot,
    window,
    settle,
    real_recording: Callable[[str], Path],
    tmp_path: Path,
    name: str,
    frames: int,
    first: float,
    last: float,
    asked: bool | None,
) -> None:
    if name.endswith("nd2"):
        pytest.importorskip("nd2")
    path = tmp_path / name
    shutil.copyfile(real_recording(name), path)
    window.open_path(path)
    if asked is not None:
        qtbot.waitUntil(lambda: window.findChild(ImportDialog) is not None, timeout=20_000)
        dialog = window.findChild(ImportDialog)
        assert find(dialog, QPushButton, "importConvertButton").isEnabled() is not asked
        if asked:
            spin = find(dialog, QuantitySpin, "importIntervalSpin")
            spin.setFocus()
            spin.selectAll()
            qtbot.keyClick(spin, Qt.Key.Key_Delete)
            qtbot.keyClicks(spin, "2 s")
        click(qtbot, dialog, "importConvertButton")
    qtbot.waitUntil(lambda: window.session.source is not None, timeout=20_000)
    settle(window.session)
    times = window.session.times
    assert len(times) == frames
    np.testing.assert_allclose(times[[0, -1]], [first, last], atol=1e-3)
