"""Open what a person chose: find the series in a file (no Qt)."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from flimage.errors import DamagedSeriesError, FileFormatError, FileLockedError, FlimageError
from flimage.meta import is_number
from flimage.progress import Progress, ignore_progress

from .displays import image_levels, raw_key, sample_frames
from .image_store import ImageStore
from .series_choice import SeveralSeriesError, describe_series

if TYPE_CHECKING:
    import h5py

    from flimage.choosing import Explored
    from flimage.provenance import Origin
    from flimage.readers import Recording, Selection
    from flimage.series import FLSeries
    from flimage.source import EditedSource

__all__ = [
    "Glimpse",
    "Inspected",
    "NoSeriesError",
    "Opened",
    "inspect_recording",
    "is_series_file",
    "open_ahead",
    "open_series",
]

#: How files of this project end; every other file is a recording that has to be converted.
SERIES_SUFFIXES = (".h5", ".hdf5", ".hdf", ".he5")
#: What :func:`open_ahead` has opened and nobody has taken over yet.
_ahead: dict[Path, Glimpse] = {}
#: Frames whose percentiles make the first contrast. They are decoded before anything is shown.
FIRST_LOOK = 3


@dataclass(eq=False)
class Opened:
    """A recording that is open for reading.

    Parameters
    ----------
    source
        Its frames.
    path
        File that was opened.
    levels
        Values to show black and white.
    pixel_size
        [m]; None where the first frame states none.
    series
        What has to be closed.
    store
        Frames that were decoded on the way, by the keys of a fresh `DisplayMaker`.
    in_use
        Whether another program has the file open for writing.
    correction
        What the series was corrected from; None where it was not corrected.
    """

    source: EditedSource
    path: Path
    levels: tuple[float, float]
    pixel_size: float | None
    series: FLSeries
    store: ImageStore
    in_use: bool = False
    correction: Origin | None = None

    @property
    def group(self) -> str | None:
        """Where in the file the series is; None at its root."""
        name = self.series.h5.name
        return None if name in ("/", None) else str(name)

    @property
    def save_problem(self) -> str:
        """Why edits cannot be written into the file, in one sentence; mostly empty."""
        name = self.path.name
        if self.in_use:
            return (
                f"{name} is in use by another program, and shown for reading only; save an edited"
                " copy, or close it there and open it again."
            )
        if self.source.path is None:
            return f"{name} holds a single image, not a series; save an edited copy."
        if not os.access(self.path, os.W_OK):
            return f"{name} is write-protected; save an edited copy."
        if not os.access(self.path.parent, os.W_OK):
            return f"The folder of {name} cannot be written to; save an edited copy elsewhere."
        return ""

    def close(self) -> None:
        """Close the file; nothing may read from `source` any more."""
        _close(self.series)


@dataclass(frozen=True, eq=False)
class Inspected:
    """What is in a recording in a foreign format.

    Parameters
    ----------
    recording
        Size, times and pixel size as the file states them; it is closed.
    preview
        First frame (y, x).
    explored
        What can be chosen in the file, and what is.
    """

    recording: Recording
    preview: np.ndarray
    explored: Explored


def inspect_recording(
    path: Path,
    progress: Progress,
    key: str | None = None,
    selection: Selection | None = None,
) -> Inspected:
    """Read what a recording in a foreign format says about itself, and its first frame.

    Where the file holds several, `key` and `selection` say which one; it is the first by default.
    """
    from flimage.choosing import explore

    progress(0, 1, f"Opening {path.name}")
    explored = explore(path, key, selection)
    with explored.recording as recording:
        # A reader may give a view into a mapped file, which ends when that is closed.
        return Inspected(recording, np.array(recording.frame(0)), explored)


class NoSeriesError(FileFormatError):
    """A file holds no series, but datasets that may be converted into one."""

    def __init__(self, message: str, path: Path) -> None:
        super().__init__(message)
        self.path = path


def is_series_file(path: Path) -> bool:
    """Tell whether `path` can be opened as it is; if not, it has to be converted first."""
    return path.suffix.lower() in SERIES_SUFFIXES


@dataclass(eq=False)
class Glimpse:
    """What is needed to show the first frame of a series, which is open.

    Parameters
    ----------
    series
        The series.
    first
        Its first frame (y, x).
    levels
        Values to show black and white.
    store
        Frames that were decoded on the way.
    in_use
        Whether another program has the file open for writing.
    """

    series: FLSeries
    first: np.ndarray
    levels: tuple[float, float]
    store: ImageStore
    in_use: bool


def open_ahead(path: Path) -> Glimpse:
    """Take a first look into a series, while the window is not there yet.

    :func:`open_series` goes on from there: what it reads in addition takes long where there are
    thousands of frames.

    Parameters
    ----------
    path
        See :func:`open_series`, as are the exceptions.
    """
    glimpse = _ahead[path] = _glimpse(path, ignore_progress)
    return glimpse


def open_series(path: Path, progress: Progress, group: str | None = None) -> Opened:
    """Open a series, and decode what is needed to show its first frame.

    Parameters
    ----------
    path
        HDF5 file with a series at its root or in one of its groups, or with a single image.
    progress
        Called now and then.
    group
        Which series, where the file holds several.

    Raises
    ------
    flimage_gui.series_choice.SeveralSeriesError
        When the file holds several series, and it was not said which one.
    flimage.errors.FileFormatError
        When there is neither a series nor an image in the file.
    OSError
        When the file cannot be opened.
    """
    from flimage import provenance
    from flimage.source import EditedSource, SeriesSource

    glimpse = _ahead.pop(path, None) or _glimpse(path, progress, group)
    series = glimpse.series
    try:
        progress(0, 1, f"Opening {path.name}")
        source = EditedSource(SeriesSource(series))
        size = source.meta(0).get("pixel size")
        pixel_size = float(size) if is_number(size) and size > 0 else None
        correction = provenance.origin(series.h5)
    except BaseException:
        _close(series)
        raise
    return Opened(
        source,
        path,
        glimpse.levels,
        pixel_size,
        series,
        glimpse.store,
        glimpse.in_use,
        correction,
    )


def _glimpse(path: Path, progress: Progress, group: str | None = None) -> Glimpse:
    from flimage import storage
    from flimage.image_group import RAW

    progress(0, 1, f"Opening {path.name}")
    in_use = False
    try:
        file = storage.open_file(path)
    except FileLockedError:
        # Looking does no harm; what the other program has not written yet is missing.
        file = storage.open_file(path, ignore_lock=True)
        in_use = True
    try:
        series = _find_series(file, path, group, progress)
        store = ImageStore(1 << 30)
        images: dict[int, np.ndarray] = {}
        damage: FlimageError | None = None
        # Not through a source: that reads the times of all frames.
        for index in sample_frames(len(series), FIRST_LOOK):
            progress(0, 1, f"Opening {path.name}")
            try:
                images[index] = storage.read_image(series.h5, f"fli_{index}/{RAW}")
            except FlimageError as error:
                # The other frames can be shown; this one is named when its turn comes.
                damage = damage or error
                continue
            store.put(raw_key(index), images[index])
        if damage is not None and not images:
            raise DamagedSeriesError(str(damage)) from damage
        known = list(images.values())
        first = images.get(0, np.zeros_like(known[0]))
        return Glimpse(series, first, image_levels(known), store, in_use)
    except BaseException:
        file.close()
        raise


def _close(series: FLSeries) -> None:
    file = series.h5.file if series.h5 else None
    series.close()
    if file:
        file.close()


def _find_series(file: h5py.File, path: Path, group: str | None, progress: Progress) -> FLSeries:
    """Find the series: in the group that is wanted, at the root, or in the only group with one."""
    import h5py

    from flimage.checked import follow, named
    from flimage.checked_dataset import is_stored
    from flimage.core import FLImage
    from flimage.image_group import is_image_group
    from flimage.opening import series_groups
    from flimage.series import FLSeries

    found = [group] if group is not None else series_groups(file)
    if len(found) > 1:
        raise SeveralSeriesError(path, describe_series(file, found, progress))
    if found:
        stored = follow(file, found[0])
        if not isinstance(stored, h5py.Group):
            raise FileFormatError(f"{path} holds no series {found[0]} any more; open it again.")
        return FLSeries(h5file=stored)
    if is_image_group(file):
        # A single image is shown as a series of one frame, which is kept in memory.
        with FLImage(h5file=file) as image:
            series = FLSeries([image])
        file.close()
        return series
    datasets = 0

    def visit(name: str, item: object) -> None:
        nonlocal datasets
        if isinstance(item, h5py.Dataset) and is_stored(item.id):
            datasets += len(item.shape or ()) >= 2

    with named(file):
        file.visititems(visit)
    if datasets:
        raise NoSeriesError(f"{path} holds no fluorescence series, but datasets.", path)
    raise FileFormatError(
        f"{path} holds no fluorescence series; open a file that flimage wrote, or import the"
        " recording from TIFF, NPY or ND2."
    )
