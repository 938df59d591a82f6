"""Which pixels are signal: drawn regions, and the cells that are found in an image.

Images are arrays of shape ``(y, x)``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from .errors import InputError
from .smoothing import dilate, gaussian

if TYPE_CHECKING:
    from .recipe import Recipe, Region

__all__ = [
    "LARGEST_MOVE",
    "border_exclusion",
    "found_signal",
    "region_mask",
    "signal_moved",
    "signal_region",
    "without_saturated",
]

Mask = npt.NDArray[np.bool_]
Array = npt.NDArray[np.float64]

#: A pixel is signal when it lies this many standard deviations above the background.
_THRESHOLD = 5.0
#: Pixels that are smoothed at once, and rows around them that count.
_BAND_PIXELS, _REACH = 2**17, 8
#: Pixels of an image that tell level and noise of the background, at most.
_LEVEL_PIXELS = 2**20
#: Light of a cell reaches this many pixels beyond its visible edge.
_HALO = 3
#: Fewest signal pixels, and smallest part of the frame that must be background.
_MIN_SIGNAL = 9
_MIN_BACKGROUND = 0.05
#: Part of a region that must be left without its saturated pixels.
_KEPT = 0.5
#: Part of a region from which saturated pixels count as its bright end, not as odd ones.
_MANY_SATURATED = 0.01
#: Part of the signal that may lie outside the automatic region early or late in a recording.
LARGEST_MOVE = 0.1


def region_mask(region: Region, shape: tuple[int, int]) -> Mask:
    """Pixels of a drawn region.

    Parameters
    ----------
    region
        Any kind except ``"auto"``. A pixel belongs to it when its centre
        ``(column + 0.5, row + 0.5)`` lies inside; parts outside the image are ignored.
    shape
        Image shape ``(y, x)``.

    Returns
    -------
    ndarray of bool, shape (y, x)

    Raises
    ------
    flimage.errors.InputError
        When the region holds no pixel of the image.
    """
    x = np.arange(shape[1]) + 0.5
    y = np.arange(shape[0])[:, None] + 0.5
    mask: Mask
    if region.kind == "frame":
        mask = np.ones(shape, dtype=bool)
    elif region.kind in ("rectangle", "ellipse"):
        (xa, ya), (xb, yb) = region.points
        x0, x1, y0, y1 = min(xa, xb), max(xa, xb), min(ya, yb), max(ya, yb)
        if region.kind == "rectangle":
            mask = (x >= x0) & (x < x1) & (y >= y0) & (y < y1)
        elif x1 > x0 and y1 > y0:
            mask = ((2 * x - x0 - x1) / (x1 - x0)) ** 2 + ((2 * y - y0 - y1) / (y1 - y0)) ** 2 <= 1
        else:
            mask = np.zeros(shape, dtype=bool)
    elif region.kind == "polygon":
        # Even-odd rule: count the edges that a ray to the left of each pixel centre crosses.
        mask = np.zeros(shape, dtype=bool)
        vertices = region.points
        for (xa, ya), (xb, yb) in zip(vertices, vertices[1:] + vertices[:1], strict=True):
            if ya == yb:
                continue
            spans = (y >= min(ya, yb)) & (y < max(ya, yb))
            mask ^= spans & (x >= xa + (y - ya) * ((xb - xa) / (yb - ya)))
    elif region.kind == "mask":
        flat = np.zeros(shape[0] * shape[1], dtype=bool)
        for start, length in region.runs:
            if start + length > flat.size:
                raise InputError(
                    f"The mask names pixel {start + length - 1}, but the image of {shape[1]} ×"
                    f" {shape[0]} px ends at {flat.size - 1}; draw the mask on an image of this"
                    " size."
                )
            flat[start : start + length] = True
        mask = flat.reshape(shape)
    else:
        raise InputError("An automatic region is found from an image: use signal_region().")
    if not mask.any():
        raise InputError(
            f"The {region.kind} holds no pixel of the image of {shape[1]} × {shape[0]} px; draw it"
            " inside the image."
        )
    return mask


def _median_of_nine(image: Array) -> Array:
    """Median of each pixel and its eight neighbours; the edge is repeated beyond itself.

    Each column of three is sorted once for all three medians that it is part of: the median of
    nine is the median of the largest low, the median middle and the smallest high value (Devillard
    1998). A quarter of the time of a general rank filter.
    """
    padded = np.pad(image, 1, mode="edge")
    above, here, below = padded[:-2], padded[1:-1], padded[2:]
    low, high = np.minimum(above, here), np.maximum(above, here)
    middle = np.minimum(high, below)
    high = np.maximum(high, below)
    low, middle = np.minimum(low, middle), np.maximum(low, middle)
    left, centre, right = np.s_[:, :-2], np.s_[:, 1:-1], np.s_[:, 2:]
    lows = np.maximum(np.maximum(low[left], low[centre]), low[right])
    highs = np.minimum(np.minimum(high[left], high[centre]), high[right])
    return _median_of_three(
        lows, _median_of_three(middle[left], middle[centre], middle[right]), highs
    )


def _median_of_three(a: Array, b: Array, c: Array) -> Array:
    median: Array = np.maximum(np.minimum(a, b), np.minimum(np.maximum(a, b), c))
    return median


def _smooth(image: npt.NDArray[np.floating], finite: Mask) -> Array:
    """Remove hot pixels and pixel noise; gaps are bridged from their surroundings.

    Bands of rows are smoothed one after the other, each with as many rows around it as the
    filters reach: the same values in a fraction of the memory.
    """
    gaps = not finite.all()
    level = float(np.median(image[finite])) if gaps else 0.0
    rows = len(image)
    band = max(_BAND_PIXELS // image.shape[1], _REACH)
    smooth = np.empty(image.shape)
    for start in range(0, rows, band):
        stop = min(start + band, rows)
        first, last = max(start - _REACH, 0), min(stop + _REACH, rows)
        # An image in single precision is not doubled as a whole.
        rows_around = np.asarray(image[first:last], dtype=np.float64)
        part = _smooth_band(rows_around, finite[first:last] if gaps else None, level)
        smooth[start:stop] = part[start - first : stop - first]
    return smooth


def _smooth_band(image: Array, finite: Mask | None, level: float) -> Array:
    if finite is None:
        return gaussian(_median_of_nine(image), 1.0)
    filled = _median_of_nine(np.where(finite, image, level))
    weight = gaussian(finite.astype(float), 1.0)
    blurred = gaussian(np.where(finite, filled, 0.0), 1.0)
    smooth: Array = np.where(weight > 1e-3, blurred / np.maximum(weight, 1e-3), filled)
    return smooth


def _half_sample_mode(values: Array) -> float:
    """Densest value of a sample (Robertson and Cryer 1974): robust to any tail."""
    part = np.sort(values)
    while part.size > 3:
        half = (part.size + 1) // 2
        widths = part[half - 1 :] - part[: part.size - half + 1]
        narrowest = np.flatnonzero(widths == widths.min())
        start = int(narrowest[narrowest.size // 2])
        part = part[start : start + half]
    return float(part.mean())


def found_signal(mean_image: npt.ArrayLike) -> Mask:
    """Pixels that stand out of the background.

    Parameters
    ----------
    mean_image
        Time-averaged image ``(y, x)``.

    Returns
    -------
    ndarray of bool, shape (y, x)
        All False where no signal can be told from background.
    """
    image = np.asarray(mean_image, dtype=float)
    found = _signal_and_level(image)[0]
    return np.zeros(image.shape, dtype=bool) if found is None else found


def _signal_and_level(mean_image: npt.NDArray[np.floating]) -> tuple[Mask | None, float]:
    """Pixels that stand out of the background, and the level of the background."""
    finite = np.isfinite(mean_image)
    if np.count_nonzero(finite) < 4 * _MIN_SIGNAL:
        return None, np.nan
    smooth = _smooth(mean_image, finite)
    values = smooth.ravel() if finite.all() else smooth[finite]
    # Neighbours are much alike after smoothing: of a large image, some say as much as all.
    sample = values[:: -(-values.size // _LEVEL_PIXELS)]
    level = _half_sample_mode(sample)
    below = level - sample[sample <= level]
    if not below.size:
        # Rounding can put the mean of equal numbers below all of them.
        below = np.zeros(1)
    # 1.4826 turns the median deviation into a standard deviation for normal noise. The floor
    # keeps the outermost tails of a noise-free simulation out.
    sigma = max(1.4826 * float(np.median(below)), 1e-3 * (float(values.max()) - level))
    signal = finite & (smooth > level + _THRESHOLD * sigma)
    count = np.count_nonzero(signal)
    if count < _MIN_SIGNAL or values.size - count < _MIN_BACKGROUND * values.size:
        return None, level
    return signal, level


def signal_region(mean_image: npt.ArrayLike, recipe: Recipe, found: Mask | None = None) -> Mask:
    """Pixels over which the trace is summed.

    The automatic region holds the pixels of the lightly smoothed time average that lie more than
    five standard deviations above the background. The level of the background is the mode of
    the pixel values and its noise is taken from the pixels below the mode, so that neither
    depends on the border setting. Where no background can be told from signal, the region is the
    whole frame; so it is in a scan where the signal moves, see :func:`signal_moved`.

    Parameters
    ----------
    mean_image
        Time-averaged image ``(y, x)``; pixels that never had a value are NaN and never in the
        region.
    recipe
        Its `region` says which kind of region is wanted.
    found
        What :func:`found_signal` finds, where that is known already.

    Returns
    -------
    ndarray of bool, shape (y, x)

    Raises
    ------
    flimage.errors.InputError
        When a drawn region holds no pixel with a value, or there is no finite pixel at all.
    """
    image = np.asarray(mean_image, dtype=float)
    finite = np.isfinite(image)
    if not finite.any():
        raise InputError(
            "The recording holds no finite pixel; check that it was read from the right file."
        )
    if recipe.region.kind == "auto":
        found = found_signal(image) if found is None else found
        return found if found.any() else finite
    mask: Mask = region_mask(recipe.region, (image.shape[0], image.shape[1])) & finite
    if not mask.any():
        raise InputError("The signal region holds only missing pixels; draw it elsewhere.")
    return mask


def without_saturated(region: Mask, saturated: Mask, mean_image: npt.ArrayLike) -> tuple[Mask, int]:
    """Leave saturated pixels out of a signal region.

    A saturated pixel hides part of the decay. Whether a pixel saturates also depends on its noise,
    so that those which just do not would be dim by choice; therefore all pixels that are as bright
    on average are left out with them.

    Parameters
    ----------
    region
        ``(y, x)`` signal region.
    saturated
        ``(y, x)`` pixels that are saturated in any frame.
    mean_image
        ``(y, x)`` time average.

    Returns
    -------
    kept : ndarray of bool, shape (y, x)
        `region` itself where the other pixels would be too few.
    left_out : int
        Number of pixels that were left out.
    """
    inside = region & saturated
    count, size = int(np.count_nonzero(inside)), int(np.count_nonzero(region))
    if not count:
        return region, 0
    mean = np.asarray(mean_image, dtype=float)
    choices = [region & ~saturated]
    if count > _MANY_SATURATED * size:
        choices.insert(0, choices[0] & ~(mean >= np.percentile(mean[inside], 5)))
    for kept in choices:
        left = int(np.count_nonzero(kept))
        if left >= max(_KEPT * size, _MIN_SIGNAL):
            return kept, size - left
    return region, 0


def signal_moved(region: Mask, early: npt.ArrayLike, late: npt.ArrayLike) -> float:
    """Tell how much signal lies outside a region at the ends of a recording.

    Signal that only bleaches stays where it is, so what is found in a part of the recording lies
    where it is found in the average over all of it. Cells that move, or dissolve their contents
    into a larger volume, take signal out of the region, which looks like bleaching.

    Parameters
    ----------
    region
        ``(y, x)`` automatic signal region.
    early, late
        ``(y, x)`` averages over the first and the last quarter of the recording.

    Returns
    -------
    float
        Larger of the two parts, from 0 to 1, of the light above the background that the pixels
        found in `early` or `late` hold outside `region`.
    """
    largest = 0.0
    for image in (np.asarray(early), np.asarray(late)):
        found, level = _signal_and_level(image)
        if found is None:
            continue
        # What was found has a value.
        everything = float((image[found].astype(np.float64) - level).sum())
        if everything > 0:
            outside = image[found & ~region].astype(np.float64) - level
            largest = max(largest, float(outside.sum()) / everything)
    return min(largest, 1.0)


def border_exclusion(mean_image: npt.ArrayLike, found: Mask | None = None) -> Mask:
    """Pixels that are too close to cells to count as background.

    Parameters
    ----------
    mean_image
        Time-averaged image ``(y, x)``.
    found
        What :func:`found_signal` finds in it, where that is known already.

    Returns
    -------
    ndarray of bool, shape (y, x)
        The automatic signal region and the pixels around it that its stray light reaches; all
        False where no signal can be told from background.
    """
    found = found_signal(mean_image) if found is None else found
    return dilate(found, _HALO) if found.any() else found
