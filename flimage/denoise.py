"""Denoising of single frames."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from .errors import InputError
from .meta import is_number
from .quietly import quietly

__all__ = ["denoise_image", "noise_sigma"]


def noise_sigma(image: npt.ArrayLike) -> float:
    """Measure the standard deviation of the noise of an image.

    It is taken from the median size of the diagonal differences of 2×2 pixels, to which smooth
    structures contribute little and edges are few (Donoho and Johnstone 1994).

    Parameters
    ----------
    image
        Image ``(y, x)``; NaN pixels are ignored.
    """
    values = np.asarray(image, dtype=float)
    detail = (values[:-1, :-1] - values[:-1, 1:] - values[1:, :-1] + values[1:, 1:]) / 2
    detail = detail[np.isfinite(detail)]
    if not detail.size:
        return 0.0
    sigma = float(np.median(np.abs(detail))) / 0.67448975
    if sigma == 0.0:
        # So few photons that most pixels are equal: the median is blind, the mean is not.
        sigma = float(np.sqrt(np.mean(detail**2)))
    return sigma


@quietly
def denoise_image(image: npt.ArrayLike, strength: float = 1.0) -> npt.NDArray[np.floating]:
    """Remove noise from an image by total-variation denoising.

    Parameters
    ----------
    image
        Image ``(y, x)``; NaN pixels stay NaN and do not spread.
    strength
        Weight of the smoothness in units of the image's own noise: 0 changes nothing, 1 is
        moderate, 3 strong. Because it is relative, the result does not depend on the unit of
        intensity.

    Returns
    -------
    ndarray, shape (y, x)
        float32 for images of at most single precision, else float64.

    Raises
    ------
    flimage.errors.InputError
        When the strength is negative or not a number.

    References
    ----------
    A. Chambolle, "An algorithm for total variation minimization and applications", *J. Math.
    Imaging Vis.* **20**, 89 (2004).
    """
    if not is_number(strength) or not strength >= 0 or not np.isfinite(strength):
        raise InputError(f"The strength of denoising is {strength!r}; give a number of at least 0.")
    values = np.asarray(image)
    if values.ndim != 2:
        raise InputError(f"An image to denoise has two dimensions, not {values.ndim}.")
    kind = np.float32 if values.dtype.itemsize <= 4 and values.dtype.kind in "fui" else np.float64
    values = values.astype(kind)
    finite = np.isfinite(values)
    sigma = noise_sigma(np.where(finite, values, np.nan))
    # Noise below what the numbers of the image can tell is none.
    if strength == 0 or kind(sigma) == 0 or not finite.any():
        return values
    from skimage.restoration import denoise_tv_chambolle

    # In units of the noise around the median, the weight of the smoothness is a pure number.
    centre = float(np.median(values[finite]))
    scaled = np.where(finite, (values - centre) / sigma, 0.0).astype(kind)
    # scikit-image is not annotated.
    smooth = denoise_tv_chambolle(scaled, weight=float(strength))  # type: ignore[no-untyped-call]
    result: npt.NDArray[np.floating] = (smooth * sigma + centre).astype(kind)
    result[~finite] = values[~finite]
    return result
