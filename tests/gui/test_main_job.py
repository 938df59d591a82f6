"""The main job through the window, by object names, with real keys and clicks."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PyQt5 import sip
from PyQt5.QtCore import Qt
from PyQt5.QtTest import QTest
from PyQt5.QtWidgets import (
    QAbstractButton,
    QComboBox,
    QDialog,
    QLabel,
    QLineEdit,
    QSlider,
    QSpinBox,
    QTableView,
    QTableWidget,
    QWidget,
)

from flimage import FLSeries, correct
from flimage.source import SeriesSource
from flimage_gui.main_window import MainWindow
from flimage_gui.session import Display


def child(parent: QWidget, kind: type, name: str):
    found = parent.findChild(kind, name)
    assert found is not None, f"there is no {kind.__name__} {name!r}"
    return found


def test_open_example_correct_export_reopen_gives_exactly_what_the_library_gives(
    qtbot, window: MainWindow, settle, tmp_path: Path, example: Path, request
) -> None:
    session = window.session

    # Open the example by its button.
    qtbot.mouseClick(child(window, QAbstractButton, "exampleButton"), Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: session.source is not None, timeout=20_000)
    qtbot.waitUntil(lambda: window.frame_view.shown == (0, Display.RAW), timeout=20_000)
    settle(session)
    assert session.n_frames == 120

    # Go through the frames with the slider, by key.
    slider = child(window, QSlider, "frameSlider")
    slider.setFocus()
    for _ in range(3):
        qtbot.keyClick(slider, Qt.Key.Key_Right)
    assert session.frame == 3
    assert child(window, QSpinBox, "frameSpin").value() == 3
    assert child(window, QLabel, "timeLabel").text() not in ("", "–")
    qtbot.waitUntil(lambda: window.frame_view.shown == (3, Display.RAW), timeout=20_000)

    # Set the border by typing it.
    border = child(window, QSpinBox, "borderSpin")
    border.setFocus()
    border.selectAll()
    qtbot.keyClicks(border, "12")
    qtbot.keyClick(border, Qt.Key.Key_Return)
    assert session.recipe.border_px == 12
    assert window.frame_view.border_shown == 12

    # Run the correction.
    run = child(window, QAbstractButton, "runBleachButton")
    qtbot.waitUntil(run.isEnabled, timeout=20_000)
    qtbot.mouseClick(run, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: session.fit_current, timeout=20_000)
    settle(session)
    table = child(window, QWidget, "fitTable")
    assert isinstance(table, (QTableView, QTableWidget))
    assert table.model().rowCount() >= 3
    assert child(window, QWidget, "tracePlot").isVisible()
    verdict = child(window, QLabel, "verdictLabel").text()
    assert verdict

    # Show the corrected image.
    combo = child(window, QComboBox, "displayCombo")
    combo.setFocus()
    qtbot.keyClick(combo, Qt.Key.Key_End)
    assert session.display is Display.BLEACH_CORRECTED
    qtbot.waitUntil(
        lambda: window.frame_view.shown == (3, Display.BLEACH_CORRECTED), timeout=20_000
    )
    shown = np.array(window.frame_view.image)

    # Export it.
    out = tmp_path / "corrected.h5"
    qtbot.mouseClick(child(window, QAbstractButton, "exportButton"), Qt.MouseButton.LeftButton)
    dialog = child(window, QDialog, "exportDialog")
    target = child(dialog, QLineEdit, "exportPathEdit")
    target.setFocus()
    target.selectAll()
    qtbot.keyClicks(target, str(out))
    write = child(dialog, QAbstractButton, "exportWriteButton")
    qtbot.waitUntil(write.isEnabled, timeout=20_000)
    qtbot.mouseClick(write, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: session.result_path == out, timeout=60_000)
    settle(session)

    # Reopen the result from the dialog.
    open_result = child(dialog, QAbstractButton, "exportOpenButton")
    qtbot.waitUntil(open_result.isVisible, timeout=20_000)
    qtbot.mouseClick(open_result, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: len(window.windows.open) == 2, timeout=20_000)
    (beside,) = (each for each in window.windows.open if each is not window)
    request.addfinalizer(lambda: (beside.session.shut_down(), beside.hide(), sip.delete(beside)))
    result = beside.session
    qtbot.waitUntil(lambda: result.path == out, timeout=20_000)
    settle(result)
    assert result.n_frames == 120
    assert session.path is not None
    assert session.path != out, "the recording that it was made from is still there"

    # The library alone, with the same recipe, gives the same pixels in every frame.
    reference = tmp_path / "reference.h5"
    recipe = session.recipe.replace(border_px=12)
    with FLSeries(h5file=example, h5mode="r") as series:
        correct.run(SeriesSource(series), recipe, reference)
    with FLSeries(h5file=reference, h5mode="r") as expected:
        assert np.array_equal(shown, expected[3].raw_fl)
        for index in range(120):
            assert np.array_equal(result.source.raw(index), expected[index].raw_fl)
    QTest.qWait(0)
