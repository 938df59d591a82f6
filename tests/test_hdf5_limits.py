"""HDF5 files that would crash, fill or hold up the program; each is tried in another process."""

from __future__ import annotations

import functools
import struct
import sys
import time
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from h5py import h5d, h5p, h5s, h5t, h5z

from flimage import FLSeries
from flimage.checked_chunks import check_packed
from flimage.dataset import read_image
from flimage.errors import DamagedImageError, FileFormatError
from flimage.image_group import RAW
from flimage.readers import open_recording
from flimage.selecting import Selection

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from tests.odd_series import SHAPE, run_apart, series_with

# --- labels of axes ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "labels",
    [
        5,
        np.arange(3.0),
        np.array(["t", "y", "x"] * 1000, h5py.string_dtype()),
        np.array(["t", "y"], h5py.string_dtype()),
        np.array([["t", "y", "x"]], h5py.string_dtype()),
        np.zeros(3, [("a", "i4")]),
        "tyx",
    ],
    ids=["number", "numbers", "too many", "too few", "table", "compound", "one text"],
)
@pytest.mark.parametrize("command", ["info", "convert"])
def test_labels_of_another_kind_or_number_than_the_axes_are_left_alone(
    command: str, labels: object, tmp_path: Path
) -> None:
    # HDF5 takes whatever stands there for as many texts as there are axes, and crashes.
    path = tmp_path / "labelled.h5"
    with h5py.File(path, "w") as file:
        images = file.create_dataset("images", data=np.ones((5, *SHAPE), np.uint16))
        images.attrs["DIMENSION_LABELS"] = labels
    more = () if command == "info" else (tmp_path / "out.h5", "--interval", "1")
    ran = run_apart(command, f"{path}::/images", *more)
    assert ran.code == 0, ran.err
    assert command == "convert" or "5 frames" in ran.out


@pytest.mark.parametrize("dtype", [h5py.string_dtype(), "S5"], ids=["any length", "one length"])
def test_labels_of_the_axes_say_what_they_are(dtype: object, tmp_path: Path) -> None:
    path = tmp_path / "labelled.h5"
    images = np.arange(3 * 2 * 24 * 20, dtype=np.uint16).reshape(3, 2, *SHAPE)
    with h5py.File(path, "w") as file:
        file["images"] = images
        file["images"].attrs["DIMENSION_LABELS"] = np.array(["time", "c", "y", "x"], dtype)
    with open_recording(path, selection=Selection(1)) as recording:
        assert recording.n_frames == 3
        assert "Axes are time, c, y, x, from the dimension labels." in recording.notes
        np.testing.assert_array_equal(recording.frame(2), images[2, 1])


# --- pieces --------------------------------------------------------------------------------------

#: Large enough that reading beyond its end is noticed.
LARGE = (1000, 2000)


@functools.cache
def zeros(count: int) -> bytes:
    """Deflate stream of zeros, a thousandth as long."""
    packer = zlib.compressobj(9)
    block = bytes(2**24)
    parts = [packer.compress(block) for _ in range(count // len(block))]
    return b"".join((*parts, packer.flush()))


def packed(
    group: h5py.Group, name: str, shape: tuple[int, ...], stored: bytes, **options: Any
) -> None:
    """Write a dataset, the first piece of which is stored as it is given."""
    dataset = group.create_dataset(name, shape, options.pop("dtype", "f4"), **options)
    dataset.id.write_direct_chunk((0,) * len(shape), stored)


GZIP: dict[str, Any] = {"compression": "gzip"}

#: Pieces from which HDF5 would take more, or to which it would give more, than there is room for.
ODD_PIECES: dict[str, tuple[bytes, dict[str, Any]]] = {
    "too short": (zlib.compress(bytes(100)), GZIP),
    "too short without deflate": (bytes(100), {"shuffle": True}),
    "too short with lzf": (bytes([4]) + b"12345", {"compression": "lzf"}),
    "too short with szip": (bytes([100, 0, 0, 0]) * 5, {"compression": "szip"}),
    "endless with szip": (b"\xff" * 100, {"compression": "szip"}),
    "too short with scaleoffset": (bytes([20]) + bytes(50), {"scaleoffset": 0, "dtype": "i4"}),
    "cut off": (zlib.compress(np.random.default_rng(1).bytes(8_000_000))[:-100], GZIP),
    "no deflate": (b"no stream of deflate", GZIP),
    "packed twice": (zlib.compress(zlib.compress(bytes(100))), GZIP),
}


def _can_pack(options: dict[str, Any]) -> bool:
    return options.get("compression") != "szip" or h5py.h5z.filter_avail(h5py.h5z.FILTER_SZIP)


@pytest.mark.parametrize("kind", ODD_PIECES)
def test_a_piece_that_unpacks_to_another_size_is_named_instead_of_a_crash(
    kind: str, tmp_path: Path
) -> None:
    stored, options = ODD_PIECES[kind]
    if not _can_pack(options):
        pytest.skip("HDF5 was built without szip")
    path = series_with(
        tmp_path / "odd.h5",
        lambda frame: packed(frame, RAW, LARGE, stored, chunks=LARGE, **options),
    )
    ran = run_apart("export", path, tmp_path / "out.tif", "--images", "raw")
    assert ran.code == 1
    said = "odd.h5: the image /fli_2/fluorescence/raw is damaged"
    assert said in ran.err or kind == "too short with lzf"
    with h5py.File(tmp_path / "stack.h5", "w") as file:
        packed(file, "images", (1, *LARGE), stored, chunks=(1, *LARGE), **options)
    out = tmp_path / "out.h5"
    ran = run_apart("convert", f"{tmp_path / 'stack.h5'}::/images", out, "--interval", "1")
    assert kind == "too short with lzf" or (
        ran.code == 1 and "Frame 0: " in ran.err and "/images is damaged" in ran.err
    )


@pytest.mark.parametrize(
    ("chunks", "size", "options", "said"),
    [
        ((16384, 16384), 2**30, GZIP, "raw:CHUNK=24x20 OLD"),
        (SHAPE, 2**30, GZIP, "raw is damaged"),
        (SHAPE, 2**30, {**GZIP, "fletcher32": True}, "raw is damaged"),
    ],
    ids=["large piece", "endless stream", "endless stream, wrong checksum"],
)
def test_a_frame_that_unpacks_to_gigabytes_is_refused_at_once(
    chunks: tuple[int, int], size: int, options: dict[str, Any], said: str, tmp_path: Path
) -> None:
    path = series_with(
        tmp_path / "bomb.h5",
        lambda frame: packed(
            frame, RAW, SHAPE, zeros(size), chunks=chunks, maxshape=(None, None), **options
        ),
    )
    for arguments in (
        ("info", path),
        ("export", path, tmp_path / "out.tif", "--images", "raw"),
        ("recover", path, tmp_path / "rest.h5"),
    ):
        ran = run_apart(*arguments)
        assert ran.peak < 500
        assert ran.seconds < 10
        assert said in ran.err + ran.out or arguments[0] == "info"
    with FLSeries(h5file=tmp_path / "rest.h5", h5mode="r") as rest:
        assert [int(image.fl[0, 0]) for image in rest] == [10, 11, 13, 14]


@pytest.mark.parametrize(
    ("shape", "chunks", "said"),
    [
        ((2048, 512, 512), (2048, 512, 512), "one image in each"),
        ((10, 24, 20), (1, 24, 20), "bomb.h5: /images is damaged"),
        ((3, 24, 20), (3, 24, 20), "bomb.h5: /images is damaged"),
    ],
    ids=["whole stack in a piece", "endless stream", "endless stream of several images"],
)
def test_a_dataset_that_unpacks_to_gigabytes_is_refused_at_once(
    shape: tuple[int, ...], chunks: tuple[int, ...], said: str, tmp_path: Path
) -> None:
    path = tmp_path / "bomb.h5"
    with h5py.File(path, "w") as file:
        packed(file, "images", shape, zeros(2**30), chunks=chunks, **GZIP)
    ran = run_apart("convert", f"{path}::/images", tmp_path / "out.h5", "--interval", "1")
    assert ran.code == 1
    assert said in ran.err
    assert ran.peak < 500
    assert ran.seconds < 10


STACK = (272, 1024, 1024)


def _stack(path: Path, noisy: int, **options: Any) -> np.ndarray:
    """Write images in one piece of more than 256 MB, of which some have noise."""
    images = np.zeros(STACK, np.uint8)
    images[:noisy] = np.random.default_rng(1).integers(0, 256, (noisy, *STACK[1:]))
    images[-1] = 7
    with h5py.File(path, "w") as file:
        dataset = file.create_dataset("d", STACK, np.uint8, chunks=STACK, **options)
        stored = zlib.compress(images, 1) if options else images.tobytes()
        dataset.id.write_direct_chunk((0, 0, 0), stored)
    return images


@pytest.mark.parametrize("options", [GZIP, {}], ids=["gzip", "not packed"])
def test_a_whole_stack_in_one_piece_is_read_where_it_is_stored(
    options: dict[str, Any], tmp_path: Path
) -> None:
    path = tmp_path / "stack.h5"
    images = _stack(path, 16, **options)
    with open_recording(f"{path}::/d") as recording:
        start = time.process_time()
        for index in (0, 100, 15, 271, *range(30, 60)):
            np.testing.assert_array_equal(recording.frame(index), images[index])
        assert time.process_time() - start < 10, "it is unpacked once"
    del images
    ran = run_apart("convert", f"{path}::/d", tmp_path / "out.h5", "--interval", "1")
    assert ran.code == 0, ran.err
    assert ran.peak < 1000


def test_a_whole_stack_in_one_piece_is_refused_where_next_to_nothing_is_stored(
    tmp_path: Path,
) -> None:
    path = tmp_path / "stack.h5"
    _stack(path, 1, **GZIP)
    with pytest.raises(DamagedImageError, match=r"272×1024×1024, but only \d+ bytes are stored"):
        open_recording(f"{path}::/d")


def test_a_stack_that_takes_too_much_memory_is_refused_with_the_command_that_helps(
    tmp_path: Path,
) -> None:
    path = tmp_path / "stack.h5"
    noise = np.random.default_rng(1).bytes(2**20)
    for name, options, said in (
        ("shuffled", {**GZIP, "shuffle": True}, "takes 801 MB of memory, more than the 800 MB"),
        ("large", GZIP, "takes 801 MB of memory"),
        ("lzf", {"compression": "lzf"}, "only the filters shuffle, gzip and fletcher32"),
    ):
        count = 400 if name == "shuffled" else 800
        with h5py.File(path, "w") as file:
            shape = (count, 1000, 1000)
            packed(file, "deep/d", shape, noise, chunks=shape, dtype="u1", **options)
        with pytest.raises(FileFormatError, match=said) as caught:
            open_recording(f"{path}::/deep/d")
        command = "h5repack -l /deep/d:CHUNK=1x1000x1000 OLD.h5 NEW.h5"
        if name == "lzf":  # which h5repack leaves out
            command = "h5py (chunks=(1, 1000, 1000))"
        assert command in str(caught.value)


def test_an_image_of_millions_of_pieces_is_refused(tmp_path: Path) -> None:
    def change(frame: h5py.Group) -> None:
        frame.create_dataset(RAW, (1500, 1500), "f4", chunks=(1, 2))

    path = series_with(tmp_path / "crumbs.h5", change)
    with (
        FLSeries(h5file=path, h5mode="r") as series,
        pytest.raises(DamagedImageError, match="more than 65536 pieces"),
    ):
        series[2].fl  # noqa: B018 - reading is what is refused


#: How other programs may pack an image.
WAYS: list[dict[str, Any]] = [
    {},
    GZIP,
    {"shuffle": True},
    {"fletcher32": True},
    {**GZIP, "shuffle": True, "fletcher32": True},
    {"compression": "lzf"},
    {"compression": "lzf", "shuffle": True, "fletcher32": True},
    {"compression": "szip"},
    {"compression": "szip", "fletcher32": True},
    {"scaleoffset": 0},
    {"scaleoffset": 0, "compression": "gzip", "shuffle": True},
    {"scaleoffset": 0, "compression": "lzf"},
]


@pytest.mark.parametrize("number", range(60))
def test_images_in_pieces_of_any_size_are_what_h5py_reads(number: int, tmp_path: Path) -> None:
    rng = np.random.default_rng(number)
    options = WAYS[number % len(WAYS)]
    if not _can_pack(options):
        pytest.skip("HDF5 was built without szip")
    kinds = ["<u2", ">i2", "<i4", "u1"] + ["<f4", ">f8", "<f2"] * ("scaleoffset" not in options)
    dtype = np.dtype(rng.choice(kinds))
    if options.get("compression") == "szip" and dtype == np.float16:
        dtype = np.dtype("<f4")
    shape = (3, 24, 20)
    chunks = tuple(int(rng.integers(1, size + 1)) for size in shape)
    images = rng.poisson(30, shape).astype(dtype)
    path = tmp_path / "odd.h5"
    with h5py.File(path, "w") as file:
        fill = {} if "scaleoffset" in options else {"fillvalue": 7}
        grows = {"maxshape": (None,) * 3} if number % 2 else {}
        dataset = file.create_dataset(
            "images", shape, dtype, chunks=chunks, **options, **fill, **grows
        )
        dataset[:2] = images[:2]  # the rest may be missing
        plane = file.create_dataset("plane", shape[1:], dtype, chunks=chunks[1:], **options, **fill)
        plane[: chunks[1]] = images[0, : chunks[1]]
        wanted, wanted_plane = dataset[()], plane[()]
    with open_recording(f"{path}::/images") as recording:
        for index in (2, 0, 1, 2):
            np.testing.assert_array_equal(recording.frame(index), wanted[index])
    with h5py.File(path) as file:
        found = read_image(file, "plane")
    assert found.dtype == dtype.newbyteorder("=")
    np.testing.assert_array_equal(found, wanted_plane)


@pytest.mark.parametrize(("precision", "offset"), [(12, 4), (12, 0), (16, 0)])
@pytest.mark.parametrize("packs", [False, True], ids=["plain", "nbit"])
def test_numbers_of_some_of_the_bits_are_what_hdf5_reads(
    precision: int, offset: int, packs: bool, tmp_path: Path
) -> None:
    wanted = np.arange(-240, 240, dtype=np.int16).reshape(SHAPE)
    datatype = h5t.NATIVE_INT16.copy()
    datatype.set_precision(precision)
    datatype.set_offset(offset)
    plist = h5p.create(h5p.DATASET_CREATE)
    plist.set_chunk(SHAPE)
    if packs:
        plist.set_filter(h5z.FILTER_NBIT, 0)
    else:
        plist.set_deflate(4)
    with h5py.File(tmp_path / "bits.h5", "w") as file:
        dataset = h5d.create(file.id, b"plane", datatype, h5s.create_simple(SHAPE), plist)
        dataset.write(h5s.ALL, h5s.ALL, wanted)
        np.testing.assert_array_equal(read_image(file, "plane"), wanted)


@pytest.mark.parametrize(("mask", "packs"), [(0b11, bytes), (0b01, zlib.compress)])
def test_filters_that_were_left_out_of_a_piece_are_not_undone(
    mask: int, packs: Callable[[bytes], bytes], tmp_path: Path
) -> None:
    wanted = np.arange(480, dtype="<f4").reshape(SHAPE)
    stored = packs(wanted.tobytes())
    with h5py.File(tmp_path / "left_out.h5", "w") as file:
        for name, data in (("good", stored), ("short", stored[:-50])):
            dataset = file.create_dataset(name, SHAPE, "<f4", chunks=SHAPE, shuffle=True, **GZIP)
            dataset.id.write_direct_chunk((0, 0), data, mask)
    with h5py.File(tmp_path / "left_out.h5") as file:
        np.testing.assert_array_equal(read_image(file, "good"), wanted)
        with pytest.raises(DamagedImageError, match="damaged"):
            read_image(file, "short")


def test_filters_in_an_unusual_order_are_undone_after_a_check(tmp_path: Path) -> None:
    wanted = np.arange(480, dtype="<f4").reshape(SHAPE)
    plist = h5p.create(h5p.DATASET_CREATE)
    plist.set_chunk(SHAPE)
    plist.set_deflate(4)
    plist.set_shuffle()
    plist.set_deflate(4)
    with h5py.File(tmp_path / "order.h5", "w") as file:
        dataset = h5d.create(file.id, b"plane", h5t.IEEE_F32LE, h5s.create_simple(SHAPE), plist)
        dataset.write(h5s.ALL, h5s.ALL, wanted)
        np.testing.assert_array_equal(read_image(file, "plane"), wanted)
        for stream in (zeros(2**26), b"x" * 100, zlib.compress(zlib.compress(bytes(100)))):
            dataset.write_direct_chunk((0, 0), stream)
            with pytest.raises(DamagedImageError, match="plane is damaged"):
                read_image(file, "plane")


@pytest.mark.parametrize("first", [h5z.FILTER_SCALEOFFSET, h5z.FILTER_NBIT])
@pytest.mark.parametrize("second", [h5z.FILTER_SZIP, 32015])
def test_filters_that_cannot_be_checked_together_are_named_instead_of_damage(
    first: int, second: int, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    if second == h5z.FILTER_SZIP and not h5z.filter_avail(second):
        pytest.skip("HDF5 was built without szip")
    plist = h5p.create(h5p.DATASET_CREATE)
    plist.set_chunk(SHAPE)
    plist.set_filter(first, 0, (2, 0) if first == h5z.FILTER_SCALEOFFSET else ())
    remedy = "h5repack -f GZIP=4" if second == h5z.FILTER_SZIP else r'h5py \(compression="gzip"'
    if second == h5z.FILTER_SZIP:
        plist.set_szip(32, 8)
    else:  # Zstandard of hdf5plugin, which need not be there
        plist.set_filter(second, h5z.FLAG_OPTIONAL, ())
        monkeypatch.setattr("flimage.checked_dataset.has_filter", lambda code: True)
    with h5py.File(tmp_path / "chain.h5", "w") as file:
        dataset = h5d.create(file.id, b"plane", h5t.STD_I32LE, h5s.create_simple(SHAPE), plist)
        if second == h5z.FILTER_SZIP:
            dataset.write(h5s.ALL, h5s.ALL, np.arange(480, dtype="i4").reshape(SHAPE))
        with pytest.raises(FileFormatError, match=f"cannot be checked.*{remedy}") as said:
            read_image(file, "plane")
    assert "damaged" not in str(said.value)


@pytest.mark.parametrize(
    ("code", "values"),
    [
        (h5z.FILTER_LZF, (4, 261, 2**31)),
        (h5z.FILTER_SCALEOFFSET, (2, 0, 2**30, 0, 4, 1, 0, 1, *(0,) * 12)),
        (h5z.FILTER_SCALEOFFSET, (2, 0, 480, 0, 4, 1, 0, 1, *(0,) * 12)),
        (h5z.FILTER_NBIT, (8, 0, 2**30, 1, 4, 0, 17, 4)),
        (h5z.FILTER_NBIT, (8, 0, 480, 1, 4, 0, 600, 4)),
        (h5z.FILTER_NBIT, (8, 0, 480, 3, 4, 0, 17, 4)),
        (h5z.FILTER_NBIT, (8, 0, 480, 1, 4, 0, 17, 4)),
    ],
)
def test_what_a_filter_says_of_its_size_is_checked(code: int, values: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"a part of it|description of its filter"):
        check_packed(b"\x09" + bytes(99), 0, [(code, 0, values, b"")], 4 * 480, 4)


def test_lzf_is_counted_where_it_may_give_far_more_than_the_piece() -> None:
    lzf = [(h5z.FILTER_LZF, 0, (4, 261, 2**20), b"lzf")]
    first, run = bytes([0, 7]), bytes([0xE0, 255, 0])  # one byte, and 264 times the one before
    with pytest.raises(ValueError, match=r"unpacks to \d+ bytes instead of 1048576"):
        check_packed(first + run * 2**20, 0, lzf, 2**20, 4)


def test_a_piece_that_is_said_to_take_gigabytes_is_refused_by_name(tmp_path: Path) -> None:
    path = tmp_path / "a.h5"
    images = np.random.default_rng(3).poisson(90, (3, 30, 40)).astype(np.float32)
    with FLSeries(h5file=path, h5mode="w") as series:
        series.add_images(images, [{"time": float(i)} for i in range(3)])
    with h5py.File(path) as file:
        info = file["fli_1/fluorescence/raw"].id.get_chunk_info(0)
    # The key of a chunk: its size, a mask of filters, and where it begins.
    key = struct.pack("<II3Q", info.size, 0, 0, 0, 0) + struct.pack("<Q", info.byte_offset)
    data = path.read_bytes()
    assert data.count(key) == 1
    path.write_bytes(data.replace(key, struct.pack("<I", 2**32 - 16) + key[4:]))
    with FLSeries(h5file=path, h5mode="r") as series:
        np.testing.assert_array_equal(series[0].raw_fl, images[0])
        with pytest.raises(DamagedImageError, match=r"a\.h5.*fli_1.*4294967280 bytes are said"):
            series[1].raw_fl  # noqa: B018
        np.testing.assert_array_equal(series[2].raw_fl, images[2])


@pytest.mark.parametrize("shuffle", [False, True])
def test_large_pieces_in_lzf_are_read_and_cut_off_ones_named(tmp_path: Path, shuffle: bool) -> None:
    images = np.random.default_rng(3).poisson(900, (2, 1300, 1400)).astype("u2")
    path = tmp_path / "a.h5"
    with h5py.File(path, "w") as file:
        options = {"chunks": (1, 1300, 1400), "compression": "lzf", "shuffle": shuffle}
        dataset = file.create_dataset("d", data=images, **options)
        lzf = [dataset.id.get_create_plist().get_filter(int(shuffle))]
        _, stored = dataset.id.read_direct_chunk((1, 0, 0))
    # Larger than what is trusted without being counted.
    assert len(stored) * 88 > images[0].nbytes + 2**27
    check_packed(stored, 0, lzf, images[0].nbytes, 2)
    with open_recording(path) as recording:
        np.testing.assert_array_equal(recording.frame(1), images[1])
    for cut in (1, 1000):
        with pytest.raises(ValueError, match=r"unpacks to \d+ bytes|cut off"):
            check_packed(stored[:-cut], 0, lzf, images[0].nbytes, 2)
