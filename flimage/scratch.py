"""Memory that is used again and again."""

from __future__ import annotations

import math
import threading
from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["Scratch"]


class Scratch(threading.local):
    """Arrays for what is forgotten after each step; every thread has its own.

    To ask the system for a megabyte, and to give it back, takes about as long as adding up what is
    put into it.
    """

    def __init__(self) -> None:
        self._kept: dict[tuple[str, np.dtype[Any]], npt.NDArray[Any]] = {}

    def array(self, use: str, shape: tuple[int, ...], dtype: npt.DTypeLike) -> npt.NDArray[Any]:
        """Return an array with any values in it.

        Parameters
        ----------
        use
            What it is for. The next call for the same use and type returns the same memory.
        shape, dtype
            Of the array.
        """
        size, key = math.prod(shape), (use, np.dtype(dtype))
        kept = self._kept.get(key)
        if kept is None or kept.size < size:
            kept = self._kept[key] = np.empty(size, dtype)
        return kept[:size].reshape(shape)
