"""Damage done to good files: to their bytes, and to what stands in them.

Everything follows from the random generator that is handed over, so that a case can be repeated
by its seed.
"""

from __future__ import annotations

import random
import struct
from collections.abc import Callable

from tests.torture.format_changes import change_archive, change_array, change_folder
from tests.torture.hdf5_changes import structural
from tests.torture.mutant import Mutant, write
from tests.torture.samples import Sample

__all__ = ["Mutant", "mutate", "write"]

#: What parts of files begin with: HDF5, TIFF, ND2, CZI, NPY and ZIP.
_SIGNATURES = (
    *(b"TREE", b"HEAP", b"SNOD", b"GCOL", b"\x89HDF", b"OHDR", b"FRHP"),
    *(b"II*", b"\xda\xce\xbe\x0a", b"ZISRAW", b"\x93NUMPY", b"PK\x03\x04", b"PK\x01\x02"),
)
#: Numbers that programs trip over.
_ODD_NUMBERS = (0, 1, 2, 0x7F, 0x80, 0xFF, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF)


def mutate(sample: Sample, others: list[Sample], rng: random.Random) -> Mutant:
    """Damage a file in one way or another."""
    if sample.suffix == ".zarr":
        # The bytes of an archive are not what the program gets to see.
        return change_folder(sample, lambda each: rng.choice(_BYTES)(each, [each], rng), rng)
    if rng.random() < 0.5:
        if sample.hdf5:
            return structural(sample, rng)
        if sample.suffix.endswith(".tif"):
            return _tags(sample, rng)
        if sample.suffix == ".npy":
            return change_array(sample, rng)
        if sample.suffix == ".npz":
            return change_archive(sample, rng)
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
    """Damage the few bytes behind a signature, where sizes and addresses are."""
    data = bytearray(sample.data)
    places = []
    for signature in _SIGNATURES:
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
