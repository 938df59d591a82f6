"""Reading the frames that a scan measures: in batches, and averaged."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from .errors import DamagedImageError, InputError
from .noise import PixelNoise, photon_transfer, thin
from .parallel import ordered_map
from .progress import Progress
from .source import subtract_background
from .summaries import FrameBatch

if TYPE_CHECKING:
    from .recipe import Recipe
    from .source import FrameSource

__all__ = ["average_frames", "batches", "read_batch"]

#: Frames that the time-averaged image is made of, at most.
_AVERAGED = 64
#: Pairs of neighbouring frames that the noise is measured from, and pixels of each.
_NOISE_PAIRS, _NOISE_PIXELS = 12, 2**16
#: Pixels that a thread takes at once.
_BATCH_PIXELS = 2**18

Float = npt.NDArray[np.float64]
Int = npt.NDArray[np.int64]


def batches(count: int, shape: tuple[int, int]) -> list[range]:
    """Cut `count` frames of `shape` (y, x) into batches that a thread takes at once."""
    size = max(1, min(64, _BATCH_PIXELS // (shape[0] * shape[1])))
    return [range(start, min(start + size, count)) for start in range(0, count, size)]


def _read_frame(source: FrameSource, index: int) -> tuple[npt.NDArray[Any], npt.NDArray[Any], bool]:
    """Read a frame: raw image, background-corrected image, whether it has a background."""
    try:
        raw = source.raw(index)
        background = source.background(index)
    except DamagedImageError as error:
        raise DamagedImageError(f"Frame {index} is damaged. {error}") from error
    for image in (raw, background):
        if image is not None and image.shape != source.shape:
            name = "The recording" if source.path is None else str(source.path)
            raise InputError(
                f"{name}: frame {index} has shape {image.shape}, frame 0 {source.shape};"
                " all frames and backgrounds must be of the same size."
            )
    return raw, subtract_background(raw, background), background is not None


def read_batch(
    source: FrameSource, frames: Sequence[int], stopped: threading.Event
) -> FrameBatch | None:
    """Read successive frames; None when the scan was stopped."""
    images, raws = [], {}
    for position, index in enumerate(frames):
        if stopped.is_set():
            return None
        raw, image, assigned = _read_frame(source, index)
        images.append(image)
        if assigned:
            raws[position] = raw
    return FrameBatch(images[0][None] if len(images) == 1 else np.stack(images), raws)


def average_frames(
    source: FrameSource, recipe: Recipe, report: Progress, workers: int | None
) -> tuple[Float, PixelNoise | None]:
    """Time average, NaN where nothing is known, and the noise of a pixel.

    Both come from evenly spaced pairs of neighbouring frames that are not excluded.
    """
    excluded = set(recipe.exclude)
    usable = [i for i in range(len(source)) if i not in excluded]
    if not usable:
        raise InputError("The recipe excludes all frames; keep some.")
    places = list(range(len(usable)))
    if len(usable) > _AVERAGED:
        pairs = _AVERAGED // 2
        starts = [i * (len(usable) - 2) // (pairs - 1) for i in range(pairs)]
        places = [place for start in starts for place in (start, start + 1)]
    chosen = [usable[place] for place in places]
    count = len(chosen)
    # Every k-th pair is enough for the noise.
    followed = [i for i in range(0, count - 1, 2) if chosen[i + 1] == chosen[i] + 1]
    followed = followed[:: -(-len(followed) // _NOISE_PAIRS) or 1]
    thinned: dict[int, npt.NDArray[Any]] = {}

    def work(index: int, stopped: threading.Event) -> npt.NDArray[Any] | None:
        return None if stopped.is_set() else _read_frame(source, index)[1]

    total = np.zeros(source.shape)
    missing: Int | None = None
    with contextlib.closing(ordered_map(work, chosen, workers, "flimage-mean")) as images:
        for done, image in enumerate(images, 1):
            if image is not None:
                finite = np.isfinite(image)
                if finite.all():
                    total += image
                else:
                    missing = np.zeros(source.shape, np.int64) if missing is None else missing
                    missing += ~finite
                    total += np.where(finite, image, 0)
                if done - 1 in followed or done - 2 in followed:
                    known = image if finite.all() else np.where(finite, image, np.nan)
                    thinned[done - 1] = thin(known, _NOISE_PIXELS)
            report(0, len(source), f"Averaging {done} of {count} frames")
    noise = photon_transfer((thinned[i], thinned[i + 1]) for i in followed if i + 1 in thinned)
    if missing is None:
        return total / count, noise
    seen = count - missing
    return np.where(seen > 0, total / np.maximum(seen, 1), np.nan), noise
