"""Files in other formats that lead elsewhere: sets of TIFF files, written by hand."""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import tifffile

__all__ = [
    "PLANE",
    "member",
    "micro_manager",
    "ndtiff_index",
    "set_of_tiff",
    "write_secret_tiff",
    "write_tiff",
    "zarr_folder",
]

#: Size of images (y, x) [px].
PLANE = (24, 20)

_URN = "urn:uuid:00000000-0000-0000-0000-00000000000"
#: Identifier of somebody else's recording; who wants it has found it out.
_URN_OF_SECRET = "urn:uuid:00000000-0000-0000-0000-999999999999"


def write_secret_tiff(path: Path) -> Path:
    """A recording that is somebody else's."""
    images = np.full((6, *PLANE), 4242, "u2")
    tifffile.imwrite(path, images, ome=True, metadata={"axes": "TYX", "UUID": _URN_OF_SECRET})
    return path


def member(path: Path, frames: npt.NDArray[np.uint16]) -> Path:
    """Write pages of a set, which the first file of it describes."""
    with tifffile.TiffWriter(path) as file:
        for frame in frames:
            file.write(frame, metadata=None)
    return path


def set_of_tiff(
    path: Path,
    names: Sequence[tuple[str, int]],
    frames: Sequence[npt.NDArray[np.uint16]] | npt.NDArray[np.uint16] | None = None,
    *,
    positions: bool = False,
    root: bool = True,
    more: str = "",
    sizes: Mapping[str, int] | None = None,
    first: int = 0,
    secret: str = "",
) -> Path:
    """Write the first file of a set with OME-XML.

    Parameters
    ----------
    path
        The file.
    names
        Names of all files, and number of pages that are read from each.
    frames
        Pages of the first one.
    positions
        Whether each file is a position of its own instead of some of the frames.
    root
        Whether the first file has an identifier.
    more
        Further elements.
    sizes
        Sizes along axes, ``{"T": 3}``, instead of those that are there.
    first
        Number of the page that is read first from each file.
    secret
        Which of the names leads to somebody else's recording.
    """
    if frames is None:
        frames = np.ones((1, *PLANE), "u2")
    announced = {"X": PLANE[1], "Y": PLANE[0], "C": 1, "Z": 1, **(sizes or {})}
    pixels, start, blocks = [], 0, []
    for number, (name, count) in enumerate(names):
        # Since 2026, tifffile opens files elsewhere where it is told what they are.
        urn = _URN_OF_SECRET if name == secret else f"{_URN}{number}"
        block = (
            f'<TiffData FirstT="{0 if positions else start}" IFD="{first}" PlaneCount="{count}">'
            f'<UUID FileName="{name}">{urn}</UUID></TiffData>'
        )
        start += count
        blocks.append(block)
        if positions:
            pixels.append((count, block))
    if not positions:
        pixels = [(start, "".join(blocks))]
    images = "".join(
        f'<Image ID="Image:{number}"><Pixels ID="Pixels:{number}" DimensionOrder="XYCZT"'
        f' Type="uint16" {_sizes({"T": count, **announced})}>{block}</Pixels></Image>'
        for number, (count, block) in enumerate(pixels)
    )
    identifier = f' UUID="{_URN}0"' if root else ""
    xml = (
        '<?xml version="1.0"?><OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06"'
        f"{identifier}>{images}{more}</OME>"
    )
    with tifffile.TiffWriter(path) as file:
        for number, frame in enumerate(frames):
            file.write(frame, description=None if number else xml, metadata=None)
    return path


def _sizes(announced: Mapping[str, int]) -> str:
    return " ".join(f'Size{axis}="{size}"' for axis, size in announced.items())


def write_tiff(path: Path, tags: Sequence[tuple[int, int, int, int]], body: bytes) -> Path:
    """Write a TIFF file of one directory with these entries, and bytes behind it.

    Where the bytes begin takes the place of the value -1.
    """
    start = 8 + 2 + 12 * len(tags) + 4
    entries = b"".join(
        struct.pack("<HHII", code, form, count, start if value < 0 else value)
        for code, form, count, value in tags
    )
    head = b"II*\0" + struct.pack("<IH", 8, len(tags))
    path.write_bytes(head + entries + struct.pack("<I", 0) + body)
    return path


def micro_manager(
    path: Path, summary: dict[str, Any], places: Sequence[Sequence[int]] = (), version: int = 0
) -> Path:
    """Write a file as Micro-Manager does: of one frame, with what it says of all files.

    Parameters
    ----------
    path
        The file.
    summary
        What it says of the recording.
    places
        Channel, slice, frame, position of each image, the first of which is there.
    version
        0 for a stack, 2 or more for NDTiff.
    """
    text = json.dumps({"MicroManagerVersion": "2", "Frames": 1, **summary}).encode()
    text += b" " * (-len(text) % 4)
    rows = [*places] or [(0, 0, 0, 0)]
    tags = [
        (256, 3, 1, PLANE[1]),
        (257, 3, 1, PLANE[0]),
        (258, 3, 1, 16),
        (259, 3, 1, 1),
        (262, 3, 1, 1),
        (273, 4, 1, 0),
        (277, 3, 1, 1),
        (278, 3, 1, PLANE[0]),
        (279, 4, 1, 2 * PLANE[0] * PLANE[1]),
        (51123, 2, len(text), 0),
    ]
    if version:
        head = struct.pack("<4sIIIIII", b"II*\0", 0, 483729, version, 0, 2355492, len(text))
    else:
        head = struct.pack(
            "<4sIIIIIIIII", b"II*\0", 0, 54773648, 0, 483765892, 0, 99384722, 0, 2355492, len(text)
        )
    first = len(head) + len(text)
    tags[9] = (51123, 2, len(text), len(head))
    image = first + 2 + 12 * len(tags) + 4
    index = image + tags[8][3]
    tags[5] = (273, 4, 1, image)
    data = bytearray(head + text + struct.pack("<H", len(tags)))
    data += b"".join(struct.pack("<HHII", *tag) for tag in tags) + struct.pack("<I", 0)
    data += np.ones(PLANE, "<u2").tobytes()
    data += struct.pack("<II", 3453623, len(rows))
    data += b"".join(struct.pack("<5I", *row, first) for row in rows)
    struct.pack_into("<I", data, 4, first)
    if not version:
        struct.pack_into("<I", data, 12, index)
    path.write_bytes(bytes(data))
    return path


def ndtiff_index(path: Path, entries: Sequence[tuple[dict[str, int], str]]) -> Path:
    """Write the index of an NDTiff recording: axes of an image, and its file."""
    data = b""
    for axes, name in entries:
        for text in (json.dumps(axes).encode(), name.encode()):
            data += struct.pack("<I", len(text)) + text
        data += struct.pack("<IiiiiIii", 512, PLANE[1], PLANE[0], 1, 0, 0, 0, 0)
    path.write_bytes(data)
    return path


def zarr_folder(
    path: Path,
    *,
    shape: Sequence[int] = (2, *PLANE),
    chunks: Sequence[int] = (1, *PLANE),
    dtype: str = "<u2",
    compressor: Mapping[str, Any] | None = None,
    filters: Sequence[Mapping[str, Any]] | None = None,
) -> Path:
    """Write a Zarr folder of version 2 by hand, with two frames as bare bytes."""
    path.mkdir()
    described = {
        "zarr_format": 2,
        "shape": list(shape),
        "chunks": list(chunks),
        "dtype": dtype,
        "compressor": compressor,
        "fill_value": 0,
        "order": "C",
        "filters": filters,
    }
    (path / ".zarray").write_text(json.dumps(described), encoding="utf-8")
    for number in range(2):
        image = np.full(PLANE, number + 1, dtype if dtype[-1] != "O" else "u2")
        (path / f"{number}.0.0").write_bytes(image.tobytes())
    return path
