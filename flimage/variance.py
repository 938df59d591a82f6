"""Variance of the pixels of a corrected recording, for those who weight or average them."""

from __future__ import annotations

import pathlib
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from .codec import Compression
from .correct import write_frames
from .destination import Destination, open_destination
from .errors import InputError
from .progress import Progress, ignore_progress

if TYPE_CHECKING:
    from .bleach import BleachFit
    from .source import FrameSource

__all__ = ["variance_image", "write_variance"]


def variance_image(image: npt.NDArray[Any], fit: BleachFit, index: int) -> npt.NDArray[np.float64]:
    """Variance that shot noise and read noise cause in a corrected frame.

    A pixel of value `v` has the variance ``g v + r`` before the correction, with the photon gain
    ``g`` and the floor ``r`` measured from neighbouring frames (photon transfer, Janesick 2007).
    The correction multiplies the pixel, and so its standard deviation, by the gain of the frame.
    The uncertainty of that gain is the same for all pixels and not part of the result.

    Parameters
    ----------
    image
        Background-corrected frame before the correction, of shape (y, x) [counts].
    fit
        Fit of the recording.
    index
        Number of the frame.

    Returns
    -------
    variance : float array of shape (y, x) [counts²]
        NaN where the pixel is.

    Raises
    ------
    flimage.errors.InputError
        When the noise of the recording could not be measured.
    """
    noise = fit.trace.noise
    if noise is None:
        raise InputError(
            "The noise of a pixel could not be measured from this recording, so there are no"
            " variances; it takes neighbouring frames of at least some dozen pixels."
        )
    value = np.asarray(image, dtype=np.float64)
    variance: npt.NDArray[np.float64] = noise.variance_of_sum(value, 1.0)
    return variance * float(fit.gain[index]) ** 2


def write_variance(
    source: FrameSource,
    fit: BleachFit,
    out: Destination,
    *,
    overwrite: bool = False,
    progress: Progress | None = None,
    compression: Compression = "balanced",
) -> pathlib.Path | None:
    """Write the variances of all corrected frames as a series of their own.

    Parameters
    ----------
    source
        Recording that was corrected.
    fit
        Its fit.
    out
        New file, or an empty group of an open file.
    overwrite
        Replace an output that exists.
    progress
        Called as ``progress(done, total, stage)``.
    compression
        ``"fast"``, ``"balanced"`` or ``"small"``.

    Returns
    -------
    path
        File that was written; None where a group was.

    Raises
    ------
    flimage.errors.InputError
        When the noise is not known, the fit belongs to another recording, or the method (histogram
        matching) is no multiplication.
    flimage.errors.OutputExistsError, flimage.errors.SameFileError
        When the output exists, or is the input.
    """
    report = ignore_progress if progress is None else progress
    count = len(source)
    if len(fit.gain) != count:
        raise InputError(
            f"The fit has {len(fit.gain)} frames and the recording {count}; both must be the same."
        )
    if fit.model == "histogram":
        raise InputError("Histogram matching has no variances: it is no multiplication.")

    with open_destination(out, overwrite, (source,)) as place:
        write_frames(
            place,
            source,
            lambda index: variance_image(source.image(index), fit, index),
            "Writing variances",
            report,
            compression,
        )
        name = source.identifier
        place.group.attrs["identifier"] = "variance" if name is None else f"{name} variance"
        report(count, count, "Done")
    return place.path
