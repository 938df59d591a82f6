"""Real numbers as whole ones of 16 bits, with the scale that turns them back."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from .errors import InputError

__all__ = ["LARGEST", "Scaled", "Scaling"]

#: Largest whole number of 16 bits.
LARGEST = 65535


@dataclass(frozen=True)
class Scaled:
    """An image in whole numbers.

    Parameters
    ----------
    image
        Whole numbers, of shape (y, x) and type uint16.
    clipped
        Pixels whose value was outside the range and was moved to its end.
    missing
        Pixels that had no value.
    """

    image: npt.NDArray[np.uint16]
    clipped: int
    missing: int


@dataclass(frozen=True)
class Scaling:
    """How values become whole numbers: ``value = stored * scale + offset``.

    Parameters
    ----------
    scale
        Step between neighbouring whole numbers [counts].
    offset
        Value of the whole number 0 [counts].
    missing_is_zero
        Whether 0 stands for pixels without a value, so that values start at 1.
    """

    scale: float = 1.0
    offset: float = 0.0
    missing_is_zero: bool = False

    def __post_init__(self) -> None:
        if not (math.isfinite(self.scale) and self.scale > 0 and math.isfinite(self.offset)):
            raise InputError(
                f"Values cannot be scaled by {self.scale:g} and moved by {self.offset:g}; give a"
                " positive scale and a finite offset."
            )

    @classmethod
    def for_range(cls, low: float, high: float, missing: bool = False) -> Scaling:
        """Scale that spreads the values from `low` to `high` over all whole numbers.

        Parameters
        ----------
        low, high
            Smallest and largest value [counts].
        missing
            Keep 0 for pixels without a value.

        Raises
        ------
        flimage.errors.InputError
            When `high` is less than `low`, or one is not finite.
        """
        if not (math.isfinite(low) and math.isfinite(high) and low <= high):
            raise InputError(
                f"{low:g} to {high:g} is no range of values; give the smaller number first."
            )
        steps = LARGEST - (1 if missing else 0)
        # One value only: any scale does.
        scale = (high - low) / steps if high > low else 1.0
        if not scale > 0:
            scale = 1.0
        return cls(scale, low - scale if missing else low, missing)

    @property
    def low(self) -> float:
        """Smallest value that can be kept [counts]."""
        return self.offset + (self.scale if self.missing_is_zero else 0.0)

    @property
    def high(self) -> float:
        """Largest value that can be kept [counts]."""
        return self.offset + LARGEST * self.scale

    @property
    def sentence(self) -> str:
        """How to turn the numbers back, in words."""
        if self.scale == 1 and self.offset == 0 and not self.missing_is_zero:
            return "Stored numbers are the values in counts."
        zero = " Pixels without a value are stored as 0." if self.missing_is_zero else ""
        return f"Value in counts = stored number × {self.scale!r} + {self.offset!r}.{zero}"

    def apply(self, image: npt.NDArray[np.floating]) -> Scaled:
        """Turn an image into whole numbers.

        Parameters
        ----------
        image
            Values, of shape (y, x) [counts].
        """
        stored = np.subtract(image, self.offset, dtype=np.float64)
        stored /= self.scale
        np.rint(stored, out=stored)
        finite = np.isfinite(stored)
        lowest = 1 if self.missing_is_zero else 0
        # Rounding to single precision may move an end of the range by less than a step.
        outside = finite & ((stored < lowest - 0.5) | (stored > LARGEST + 0.5))
        np.clip(stored, lowest, LARGEST, out=stored, where=finite)
        stored[~finite] = 0
        return Scaled(
            stored.astype(np.uint16),
            int(np.count_nonzero(outside)),
            int(finite.size - np.count_nonzero(finite)),
        )

    def restore(self, stored: npt.NDArray[np.uint16]) -> npt.NDArray[np.float64]:
        """Turn whole numbers back into values; NaN where a pixel had none."""
        values = stored.astype(np.float64) * self.scale + self.offset
        if self.missing_is_zero:
            values[stored == 0] = np.nan
        return values
