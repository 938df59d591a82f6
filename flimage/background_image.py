"""Images that serve as background: read from a file, or made from frames of the recording."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from .errors import FileFormatError, InputError
from .progress import Progress, ignore_progress

if TYPE_CHECKING:
    from .source import FrameSource

__all__ = ["image_in_file", "mean_frame", "plane_from_border"]

Image = npt.NDArray[np.float32]

#: A background plane is fitted to the average of at most this many frames.
MOST_AVERAGED = 64


def image_in_file(
    path: str | os.PathLike[str], shape: tuple[int, int], progress: Progress | None = None
) -> Image:
    """Read an image to be used as background; of a stack, the average of its frames.

    Parameters
    ----------
    path
        A file with one flimage image or a series, or a recording in another format.
    shape
        The shape that it must have (y, x).
    progress
        Called for every frame.

    Returns
    -------
    ndarray of float32, (y, x)

    Raises
    ------
    flimage.errors.InputError
        When the image has another shape, or the file holds no image.
    """
    from .opening import find_series
    from .readers import is_recording, open_recording
    from .storage import open_file

    path = Path(path)
    report = ignore_progress if progress is None else progress
    if is_recording(path):
        with open_recording(path) as recording:
            frames = map(recording.frame, range(len(recording)))
            image = _mean(frames, len(recording), f"Reading {path.name}", report)
    else:
        with open_file(path) as file:
            image = _read_group(find_series(file, path), path, report)
    if image.shape != tuple(shape):
        raise InputError(
            f"The background {path} has {image.shape[1]} × {image.shape[0]} pixels, but the"
            f" recording {shape[1]} × {shape[0]}; choose an image of the same size."
        )
    return image


def _read_group(group: Any, path: Path, report: Progress) -> Image:
    """Read the image in a group, or the mean of the series in it."""
    from .image_group import RAW, is_image_group
    from .series import FLSeries
    from .source import SeriesSource
    from .storage import read_image

    if is_image_group(group):
        return _mean([read_image(group, RAW)], 1, f"Reading {path.name}", report)
    if "fli_0" not in group:
        raise FileFormatError(f"{path} holds no image; choose another file.")
    with FLSeries(h5file=group) as series:
        source = SeriesSource(series)
        frames = map(source.raw, range(len(source)))
        return _mean(frames, len(source), f"Reading {path.name}", report)


def _mean(images: Iterable[Any], count: int, stage: str, report: Progress) -> Image:
    """Average images one after the other, so that only one is held at a time."""
    report(0, count, stage)
    total: npt.NDArray[np.float64] = np.zeros(())
    for done, image in enumerate(images, 1):
        total = total + np.asarray(image, dtype=np.float64)
        report(done, count, stage)
    return np.asarray(total / count, dtype=np.float32)


def mean_frame(
    source: FrameSource, frames: Sequence[int], progress: Progress | None = None
) -> Image:
    """Return the average of some raw frames.

    Parameters
    ----------
    source
        The recording.
    frames
        Frames to average.
    progress
        Called for every frame.

    Returns
    -------
    ndarray of float32, (y, x)

    Raises
    ------
    flimage.errors.InputError
        When there is no such frame, or none is named.
    """
    report = ignore_progress if progress is None else progress
    beyond = [frame for frame in frames if not 0 <= frame < len(source)]
    if beyond or not frames:
        wrong = f"There is no frame {beyond[0]}" if beyond else "No frame is named"
        raise InputError(f"{wrong}; the recording has the frames 0 to {len(source) - 1}.")
    return _mean(map(source.raw, frames), len(frames), "Averaging", report)


def plane_from_border(
    source: FrameSource,
    border_px: int,
    frames: Sequence[int] | None = None,
    progress: Progress | None = None,
) -> Image:
    """Fit a plane to the border of the average of some raw frames.

    Parameters
    ----------
    source
        The recording.
    border_px
        Width of the border [px].
    frames
        Frames to average, None for all; of many, evenly spread ones are taken.
    progress
        Called for every frame.

    Returns
    -------
    ndarray of float32, (y, x)

    Raises
    ------
    flimage.errors.InputError
        When there is no border, or it leaves nothing of the image.
    """
    from .background import border_mask, check_border, image_background
    from .recipe import Recipe

    if border_px < 1:
        raise InputError(
            "The border is 0 px wide, so that no plane can be fitted to it; make it wider first."
        )
    check_border(source.shape, border_px)
    named = range(len(source)) if frames is None else frames
    places = np.linspace(0, len(named) - 1, min(MOST_AVERAGED, len(named))).round()
    chosen = [named[i] for i in sorted({int(place) for place in places})]
    image = mean_frame(source, chosen, progress).astype(np.float64)
    mask = border_mask(source.shape, border_px)
    if not np.isfinite(image[mask]).any():
        raise InputError(
            "The border has no values a plane could be fitted to; choose other frames."
        )
    recipe = Recipe(border_px=border_px, background_source="plane")
    slope = np.asarray(image_background(image, recipe, 0.0))
    level = float(np.nanmean((image - slope)[mask]))
    return (slope + level).astype(np.float32)
