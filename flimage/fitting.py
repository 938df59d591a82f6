"""Least squares for decay models: a search over rates, non-negative heights, robust weights.

Everything is deterministic and works on scaled data: times run from 0 to 1 over the fitted
frames. See :mod:`flimage.models` for how a model is made up.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import combinations, pairwise

import numpy as np
import numpy.typing as npt

from .models import Model

__all__ = [
    "Solution",
    "coarse",
    "covariance",
    "fit_robust",
    "fit_weighted",
    "heights",
    "robust_scale",
    "solve",
]

Array = npt.NDArray[np.float64]

#: Frames are averaged down to this many for the coarse search.
_COARSE = 512
#: Multiplications up to which OpenBLAS uses one thread.
_ONE_THREAD = 2**18
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


def heights(gram: Array, right: Array) -> tuple[Array, Array]:
    """Non-negative least squares for many small problems at once.

    All subsets of the at most three heights are tried, which is exact.

    Parameters
    ----------
    gram
        ``(g, p, p)`` products of the shapes.
    right
        ``(g, p)`` products of the shapes with the data.

    Returns
    -------
    heights, gained : ndarray (g, p), ndarray (g,)
        `gained` is how much the sum of squares falls below that of the data.
    """
    g, p = right.shape
    norm = np.sqrt(np.maximum(np.einsum("gii->gi", gram), 1e-300))
    gram = gram / (norm[:, :, None] * norm[:, None, :])
    right = right / norm
    best = np.zeros((g, p))
    gained = np.zeros(g)
    for size in range(1, p + 1):
        for chosen in combinations(range(p), size):
            rows = np.array(chosen)
            part = gram[:, rows[:, None], rows]
            tried = _solve_small(part, right[:, rows])
            gain = 2 * np.einsum("gi,gi->g", tried, right[:, rows]) - np.einsum(
                "gi,gij,gj->g", tried, gram[:, rows[:, None], rows], tried
            )
            better = (tried >= 0).all(axis=1) & (gain > gained)
            best[better] = 0.0
            best[np.ix_(better, rows)] = tried[better]
            gained[better] = gain[better]
    return best / norm, gained


def _solve_small(matrix: Array, right: Array) -> Array:
    """Solve many systems ``(g, p, p)`` whose diagonal is 1 for ``(g, p)``."""
    p = right.shape[1]
    if p == 1:
        return right
    # A trace of ridge keeps shapes that are the same to rounding from dividing by 0.
    if p == 2:
        diagonal, across = 1.0 + 1e-13, matrix[:, 0, 1, None]
        pair: Array = diagonal * right - across * right[:, ::-1]
        return pair / (diagonal**2 - across**2)
    found = np.linalg.solve(matrix + 1e-13 * np.eye(p), right[..., None])[..., 0]
    return found.astype(np.float64, copy=False)


def coarse(t: Array, y: Array, w: Array) -> tuple[Array, Array, Array]:
    """Average neighbouring frames so that a search over rates stays quick."""
    if t.size <= _COARSE:
        return t, y, w
    edges = np.linspace(0, t.size, _COARSE + 1).astype(int)[:-1]
    weight = np.add.reduceat(w, edges)
    safe = np.maximum(weight, 1e-300)
    kept = weight > 0
    times = (np.add.reduceat(w * t, edges) / safe)[kept]
    values = (np.add.reduceat(w * y, edges) / safe)[kept]
    return times, values, weight[kept]


def _products(a: Array, b: Array) -> Array:
    """Matrix product ``a @ b.T`` in pieces that BLAS computes in the calling thread.

    For a product of this size its threads wait for each other far longer than they compute, most
    of all on a machine that is busy.
    """
    step = _ONE_THREAD // (len(a) * len(b))
    if step < 16:
        product: Array = a @ b.T
        return product
    total = np.zeros((len(a), len(b)))
    for start in range(0, a.shape[1], step):
        total += a[:, start : start + step] @ b[:, start : start + step].T
    return total


class _Search:
    """Search for starting points, with or without some of the frames.

    The shapes of all starting points and their products are made once; for frames that are left
    out their part is taken from the products.
    """

    def __init__(self, model: Model, t: Array, y: Array, w: Array, bounds: Array) -> None:
        self._model = model
        self._edges = np.linspace(0, t.size, min(t.size, _COARSE) + 1).astype(int)
        t, self._y, self._w = coarse(t, y, w)
        self._inside = (model.starts <= bounds[:, 1] + 0.3).all(axis=1)
        self._library = model.library_shapes(t)
        self._weighted = self._library * self._w
        self._products = _products(self._weighted, self._library)
        self._with_data = self._weighted @ self._y

    def best(self, count: int, left_out: Sequence[int] = ()) -> list[tuple[Array, Array]]:
        """Heights and rates of the `count` best, clearly different starting points.

        Parameters
        ----------
        count
            Number of starting points.
        left_out
            Frames to leave out, with those that are averaged with them; only where all weights
            are above 0.
        """
        products, with_data = self._products, self._with_data
        if left_out:
            bins = np.unique(np.searchsorted(self._edges, left_out, side="right") - 1)
            part, weighted = self._library[:, bins], self._weighted[:, bins]
            products = products - _products(weighted, part)
            with_data = with_data - weighted @ self._y[bins]
        picks = self._model.picks
        found_heights, gained = heights(
            products[picks[:, :, None], picks[:, None, :]], with_data[picks]
        )
        found: list[tuple[Array, Array]] = []
        for index in np.argsort(np.where(self._inside, -gained, np.inf), kind="stable"):
            theta = self._model.starts[index]
            if all(np.max(np.abs(theta - other), initial=0.0) > 1.2 for _, other in found):
                found.append((found_heights[index], theta))
            if len(found) == count or not theta.size:
                break
        return found


def _refine(
    model: Model, t: Array, y: Array, w: Array, bounds: Array, linear: Array, theta: Array
) -> tuple[Array, Array, float]:
    """Levenberg-Marquardt with heights kept at or above 0 and rates kept inside their bounds."""
    p = linear.size
    lower = np.concatenate([np.zeros(p), bounds[:, 0]])
    upper = np.concatenate([np.full(p, np.inf), bounds[:, 1]])
    x = np.clip(np.concatenate([linear, theta]), lower, upper)
    residual = y - model.evaluate(t, x[:p], x[p:])
    cost = float(w @ residual**2)
    damping, settled = 1e-3, 0
    for _ in range(200):
        jacobian = model.jacobian(t, x[:p], x[p:])
        gradient = jacobian.T @ (w * residual)
        curvature = (jacobian.T * w) @ jacobian
        free = ~(((x <= lower) & (gradient <= 0)) | ((x >= upper) & (gradient >= 0)))
        diagonal = np.diag(curvature).copy()
        free &= diagonal > 0
        if not free.any():
            break
        scale = np.sqrt(diagonal[free])
        normal = curvature[np.ix_(free, free)] / (scale[:, None] * scale)
        step = np.zeros(x.size)
        step[free] = (
            np.linalg.solve(normal + damping * np.eye(scale.size), gradient[free] / scale) / scale
        )
        trial = np.clip(x + step, lower, upper)
        trial_residual = y - model.evaluate(t, trial[:p], trial[p:])
        trial_cost = float(w @ trial_residual**2)
        if trial_cost <= cost:
            moved = float(np.max(np.abs(trial - x)[free] * scale, initial=0.0))
            small = moved <= 1e-12 * np.sqrt(float(w @ y**2)) or moved <= 1e-9 * np.sqrt(cost)
            x, residual, cost = trial, trial_residual, trial_cost
            damping = max(damping * 0.1, 1e-12)
            settled = settled + 1 if small else 0
            if settled == 2:
                break
        else:
            damping *= 10.0
            if damping > 1e8:
                break
    return x[:p], x[p:], cost


def fit_weighted(
    model: Model,
    t: Array,
    y: Array,
    w: Array,
    near: tuple[Array, Array] | None = None,
    starts: int | None = None,
) -> tuple[Array, Array, float]:
    """Weighted least squares.

    Parameters
    ----------
    model
        Decay model.
    t, y, w
        ``(n,)`` scaled times, values, weights ≥ 0.
    near
        Heights and rates to start from instead of searching.
    starts
        Number of starting points that are followed; 1 for models with one rate, else 3.

    Returns
    -------
    linear, theta, cost : ndarray (p,), ndarray (q,), float
    """
    bounds = model.bounds_for(t[w > 0])
    if near is not None:
        return _refine(model, t, y, w, bounds, *near)
    count = starts or (1 if model.n_rates < 2 else 3)
    found = _Search(model, t, y, w, bounds).best(count)
    tried = [_refine(model, t, y, w, bounds, *start) for start in found]
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
    search = _Search(model, t, y, w, bounds)
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
        linear, theta, cost = fit_weighted(model, t, y, w, near)
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
        linear, theta, cost = fit_weighted(model, t, y, w * weights, (linear, theta))
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
    linear, theta, cost = fit_weighted(model, t, y, 1.0 / variance, near)
    freedom = t.size - model.n_linear - model.n_rates
    scale = float(np.sqrt(cost / freedom)) if freedom > 0 else 0.0
    return Solution(model, linear, theta, cost, np.ones(t.size), scale)
