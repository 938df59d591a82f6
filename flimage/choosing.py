"""Look into a recording that holds several time series: what can be chosen, and a first choice.

:func:`explore` opens any recording, even where nothing was chosen yet, and tells what there is to
choose, so that a person can be asked once for everything.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path

from .errors import FlimageError, InputError
from .readers import ChoiceNeededError, Recording, Selection, open_recording
from .selecting import Axis

__all__ = ["Array", "Explored", "arrays_in", "explore"]

#: Endings of files that may hold several arrays.
_HDF5 = (".h5", ".hdf5", ".hdf", ".he5", ".ims")


@dataclass(frozen=True)
class Array:
    """One of several arrays in a file.

    Parameters
    ----------
    key
        Its name, as :func:`~flimage.readers.open_recording` takes it; in an HDF5 file its path.
    shape
        Its size along all axes.
    dtype
        Type of its values.
    """

    key: str
    shape: tuple[int, ...]
    dtype: str


@dataclass(frozen=True)
class Explored:
    """An open recording, and what else could have been chosen in the same file.

    Parameters
    ----------
    recording
        The recording; whoever asked for it closes it.
    axes
        Axes along which one plane has to be chosen: channel, depth, position.
    selection
        What is chosen along them.
    arrays
        Arrays that the file holds, where there are several.
    key
        The one that is chosen.
    """

    recording: Recording
    axes: tuple[Axis, ...] = ()
    selection: Selection = field(default_factory=Selection)
    arrays: tuple[Array, ...] = ()
    key: str | None = None


def arrays_in(path: Path) -> tuple[Array, ...]:
    """List the arrays of images in an HDF5 or NPZ file; none for any other file.

    Parameters
    ----------
    path
        The file.

    Raises
    ------
    flimage.errors.FileFormatError
        When the file cannot be read.
    """
    suffix = path.suffix.lower()
    if suffix in _HDF5:
        from .hdf5_dataset import list_datasets

        return tuple(Array(*each) for each in list_datasets(path))
    if suffix == ".npz":
        from .npy import list_arrays

        return tuple(Array(*each) for each in list_arrays(path))
    return ()


def explore(path: str | Path, key: str | None = None, wanted: Selection | None = None) -> Explored:
    """Open a recording; where something has to be chosen and is not, the first one is.

    Parameters
    ----------
    path
        See :func:`~flimage.readers.open_recording`.
    key
        Array that is wanted.
    wanted
        What is wanted along channel, depth and position; what the file does not have is left out.

    Raises
    ------
    flimage.errors.FlimageError, FileNotFoundError
        See :func:`~flimage.readers.open_recording`.
    """
    path = Path(path)
    arrays = arrays_in(path)
    asked = Selection() if wanted is None else wanted
    if key is not None or len(arrays) < 2:
        return _explore(path, key, asked, arrays)
    refused: list[FlimageError] = []
    for array in sorted(arrays, key=_preference):
        try:
            return _explore(path, array.key, asked, arrays)
        except FlimageError as error:
            refused.append(error)
    raise refused[0]


def _preference(array: Array) -> int:
    """Sort stacks of images first, then what has further axes, then single images."""
    axes = len(array.shape)
    return 0 if axes == 3 else 1 if axes > 3 else 2


def _explore(path: Path, key: str | None, asked: Selection, arrays: tuple[Array, ...]) -> Explored:
    """Open one array of a recording, with the first plane of each axis where none is asked for."""
    selection = Selection()
    axes: list[Axis] = []
    while True:
        try:
            recording = open_recording(path, key, selection)
        except ChoiceNeededError as needed:
            new = [axis for axis in needed.axes if getattr(selection, axis.option) is None]
            if not new:
                raise
            for axis in new:
                number = _number(axis, getattr(asked, axis.option))
                selection = replace(selection, **{axis.option: number})
            axes += new
        else:
            return Explored(recording, tuple(axes), selection, arrays, key)


def _number(axis: Axis, wanted: int | str | None) -> int:
    """Find the plane that is wanted along an axis; it is the first one where none is."""
    if isinstance(wanted, str):
        if wanted in axis.labels:
            return axis.labels.index(wanted)
        wanted = int(wanted) if wanted.isascii() and wanted.isdigit() else None
    if wanted is None:
        return 0
    if not 0 <= wanted < axis.size:
        raise InputError(f"There is no {axis.name} {wanted}; there is {axis.choices}.")
    return wanted
