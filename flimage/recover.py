"""Write what can still be read of a damaged series to a new file, and name what cannot.

A series with gaps in its numbering, with strays among its frames, or in a file that was cut off is
refused when it is opened: frames would stand at wrong places. Here the frames that are whole are
taken out of it, each one only after it was read and unpacked.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import h5py

from . import storage
from ._version import __version__
from .convert import ORIGIN
from .cut_off import CutOffFile, stated_size
from .damaged_series import DamagedSeries
from .errors import DamagedSeriesError, FileFormatError, FlimageError, InputError
from .image_group import add_versions, is_image_group
from .opening import find_series
from .plain_text import shortened
from .progress import Progress, ignore_progress
from .quantities import format_count
from .readers import is_recording

__all__ = ["Recovery", "recover"]

#: Sentences that are kept with the new file; HDF5 attributes are limited to 64 KiB.
_MOST_NOTES = 40
_LONGEST_NOTE = 400


@dataclass(frozen=True)
class Recovery:
    """What came of a damaged series.

    Parameters
    ----------
    path
        The new file.
    frames
        Number in the damaged series of each frame of the new one.
    damaged
        Frames that cannot be read, and why: number -> sentence.
    missing
        Numbers that no frame has.
    strays
        Names of what is no frame and was left out.
    notes
        What else is missing, such as the background of a frame, one sentence each.
    listed
        Whether the names of all frames could be listed; otherwise nobody knows how many there were.
    """

    path: Path
    frames: tuple[int, ...]
    damaged: Mapping[int, str]
    missing: tuple[range, ...]
    strays: tuple[str, ...]
    notes: tuple[str, ...]
    listed: bool = True

    @property
    def complete(self) -> bool:
        """Whether no frame was lost."""
        return self.listed and not (self.damaged or self.missing or self.notes)

    @property
    def sentence(self) -> str:
        """The result in one sentence."""
        text = f"{format_count(len(self.frames), 'frame')} recovered"
        lost = []
        if self.damaged:
            lost.append(f"{len(self.damaged)} cannot be read")
        if self.missing:
            count = sum(gap.stop - gap.start for gap in self.missing)
            lost.append(f"{count} {'is' if count == 1 else 'are'} missing")
        if not self.listed:
            lost.append("more may be lost, because the list of all frames is damaged")
        if lost:
            return f"{text}; {', '.join(lost[:-1])}{' and ' if lost[1:] else ''}{lost[-1]}."
        return f"{text}, no frame is missing."

    def details(self) -> list[str]:
        """Name everything that is not in the new file, one sentence each."""
        lines = [f"fli_{number} cannot be read: {why}" for number, why in self.damaged.items()]
        lines += [f"{_numbers(gap)} missing." for gap in self.missing]
        lines += list(self.notes)
        lines += [f"{shortened(name)!r} is no frame and was left out." for name in self.strays]
        return lines


def _numbers(gap: range) -> str:
    last = gap.stop - 1
    return f"fli_{last} is" if gap.start == last else f"fli_{gap.start} to fli_{last} are"


def recover(
    path: str | os.PathLike[str],
    out: str | os.PathLike[str],
    *,
    group: str | None = None,
    overwrite: bool = False,
    progress: Progress | None = None,
) -> Recovery:
    """Write the frames of a damaged series that can be read to a new file.

    Frames are numbered anew; their times and identifiers stay. Which ones were lost is returned,
    and kept with the new file.

    Parameters
    ----------
    path
        The damaged file; it is not changed.
    out
        The series file to write.
    group
        Where in the file the series is; by default the root or the only group that holds one.
    overwrite
        Replace an output that exists.
    progress
        Called as ``progress(done, total, stage)``; it may raise
        :class:`~flimage.errors.Cancelled`.

    Returns
    -------
    Recovery

    Raises
    ------
    flimage.errors.DamagedSeriesError
        When no frame can be read.
    flimage.errors.FileFormatError
        When the file cannot be opened at all, for example because its header is damaged.
    flimage.errors.InputError
        When it is no series, but an image or a recording in another format.
    flimage.errors.OutputExistsError
        When `out` exists and is not to be replaced.
    flimage.errors.SameFileError
        When `out` is the damaged file itself.

    Examples
    --------
    >>> import h5py, pathlib, tempfile
    >>> from flimage import FLImage, FLSeries
    >>> from flimage.recover import recover
    >>> temporary = tempfile.TemporaryDirectory()
    >>> folder = pathlib.Path(temporary.name)
    >>> images = [FLImage([[1.0, 2.0]], {"time": i}) for i in range(4)]
    >>> FLSeries(images, h5file=folder / "cells.h5").close()
    >>> with h5py.File(folder / "cells.h5", "a") as file:
    ...     del file["fli_1"]
    >>> recover(folder / "cells.h5", folder / "whole.h5").sentence
    '3 frames recovered; 1 is missing.'
    >>> temporary.cleanup()
    """
    path, out = Path(path), Path(out)
    if is_recording(path):
        raise InputError(f"{path} is no series file; only series can be recovered.")
    report = ignore_progress if progress is None else progress
    with _opened(path) as (file, cut):
        series = find_series(file, path, group)
        if is_image_group(series):
            raise InputError(f"{path} holds a single image and no series; open it as it is.")
        report(0, 1, "Looking")
        return _write(DamagedSeries(series, cut), path, out, overwrite, report)


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[tuple[h5py.File, CutOffFile | None]]:
    """Open a file, also one that was cut off."""
    try:
        file, cut = storage.open_file(path), None
    except DamagedSeriesError as error:
        size = stated_size(path)
        if size is None:
            raise
        cut = CutOffFile(path, size)
        try:
            file = h5py.File(cut, "r")
        except (OSError, RuntimeError, KeyError, ValueError):
            cut.close()
            raise error from None
    try:
        yield file, cut
    finally:
        file.close()
        if cut is not None:
            cut.close()


def _write(
    series: DamagedSeries, path: Path, out: Path, overwrite: bool, progress: Progress
) -> Recovery:
    """Write what can be read."""
    total = len(series.numbers)
    written: list[int] = []
    with (
        storage.atomic_output(out, overwrite=overwrite, source=path) as temporary,
        storage.open_file(temporary, "w") as file,
    ):
        with storage.SeriesWriter(file) as writer:
            for done, number in enumerate(series.numbers):
                progress(done, total, "Recovering")
                image = series.image(number)
                if image is not None:
                    writer.add(
                        image,
                        add_versions(series.meta(number)),
                        series.image_attributes(number),
                        series.background(number),
                        image.dtype,
                    )
                    written.append(number)
        if not written:
            raise _nothing(path, series)
        recovery = Recovery(
            out,
            tuple(written),
            dict(sorted(series.damage.items())),
            tuple(_gaps(series.numbers)),
            series.strays,
            tuple(series.notes),
            series.listed,
        )
        for name, value in series.series_attributes().items():
            file.attrs[name] = value
        file.attrs[ORIGIN] = json.dumps(
            {
                **series.conversion(),
                "flimage": __version__,
                "file": path.name,
                "format": "damaged series",
                "notes": _notes(recovery),
            }
        )
    progress(total, total, "Done")
    return recovery


def _nothing(path: Path, series: DamagedSeries) -> FlimageError:
    """Return the error that says why there is nothing to be written."""
    if not series.numbers:
        return FileFormatError(
            f"{path}: no frame of a series (fli_0, fli_1, …) can be found; restore the file from a"
            " copy."
        )
    number, why = min(series.damage.items())
    return DamagedSeriesError(
        f"{path}: no frame can be read (fli_{number}: {why.rstrip('.')}); restore the file from a"
        " copy."
    )


def _notes(recovery: Recovery) -> list[str]:
    """Return what is kept with the new file: not all of it where very much is lost."""
    notes = [recovery.sentence, *recovery.details()]
    more = len(notes) - _MOST_NOTES
    if more > 0:
        notes[_MOST_NOTES:] = [f"And {more} more."]
    return [note[:_LONGEST_NOTE] for note in notes]


def _gaps(numbers: list[int]) -> Iterator[range]:
    """List the numbers that are left out."""
    expected = 0
    for number in numbers:
        if number > expected:
            yield range(expected, number)
        expected = number + 1
