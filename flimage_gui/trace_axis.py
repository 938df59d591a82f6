"""Where frames lie on the time axis of a plot, and which frame lies at a place on it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from flimage.quantities import format_number, time_unit

__all__ = ["TraceAxis", "thin_out"]


def thin_out(values: npt.NDArray[np.float64], most: int) -> npt.NDArray[np.intp]:
    """Choose which of many values to draw: the smallest and the largest of each neighbourhood.

    Parameters
    ----------
    values
        (n,) in the order of the axis.
    most
        Number of values that may be drawn, at least 2.

    Returns
    -------
    indices : array of shape (m,), m <= most + 2
        Indices of the values to draw, rising; all of them where they are few.
    """
    count = len(values)
    if count <= most:
        return np.arange(count)
    size = -(-count // max(most // 2, 1))
    whole = count - count % size
    blocks = values[:whole].reshape(-1, size)
    starts = np.arange(0, whole, size)
    chosen = [starts + blocks.argmin(axis=1), starts + blocks.argmax(axis=1)]
    if whole < count:
        rest = values[whole:]
        chosen.append(whole + np.array([rest.argmin(), rest.argmax()]))
    return np.unique(np.concatenate(chosen))


@dataclass(frozen=True)
class TraceAxis:
    """The horizontal axis of the trace.

    Parameters
    ----------
    positions
        (n,) place of each frame on the axis, never falling.
    label
        What the axis shows.
    symbol
        Unit of the positions; empty where frames are counted.
    """

    positions: npt.NDArray[np.float64]
    label: str
    symbol: str

    @classmethod
    def from_times(cls, times: npt.ArrayLike, unit: str = "s") -> TraceAxis:
        """Make an axis in a unit that suits the recording.

        Parameters
        ----------
        times
            (n,) acquisition times [s]. Where they are missing or run backwards, frames are
            counted instead, because a range of times would not be a range of frames.
        unit
            ``"s"``, or ``"exposure"`` where exposures are counted.
        """
        seconds = np.asarray(times, dtype=float)
        if not len(seconds):
            return cls(seconds, "Time", "s")
        steps = np.diff(seconds)
        if not np.isfinite(seconds).all() or (steps < 0).any() or seconds[0] == seconds[-1]:
            return cls(np.arange(len(seconds), dtype=float), "Frame", "")
        if unit != "s":
            return cls(seconds, f"{unit[:1].upper()}{unit[1:]}s", "")
        # As beside the slider, in the image and in the status bar.
        label = "Time since the first frame" if seconds[0] else "Time"
        seconds = seconds - seconds[0]
        shown = time_unit(float(seconds[-1]))
        return cls(seconds / shown.scale, label, shown.symbol)

    def __len__(self) -> int:
        return len(self.positions)

    @property
    def title(self) -> str:
        """Label with unit."""
        return f"{self.label} ({self.symbol})" if self.symbol else self.label

    def spans_as(self, other: TraceAxis) -> bool:
        """Tell whether another axis goes from the same place to the same one, in the same unit."""
        if self.title != other.title or not len(self) or not len(other):
            return False
        here, there = (each.positions[[0, -1]] for each in (self, other))
        return bool(np.allclose(here, there, rtol=1e-3, atol=0))

    def text(self, frame: int) -> str:
        """Write the place of a frame with its unit."""
        if not self.symbol:
            return ""
        return f"{format_number(float(self.positions[frame]), 5)} {self.symbol}"

    def nearest(self, position: float) -> int:
        """Find the frame that lies closest to `position`."""
        return int(np.argmin(np.abs(self.positions - position)))

    def edges(self, first: int, last: int) -> tuple[float, float]:
        """Find where a range that holds the frames `first` to `last` starts and ends.

        The edges lie half-way to the neighbours outside, so that the range visibly holds its
        first and last frame.
        """
        places = self.positions
        margin = 0.5 * (float(places[-1]) - float(places[0])) / max(len(places) - 1, 1)
        low = float(places[0]) - margin
        high = float(places[-1]) + margin
        if first > 0:
            low = 0.5 * float(places[first - 1] + places[first])
        if last < len(places) - 1:
            high = 0.5 * float(places[last] + places[last + 1])
        return low, high

    def frames_between(self, low: float, high: float) -> tuple[int, int]:
        """Find the first and last frame of a range; at least the frame nearest to its middle."""
        first = int(np.searchsorted(self.positions, low, side="left"))
        last = int(np.searchsorted(self.positions, high, side="right")) - 1
        if last < first:
            first = last = self.nearest(0.5 * (low + high))
        return first, last
