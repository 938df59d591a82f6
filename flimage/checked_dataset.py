"""Check datasets of HDF5 files that may come from strangers, or be damaged.

A dataset can keep its pixels in another file, announce more of them than any memory holds, or
store numbers that no program writes. Such ones are refused before they are read.
"""

from __future__ import annotations

import functools
import importlib
import math
from typing import Any

import h5py
import numpy as np
from h5py import h5d, h5i, h5t, h5z

from .checked import file_name, follow, named, object_name
from .checked_chunks import (
    CHECKSUM,
    LARGE_PIECE,
    MOST_MEMORY,
    USUAL,
    Filter,
    can_be_checked,
    filters_of,
    is_oversized,
    is_stack,
    memory_of,
)
from .errors import DamagedImageError, FileFormatError
from .plausible import is_hollow
from .quantities import format_bytes

__all__ = [
    "LARGE_IMAGE",
    "check_dataset",
    "check_ratio",
    "check_storage",
    "check_tree",
    "is_plain_type",
    "is_stored",
    "is_usual_type",
]

#: Pixels up to which an image is read, however little it takes in the file.
LARGE_IMAGE = 2**25

#: Filters that HDF5 or h5py bring along: deflate, shuffle, fletcher32, szip, nbit,
#: scaleoffset, lzf.
_BUILT_IN = frozenset((1, 2, 3, 4, 5, 6, h5z.FILTER_LZF))

#: Those of them that the tools of HDF5 know.
_OF_HDF5 = tuple(range(1, 7))

#: Size of the largest type of number [bytes].
_LARGEST_NUMBER = 16


def check_tree(group: h5py.Group, path: str, depth: int = 2) -> list[bytes]:
    """Make sure that an object and all that stands in it is in the file itself.

    Parameters
    ----------
    group, path
        Where it is.
    depth
        Groups within groups that are looked into; further ones are refused, as they may go round
        in a circle.

    Returns
    -------
    list of bytes
        Paths of all these.

    Raises
    ------
    flimage.errors.FileFormatError
        When something in it leads out of the file, or is no image.
    """
    found = follow(group, path)
    here = path.encode("utf-8", "surrogateescape")
    paths = [] if found is None else [here]
    if isinstance(found, h5py.Dataset):
        with named(group, path):
            check_storage(group, path, found.id)
    elif isinstance(found, h5py.Group):
        if depth == 0:
            raise FileFormatError(
                f"{file_name(group)}: {object_name(group, path)} is a group, where images are"
                " expected; remove it."
            )
        with named(group, path):
            names = list(found)
        for name in names:
            paths += [here + b"/" + each for each in check_tree(found, name, depth - 1)]
    elif found is not None:
        raise FileFormatError(f"{file_name(group)}: {object_name(group, path)} is no image.")
    return paths


def check_dataset(group: h5py.Group, name: str, dataset: Any) -> None:
    """Make sure that a dataset is an image that is in the file and fits into memory.

    Parameters
    ----------
    group, name
        Where it is, for messages.
    dataset
        Low-level identifier.

    Raises
    ------
    flimage.errors.FileFormatError
        When its pixels are in other files, it needs a filter that is not installed, or is no
        image of real numbers.
    flimage.errors.DamagedImageError
        When it announces more pixels than are stored.
    """
    check_storage(group, name, dataset)
    dtype, shape = dataset.dtype, dataset.shape
    if dtype.kind not in "fiub":
        raise FileFormatError(
            f"{_at(group, name)} is of type {dtype}; an image needs real numbers."
        )
    if not is_usual_type(dataset.get_type()):
        raise DamagedImageError(
            f"{_at(group, name)} holds numbers of a kind that no program writes; its description is"
            " damaged, restore the file from a copy."
        )
    if shape is None or len(shape) != 2:
        raise FileFormatError(
            f"{_at(group, name)} has the shape {shape}; an image needs two axes (y, x)."
        )
    if 0 in shape:
        raise FileFormatError(f"{_at(group, name)} has the shape {shape} and so holds no pixel.")
    if math.prod(shape) <= LARGE_IMAGE:
        return
    if h5i.get_file_id(dataset).get_access_plist().get_driver() == h5py.h5fd.CORE:
        return
    check_ratio(_at(group, name), shape, dtype.itemsize, dataset.get_storage_size())


def _at(group: h5py.Group, name: str) -> str:
    """File and object, for messages; made only where there is something to say."""
    return f"{file_name(group)}: {object_name(group, name)}"


def is_usual_type(datatype: Any) -> bool:
    """Tell whether floating numbers are put together from their bits as everywhere.

    HDF5 can describe others. Where a bit of the description is damaged, all values are wrong by a
    factor, and nothing else tells.

    Parameters
    ----------
    datatype
        Low-level identifier.
    """
    if datatype.get_class() != h5t.FLOAT:
        return True
    order = ">" if datatype.get_order() == h5t.ORDER_BE else "<"
    return bool(datatype.equal(h5t.py_create(np.dtype(f"{order}f{datatype.get_size()}"))))


def is_plain_type(datatype: Any, dtype: np.dtype[Any]) -> bool:
    """Tell whether the bytes of a value are those that numpy has for it.

    HDF5 knows whole numbers that take only some of the bits, and may begin anywhere among them.

    Parameters
    ----------
    datatype
        Low-level identifier.
    dtype
        What h5py takes it for.
    """
    if dtype.kind == "b":
        return True
    if datatype.get_class() == h5t.INTEGER:
        return bool(datatype.equal(h5t.py_create(dtype)))
    return datatype.get_class() == h5t.FLOAT and is_usual_type(datatype)


def is_stored(dataset: Any) -> bool:
    """Tell whether the values of a dataset are in the file itself."""
    return not _elsewhere(dataset.get_create_plist())


def _elsewhere(plist: Any) -> str:
    """Say where the values of a dataset are, if not in the file itself, and what helps."""
    layout = plist.get_layout()
    if layout == h5d.VIRTUAL:
        return (
            "is a virtual dataset, put together from others, which are not opened; copy its values"
            " into a dataset of their own"
        )
    if layout == h5d.CONTIGUOUS and plist.get_external_count():
        return "keeps its pixels in another file, which is not opened; copy them into this file"
    return ""


def check_storage(group: h5py.Group, name: str, dataset: Any) -> None:
    """Make sure that the values of a dataset are in the file, and can be unpacked.

    Parameters
    ----------
    group, name
        Where it is, for messages.
    dataset
        Low-level identifier.

    Raises
    ------
    flimage.errors.FileFormatError
        When they are in other files, need a filter that is not installed, or filters that cannot be
        checked together, or are packed in pieces far larger than an image, or than memory.
    flimage.errors.DamagedImageError
        When a piece is shorter than its checksum, or next to nothing is stored of a large one.
    """
    plist = dataset.get_create_plist()
    # Before the shape is asked for: that of a virtual dataset is found by opening its sources.
    elsewhere = _elsewhere(plist)
    if elsewhere:
        raise FileFormatError(f"{_at(group, name)} {elsewhere}.")
    filters = filters_of(plist)
    for code, _, _, label in filters:
        if not has_filter(code):
            raise FileFormatError(
                f"{_at(group, name)} was stored with the HDF5 filter {code}"
                f" ({label.decode('utf-8', 'replace')!r}), which is not installed; install the"
                " hdf5plugin package or repack the file."
            )
    if not can_be_checked(filters):
        chain = ", ".join(repr(label.decode("utf-8", "replace")) for *_, label in filters)
        remedy = _repack(filters, "-f GZIP=4", 'compression="gzip"')
        raise FileFormatError(
            f"{_at(group, name)} was stored with the HDF5 filters {chain}, which cannot be checked"
            f" one behind the other; {remedy}"
        )
    chunk = plist.get_chunk() if plist.get_layout() == h5d.CHUNKED else ()
    # To ask for the type takes longer than to look at a piece that is small whatever it holds.
    if len(chunk) > 1 and math.prod(chunk) * _LARGEST_NUMBER > LARGE_PIECE:
        _check_pieces(group, name, dataset, chunk, filters)
    if (
        any(each[0] == h5z.FILTER_FLETCHER32 for each in filters)
        and _smallest_chunk(dataset) < CHECKSUM
    ):
        raise DamagedImageError(
            f"{_at(group, name)} is damaged (a part of it is too short for its checksum); restore"
            " the file from a copy."
        )


def _check_pieces(
    group: h5py.Group, name: str, dataset: Any, chunk: tuple[int, ...], filters: list[Filter]
) -> None:
    """Make sure that large pieces suit the images in them, or hold what they announce."""
    shape, itemsize = dataset.shape, dataset.get_type().get_size()
    said = (
        f"{_at(group, name)} has the shape {_times(shape)}, but is stored in pieces of"
        f" {_times(chunk)}"
    )
    one = (*(1,) * len(shape[:-2]), *shape[-2:])
    layout = f"-l {object_name(group, name)}:CHUNK={'x'.join(map(str, one))}"
    remedy = _repack(filters, layout, f"chunks={one}", " with one image in each")
    if is_oversized(shape, chunk, itemsize):
        raise FileFormatError(f"{said}, which are far larger than an image; {remedy}")
    if not is_stack(shape, chunk, itemsize):
        return
    if any(each[0] not in USUAL for each in filters):
        raise FileFormatError(
            f"{said}, which only the filters shuffle, gzip and fletcher32 may pack at that size;"
            f" {remedy}"
        )
    size = math.prod(chunk) * itemsize
    smallest, largest = _stored_sizes(dataset, size)
    memory = memory_of(filters, size, largest, not dataset.dtype.isnative)
    if memory > MOST_MEMORY:
        raise FileFormatError(
            f"{said}, each of which takes {format_bytes(memory)} of memory, more than the"
            f" {format_bytes(MOST_MEMORY)} that are used for one; {remedy}"
        )
    if is_hollow(size, smallest):
        raise DamagedImageError(
            f"{said}, but only {smallest} bytes are stored of one of them; it is damaged or no"
            " image."
        )


def _repack(filters: list[Filter], option: str, python: str, how: str = "") -> str:
    """Say how a file is packed anew: by a tool of HDF5, where that knows its filters."""
    if all(code in _OF_HDF5 for code, *_ in filters):
        return f"repack the file{how} (h5repack {option} OLD.h5 NEW.h5)."
    return f"write it anew{how} with h5py ({python})."


def _stored_sizes(dataset: Any, size: int) -> tuple[int, int]:
    """Sizes of the smallest and the largest piece that is stored; `size` and 0 where none is."""
    sizes = [size, 0]

    def look(info: Any) -> None:
        sizes[:] = min(sizes[0], info.size), max(sizes[1], info.size)

    dataset.chunk_iter(look)
    return sizes[0], sizes[1]


def _times(shape: tuple[int, ...]) -> str:
    return "×".join(map(str, shape))


def _smallest_chunk(dataset: Any) -> int:
    """Size of the smallest chunk that is stored [bytes], or that of a checksum where none is."""
    sizes = [CHECKSUM]

    def look(info: Any) -> None:
        if info.filter_mask == 0:
            sizes[0] = min(sizes[0], info.size)

    dataset.chunk_iter(look)
    return sizes[0]


def check_ratio(shown: str, shape: tuple[int, ...], itemsize: int, stored: int) -> None:
    """Refuse a large image of which next to nothing is stored, before memory is taken for it.

    Parameters
    ----------
    shown
        File and object, for the message.
    shape, itemsize
        Of the image.
    stored
        What it takes in the file [bytes].

    Raises
    ------
    flimage.errors.DamagedImageError
        When it cannot be an image.
    """
    pixels = math.prod(shape)
    if pixels > LARGE_IMAGE and is_hollow(pixels * itemsize, stored):
        raise DamagedImageError(
            f"{shown} announces {_times(shape)} pixels, but only {stored} bytes of"
            " them are in the file; it is damaged or no image."
        )


def has_filter(code: int) -> bool:
    """Tell whether a filter can be used, without letting HDF5 look for plug-ins.

    HDF5 loads what it finds in the folders of the variable ``HDF5_PLUGIN_PATH`` as soon as it is
    asked for a filter that it does not know. Packages of Python are another matter: who has
    installed hdf5plugin wants its filters.
    """
    return code in _BUILT_IN or code in _filters_of_package()


@functools.cache
def _filters_of_package() -> frozenset[int]:
    """Codes of the filters of the package hdf5plugin, which knows them once it is imported."""
    try:
        plugin = importlib.import_module("hdf5plugin")
    except ImportError:
        return frozenset()
    return frozenset(plugin.FILTERS.values())
