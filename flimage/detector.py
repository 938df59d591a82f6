"""Where the range of a detector ends, so that pixels beyond it are known to be saturated."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from .attributes import read_attribute

if TYPE_CHECKING:
    from .source import FrameSource

__all__ = ["detector_level", "stated_maximum"]

#: Attribute of a converted series (see :mod:`flimage.convert`).
_ORIGIN = "conversion"

#: Largest counts of detectors with 8, 10, 12, 14 and 16 bits.
_LEVELS = tuple(float(2**bits - 1) for bits in (8, 10, 12, 14, 16))


def detector_level(maximum: float, stated: float | None = None) -> float | None:
    """Tell whether a largest value is where a detector ends; None when it is not.

    Parameters
    ----------
    maximum
        Largest value of an image or a series.
    stated
        Where the file says that the detector ends. Without it, and where there are values beyond
        it, the largest counts of common detectors are taken for such an end.
    """
    if stated is not None and maximum <= stated:
        return maximum if maximum == stated else None
    return maximum if maximum in _LEVELS else None


def stated_maximum(source: FrameSource) -> float | None:
    """Largest count of the detector, as the file that a series was converted from stated it.

    Parameters
    ----------
    source
        The recording.

    Returns
    -------
    float or None
        None where nothing was stated: for series that were not converted, and where only the size
        of the numbers is known, which may hold more bits than the detector has.
    """
    while hasattr(source, "source"):
        source = source.source
    series = getattr(source, "series", None)
    if series is None:
        return None
    text = read_attribute(series.h5, _ORIGIN)
    try:
        origin: Any = json.loads(text) if isinstance(text, str) else None
    except (ValueError, RecursionError):
        return None
    if not isinstance(origin, Mapping):
        return None
    maximum, kind = origin.get("maximum"), origin.get("dtype")
    try:
        largest = np.iinfo(str(kind)).max
    except (TypeError, ValueError):
        return None
    if isinstance(maximum, bool) or not isinstance(maximum, int) or not 0 < maximum < largest:
        return None
    return float(maximum)
