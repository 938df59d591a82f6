"""One pass over a recording -> small summaries that make every retune instant."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from .background import border_exclusion, region_mask, signal_region
from .errors import DamagedImageError, InputError
from .noise import PixelNoise, photon_transfer, thin
from .parallel import ordered_map
from .progress import Progress, ignore_progress
from .source import subtract_background
from .summaries import PERCENTILES, FrameBatch, Layout, Summaries, detector_level, summarise

if TYPE_CHECKING:
    from .recipe import Recipe
    from .source import FrameSource

__all__ = ["SeriesScan", "rescan_region", "scan_series"]

#: Frames that the time-averaged image is made of, at most.
_AVERAGED = 64
#: Pairs of neighbouring frames that the noise is measured from, and pixels of each.
_NOISE_PAIRS, _NOISE_PIXELS = 12, 2**16
#: Tiles along an axis, at most, and memory for the tiles of all frames [bytes].
_TILES = 32
_TILE_BUDGET = 32 * 2**20
#: Pixels that a thread takes at once.
_BATCH_PIXELS = 2**18

Float = npt.NDArray[np.float64]
Int = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class SeriesScan:
    """Summaries of all frames of a recording.

    Intensities are those of the images with their assigned backgrounds subtracted. Pixels that
    are NaN or infinite are left out of everything. With `n` frames of shape (y, x) and `r`
    rings; ring `k` holds the pixels at distance `k` from the nearest edge, and `r` is the
    widest border that leaves a pixel.

    Parameters
    ----------
    times
        (n,) acquisition times [s]; NaN where a frame has none.
    shape
        (y, x) [px].
    n_frames
        Number of frames.
    mean_image
        (y, x) mean of up to 64 frames, in evenly spaced pairs, that the recipe does not exclude.
    region
        (y, x) signal region that the sums belong to.
    region_sum, region_count
        (n,) sum over the signal region, and number of pixels in the sum.
    ring_sum, ring_count
        (n, r) sums over the rings, and numbers of pixels.
    ring_region_sum, ring_region_count
        (n, r) the same for the pixels in or near automatically found cells (see
        :func:`flimage.background.border_exclusion`).
    tiles
        (n, ty, tx) mean of each tile of a grid of at most 32×32; less for very long recordings.
        :func:`flimage.summaries.tile_edges` tells where the tiles lie.
    total
        (n,) sum over all pixels.
    minimum, maximum
        (n,) extremes; NaN for a frame without a finite pixel.
    percentiles
        (n, 5) percentiles :data:`flimage.summaries.PERCENTILES` of evenly spaced pixels.
    n_nan
        (n,) number of pixels that are NaN or infinite.
    n_saturated
        (n,) number of raw pixels at the end of the detector's range.
    saturation_level
        That end; None where the recording does not reach one.
    background_region_sum, background_region_count
        (n,) sum over the drawn background region and number of pixels; None when the recipe has
        no such region.
    ring_moments
        (n, r, 2) first moments Σ x·I and Σ y·I of the pixels of each ring that are not near
        cells, with x and y from the image centre [px]; None unless the recipe asks for a plane.
    noise
        Noise of a pixel, measured from neighbouring frames; None where there are too few pixels.
    region_missing
        (n,) sum of the mean image over pixels of the region that are missing in the frame; None
        when it is not known.
    """

    times: Float
    shape: tuple[int, int]
    n_frames: int
    mean_image: Float
    region: Mask
    region_sum: Float
    region_count: Int
    ring_sum: Float
    ring_count: Int
    ring_region_sum: Float
    ring_region_count: Int
    tiles: npt.NDArray[np.float32]
    total: Float
    minimum: Float
    maximum: Float
    percentiles: npt.NDArray[np.float32]
    n_nan: Int
    n_saturated: Int
    saturation_level: float | None
    background_region_sum: Float | None = None
    background_region_count: Int | None = None
    ring_moments: Float | None = None
    noise: PixelNoise | None = None
    region_missing: Float | None = None


def scan_series(
    source: FrameSource,
    recipe: Recipe,
    progress: Progress | None = None,
    workers: int | None = None,
    rings: int | None = None,
) -> SeriesScan:
    """Measure all frames of a recording.

    Parameters
    ----------
    source
        The recording.
    recipe
        Uses `region`, `exclude`, `background_source` and `background_region`; a recipe that
        differs in other settings can use the same scan.
    progress
        Called as ``progress(done, total, stage)`` from the calling thread; it may raise
        :class:`~flimage.errors.Cancelled`.
    workers
        Number of threads; None for one per processor.
    rings
        Widest border that will be asked for [px]; None for any. Fewer rings take less memory.

    Raises
    ------
    flimage.errors.InputError
        When frames differ in size, or the region cannot be used.
    flimage.errors.DamagedImageError
        When a frame is damaged; it is named.
    """
    report = ignore_progress if progress is None else progress
    mean_image, noise = _mean_image(source, recipe, report, workers)
    region = signal_region(mean_image, recipe)
    drawn = None
    if recipe.background_source == "region" and recipe.background_region is not None:
        drawn = region_mask(recipe.background_region, source.shape)
    layout = Layout(
        source.shape,
        region,
        border_exclusion(mean_image),
        drawn,
        rings,
        recipe.background_source == "plane",
        _tile_grid(source.shape, len(source)),
    )
    table = _Table(len(source), layout)

    def work(frames: range, stopped: threading.Event) -> Summaries | None:
        batch = _read_batch(source, frames, stopped)
        return None if batch is None else summarise(batch, layout)

    batches = _batches(range(len(source)), source.shape)
    with contextlib.closing(ordered_map(work, batches, workers, "flimage-scan")) as results:
        for frames, summaries in zip(batches, results, strict=True):
            if summaries is not None:
                table.put(frames, summaries)
            report(frames.stop, len(source), "Measuring frames")
    return replace(table.finish(source.times, mean_image, region), noise=noise)


def rescan_region(
    source: FrameSource,
    scan: SeriesScan,
    mask: Mask,
    progress: Progress | None = None,
    workers: int | None = None,
) -> SeriesScan:
    """Measure another signal region, and keep everything else of a scan.

    Parameters
    ----------
    source
        The recording that was scanned.
    scan
        Its scan.
    mask
        The new signal region (y, x).
    progress, workers
        As for :func:`scan_series`.

    Raises
    ------
    flimage.errors.InputError
        When the mask has another size than the frames, or the recording was changed.
    """
    report = ignore_progress if progress is None else progress
    region = np.array(mask, dtype=bool)
    if region.shape != scan.shape or len(source) != scan.n_frames:
        raise InputError(
            f"The region of shape {region.shape} and a recording of {len(source)} frames do not"
            f" fit the scan of {scan.n_frames} frames of shape {scan.shape}; scan again."
        )
    pixels = np.flatnonzero(region)
    sums = np.empty(scan.n_frames)
    counts = np.empty(scan.n_frames, np.int64)

    def work(frames: range, stopped: threading.Event) -> tuple[Float, Int] | None:
        batch = _read_batch(source, frames, stopped)
        if batch is None:
            return None
        values = batch.images.reshape(len(frames), -1).take(pixels, axis=1)
        with np.errstate(invalid="ignore", over="ignore"):
            total = values.sum(axis=1, dtype=np.float64)
        if np.isfinite(total).all():
            return total, np.full(len(frames), pixels.size)
        finite = np.isfinite(values)
        total = np.where(finite, values, 0).sum(axis=1, dtype=np.float64)
        return total, np.count_nonzero(finite, axis=1)

    batches = _batches(range(scan.n_frames), scan.shape)
    with contextlib.closing(ordered_map(work, batches, workers, "flimage-scan")) as results:
        for frames, result in zip(batches, results, strict=True):
            if result is not None:
                sums[frames.start : frames.stop], counts[frames.start : frames.stop] = result
            report(frames.stop, scan.n_frames, "Measuring the region")
    return replace(scan, region=region, region_sum=sums, region_count=counts)


# --- reading -------------------------------------------------------------------------------


def _batches(frames: range, shape: tuple[int, int]) -> list[range]:
    """Cut frames into batches of about equal numbers of pixels."""
    size = max(1, min(64, _BATCH_PIXELS // (shape[0] * shape[1])))
    return [frames[start : start + size] for start in range(0, len(frames), size)]


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


def _read_batch(
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


def _mean_image(
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
                    thinned[done - 1] = thin(image, _NOISE_PIXELS)
            report(0, len(source), f"Averaging {done} of {count} frames")
    noise = photon_transfer((thinned[i], thinned[i + 1]) for i in followed if i + 1 in thinned)
    if missing is None:
        return total / count, noise
    seen = count - missing
    return np.where(seen > 0, total / np.maximum(seen, 1), np.nan), noise


def _tile_grid(shape: tuple[int, int], count: int) -> tuple[int, int]:
    """Tiles along (y, x): at most 32×32, fewer where the frames are too many."""
    side = int(np.sqrt(_TILE_BUDGET / (4 * count)))
    side = max(1, min(_TILES, side))
    return min(side, shape[0]), min(side, shape[1])


# --- collecting ----------------------------------------------------------------------------


class _Table:
    """Summaries of all frames while they come in."""

    def __init__(self, count: int, layout: Layout) -> None:
        self._layout = layout
        self._count = count
        rings = layout.rings
        self._ring_sum = np.empty((count, rings))
        self._ring_near_sum = np.empty((count, rings))
        self._region_sum = np.empty(count)
        self._total = np.empty(count)
        self._drawn_sum = np.empty(count) if layout.has_drawn else None
        self._moments = np.empty((count, rings, 2)) if layout.moment_weights is not None else None
        grid = (len(layout.y_edges) - 1, len(layout.x_edges) - 1)
        self._tiles = np.empty((count, *grid), np.float32)
        self._minimum = np.empty(count)
        self._maximum = np.empty(count)
        self._percentiles = np.empty((count, len(PERCENTILES)), np.float32)
        self._missing = np.zeros(count, np.int64)
        self._peaks = np.empty(count)
        self._at_peak = np.zeros(count, np.int64)
        # Counts are the same for all frames unless pixels are missing: one row serves them all.
        self._counts = [
            np.broadcast_to(values, (count, *values.shape[1:]))
            for values in self._count_columns(layout.sizes[None])
        ]

    def _count_columns(self, counts: Float) -> list[Int]:
        """Turn numbers of pixels per segment into the four counts that a scan holds."""
        layout = self._layout
        drawn = layout.in_drawn(counts)
        columns = [
            layout.by_ring(counts),
            layout.by_ring_near(counts),
            layout.in_region(counts),
            np.zeros(len(counts)) if drawn is None else drawn,
        ]
        return [column.astype(np.int64) for column in columns]

    def put(self, frames: range, part: Summaries) -> None:
        """Take the summaries of successive frames."""
        layout = self._layout
        rows = slice(frames.start, frames.stop)
        self._ring_sum[rows] = layout.by_ring(part.sums)
        self._ring_near_sum[rows] = layout.by_ring_near(part.sums)
        self._region_sum[rows] = layout.in_region(part.sums)
        self._total[rows] = part.sums.sum(axis=1)
        drawn = layout.in_drawn(part.sums)
        if self._drawn_sum is not None and drawn is not None:
            self._drawn_sum[rows] = drawn
        if self._moments is not None and part.moments is not None:
            self._moments[rows] = part.moments
        self._tiles[rows] = part.tiles
        self._minimum[rows] = part.minimum
        self._maximum[rows] = part.maximum
        self._percentiles[rows] = part.percentiles
        self._missing[rows] = part.missing
        self._peaks[rows] = part.peaks
        self._at_peak[rows] = part.at_peak
        if part.counts is not None:
            for k, values in enumerate(self._count_columns(part.counts)):
                if not self._counts[k].flags.writeable:
                    self._counts[k] = np.array(self._counts[k])
                self._counts[k][rows] = values

    def finish(self, times: Float, mean_image: Float, region: Mask) -> SeriesScan:
        """Put the scan together."""
        layout = self._layout
        level = None
        if np.isfinite(self._peaks).any():
            level = detector_level(float(np.nanmax(self._peaks)))
        saturated = np.where(self._peaks == level, self._at_peak, 0) if level else self._at_peak * 0
        ring_count, ring_near_count, region_count, drawn_count = self._counts
        return SeriesScan(
            times=np.asarray(times),
            shape=layout.shape,
            n_frames=self._count,
            mean_image=mean_image,
            region=region,
            region_sum=self._region_sum,
            region_count=region_count,
            ring_sum=self._ring_sum,
            ring_count=ring_count,
            ring_region_sum=self._ring_near_sum,
            ring_region_count=ring_near_count,
            tiles=self._tiles,
            total=self._total,
            minimum=self._minimum,
            maximum=self._maximum,
            percentiles=self._percentiles,
            n_nan=self._missing,
            n_saturated=saturated,
            saturation_level=level,
            background_region_sum=self._drawn_sum,
            background_region_count=None if self._drawn_sum is None else drawn_count,
            ring_moments=self._moments,
        )
