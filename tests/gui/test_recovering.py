"""Where a file is refused because it is damaged, the window offers to save what can be read."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pytest
from controls import click, find
from PyQt5.QtWidgets import QFileDialog, QLabel, QPlainTextEdit, QPushButton
from recordings import decaying, write_series

from flimage.image_group import RAW


@pytest.fixture
def damaged(tmp_path: Path) -> Path:
    """A series without its first frame, and with another one damaged."""
    path = write_series(tmp_path / "cells.h5", decaying(8))
    with h5py.File(path, "a") as file:
        del file["fli_0"]
        del file[f"fli_3/{RAW}"]
    return path


def _answer(monkeypatch: pytest.MonkeyPatch, answer: Path | str) -> list[str]:
    """Let the file dialog be answered; return what it proposes."""
    proposed: list[str] = []

    def ask(parent: object, title: str, start: str, *others: object) -> tuple[str, str]:
        proposed.append(start)
        return str(answer), ""

    monkeypatch.setattr(QFileDialog, "getSaveFileName", ask)
    return proposed


def test_what_can_be_read_is_saved_opened_and_the_rest_named(
    window, settle, qtbot, damaged: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = damaged.read_bytes()
    target = tmp_path / "whole.h5"
    proposed = _answer(monkeypatch, target)
    window.open_path(damaged)
    settle(window.session)
    assert window.session.source is None
    text = find(window, QLabel, "messageText").text()
    assert "cells.h5" in text
    assert "fli_0" in text
    assert find(window, QPushButton, "messageActionButton").text() == "Save what can be read…"
    click(qtbot, window, "messageActionButton")
    settle(window.session)
    assert proposed == [str(tmp_path / "cells_recovered.h5")]
    assert window.session.path == target
    assert window.session.n_frames == 6
    np.testing.assert_allclose(window.session.source.raw(0), decaying(8)[1], rtol=1e-6)
    text = find(window, QLabel, "messageText").text()
    assert text.startswith("whole.h5: 6 frames recovered; 1 cannot be read and 1 is missing.")
    click(qtbot, window, "messageDetailsButton")
    details = find(window, QPlainTextEdit, "messageDetails")
    assert details.isVisible()
    assert "fli_0 is missing." in details.toPlainText()
    assert "fli_3 cannot be read" in details.toPlainText()
    assert damaged.read_bytes() == before


def test_a_file_that_was_cut_off_is_offered_to_be_recovered(
    window, settle, qtbot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_series(tmp_path / "cut.h5", decaying(20))
    data = path.read_bytes()
    path.write_bytes(data[: int(0.98 * len(data))])
    _answer(monkeypatch, tmp_path / "whole.h5")
    window.open_path(path)
    settle(window.session)
    click(qtbot, window, "messageActionButton")
    settle(window.session)
    assert window.session.path == tmp_path / "whole.h5"
    assert 10 < window.session.n_frames < 20


def test_where_nothing_can_be_read_the_open_recording_stays_and_no_file_is_left(
    window, settle, qtbot, recording: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_series(tmp_path / "lost.h5", decaying(5))
    with h5py.File(path, "a") as file:
        for number in range(5):
            del file[f"fli_{number}/{RAW}"]
    _answer(monkeypatch, tmp_path / "whole.h5")
    window.open_path(recording)
    settle(window.session)
    window.open_path(path)
    settle(window.session)
    click(qtbot, window, "messageActionButton")
    settle(window.session)
    assert "no frame can be read" in find(window, QLabel, "messageText").text()
    assert window.session.path == recording
    assert not (tmp_path / "whole.h5").exists()


def test_a_person_who_wants_no_file_gets_none(
    window, settle, qtbot, damaged: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _answer(monkeypatch, "")
    window.open_path(damaged)
    settle(window.session)
    click(qtbot, window, "messageActionButton")
    settle(window.session)
    assert window.session.source is None
    assert [each.name for each in damaged.parent.glob("*.h5")] == ["cells.h5"]


def test_nothing_is_offered_for_a_file_that_is_no_series(window, settle, tmp_path: Path) -> None:
    path = tmp_path / "text.h5"
    path.write_text("no HDF5")
    window.open_path(path)
    settle(window.session)
    assert "text.h5" in find(window, QLabel, "messageText").text()
    assert find(window, QPushButton, "messageActionButton").isHidden()
