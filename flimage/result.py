"""What a fit hands back: parameters with intervals, gains, residuals, verdict."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from .recipe import Recipe
    from .trace import Trace
    from .verdict import Verdict

__all__ = ["BleachFit", "Candidate", "Parameter", "per_pixel"]

Array = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Parameter:
    """A fitted number with its uncertainty.

    Parameters
    ----------
    name, symbol
        As in :mod:`flimage.models`.
    value
        Best value.
    stderr
        Standard error; infinite where the data do not determine the parameter.
    low, high
        Ends of the 95 % confidence interval.
    unit
        ``"counts"`` (units of the image, summed over the signal region), ``"1/s"``, ``"s"``,
        ``"1/exposure"``, ``"exposure"`` or ``""``.
    """

    name: str
    symbol: str
    value: float
    stderr: float
    low: float
    high: float
    unit: str


def per_pixel(parameter: Mapping[str, Any], region_pixels: int) -> dict[str, Any]:
    """Write a parameter as people read it: intensities as means over the signal region.

    The fit itself is one of sums; means compare with the values of the images and with plots.

    Parameters
    ----------
    parameter
        Fields of a :class:`Parameter`, as in :meth:`BleachFit.to_dict`; None is not finite.
    region_pixels
        Number of pixels in the signal region.

    Returns
    -------
    dict
        The same fields. Those in ``"counts"`` are divided by `region_pixels` and in
        ``"counts/px"``; the others are as they were.
    """
    if parameter.get("unit") != "counts":
        return dict(parameter)
    numbers = {
        name: None if parameter.get(name) is None else parameter[name] / max(region_pixels, 1)
        for name in ("value", "stderr", "low", "high")
    }
    return {**parameter, **numbers, "unit": "counts/px"}


@dataclass(frozen=True)
class Candidate:
    """Evidence for one model in an automatic choice.

    Parameters
    ----------
    model
        Name of the model.
    criterion
        Information criterion relative to that of the best model; 0 for the best.
    weight
        Share of the evidence, 0 to 1; all candidates add up to 1.
    reduced_chi2
        Sum of squared whitened residuals per degree of freedom.
    """

    model: str
    criterion: float
    weight: float
    reduced_chi2: float


@dataclass(frozen=True, eq=False)
class BleachFit:
    """Result of a fit, for all `n` frames in the order of the recording.

    Parameters
    ----------
    model
        Name of the model that the gain comes from; ``"none"`` when the correction was refused.
    parameters
        Its parameters.
    trace
        The trace that was fitted.
    curve
        ``(n,)`` fitted intensity [units of the trace].
    gain
        ``(n,)`` factor for each frame, 1 at the first fitted frame; exactly 1 everywhere when the
        correction was refused.
    gain_stderr, gain_low, gain_high
        ``(n,)`` standard error and 95 % confidence interval of the gain.
    residuals
        ``(n,)`` trace minus curve.
    weights
        ``(n,)`` robust weights, 0 to 1; 0 for frames outside the fit.
    noise
        ``(n,)`` standard deviation of a single value of the trace, as it was used for the
        weights.
    r_squared
        Coefficient of determination over the fitted frames (weighted); NaN for a constant.
    reduced_chi2
        Weighted sum of squares per degree of freedom in units of the pixel noise; NaN when that
        is unknown. About 1 when the pixels' noise explains all residuals.
    autocorrelation
        Correlation of neighbouring residuals.
    outliers
        Frames that were left out as outliers.
    capped
        Frames whose gain was limited to `recipe.max_gain`.
    residual_background
        Level per pixel that is subtracted in addition when the offset is residual background.
    half_life
        Time after which half of what bleaches is gone, or None.
    evidence
        All candidates of an automatic choice, the best first.
    verdict
        Whether to believe it.
    recipe
        All settings.
    """

    model: str
    parameters: tuple[Parameter, ...]
    trace: Trace
    curve: Array
    gain: Array
    gain_stderr: Array
    gain_low: Array
    gain_high: Array
    residuals: Array
    weights: Array
    noise: Array
    r_squared: float
    reduced_chi2: float
    autocorrelation: float
    outliers: tuple[int, ...]
    capped: tuple[int, ...]
    residual_background: float
    half_life: Parameter | None
    evidence: tuple[Candidate, ...]
    verdict: Verdict
    recipe: Recipe

    def parameter(self, name: str) -> Parameter:
        """Look a parameter up by name.

        Raises
        ------
        KeyError
            When the model has no such parameter.
        """
        for parameter in self.parameters:
            if parameter.name == name:
                return parameter
        names = ", ".join(repr(p.name) for p in self.parameters)
        raise KeyError(f"The model {self.model} has no parameter {name!r}; it has {names}.")

    @property
    def sigma_gain(self) -> Array:
        """Noise of the corrected trace ``(n,)``: standard deviation times gain."""
        return self.noise * self.gain

    def background_of(self, index: int) -> float | Array:
        """Return what is subtracted from a frame: a level, or for a plane an image ``(y, x)``."""
        return self.trace.background_of(index) + self.residual_background

    def to_dict(self) -> dict[str, Any]:
        """Return everything but the scan as plain values for JSON; what is not finite is None."""
        trace = self.trace
        return {
            "model": self.model,
            "parameters": [_plain(dataclasses.asdict(p)) for p in self.parameters],
            "half_life": None
            if self.half_life is None
            else _plain(dataclasses.asdict(self.half_life)),
            "r_squared": _plain(self.r_squared),
            "reduced_chi2": _plain(self.reduced_chi2),
            "autocorrelation": _plain(self.autocorrelation),
            "outliers": list(self.outliers),
            "capped": list(self.capped),
            "residual_background": self.residual_background,
            "evidence": [_plain(dataclasses.asdict(c)) for c in self.evidence],
            "verdict": {
                "grade": self.verdict.grade,
                "sentence": self.verdict.sentence,
                "reasons": [dataclasses.asdict(r) for r in self.verdict.reasons],
            },
            "region_pixels": trace.region_pixels,
            "time_unit": trace.time_unit,
            "times": _plain(trace.times),
            "intensity": _plain(trace.intensity),
            "background": _plain(trace.background),
            "used": [bool(v) for v in trace.used],
            "curve": _plain(self.curve),
            "gain": _plain(self.gain),
            "gain_low": _plain(self.gain_low),
            "gain_high": _plain(self.gain_high),
            "residuals": _plain(self.residuals),
            "noise": _plain(self.noise),
            "recipe": self.recipe.to_dict(),
        }


def _plain(value: Any) -> Any:
    """Turn arrays into lists and what is not finite into None."""
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, np.ndarray):
        return [_plain(item) for item in value.tolist()]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
