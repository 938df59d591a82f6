"""Look things up in HDF5 files that may come from strangers, or be damaged.

A link can lead to another file, a dataset can keep its pixels in one, or announce more pixels than
any memory holds; and HDF5 answers damage with whatever exception is at hand. What is read goes
through here: links and datasets that leave the file are refused before they are followed, and
exceptions name the file and the object.
"""

from __future__ import annotations

import functools
import importlib
import math
from types import TracebackType
from typing import Any

import h5py
from h5py import h5d, h5i, h5l, h5z

from .errors import DamagedImageError, FileFormatError, FlimageError

__all__ = [
    "LARGE_IMAGE",
    "check_dataset",
    "check_links",
    "check_ratio",
    "check_storage",
    "check_tree",
    "file_name",
    "follow",
    "is_stored",
    "named",
    "object_name",
    "reason",
]

#: Pixels up to which an image is read, however little it takes in the file. Larger ones have to
#: take at least a hundredth of their size: images with noise always do.
LARGE_IMAGE = 2**25
_LARGEST_RATIO = 100

#: Soft links that are followed one after the other.
_MOST_LINKS = 16

#: Filters that HDF5 or h5py bring along: deflate, shuffle, fletcher32, szip, nbit,
#: scaleoffset, lzf.
_BUILT_IN = frozenset((1, 2, 3, 4, 5, 6, h5z.FILTER_LZF))

#: Size of a checksum [bytes]. HDF5 crashes where the chunk that ends in it is shorter.
_CHECKSUM = 4

#: What h5py raises where a file is damaged.
_DAMAGE = (
    AttributeError,
    KeyError,
    LookupError,
    OSError,
    OverflowError,
    RuntimeError,
    SystemError,
    TypeError,
    ValueError,
)


def file_name(group: h5py.Group) -> str:
    """Name of the file that holds `group`, for messages."""
    name: str = group.file.filename
    return name


def object_name(group: h5py.Group, name: str) -> str:
    """Full path of an object within its file, for messages."""
    try:
        parent = group.name or ""
    except _DAMAGE:
        parent = ""
    return f"{parent.rstrip('/')}/{name}".rstrip("/") or "/"


def reason(error: BaseException) -> str:
    """Return the part of an HDF5 message that says what is wrong."""
    text = str(error.args[0]) if isinstance(error, KeyError) and error.args else str(error)
    start = text.find("(")
    return text[start + 1 : -1] if start >= 0 and text.endswith(")") else text


class named:  # noqa: N801 - reads as a statement, like contextlib.suppress
    """Let exceptions of h5py become sentences that name the file and the object.

    Parameters
    ----------
    group
        Where it is read.
    name
        What is read from it.
    """

    __slots__ = ("_group", "_name")

    def __init__(self, group: h5py.Group, name: str = "") -> None:
        self._group, self._name = group, name

    def __enter__(self) -> None:
        return None

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if not isinstance(error, _DAMAGE) or isinstance(error, FlimageError):
            return
        group, name = self._group, self._name
        if not group:
            what = f"of {name!r} " if name else ""
            raise FileFormatError(f"The file {what}was closed; open it again.") from error
        raise DamagedImageError(
            f"{file_name(group)}: {object_name(group, name)} cannot be read ({reason(error)});"
            " the file is damaged, restore it from a copy."
        ) from error


# --- links -----------------------------------------------------------------------------------


def check_links(group: h5py.Group, path: str) -> None:
    """Make sure that a path stays in the file.

    Parameters
    ----------
    group
        Where the path begins.
    path
        Names of groups, and of what stands in the last one.

    Raises
    ------
    KeyError
        When there is nothing of that name.
    flimage.errors.FileFormatError
        When a link on the way leads to another file, or in a circle.
    """
    _check_path(group, group.id, path.encode("utf-8", "surrogateescape"), 0)


def _check_path(group: h5py.Group, start: Any, path: bytes, depth: int) -> None:
    links = start.links
    here = b""
    for part in path.split(b"/"):
        if part in (b"", b"."):
            continue
        above, here = here, here + b"/" + part if here else part
        kind = links.get_info(here).type
        if kind == h5l.TYPE_HARD:
            continue
        shown = object_name(group, here.decode("utf-8", "replace"))
        if kind != h5l.TYPE_SOFT:
            raise FileFormatError(
                f"{file_name(group)}: {shown} is a link to another file, which is not followed;"
                " copy what it stands for into this file."
            )
        if depth >= _MOST_LINKS:
            raise FileFormatError(
                f"{file_name(group)}: {shown} is a link that leads in a circle; remove it."
            )
        target = links.get_val(here)
        if target.startswith(b"/"):
            _check_path(group, h5i.get_file_id(start), target, depth + 1)
        else:
            _check_path(group, start, above + b"/" + target, depth + 1)


def follow(group: h5py.Group, path: str) -> Any:
    """Open an object without leaving the file.

    Parameters
    ----------
    group
        Where the path begins.
    path
        Names of groups, and of what stands in the last one.

    Returns
    -------
    h5py.Group, h5py.Dataset, h5py.Datatype or None
        None where there is nothing of that name.

    Raises
    ------
    flimage.errors.FileFormatError
        When a link on the way leads to another file.
    flimage.errors.DamagedImageError
        When something is there, but damaged.
    """
    with named(group, path):
        try:
            check_links(group, path)
        except (KeyError, ValueError, RuntimeError) as error:
            if isinstance(error, FlimageError):
                raise
            if _is_missing(group, path):
                return None
            raise
        return group[path]


def _is_missing(group: h5py.Group, path: str) -> bool:
    """Tell whether the last group that is there holds no link of the next name."""
    for part in path.strip("/").split("/"):
        if not isinstance(group, h5py.Group):
            return True
        if not group.id.links.exists(part.encode()):
            return True
        if group.id.links.get_info(part.encode()).type != h5l.TYPE_HARD:
            return True
        group = group[part]
    return False


def check_tree(group: h5py.Group, path: str, depth: int = 2) -> None:
    """Make sure that an object and all that stands in it is in the file itself.

    Parameters
    ----------
    group, path
        Where it is.
    depth
        Groups within groups that are looked into; further ones are refused, as they may go round
        in a circle.

    Raises
    ------
    flimage.errors.FileFormatError
        When something in it leads out of the file, or is no image.
    """
    found = follow(group, path)
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
            check_tree(found, name, depth - 1)
    elif found is not None:
        raise FileFormatError(f"{file_name(group)}: {object_name(group, path)} is no image.")


# --- datasets --------------------------------------------------------------------------------


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
    shown = f"{file_name(group)}: {object_name(group, name)}"
    dtype, shape = dataset.dtype, dataset.shape
    if dtype.kind not in "fiub":
        raise FileFormatError(f"{shown} is of type {dtype}; an image needs real numbers.")
    if shape is None or len(shape) != 2:
        raise FileFormatError(f"{shown} has the shape {shape}; an image needs two axes (y, x).")
    if 0 in shape:
        raise FileFormatError(f"{shown} has the shape {shape} and so holds no pixel.")
    if h5i.get_file_id(dataset).get_access_plist().get_driver() == h5py.h5fd.CORE:
        return
    check_ratio(shown, shape, dtype.itemsize, dataset.get_storage_size())


def is_stored(dataset: Any) -> bool:
    """Tell whether the values of a dataset are in the file itself."""
    plist = dataset.get_create_plist()
    layout = plist.get_layout()
    if layout == h5d.VIRTUAL:
        return False
    return not (layout == h5d.CONTIGUOUS and plist.get_external_count())


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
        When they are in other files, or need a filter that is not installed.
    """
    shown = f"{file_name(group)}: {object_name(group, name)}"
    plist = dataset.get_create_plist()
    layout = plist.get_layout()
    # Before the shape is asked for: that of a virtual dataset is found by opening its sources.
    if layout == h5d.VIRTUAL:
        raise FileFormatError(
            f"{shown} is a virtual dataset, put together from others, which are not opened; copy"
            " its values into a dataset of their own."
        )
    if layout == h5d.CONTIGUOUS and plist.get_external_count():
        raise FileFormatError(
            f"{shown} keeps its pixels in another file, which is not opened; copy them into this"
            " file."
        )
    codes = []
    for number in range(plist.get_nfilters()):
        code, _, _, label = plist.get_filter(number)
        codes.append(code)
        if not has_filter(code):
            raise FileFormatError(
                f"{shown} was stored with the HDF5 filter {code}"
                f" ({label.decode('utf-8', 'replace')!r}), which is not installed; install the"
                " hdf5plugin package or repack the file."
            )
    if h5z.FILTER_FLETCHER32 in codes and _smallest_chunk(dataset) < _CHECKSUM:
        raise DamagedImageError(
            f"{shown} is damaged (a part of it is too short for its checksum); restore the file"
            " from a copy."
        )


def _smallest_chunk(dataset: Any) -> int:
    """Size of the smallest chunk that is stored [bytes], or that of a checksum where none is."""
    sizes = [_CHECKSUM]

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
    if pixels > LARGE_IMAGE and pixels * itemsize > _LARGEST_RATIO * stored:
        raise DamagedImageError(
            f"{shown} announces {'×'.join(map(str, shape))} pixels, but only {stored} bytes of"
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
