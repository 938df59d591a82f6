"""The frames of a series of which parts are missing or damaged, one by one."""

from __future__ import annotations

import collections
import contextlib
import itertools
import json
import math
from typing import Any

import h5py
import numpy as np
import numpy.typing as npt

from . import provenance, storage
from .attributes import read_attribute, read_attributes, read_text
from .checked import file_name, follow, named, object_name
from .convert import ORIGIN
from .cut_off import CutOffFile
from .errors import DamagedImageError, FlimageError
from .frame_index import FRAME_NAME
from .image_group import (
    BG_DATA,
    RAW,
    check_number_of_backgrounds,
    frame_group,
    image_dataset,
    read_background,
    read_group_meta,
)
from .meta import is_number
from .plain_text import clean

__all__ = ["DamagedSeries"]

#: Where the names of a series cannot be listed, frames are asked for one by one, until so many in
#: a row are not there.
_MOST_IN_A_ROW = 1000

#: Longest text of a series that is handed on.
_LONGEST_TEXT = 60_000

#: Parts in which an image is stored, at most.
_MOST_CHUNKS = 1 << 20

#: What a correction leaves at a series, apart from texts that go on in "NAME (2)".
_SERIES_ATTRIBUTES = (
    "identifier",
    provenance.SERIES_RECIPE,
    provenance.SERIES_FIT,
    provenance.SERIES_SOURCE,
    provenance.SERIES_VERSION,
    provenance.DENOISE_STRENGTH,
)

#: Attributes of a series that are kept, at most: pieces of the record of a long one.
_MOST_ATTRIBUTES = 2 * provenance.MOST_PIECES

_FRAME_ATTRIBUTES = (provenance.FRAME_GAIN, provenance.FRAME_BACKGROUND)


class DamagedSeries:
    """A series of which parts are missing or damaged.

    Parameters
    ----------
    group
        Group of the series.
    cut
        The file, where it was cut off.

    Attributes
    ----------
    numbers
        Numbers of the frames that have a name, in order.
    strays
        Names of what is no frame.
    damage
        Why frames cannot be read, one sentence for each that was found: number -> sentence.
    listed
        Whether the names of all frames could be listed.
    notes
        What else cannot be read, one sentence each.
    shape
        Size of most frames along (y, x) [px].
    """

    def __init__(self, group: h5py.Group, cut: CutOffFile | None = None) -> None:
        self._group = group
        self._cut = cut
        #: The background that the last frames shared, by its place in the file.
        self._shared: dict[tuple[int, int], npt.NDArray[np.float32]] = {}
        self.notes: list[str] = []
        self.listed = True
        self.damage: dict[int, str] = {}
        names = self._names()
        self.numbers = sorted(int(m[1]) for name in names if (m := FRAME_NAME.match(name)))
        self.strays = tuple(name for name in names if not FRAME_NAME.match(name))
        self.shape = self._common_shape()

    def _names(self) -> list[str]:
        group = self._group
        try:
            with named(group):
                return [name if isinstance(name, str) else repr(name) for name in group]
        except DamagedImageError as error:
            self.listed = False
            self.notes.append(f"The names of all frames cannot be listed: {self._told(error)}")
        found, absent = [], 0
        for number in itertools.count():
            try:
                there = group.id.links.exists(b"fli_%d" % number)
            except (OSError, RuntimeError, ValueError, KeyError):
                there = False
            absent = 0 if there else absent + 1
            if there:
                found.append(f"fli_{number}")
            elif absent == _MOST_IN_A_ROW:
                break
        return found

    def _told(self, error: BaseException) -> str:
        """Return the sentence of an error without the name of the file, which is known."""
        text = " ".join(str(error).split()).removeprefix(f"{file_name(self._group)}: ")
        return text if text.endswith(".") else f"{text}."

    def _common_shape(self) -> tuple[int, int]:
        """Find the size of most frames; those that cannot be opened are noted."""
        shapes: collections.Counter[tuple[int, int]] = collections.Counter()
        for number in self.numbers:
            try:
                height, width = image_dataset(self._group, f"fli_{number}").shape
            except FlimageError as error:
                self.damage[number] = self._told(error)
            else:
                shapes[int(height), int(width)] += 1
        return shapes.most_common(1)[0][0] if shapes else (0, 0)

    def image(self, number: int) -> npt.NDArray[Any] | None:
        """Read the raw image of a frame (y, x); None where it is damaged, which is noted."""
        if number in self.damage:
            return None
        name = f"fli_{number}/{RAW}"
        try:
            self._check_there(name, follow(self._group, name))
            image = storage.read_image(self._group, name)
        except FlimageError as error:
            self.damage[number] = self._told(error)
            return None
        if image.shape != self.shape:
            self.damage[number] = (
                f"the image has the shape {image.shape}, and most others have {self.shape}."
            )
            return None
        return image

    def _check_there(self, name: str, dataset: Any) -> None:
        """Refuse values that are not in the file: HDF5 gives zeros for them without a word."""
        if not isinstance(dataset, h5py.Dataset):
            return  # whoever reads it says so
        with named(self._group, name):
            written = _is_written(dataset)
            there = self._cut is None or self._cut.has(dataset)
        if not (written and there):
            raise DamagedImageError(
                f"{file_name(self._group)}: {object_name(self._group, name)}"
                + (
                    " stood in the part of the file that was cut off."
                    if written
                    else " has a name and a size, but its values are not in the file."
                )
            )

    def meta(self, number: int) -> dict[str, Any]:
        """Read the metadata of a frame, as far as they are there."""
        try:
            meta = dict(read_group_meta(frame_group(self._group, number)))
        except FlimageError as error:
            self.notes.append(f"The metadata of fli_{number} are lost: {self._told(error)}")
            return {}
        if "time" not in meta:
            self.notes.append(f"fli_{number} has no time that can be read.")
        # HDF5 ends a text at a zero, which damaged files have anywhere.
        return {
            key: value.replace("\0", "") if isinstance(value, str) else value
            for key, value in meta.items()
        }

    def image_attributes(self, number: int) -> dict[str, float]:
        """Read what a correction has written beside the image of a frame."""
        dataset = follow(self._group, f"fli_{number}/{RAW}")
        found = {name: read_attribute(dataset, name) for name in _FRAME_ATTRIBUTES}
        return {name: float(value) for name, value in found.items() if is_number(value)}

    def background(self, number: int) -> npt.NDArray[np.float32] | None:
        """Read the backgrounds of a frame added up; frames that share one get the same array."""
        path = f"fli_{number}/{BG_DATA}"
        try:
            with named(self._group, path):
                return self._background(number, path)
        except FlimageError as error:
            self.notes.append(
                f"The background of fli_{number} cannot be read, and the frame was kept without"
                f" it: {self._told(error)}"
            )
            return None

    def _background(self, number: int, path: str) -> npt.NDArray[np.float32] | None:
        group = follow(self._group, path)
        if not isinstance(group, h5py.Group):
            return None
        check_number_of_backgrounds(group)
        names = list(group)
        key: tuple[int, int] | None = None
        if len(names) == 1:
            follow(group, names[0])  # a link to elsewhere is refused
            info = h5py.h5o.get_info(group.id, names[0].encode("utf-8", "surrogateescape"))
            key = (info.fileno, info.addr)
            if key in self._shared:
                return self._shared[key]
        for name in names:
            self._check_there(f"{path}/{name}", follow(group, name))
        total = read_background(frame_group(self._group, number))
        if total is None:
            return None
        if total.shape != self.shape:
            raise DamagedImageError(
                f"it has the shape {total.shape}, and the frame has {self.shape}."
            )
        with np.errstate(over="ignore", invalid="ignore"):
            background = total.astype(np.float32)
        if key is not None:
            self._shared = {key: background}
        return background

    def series_attributes(self) -> dict[str, Any]:
        """Read the name of the series, and what a correction has written beside it."""
        found: dict[str, Any] = {}
        with contextlib.suppress(DamagedImageError), named(self._group):
            names = [name for name in self._group.attrs if name.startswith(_SERIES_ATTRIBUTES)]
            for name, value in read_attributes(self._group, names[:_MOST_ATTRIBUTES]).items():
                if isinstance(value, str) and len(value) <= _LONGEST_TEXT:
                    found[name] = clean(value).replace("\0", "")
                elif is_number(value):
                    found[name] = value
        return found

    def conversion(self) -> dict[str, Any]:
        """Read what a converted series says of the detector."""
        try:
            found = json.loads(read_text(self._group, ORIGIN) or "{}")
        except (ValueError, RecursionError):
            return {}
        if not isinstance(found, dict):
            return {}
        return {
            key: value
            for key, value in found.items()
            if key in ("dtype", "maximum")
            and isinstance(value, (str, int))
            and len(f"{value}") < 40
        }


def _is_written(dataset: h5py.Dataset) -> bool:
    """Tell whether all values of a dataset are stored."""
    if dataset.chunks is None:
        return bool(dataset.id.get_storage_size())
    steps = [range(0, size, step) for size, step in zip(dataset.shape, dataset.chunks, strict=True)]
    if math.prod(map(len, steps)) > _MOST_CHUNKS:
        return False
    found: set[tuple[int, ...]] = set()
    dataset.id.chunk_iter(lambda info: found.add(tuple(info.chunk_offset)))
    return all(place in found for place in itertools.product(*steps))
