"""Fits of decay models: the best of several starting points, robust weights, uncertainty.

Everything is deterministic and works on scaled data: times run from 0 to 1 over the fitted
frames. See :mod:`flimage.models` for how a model is made up.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from .least_squares import refine
from .models import Model
from .search import Search

__all__ = [
    "Solution",
    "covariance",
    "fit_robust",
    "fit_weighted",
    "robust_scale",
    "solve",
]

Array = npt.NDArray[np.float64]

#: Residuals, in standard deviations, from which weights fall, and at which they are 0.
_FULL_WEIGHT, _NO_WEIGHT = 3.0, 5.0
#: Residuals are never taken to be much smaller than the noise of the pixels.
_LEAST_SCALE = 0.7
#: Up to this many frames, every pair of frames is left out once.
_FEW = 12
#: A start without some frames is preferred when it fits the rest this much better.
_CLEARLY = 0.5


@dataclass(frozen=True, eq=False)
class Solution:
    """Best parameters of one model.

    Parameters
    ----------
    model
        The model.
    linear, theta
        Heights ``(p,)`` and logarithms of rates ``(q,)``.
    cost
        Weighted sum of squared residuals.
    weights
        ``(n,)`` robust weights, 0 to 1.
    scale
        Standard deviation of the residuals in units of the standard deviations that were
        expected.
    """

    model: Model
    linear: Array
    theta: Array
    cost: float
    weights: Array
    scale: float

    def curve(self, t: npt.ArrayLike) -> Array:
        """Value of the model at scaled times."""
        return self.model.evaluate(t, self.linear, self.theta)

    def jacobian(self, t: npt.ArrayLike) -> Array:
        """Return the derivatives ``(n, p + q)`` at scaled times."""
        return self.model.jacobian(t, self.linear, self.theta)


def fit_weighted(
    model: Model,
    t: Array,
    y: Array,
    w: Array,
    near: Array | None = None,
) -> tuple[Array, Array, float]:
    """Weighted least squares.

    Parameters
    ----------
    model
        Decay model.
    t, y, w
        ``(n,)`` scaled times, values, weights ≥ 0.
    near
        Rates to start from; None to search, and to follow the three best starting points of a
        model with two rates.

    Returns
    -------
    linear, theta, cost : ndarray (p,), ndarray (q,), float
    """
    bounds = model.bounds_for(t[w > 0])
    if near is not None:
        return refine(model, t, y, w, bounds, near)
    found = Search(model, t, y, w, bounds).best(1 if model.n_rates < 2 else 3)
    tried = [refine(model, t, y, w, bounds, theta) for _, theta in found]
    return min(tried, key=lambda found: found[2])


def robust_scale(u: Array, n_parameters: int) -> float:
    """Estimate the standard deviation of residuals from their median size."""
    if u.size <= n_parameters:
        return 0.0
    # The fit makes about n_parameters residuals vanish: leave them out of the median.
    largest = np.sort(np.abs(u))[n_parameters:] if u.size < 10 * n_parameters else np.abs(u)
    return 1.4826 * float(np.median(largest))


def _weight(u: Array) -> Array:
    """Full weight up to 3 standard deviations, smoothly down to none at 5."""
    beyond = np.clip((np.abs(u) - _FULL_WEIGHT) / (_NO_WEIGHT - _FULL_WEIGHT), 0.0, 1.0)
    weight: Array = 0.5 + 0.5 * np.cos(np.pi * beyond)
    return weight


def _robust_start(model: Model, t: Array, y: Array, w: Array) -> tuple[Array, Array]:
    """Start from the fit whose median residual is smallest when a block of frames is left out.

    A flash in the first frame pulls an ordinary fit so strongly that no residual gives it away;
    one of the fits that leave it out does.
    """
    bounds = model.bounds_for(t)
    best, start = np.inf, None
    root = np.sqrt(w)
    n = t.size
    clearly = _CLEARLY if n > _FEW else 0.75 * _CLEARLY
    search = Search(model, t, y, w, bounds)
    for frames in _left_out(n, model.n_linear + model.n_rates):
        for linear, theta in search.best(1, frames):
            size = np.abs(y - model.evaluate(t, linear, theta)) * root
            # Between the median and the mean: blind to outliers, but not to a bad fit.
            score = float(np.mean(np.sort(size)[: max(int(0.8 * n), n - n // 4)]))
            # Leaving frames out must pay: the first frames may hold all there is of a quick decay.
            if score < best * (clearly if start is not None else 1.0):
                best, start = score, (linear, theta)
    assert start is not None
    return start


def _left_out(n: int, n_parameters: int) -> list[list[int]]:
    """List sets of frames to leave out, the empty one first."""
    sets: list[list[int]] = [[]]
    if n < n_parameters + 4:
        return sets
    if n <= _FEW and n_parameters <= 3:
        sets += [[i] for i in range(n)]
        if n >= n_parameters + 5:
            sets += [[i, j] for i in range(n) for j in range(i + 1, n)]
        return sets
    edges = np.linspace(0, n, 7).astype(int)
    sets += [[0], [n - 1]]
    sets += [list(range(a, b)) for a, b in pairwise(edges)]
    return sets


def fit_robust(
    model: Model,
    t: Array,
    y: Array,
    variance: Array,
    least_scale: float = 0.0,
    near: tuple[Array, Array] | None = None,
) -> Solution:
    """Weighted least squares in which outlying frames count less.

    Frames keep their full weight up to three standard deviations and lose it smoothly up to
    five, so that on clean data nothing is lost. The standard deviation is that of the residuals
    themselves (median), so that structure in the recording is not taken for outliers.

    Parameters
    ----------
    model
        Decay model.
    t, y, variance
        ``(n,)`` scaled times, values and variances that are right up to a common factor.
    least_scale
        Smallest standard deviation, in units of the given ones, that is believed.
    near
        Heights and rates to start from instead of searching.
    """
    w = 1.0 / variance
    parameters = model.n_linear + model.n_rates
    near = near or _robust_start(model, t, y, w)
    weights = np.ones(t.size)
    if t.size <= parameters + 1:
        linear, theta, cost = fit_weighted(model, t, y, w, near[1])
        return Solution(model, linear, theta, cost, weights, np.sqrt(cost))
    linear, theta = near
    cost = float(w @ (y - model.evaluate(t, linear, theta)) ** 2)
    scale = 0.0
    for _ in range(30):
        u = (y - model.evaluate(t, linear, theta)) / np.sqrt(variance)
        scale = max(robust_scale(u, parameters), least_scale)
        if scale == 0.0:
            break
        now = _weight(u / scale)
        if np.count_nonzero(now) <= parameters + 1:
            break
        settled = float(np.max(np.abs(now - weights))) < 1e-4
        weights = now
        linear, theta, cost = fit_weighted(model, t, y, w * weights, theta)
        if settled:
            break
    return Solution(model, linear, theta, cost, weights, scale)


def covariance(solution: Solution, t: Array, weights: Array) -> Array:
    """Covariance ``(p + q, p + q)`` of heights and log rates for residuals of unit variance.

    Directions that the data say nothing about get an infinite variance.
    """
    jacobian = solution.jacobian(t)
    information = (jacobian.T * weights) @ jacobian
    size = np.sqrt(np.diag(information))
    known = size > 0
    result = np.full(information.shape, 0.0)
    if known.any():
        scaled = information[np.ix_(known, known)] / np.outer(size[known], size[known])
        values, vectors = np.linalg.eigh(scaled)
        inverse = (vectors / np.maximum(values, 1e-14)) @ vectors.T
        result[np.ix_(known, known)] = inverse / np.outer(size[known], size[known])
    result[~known, ~known] = np.inf
    return result


def solve(
    model: Model,
    t: Array,
    y: Array,
    variance_on: Callable[[Array], Array],
    noise_known: bool,
    robust: bool,
) -> tuple[Solution, Array]:
    """Fit a model, with the variance that belongs to the fitted curve.

    Weights from the measured intensities would favour frames that happen to be dim.

    Parameters
    ----------
    model
        Decay model.
    t, y
        ``(n,)`` scaled times and values.
    variance_on
        Variance ``(n,)`` of the frames when the true intensity is the given curve.
    noise_known
        Whether the variances are absolute.
    robust
        Give outlying frames less weight.

    Returns
    -------
    Solution, variance
    """
    variance = variance_on(y)
    least = _LEAST_SCALE if noise_known else 0.0
    solution = _solve_once(model, t, y, variance, least, robust)
    changed = variance_on(solution.curve(t))
    if np.array_equal(changed, variance):
        return solution, variance
    near = (solution.linear, solution.theta)
    return _solve_once(model, t, y, changed, least, robust, near), changed


def _solve_once(
    model: Model,
    t: Array,
    y: Array,
    variance: Array,
    least: float,
    robust: bool,
    near: tuple[Array, Array] | None = None,
) -> Solution:
    if robust:
        return fit_robust(model, t, y, variance, least, near)
    linear, theta, cost = fit_weighted(
        model, t, y, 1.0 / variance, None if near is None else near[1]
    )
    freedom = t.size - model.n_linear - model.n_rates
    scale = float(np.sqrt(cost / freedom)) if freedom > 0 else 0.0
    return Solution(model, linear, theta, cost, np.ones(t.size), scale)
