"""Recordings in any format that the optional package `bioio` and its plug-ins read."""

from __future__ import annotations

import importlib.util
import logging
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from .errors import FileFormatError, InputError
from .ome import OmeRecording, ome_images
from .selecting import Axis, ChoiceNeededError, Selection

__all__ = ["BioioRecording", "is_available"]


def is_available() -> bool:
    """Tell whether bioio is installed."""
    return importlib.util.find_spec("bioio") is not None


class BioioRecording(OmeRecording):
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

        # What it logs of each plug-in that it tries would reach the person beside our sentence.
        logging.getLogger("bioio").addHandler(logging.NullHandler())
        try:
            self._image: Any = bioio.BioImage(path)
            scenes = list(self._image.scenes)
        # Each plug-in raises exceptions of its own.
        except Exception as error:
            if type(error).__name__ == "UnsupportedFileFormatError":
                raise FileFormatError(
                    f"{path} cannot be read by bioio: none of its plug-ins that are installed reads"
                    " this format; install the one for it."
                ) from error
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
        self._read_ome()
        size = self._image.physical_pixel_sizes
        if self.pixel_size is None and size.X is not None:
            self._set_pixel_size(size.X * 1e-6, (size.Y or np.nan) * 1e-6, "bioio")
        interval = getattr(self._image, "time_interval", None)
        if interval is not None:
            # A duration in some plug-ins, seconds in others.
            seconds = interval.total_seconds() if hasattr(interval, "total_seconds") else interval
            self._set_interval(float(seconds), "bioio")

    def _read_ome(self) -> None:
        """Take what the plug-in passes on as OME metadata: the time of each frame among it."""
        try:
            xml = self._image.ome_metadata.to_xml()
        # Many plug-ins have none, and say so in ways of their own.
        except Exception:
            return
        images = ome_images(xml)
        if self._scene < len(images):
            self._take_ome(images[self._scene])

    def _choose_scene(self, scenes: list[Any]) -> None:
        number = self.selection.position
        axis = Axis("P", len(scenes), tuple(str(scene) for scene in scenes))
        if number is None and len(scenes) > 1:
            raise ChoiceNeededError(
                f"{self.path} holds {len(scenes)} positions; choose one with {axis.choices}.",
                (axis,),
            )
        number = self._scene = number or 0
        if not 0 <= number < len(scenes):
            raise InputError(f"{self.path} has no position {number}; there is {axis.choices}.")
        if len(scenes) > 1:
            self._image.set_scene(number)
            self._notes.append(f"Images are those of position {number} of {len(scenes)}.")
        self.selection = Selection(self.selection.channel, self.selection.z)

    def _read(self, index: int) -> npt.NDArray[Any]:
        position = self._layout.coordinates(index)
        plane = self._image.get_image_dask_data("YX", **position)
        # One plane gains nothing from threads, and they would stay for as long as the program.
        return np.asarray(plane.compute(scheduler="synchronous"))

    def close(self) -> None:
        """Do nothing: bioio opens a file each time it reads."""
