"""Nikon ND2 files as recordings, through the optional package `nd2`."""

from __future__ import annotations

import datetime
import math
import re
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from .errors import FileFormatError
from .extras import need
from .recording import Recording
from .selecting import Selection

__all__ = ["Nd2Recording"]


#: Julian day number of 1970-01-01, 00:00 UTC.
_EPOCH = 2_440_587.5


def _day_of(julian: Any) -> datetime.date | None:
    """Return the day (UTC) of a Julian day number; None where it is none."""
    try:
        days = math.floor(float(julian) - _EPOCH)
        day = datetime.date(1970, 1, 1) + datetime.timedelta(days)
    except (OverflowError, TypeError, ValueError):
        return None
    return day


class Nd2Recording(Recording):
    """A Nikon ND2 file, through the optional package `nd2`; times are those of each frame."""

    kind = "ND2"

    def __init__(self, path: Path, selection: Selection | None = None) -> None:
        super().__init__(path, selection)
        nd2 = need("nd2", "nd2", f"Reading the ND2 file {path}")
        try:
            self._file = nd2.ND2File(path)
        # nd2 raises many kinds of exceptions on files that it cannot read.
        except Exception as error:
            raise FileFormatError(f"{path} is not a readable ND2 file: {error}") from error
        try:
            sizes = dict(self._file.sizes)
            self.dtype = np.dtype(self._file.dtype)
            self._check_dtype()
            self._set_axes(
                "".join(sizes),
                list(sizes.values()),
                "export one channel, position and depth from NIS-Elements or Fiji.",
                self._channel_names(),
            )
            self._loops = [(k, n) for k, n in sizes.items() if k not in ("C", "S", "Y", "X")]
            self._read_metadata()
        except BaseException:
            self.close()
            raise

    def _read_metadata(self) -> None:
        size = self._file.voxel_size()
        self._set_pixel_size(size.x * 1e-6, size.y * 1e-6, "the ND2 calibration")
        self._set_bits(self._file.attributes.bitsPerComponentSignificant, "the ND2 attributes")
        stamps = []
        places = []
        for index in range(self.n_frames):
            channels = getattr(self._file.frame_metadata(self._sequence(index)), "channels", None)
            if not channels:
                break
            channel = min(self._layout.coordinates(index).get("C", 0), len(channels) - 1)
            stamps.append(channels[channel].time.relativeTimeMs / 1000)
            places.append([1e-6 * x for x in channels[channel].position.stagePositionUm])
            if index == 0:
                self._set_date(_day_of(channels[channel].time.absoluteJulianDayNumber))
        if len(stamps) == self.n_frames:
            self._set_times(stamps, "the ND2 time stamp of each frame")
        self._set_place(places)
        camera = re.search(r"Camera Name: *(\S[^\r\n]*)", self._description())
        if camera:
            self.meta["device"] = camera[1].strip()
        for loop in self._file.experiment or []:
            if loop.type == "TimeLoop":
                self._set_interval(loop.parameters.periodMs / 1000, "the ND2 experiment")
        channels = getattr(self._file.metadata, "channels", None)
        if channels:
            aperture = channels[0].microscope.objectiveNumericalAperture
            if aperture:
                self.meta["numerical aperture"] = float(aperture)

    def _description(self) -> str:
        return str((self._file.text_info or {}).get("description", ""))

    def _channel_names(self) -> list[str]:
        channels = getattr(self._file.metadata, "channels", None) or ()
        return [str(channel.channel.name) for channel in channels]

    def _sequence(self, index: int) -> int:
        """Find the number of a frame in the file; the channels of a frame are stored together."""
        position = self._layout.coordinates(index)
        number = 0
        for letter, size in self._loops:
            number = number * size + position[letter]
        return number

    def _read(self, index: int) -> npt.NDArray[Any]:
        image: npt.NDArray[Any] = np.asarray(self._file.read_frame(self._sequence(index)))
        if image.ndim == 3 and image.shape[0] > 1:
            image = image[self._layout.coordinates(index).get("C", 0)]
        return image.reshape(image.shape[-2:]) if image.size == math.prod(self.shape) else image

    def close(self) -> None:
        """Close the file."""
        self._file.close()
