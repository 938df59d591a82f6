"""Recordings in foreign formats: pixels, times and sizes arrive as the file states them."""

from __future__ import annotations

import json
import re
import sys
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import tifffile
from PIL import Image

from flimage import FLSeries, convert
from flimage.errors import (
    Cancelled,
    FileFormatError,
    InputError,
    OutputExistsError,
    SameFileError,
)
from flimage.readers import SUFFIXES, open_recording

SHAPE = (7, 20, 30)


@pytest.fixture
def stack() -> np.ndarray:
    return np.random.default_rng(1).integers(0, 4000, SHAPE).astype("uint16")


def read_back(path: Path) -> tuple[np.ndarray, np.ndarray, dict[str, Any]]:
    """Pixels, times and the first frame's metadata of a series file."""
    with FLSeries(h5file=path, h5mode="r") as series:
        pixels = np.stack([fli.raw_fl for fli in series])
        return pixels, series.times, dict(series[0].meta)


def write_ome(path: Path, stack: np.ndarray, **metadata: Any) -> Path:
    tifffile.imwrite(path, stack, ome=True, metadata={"axes": "TYX", **metadata})
    return path


# --- pixels -------------------------------------------------------------------------------------


def write_frame_by_frame(path: Path, stack: np.ndarray) -> None:
    with tifffile.TiffWriter(path) as tif:
        for image in stack:
            tif.write(image, contiguous=False, compression="zlib")


def write_with_thumbnail(path: Path, stack: np.ndarray) -> None:
    with tifffile.TiffWriter(path) as tif:
        tif.write(stack)
        tif.write(stack[0, ::2, ::2], subfiletype=1)


WRITERS: dict[str, tuple[str, Callable[[Path, np.ndarray], Any]]] = {
    "plain": (".tif", lambda p, s: tifffile.imwrite(p, s)),
    "without description": (".tif", lambda p, s: tifffile.imwrite(p, s, metadata=None)),
    "big-endian": (".tif", lambda p, s: tifffile.imwrite(p, s, byteorder=">")),
    "BigTIFF": (".btf", lambda p, s: tifffile.imwrite(p, s, bigtiff=True)),
    "compressed": (".tiff", lambda p, s: tifffile.imwrite(p, s, compression="zlib")),
    "tiled": (".tif", lambda p, s: tifffile.imwrite(p, s, tile=(16, 16))),
    "volume": (".tif", lambda p, s: tifffile.imwrite(p, s, volumetric=True, tile=(16, 16, 16))),
    "frame by frame": (".tif", write_frame_by_frame),
    "with thumbnail": (".tif", write_with_thumbnail),
    "ImageJ": (".tif", lambda p, s: tifffile.imwrite(p, s, imagej=True, metadata={"axes": "TYX"})),
    "OME": (".ome.tif", write_ome),
    "upper case": (".TIF", lambda p, s: tifffile.imwrite(p, s)),
    "NPY": (".npy", lambda p, s: np.save(p, s)),
    "NPY big-endian": (".npy", lambda p, s: np.save(p, s.astype(">u2"))),
    "NPZ": (".npz", lambda p, s: np.savez(p, s)),
    "NPZ compressed": (".npz", lambda p, s: np.savez_compressed(p, images=s)),
    "NPZ column-major": (".npz", lambda p, s: np.savez(p, np.asfortranarray(s))),
    "NPZ with times beside": (".npz", lambda p, s: np.savez(p, images=s, times=np.arange(7))),
}


@pytest.mark.parametrize("kind", WRITERS)
def test_every_format_keeps_pixels_and_order(kind: str, stack: np.ndarray, tmp_path: Path) -> None:
    suffix, write = WRITERS[kind]
    source = tmp_path / f"recording{suffix}"
    write(source, stack)
    out = convert.convert(source, tmp_path / "out.h5", interval=0.5, pixel_size=1e-7)
    pixels, times, meta = read_back(out)
    assert pixels.dtype == np.float32
    np.testing.assert_array_equal(pixels, stack)
    np.testing.assert_array_equal(times, 0.5 * np.arange(7))
    assert meta["pixel size"] == 1e-7


@pytest.mark.parametrize("dtype", ["uint8", "int16", "uint32", "float32", "float64"])
def test_every_number_type_keeps_its_values(dtype: str, tmp_path: Path) -> None:
    stack = (np.arange(2 * 5 * 6).reshape(2, 5, 6) - (0 if "u" in dtype else 5)).astype(dtype)
    tifffile.imwrite(tmp_path / "a.tif", stack)
    pixels, *_ = read_back(convert.convert(tmp_path / "a.tif", tmp_path / "a.h5", interval=1))
    np.testing.assert_array_equal(pixels, stack)


def test_rounding_to_single_precision_is_noted(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.full((2, 3, 4), 0.1))
    convert.convert(tmp_path / "a.npy", tmp_path / "a.h5", interval=1)
    with h5py.File(tmp_path / "a.h5") as h5:
        notes = json.loads(h5.attrs[convert.ORIGIN])["notes"]
    assert any("single precision" in note for note in notes)


@pytest.mark.parametrize("suffix", [".tif", ".npy", ".npz"])
def test_a_single_image_becomes_a_series_of_one_frame(suffix: str, tmp_path: Path) -> None:
    image = np.arange(12.0, dtype="float32").reshape(3, 4)
    source = tmp_path / f"image{suffix}"
    {".tif": tifffile.imwrite, ".npy": np.save, ".npz": np.savez}[suffix](source, image)
    pixels, times, meta = read_back(convert.convert(source, tmp_path / "out.h5"))
    np.testing.assert_array_equal(pixels, image[np.newaxis])
    assert np.isnan(times).all()
    assert "time" not in meta


def test_frames_are_read_one_by_one(tmp_path: Path) -> None:
    stack = np.zeros((120, 128, 128), "uint16")
    tifffile.imwrite(tmp_path / "a.tif", stack, compression="zlib")
    convert.convert(tmp_path / "a.tif", tmp_path / "warm.h5", interval=1)
    tracemalloc.start()
    try:
        convert.convert(tmp_path / "a.tif", tmp_path / "a.h5", interval=1)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < stack.astype("float32").nbytes / 2


def test_frames_can_be_read_in_any_order(stack: np.ndarray, tmp_path: Path) -> None:
    np.savez_compressed(tmp_path / "a.npz", stack)
    with open_recording(tmp_path / "a.npz") as recording:
        for index in (6, 0, 3, 2):
            np.testing.assert_array_equal(recording.frame(index), stack[index])
        with pytest.raises(IndexError, match="0 to 6"):
            recording.frame(7)


# --- times and pixel size -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("unit", "seconds"), [("s", 1.0), ("ms", 1e-3), ("µs", 1e-6), ("min", 60.0), ("h", 3600.0)]
)
def test_ome_time_stamps_are_used_in_their_unit(
    unit: str, seconds: float, stack: np.ndarray, tmp_path: Path
) -> None:
    stamps = [0.0, 1.5, 2.0, 3.0, 4.5, 5.0, 6.25]
    plane = {"DeltaT": stamps, "DeltaTUnit": [unit] * 7}
    source = write_ome(tmp_path / "a.ome.tif", stack, Plane=plane)
    _, times, _ = read_back(convert.convert(source, tmp_path / "a.h5"))
    np.testing.assert_allclose(times, np.array(stamps) * seconds, rtol=1e-12)


def test_ome_time_increment_is_used_where_planes_have_no_time(
    stack: np.ndarray, tmp_path: Path
) -> None:
    source = write_ome(tmp_path / "a.ome.tif", stack, TimeIncrement=200.0, TimeIncrementUnit="ms")
    _, times, _ = read_back(convert.convert(source, tmp_path / "a.h5"))
    np.testing.assert_allclose(times, 0.2 * np.arange(7))


@pytest.mark.parametrize(("unit", "metres"), [("µm", 1e-6), ("nm", 1e-9), ("mm", 1e-3)])
def test_ome_pixel_size_is_used_in_its_unit(
    unit: str, metres: float, stack: np.ndarray, tmp_path: Path
) -> None:
    source = write_ome(
        tmp_path / "a.ome.tif",
        stack,
        PhysicalSizeX=0.108,
        PhysicalSizeXUnit=unit,
        PhysicalSizeY=0.108,
        PhysicalSizeYUnit=unit,
    )
    _, _, meta = read_back(convert.convert(source, tmp_path / "a.h5", interval=1))
    assert meta["pixel size"] == pytest.approx(0.108 * metres)


def test_pixels_that_are_not_square_are_noted(stack: np.ndarray, tmp_path: Path) -> None:
    source = write_ome(tmp_path / "a.ome.tif", stack, PhysicalSizeX=0.1, PhysicalSizeY=0.2)
    with open_recording(source) as recording:
        assert recording.pixel_size == pytest.approx(1e-7)
        assert any("not square" in note for note in recording.notes)


@pytest.mark.parametrize(
    ("properties", "seconds"),
    [
        ({"finterval": 0.5}, 0.5),
        ({"finterval": 0.5, "tunit": "sec"}, 0.5),
        ({"finterval": 250, "tunit": "ms"}, 0.25),
        ({"finterval": 2, "tunit": "min"}, 120.0),
        ({"fps": 4.0}, 0.25),
    ],
)
def test_imagej_frame_interval_is_used_in_its_unit(
    properties: dict[str, Any], seconds: float, stack: np.ndarray, tmp_path: Path
) -> None:
    tifffile.imwrite(tmp_path / "a.tif", stack, imagej=True, metadata={"axes": "TYX", **properties})
    _, times, _ = read_back(convert.convert(tmp_path / "a.tif", tmp_path / "a.h5"))
    np.testing.assert_allclose(times, seconds * np.arange(7))


@pytest.mark.parametrize(
    ("unit", "metres"),
    [("um", 1e-6), ("micron", 1e-6), ("\\u00B5m", 1e-6), ("nm", 1e-9), ("inch", 0.0254)],
)
def test_imagej_pixel_size_is_used_in_its_unit(
    unit: str, metres: float, stack: np.ndarray, tmp_path: Path
) -> None:
    tifffile.imwrite(
        tmp_path / "a.tif",
        stack,
        imagej=True,
        resolution=(1 / 0.25, 1 / 0.25),
        metadata={"axes": "TYX", "unit": unit},
    )
    with open_recording(tmp_path / "a.tif") as recording:
        assert recording.pixel_size == pytest.approx(0.25 * metres)


def test_printing_resolution_is_no_pixel_size(stack: np.ndarray, tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "a.tif", stack, resolution=(300, 300), resolutionunit="INCH")
    with open_recording(tmp_path / "a.tif") as recording:
        assert recording.pixel_size is None


def test_given_values_count_more_than_those_of_the_file(stack: np.ndarray, tmp_path: Path) -> None:
    source = write_ome(tmp_path / "a.ome.tif", stack, TimeIncrement=1.0, PhysicalSizeX=0.1)
    out = convert.convert(source, tmp_path / "a.h5", interval=2, pixel_size=5e-7)
    _, times, meta = read_back(out)
    np.testing.assert_array_equal(times, 2.0 * np.arange(7))
    assert meta["pixel size"] == 5e-7
    with h5py.File(out) as h5:
        notes = json.loads(h5.attrs[convert.ORIGIN])["notes"]
    assert "Times are multiples of 2 s, as given." in notes
    assert not any("OME" in note for note in notes)


def test_time_stamps_that_some_frames_lack_are_not_used(stack: np.ndarray, tmp_path: Path) -> None:
    plane = {"DeltaT": [float(index) for index in range(7)]}
    source = write_ome(tmp_path / "a.ome.tif", stack, Plane=plane)
    content = source.read_bytes()
    assert content.count(b'DeltaT="6.0"') == 1
    source.write_bytes(content.replace(b'DeltaT="6.0"', b" " * 12))
    with open_recording(source) as recording:
        assert recording.times is None
        assert any("some frames have none" in note for note in recording.notes)


def test_missing_times_are_asked_for_by_the_name_of_the_option(
    stack: np.ndarray, tmp_path: Path
) -> None:
    tifffile.imwrite(tmp_path / "a.tif", stack)
    with pytest.raises(InputError, match=r"a\.tif does not state when .*--interval"):
        convert.convert(tmp_path / "a.tif", tmp_path / "a.h5")
    assert not (tmp_path / "a.h5").exists()


@pytest.mark.parametrize("interval", [0, -1, float("nan"), float("inf"), "1", True])
def test_an_interval_that_is_no_positive_number_is_refused(
    interval: Any, stack: np.ndarray, tmp_path: Path
) -> None:
    np.save(tmp_path / "a.npy", stack)
    with pytest.raises(InputError, match="--interval"):
        convert.convert(tmp_path / "a.npy", tmp_path / "a.h5", interval=interval)


def test_a_pixel_size_in_micrometres_is_refused(stack: np.ndarray, tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", stack)
    with pytest.raises(InputError, match=r"in metres, such as 1e-7"):
        convert.convert(tmp_path / "a.npy", tmp_path / "a.h5", interval=1, pixel_size=0.108)


def test_identifiers_are_those_of_the_file_and_count_frames(
    stack: np.ndarray, tmp_path: Path
) -> None:
    source = write_ome(tmp_path / "dish 1.ome.tif", stack, TimeIncrement=1.0)
    with FLSeries(h5file=convert.convert(source, tmp_path / "a.h5"), h5mode="r") as series:
        assert series.identifier == "dish 1"
        np.testing.assert_array_equal(series["dish 1:4"].raw_fl, stack[4])
    out = convert.convert(source, tmp_path / "b.h5", identifier="x")
    with FLSeries(h5file=out, h5mode="r") as series:
        assert series.identifier == "x"
        assert series.identifiers == [f"x:{i}" for i in range(7)]


# --- what cannot be read ------------------------------------------------------------------------


def write_two_sizes(path: Path) -> None:
    with tifffile.TiffWriter(path) as tif:
        tif.write(np.zeros((4, 5), "uint8"))
        tif.write(np.zeros((4, 6), "uint8"))


REFUSED: dict[str, tuple[str, Callable[[Path], Any], str]] = {
    "RGB": (
        ".tif",
        lambda p: tifffile.imwrite(p, np.zeros((4, 5, 3), "uint8"), photometric="rgb"),
        "RGB.*Split Channels",
    ),
    "RGB stack": (
        ".tif",
        lambda p: tifffile.imwrite(p, np.zeros((6, 4, 5, 3), "uint8"), photometric="rgb"),
        "RGB",
    ),
    "channels": (
        ".tif",
        lambda p: tifffile.imwrite(
            p, np.zeros((3, 2, 4, 5), "uint8"), imagej=True, metadata={"axes": "TCYX"}
        ),
        r"4 axes \(time 3, channel 2, y 4, x 5\).*Make Subset",
    ),
    "channels only": (
        ".tif",
        lambda p: tifffile.imwrite(
            p, np.zeros((3, 4, 5), "uint8"), imagej=True, metadata={"axes": "CYX"}
        ),
        "3 images along the axis 'channel', not along time",
    ),
    "frames of two sizes": (".tif", write_two_sizes, r"2 stacks \(4×5, 4×6\).*one size"),
    "mask": (".tif", lambda p: tifffile.imwrite(p, np.ones((3, 4, 5), bool)), "a mask"),
    "complex": (".npy", lambda p: np.save(p, np.ones((3, 4, 5), complex)), "complex numbers"),
    "numbers": (".npy", lambda p: np.save(p, np.arange(9.0)), r"shape \(9,\).*\(t, y, x\)"),
    "4D array": (".npy", lambda p: np.save(p, np.ones((2, 3, 4, 5))), r"4 axes.*\(t, y, x\)"),
    "colour array": (".npy", lambda p: np.save(p, np.ones((8, 9, 3))), "one colour image"),
    "no frames": (".npy", lambda p: np.save(p, np.ones((0, 4, 5))), "no pixels"),
    "objects": (
        ".npz",
        lambda p: np.savez(p, np.array([[None]], dtype=object)),
        "not intensities",
    ),
    "several arrays": (
        ".npz",
        lambda p: np.savez(p, a=np.ones((3, 4, 5)), b=np.ones((3, 4, 5))),
        r"2 arrays of images \(a, b\).*key",
    ),
    "no array": (".npz", lambda p: np.savez(p), "no arrays"),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_what_is_no_time_series_is_refused_with_a_remedy(kind: str, tmp_path: Path) -> None:
    suffix, write, message = REFUSED[kind]
    source = tmp_path / f"a{suffix}"
    write(source)
    with pytest.raises(InputError, match=message) as caught:
        convert.convert(source, tmp_path / "out.h5", interval=1)
    assert str(source) in str(caught.value)
    assert [path.name for path in tmp_path.iterdir()] == [source.name]


@pytest.mark.parametrize("suffix", [".tif", ".npy", ".npz", ".nd2"])
@pytest.mark.parametrize("content", [b"", b"not what it says"])
def test_files_of_another_kind_are_refused(suffix: str, content: bytes, tmp_path: Path) -> None:
    source = tmp_path / f"a{suffix}"
    source.write_bytes(content)
    with pytest.raises(FileFormatError, match=r"not a readable|is no TIFF file"):
        open_recording(source)


@pytest.mark.parametrize("suffix", [".tif", ".npy", ".npz", ".nd2", ".xyz"])
def test_files_that_are_not_there_are_named(suffix: str, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=f"nothing{suffix}"):
        open_recording(tmp_path / f"nothing{suffix}")


def test_an_unknown_ending_is_refused_with_the_known_ones(tmp_path: Path) -> None:
    (tmp_path / "a.xyz").touch()
    with pytest.raises(InputError, match=r"\.nd2.*\.tif"):
        open_recording(tmp_path / "a.xyz")


@pytest.mark.parametrize("predictor", [1, 2])
@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
def test_stacks_with_lzw_are_read_without_a_package_for_codecs(
    dtype: str, predictor: int, stack: np.ndarray, tmp_path: Path
) -> None:
    if dtype == "float32" and predictor == 2:
        pytest.skip("differences are for whole numbers")
    values = (stack % 251).astype(dtype)
    pages = [Image.fromarray(image) for image in values]
    path = tmp_path / "a.tif"
    pages[0].save(
        path,
        save_all=True,
        append_images=pages[1:],
        compression="tiff_lzw",
        tiffinfo={317: predictor},
    )
    with convert.open_recording(path) as recording:
        assert recording.dtype == np.dtype(dtype)
        for index in (3, 0, len(values) - 1):
            np.testing.assert_array_equal(recording.frame(index), values[index])


@pytest.mark.parametrize("name", ["images", "images/*.tif"])
def test_images_with_lzw_in_a_folder_are_read_like_a_stack(
    name: str, stack: np.ndarray, tmp_path: Path
) -> None:
    (tmp_path / "images").mkdir()
    values = (stack % 251).astype(np.uint16)
    for index, image in enumerate(values):
        path = tmp_path / "images" / f"{index}.tif"
        Image.fromarray(image).save(path, compression="tiff_lzw")
    with convert.open_recording(tmp_path / name) as recording:
        for index, image in enumerate(values):
            np.testing.assert_array_equal(recording.frame(index), image)


def test_an_image_in_a_folder_that_nothing_decodes_is_named_with_the_remedy(
    stack: np.ndarray, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*arguments: object, **options: object) -> None:
        raise ValueError("<COMPRESSION.JPEG2000: 34712> requires the 'imagecodecs' package")

    tifffile.imwrite(tmp_path / "a.tif", stack[0], compression="zlib")
    monkeypatch.setattr(tifffile.TiffPage, "asarray", fail)
    with pytest.raises(InputError, match=r"a\.tif is compressed with .*flimage\[tiff\]"):
        convert.open_recording(tmp_path)
    monkeypatch.undo()
    monkeypatch.setattr(tifffile.TiffPageSeries, "asarray", fail)
    tifffile.imwrite(tmp_path / "a.tif", stack[:2], compression="zlib")
    with pytest.raises(InputError, match=r"a\.tif is compressed with"):
        convert.open_recording(tmp_path)


def test_a_compression_that_nothing_decodes_is_named_with_the_remedy(
    stack: np.ndarray, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tifffile.imwrite(tmp_path / "a.tif", stack, compression="zlib")
    with convert.open_recording(tmp_path / "a.tif") as recording:

        def fail(page: object) -> None:
            raise ValueError("<COMPRESSION.JPEG2000: 34712> requires the 'imagecodecs' package")

        monkeypatch.setattr(tifffile.TiffPage, "asarray", fail)
        monkeypatch.setattr(tifffile.TiffFrame, "asarray", fail, raising=False)
        monkeypatch.setattr(Image, "open", fail)
        with pytest.raises(InputError, match=r"compressed with .*flimage\[tiff\]"):
            recording.frame(0)


def test_a_stack_that_ends_early_is_refused(stack: np.ndarray, tmp_path: Path) -> None:
    source = tmp_path / "a.tif"
    tifffile.imwrite(source, stack)
    source.write_bytes(source.read_bytes()[: stack.nbytes // 2])
    with pytest.raises(FileFormatError, match="ends before its last frame"):
        open_recording(source)


def test_damaged_bytes_of_a_frame_leave_no_output(stack: np.ndarray, tmp_path: Path) -> None:
    source = tmp_path / "a.tif"
    write_frame_by_frame(source, stack)
    content = bytearray(source.read_bytes())
    middle = len(content) // 2
    content[middle : middle + 100] = b"\0" * 100
    source.write_bytes(bytes(content))
    with pytest.raises(FileFormatError, match=r"Frame \d of .*a\.tif cannot be read"):
        convert.convert(source, tmp_path / "a.h5", interval=1)
    assert [path.name for path in tmp_path.iterdir()] == ["a.tif"]


def test_an_interrupted_acquisition_keeps_the_frames_that_were_written(
    stack: np.ndarray, tmp_path: Path
) -> None:
    source = write_ome(tmp_path / "a.ome.tif", stack, TimeIncrement=1.0)
    xml = tifffile.tiffcomment(source)
    tifffile.tiffcomment(source, xml.replace('SizeT="7"', 'SizeT="100"').encode())
    with open_recording(source) as recording:
        assert "The file announces 100 frames, but holds only the first 7." in recording.notes
        assert not any("zeroed" in note for note in recording.notes)
    pixels, times, _ = read_back(convert.convert(source, tmp_path / "a.h5"))
    np.testing.assert_array_equal(pixels, stack)
    np.testing.assert_array_equal(times, np.arange(7.0))


def test_a_gap_in_a_recording_is_refused(stack: np.ndarray, tmp_path: Path) -> None:
    source = write_ome(tmp_path / "a.ome.tif", stack, TimeIncrement=1.0)
    xml = tifffile.tiffcomment(source).replace('SizeT="7"', 'SizeT="8"')
    planes = "".join(
        f'<TiffData IFD="{i}" FirstT="{i + (i > 2)}" PlaneCount="1"/>' for i in range(7)
    )
    changed = re.sub(r"<TiffData [^>]*/>", planes, xml)
    assert changed != xml
    tifffile.tiffcomment(source, changed.encode())
    with pytest.raises(FileFormatError, match="frame 3 is missing"):
        open_recording(source)


def test_what_the_tiff_reader_finds_odd_is_noted_and_not_printed(
    stack: np.ndarray, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    source = write_ome(tmp_path / "a.ome.tif", stack, TimeIncrement=1.0)
    tifffile.tiffcomment(source, b"<OME><damaged></OME>")
    with open_recording(source) as recording:
        assert len(recording) == 7
        assert recording.notes
        assert recording.times is None
    assert capfd.readouterr().err == ""


def test_an_array_can_be_chosen_by_key(stack: np.ndarray, tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", a=stack, b=stack[::-1])
    out = convert.convert(tmp_path / "a.npz", tmp_path / "a.h5", interval=1, key="b")
    np.testing.assert_array_equal(read_back(out)[0], stack[::-1])
    with pytest.raises(InputError, match=r"no array 'c'; it has a, b"):
        open_recording(tmp_path / "a.npz", key="c")


def test_without_the_reader_for_nd2_the_message_names_the_remedy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a.nd2").touch()
    monkeypatch.setitem(sys.modules, "nd2", None)
    with pytest.raises(InputError, match=r"flimage\[nd2\]"):
        open_recording(tmp_path / "a.nd2")


# --- output -------------------------------------------------------------------------------------


def test_an_existing_output_is_only_replaced_on_request(stack: np.ndarray, tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", stack)
    out = tmp_path / "a.h5"
    out.write_bytes(b"precious")
    with pytest.raises(OutputExistsError):
        convert.convert(tmp_path / "a.npy", out, interval=1)
    assert out.read_bytes() == b"precious"
    convert.convert(tmp_path / "a.npy", out, interval=1, overwrite=True)
    np.testing.assert_array_equal(read_back(out)[0], stack)


def test_a_recording_is_never_its_own_output(stack: np.ndarray, tmp_path: Path) -> None:
    source = tmp_path / "a.npy"
    np.save(source, stack)
    before = source.read_bytes()
    with pytest.raises(SameFileError):
        convert.convert(source, source, interval=1, overwrite=True)
    assert source.read_bytes() == before


def test_cancelling_leaves_nothing_behind(stack: np.ndarray, tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", stack)
    calls = []

    def cancel(done: int, total: int, stage: str) -> None:
        calls.append((done, total))
        if done == 3:
            raise Cancelled

    with pytest.raises(Cancelled):
        convert.convert(tmp_path / "a.npy", tmp_path / "a.h5", interval=1, progress=cancel)
    assert calls == [(0, 7), (1, 7), (2, 7), (3, 7)]
    assert [path.name for path in tmp_path.iterdir()] == ["a.npy"]


def test_progress_ends_at_the_number_of_frames(stack: np.ndarray, tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", stack)
    calls: list[tuple[int, int]] = []
    convert.convert(
        tmp_path / "a.npy",
        tmp_path / "a.h5",
        interval=1,
        progress=lambda done, total, stage: calls.append((done, total)),
    )
    assert calls == [(index, 7) for index in range(8)]


def test_the_endings_cover_what_is_documented() -> None:
    assert {".tif", ".tiff", ".npy", ".npz", ".nd2"} <= set(SUFFIXES)


# --- real recordings ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "frames", "shape"),
    [
        ("detrendr_bleached_500x25x30_u8.tif", 500, (25, 30)),
        ("mitosis_C1_51x196x171_u16.tif", 51, (196, 171)),
        ("basicpy_timelapse_nanog_189x128x171_u8.npz", 189, (128, 171)),
    ],
)
def test_real_recordings_without_times_keep_every_pixel(
    name: str,
    frames: int,
    shape: tuple[int, int],
    real_recording: Callable[[str], Path],
    tmp_path: Path,
) -> None:
    source = real_recording(name)
    expected = np.load(source)["images"] if name.endswith("npz") else tifffile.imread(source)
    pixels, times, _ = read_back(convert.convert(source, tmp_path / "a.h5", interval=0.1))
    assert pixels.shape == (frames, *shape)
    np.testing.assert_array_equal(pixels, expected)
    np.testing.assert_allclose(times, 0.1 * np.arange(frames))


def test_a_real_nd2_recording_brings_its_own_times(
    real_recording: Callable[[str], Path], tmp_path: Path
) -> None:
    nd2 = pytest.importorskip("nd2")
    source = real_recording("arcadia_example-timelapse.nd2")
    pixels, times, meta = read_back(convert.convert(source, tmp_path / "a.h5"))
    np.testing.assert_array_equal(pixels, nd2.imread(source))
    assert len(times) == 53
    np.testing.assert_allclose(np.diff(times), 0.50016, atol=1e-5)
    assert meta["pixel size"] == pytest.approx(3.25e-7)
    assert meta["numerical aperture"] == pytest.approx(0.95)


def test_a_page_in_a_compression_for_black_and_white_is_named_and_nothing_is_printed(
    stack: np.ndarray, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "a.tif"
    write_frame_by_frame(path, stack)
    with tifffile.TiffFile(path, mode="r+b") as file:
        file.pages[1].tags["Compression"].overwrite(2)
    if 2 in tifffile.TIFF.DECOMPRESSORS:
        pytest.skip("newer versions of imagecodecs decode it")
    with convert.open_recording(path) as recording:
        np.testing.assert_array_equal(recording.frame(0), stack[0])
        with pytest.raises(InputError, match=r"Frame 1 of .*a\.tif is compressed with CCITTRLE"):
            recording.frame(1)
    assert capfd.readouterr() == ("", "")
