"""Settings are written to recipe files and taken over from them."""

from __future__ import annotations

from pathlib import Path

from controls import type_number
from PyQt5.QtWidgets import QFileDialog

from flimage import Recipe
from flimage.cli import main


def trigger(window, name: str) -> None:
    assert window._actions[name].isEnabled()
    window._actions[name].trigger()


def test_settings_go_from_the_window_to_a_file_to_the_command_line_and_back(
    qtbot, window, settle, recording: Path, tmp_path: Path, monkeypatch
) -> None:
    assert not window._actions["actionSaveRecipe"].isEnabled(), "there is no recording"
    window.open_path(recording)
    settle(window.session)
    type_number(qtbot, window, "borderSpin", 7)
    monkeypatch.setattr(
        QFileDialog, "getSaveFileName", lambda *a, **k: (str(tmp_path / "mine"), "")
    )
    trigger(window, "actionSaveRecipe")
    path = tmp_path / "mine.json"
    assert Recipe.from_json(path.read_text(encoding="utf-8")) == window.session.recipe
    assert str(path) in window.message_bar.text
    out = tmp_path / "cli.h5"
    assert main(["bleach", str(recording), str(out), "--recipe", str(path), "--quiet"]) in (0, 3)
    type_number(qtbot, window, "borderSpin", 3)
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *a, **k: (str(path), ""))
    trigger(window, "actionOpenRecipe")
    assert window.session.recipe.border_px == 7
    window.session.undo()
    assert window.session.recipe.border_px == 3


def test_a_folder_that_cannot_be_written_is_named(
    window, settle, recording: Path, tmp_path: Path, monkeypatch
) -> None:
    window.open_path(recording)
    settle(window.session)
    target = tmp_path / "gone" / "mine.json"
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *a, **k: (str(target), ""))
    trigger(window, "actionSaveRecipe")
    assert "no folder" in window.message_bar.text
