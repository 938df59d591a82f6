"""Recordings as microscopes and other programs write them, opened without reading them whole.

:func:`open_recording` finds the reader for a file. Each reader is a
:class:`~flimage.recording.Recording`: shape, times and pixel size as far as the file states them,
with a note on where each value came from, and the frames one by one. The parsing itself is left to
`tifffile`, `nd2`, `zarr`, `pylibCZIrw`, Pillow, h5py, NumPy and `bioio`.
"""

from __future__ import annotations

import errno
import importlib
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .errors import FileFormatError, FlimageError, InputError, MissingFileError
from .extras import install_command
from .folder_files import is_pattern
from .recording import Recording
from .regular import check_regular
from .selecting import Axis, ChoiceNeededError, Selection

__all__ = [
    "SEPARATOR",
    "SUFFIXES",
    "Axis",
    "ChoiceNeededError",
    "Recording",
    "Selection",
    "is_recording",
    "name_of",
    "open_recording",
    "shown_name",
    "split_dataset",
]

#: Module and class of the reader for each ending; loaded when they are needed.
_READERS: Mapping[str, tuple[str, str]] = {
    ".czi": ("zeiss", "CziRecording"),
    ".nd2": ("nikon", "Nd2Recording"),
    ".npy": ("npy", "NpyRecording"),
    ".npz": ("npy", "NpzRecording"),
    ".zarr": ("zarr_recording", "ZarrRecording"),
    **dict.fromkeys((".tif", ".tiff", ".btf", ".tf8", ".stk", ".lsm"), ("tiff", "TiffRecording")),
}

#: Endings of files that hold several arrays, of which one is named.
_KEYED = (".npz", ".zarr")

#: Endings of HDF5 files, which may be series, or hold a dataset of another program.
_HDF5 = (".h5", ".hdf5", ".hdf", ".he5", ".ims")

#: What the system has to say, and no damage.
_SYSTEM = (errno.EACCES, errno.EPERM, errno.EMFILE, errno.ENFILE, errno.EIO, errno.ENOMEM)

#: Stands between the name of an HDF5 file and of the dataset in it.
SEPARATOR = "::"

#: Endings of the names of files that can be opened (lower case, with the dot).
SUFFIXES: tuple[str, ...] = tuple(sorted(_READERS))


def is_recording(path: Path) -> bool:
    """Tell whether a name stands for a recording in a foreign format, by the look of the name."""
    if path.suffix.lower() in SUFFIXES or SEPARATOR in str(path) or path.is_dir():
        return True
    return is_pattern(path)


def split_dataset(path: Path) -> tuple[Path, str | None]:
    """Split ``file.h5::/group/dataset`` into the file and the name of the dataset.

    Parameters
    ----------
    path
        Any recording.

    Returns
    -------
    file : pathlib.Path
        `path` itself where it names no dataset.
    dataset : str or None
        None where none is named.
    """
    name, separator, inner = str(path).partition(SEPARATOR)
    if separator and Path(name).suffix.lower() in _HDF5:
        # In HDF5, names are separated as nowhere on Windows.
        return Path(name), Path(inner).as_posix() if inner else None
    return path, None


def shown_name(path: Path) -> str:
    """Name a recording for a person: its file or folder, with the dataset where it names one."""
    file, dataset = split_dataset(path)
    if dataset is not None:
        return f"{file.name}{SEPARATOR}{dataset}"
    return path.resolve().name if path.name in ("", "..") else path.name


def name_of(path: Path) -> str:
    """Name a series after its file without the ending, its folder, or its file and dataset."""
    file, dataset = split_dataset(path)
    if dataset is not None:
        inner = re.sub(r"[^\w.-]+", "_", dataset).strip("_")
        return f"{file.stem}_{inner}"
    if is_pattern(path):
        return path.resolve().parent.name
    if path.is_dir() and path.suffix.lower() not in SUFFIXES:
        return path.resolve().name
    return path.name.removesuffix(path.suffix).removesuffix(".ome")


def open_recording(
    path: str | Path, key: str | None = None, selection: Selection | None = None
) -> Recording:
    """Open a recording in a foreign format without reading its frames.

    Parameters
    ----------
    path
        A TIFF, OME-TIFF, ImageJ, ND2, CZI, NPY or NPZ file; an OME-Zarr folder; a folder of single
        images, or a pattern such as ``folder/*_c1.tif`` that names some of them; a dataset in an
        HDF5 file, as ``file.h5::/group/dataset``; or any other file that bioio reads, where it is
        installed.
    key
        Name of the array in an NPZ file that holds several, of the image in a Zarr folder, or of
        the dataset in an HDF5 file.
    selection
        Which channel, depth and position is read, where there are several.

    Raises
    ------
    FileNotFoundError
        When there is no such file.
    flimage.selecting.ChoiceNeededError
        When the file holds several channels, depths or positions, and none is selected.
    flimage.errors.InputError
        When the ending is unknown, or the file holds something else than grey-scale time series.
    flimage.errors.FileFormatError
        When the file cannot be read.
    """
    chosen = Selection() if selection is None else selection
    path, dataset = split_dataset(Path(path))
    key = dataset or key
    suffix = path.suffix.lower()
    check_regular(path)
    if not path.exists():
        if is_pattern(path):
            return _open("image_folder", "FolderRecording", path, chosen)
        raise MissingFileError(f"There is no file {path}; check its name and folder.")
    if suffix in _HDF5:
        return _open("hdf5_dataset", "Hdf5Recording", path, chosen, key)
    if key is not None and suffix not in _KEYED:
        raise InputError(f"{path} holds one array, so there is no array {key!r} to choose.")
    if suffix in _KEYED:
        return _open(*_READERS[suffix], path, chosen, key)
    if suffix in _READERS:
        return _open(*_READERS[suffix], path, chosen)
    if path.is_dir():
        return _open("image_folder", "FolderRecording", path, chosen)
    if _reader("other_formats", "is_available")():
        return _open("other_formats", "BioioRecording", path, chosen)
    raise InputError(
        f"{path} has an unknown ending; recordings can be read from {', '.join(SUFFIXES)}, and more"
        f" where bioio is installed ('{install_command('bioio')}')."
    )


def _reader(module: str, name: str) -> Any:
    return getattr(importlib.import_module(f".{module}", __package__), name)


def _open(module: str, name: str, path: Path, *arguments: Any) -> Recording:
    reader = _reader(module, name)
    try:
        recording: Recording = reader(path, *arguments)
    except FlimageError:
        raise
    except MemoryError as error:
        raise FileFormatError(
            f"{path} announces more than fits into the memory of this computer; it is damaged, or"
            " too large to be read here."
        ) from error
    # Where bytes are damaged, the libraries of the formats raise whatever comes of them.
    except Exception as error:
        if isinstance(error, OSError) and error.errno in _SYSTEM:
            raise
        raise FileFormatError(
            f"{path} cannot be read ({type(error).__name__}: {error}); the file is damaged, or not"
            " what its ending says."
        ) from error
    return recording
