"""What a scan keeps of a frame: sums over rings, regions and tiles, extremes, saturation.

A pixel belongs to ring `k` when its distance to the nearest edge of the image is `k`, so that the
border of any width is a sum of rings. Pixels are put in an order in which everything that is ever
summed lies side by side: one gather and one pass of sums serve all rings and regions.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from .background import largest_border
from .detector import detector_level
from .scratch import Scratch

__all__ = [
    "PERCENTILES",
    "FrameBatch",
    "Layout",
    "Summaries",
    "missing_light",
    "summarise",
    "tile_edges",
]

#: Percentiles of every frame that are kept [%].
PERCENTILES: tuple[float, ...] = (0.1, 1.0, 50.0, 99.0, 99.9)

#: Pixels that are gathered at once: as many as the processor's cache takes well.
_PIECE = 2**18
#: Pixels that are sorted at once, unless more have the same key.
_SORTED = 2**19
#: Pixels of a frame from which the percentiles are taken.
_SAMPLE = 8192

Float = npt.NDArray[np.float64]
Int = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]


def tile_edges(length: int, tiles: int) -> npt.NDArray[np.intp]:
    """Return the first pixel of each tile along an axis, and the end of the last tile.

    Parameters
    ----------
    length
        Size of the image along the axis [px].
    tiles
        Number of tiles, at most `length`.
    """
    return (np.arange(tiles + 1) * length) // tiles


def _segment_keys(
    shape: tuple[int, int], rings: int, region: Mask, near_cells: Mask, drawn: Mask | None
) -> npt.NDArray[np.signedinteger[Any]]:
    """Return what tells, for every pixel in turn, the segment that it is summed with."""
    height, width = shape
    # Sorting 16-bit keys takes a tenth of the time.
    kind = np.int16 if rings < 4000 else np.int32
    y, x = np.arange(height, dtype=np.int32), np.arange(width, dtype=np.int32)
    y_distance = np.minimum(np.minimum(y, y[::-1]), rings).astype(kind)
    x_distance = np.minimum(np.minimum(x, x[::-1]), rings).astype(kind)
    key = np.minimum(y_distance[:, None], x_distance)
    key *= kind(8)
    # Of a large image, each one beside it would be several MB.
    np.add(key, kind(4), out=key, where=near_cells)
    np.add(key, kind(2), out=key, where=region)
    if drawn is not None:
        np.add(key, kind(1), out=key, where=drawn)
    return key.ravel()


def _sorted_pixels(
    key: npt.NDArray[np.signedinteger[Any]],
) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.intp], npt.NDArray[np.intp]]:
    """Sort pixels by their keys; those of a key stay in order.

    Returns
    -------
    order : ndarray of int32
        Numbers of the pixels.
    keys : ndarray
        All keys there are.
    starts : ndarray
        Place in `order` of the first pixel of each key.
    """
    counts = np.zeros(int(key.max()) + 1, dtype=np.intp)
    for start in range(0, key.size, _PIECE):
        counts += np.bincount(key[start : start + _PIECE], minlength=counts.size)
    ends = np.cumsum(counts)
    keys = np.flatnonzero(counts)
    order = np.empty(key.size, dtype=np.int32)
    # A range of keys at a time: to sort all of a large image takes four times its own size.
    low = done = 0
    while done < key.size:
        high = max(int(np.searchsorted(ends, done + _SORTED, side="right")), low + 1)
        if low == 0 and high == counts.size:
            order[:] = np.argsort(key, kind="stable")
            break
        pixels = np.flatnonzero((key >= low) & (key < high))
        order[done : done + pixels.size] = pixels[np.argsort(key[pixels], kind="stable")]
        low, done = high, done + pixels.size
    return order, keys, (ends - counts)[keys]


class Layout:
    """Order of the pixels in which rings and regions are summed.

    Parameters
    ----------
    shape
        Image shape (y, x).
    region
        Signal region (y, x).
    near_cells
        Pixels (y, x) that do not count as background.
    background_region
        Drawn background region (y, x), or None.
    rings
        Number of rings; None for all that a border can be made of.
    moments
        Whether the first moments of the background in the rings are wanted too.
    tiles
        Number of tiles along (y, x).
    mean_image
        Time average (y, x), which tells how much a missing pixel would have added.
    percentiles
        Whether the percentiles of the frames are wanted too.
    detector_maximum
        Largest count of the detector, where the file states it.
    """

    def __init__(
        self,
        shape: tuple[int, int],
        region: Mask,
        near_cells: Mask,
        background_region: Mask | None,
        rings: int | None,
        moments: bool,
        tiles: tuple[int, int],
        mean_image: Float,
        percentiles: bool = True,
        detector_maximum: float | None = None,
    ) -> None:
        height, width = shape
        self.detector_maximum = detector_maximum
        self.percentiles = percentiles
        self.scratch = Scratch()
        self.shape = shape
        self.rings = largest_border(shape) if rings is None else min(rings, largest_border(shape))
        key = _segment_keys(shape, self.rings, region, near_cells, background_region)
        #: Pixel numbers in summing order; 32 bits, because there is one for every pixel.
        self.order, segments, self.starts = _sorted_pixels(key)
        self.sizes = np.diff(self.starts, append=key.size).astype(np.float64)
        del key
        self._near = (segments & 4 > 0).astype(np.float64)
        self._region = (segments & 2 > 0).astype(np.float64)
        self._drawn = None if background_region is None else (segments & 1).astype(np.float64)
        self._ring_starts = np.flatnonzero(np.diff(segments >> 3, prepend=-1))
        self._pieces = self._cut()
        self.moment_weights: npt.NDArray[np.float32] | None = None
        if moments:
            # Whole and half numbers, which single precision holds exactly.
            rows, columns = np.divmod(self.order, width)
            away = ~near_cells.ravel()[self.order]
            self.moment_weights = np.stack(
                [(columns - (width - 1) / 2) * away, (rows - (height - 1) / 2) * away]
            ).astype(np.float32)
        self.region_pixels = np.flatnonzero(region)
        self.region_mean = np.nan_to_num(mean_image.ravel()[self.region_pixels])
        self.has_drawn = background_region is not None
        self.y_edges = tile_edges(height, tiles[0])
        self.x_edges = tile_edges(width, tiles[1])

    def _cut(self) -> list[tuple[slice, slice]]:
        """Cut the order into pieces (pixels, segments) of whole segments."""
        pieces = []
        count, size = len(self.starts), len(self.order)
        first = 0
        while first < count:
            last = int(np.searchsorted(self.starts, self.starts[first] + _PIECE, side="left"))
            last = max(last, first + 1)
            end = size if last >= count else int(self.starts[last])
            pieces.append((slice(int(self.starts[first]), end), slice(first, min(last, count))))
            first = last
        return pieces

    def sums(self, frames: npt.NDArray[Any], moments: bool = False) -> tuple[Float, Float | None]:
        """Sum frames (n, pixels) over all segments.

        Returns
        -------
        sums : ndarray
            (n, segments).
        moments : ndarray or None
            (n, rings, 2) first moments along x and y about the image centre.
        """
        count = len(frames)
        sums = np.empty((count, len(self.starts)))
        wanted = moments and self.moment_weights is not None
        weighted = np.empty((2, count, len(self.starts))) if wanted else None
        for pixels, segments in self._pieces:
            order = self.order[pixels].astype(np.intp)
            part = self.scratch.array("pixels", (count, len(order)), frames.dtype)
            frames.take(order, axis=1, out=part, mode="clip")  # any other mode makes a copy
            values = self.scratch.array("values", part.shape, np.float64)
            np.copyto(values, part)
            starts = self.starts[segments] - pixels.start
            np.add.reduceat(values, starts, axis=1, out=sums[:, segments])
            if weighted is not None and self.moment_weights is not None:
                for out, weights in zip(weighted, self.moment_weights[:, pixels], strict=True):
                    np.multiply(part, weights, dtype=np.float64, out=values)
                    np.add.reduceat(values, starts, axis=1, out=out[:, segments])
        if weighted is None:
            return sums, None
        return sums, np.stack([self.by_ring(part) for part in weighted], axis=-1)

    def by_ring(self, sums: Float) -> Float:
        """Add up segment sums (n, segments) for every ring: (n, rings)."""
        rings: Float = np.add.reduceat(sums, self._ring_starts, axis=1)[:, : self.rings]
        return rings

    def by_ring_near(self, sums: Float) -> Float:
        """Add up segment sums for the part of every ring that lies near cells: (n, rings)."""
        return self.by_ring(sums * self._near)

    def in_region(self, sums: Float) -> Float:
        """Add up segment sums over the signal region: (n,)."""
        result: Float = sums @ self._region
        return result

    def in_drawn(self, sums: Float) -> Float | None:
        """Add up segment sums over the drawn background region: (n,)."""
        return None if self._drawn is None else sums @ self._drawn


@dataclass(frozen=True)
class FrameBatch:
    """Successive frames.

    Parameters
    ----------
    images
        (n, y, x) background-corrected, floating.
    raws
        Raw images (y, x), by position, of the frames that have an assigned background; the
        others are what `images` holds.
    """

    images: npt.NDArray[Any]
    raws: dict[int, npt.NDArray[Any]]


@dataclass
class Summaries:
    """Summaries of successive frames; see :class:`~flimage.scan.SeriesScan` for their meaning.

    The counts are None where no pixel is missing: they are those of the layout. `at_peak` holds, by
    position, the flat numbers of the pixels at the end of a detector's range.
    """

    sums: Float
    counts: Float | None
    moments: Float | None
    tiles: npt.NDArray[np.float32]
    minimum: Float
    maximum: Float
    percentiles: npt.NDArray[np.float32]
    missing: Int
    region_missing: Float
    peaks: Float
    at_peak: dict[int, npt.NDArray[np.intp]]


def summarise(batch: FrameBatch, layout: Layout) -> Summaries:
    """Measure frames.

    Parameters
    ----------
    batch
        The frames; not changed.
    layout
        What is summed.
    """
    images = batch.images
    count = len(images)
    flat = images.reshape(count, -1)
    # Sums overflow or become invalid where pixels are infinite or missing; that is how they
    # are found, without a pass of its own.
    with np.errstate(invalid="ignore", over="ignore"):
        sums, moments = layout.sums(flat, moments=True)
        whole = bool(np.isfinite(sums).all())
    counts = None
    missing = np.zeros(count, np.int64)
    region_missing = np.zeros(count)
    if whole:
        lowest = flat.min(axis=1).astype(np.float64)
        highest = flat.max(axis=1).astype(np.float64)
        tiles = _tiles(images, layout, sums)
    else:
        finite = np.isfinite(flat)
        missing[:] = flat.shape[1] - np.count_nonzero(finite, axis=1)
        filled = np.where(finite, flat, 0)
        sums, moments = layout.sums(filled, moments=True)
        counts, _ = layout.sums(finite.astype(np.float32))
        region_missing = missing_light(finite[:, layout.region_pixels], layout.region_mean)
        empty = missing == flat.shape[1]
        lowest = np.where(finite, flat, np.inf).min(axis=1).astype(np.float64)
        highest = np.where(finite, flat, -np.inf).max(axis=1).astype(np.float64)
        lowest[empty] = highest[empty] = np.nan
        weight = _tiles(finite.astype(np.float32).reshape(images.shape), layout, counts)
        with np.errstate(invalid="ignore"):
            # A tile without a finite pixel is 0/0, which is NaN.
            tiles = _tiles(filled.reshape(images.shape), layout, sums) / weight
    peaks, at_peak = _saturation(batch, highest, layout.detector_maximum)
    return Summaries(
        sums,
        counts,
        moments,
        tiles.astype(np.float32),
        lowest,
        highest,
        _percentiles(flat, whole) if layout.percentiles else _no_percentiles(count),
        missing,
        region_missing,
        peaks,
        at_peak,
    )


def missing_light(finite: Mask, mean: Float) -> Float:
    """Sum of the time average over missing pixels.

    Parameters
    ----------
    finite
        (n, pixels) where frames have a value.
    mean
        (pixels,) time average.
    """
    light: Float = np.where(finite, 0.0, mean).sum(axis=1)
    return light


def _saturation(
    batch: FrameBatch, highest: Float, stated: float | None
) -> tuple[Float, dict[int, npt.NDArray[np.intp]]]:
    """Largest raw value of each frame, and its pixels at the end of a detector's range."""
    peaks = highest.copy()
    for position, raw in batch.raws.items():
        peaks[position] = np.fmax.reduce(raw, axis=None)
    at_peak = {}
    for position, peak in enumerate(peaks):
        if detector_level(float(peak), stated) is not None:
            pixels = batch.raws.get(position, batch.images[position])
            at_peak[position] = np.flatnonzero(pixels == pixels.dtype.type(peak))
    return peaks, at_peak


def _tiles(images: npt.NDArray[Any], layout: Layout, sums: Float) -> Float:
    """Mean of every tile, (n, tiles along y, tiles along x), for images whose sums are known."""
    y_edges, x_edges = layout.y_edges, layout.x_edges
    if len(y_edges) == len(x_edges) == 2:
        whole: Float = sums.sum(axis=1)[:, None, None] / images[0].size
        return whole
    rows = np.empty((len(images), len(y_edges) - 1, images.shape[2]))
    for k in range(len(y_edges) - 1):
        # Slices run several times faster than one reduceat along a strided axis.
        images[:, y_edges[k] : y_edges[k + 1]].sum(axis=1, dtype=np.float64, out=rows[:, k])
    means = np.add.reduceat(rows, x_edges[:-1], axis=2)
    means /= np.multiply.outer(np.diff(y_edges), np.diff(x_edges))
    return means


def _no_percentiles(count: int) -> npt.NDArray[np.float32]:
    return np.full((count, len(PERCENTILES)), np.nan, np.float32)


def _percentiles(flat: npt.NDArray[Any], whole: bool) -> npt.NDArray[np.float32]:
    """Percentiles (n, 5) of evenly spaced pixels; NaN where a frame has no finite one."""
    step = max(1, flat.shape[1] // _SAMPLE)
    sample = np.sort(flat[:, ::step].astype(np.float32), axis=1)
    fractions = np.array(PERCENTILES) / 100
    if whole:
        return sample[:, np.rint(fractions * (sample.shape[1] - 1)).astype(np.intp)]
    result = _no_percentiles(len(flat))
    for out, values in zip(result, sample, strict=True):
        values = values[np.isfinite(values)]
        if values.size:
            out[:] = values[np.rint(fractions * (values.size - 1)).astype(np.intp)]
    return result
