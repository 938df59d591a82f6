"""Decay models: formula, derivatives, where a fit starts, and what the parameters are called.

A model is a sum of shapes, ``f(t) = Σ_j a_j φ_j(t; θ)``. The heights ``a_j ≥ 0`` enter linearly and
are solved for; only the rates ``θ`` have to be searched (variable projection, Golub and Pereyra
1973). Time is scaled: ``t = 0`` at the first fitted frame and ``t = 1`` at the last, so that rates
are pure numbers and nothing depends on the unit of time. Rates are kept as logarithms.

Signals (F, c, A, …) are results in counts summed over the signal region, rates k in 1/s or
1/exposure, b is a number. Below, u = k t. Every fit tries all starts of a grid that is even in
log k, from 10⁻³ to 10⁴ per fitted span, with nine rates per decade, or fewer where there are two
dimensions; the heights that belong to a start are computed, so none has to be guessed. The
derivatives are by the heights, then by log k, and by log b for b.

``none`` : ``f(t) = F``
    No bleaching. Nothing to start from. Derivative: 1.
    The null hypothesis of every other model.
``linear`` : ``f(t) = c + A (1 - t/T), T: fitted span``
    The first order of every decay whose range is short. Nothing to start from.
    Derivatives: 1, 1 - t/T.
``exponential`` : ``f(t) = c + A exp(-k t)``
    First-order photolysis under constant light, beside signal that does not bleach.
    Starts: 64 rates. Derivatives: 1, exp(-u), -A u exp(-u).
    D. Axelrod et al., Biophys. J. 16, 1055 (1976).
``biexponential`` : ``f(t) = c + A1 exp(-k1 t) + A2 exp(-k2 t), k1 > k2``
    Two populations, or light that falls off with depth.
    Starts: pairs of rates at least a factor 1.6 apart; the three best are followed.
    Derivatives: 1, exp(-u1), exp(-u2), -A1 u1 exp(-u1), -A2 u2 exp(-u2).
    L. Song et al., Biophys. J. 68, 2588 (1995).
``stretched`` : ``f(t) = c + A exp(-(k t)^b), 0.2 <= b <= 1``
    A continuous spread of rates.
    Starts: rates combined with b of 0.3, 0.45, 0.6, 0.8 and 0.95; the three best are followed.
    Derivatives, with v = u^b: 1, exp(-v), -A b v exp(-v), -A b v log(u) exp(-v).
    D. C. Johnston, Phys. Rev. B 74, 184430 (2006).
``ratio`` : ``gain(t) = F(0) / F(t), with the measured trace itself``
    Not for quantification: every change of the mean intensity is erased, real ones included.
    K. Miura, F1000Research 9, 1494 (2020).
``histogram`` : each frame gets the distribution of pixel values of the first frame
    Not for quantification: intensities are replaced, real changes are erased.
    K. Miura, F1000Research 9, 1494 (2020).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from .errors import InputError

__all__ = ["MODELS", "Kind", "Model", "get_model"]

Array = npt.NDArray[np.float64]

#: "signal": in units of the trace; "rate": one over time; "number": no unit.
Kind = Literal["signal", "rate", "number"]

#: Slowest and fastest rate of a fit, per fitted span. Below, a decay is a straight line; above,
#: it is over before the second of 5000 frames.
_SLOWEST, _FASTEST = 1e-3, 1e4
_PER_DECADE = 9


@dataclass(frozen=True)
class Model:
    """A decay model.

    Parameters
    ----------
    name
        How a recipe calls it.
    title
        How a person calls it.
    formula
        The equation, in the symbols of `parameters`.
    reference
        Where it comes from.
    parameters
        ``(name, symbol, kind)`` of each parameter: first the linear ones in the order of the
        shapes, then the others.
    shapes
        ``shapes(t, theta)`` with `t` of shape ``(n,)`` and `theta` of shape ``(q,)`` returns the
        shapes, ``(p, n)``.
    slopes
        ``slopes(t, theta)`` returns their derivatives with respect to `theta`, ``(q, p, n)``.
    library_shapes
        ``library_shapes(t)`` returns every shape ``(l, n)`` that the search starts from; they are
        evaluated once and combined by `picks`.
    picks
        ``(g, p)`` rows of the library that make up each starting point.
    starts
        ``(g, q)`` rates of each starting point.
    bounds
        ``(q, 2)`` smallest and largest values of `theta`; see also `quickest`.
    quickest
        ``(q,)`` largest value of a rate times the time between the first frames (infinite for
        what is not a rate). A component that is over before the second frame rests on one frame
        only, and that may be a flash.
    quantitative
        False for methods that change relative intensities inside a frame or erase real changes.
    """

    name: str
    title: str
    formula: str
    reference: str
    parameters: tuple[tuple[str, str, Kind], ...]
    shapes: Callable[[Array, Array], Array]
    slopes: Callable[[Array, Array], Array]
    library_shapes: Callable[[Array], Array]
    picks: npt.NDArray[np.int64]
    starts: Array
    bounds: Array
    quickest: tuple[float, ...] = ()
    quantitative: bool = True

    @property
    def n_linear(self) -> int:
        """Number of linear parameters."""
        return len(self.parameters) - self.n_rates

    @property
    def n_rates(self) -> int:
        """Number of parameters that have to be searched."""
        return int(self.starts.shape[1])

    def bounds_for(self, t: Array) -> Array:
        """Bounds ``(q, 2)`` of `theta` for frames with weight at the sorted scaled times `t`."""
        bounds = np.array(self.bounds)
        if self.n_rates and t.size > 1:
            # Where the first frames have no weight, what happened in them is only guessed.
            step = max(float(np.median(np.diff(t[:4]))), float(t[0]), 1e-12)
            bounds[:, 1] = np.minimum(bounds[:, 1], np.log(self.quickest) - np.log(step))
            bounds[:, 1] = np.maximum(bounds[:, 1], bounds[:, 0] + 1e-6)
        return bounds

    def evaluate(self, t: npt.ArrayLike, linear: npt.ArrayLike, theta: npt.ArrayLike) -> Array:
        """Value of the model at the scaled times `t`."""
        times = np.asarray(t, dtype=float)
        value: Array = np.asarray(linear) @ self.shapes(times, np.asarray(theta, dtype=float))
        return value

    def jacobian(self, t: npt.ArrayLike, linear: npt.ArrayLike, theta: npt.ArrayLike) -> Array:
        """Return the derivatives ``(n, p + q)`` by the linear parameters and `theta`."""
        times, rates = np.asarray(t, dtype=float), np.asarray(theta, dtype=float)
        linear_part = self.shapes(times, rates)
        columns = [linear_part]
        if self.n_rates:
            columns.append(np.einsum("p,qpn->qn", np.asarray(linear), self.slopes(times, rates)))
        derivatives: Array = np.concatenate(columns).T
        return derivatives


def rate_grid() -> Array:
    """Logarithms of rates from which a search starts, evenly spaced."""
    decades = np.log10(_FASTEST / _SLOWEST)
    count = int(decades * _PER_DECADE) + 1
    grid: Array = np.linspace(np.log(_SLOWEST), np.log(_FASTEST), count)
    return grid


_RATE_BOUND = (float(np.log(_SLOWEST)), float(np.log(_FASTEST)))


def _decay(t: Array, log_rate: float) -> tuple[Array, Array]:
    """``exp(-k t)`` and its derivative with respect to ``log k``.

    Frames before the fit range have negative times; the exponent is limited so that a fast rate
    stays finite there.
    """
    exponent = np.minimum(-np.exp(log_rate) * t, 300.0)
    value = np.exp(exponent)
    return value, value * exponent


def _constant_shapes(t: Array, theta: Array) -> Array:
    return np.ones((1, t.size))


def _no_slopes(t: Array, theta: Array) -> Array:
    return np.zeros((0, 1, t.size))


def _linear_shapes(t: Array, theta: Array) -> Array:
    return np.stack([np.ones(t.size), 1.0 - t])


def _exponential_shapes(t: Array, theta: Array) -> Array:
    return np.stack([np.ones(t.size), _decay(t, theta[0])[0]])


def _exponential_slopes(t: Array, theta: Array) -> Array:
    return np.stack([np.zeros(t.size), _decay(t, theta[0])[1]])[None]


def _biexponential_shapes(t: Array, theta: Array) -> Array:
    return np.stack([np.ones(t.size), _decay(t, theta[0])[0], _decay(t, theta[1])[0]])


def _biexponential_slopes(t: Array, theta: Array) -> Array:
    slopes = np.zeros((2, 3, t.size))
    slopes[0, 1] = _decay(t, theta[0])[1]
    slopes[1, 2] = _decay(t, theta[1])[1]
    return slopes


def _stretched(t: Array, theta: Array) -> tuple[Array, Array, Array]:
    """``exp(-(k t)^b)``, continued as an odd power before t = 0, ``(k t)^b`` and ``log(k |t|)``."""
    log_time = theta[0] + np.log(np.maximum(np.abs(t), 1e-300))
    power = np.sign(t) * np.exp(np.minimum(np.exp(theta[1]) * log_time, 700.0))
    return np.exp(np.minimum(-power, 300.0)), power, log_time


def _stretched_shapes(t: Array, theta: Array) -> Array:
    return np.stack([np.ones(t.size), _stretched(t, theta)[0]])


def _stretched_slopes(t: Array, theta: Array) -> Array:
    value, power, log_time = _stretched(t, theta)
    slopes = np.zeros((2, 2, t.size))
    change = -np.minimum(value * power, 1e300) * np.exp(theta[1])
    slopes[0, 1] = change
    slopes[1, 1] = change * log_time
    return slopes


def _exponential_library(t: Array) -> Array:
    return np.concatenate([np.ones((1, t.size)), np.exp(-np.exp(_GRID)[:, None] * t)])


def _stretched_library(t: Array) -> Array:
    # All powers of one rate share their logarithm, so one outer product makes them all.
    log_time = np.log(np.maximum(t, 1e-300))[None] + _STRETCHED[:, :1]
    powers = np.exp(np.minimum(np.exp(_STRETCHED[:, 1:]) * log_time, 700.0))
    return np.concatenate([np.ones((1, t.size)), np.exp(-np.minimum(powers, 700.0))])


_GRID = rate_grid()
_SINGLE = np.column_stack([np.zeros(_GRID.size, dtype=int), np.arange(_GRID.size) + 1])

# Pairs of a fast and a slow rate, at least a factor 1.6 apart.
_FAST, _SLOW = (
    index.ravel()[(np.subtract.outer(_GRID[::2], _GRID[::2]) > np.log(1.6)).ravel()] * 2
    for index in np.indices((_GRID[::2].size,) * 2)
)
_DOUBLE = np.column_stack([np.zeros(_FAST.size, dtype=int), _FAST + 1, _SLOW + 1])
_DOUBLE_STARTS = np.column_stack([_GRID[_FAST], _GRID[_SLOW]])

_STRETCHED = np.column_stack(
    [
        values.ravel()
        for values in np.meshgrid(_GRID[::2], np.log([0.3, 0.45, 0.6, 0.8, 0.95]), indexing="ij")
    ]
)
_STRETCHED_PICKS = np.column_stack(
    [np.zeros(len(_STRETCHED), dtype=int), np.arange(len(_STRETCHED)) + 1]
)
_ONE = np.array([[0]])
_TWO = np.array([[0, 1]])
_NONE = np.zeros((1, 0), dtype=int)
_NO_RATES = np.zeros((1, 0))
_NO_BOUNDS = np.zeros((0, 2))
_AXELROD = "D. Axelrod et al., Biophys. J. 16, 1055 (1976)."
_LEVEL: tuple[tuple[str, str, Kind], ...] = (("level", "F", "signal"),)

_ALL = (
    Model(
        "none",
        "no bleaching",
        "f(t) = F",
        "The null hypothesis of every other model.",
        _LEVEL,
        _constant_shapes,
        _no_slopes,
        lambda t: np.ones((1, t.size)),
        _ONE,
        _NO_RATES,
        _NO_BOUNDS,
    ),
    Model(
        "linear",
        "linear",
        "f(t) = c + A (1 - t/T), T: fitted span",
        "The first order of every decay whose range is short.",
        (("end level", "c", "signal"), ("loss", "A", "signal")),
        _linear_shapes,
        _no_slopes,
        lambda t: _linear_shapes(t, np.zeros(0)),
        _TWO,
        _NO_RATES,
        _NO_BOUNDS,
    ),
    Model(
        "exponential",
        "exponential + offset",
        "f(t) = c + A exp(-k t)",
        f"First-order photolysis under constant light: {_AXELROD}",
        (("offset", "c", "signal"), ("amplitude", "A", "signal"), ("rate", "k", "rate")),
        _exponential_shapes,
        _exponential_slopes,
        _exponential_library,
        _SINGLE,
        _GRID[:, None],
        np.array([_RATE_BOUND]),
        (3.0,),
    ),
    Model(
        "biexponential",
        "two exponentials + offset",
        "f(t) = c + A1 exp(-k1 t) + A2 exp(-k2 t), k1 > k2",
        "Two populations, or light that falls off with depth: "
        "L. Song et al., Biophys. J. 68, 2588 (1995).",
        (
            ("offset", "c", "signal"),
            ("fast amplitude", "A1", "signal"),
            ("slow amplitude", "A2", "signal"),
            ("fast rate", "k1", "rate"),
            ("slow rate", "k2", "rate"),
        ),
        _biexponential_shapes,
        _biexponential_slopes,
        _exponential_library,
        _DOUBLE,
        _DOUBLE_STARTS,
        np.array([_RATE_BOUND, _RATE_BOUND]),
        (1.6, 1.6),
    ),
    Model(
        "stretched",
        "stretched exponential + offset",
        "f(t) = c + A exp(-(k t)^b), 0.2 <= b <= 1",
        "A continuous spread of rates: D. C. Johnston, Phys. Rev. B 74, 184430 (2006).",
        (
            ("offset", "c", "signal"),
            ("amplitude", "A", "signal"),
            ("rate", "k", "rate"),
            ("stretching exponent", "b", "number"),
        ),
        _stretched_shapes,
        _stretched_slopes,
        _stretched_library,
        _STRETCHED_PICKS,
        _STRETCHED,
        np.array([_RATE_BOUND, (float(np.log(0.2)), 0.0)]),
        (1.6, np.inf),
    ),
    Model(
        "ratio",
        "simple ratio",
        "gain(t) = F(0) / F(t), with the measured trace itself",
        "K. Miura, F1000Research 9, 1494 (2020). Not for quantification: every change of the mean"
        " intensity is erased, real ones included.",
        (),
        lambda t, theta: np.zeros((0, t.size)),
        lambda t, theta: np.zeros((0, 0, t.size)),
        lambda t: np.zeros((0, t.size)),
        _NONE,
        _NO_RATES,
        _NO_BOUNDS,
        quantitative=False,
    ),
    Model(
        "histogram",
        "histogram matching",
        "each frame gets the distribution of pixel values of the first frame",
        "K. Miura, F1000Research 9, 1494 (2020). Not for quantification: intensities are replaced,"
        " real changes are erased.",
        (),
        lambda t, theta: np.zeros((0, t.size)),
        lambda t, theta: np.zeros((0, 0, t.size)),
        lambda t: np.zeros((0, t.size)),
        _NONE,
        _NO_RATES,
        _NO_BOUNDS,
        quantitative=False,
    ),
)

#: All models by name.
MODELS: dict[str, Model] = {model.name: model for model in _ALL}


def get_model(name: str) -> Model:
    """Look a model up by name.

    Raises
    ------
    flimage.errors.InputError
        When there is none of that name.
    """
    try:
        return MODELS[name]
    except KeyError:
        raise InputError(
            f"There is no decay model {name!r}; use one of {', '.join(MODELS)}."
        ) from None
