"""How high the background of each frame is: border, drawn region or plane.

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
from .region import border_exclusion

if TYPE_CHECKING:
    from .recipe import Recipe
    from .scan import SeriesScan

__all__ = [
    "Background",
    "background_image",
    "background_levels",
    "border_mask",
    "check_border",
    "find_background",
    "largest_border",
    "suitable_border",
]

Mask = npt.NDArray[np.bool_]
Array = npt.NDArray[np.float64]

#: Fewest pixels that a level is measured in.
_FEWEST_PIXELS = 9


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


def background_image(level: float, slope: Array | None, shape: tuple[int, int]) -> float | Array:
    """Background of a frame: its level, or for a plane an image.

    Parameters
    ----------
    level
        At the centre of the image [counts].
    slope
        ``(2,)`` change per pixel in x and y [counts], or None where it is flat.
    shape
        Size of the image ``(y, x)`` [px].
    """
    if slope is None:
        return level
    rows, columns = shape
    y = np.arange(rows)[:, None] - (rows - 1) / 2
    x = np.arange(columns) - (columns - 1) / 2
    plane: Array = level + slope[0] * x + slope[1] * y
    return plane


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
    enough = (1 - cells) * total >= max(0.1 * total, _FEWEST_PIXELS * n)
    left_out = cells > 0 and enough
    if left_out:
        all_sum, all_count = all_sum - cell_sum, all_count - cell_count
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
