"""Compress images of few different values: a deflate encoder that works on whole pixels.

Counts that were multiplied by a gain are few different numbers whose four bytes look random. What
repeats in them are pixels, and pairs of pixels, so a search from byte to byte, as every library
for deflate does it, spends most of its time where nothing can be found. Here all pixels are
sorted by their values once and by those of themselves and their neighbour once; whatever stands
side by side then is a repetition. Every step works on a whole part of the image in numpy, outside
of Python's lock.

The result is an ordinary zlib stream (RFC 1950, RFC 1951), which every reader of HDF5 expands.
"""

from __future__ import annotations

import functools
import heapq
import zlib
from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["compress_pixels"]

#: Pixels that one block is made of; the search goes back beyond its start.
_BLOCK = 2**18
#: Farthest repetition [pixels of 4 bytes], and pixels that one match can stand for.
_WINDOW, _LONGEST = 8192, 64
#: Bits that a match costs beyond the logarithm of its distance, about.
_MATCH_BITS = 4.0

#: Multiplier of a hash: 2**32 divided by the golden ratio.
_GOLDEN = np.uint32(0x9E3779B1)
_HIGH, _LOW = np.uint64(32), np.uint64(2**32 - 1)

_LONGEST_CODE = 15
#: Symbol that ends a block, first symbol of the lengths, number of symbols.
_END, _LENGTHS, _SYMBOLS, _DISTANCES = 256, 257, 286, 30
#: Order in which the lengths of the codes for code lengths are written.
_ORDER = (16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15)

Int = npt.NDArray[np.int64]
Bits = npt.NDArray[np.uint64]


def compress_pixels(image: npt.NDArray[Any]) -> bytes:
    """Compress an image to a zlib stream.

    Parameters
    ----------
    image
        Contiguous array with 4 bytes a pixel; any shape with at least one pixel.

    References
    ----------
    P. Deutsch, "DEFLATE Compressed Data Format Specification", RFC 1951 (1996).
    """
    pixels = image.reshape(-1).view(np.uint32)
    parts = [b"\x78\x9c"]
    rest, bits = 0, 0
    for start in range(0, pixels.size, _BLOCK):
        end = min(start + _BLOCK, pixels.size)
        first = max(0, start - _WINDOW)
        values, lengths = _encode_block(pixels[first:end], start - first, end == pixels.size)
        packed, bits = _pack(values, lengths, rest, bits)
        whole = bits // 8
        data = packed.astype("<u8", copy=False).tobytes()
        parts.append(data[:whole])
        # The last byte goes on in the next block.
        bits -= 8 * whole
        rest = data[whole] if bits else 0
    if bits:
        parts.append(bytes([rest]))
    parts.append(zlib.adler32(pixels.data).to_bytes(4, "big"))
    return b"".join(parts)


# --- what is repeated --------------------------------------------------------------------------


def _encode_block(pixels: npt.NDArray[np.uint32], start: int, last: bool) -> tuple[Bits, Bits]:
    """Bits, and their numbers, of the block for all pixels from `start` on."""
    positions, counts, distances = _matches(pixels, start)
    near, far = _length_table(), _distance_table()
    literal = np.flatnonzero(distances == 0)
    bytes_of = pixels[positions[literal]].view(np.uint8).reshape(-1, 4)
    by_count = np.bincount(counts, minlength=_LONGEST + 1)
    by_count[1] -= literal.size
    frequencies = np.bincount(near.symbol, by_count, _SYMBOLS).astype(np.int64)
    frequencies[:256] += np.bincount(bytes_of.reshape(-1), minlength=256)
    frequencies[_END] += 1
    by_distance = np.bincount(distances, minlength=_WINDOW + 1)
    by_distance[0] = 0
    used = np.bincount(far.symbol, by_distance, _DISTANCES).astype(np.int64)
    code, size = _codes(frequencies)
    far_code, far_size = _codes(used)
    # What stands for a distance, and for a length, is looked up whole: code and extra bits.
    far_value = far_code[far.symbol] | (far.extra << far_size[far.symbol])
    far_length = far_size[far.symbol] + far.extra_bits
    near_value = code[near.symbol] | (near.extra << size[near.symbol])
    near_length = size[near.symbol] + near.extra_bits
    values = near_value[counts] | (far_value[distances] << near_length[counts])
    lengths = near_length[counts] + far_length[distances]
    # The four bytes of a pixel are at most 60 bits.
    value, length = np.zeros(len(bytes_of), np.uint64), np.zeros(len(bytes_of), np.uint64)
    for column in bytes_of.T:
        value |= code[column] << length
        length += size[column]
    values[literal], lengths[literal] = value, length
    head_values, head_lengths = _header(size, far_size, last)
    return (
        np.concatenate([head_values, values, code[_END : _END + 1]]),
        np.concatenate([head_lengths, lengths, size[_END : _END + 1]]),
    )


def _matches(pixels: npt.NDArray[np.uint32], start: int) -> tuple[Int, Int, Int]:
    """Cut the pixels from `start` on into repetitions of earlier ones.

    Returns
    -------
    positions, counts, distances
        First pixel and number of pixels of each, and how far back they stand; a pixel that stands
        nowhere has the distance 0.
    """
    size = pixels.size
    single = _distances(pixels)
    mixed = pixels[:-1] * _GOLDEN
    mixed ^= mixed >> np.uint32(15)
    mixed += pixels[1:]
    mixed *= _GOLDEN
    pair = np.zeros(size, np.int32)
    pair[:-1] = _distances(mixed)
    # Two pairs may have one hash.
    both = pixels.astype(np.uint64)
    both[:-1] |= pixels[1:].astype(np.uint64) << _HIGH
    good = both[np.arange(size) - pair] == both
    good &= pair > 0
    # Two near pixels may cost less than one far pair.
    price = single.astype(np.float32)
    price += (single == 0) * np.float32(_WINDOW << 8)
    price[:-1] *= price[1:]
    good &= pair < price * np.float32(2**_MATCH_BITS)
    good = good[start:]
    # In a run of positions from which a pair could be taken, every second one is.
    index = np.arange(1, good.size + 1, dtype=np.int32)
    run = np.maximum.accumulate(index * ~good)
    taken = good & ((index - run) & 1 == 1)
    begins = np.ones(good.size, bool)
    begins[1:] = ~taken[:-1]
    # Sums and products of whole arrays are quicker than a choice for each pixel.
    chosen = single[start:] + taken * (pair - single)[start:]
    positions = np.flatnonzero(begins)
    distances = chosen[positions]
    # Neighbours with one distance are one repetition.
    apart = np.ones(positions.size, bool)
    apart[1:] = (distances[1:] != distances[:-1]) | (distances[1:] == 0)
    positions, distances = positions[apart], distances[apart]
    counts = np.diff(positions, append=size - start)
    positions = positions + start
    if counts.max() > _LONGEST:
        pieces = -(-counts // _LONGEST)
        which = np.repeat(np.arange(counts.size), pieces)
        before = (np.arange(which.size) - (np.cumsum(pieces) - pieces)[which]) * _LONGEST
        positions, distances = positions[which] + before, distances[which]
        counts = np.minimum(counts[which] - before, _LONGEST)
    return positions, counts, distances.astype(np.int64)


def _distances(keys: npt.NDArray[np.uint32]) -> npt.NDArray[np.int32]:
    """How far before each key the same one stands last; 0 where that is too far, or nowhere."""
    size = keys.size
    ordered = keys.astype(np.uint64)
    ordered <<= _HIGH
    ordered |= np.arange(size, dtype=np.uint64)
    ordered.sort()
    # Equal keys stand side by side, by their places.
    gaps = np.diff(ordered)
    gaps *= gaps <= _WINDOW
    found = np.zeros(size, np.int32)
    ordered &= _LOW
    found[ordered[1:].view(np.int64)] = gaps.astype(np.int32)
    return found


# --- how it is written -------------------------------------------------------------------------


class _Table:
    """What RFC 1951 writes for a number: a symbol, and further bits.

    Parameters
    ----------
    numbers
        The number less the first one that there is.
    kept
        How many bits after the first one the symbol tells.
    first
        Symbol of the first number.
    """

    def __init__(self, numbers: Int, kept: int, first: int) -> None:
        # The largest power of two in each number; 0 has none.
        power = np.frexp(np.maximum(numbers, 1))[1].astype(np.int64) - 1
        bits = np.maximum(power - kept, 0)
        self.symbol: Int = first + (bits << kept) + (numbers >> bits)
        self.extra = (numbers & ((1 << bits) - 1)).astype(np.uint64)
        self.extra_bits = bits.astype(np.uint64)


@functools.cache
def _distance_table() -> _Table:
    """By the distance in pixels; what stands for a distance of 0 means nothing."""
    return _Table(np.maximum(4 * np.arange(_WINDOW + 1) - 1, 0), 1, 0)


@functools.cache
def _length_table() -> _Table:
    """By the number of pixels; what stands for 0 pixels means nothing."""
    return _Table(np.maximum(4 * np.arange(_LONGEST + 1) - 3, 0), 2, _LENGTHS)


def _header(size: Bits, far_size: Bits, last: bool) -> tuple[Bits, Bits]:
    """Bits, and their numbers, of what stands before the data of a block: the two codes."""
    sizes = np.concatenate([size, far_size]).astype(np.int64)
    code, lengths = _codes(np.bincount(sizes, minlength=len(_ORDER)), 7)
    order = list(_ORDER)
    fields = [(int(last), 1), (2, 2), (_SYMBOLS - 257, 5), (_DISTANCES - 1, 5), (len(order) - 4, 4)]
    fields += [(int(lengths[symbol]), 3) for symbol in order]
    values, numbers = np.array(fields, np.uint64).T
    return np.concatenate([values, code[sizes]]), np.concatenate([numbers, lengths[sizes]])


def _codes(frequencies: Int, longest: int = _LONGEST_CODE) -> tuple[Bits, Bits]:
    """Huffman code of symbols: bits as they are written, and their numbers."""
    frequencies = frequencies.copy()
    # A code of fewer than two symbols is no code for every reader.
    frequencies[:2] += np.count_nonzero(frequencies) < 2
    lengths = _code_lengths(frequencies.tolist(), longest)
    codes = [0] * len(lengths)
    code = 0
    for length in range(1, longest + 1):
        for symbol, wanted in enumerate(lengths):
            if wanted == length:
                # Codes are written from their highest bit on, everything else from its lowest.
                codes[symbol] = int(f"{code:0{length}b}"[::-1], 2)
                code += 1
        code <<= 1
    return np.array(codes, np.uint64), np.array(lengths, np.uint64)


def _code_lengths(frequencies: list[int], longest: int) -> list[int]:
    """Lengths of a Huffman code; 0 for symbols that do not occur."""
    while True:
        lengths = [0] * len(frequencies)
        heap = [(count, [symbol]) for symbol, count in enumerate(frequencies) if count]
        heapq.heapify(heap)
        while len(heap) > 1:
            count, symbols = heapq.heappop(heap)
            other_count, others = heapq.heappop(heap)
            symbols = symbols + others
            for symbol in symbols:
                lengths[symbol] += 1
            heapq.heappush(heap, (count + other_count, symbols))
        if max(lengths) <= longest:
            return lengths
        # Rare symbols are taken for less rare ones until the code is short enough.
        frequencies = [(count + 1) // 2 for count in frequencies]


def _pack(values: Bits, lengths: Bits, rest: int, bits: int) -> tuple[Bits, int]:
    """Write numbers of up to 60 bits one after the other, from the lowest bit on.

    Parameters
    ----------
    values, lengths
        The numbers, and how many bits they have.
    rest, bits
        A byte that was begun, and how many bits it has.

    Returns
    -------
    words
        Words of 64 bits.
    bits
        Number of bits in them.
    """
    ends = np.cumsum(lengths) + np.uint64(bits)
    starts = ends - lengths
    word = (starts >> np.uint64(6)).astype(np.int64)
    shift = starts & np.uint64(63)
    # No word is skipped, because no number is longer than a word.
    firsts = np.flatnonzero(np.diff(word, prepend=-1))
    packed = np.zeros(int(word[-1]) + 2, np.uint64)
    packed[:-1] = np.bitwise_or.reduceat(values << shift, firsts)
    # Only the last number of a word can reach into the next one.
    lasts = np.append(firsts[1:] - 1, word.size - 1)
    packed[1:] |= (values[lasts] >> np.uint64(1)) >> (np.uint64(63) - shift[lasts])
    packed[0] |= np.uint64(rest)
    return packed, int(ends[-1])
