"""CZI files with what the package that writes them leaves out: the attached time stamps."""

from __future__ import annotations

import struct
import uuid
from collections.abc import Sequence
from pathlib import Path

#: Where the header of a file keeps the position of the list of attachments.
_DIRECTORY_POSITION = 32 + 72


def _segment(name: bytes, content: bytes) -> bytes:
    """Frame of 32 bytes and what is in it, filled up to whole blocks of 32 bytes."""
    padded = content + bytes(-len(content) % 32)
    return struct.pack("<16sqq", name, len(padded), len(content)) + padded


def attach_time_stamps(path: Path, stamps: Sequence[float]) -> None:
    """Append the times [s] of all time points to a CZI file, as ZEN stores them.

    References
    ----------
    https://github.com/ZEISS/libczi: attachments in ``CziStructs.h``.
    """
    data = path.read_bytes()
    position = len(data) + -len(data) % 32
    times = struct.pack(f"<ii{len(stamps)}d", 8 + 8 * len(stamps), len(stamps), *stamps)
    entry = struct.pack(
        "<2s10xqi16s8s80s", b"A1", position, 0, uuid.uuid4().bytes, b"CZTIMS", b"TimeStamps"
    )
    attachment = _segment(b"ZISRAWATTACH", struct.pack("<i12x128s112x", len(times), entry) + times)
    directory = _segment(b"ZISRAWATTDIR", struct.pack("<i252x", 1) + entry)
    header = bytearray(data)
    struct.pack_into("<q", header, _DIRECTORY_POSITION, position + len(attachment))
    path.write_bytes(bytes(header).ljust(position, b"\0") + attachment + directory)
