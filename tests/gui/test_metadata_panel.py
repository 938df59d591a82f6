"""The metadata panel shows what is known of series and frame, with units."""

from __future__ import annotations

import json
from pathlib import Path

import h5py
import numpy as np
import pytest
from controls import bleaching, find, write_frames
from PyQt5.QtCore import Qt
from PyQt5.QtWidgets import QApplication, QLabel, QTableWidget

from flimage import FLImage, FLSeries
from flimage.cli import main
from flimage.errors import InputError
from flimage_gui.attribute_rows import attribute_rows, correction_rows
from flimage_gui.metadata_panel import MetadataPanel
from flimage_gui.notify import sentence_of
from flimage_gui.session import Session


@pytest.fixture
def panel(qtbot, session: Session) -> MetadataPanel:
    made = MetadataPanel(session)
    qtbot.addWidget(made)
    made.resize(360, 700)
    with qtbot.waitExposed(made):
        made.show()
    return made


def rows(panel: MetadataPanel) -> dict[str, str]:
    table = find(panel, QTableWidget, "metadataTable")
    return {table.item(row, 0).text(): table.item(row, 1).text() for row in range(table.rowCount())}


def show(qtbot, panel: MetadataPanel, session: Session, path: Path, settle, frame: int = 0) -> None:
    session.open(path)
    settle(session)
    session.set_frame(frame)
    qtbot.waitUntil(lambda: f"Frame {frame}" in rows(panel), timeout=10_000)


@pytest.fixture
def described(tmp_path: Path) -> Path:
    """A series whose frames say a lot about themselves."""
    path = tmp_path / "described.h5"
    with FLSeries(h5file=path, h5mode="w", identifier="the series") as series:
        for index in range(4):
            meta = {
                "time": 90.0 * index,
                "pixel size": 6.5e-8,
                "angle": np.pi / 2,
                "device": "SPIM-3",
                "focus": -2e-6,
                "numerical aperture": 1.4,
                "identifier": f"cell {index}",
            }
            series.add_flimage(FLImage(np.full((20, 30), 5.0 + index), meta_data=meta))
    return path


def test_values_have_their_units(qtbot, panel, session, settle, described) -> None:
    show(qtbot, panel, session, described, settle, frame=2)
    shown = rows(panel)
    assert shown["time"] == "180 s"
    assert shown["pixel size"] == "65 nm"
    assert shown["focus"] == "−2 µm"
    assert shown["angle"] == "1.5708 rad (90°)"
    assert shown["numerical aperture"] == "1.4"
    assert shown["device"] == "SPIM-3"
    assert shown["background image"] == "none"


def test_the_series_is_described_as_a_whole(qtbot, panel, session, settle, described) -> None:
    show(qtbot, panel, session, described, settle)
    shown = rows(panel)
    assert shown["file"] == "described.h5"
    assert shown["frames"] == "4 frames"
    assert shown["frame size"] == "30 × 20 px"
    assert shown["field of view"] == "1.95 µm × 1.3 µm"
    assert shown["duration"] == "4.5 min"
    assert shown["interval"] == "90 s"
    table = find(panel, QTableWidget, "metadataTable")
    names = [table.item(row, 0).text() for row in range(table.rowCount())]
    values = [table.item(row, 1).text() for row in range(table.rowCount())]
    assert values[names.index("identifier")] == "the series"


def test_the_table_follows_the_frame(qtbot, panel, session, settle, described) -> None:
    show(qtbot, panel, session, described, settle)
    session.set_frame(3)
    qtbot.waitUntil(lambda: "Frame 3" in rows(panel))
    assert "cell 3" in rows(panel).values()
    assert "cell 0" not in rows(panel).values()


def test_scrubbing_reads_only_the_frame_where_it_ends(
    qtbot, panel, session, settle, described, monkeypatch
) -> None:
    show(qtbot, panel, session, described, settle)
    asked: list[int] = []
    request = session.request_facts
    monkeypatch.setattr(session, "request_facts", lambda i: (asked.append(i), request(i)))
    for frame in (1, 2, 3):
        session.set_frame(frame)
    qtbot.waitUntil(lambda: "Frame 3" in rows(panel))
    assert asked == [3]


def test_a_hidden_panel_reads_nothing(
    qtbot, panel, session, settle, described, monkeypatch
) -> None:
    show(qtbot, panel, session, described, settle)
    panel.hide()
    asked: list[int] = []
    request = session.request_facts
    monkeypatch.setattr(session, "request_facts", lambda i: (asked.append(i), request(i)))
    session.set_frame(2)
    qtbot.wait(150)
    assert asked == []
    panel.show()
    qtbot.waitUntil(lambda: "Frame 2" in rows(panel))


def test_irregular_times_are_told(qtbot, panel, session, settle, tmp_path) -> None:
    times = np.array([0.0, 1.0, 2.0, 7.0, 8.0])
    path = write_frames(tmp_path / "irregular.h5", bleaching(5), times)
    show(qtbot, panel, session, path, settle)
    assert rows(panel)["interval"] == "1 to 5 s, median 1 s"


def test_times_that_run_backwards_are_told(qtbot, panel, session, settle, tmp_path) -> None:
    times = np.array([0.0, 2.0, 1.0, 3.0, 4.0])
    path = write_frames(tmp_path / "backwards.h5", bleaching(5), times)
    show(qtbot, panel, session, path, settle)
    assert "backwards" in rows(panel)["interval"]


def test_a_corrected_frame_tells_its_gain(
    qtbot, panel, session, settle, recording, tmp_path
) -> None:
    session.open(recording)
    settle(session)
    session.run_fit()
    settle(session)
    gain = float(session.fit.gain[5])
    session.export(tmp_path / "corrected.h5")
    settle(session)
    show(qtbot, panel, session, tmp_path / "corrected.h5", settle, frame=5)
    shown = rows(panel)
    assert float(shown["gain applied"]) == pytest.approx(gain, rel=1e-4)
    assert shown["background subtracted"].endswith(" counts")
    assert shown["corrected from"] == recording.name


def test_a_correction_is_told_in_words_and_not_as_it_is_stored(
    qtbot, panel, session, settle, recording, tmp_path
) -> None:
    code = main(["bleach", str(recording), "--out-dir", str(tmp_path), "--border", "10", "--quiet"])
    assert code == 0
    out = tmp_path / f"{recording.stem}_corrected.h5"
    show(qtbot, panel, session, out, settle)
    shown = rows(panel)
    assert shown["verdict"].startswith("Good: The correction can be used")
    assert shown["decay model"] == "exponential"
    assert shown["rate"].startswith("k = ")
    assert "95" in shown["rate"]
    assert shown["border [px]"] == "10"
    assert shown["signal region"] == "auto"
    assert shown["outliers count less"] == "yes"
    assert shown["in a batch from"].startswith(f"{recording.name} (")
    text = panel.as_text()
    for raw in ("{", "border_px", "max_gain", "batch source", "bleach recipe"):
        assert raw not in text


def test_a_record_in_pieces_is_put_together_and_one_that_is_too_long_left_alone() -> None:
    text = json.dumps({"border_px": 7})
    pieces = {"bleach recipe": text[:5], "bleach recipe (2)": text[5:]}
    assert ("border [px]", "7") in {(row.name, row.value) for row in correction_rows(pieces)}
    long = {"bleach fit": "{" * 2_000_000}
    assert any("flimage info" in (row.value or "") for row in correction_rows(long))


def test_an_assigned_background_is_told(qtbot, panel, session, settle, described) -> None:
    show(qtbot, panel, session, described, settle)
    session.assign_background(np.ones(session.shape, dtype=np.float32), [0], "test")
    qtbot.waitUntil(lambda: rows(panel)["background image"] == "subtracted")


def test_unknown_attributes_of_the_series_are_shown_as_they_are(
    qtbot, panel, session, settle, described
) -> None:
    with h5py.File(described, "r+") as file:
        file.attrs["operator"] = "M. Curie"
        file.attrs["long"] = "x" * 1000
    show(qtbot, panel, session, described, settle)
    shown = rows(panel)
    assert shown["operator"] == "M. Curie"
    assert shown["long"].endswith("…")
    assert len(shown["long"]) < 200


def test_selected_lines_are_copied_and_without_selection_all(
    qtbot, panel, session, settle, described
) -> None:
    show(qtbot, panel, session, described, settle)
    table = find(panel, QTableWidget, "metadataTable")
    table.setFocus()
    names = [table.item(row, 0).text() for row in range(table.rowCount())]
    table.selectRow(names.index("duration"))
    qtbot.keyClick(table, Qt.Key.Key_C, Qt.KeyboardModifier.ControlModifier)
    assert QApplication.clipboard().text() == "duration\t4.5 min"
    table.clearSelection()
    qtbot.keyClick(table, Qt.Key.Key_C, Qt.KeyboardModifier.ControlModifier)
    text = QApplication.clipboard().text()
    assert text.startswith("Series\nfile\tdescribed.h5\n")
    assert "device\tSPIM-3" in text


def test_without_a_recording_the_panel_says_so(panel) -> None:
    assert find(panel, QLabel, "metadataEmptyLabel").isVisible()
    assert not find(panel, QTableWidget, "metadataTable").isVisible()


def test_a_conversion_is_told_in_sentences_without_options_of_the_command_line() -> None:
    notes = [
        "Times are multiples of 0.5 s, as given.",
        "The pixel size is not known (--pixel-size).",
    ]
    record = json.dumps({"file": "cells.tif", "format": "TIFF", "notes": notes})
    (row,) = attribute_rows({"conversion": record})
    assert row.value == (
        "cells.tif (TIFF). Times are multiples of 0.5 s, as given. The pixel size is not known."
    )


def test_what_went_wrong_names_no_option_of_the_command_line() -> None:
    error = InputError("cells.tif has no times; give the time between frames (--interval).")
    assert sentence_of(error) == "cells.tif has no times; give the time between frames."


@pytest.mark.parametrize(
    ("key", "text"),
    [
        ("conversion", "[" * 30_000),
        ("conversion", '{"file": 3, "notes": 7}'),
        ("bleach fit", '{"verdict": 7}'),
        ("bleach fit", "{"),
        ("batch source", "[]"),
        ("batch source", '{"name": "a", "size": 1, "changed": 1e300}'),
        ("bleach recipe", '{"model": [1]}'),
    ],
)
def test_records_that_are_damaged_are_written_in_some_words(key: str, text: str) -> None:
    rows = [*attribute_rows({key: text}), *correction_rows({key: text})]
    assert rows
    for row in rows:
        assert row.value is None or len(row.value) < 200
