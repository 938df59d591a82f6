"""Apply a recipe to a recording and stream the result into a new file, with its provenance."""

from __future__ import annotations

import contextlib
import pathlib
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from . import provenance, storage
from .codec import Compression, EncodedImage
from .destination import Destination, Place, open_destination
from .errors import InputError
from .image_group import add_versions
from .kept_frames import KeptFrames
from .parallel import ordered_map
from .progress import Progress, ignore_progress
from .quietly import quietly
from .readers import shown_name

if TYPE_CHECKING:
    from .bleach import BleachFit
    from .recipe import Recipe
    from .scan import SeriesScan
    from .source import FrameSource

__all__ = ["Correction", "FrameCorrector", "correct_image", "denoise_series", "run", "write_frames"]


@dataclass(frozen=True)
class Correction:
    """Result of a correction.

    Parameters
    ----------
    fit
        Trace, fit, gains and verdict.
    path
        File that was written; None where only a group was, or nothing.
    frames
        Number of frames that were written.
    """

    fit: BleachFit
    path: pathlib.Path | None
    frames: int


@quietly
def correct_image(
    image: npt.NDArray[Any],
    background: float | npt.NDArray[Any],
    gain: float,
    dtype: npt.DTypeLike = "float32",
) -> npt.NDArray[Any]:
    """Subtract the background level from an image and multiply what remains by a gain.

    Parameters
    ----------
    image
        Background-corrected image (assigned backgrounds subtracted), of shape (y, x) [counts].
    background
        Background level, or background of shape (y, x) [counts].
    gain
        What the signal has to be multiplied by.
    dtype
        Type of the result; the computation is in double precision.

    Returns
    -------
    corrected : array of shape (y, x)
        ``(image - background) * gain``
    """
    corrected: npt.NDArray[Any] = np.subtract(image, background, dtype=np.float64)
    corrected *= gain
    return corrected.astype(dtype, copy=False)


class FrameCorrector:
    """Corrects single frames as they stand in the corrected file.

    The window shows what this returns, and :func:`run` writes it, so that both are the same.

    Parameters
    ----------
    source
        Recording whose frames are corrected.
    fit
        Fit with the gains and levels of all frames.

    Raises
    ------
    flimage.errors.InputError
        When the fit belongs to another number of frames.
    """

    def __init__(self, source: FrameSource, fit: BleachFit) -> None:
        if len(source) != len(fit.gain):
            raise InputError(
                f"{_name(source)} has {len(source)} frames, but the fit {len(fit.gain)}; both must"
                " be of the same recording."
            )
        self.source = source
        self.fit = fit
        self._reference: npt.NDArray[Any] | None = None

    def frame(self, index: int) -> npt.NDArray[np.float32]:
        """Corrected frame, of shape (y, x) and type float32."""
        image, background = self._prepared(index)
        if self.fit.model == "histogram":
            from .bleach import match_histogram

            if self._reference is None:
                self._reference = correct_image(*self._prepared(0), 1.0)
            matched = match_histogram(correct_image(image, background, 1.0), self._reference)
            return matched.astype(np.float32, copy=False)
        gain = float(self.fit.gain[index])
        return correct_image(image, background, gain)

    def _prepared(self, index: int) -> tuple[npt.NDArray[Any], float | npt.NDArray[Any]]:
        """Frame, denoised where the recipe asks for it, and what is subtracted from it."""
        image: npt.NDArray[Any] = self.source.image(index)
        strength = self.fit.recipe.denoise
        if strength:
            from .denoise import denoise_image

            image = denoise_image(image, strength)
        return image, self.fit.background_of(index)


def run(
    source: FrameSource,
    recipe: Recipe,
    out: Destination | None = None,
    *,
    target: FrameSource | None = None,
    overwrite: bool = False,
    progress: Progress | None = None,
    fit: BleachFit | None = None,
    scan: SeriesScan | None = None,
    compression: Compression = "balanced",
    cache: bool = False,
) -> Correction:
    """Correct a recording for photobleaching and write the result.

    The recording is never changed. The output appears whole or not at all: whatever goes wrong,
    cancelling included, nothing of it is left behind.

    Parameters
    ----------
    source
        Recording from which the trace is taken.
    recipe
        All settings.
    out
        New file, or an empty group of an open file; None to compute the fit only.
    target
        Recording whose frames are corrected in place of those of `source`, for example a denoised
        version of it.
    overwrite
        Replace an output that exists.
    progress
        Called as ``progress(done, total, stage)``; it may raise
        :class:`~flimage.errors.Cancelled`.
    fit
        Fit of the same recording and recipe, if there is one already.
    scan
        Scan of the same recording and recipe, if there is one already.
    compression
        ``"fast"``, ``"balanced"`` or ``"small"``.
    cache
        Take the scan from the user's cache, or put it there, see
        :func:`flimage.scan_cache.cached_scan`; without it nothing but the output is written.

    Returns
    -------
    Correction
        The fit with its verdict, and where the output is.

    Raises
    ------
    flimage.errors.OutputExistsError, flimage.errors.SameFileError
        When the output exists, or is one of the inputs.
    flimage.errors.InputError
        When the recording or the recipe cannot be used.
    flimage.errors.Cancelled
        When `progress` asked to stop.
    """
    report = ignore_progress if progress is None else progress
    frames = source if target is None else target
    if len(frames) != len(source):
        raise InputError(
            f"{_name(frames)} has {len(frames)} frames and {_name(source)} {len(source)}; only a"
            " series of the same length can be corrected in its place."
        )
    count = len(source)
    # One pass to measure, one to write: progress counts both.
    total = count if out is None or fit is not None else 2 * count
    measured = 0
    with contextlib.ExitStack() as stack:
        # A wrong output is reported before anything is computed.
        place = None
        if out is not None:
            place = stack.enter_context(open_destination(out, overwrite, (source, frames)))
        if fit is None and scan is None:
            # What is read to be measured is read again to be written.
            source = KeptFrames(source)
            frames = source if target is None else target
        if fit is None:
            from . import bleach

            if scan is None:
                scan = _measure(
                    source,
                    recipe,
                    lambda done, _, stage: report(done * count // max(_, 1), total, stage),
                    cache,
                )
            fit = bleach.fit(scan, recipe)
            measured = count if out is not None else 0
        elif fit.recipe != recipe:
            raise InputError("The fit was made with another recipe; fit again.")
        if place is None:
            report(total, total, "Done")
            return Correction(fit, None, 0)
        corrector = FrameCorrector(frames, fit)
        level = fit.trace.background + fit.residual_background

        def work(index: int, stopped: threading.Event) -> EncodedImage:
            return storage.encode_image(corrector.frame(index), compression=compression)

        with (
            storage.SeriesWriter(place.group, compression=compression) as writer,
            contextlib.closing(ordered_map(work, range(count))) as images,
        ):
            for index, image in enumerate(images):
                report(measured + index, total, "Correcting")
                writer.add(
                    image,
                    add_versions(_described(frames, source, index)),
                    raw_attrs=provenance.frame_attributes(fit.gain[index], level[index]),
                )
        name = source.identifier if frames.identifier is None else frames.identifier
        if name is not None:
            place.group.attrs["identifier"] = name
        original = "" if source.path is None else shown_name(source.path)
        provenance.write(place.group, recipe, fit.to_dict(), original)
        report(total, total, "Done")
    return Correction(fit, place.path, count)


def _measure(source: FrameSource, recipe: Recipe, progress: Progress, cache: bool) -> SeriesScan:
    """Scan a recording, or find the scan of it."""
    if cache:
        # With all that other settings need: the next command, or the window, reuses it.
        from .scan_cache import cached_scan

        return cached_scan(source, recipe, progress)
    from .scan import scan_series

    return scan_series(source, recipe, progress, detail=False)


def denoise_series(
    source: FrameSource,
    out: Destination,
    *,
    strength: float = 1.0,
    overwrite: bool = False,
    progress: Progress | None = None,
    compression: Compression = "balanced",
) -> pathlib.Path | None:
    """Write a denoised copy of a recording.

    Parameters
    ----------
    source
        The recording; its assigned backgrounds are subtracted before denoising.
    out
        New file, or an empty group of an open file.
    strength
        Strength of the total-variation denoising relative to the noise of each image.
    overwrite
        Replace an output that exists.
    progress
        Called as ``progress(done, total, stage)``; it may raise
        :class:`~flimage.errors.Cancelled`.
    compression
        ``"fast"``, ``"balanced"`` or ``"small"``.

    Returns
    -------
    path
        File that was written; None where a group was.

    Raises
    ------
    flimage.errors.OutputExistsError, flimage.errors.SameFileError
        When the output exists, or is the input.
    flimage.errors.Cancelled
        When `progress` asked to stop.
    """
    from .denoise import denoise_image

    report = ignore_progress if progress is None else progress
    with open_destination(out, overwrite, (source,)) as place:
        write_frames(
            place,
            source,
            lambda index: denoise_image(source.image(index), strength),
            "Denoising",
            report,
            compression,
        )
        if source.identifier is not None:
            place.group.attrs["identifier"] = source.identifier
        place.group.attrs[provenance.DENOISE_STRENGTH] = float(strength)
        report(len(source), len(source), "Done")
    return place.path


def write_frames(
    place: Place,
    source: FrameSource,
    make: Callable[[int], npt.NDArray[Any]],
    stage: str,
    report: Progress,
    compression: Compression,
) -> None:
    """Make a new image of every frame in parallel, and write it with the metadata of the frame.

    Parameters
    ----------
    place
        Where the frames go.
    source
        Recording with the metadata.
    make
        Function of the number of a frame that returns its new image, of shape (y, x).
    stage
        What is reported to `report` for each frame.
    report
        Called as ``report(done, total, stage)``.
    compression
        ``"fast"``, ``"balanced"`` or ``"small"``.
    """
    count = len(source)

    def work(index: int, stopped: threading.Event) -> EncodedImage:
        return storage.encode_image(make(index), compression=compression)

    with (
        storage.SeriesWriter(place.group, compression=compression) as writer,
        contextlib.closing(ordered_map(work, range(count))) as images,
    ):
        for index, image in enumerate(images):
            report(index, count, stage)
            writer.add(image, add_versions(source.meta(index)))


def _described(frames: FrameSource, source: FrameSource, index: int) -> dict[str, Any]:
    """Metadata of a corrected frame: those of the frame, completed from the measured one."""
    meta = dict(frames.meta(index))
    if frames is not source:
        meta = {**source.meta(index), **meta}
    # The result is written by this version.
    for key in ("flimage version", "qpimage version"):
        meta.pop(key, None)
    return meta


def _name(source: FrameSource) -> str:
    return "The recording in memory" if source.path is None else str(source.path)
