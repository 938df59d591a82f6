"""From the summaries of frames to the intensity trace that a decay is fitted to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from .background import background_image, find_background
from .errors import TimesError, TooFewFramesError
from .observations import FEW_SATURATED, background_reasons, pixel_reasons
from .verdict import Reason

if TYPE_CHECKING:
    from .noise import PixelNoise
    from .recipe import Recipe
    from .scan import SeriesScan

__all__ = ["Trace", "fitted_frames", "make_trace"]

Array = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]

#: Time between the first frame and the last [s], at most; more cannot be computed with.
_LONGEST = 1e305
#: Fewest frames that a decay can be fitted to.
_FEWEST = 4
#: Frames without saturated pixels from which the others can do without.
_FEWEST_UNSATURATED = 8


@dataclass(frozen=True, eq=False)
class Trace:
    """Background-corrected intensity of the signal region in each frame.

    ``intensity[i] = Σ_{p in region} (image_i(p) - background_i(p))``, signed.

    Parameters
    ----------
    times
        ``(n,)`` acquisition times [s], or numbers of exposures; see `time_unit`.
    time_unit
        ``"s"`` or ``"exposure"``.
    intensity
        ``(n,)`` summed signal [units of the image]; NaN where a frame has no usable pixel.
    variance
        ``(n,)`` variance of `intensity` that the noise of the pixels causes; NaN where the
        noise is not known.
    background
        ``(n,)`` level that was subtracted from each pixel, for a plane its mean over the image.
    background_slope
        ``(n, 2)`` slope of the level per pixel in x and y, or None when it is flat.
    background_error
        Standard error of the level that all frames share; 0 for levels per frame.
    region_pixels
        Number of pixels of the signal region.
    used
        ``(n,)`` frames that take part in the fit.
    shape
        Image shape ``(y, x)``.
    noise
        Noise of a pixel, or None.
    reasons
        What was noticed about times, background and pixels.
    """

    times: Array
    time_unit: str
    intensity: Array
    variance: Array
    background: Array
    background_slope: Array | None
    background_error: float
    region_pixels: int
    used: Mask
    shape: tuple[int, int]
    noise: PixelNoise | None
    reasons: tuple[Reason, ...] = ()

    @property
    def n_used(self) -> int:
        """Number of frames in the fit."""
        return int(np.count_nonzero(self.used))

    def background_of(self, index: int) -> float | Array:
        """Return the background of a frame: a level, or for a plane an image ``(y, x)``."""
        slope = None if self.background_slope is None else self.background_slope[index]
        return background_image(float(self.background[index]), slope, self.shape)


def _times(scan: SeriesScan, recipe: Recipe) -> tuple[Array, str, list[Reason]]:
    """Position of each frame on the chosen time axis."""
    n = scan.n_frames
    times = np.array(scan.times, dtype=float)
    if recipe.interval is not None:
        times = np.arange(n) * float(recipe.interval)
    if recipe.time_axis == "exposure":
        # Frames without times were taken in the order in which they are stored.
        known = np.where(np.isfinite(times), times, np.inf)
        order = np.argsort(known, kind="stable") if np.isfinite(times).all() else np.arange(n)
        exposures = np.empty(n)
        exposures[order] = np.arange(n)
        return exposures, "exposure", []
    missing = np.flatnonzero(~np.isfinite(times))
    if missing.size:
        which = f"frame {missing[0]}" if missing.size == 1 else f"{missing.size} frames"
        value = float(times[missing[0]])
        first = "" if missing.size == 1 else f", the first is frame {missing[0]}"
        problem = "no acquisition time" if np.isnan(value) else f"the time {value}"
        raise TimesError(
            f"{which[0].upper()}{which[1:]} of {n} {'has' if missing.size == 1 else 'have'}"
            f" {problem}{first}; state the time between frames as the interval."
        )
    reasons = []
    steps = np.diff(times)
    if (steps < 0).any():
        reasons.append(
            Reason(
                "times-not-monotonic",
                "caution",
                f"Out of order: {np.count_nonzero(steps < 0)} of {n} frames are earlier than the"
                " frame before them; they were sorted by time for the fit.",
            )
        )
        steps = np.diff(np.sort(times))
    middle = float(np.median(steps)) if steps.size else 0.0
    if middle > 0 and float(np.max(np.abs(steps - middle))) > 0.2 * middle:
        reasons.append(
            Reason(
                "times-irregular",
                "info",
                f"The time between frames varies from {steps.min():.4g} to {steps.max():.4g} s;"
                " the fit uses the real times.",
            )
        )
    return times, "s", reasons


def make_trace(scan: SeriesScan, recipe: Recipe) -> Trace:
    """Intensity trace of a recording.

    Parameters
    ----------
    scan
        Summaries of the frames, see :func:`flimage.scan.scan_series`.
    recipe
        Uses all settings of background, region, times and of the frames in the fit.

    Returns
    -------
    Trace

    Raises
    ------
    flimage.errors.BorderError
        When the border covers the image.
    flimage.errors.TimesError
        When a frame has no finite time and the recipe no interval, or when all fitted frames
        have the same time.
    flimage.errors.TooFewFramesError
        When fewer than four frames are left for the fit.
    flimage.errors.InputError
        When the background cannot be measured.
    """
    n = scan.n_frames
    if n < _FEWEST:
        raise TooFewFramesError(
            f"The recording has {n} frame{'' if n == 1 else 's'}; a decay needs at least {_FEWEST}."
        )
    times, unit, reasons = _times(scan, recipe)
    wanted = fitted_frames(n, recipe)
    background = find_background(scan, recipe, wanted)
    rows, columns = np.nonzero(scan.region)
    pixels = int(rows.size)
    level = background.level
    height, width = scan.shape
    centred = background.at(
        float(columns.mean()) - (width - 1) / 2, float(rows.mean()) - (height - 1) / 2
    )
    count = np.asarray(scan.region_count)
    intensity, complete = _intensity(scan, centred, pixels, wanted)
    saturated = _hidden_by_saturation(scan, wanted, pixels)
    used = wanted & np.isfinite(intensity) & ~saturated
    if np.count_nonzero(used) < _FEWEST:
        raise TooFewFramesError(
            f"{np.count_nonzero(used)} of {n} frames are left for the fit; a decay needs at least"
            f" {_FEWEST}: widen the fit range or exclude fewer frames."
        )
    with np.errstate(over="ignore"):
        span = float(np.ptp(times[used]))
    if span > _LONGEST:
        raise TimesError(
            f"The times of the frames are {span:g} s apart, which no recording is; state the time"
            " between frames as the interval."
        )
    if not span > 0:
        raise TimesError(
            f"All fitted frames have the same time, {times[used][0]:g} {unit}; state the time"
            " between frames as the interval."
        )
    noise = scan.noise
    if noise is None:
        variance = np.full(n, np.nan)
    else:
        scaled_up = pixels / np.maximum(count, 1)
        variance = noise.variance_of_sum(scan.region_sum, count) * scaled_up**2
    error = 0.0
    if noise is not None and background.pixels.any():
        per_pixel = noise.variance_of_sum(np.nan_to_num(background.per_frame), np.ones(n))
        of_level = per_pixel / np.maximum(background.pixels, 1)
        if recipe.background == "frame":
            variance = variance + pixels**2 * of_level
        else:
            error = float(np.sqrt(of_level[wanted].mean() / np.count_nonzero(wanted)))
    reasons += background_reasons(scan, recipe, background, times, intensity, wanted, pixels)
    reasons += pixel_reasons(scan, wanted, complete, pixels, saturated)
    return Trace(
        times=times,
        time_unit=unit,
        intensity=intensity,
        variance=variance,
        background=level,
        background_slope=background.slope,
        background_error=error,
        region_pixels=pixels,
        used=used,
        shape=scan.shape,
        noise=noise,
        reasons=tuple(reasons),
    )


def fitted_frames(n: int, recipe: Recipe) -> Mask:
    """Frames inside the fit range that are not excluded.

    Parameters
    ----------
    n
        Number of frames.
    recipe
        Uses `first`, `last` and `exclude`.

    Returns
    -------
    ndarray
        ``(n,)``, of which one at least is true.

    Raises
    ------
    flimage.errors.TooFewFramesError
        When none is left.
    """
    wanted = np.zeros(n, dtype=bool)
    last = n - 1 if recipe.last is None else recipe.last
    wanted[(recipe.first or 0) : last + 1] = True
    wanted[[i for i in recipe.exclude if i < n]] = False
    if not wanted.any():
        raise TooFewFramesError(
            f"No frame of the {n} is left for the fit; widen the fit range or exclude fewer frames."
        )
    return wanted


def _intensity(scan: SeriesScan, level: Array, pixels: int, wanted: Mask) -> tuple[Array, Mask]:
    """Trace, scaled up where pixels are missing, and frames in which none is."""
    count = np.asarray(scan.region_count)
    sums = scan.region_sum - count * level
    complete = count == pixels
    if complete.all():
        return np.asarray(sums, dtype=float), complete
    present = count / pixels
    if scan.region_missing is not None:
        # What is missing counts as much as it does in the time average: a bright pixel more.
        average = float(level[wanted].mean())
        whole = float(scan.mean_image[scan.region].sum()) - pixels * average
        lost = scan.region_missing - (pixels - count) * average
        if whole > 0:
            present = 1.0 - lost / whole
    intensity = np.full(sums.shape, np.nan)
    np.divide(sums, present, out=intensity, where=(count > 0) & (present > 0.1))
    return intensity, complete


def _hidden_by_saturation(scan: SeriesScan, wanted: Mask, pixels: int) -> Mask:
    """Frames that saturated pixels of the region make too dim, where the others suffice.

    Most pixels of the region saturate at some time, or they would have been left out of it.
    """
    none = np.zeros(scan.n_frames, dtype=bool)
    if scan.saturated is None or scan.left_out:
        return none
    if np.count_nonzero(scan.saturated & scan.region) <= FEW_SATURATED * pixels:
        return none
    hidden: Mask = wanted & (np.asarray(scan.n_saturated) > FEW_SATURATED * pixels)
    left, enough = np.count_nonzero(wanted & ~hidden), np.count_nonzero(wanted) / 3
    return hidden if left >= max(_FEWEST_UNSATURATED, enough) else none
