"""Recordings in other formats from strangers: no other file is read, and memory stays."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import tifffile

from flimage.errors import FileFormatError
from flimage.readers import Selection, open_recording

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from tests.torture.hostile_formats import (
    PLANE,
    member,
    micro_manager,
    ndtiff_index,
    set_of_tiff,
    write_secret_tiff,
)

#: What a small file may take at most [MB], as the page on reliability promises, and how long [s].
MOST = 1000
LONGEST = 30

pipes = pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no pipes with names")


def convert_apart(path: Path, *options: str) -> tuple[int, str, int]:
    """Convert in a process of its own; exit code, what it said, and most memory [MB].

    The process ends when it takes several times what it may.
    """
    code = (
        "import resource, sys\n"
        "from flimage.cli import main\n"
        "used = int(open('/proc/self/statm').read().split()[0]) * resource.getpagesize()\n"
        "resource.setrlimit(resource.RLIMIT_AS, (used + 3 * 2**30,) * 2)\n"
        "code = main(sys.argv[1:])\n"
        "print('peak', resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)\n"
        "sys.exit(code)\n"
    )
    out = path.with_name("out.h5")
    arguments = ["convert", str(path), str(out), "--overwrite", "--interval", "1", "-q", *options]
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        capture_output=True,
        text=True,
        timeout=LONGEST,
        check=False,
    )
    assert "peak" in done.stdout, done.stderr
    return done.returncode, done.stderr, int(done.stdout.rpartition("peak ")[2])


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
    path = set_of_tiff(inbox / "in.ome.tif", [("in.ome.tif", 1), (name, 4)])
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
