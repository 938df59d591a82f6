"""The frames of a series group: how many there are, their identifiers and their times.

Names of members are checked once, identifiers and times are read once, and each of the two only
when it is asked for: of a long recording of small frames, reading them takes as long as reading
the images.
"""

from __future__ import annotations

import itertools
import re
from typing import Any

import h5py
import numpy as np
from h5py import h5a, h5l, h5t

from .attributes import HeapCheck
from .checked import check_links, file_name, named
from .errors import DamagedSeriesError, FileFormatError
from .image_group import describe, is_image_group
from .plain_text import clean, shortened

__all__ = ["FRAME_NAME", "FrameIndex", "read_number"]

#: Texts in the attribute with the identifier, at most.
_MOST_TEXTS = 1000

#: Frames whose attributes are looked at together.
_AT_ONCE = 500

#: Texts of any length, as h5py writes them, and how they are read.
_TEXT_DTYPE = h5py.string_dtype()
_TEXT_TYPE = h5t.py_create(_TEXT_DTYPE, logical=True)
_TEXT_SIZE = 16  # of the reference to it in the file
#: Types of what is read as a text; HDF5 crashes on lists that a flipped bit has made of one.
_READABLE = (h5t.STRING, h5t.INTEGER, h5t.FLOAT, h5t.ENUM)

#: Size of the largest type of number [bytes].
_LARGEST_NUMBER = 16

#: No time, and no number that anybody would write.
_UNTOUCHED = float(np.finfo(np.float64).min)

#: What frames are called in the group of a series. A longer number is none of a frame, and Python
#: refuses to read very long ones.
FRAME_NAME = re.compile(r"fli_(0|[1-9][0-9]{0,49})\Z")


class FrameIndex:
    """Numbers, identifiers and times of the frames in a series group.

    Parameters
    ----------
    group
        Group of the series. Members that another object adds or removes are noticed by their
        number.

    Raises
    ------
    flimage.errors.FileFormatError
        When the group is no series: it holds a single image, or something else.
    flimage.errors.DamagedSeriesError
        When it holds other members beside ``fli_0``, ``fli_1``, …, or has gaps in their numbering.
    """

    def __init__(self, group: h5py.Group) -> None:
        self._group = group
        self._count = 0
        self._members = -1
        #: Whether no frame is a link to somewhere else.
        self.all_here = False
        self._numbers: dict[str, int] = {}
        self._identifiers: list[str | None] | None = None
        self._times: list[float] | None = None
        self.refresh()

    def refresh(self) -> None:
        """Count the frames again, if members came or went since the last time."""
        group = self._group
        with named(group):
            members = group.id.get_num_objs()
            if members == self._members:
                return
            names, hard = _list_members(group)
        # Frames whose attributes are read in one step must not be somewhere else.
        self.all_here = hard == members == len(names)
        found = [FRAME_NAME.match(name) for name in names]
        numbers = sorted(int(match[1]) for match in found if match)
        if is_image_group(group):
            where = file_name(group) if group.name == "/" else describe(group)
            raise FileFormatError(
                f"{where} holds a single image, and bleaching shows only in a series of them; name"
                " a series, or open the image in Python with FLImage."
            )
        strays = [name for name, match in zip(names, found, strict=True) if not match]
        if strays and numbers:
            raise DamagedSeriesError(
                f"{describe(group)}: a series holds nothing but fli_0, fli_1, …, and this group"
                f" also holds {_some(strays)}; write its frames to a new file (flimage recover)."
            )
        if strays:
            raise FileFormatError(
                f"{describe(group)}: a series holds nothing but fli_0, fli_1, …, and this group"
                f" holds {_some(strays)}. If the series is in one of them, open that group."
            )
        if numbers != list(range(len(numbers))):
            raise DamagedSeriesError(
                f"{describe(group)}: the series has gaps; missing: {_some_missing(numbers)}."
                " Write the frames that are there to a new file (flimage recover)."
            )
        self._count = len(numbers)
        self._members = members
        self.forget()

    def forget(self) -> None:
        """Read identifiers and times again when they are asked for."""
        self._identifiers = None
        self._times = None

    def __len__(self) -> int:
        self.refresh()
        return self._count

    def identifiers(self) -> list[str | None]:
        """Return the identifiers of all frames; not to be changed."""
        self.refresh()
        if self._identifiers is None:
            self._identifiers = self._texts(b"identifier")
            self._numbers = {}
            for number, name in enumerate(self._identifiers):
                if name is not None:
                    # Of frames with one identifier, the first is found by it.
                    self._numbers.setdefault(name, number)
        return self._identifiers

    def numbers(self) -> dict[str, int]:
        """Return the numbers of the frames by identifier; not to be changed."""
        self.identifiers()
        return self._numbers

    def times(self) -> list[float]:
        """Return the times of all frames [s], NaN where there is none; not to be changed."""
        self.refresh()
        if self._times is None:
            self._times = [
                read_number(self._attribute(number, b"time")) for number in range(self._count)
            ]
        return self._times

    def appended(self, identifier: str | None, time: Any) -> None:
        """Take note of a frame that was appended to the group."""
        if self._identifiers is not None:
            self._identifiers.append(identifier)
            if identifier is not None:
                self._numbers.setdefault(identifier, self._count)
        if self._times is not None:
            self._times.append(_as_time(time))
        self._count += 1
        self._members += 1

    def _texts(self, name: bytes) -> list[str | None]:
        """Read an attribute of every frame as a text."""
        texts: list[str | None] = [None] * self._count
        with HeapCheck(self._group.id) as heaps:
            for start in range(0, self._count, _AT_ONCE):
                # Not opened before they are read: HDF5 slows down with the number of open ones.
                numbers = [
                    number
                    for number in range(start, min(start + _AT_ONCE, self._count))
                    if self._attribute(number, name) is not None
                ]
                ends = heaps.end([b"fli_%d" % number for number in numbers])
                for number in itertools.compress(numbers, ends):
                    texts[number] = _read_text(self._attribute(number, name))
        return texts

    def _attribute(self, number: int, name: bytes) -> h5a.AttrID | None:
        """Open an attribute of a frame; None where there is none."""
        try:
            if not self.all_here:
                check_links(self._group, f"fli_{number}")
            # In one step: opening the frame first takes as long again.
            return h5a.open(self._group.id, name, obj_name=b"fli_%d" % number)
        except (KeyError, OSError, RuntimeError, ValueError):
            # A frame that is damaged is named when its image is asked for.
            return None


def _some(names: list[str]) -> str:
    """Name a few of `names`, and say how many there are."""
    shown = ", ".join(repr(shortened(name)) for name in names[:3])
    return shown if len(names) <= 3 else f"{shown} and {len(names) - 3} more"


def _some_missing(numbers: list[int]) -> str:
    """Name some of the numbers that are left out; a damaged one can be larger than any memory."""
    there = set(numbers)
    count = numbers[-1] + 1 - len(there)
    missing = itertools.islice((n for n in itertools.count() if n not in there), min(count, 3))
    shown = ", ".join(f"'fli_{number}'" for number in missing)
    return shown if count <= 3 else f"{shown} and {count - 3} more"


def _as_time(value: Any) -> float:
    try:
        return float(value)
    except (TypeError, ValueError):
        return float("nan")


def read_number(attribute: h5a.AttrID | None) -> float:
    """Read an attribute of one number; NaN where there is none, or several."""
    if attribute is None:
        return float("nan")
    # Room for as many as there can be in these bytes. HDF5 converts every number and refuses all
    # else: to ask for type and shape first takes longer than to read.
    values = np.empty(_LARGEST_NUMBER, dtype=np.float64)
    values[1] = _UNTOUCHED
    try:
        if attribute.get_storage_size() > _LARGEST_NUMBER:
            return float("nan")
        attribute.read(values, h5t.NATIVE_DOUBLE)
    except (OSError, RuntimeError, TypeError, ValueError):
        return float("nan")
    return float(values[0]) if values[1] == _UNTOUCHED else float("nan")


def _read_text(attribute: h5a.AttrID | None) -> str | None:
    """Read an attribute as a text; None where there is none."""
    if attribute is None:
        return None
    try:
        if attribute.get_storage_size() == _TEXT_SIZE and attribute.get_type() == _TEXT_TYPE:
            value = np.empty((), dtype=_TEXT_DTYPE)
        elif attribute.get_type().get_class() not in _READABLE:
            return None
        # One, as a rule; a damaged one may announce any number of them.
        elif 0 < attribute.get_space().get_simple_extent_npoints() <= _MOST_TEXTS:
            value = np.empty(attribute.shape, dtype=attribute.dtype)
        else:
            return None
        attribute.read(value)
    except (KeyError, OSError, RuntimeError, TypeError, ValueError):
        return None
    found = value[()] if value.shape == () else value.ravel()[0]
    return found.decode("utf-8", "replace") if isinstance(found, bytes) else clean(str(found))


def _list_members(group: h5py.Group) -> tuple[list[str], int]:
    """Names of the members of a group, and how many of them are no links to elsewhere."""
    names: list[str] = []
    hard = 0

    def look(name: bytes, info: h5l.LinkInfo) -> None:
        nonlocal hard
        hard += info.type == h5l.TYPE_HARD
        try:
            names.append(name.decode())
        except UnicodeDecodeError:
            names.append(repr(name))  # it was damaged

    group.id.links.iterate(look, info=True)
    return names, hard
