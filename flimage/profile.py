"""Confidence intervals of the exponential model from the profile of its likelihood.

Where a recording covers little of the decay, rate, amplitude and offset hang together and their
errors are far from normal; there an interval from the curvature at the optimum is wrong, but the
set of values that the data do not contradict is still right (Venzon and Moolgavkar 1988).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from .fitting import Solution, coarse, heights
from .uncertainty import Spread

__all__ = ["Profile", "profile"]

Array = npt.NDArray[np.float64]

_POINTS = 161


@dataclass(frozen=True)
class Profile:
    """95 % intervals ``(low, high)`` of the scaled parameters of the exponential model."""

    offset: tuple[float, float]
    amplitude: tuple[float, float]
    rate: tuple[float, float]


def profile(
    solution: Solution, spread: Spread, t: Array, y: Array, variance: Array
) -> Profile | None:
    """Intervals from the sum of squares as a function of the rate.

    For each rate the heights are solved for. A rate is in the interval when it raises the sum of
    squares by no more than the squared quantile; a height is when some rate together with it does.

    Parameters
    ----------
    solution, spread
        Fit of the exponential model and its uncertainty.
    t, y, variance
        ``(n,)`` scaled data in order of time.

    Returns
    -------
    Profile or None
        None when there is no degree of freedom left to judge by.
    """
    unit = spread.variance_factor
    limit = spread.quantile**2
    if not np.isfinite(unit) or not np.isfinite(limit) or unit <= 0:
        return None
    lowest, highest = solution.model.bounds_for(t[solution.weights > 0])[0]
    best = float(solution.theta[0])
    reach = float(np.sqrt(spread.covariance[2, 2])) * spread.quantile * 3.0
    reach = reach if np.isfinite(reach) else np.inf
    low, high = max(lowest, best - max(reach, 1e-9)), min(highest, best + max(reach, 1e-9))
    # The middle of the profile needs fine steps, its far ends do not.
    bend = np.linspace(-1.0, 1.0, _POINTS) ** 3
    grid = np.where(bend < 0, best + (best - low) * bend, best + (high - best) * bend)
    t, y, w = coarse(t, y, solution.weights / variance / unit)
    decay = np.exp(-np.exp(grid)[:, None] * t)
    gram = np.empty((grid.size, 2, 2))
    gram[:, 0, 0] = w.sum()
    gram[:, 0, 1] = gram[:, 1, 0] = decay @ w
    gram[:, 1, 1] = decay**2 @ w
    right = np.column_stack([np.full(grid.size, w @ y), decay @ (w * y)])
    fitted, _ = heights(gram, right)
    # Residuals instead of differences of large sums: the profile is tiny next to them.
    squares = ((y - fitted[:, :1] - fitted[:, 1:] * decay) ** 2) @ w
    rise = squares - squares.min()
    inside = rise <= limit
    room = np.sqrt(np.maximum(limit - rise, 0.0))
    determinant = np.maximum(gram[:, 0, 0] * gram[:, 1, 1] - gram[:, 0, 1] ** 2, 1e-300)
    errors = np.sqrt(np.column_stack([gram[:, 1, 1], gram[:, 0, 0]]) / determinant[:, None])
    ends = []
    for j in range(2):
        reached = errors[inside, j] * room[inside]
        bottom = float((fitted[inside, j] - reached).min())
        ends.append((max(bottom, 0.0), float((fitted[inside, j] + reached).max())))
    slowest = _crossing(grid, rise, limit, -1)
    fastest = _crossing(grid, rise, limit, +1)
    # An offset of 0 lets the rate err to one side only, which narrows the profile too much.
    if slowest is not None:
        slowest = min(slowest, best - reach / 3.0)
    if fastest is not None:
        fastest = max(fastest, best + reach / 3.0)
    if slowest is None:
        # Down to a straight line nothing is excluded: then there is no largest amplitude.
        ends[1] = (ends[1][0], np.inf)
    rate = (
        0.0 if slowest is None else float(np.exp(max(slowest, -700.0))),
        np.inf if fastest is None else float(np.exp(min(fastest, 700.0))),
    )
    return Profile(ends[0], ends[1], rate)


def _crossing(grid: Array, rise: Array, limit: float, side: int) -> float | None:
    """Where the profile leaves the allowed range for good on one side; None where it does not."""
    order = slice(None) if side < 0 else slice(None, None, -1)
    x, value = grid[order], rise[order]
    inside = np.flatnonzero(value <= limit)
    first = int(inside[0])
    if first == 0:
        return None
    # Near the crossing the root of the rise is close to a straight line.
    a, b = np.sqrt(value[first - 1]), np.sqrt(value[first])
    part = (a - np.sqrt(limit)) / (a - b) if a > b else 0.0
    return float(x[first - 1] + part * (x[first] - x[first - 1]))
