"""Standard errors and 95 % confidence intervals of parameters, half-life and gain.

Errors are propagated linearly from the covariance of the fit, on a logarithmic scale for what is
positive by nature (rates, half-life, gain), with quantiles of Student's t. The residuals
themselves set the scale of the covariance; it is widened when neighbouring residuals go together.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from .fitting import Solution, covariance
from .models import Model
from .result import Parameter

__all__ = [
    "Gains",
    "Spread",
    "autocorrelation",
    "gain_interval",
    "gains_of",
    "half_life",
    "parameters_of",
    "spread",
]

Array = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Spread:
    """How uncertain a solution is.

    Parameters
    ----------
    covariance
        ``(p + q, p + q)`` of heights and log rates, in scaled units.
    quantile
        Half width of a 95 % interval in standard errors.
    variance_factor
        Variance of the residuals in units of the expected one, after widening.
    reduced_chi2
        The same before widening.
    autocorrelation
        Correlation of neighbouring residuals.
    freedom
        Degrees of freedom.
    """

    covariance: Array
    quantile: float
    variance_factor: float
    reduced_chi2: float
    autocorrelation: float
    freedom: float


def autocorrelation(u: Array) -> float:
    """Correlation of neighbouring values of a series with mean near 0; 0 for fewer than five."""
    power = float(u @ u)
    if u.size < 5 or power == 0:
        return 0.0
    return float(u[:-1] @ u[1:]) / power


def widening(rho: float, n: int, n_parameters: int) -> float:
    """Factor by which correlated residuals widen the variance of fitted parameters.

    A first-order autoregressive process widens it by (1 + r) / (1 - r). The fit itself makes
    neighbouring residuals differ (r ≈ -parameters / n), which is taken back; what lies
    within the scatter of r is not corrected.
    """
    if n < 8:
        return 1.0
    corrected = rho + n_parameters / n
    if corrected < 2.0 / np.sqrt(n):
        return 1.0
    corrected = min(corrected, 0.95)
    return (1 + corrected) / (1 - corrected)


def spread(solution: Solution, t: Array, y: Array, variance: Array) -> Spread:
    """Uncertainty of a solution from its residuals.

    Parameters
    ----------
    solution
        Best parameters with robust weights.
    t, y, variance
        ``(n,)`` scaled data in order of time, as they were fitted.
    """
    from scipy.special import stdtrit

    weights = solution.weights
    n_parameters = solution.model.n_linear + solution.model.n_rates
    u = np.sqrt(weights / variance) * (y - solution.curve(t))
    freedom = float(weights.sum()) - n_parameters
    rho = autocorrelation(u[weights > 0.5])
    if freedom < 0.5:
        empty = np.full((n_parameters, n_parameters), np.inf)
        return Spread(empty, np.inf, np.inf, np.nan, rho, 0.0)
    chi2 = float(u @ u) / freedom
    factor = widening(rho, int(np.count_nonzero(weights > 0.5)), n_parameters)
    matrix = covariance(solution, t, weights / variance)
    # What the data do not determine stays so, also where the residuals are exactly 0.
    finite = np.isfinite(matrix)
    matrix[finite] *= chi2 * factor
    quantile = float(stdtrit(max(freedom / factor, 1.0), 0.975))
    return Spread(matrix, quantile, chi2 * factor, chi2, rho, freedom)


def parameters_of(
    solution: Solution,
    spread: Spread,
    height: float,
    span: float,
    time_unit: str,
    intervals: Sequence[tuple[float, float]] | None = None,
) -> tuple[Parameter, ...]:
    """Parameters in the units of the recording.

    Parameters
    ----------
    solution, spread
        Scaled solution and its uncertainty.
    height, span
        One scaled unit of intensity and of time.
    time_unit
        ``"s"`` or ``"exposure"``.
    intervals
        Better 95 % intervals than those from the covariance, in scaled units.
    """
    model = solution.model
    errors = np.sqrt(np.diag(spread.covariance))
    found = []
    for index, (name, symbol, kind) in enumerate(model.parameters):
        error = float(errors[index])
        if kind == "signal":
            value = float(solution.linear[index]) * height
            error *= height
            half = spread.quantile * error if np.isfinite(error) else np.inf
            low, high, unit = max(value - half, 0.0), value + half, "counts"
            factor = height
        else:
            value = float(np.exp(solution.theta[index - model.n_linear]))
            unit, factor = "", 1.0
            if kind == "rate":
                value, unit, factor = value / span, f"1/{time_unit}", 1.0 / span
            with np.errstate(over="ignore"):
                widest = np.exp(min(spread.quantile * error, 700.0)) if error < np.inf else np.inf
            low, high = value / widest, value * widest
            error *= value
        if intervals is not None:
            low, high = (end * factor for end in intervals[index])
        found.append(Parameter(name, symbol, value, error, float(low), float(high), unit))
    return tuple(found)


def _bleachable(model: Model, linear: Array) -> Array:
    """Heights of the part that decays to nothing."""
    heights = np.array(linear)
    if model.n_rates:
        heights[0] = 0.0
    return heights


def half_life(
    solution: Solution,
    spread: Spread,
    span: float,
    time_unit: str,
    rate: tuple[float, float] | None = None,
) -> Parameter | None:
    """Time after which half of what bleaches is gone; of all signal for a straight line.

    None for a model that does not decay. The interval is that of its logarithm, or follows from
    that of the only `rate`, in scaled units.
    """
    model = solution.model
    heights = _bleachable(model, solution.linear)
    zero = np.zeros(1)
    start = float(model.evaluate(zero, heights, solution.theta)[0])
    if model.n_linear < 2 or start <= 0 or not solution.linear[1:].any():
        return None
    low, high = -40.0, 20.0
    for _ in range(200):
        middle = 0.5 * (low + high)
        left = float(model.evaluate(np.array([np.exp(middle)]), heights, solution.theta)[0])
        low, high = (middle, high) if left > 0.5 * start else (low, middle)
    t = np.array([np.exp(0.5 * (low + high))])
    step = 1e-5 * float(t[0])
    slope = float(
        (
            model.evaluate(t + step, heights, solution.theta)
            - model.evaluate(t - step, heights, solution.theta)
        )[0]
    ) / (2 * step)
    at_zero = model.jacobian(zero, heights, solution.theta)
    change = (model.jacobian(t, heights, solution.theta) - 0.5 * at_zero)[0]
    if model.n_rates:
        change[0] = 0.0
    gradient = -change / (slope * float(t[0]))
    error = _deviation(gradient[None], spread.covariance)[0]
    value = float(t[0]) * span
    widest = float(np.exp(min(spread.quantile * error, 700.0)))
    low_end, high_end = value / widest, value * widest
    if rate is not None:
        low_end = np.log(2.0) / rate[1] * span
        high_end = np.log(2.0) / rate[0] * span if rate[0] > 0 else np.inf
    return Parameter(
        "half-life", "t½", value, error * value, float(low_end), float(high_end), time_unit
    )


def _deviation(gradient: Array, matrix: Array) -> Array:
    """Propagate a covariance to each row of `gradient`; unused parameters may be infinite."""
    used = np.abs(gradient).max(axis=0) > 0
    part = matrix[np.ix_(used, used)]
    if not np.isfinite(part).all():
        return np.full(len(gradient), np.inf)
    variance = np.einsum("ni,ij,nj->n", gradient[:, used], part, gradient[:, used])
    deviation: Array = np.sqrt(np.maximum(variance, 0.0))
    return deviation


@dataclass(frozen=True, eq=False)
class Gains:
    """Gain of each frame, ``(n,)`` each, before the cap.

    Parameters
    ----------
    gain
        Factor; infinite where the model falls to zero.
    log_error
        Standard error of its logarithm.
    log_level_error
        Part of it that comes from the level of the background.
    """

    gain: Array
    log_error: Array
    log_level_error: Array


def gain_interval(
    gains: Gains, quantile: float, profile: tuple[Array, Array] | None
) -> tuple[Array, Array]:
    """95 % interval ``(low, high)`` of the gain of each frame, ``(n,)`` each.

    Parameters
    ----------
    gains
        Gains and their standard errors.
    quantile
        Half width of a 95 % interval in standard errors.
    profile
        Better ends than those from the standard errors, without the level of the background.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        if profile is None:
            below = above = np.nan_to_num(quantile * gains.log_error)
        else:
            level = quantile * gains.log_level_error
            below = np.hypot(np.nan_to_num(np.log(gains.gain / profile[0])), level)
            above = np.hypot(np.nan_to_num(np.log(profile[1] / gains.gain)), level)
        return gains.gain * np.exp(-np.minimum(below, 500.0)), gains.gain * np.exp(
            np.minimum(above, 500.0)
        )


def gains_of(
    solution: Solution, spread: Spread, t: Array, subtract_offset: bool, level_error: float
) -> Gains:
    """Gain ``f(0) / f(t)`` and its uncertainty.

    Parameters
    ----------
    solution, spread
        Scaled solution and its uncertainty.
    t
        ``(n,)`` scaled times of all frames.
    subtract_offset
        Leave the constant part out of `f`.
    level_error
        Standard error of a constant that may be missing from the whole trace, in scaled units.
    """
    model = solution.model
    heights = _bleachable(model, solution.linear) if subtract_offset else solution.linear
    value = model.evaluate(t, heights, solution.theta)
    jacobian = model.jacobian(t, heights, solution.theta)
    start = float(model.evaluate(np.zeros(1), heights, solution.theta)[0])
    at_start = model.jacobian(np.zeros(1), heights, solution.theta)
    if subtract_offset and model.n_rates:
        jacobian[:, 0] = at_start[:, 0] = 0.0
    positive = value > 0
    safe = np.where(positive, value, 1.0)
    gain = np.where(positive, start / safe, np.inf)
    change = at_start / start - jacobian / safe[:, None]
    log_error = _deviation(change, spread.covariance)
    level = np.zeros(t.size)
    if level_error and not subtract_offset:
        level = level_error * np.abs(1 / start - 1 / safe)
    log_error = np.where(positive, np.hypot(log_error, level), np.inf)
    return Gains(gain, log_error, np.where(positive, level, np.inf))
