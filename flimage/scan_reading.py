"""Reading the frames that a scan measures: in batches, and averaged."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from .errors import DamagedImageError, InputError
from .noise import thin
from .parallel import ordered_map
from .progress import Progress
from .quietly import quietly
from .scratch import Scratch
from .source import subtract_background
from .summaries import FrameBatch

if TYPE_CHECKING:
    from .recipe import Recipe
    from .source import FrameSource

__all__ = ["Averages", "average_frames", "batches", "choose_workers", "read_batch"]

#: Frames that the time-averaged image is made of, at most.
_AVERAGED = 64
#: Pairs of neighbouring frames that the noise is measured from, and pixels of each.
_NOISE_PAIRS, _NOISE_PIXELS = 12, 2**15
#: Pixels of a frame from which threads pay off.
_WORTH_THREADS = 160**2
#: Pixels that a thread takes at once: more do not stay in the processor's own memory.
_BATCH_PIXELS = 2**17

Float = npt.NDArray[np.float64]
Int = npt.NDArray[np.int64]


def choose_workers(shape: tuple[int, int], workers: int | None) -> int | None:
    """Return the number of threads for frames of `shape` (y, x) where none is given.

    Reading a small frame is mostly Python and HDF5, which run one thread at a time.
    """
    if workers is None and shape[0] * shape[1] < _WORTH_THREADS:
        return 1
    return workers


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
    shape = source.shape
    for image in (raw, background):
        if image is not None and image.shape != shape:
            name = "The recording" if source.path is None else str(source.path)
            raise InputError(
                f"{name}: frame {index} has shape {image.shape}, frame 0 {shape};"
                " all frames and backgrounds must be of the same size."
            )
    return raw, subtract_background(raw, background), background is not None


@quietly
def read_batch(
    source: FrameSource, frames: Sequence[int], stopped: threading.Event, scratch: Scratch
) -> FrameBatch | None:
    """Read successive frames; None when the scan was stopped. Several are put into `scratch`."""
    images, raws = [], {}
    for position, index in enumerate(frames):
        if stopped.is_set():
            return None
        raw, image, assigned = _read_frame(source, index)
        images.append(image)
        if assigned:
            raws[position] = raw
    if len(images) == 1:
        return FrameBatch(images[0][None], raws)
    dtype = np.result_type(*{image.dtype for image in images})
    together = scratch.array("frames", (len(images), *source.shape), dtype)
    for position, image in enumerate(images):
        together[position] = image
    return FrameBatch(together, raws)


class _Mean:
    """Mean of images (y, x) that leaves out pixels without a value."""

    def __init__(self, shape: tuple[int, int]) -> None:
        self._total = np.zeros(shape)
        self._missing: Int | None = None
        self._count = 0

    def add(self, image: npt.NDArray[Any], finite: npt.NDArray[np.bool_] | None) -> None:
        """Add an image; `finite` is None when all its pixels are."""
        self._count += 1
        if finite is None:
            self._total += image
            return
        if self._missing is None:
            self._missing = np.zeros(self._total.shape, np.int64)
        self._missing += ~finite
        self._total += np.where(finite, image, 0)

    def value(self) -> Float:
        """Mean of what was added, NaN where there never was a value; ends the adding."""
        if self._missing is None:
            self._total /= max(self._count, 1)
            return self._total
        seen = self._count - self._missing
        return np.where(seen > 0, self._total / np.maximum(seen, 1), np.nan)


@dataclass(frozen=True, eq=False)
class Averages:
    """Averages over frames of a recording, each an image (y, x) that is NaN where nothing is known.

    Parameters
    ----------
    whole
        Over the whole recording.
    early, late
        Over its first and last quarter.
    pairs
        Parts of frames that directly follow one another, to measure the noise from.
    count
        Number of frames that were averaged.
    """

    whole: Float
    early: npt.NDArray[np.float32]
    late: npt.NDArray[np.float32]
    pairs: list[tuple[npt.NDArray[Any], npt.NDArray[Any]]]
    count: int


@quietly
def average_frames(
    source: FrameSource, recipe: Recipe, report: Progress, workers: int | None
) -> Averages:
    """Average evenly spaced pairs of neighbouring frames that are not excluded."""
    excluded = set(recipe.exclude)
    frames = len(source)
    usable = [i for i in range(frames) if i not in excluded]
    if not usable:
        raise InputError("The recipe excludes all frames; keep some.")
    places = list(range(len(usable)))
    if len(usable) > _AVERAGED:
        half = _AVERAGED // 2
        starts = [i * (len(usable) - 2) // (half - 1) for i in range(half)]
        places = [place for start in starts for place in (start, start + 1)]
    chosen = [usable[place] for place in places]
    count = len(chosen)
    # Every k-th pair is enough for the noise.
    followed = [i for i in range(0, count - 1, 2) if chosen[i + 1] == chosen[i] + 1]
    followed = followed[:: -(-len(followed) // _NOISE_PAIRS) or 1]
    thinned: dict[int, npt.NDArray[Any]] = {}

    def work(index: int, stopped: threading.Event) -> npt.NDArray[Any] | None:
        return None if stopped.is_set() else _read_frame(source, index)[1]

    sums = _Sums(source.shape, count)
    with contextlib.closing(ordered_map(work, chosen, workers, "flimage-mean")) as images:
        for place in range(count):
            # Handed on at once: no image is held while the next one is decoded.
            wanted = place in followed or place - 1 in followed
            part = sums.add(place, next(images), wanted)
            if part is not None:
                thinned[place] = part
            report(place + 1, count + frames, "Averaging frames")
    pairs = [(thinned[i], thinned[i + 1]) for i in followed if i + 1 in thinned]
    return sums.averages(pairs)


class _Sums:
    """What averages over a recording are made of.

    Parameters
    ----------
    shape
        Size of a frame (y, x).
    count
        Number of frames that are added.
    """

    def __init__(self, shape: tuple[int, int], count: int) -> None:
        self._whole, self._early, self._late = (_Mean(shape) for _ in range(3))
        self._count, self._quarter = count, -(-count // 4)
        self._first: npt.NDArray[np.float32] | None = None

    def add(
        self, place: int, image: npt.NDArray[Any] | None, wanted: bool
    ) -> npt.NDArray[Any] | None:
        """Add the next frame; return bands of it, where wanted, NaN where a value is missing."""
        if image is None:
            return None
        finite = np.isfinite(image)
        gaps = None if finite.all() else finite
        self._whole.add(image, gaps)
        if place < self._quarter:
            self._early.add(image, gaps)
        if place == self._quarter - 1:
            # Of a large image, three averages in double precision would be most of what a scan
            # holds; the memory of the last quarter is not taken before it begins.
            self._first = self._early.value().astype(np.float32)
            del self._early
        if place >= self._count - self._quarter:
            self._late.add(image, gaps)
        if not wanted:
            return None
        return thin(image if gaps is None else np.where(finite, image, np.nan), _NOISE_PIXELS)

    def averages(self, pairs: list[tuple[npt.NDArray[Any], npt.NDArray[Any]]]) -> Averages:
        """Return the averages; ends the adding."""
        assert self._first is not None
        last = self._late.value().astype(np.float32)
        return Averages(self._whole.value(), self._first, last, pairs, self._count)
