"""What the numbers in a TIFF file stand for, where the file says so: values, and times of frames.

ImageJ keeps signed numbers of 16 bits, and programs keep real numbers, as whole ones from 0 to
65535, or 255, with a straight line that leads back. Who reads past it gets numbers that look like
intensities.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from .errors import InputError
from .scaling import LARGEST, Scaling
from .units import number_of

__all__ = ["StoredValues", "times_in_info", "values_of_imagej", "values_of_ome"]

#: ImageJ's codes for "no calibration" and for a straight line.
_NONE, _STRAIGHT = (None, 20), 0
_MISSING = "missing pixels"


@dataclass(frozen=True)
class StoredValues:
    """How stored whole numbers become values.

    Parameters
    ----------
    scaling
        The line that leads back.
    largest
        Largest whole number that is stored.
    """

    scaling: Scaling
    largest: int = LARGEST

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the values: whole numbers where only a whole number is added."""
        low, scaling = self.scaling.offset, self.scaling
        if scaling.scale == 1 and low == math.floor(low) and not scaling.missing_is_zero:
            for kind in (np.uint16, np.int16, np.int32):
                if np.iinfo(kind).min <= low and low + self.largest <= np.iinfo(kind).max:
                    return np.dtype(kind)
        return np.dtype(np.float32)

    def restore(self, stored: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Turn stored numbers into values; NaN where a pixel had none."""
        return self.scaling.restore(stored).astype(self.dtype)

    def note(self, origin: str) -> str:
        """Say how values were made, and where that was stated."""
        return f"{self.scaling.sentence.rstrip('.')}, from {origin}."


def values_of_imagej(
    properties: Mapping[str, Any], largest: int = LARGEST
) -> tuple[StoredValues | None, str]:
    """Find ImageJ's calibration of values.

    Parameters
    ----------
    properties
        ImageJ's properties: ``cf`` is the function, ``c0`` and ``c1`` are its coefficients.
    largest
        Largest whole number that is stored.

    Returns
    -------
    values : StoredValues or None
        None where stored numbers are the values, or nothing better is known.
    note : str
        What a person should know of it, or an empty text.

    References
    ----------
    https://imagej.net/ij/docs/menus/analyze.html#cal
    """
    function = properties.get("cf")
    if function in _NONE:
        return None, ""
    try:
        if function != _STRAIGHT:
            raise InputError("it is no straight line")
        zero = f"{_MISSING} = stored as 0" in _info(properties)
        scaling = Scaling(number_of(properties.get("c1")), number_of(properties.get("c0")), zero)
    except InputError:
        return None, (
            f"ImageJ's calibration of values (function {function}) was not applied: values are the"
            " stored numbers."
        )
    return _unless_same(scaling, "ImageJ's calibration of values", largest)


def values_of_ome(annotations: Any) -> tuple[StoredValues | None, str]:
    """Find the scale that :func:`flimage.export.write_tiff` states in its annotation.

    Parameters
    ----------
    annotations
        Maps of OME-XML's structured annotations, as dictionaries.

    Returns
    -------
    values : StoredValues or None
    note : str
        See :func:`values_of_imagej`.
    """
    for each in annotations:
        pairs = each.get("Value", {}).get("M", []) if isinstance(each, dict) else []
        facts = {
            pair.get("K"): pair.get("value")
            for pair in (pairs if isinstance(pairs, list) else [pairs])
            if isinstance(pair, dict)
        }
        if str(facts.get("software", "")).startswith("flimage ") and "scale" in facts:
            zero = facts.get(_MISSING) == "stored as 0"
            try:
                scaling = Scaling(number_of(facts["scale"]), number_of(facts.get("offset")), zero)
            except InputError:
                return None, "The scale that the file states is damaged; it was not applied."
            return _unless_same(scaling, "the annotation of the file")
    return None, ""


def times_in_info(properties: Mapping[str, Any]) -> list[float]:
    """Find the times [s] that :func:`flimage.export.write_tiff` keeps in ImageJ's info.

    Returns
    -------
    list of float
        One for each frame; empty where there are none.
    """
    for line in _info(properties).splitlines():
        name, _, text = line.partition(" = ")
        if name == "times in seconds":
            try:
                times = json.loads(text)
            except (ValueError, RecursionError):
                return []
            return [number_of(time) for time in times] if isinstance(times, list) else []
    return []


def _info(properties: Mapping[str, Any]) -> str:
    return str(properties.get("Info", ""))


def _unless_same(
    scaling: Scaling, origin: str, largest: int = LARGEST
) -> tuple[StoredValues | None, str]:
    if scaling == Scaling():
        return None, ""
    values = StoredValues(scaling, largest)
    return values, values.note(origin)
