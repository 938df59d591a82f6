"""Write recordings as OME-Zarr, through `zarr`.

The folder follows OME-NGFF 0.4, which Fiji, napari, QuPath and OMERO open.
"""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ..extras import need
from ..progress import Progress, ignore_progress
from .folder import atomic_folder
from .formats import EXTRAS
from .frames import Images, interval_of
from .tiff import Exported

__all__ = ["TIMES_KEY", "write_zarr"]

#: Where the time of each frame and the provenance stand among the attributes: OME-Zarr itself
#: knows one interval only.
TIMES_KEY = "flimage"

#: Largest chunk along y and x [px].
_CHUNK = 1024


def write_zarr(
    images: Images,
    path: str | os.PathLike[str],
    *,
    overwrite: bool = False,
    progress: Progress | None = None,
) -> Exported:
    """Write a recording as an OME-Zarr folder, in single precision and compressed.

    Parameters
    ----------
    images
        What is written.
    path
        The folder.
    overwrite
        Replace an existing folder.
    progress
        Called as ``progress(done, total, stage)``; may raise :class:`~flimage.errors.Cancelled`.

    Returns
    -------
    Exported

    Raises
    ------
    flimage.errors.InputError
        When the package `zarr` is not installed, or frames differ in size.
    flimage.errors.OutputExistsError, flimage.errors.SameFileError
        When the output exists, or holds the recording.

    References
    ----------
    https://ngff.openmicroscopy.org/0.4/
    """
    zarr = need(*EXTRAS["zarr"])
    path = Path(path)
    report = ignore_progress if progress is None else progress
    height, width = images.shape
    notes: list[str] = []
    low, high = np.inf, -np.inf
    with atomic_folder(path, overwrite=overwrite, source=images.path) as temporary:
        # Not "w", which would remove the folder, and make another one in its place.
        group = zarr.open_group(temporary, mode="a", zarr_format=2)
        levels = [
            group.create_array(
                str(level),
                shape=(len(images), *shape),
                chunks=(1, *(min(length, _CHUNK) for length in shape)),
                dtype="float32",
                # What the format asks for, so that a chunk lies in 0/t/y/x.
                chunk_key_encoding={"name": "v2", "separator": "/"},
            )
            for level, shape in enumerate(_shapes((height, width)))
        ]
        with contextlib.closing(images.read(report, "Writing")) as frames:
            for number, image in enumerate(frames):
                smaller = image.astype(np.float32, copy=False)
                for array in levels:
                    if smaller.shape != array.shape[1:]:
                        smaller = _halved(smaller)
                    array[number] = smaller
                if np.isfinite(image).any():
                    low = min(low, float(np.nanmin(image)))
                    high = max(high, float(np.nanmax(image)))
        group.attrs.update(_attributes(images, len(levels), low, high, notes))
        report(len(images), len(images), "Done")
    return Exported(path, len(images), notes=tuple(notes))


def _shapes(shape: tuple[int, int]) -> list[tuple[int, int]]:
    """Sizes (y, x) of the frames and of smaller copies, each half as large, down to one chunk."""
    shapes = [shape]
    while max(shapes[-1]) > _CHUNK:
        height, width = shapes[-1]
        shapes.append((-(-height // 2), -(-width // 2)))
    return shapes


def _halved(image: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Take the mean of 2×2 pixels, of fewer at the ends of odd sizes."""
    height, width = image.shape
    even = np.pad(image, ((0, height % 2), (0, width % 2)), mode="edge")
    rows = even[::2] + even[1::2]
    mean: npt.NDArray[np.float32] = (rows[:, ::2] + rows[:, 1::2]) * np.float32(0.25)
    return mean


def _attributes(
    images: Images, levels: int, low: float, high: float, notes: list[str]
) -> dict[str, Any]:
    """OME-NGFF metadata of the group, and our own."""
    times = images.times
    known = bool(np.isfinite(times).all())
    interval = interval_of(times) if known else None
    step = interval
    if known and interval is None and len(images) > 1:
        step = float(times[-1] - times[0]) / (len(images) - 1)
        notes.append(
            "The time between frames varies, which OME-Zarr cannot keep; its scale is the mean, and"
            f" the times stand in the attribute {TIMES_KEY!r}."
        )
    if not known:
        notes.append("Times were not written, because some frames have none.")
    timed = known and step is not None and step > 0
    size = images.pixel_size
    pixel = 1.0 if size is None else float(f"{size * 1e6:.15g}")
    space: dict[str, str] = {} if size is None else {"unit": "micrometer"}
    datasets = []
    for level in range(levels):
        wide = pixel * 2**level
        scale = [float(step or 1.0) if timed else 1.0, wide, wide]
        # The centre of a pixel of a smaller copy lies between those of the pixels it stands for.
        shift = [float(times[0]) if timed else 0.0, (wide - pixel) / 2, (wide - pixel) / 2]
        transformations: list[dict[str, Any]] = [{"type": "scale", "scale": scale}]
        if any(shift):
            transformations.append({"type": "translation", "translation": shift})
        datasets.append({"path": str(level), "coordinateTransformations": transformations})
    multiscale = {
        "version": "0.4",
        "name": images.name,
        "axes": [
            {"name": "t", "type": "time", **({"unit": "second"} if timed else {})},
            {"name": "y", "type": "space", **space},
            {"name": "x", "type": "space", **space},
        ],
        "type": "mean",
        "datasets": datasets,
    }
    found = low <= high
    window = {
        "min": low if found else 0.0,
        "max": high if found else 1.0,
        "start": low if found else 0.0,
        "end": high if found else 1.0,
    }
    channel = {
        "label": images.label,
        "color": "FFFFFF",
        "active": True,
        "window": window,
    }
    own: dict[str, Any] = dict(images.provenance())
    if known:
        own["times [s]"] = times.tolist()
    return {
        "multiscales": [multiscale],
        "omero": {"version": "0.4", "name": images.name, "channels": [channel]},
        TIMES_KEY: own,
    }
