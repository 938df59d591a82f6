"""How noisy a pixel is, measured from the recording itself.

The variance of a pixel value `v` is modelled as ``gain * v + floor``: shot noise grows with the
signal, read noise does not (photon transfer, Janesick 2007). A camera offset only shifts `floor`,
so it need not be known.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from .quietly import quietly
from .smoothing import box_sum

__all__ = ["PixelNoise", "photon_transfer", "thin"]

Array = npt.NDArray[np.float64]

_BINS = 32
_FEWEST = 64
_BAND = 16


@dataclass(frozen=True)
class PixelNoise:
    """Variance of a pixel as a straight line over its value.

    Parameters
    ----------
    gain
        Variance per unit of pixel value; for a camera, counts per photo-electron.
    floor
        Variance of a pixel with value 0 (negative when the camera adds an offset).
    least
        Smallest variance that was seen; the line is not followed below it.
    """

    gain: float
    floor: float
    least: float = 0.0

    def variance_of_sum(self, total: npt.ArrayLike, count: npt.ArrayLike) -> Array:
        """Variance of the sum of `count` pixels whose values add up to `total`."""
        count = np.asarray(count, dtype=float)
        variance = self.gain * np.asarray(total, dtype=float) + self.floor * count
        return np.maximum(variance, self.least * count)


def thin(image: npt.NDArray[np.floating], pixels: int) -> npt.NDArray[np.floating]:
    """Evenly spaced bands of rows of an image ``(y, x)``, about `pixels` in all.

    The noise of a large image is known well enough from a part of it.
    """
    rows, columns = image.shape
    wanted = max(_BAND, pixels // max(columns, 1))
    if rows <= wanted:
        return np.array(image)
    bands = max(wanted // _BAND, 1)
    starts = np.linspace(0, rows - _BAND, bands).astype(int)
    picked: npt.NDArray[np.floating] = image[(starts[:, None] + np.arange(_BAND)).ravel()]
    return picked


def _high_pass(image: Array) -> Array:
    """Remove everything smooth (Immerkær 1996); white noise keeps its variance."""
    second = image[:, :-2] - 2 * image[:, 1:-1] + image[:, 2:]
    both: Array = (second[:-2] - 2 * second[1:-1] + second[2:]) / 6.0
    return both


def _surroundings(image: Array) -> Array:
    """Mean of the 24 pixels around each pixel, without itself."""
    finite = np.isfinite(image)
    if finite.all():
        return (box_sum(image, 2) - image) / 24
    values = np.where(finite, image, 0.0)
    total = box_sum(values, 2) - values
    count = box_sum(finite.astype(float), 2) - finite
    mean: Array = total / np.maximum(count, 0.5)
    return mean


def _clipped_variance(squares: Array, around: Array) -> float:
    """Mean square without the few places where motion makes it large.

    `around` holds the mean square of the surroundings. Clipping by that, and not by the pixel
    itself, keeps the rare counts of an image in which most pixels are 0.
    """
    kept = np.ones(squares.shape, dtype=bool)
    for _ in range(5):
        now = around <= 8.0 * float(squares[kept].mean())
        if not now.any() or bool((now == kept).all()):
            break
        kept = now
    return float(squares[kept].mean())


# Of pixels of 1e200 and more, the square is infinite: they have no noise that is known.
@quietly
def photon_transfer(
    pairs: Iterable[tuple[npt.NDArray[np.floating], npt.NDArray[np.floating]]],
) -> PixelNoise | None:
    """Measure the noise of a pixel from frames that directly follow one another.

    The difference of two such frames holds their noise and little else: what moves or bleaches is
    smooth on the scale of a pixel and is removed by a high-pass filter; its mean square over
    pixels of similar value is twice the variance of one pixel.

    Parameters
    ----------
    pairs
        Pairs of neighbouring frames ``(y, x)``; missing pixels are NaN.

    Returns
    -------
    PixelNoise or None
        None when the images are too small (under 64 usable pixels in all).

    References
    ----------
    J. R. Janesick, *Photon Transfer*, SPIE Press (2007).
    J. Immerkær, "Fast noise variance estimation", *Comput. Vis. Image Underst.* **64**, 300 (1996).
    """
    levels: list[Array] = []
    keys: list[Array] = []
    noises: list[Array] = []
    arounds: list[Array] = []
    for before, after in pairs:
        a, b = np.asarray(before, dtype=float), np.asarray(after, dtype=float)
        if min(a.shape) < 3:
            continue
        noise = _high_pass(b - a) ** 2 / 2.0
        whole = (a + b) / 2
        level = whole[1:-1, 1:-1]
        # A pixel at the top of the scale does not show its noise.
        top = max(np.nanmax(a, initial=-np.inf), np.nanmax(b, initial=-np.inf))
        good = np.isfinite(noise) & np.isfinite(level) & (level < top)
        levels.append(level[good])
        keys.append(_surroundings(whole)[1:-1, 1:-1][good])
        noises.append(noise[good])
        arounds.append(_surroundings(noise)[good])
    if sum(v.size for v in levels) < _FEWEST:
        return None
    # Sorting by the surroundings of a pixel instead of its own noisy value keeps the slope from
    # being diluted by the noise that it measures.
    order = np.argsort(_joined(keys), kind="stable")
    level, noise, around = _joined(levels), _joined(noises), _joined(arounds)
    bins = [part for part in np.array_split(order, min(_BINS, level.size // 16)) if part.size]
    x = np.array([level[part].mean() for part in bins])
    v = np.array([_clipped_variance(noise[part], around[part]) for part in bins])
    if not v.any():
        return PixelNoise(0.0, 0.0, 0.0)
    gain, floor = _robust_line(x, v)
    return PixelNoise(gain, floor, float(v[v > 0].min()) * 0.5)


def _joined(parts: list[Array]) -> Array:
    """Join arrays; the parts are given up, so that no two lists are there twice at a time."""
    whole: Array = np.concatenate(parts)
    parts.clear()
    return whole


def _robust_line(x: Array, v: Array) -> tuple[float, float]:
    """Line with slope ≥ 0 through variances whose errors are in proportion to themselves."""
    fitted = np.full(v.shape, max(float(np.median(v)), float(v[v > 0].min())))
    gain, floor = 0.0, float(fitted[0])
    weight = np.ones(v.shape)
    for _ in range(20):
        w = weight / fitted**2
        centre = float(np.average(x, weights=w))
        spread = float((w * (x - centre) ** 2).sum())
        gain = max(float((w * (x - centre) * v).sum()) / spread, 0.0) if spread > 0 else 0.0
        floor = float(np.average(v, weights=w)) - gain * centre
        fitted = np.maximum(gain * x + floor, 1e-3 * float(v.max()))
        off = np.abs(v / fitted - 1.0)
        scale = max(1.4826 * float(np.median(off)), 1e-12)
        weight = np.minimum(1.0, 1.5 * scale / np.maximum(off, 1e-300))
    return gain, floor
