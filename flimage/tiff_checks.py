"""What is looked at in a TIFF file before it is trusted: directories, and what pages hold."""

from __future__ import annotations

import logging
import math
import re
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from .errors import FileFormatError
from .recording import check_size
from .unpacking import UnpackError, check_unpacked, most_of

__all__ = ["check_directories", "check_page", "remarks"]

#: Bytes that a page may take beyond what it announces when it is unpacked, before that is counted.
_SLACK = 2**27

#: Compressions that are unpacked without a limit, by their codes in TIFF. LZW is not among them: it
#: goes through Pillow or `imagecodecs`, which stop where the page is full.
_COMPRESSIONS = {
    8: "zlib",
    32946: "zlib",
    50013: "zlib",
    32773: "packbits",
    34925: "lzma",
    50000: "zstd",
    34926: "zstd",
    **dict.fromkeys((6, 7, 34892, 33007), "jpeg"),
    **dict.fromkeys((33003, 33004, 33005, 34712), "jpeg2000"),
    34933: "png",
    **dict.fromkeys((34927, 50001), "webp"),
}

#: Codes of width and height, and of types of whole numbers, with their forms.
_WIDTH, _HEIGHT = 256, 257
_WHOLE = {3: "H", 4: "I", 16: "Q"}


class _Remarks(logging.Handler):
    """Collects what tifffile logs: it reads on where a file is broken, and says so only there."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.texts: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        text = re.sub(r"<tifffile\.\S+ [^>]*>:? ", "", record.getMessage())
        # Nothing is: frames that are missing are counted here, not made up.
        if "zeroed" not in text:
            self.texts.append(text)


@contextmanager
def remarks() -> Iterator[list[str]]:
    """Yield the list that tifffile's warnings are added to instead of being printed."""
    logger = logging.getLogger("tifffile")
    handler = _Remarks()
    propagate, logger.propagate = logger.propagate, False
    logger.addHandler(handler)
    try:
        yield handler.texts
    finally:
        logger.removeHandler(handler)
        logger.propagate = propagate


def check_directories(path: Path) -> int:
    """Make sure that the chain of image directories comes to an end.

    Returns
    -------
    int
        Number of pixels of the smallest image; 1 where the file does not say.

    Raises
    ------
    flimage.errors.FileFormatError
        When it goes round in a circle.
    """
    smallest = 0
    with path.open("rb") as stream:
        head = stream.read(16)
        order = {b"II": "<", b"MM": ">"}.get(head[:2])
        if order is None or len(head) < 16:
            return 1  # whatever it is, the reader will say so
        big = struct.unpack_from(f"{order}H", head, 2)[0] == 43
        count_form, entry, next_form = ("Q", 20, "Q") if big else ("H", 12, "I")
        place = struct.unpack_from(order + next_form, head, 8 if big else 4)[0]
        size = path.stat().st_size
        seen = set()
        while 0 < place < size:
            if place in seen:
                raise FileFormatError(
                    f"{path} is damaged: its image directories go round in a circle; restore it"
                    " from a copy."
                )
            seen.add(place)
            stream.seek(place)
            start = stream.read(struct.calcsize(order + count_form))
            if len(start) < struct.calcsize(order + count_form):
                break
            length = struct.unpack(order + count_form, start)[0] * entry
            after = struct.calcsize(order + next_form)
            if length > size:
                break
            entries = stream.read(length + after)
            pixels = _pixels(entries[:length], order, entry)
            smallest = min(smallest or pixels, pixels)
            if len(entries) < length + after:
                break
            place = struct.unpack_from(order + next_form, entries, length)[0]
    return max(1, smallest)


def _pixels(entries: bytes, order: str, size: int) -> int:
    """Read width times height from the entries of a directory; 1 where they are not there."""
    sides = {}
    for start in range(0, len(entries) - size + 1, size):
        code, form = struct.unpack_from(f"{order}HH", entries, start)
        if code > _HEIGHT:
            break  # entries are sorted by their codes
        if code in (_WIDTH, _HEIGHT) and form in _WHOLE:
            sides[code] = struct.unpack_from(order + _WHOLE[form], entries, start + size // 2 + 2)
    return math.prod(sides.get(_WIDTH, (1,)) + sides.get(_HEIGHT, (1,))) or 1


def check_page(path: Path, page: Any) -> None:
    """Make sure that a page does not unpack to more than it announces.

    Parameters
    ----------
    path
        The file, for messages.
    page
        A page or frame of `tifffile`.

    Raises
    ------
    flimage.errors.FileFormatError
        When it does.
    """
    keyframe = page.keyframe
    counts = [int(count) for count in page.databytecounts]
    check_size(path, keyframe.shape, keyframe.dtype.itemsize, min(sum(counts), path.stat().st_size))
    if keyframe.is_tiled:
        # A tile is unpacked whole, also where the image fills a corner of it.
        check_size(path, keyframe.chunks, keyframe.dtype.itemsize, max(counts, default=0))
    kind = _COMPRESSIONS.get(int(keyframe.compression))
    if kind is None:
        return
    wanted = math.prod(keyframe.shape) * keyframe.dtype.itemsize + _SLACK
    doubtful = [
        (int(offset), count)
        for offset, count in zip(page.dataoffsets, counts, strict=False)
        if count * most_of(kind) > wanted
    ]
    if not doubtful:
        return
    file = Path(page.parent.filehandle.path)
    size = file.stat().st_size
    with file.open("rb") as stream:
        for offset, count in doubtful:
            stream.seek(offset)
            try:
                check_unpacked(kind, stream.read(min(count, size)), wanted)
            except UnpackError:
                raise FileFormatError(
                    f"{path} is damaged: a page unpacks to more than {wanted} bytes, but announces"
                    f" {'×'.join(map(str, keyframe.shape))} pixels."
                ) from None
