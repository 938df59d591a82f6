"""Let numbers at the ends of what they can be come out as they do, without warnings."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import numpy as np

__all__ = ["quietly"]

Function = TypeVar("Function", bound=Callable[..., object])


def quietly(function: Function) -> Function:
    """Decorate a function that meets pixels of 1e300, 1e-45, or NaN that signal.

    What comes of them is infinite, 0 or NaN, and the function says so in its result.
    """
    return np.errstate(over="ignore", invalid="ignore", under="ignore")(function)
