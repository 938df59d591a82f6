"""What the session's jobs compute, as plain functions that call the library (no Qt)."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from flimage.errors import FlimageError, InputError, SameFileError
from flimage.progress import Progress, ignore_progress
from flimage.recipe import Recipe

from .displays import sample_frames
from .opening import open_series

if TYPE_CHECKING:
    from flimage.bleach import BleachFit, Trace
    from flimage.scan import SeriesScan
    from flimage.source import EditedSource, FrameSource

    from .opening import Opened

__all__ = [
    "Measured",
    "border_plane",
    "mean_frame",
    "measure",
    "save_copy",
    "save_in_place",
    "scan",
    "scan_settings",
]

#: A background plane is fitted to the average of at most this many frames.
MOST_AVERAGED = 64


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
    error
        Why there is no fit although it was asked for.
    """

    trace: Trace
    levels: np.ndarray
    fit: BleachFit | None
    error: Exception | None = None


def scan_settings(recipe: Recipe) -> tuple[Any, ...]:
    """Return the settings that a scan depends on; it serves all recipes that share them."""
    return (recipe.region, recipe.background_source, recipe.background_region, recipe.exclude)


def scan(source: FrameSource, recipe: Recipe, progress: Progress) -> SeriesScan:
    """Measure all frames."""
    from flimage.scan_cache import cached_scan

    return cached_scan(source, recipe, progress=progress)


def measure(scanned: SeriesScan, recipe: Recipe, with_fit: bool) -> Measured:
    """Compute the trace and, where wanted, the fit."""
    from flimage import bleach

    trace = bleach.make_trace(scanned, recipe)
    if not with_fit:
        return Measured(trace, trace.background, None)
    try:
        fit = bleach.fit_trace(trace, recipe)
    except FlimageError as error:
        # The trace shows why there is no fit.
        return Measured(trace, trace.background, None, error)
    return Measured(trace, trace.background, fit)


def mean_frame(source: FrameSource, frames: Sequence[int], progress: Progress) -> np.ndarray:
    """Return the average of some raw frames, of shape (y, x)."""
    total = np.zeros(source.shape)
    for done, index in enumerate(frames):
        progress(done, len(frames), "Averaging")
        total += source.raw(index)
    return (total / len(frames)).astype(np.float32)


def border_plane(
    source: FrameSource, frames: Sequence[int], border_px: int, progress: Progress
) -> np.ndarray:
    """Fit a plane to the border of the average of some raw frames.

    Parameters
    ----------
    source
        The recording.
    frames
        Frames to average; of many, evenly spread ones are taken.
    border_px
        Width of the border [px].
    progress
        Called for every frame.

    Returns
    -------
    ndarray of float32, (y, x)

    Raises
    ------
    flimage.errors.InputError
        When there is no border, or it leaves nothing of the image.
    """
    from flimage.background import border_mask, check_border, image_background

    if border_px < 1:
        raise InputError(
            "The border is 0 px wide, so that no plane can be fitted to it; make it wider first."
        )
    check_border(source.shape, border_px)
    chosen = [frames[i] for i in sample_frames(len(frames), MOST_AVERAGED)]
    image = mean_frame(source, chosen, progress).astype(np.float64)
    border = image[border_mask(source.shape, border_px)]
    if not np.isfinite(border).any():
        raise InputError(
            "The border has no values a plane could be fitted to; choose other frames."
        )
    recipe = Recipe(border_px=border_px, background_source="plane")
    slope = np.asarray(image_background(image, recipe, 0.0))
    rest = image - slope
    level = float(np.nanmean(rest[border_mask(source.shape, border_px)]))
    return (slope + level).astype(np.float32)


def save_copy(source: EditedSource, path: Path, overwrite: bool, progress: Progress) -> Path:
    """Write a recording with its edits, uncorrected, to another file, whole or not at all.

    Raises
    ------
    flimage.errors.OutputExistsError
        When `path` exists and is not to be replaced.
    flimage.errors.SameFileError
        When `path` is the recording itself.
    """
    from flimage.save import save_edited

    if source.path is not None and path.exists() and path.samefile(source.path):
        raise SameFileError(
            f"{path} is the recording that is open; use Save to write the changes into it."
        )
    return save_edited(source, path, overwrite, progress)


def save_in_place(source: EditedSource, path: Path, progress: Progress, opened: Opened) -> Opened:
    """Write a recording with its edits over its own file, and open that anew."""
    from flimage.save import save_edited

    # Windows replaces no file that is open.
    release = opened.close if os.name == "nt" else None
    save_edited(source, path, True, progress, before_replace=release)
    # Not cancelled any more: the old file is gone.
    return open_series(path, ignore_progress)
