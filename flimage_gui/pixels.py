"""From values of an image to the colours of the screen."""

from __future__ import annotations

import math

import numpy as np
from PyQt5.QtGui import qRgb, qRgba

from flimage.quietly import quietly

from .colormaps import color_table

__all__ = ["color_list", "to_indices"]

#: Colours are spread over the indices from 0 to here; those above have a meaning of their own.
LAST_COLOR = 253
SATURATED = 254
MISSING = 255
#: Saturated pixels are drawn in this colour, which is in none of the maps.
SATURATED_COLOR = (255, 64, 64)


@quietly
def to_indices(
    image: np.ndarray, low: float, high: float, saturation: float | None = None
) -> np.ndarray:
    """Turn values into indices of the colour table.

    Parameters
    ----------
    image
        Values (y, x).
    low, high
        Values of the first and the last colour.
    saturation
        Values from here on are marked as saturated; None marks none.

    Returns
    -------
    numpy.ndarray
        uint8 of the same shape: 0 to 253 for values, 254 where saturated, 255 where NaN.
    """
    work = np.subtract(image, low, dtype=np.float32)
    work *= np.float32(LAST_COLOR / (high - low))
    # Adding up is the quickest way to find out that there is any NaN (or infinite) value at all.
    complete = math.isfinite(float(work.sum(dtype=np.float64)))
    np.fmax(work, 0, out=work)
    np.fmin(work, LAST_COLOR, out=work)
    indices = work.astype(np.uint8)
    if saturation is not None:
        indices[image >= saturation] = SATURATED
    if not complete:
        indices[np.isnan(image)] = MISSING
    return indices


def color_list(name: str) -> list[int]:
    """Return the colours of all indices in the map `name`, as a `QImage` takes them."""
    colors = color_table(name)
    chosen = np.linspace(0, len(colors) - 1, LAST_COLOR + 1).round().astype(int)
    table = [qRgb(*(int(v) for v in colors[i])) for i in chosen]
    return [*table, qRgb(*SATURATED_COLOR), qRgba(0, 0, 0, 0)]
