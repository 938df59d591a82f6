"""The window says in one sentence what the disk refused, and works on."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest
from PyQt5.QtWidgets import QLabel

from flimage_gui.editor import Editor
from flimage_gui.main_window import MainWindow


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
