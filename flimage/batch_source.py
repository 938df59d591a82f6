"""The recordings of a batch as frames to be corrected, in whatever format they are.

A recording in a foreign format is converted first, into a temporary file beside its output that is
gone when the work is done.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .errors import InputError, MissingFileError
from .provenance import Origin, origin
from .readers import is_recording, shown_name, split_dataset
from .source import FrameSource, SeriesSource, WrappedSource

if TYPE_CHECKING:
    from .batch_job import Job
    from .progress import Progress
    from .recording import Recording

__all__ = ["Opened", "identity", "look", "open_source"]

#: Converting and correcting count as so many passes over the frames.
_PASSES = 3


@dataclass(frozen=True)
class Opened:
    """A recording that is open.

    Parameters
    ----------
    source
        The frames.
    before
        What they were corrected from, if they were.
    progress
        To be called with the progress of the correction: it goes on where converting has ended.
    """

    source: FrameSource
    before: Origin | None
    progress: Progress


class _Converted(WrappedSource):
    """A converted recording, under the name of the file that it was converted from."""

    def __init__(self, source: FrameSource, path: Path) -> None:
        super().__init__(source)
        self._path = path

    @property
    def path(self) -> Path:
        """File of the recording."""
        return self._path


def identity(job: Job) -> dict[str, Any]:
    """Return what tells a recording apart, without reading it.

    Raises
    ------
    flimage.errors.MissingFileError
        When there is no such recording.
    """
    file, _ = split_dataset(job.source)
    try:
        found = file.stat()
    except FileNotFoundError:
        raise MissingFileError(f"There is no file {file}; check its name and folder.") from None
    size, changed = found.st_size, found.st_mtime_ns
    if file.is_dir():
        # A folder does not change when something deep within it does.
        inside = [path.stat() for path in file.rglob("*") if path.is_file()]
        size = sum(each.st_size for each in inside)
        changed = max((each.st_mtime_ns for each in inside), default=changed)
    return {"name": shown_name(job.source), "group": job.group, "size": size, "changed": changed}


def look(job: Job) -> tuple[tuple[int, int], Origin | None]:
    """Tell the size of the frames (y, x) [px], and what they were corrected from, if they were."""
    from .image_group import image_dataset
    from .opening import open_series

    if is_recording(job.source):
        with _recording(job) as recording:
            return recording.shape, None
    with open_series(job.source, job.group) as series:
        height, width = image_dataset(series.h5, "fli_0").shape
        return (height, width), origin(series.h5)


@contextlib.contextmanager
def open_source(job: Job, progress: Progress) -> Iterator[Opened]:
    """Open a recording for a correction.

    Parameters
    ----------
    job
        What is to be corrected.
    progress
        Called while a recording is converted.

    Yields
    ------
    Opened
        The recording.

    Raises
    ------
    flimage.errors.FlimageError
        When the recording cannot be read, holds several time series, or states no times where the
        recipe names no interval.
    """
    from .opening import open_series
    from .remnants import temporary_path

    if not is_recording(job.source):
        with open_series(job.source, job.group) as series:
            yield Opened(SeriesSource(series), origin(series.h5), progress)
        return

    def converting(done: int, total: int, stage: str) -> None:
        progress(done, _PASSES * total, stage)

    def correcting(done: int, total: int, stage: str) -> None:
        progress(total + (_PASSES - 1) * done, _PASSES * total, stage)

    part = temporary_path(job.out)
    try:
        _convert(job, part, converting)
        with open_series(part) as series:
            yield Opened(_Converted(SeriesSource(series), job.source), None, correcting)
    finally:
        part.unlink(missing_ok=True)


def _convert(job: Job, part: Path, progress: Progress) -> None:
    from .convert import write_converted
    from .storage import open_file

    with _recording(job) as recording, open_file(part, "w") as file:
        write_converted(recording, file, interval=job.recipe.interval, progress=progress)


@contextlib.contextmanager
def _recording(job: Job) -> Iterator[Recording]:
    from .readers import open_recording
    from .selecting import ChoiceNeededError

    if job.group is not None:
        raise InputError(f"{job.source} has no groups; --group is for series files.")
    try:
        opened = open_recording(job.source)
    except ChoiceNeededError as error:
        found = " and ".join(f"{axis.size} along {axis.name}" for axis in error.axes)
        raise InputError(
            f"{job.source} holds more than one time series ({found}); open it in the window, or"
            " convert the one you mean with flimage convert, which asks for it."
        ) from error
    with opened as recording:
        yield recording
