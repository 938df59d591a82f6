"""Recordings in any format that the optional package `bioio` and its plug-ins read."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from .errors import FileFormatError, InputError
from .recording import Recording
from .selecting import Axis, ChoiceNeededError, Selection

__all__ = ["BioioRecording", "is_available"]


def is_available() -> bool:
    """Tell whether bioio is installed."""
    return importlib.util.find_spec("bioio") is not None


class BioioRecording(Recording):
    """An image that bioio opens, such as LIF, DV or VSI; scenes are positions.

    Which formats are read depends on the plug-ins of bioio that are installed.

    References
    ----------
    https://bioio-devs.github.io/bioio/
    """

    kind = "bioio"

    def __init__(self, path: Path, selection: Selection | None = None) -> None:
        super().__init__(path, selection)
        import bioio

        try:
            self._image: Any = bioio.BioImage(path)
            scenes = list(self._image.scenes)
        # Each plug-in raises exceptions of its own.
        except Exception as error:
            raise FileFormatError(
                f"{path} cannot be read by bioio ({type(error).__name__}: {error}); install its"
                " plug-in for this format."
            ) from error
        self._choose_scene(scenes)
        dimensions = self._image.dims
        self.dtype = np.dtype(self._image.dtype)
        self._check_dtype()
        channels = [str(name) for name in self._image.channel_names or ()]
        self._set_axes(
            str(dimensions.order),
            tuple(dimensions.shape),
            "export one channel, position and depth with the program of the microscope.",
            channels,
        )
        size = self._image.physical_pixel_sizes
        if size.X is not None:
            self._set_pixel_size(size.X * 1e-6, (size.Y or np.nan) * 1e-6, "bioio")
        interval = getattr(self._image, "time_interval", None)
        if interval is not None:
            # A duration in some plug-ins, seconds in others.
            seconds = interval.total_seconds() if hasattr(interval, "total_seconds") else interval
            self._set_interval(float(seconds), "bioio")

    def _choose_scene(self, scenes: list[Any]) -> None:
        number = self.selection.position
        axis = Axis("P", len(scenes), tuple(str(scene) for scene in scenes))
        if number is None and len(scenes) > 1:
            raise ChoiceNeededError(
                f"{self.path} holds {len(scenes)} positions; choose one with {axis.choices}.",
                (axis,),
            )
        number = number or 0
        if not 0 <= number < len(scenes):
            raise InputError(f"{self.path} has no position {number}; there is {axis.choices}.")
        if len(scenes) > 1:
            self._image.set_scene(number)
            self._notes.append(f"Images are those of position {number} of {len(scenes)}.")
        self.selection = Selection(self.selection.channel, self.selection.z)

    def _read(self, index: int) -> npt.NDArray[Any]:
        position = self._layout.coordinates(index)
        return np.asarray(self._image.get_image_dask_data("YX", **position).compute())

    def close(self) -> None:
        """Do nothing: bioio opens a file each time it reads."""
