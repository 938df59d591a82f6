"""NPY and NPZ files as recordings: bare arrays, whose frames are read one by one."""

from __future__ import annotations

import math
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

import numpy as np
import numpy.typing as npt

from .errors import FileFormatError, InputError
from .recording import Recording, bytes_of, check_size, read_block
from .selecting import Selection

__all__ = ["NpyRecording", "NpzRecording", "list_arrays"]


#: Headers are smaller, unless they are damaged [bytes]; NumPy reads no longer ones either.
_LARGEST_HEADER = 10_000


def list_arrays(path: Path) -> list[tuple[str, tuple[int, ...], str]]:
    """List what could be a recording in an NPZ file: name, shape and type of arrays of images.

    Raises
    ------
    flimage.errors.FileFormatError
        When the file cannot be read.
    """
    found = []
    try:
        with zipfile.ZipFile(path) as archive:
            for name in archive.namelist():
                if not name.endswith(".npy"):
                    continue
                with archive.open(name) as member:
                    shape, _, dtype = _read_header(member)
                if len(shape) >= 2 and dtype.kind in "uif":
                    found.append((name.removesuffix(".npy"), shape, str(dtype)))
    # Where bytes are damaged, zipfile, zlib and NumPy raise whatever comes of them.
    except Exception as error:
        raise FileFormatError(f"{path} is not a readable NPZ file: {error}") from error
    return found


def _read_header(stream: IO[bytes]) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    """Read shape, whether the order is Fortran's, and type from the start of an array."""
    version = np.lib.format.read_magic(stream)
    if version != (1, 0):
        # The number in front of the header may be any; memory is taken for it before it is read.
        place = stream.tell()
        if int.from_bytes(stream.read(4), "little") > _LARGEST_HEADER:
            raise ValueError("its header is too long")
        stream.seek(place)
    read = (
        np.lib.format.read_array_header_1_0
        if version == (1, 0)
        else np.lib.format.read_array_header_2_0
    )
    return read(stream)


class _ArrayRecording(Recording):
    """What NPY and NPZ have in common: a header and bare numbers, whose axes nobody named."""

    def __init__(self, path: Path, selection: Selection | None = None) -> None:
        super().__init__(path, selection)
        self._stream: IO[bytes] | None = None
        self._start = 0
        self._whole: npt.NDArray[Any] | None = None

    def _read_header(self, stream: IO[bytes]) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
        """Read shape, whether the order is Fortran's, and type from the start of an array."""
        try:
            shape, fortran, dtype = _read_header(stream)
        except (ValueError, EOFError) as error:
            raise FileFormatError(
                f"{self.path} is not a readable {self.kind} file: {error}"
            ) from error
        return shape, fortran and len(shape) > 1, dtype

    def _start_at(self, stream: IO[bytes], load: Callable[[], npt.NDArray[Any]]) -> None:
        """Prepare to read frames from `stream`; `load` reads the whole array at once."""
        self._stream = stream
        shape, fortran, self.dtype = self._read_header(stream)
        self._start = stream.tell()
        self._check_dtype()
        self._check_shape(shape)
        if fortran:
            # Frames of such an array are scattered over the whole file.
            check_size(self.path, shape, self.dtype.itemsize, bytes_of(self.path))
            self._whole = load().reshape(self.n_frames, *self.shape)

    def _check_shape(self, shape: tuple[int, ...]) -> None:
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

    def _read(self, index: int) -> npt.NDArray[Any]:
        if self._stream is None:
            raise InputError(f"{self.path} is closed.")
        if self._whole is not None:
            whole: npt.NDArray[Any] = self._whole[index]
            return whole
        size = math.prod(self.shape) * self.dtype.itemsize
        return read_block(self._stream, self._start + index * size, self.shape, self.dtype)

    def close(self) -> None:
        self._whole = None
        if self._stream is not None:
            self._stream.close()
            self._stream = None


class NpyRecording(_ArrayRecording):
    """An array saved by :func:`numpy.save`."""

    kind = "NPY"

    def __init__(self, path: Path, selection: Selection | None = None) -> None:
        super().__init__(path, selection)
        try:
            self._start_at(path.open("rb"), lambda: np.load(path, allow_pickle=False))
        except BaseException:
            self.close()
            raise


class NpzRecording(_ArrayRecording):
    """One array of a file saved by :func:`numpy.savez`; it is decompressed as it is read."""

    kind = "NPZ"

    def __init__(
        self, path: Path, selection: Selection | None = None, key: str | None = None
    ) -> None:
        super().__init__(path, selection)
        try:
            self._zip = zipfile.ZipFile(path)
        except (zipfile.BadZipFile, OSError) as error:
            raise FileFormatError(f"{path} is not a readable NPZ file: {error}") from error
        try:
            name = self._choose(key)
            self._start_at(self._zip.open(f"{name}.npy"), lambda: self._load(name))
        except BaseException:
            self.close()
            raise
        self._notes.append(f"Images are the array {name!r}.")

    def _load(self, name: str) -> npt.NDArray[Any]:
        with np.load(self.path, allow_pickle=False) as arrays:
            array: npt.NDArray[Any] = arrays[name]
            return array

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
                    if len(self._read_header(member)[0]) >= 2:
                        stacks.append(name)
            names = stacks
        if len(names) != 1:
            raise InputError(
                f"{self.path} holds {len(names) or 'no'} arrays of images"
                f"{' (' + ', '.join(names) + ')' if names else ''}; name the one to read"
                " (--key)."
            )
        return names[0]

    def close(self) -> None:
        """Close the file."""
        super().close()
        self._zip.close()
