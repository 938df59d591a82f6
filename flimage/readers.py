"""Recordings as microscopes and other programs write them, opened without reading them whole.

:func:`open_recording` finds the reader for a file. Each reader is a
:class:`~flimage.recording.Recording`: shape, times and pixel size as far as the file states them,
with a note on where each value came from, and the frames one by one. The parsing itself is left to
`tifffile`, `nd2` and NumPy.
"""

from __future__ import annotations

import importlib.util
import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from .errors import FileFormatError, InputError, MissingFileError
from .npy import NpyRecording, NpzRecording
from .recording import Recording

__all__ = ["SUFFIXES", "Recording", "open_recording"]


class Nd2Recording(Recording):
    """A Nikon ND2 file, through the optional package `nd2`; times are those of each frame."""

    kind = "ND2"

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        if importlib.util.find_spec("nd2") is None:
            raise InputError(
                f"{path} is an ND2 file, and the package that reads them is not installed: run"
                " 'pip install \"flimage[nd2]\"'."
            )
        import nd2

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
            )
            self._read_metadata()
        except BaseException:
            self.close()
            raise

    def _read_metadata(self) -> None:
        size = self._file.voxel_size()
        self._set_pixel_size(size.x * 1e-6, size.y * 1e-6, "the ND2 calibration")
        stamps = []
        for index in range(self.n_frames):
            channels = getattr(self._file.frame_metadata(index), "channels", None)
            if not channels:
                break
            stamps.append(channels[0].time.relativeTimeMs / 1000)
        if len(stamps) == self.n_frames:
            self._set_times(stamps, "the ND2 time stamp of each frame")
        for loop in self._file.experiment or []:
            if loop.type == "TimeLoop":
                self._set_interval(loop.parameters.periodMs / 1000, "the ND2 experiment")
        channels = getattr(self._file.metadata, "channels", None)
        if channels:
            aperture = channels[0].microscope.objectiveNumericalAperture
            if aperture:
                self.meta["numerical aperture"] = float(aperture)

    def _read(self, index: int) -> npt.NDArray[Any]:
        image: npt.NDArray[Any] = np.asarray(self._file.read_frame(index))
        return image.reshape(image.shape[-2:]) if image.size == math.prod(self.shape) else image

    def close(self) -> None:
        self._file.close()


def _open_tiff(path: Path) -> Recording:
    from .tiff import TiffRecording  # tifffile is only loaded when it is needed

    return TiffRecording(path)


_READERS: Mapping[str, Callable[[Path], Recording]] = {
    ".npy": NpyRecording,
    ".npz": NpzRecording,
    ".nd2": Nd2Recording,
    **dict.fromkeys((".tif", ".tiff", ".btf", ".tf8", ".stk", ".lsm"), _open_tiff),
}

#: Endings of the names of files that can be opened (lower case, with the dot).
SUFFIXES: tuple[str, ...] = tuple(sorted(_READERS))


def open_recording(path: str | Path, key: str | None = None) -> Recording:
    """Open a TIFF, OME-TIFF, ImageJ, NPY, NPZ or ND2 recording without reading its frames.

    Parameters
    ----------
    path
        The file; its ending tells the format.
    key
        Name of the array in an NPZ file that holds several.

    Raises
    ------
    FileNotFoundError
        When there is no such file.
    flimage.errors.InputError
        When the ending is unknown, or the file holds something else than one grey-scale time
        series with the axes time, y and x.
    flimage.errors.FileFormatError
        When the file cannot be read.
    """
    path = Path(path)
    suffix = path.suffix.lower()
    if not path.exists():
        raise MissingFileError(f"There is no file {path}; check its name and folder.")
    if suffix not in _READERS:
        raise InputError(
            f"{path} has an unknown ending; recordings can be read from {', '.join(SUFFIXES)}."
        )
    if key is not None:
        if suffix != ".npz":
            raise InputError(f"{path} holds one array, so there is no array {key!r} to choose.")
        return NpzRecording(path, key)
    return _READERS[suffix](path)
