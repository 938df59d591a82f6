"""What a file says about a frame and its series, read in a job (no Qt)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import h5py
import numpy as np

from flimage.attributes import read_attribute
from flimage.checked import follow, named
from flimage.image_group import BG_DATA, image_dataset

if TYPE_CHECKING:
    from flimage.source import EditedSource

    from .opening import Opened

__all__ = ["FrameFacts", "read_facts"]

#: Attributes that every image dataset carries and that say nothing to a person.
_PLUMBING = ("CLASS", "IMAGE_VERSION", "IMAGE_SUBCLASS")


@dataclass(frozen=True, eq=False)
class FrameFacts:
    """Everything that is known of a frame besides its pixels.

    Parameters
    ----------
    frame
        Number of the frame.
    meta
        Its metadata, with edits that are not saved yet; keys of
        :data:`flimage.meta.META_KEYS_FL`.
    changed
        Keys of `meta` that edits have changed.
    attributes
        What else is stored with its pixels, such as the gain of a correction.
    stored_type
        How pixels are stored, for instance ``"float32"``.
    has_background
        Whether background images are subtracted from it.
    series
        Attributes of the series.
    """

    frame: int
    meta: Mapping[str, Any]
    changed: frozenset[str]
    attributes: Mapping[str, Any]
    stored_type: str
    has_background: bool
    series: Mapping[str, Any]


def read_facts(opened: Opened, source: EditedSource, frame: int) -> FrameFacts:
    """Read what a file says about a frame.

    Parameters
    ----------
    opened
        The open recording.
    source
        The recording as it is shown, with its edits.
    frame
        Number of the frame in `source`.
    """
    number = source.order[frame]
    group = opened.series.h5
    raw = image_dataset(group, f"fli_{number}")
    edits = source.edits
    if number in edits.backgrounds:
        has_background = edits.backgrounds[number] is not None
    else:
        stored = follow(group, f"fli_{number}/{BG_DATA}")
        has_background = isinstance(stored, h5py.Group) and len(stored) > 0
    return FrameFacts(
        frame=frame,
        meta=MappingProxyType(dict(source.meta(frame))),
        changed=frozenset(edits.meta.get(number, ())),
        attributes=_plain(raw),
        stored_type=str(raw.dtype),
        has_background=has_background,
        series=_plain(group),
    )


def _plain(owner: h5py.Group | h5py.Dataset) -> Mapping[str, Any]:
    """Copy attributes out of the file; what cannot be read is named, not hidden."""
    values: dict[str, Any] = {}
    with named(owner):
        keys = [str(key) for key in owner.attrs]
    for key in keys:
        if key in _PLUMBING:
            continue
        value = read_attribute(owner, key)
        if value is None:
            value = "(cannot be read)"
        if isinstance(value, bytes):
            value = value.decode("utf-8", "replace")
        elif isinstance(value, np.generic):
            value = value.item()
        values[key] = value
    return MappingProxyType(values)
