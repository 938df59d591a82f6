"""What can be looked at, and measured, of a frame: raw, background, with and without correction."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np
import numpy.typing as npt

from .errors import InputError
from .progress import Progress

if TYPE_CHECKING:
    from .recipe import Recipe
    from .scan import SeriesScan
    from .source import FrameSource

__all__ = ["SHOWN", "Level", "Shown", "background_of", "images_of"]

#: From the number of a frame to its background level [counts], or a background ``(y, x)``.
Level = Callable[[int], "float | npt.NDArray[np.float64]"]
Shown = Literal["raw", "background", "background-corrected", "bleach-corrected"]
SHOWN: tuple[str, ...] = get_args(Shown)
Image = npt.NDArray[Any]


def images_of(
    source: FrameSource, recipe: Recipe, shown: str, progress: Progress | None = None
) -> Callable[[int], Image]:
    """Return a function from the number of a frame to the image (y, x) that is looked at.

    Parameters
    ----------
    source
        The recording.
    recipe
        Where the background comes from, and how the decay is fitted.
    shown
        ``"raw"``; ``"background"``: assigned background and level; ``"background-corrected"``:
        raw minus both; ``"bleach-corrected"``: as :func:`flimage.correct.run` writes it.
    progress
        Called while all frames are measured, which everything but raw frames needs.

    Returns
    -------
    callable
        It may be called from any thread.

    Raises
    ------
    flimage.errors.InputError
        For an unknown `shown`, or where there cannot be a fit.
    """
    if shown not in SHOWN:
        raise InputError(f"{shown!r} cannot be shown; use one of {', '.join(SHOWN)}.")
    if shown == "raw":
        return source.raw
    from . import bleach
    from .correct import FrameCorrector, correct_image
    from .scan_cache import cached_scan

    scan = cached_scan(source, recipe, progress=progress)
    if shown == "bleach-corrected":
        trace = bleach.make_trace(scan, recipe)
        return FrameCorrector(source, bleach.fit_trace(trace, recipe)).frame
    level_of = background_of(scan, recipe)

    def image_of(index: int) -> Image:
        image = source.image(index)
        estimated = level_of(index)
        if shown == "background-corrected":
            return correct_image(image, estimated, 1.0)
        assigned = source.background(index)
        total = estimated if assigned is None else assigned + estimated
        return np.array(np.broadcast_to(total, image.shape), dtype=np.float32)

    return image_of


def background_of(scan: SeriesScan, recipe: Recipe) -> Level:
    """Return the background of every frame besides what is assigned, as the fit has it.

    Neither times nor a decay are needed for it.

    Parameters
    ----------
    scan
        Summaries of the frames.
    recipe
        Where the background comes from, and which frames are averaged.

    Raises
    ------
    flimage.errors.InputError
        When it cannot be measured.
    """
    from .background import background_image, find_background
    from .trace import fitted_frames

    found = find_background(scan, recipe, fitted_frames(scan.n_frames, recipe))

    def level_of(index: int) -> float | npt.NDArray[np.float64]:
        slope = None if found.slope is None else found.slope[index]
        return background_image(float(found.level[index]), slope, scan.shape)

    return level_of
