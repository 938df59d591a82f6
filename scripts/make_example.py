"""Simulate the example recording, ``resources/example.h5``.

A camera looks at a handful of stained cells, which bleach at one rate under steady light. All that
a correction has to find out is known here, in :data:`TRUTH`, and a test compares:

* the signal decays as ``f(t) = c + (1 - c) * exp(-k * t)`` with ``k = 0.06 /s`` (half-life of the
  bleaching part 11.6 s) and the unbleachable part ``c = 0.2``;
* the background does not bleach: 100 counts of camera offset and about 7 counts of faint, uneven
  light, 107 counts on average over a border of 20 pixels;
* each frame carries Poisson noise of the photo-electrons (0.5 counts each) and read noise of 1.4
  electrons, and is rounded to whole counts as a camera does;
* frames are about 0.5 s apart, with the jitter of a real acquisition and one pause of 2.5 s;
* the cells drift by half a pixel in all.

Run ``python scripts/make_example.py OUT.h5`` (or ``make example``). The same version of NumPy
gives the same frames each time.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import scipy.ndimage

Image = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Truth:
    """What the example is made of.

    Parameters
    ----------
    shape
        (y, x) [px].
    n_frames
        Number of frames.
    decay_rate
        k [1/s].
    unbleachable
        Part c of the signal that does not bleach, of 1.
    camera_offset
        [counts].
    gain
        Counts per photo-electron.
    read_noise
        Standard deviation [electrons].
    veil
        Mean of the uneven background light [electrons].
    peak
        Signal in the brightest pixels of the first frame, roughly [electrons].
    interval
        Typical time between frames [s].
    pause
        Additional time before the frame in the middle [s].
    drift
        Way of the cells along (y, x) from the first frame to the last [px].
    pixel_size
        [m].
    """

    shape: tuple[int, int] = (176, 208)
    n_frames: int = 120
    decay_rate: float = 0.06
    unbleachable: float = 0.2
    camera_offset: float = 100.0
    gain: float = 0.5
    read_noise: float = 1.4
    veil: float = 14.0
    peak: float = 900.0
    interval: float = 0.5
    pause: float = 2.0
    drift: tuple[float, float] = (0.3, -0.4)
    pixel_size: float = 1.08e-7

    def decay(self, times: npt.ArrayLike) -> npt.NDArray[np.float64]:
        """Signal relative to time 0, at `times` [s]."""
        bleaching = np.exp(-self.decay_rate * np.asarray(times, dtype=float))
        return np.asarray(self.unbleachable + (1 - self.unbleachable) * bleaching)


#: What the example in the repository is made of.
TRUTH = Truth()

#: Centre (y, x) and half axes as parts of the image, rotation [rad], brightness.
_CELLS = (
    (0.34, 0.30, 0.155, 0.115, 0.5, 1.0),
    (0.40, 0.66, 0.180, 0.110, -0.7, 0.75),
    (0.70, 0.42, 0.125, 0.150, 0.2, 0.85),
    (0.71, 0.77, 0.105, 0.090, 1.1, 0.55),
)


def smooth_noise(shape: tuple[int, int], sigma: float, rng: np.random.Generator) -> Image:
    """Return random texture with structures of about `sigma` pixels, mean 0 and deviation 1."""
    noise = scipy.ndimage.gaussian_filter(rng.standard_normal(shape), sigma, mode="wrap")
    return np.asarray((noise - noise.mean()) / noise.std())


def cells(truth: Truth, rng: np.random.Generator) -> Image:
    """Return the stained cells without background or noise, (y, x), brightest parts about 1."""
    height, width = truth.shape
    rows, columns = np.mgrid[:height, :width].astype(float)
    texture = 1 + 0.16 * smooth_noise(truth.shape, 5, rng) + 0.1 * smooth_noise(truth.shape, 2, rng)
    image = np.zeros(truth.shape)
    for y, x, half_y, half_x, angle, brightness in _CELLS:
        down, right = rows - y * height, columns - x * width
        along = (np.cos(angle) * right + np.sin(angle) * down) / (half_x * width)
        across = (-np.sin(angle) * right + np.cos(angle) * down) / (half_y * height)
        # The outline is not quite an ellipse.
        bearing = np.arctan2(across, along)
        radius = np.hypot(along, across) / (1 + 0.06 * np.cos(3 * bearing + 5 * y))
        body = np.clip(1.15 * (1 - radius**2), 0, None) ** 0.45
        nucleus = np.exp(-((((along - 0.12) / 0.42) ** 2 + ((across + 0.1) / 0.4) ** 2) ** 2))
        vesicles = np.zeros(truth.shape)
        for _ in range(14):
            reach, turn = np.sqrt(rng.uniform(0.12, 0.7)), rng.uniform(0, 2 * np.pi)
            spot = (along - reach * np.cos(turn)) ** 2 * (half_x * width) ** 2
            spot += (across - reach * np.sin(turn)) ** 2 * (half_y * height) ** 2
            vesicles += rng.uniform(0.2, 0.6) * np.exp(-spot / (2 * rng.uniform(1.2, 2.4) ** 2))
        image += brightness * (body * texture * (1 - 0.55 * nucleus) + vesicles * (radius < 1))
    blurred = scipy.ndimage.gaussian_filter(np.clip(image, 0, None), 1.1)
    return np.asarray(blurred / np.percentile(blurred, 99.5))


def background(truth: Truth) -> Image:
    """Return what a frame without cells and noise looks like, (y, x) [counts]."""
    height, width = truth.shape
    rows, columns = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j]
    uneven = 1 + 0.22 * columns - 0.13 * rows + 0.06 * np.sin(2.5 * columns + 1) * rows
    return np.asarray(truth.camera_offset + truth.gain * truth.veil * uneven)


def acquisition_times(truth: Truth, rng: np.random.Generator) -> npt.NDArray[np.float64]:
    """Return the time of each frame, (n,) [s], to the tenth of a millisecond."""
    steps = truth.interval + rng.gamma(2.0, 0.006, truth.n_frames)
    steps[0] = 0
    steps[truth.n_frames // 2] += truth.pause
    return np.round(np.cumsum(steps), 4)


def frames(truth: Truth, seed: int = 20171121) -> Iterator[tuple[Image, dict[str, Any]]]:
    """Simulate the recording.

    Parameters
    ----------
    truth
        What to simulate.
    seed
        Of the random numbers.

    Yields
    ------
    image : numpy.ndarray
        (y, x) whole counts.
    meta : dict
        Metadata of the frame.
    """
    rng = np.random.default_rng(seed)
    signal = cells(truth, rng)
    veil = background(truth)
    times = acquisition_times(truth, rng)
    decay = truth.decay(times)
    for index in range(truth.n_frames):
        way = [step * index / max(truth.n_frames - 1, 1) for step in truth.drift]
        moved = scipy.ndimage.shift(signal, way, order=3, mode="constant")
        light = truth.peak * decay[index] * np.clip(moved, 0, None)
        electrons = rng.poisson(light + (veil - truth.camera_offset) / truth.gain)
        electrons = electrons + truth.read_noise * rng.standard_normal(truth.shape)
        image = np.clip(np.rint(truth.camera_offset + truth.gain * electrons), 0, 65535)
        meta = {
            "date": "2017-11-21",
            "device": "simulated sCMOS camera",
            "identifier": f"example:{index}",
            "numerical aperture": 1.2,
            "pixel size": truth.pixel_size,
            "sim model": (
                f"signal = {truth.unbleachable:g} + {1 - truth.unbleachable:g}"
                f" exp(-{truth.decay_rate:g}/s t), offset {truth.camera_offset:g} counts,"
                f" {truth.gain:g} counts per electron"
            ),
            "software": "scripts/make_example.py",
            "time": float(times[index]),
        }
        yield image, meta


def write(path: Path, truth: Truth = TRUTH) -> None:
    """Write the simulated recording to `path`, replacing what is there."""
    from flimage import FLSeries
    from flimage.storage import atomic_output

    images, metas = zip(*frames(truth), strict=True)
    with (
        atomic_output(path, overwrite=True) as temporary,
        FLSeries(h5file=temporary, h5mode="w", identifier="example") as series,
    ):
        series.add_images(images, metas, compression="small")


def main() -> None:
    """Write the example to the path named on the command line."""
    parser = argparse.ArgumentParser(description="Simulate the example recording of flimage.")
    parser.add_argument("out", type=Path, help="the HDF5 file to write")
    write(parser.parse_args().out)


if __name__ == "__main__":
    main()
