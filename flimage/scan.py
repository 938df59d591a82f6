"""One pass over a recording -> small summaries that make every retune instant."""

from __future__ import annotations

import contextlib
import threading
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from .detector import stated_maximum
from .errors import InputError
from .noise import photon_transfer
from .parallel import ordered_map
from .progress import Progress, ignore_progress
from .quietly import quietly
from .region import (
    LARGEST_MOVE,
    border_exclusion,
    found_signal,
    region_mask,
    signal_moved,
    signal_region,
    without_saturated,
)
from .scan_reading import Averages, average_frames, batches, choose_workers, read_batch
from .scan_table import Table
from .scratch import Scratch
from .summaries import Layout, Summaries, missing_light, summarise

if TYPE_CHECKING:
    from .noise import PixelNoise
    from .recipe import Recipe
    from .source import FrameSource

__all__ = ["SeriesScan", "rescan_region", "scan_series"]

#: Tiles along an axis, at most, and memory for the tiles of all frames [bytes].
_TILES = 32
_TILE_BUDGET = 16 * 2**20

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
        :func:`flimage.region.border_exclusion`).
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
        (n,) sum of the mean image over the pixels of the region that are missing in a frame; None
        when it is not known.
    moved
        Part of the signal, 0 to 1, that lies outside the automatic region at one end of the
        recording.
    saturated
        (y, x) pixels at the end of the detector's range in any frame that the recipe does not
        exclude; None where there is none.
    left_out
        Number of saturated pixels, and of others as bright, that were left out of the region.
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
    moved: float = 0.0
    saturated: Mask | None = None
    left_out: int = 0


@quietly
def scan_series(
    source: FrameSource,
    recipe: Recipe,
    progress: Progress | None = None,
    workers: int | None = None,
    detail: bool = True,
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
        Number of threads; None for one per processor, and a single one where frames are so small
        that threads would only wait for each other.
    detail
        Keep what makes changes of the recipe quick. Without it the scan serves this recipe alone:
        it has only the rings of its border, one tile, and NaN for percentiles; it then takes a few
        hundred bytes a frame, instead of a few thousand.

    Raises
    ------
    flimage.errors.InputError
        When frames differ in size, or the region cannot be used.
    flimage.errors.DamagedImageError
        When a frame is damaged; it is named.
    """
    report = ignore_progress if progress is None else progress
    # Asked once: a series on disk counts its members each time.
    count = len(source)
    alone = workers == 1
    workers = choose_workers(source.shape, workers)
    averages = average_frames(source, recipe, report, workers)
    mean_image, averaged = averages.whole, averages.count
    # It takes as long as a dozen frames and depends on nothing else that is done meanwhile.
    with ThreadPoolExecutor(1, thread_name_prefix="flimage-measure") as helper:
        noise = helper.submit(photon_transfer, averages.pairs)
        if alone:
            # One thread was asked for; both at once would also be when a scan needs most memory.
            wait([noise])
        found = found_signal(mean_image)
        region, moved = _find_region(averages, recipe, found)
        del averages
        drawn = None
        if recipe.background_source == "region" and recipe.background_region is not None:
            drawn = region_mask(recipe.background_region, source.shape)
        layout = Layout(
            source.shape,
            region,
            border_exclusion(mean_image, found),
            drawn,
            None if detail else recipe.border_px,
            recipe.background_source == "plane",
            _tile_grid(source.shape, count) if detail else (1, 1),
            mean_image,
            detail,
            stated_maximum(source),
        )
        table = Table(count, layout, recipe.exclude)

        def work(frames: range, stopped: threading.Event) -> Summaries | None:
            batch = read_batch(source, frames, stopped, layout.scratch)
            return None if batch is None else summarise(batch, layout)

        todo = batches(count, source.shape)
        with contextlib.closing(ordered_map(work, todo, workers, "flimage-scan")) as results:
            for frames, summaries in zip(todo, results, strict=True):
                if summaries is not None:
                    table.put(frames, summaries)
                report(averaged + frames.stop, averaged + count, "Measuring frames")
    scan = SeriesScan(
        times=np.asarray(source.times),
        shape=source.shape,
        n_frames=count,
        mean_image=mean_image,
        region=region,
        noise=noise.result(),
        moved=moved,
        **table.columns(),
    )
    # Where signal moves, a pixel that is left out would be a hole for it to fall into.
    if scan.saturated is None or moved > LARGEST_MOVE:
        return scan
    kept, left_out = without_saturated(region, scan.saturated, mean_image)
    if not left_out:
        return scan
    return replace(rescan_region(source, scan, kept, report, workers), left_out=left_out)


def _find_region(averages: Averages, recipe: Recipe, found: Mask) -> tuple[Mask, float]:
    """Signal region, and how much of the signal moved out of it."""
    region = signal_region(averages.whole, recipe, found)
    if recipe.region.kind != "auto":
        return region, 0.0
    moved = signal_moved(region, averages.early, averages.late)
    if moved > LARGEST_MOVE:
        region = np.isfinite(averages.whole)
    return region, moved


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
    workers = choose_workers(source.shape, workers)
    region = np.array(mask, dtype=bool)
    if region.shape != scan.shape or len(source) != scan.n_frames:
        raise InputError(
            f"The region of shape {region.shape} and a recording of {len(source)} frames do not"
            f" fit the scan of {scan.n_frames} frames of shape {scan.shape}; scan again."
        )
    pixels = np.flatnonzero(region)
    mean = np.nan_to_num(scan.mean_image.ravel()[pixels])
    sums = np.empty(scan.n_frames)
    counts = np.empty(scan.n_frames, np.int64)
    lost = np.zeros(scan.n_frames)
    scratch = Scratch()

    def work(frames: range, stopped: threading.Event) -> tuple[Float, Int, Float] | None:
        batch = read_batch(source, frames, stopped, scratch)
        if batch is None:
            return None
        values = batch.images.reshape(len(frames), -1).take(pixels, axis=1)
        with np.errstate(invalid="ignore", over="ignore"):
            total = values.sum(axis=1, dtype=np.float64)
        if np.isfinite(total).all():
            return total, np.full(len(frames), pixels.size), np.zeros(len(frames))
        finite = np.isfinite(values)
        total = np.where(finite, values, 0).sum(axis=1, dtype=np.float64)
        return total, np.count_nonzero(finite, axis=1), missing_light(finite, mean)

    todo = batches(scan.n_frames, scan.shape)
    with contextlib.closing(ordered_map(work, todo, workers, "flimage-scan")) as results:
        for frames, result in zip(todo, results, strict=True):
            if result is not None:
                rows = slice(frames.start, frames.stop)
                sums[rows], counts[rows], lost[rows] = result
            report(frames.stop, scan.n_frames, "Measuring the region")
    return replace(scan, region=region, region_sum=sums, region_count=counts, region_missing=lost)


def _tile_grid(shape: tuple[int, int], count: int) -> tuple[int, int]:
    """Tiles along (y, x): at most 32×32, fewer where the frames are too many."""
    side = int(np.sqrt(_TILE_BUDGET / (4 * count)))
    side = max(1, min(_TILES, side))
    return min(side, shape[0]), min(side, shape[1])
