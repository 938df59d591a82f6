"""The time of a frame as a person reads it: the same wherever it stands in the window (no Qt)."""

from __future__ import annotations

from typing import Any

import numpy as np

from flimage.quantities import MISSING, DisplayUnit, time_unit

__all__ = ["shown_unit", "time_text"]

#: The times that :func:`time_text` was asked for last, and what follows from all of them: several
#: views ask for each frame, and a recording may have a hundred thousand.
_clocked: list[Any] = [None, None]


def time_text(times: np.ndarray, index: int) -> str:
    """Write the time of a frame since the first one, in a unit and with digits that suit both.

    Parameters
    ----------
    times
        Times of all frames (n,) [s]; they are not changed afterwards.
    index
        Frame number.
    """
    if not 0 <= index < len(times) or not np.isfinite(times[index]):
        return MISSING
    if times is not _clocked[0]:
        _clocked[:] = times, _clock(times)
    start, unit, decimals = _clocked[1]
    value = (float(times[index]) - start) / unit.scale
    return f"{value:.{decimals}f} {unit.symbol}".replace("-", "−")


def shown_unit(times: np.ndarray) -> DisplayUnit:
    """Return the unit in which :func:`time_text` writes the times of a recording [s]."""
    if not np.isfinite(times).any():
        return DisplayUnit("s", 1.0)
    return _clock(times)[1]


def _clock(times: np.ndarray) -> tuple[float, DisplayUnit, int]:
    """Return start [s], unit and decimals that suit times of which one at least is finite."""
    finite = times[np.isfinite(times)]
    start = float(times[0]) if np.isfinite(times[0]) else float(finite[0])
    span = float(np.ptp(finite))
    # A single frame spans nothing, which no unit suits.
    unit = time_unit(span) if span > 0 else DisplayUnit("s", 1.0)
    steps = np.abs(np.diff(finite))
    steps = steps[steps > 0]
    step = float(np.median(steps)) if len(steps) else unit.scale
    for smaller in (DisplayUnit("h", 3600.0), DisplayUnit("min", 60.0), DisplayUnit("s", 1.0)):
        # 1200 s tell more than 20.000 min where frames are a second apart.
        if smaller.scale < unit.scale and step < 0.1 * unit.scale:
            unit = smaller
    usual = step / unit.scale
    # As many digits as it takes to tell the steps between frames.
    decimals = next((d for d in range(4) if abs(round(usual, d) - usual) < 0.05 * usual), 4)
    return start, unit, decimals
