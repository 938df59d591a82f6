"""Session files from strangers: memory stays, and a pipe is not waited for."""

from __future__ import annotations

import base64
import json
import os
import sys
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from flimage.errors import FileFormatError
from flimage.session_file import SessionFile, write_session
from flimage.session_reading import read_session
from flimage.source import Edits

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from tests.test_hostile_formats import pipes, run_apart

READ = """
from flimage.errors import FlimageError
from flimage.session_reading import read_session
try:
    read_session(sys.argv[1])
    code = 0
except FlimageError as error:
    print(error, file=sys.stderr)
    code = 1
"""

#: What reading may take [MB]; the libraries take some sixty.
MOST = 250


def session_of(folder: Path, images: list[dict[str, Any]]) -> Path:
    path = folder / "a.flsession"
    content = {
        "flsession": 1,
        "recording": {"absolute": str(folder / "x.h5")},
        "edits": {"images": images},
    }
    path.write_text(json.dumps(content), encoding="utf-8")
    return path


def image_of(shape: tuple[int, int], size: int) -> dict[str, Any]:
    """An image of zeros, of any number of bytes."""
    packer, zeros = zlib.compressobj(9), bytes(2**24)
    packed = b"".join(packer.compress(zeros[: size - at]) for at in range(0, size, len(zeros)))
    data = base64.b64encode(packed + packer.flush()).decode()
    return {"shape": list(shape), "data": data}


def assert_refused(path: Path, *words: str) -> None:
    code, said, peak = run_apart(READ, str(path))
    assert code == 1, said
    assert said.startswith(str(path))
    for word in words:
        assert word in said
    assert peak < MOST


def test_an_image_that_unpacks_to_more_than_its_size_is_refused(tmp_path: Path) -> None:
    path = session_of(tmp_path, [image_of((3, 4), 2**29)])
    assert_refused(path, "edits.images[0].shape", "another size")


def test_a_large_image_of_which_next_to_nothing_is_stored_is_refused(tmp_path: Path) -> None:
    path = session_of(tmp_path, [image_of((8192, 16384), 2**29)])
    assert_refused(path, "edits.images[0].shape", "bytes are stored of it")


def test_many_images_of_which_next_to_nothing_is_stored_are_refused(tmp_path: Path) -> None:
    path = session_of(tmp_path, [image_of((4096, 4096), 2**26)] * 12)
    assert_refused(path, "edits.images", "12 images", "are stored")


def test_images_are_not_copied(tmp_path: Path) -> None:
    path = session_of(tmp_path, [image_of((5700, 5700), 4 * 5700**2)])
    code, said, peak = run_apart(READ, str(path))
    assert code == 0, said
    assert peak < MOST  # 130 MB of image


def test_large_images_with_noise_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("flimage.session_reading._LARGE_IMAGE", 1000)
    monkeypatch.setattr("flimage.session_reading._LARGE_IMAGES", 1000)
    image = np.random.default_rng(1).normal(100, 1, (30, 40)).astype("f4")
    session = SessionFile(tmp_path / "x.h5", edits=Edits().with_background([0, 3], image))
    read = read_session(write_session(session, tmp_path / "a.flsession"))
    found = read.edits.backgrounds[0]
    assert found is read.edits.backgrounds[3]
    assert found is not None
    assert found.dtype == np.float32
    assert not found.flags.writeable
    np.testing.assert_array_equal(found, image)
    blank = SessionFile(tmp_path / "x.h5", edits=Edits().with_background([0], np.ones((300, 400))))
    with pytest.raises(FileFormatError, match="bytes are stored"):
        read_session(write_session(blank, tmp_path / "a.flsession"))


@pipes
def test_a_pipe_in_place_of_a_session_file_is_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.flsession")
    assert_refused(tmp_path / "a.flsession", "no ordinary file")
