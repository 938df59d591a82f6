"""Confidence intervals of the exponential model from the profile of its likelihood.

Where a recording covers little of the decay, rate, amplitude and offset hang together and their
errors are far from normal; there an interval from the curvature at the optimum is wrong, but the
set of values that the data do not contradict is still right (Venzon and Moolgavkar 1988).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from .fitting import Solution
from .least_squares import heights
from .search import coarse
from .uncertainty import Spread

__all__ = ["Profile", "profile"]

Array = npt.NDArray[np.float64]

_POINTS = 161
#: Rates inside the interval for which the gain is looked at.
_ACROSS = 40


@dataclass(frozen=True)
class Profile:
    """95 % intervals of the exponential model in scaled units.

    Parameters
    ----------
    offset, amplitude, rate
        Ends ``(low, high)`` of the parameters.
    rates
        ``(g,)`` rates across their interval.
    ratios
        ``(g, 2)`` smallest and largest ratio of offset to amplitude that goes with each.
    """

    offset: tuple[float, float]
    amplitude: tuple[float, float]
    rate: tuple[float, float]
    rates: Array
    ratios: Array

    def gain_range(self, t: Array, subtract_offset: bool) -> tuple[Array, Array]:
        """95 % intervals of the gain ``f(0) / f(t)``: what all allowed parameters make of it.

        Parameters
        ----------
        t
            ``(n,)`` scaled times.
        subtract_offset
            Leave the offset out of `f`.

        Returns
        -------
        low, high : ndarray (n,), ndarray (n,)
        """
        low, high = np.full(t.size, np.inf), np.zeros(t.size)
        for rate, ratios in zip(self.rates, self.ratios, strict=True):
            with np.errstate(under="ignore", over="ignore", divide="ignore", invalid="ignore"):
                decay = np.exp(-rate * t)
                for ratio in (0.0,) if subtract_offset else ratios:
                    gain = (
                        (1.0 + ratio) / (decay + ratio) if np.isfinite(ratio) else np.ones(t.size)
                    )
                    low, high = np.fmin(low, gain), np.fmax(high, gain)
        return low, high


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
    squares, fitted, errors = _along(grid, t, y, w)
    least = float(squares.min())
    rise = squares - least
    inside = rise <= limit
    room = np.sqrt(np.maximum(limit - rise, 0.0))
    ends = []
    for j in range(2):
        reached = errors[inside, j] * room[inside]
        bottom = float((fitted[inside, j] - reached).min())
        ends.append((max(bottom, 0.0), float((fitted[inside, j] + reached).max())))

    def allowed(rates: Array) -> npt.NDArray[np.bool_]:
        return _along(rates, t, y, w)[0] - least <= limit

    slowest = _crossing(grid, inside, allowed, -1)
    fastest = _crossing(grid, inside, allowed, +1)
    if slowest is None:
        # Down to a straight line nothing is excluded: then there is no largest amplitude.
        ends[1] = (ends[1][0], np.inf)
    rate = (
        0.0 if slowest is None else float(np.exp(max(slowest, -700.0))),
        np.inf if fastest is None else float(np.exp(min(fastest, 700.0))),
    )
    across = np.linspace(
        lowest if slowest is None else slowest, highest if fastest is None else fastest, _ACROSS
    )
    across = np.sort(np.append(across, best))
    ratios = _ratios(across, t, y, w, least + limit)
    return Profile(ends[0], ends[1], rate, np.exp(across), ratios)


def _along(rates: Array, t: Array, y: Array, w: Array) -> tuple[Array, Array, Array]:
    """Best heights for given logarithms of the rate.

    Returns
    -------
    squares, heights, errors : ndarray (g,), ndarray (g, 2), ndarray (g, 2)
        Sum of squares, heights not below 0, and their standard errors for this rate.
    """
    decay, gram, right = _moments(rates, t, y, w)
    fitted, _ = heights(gram, right)
    # Residuals instead of differences of large sums: the profile is tiny next to them.
    squares = ((y - fitted[:, :1] - fitted[:, 1:] * decay) ** 2) @ w
    determinant = np.maximum(gram[:, 0, 0] * gram[:, 1, 1] - gram[:, 0, 1] ** 2, 1e-300)
    errors = np.sqrt(np.column_stack([gram[:, 1, 1], gram[:, 0, 0]]) / determinant[:, None])
    return squares, fitted, errors


def _moments(rates: Array, t: Array, y: Array, w: Array) -> tuple[Array, Array, Array]:
    """Decays ``(g, n)``, and products of the shapes with each other and with the data."""
    decay = np.exp(-np.exp(rates)[:, None] * t)
    gram = np.empty((rates.size, 2, 2))
    gram[:, 0, 0] = w.sum()
    gram[:, 0, 1] = gram[:, 1, 0] = decay @ w
    gram[:, 1, 1] = decay**2 @ w
    right = np.column_stack([np.full(rates.size, w @ y), decay @ (w * y)])
    return decay, gram, right


def _ratios(rates: Array, t: Array, y: Array, w: Array, limit: float) -> Array:
    """Smallest and largest ratio of offset to amplitude, ``(g, 2)``, with a sum below `limit`.

    For a given rate the allowed heights fill an ellipse; the ratio is extreme where a line through
    the origin touches it, which is found to second order of the relative errors.
    """
    decay, gram, right = _moments(rates, t, y, w)
    free = np.linalg.solve(gram + 1e-14 * gram.max() * np.eye(2), right[..., None])[..., 0]
    squares = ((y - free[:, :1] - free[:, 1:] * decay) ** 2) @ w
    room = np.sqrt(np.maximum(limit - squares, 0.0))
    across = np.column_stack([free[:, 1], -free[:, 0]])
    step = np.linalg.solve(gram + 1e-14 * gram.max() * np.eye(2), across[..., None])[..., 0]
    length = np.sqrt(np.maximum((across * step).sum(axis=1), 1e-300))
    step *= (room / length)[:, None]
    ends = np.empty((rates.size, 2))
    for j, sign in enumerate((-1.0, 1.0)):
        offset, amplitude = (free + sign * step).T
        with np.errstate(divide="ignore", invalid="ignore"):
            ratio = np.where(amplitude > 0, offset / amplitude, np.inf)
        ends[:, j] = np.maximum(ratio, 0.0)
    return ends


def _crossing(
    grid: Array,
    inside: npt.NDArray[np.bool_],
    allowed: Callable[[Array], npt.NDArray[np.bool_]],
    side: int,
) -> float | None:
    """Where the profile leaves the allowed range for good on one side; None where it does not.

    Where the offset reaches 0 the profile has a kink, so that the crossing is closed in on
    instead of being interpolated.
    """
    order = slice(None) if side < 0 else slice(None, None, -1)
    x = grid[order]
    first = int(np.flatnonzero(inside[order])[0])
    if first == 0:
        return None
    outer, inner = float(x[first - 1]), float(x[first])
    for _ in range(4):
        between = np.linspace(outer, inner, 17)
        within = allowed(between)
        within[-1] = True
        step = int(np.flatnonzero(within)[0])
        if step == 0:
            break
        outer, inner = float(between[step - 1]), float(between[step])
    return inner
