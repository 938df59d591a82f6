"""Lookup tables for the frame view: perceptually uniform and safe for colour-blind people."""

from __future__ import annotations

import functools

import numpy as np
from PyQt5.QtGui import QIcon, QImage, QPixmap

__all__ = ["COLORMAPS", "DEFAULT", "DIVERGING", "color_table", "swatch"]

#: Name for the person -> name of a map in pyqtgraph, or None for those made here.
COLORMAPS: dict[str, str | None] = {
    "Gray": None,
    "Gray inverted": None,
    "Green": None,
    "Magma": "magma",
    "Inferno": "inferno",
    "Viridis": "viridis",
    "Cividis": "cividis",
    "Magma inverted": "magma",
    "Inferno inverted": "inferno",
    "Viridis inverted": "viridis",
    "Cividis inverted": "cividis",
}
DEFAULT = "Gray"
#: For differences: blue below 0, white at 0, red above (Kovesi, arXiv:1509.03700).
DIVERGING = "Blue white red"
#: Number of colours.
SIZE = 256


@functools.cache
def color_table(name: str) -> np.ndarray:
    """Return the colours of a map, from dark to bright: uint8 of shape (256, 3)."""
    ramp = np.linspace(0, 255, SIZE).round().astype(np.uint8)
    if name == "Gray":
        table = np.stack([ramp] * 3, axis=1)
    elif name == "Gray inverted":
        table = np.stack([ramp[::-1]] * 3, axis=1)
    elif name == "Green":
        # Bright values turn whitish, so that more grey values can be told apart than in pure green.
        position = np.linspace(0, 1, SIZE)
        side = 255 * np.clip((position - 0.7) / 0.3, 0, 1) * 0.8
        table = np.stack([side, 255 * np.clip(position / 0.85, 0, 1), side], axis=1)
        table = table.round().astype(np.uint8)
    else:
        # Not before a map needs it: it takes longer to import than a first frame to be painted.
        import pyqtgraph as pg

        map_name = "CET-D1" if name == DIVERGING else COLORMAPS[name]
        table = pg.colormap.get(map_name).getLookupTable(nPts=SIZE, alpha=False)
        step = -1 if name.endswith("inverted") else 1
        table = np.ascontiguousarray(table[::step, :3], dtype=np.uint8)
    table.setflags(write=False)
    return table


def swatch(name: str, width: int = 48, height: int = 12) -> QIcon:
    """Return a small picture of the map."""
    columns = np.linspace(0, SIZE - 1, width).astype(int)
    row = color_table(name)[columns]
    pixels = np.ascontiguousarray(np.broadcast_to(row, (height, width, 3)))
    image = QImage(pixels.data, width, height, 3 * width, QImage.Format.Format_RGB888)
    return QIcon(QPixmap.fromImage(image))
