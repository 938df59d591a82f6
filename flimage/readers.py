"""Recordings as microscopes and other programs write them, opened without reading them whole.

:func:`open_recording` finds the reader for a file. Each reader is a :class:`Recording`: shape,
times and pixel size as far as the file states them, with a note on where each value came from,
and the frames one by one. The parsing itself is left to `tifffile`, `nd2` and NumPy.
"""

from __future__ import annotations

import abc
import importlib.util
import math
import zipfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import IO, Any, ClassVar

import numpy as np
import numpy.typing as npt

from .errors import FileFormatError, FlimageError, InputError, MissingFileError

__all__ = ["SUFFIXES", "Recording", "open_recording"]

#: Letters of axes along which the frames of a time series may be stacked. "Z" is among them
#: because ImageJ and many cameras write a time series as slices; "I" and "Q" mean "not stated".
_TIME_AXES = "TZIQR"

#: What a person calls the axes that cannot be time.
_AXIS_NAMES = {"C": "channel", "P": "position", "S": "sample", "Z": "depth", "T": "time"}


class Recording(abc.ABC):
    """A recording in a foreign format, open for reading.

    Use it as a context manager, or call :meth:`close`.

    Attributes
    ----------
    path : pathlib.Path
    n_frames : int
    shape : tuple of int
        (y, x) [px].
    dtype : numpy.dtype
        Of the values as stored.
    times : numpy.ndarray or None
        (n,) float64 [s]; None when the file states none.
    pixel_size : float or None
        [m]; None when the file states none.
    notes : tuple of str
        Where each value came from, and what else a person should know about the reading.
    meta : dict
        Further metadata that all frames share, by keys of
        :data:`flimage.meta.META_KEYS_FL`.
    """

    #: Name of the format in messages.
    kind: ClassVar[str] = ""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.n_frames = 0
        self.shape = (0, 0)
        self.dtype: np.dtype[Any] = np.dtype("uint16")
        self.times: npt.NDArray[np.floating[Any]] | None = None
        self.pixel_size: float | None = None
        self.meta: dict[str, Any] = {}
        self._notes: list[str] = []

    @property
    def notes(self) -> tuple[str, ...]:
        """Where each value came from, one sentence each."""
        return tuple(self._notes)

    def __len__(self) -> int:
        return self.n_frames

    def __enter__(self) -> Recording:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        y, x = self.shape
        return f"<{self.kind} {self.path.name!r}: {self.n_frames} frames of {y}×{x} {self.dtype}>"

    def frame(self, index: int) -> npt.NDArray[Any]:
        """Read one frame.

        Parameters
        ----------
        index
            From 0 to ``len(recording) - 1``; reading them in order is quickest.

        Returns
        -------
        numpy.ndarray
            (y, x), values as stored.

        Raises
        ------
        IndexError
            When there is no such frame.
        flimage.errors.FileFormatError
            When the frame cannot be decoded.
        """
        if not 0 <= index < self.n_frames:
            raise IndexError(f"{self.path} has frames 0 to {self.n_frames - 1}, not {index}.")
        try:
            image = np.asarray(self._read(index))
        except FlimageError:
            raise
        # The decoders behind tifffile and nd2 raise whatever they like on damaged bytes.
        except Exception as error:
            raise FileFormatError(
                f"Frame {index} of {self.path} cannot be read ({error}); the file is damaged or"
                " was not written to its end."
            ) from error
        if image.shape != self.shape:
            raise FileFormatError(
                f"Frame {index} of {self.path} has the shape {image.shape}, but the others have"
                f" {self.shape}; the frames of a series must be of one size."
            )
        return image

    @abc.abstractmethod
    def _read(self, index: int) -> npt.ArrayLike: ...

    @abc.abstractmethod
    def close(self) -> None:
        """Close the file; calling it again does nothing."""

    def _set_axes(self, axes: str, shape: Sequence[int], remedy: str) -> None:
        """Check that `axes` of `shape` are those of a time series and take its size from them."""
        named = [
            (axis, int(size))
            for axis, size in zip(axes, shape, strict=True)
            if size != 1 or axis in "YX"
        ]
        if any(axis == "S" for axis, _ in named):
            raise InputError(
                f"{self.path} holds colour images (RGB); split the channels and save one of them"
                " as a grey-scale stack, in ImageJ with Image › Color › Split Channels."
            )
        stack = named[:-2]
        if [axis for axis, _ in named[-2:]] != ["Y", "X"] or len(stack) > 1:
            found = ", ".join(f"{_AXIS_NAMES.get(a, a.lower())} {n}" for a, n in named)
            raise InputError(
                f"{self.path} has {len(named)} axes ({found}), but a series has time, y and x;"
                f" {remedy}"
            )
        if stack and stack[0][0] not in _TIME_AXES:
            axis, size = stack[0]
            raise InputError(
                f"{self.path} holds {size} images along the axis"
                f" '{_AXIS_NAMES.get(axis, axis)}', not along time; {remedy}"
            )
        if stack and stack[0][0] == "Z":
            self._notes.append("The stack's axis is called z; its slices are taken as time points.")
        self.n_frames = stack[0][1] if stack else 1
        self.shape = (named[-2][1], named[-1][1])
        if 0 in (self.n_frames, *self.shape):
            raise InputError(f"{self.path} holds no pixels (shape {tuple(shape)}).")

    def _check_dtype(self) -> None:
        if self.dtype.kind not in "uif" or self.dtype.itemsize > 8:
            kind = {"b": "a mask", "c": "complex numbers"}.get(self.dtype.kind, str(self.dtype))
            raise InputError(
                f"{self.path} holds {kind}, not intensities; save it as whole or real numbers."
            )

    def _set_times(self, times: npt.ArrayLike, origin: str) -> None:
        """Keep `times` [s] if there is one finite time for each frame and not all are the same."""
        values = np.array(times, dtype=float)
        if values.shape != (self.n_frames,) or not np.isfinite(values).all():
            self._notes.append(f"Times were not taken from {origin}: some frames have none.")
        elif self.n_frames > 1 and np.ptp(values) == 0:
            self._notes.append(f"Times were not taken from {origin}: they are all the same.")
        else:
            self.times = values
            self._notes.append(f"Times are from {origin}.")

    def _set_interval(self, interval: float, origin: str) -> None:
        """Count times from 0 in steps of `interval` [s] if it is a positive number."""
        if self.times is None and math.isfinite(interval) and interval > 0:
            self.times = np.arange(self.n_frames) * float(interval)
            self._notes.append(f"Times are multiples of {interval:.6g} s, from {origin}.")

    def _set_pixel_size(self, x: float, y: float, origin: str) -> None:
        """Keep the pixel size [m] if it is a positive number; x counts where y differs."""
        if not (math.isfinite(x) and x > 0):
            return
        self.pixel_size = float(x)
        self._notes.append(f"The pixel size, {x:.6g} m, is from {origin}.")
        if math.isfinite(y) and y > 0 and abs(y / x - 1) > 1e-3:
            self._notes.append(
                f"Pixels are not square: they are {y:.6g} m high, but {x:.6g} m (their width) is"
                " what the series states."
            )


class _ArrayRecording(Recording):
    """What NPY and NPZ have in common: bare numbers, whose axes nobody named."""

    def _set_array(self, shape: tuple[int, ...], dtype: np.dtype[Any]) -> None:
        self.dtype = dtype
        self._check_dtype()
        if len(shape) < 2:
            raise InputError(
                f"{self.path} holds an array of shape {shape}, but a series has time, y and x; save"
                " images as an array of shape (t, y, x)."
            )
        if len(shape) > 3:
            raise InputError(
                f"{self.path} holds an array with {len(shape)} axes (shape {shape}), but a series"
                " has time, y and x; save one channel and depth as an array of shape (t, y, x)."
            )
        if len(shape) == 3 and shape[-1] in (3, 4) and shape[0] > 4:
            raise InputError(
                f"{self.path} holds an array of shape {shape}, which is one colour image (RGB);"
                " save a grey-scale stack as an array of shape (t, y, x)."
            )
        self._set_axes("TYX"[-len(shape) :], shape, "save an array of shape (t, y, x).")


class NpyRecording(_ArrayRecording):
    """An array saved by :func:`numpy.save`; frames are read through a memory map."""

    kind = "NPY"

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        try:
            self._array: npt.NDArray[Any] | None = np.load(path, mmap_mode="r", allow_pickle=False)
        except (ValueError, EOFError, OSError) as error:
            raise FileFormatError(f"{path} is not a readable NPY file: {error}") from error
        self._set_array(self._array.shape, self._array.dtype)

    def _read(self, index: int) -> npt.ArrayLike:
        if self._array is None:
            raise InputError(f"{self.path} is closed.")
        return np.array(self._array if self._array.ndim == 2 else self._array[index])

    def close(self) -> None:
        self._array = None


class NpzRecording(_ArrayRecording):
    """One array of a file saved by :func:`numpy.savez`; it is decompressed as it is read."""

    kind = "NPZ"

    def __init__(self, path: Path, key: str | None = None) -> None:
        super().__init__(path)
        self._member: IO[bytes] | None = None
        try:
            self._zip = zipfile.ZipFile(path)
        except (zipfile.BadZipFile, OSError) as error:
            raise FileFormatError(f"{path} is not a readable NPZ file: {error}") from error
        try:
            name = self._choose(key)
            self._member = self._zip.open(f"{name}.npy")
            shape, fortran, dtype = self._header(self._member, name)
            self._set_array(shape, dtype)
            self._whole: npt.NDArray[Any] | None = None
            if fortran:
                # Frames of such an array are scattered over the whole file.
                with np.load(path, allow_pickle=False) as arrays:
                    self._whole = arrays[name]
        except BaseException:
            self.close()
            raise
        self._start = self._member.tell()
        self._notes.append(f"Images are the array {name!r}.")

    def _choose(self, key: str | None) -> str:
        names = [n.removesuffix(".npy") for n in self._zip.namelist() if n.endswith(".npy")]
        if key is not None:
            if key not in names:
                raise InputError(
                    f"{self.path} has no array {key!r}; it has {', '.join(names) or 'none'}."
                )
            return key
        if len(names) > 1:
            stacks = []
            for name in names:
                with self._zip.open(f"{name}.npy") as member:
                    if len(self._header(member, name)[0]) >= 2:
                        stacks.append(name)
            names = stacks
        if len(names) != 1:
            raise InputError(
                f"{self.path} holds {len(names) or 'no'} arrays of images"
                f"{' (' + ', '.join(names) + ')' if names else ''}; name the one to read with the"
                " key."
            )
        return names[0]

    def _header(self, member: IO[bytes], name: str) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
        try:
            version = np.lib.format.read_magic(member)
            read = (
                np.lib.format.read_array_header_1_0
                if version == (1, 0)
                else np.lib.format.read_array_header_2_0
            )
            shape, fortran, dtype = read(member)
        except ValueError as error:
            raise FileFormatError(f"{self.path}: array {name!r} is damaged: {error}") from error
        return shape, fortran and len(shape) > 1, dtype

    def _read(self, index: int) -> npt.ArrayLike:
        if self._member is None:
            raise InputError(f"{self.path} is closed.")
        if self._whole is not None:
            return self._whole if self._whole.ndim == 2 else self._whole[index]
        size = self.shape[0] * self.shape[1] * self.dtype.itemsize
        self._member.seek(self._start + index * size)
        data = self._member.read(size)
        return np.frombuffer(data, dtype=self.dtype).reshape(self.shape)

    def close(self) -> None:
        if self._member is not None:
            self._member.close()
            self._member = None
        self._zip.close()


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

    def _read(self, index: int) -> npt.ArrayLike:
        image = np.asarray(self._file.read_frame(index))
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
