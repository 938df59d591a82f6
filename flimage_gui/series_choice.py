"""What is known of the series of a file that holds several, so that one can be chosen (no Qt)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from flimage.errors import FileFormatError, FlimageError
from flimage.progress import Progress

if TYPE_CHECKING:
    import h5py

__all__ = ["SeriesEntry", "SeveralSeriesError", "describe_series"]

#: Series whose first frame is read for a preview; reading those of very many would take long.
_MOST_PREVIEWS = 50
#: Size of a preview, at most [px].
_PREVIEW = 256


@dataclass(frozen=True, eq=False)
class SeriesEntry:
    """One of the series of a file.

    Parameters
    ----------
    group
        Its place in the file.
    n_frames
        Number of frames.
    shape
        Size of a frame (y, x) [px]; None where the first frame is damaged.
    identifier
        Its name; None where it has none.
    preview
        Its first frame, made small; None where it was not read.
    """

    group: str
    n_frames: int
    shape: tuple[int, int] | None
    identifier: str | None
    preview: np.ndarray | None


class SeveralSeriesError(FileFormatError):
    """A file holds several series, and it was not said which one is meant."""

    def __init__(self, path: Path, entries: Sequence[SeriesEntry]) -> None:
        super().__init__(f"{path} holds {len(entries)} series; choose one.")
        self.path = path
        self.entries = tuple(entries)


def describe_series(
    file: h5py.File, groups: Sequence[str], progress: Progress
) -> list[SeriesEntry]:
    """Look into each of several series.

    Parameters
    ----------
    file
        An open file.
    groups
        Where the series are.
    progress
        Called before each of them.
    """
    entries = []
    for number, group in enumerate(groups):
        progress(number, len(groups), f"Looking into {group}")
        entries.append(_describe(file, group, preview=number < _MOST_PREVIEWS))
    return entries


def _describe(file: h5py.File, group: str, preview: bool) -> SeriesEntry:
    from flimage import storage
    from flimage.image_group import RAW, image_dataset
    from flimage.series import FLSeries

    with FLSeries(h5file=file[group]) as series:
        n_frames = len(series)
        identifier = series.identifier or None
    shape, image = None, None
    try:
        height, width = image_dataset(file[group], "fli_0").shape
        shape = (int(height), int(width))
        if preview:
            first = storage.read_image(file[group], f"fli_0/{RAW}")
            step = max(1, -(-max(shape) // _PREVIEW))
            image = np.array(first[::step, ::step])
    except (FlimageError, OSError, KeyError):
        # A damaged frame can be chosen all the same: the others may be whole.
        pass
    return SeriesEntry(group, n_frames, shape, identifier, image)
