"""A series that was corrected already says so, and is not corrected twice unawares."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from controls import find
from recordings import decaying, write_series

from flimage.background import suitable_border
from flimage_gui.bleach_panel import BleachPanel
from flimage_gui.labels import Notice, breakable
from flimage_gui.session import Session


@pytest.fixture
def corrected(session: Session, recording: Path, tmp_path: Path, settle) -> Path:
    session.open(recording)
    settle(session)
    out = tmp_path / "recording_corrected.h5"
    session.export(out)
    settle(session)
    return out


def test_a_corrected_series_opens_without_a_border_and_says_what_it_is(
    qtbot, session: Session, corrected: Path, settle
) -> None:
    panel = BleachPanel(session)
    qtbot.addWidget(panel)
    panel.show()
    notice = find(panel, Notice, "correctedNotice")
    assert not notice.isVisible()
    session.open(corrected)
    settle(session)
    assert session.recipe.border_px == 0
    assert session.correction.source == "recording.h5"
    assert notice.isVisible()
    assert notice.grade == "caution"
    for part in ("recording.h5", "Corrected already", "border is 0 px here", "count twice"):
        assert part in notice.text().replace("\u200b", "")


@pytest.mark.parametrize("name", ["basicpy_timelapse_nanog_189x128x171_u8.h5", "x" * 70 + ".h5"])
def test_a_long_name_is_continued_on_the_next_line(name: str) -> None:
    pieces = breakable(name).split("\u200b")
    assert "".join(pieces) == name
    assert max(map(len, pieces)) <= 17


def test_the_trace_of_a_corrected_series_is_flat_as_it_is_opened(
    session: Session, corrected: Path, settle
) -> None:
    session.open(corrected)
    settle(session)
    trace = session.trace.intensity
    assert np.ptp(trace) < 0.02 * np.mean(trace)


def test_a_recording_after_a_corrected_series_has_its_usual_border_again(
    session: Session, corrected: Path, recording: Path, settle
) -> None:
    for path in (corrected, recording):
        session.open(path)
        settle(session)
    assert session.correction is None
    assert session.recipe.border_px == suitable_border((60, 80)) == 10


def test_a_damaged_record_of_the_correction_does_not_keep_the_frames_from_being_shown(
    session: Session, tmp_path: Path, settle
) -> None:
    import h5py

    path = write_series(tmp_path / "odd.h5", decaying())
    with h5py.File(path, "a") as file:
        file.attrs["bleach recipe"] = "{}"
    session.open(path)
    settle(session)
    assert session.n_frames == 12
    assert session.correction is not None
