"""Recordings whose decay is known, for `benchmarks/accuracy.py`; needs numpy only.

The published package is measured on the very same recordings, in an environment of its own.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

__all__ = ["CASES", "Case", "simulate"]

HOUR, DAY = 3600.0, 86400.0


def mono(kt: float, offset: float = 0.0) -> Callable[[np.ndarray], np.ndarray]:
    """Exponential with an offset; time `x` runs from 0 to 1."""
    return lambda x: offset + (1 - offset) * np.exp(-kt * x)


@dataclass(frozen=True)
class Case:
    """A kind of recording.

    Parameters
    ----------
    name
        What is special about it.
    decay
        Relative signal as a function of time, which runs from 0 to 1.
    rate
        Rate of a mono-exponential decay times the duration; None for other decays.
    offset
        Offset of a mono-exponential decay.
    frames, duration
        Number of frames, and time from first to last [s].
    side
        Side length of a frame [px].
    signal, background, read_noise
        Brightest pixel, background and read noise [counts]; one count is one photon.
    drift
        Relative change of the background until the end.
    special
        ``"flash"``, ``"touching"`` (a cell in the border), ``"saturated"``, or empty.
    recipe
        Settings beside the border.
    simplest
        Name of the model that made the decay, which an automatic choice should find.
    spread, end
        What is asked of the median CV of gain·truth and of the mean end bias [%]; None where
        photons set the limit.
    """

    name: str
    decay: Callable[[np.ndarray], np.ndarray]
    rate: float | None = None
    offset: float = 0.0
    frames: int = 100
    duration: float = 50.0
    side: int = 64
    signal: float = 1000.0
    background: float = 100.0
    read_noise: float = 3.0
    drift: float = 0.0
    special: str = ""
    recipe: dict[str, Any] = field(default_factory=dict)
    simplest: str = "exponential"
    spread: float | None = None
    end: float | None = None

    @property
    def times(self) -> np.ndarray:
        """Times of the frames, (n,) [s]."""
        return np.linspace(0.0, self.duration, self.frames)

    @property
    def truth(self) -> np.ndarray:
        """Relative signal of the frames, (n,)."""
        return self.decay(np.linspace(0.0, 1.0, self.frames))


def exponential(name: str, kt: float, offset: float = 0.0, **settings: Any) -> Case:
    """Build a case with a mono-exponential decay."""
    return Case(name, mono(kt, offset), rate=kt, offset=offset, **settings)


CASES: tuple[Case, ...] = (
    exponential("mono-exponential", 2.5, spread=0.1, end=0.3),
    exponential("offset 0.3", 2.5, 0.3, spread=0.1, end=0.3),
    exponential("offset 0.7", 2.5, 0.7, spread=0.1, end=0.3),
    exponential("offset 0.95", 2.5, 0.95, spread=0.1, end=0.3),
    exponential("k·T = 0.05", 0.05, spread=0.1, end=0.3),
    exponential("k·T = 0.3", 0.3, spread=0.1, end=0.3),
    exponential("k·T = 20, offset 0.2", 20.0, 0.2, spread=0.1, end=0.3),
    exponential("milliseconds", 2.5, 0.1, duration=0.1, spread=0.1, end=0.3),
    exponential("days", 2.5, 0.1, duration=3 * DAY, spread=0.1, end=0.3),
    exponential("4 frames", 2.5, frames=4),
    exponential("10 frames", 2.5, 0.1, frames=10),
    exponential("5000 frames", 2.5, 0.1, frames=5000, side=32, spread=0.1, end=0.3),
    exponential("dim (signal 0.1×)", 2.5, signal=100.0),
    exponential("read noise 30", 2.5, read_noise=30.0),
    exponential("read noise 100", 2.5, read_noise=100.0),
    exponential("most pixels 0", 2.5, signal=0.6, background=0.05, read_noise=0.0),
    Case(
        "bi-exponential",
        lambda x: 0.1 + 0.45 * np.exp(-12 * x) + 0.45 * np.exp(-1.2 * x),
        recipe={"model": "auto"},
        simplest="biexponential",
        spread=0.2,
    ),
    Case(
        "stretched",
        lambda x: np.exp(-((3 * x) ** 0.6)),
        recipe={"model": "auto"},
        simplest="stretched",
        spread=0.2,
    ),
    Case(
        "linear",
        lambda x: 1 - 0.5 * x,
        recipe={"model": "auto"},
        simplest="linear",
        spread=0.5,
    ),
    Case("constant", np.ones_like, simplest="none", spread=0.0, end=0.0),
    Case("rising", lambda x: 1 + 0.5 * x, simplest="none"),
    exponential(
        "background drifts by 50 %",
        2.5,
        drift=-0.5,
        recipe={"background": "frame"},
        spread=0.5,
    ),
    exponential("flash (one frame ×3)", 2.5, 0.2, special="flash", spread=0.1, end=0.3),
    exponential("a cell in the border", 2.5, 0.2, special="touching", spread=0.2, end=0.6),
    exponential(
        "saturated pixels", 2.5, 0.2, signal=240.0, special="saturated", spread=0.5, end=0.6
    ),
)


def cells(side: int, touching: bool) -> np.ndarray:
    """Brightness of two soft round cells, (y, x), 1 at its brightest."""
    y, x = np.mgrid[:side, :side] / side
    image = np.zeros((side, side))
    places = [(0.42, 0.45, 0.16), (0.62, 0.6, 0.1)]
    if touching:
        places.append((0.05, 0.7, 0.14))
    for cy, cx, radius in places:
        image += 1 / (1 + np.exp((np.hypot(y - cy, x - cx) - radius) / 0.015))
    return image / image.max()


def simulate(case: Case, seed: int) -> np.ndarray:
    """Simulate a recording, (t, y, x) float32 of whole counts."""
    rng = np.random.default_rng([seed, len(case.name), case.frames])
    truth = case.truth
    if case.special == "flash":
        truth = truth.copy()
        truth[int(rng.integers(2, case.frames - 2))] *= 3
    level = case.background * (1 + case.drift * np.linspace(0, 1, case.frames))
    light = case.signal * cells(case.side, case.special == "touching")
    expected = light * truth[:, None, None] + level[:, None, None]
    images = rng.poisson(expected).astype(np.float32)
    if case.read_noise:
        images += rng.normal(0, case.read_noise, images.shape).astype(np.float32)
    images = np.round(images)
    if case.special == "saturated":
        np.clip(images, 0, 255, out=images)
    return images
