"""Photobleaching: trace, fit, gain and verdict.

>>> scan = flimage.scan.scan_series(source, recipe)          # doctest: +SKIP
>>> fit = flimage.bleach.fit(scan, recipe)                   # doctest: +SKIP
>>> corrected = (image - fit.background_of(i)) * fit.gain[i] # doctest: +SKIP

Everything here is a pure function of its arguments.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from .advice import advised
from .errors import InputError, TooFewFramesError
from .events import EventPreservation, event_preservation
from .fitting import Solution, fit_weighted, solve
from .models import MODELS, Model, get_model
from .profile import profile
from .quietly import quietly
from .result import BleachFit, Candidate, Parameter
from .trace import Trace, make_trace
from .uncertainty import Gains, gain_interval, gains_of, half_life, parameters_of, spread
from .verdict import REASON_CODES, Reason, Verdict

if TYPE_CHECKING:
    from .recipe import Recipe
    from .scan import SeriesScan

__all__ = [
    "REASON_CODES",
    "BleachFit",
    "Candidate",
    "EventPreservation",
    "Parameter",
    "Reason",
    "Trace",
    "Verdict",
    "advised",
    "event_preservation",
    "fit",
    "fit_trace",
    "make_trace",
    "match_histogram",
]

Array = npt.NDArray[np.float64]


@quietly
def fit(scan: SeriesScan, recipe: Recipe) -> BleachFit:
    """Fit the decay of a recording.

    Parameters
    ----------
    scan
        Summaries of the frames, see :func:`flimage.scan.scan_series`.
    recipe
        All settings.

    Returns
    -------
    BleachFit

    Raises
    ------
    flimage.errors.InputError
        One of its subclasses, see :func:`make_trace` and :func:`fit_trace`.
    """
    return fit_trace(advised(scan, make_trace(scan, recipe), recipe), recipe)


@dataclass(frozen=True, eq=False)
class _Scaled:
    """Fitted frames in order of time, with times from 0 to 1 and intensities around 1."""

    frames: npt.NDArray[np.int64]
    t: Array
    y: Array
    variance: Array
    noise_known: bool
    start: float
    span: float
    height: float
    shot: float

    @classmethod
    def of(cls, trace: Trace) -> _Scaled:
        frames = np.flatnonzero(trace.used)
        frames = frames[np.argsort(trace.times[frames], kind="stable")]
        times, values = trace.times[frames], trace.intensity[frames]
        start, span = float(times[0]), float(times[-1] - times[0])
        height = float(np.max(np.abs(values))) or 1.0
        variance = trace.variance[frames] / height / height
        known = bool(np.isfinite(variance).all() and (variance > 0).all())
        # Below the rounding of the sums, differences between variances mean nothing.
        variance = np.maximum(variance, 1e-22) if known else np.ones(frames.size)
        shot = trace.noise.gain / height if known and trace.noise is not None else 0.0
        return cls(
            frames,
            (times - start) / span,
            values / height,
            variance,
            known,
            start,
            span,
            height,
            shot,
        )

    def variance_on(self, curve: Array) -> Array:
        """Variance for the fitted instead of the measured intensity, which is itself noisy."""
        return np.maximum(self.variance + self.shot * (curve - self.y), 0.1 * self.variance)


@quietly
def fit_trace(trace: Trace, recipe: Recipe) -> BleachFit:
    """Fit the decay of a trace.

    Parameters
    ----------
    trace
        Intensities of the frames.
    recipe
        Uses `model`, `offset`, `robust` and `max_gain`.

    Returns
    -------
    BleachFit
        With gain 1 and a verdict that says why when nothing bleaches.

    Raises
    ------
    flimage.errors.TooFewFramesError
        When the model has as many parameters as there are frames.
    """
    if not get_model_or_auto(recipe.model).quantitative:
        return _measured_gain(trace, recipe)
    data = _Scaled.of(trace)
    evidence: tuple[Candidate, ...] = ()
    if recipe.model == "auto":
        from .selection import choose

        solution, variance, evidence = choose(
            data.t, data.y, data.variance_on, data.noise_known, recipe.robust
        )
    else:
        model = get_model(recipe.model)
        needed = model.n_linear + model.n_rates + 1
        if data.t.size < needed:
            raise TooFewFramesError(
                f"The model '{model.title}' needs at least {needed} frames, but {data.t.size} are"
                " in the fit; use a simpler model."
            )
        solution, variance = solve(
            model, data.t, data.y, data.variance_on, data.noise_known, recipe.robust
        )
    from .assess import judge, refusal

    uncertainty = spread(solution, data.t, data.y, variance)
    refused = next((r for r in trace.reasons if r.severity == "refused"), None) or refusal(
        solution, uncertainty, data.t, data.y, variance, data.noise_known
    )
    if refused is not None:
        level = MODELS["none"]
        linear, theta, cost = fit_weighted(level, data.t, data.y, solution.weights / variance)
        solution = Solution(level, linear, theta, cost, solution.weights, solution.scale)
        uncertainty = spread(solution, data.t, data.y, variance)
    all_t = (trace.times - data.start) / data.span
    subtract = recipe.offset == "background" and solution.model.n_rates > 0 and refused is None
    level_error = trace.background_error * trace.region_pixels / data.height
    if refused is not None or solution.model.name == "none":
        gains = Gains(np.ones(all_t.size), *np.zeros((2, all_t.size)))
    else:
        gains = gains_of(solution, uncertainty, all_t, subtract, level_error)
    capped = tuple(int(i) for i in np.flatnonzero(gains.gain > recipe.max_gain))
    gain = np.minimum(gains.gain, recipe.max_gain)
    curve = solution.curve(all_t) * data.height
    weights = np.zeros(all_t.size)
    weights[data.frames] = solution.weights
    noise = np.sqrt(trace.variance)
    expected = np.interp(all_t, data.t, np.sqrt(variance)) * data.height
    scale = np.sqrt(uncertainty.reduced_chi2)
    noise = expected * (scale if np.isfinite(scale) else 1.0)
    outliers = tuple(sorted(int(i) for i in data.frames[solution.weights < 0.02]))
    intervals = found = None
    if solution.model.name == "exponential":
        found = profile(solution, uncertainty, data.t, data.y, variance)
        if found is not None:
            intervals = (found.offset, found.amplitude, found.rate)
    gain_low, gain_high = gain_interval(
        gains, uncertainty.quantile, found.gain_range(all_t, subtract) if found else None
    )
    fitted = BleachFit(
        model=solution.model.name,
        parameters=parameters_of(
            solution, uncertainty, data.height, data.span, trace.time_unit, intervals
        ),
        trace=trace,
        curve=curve,
        gain=gain,
        gain_stderr=gain * np.minimum(gains.log_error, 1e300),
        gain_low=np.minimum(gain_low, gain),
        gain_high=np.maximum(gain_high, gain),
        residuals=trace.intensity - curve,
        weights=weights,
        noise=noise,
        r_squared=_r_squared(solution, data.y, variance, data.t),
        reduced_chi2=uncertainty.reduced_chi2 if data.noise_known else float("nan"),
        autocorrelation=uncertainty.autocorrelation,
        outliers=outliers,
        capped=capped,
        residual_background=(
            float(solution.linear[0]) * data.height / trace.region_pixels if subtract else 0.0
        ),
        half_life=half_life(
            solution, uncertainty, data.span, trace.time_unit, intervals[2] if intervals else None
        ),
        evidence=evidence,
        verdict=Verdict(trace.reasons),
        recipe=recipe,
    )
    return judge(fitted, refused)


def get_model_or_auto(name: str) -> Model:
    """Model of a recipe; the richest one stands for ``"auto"``."""
    return get_model("biexponential" if name == "auto" else name)


def _r_squared(solution: Solution, y: Array, variance: Array, t: Array) -> float:
    """Part of the weighted variation that the curve explains."""
    w = solution.weights / variance
    total = float(w @ (y - np.average(y, weights=w)) ** 2)
    if total <= 1e-24 * float(w @ y**2) or solution.model.name == "none":
        return float("nan")
    return 1.0 - float(w @ (y - solution.curve(t)) ** 2) / total


def _measured_gain(trace: Trace, recipe: Recipe) -> BleachFit:
    """Gain of the methods without a model: the measured trace itself."""
    order = np.argsort(trace.times, kind="stable")
    usable = order[np.isfinite(trace.intensity[order])]
    curve = np.empty(trace.intensity.size)
    curve[order] = np.interp(
        np.arange(order.size),
        np.flatnonzero(np.isfinite(trace.intensity[order])),
        trace.intensity[usable],
    )
    first = int(np.flatnonzero(trace.used)[np.argmin(trace.times[trace.used])])
    start = float(curve[first])
    noise = np.sqrt(trace.variance)
    reasons = list(trace.reasons)
    model = get_model(recipe.model)
    if start <= 0:
        reasons.append(
            Reason(
                "no-signal",
                "refused",
                "The first frame is not brighter than the background; check region and border.",
            )
        )
        gain = np.ones(curve.size)
    else:
        gain = np.where(curve > 0, start / np.where(curve > 0, curve, 1.0), np.inf)
    capped = tuple(int(i) for i in np.flatnonzero(gain > recipe.max_gain))
    gain = np.minimum(gain, recipe.max_gain)
    error = np.zeros(curve.size)
    if start:
        # A frame without signal has no gain that could be known.
        known = np.where(curve == 0, np.nan, np.abs(curve))
        error = gain * np.hypot(noise / known, noise[first] / abs(start))
    error[first] = 0.0
    reasons.append(
        Reason(
            "not-quantitative",
            "caution",
            f"The method '{model.title}' is for display, not for quantification: it erases real"
            " changes of intensity.",
        )
    )
    if capped:
        reasons.append(
            Reason(
                "gain-capped",
                "caution",
                f"The gain of {len(capped)} frames, the first of them {capped[0]}, was limited to"
                f" {recipe.max_gain:g}; they stay too dim.",
            )
        )
    return BleachFit(
        model=model.name,
        parameters=(),
        trace=trace,
        curve=curve,
        gain=gain,
        gain_stderr=error,
        gain_low=np.maximum(gain - 1.96 * error, 0.0),
        gain_high=gain + 1.96 * error,
        residuals=trace.intensity - curve,
        weights=trace.used.astype(float),
        noise=noise,
        r_squared=float("nan"),
        reduced_chi2=float("nan"),
        autocorrelation=0.0,
        outliers=(),
        capped=capped,
        residual_background=0.0,
        half_life=None,
        evidence=(),
        verdict=Verdict(tuple(reasons)),
        recipe=recipe,
    )


def match_histogram(image: npt.ArrayLike, reference: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """Give an image the distribution of pixel values of another one.

    The k-th darkest pixel gets the value of the k-th darkest pixel of the reference; pixels of
    equal value keep equal values. Not for quantification.

    Parameters
    ----------
    image
        Image ``(y, x)``; NaN pixels stay NaN.
    reference
        Image whose distribution is wanted; its NaN pixels are ignored.

    Returns
    -------
    ndarray of float64, shape (y, x)

    Raises
    ------
    flimage.errors.InputError
        When the reference has no finite pixel.
    """
    values = np.array(image, dtype=float)
    wanted = np.asarray(reference, dtype=float)
    wanted = np.sort(wanted[np.isfinite(wanted)])
    finite = np.isfinite(values)
    if not wanted.size:
        raise InputError("The reference image for histogram matching has no finite pixel.")
    if finite.any():
        _, inverse, counts = np.unique(values[finite], return_inverse=True, return_counts=True)
        middle = (np.cumsum(counts) - 0.5 * counts) / counts.sum()
        ranks = (np.arange(wanted.size) + 0.5) / wanted.size
        values[finite] = np.interp(middle, ranks, wanted)[inverse]
    return values
