"""What is odd about the times of a recording: missing ones, steps backwards, gaps."""

from __future__ import annotations

import enum
from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["TimeFlag", "time_flags", "time_steps"]

#: A step is a gap when it is longer than its neighbours by this factor: one frame that was
#: dropped makes it twice as long.
GAP_FACTOR = 1.5
#: Number of steps around a step that it is compared with.
_NEIGHBOURS = 9


class TimeFlag(enum.IntEnum):
    """What is odd about the time of a frame."""

    NONE = 0
    #: The frame has no time.
    MISSING = 1
    #: It is earlier than that of the frame before.
    BACKWARDS = 2
    #: It is the same as that of the frame before.
    REPEATED = 3
    #: Much more time has passed since the frame before than usual thereabouts.
    GAP = 4


def time_steps(times: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """Time since the frame before.

    Parameters
    ----------
    times
        Times of all frames, of shape (t,) [s]; NaN where a frame has none.

    Returns
    -------
    steps : array of shape (t,)
        [s]; NaN for the first frame, and where one of the two times is missing.
    """
    values = np.asarray(times, dtype=np.float64)
    steps = np.full(values.shape, np.nan)
    steps[1:] = np.diff(values)
    return steps


def time_flags(times: npt.ArrayLike) -> npt.NDArray[np.int8]:
    """Tell what is odd about the times of frames.

    A step is compared with the median of those around it, so that a recording whose interval was
    changed on purpose has no gap.

    Parameters
    ----------
    times
        Times of all frames, of shape (t,) [s]; NaN where a frame has none.

    Returns
    -------
    flags : array of shape (t,)
        Values of :class:`TimeFlag`.
    """
    values = np.asarray(times, dtype=np.float64)
    flags = np.zeros(values.shape, dtype=np.int8)
    steps = time_steps(values)
    known = np.isfinite(steps)
    usual = _local_median(np.where(steps > 0, steps, np.nan))
    with np.errstate(invalid="ignore"):
        flags[known & (steps > GAP_FACTOR * usual)] = TimeFlag.GAP
        flags[known & (steps == 0)] = TimeFlag.REPEATED
        flags[known & (steps < 0)] = TimeFlag.BACKWARDS
    flags[~np.isfinite(values)] = TimeFlag.MISSING
    return flags


def _local_median(steps: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Median of the known steps around each step; NaN where none is known."""
    known = np.flatnonzero(np.isfinite(steps))
    medians: npt.NDArray[np.float64] = np.full(steps.shape, np.nan)
    if not known.size:
        return medians
    half = min(_NEIGHBOURS // 2, known.size - 1)
    values: npt.NDArray[Any] = steps[known]
    padded = np.pad(values, half, mode="reflect") if half else values
    windows = np.lib.stride_tricks.sliding_window_view(padded, 2 * half + 1)
    medians[known] = np.median(windows, axis=1)
    return medians
