"""The HDF5 group that holds an image or a series: in a file, in a given group, or in memory."""

from __future__ import annotations

import itertools
import os
import pathlib
from typing import TypeAlias

import h5py

from . import storage
from .errors import InputError

__all__ = ["H5_MODES", "PathOrGroup", "memory_file", "open_group"]

#: How a file can be opened.
H5_MODES = ("r", "r+", "w", "w-", "x", "a")

_MEMORY_NAMES = itertools.count()

#: Where an image or a series is kept.
PathOrGroup: TypeAlias = "str | os.PathLike[str] | h5py.Group"


def memory_file() -> h5py.File:
    """Create an HDF5 file that only ever exists in memory."""
    name = f"flimage-memory-{os.getpid()}-{next(_MEMORY_NAMES)}.h5"
    return h5py.File(name, "w", driver="core", backing_store=False)


def open_group(h5file: PathOrGroup | None, h5mode: str) -> tuple[h5py.Group, h5py.File | None]:
    """Find the group for an image or a series.

    Returns
    -------
    group
        Where the data are.
    owned
        The file that was opened for this, and has to be closed; None where `h5file` was open.
    """
    if h5file is None:
        file = memory_file()
        return file, file
    if h5mode not in H5_MODES:
        raise InputError(f"h5mode is {h5mode!r}; use one of {', '.join(H5_MODES)}.")
    if isinstance(h5file, h5py.Group):
        if not h5file:
            raise InputError("The HDF5 group that was given belongs to a file that is closed.")
        return h5file, None
    try:
        path = pathlib.Path(h5file)
    except TypeError as error:
        raise InputError(
            f"h5file is {h5file!r}; give a path, an open HDF5 group or None."
        ) from error
    file = storage.open_file(path, "x" if h5mode == "w-" else h5mode)
    return file, file
