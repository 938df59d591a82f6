"""Metadata keys of fluorescence images, their units, and the dictionary that checks them.

Values are in SI units. The keys are those of qpimage without the ones that only make sense for
quantitative phase (wavelength, medium index, refractive index of a simulation).
"""

from __future__ import annotations

from collections import UserDict
from collections.abc import Iterable, Mapping
from typing import Any, TypeGuard

import numpy as np

from .errors import InputError
from .plain_text import clean

__all__ = [
    "DATA_KEYS_FL",
    "META_DEFINITIONS",
    "META_KEYS_FL",
    "OTHER_KEYS_FL",
    "FLMetaDict",
    "is_number",
    "read_meta",
]

#: What a frame needs to be placed in space and time: key -> description with unit.
_DATA_DEFINITIONS = {
    "pixel size": "detector pixel size [m]",
    "time": "acquisition time of the image [s]",
}

#: Optional keys: key -> description with unit.
_OTHER_DEFINITIONS = {
    "angle": "tomographic acquisition angle [rad]",
    "date": "acquisition date 'YYYY-MM-DD'",
    "device": "imaging device used",
    "flimage version": "flimage software version used",
    "focus": "focus position [m]",
    "identifier": "image identifier",
    "numerical aperture": "numerical aperture",
    "pos x": "x position [m]",
    "pos y": "y position [m]",
    "qpimage version": "qpimage software version used",
    "sim center": "simulation: center of object [px]",
    "sim model": "simulation: model used",
    "sim radius": "simulation: object radius [m]",
    "software": "imaging software used",
}

#: Description of every key, with its unit.
META_DEFINITIONS: dict[str, str] = {**_DATA_DEFINITIONS, **_OTHER_DEFINITIONS}

#: Keys that describe how an image was taken.
DATA_KEYS_FL: list[str] = sorted(_DATA_DEFINITIONS)

#: Keys with further information.
OTHER_KEYS_FL: list[str] = sorted(_OTHER_DEFINITIONS)

#: All keys that an :class:`~flimage.core.FLImage` may have.
META_KEYS_FL: list[str] = DATA_KEYS_FL + OTHER_KEYS_FL

#: Keys that state which software wrote an image; they don't describe the image itself.
VERSION_KEYS: tuple[str, str] = ("flimage version", "qpimage version")


def is_number(value: object) -> TypeGuard[float]:
    """Tell whether `value` is one real number (a boolean is not)."""
    return isinstance(value, (int, float, np.integer, np.floating)) and not isinstance(value, bool)


class FLMetaDict(UserDict[str, Any]):
    """Metadata of one image; only keys of :data:`META_KEYS_FL` can be set.

    Raises
    ------
    KeyError
        When an unknown key is set or asked for.
    flimage.errors.MetaDataMissingError
        When a valid key is asked for that has no value. It is a ``KeyError`` as well as qpimage's
        exception of the same name.
    """

    valid_keys = META_KEYS_FL

    def __setitem__(self, key: str, value: Any) -> None:
        if key not in self.valid_keys:
            raise KeyError(
                f"Unknown metadata key {key!r}; the known ones are: {', '.join(self.valid_keys)}."
            )
        super().__setitem__(key, value)

    def __getitem__(self, key: str) -> Any:
        if key in self.data:
            return self.data[key]
        if key in self.valid_keys:
            from ._qpimage import MetaDataMissingError

            raise MetaDataMissingError(
                f"The image has no metadata {key!r}; pass it with `meta_data` when the image is"
                " created or opened for writing."
            )
        raise KeyError(
            f"Unknown metadata key {key!r}; the known ones are: {', '.join(self.valid_keys)}."
        )

    def __contains__(self, key: object) -> bool:
        return key in self.data

    def get(self, key: str, default: Any = None) -> Any:
        """Return the value of `key`, or `default` where there is none."""
        return self.data.get(key, default)


def check_meta(meta_data: Mapping[str, Any]) -> FLMetaDict:
    """Copy `meta_data` into an :class:`FLMetaDict`.

    Raises
    ------
    KeyError
        For an unknown key.
    flimage.errors.InputError
        For a value that HDF5 cannot keep as an attribute.
    """
    meta = FLMetaDict(dict(meta_data))
    for key, value in meta.items():
        if value is None or isinstance(value, (dict, set)):
            raise InputError(f"Metadata {key!r} cannot be {value!r}; give a number or a text.")
    return meta


def read_meta(items: Iterable[tuple[str, Any]]) -> FLMetaDict:
    """Metadata from the attributes of an HDF5 group, leaving out unknown ones.

    An attribute that this version does not know must not make a file unreadable.

    Parameters
    ----------
    items
        Pairs of name and value; bytes are decoded as UTF-8.
    """
    meta = FLMetaDict()
    for key, value in items:
        if key in META_KEYS_FL:
            if isinstance(value, bytes):
                value = value.decode("utf-8", "replace")
            elif isinstance(value, str):
                value = clean(value)
            meta.data[key] = value
    return meta
