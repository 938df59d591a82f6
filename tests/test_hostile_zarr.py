"""Zarr folders from strangers: nothing outside of them is read, and memory stays."""

from __future__ import annotations

import bz2
import gzip
import json
import lzma
import os
import struct
import sys
import warnings
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from flimage.errors import FileFormatError, FlimageError
from flimage.readers import open_recording

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from tests.test_hostile_formats import MOST, assert_refused_within_memory, pipes, run_apart
from tests.torture.hostile_formats import PLANE, zarr_folder

zarr = pytest.importorskip("zarr")

SECRET = bytes(range(65, 65 + 20)) * 24


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    """A file of the length of a chunk, as any file may be."""
    path = tmp_path / "id_rsa"
    path.write_bytes(SECRET)
    return path


@pytest.mark.parametrize("name", ["0.0.0", ".zarray", ".zattrs"])
def test_a_link_out_of_a_folder_is_refused(name: str, tmp_path: Path, secret: Path) -> None:
    folder = zarr_folder(tmp_path / "in.zarr", dtype="|u1")
    if name != "0.0.0":  # as good as the true one
        secret.write_bytes((folder / ".zarray").read_bytes() if name == ".zarray" else b"{}")
    (folder / name).unlink(missing_ok=True)
    (folder / name).symlink_to(secret)
    with (
        pytest.raises(FileFormatError, match=r"in\.zarr: .*leads out of this folder.*not followed"),
        open_recording(folder) as recording,
    ):
        recording.frame(0)


@pytest.mark.parametrize("version", [2, 3])
def test_a_folder_that_is_a_link_is_refused(version: int, tmp_path: Path) -> None:
    private = tmp_path / "private.zarr"
    images = np.ones((2, *PLANE), "u2")
    options: dict[str, Any] = {"shards": (2, *PLANE)} if version == 3 else {}
    made = zarr.create_array(
        private / "0", data=images, chunks=(1, *PLANE), zarr_format=version, **options
    )
    assert made.shape == images.shape
    group = tmp_path / "in.zarr"
    axes = [{"name": name} for name in "tyx"]
    ome = {"multiscales": [{"axes": axes, "datasets": [{"path": "0"}]}]}
    zarr.open_group(group, mode="w", zarr_format=version).attrs.update(ome)
    (group / "0").symlink_to(private / "0")
    with pytest.raises(FileFormatError, match="leads out of this folder"):
        open_recording(group)
    (group / "0").unlink()
    described = json.loads((group / (".zattrs" if version == 2 else "zarr.json")).read_text())
    place = described if version == 2 else described["attributes"]
    place["multiscales"][0]["datasets"][0]["path"] = "../private.zarr/0"
    (group / (".zattrs" if version == 2 else "zarr.json")).write_text(json.dumps(described))
    with pytest.raises(FileFormatError, match=r"in\.zarr"):
        open_recording(group)


def test_a_link_within_a_folder_is_followed(tmp_path: Path) -> None:
    folder = zarr_folder(tmp_path / "in.zarr")
    (folder / "1.0.0").unlink()
    (folder / "1.0.0").symlink_to("0.0.0")
    (tmp_path / "chosen.zarr").symlink_to(folder)
    with open_recording(tmp_path / "chosen.zarr") as recording:
        assert (recording.frame(0) == recording.frame(1)).all()


@pipes
@pytest.mark.parametrize("name", ["0.0.0", ".zarray"])
def test_a_pipe_in_a_folder_is_not_waited_for(name: str, tmp_path: Path) -> None:
    folder = zarr_folder(tmp_path / "in.zarr")
    (folder / name).unlink()
    os.mkfifo(folder / name)
    assert_refused_within_memory(folder, "no ordinary file")


# --- memory --------------------------------------------------------------------------------------

ZEROS = 2**28


def _zlib() -> bytes:
    return zlib.compress(bytes(ZEROS), 9)


def _lzma() -> bytes:
    return lzma.compress(bytes(ZEROS), preset=0)


def _of_numcodecs(name: str) -> bytes:
    import numcodecs

    return bytes(numcodecs.get_codec({"id": name}).encode(np.zeros(ZEROS, "u1")))


def _silent_zstd() -> bytes:
    """A frame of blocks that repeat a byte, which does not say how many there will be."""
    block = (2**17 << 3 | 1 << 1).to_bytes(3, "little") + b"\0"
    return b"\x28\xb5\x2f\xfd\x00\x58" + block * (ZEROS // 2**17 - 1) + b"\1\0\0"


BOMBS: dict[str, tuple[dict[str, Any], Callable[[], bytes]]] = {
    "zlib": ({"id": "zlib", "level": 1}, _zlib),
    "gzip": ({"id": "gzip", "level": 1}, lambda: gzip.compress(bytes(ZEROS), 9)),
    "gzip, twice": (
        {"id": "gzip", "level": 1},
        lambda: gzip.compress(bytes(960)) + gzip.compress(bytes(ZEROS), 9),
    ),
    "bz2": ({"id": "bz2", "level": 1}, lambda: bz2.compress(bytes(ZEROS))),
    "lzma": (
        {"id": "lzma", "format": 1, "check": -1, "preset": None, "filters": None},
        _lzma,
    ),
    "zstd": ({"id": "zstd", "level": 1}, lambda: _of_numcodecs("zstd")),
    "zstd that does not say": ({"id": "zstd", "level": 1}, _silent_zstd),
    "blosc": ({"id": "blosc"}, lambda: _of_numcodecs("blosc")),
    "lz4": ({"id": "lz4"}, lambda: _of_numcodecs("lz4")),
}


@pytest.mark.parametrize("kind", BOMBS)
def test_a_chunk_that_unpacks_to_more_than_it_announces_is_refused(
    kind: str, tmp_path: Path
) -> None:
    codec, bomb = BOMBS[kind]
    folder = zarr_folder(tmp_path / "in.zarr", compressor=codec)
    (folder / "0.0.0").write_bytes(bomb())
    assert_refused_within_memory(folder, "unpacks to more")
    assert_refused_within_memory(folder, "Frame 0: ")


def test_a_filter_that_unpacks_to_more_is_refused(tmp_path: Path) -> None:
    codec = {"id": "zlib", "level": 1}
    folder = zarr_folder(tmp_path / "in.zarr", compressor=codec, filters=[codec])
    (folder / "0.0.0").write_bytes(zlib.compress(_zlib()))
    assert_refused_within_memory(folder, "unpacks to more")


@pytest.mark.parametrize("sharded", [False, True])
def test_a_chunk_of_version_3_that_unpacks_to_more_is_refused(
    sharded: bool, tmp_path: Path
) -> None:
    folder = tmp_path / "in.zarr"
    options: dict[str, Any] = {"shards": (2, *PLANE)} if sharded else {}
    array = zarr.create_array(
        folder,
        shape=(2, *PLANE),
        chunks=(1, *PLANE),
        dtype="u2",
        zarr_format=3,
        compressors=zarr.codecs.GzipCodec(level=1),
        **options,
    )
    array[:] = 7
    chunk = next(path for path in (folder / "c").rglob("*") if path.is_file())
    bomb = gzip.compress(bytes(ZEROS), 9)
    if sharded:
        described = json.loads((folder / "zarr.json").read_text())
        bare = [{"name": "bytes", "configuration": {"endian": "little"}}]
        described["codecs"][0]["configuration"]["index_codecs"] = bare
        (folder / "zarr.json").write_text(json.dumps(described))
        nothing = 2**64 - 1
        bomb += struct.pack("<4Q", 0, len(bomb), nothing, nothing)
    chunk.write_bytes(bomb)
    assert_refused_within_memory(folder, "unpacks to more")


@pytest.mark.parametrize(
    ("shape", "chunks"),
    [
        ([3, 24, 20], [1, 32768, 32768]),
        ([300_000_000, 24, 20], [1, 24, 20]),
        ([3, 8000, 8000], [1, 1, 1]),
        ([3, 2**31, 2**31], [1, 2**31, 2**31]),
    ],
)
def test_arrays_that_announce_what_cannot_be_stored_are_refused(
    shape: list[int], chunks: list[int], tmp_path: Path
) -> None:
    folder = zarr_folder(tmp_path / "in.zarr", shape=shape, chunks=chunks)
    assert_refused_within_memory(folder, "announces")


def test_large_chunks_are_decoded_one_after_the_other(tmp_path: Path) -> None:
    # Each is as large as it may be for what is stored of it.
    codec = {"id": "zlib", "level": 1}
    folder = zarr_folder(
        tmp_path / "in.zarr",
        shape=[500_000, 60, 24],
        chunks=[500_000, 60, 1],
        compressor=codec,
    )
    chunk = zlib.compress(bytes(60_000_000), 1)
    for number in range(24):
        (folder / f"0.0.{number}").write_bytes(chunk)
    _, said, peak = run_apart(
        "import zarr\n"
        "zarr.config.set({'threading.max_workers': 16})\n"  # as on a large computer
        "from flimage.readers import open_recording\n"
        "with open_recording(sys.argv[1]) as recording:\n"
        "    code = int(recording.frame(0).any())",
        str(folder),
    )
    assert peak < MOST, said


def test_objects_are_never_made(tmp_path: Path) -> None:
    for codec in ("pickle", "json2", "msgpack2", "vlen-utf8"):
        folder = zarr_folder(tmp_path / f"{codec}.zarr", dtype="|O", filters=[{"id": codec}])
        with pytest.raises(FlimageError, match=r"\.zarr"), open_recording(folder) as recording:
            recording.frame(0)


# --- good folders --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "codec",
    [
        None,
        {"id": "zlib", "level": 1},
        {"id": "gzip", "level": 1},
        {"id": "bz2", "level": 1},
        {"id": "lzma", "format": 1, "check": -1, "preset": None, "filters": None},
        {"id": "zstd", "level": 1},
        {"id": "blosc"},
        {"id": "lz4"},
    ],
)
def test_every_compression_of_version_2_is_read(
    codec: dict[str, Any] | None, tmp_path: Path
) -> None:
    import numcodecs

    images = np.arange(3 * 40 * 50, dtype="u2").reshape(3, 40, 50)
    array = zarr.create_array(
        tmp_path / "a.zarr",
        shape=images.shape,
        chunks=(2, 16, 16),
        dtype="u2",
        zarr_format=2,
        compressors=None if codec is None else numcodecs.get_codec(codec),
        filters=[numcodecs.Delta(dtype="u2")],
    )
    array[:] = images
    with open_recording(tmp_path / "a.zarr") as recording:
        for number, image in enumerate(images):
            np.testing.assert_array_equal(recording.frame(number), image)


@pytest.mark.parametrize("sharded", [False, True])
@pytest.mark.parametrize("name", ["gzip", "blosc", "zstd", "numcodecs.zlib", "numcodecs.lzma"])
def test_every_compression_of_version_3_is_read(name: str, sharded: bool, tmp_path: Path) -> None:
    images = np.arange(4 * 40 * 50, dtype="u2").reshape(4, 40, 50)
    options: dict[str, Any] = {"shards": (2, 64, 64)} if sharded else {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # codecs that the specification does not know
        array = zarr.create_array(
            tmp_path / "a.zarr",
            shape=images.shape,
            chunks=(1, 16, 32),
            dtype="u2",
            zarr_format=3,
            compressors=[{"name": name, "configuration": {}}],
            **options,
        )
        array[:] = images
    with open_recording(tmp_path / "a.zarr") as recording:
        for number, image in enumerate(images):
            np.testing.assert_array_equal(recording.frame(number), image)
