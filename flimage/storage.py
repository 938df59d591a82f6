"""Everything the project does with HDF5 files: open, read, write, copy, put outputs in place."""

from __future__ import annotations

import os
import re
from pathlib import Path

import h5py
from h5py import h5o

from .checked import follow
from .codec import EncodedImage, encode_image
from .dataset import (
    file_name,
    object_name,
    read_image,
    reason,
    write_attributes,
    write_encoded,
    write_image,
)
from .disk_errors import known_reason
from .errors import (
    DamagedImageError,
    DamagedSeriesError,
    FileAccessError,
    FileFormatError,
    FileLockedError,
    MissingFileError,
    OutputExistsError,
)
from .output import PART_SUFFIX, atomic_output
from .regular import check_regular
from .writer import SeriesWriter

__all__ = [
    "PART_SUFFIX",
    "EncodedImage",
    "SeriesWriter",
    "atomic_output",
    "copy_object",
    "encode_image",
    "file_name",
    "object_name",
    "open_file",
    "read_image",
    "write_attributes",
    "write_encoded",
    "write_image",
]

#: Size of HDF5's cache of metadata [bytes].
_CACHE_SIZE = 64 * 1024
#: What takes more than this share of it makes it grow, by so many times its own size.
_CACHE_SHARE, _CACHE_GROWTH = 0.9, 1.25


def open_file(
    path: str | os.PathLike[str], mode: str = "r", *, ignore_lock: bool = False
) -> h5py.File:
    """Open an HDF5 file.

    Parameters
    ----------
    path
        The file.
    mode
        As for :class:`h5py.File`: ``"r"``, ``"r+"``, ``"a"``, ``"w"`` or ``"x"``.
    ignore_lock
        Open a file for reading although another program writes to it: what that program has not
        written yet is missing, and what it is about to change may not be readable.

    Raises
    ------
    flimage.errors.MissingFileError
        When the file (or, for a new one, its folder) does not exist.
    flimage.errors.FileFormatError
        When the file is not HDF5.
    flimage.errors.DamagedSeriesError
        When it was cut off.
    flimage.errors.FileLockedError
        When another program is writing to the file.
    flimage.errors.FileAccessError
        When the file cannot be opened, for instance without permission.
    flimage.errors.OutputExistsError
        When `mode` is ``"x"`` and the file exists.
    """
    path = Path(path)
    if path.is_dir():
        raise FileAccessError(f"{path} is a folder; name a file in it.")
    check_regular(path)
    exists = path.exists()
    if mode in ("r", "r+") and not exists:
        raise MissingFileError(f"There is no file {path}; check its name and folder.")
    if mode == "x" and exists:
        raise OutputExistsError(f"{path} exists already; choose another name or remove it first.")
    if not exists and not path.parent.is_dir():
        raise MissingFileError(f"There is no folder {path.parent}; create it first.")
    try:
        reads_on = ignore_lock and mode == "r"
        file = h5py.File(path, mode, locking=False if reads_on else "best-effort")
    except OSError as error:
        raise _explain_open(path, mode, error) from error
    _bound_cache(file)
    return file


def _bound_cache(file: h5py.File) -> None:
    """Keep HDF5 from remembering the metadata of everything it has seen.

    Left alone, it takes 10 kB for each frame that was looked at, which it counts as a few hundred
    bytes, and is slower by it. Here the cache only grows for single objects that would fill a good
    part of it, such as the names of very many frames: they are needed for every frame, and have to
    stay beside whatever else a frame needs.
    """
    config = file.id.get_mdc_config()
    config.set_initial_size = True
    config.initial_size = config.min_size = _CACHE_SIZE
    config.max_size = max(config.max_size, _CACHE_SIZE)
    config.incr_mode = config.decr_mode = 0
    config.flash_multiple, config.flash_threshold = _CACHE_GROWTH, _CACHE_SHARE
    file.id.set_mdc_config(config)


def _explain_open(path: Path, mode: str, error: OSError) -> Exception:
    """Say in one sentence why HDF5 could not open a file."""
    text = str(error).lower()
    if re.search(r"\block\b", text):
        return FileLockedError(
            f"{path} is in use by another program that writes to it; close it there first."
        )
    if "already open" in text or isinstance(error, BlockingIOError):
        return FileAccessError(
            f"{path} is open already and cannot be opened with mode {mode!r}; close it first."
        )
    needed = os.R_OK if mode == "r" else os.W_OK
    target = path if path.exists() else path.parent
    if isinstance(error, PermissionError) or not os.access(target, needed):
        action = "reading" if mode == "r" else "writing"
        return FileAccessError(f"{path} cannot be opened for {action}: permission denied.")
    if mode not in ("r", "r+") and (refused := known_reason(error)) is not None:
        return FileAccessError(f"{path} could not be written: {refused}.")
    if "truncated" in text:
        return DamagedSeriesError(
            f"{path} was cut off: it is shorter than its header says; get a complete copy, or write"
            " the frames that are left to a new file (flimage recover)."
        )
    if path.is_file() and not h5py.is_hdf5(path):
        return FileFormatError(f"{path} is not an HDF5 file; give a file that flimage has written.")
    return FileAccessError(f"{path} cannot be opened: {error}.")


def copy_object(
    src_parent_group: h5py.Group, src_name: str, dst_parent_group: h5py.Group, dst_name: str
) -> None:
    """Copy a dataset, or a group with everything in it, without unpacking anything.

    Parameters
    ----------
    src_parent_group, src_name
        What to copy.
    dst_parent_group, dst_name
        Where to put it, in the same or another file.

    Raises
    ------
    flimage.errors.FileFormatError
        When there is no object of that name.
    flimage.errors.DamagedImageError
        When HDF5 cannot copy it.
    """
    if follow(src_parent_group, src_name) is None:
        raise FileFormatError(
            f"{file_name(src_parent_group)}: {object_name(src_parent_group, src_name)} is missing."
        )
    try:
        h5o.copy(src_parent_group.id, src_name.encode(), dst_parent_group.id, dst_name.encode())
    except (OSError, RuntimeError) as error:
        raise DamagedImageError(
            f"{file_name(src_parent_group)}: {object_name(src_parent_group, src_name)} cannot be"
            f" copied ({reason(error)})."
        ) from error
