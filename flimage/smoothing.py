"""The few image filters that measuring a recording needs, without the import of a library of them.

:mod:`scipy.ndimage` has them all; to load it takes 15 MB of memory and a fifth of a second, which
is more than most recordings take to be looked at.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

__all__ = ["box_sum", "dilate", "gaussian"]

Array = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]

#: A Gaussian is cut off at this many standard deviations.
_REACH = 4.0


def box_sum(image: Array, reach: int) -> Array:
    """Sum of each pixel and those up to `reach` rows and columns away; edges are repeated.

    Parameters
    ----------
    image
        Values (y, x).
    reach
        Half the size of the box without the pixel itself [px].
    """
    return _along_both(image, np.ones(reach + 1))


def gaussian(image: Array, sigma: float) -> Array:
    """Smooth an image (y, x) by a Gaussian; edges are repeated.

    Parameters
    ----------
    image
        Values (y, x).
    sigma
        Standard deviation [px].
    """
    distance = np.arange(int(_REACH * sigma + 0.5) + 1)
    weights = np.exp(-0.5 / sigma**2 * distance**2)
    weights /= weights[0] + 2 * weights[1:].sum()
    return _along_both(image, weights)


def dilate(mask: Mask, steps: int) -> Mask:
    """Let a mask (y, x) grow by its neighbours above, below, left and right, several times."""
    for _ in range(steps):
        grown = mask.copy()
        grown[1:] |= mask[:-1]
        grown[:-1] |= mask[1:]
        grown[:, 1:] |= mask[:, :-1]
        grown[:, :-1] |= mask[:, 1:]
        mask = grown
    return mask


def _along_both(image: Array, weights: Array) -> Array:
    """Weigh the rows and then the columns around each pixel."""
    weighed: Array = _along_rows(_along_rows(image, weights).T, weights).T
    return weighed


def _along_rows(image: Array, weights: Array) -> Array:
    """Add up rows at distances 0, 1, … by their weights, before and after each row."""
    reach, rows = len(weights) - 1, len(image)
    padded = image[np.clip(np.arange(-reach, rows + reach), 0, rows - 1)]
    total: Array = padded[reach : reach + rows] * weights[0]
    pair = np.empty_like(total)
    # The smallest first, which keeps most digits.
    for distance in range(reach, 0, -1):
        before = padded[reach - distance : reach - distance + rows]
        np.add(before, padded[reach + distance : reach + distance + rows], out=pair)
        pair *= weights[distance]
        total += pair
    return total
