"""Small pictures of frames for pages that have to stand alone."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

__all__ = ["contrast", "picture"]

#: Largest picture along its longer side [px].
_LARGEST = 256

#: Percentiles between which the grey values are spread.
_PERCENTILES = (0.5, 99.8)

#: Pixels per image that the contrast is found from.
_SAMPLE = 50_000


def contrast(images: Iterable[npt.NDArray[np.floating]]) -> tuple[float, float]:
    """Values that are shown black and white, the same for all `images`.

    Parameters
    ----------
    images
        Images of shape (y, x).
    """
    samples = []
    for image in images:
        flat = np.asarray(image).ravel()
        flat = flat[:: max(1, flat.size // _SAMPLE)]
        samples.append(flat[np.isfinite(flat)])
    values = np.concatenate(samples) if samples else np.empty(0)
    if not values.size:
        return 0.0, 1.0
    low, high = (float(v) for v in np.percentile(values, _PERCENTILES))
    return (low, high) if high > low else (low, low + 1.0)


def picture(
    image: npt.NDArray[np.floating], levels: tuple[float, float], alt: str, width: int = 220
) -> str:
    """Turn an image into an ``<img>`` element that holds its pixels.

    Parameters
    ----------
    image
        Values of shape (y, x); large images are binned.
    levels
        Values that are shown black and white.
    alt
        What is seen, as HTML-safe text.
    width
        Width in pixels of CSS.
    """
    from PIL import Image

    step = max(1, -(-max(image.shape) // _LARGEST))
    rows, columns = (size // step * step for size in image.shape)
    if step > 1 and rows and columns:
        binned = image[:rows, :columns].reshape(rows // step, step, columns // step, step)
        image = binned.mean(axis=(1, 3))
    low, high = levels
    with np.errstate(over="ignore", invalid="ignore"):  # infinite values, or levels
        scaled = (np.asarray(image, dtype=float) - low) / (high - low) * 255
    grey = np.nan_to_num(scaled, nan=0.0)
    buffer = io.BytesIO()
    Image.fromarray(np.clip(grey, 0, 255).astype(np.uint8)).save(buffer, "PNG", optimize=True)
    data = base64.b64encode(buffer.getvalue()).decode("ascii")
    return (
        f'<img src="data:image/png;base64,{data}" alt="{alt}" width="{width}"'
        ' style="image-rendering:pixelated;max-width:100%;height:auto">'
    )
