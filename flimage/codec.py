"""Compress and decompress images the way HDF5's own filters do, outside of HDF5.

HDF5 runs its filters while it holds its one global lock, and its deflate filter uses the slowest
of the implementations in use. Here a chunk is made (or taken apart) with libdeflate and numpy,
both of which release Python's lock, so that several frames are worked on at once. The bytes are
those of the standard filters *shuffle*, *deflate* and *fletcher32*: every HDF5 reader knows them.

Nothing in this module touches HDF5.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from .compression import (
    Compression,
    Plan,
    choose_plan,
    is_available,
    libdeflate_decompress,
)
from .errors import InputError

__all__ = [
    "Compression",
    "EncodedImage",
    "Filters",
    "as_image",
    "compress_chunk",
    "decompress_chunk",
    "encode_array",
    "encode_image",
    "fletcher32",
    "is_available",
    "keep_plain",
    "shuffle",
    "unshuffle",
]

#: Weights of the words in the two sums of a short checksum.
_WEIGHTS = np.stack([np.ones(2**13), np.arange(2**13, 0, -1, dtype=np.float64)])

#: Pixels that bytes are put together for at once, which stay in the processor's own memory.
_PIECE = 2**16

#: HDF5 keeps the size of a chunk in 32 bits.
_LARGEST_CHUNK = 2**32 - 1


class Filters(NamedTuple):
    """The chain of HDF5 filters of one dataset, in the order in which they are applied.

    Parameters
    ----------
    shuffle
        Store the first byte of every pixel, then the second ones, and so on.
    level
        Level of the deflate filter, 0 to 9; None where the data are not compressed.
    fletcher
        Append a Fletcher-32 checksum.
    """

    shuffle: bool
    level: int | None
    fletcher: bool = True


@dataclass(frozen=True)
class EncodedImage:
    """An image that is ready to be written.

    Parameters
    ----------
    shape
        (y, x).
    dtype
        Pixel type in the file.
    filters
        Filters of the dataset.
    data
        The image itself; kept for files that take no compressed chunks.
    chunk
        The finished chunk; None where HDF5 has to run the filters itself.
    """

    shape: tuple[int, int]
    dtype: np.dtype[Any]
    filters: Filters
    data: npt.NDArray[Any]
    chunk: bytes | None


def as_image(data: npt.ArrayLike, dtype: npt.DTypeLike = "float32") -> npt.NDArray[Any]:
    """Convert anything like an image to a fresh, contiguous array in the machine's byte order.

    Parameters
    ----------
    data
        Image (y, x) of real numbers; nested lists are fine.
    dtype
        Pixel type wanted.

    Returns
    -------
    ndarray
        (y, x); always a copy, so that the caller may go on changing `data`.

    Raises
    ------
    flimage.errors.InputError
        When `data` is not a 2D image, has no pixels, or holds values that `dtype` cannot.
    """
    wanted = np.dtype(dtype).newbyteorder("=")
    if wanted.kind not in "fiub":
        raise InputError(f"Images cannot be stored as {wanted}; use float32 or float64.")
    try:
        array = np.asarray(data)
    except ValueError as error:
        raise InputError(f"The image is not a rectangle of numbers: {error}") from error
    if array.dtype.kind not in "fiub":
        raise InputError(
            f"An image of type {array.dtype} cannot be stored; give real numbers (y, x)."
        )
    if array.ndim != 2:
        raise InputError(f"An image needs two axes (y, x), not the shape {array.shape}.")
    if array.size == 0:
        raise InputError(
            f"The image is empty: its shape is {array.shape}; give at least one pixel."
        )
    if array.size * wanted.itemsize > _LARGEST_CHUNK:
        raise InputError(
            f"An image of {array.shape[1]}×{array.shape[0]} pixels as {wanted} is larger than the"
            " 4 GB that HDF5 can store in one piece; cut it into tiles."
        )
    if wanted.kind in "iu":
        _check_range(array, wanted)
    try:
        with np.errstate(over="raise", invalid="raise"):
            return array.astype(wanted, order="C", copy=True)
    except FloatingPointError as error:
        raise InputError(
            f"The image holds values between {np.nanmin(array):g} and {np.nanmax(array):g}, which"
            f" {wanted} cannot hold; use float64."
        ) from error


def _check_range(array: npt.NDArray[Any], wanted: np.dtype[Any]) -> None:
    """Refuse values that would wrap around when they are stored as integers."""
    limits = np.iinfo(wanted)
    low, high = array.min(), array.max()
    if not (limits.min <= low and high <= limits.max):
        raise InputError(
            f"The image holds values between {low} and {high}, which {wanted} cannot hold;"
            " use float32."
        )


# --- filters -------------------------------------------------------------------------------


def fletcher32(buffer: bytes | bytearray | memoryview) -> int:
    r"""Fletcher-32 checksum as HDF5 computes it: over 16-bit big-endian words.

    With words :math:`w_0 … w_{n-1}` (an odd last byte is the high byte of a last word),

    .. math:: s_1 = \sum_i w_i, \qquad s_2 = \sum_i (n - i)\,w_i \pmod{65535}

    where a sum that is a multiple of 65535 counts as 65535 unless it is 0. The result is
    :math:`2^{16} s_2 + s_1`.

    Parameters
    ----------
    buffer
        The bytes; fewer than 2**32.

    Notes
    -----
    The words are read as little-endian: swapping the two bytes of a word multiplies it by 256
    modulo 65535, which can be done once to the sums.
    """
    count = len(buffer) // 2
    words = np.frombuffer(buffer, "<u2", count)
    if count <= _WEIGHTS.shape[1]:
        # Few words: what counts is the number of calls. All numbers are below 2**53: exact.
        sums = _WEIGHTS[:, _WEIGHTS.shape[1] - count :] @ words.astype(np.float64)
        first, second = int(sums[0]), int(sums[1])
    else:
        first, second = _long_sums(words)
    first *= 256
    second *= 256
    if len(buffer) % 2:
        first += buffer[-1] << 8
        second += first
    return (_fold(second) << 16) | _fold(first)


def _long_sums(words: npt.NDArray[Any]) -> tuple[int, int]:
    """Sum of many words, and sum of all their running sums."""
    count = len(words)
    columns = 1024  # sums of 1024 words, or of any 65535 rows, fit in 32 bits
    first = second = 0
    for start in range(0, count, columns * 65535):
        block = words[start : start + columns * 65535]
        rows = len(block) // columns
        body = block[: rows * columns].reshape(rows, columns)
        by_row = body.sum(axis=1, dtype=np.uint32).astype(np.uint64)
        by_column = body.sum(axis=0, dtype=np.uint32).astype(np.uint64)
        tail = block[rows * columns :].astype(np.uint64)
        second += first * len(block)
        second += int(by_row @ np.arange(rows - 1, -1, -1, dtype=np.uint64)) * columns
        second += int(by_column @ np.arange(columns, 0, -1, dtype=np.uint64))
        body_sum = int(by_row.sum())
        second += body_sum * len(tail)
        second += int(tail @ np.arange(len(tail), 0, -1, dtype=np.uint64))
        first += body_sum + int(tail.sum())
    return first, second


def _fold(total: int) -> int:
    """Reduce modulo 65535 like repeated end-around carries: only 0 gives 0."""
    return (total - 1) % 65535 + 1 if total else 0


def shuffle(image: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """HDF5's shuffle filter: all first bytes of the pixels, then all second ones, and so on."""
    if image.itemsize == 4 and image.dtype.isnative and image.dtype.byteorder != ">":
        values = image.view(np.uint32).ravel()
        planes = np.empty((4, values.size), np.uint8)
        for k in range(4):
            # Shifts of whole words run several times faster than copies of every fourth byte.
            np.right_shift(values, 8 * k, out=planes[k], casting="unsafe")
        return planes
    return np.ascontiguousarray(image.reshape(-1).view(np.uint8).reshape(-1, image.itemsize).T)


def unshuffle(buffer: bytes | bytearray | memoryview, dtype: np.dtype[Any]) -> npt.NDArray[Any]:
    """Undo :func:`shuffle`.

    Returns
    -------
    ndarray
        1D array of `dtype`, writable.
    """
    planes = np.frombuffer(buffer, np.uint8).reshape(dtype.itemsize, -1)
    if dtype.itemsize == 4 and np.little_endian:
        values = np.empty(planes.shape[1], np.uint32)
        for start in range(0, len(values), _PIECE):
            piece = slice(start, start + _PIECE)
            # Bytes to half words to words: arithmetic of whole words is quicker than copies to
            # every fourth byte.
            halves = planes[1::2, piece].astype(np.uint16)
            np.left_shift(halves, 8, out=halves)
            np.bitwise_or(halves, planes[0::2, piece], out=halves)
            out = values[piece]
            out[...] = halves[1]
            np.left_shift(out, 16, out=out)
            np.bitwise_or(out, halves[0], out=out)
        return values.view(dtype)
    pixels: npt.NDArray[Any] = np.ascontiguousarray(planes.T).reshape(-1).view(dtype)
    return pixels


def compress_chunk(image: npt.NDArray[Any], plan: Plan) -> bytes:
    """Compress an image and append its checksum.

    Parameters
    ----------
    image
        Contiguous array.
    plan
        How to compress it.

    Returns
    -------
    bytes
        The chunk as it stands in the file.
    """
    data = shuffle(image) if plan.shuffle else image
    stream = plan.compress(data.reshape(-1).view(np.uint8))
    return b"".join((stream, fletcher32(stream).to_bytes(4, "little")))


def decompress_chunk(
    chunk: bytes, shape: tuple[int, ...], dtype: np.dtype[Any], filters: Filters
) -> npt.NDArray[Any]:
    """Take a chunk apart and verify its checksum.

    Parameters
    ----------
    chunk
        The chunk as it stands in the file.
    shape, dtype
        What comes out.
    filters
        How the chunk was made.

    Returns
    -------
    ndarray
        Array of `shape` in the machine's byte order, writable.

    Raises
    ------
    ValueError
        When checksum, size or compressed data are wrong.
    """
    body = memoryview(chunk)
    if filters.fletcher:
        if len(body) < 4:
            raise ValueError("the chunk is too short for a checksum")
        stored = int.from_bytes(body[-4:], "little")
        body = body[:-4]
        if stored != fletcher32(body):
            raise ValueError("the checksum does not match")
    size = math.prod(shape) * dtype.itemsize
    data = bytearray(body) if filters.level is None else libdeflate_decompress(body, size)
    if len(data) != size:
        raise ValueError(f"the chunk holds {len(data)} bytes instead of {size}")
    flat = unshuffle(data, dtype) if filters.shuffle else np.frombuffer(data, dtype)
    image = flat.reshape(shape)
    return image if dtype.isnative else image.astype(dtype.newbyteorder("="))


# --- whole images -------------------------------------------------------------------------


def encode_image(
    data: npt.ArrayLike,
    dtype: npt.DTypeLike = "float32",
    compression: Compression = "balanced",
) -> EncodedImage:
    """Make an image ready to be written; needs no file and can run in any thread.

    Parameters
    ----------
    data
        Image (y, x) of real numbers, NaN and Inf included.
    dtype
        Pixel type in the file.
    compression
        ``"fast"``, ``"balanced"`` or ``"small"``.

    Raises
    ------
    flimage.errors.InputError
        When `data` is not a 2D image, has no pixels, or holds values that `dtype` cannot.
    """
    return encode_array(as_image(data, dtype), compression)


def encode_array(image: npt.NDArray[Any], compression: Compression = "balanced") -> EncodedImage:
    """Do what :func:`encode_image` says with an array that :func:`as_image` has checked."""
    plan = choose_plan(image, compression)
    chunk = compress_chunk(image, plan) if is_available() else None
    filters = Filters(plan.shuffle, min(9, plan.level))
    shape = (image.shape[0], image.shape[1])
    return EncodedImage(shape, image.dtype, filters, image, chunk)


def keep_plain(data: npt.ArrayLike, dtype: npt.DTypeLike = "float32") -> EncodedImage:
    """Make an image ready for a file that is kept in memory: nothing is compressed.

    Parameters and exceptions are those of :func:`encode_image`.
    """
    image = as_image(data, dtype)
    shape = (image.shape[0], image.shape[1])
    return EncodedImage(shape, image.dtype, Filters(False, None, False), image, None)
