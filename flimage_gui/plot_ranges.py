"""What part of a vertical axis is shown, and which numbers stand at it (no Qt)."""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

__all__ = ["fits", "range_of", "readable_ticks"]

#: A range is at least this part of the values in it: below that are rounding errors.
_LEAST_SHARE = 0.02
#: Values beyond this are shown at the end of the axis, of which the length would be no number.
_LARGEST = 1e300
#: First digits of steps; the others only where none of the usual ones will do.
_DIGITS: tuple[tuple[float, ...], ...] = ((5, 2, 1), (7, 4, 3, 1.5))
#: Part of the range that stays free at each end for the dots to be whole.
_MARGIN = 0.02


def range_of(values: npt.NDArray[np.float64], padding: float = 0.06) -> tuple[float, float]:
    """Choose the range of an axis for finite values, (n,), with n > 0.

    Parameters
    ----------
    values
        What is shown.
    padding
        Part of their range that is added at each end.
    """
    low, high = (float(np.clip(end, -_LARGEST, _LARGEST)) for end in (values.min(), values.max()))
    least = _LEAST_SHARE * max(abs(low), abs(high))
    if high - low < least:
        middle = 0.5 * low + 0.5 * high
        low, high = middle - 0.5 * least, middle + 0.5 * least
    elif low == high:
        low, high = low - 1.0, high + 1.0
    extra = padding * (high - low)
    return low - extra, high + extra


def fits(shown: Iterable[float], low: float, high: float, share: float) -> bool:
    """Tell whether values lie in the range that is shown, and fill at least a share of it."""
    bottom, top = shown
    margin = _MARGIN * (top - bottom)
    inside = bottom + margin <= low and high <= top - margin
    return inside and high - low >= share * (top - bottom)


def readable_ticks(low: float, high: float, room: float) -> tuple[float, list[float]] | None:
    """Choose the widest round step with which at least two numbers can be read.

    Parameters
    ----------
    low, high
        Range of the axis.
    room
        What a number needs of that range. It has to lie inside with all of it.

    Returns
    -------
    unit, ticks : float, list of float
        The place of the last digit that the numbers need, and the numbers; None where there is no
        room for two.
    """
    if not 0 < room < high - low < math.inf:
        return None
    power = math.floor(math.log10(high - low))
    for digits in _DIGITS:
        for exponent in (power, power - 1, power - 2):
            for digit in digits:
                step = digit * 10.0**exponent
                # Also without zero, where there is room for two numbers but not for three.
                for spacing, offset in ((step, 0.0), (2 * step, step)):
                    first = math.ceil((low + room / 2 - offset) / spacing)
                    last = math.floor((high - room / 2 - offset) / spacing)
                    if last > first and spacing >= room:
                        ticks = [offset + n * spacing for n in range(first, last + 1)]
                        return 10.0 ** (exponent - (digit == 1.5)), ticks
    return None
