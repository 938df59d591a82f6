"""How much comes out of compressed bytes, found out before memory is taken for all of it.

A few bytes of deflate, LZMA or PackBits make thousands, and libraries hand out what comes. Formats
that say in front how much that will be are asked; others are unpacked without keeping what comes
out, up to a limit.
"""

from __future__ import annotations

import bz2
import lzma
import struct
import zlib
from collections.abc import Callable, Mapping
from typing import Any

__all__ = ["UnpackError", "check_unpacked", "inflate", "most_of"]

#: Bytes that are unpacked at once, and memory that LZMA may take for what it looks back at.
_PIECE = 2**22
_LZMA_MEMORY = 2**28

#: What Zstandard unpacks of one block at most.
_ZSTD_BLOCK = 2**17

#: Markers in JPEG behind which sizes stand.
_JPEG_FRAMES = (
    *range(0xC0, 0xC4),
    *range(0xC5, 0xC8),
    *range(0xC9, 0xCC),
    *range(0xCD, 0xD0),
    0xF7,
)

Counter = Callable[[Any, int], int]


class UnpackError(Exception):
    """More comes out than there may."""


def check_unpacked(kind: str, data: Any, limit: int, **options: Any) -> None:
    """Make sure that no more than so many bytes come out.

    Parameters
    ----------
    kind
        Name of the compression; nothing is known of others than are in this module.
    data
        Compressed bytes.
    limit
        Bytes that may come out.
    options
        How LZMA is wrapped.

    Raises
    ------
    UnpackError
        When more comes out. Where bytes are damaged, it is left to the reader to say so.
    """
    known = _KINDS.get(kind)
    if known is None or known[0] * len(data) <= limit:
        return
    total = _count_lzma(data, limit, **options) if options else known[1](data, limit)
    if total > limit:
        raise UnpackError


def most_of(kind: str) -> float:
    """Return how many bytes come of one at most."""
    return _KINDS[kind][0]


def inflate(data: Any, limit: int) -> bytes:
    """Unpack deflate, in whatever wrapping, but no more than so many bytes.

    Raises
    ------
    UnpackError
        When more comes out.
    zlib.error
        When it is damaged.
    """
    parts: list[bytes] = []
    rest, room = data, limit
    while len(rest):
        unpack = zlib.decompressobj(wbits=47)
        piece = unpack.decompress(rest, room + 1)
        if len(piece) > room:
            raise UnpackError
        if not unpack.eof:
            raise zlib.error("incomplete or truncated stream")
        parts.append(piece)
        room -= len(piece)
        # Files of gzip may be several, one behind the other, with zeros behind the last.
        rest = unpack.unused_data.lstrip(b"\0")
        if rest[:2] != b"\x1f\x8b":
            break
    return parts[0] if len(parts) == 1 else b"".join(parts)


def _count(unpack: Any, data: Any, limit: int, rest: Callable[[Any], Any]) -> int:
    """Count what a decompressor of the standard library gives, up to a little more than `limit`."""
    total = 0
    try:
        while total <= limit and not unpack.eof:
            piece = unpack.decompress(data, _PIECE)
            data = rest(unpack)
            if not piece and not data:
                break
            total += len(piece)
    except (zlib.error, lzma.LZMAError, OSError, EOFError, ValueError) as error:
        if "emory usage limit" in str(error):
            return limit + 1
    return total


def _count_deflate(data: Any, limit: int) -> int:
    return _count(zlib.decompressobj(wbits=47), data, limit, lambda unpack: unpack.unconsumed_tail)


def _count_bz2(data: Any, limit: int) -> int:
    total, rest = 0, bytes(data)
    while rest and total <= limit:
        unpack = bz2.BZ2Decompressor()
        total += _count(unpack, rest, limit - total, lambda _: b"")
        rest = unpack.unused_data if unpack.eof else b""
    return total


def _count_lzma(data: Any, limit: int, **options: Any) -> int:
    total, rest = 0, bytes(data)
    if options.get("format") != lzma.FORMAT_RAW:
        options = {"format": options.get("format", lzma.FORMAT_AUTO), "memlimit": _LZMA_MEMORY}
    while rest and total <= limit:
        try:
            unpack = lzma.LZMADecompressor(**options)
        except (lzma.LZMAError, ValueError, TypeError):
            break
        total += _count(unpack, rest, limit - total, lambda _: b"")
        rest = unpack.unused_data if unpack.eof else b""
    return total


def _count_packbits(data: Any, limit: int) -> int:
    data = bytes(data)
    total = place = 0
    size = len(data)
    while place < size and total <= limit:
        code = data[place]
        if code < 128:
            total += code + 1
            place += code + 2
        else:
            total += (257 - code) % 129
            place += 1 + (code != 128)
    return total


def _stated_by_blosc(data: Any, limit: int) -> int:
    return int(struct.unpack_from("<I", data, 4)[0]) if len(data) >= 16 else 0


def _stated_by_lz4(data: Any, limit: int) -> int:
    return int(struct.unpack_from("<I", data)[0]) if len(data) >= 4 else 0


def _most_of_zstd(data: Any, limit: int) -> int:
    """Find what Zstandard makes at most: what its frames state, or 128 kB of each block."""
    data = bytes(data)
    total = place = 0
    while place + 6 <= len(data) and total <= limit:
        magic = int.from_bytes(data[place : place + 4], "little")
        if magic & ~0xF == 0x184D2A50:  # is skipped
            place += 8 + int.from_bytes(data[place + 4 : place + 8], "little")
            continue
        if magic != 0xFD2FB528:
            break
        code = data[place + 4]
        single, flag = code >> 5 & 1, code >> 6
        place += 5 + (not single) + (0, 1, 2, 4)[code & 3]
        width = (single, 2, 4, 8)[flag]
        stated = int.from_bytes(data[place : place + width], "little") if width else 0
        place += width
        blocks, last = 0, False
        while not last and place + 3 <= len(data):
            header = int.from_bytes(data[place : place + 3], "little")
            last, kind, size = bool(header & 1), header >> 1 & 3, header >> 3
            place += 3 + (1 if kind == 1 else size)
            blocks += min(size, _ZSTD_BLOCK) if kind < 2 else _ZSTD_BLOCK
        # Memory is taken for what is stated; what is not stated there is unpacked block by block.
        total += stated if stated else blocks
        place += 4 * (code >> 2 & 1)
    return total


def _stated_by_jpeg(data: Any, limit: int) -> int:
    """Find the size of the image that a JPEG announces."""
    data, place = bytes(data), 2
    while place + 10 <= len(data) and data[place] == 0xFF and data[place + 1] != 0xDA:
        length = int.from_bytes(data[place + 2 : place + 4], "big")
        if data[place + 1] in _JPEG_FRAMES:
            height, width, channels = struct.unpack_from(">HHB", data, place + 5)
            return int(height * width * max(3, channels) * (1 + (data[place + 4] > 8)))
        place += 2 + length
    return 0


def _stated_by_jpeg2000(data: Any, limit: int) -> int:
    data = bytes(data)
    place = data.find(b"\xff\x4f\xff\x51")
    if not 0 <= place <= len(data) - 42:
        return 0
    right, lower, left, upper = struct.unpack_from(">4I", data, place + 8)
    (channels,) = struct.unpack_from(">H", data, place + 40)
    return int(max(0, right - left) * max(0, lower - upper) * channels * 2)


def _stated_by_png(data: Any, limit: int) -> int:
    if len(data) < 26:
        return 0
    width, height, depth = struct.unpack_from(">IIB", data, 16)
    return int(width * height * 4 * (1 + (depth > 8)))


def _stated_by_webp(data: Any, limit: int) -> int:
    return 2**14 * 2**14 * 4 if len(data) < 30 else _webp_area(bytes(data)) * 4


def _webp_area(data: bytes) -> int:
    kind = data[12:16]
    if kind == b"VP8 ":
        width, height = struct.unpack_from("<HH", data, 26)
        return int((width & 0x3FFF) * (height & 0x3FFF))
    if kind == b"VP8L":
        bits = int.from_bytes(data[21:25], "little")
        return ((bits & 0x3FFF) + 1) * ((bits >> 14 & 0x3FFF) + 1)
    width, height = (int.from_bytes(data[at : at + 3], "little") + 1 for at in (24, 27))
    return width * height


#: Most bytes that come of one, so that small blocks need not be looked at, and how to count.
_KINDS: Mapping[str, tuple[float, Counter]] = {
    "zlib": (1032, _count_deflate),
    "gzip": (1032, _count_deflate),
    "bz2": (float("inf"), _count_bz2),
    "lzma": (float("inf"), _count_lzma),
    "packbits": (64, _count_packbits),
    "blosc": (float("inf"), _stated_by_blosc),
    "lz4": (float("inf"), _stated_by_lz4),
    "zstd": (float("inf"), _most_of_zstd),
    "jpeg": (float("inf"), _stated_by_jpeg),
    "jpeg2000": (float("inf"), _stated_by_jpeg2000),
    "png": (float("inf"), _stated_by_png),
    "webp": (float("inf"), _stated_by_webp),
}
