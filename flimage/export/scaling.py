"""Find the scale with which a recording can be kept in whole numbers of 16 bits."""

from __future__ import annotations

import math

import numpy as np

from ..errors import InputError
from ..progress import Progress
from ..scaling import LARGEST, Scaling
from .frames import Images

__all__ = ["find_scaling"]


def find_scaling(images: Images, progress: Progress | None = None) -> Scaling:
    """Find the scale with which every value of a recording can be kept.

    Whole numbers from 0 to 65535 are kept as they are.

    Parameters
    ----------
    images
        The images; all of them are read once.
    progress
        Called as ``progress(done, total, stage)``, where `total` counts reading them again, too.
    """
    low, high = math.inf, -math.inf
    whole, missing = True, False
    total = 2 * len(images)

    def report(done: int, _: int, stage: str) -> None:
        if progress is not None:
            progress(done, total, stage)

    for image in images.read(report, "Measuring"):
        finite = np.isfinite(image)
        values = image if finite.all() else image[finite]
        missing = missing or values.size < image.size
        if values.size:
            low, high = min(low, float(values.min())), max(high, float(values.max()))
            whole = whole and bool((np.rint(values) == values).all())
    if not low <= high:
        raise InputError(f"{images.name} holds no pixel with a value; there is nothing to scale.")
    if whole and not missing and low >= 0 and high <= LARGEST:
        return Scaling()
    return Scaling.for_range(low, high, missing)
