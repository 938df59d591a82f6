"""What speaks against a fit: refusal, and reasons for caution."""

from __future__ import annotations

import dataclasses

import numpy as np
import numpy.typing as npt

from .fitting import Solution, fit_weighted
from .models import MODELS
from .quantities import format_percent
from .result import BleachFit
from .uncertainty import Spread, autocorrelation, widening
from .verdict import Reason, Verdict

__all__ = ["judge", "refusal"]

Array = npt.NDArray[np.float64]

#: Chance at which a decay is told from noise.
_SIGNIFICANT = 1e-4
#: Part of the variation that a decay must make up to be believed whatever the rest looks like.
_DOMINANT = 0.8
#: Outliers in a row that no flash or dropped frame explains.
_NO_CHANCE = 4
#: Degrees of freedom that the known noise of the pixels is worth.
_PRIOR_FREEDOM = 4.0
#: Smallest scatter that is divided by.
_TINY = 1e-150


def refusal(
    solution: Solution, uncertainty: Spread, t: Array, y: Array, variance: Array, known: bool
) -> Reason | None:
    """Reason not to correct at all, or None.

    A decay must lower the sum of squares of a constant by more than chance does (F-test, with
    the scatter of the residuals widened for correlation). Where the noise of the pixels is
    known, the scatter is not believed to be smaller.

    Parameters
    ----------
    solution, uncertainty
        The fit.
    t, y, variance
        ``(n,)`` scaled data.
    known
        Whether the variance is absolute.
    """
    from scipy.special import fdtrc

    w = solution.weights / variance
    mean = float(np.average(y, weights=w))
    mean_error = float(np.sqrt(1.0 / w.sum()))
    start = float(solution.curve(np.zeros(1))[0])
    if mean <= 0 or start <= 0 or (known and mean < 3 * mean_error):
        return Reason(
            "no-signal",
            "refused",
            "The signal region is not brighter than the background; check region, border and"
            " background image.",
        )
    model = solution.model
    flat = fit_weighted(MODELS["none"], t, y, w)[2]
    extra = max(model.n_linear + model.n_rates - 1, 1)
    freedom = float(solution.weights.sum()) - model.n_linear - model.n_rates
    cost = float(w @ (y - solution.curve(t)) ** 2)
    factor = 1.0
    if np.isfinite(uncertainty.variance_factor) and uncertainty.reduced_chi2 > 0:
        factor = uncertainty.variance_factor / uncertainty.reduced_chi2
    if known:
        scatter = (max(cost, freedom) + _PRIOR_FREEDOM) / (freedom + _PRIOR_FREEDOM)
        freedom += _PRIOR_FREEDOM
    else:
        scatter = cost / max(freedom, 1e-9)
    # Rounding is noise as well. Squares of the smallest numbers are 0.
    scatter = factor * max(scatter, 1e-24 * float(w @ y**2), _TINY)
    gained = flat - cost
    if model.name == "none":
        extra, gained = 1, 0.0
    chance = float(fdtrc(extra, max(freedom / factor, 1.0), max(gained, 0.0) / extra / scatter))
    if chance < _SIGNIFICANT:
        return None
    # A decay that makes up most of the variation is corrected even where the rest of it goes
    # together: the verdict warns of that.
    plain = float(fdtrc(extra, max(freedom, 1.0), max(gained, 0.0) / extra / (scatter / factor)))
    if plain < _SIGNIFICANT and gained > _DOMINANT * flat:
        return None
    slope, slope_error = _slope(t, y, w)
    if slope > 4 * slope_error:
        return Reason(
            "rising",
            "refused",
            f"The signal rises by {format_percent(slope / mean)}; it does not bleach and was left"
            " as it is.",
        )
    return Reason(
        "not-bleaching",
        "refused",
        "The signal does not decay by more than its noise; it was left as it is.",
    )


def _slope(t: Array, y: Array, w: Array) -> tuple[float, float]:
    """Change along a straight line over the fitted span, and its standard error.

    The scatter is that about the line: a model that can only fall leaves the whole rise over.
    """
    centre = float(np.average(t, weights=w))
    spread = float(w @ (t - centre) ** 2)
    if spread <= 0 or t.size < 3:
        return 0.0, np.inf
    mean = float(np.average(y, weights=w))
    slope = float(w @ ((t - centre) * y)) / spread
    u = np.sqrt(w) * (y - mean - slope * (t - centre))
    scatter = float(u @ u) / (t.size - 2) * widening(autocorrelation(u), t.size, 2)
    return slope, float(np.sqrt(max(scatter, 1e-24 * float(w @ y**2)) / spread))


def judge(fitted: BleachFit, refused: Reason | None) -> BleachFit:
    """Add the verdict to a fit."""
    reasons = list(fitted.trace.reasons)
    if refused is not None:
        if refused not in reasons:
            reasons.append(refused)
    else:
        reasons += _about_gain(fitted)
        reasons += _about_curve(fitted)
    return dataclasses.replace(fitted, verdict=Verdict(tuple(reasons), _summary(fitted)))


def _summary(fitted: BleachFit) -> str:
    last = int(np.argmax(fitted.trace.times))
    loss = 1 - 1 / float(fitted.gain[last])
    lost = format_percent(loss)
    return f"The correction can be used: {lost} of the signal was lost by the last frame."


def _about_gain(fitted: BleachFit) -> list[Reason]:
    trace, reasons = fitted.trace, []
    n = trace.n_used
    if n < 8:
        reasons.append(
            Reason(
                "too-few-frames",
                "caution",
                f"Only {n} frames were fitted; whether the model holds cannot be checked.",
            )
        )
    if fitted.capped:
        worst = fitted.recipe.max_gain
        reasons.append(
            Reason(
                "gain-capped",
                "caution",
                f"The gain of {len(fitted.capped)} frames, the first of them {fitted.capped[0]},"
                f" was limited to {worst:g}; they stay too dim.",
            )
        )
    error = fitted.gain_stderr / fitted.gain
    worst_frame = int(np.argmax(error))
    if error[worst_frame] > 0.02:
        size = (
            format_percent(error[worst_frame])
            if error[worst_frame] < 10
            else "more than 1000\u202f%"
        )
        reasons.append(
            Reason(
                "uncertain-gain",
                "caution",
                f"The gain of frame {worst_frame} has a standard error of {size}.",
            )
        )
    rates = [p for p in fitted.parameters if p.name == "rate"]
    if rates and rates[0].stderr > 0.5 * rates[0].value:
        serious = fitted.recipe.offset == "background" or error[worst_frame] > 0.02
        reasons.append(
            Reason(
                "short-range",
                "caution" if serious else "info",
                "The recording is too short to tell rate and offset apart; the gain holds inside"
                " the recording only.",
            )
        )
    inside = trace.times[trace.used]
    outside = (trace.times < inside.min()) | (trace.times > inside.max())
    if outside.any():
        reasons.append(
            Reason(
                "extrapolated",
                "info",
                f"The gain of {np.count_nonzero(outside)} frames outside the fit range is"
                " extrapolated.",
            )
        )
    return reasons


def _longest_run(fitted: BleachFit) -> npt.NDArray[np.int64]:
    """Outliers that follow one another in time: the longest series of them."""
    used = np.flatnonzero(fitted.trace.used)
    used = used[np.argsort(fitted.trace.times[used], kind="stable")]
    outlying = np.isin(used, fitted.outliers)
    edges = np.flatnonzero(np.diff(np.concatenate([[0], outlying, [0]])))
    starts, stops = edges[::2], edges[1::2]
    if not starts.size:
        return used[:0]
    longest = int(np.argmax(stops - starts))
    return used[starts[longest] : stops[longest]]


def _about_curve(fitted: BleachFit) -> list[Reason]:
    trace, reasons = fitted.trace, []
    used = trace.used & (fitted.weights > 0.5)
    n = int(np.count_nonzero(used))
    rho = fitted.autocorrelation
    start = abs(float(fitted.curve[used][0])) or 1.0
    size = float(np.sqrt(np.mean(fitted.residuals[used] ** 2))) / start
    if n >= 10 and rho > 3.0 / np.sqrt(n):
        missed = np.sqrt(rho) * size
        reasons.append(
            Reason(
                "structured-residuals",
                "caution" if missed > 0.003 else "info",
                f"Neighbouring residuals go together (correlation {rho:.2f}): the curve misses"
                f" about {format_percent(missed, 2)} of the signal; try another model.",
            )
        )
    in_a_row = _longest_run(fitted)
    if in_a_row.size >= _NO_CHANCE:
        off = float(np.max(np.abs(fitted.residuals[in_a_row]))) / start
        reasons.append(
            Reason(
                "structured-residuals",
                "caution",
                f"{in_a_row.size} frames in a row, from frame {in_a_row[0]} on, lie off the curve"
                f" by up to {format_percent(off)} of the signal: the curve misses what happens"
                " there; try another model or leave them out.",
            )
        )
    if np.isfinite(fitted.reduced_chi2) and fitted.reduced_chi2 > 4:
        reasons.append(
            Reason(
                "extra-noise",
                "info",
                f"The trace scatters {np.sqrt(fitted.reduced_chi2):.1f} times more than the noise"
                " of its pixels: lamp, focus or sample vary.",
            )
        )
    if fitted.outliers:
        many = len(fitted.outliers) > 0.1 * trace.n_used
        shown = ", ".join(str(i) for i in fitted.outliers[:8])
        more = "" if len(fitted.outliers) <= 8 else f" and {len(fitted.outliers) - 8} more"
        reasons.append(
            Reason(
                "outliers",
                "caution" if many else "info",
                f"Far off the curve and left out of the fit: frames {shown}{more}.",
            )
        )
    return reasons
