"""What a recording in a foreign format is to this program: frames, times, pixel size, notes."""

from __future__ import annotations

import abc
import datetime
import math
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, ClassVar, Protocol

import numpy as np
import numpy.typing as npt

from .errors import FileFormatError, FlimageError, InputError
from .plausible import is_hollow
from .quantities import format_quantity
from .selecting import Axis, Layout, Selection

__all__ = ["Recording", "bytes_of", "check_planes", "check_size", "read_block"]

#: Bytes up to which an image is read, however little of it is stored.
_LARGE = 2**26

#: Images up to which nobody asks whether a file can hold them.
_MANY_PLANES = 2**20


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
    maximum : int or None
        Largest value that the detector can give; None where it is not known.
    axes : tuple of flimage.selecting.Axis
        Axes of the file besides y and x that have more than one plane.
    selection : flimage.selecting.Selection
        What is read of them.
    notes : tuple of str
        Where each value came from, and what else a person should know about the reading.
    meta : dict
        Further metadata that all frames share, by keys of
        :data:`flimage.meta.META_KEYS_FL`.
    """

    #: Name of the format in messages.
    kind: ClassVar[str] = ""

    def __init__(self, path: Path, selection: Selection | None = None) -> None:
        self.path = path
        self.selection = Selection() if selection is None else selection
        self.axes: tuple[Axis, ...] = ()
        self.n_frames = 0
        self.shape = (0, 0)
        self.dtype: np.dtype[Any] = np.dtype("uint16")
        self.times: npt.NDArray[np.floating[Any]] | None = None
        self.pixel_size: float | None = None
        self.maximum: int | None = None
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
        except FileFormatError as error:
            # What a format checks by itself knows of files and chunks only.
            raise FileFormatError(f"Frame {index}: {error}") from error
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
    def _read(self, index: int) -> npt.NDArray[Any]: ...

    @abc.abstractmethod
    def close(self) -> None:
        """Close the file; calling it again does nothing."""

    def _set_axes(
        self,
        axes: str,
        shape: Sequence[int],
        remedy: str,
        channels: Sequence[str] = (),
    ) -> None:
        """Find the frames of the time series among all planes of the file.

        Parameters
        ----------
        axes, shape
            Letters and sizes of all axes, the slowest first.
        remedy
            What can be done instead of choosing, as the end of a sentence.
        channels
            Names of the channels.
        """
        if min(shape, default=1) < 0:
            raise FileFormatError(
                f"{self.path} announces images of the shape {tuple(shape)}; it is damaged."
            )
        layout = Layout(self.path, axes, shape, self.selection, channels)
        layout.check(remedy)
        self._layout = layout
        self._notes += layout.notes
        self.axes = layout.axes
        self.n_frames = layout.n_frames
        self.shape = layout.shape
        # Before anything is made of that size: times, to begin with.
        if math.prod(self.shape) * self.dtype.itemsize > _LARGE:
            check_size(self.path, self.shape, self.dtype.itemsize, self._bytes())
        if layout.planes > _MANY_PLANES:
            check_planes(self.path, layout.planes, self._bytes())

    def _bytes(self) -> int:
        """Size of all that the recording is read from."""
        return bytes_of(self.path)

    def _check_dtype(self) -> None:
        if self.dtype.kind not in "uif" or self.dtype.itemsize > 8:
            kind = {"b": "a mask", "c": "complex numbers"}.get(self.dtype.kind, str(self.dtype))
            raise InputError(
                f"{self.path} holds {kind}, not intensities; save it as whole or real numbers."
            )
        # Where the file states fewer significant bits, the reader lowers it.
        if self.dtype.kind == "u" and self.dtype.itemsize <= 2:
            self.maximum = 256**self.dtype.itemsize - 1

    def _set_bits(self, bits: object, origin: str) -> None:
        """Keep the largest value of a detector of so many significant bits."""
        if not isinstance(bits, (int, np.integer)) or self.dtype.kind != "u":
            return
        if 1 <= bits < 8 * self.dtype.itemsize:
            self.maximum = 2 ** int(bits) - 1
            self._notes.append(
                f"The detector has {bits} bits (up to {self.maximum}), from {origin}."
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

    def _set_date(self, date: datetime.date | None) -> None:
        """Keep the day on which the recording was made, if it is one on which there were any."""
        if date is not None and 1980 <= date.year < 2200:
            self.meta["date"] = date.isoformat()

    def _set_place(self, places: Sequence[Sequence[float]]) -> None:
        """Keep where the stage and the focus were (x, y, z) [m], if all frames have one place."""
        found = np.array(places, dtype=float).reshape(-1, 3)
        # There may be more: those of frames that were never written.
        if len(found) < max(self.n_frames, 1):
            return
        for key, values in zip(("pos x", "pos y", "focus"), found.T, strict=True):
            if np.isfinite(values).all() and np.ptp(values) == 0:
                self.meta[key] = float(values[0])

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
        self._notes.append(f"The pixel size, {format_quantity(x, 'm', 6)}, is from {origin}.")
        if math.isfinite(y) and y > 0 and abs(y / x - 1) > 1e-3:
            self._notes.append(
                f"Pixels are not square: they are {y:.6g} m high, but {x:.6g} m (their width) is"
                " what the series states."
            )


def bytes_of(path: Path) -> int:
    """Size of a file, or of all that is in a folder [bytes]; of a pattern, of the folder."""
    if not path.exists():
        path = path.parent
    if path.is_file():
        return path.stat().st_size
    return sum(each.stat().st_size for each in path.rglob("*") if each.is_file())


def check_planes(path: Path, planes: int, stored: int) -> None:
    """Refuse more images than there can be in so few bytes, before a list is made of them.

    Raises
    ------
    flimage.errors.FileFormatError
        When not even one byte is stored for each.
    """
    if planes > _MANY_PLANES and planes > stored:
        raise FileFormatError(
            f"{path} announces {planes} frames, but holds only {stored} bytes; it is damaged or no"
            " recording."
        )


def check_size(path: Path, shape: Sequence[int], itemsize: int, stored: int) -> None:
    """Refuse a large image of which next to nothing is stored, before memory is taken for it.

    Raises
    ------
    flimage.errors.FileFormatError
        When it cannot be an image.
    """
    size = math.prod(shape) * itemsize
    if size > _LARGE and is_hollow(size, stored):
        raise FileFormatError(
            f"{path} announces an image of {'×'.join(map(str, shape))} pixels, but holds only"
            f" {stored} bytes of it; it is damaged or no image."
        )


class SeekableBytes(Protocol):
    """The part of an open binary file that is needed to read a block of it."""

    def seek(self, offset: int, /) -> Any:
        """Go to a byte."""

    def read(self, size: int, /) -> bytes:
        """Read `size` bytes from there."""


def read_block(
    stream: SeekableBytes, offset: int, shape: tuple[int, ...], dtype: np.dtype[Any]
) -> npt.NDArray[Any]:
    """Read an array of `shape` that starts `offset` bytes into an open file.

    Unlike a memory map, what was read before is not kept in the memory of the process.

    Raises
    ------
    EOFError
        When the file ends before.
    """
    size = math.prod(shape) * dtype.itemsize
    stream.seek(offset)
    data = stream.read(size)
    if len(data) < size:
        raise EOFError(f"{len(data)} of {size} bytes are there")
    return np.frombuffer(data, dtype=dtype).reshape(shape)
