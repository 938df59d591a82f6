"""Choice of a decay model by the evidence of the data."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from .fitting import Solution, fit_weighted, solve
from .models import MODELS, Model
from .result import Candidate
from .uncertainty import autocorrelation

__all__ = ["CANDIDATES", "choose"]

Array = npt.NDArray[np.float64]

#: Models that are tried, the simplest first.
CANDIDATES = ("none", "linear", "exponential", "stretched", "biexponential")


#: Preference for one parameter less, beyond what the criteria give.
_SIMPLER = 1.5


def choose(
    t: Array, y: Array, variance_on: Callable[[Array], Array], noise_known: bool, robust: bool
) -> tuple[Solution, Array, tuple[Candidate, ...]]:
    """Fit all candidates and take the one with the best information criterion.

    All candidates are compared on the same frames with the same weights: those of the most
    flexible one, so that a poor model cannot improve itself by calling frames outliers.

    Parameters
    ----------
    t, y, variance_on, noise_known, robust
        See :func:`flimage.fitting.solve`.

    Returns
    -------
    solution, variance, candidates
    """
    models = [MODELS[name] for name in CANDIDATES if _needs(MODELS[name]) <= t.size]
    flexible, variance = solve(models[-1], t, y, variance_on, noise_known, robust)
    weights = flexible.weights
    kept = weights > 0.5
    tried: list[tuple[float, Solution, float]] = []
    whitened = np.sqrt(weights / variance)
    n_all = _size(models[-1])
    rho = autocorrelation((whitened * (y - flexible.curve(t)))[kept])
    n = int(np.count_nonzero(kept))
    rho = min(max(rho + n_all / n, 0.0), 0.95)
    if n < 8 or rho < 2.0 / np.sqrt(n):
        rho = 0.0
    for model in models:
        linear, theta, cost = fit_weighted(model, t, y, weights / variance)
        solution = Solution(model, linear, theta, cost, weights, flexible.scale)
        u = (whitened * (y - solution.curve(t)))[kept]
        # Residuals that go together are turned into independent ones before they are counted.
        innovations = np.concatenate([u[:1] * np.sqrt(1 - rho**2), u[1:] - rho * u[:-1]])
        # Differences below the rounding of the data are none.
        squares = max(float(innovations @ innovations), 1e-26 * float(((whitened * y) ** 2).sum()))
        tried.append((criterion(squares, n, _size(model)), solution, squares))
    best = min(value for value, _, _ in tried)
    shares = np.exp([-0.5 * (value - best) for value, _, _ in tried])
    shares /= shares.sum()
    candidates = tuple(
        Candidate(
            s.model.name,
            value - best,
            float(share),
            squares / (n - _size(s.model)) if noise_known else float("nan"),
        )
        for (value, s, squares), share in zip(tried, shares, strict=True)
    )
    chosen = min(tried, key=lambda item: item[0])[1]
    solution, variance = solve(chosen.model, t, y, variance_on, noise_known, robust)
    return solution, variance, tuple(sorted(candidates, key=lambda c: c.criterion))


def _size(model: Model) -> int:
    return model.n_linear + model.n_rates


def _needs(model: Model) -> int:
    """Fewest frames with which a model can compete."""
    return max(4, _size(model) + 3) if _size(model) > 2 else 4


def criterion(squares: float, n: int, parameters: int) -> float:
    """Information criterion for residuals of unknown variance.

    The greater penalty of Bayes' (Schwarz 1978) and the small-sample Akaike criterion (Hurvich
    and Tsai 1989) counts: the first for long recordings, the second for short ones. Each
    parameter costs 1.5 more: a person is better served by the simpler of two models that are
    about as likely.

    Parameters
    ----------
    squares
        Sum of squared whitened residuals.
    n, parameters
        Number of frames, and of parameters of the model.
    """
    k = parameters + 1
    bayes = k * np.log(n)
    akaike = 2 * k + (2 * k * (k + 1) / (n - k - 1) if n > k + 1 else np.inf)
    return float(n * np.log(squares / n) + max(bayes, akaike) + _SIMPLER * k)
