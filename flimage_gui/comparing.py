"""Two displays of a frame compared: which two, how, and what is computed for it (no Qt)."""

from __future__ import annotations

import enum
from dataclasses import dataclass

import numpy as np

from flimage.progress import Progress

from .displays import Display, DisplayMaker, image_levels, sample_frames

__all__ = ["Compared", "Mode", "compare", "compare_levels", "constant_of", "difference", "ratio"]

#: Frames from which the contrast of a comparison is chosen.
_SAMPLED = 3
#: Relative differences up to here are those of rounding.
_EQUAL = 1e-3


class Mode(enum.Enum):
    """How two displays are compared; the values are what the person reads."""

    OFF = "Off"
    SIDE = "Side by side"
    SWIPE = "Swipe"
    DIFFERENCE = "Difference"
    RATIO = "Ratio"

    @property
    def computes(self) -> bool:
        """Whether one image is computed from the two."""
        return self in (Mode.DIFFERENCE, Mode.RATIO)


@dataclass(frozen=True)
class Compared:
    """What is compared with what.

    Parameters
    ----------
    mode
        How.
    reference
        What is on the left, subtracted, or divided by.
    display
        What is on the right, or is subtracted from.
    """

    mode: Mode
    reference: Display
    display: Display


def difference(image: np.ndarray, reference: np.ndarray) -> np.ndarray:
    """Return `image` minus `reference`, float32 of the same shape (y, x)."""
    return np.subtract(image, reference, dtype=np.float32)


def ratio(image: np.ndarray, reference: np.ndarray) -> np.ndarray:
    """Return `image` by `reference`, float32 (y, x); NaN where the reference is not positive."""
    result = np.full(image.shape, np.nan, dtype=np.float32)
    positive = reference > 0
    return np.divide(image, reference, out=result, where=positive, dtype=np.float32)


def constant_of(image: np.ndarray) -> float | None:
    """Return the value that all finite pixels of an image have, or nearly have; None otherwise."""
    values = image[np.isfinite(image)]
    if not values.size:
        return None
    low, high = float(values.min()), float(values.max())
    middle = 0.5 * (low + high)
    return middle if high - low <= _EQUAL * abs(middle) else None


def compare(maker: DisplayMaker, index: int, compared: Compared) -> np.ndarray:
    """Return the image that a comparison shows besides the one on display.

    Parameters
    ----------
    maker
        Makes the images.
    index
        Number of the frame.
    compared
        What is compared; of side by side and swipe, it is the reference itself.
    """
    reference = maker.image(index, compared.reference)
    if not compared.mode.computes:
        return reference
    function = difference if compared.mode is Mode.DIFFERENCE else ratio
    return function(maker.image(index, compared.display), reference)


def compare_levels(
    maker: DisplayMaker, compared: Compared, progress: Progress
) -> tuple[float, float]:
    """Return the values shown darkest and brightest in a comparison, for the whole series.

    Those of a difference lie symmetrically around 0.
    """
    frames = sample_frames(len(maker), _SAMPLED)
    images = []
    for done, index in enumerate(frames):
        progress(done, len(frames), "Choosing the contrast")
        images.append(compare(maker, index, compared))
    low, high = image_levels(images)
    if compared.mode is Mode.DIFFERENCE:
        reach = max(abs(low), abs(high))
        return -reach, reach
    return low, high
