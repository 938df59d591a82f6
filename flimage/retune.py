"""From one scan to another: drawn regions can be moved without scanning a recording anew."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from .progress import Progress, ignore_progress
from .region import region_mask, signal_region, without_saturated
from .scan import rescan_region
from .summaries import tile_edges

if TYPE_CHECKING:
    from .recipe import Recipe
    from .scan import SeriesScan
    from .source import FrameSource

__all__ = ["adapt_scan", "can_adapt", "preview_scan"]

Float = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]


def can_adapt(scanned: Recipe, scan: SeriesScan, recipe: Recipe) -> bool:
    """Tell whether a scan can be turned into that of another recipe without a full pass.

    Parameters
    ----------
    scanned
        Recipe that `scan` was made with.
    scan
        Summaries of the frames, with tiles.
    recipe
        Recipe that is wanted.
    """
    if recipe.exclude != scanned.exclude:
        return False
    if recipe.region != scanned.region and recipe.region.kind == "auto":
        return False
    return recipe.background_source != "plane" or scan.ring_moments is not None


def preview_scan(scanned: Recipe, scan: SeriesScan, recipe: Recipe) -> SeriesScan:
    """Estimate the scan of another recipe from the tiles of a scan, within milliseconds.

    Within a tile, the light of a frame is taken to be distributed as on the average of all
    frames, with a contrast that follows the signal of the scanned region.

    Parameters
    ----------
    scanned, scan, recipe
        As for :func:`can_adapt`, which must be true.

    Returns
    -------
    flimage.scan.SeriesScan
        `scan` with the sums over the regions of `recipe`; they are approximate.

    Raises
    ------
    flimage.errors.InputError
        When a region of `recipe` holds no pixel.
    """
    changes: dict[str, object] = {}
    if recipe.region != scanned.region:
        mask, left_out = _wanted_region(scan, recipe)
        sums, count = _sums_from_tiles(scan, mask)
        counts = np.full(scan.n_frames, count)
        changes |= {"region": mask, "region_sum": sums, "region_count": counts}
        changes |= {"region_missing": np.zeros(scan.n_frames), "moved": 0.0}
        changes["left_out"] = left_out
    wanted = _wanted_background(scanned, scan, recipe)
    if wanted is not None:
        sums, count = _sums_from_tiles(scan, wanted)
        changes["background_region_sum"] = sums
        changes["background_region_count"] = np.full(scan.n_frames, count)
    return replace(scan, **changes)  # type: ignore[arg-type]  # the names are those of fields


def adapt_scan(
    source: FrameSource,
    scanned: Recipe,
    scan: SeriesScan,
    recipe: Recipe,
    progress: Progress | None = None,
) -> SeriesScan:
    """Turn a scan into that of another recipe, reading only what its regions need.

    Parameters
    ----------
    source
        The recording that was scanned.
    scanned, scan, recipe
        As for :func:`can_adapt`, which must be true.
    progress
        As for :func:`flimage.scan.scan_series`.

    Raises
    ------
    flimage.errors.InputError
        When a region of `recipe` holds no pixel.
    """
    report = ignore_progress if progress is None else progress
    result = scan
    if recipe.region != scanned.region:
        mask, left_out = _wanted_region(scan, recipe)
        result = rescan_region(source, result, mask, report)
        result = replace(result, moved=0.0, left_out=left_out)
    wanted = _wanted_background(scanned, scan, recipe)
    if wanted is not None:
        measured = rescan_region(source, scan, wanted, report)
        result = replace(
            result,
            background_region_sum=measured.region_sum,
            background_region_count=measured.region_count,
        )
    return result


def _wanted_region(scan: SeriesScan, recipe: Recipe) -> tuple[Mask, int]:
    """Signal region of `recipe`, and how many saturated pixels were left out of it."""
    mask = signal_region(scan.mean_image, recipe)
    return (
        (mask, 0)
        if scan.saturated is None
        else without_saturated(mask, scan.saturated, scan.mean_image)
    )


def _wanted_background(scanned: Recipe, scan: SeriesScan, recipe: Recipe) -> Mask | None:
    """Pixels of a background region that `scan` knows nothing about; None where none is needed."""
    if recipe.background_source != "region" or recipe.background_region is None:
        return None
    known = scan.background_region_sum is not None
    if known and recipe.background_region == scanned.background_region:
        return None
    return region_mask(recipe.background_region, scan.shape)


def _sums_from_tiles(scan: SeriesScan, mask: Mask) -> tuple[Float, int]:
    """Approximate sums (n,) over the pixels of `mask` (y, x), and their number."""
    rows, columns = scan.tiles.shape[1:]
    y = tile_edges(scan.shape[0], rows)
    x = tile_edges(scan.shape[1], columns)

    def by_tile(values: npt.NDArray[np.generic]) -> Float:
        added = np.add.reduceat(np.add.reduceat(values.astype(np.float64), y[:-1], 0), x[:-1], 1)
        return added.ravel()

    finite = np.isfinite(scan.mean_image)
    mean = np.where(finite, scan.mean_image, 0.0)
    mask = mask & finite
    covered, sizes = by_tile(mask), np.maximum(by_tile(finite), 1.0)
    # What the pixels of the mask have more than the other pixels of their tiles, on average.
    surplus = float((by_tile(mean * mask) - covered * by_tile(mean) / sizes).sum())
    # Most tiles of most regions are elsewhere, and hardly any has no value.
    touched = np.flatnonzero(covered)
    tiles = scan.tiles.reshape(scan.n_frames, -1)[:, touched].astype(np.float64)
    sums: Float = tiles @ covered[touched]
    if not np.isfinite(sums).all():
        sums = np.nan_to_num(tiles) @ covered[touched]
    return sums + surplus * _contrast(scan), int(np.count_nonzero(mask))


def _contrast(scan: SeriesScan) -> Float:
    """Contrast of each frame (n,) in relation to the average: scanned region against the rest."""
    inside = scan.region_sum / np.maximum(scan.region_count, 1)
    rest = scan.shape[0] * scan.shape[1] - scan.n_nan - scan.region_count
    if not (rest > 0).all():
        return np.ones(scan.n_frames)
    difference: Float = inside - (scan.total - scan.region_sum) / rest
    average = float(difference.mean())
    return difference / average if average > 0 else np.ones(scan.n_frames)
