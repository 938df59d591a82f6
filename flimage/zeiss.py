"""Zeiss CZI files as recordings, through the optional package `pylibCZIrw` of Zeiss."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from .errors import FileFormatError, InputError
from .extras import need
from .recording import Recording
from .selecting import Selection
from .units import number_of
from .zeiss_times import read_time_stamps

__all__ = ["CziRecording"]

#: Grey pixels as CZI names them.
_TYPES = {"Gray8": "uint8", "Gray16": "uint16", "Gray32": "uint32", "Gray32Float": "float32"}

#: No microscope has more channels; damaged files announce any number.
_MOST_CHANNELS = 1000


class CziRecording(Recording):
    """A CZI file; scenes are positions, and tiles of a scene are put together.

    References
    ----------
    https://zeiss.github.io/libczi/
    """

    kind = "CZI"

    def __init__(self, path: Path, selection: Selection | None = None) -> None:
        super().__init__(path, selection)
        czi = need("pylibCZIrw.czi", "czi", f"Reading the CZI file {path}")
        try:
            self._context = czi.open_czi(str(path))
            self._file: Any = self._context.__enter__()
        # The library raises plain exceptions of many kinds on files that it cannot read.
        except Exception as error:
            raise FileFormatError(f"{path} is not a readable CZI file: {error}") from error
        try:
            self._open_scene()
            self._read_metadata()
        except BaseException:
            self.close()
            raise

    def _open_scene(self) -> None:
        """Find the axes, and the rectangle of the scene."""
        box = self._file.total_bounding_box
        scenes = dict(self._file.scenes_bounding_rectangle)
        channel = box.get("C", (0, 1))
        if channel[1] - channel[0] > _MOST_CHANNELS:
            raise FileFormatError(
                f"{self.path} announces {channel[1] - channel[0]} channels; it is damaged."
            )
        kinds = {self._file.get_channel_pixel_type(c) for c in range(*channel)}
        if len(kinds) != 1 or not kinds <= set(_TYPES):
            raise InputError(
                f"{self.path} holds pixels of the kind {', '.join(sorted(map(str, kinds)))}, not"
                " grey values of one kind; export one channel from ZEN."
            )
        self.dtype = np.dtype(_TYPES[kinds.pop()])
        self._check_dtype()
        letters = [letter for letter in box if letter not in ("X", "Y")]
        # The slowest axis first; scenes have no place in the box.
        self._starts = {letter: box[letter][0] for letter in letters}
        sizes = [int(np.ptp(box[letter])) for letter in letters]
        numbers = sorted(scenes)
        chosen = self.selection.position or 0
        if not 0 <= chosen < max(len(numbers), 1):
            raise InputError(
                f"{self.path} has no position {chosen}; there is (0 to {len(numbers) - 1})"
                " (--position)."
            )
        self._scene = numbers[chosen] if numbers else None
        area = scenes[self._scene] if numbers else self._file.total_bounding_rectangle
        self._area = (area.x, area.y, area.w, area.h)
        self._set_axes(
            "P" + "".join(letters) + "YX",
            [max(len(numbers), 1), *sizes, area.h, area.w],
            "export one channel, scene and depth from ZEN.",
            self._channel_names(),
        )

    def _image_metadata(self) -> dict[str, Any]:
        document = self._file.metadata.get("ImageDocument", {}).get("Metadata", {})
        found: dict[str, Any] = document.get("Information", {}).get("Image", {})
        return found

    def _channel_names(self) -> list[str]:
        channels = _inside(self._image_metadata(), "Dimensions", "Channels").get("Channel", ())
        channels = channels if isinstance(channels, list) else [channels]
        return [str(c.get("@Name", "")) for c in channels if isinstance(c, dict)]

    def _read_metadata(self) -> None:
        document = self._file.metadata.get("ImageDocument", {}).get("Metadata", {})
        distances = _inside(document, "Scaling", "Items").get("Distance", ())
        distances = distances if isinstance(distances, list) else [distances]
        sizes = {d.get("@Id"): number_of(d.get("Value")) for d in distances if isinstance(d, dict)}
        self._set_pixel_size(sizes.get("X", np.nan), sizes.get("Y", np.nan), "the CZI scaling")
        bits = number_of(self._image_metadata().get("ComponentBitCount"))
        if np.isfinite(bits):
            self._set_bits(int(bits), "the CZI metadata")
        self._read_times()

    def _read_times(self) -> None:
        """Take the times of all time points where there are any, or else the interval."""
        time = self._layout.time
        stamps = self._time_stamps()
        if stamps is not None and time is not None and time.letter == "T":
            # Where a recording was stopped early, there are stamps without a frame, or the other
            # way round: then nobody knows which belongs to which.
            if len(stamps) == time.size:
                self._set_times(stamps, "the CZI time stamp of each frame")
            else:
                self._notes.append(
                    f"The CZI time stamps are not used: there are {len(stamps)} for {time.size}"
                    " time points."
                )
        positions = _inside(self._image_metadata(), "Dimensions", "T", "Positions")
        step = number_of(_inside(positions, "Interval").get("Increment"))
        self._set_interval(step, "the CZI metadata")
        if self.times is None and self.n_frames > 1:
            self._notes.append("The CZI file states neither time stamps nor an interval.")

    def _time_stamps(self) -> npt.NDArray[np.float64] | None:
        try:
            return read_time_stamps(self.path)
        except InputError as error:
            # The images can be read without them.
            self._notes.append(str(error))
            return None

    def _read(self, index: int) -> npt.NDArray[Any]:
        position = self._layout.coordinates(index)
        plane = {k: v + self._starts[k] for k, v in position.items() if k in self._starts}
        image = self._file.read(roi=self._area, plane=plane, scene=self._scene)
        # One grey value per pixel stands along a last axis.
        return np.asarray(image)[..., 0]

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            self._context.__exit__(None, None, None)
            self._file = None


def _inside(values: Any, *names: str) -> dict[str, Any]:
    """Go down into nested dictionaries; empty where there is nothing."""
    for name in names:
        values = values.get(name) if isinstance(values, dict) else None
    return values if isinstance(values, dict) else {}
