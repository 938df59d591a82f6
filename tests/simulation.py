"""Recordings with a known truth for the tests."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from flimage import FLSeries
from flimage.meta import FLMetaDict

Images = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Truth:
    """A simulated recording and what is known of it."""

    images: Images
    times: npt.NDArray[np.float64]
    decay: npt.NDArray[np.float64]
    signal: Images
    background: float


def cells(shape: tuple[int, int], brightness: float) -> Images:
    """Signal of two soft round cells that stay clear of the border, of shape (y, x)."""
    y, x = np.mgrid[: shape[0], : shape[1]]
    image = np.zeros(shape)
    for cy, cx, radius in ((0.42, 0.45, 0.16), (0.62, 0.6, 0.1)):
        distance = np.hypot(y - cy * shape[0], x - cx * shape[1]) / min(shape)
        image += 1 / (1 + np.exp((distance - radius) / 0.015))
    return brightness * image


def simulate(
    times: Sequence[float] | npt.NDArray[np.float64],
    decay: Callable[[npt.NDArray[np.float64]], npt.NDArray[np.float64]],
    *,
    shape: tuple[int, int] = (64, 64),
    brightness: float = 400.0,
    background: float = 100.0,
    read_noise: float = 3.0,
    photon_gain: float = 1.0,
    seed: int = 0,
) -> Truth:
    """Simulate a recording with shot noise and read noise, rounded to whole counts.

    `decay` is a function of the time since the first frame, 1 at its start.
    """
    rng = np.random.default_rng(seed)
    stamps = np.asarray(times, dtype=float)
    fraction = decay(stamps - stamps.min())
    signal = cells(shape, brightness)
    photons = rng.poisson(signal * fraction[:, None, None] / photon_gain)
    noise = rng.normal(0, read_noise, photons.shape)
    images = np.round(background + photons * photon_gain + noise)
    return Truth(images, stamps, fraction, signal, background)


def exponential(rate: float, offset: float = 0.0) -> Callable[..., npt.NDArray[np.float64]]:
    """Decay ``offset + (1 - offset) exp(-rate t)``."""
    return lambda t: offset + (1 - offset) * np.exp(-rate * t)


def write(path: Path, truth: Truth, identifier: str | None = "simulated") -> Path:
    """Write a simulated recording as a series."""
    with FLSeries(h5file=path, h5mode="w", identifier=identifier) as series:
        series.add_images(
            truth.images,
            [
                {"time": t, "pixel size": 1e-7, "identifier": f"frame-{i}"}
                for i, t in enumerate(truth.times)
            ],
        )
    return path


def flatness(corrected: Images, truth: Truth) -> tuple[float, float]:
    """Relative spread and end bias of the corrected signal inside the cells."""
    inside = truth.signal > 0.5 * truth.signal.max()
    trace = np.array([frame[inside].mean() for frame in corrected])
    expected = truth.signal[inside].mean()
    return float(trace.std() / trace.mean()), float(trace[-1] / expected - 1)


class ArraySource:
    """A recording in memory that scans and corrections can read (a `FrameSource`)."""

    path = None
    identifier = None

    def __init__(self, images: Images, times: npt.ArrayLike) -> None:
        self._images = np.asarray(images, dtype=np.float32)
        self.times = np.asarray(times, dtype=float)
        self.shape: tuple[int, int] = (self._images.shape[1], self._images.shape[2])
        self.identifiers: list[str | None] = [None] * len(self._images)

    def __len__(self) -> int:
        return len(self._images)

    def raw(self, index: int) -> npt.NDArray[np.float32]:
        return self._images[index]

    def background(self, index: int) -> None:
        return None

    def image(self, index: int) -> npt.NDArray[np.float32]:
        return self._images[index]

    def meta(self, index: int) -> FLMetaDict:
        return FLMetaDict({"time": float(self.times[index])})
