"""The window says in one sentence what the disk refused, and works on."""

from __future__ import annotations

import contextlib
import errno
import gc
import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from PyQt5.QtWidgets import QLabel

from flimage import FLSeries
from flimage_gui.editor import Editor
from flimage_gui.main_window import MainWindow

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.torture.mounts import FILE_SYSTEMS, small_disk


@pytest.fixture(params=FILE_SYSTEMS)
def full_disk(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Path]:
    """A folder on a small disk; what is written to it beyond a few MB does not fit."""
    with small_disk(tmp_path / "disk", request.param) as folder:
        if folder is None:
            pytest.skip("this user may not mount small disks")
        yield folder


@pytest.mark.parametrize("what", ["export", "save", "save a copy"])
def test_a_disk_that_is_really_full_is_said_and_the_window_works_on(
    what: str, full_disk: Path, window: MainWindow, recording: Path, settle
) -> None:
    session = window.session
    source = Path(shutil.copy(recording, full_disk / "recording.h5"))
    window.open_path(source)
    settle(session)
    Editor(session).set_value([0], "identifier", "changed")
    before = source.read_bytes()
    out = full_disk / "out.h5"
    filler = full_disk / "filler"
    with filler.open("wb", buffering=0) as file, contextlib.suppress(OSError):
        while file.write(bytes(4096)):
            pass
    write = {
        "export": lambda: session.export(out),
        "save": session.save,
        "save a copy": lambda: session.save_as(out),
    }[what]
    errors: list[Exception] = []
    session.failed.connect(errors.append)
    write()
    settle(session)
    told = " ".join(map(str, errors))
    assert "the disk is full; free some space" in told or "No space left on device" in told
    assert source.read_bytes() == before
    assert {path.name for path in full_disk.iterdir()} - {"lost+found"} == {
        "recording.h5",
        "filler",
    }
    assert session.modified
    filler.unlink()
    errors.clear()
    write()
    settle(session)
    assert errors == []
    with FLSeries(h5file=source if what == "save" else out, h5mode="r") as series:
        assert len(series) == session.n_frames
        assert series[0]["identifier"] == "changed"
    assert session.modified is (what == "export")
    # HDF5 does not survive being asked for files that it could not close.
    gc.collect()


@pytest.mark.parametrize("what", ["export", "save", "save a copy"])
def test_a_full_disk_is_said_and_the_window_works_on(
    what: str, window: MainWindow, recording: Path, tmp_path: Path, settle, monkeypatch
) -> None:
    session = window.session
    window.open_path(recording)
    settle(session)
    Editor(session).set_value([0], "identifier", "changed")
    out = tmp_path / "out.h5"
    write = {
        "export": lambda: session.export(out),
        "save": session.save,
        "save a copy": lambda: session.save_as(out),
    }[what]
    before = recording.read_bytes()
    errors: list[Exception] = []
    session.failed.connect(errors.append)

    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        write()
        settle(session)
    assert any("the disk is full; free some space" in str(error) for error in errors)
    shown = [label.text() for label in window.findChildren(QLabel) if label.isVisible()]
    assert any("the disk is full" in text for text in shown)
    assert recording.read_bytes() == before
    assert not out.exists()
    assert session.modified
    assert [path.name for path in tmp_path.glob(".*")] == []
    errors.clear()
    write()
    settle(session)
    assert errors == []
    assert out.exists() or what == "save"
