"""Summaries of all frames while they come in, as the columns of a scan."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from .detector import detector_level
from .summaries import PERCENTILES, Layout, Summaries

__all__ = ["Table"]

Float = npt.NDArray[np.float64]
Int = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]


class Table:
    """Summaries of all frames while they come in.

    Parameters
    ----------
    count
        Number of frames.
    layout
        What is summed.
    exclude
        Frames whose saturated pixels do not count.
    """

    def __init__(self, count: int, layout: Layout, exclude: tuple[int, ...] = ()) -> None:
        self._layout = layout
        self._exclude = frozenset(exclude)
        self._saturated: Mask | None = None
        self._saturated_at = -np.inf
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
        self._region_missing = np.zeros(count)
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
        self._region_missing[rows] = part.region_missing
        self._peaks[rows] = part.peaks
        for position, pixels in part.at_peak.items():
            self._put_saturated(frames.start + position, pixels)
        if part.counts is not None:
            for k, values in enumerate(self._count_columns(part.counts)):
                if not self._counts[k].flags.writeable:
                    self._counts[k] = np.array(self._counts[k])
                self._counts[k][rows] = values

    def _put_saturated(self, frame: int, pixels: npt.NDArray[np.intp]) -> None:
        """Take the pixels of a frame that have its largest value, where a detector may end."""
        self._at_peak[frame] = pixels.size
        peak = self._peaks[frame]
        if frame in self._exclude or peak < self._saturated_at:
            return
        if self._saturated is None or peak > self._saturated_at:
            self._saturated = np.zeros(self._layout.order.size, dtype=bool)
            self._saturated_at = peak
        self._saturated[pixels] = True

    def columns(self) -> dict[str, Any]:
        """Return the columns by the names that they have in a scan."""
        level = None
        if np.isfinite(self._peaks).any():
            peak = float(np.nanmax(self._peaks))
            level = detector_level(peak, self._layout.detector_maximum)
        saturated = np.where(self._peaks == level, self._at_peak, 0) if level else self._at_peak * 0
        ever = self._saturated if level is not None and self._saturated_at == level else None
        ring_count, ring_near_count, region_count, drawn_count = self._counts
        return {
            "region_sum": self._region_sum,
            "region_count": region_count,
            "region_missing": self._region_missing,
            "ring_sum": self._ring_sum,
            "ring_count": ring_count,
            "ring_region_sum": self._ring_near_sum,
            "ring_region_count": ring_near_count,
            "tiles": self._tiles,
            "total": self._total,
            "minimum": self._minimum,
            "maximum": self._maximum,
            "percentiles": self._percentiles,
            "n_nan": self._missing,
            "n_saturated": saturated,
            "saturation_level": level,
            "saturated": None if ever is None else ever.reshape(self._layout.shape),
            "background_region_sum": self._drawn_sum,
            "background_region_count": None if self._drawn_sum is None else drawn_count,
            "ring_moments": self._moments,
        }
