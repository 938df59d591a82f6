"""Least squares of a decay model from a starting point: heights and rates.

The heights of a model enter linearly and are known as soon as the rates are (variable projection,
Golub and Pereyra 1973), so that only the rates are searched. That matters where two components are
about as good as one: heights and rates then hang together so closely that a search over all of them
creeps along a canyon for hundreds of steps, and a search over the rates takes a dozen.
"""

from __future__ import annotations

from itertools import combinations
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from .models import Model

__all__ = ["heights", "refine"]

Array = npt.NDArray[np.float64]

#: Steps, at most. A dozen is usual.
_MOST_STEPS = 100
#: A search ends where no rate is further from the best one than this part of its standard error.
_CLOSE = 1e-6
#: Three steps that gain less than this part of the variance of a frame end it as well.
_IDLE = 1e-7
#: Longest step, as a logarithm of a rate: starting points are about half of it apart, so that a
#: longer one leads away from the one that was chosen.
_LONGEST = 1.0
#: What is lost in sums of squares by rounding.
_ROUNDING = 1e-12


class _Projected(NamedTuple):
    """The best heights for given rates.

    Parameters
    ----------
    linear
        Heights ``(p,)``, at or above 0.
    basis
        Orthonormal columns ``(n, a)`` that span the weighted shapes whose height is above 0.
    residual
        Weighted residuals ``(n,)``.
    cost
        Their sum of squares.
    """

    linear: Array
    basis: Array
    residual: Array
    cost: float


def refine(
    model: Model, t: Array, y: Array, w: Array, bounds: Array, theta: Array
) -> tuple[Array, Array, float]:
    """Find the least weighted sum of squares near a starting point.

    Steps are those of Levenberg and Marquardt, with Kaufman's derivatives of the projected
    residuals (1975).

    Parameters
    ----------
    model
        Decay model.
    t, y, w
        ``(n,)`` scaled times, values, weights ≥ 0.
    bounds
        ``(q, 2)`` smallest and largest values of the rates.
    theta
        ``(q,)`` where to start.

    Returns
    -------
    linear, theta, cost : ndarray (p,), ndarray (q,), float
        Heights are at or above 0.
    """
    root = np.sqrt(w)
    target = root * y
    theta = np.clip(theta, bounds[:, 0], bounds[:, 1])
    now = _project(model, t, root, target, theta)
    least = _ROUNDING**2 * float(target @ target)
    freedom = max(np.count_nonzero(w) - model.n_linear - model.n_rates, 1)
    damping, growth, idle = 1e-3, 2.0, 0
    for _ in range(_MOST_STEPS if theta.size else 0):
        change = np.einsum("p,qpn->qn", now.linear, model.slopes(t, theta)) * root
        change -= (change @ now.basis) @ now.basis.T
        gradient, curvature = change @ now.residual, change @ change.T
        diagonal = np.diag(curvature)
        free = diagonal > 0
        free &= ~((theta <= bounds[:, 0]) & (gradient <= 0))
        free &= ~((theta >= bounds[:, 1]) & (gradient >= 0))
        if not free.any():
            break
        scale = np.sqrt(diagonal[free])
        slope = gradient[free] / scale
        normal = curvature[np.ix_(free, free)] / (scale[:, None] * scale)
        # How far the best rates are, in standard errors: by this the sum of squares would fall.
        fall = float(slope @ _solve(normal, slope, 1e-14))
        if fall <= max(_CLOSE**2 * now.cost / freedom, least):
            break
        step = np.zeros(theta.size)
        step[free] = _solve(normal, slope, damping) / scale
        step /= max(1.0, float(np.abs(step).max()) / _LONGEST)
        trial = np.clip(theta + step, bounds[:, 0], bounds[:, 1])
        tried = _project(model, t, root, target, trial)
        moved = trial - theta
        expected = float(2 * gradient @ moved - moved @ curvature @ moved)
        if tried.cost <= now.cost * (1 + _ROUNDING) + least:
            # The sum of squares falls by less than expected where it is curved more strongly than
            # the derivatives tell: without shorter steps, the search would go to and fro.
            kept = (now.cost - tried.cost) / expected if expected > 0 else 1.0
            damping = max(damping * max(0.1, 1.0 - (2.0 * min(kept, 1.0) - 1.0) ** 3), 1e-12)
            # Where two rates are the same, the derivatives promise what there is not.
            idle = idle + 1 if now.cost - tried.cost <= _IDLE * now.cost / freedom else 0
            theta, now, growth = trial, tried, 2.0
        else:
            damping *= growth
            growth *= 2.0
        if damping > 1e8 or idle == 3:
            break
    residual = y - model.evaluate(t, now.linear, theta)
    return now.linear, theta, float(w @ residual**2)


def _solve(matrix: Array, right: Array, damping: float) -> Array:
    """Solve a system whose diagonal is 1, to which `damping` is added."""
    found = np.linalg.solve(matrix + damping * np.eye(len(right)), right)
    return found.astype(np.float64, copy=False)


def _project(model: Model, t: Array, root: Array, target: Array, theta: Array) -> _Projected:
    """Find the heights that belong to rates."""
    weighted = model.shapes(t, theta) * root
    basis, corner = np.linalg.qr(weighted.T)
    linear = _heights_of(corner, basis.T @ target)
    if linear is None:
        # A height would be below 0, or two shapes are the same: fewer of them do as well.
        chosen = heights((weighted @ weighted.T)[None], (weighted @ target)[None])[0][0]
        kept = chosen > 0
        basis, corner = np.linalg.qr(weighted[kept].T)
        found = _heights_of(corner, basis.T @ target)
        linear = np.zeros(len(weighted))
        linear[kept] = chosen[kept] if found is None else found
    residual = target - basis @ (basis.T @ target)
    return _Projected(linear, basis, residual, float(residual @ residual))


def _heights_of(corner: Array, right: Array) -> Array | None:
    """Solve a triangular system; None where it has no solution at or above 0."""
    try:
        found = np.linalg.solve(corner, right)
    except np.linalg.LinAlgError:
        return None
    return found.astype(np.float64, copy=False) if bool((found >= 0).all()) else None


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
