"""Find, click and type into controls by their object names."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PyQt5.QtCore import Qt
from PyQt5.QtWidgets import QAbstractButton, QAbstractSpinBox, QComboBox, QWidget

from flimage import FLSeries


def find(parent: QWidget, kind: type, name: str) -> Any:
    """Return the widget of that name, which must be there."""
    found = parent.findChild(kind, name)
    assert found is not None, f"there is no {kind.__name__} {name!r}"
    return found


def click(qtbot, parent: QWidget, name: str) -> None:
    """Click a button with the left mouse button."""
    button = find(parent, QAbstractButton, name)
    assert button.isEnabled(), f"{name} is disabled"
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)


def choose(qtbot, parent: QWidget, name: str, data: object) -> None:
    """Choose the item with that data in a combo box, by keys."""
    combo = find(parent, QComboBox, name)
    combo.setFocus()
    qtbot.keyClick(combo, Qt.Key.Key_Home)
    for _ in range(combo.count()):
        if combo.currentData() != data:
            qtbot.keyClick(combo, Qt.Key.Key_Down)
    assert combo.currentData() == data


def type_number(qtbot, parent: QWidget, name: str, text: object, enter: bool = True) -> None:
    """Type into a spin box, and press Enter."""
    spin = find(parent, QAbstractSpinBox, name)
    spin.setFocus()
    spin.selectAll()
    qtbot.keyClicks(spin, str(text))
    if enter:
        qtbot.keyClick(spin, Qt.Key.Key_Return)


def write_frames(
    path: Path, frames: np.ndarray, times: Sequence[float | None] | np.ndarray | None = None
) -> Path:
    """Write a series with the given times, by default every 0.5 s; None is no time."""
    stamps = 0.5 * np.arange(len(frames)) if times is None else times
    with FLSeries(h5file=path, h5mode="w", identifier="written") as series:
        metas = [{"pixel size": 1e-7, "identifier": f"w-{i}"} for i in range(len(frames))]
        for meta, stamp in zip(metas, stamps, strict=True):
            if stamp is not None:
                meta["time"] = float(stamp)
        series.add_images(frames, metas)
    return path


def bleaching(n_frames: int = 12, loss: float = 0.7, seed: int = 1) -> np.ndarray:
    """Frames (t, y, x) of a disc that loses `loss` of its signal, with noise; float32."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:60, :80]
    disc = np.hypot(y - 30, x - 40) < 12
    decay = 1 - loss + loss * np.exp(-np.arange(n_frames) / (n_frames / 3))
    frames = 100 + 400 * disc * decay[:, None, None]
    return (frames + rng.normal(0, 2, frames.shape)).astype(np.float32)
