"""Choice of a decay model by the evidence of the data."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from .fitting import Solution, solve
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

    Each frame that a candidate calls an outlier counts as a parameter of it, so that a poor model
    cannot improve itself by leaving frames out, and a rich one not by following a flash.

    Parameters
    ----------
    t, y, variance_on, noise_known, robust
        See :func:`flimage.fitting.solve`.

    Returns
    -------
    solution, variance, candidates
    """
    tried = [
        _Tried(*solve(MODELS[name], t, y, variance_on, noise_known, robust), t, y)
        for name in CANDIDATES
        if _needs(MODELS[name]) <= t.size
    ]
    rho = min(tried, key=lambda one: one.criterion(0.0)).correlation()
    tried.sort(key=lambda one: one.criterion(rho))
    best = tried[0].criterion(rho)
    shares = np.exp([-0.5 * (one.criterion(rho) - best) for one in tried])
    shares /= shares.sum()
    candidates = tuple(
        Candidate(
            one.solution.model.name,
            one.criterion(rho) - best,
            float(share),
            one.squares(0.0) / max(one.kept.sum() - _size(one.solution.model), 1)
            if noise_known
            else float("nan"),
        )
        for one, share in zip(tried, shares, strict=True)
    )
    return tried[0].solution, tried[0].variance, candidates


class _Tried:
    """A fitted candidate and its whitened residuals."""

    def __init__(self, solution: Solution, variance: Array, t: Array, y: Array) -> None:
        self.solution = solution
        self.variance = variance
        self.kept = solution.weights > 0.5
        root = np.sqrt(solution.weights / variance)
        self._residuals = (root * (y - solution.curve(t)))[self.kept]
        # Differences below the rounding of the data are none.
        self._rounding = max(1e-26 * float(((root * y) ** 2).sum()), 1e-300)
        self._log_variance = float(np.log(variance).sum())

    def correlation(self) -> float:
        """Correlation of neighbouring residuals as far as it is significant."""
        n = self._residuals.size
        rho = autocorrelation(self._residuals) + _size(self.solution.model) / n
        return min(rho, 0.95) if n >= 8 and rho > 2.0 / np.sqrt(n) else 0.0

    def squares(self, rho: float) -> float:
        """Sum of squared residuals after their correlation is taken out."""
        u = self._residuals
        if rho:
            u = np.concatenate([u[:1] * np.sqrt(1 - rho**2), u[1:] - rho * u[:-1]])
        return max(float(u @ u), self._rounding)

    def criterion(self, rho: float) -> float:
        """Information criterion; a frame that is left out costs a parameter and its choice."""
        outliers = int(np.count_nonzero(~self.kept))
        n = self.kept.size
        value = criterion(self.squares(rho), n, _size(self.solution.model) + outliers)
        return self._log_variance + value + 2 * outliers * float(np.log(n))


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
