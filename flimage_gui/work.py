"""What the session's jobs compute, as plain functions that call the library (no Qt)."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from flimage.errors import FlimageError, SameFileError
from flimage.progress import Progress, ignore_progress
from flimage.recipe import Recipe

from .opening import open_series

if TYPE_CHECKING:
    from flimage.bleach import BleachFit, Trace
    from flimage.scan import SeriesScan
    from flimage.source import EditedSource, FrameSource

    from .opening import Opened

__all__ = [
    "Measured",
    "measure",
    "save_copy",
    "save_in_place",
    "scan",
    "scan_settings",
]


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
    from flimage.parallel import default_workers
    from flimage.scan_cache import cached_scan

    # One processor is left for looking; nobody waits for the scan.
    return cached_scan(source, recipe, progress, max(1, default_workers() - 1))


def measure(scanned: SeriesScan, recipe: Recipe, with_fit: bool) -> Measured:
    """Compute the trace and, where wanted, the fit."""
    from flimage import bleach

    trace = bleach.make_trace(scanned, recipe)
    if not with_fit:
        return Measured(trace, trace.background, None)
    try:
        fit = bleach.fit_trace(bleach.advised(scanned, trace, recipe), recipe)
    except FlimageError as error:
        # The trace shows why there is no fit.
        return Measured(trace, trace.background, None, error)
    return Measured(trace, trace.background, fit)


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
    group = opened.group
    release = opened.close if os.name == "nt" else None
    save_edited(source, path, True, progress, before_replace=release)
    # Not cancelled any more: the old file is gone.
    return open_series(path, ignore_progress, group)
