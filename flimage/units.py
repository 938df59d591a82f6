"""Units of length and time as file formats write them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

__all__ = ["METRES", "SECONDS", "number_of", "scale_of"]

#: Units of length as file formats write them, in metres.
METRES = {
    "m": 1.0,
    "cm": 1e-2,
    "centimeter": 1e-2,
    "mm": 1e-3,
    "millimeter": 1e-3,
    "µm": 1e-6,  # micro sign
    "μm": 1e-6,  # Greek mu
    "\\u00b5m": 1e-6,  # as ImageJ escapes it
    "um": 1e-6,
    "micron": 1e-6,
    "microns": 1e-6,
    "micrometer": 1e-6,
    "micrometre": 1e-6,
    "nm": 1e-9,
    "nanometer": 1e-9,
    "pm": 1e-12,
    "å": 1e-10,
    "inch": 0.0254,
    "in": 0.0254,
}

#: Units of time as file formats write them, in seconds.
SECONDS = {
    "s": 1.0,
    "sec": 1.0,
    "second": 1.0,
    "seconds": 1.0,
    "ms": 1e-3,
    "millisecond": 1e-3,
    "msec": 1e-3,
    "µs": 1e-6,
    "μs": 1e-6,
    "us": 1e-6,
    "microsecond": 1e-6,
    "ns": 1e-9,
    "min": 60.0,
    "minute": 60.0,
    "minutes": 60.0,
    "h": 3600.0,
    "hour": 3600.0,
    "hours": 3600.0,
    "d": 86400.0,
    "day": 86400.0,
}


def number_of(value: Any) -> float:
    """Convert to float; NaN when it is no number."""
    try:
        return float(value)
    except (OverflowError, TypeError, ValueError):
        return math.nan


def scale_of(units: Mapping[str, float], unit: Any, default: str = "") -> float:
    """Size of a unit in SI; NaN when it is unknown.

    Parameters
    ----------
    units
        :data:`METRES` or :data:`SECONDS`.
    unit
        As written in the file; None where nothing is written.
    default
        What is meant then.
    """
    return units.get(str(unit or default).strip().lower(), math.nan)
