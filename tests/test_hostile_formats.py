"""Recordings in other formats from strangers: no other file is read, and memory stays."""

from __future__ import annotations

import lzma
import os
import random
import struct
import subprocess
import sys
import warnings
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

from flimage.errors import FileFormatError
from flimage.readers import Selection, open_recording
from flimage.recording import check_size

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from tests.torture.hostile import try_formats, try_recording, write_stranger
from tests.torture.hostile_formats import (
    PLANE,
    member,
    micro_manager,
    ndtiff_index,
    set_of_tiff,
    write_secret_tiff,
    write_tiff,
)
from tests.torture.hostile_recordings import SETS, ZARR, hostile_set, hostile_zarr

#: What a small file may take at most [MB], as the page on reliability promises, and how long [s].
MOST = 1000
LONGEST = 30

pipes = pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no pipes with names")


def run_apart(code: str, *arguments: str) -> tuple[int, str, int]:
    """Run code that ends with an exit code in `code`, in a process of its own.

    The process ends when it takes several times what it may.

    Returns
    -------
    code
        The exit code.
    said
        What it wrote on the console as errors.
    peak
        Most memory [MB].
    """
    if not Path("/proc/self/status").exists():
        pytest.skip("memory is measured on Linux only")
    around = (
        "import resource, sys\n"
        "used = int(open('/proc/self/statm').read().split()[0]) * resource.getpagesize()\n"
        "resource.setrlimit(resource.RLIMIT_AS, (used + 3 * 2**30,) * 2)\n"
        f"{code}\n"
        # What the system keeps of the process counts from the one that started it on.
        "most = next(line for line in open('/proc/self/status') if line.startswith('VmHWM'))\n"
        "print('peak', int(most.split()[1]) // 1024)\n"
        "sys.exit(code)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", around, *arguments],
        capture_output=True,
        text=True,
        timeout=LONGEST,
        check=False,
    )
    assert "peak" in done.stdout, done.stderr
    return done.returncode, done.stderr, int(done.stdout.rpartition("peak ")[2])


def convert_apart(path: Path, *options: str) -> tuple[int, str, int]:
    """Convert in a process of its own; see `run_apart`."""
    arguments = ["convert", str(path), str(path.with_name("out.h5")), "--overwrite"]
    code = "from flimage.cli import main; code = main(sys.argv[1:])"
    return run_apart(code, *arguments, "--interval", "1", "-q", *options)


def assert_refused_within_memory(path: Path, words: str, *options: str) -> None:
    code, said, peak = convert_apart(path, *options)
    assert code == 1, said
    assert said.count("\n") == 1, said
    assert words in said
    assert peak < MOST


# --- sets of TIFF files --------------------------------------------------------------------------


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    folder = tmp_path / "private"
    folder.mkdir()
    return write_secret_tiff(folder / "secret.ome.tif")


@pytest.fixture
def inbox(tmp_path: Path) -> Path:
    folder = tmp_path / "inbox"
    folder.mkdir()
    return folder


@pytest.mark.parametrize("way", ["absolute", "parent", "dotted", "backslashes"])
def test_a_tiff_file_that_names_one_in_another_folder_is_refused(
    way: str, inbox: Path, secret: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    name = {
        "absolute": str(secret),
        "parent": "../private/secret.ome.tif",
        "dotted": "./../private/secret.ome.tif",
        "backslashes": "..\\private\\secret.ome.tif",
    }[way]
    path = set_of_tiff(inbox / "in.ome.tif", [("in.ome.tif", 1), (name, 4)], secret=name)
    with pytest.raises(FileFormatError, match=r"in\.ome\.tif says .*secret.*not opened"):
        open_recording(path)
    assert capfd.readouterr().err == ""


def test_a_tiff_file_that_names_a_link_beside_it_is_refused(inbox: Path, secret: Path) -> None:
    (inbox / "more.ome.tif").symlink_to(secret)
    path = set_of_tiff(inbox / "in.ome.tif", [("in.ome.tif", 1), ("more.ome.tif", 4)])
    with pytest.raises(FileFormatError, match=r"'more\.ome\.tif' beside it, which is a link"):
        open_recording(path)


@pipes
def test_a_tiff_file_that_names_a_pipe_does_not_wait_for_it(inbox: Path) -> None:
    os.mkfifo(inbox / "pipe.ome.tif")
    path = set_of_tiff(inbox / "in.ome.tif", [("in.ome.tif", 1), ("pipe.ome.tif", 4)])
    assert_refused_within_memory(path, "no ordinary file")


@pipes
@pytest.mark.parametrize("name", ["pipe.tif", "pipe.ome.tif", "pipe.czi", "pipe.npy", "pipe.zarr"])
def test_a_pipe_in_place_of_a_recording_is_refused(name: str, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / name)
    assert_refused_within_memory(tmp_path / name, "no ordinary file")


def test_a_set_of_tiff_files_in_one_folder_is_read(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    frames = np.arange(7, dtype="u2")[:, None, None] + np.zeros(PLANE, "u2")
    member(tmp_path / "b.ome.tif", frames[2:5])
    member(tmp_path / "c.ome.tif", frames[5:])
    names = [("a.ome.tif", 2), ("b.ome.tif", 3), ("c.ome.tif", 2)]
    path = set_of_tiff(tmp_path / "a.ome.tif", names, frames[:2])
    with open_recording(path) as recording:
        assert "Images are spread over 3 files: a.ome.tif, b.ome.tif, c.ome.tif." in recording.notes
        for number in (0, 6, 2, 3, 1, 5, 4):
            assert (recording.frame(number) == number).all()
    with tifffile.TiffFile(tmp_path / "b.ome.tif"):
        pass  # nothing keeps it open
    assert capfd.readouterr().err == ""


def test_a_position_in_another_file_of_a_set_is_read_from_that_file(tmp_path: Path) -> None:
    frames = np.arange(6, dtype="u2")[:, None, None] + np.zeros(PLANE, "u2")
    member(tmp_path / "b.ome.tif", frames[3:])
    path = set_of_tiff(
        tmp_path / "a.ome.tif", [("a.ome.tif", 3), ("b.ome.tif", 3)], frames[:3], positions=True
    )
    with open_recording(path, selection=Selection(position=1)) as recording:
        assert "Images are in the file b.ome.tif beside this one." in recording.notes
        assert [recording.frame(i).max() for i in range(3)] == [3, 4, 5]


def test_files_that_are_missing_from_a_set_are_named(tmp_path: Path) -> None:
    path = set_of_tiff(tmp_path / "a.ome.tif", [("a.ome.tif", 1), ("gone.ome.tif", 4)])
    with open_recording(path) as recording:
        assert len(recording) == 1
        assert any("gone.ome.tif" in note for note in recording.notes)


@pytest.mark.parametrize("name", ["/data/2019/a.ome.tif", "C:\\data\\a.ome.tif", "A.OME.TIF"])
def test_a_file_that_was_moved_since_it_named_itself_is_read(name: str, tmp_path: Path) -> None:
    frames = np.arange(3, dtype="u2")[:, None, None] + np.zeros(PLANE, "u2")
    for root in (True, False):
        path = set_of_tiff(tmp_path / "a.ome.tif", [(name, 3)], frames, root=root)
        with open_recording(path) as recording:
            assert [recording.frame(i).max() for i in range(3)] == [0, 1, 2]


def test_further_files_of_micro_manager_are_ordinary_ones(inbox: Path, secret: Path) -> None:
    # tifffile looks for them by the name of the first one.
    path = micro_manager(inbox / "in_MMStack_1.ome.tif", {"Frames": 2})
    with open_recording(path) as recording:
        assert len(recording) == 1
    (inbox / "in_MMStack_2.ome.tif").symlink_to(secret)
    with pytest.raises(FileFormatError, match=r"in_MMStack_2.* is a link"):
        open_recording(path)


def test_an_index_of_ndtiff_leads_to_no_other_folder(inbox: Path, secret: Path) -> None:
    path = micro_manager(inbox / "in_NDTiff.tif", {}, version=3)
    for name in (str(secret), "../private/secret.ome.tif"):
        ndtiff_index(inbox / "NDTiff.index", [({"time": 0}, path.name), ({"time": 1}, name)])
        with pytest.raises(FileFormatError, match=r"secret.*not opened"):
            open_recording(path)
    (inbox / "NDTiff.index").unlink()
    (inbox / "NDTiff.index").symlink_to(secret)
    with pytest.raises(FileFormatError, match=r"NDTiff\.index.* is a link"):
        open_recording(path)


# `python -m tests.torture.hostile` tries many of all these at random.


@pytest.mark.parametrize("way", SETS)
def test_no_way_of_reading_a_set_takes_pixels_from_another_folder(way: str, tmp_path: Path) -> None:
    path = hostile_set(tmp_path, way, random.Random(1))
    with tifffile.TiffFile(path) as file:  # the trap works: whoever trusts the file gets them
        pages = [page for series in file.series for page in series.pages if page is not None]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it says that it opens other files
            assert any((page.asarray() == 4242).any() for page in pages)
    assert try_recording(path, folder_in(tmp_path), write_stranger(tmp_path)) == []


@pytest.mark.parametrize("way", ZARR)
def test_no_way_of_reading_a_folder_takes_pixels_from_another_one(way: str, tmp_path: Path) -> None:
    path = hostile_zarr(tmp_path, way, random.Random(1))
    if "images" in way:
        assert (tifffile.imread(path / "7.tif") == 4242).all()
    else:
        zarr = pytest.importorskip("zarr")
        node = zarr.open(path, mode="r")
        if "attributes" in way:
            assert node.attrs["SECRET"] == 4242
        elif "array" in way:
            name = node.attrs["multiscales"][0]["datasets"][0]["path"]
            assert ".." in name or (node[name][:] == 4242).all()
        else:
            assert (node[:] == 4242).any()
    assert try_recording(path, folder_in(tmp_path), write_stranger(tmp_path)) == []


@pytest.mark.parametrize("number", range(3))
def test_sets_and_folders_made_at_random_lead_nowhere(number: int, tmp_path: Path) -> None:
    tried, defects = try_formats(5, number, tmp_path)
    assert len(tried) == 2
    assert defects == []


def folder_in(folder: Path) -> Path:
    (folder / "out").mkdir()
    return folder / "out"


# --- folders of images ---------------------------------------------------------------------------


@pytest.mark.parametrize("suffix", [".tif", ".png"])
@pytest.mark.parametrize("pattern", ["", "*_c1*"])
def test_a_link_out_of_a_folder_of_images_is_refused(
    suffix: str, pattern: str, inbox: Path, tmp_path: Path
) -> None:
    image = Image.fromarray(np.full(PLANE, 200, "u1"))
    image.save(tmp_path / f"secret{suffix}")
    image.save(inbox / f"1_c1{suffix}")
    (inbox / f"2_c1{suffix}").symlink_to(tmp_path / f"secret{suffix}")
    (inbox / f"3_c1{suffix}").symlink_to(f"1_c1{suffix}")
    with open_recording(inbox / pattern if pattern else inbox) as recording:
        assert len(recording) == 3
        assert recording.frame(2).max() == 200  # a link within the folder
        with pytest.raises(FileFormatError, match=r"2_c1\.\w+ leads out of this folder"):
            recording.frame(1)


@pipes
@pytest.mark.parametrize("name", ["1.tif", "2.tif", "2.png"])
def test_a_pipe_in_a_folder_of_images_is_not_waited_for(name: str, inbox: Path) -> None:
    Image.fromarray(np.zeros(PLANE, "u1")).save(inbox / f"3{name[1:]}")
    os.mkfifo(inbox / name)
    assert_refused_within_memory(inbox, "no ordinary file")


def test_an_image_in_a_folder_is_read_from_its_own_file(
    inbox: Path, secret: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    # Programs save a set as one file for each frame, all of which name the others.
    for number in range(2):
        names = [("1.tif", 1), (str(secret), 1)]
        frames = np.full((1, *PLANE), number, "u2")
        set_of_tiff(inbox / f"{number + 1}.tif", names[number:] + names[:number], frames)
    with open_recording(inbox) as recording:
        assert [recording.frame(i).max() for i in range(2)] == [0, 1]
    assert capfd.readouterr().err == ""


# --- memory: pages -------------------------------------------------------------------------------

#: Width, height, bits, compression, kind of pixels, and samples.
_TAGS = [(256, 4, 1, 20), (257, 4, 1, 24), (258, 3, 1, 16), (259, 3, 1, 1), (262, 3, 1, 1)]
_ONE = (277, 3, 1, 1)


def page_of(path: Path, compression: int, body: bytes) -> Path:
    """Write a small page in one strip."""
    tags = [*_TAGS[:3], (259, 3, 1, compression), _TAGS[4]]
    tags += [(273, 4, 1, -1), _ONE, (278, 4, 1, 24), (279, 4, 1, len(body))]
    return write_tiff(path, tags, body)


def tile_of(path: Path, side: int, body: bytes) -> Path:
    """Write a small page that fills a corner of a large tile."""
    tags = [*_TAGS[:3], (259, 3, 1, 8), _TAGS[4], _ONE, (322, 4, 1, side), (323, 4, 1, side)]
    return write_tiff(path, [*tags, (324, 4, 1, -1), (325, 4, 1, len(body))], body)


def zeros_in_zstd(size: int) -> bytes:
    block = (2**17 << 3 | 1 << 1).to_bytes(3, "little") + b"\0"
    return b"\x28\xb5\x2f\xfd\x00\x58" + block * (size // 2**17) + b"\1\0\0"


@pytest.mark.parametrize(
    ("compression", "body"),
    [
        (8, lambda: zlib.compress(bytes(2**28), 9)),
        (32773, lambda: b"\x81\x00" * 4_000_000),
        (32773, lambda: b"\x80" * 100 + b"\x81\x00" * 2_500_000),
        (34925, lambda: lzma.compress(bytes(2**28), preset=0)),
        (50000, lambda: zeros_in_zstd(2**28)),
        (7, lambda: b"\xff\xd8\xff\xc0\0\x0b\x08\xff\xff\xff\xff\x01\x01\x11\0" + bytes(99)),
        (33003, lambda: b"\xff\x4f\xff\x51\0\x29\0\0" + struct.pack(">4I", *(65000,) * 2, 0, 0)
            + bytes(16) + b"\0\1" + bytes(99)),
        (34933, lambda: b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + struct.pack(">IIB", 65000, 65000, 8)
            + bytes(9)),
        (50001, lambda: b"RIFF\0\0\0\0WEBPVP8X\x0a\0\0\0\0\0\0\0" + b"\xff" * 6 + bytes(99)),
    ],
)  # fmt: skip
@pytest.mark.parametrize("in_folder", [False, True])
def test_a_page_that_unpacks_to_more_than_it_announces_is_refused(
    compression: int, body: Callable[[], bytes], in_folder: bool, inbox: Path
) -> None:
    path = page_of(inbox / "1.tif", compression, body())
    assert_refused_within_memory(inbox if in_folder else path, "unpacks to more")


@pytest.mark.parametrize("in_folder", [False, True])
def test_a_tile_of_which_next_to_nothing_is_stored_is_refused(in_folder: bool, inbox: Path) -> None:
    path = tile_of(inbox / "1.tif", 20_000, zlib.compress(bytes(20_000 * 20_000 * 2), 9))
    assert_refused_within_memory(inbox if in_folder else path, "announces an image")


def test_directories_in_a_circle_are_refused_in_folders_too(inbox: Path) -> None:
    path = page_of(inbox / "1.tif", 1, bytes(960))
    data = bytearray(path.read_bytes())
    struct.pack_into("<I", data, 8 + 2 + 12 * 9, 8)
    path.write_bytes(bytes(data))
    assert_refused_within_memory(inbox, "go round in a circle")


def test_a_picture_of_which_next_to_nothing_is_stored_is_refused(inbox: Path) -> None:
    Image.fromarray(np.zeros((12_000, 12_000), "u1")).save(inbox / "1.png")
    assert_refused_within_memory(inbox, "announces an image")


def test_large_pictures_are_read_without_a_word(
    inbox: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    # Pillow warns of more than 89 million pixels.
    image = np.zeros((9_500, 9_500), "u1")
    image[:300] = np.random.default_rng(1).integers(0, 255, (300, 9_500))
    Image.fromarray(image).save(inbox / "1.png", compress_level=1)
    with open_recording(inbox) as recording:
        assert recording.shape == image.shape
    Image.fromarray(image).save(inbox / "lzw.tif", compression="tiff_lzw")
    with open_recording(inbox / "lzw.tif") as recording:
        np.testing.assert_array_equal(recording.frame(0)[:300], image[:300])
    assert capfd.readouterr().err == ""


# --- memory: images that are announced -----------------------------------------------------------

MODULO = (
    '<StructuredAnnotations><XMLAnnotation ID="A:0" Namespace="openmicroscopy.org/omero/dimension/'
    'modulo"><Value><Modulo><ModuloAlongT Type="lifetime" Start="0" End="{}" Step="1"/></Modulo>'
    "</Value></XMLAnnotation></StructuredAnnotations>"
)


@pytest.mark.parametrize(
    ("sizes", "blocks", "more"),
    [
        ({"T": 300_000_000}, 1, ""),
        ({"T": 30000, "C": 100, "Z": 100}, 1, ""),
        ({"T": 1}, 300_000_000, ""),
        ({"T": 1, "X": 300_000, "Y": 300_000}, 1, ""),
        ({"T": 1}, 1, MODULO.format(2 * 10**8)),
    ],
)
def test_ome_xml_that_announces_more_images_than_there_are_bytes_is_refused(
    sizes: dict[str, int], blocks: int, more: str, tmp_path: Path
) -> None:
    path = set_of_tiff(tmp_path / "a.ome.tif", [("a.ome.tif", blocks)], sizes=sizes, more=more)
    assert_refused_within_memory(path, "announces")


def test_pages_of_one_pixel_do_not_make_room_for_many(tmp_path: Path) -> None:
    # The reader of TIFF may take any page as the measure of all.
    pages = [np.ones(PLANE, "u2"), np.ones((1, 1), "u2")]
    path = set_of_tiff(
        tmp_path / "a.ome.tif", [("a.ome.tif", 1)], pages, sizes={"T": 1_000_000}, first=1
    )
    assert_refused_within_memory(path, "announces")


def test_other_ways_to_announce_many_images_take_no_memory_either(tmp_path: Path) -> None:
    path = micro_manager(tmp_path / "in_MMStack_1.ome.tif", {}, [(0, 0, 300_000_000, 0)])
    assert_refused_within_memory(path, "announces")
    path = micro_manager(tmp_path / "b_MMStack_1.ome.tif", {"Frames": 300_000_000})
    assert_refused_within_memory(path, "announces")
    path = micro_manager(tmp_path / "nd.tif", {}, version=3)
    ndtiff_index(
        tmp_path / "NDTiff.index", [({"time": 0}, "nd.tif"), ({"time": 300_000_000}, "nd.tif")]
    )
    assert_refused_within_memory(path, "announces")
    tifffile.imwrite(tmp_path / "s.tif", np.ones(PLANE, "u2"), metadata={"axes": "YX"})
    for text in (
        '{"shape": [300000000, 24, 20]}',
        "ImageJ=1.53\nimages=300000000\nframes=300000000",
    ):
        tifffile.tiffcomment(tmp_path / "s.tif", text)
        code, said, peak = convert_apart(tmp_path / "s.tif")
        assert peak < MOST, text
        assert code in (0, 1), said


def test_large_images_of_which_next_to_nothing_is_stored_do_not_fill_the_memory() -> None:
    # Two flipped bits in a CZI file of 7 kB: six such frames took 1.4 GB.
    with pytest.raises(FileFormatError, match="14×4194316 pixels, but holds only 7136 bytes"):
        check_size(Path("a.czi"), (14, 4194316), 2, 7136)
    check_size(Path("blank.tif"), (4096, 4096), 2, 7136)
    check_size(Path("a.czi"), (14, 4194316), 2, 2_000_000)
