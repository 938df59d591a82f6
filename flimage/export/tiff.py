"""Write recordings as OME-TIFF files and ImageJ hyperstacks, through `tifffile`.

The images are written one after the other as real numbers in single precision, or as whole
numbers of 16 bits with the scale that turns them back.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import warnings
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np
import numpy.typing as npt

from ..errors import InputError
from ..output import atomic_output
from ..progress import Progress, ignore_progress
from ..scaling import Scaling
from .frames import Images, interval_of
from .request import PixelType
from .scaling import find_scaling

__all__ = ["Exported", "TiffFlavour", "write_tiff"]

TiffFlavour = Literal["ome", "imagej"]

#: Beyond this size a TIFF needs 64-bit offsets; a little is left for what is not pixels.
_CLASSIC_LIMIT = 2**32 - 2**25


@dataclass(frozen=True)
class Exported:
    """What was written.

    Parameters
    ----------
    path
        The file.
    frames
        Number of images.
    scaling
        How values became whole numbers; None for real numbers.
    clipped
        Pixels that were outside the range of the whole numbers; never without being asked for.
    missing
        Pixels without a value that were stored as whole numbers.
    notes
        What a person should know, one sentence each.
    """

    path: Path
    frames: int
    scaling: Scaling | None = None
    clipped: int = 0
    missing: int = 0
    notes: tuple[str, ...] = ()


def write_tiff(
    images: Images,
    path: str | os.PathLike[str],
    *,
    flavour: TiffFlavour = "ome",
    dtype: PixelType = "float32",
    limits: tuple[float, float] | None = None,
    clip: bool = False,
    overwrite: bool = False,
    progress: Progress | None = None,
) -> Exported:
    """Write a recording as a TIFF stack.

    Parameters
    ----------
    images
        What is written.
    path
        The file.
    flavour
        ``"ome"``: OME-TIFF with the time of each frame; BigTIFF where it exceeds 4 GB.
        ``"imagej"``: hyperstack, which keeps one interval and the times as labels of the slices.
    dtype
        ``"float32"``, or ``"uint16"``: whole numbers with a scale and an offset.
    limits
        Smallest and largest value that whole numbers stand for [counts]; by default those that
        occur, which takes a second pass over the recording.
    clip
        Move values outside `limits` to its ends and count them, instead of refusing them.
    overwrite
        Replace an existing file.
    progress
        Called as ``progress(done, total, stage)``; may raise :class:`~flimage.errors.Cancelled`.

    Returns
    -------
    Exported

    Raises
    ------
    flimage.errors.InputError
        When values lie outside `limits` and `clip` is not set, or frames differ in size.
    flimage.errors.OutputExistsError, flimage.errors.SameFileError
        When the output exists, or is the recording.

    References
    ----------
    https://docs.openmicroscopy.org/ome-model/6.3.1/ome-tiff/specification.html
    """
    import tifffile

    path = Path(path)
    if flavour not in get_args(TiffFlavour):
        raise InputError(f"A TIFF flavour {flavour!r} is unknown; use 'ome' or 'imagej'.")
    if dtype not in get_args(PixelType):
        raise InputError(f"Pixels cannot be written as {dtype!r}; use 'float32' or 'uint16'.")
    report = ignore_progress if progress is None else progress
    count = len(images)
    with atomic_output(path, overwrite=overwrite, source=images.path) as temporary:
        scaling, passes = None, 0
        if dtype == "uint16":
            if limits is None:
                scaling, passes = find_scaling(images, progress), count
            else:
                scaling = Scaling.for_range(*limits)
        pages = _Pages(images, scaling, report, passes)
        notes: list[str] = []
        options = (
            _ome_options(images, scaling, notes)
            if flavour == "ome"
            else _imagej_options(images, scaling, notes)
        )
        size = count * images.shape[0] * images.shape[1] * np.dtype(dtype).itemsize
        large = size > _CLASSIC_LIMIT
        if large and flavour == "imagej":
            notes.append(
                "The stack is larger than 4 GB: ImageJ and Fiji read it whole, but some other"
                " programs only its first image; an OME-TIFF has no such limit."
            )
        with (
            # tifffile warns of what the note says, once more when it closes the file.
            _quiet() if large else contextlib.nullcontext(),
            tifffile.TiffWriter(
                temporary,
                ome=flavour == "ome",
                imagej=flavour == "imagej",
                bigtiff=flavour == "ome" and large,
            ) as writer,
            contextlib.closing(iter(pages)) as stream,
        ):
            writer.write(
                stream,
                shape=(count, *images.shape),
                dtype=np.dtype(dtype),
                photometric="minisblack",
                software=images.provenance()["software"],
                **options,
            )
        if scaling is not None and pages.clipped and not clip:
            raise InputError(
                f"{pages.clipped} pixels lie outside {scaling.low:g} to {scaling.high:g} and would"
                f" be cut off (values reach from {pages.low:g} to {pages.high:g}); give a wider"
                " range (--range), or allow clipping (--clip)."
            )
        if pages.clipped:
            notes.append(f"{pages.clipped} pixels were outside the range and were cut off.")
        if pages.missing:
            notes.append(f"{pages.missing} pixels have no value and are stored as 0.")
        report(passes + count, passes + count, "Done")
    return Exported(path, count, scaling, pages.clipped, pages.missing, tuple(notes))


@contextlib.contextmanager
def _quiet() -> Generator[None, None, None]:
    """Keep tifffile from warning about ImageJ's way to store large stacks."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*truncating ImageJ file", category=UserWarning)
        yield


class _Pages:
    """Images in the type that is written, and counts of what could not be kept."""

    def __init__(
        self, images: Images, scaling: Scaling | None, progress: Progress, start: int
    ) -> None:
        self._images = images
        self._scaling = scaling
        self._progress = progress
        self._start = start
        self.clipped = 0
        self.missing = 0
        self.low = np.inf
        self.high = -np.inf

    def __iter__(self) -> Generator[npt.NDArray[Any], None, None]:
        with contextlib.closing(
            self._images.read(self._progress, "Writing", self._start)
        ) as images:
            for image in images:
                if self._scaling is None:
                    with np.errstate(over="ignore", invalid="ignore"):  # 1e300 is infinite here
                        single = np.ascontiguousarray(image, dtype=np.float32)
                    yield single
                    continue
                scaled = self._scaling.apply(image)
                self.missing += scaled.missing
                if scaled.clipped:
                    self.clipped += scaled.clipped
                    self.low = min(self.low, float(np.nanmin(image)))
                    self.high = max(self.high, float(np.nanmax(image)))
                yield scaled.image


def _annotations(images: Images, scaling: Scaling | None) -> dict[str, str]:
    facts = images.provenance()
    if scaling is not None:
        facts |= {
            "scale": repr(scaling.scale),
            "offset": repr(scaling.offset),
            "missing pixels": "stored as 0" if scaling.missing_is_zero else "none",
        }
    return facts


def _description(images: Images, scaling: Scaling | None) -> str:
    facts = images.provenance()
    lines = [f"Fluorescence, {facts['images']}, written by {facts['software']}."]
    lines.append("Values are in counts." if scaling is None else scaling.sentence)
    if "model" in facts:
        lines.append(f"Bleaching: model {facts['model']}; {facts['verdict']}")
    return "\n".join(lines)


def _ome_options(images: Images, scaling: Scaling | None, notes: list[str]) -> dict[str, Any]:
    """Arguments for tifffile that make the OME-XML."""
    times = images.times
    metadata: dict[str, Any] = {
        "axes": "TYX",
        "Name": images.name,
        "Description": _description(images, scaling),
        "Channel": {"Name": [images.label]},
        "MapAnnotation": _annotations(images, scaling),
    }
    options: dict[str, Any] = {"metadata": metadata}
    date = images.provenance().get("date", "")
    if re.fullmatch(r"\d{4}-\d\d-\d\d", date):
        metadata["AcquisitionDate"] = f"{date}T00:00:00"
    if images.pixel_size is not None:
        micrometres = float(f"{images.pixel_size * 1e6:.15g}")
        metadata |= {
            "PhysicalSizeX": micrometres,
            "PhysicalSizeXUnit": "µm",
            "PhysicalSizeY": micrometres,
            "PhysicalSizeYUnit": "µm",
        }
        options |= _resolution(images.pixel_size)
    if np.isfinite(times).all():
        metadata["Plane"] = {
            "DeltaT": [float(time) for time in times],
            "DeltaTUnit": ["s"] * len(images),
        }
        interval = interval_of(times)
        if interval is not None:
            metadata |= {"TimeIncrement": float(f"{interval:.12g}"), "TimeIncrementUnit": "s"}
    else:
        notes.append("Times were not written, because some frames have none.")
    return options


def _imagej_options(images: Images, scaling: Scaling | None, notes: list[str]) -> dict[str, Any]:
    """Arguments for tifffile that make ImageJ's properties."""
    times = images.times
    info = [_description(images, scaling)]
    info += [f"{key} = {value}" for key, value in _annotations(images, scaling).items()]
    metadata: dict[str, Any] = {"axes": "TYX", "mode": "grayscale"}
    options: dict[str, Any] = {"metadata": metadata}
    if scaling is not None:
        # ImageJ's straight calibration curve: it then shows values instead of stored numbers.
        metadata |= {"cf": 0, "c0": scaling.offset, "c1": scaling.scale, "vunit": "counts"}
    if images.pixel_size is not None:
        metadata["unit"] = "um"
        options |= _resolution(images.pixel_size, per="unit")
    if np.isfinite(times).all():
        interval = interval_of(times)
        if interval is None and len(images) > 1:
            notes.append(
                "The time between frames varies, which a hyperstack cannot keep; its frame interval"
                " is the mean, and the times stand in the labels and the info of the slices."
            )
        if len(images) > 1:
            mean = float(times[-1] - times[0]) / (len(images) - 1)
            metadata |= {"finterval": float(f"{interval or mean:.12g}"), "tunit": "sec"}
        metadata["Labels"] = [f"t = {time:.9g} s" for time in times]
        info.append(f"times in seconds = {json.dumps(times.tolist())}")
    else:
        notes.append("Times were not written, because some frames have none.")
    metadata["Info"] = "\n".join(info)
    return options


def _resolution(pixel_size: float, per: str = "centimetre") -> dict[str, Any]:
    """TIFF's own tags for the size of a pixel: pixels per centimetre, or per ImageJ's unit."""
    if per == "unit":
        density = 1e-6 / pixel_size
        return {"resolution": (density, density), "resolutionunit": 1}
    density = 1e-2 / pixel_size
    return {"resolution": (density, density), "resolutionunit": 3}
