"""What can be displayed of a frame, and how it is computed (no Qt, no state)."""

from __future__ import annotations

import enum
import functools
from collections.abc import Hashable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from flimage.progress import Progress
from flimage.quietly import quietly

if TYPE_CHECKING:
    from flimage.bleach import BleachFit
    from flimage.correct import FrameCorrector
    from flimage.shown import Shown
    from flimage.source import FrameSource
    from flimage.trace import Trace

    from .image_store import ImageStore

__all__ = [
    "Display",
    "DisplayMaker",
    "image_levels",
    "raw_key",
    "sample_frames",
    "series_levels",
]

#: Percentiles between which the grey values of a series are spread.
PERCENTILES = (0.2, 99.8)
#: At most about this many pixels of a frame are looked at for its percentiles.
SAMPLED_PIXELS = 60_000


class Display(enum.Enum):
    """What the frame view shows; the values are what the person reads."""

    RAW = "Raw"
    BACKGROUND = "Background"
    BACKGROUND_CORRECTED = "Background-corrected"
    BLEACH_CORRECTED = "Bleach-corrected"

    def shown(self, has_fit: bool) -> Shown:
        """Return what is displayed, in the words of the library.

        Parameters
        ----------
        has_fit
            Whether corrected images are corrected for bleaching already.
        """
        if self is Display.BLEACH_CORRECTED and not has_fit:
            return "background-corrected"
        return _SHOWN[self]


_SHOWN: dict[Display, Shown] = {
    Display.RAW: "raw",
    Display.BACKGROUND: "background",
    Display.BACKGROUND_CORRECTED: "background-corrected",
    Display.BLEACH_CORRECTED: "bleach-corrected",
}


def raw_key(index: int, edition: int = 0) -> Hashable:
    """Return what identifies a raw frame of an edition of the recording."""
    return (index, Display.RAW, edition)


class DisplayMaker:
    """Computes displayed images with the functions that also write the corrected file.

    It never changes and any thread may use it.

    Parameters
    ----------
    source
        The recording with its edits.
    store
        Where images are kept.
    trace
        Trace with the background of every frame, or None while it is unknown.
    fit
        Fit with the gains, or None.
    edition, fit_number
        Change whenever the frames of `source`, or the fit do.
    """

    def __init__(
        self,
        source: FrameSource,
        store: ImageStore,
        trace: Trace | None = None,
        fit: BleachFit | None = None,
        edition: int = 0,
        fit_number: int = 0,
    ) -> None:
        # What reads recordings is not needed before there is one.
        from .stored_source import StoredSource

        self._source = StoredSource(source, store, edition)
        self._trace = trace
        self._fit = fit
        self._fit_number = fit_number

    def __len__(self) -> int:
        return len(self._source)

    def key(self, index: int, display: Display) -> Hashable:
        """Return what identifies the image: equal keys mean equal images."""
        edition = self._source.edition
        if display is Display.RAW:
            return raw_key(index, edition)
        if display is Display.BLEACH_CORRECTED and self._fit is not None:
            return (index, display, edition, self._fit_number)
        return (index, display, edition, self._background_key(index))

    def make(self, index: int, display: Display) -> np.ndarray:
        """Return the image `(y, x)`."""
        if display is Display.RAW:
            return self._source.raw(index)
        if display is Display.BLEACH_CORRECTED and self._fit is not None:
            return self._corrector.frame(index)
        from flimage.correct import correct_image

        image = self._source.image(index)
        # The very background that the fit is made with, and the corrected file.
        estimated = 0.0 if self._trace is None else self._trace.background_of(index)
        if display is Display.BACKGROUND:
            assigned = self._source.background(index)
            total = estimated if assigned is None else assigned + estimated
            return np.array(np.broadcast_to(total, image.shape), dtype=np.float32)
        return correct_image(image, estimated, 1.0)

    def detached(self) -> DisplayMaker:
        """Return a maker of the same images that keeps none of them."""
        from .image_store import ImageStore

        return DisplayMaker(
            self._source.source,
            ImageStore(1),
            self._trace,
            self._fit,
            self._source.edition,
            self._fit_number,
        )

    def image(self, index: int, display: Display) -> np.ndarray:
        """Return the image `(y, x)`, from the store where it is kept; it may not be changed."""
        return self._source.store.get_or_make(
            self.key(index, display), lambda: self.make(index, display)
        )

    def _background_key(self, index: int) -> Hashable:
        trace = self._trace
        if trace is None:
            return None
        slope = trace.background_slope
        return (float(trace.background[index]), None if slope is None else tuple(slope[index]))

    @functools.cached_property
    def _corrector(self) -> FrameCorrector:
        from flimage.correct import FrameCorrector

        assert self._fit is not None
        return FrameCorrector(self._source, self._fit)


def sample_frames(n_frames: int, count: int = 5) -> list[int]:
    """Return up to `count` evenly spaced frames, the first and the last among them."""
    return sorted({int(i) for i in np.linspace(0, n_frames - 1, min(count, n_frames)).round()})


@quietly
def image_levels(images: Sequence[np.ndarray]) -> tuple[float, float]:
    """Return the values to show black and white, from percentiles of all finite pixels.

    Parameters
    ----------
    images
        Images `(y, x)`; of large ones, only evenly spread pixels are looked at.

    Returns
    -------
    tuple of float
        Low and high; different from each other.
    """
    pixels = []
    for image in images:
        step = max(1, int(np.sqrt(image.size / SAMPLED_PIXELS)))
        pixels.append(image[::step, ::step].ravel())
    values = np.concatenate(pixels).astype(np.float64, copy=False)
    values = values[np.isfinite(values)]
    if values.size == 0:
        return 0.0, 1.0
    low, high = (float(v) for v in np.percentile(values, PERCENTILES))
    if not high > low:
        low, high = float(values.min()), float(values.max())
    if not high > low:
        half = max(abs(low) * 0.01, 0.5)
        low, high = low - half, high + half
    return low, high


def series_levels(
    maker: DisplayMaker, display: Display, store: ImageStore, progress: Progress, count: int = 5
) -> tuple[float, float]:
    """Return the values to show black and white for a whole series.

    Parameters
    ----------
    maker, display
        What is shown.
    store
        Where images are kept.
    progress
        Called for every frame that is looked at.
    count
        Number of frames to look at.
    """
    frames = sample_frames(len(maker), count)
    images = []
    for done, index in enumerate(frames):
        progress(done, len(frames), "Choosing the contrast")
        image = store.get(maker.key(index, display))
        images.append(maker.make(index, display) if image is None else image)
    return image_levels(images)
