"""Which pixels are signal, which are background, and how high the background is.

Images are arrays of shape ``(y, x)``; levels are in the units of the image. Nothing here ever
looks at the sign of a pixel: sums are signed, because dropping negative pixels turns noise into
a false offset.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from .errors import BorderError, InputError

if TYPE_CHECKING:
    from .recipe import Recipe, Region
    from .scan import SeriesScan

__all__ = [
    "LARGEST_MOVE",
    "Background",
    "background_levels",
    "border_exclusion",
    "border_mask",
    "check_border",
    "find_background",
    "largest_border",
    "region_mask",
    "signal_moved",
    "signal_region",
    "suitable_border",
]

Mask = npt.NDArray[np.bool_]
Array = npt.NDArray[np.float64]

#: A pixel is signal when it lies this many standard deviations above the background.
_THRESHOLD = 5.0
#: Light of a cell reaches this many pixels beyond its visible edge.
_HALO = 3
#: Fewest signal pixels, and smallest part of the frame that must be background.
_MIN_SIGNAL = 9
_MIN_BACKGROUND = 0.05
#: Part of the signal that may lie outside the automatic region early or late in a recording.
LARGEST_MOVE = 0.1


def border_mask(shape: tuple[int, int], border_px: int) -> Mask:
    """Pixels that are closer than `border_px` to an edge of the image.

    Parameters
    ----------
    shape
        Image shape ``(y, x)``.
    border_px
        Width of the border [px]; 0 gives an empty mask.

    Returns
    -------
    ndarray of bool, shape (y, x)

    Raises
    ------
    flimage.errors.BorderError
        See :func:`check_border`.
    """
    check_border(shape, border_px)
    mask = np.ones(shape, dtype=bool)
    mask[border_px : shape[0] - border_px, border_px : shape[1] - border_px] = False
    return mask


def largest_border(shape: tuple[int, int]) -> int:
    """Widest border [px] that still leaves a pixel of an image of `shape` ``(y, x)``."""
    return max((min(shape) - 1) // 2, 0)


def suitable_border(shape: tuple[int, int]) -> int:
    """Width of the border [px] to start with: 20, less where an image of `shape` is small.

    The window and the command line start with it; the functions of the library always with 20.

    Parameters
    ----------
    shape
        Image shape ``(y, x)``.

    Returns
    -------
    int
        At most a sixth of the shorter side, so that at least four ninths of the image are left;
        0 for an image that has no pixel to spare.
    """
    return min(20, max(1, min(shape) // 6), largest_border(shape))


def check_border(shape: tuple[int, int], border_px: int) -> None:
    """Refuse a border that leaves no image.

    Parameters
    ----------
    shape
        Image shape ``(y, x)``.
    border_px
        Width of the border [px].

    Raises
    ------
    flimage.errors.BorderError
        When the border is negative or covers the image; the largest usable value is named.
    """
    if border_px < 0 or border_px != int(border_px):
        raise BorderError(f"A border of {border_px!r} px is not a width; use 0 for no background.")
    largest = largest_border(shape)
    if border_px > largest:
        remedy = (
            f"use at most {largest} px, or 0 for no background."
            if largest
            else "use 0 for no background."
        )
        raise BorderError(
            f"A border of {border_px} px covers the whole image of {shape[1]} × {shape[0]} px;"
            f" {remedy}"
        )


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


def _smooth(image: Array, finite: Mask) -> Array:
    """Remove hot pixels and pixel noise; gaps are bridged from their surroundings."""
    from scipy import ndimage

    filled = np.where(finite, image, np.median(image[finite]))
    filled = _median_of_nine(filled)
    if finite.all():
        blurred_all: Array = ndimage.gaussian_filter(filled, 1.0, mode="nearest")
        return blurred_all
    weight = ndimage.gaussian_filter(finite.astype(float), 1.0, mode="nearest")
    blurred = ndimage.gaussian_filter(np.where(finite, filled, 0.0), 1.0, mode="nearest")
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


def _found_signal(mean_image: Array) -> Mask | None:
    """Pixels that stand out of the background, or None where the two cannot be told apart."""
    return _signal_and_level(mean_image)[0]


def _signal_and_level(mean_image: Array) -> tuple[Mask | None, float]:
    """Pixels that stand out of the background, and the level of the background."""
    finite = np.isfinite(mean_image)
    if np.count_nonzero(finite) < 4 * _MIN_SIGNAL:
        return None, np.nan
    smooth = _smooth(mean_image, finite)
    values = smooth[finite]
    level = _half_sample_mode(values)
    below = level - values[values <= level]
    # 1.4826 turns the median deviation into a standard deviation for normal noise. The floor
    # keeps the outermost tails of a noise-free simulation out.
    sigma = max(1.4826 * float(np.median(below)), 1e-3 * (float(values.max()) - level))
    signal = finite & (smooth > level + _THRESHOLD * sigma)
    count = np.count_nonzero(signal)
    if count < _MIN_SIGNAL or values.size - count < _MIN_BACKGROUND * values.size:
        return None, level
    return signal, level


def signal_region(mean_image: npt.ArrayLike, recipe: Recipe) -> Mask:
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
        found = _found_signal(image)
        return finite if found is None else found
    mask: Mask = region_mask(recipe.region, (image.shape[0], image.shape[1])) & finite
    if not mask.any():
        raise InputError("The signal region holds only missing pixels; draw it elsewhere.")
    return mask


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
    for image in (np.asarray(early, dtype=float), np.asarray(late, dtype=float)):
        found, level = _signal_and_level(image)
        if found is None:
            continue
        light = np.where(np.isfinite(image), image, 0.0) - level
        everything = float(light[found].sum())
        if everything > 0:
            largest = max(largest, float(light[found & ~region].sum()) / everything)
    return min(largest, 1.0)


def border_exclusion(mean_image: npt.ArrayLike) -> Mask:
    """Pixels that are too close to cells to count as background.

    Parameters
    ----------
    mean_image
        Time-averaged image ``(y, x)``.

    Returns
    -------
    ndarray of bool, shape (y, x)
        The automatic signal region and the pixels around it that its stray light reaches; all
        False where no signal can be told from background.
    """
    from scipy import ndimage

    image = np.asarray(mean_image, dtype=float)
    found = _found_signal(image)
    if found is None:
        return np.zeros(image.shape, dtype=bool)
    grown: Mask = ndimage.binary_dilation(found, iterations=_HALO)
    return grown


@dataclass(frozen=True, eq=False)
class Background:
    """Background of each frame of a series.

    Parameters
    ----------
    level
        ``(n,)`` level that is subtracted, for a plane its value at the image centre.
    slope
        ``(n, 2)`` change of the level per pixel in x and y, or None when it is flat.
    per_frame
        ``(n,)`` level of each frame by itself, also when one level is used for the whole series;
        NaN where no level was measured.
    pixels
        ``(n,)`` number of pixels behind the level of each frame.
    cells
        Part of the border, 0 to 1, that lies in or near automatically found cells.
    left_out
        Whether those pixels were left out.
    """

    level: Array
    slope: Array | None
    per_frame: Array
    pixels: npt.NDArray[np.int64]
    cells: float
    left_out: bool

    def at(self, x: float, y: float) -> Array:
        """Level ``(n,)`` at an offset [px] from the image centre."""
        if self.slope is None:
            return self.level
        level: Array = self.level + self.slope @ np.array([x, y])
        return level


def _fill_gaps(values: Array, what: str) -> Array:
    """Bridge frames without a level by straight lines between their neighbours."""
    known = np.isfinite(values)
    if not known.any():
        raise InputError(
            f"No frame has a finite pixel in {what}; choose another background or border_px=0."
        )
    index = np.arange(values.size)
    return np.interp(index, index[known], values[known])


def _one_level(
    sums: Array, counts: npt.NDArray[np.int64], averaged: Mask, scope: str, what: str
) -> tuple[Array, Array]:
    """Levels to subtract and levels by frame."""
    per_frame = np.full(sums.shape, np.nan)
    np.divide(sums, counts, out=per_frame, where=counts > 0)
    filled = _fill_gaps(per_frame, what)
    if scope == "frame":
        return filled, per_frame
    chosen = averaged & np.isfinite(per_frame)
    if not chosen.any():
        chosen = np.isfinite(per_frame)
    level = float(per_frame[chosen].mean())
    return np.full(sums.shape, level), per_frame


def find_background(scan: SeriesScan, recipe: Recipe, averaged: Mask | None = None) -> Background:
    """Background of each frame as the recipe asks for it.

    Parameters
    ----------
    scan
        Summaries of the frames.
    recipe
        Uses `border_px`, `background`, `background_source` and `background_region`.
    averaged
        ``(n,)`` frames that the level of a series is the mean of; all by default.

    Raises
    ------
    flimage.errors.BorderError
        When the border covers the image.
    flimage.errors.InputError
        When no frame has a finite background pixel.
    """
    n = scan.n_frames
    averaged = np.ones(n, dtype=bool) if averaged is None else averaged
    check_border(scan.shape, recipe.border_px)
    nothing = np.zeros(n, dtype=np.int64)
    if recipe.background_source == "region":
        if scan.background_region_sum is None or scan.background_region_count is None:
            raise InputError(
                "The recording was scanned without the background region; scan it again with this"
                " recipe."
            )
        level, per_frame = _one_level(
            scan.background_region_sum,
            scan.background_region_count,
            averaged,
            recipe.background,
            "the background region",
        )
        return Background(level, None, per_frame, scan.background_region_count, 0.0, False)
    width = recipe.border_px
    if width == 0:
        return Background(np.zeros(n), None, np.zeros(n), nothing, 0.0, False)
    what = f"the border of {width} px"
    all_sum = scan.ring_sum[:, :width].sum(axis=1)
    all_count = scan.ring_count[:, :width].sum(axis=1)
    cell_sum = scan.ring_region_sum[:, :width].sum(axis=1)
    cell_count = scan.ring_region_count[:, :width].sum(axis=1)
    total = max(int(all_count.sum()), 1)
    cells = float(cell_count.sum()) / total
    # "Enough" is a tenth of the border, and enough pixels for a mean.
    enough = (1 - cells) * total >= max(0.1 * total, _MIN_SIGNAL * n)
    left_out = cells > 0 and enough
    if left_out:
        all_sum, all_count = all_sum - cell_sum, all_count - cell_count
    level, per_frame = _one_level(all_sum, all_count, averaged, recipe.background, what)
    if recipe.background_source == "plane":
        return _plane(scan, recipe, averaged, cells)
    level, per_frame = _one_level(all_sum, all_count, averaged, recipe.background, what)
    return Background(level, None, per_frame, all_count, cells, left_out)


def _plane(scan: SeriesScan, recipe: Recipe, averaged: Mask, cells: float) -> Background:
    """Least-squares plane through the border pixels outside cells, for each frame."""
    if scan.ring_moments is None:
        raise InputError(
            "The recording was scanned without what a background plane needs; scan it again."
        )
    width = recipe.border_px
    chosen = border_mask(scan.shape, width) & ~border_exclusion(scan.mean_image)
    rows, columns = np.nonzero(chosen)
    x = columns - (scan.shape[1] - 1) / 2
    y = rows - (scan.shape[0] - 1) / 2
    basis = np.stack([np.ones(x.size), x, y])
    normal = basis @ basis.T
    if x.size < 3 or np.linalg.matrix_rank(normal) < 3:
        raise InputError(
            f"A border of {width} px has too few pixels outside cells for a background plane;"
            " widen the border or use one level."
        )
    sums = (scan.ring_sum - scan.ring_region_sum)[:, :width].sum(axis=1)
    counts = (scan.ring_count - scan.ring_region_count)[:, :width].sum(axis=1)
    moments = scan.ring_moments[:, :width].sum(axis=1)
    planes = np.linalg.solve(normal, np.column_stack([sums, moments]).T).T
    # A missing pixel unbalances the moments: such a frame takes the plane of its neighbours.
    planes[counts != x.size] = np.nan
    what = f"the border of {width} px"
    planes = np.column_stack([_fill_gaps(planes[:, j], what) for j in range(3)])
    per_frame = np.full(sums.shape, np.nan)
    np.divide(sums, counts, out=per_frame, where=counts > 0)
    if recipe.background == "series":
        planes = np.broadcast_to(planes[averaged].mean(axis=0), planes.shape)
    return Background(
        np.array(planes[:, 0]), np.array(planes[:, 1:]), per_frame, counts, cells, cells > 0
    )


def background_levels(scan: SeriesScan, recipe: Recipe) -> Array:
    """Background level of each frame.

    Parameters
    ----------
    scan
        Summaries of the frames.
    recipe
        See :func:`find_background`.

    Returns
    -------
    ndarray, shape (n,)
        In units of the image; the same value for all frames when ``recipe.background`` is
        ``"series"``. For a plane it is the value at the image centre.

    Raises
    ------
    flimage.errors.BorderError
        When the border covers the image.
    flimage.errors.InputError
        When no frame has a finite background pixel.
    """
    averaged = np.ones(scan.n_frames, dtype=bool)
    averaged[[i for i in recipe.exclude if i < scan.n_frames]] = False
    return find_background(scan, recipe, averaged).level


def image_background(image: npt.ArrayLike, recipe: Recipe, level: float) -> float | Array:
    """Background of one image: what is to be subtracted from it.

    Parameters
    ----------
    image
        Image ``(y, x)``; NaN pixels are ignored.
    recipe
        Uses `background_source` and `border_px`.
    level
        Level of the frame, see :func:`background_levels`; for a plane its mean over the image.

    Returns
    -------
    float or ndarray (y, x)
        `level` itself, or for ``background_source="plane"`` the plane through the border pixels
        of this image, moved to the mean `level`.
    """
    if recipe.background_source != "plane" or recipe.border_px == 0:
        return level
    values = np.asarray(image, dtype=float)
    mask = border_mask((values.shape[0], values.shape[1]), recipe.border_px) & np.isfinite(values)
    y, x = (
        index - (size - 1) / 2
        for index, size in zip(np.indices(values.shape), values.shape, strict=True)
    )
    basis = np.stack([np.ones(np.count_nonzero(mask)), x[mask], y[mask]], axis=1)
    solution = np.linalg.lstsq(basis, values[mask], rcond=None)[0]
    plane: Array = level + solution[1] * x + solution[2] * y
    return plane
