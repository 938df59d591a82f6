"""Changes of what stands in NPY and NPZ files and in Zarr folders."""

from __future__ import annotations

import io
import json
import random
import zipfile
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from tests.torture.mutant import Mutant
from tests.torture.samples import FRAMES, SHAPE, Sample

__all__ = ["change_archive", "change_array", "change_folder"]

_SHAPES: tuple[Any, ...] = (
    (FRAMES, *SHAPE),
    (2**20, 2**20, 2**20),
    (2**62,),
    (2**31, 2, 2),
    (1, 2**33, 2**33),
    (-1, *SHAPE),
    (0, *SHAPE),
    (FRAMES, 0, 3),
    (),
    (5,),
    (2,) * 40,
    "shape",
    None,
    (1.5, 2.0),
    (True, 3, 4),
)
_TYPES = ("<u2", ">u2", "<f4", "<f8", "|b1", "<c8", "|O", "<U9", "|V4", "<M8[s]", "x", "<u99", "")


def _array(rng: random.Random) -> tuple[bytes, str]:
    """Make a NPY file with a header that may be anything."""
    header: dict[Any, Any] = {"descr": "<u2", "fortran_order": False, "shape": (FRAMES, *SHAPE)}
    for _ in range(rng.choice((1, 1, 2))):
        key = rng.choice(("descr", "shape", "shape", "fortran_order", "another"))
        if key == "shape":
            header[key] = rng.choice(_SHAPES)
        elif key == "descr":
            header[key] = rng.choice((*_TYPES, [("a", "<u2"), ("b", "<f4")], 7, None))
        elif key == "fortran_order":
            header[key] = rng.choice((True, 1, "yes", None))
        else:
            header.pop(rng.choice(list(header)))
    text = rng.choice((repr(header), repr(header), "{" * 2000, "__import__('os').abort()", "\0"))
    content = text.encode() + b"\n"
    size = rng.choice((len(content), len(content), len(content), 3, 65_000))
    data = np.arange(FRAMES * SHAPE[0] * SHAPE[1], dtype="<u2").tobytes()
    if rng.random() < 0.3:
        data = data[: rng.randrange(len(data))]
    version = rng.choice((b"\1\0", b"\1\0", b"\1\0", b"\2\0", b"\3\0", b"\x09\0"))
    length = size.to_bytes(2 if version[0] == 1 else 4, "little")
    return b"\x93NUMPY" + version + length + content + data, text[:100]


def change_array(sample: Sample, rng: random.Random) -> Mutant:
    """Write a NPY file with another header."""
    data, what = _array(rng)
    return Mutant(data, f"header {what}")


def change_archive(sample: Sample, rng: random.Random) -> Mutant:
    """Write an NPZ file with other members, or one that unpacks to very much."""
    buffer = io.BytesIO()
    done = []
    method = rng.choice((zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_LZMA))
    with zipfile.ZipFile(buffer, "w", method) as archive:
        names = ("images.npy", "../images.npy", "images", "b.npy", "c.npy", "x" * 200)
        for name in rng.sample(names, rng.choice((0, 1, 1, 1, 2))):
            content, what = _array(rng)
            if rng.random() < 0.15:
                start = io.BytesIO()
                np.lib.format.write_array_header_1_0(
                    start,
                    {"descr": "|u1", "fortran_order": rng.random() < 0.5, "shape": (4, 2000, 2000)},
                )
                content, what = start.getvalue() + bytes(rng.choice((10, 16_000_000))), "zeros"
            archive.writestr(zipfile.ZipInfo(name), content, method)
            done.append(f"{name[:20]!r}: {what}")
    return Mutant(buffer.getvalue(), "; ".join(done) or "an empty archive")


# --- folders -----------------------------------------------------------------------------------

_VALUES: tuple[Any, ...] = (
    None,
    -1,
    0,
    2**40,
    2**70,
    1.5,
    float("nan"),
    "",
    "../../secret",
    "x" * 1000,
    [],
    {},
    [2**31, 2**31, 2**31],
    [0, 0, 0],
    [-1, 2, 3],
    True,
    ["a"],
)


def change_folder(sample: Sample, damage: Callable[[Sample], Mutant], rng: random.Random) -> Mutant:
    """Change files of a folder: their bytes, what their JSON says, or whether they are there."""
    with zipfile.ZipFile(io.BytesIO(sample.data)) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    done = []
    for _ in range(rng.choice((1, 1, 1, 2, 3))):
        if not members:
            break
        described = [name for name in members if b"{" in members[name][:1]]
        name = rng.choice(described if described and rng.random() < 0.6 else list(members))
        how = rng.random()
        if how < 0.1:
            del members[name]
            done.append(f"{name} deleted")
        elif how < 0.6 and name in described:
            members[name], what = _change_json(members[name], rng)
            done.append(f"{name}: {what}")
        elif len(members[name]) > 8:
            hurt = damage(replace(sample, suffix="", data=members[name]))
            members[name] = hurt.data
            done.append(f"{name}: {hurt.what}")
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in members.items():
            archive.writestr(zipfile.ZipInfo(name), content)
    return Mutant(buffer.getvalue(), ", ".join(done) or "nothing")


def _change_json(data: bytes, rng: random.Random) -> tuple[bytes, str]:
    """Put an odd value anywhere in a JSON file."""
    try:
        content = json.loads(data)
    except ValueError:
        return b"[" * 3000, "many brackets"
    places: list[tuple[Any, Any]] = []

    def look(value: Any) -> None:
        pairs = value.items() if isinstance(value, dict) else enumerate(value)
        for key, each in pairs:
            places.append((value, key))
            if isinstance(each, (dict, list)):
                look(each)

    if isinstance(content, (dict, list)):
        look(content)
    if not places:
        return b"[" * 3000, "many brackets"
    holder, key = rng.choice(places)
    if rng.random() < 0.15:
        del holder[key]
        return json.dumps(content).encode(), f"without {key!r}"
    holder[key] = rng.choice(_VALUES)
    return json.dumps(content).encode(), f"{key!r} is {str(holder[key])[:40]!r}"
