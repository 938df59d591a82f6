"""What the session's jobs compute, as plain functions that call the library (no Qt)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from flimage.progress import Progress
from flimage.recipe import Recipe

if TYPE_CHECKING:
    from flimage.bleach import BleachFit, Trace
    from flimage.scan import SeriesScan
    from flimage.source import EditedSource, FrameSource

__all__ = [
    "Measured",
    "mean_frame",
    "measure",
    "save_series",
    "scan",
    "scan_settings",
    "suitable_border",
]

#: Width of the border that a new recording starts with [px], where the frames are large enough.
USUAL_BORDER = 20


@dataclass(frozen=True, eq=False)
class Measured:
    """Everything that follows from a scan and a recipe within a few milliseconds.

    Parameters
    ----------
    trace
        Signal of every frame.
    levels
        Background level of every frame, (n,) [counts].
    fit
        The fit, or None where it was not asked for.
    """

    trace: Trace
    levels: np.ndarray
    fit: BleachFit | None


def scan_settings(recipe: Recipe) -> tuple[Any, ...]:
    """Return the settings that a scan depends on; it serves all recipes that share them."""
    return (recipe.region, recipe.background_source, recipe.background_region, recipe.exclude)


def suitable_border(shape: tuple[int, int]) -> int:
    """Return the border to start with [px]: the usual one, less where frames are small."""
    return min(USUAL_BORDER, max(1, min(shape) // 6))


def scan(source: FrameSource, recipe: Recipe, progress: Progress) -> SeriesScan:
    """Measure all frames."""
    from flimage.scan import scan_series

    return scan_series(source, recipe, progress=progress)


def measure(scanned: SeriesScan, recipe: Recipe, with_fit: bool) -> Measured:
    """Compute the trace and, where wanted, the fit."""
    from flimage import bleach

    trace = bleach.make_trace(scanned, recipe)
    fit = bleach.fit_trace(trace, recipe) if with_fit else None
    return Measured(trace, trace.background, fit)


def mean_frame(source: FrameSource, frames: Sequence[int], progress: Progress) -> np.ndarray:
    """Return the average of some raw frames, of shape (y, x)."""
    total = np.zeros(source.shape)
    for done, index in enumerate(frames):
        progress(done, len(frames), "Averaging")
        total += source.raw(index)
    return (total / len(frames)).astype(np.float32)


def save_series(source: EditedSource, path: Path, overwrite: bool, progress: Progress) -> Path:
    """Write a recording with its edits, uncorrected, to a new file, whole or not at all.

    Raises
    ------
    flimage.errors.OutputExistsError
        When `path` exists and is not to be replaced.
    flimage.errors.SameFileError
        When `path` is the recording itself.
    """
    import h5py

    from flimage import storage

    count = len(source)
    with (
        storage.atomic_output(path, overwrite=overwrite, source=source.path) as temporary,
        h5py.File(temporary, "w") as file,
        storage.SeriesWriter(file) as writer,
    ):
        for index in range(count):
            progress(index, count, "Saving")
            writer.add(source.raw(index), dict(source.meta(index)), bg=source.background(index))
        if source.identifier is not None:
            file.attrs["identifier"] = source.identifier
    progress(count, count, "Saving")
    return path
