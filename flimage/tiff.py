"""TIFF, BigTIFF, OME-TIFF and ImageJ stacks as recordings, through `tifffile`.

Each frame is read when it is asked for. Times and pixel sizes are taken from where the format
defines them (OME-XML, ImageJ's properties), never from the resolution that an image program wrote
for printing.
"""

from __future__ import annotations

import logging
import math
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import tifffile

from .errors import FileFormatError, InputError
from .recording import Recording, read_block

__all__ = ["TiffRecording"]

#: Units of length as OME-XML and ImageJ write them, in metres.
_METRES = {
    "m": 1.0,
    "cm": 1e-2,
    "centimeter": 1e-2,
    "mm": 1e-3,
    "millimeter": 1e-3,
    "µm": 1e-6,  # micro sign
    "μm": 1e-6,  # Greek mu
    "\\u00b5m": 1e-6,  # as ImageJ escapes it
    "um": 1e-6,
    "micron": 1e-6,
    "microns": 1e-6,
    "micrometer": 1e-6,
    "nm": 1e-9,
    "nanometer": 1e-9,
    "pm": 1e-12,
    "å": 1e-10,
    "inch": 0.0254,
    "in": 0.0254,
}

#: Units of time as OME-XML and ImageJ write them, in seconds.
_SECONDS = {
    "s": 1.0,
    "sec": 1.0,
    "second": 1.0,
    "seconds": 1.0,
    "ms": 1e-3,
    "msec": 1e-3,
    "µs": 1e-6,
    "μs": 1e-6,
    "us": 1e-6,
    "ns": 1e-9,
    "min": 60.0,
    "minute": 60.0,
    "minutes": 60.0,
    "h": 3600.0,
    "hour": 3600.0,
    "hours": 3600.0,
    "d": 86400.0,
}


def _number(value: Any) -> float:
    """Convert to float; NaN when it is no number."""
    try:
        return float(value)
    except (TypeError, ValueError):
        return math.nan


def _scale(units: dict[str, float], unit: Any, default: str) -> float:
    """Size of a unit in SI; NaN when it is unknown."""
    return units.get(str(unit or default).strip().lower(), math.nan)


def _as_list(value: Any) -> list[Any]:
    """OME-XML elements that occur once come as such, others as a list."""
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


class _Remarks(logging.Handler):
    """Collects what tifffile logs: it reads on where a file is broken, and says so only there."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.texts: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        text = re.sub(r"<tifffile\.\S+ [^>]*>:? ", "", record.getMessage())
        # Nothing is: frames that are missing are counted here, not made up.
        if "zeroed" not in text:
            self.texts.append(text)


@contextmanager
def _remarks() -> Iterator[list[str]]:
    """Yield the list that tifffile's warnings are added to instead of being printed."""
    logger = logging.getLogger("tifffile")
    handler = _Remarks()
    propagate, logger.propagate = logger.propagate, False
    logger.addHandler(handler)
    try:
        yield handler.texts
    finally:
        logger.removeHandler(handler)
        logger.propagate = propagate


class TiffRecording(Recording):
    """A stack of grey-scale images in a TIFF file of any flavour."""

    kind = "TIFF"

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self._whole: npt.NDArray[Any] | None = None
        self._block: int | None = None
        with _remarks() as remarks:
            try:
                self._file = tifffile.TiffFile(path)
            except (tifffile.TiffFileError, OSError, ValueError) as error:
                raise FileFormatError(f"{path} is not a readable TIFF file: {error}") from error
            try:
                self._open_series()
                self._read_metadata()
            except BaseException:
                self.close()
                raise
        self._notes += [f"The TIFF reader remarks: {text}" for text in dict.fromkeys(remarks)]

    def _open_series(self) -> None:
        """Find the one stack of the file; thumbnails and labels beside it don't count."""
        found = [s for s in self._file.series if not s.keyframe.is_reduced]
        if not found:
            raise FileFormatError(f"{self.path} holds no image.")
        series = found[0]
        self.dtype = np.dtype(series.dtype)
        self._check_dtype()
        axes, shape = series.axes, series.shape
        self._pages: Sequence[Any] = series.pages
        if len(found) > 1:
            # Images that a program wrote one by one, without saying that they belong together.
            alike = {(s.shape, s.axes, s.dtype) for s in found}
            if len(alike) > 1 or any(len(s.pages) != 1 for s in found):
                shapes = ", ".join("×".join(map(str, s.shape)) for s in found[:4])
                raise InputError(
                    f"{self.path} holds {len(found)} stacks ({shapes}{', …' if found[4:] else ''});"
                    " save the one to use as a file of its own. (The frames of a series must be of"
                    " one size.)"
                )
            axes, shape = f"I{axes}", (len(found), *shape)
            self._pages = [s.pages[0] for s in found]
        self._set_axes(
            axes,
            shape,
            "save one channel, position and depth as a stack over time, in ImageJ with"
            " Image › Duplicate… or Image › Hyperstacks › Make Subset….",
        )
        if len(found) == 1 and series.dataoffset is not None:
            # One block of bytes, often announced by the first page alone (ImageJ beyond 4 GB).
            if series.dataoffset + series.nbytes > self.path.stat().st_size:
                raise FileFormatError(
                    f"{self.path} ends before its last frame; it was not written or copied whole."
                )
            self._block = int(series.dataoffset)
            return
        if len(self._pages) < self.n_frames and math.prod(series.keyframe.shape) == math.prod(
            self.shape
        ):
            self._pages = [*self._pages, *[None] * (self.n_frames - len(self._pages))]
        if len(self._pages) != self.n_frames:
            # Frames that are no pages of their own (volumes, separate planes): read at once.
            self._whole = series.asarray().reshape(self.n_frames, *self.shape)
        elif any(page is None for page in self._pages):
            self._drop_missing()

    def _drop_missing(self) -> None:
        """Shorten the series to the frames that an interrupted acquisition did write."""
        missing = [index for index, page in enumerate(self._pages) if page is None]
        present = self.n_frames - len(missing)
        if missing[0] != present or present == 0:
            raise FileFormatError(
                f"{self.path} announces {self.n_frames} frames, but frame {missing[0]} is missing;"
                " the recording is incomplete."
            )
        self._notes.append(
            f"The file announces {self.n_frames} frames, but holds only the first {present}."
        )
        self.n_frames = present

    def _read_metadata(self) -> None:
        if self._file.is_ome:
            self._read_ome()
        if self._file.is_imagej:
            self._read_imagej()
        software = self._pages[0].keyframe.software
        if software:
            self.meta["software"] = str(software).strip()

    def _read_ome(self) -> None:
        """Take times and pixel size from the first image in the OME-XML.

        References
        ----------
        https://docs.openmicroscopy.org/ome-model/latest/developers/model-overview.html
        """
        try:
            tree = tifffile.xml2dict(self._file.ome_metadata or "")
        except SyntaxError:  # xml.etree.ElementTree.ParseError is one
            self._notes.append("The OME-XML is damaged and was not used.")
            return
        images = _as_list(tree.get("OME", {}).get("Image"))
        pixels = images[0].get("Pixels", {}) if images else {}
        scale_x = _scale(_METRES, pixels.get("PhysicalSizeXUnit"), "µm")
        scale_y = _scale(_METRES, pixels.get("PhysicalSizeYUnit"), "µm")
        self._set_pixel_size(
            _number(pixels.get("PhysicalSizeX")) * scale_x,
            _number(pixels.get("PhysicalSizeY")) * scale_y,
            "OME PhysicalSizeX",
        )
        axis = "Z" if pixels.get("SizeT") == 1 and pixels.get("SizeZ", 1) > 1 else "T"
        times: dict[int, float] = {}
        for plane in _as_list(pixels.get("Plane")):
            if "DeltaT" in plane:
                scale = _scale(_SECONDS, plane.get("DeltaTUnit"), "s")
                index = int(plane.get(f"The{axis}", 0))
                times.setdefault(index, _number(plane["DeltaT"]) * scale)
        if times:
            stamps = [times.get(index, math.nan) for index in range(self.n_frames)]
            self._set_times(stamps, "OME DeltaT of each plane")
        increment = _number(pixels.get("TimeIncrement"))
        scale = _scale(_SECONDS, pixels.get("TimeIncrementUnit"), "s")
        self._set_interval(increment * scale, "OME TimeIncrement")

    def _read_imagej(self) -> None:
        """Take interval and pixel size from the properties that ImageJ writes.

        The resolution is in pixels per `unit`; without a unit it is the one for printing.
        """
        properties = self._file.imagej_metadata or {}
        scale = _scale(_SECONDS, properties.get("tunit"), "sec")
        self._set_interval(_number(properties.get("finterval")) * scale, "ImageJ's frame interval")
        rate = _number(properties.get("fps"))
        if rate > 0:
            self._set_interval(1 / rate, "ImageJ's frame rate")
        unit = properties.get("unit")
        if unit and self.pixel_size is None:
            scale = _scale(_METRES, unit, "")
            x, y = self._pages[0].keyframe.resolution
            if x > 0 and y > 0:
                self._set_pixel_size(
                    scale / x, _scale(_METRES, properties.get("yunit"), unit) / y, "ImageJ"
                )

    def _read(self, index: int) -> npt.NDArray[Any]:
        if self._whole is not None:
            whole: npt.NDArray[Any] = self._whole[index]
            return whole
        if self._block is not None:
            size = math.prod(self.shape) * self.dtype.itemsize
            dtype = self.dtype.newbyteorder(self._file.byteorder)
            return read_block(self._file.filehandle, self._block + index * size, self.shape, dtype)
        with _remarks():
            image: npt.NDArray[Any] = self._pages[index].asarray()
        return image.reshape(image.shape[-2:]) if image.size == math.prod(self.shape) else image

    def close(self) -> None:
        """Close the file."""
        self._whole = None
        self._file.close()
