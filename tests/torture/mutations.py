"""Damage done to good files: to their bytes, and to what stands in them.

Everything follows from the random generator that is handed over, so that a case can be repeated
by its seed.
"""

from __future__ import annotations

import io
import random
import struct
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from tests.torture.samples import FRAMES, SHAPE, Sample

__all__ = ["Mutant", "mutate", "structural"]

#: Numbers that programs trip over.
_ODD_NUMBERS = (0, 1, 2, 0x7F, 0x80, 0xFF, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF)


@dataclass(frozen=True)
class Mutant:
    """A damaged file.

    Parameters
    ----------
    data
        The file.
    what
        What was done to it.
    intact
        Frames that have to be read as they were; None where nothing is known.
    damaged
        Frames that must not be read.
    """

    data: bytes
    what: str
    intact: frozenset[int] | None = None
    damaged: frozenset[int] = frozenset()


def mutate(sample: Sample, others: list[Sample], rng: random.Random) -> Mutant:
    """Damage a file in one way or another."""
    if sample.hdf5 and rng.random() < 0.5:
        return structural(sample, rng)
    if not sample.hdf5 and rng.random() < 0.5:
        return _tags(sample, rng)
    return rng.choice(_BYTES)(sample, others, rng)


# --- bytes -----------------------------------------------------------------------------------


def _flip(sample: Sample, others: list[Sample], rng: random.Random) -> Mutant:
    data = bytearray(sample.data)
    count = rng.choice((1, 1, 2, 4, 16, 64))
    for _ in range(count):
        data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
    return Mutant(bytes(data), f"{count} bits flipped")


def _overwrite(sample: Sample, others: list[Sample], rng: random.Random) -> Mutant:
    data = bytearray(sample.data)
    size = rng.choice((1, 2, 4, 8))
    number = rng.choice(_ODD_NUMBERS) % 256**size
    place = rng.randrange(len(data) - size)
    data[place : place + size] = number.to_bytes(size, rng.choice(("little", "big")))
    return Mutant(bytes(data), f"{size} bytes at {place} set to {number:#x}")


def _near_signature(sample: Sample, others: list[Sample], rng: random.Random) -> Mutant:
    """Damage the few bytes behind a signature of HDF5, where sizes and addresses are."""
    data = bytearray(sample.data)
    places = []
    for signature in (b"TREE", b"HEAP", b"SNOD", b"GCOL", b"\x89HDF", b"II*", b"OHDR", b"FRHP"):
        start = data.find(signature)
        while start >= 0:
            places.append(start)
            start = data.find(signature, start + 1)
    place = rng.choice(places or [0]) + rng.randrange(4, 64)
    for offset in range(rng.choice((1, 1, 2, 8))):
        if place + offset < len(data):
            data[place + offset] = rng.choice((0, 1, 0x7F, 0x80, 0xFF, rng.randrange(256)))
    return Mutant(bytes(data), f"bytes at {place}, behind a signature, changed")


def _truncate(sample: Sample, others: list[Sample], rng: random.Random) -> Mutant:
    size = rng.randrange(len(sample.data))
    return Mutant(sample.data[:size], f"cut off after {size} bytes")


def _zero_block(sample: Sample, others: list[Sample], rng: random.Random) -> Mutant:
    data = bytearray(sample.data)
    start = rng.randrange(len(data))
    size = rng.choice((16, 64, 512, 4096))
    data[start : start + size] = bytes(len(data[start : start + size]))
    return Mutant(bytes(data), f"zeros from {start} on")


def _swap_blocks(sample: Sample, others: list[Sample], rng: random.Random) -> Mutant:
    data = bytearray(sample.data)
    size = rng.choice((8, 32, 512))
    a, b = (rng.randrange(max(1, len(data) - size)) for _ in range(2))
    data[a : a + size], data[b : b + size] = data[b : b + size], data[a : a + size]
    return Mutant(bytes(data[: len(sample.data)]), f"{size} bytes at {a} and {b} swapped")


def _foreign_header(sample: Sample, others: list[Sample], rng: random.Random) -> Mutant:
    other = rng.choice(others)
    size = rng.choice((8, 16, 96, 512, 2048))
    return Mutant(other.data[:size] + sample.data[size:], f"{size} bytes of {other.kind} in front")


def _garbage(sample: Sample, others: list[Sample], rng: random.Random) -> Mutant:
    if rng.random() < 0.5:
        return Mutant(rng.randbytes(rng.choice((0, 1, 8, 100, 5000))), "random bytes")
    keep = rng.choice((8, 96, 200, 800))
    return Mutant(sample.data[:keep] + rng.randbytes(3000), f"random bytes after {keep}")


def _repeat(sample: Sample, others: list[Sample], rng: random.Random) -> Mutant:
    data, start = sample.data, rng.randrange(len(sample.data))
    part = data[start : start + rng.choice((1, 8, 512))]
    return Mutant(data[:start] + part + data[start:], f"bytes at {start} doubled")


_BYTES: tuple[Callable[[Sample, list[Sample], random.Random], Mutant], ...] = (
    _flip,
    _flip,
    _flip,
    _overwrite,
    _overwrite,
    _near_signature,
    _near_signature,
    _near_signature,
    _truncate,
    _zero_block,
    _swap_blocks,
    _foreign_header,
    _garbage,
    _repeat,
)


# --- TIFF ------------------------------------------------------------------------------------


def _tags(sample: Sample, rng: random.Random) -> Mutant:
    """Change entries of the image directories: types, counts, values, and where the next one is."""
    data = bytearray(sample.data)
    offsets = []
    place = struct.unpack_from("<I", data, 4)[0]
    while place and place + 2 <= len(data) and len(offsets) < 50:
        offsets.append(place)
        entries = struct.unpack_from("<H", data, place)[0]
        place = struct.unpack_from("<I", data, place + 2 + 12 * entries)[0]
    done = []
    for _ in range(rng.choice((1, 1, 1, 2, 4))):
        start = rng.choice(offsets)
        entries = struct.unpack_from("<H", sample.data, start)[0]
        if rng.random() < 0.12:
            target = rng.choice([*offsets, 0, 8, len(data), 0xFFFFFFFF])
            struct.pack_into("<I", data, start + 2 + 12 * entries, target)
            done.append(f"next directory at {target}")
            continue
        entry = start + 2 + 12 * rng.randrange(entries)
        code = struct.unpack_from("<H", data, entry)[0]
        field, size, form = rng.choice(((0, 2, "<H"), (2, 2, "<H"), (4, 4, "<I"), (8, 4, "<I")))
        if rng.random() < 0.6:
            field, size, form = 8, 4, "<I"
        value = rng.choice((*_ODD_NUMBERS, rng.randrange(2**20), len(data))) % 256**size
        struct.pack_into(form, data, entry + field, value)
        done.append(f"tag {code}+{field} = {value}")
    return Mutant(bytes(data), ", ".join(done))


# --- HDF5 ------------------------------------------------------------------------------------

_Change = Callable[[h5py.Group, int, random.Random], "frozenset[int] | None"]


def structural(sample: Sample, rng: random.Random, name: str | None = None) -> Mutant:
    """Change what stands in an HDF5 file, in a way that HDF5 itself finds nothing wrong with."""
    buffer = io.BytesIO(sample.data)
    known, damaged = True, set[int]()
    done = []
    with h5py.File(buffer, "r+") as file:
        root = file["day 1/flseries"] if sample.kind == "nested" else file
        for _ in range(1 if name else rng.choice((1, 1, 1, 2, 3))):
            chosen = name or rng.choice(list(CHANGES))
            number = rng.randrange(FRAMES)
            image = root if sample.kind == "image" else root.get(f"fli_{number}")
            if not isinstance(image, h5py.Group):
                continue
            try:
                hit = CHANGES[chosen](image, number, rng)
            except (
                KeyError,
                TypeError,
                ValueError,
                OSError,
                RuntimeError,
                AttributeError,
                MemoryError,
            ):
                continue  # an earlier change took away what this one wants
            done.append(f"{chosen} ({number})")
            known = known and hit is not None
            damaged |= hit or frozenset()
    if sample.kind == "image":
        known = False
    intact = frozenset(range(FRAMES)) - damaged if known and done else None
    return Mutant(
        buffer.getvalue(), ", ".join(done), intact, frozenset(damaged) if intact else frozenset()
    )


def _own(number: int) -> frozenset[int]:
    return frozenset({number})


def _delete_raw(image: h5py.Group, number: int, rng: random.Random) -> frozenset[int] | None:
    del image["fluorescence/raw"]
    return _own(number)


def _delete_fluorescence(image: h5py.Group, number: int, rng: random.Random) -> frozenset[int]:
    del image["fluorescence"]
    return _own(number)


def _delete_backgrounds(image: h5py.Group, number: int, rng: random.Random) -> None:
    del image["fluorescence/bg_data"]


def _delete_frame(image: h5py.Group, number: int, rng: random.Random) -> None:
    del image.parent[image.name]


def _damage_chunk(image: h5py.Group, number: int, rng: random.Random) -> frozenset[int]:
    """Damage compressed pixels; the checksum tells."""
    dataset = image["fluorescence/raw"]
    mask, chunk = dataset.id.read_direct_chunk((0, 0))
    data = bytearray(chunk)
    how = rng.randrange(4)
    if how == 0:
        data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
    elif how == 1:
        del data[rng.randrange(len(data)) :]
    elif how == 2:
        data = bytearray(rng.randbytes(len(data)))
    else:
        data += b"\0" * 40
    dataset.id.write_direct_chunk((0, 0), bytes(data) or b"\0", mask)
    return _own(number)


def _replace(image: h5py.Group, data: Any = None, **options: Any) -> h5py.Dataset:
    del image["fluorescence/raw"]
    return image["fluorescence"].create_dataset("raw", data=data, **options)


def _wrong_shape(image: h5py.Group, number: int, rng: random.Random) -> None:
    shape = rng.choice(((), (3,), (SHAPE[0], 1), (2, *SHAPE), (0, 5), (1, 1), (SHAPE[1], SHAPE[0])))
    _replace(image, np.zeros(shape, np.float32))


def _absurd_shape(image: h5py.Group, number: int, rng: random.Random) -> frozenset[int]:
    shape, chunks = rng.choice(
        (
            ((2**20, 2**20), (1024, 1024)),
            ((2**31, 2**31), (64, 64)),
            ((2**16, 2**16), (2**13, 2**13)),
            ((2**62, 1), (2**10, 1)),
            ((2**15, 2**15), None),
            ((2**40, 2**10), None),
        )
    )
    options: dict[str, Any] = {} if chunks is None else {"chunks": chunks, "compression": "gzip"}
    _replace(image, shape=shape, dtype=rng.choice(("f4", "f8", "u1")), **options)
    return _own(number)


def _wrong_type(image: h5py.Group, number: int, rng: random.Random) -> None:
    dtype = rng.choice(
        ("S5", h5py.string_dtype(), "c8", [("a", "f4"), ("b", "i2")], h5py.vlen_dtype("f4"))
    )
    _replace(image, shape=SHAPE, dtype=dtype)


def _reference_type(image: h5py.Group, number: int, rng: random.Random) -> None:
    dtype = rng.choice(
        (h5py.ref_dtype, h5py.regionref_dtype, h5py.enum_dtype({"a": 1}), bool, "f2")
    )
    _replace(image, shape=SHAPE, dtype=dtype)


def _empty_dataset(image: h5py.Group, number: int, rng: random.Random) -> None:
    _replace(image, h5py.Empty("f4"))


def _never_written(image: h5py.Group, number: int, rng: random.Random) -> None:
    _replace(image, shape=SHAPE, dtype="f4", chunks=SHAPE, compression="gzip")


def _group_for_dataset(image: h5py.Group, number: int, rng: random.Random) -> frozenset[int]:
    del image["fluorescence/raw"]
    image.create_group("fluorescence/raw")
    return _own(number)


def _dataset_for_group(image: h5py.Group, number: int, rng: random.Random) -> None:
    name = rng.choice(("fluorescence", "fluorescence/bg_data"))
    del image[name]
    image[name] = np.zeros(SHAPE)


def _dataset_for_frame(image: h5py.Group, number: int, rng: random.Random) -> None:
    parent, name = image.parent, image.name
    del parent[name]
    parent[name] = np.zeros(SHAPE)


def _cycle(image: h5py.Group, number: int, rng: random.Random) -> None:
    name = rng.choice(("fluorescence", "fluorescence/raw", "fluorescence/bg_data"))
    del image[name]
    image[name] = rng.choice((image, image.parent, image.file))


def _more_cycles(image: h5py.Group, number: int, rng: random.Random) -> None:
    image[rng.choice(("loop", "fluorescence/bg_data/loop", "fluorescence/loop"))] = image.parent


def _soft_cycle(image: h5py.Group, number: int, rng: random.Random) -> None:
    name = rng.choice(("fluorescence", "fluorescence/raw", "fluorescence/bg_data"))
    path = f"{image.name}/{name}"
    del image[name]
    image[name] = h5py.SoftLink(rng.choice((path, "/nowhere", "..", "/", image.name)))


def _strays(image: h5py.Group, number: int, rng: random.Random) -> None:
    name = rng.choice(("fli_00", "fli_-1", "notes", "fli_99999999999999999999", "fli_", "fli_1 "))
    image.parent.create_group(name)


def _odd_time(image: h5py.Group, number: int, rng: random.Random) -> frozenset[int]:
    image.attrs["time"] = rng.choice(
        (np.nan, np.inf, -np.inf, 1e308, -1e308, 5e-324, 0.0, 2**62, "soon", b"\xff\xfe", True)
    )
    return frozenset()


def _odd_attribute(image: h5py.Group, number: int, rng: random.Random) -> frozenset[int]:
    key = rng.choice(("time", "pixel size", "identifier", "date", "software", "pos x", "other"))
    values: tuple[Any, ...] = (
        np.arange(5),
        np.zeros((2, 2)),
        np.zeros(0),
        h5py.Empty("f8"),
        np.array([(1, 2.0)], dtype=[("a", "i4"), ("b", "f8")]),
        "x" * 60_000,
        "\x00\x1b[31m\u202eevil\n<b>bold</b>",
        b"\xff\xfe\x80",
        np.array([b"a", b"bc"]),
        1 + 2j,
        np.uint64(2**64 - 1),
        np.nan,
        image.ref,
        np.array(["a", "b"], dtype=h5py.string_dtype()),
    )
    image.attrs[key] = rng.choice(values)
    return frozenset()


def _series_attribute(image: h5py.Group, number: int, rng: random.Random) -> frozenset[int]:
    keys = ("identifier", "bleach recipe", "bleach fit", "bleach source", "conversion")
    values: tuple[Any, ...] = (
        "{",
        "[]",
        "{}",
        '{"model": 3}',
        "[" * 30_000,
        '{"file": 3, "notes": 7}',
        "1e999",
        np.arange(3),
        np.zeros(0),
        h5py.Empty("f8"),
        b"\xff",
        3,
        np.nan,
        "null",
    )
    image.parent.attrs[rng.choice(keys)] = rng.choice(values)
    return frozenset()


def _odd_gain(image: h5py.Group, number: int, rng: random.Random) -> frozenset[int]:
    values: tuple[Any, ...] = (np.nan, "a", np.zeros(3), np.inf, 0.0, -1.0, h5py.Empty("f8"))
    image["fluorescence/raw"].attrs["bleach gain"] = rng.choice(values)
    return frozenset()


def _odd_background(image: h5py.Group, number: int, rng: random.Random) -> None:
    backgrounds = image["fluorescence/bg_data"]
    if "data" in backgrounds:
        del backgrounds["data"]
    data: tuple[Any, ...] = (
        np.zeros((2, 2)),
        np.zeros(SHAPE, "S3"),
        np.full(SHAPE, np.nan),
        np.float32(3),
        np.zeros((0, 0)),
        h5py.Empty("f4"),
    )
    backgrounds[rng.choice(("data", "fit", "other", "a b", "ü"))] = rng.choice(data)


def _odd_pixels(image: h5py.Group, number: int, rng: random.Random) -> None:
    value = rng.choice((np.nan, np.inf, -np.inf, 1e38, -1e38, 1e-45, 0.0, -5.0))
    data = image["fluorescence/raw"][()]
    data[rng.choice((0, slice(None)))] = value
    _replace(image, data, chunks=SHAPE, compression="gzip")


def _share(image: h5py.Group, number: int, rng: random.Random) -> None:
    """Let two frames be one and the same, or a frame be the parent of another."""
    parent = image.parent
    other = f"fli_{rng.randrange(FRAMES)}"
    if other in parent and parent[other] != image:
        del parent[other]
        parent[other] = image


def _filters(image: h5py.Group, number: int, rng: random.Random) -> None:
    data = image["fluorescence/raw"][()]
    options = rng.choice(
        (
            {"compression": "lzf"},
            {"compression": "gzip", "chunks": (3, 5)},
            {"scaleoffset": 3},
            {"shuffle": True},
            {"chunks": (1, 1)},
            {},
            {"fletcher32": True},
        )
    )
    _replace(image, data, **options)


CHANGES: dict[str, _Change] = {
    "raw image deleted": _delete_raw,
    "fluorescence deleted": _delete_fluorescence,
    "backgrounds deleted": _delete_backgrounds,
    "frame deleted": _delete_frame,
    "pixels damaged": _damage_chunk,
    "wrong shape": _wrong_shape,
    "absurd shape": _absurd_shape,
    "wrong type": _wrong_type,
    "odd type": _reference_type,
    "no value": _empty_dataset,
    "never written": _never_written,
    "group for a dataset": _group_for_dataset,
    "dataset for a group": _dataset_for_group,
    "dataset for a frame": _dataset_for_frame,
    "cycle": _cycle,
    "more cycles": _more_cycles,
    "soft cycle": _soft_cycle,
    "strays": _strays,
    "odd time": _odd_time,
    "odd attribute": _odd_attribute,
    "odd attribute of the series": _series_attribute,
    "odd gain": _odd_gain,
    "odd background": _odd_background,
    "odd pixels": _odd_pixels,
    "shared frame": _share,
    "other filters": _filters,
}


def write(mutant: Mutant, path: Path) -> Path:
    """Write a damaged file."""
    path.write_bytes(mutant.data)
    return path
