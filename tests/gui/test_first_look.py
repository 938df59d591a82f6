"""What a person sees first: units to type, metadata in words, and the result of the first run."""

from __future__ import annotations

import json
from pathlib import Path

import h5py
import numpy as np
from controls import click, find
from PyQt5.QtWidgets import QHeaderView, QTableWidget
from recordings import decaying, write_series

from flimage import convert
from flimage.quantities import DisplayUnit
from flimage_gui.labels import Notice
from flimage_gui.main_window import MainWindow
from flimage_gui.metadata_panel import MetadataPanel
from flimage_gui.session import Display, Session
from flimage_gui.spin_boxes import QuantitySpin
from flimage_gui.time_bar import time_text
from flimage_gui.trace_view import TraceView


def test_the_first_result_is_shown_as_frames_and_only_once(
    qtbot, opened: MainWindow, settle
) -> None:
    session = opened.session
    click(qtbot, opened, "runBleachButton")
    settle(session)
    assert session.fit.verdict.grade != "refused"
    assert session.display is Display.BLEACH_CORRECTED
    session.set_display(Display.RAW)
    click(qtbot, opened, "runBleachButton")
    settle(session)
    session.set_recipe(session.recipe.replace(border_px=5), "test")
    settle(session)
    assert session.display is Display.RAW


def test_the_first_result_leaves_a_display_alone_that_a_person_chose(
    qtbot, opened: MainWindow, settle
) -> None:
    session = opened.session
    session.set_display(Display.BACKGROUND_CORRECTED)
    click(qtbot, opened, "runBleachButton")
    settle(session)
    assert session.display is Display.BACKGROUND_CORRECTED


def test_the_first_result_is_not_shown_where_nothing_is_corrected(
    qtbot, window: MainWindow, tmp_path: Path, settle
) -> None:
    frames = decaying()
    frames[:] = frames[0]
    frames += np.random.default_rng(3).normal(0, 2, frames.shape).astype(np.float32)
    window.open_path(write_series(tmp_path / "constant.h5", frames))
    settle(window.session)
    click(qtbot, window, "runBleachButton")
    settle(window.session)
    assert window.session.fit.verdict.grade == "refused"
    assert window.session.display is Display.RAW


def test_a_quantity_says_which_unit_a_bare_number_has(qtbot) -> None:
    for unit, typed, hint in (
        ("s", DisplayUnit("s", 1.0), "not known; e.g. 0.5 s"),
        ("m", DisplayUnit("µm", 1e-6), "not known; e.g. 0.1 µm"),
    ):
        spin = QuantitySpin(unit, typed)
        qtbot.addWidget(spin)
        assert spin.lineEdit().placeholderText() == hint


def test_where_a_recording_was_converted_from_is_written_in_words(
    qtbot, session: Session, recording: Path, settle
) -> None:
    origin = {"file": "stack.tif", "format": "TIFF", "notes": ["Times are given."]}
    with h5py.File(recording, "a") as file:
        file.attrs[convert.ORIGIN] = json.dumps(origin)
    panel = MetadataPanel(session)
    qtbot.addWidget(panel)
    panel.resize(330, 500)
    panel.show()
    session.open(recording)
    settle(session)
    qtbot.waitUntil(lambda: "stored as" in panel.as_text(), timeout=10_000)
    assert "converted from\tstack.tif (TIFF). Times are given." in panel.as_text()
    assert "{" not in panel.as_text()


def test_rows_of_metadata_are_as_high_as_their_texts(
    qtbot, session: Session, recording: Path, settle
) -> None:
    panel = MetadataPanel(session)
    qtbot.addWidget(panel)
    panel.resize(360, 500)
    panel.show()
    session.open(recording)
    settle(session)
    qtbot.waitUntil(lambda: "stored as" in panel.as_text(), timeout=10_000)
    table = find(panel, QTableWidget, "metadataTable")
    assert table.verticalHeader().sectionResizeMode(0) == QHeaderView.ResizeMode.ResizeToContents
    line = table.fontMetrics().height()
    heights = {
        table.item(row, 0).text(): table.rowHeight(row)
        for row in range(table.rowCount())
        if table.item(row, 0).text() in ("frame size", "frames")
    }
    assert len(heights) == 2
    assert max(heights.values()) < 2 * line


def test_a_trace_that_is_being_measured_says_so(
    qtbot, session: Session, recording: Path, settle, monkeypatch
) -> None:
    import threading

    from flimage_gui import work

    go_on = threading.Event()
    scan = work.scan

    def slow_scan(source, recipe, progress):
        progress(0, 10, "Measuring frames")
        go_on.wait(10)
        return scan(source, recipe, progress)

    monkeypatch.setattr(work, "scan", slow_scan)
    view = TraceView(session)
    qtbot.addWidget(view)
    view.show()
    session.open(recording)
    label = find(view, Notice, "traceEmptyLabel")
    try:
        qtbot.waitUntil(lambda: "Measuring" in label.text(), timeout=10_000)
    finally:
        go_on.set()
    settle(session)
    assert not label.isVisible()


def test_short_steps_of_a_long_recording_are_told_in_seconds() -> None:
    assert time_text(np.arange(1200.0), 0) == "0 s"
    assert time_text(np.arange(1200.0), 1199) == "1199 s"
    assert time_text(np.arange(300) * 60.0, 30) == "30 min"
