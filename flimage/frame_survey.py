"""Look at every frame of a series without reading an image.

Frames that are stored like the one before, as those of a recording, are looked at in a few steps;
all others as thoroughly as if they were read.
"""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import h5py
import numpy as np
import numpy.typing as npt
from h5py import h5a, h5d, h5g, h5l, h5o, h5z

from .checked import check_links, follow, named
from .checked_chunks import CHECKSUM, filters_of
from .checked_dataset import LARGE_IMAGE
from .errors import FlimageError
from .frame_index import read_number
from .image_group import BG_DATA, RAW, frame_group, image_dataset

__all__ = ["Survey", "has_background", "numbers_of_images", "survey"]

#: What h5py raises where something is missing or damaged.
_ERRORS = (KeyError, OSError, RuntimeError, TypeError, ValueError)

_RAW, _BACKGROUNDS = RAW.encode(), BG_DATA.encode()
#: What stands in a frame, each behind the one before.
_PATHS = (_RAW.partition(b"/")[0], _RAW, _BACKGROUNDS)


@dataclasses.dataclass
class Survey:
    """What there is in the frames of a series.

    Parameters
    ----------
    whole
        Numbers of the first and the last frame that can be read; None where there is none.
    shapes
        Sizes of the images, that of the first one first.
    dtype
        Type of the first image that can be read.
    backgrounds
        Number of frames with a background.
    damaged
        Why frames cannot be read, by their numbers.
    """

    whole: tuple[int, int] | None = None
    shapes: dict[tuple[int, ...], None] = dataclasses.field(default_factory=dict)
    dtype: str = ""
    backgrounds: int = 0
    damaged: dict[int, str] = dataclasses.field(default_factory=dict)


def survey(group: h5py.Group, count: int) -> Survey:
    """Look at all frames of a series.

    Parameters
    ----------
    group
        Group of the series.
    count
        Number of its frames.
    """
    found = Survey()
    quick = _Quick(group)
    #: Frames that are damaged, by their places in the file.
    seen: dict[tuple[int, int], int] = {}
    for index in range(count):
        image = quick.look(index)
        if image is None:
            place = _place(group, index)
            if place in seen:
                first = seen[place]
                found.damaged[index] = f"It is the same as frame {first}, which cannot be read."
                continue
            try:
                image = image_dataset(group, f"fli_{index}").id
                background = has_background(frame_group(group, index))
            except FlimageError as error:
                found.damaged[index] = str(error)
                if place is not None:
                    seen[place] = index
                continue
            quick.take(image)
        else:
            background = quick.background
        found.backgrounds += background
        found.shapes[image.shape] = None
        found.dtype = found.dtype or str(image.dtype)
        found.whole = (found.whole[0] if found.whole else index, index)
    return found


class _Quick:
    """Looks at frames that are stored like one that was looked at before."""

    def __init__(self, group: h5py.Group) -> None:
        self._group = group.id
        #: Properties, type and size of an image that was found to be good.
        self._good: tuple[Any, Any, tuple[int, ...]] | None = None
        self._has_checksum = False
        #: A frame that has several names: its place, its image, and whether it has a background.
        self._last_shared: tuple[int, Any, bool] = (-1, None, False)
        #: Whether the frame that was looked at last has a background.
        self.background = False

    def take(self, image: Any) -> None:
        """Take an image for an example of those that are good."""
        plist = image.get_create_plist()
        codes = [code for code, *_ in filters_of(plist)]
        self._has_checksum = h5z.FILTER_FLETCHER32 in codes
        one_piece = plist.get_layout() == h5d.CHUNKED and plist.get_chunk() == image.shape
        small = math.prod(image.shape) <= LARGE_IMAGE
        self._good = None
        if small and (one_piece or not self._has_checksum):
            # A type that has a name in the file would keep the file open: its copy does not.
            self._good = plist, image.get_type().copy(), image.shape

    def look(self, index: int) -> Any:
        """Open the image of a frame; None where it takes a closer look."""
        if self._good is None:
            return None
        plist, datatype, shape = self._good
        try:
            name = b"fli_%d" % index
            if self._group.links.get_info(name).type != h5l.TYPE_HARD:
                return None
            # Names in it are found faster than in the group of very many frames.
            frame = h5g.open(self._group, name)
            info = h5o.get_info(frame)
            if info.rc > 1 and self._last_shared[0] == info.addr:
                self.background = self._last_shared[2]
                return self._last_shared[1]
            links = frame.links
            if any(links.get_info(path).type != h5l.TYPE_HARD for path in _PATHS):
                return None
            image = h5d.open(frame, _RAW)
            if not (image.get_create_plist().equal(plist) and image.get_type().equal(datatype)):
                return None
            if image.shape != shape:
                return None
            if self._has_checksum and 0 < _stored(image) < CHECKSUM:
                return None
            self.background = h5g.open(frame, _BACKGROUNDS).get_num_objs() > 0
        except _ERRORS:
            return None
        if info.rc > 1:
            self._last_shared = info.addr, image, self.background
        return image


def _stored(image: Any) -> int:
    return int(image.get_storage_size())


def _place(group: h5py.Group, index: int) -> tuple[int, int] | None:
    """Where a frame is in the file; None where it cannot be found."""
    try:
        check_links(group, f"fli_{index}")
        info = h5o.get_info(group.id, b"fli_%d" % index)
    except _ERRORS:
        return None
    return info.fileno, info.addr


def has_background(group: h5py.Group) -> bool:
    """Tell whether an image group holds a background."""
    backgrounds = follow(group, BG_DATA)
    with named(group, BG_DATA):
        return isinstance(backgrounds, h5py.Group) and len(backgrounds) > 0


def numbers_of_images(group: h5py.Group, count: int, name: str) -> npt.NDArray[np.float64]:
    """Read a number beside the raw image of each frame.

    Parameters
    ----------
    group
        Group of the series.
    count
        Number of its frames.
    name
        Of the attribute.

    Returns
    -------
    ndarray
        (count,); NaN where there is none.

    Raises
    ------
    flimage.errors.FlimageError
        When a frame without the number cannot be read.
    """
    values = np.empty(count)
    for frame in range(count):
        path = f"fli_{frame}/{RAW}"
        try:
            check_links(group, path)
            # In one step: opening the image first takes longer.
            attribute = h5a.open(group.id, name.encode(), obj_name=path.encode())
        except FlimageError:
            raise
        except _ERRORS:
            attribute = None
        values[frame] = read_number(attribute)
        if np.isnan(values[frame]):
            image_dataset(group, f"fli_{frame}")  # says what is wrong
    return values
