"""Reading the images of the frames in a series group, one frame after the other."""

from __future__ import annotations

import collections
import threading
from typing import Any

import h5py
import numpy as np
import numpy.typing as npt
from h5py import h5d, h5l

from . import dataset, storage
from .checked import check_links, follow, named
from .errors import FileFormatError
from .image_group import BG_DATA, RAW, add_backgrounds, check_number_of_backgrounds

__all__ = ["FrameReader"]

#: Decoded background images that are kept, because frames often share one.
_KEPT_BACKGROUNDS = 4

#: What h5py raises where something is missing or damaged.
_ERRORS = (KeyError, OSError, RuntimeError, TypeError, ValueError)

#: Paths in the series: the images of a frame, its raw image, and its backgrounds.
_IMAGES = b"fli_%d/" + RAW.encode().partition(b"/")[0]
_RAW = b"fli_%d/" + RAW.encode()
_BACKGROUNDS = b"fli_%d/" + BG_DATA.encode()


class FrameReader:
    """Reads raw and background images out of a series group, from any thread.

    Parameters
    ----------
    group
        The series; its file has to stay open.
    all_here
        Whether it is known that no frame is a link to somewhere else.

    Notes
    -----
    Frames as flimage writes them are read by short ways, on which each link is looked at once. All
    others, and those where anything is wrong, go the long way, which knows what to say.
    """

    def __init__(self, group: h5py.Group, all_here: bool = False) -> None:
        self._group = group
        # What stands at an address only stays there while the file does not change.
        self._constant = group.file.mode == "r"
        self._all_here = all_here and self._constant
        self._backgrounds: collections.OrderedDict[tuple[Any, ...], npt.NDArray[np.float64]] = (
            collections.OrderedDict()
        )
        self._lock = threading.Lock()
        #: Number of the frame whose links were looked at last.
        self._seen = -1

    def raw(self, index: int) -> npt.NDArray[Any]:
        """Raw image of a frame, of shape (y, x), in its stored type."""
        path = f"fli_{index}/{RAW}"
        with named(self._group, path):
            found = None
            try:
                if self._is_here(index, name := _RAW % index):
                    found = h5d.open(self._group.id, name)
            except _ERRORS:
                pass  # the long way tells what is wrong
            if found is not None:
                return dataset.read_opened(self._group, path, found)
        return storage.read_image(self._group, path)

    def background(self, index: int) -> npt.NDArray[np.float64] | None:
        """Background images of a frame added up, of shape (y, x); None where there are none."""
        try:
            if self._is_here(index, name := _BACKGROUNDS % index):
                names: list[bytes] = []
                # Without opening the group, which takes longer than all the rest.
                self._group.id.links.iterate(names.append, obj_name=name)
                if not names:
                    return None
        except _ERRORS:
            pass  # the long way tells what is wrong
        return self._add_backgrounds(index)

    def _is_here(self, index: int, path: bytes) -> bool:
        """Tell whether no link on the way to what a frame holds leads elsewhere."""
        links = self._group.id.links
        if self._seen != index:
            if not self._all_here and links.get_info(b"fli_%d" % index).type != h5l.TYPE_HARD:
                return False
            if links.get_info(_IMAGES % index).type != h5l.TYPE_HARD:
                return False
            if self._constant:
                self._seen = index
        return bool(links.get_info(path).type == h5l.TYPE_HARD)

    def _add_backgrounds(self, index: int) -> npt.NDArray[np.float64] | None:
        """Read the background images of a frame and add them up."""
        path = f"fli_{index}/{BG_DATA}"
        with named(self._group, path):
            found = follow(self._group, path)
            if found is None:
                return None
            if not isinstance(found, h5py.Group):
                raise FileFormatError(
                    f"{storage.file_name(self._group)}: {storage.object_name(self._group, path)}"
                    " is no group of background images."
                )
            check_number_of_backgrounds(found)
            total: npt.NDArray[np.float64] | None = None
            group = found.id
            if group.get_num_objs():
                names = sorted(group.get_objname_by_idx(i) for i in range(group.get_num_objs()))
                for name in names:
                    image = self._background_image(index, group, name)
                    total = image if total is None else add_backgrounds(found, total, image)
            return total

    def _background_image(
        self, index: int, group: h5py.h5g.GroupID, name: bytes
    ) -> npt.NDArray[np.float64]:
        """Read one background image, or take it from those that were read last."""
        path = f"fli_{index}/{BG_DATA}/{name.decode('utf-8', 'surrogateescape')}"
        check_links(self._group, path)
        info = h5py.h5o.get_info(group, name)
        key = (info.fileno, info.addr)
        with self._lock:
            if key in self._backgrounds:
                self._backgrounds.move_to_end(key)
                return self._backgrounds[key]
        image = storage.read_image(self._group, path).astype(np.float64)
        image.setflags(write=False)
        if self._constant:
            with self._lock:
                self._backgrounds[key] = image
                while len(self._backgrounds) > _KEPT_BACKGROUNDS:
                    self._backgrounds.popitem(last=False)
        return image
