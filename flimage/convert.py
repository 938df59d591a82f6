"""Turn recordings in foreign formats into series files, frame by frame.

The result is a series file with one image per frame, times [s], pixel size [m] and identifiers.
Where each value came from is kept with it, as JSON in the attribute :data:`ORIGIN` of the series.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import numpy.typing as npt

from ._version import __version__
from .errors import InputError
from .image_group import add_versions
from .meta import is_number
from .plain_text import clean
from .progress import Progress, ignore_progress
from .quantities import format_quantity
from .readers import SUFFIXES, Recording, Selection, name_of, open_recording, shown_name
from .storage import SeriesWriter, atomic_output, open_file

__all__ = [
    "ORIGIN",
    "SUFFIXES",
    "Recording",
    "convert",
    "open_recording",
    "resolve",
    "write_converted",
    "write_series",
]

#: Attribute of the series group that tells where a converted recording came from (JSON).
ORIGIN = "conversion"

#: Pixels larger than this [m] are surely a mistaken unit.
_LARGEST_PIXEL = 1e-2

#: Remarks kept with the file; HDF5 attributes are limited to 64 KiB.
_MOST_NOTES = 40


def _check_positive(value: float | None, name: str, option: str, unit: str) -> None:
    if value is not None and not (is_number(value) and value > 0 and math.isfinite(value)):
        raise InputError(f"The {name} is {value!r}; give a positive number of {unit} ({option}).")


def resolve(
    recording: Recording, interval: float | None = None, pixel_size: float | None = None
) -> tuple[npt.NDArray[np.floating[Any]] | None, float | None, tuple[str, ...]]:
    """Decide on the times and the pixel size of a recording.

    What is given counts more than what the file states.

    Parameters
    ----------
    recording
        An open recording.
    interval
        Time between frames [s].
    pixel_size
        Size of a pixel [m].

    Returns
    -------
    times : numpy.ndarray or None
        (n,) [s]; None for a single image without a time.
    pixel_size : float or None
        [m]; None when neither is given nor stated.
    notes : tuple of str
        Where each value came from.

    Raises
    ------
    flimage.errors.InputError
        When the file states no times and no interval is given, or a value cannot be.
    """
    _check_positive(interval, "interval", "--interval", "seconds")
    _check_positive(pixel_size, "pixel size", "--pixel-size", "metres")
    notes = list(recording.notes)
    times = recording.times
    if interval is not None:
        times = np.arange(recording.n_frames) * float(interval)
        notes = [note for note in notes if not note.startswith("Times are ")]
        notes.append(f"Times are multiples of {interval:.6g} s, as given.")
    elif times is None and recording.n_frames > 1:
        raise InputError(
            f"{recording.path} does not state when its frames were taken; give the time between"
            " frames in seconds (--interval)."
        )
    size = recording.pixel_size
    if pixel_size is not None:
        size = float(pixel_size)
        notes = [note for note in notes if not note.startswith("The pixel size, ")]
        notes.append(f"The pixel size, {format_quantity(size, 'm', 6)}, is as given.")
    elif size is None:
        notes.append("The pixel size is not known (--pixel-size).")
    if size is not None and size > _LARGEST_PIXEL:
        raise InputError(
            f"The pixel size is {size:.6g} m, more than a centimetre; give it in metres, such as"
            " 1e-7 for 0.1 µm (--pixel-size)."
        )
    if not np.can_cast(recording.dtype, np.float32):
        notes.append(f"Values ({recording.dtype}) are rounded to single precision.")
    return times, size, tuple(notes)


def write_series(
    recording: Recording,
    group: h5py.Group,
    times: Sequence[float] | npt.NDArray[np.floating[Any]] | None,
    pixel_size: float | None,
    identifier: str,
    progress: Progress = ignore_progress,
) -> None:
    """Write all frames of a recording as a series into an empty HDF5 group.

    Parameters
    ----------
    recording
        An open recording.
    group
        Where the images ``fli_0``, ``fli_1``, … go.
    times
        (n,) [s], or None to write none.
    pixel_size
        [m], or None to write none.
    identifier
        Of the series; frame `i` gets ``identifier:i``.
    progress
        Called after each frame.
    """
    total = len(recording)
    progress(0, total, "Converting")
    group.attrs["identifier"] = identifier
    with SeriesWriter(group) as writer:
        for index in range(total):
            # HDF5 ends a text at a zero, which damaged files have anywhere.
            meta = {
                key: value.replace("\0", "") if isinstance(value, str) else value
                for key, value in recording.meta.items()
            }
            meta["identifier"] = f"{identifier}:{index}"
            if times is not None:
                meta["time"] = float(times[index])
            if pixel_size is not None:
                meta["pixel size"] = pixel_size
            writer.add(recording.frame(index), add_versions(meta))
            progress(index + 1, total, "Converting")


def convert(
    path: str | Path,
    out: str | Path,
    interval: float | None = None,
    pixel_size: float | None = None,
    identifier: str | None = None,
    overwrite: bool = False,
    progress: Progress | None = None,
    key: str | None = None,
    selection: Selection | None = None,
) -> Path:
    """Convert a recording in a foreign format into a series file.

    Frames are read, compressed and written one after the other, so that memory does not grow with
    the length of the recording. The output appears whole or not at all.

    Parameters
    ----------
    path
        The recording; see :func:`~flimage.readers.open_recording` for what can be read.
    out
        The series file to write.
    interval
        Time between frames [s]; needed when the file states no times, used instead of them
        otherwise.
    pixel_size
        Size of a pixel [m]; used instead of what the file states.
    identifier
        Of the series; the name of the file without its ending by default.
    overwrite
        Replace an existing output.
    progress
        Called as ``progress(done, total, stage)``; may raise
        :class:`~flimage.errors.Cancelled`.
    key
        Name of the array in an NPZ file, of the image in a Zarr folder, or of the dataset in an
        HDF5 file.
    selection
        Channel, depth and position, where the recording has several.

    Returns
    -------
    pathlib.Path
        `out`.

    Raises
    ------
    FileNotFoundError
        When there is no such recording.
    flimage.errors.InputError
        When the recording is not one grey-scale time series, or has no times and no `interval`
        is given.
    flimage.errors.FileFormatError
        When the recording cannot be read.
    flimage.errors.OutputExistsError
        When `out` exists and `overwrite` is False.
    flimage.errors.SameFileError
        When `out` is the recording itself.
    """
    path, out = Path(path), Path(out)
    with (
        open_recording(path, key, selection) as recording,
        atomic_output(out, overwrite=overwrite, source=recording.path) as temporary,
        open_file(temporary, "w") as h5,
    ):
        write_converted(recording, h5, interval, pixel_size, identifier, progress)
    return out


def write_converted(
    recording: Recording,
    group: h5py.Group,
    interval: float | None = None,
    pixel_size: float | None = None,
    identifier: str | None = None,
    progress: Progress | None = None,
) -> None:
    """Write a recording as a series into an empty HDF5 group, with what it says about itself.

    Parameters
    ----------
    recording
        An open recording.
    group
        Where the images go.
    interval, pixel_size, identifier, progress
        See :func:`convert`, as are the exceptions.
    """
    times, size, notes = resolve(recording, interval, pixel_size)
    name = clean(identifier or name_of(recording.path))
    write_series(recording, group, times, size, name, progress or ignore_progress)
    group.attrs[ORIGIN] = json.dumps(
        {
            "flimage": __version__,
            "file": shown_name(recording.path),
            "format": recording.kind,
            "dtype": str(recording.dtype),
            "maximum": recording.maximum,
            "notes": notes[:_MOST_NOTES],
        }
    )
