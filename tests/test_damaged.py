"""Damaged files are read as far as they are whole, and refused in a sentence otherwise."""

from __future__ import annotations

import json
import struct
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import h5py
import numpy as np
import pytest
import tifffile

from flimage import FLImage, FLSeries, storage
from flimage import facts as facts_of
from flimage.detector import stated_maximum
from flimage.errors import DamagedImageError, FileFormatError, FlimageError
from flimage.groups import memory_file
from flimage.image_group import RAW, copy_image_group, create_image_group
from flimage.opening import open_series
from flimage.readers import open_recording
from flimage.source import SeriesSource

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

from tests.torture.damaged import run_cases  # noqa: E402 - needs the path above

SHAPE = (14, 12)


@pytest.fixture
def series(tmp_path: Path) -> Path:
    """A good series."""
    path = tmp_path / "cells.h5"
    with FLSeries(h5file=path, h5mode="w", identifier="cells") as made:
        for number in range(5):
            meta = {"time": 0.5 * number, "identifier": f"frame {number}"}
            made.add_flimage(FLImage(np.full(SHAPE, 10.0 + number), meta_data=meta))
    return path


@pytest.fixture
def changed(series: Path) -> Iterator[h5py.File]:
    """The series, to be damaged."""
    with h5py.File(series, "r+") as file:
        yield file


@pytest.mark.parametrize("seed", [11, 12])
def test_damaged_files_neither_crash_nor_hang_nor_surprise_the_program(seed: int) -> None:
    # `python -m tests.torture.damaged` tries ten thousand of them.
    summary = run_cases(seed, range(60))
    assert summary.bugs == []
    assert sum(summary.outcomes.values()) == 60
    assert len(summary.outcomes) == 3  # read, read in part, refused


def test_a_text_that_a_flipped_bit_makes_a_list_does_not_crash_hdf5(tmp_path: Path) -> None:
    path = tmp_path / "cells.h5"
    images = [FLImage(np.ones((3, 4)), {"identifier": f"frame {n}"}) for n in range(3)]
    FLSeries(images, h5file=path).close()
    data = bytearray(path.read_bytes())
    named = [n for n in range(len(data)) if data.startswith(b"identifier\0", n)]
    # The type of the attribute: a sequence of variable length (class 9) that is a text (1).
    place = data.index(b"\x19\x01", named[-1])
    data[place + 1] = 3
    path.write_bytes(data)
    read = (
        "import sys; from flimage import FLSeries; print(FLSeries(h5file=sys.argv[1]).identifiers)"
    )
    done = subprocess.run(
        [sys.executable, "-c", read, str(path)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("None") == 1


def test_a_damaged_background_whose_name_is_no_text_is_named_all_the_same(tmp_path: Path) -> None:
    path = tmp_path / "cells.h5"
    images = [FLImage(np.ones((3, 4))) for _ in range(2)]
    FLSeries(images, h5file=path).close()
    with h5py.File(path, "a") as file:
        backgrounds = file["fli_1/fluorescence/bg_data"]
        for name in list(backgrounds):
            del backgrounds[name]
        backgrounds.create_dataset("x", data="no image")
        # As a flipped bit makes it.
        backgrounds.id.move(b"x", b"\xffx")
    with FLSeries(h5file=path, h5mode="r") as series:
        assert series[0].fl.shape == (3, 4)
        with pytest.raises(FlimageError, match=r"cells\.h5: .*/bg_data/\N{REPLACEMENT CHARACTER}x"):
            series[1].fl  # noqa: B018 - reading is what is refused


def test_damaged_files_in_other_formats_are_converted_or_refused_in_a_sentence() -> None:
    # `python -m tests.torture.damaged --formats` tries thousands of them.
    summary = run_cases(13, range(150), formats=True)
    assert summary.bugs == []
    assert sum(summary.outcomes.values()) == 150
    assert {"npy", "npz"} <= {kind for kind, _ in summary.by_kind}


def test_frames_beside_damaged_ones_are_read_and_the_damaged_ones_are_named(series: Path) -> None:
    with h5py.File(series, "r+") as file:
        dataset = file[f"fli_0/{RAW}"]
        mask, chunk = dataset.id.read_direct_chunk((0, 0))
        dataset.id.write_direct_chunk((0, 0), chunk[:-9] + b"damaged!!", mask)
        del file[f"fli_3/{RAW}"]
    with open_series(series) as made:
        source = SeriesSource(made)
        assert source.shape == SHAPE
        for number in (1, 2, 4):
            np.testing.assert_array_equal(made[number].fl, source.image(number))
            assert source.image(number)[0, 0] == 10 + number
        with pytest.raises(DamagedImageError, match=r"cells\.h5.*fli_0"):
            source.image(0)
        with pytest.raises(FileFormatError, match=r"cells\.h5.*fli_3"):
            made[3]
        facts = facts_of.of_series(made.h5)
        assert list(facts["damaged frames"]) == [3]  # frame 0 shows when it is unpacked
        text = facts_of.as_text(facts)
        assert "damaged" in text
        assert "frame 3: " in text


def test_the_size_of_a_series_is_that_of_its_first_frame_that_is_whole(series: Path) -> None:
    with h5py.File(series, "r+") as file:
        del file["fli_0/fluorescence"]
    with open_series(series) as made:
        assert SeriesSource(made).shape == SHAPE
    with h5py.File(series, "r+") as file:
        for number in range(1, 5):
            del file[f"fli_{number}/fluorescence"]
    with open_series(series) as made, pytest.raises(FileFormatError, match="fli_0"):
        SeriesSource(made)


@pytest.mark.parametrize(
    "value",
    [
        h5py.Empty("f8"),
        np.zeros(0),
        b"\xff\xfe",
        np.array([(1, 2.0)], dtype=[("a", "i4"), ("b", "f8")]),
        np.array([b"a", b"b"]),
        np.zeros((2, 2)),
        1 + 2j,
        "\ufffd" * 3,
    ],
)
@pytest.mark.parametrize("key", ["time", "identifier", "pixel size", "date"])
def test_odd_metadata_do_not_stop_the_reading_of_images(
    key: str, value: object, changed: h5py.File, tmp_path: Path
) -> None:
    changed["fli_1"].attrs[key] = value
    made = FLSeries(h5file=changed)
    assert len(made.times) == len(made.identifiers) == 5
    np.testing.assert_array_equal(made[1].fl, 11.0)
    with made[1].copy() as copy:
        np.testing.assert_array_equal(copy.fl, 11.0)
    assert facts_of.as_text(facts_of.of_series(changed))


@pytest.mark.parametrize("dtype", ["S4", "c8", h5py.ref_dtype, [("a", "f4")]])
def test_an_image_that_is_no_numbers_is_refused(dtype: object, changed: h5py.File) -> None:
    del changed["fli_1"][RAW]
    changed["fli_1"].create_dataset(RAW, shape=SHAPE, dtype=dtype)
    made = FLSeries(h5file=changed)
    for read in (lambda: made[1].fl, lambda: SeriesSource(made).image(1), lambda: made[1].shape):
        with pytest.raises(FileFormatError, match=r"cells\.h5.*fli_1.*real numbers"):
            read()


@pytest.mark.parametrize("shape", [(), (5,), (2, 3, 4), (0, 4)])
def test_an_image_without_two_axes_is_refused(shape: tuple[int, ...], changed: h5py.File) -> None:
    del changed["fli_1"][RAW]
    changed["fli_1"][RAW] = np.zeros(shape, np.float32)
    with pytest.raises(FileFormatError, match=r"cells\.h5.*fli_1.*shape"):
        SeriesSource(FLSeries(h5file=changed)).raw(1)


@pytest.mark.parametrize("frame", [0, 3])
def test_pixels_whose_description_is_damaged_are_refused(frame: int, series: Path) -> None:
    # One bit of the description changes all values by a factor of 2**64; no checksum tells.
    with h5py.File(series) as file:
        place = h5py.h5o.get_info(file[f"fli_{frame}/{RAW}"].id).addr
    data = bytearray(series.read_bytes())
    bias = data.index(struct.pack("<BBBBI", 23, 8, 0, 23, 127), place) + 4
    data[bias] ^= 64
    series.write_bytes(data)
    with open_series(series) as made:
        source = SeriesSource(made)
        for read in (lambda: source.image(frame), lambda: made[frame].fl):
            with pytest.raises(DamagedImageError, match=rf"cells\.h5.*fli_{frame}.*damaged"):
                read()
        np.testing.assert_array_equal(source.image(frame + 1), 11.0 + frame)


@pytest.mark.parametrize("dtype", ["<f2", ">f2", "<f4", ">f4", "<f8", ">f8", "<i2", ">u4", "?"])
def test_numbers_of_all_usual_kinds_are_read(dtype: str, changed: h5py.File) -> None:
    wanted = np.arange(np.prod(SHAPE)).reshape(SHAPE).astype(dtype)
    del changed[f"fli_1/{RAW}"]
    changed[f"fli_1/{RAW}"] = wanted
    np.testing.assert_array_equal(SeriesSource(FLSeries(h5file=changed)).raw(1), wanted)


def test_a_background_of_another_size_is_named(changed: h5py.File) -> None:
    changed["fli_1/fluorescence/bg_data/data"] = np.zeros((2, 2), np.float32)
    made = FLSeries(h5file=changed)
    for read in (lambda: made[1].fl, lambda: SeriesSource(made).image(1)):
        with pytest.raises(FileFormatError, match=r"cells\.h5.*fli_1.*\(14, 12\).*\(2, 2\)"):
            read()


def test_a_chunk_that_is_too_short_for_its_checksum_does_not_crash_the_program(
    series: Path,
) -> None:
    with h5py.File(series, "r+") as file:
        size = len(file[f"fli_1/{RAW}"].id.read_direct_chunk((0, 0))[1])
        place = file[f"fli_1/{RAW}"].id.get_chunk_info(0).byte_offset
    data = bytearray(series.read_bytes())
    # The size of a chunk stands in the index, in front of its filters, corner and address.
    entry = struct.pack("<IIQQQQ", size, 0, 0, 0, 0, place)
    assert data.count(entry) == 1
    at = data.find(entry)
    data[at : at + 4] = struct.pack("<I", 0)
    series.write_bytes(data)
    code = (
        "from flimage.cli import main\n"
        f"from flimage import FLSeries\n"
        f"with FLSeries(h5file={str(series)!r}, h5mode='r') as series:\n"
        "    print(series[2].fl.mean())\n"
        f"print(main(['bleach', {str(series)!r}]))\n"
    )
    found = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True
    )
    assert found.stdout.splitlines() == ["12.0", "1"]
    assert "fli_1" in found.stderr
    assert "too short for its checksum" in found.stderr


def test_a_huge_number_in_a_name_takes_no_memory(changed: h5py.File) -> None:
    changed.create_group("fli_99999999999999999999")
    with pytest.raises(FileFormatError, match=r"missing: 'fli_5', 'fli_6', 'fli_7' and 9+\d+ more"):
        FLSeries(h5file=changed)


def test_groups_that_hold_one_another_end(tmp_path: Path) -> None:
    path = tmp_path / "circle.h5"
    with h5py.File(path, "w") as file:
        for name in "abcdefgh":
            file.create_group(name)
        for name in "abcdefgh":
            for other in "abcdefgh":
                file[name][f"to {other}"] = file[other]
    with pytest.raises(FlimageError, match=r"circle\.h5"), open_series(path):
        pass


def test_a_heap_of_zeros_does_not_let_the_program_hang(series: Path) -> None:
    data = bytearray(series.read_bytes())
    places, start = [], data.find(b"GCOL")
    while start >= 0:
        places.append(start)
        start = data.find(b"GCOL", start + 1)
    assert places, "texts stand in heaps"
    for place in places:
        size = struct.unpack_from("<Q", data, place + 8)[0]
        data[place + 16 : place + size] = bytes(size - 16)
    series.write_bytes(data)
    code = (
        "from flimage import FLSeries\n"
        f"with FLSeries(h5file={str(series)!r}, h5mode='r') as series:\n"
        "    print(series.identifier, series.identifiers, series[2].meta.get('identifier'))\n"
        "    print(series[2].fl.mean(), series.times)\n"
    )
    found = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=30, check=True
    )
    assert found.stdout.splitlines() == [
        "None [None, None, None, None, None] None",
        "12.0 [0.  0.5 1.  1.5 2. ]",
    ]


def test_names_in_other_heaps_than_a_damaged_one_are_read(tmp_path: Path) -> None:
    path = tmp_path / "named.h5"
    names = [f"a name of one length {number:03d}" for number in range(300)]
    with FLSeries(h5file=path, h5mode="w") as series:
        series.add_images([np.ones((2, 2))] * 300, [{"identifier": name} for name in names])
    data = bytearray(path.read_bytes())
    place = data.find(b"GCOL", data.find(b"GCOL") + 1)
    assert data.find(b"GCOL", place + 1) > 0, "more heaps than two"
    size = struct.unpack_from("<Q", data, place + 8)[0]
    lost = [n for n, name in enumerate(names) if name.encode() in data[place:][:size]]
    data[place + 16 : place + size] = bytes(size - 16)
    path.write_bytes(data)
    code = (
        "import json\nfrom flimage import FLSeries\n"
        f"with FLSeries(h5file={str(path)!r}, h5mode='r') as series:\n"
        "    print(json.dumps(series.identifiers))\n"
    )
    found = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=30, check=True
    )
    read = json.loads(found.stdout)
    assert 0 < len(lost) < 200
    without = [number for number, name in enumerate(read) if name is None]
    # At its ends, a heap holds other texts of frames whose names stand beside it.
    assert set(lost) <= set(without) <= set(range(lost[0] - 1, lost[-1] + 2))
    assert all(read[number] == names[number] for number in range(300) if number not in without)


def test_a_circle_of_tiff_directories_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "circle.tif"
    with tifffile.TiffWriter(path) as writer:
        for _ in range(3):
            writer.write(np.zeros(SHAPE, np.uint16), metadata=None, contiguous=False)
    data = bytearray(path.read_bytes())
    first = struct.unpack_from("<I", data, 4)[0]
    second = first + 2 + 12 * struct.unpack_from("<H", data, first)[0]
    second = struct.unpack_from("<I", data, second)[0]
    after = second + 2 + 12 * struct.unpack_from("<H", data, second)[0]
    struct.pack_into("<I", data, after, first)
    path.write_bytes(data)
    with pytest.raises(FileFormatError, match=r"circle\.tif.*circle"):
        open_recording(path)


@pytest.mark.parametrize("big", [False, True])
@pytest.mark.parametrize("order", ["<", ">"])
def test_directories_that_come_to_an_end_are_no_circle(
    big: bool, order: str, tmp_path: Path
) -> None:
    path = tmp_path / "stack.tif"
    with tifffile.TiffWriter(path, bigtiff=big, byteorder=order) as writer:
        for number in range(4):
            image = np.full(SHAPE, number, np.uint16)
            writer.write(image, metadata=None, contiguous=False)
    with open_recording(path) as recording:
        assert [int(recording.frame(n)[0, 0]) for n in range(4)] == [0, 1, 2, 3]


@pytest.mark.parametrize("text", ["[" * 30_000, "{", "7", '{"maximum": [1]}', '{"dtype": 3}'])
def test_an_origin_that_cannot_be_understood_says_nothing_of_the_detector(
    text: str, changed: h5py.File
) -> None:
    changed.attrs["conversion"] = text
    assert stated_maximum(SeriesSource(FLSeries(h5file=changed))) is None


# --- other formats -------------------------------------------------------------------------------


def _npy(header: bytes, content: bytes = bytes(2000), version: bytes = b"\1\0") -> bytes:
    length = len(header).to_bytes(2 if version == b"\1\0" else 4, "little")
    return b"\x93NUMPY" + version + length + header + content


@pytest.mark.parametrize(
    "data",
    [
        _npy(b"{" * 2000, version=b"\2\0"),
        _npy(b"{'descr': '<u2', 'fortran_order': False, 'shape': (-1, 14, 12)}\n"),
        _npy(b"{'descr': '<u2', 'fortran_order': False, 'shape': (2147483648, 2, 2)}\n"),
        _npy(b"{'descr': '<u2', 'fortran_order': False, 'shape': (6, 1048576, 1048576)}\n"),
        _npy(b"{'descr': '<u2', 'fortran_order': True, 'shape': (1000, 1000, 1000)}\n"),
        b"\x93NUMPY\2\0\xff\xff\xff\xff" + bytes(100),
    ],
)
def test_a_damaged_array_is_refused_before_memory_is_taken_for_it(
    data: bytes, tmp_path: Path
) -> None:
    path = tmp_path / "damaged.npy"
    path.write_bytes(data)
    with pytest.raises(FileFormatError, match=r"damaged\.npy"):
        open_recording(path)


def test_an_archive_whose_checksum_is_wrong_is_refused_in_a_sentence(tmp_path: Path) -> None:
    path = tmp_path / "damaged.npz"
    np.savez(path, a=np.zeros((5, *SHAPE), np.uint16))
    data = bytearray(path.read_bytes())
    data[data.index(b"\x93NUMPY") + 40] ^= 1
    path.write_bytes(data)
    with pytest.raises(FileFormatError, match=r"damaged\.npz"), open_recording(path) as recording:
        recording.frame(0)


def test_a_zarr_folder_that_is_no_text_is_refused_in_a_sentence(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    zarr = pytest.importorskip("zarr")
    path = tmp_path / "damaged.zarr"
    zarr.create_array(store=path, shape=(5, *SHAPE), dtype="uint16")[:] = 1
    described = path / "zarr.json"
    described.write_bytes(described.read_bytes().replace(b"chunk", b"\xff\xfe\xa0nk"))
    with pytest.raises(FileFormatError, match=r"damaged\.zarr"):
        open_recording(path)
    assert capfd.readouterr() == ("", "")


def test_a_file_of_zeiss_with_two_billion_channels_is_refused_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    czi = pytest.importorskip("pylibCZIrw.czi")
    path = tmp_path / "damaged.czi"
    with czi.create_czi(str(path)) as file:
        file.write(data=np.zeros((*SHAPE, 1), np.uint16), plane={"T": 0, "C": 0, "Z": 0})
    box = {"C": (0, 2**31), "X": (0, SHAPE[1]), "Y": (0, SHAPE[0])}
    monkeypatch.setattr(czi.CziReader, "total_bounding_box", box)
    with pytest.raises(FileFormatError, match=r"damaged\.czi announces 2147483648 channels"):
        open_recording(path)


def test_a_list_of_backgrounds_that_is_damaged_is_named(tmp_path: Path) -> None:
    path = tmp_path / "image.h5"
    with h5py.File(path, "w") as file:
        create_image_group(file, np.ones((6, 7), np.float32), {})
        storage.write_image(file["fluorescence/bg_data"], "data", np.ones((6, 7), np.float32))
    data = path.read_bytes()
    told = []
    for place in [at for at in range(len(data)) if data.startswith(b"HEAP", at)]:
        # Where the list of what is free in a list of names begins.
        path.write_bytes(data[: place + 16] + b"\x03" * 8 + data[place + 24 :])
        with storage.open_file(path) as file, memory_file() as target:
            with pytest.raises(FlimageError) as raised:
                copy_image_group(file, target)
            told.append(str(raised.value))
    assert len(told) == 3
    assert all("image.h5" in each for each in told)
