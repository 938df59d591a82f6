"""Changes of what stands in an HDF5 file, in which HDF5 itself finds nothing wrong."""

from __future__ import annotations

import io
import random
from collections.abc import Callable
from typing import Any

import h5py
import numpy as np

from tests.torture.mutant import Mutant
from tests.torture.samples import FRAMES, SHAPE, Sample

__all__ = ["CHANGES", "structural"]

_Change = Callable[[h5py.Group, int, random.Random], "frozenset[int] | None"]


#: Pixels of an image that is read to be changed.
_MOST_PIXELS = 2**20


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
                OverflowError,
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


def _pixels(image: h5py.Group) -> Any:
    """Read the image; not one that a change before has made far larger than there is memory."""
    dataset = image["fluorescence/raw"]
    if dataset.size > _MOST_PIXELS:
        raise ValueError("too large")
    return dataset[()]


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
    data = _pixels(image)
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
    data = _pixels(image)
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
