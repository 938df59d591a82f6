"""Check packed pieces (chunks) of HDF5 datasets before HDF5 unpacks them.

HDF5 takes a piece for as large as the dataset says, whatever comes out of its filters. Where that
is less, it reads beyond the memory that it has, and crashes; where a filter goes on to give bytes,
it takes memory without a limit.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Sequence
from typing import Any

import numpy as np
from h5py import h5z

__all__ = [
    "CHECKSUM",
    "LARGE_PIECE",
    "MOST_MEMORY",
    "USUAL",
    "Filter",
    "can_be_checked",
    "check_packed",
    "filters_of",
    "is_oversized",
    "is_stack",
    "memory_of",
]

#: Size of a piece up to which it may be larger than the image [bytes], and how many times the image
#: beyond that. Programs that let a dataset grow choose pieces that do not depend on its size.
LARGE_PIECE, _TIMES = 2**26, 4

#: Size up to which a piece may hold several images, whatever is stored of it, and memory that
#: unpacking a larger one may take [bytes].
_LARGE_PIECES, MOST_MEMORY = 2**28, 800_000_000

#: Bytes by which something packed may be larger than what was packed: the head of scaleoffset.
_HEAD = 64

#: Bytes that lzf makes of one, at most, and bytes beyond a piece before a look is taken.
_MOST_OF_LZF, _SLACK = 88, 2**27

#: Size of a checksum [bytes]. HDF5 crashes where the chunk that ends in it is shorter.
CHECKSUM = 4

#: Size of what scaleoffset puts in front [bytes].
_SCALE_HEAD = 21

#: Filters that are undone in :mod:`flimage.pieces`, and their order when they pack.
USUAL = {h5z.FILTER_SHUFFLE: 0, h5z.FILTER_DEFLATE: 1, h5z.FILTER_FLETCHER32: 2}

#: Filters that are undone here where it has to be known what comes out.
_UNDONE = (*USUAL, h5z.FILTER_LZF)

#: A filter as h5py tells of it: its code, flags, parameters and name.
Filter = tuple[int, int, tuple[int, ...], bytes]


def is_oversized(shape: Sequence[int], chunk: Sequence[int], itemsize: int) -> bool:
    """Tell whether pieces are far larger than the images that are read from them.

    Parameters
    ----------
    shape
        Of the dataset; its last two axes are those of an image.
    chunk
        Shape of a piece.
    itemsize
        Of a value [bytes].
    """
    image = math.prod(shape[-2:]) * itemsize
    return math.prod(chunk[-2:]) * itemsize > max(LARGE_PIECE, _TIMES * image)


def is_stack(shape: Sequence[int], chunk: Sequence[int], itemsize: int) -> bool:
    """Tell whether a piece holds so many images that it has to be looked at before it is unpacked.

    Parameters are those of :func:`is_oversized`.
    """
    image = math.prod(shape[-2:]) * itemsize
    return math.prod(chunk) * itemsize > max(_LARGE_PIECES, _TIMES * image)


def memory_of(filters: Sequence[Filter], nbytes: int, stored: int, swaps: bool) -> int:
    """Tell how much memory it takes to unpack a piece with the usual filters [bytes].

    Parameters
    ----------
    filters
        From :func:`filters_of`.
    nbytes
        Size of the piece when it is unpacked.
    stored
        What is stored of it [bytes].
    swaps
        Whether its values are in another byte order than those of this computer.
    """
    if not filters:  # images are read out of it one by one
        return 0
    shuffles = any(each[0] == h5z.FILTER_SHUFFLE for each in filters)
    return stored + nbytes * (1 + shuffles + swaps)


def filters_of(plist: Any) -> list[Filter]:
    """Return the filters of a dataset, in the order in which they pack."""
    return [plist.get_filter(number) for number in range(plist.get_nfilters())]


def can_be_checked(filters: Sequence[Filter]) -> bool:
    """Tell whether :func:`check_packed` knows what goes into each filter that HDF5 undoes.

    Of szip, nbit, scaleoffset and what others have written, only what comes out is known. Another
    filter in front of one of them, which trusts what it gets, could read beyond it.

    Parameters
    ----------
    filters
        From :func:`filters_of`.
    """
    codes = [each[0] for each in filters]
    while codes and codes[-1] in _UNDONE:
        codes.pop()
    return all(code == h5z.FILTER_SHUFFLE for code in codes[:-1])


def check_packed(
    stored: bytes, mask: int, filters: Sequence[Filter], nbytes: int, itemsize: int
) -> None:
    """Make sure that a piece unpacks to the size that it should have, as far as can be told.

    Of filters that HDF5 does not bring along, nothing is known: they come with a package that
    somebody has installed on purpose.

    Parameters
    ----------
    stored
        The piece as it stands in the file.
    mask
        Bits of the filters that were left out.
    filters
        From :func:`filters_of`.
    nbytes
        Size of the piece when it is unpacked.
    itemsize
        Of a value [bytes].

    Raises
    ------
    ValueError
        When it does not.
    """
    data: bytes = stored
    left = [each for bit, each in enumerate(filters) if not mask >> bit & 1]
    while left:
        code, _, values, _ = left.pop()
        if code == h5z.FILTER_FLETCHER32:
            if len(data) < CHECKSUM:
                raise ValueError("a part of it is too short for its checksum")
            data = data[:-CHECKSUM]
        elif code == h5z.FILTER_DEFLATE:
            data = _inflate(data, nbytes + _HEAD)
        elif code == h5z.FILTER_SHUFFLE:
            if left:  # what stands in front is looked at below
                data = _unshuffle(data, values[0] if values else 1)
        elif code == h5z.FILTER_LZF and any(each[0] != h5z.FILTER_SHUFFLE for each in left):
            data = _undo_lzf(data, nbytes + _HEAD)
        else:
            if code == h5z.FILTER_LZF and len(data) * _MOST_OF_LZF > nbytes + _SLACK:
                _check_lzf(data, nbytes)
            _check_last(code, data, values, nbytes, itemsize)
            if any(each[0] != h5z.FILTER_SHUFFLE for each in left):
                raise ValueError("a part of it was packed several times")
            return
    if len(data) != nbytes:
        raise ValueError(f"a part of it holds {len(data)} bytes instead of {nbytes}")


def _check_last(
    code: int, data: bytes, values: tuple[int, ...], nbytes: int, itemsize: int
) -> None:
    """Check what a filter, that is not undone here, states of the size of its result."""
    values = (*values, *(0,) * 8)
    stated, needed = nbytes, 0
    if code == h5z.FILTER_SZIP:
        stated = int.from_bytes(data[:4], "little")
    elif code == h5z.FILTER_LZF:
        stated = values[2]  # the memory that it works in
    elif code == h5z.FILTER_SCALEOFFSET:
        stated = values[2] * values[4]
        bits = int.from_bytes(data[:4], "little")
        needed = _SCALE_HEAD + (bits * values[2] + 7) // 8
        if bits > 8 * itemsize:
            raise ValueError("the description of its filter is damaged")
    elif code == h5z.FILTER_NBIT and not values[1]:
        _, _, count, kind, size, order, precision, offset = values[:8]
        stated, needed = count * size, (count * precision + 7) // 8
        if kind != 1 or order > 1 or not 0 < precision <= 8 * size - offset:
            raise ValueError("the description of its filter is damaged")
    elif code == h5z.FILTER_NBIT:
        stated = len(data)
    if stated != nbytes:
        raise ValueError(f"a part of it unpacks to {stated} bytes instead of {nbytes}")
    if len(data) < needed:
        raise ValueError(f"a part of it takes {len(data)} bytes instead of {needed}")


def _inflate(data: bytes, limit: int) -> bytes:
    """Undo deflate; what comes after `limit` bytes is an error."""
    unpack = zlib.decompressobj()
    try:
        found = unpack.decompress(data, limit + 1)
    except zlib.error as error:
        raise ValueError(f"a part of it cannot be decompressed ({error})") from error
    if len(found) > limit:
        raise ValueError(f"a part of it unpacks to more than {limit} bytes")
    if not unpack.eof:
        raise ValueError("a part of it cannot be decompressed (it is cut off)")
    return found


def _unshuffle(data: bytes, size: int) -> bytes:
    """Undo shuffle; bytes that are left over stand at the end."""
    count = len(data) // size if size else 0
    if size <= 1 or count <= 1:
        return data
    planes = np.frombuffer(data, np.uint8, count * size).reshape(size, count)
    body: bytes = planes.T.tobytes()
    return body + data[count * size :]


def _check_lzf(data: bytes, nbytes: int) -> None:
    """Count what lzf makes, without making it: that takes a tenth of the time of undoing it."""
    total = place = 0
    end = len(data)
    while place < end:
        head = data[place]
        if head < 32:
            total += head + 1
            place += head + 2
        elif head < 224:
            total += (head >> 5) + 2
            place += 2
        else:
            total += 9 + data[place + 1] if place + 1 < end else 0
            place += 3
    if place > end:
        raise ValueError("a part of it cannot be decompressed (it is cut off)")
    if total != nbytes:
        raise ValueError(f"a part of it unpacks to {total} bytes instead of {nbytes}")


def _undo_lzf(data: bytes, limit: int) -> bytes:
    """Undo lzf, which takes far longer here than in HDF5; more than `limit` bytes are an error."""
    made = bytearray()
    place = 0
    while place < len(data):
        head = data[place]
        if head < 32:
            made += data[place + 1 : place + head + 2]
            place += head + 2
        else:
            back = place + (2 if head >= 224 else 1)
            if back >= len(data):
                raise ValueError("a part of it cannot be decompressed (it is cut off)")
            count = (head >> 5) + 2 + (data[place + 1] if head >= 224 else 0)
            start = len(made) - ((head & 31) << 8) - data[back] - 1
            if start < 0:
                raise ValueError("a part of it cannot be decompressed (it is no lzf)")
            run = bytes(made[start : start + count])
            made += (run * (count // len(run) + 1))[:count]
            place = back + 1
        if len(made) > limit:
            raise ValueError(f"a part of it unpacks to more than {limit} bytes")
    return bytes(made)
