"""Session files: what is written is read again, and whatever is wrong is said plainly."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from flimage.errors import FileFormatError
from flimage.recipe import Recipe, Region
from flimage.region_traces import NamedRegion
from flimage.session_file import SessionFile, View, write_session
from flimage.session_reading import read_session
from flimage.source import Edits

IMAGE = np.linspace(0, 1, 12, dtype=np.float32).reshape(3, 4)


def a_session(folder: Path) -> SessionFile:
    edits = Edits().with_order([2, 0]).with_background([0, 2], IMAGE).with_background([1], None)
    return SessionFile(
        folder / "cells.h5",
        Recipe(border_px=3, region=Region("ellipse", ((1, 2), (3, 4))), exclude=(1, 5)),
        (NamedRegion("nucleus µ", Region("polygon", ((0, 0), (4, 0), (4, 4))), "#123456"),),
        edits.with_meta({2: {"time": 1.5, "identifier": "x"}, 0: {"pixel size": None}}),
        View(
            1,
            "bleach-corrected",
            (1.5, 2.0, 10.0, 12.0),
            {"raw": (1.0, 200.0)},
            "Viridis",
            ("border", "time"),
            "swipe",
            "raw",
            ("traceDock",),
        ),
    )


@pytest.fixture
def written(tmp_path: Path) -> Path:
    (tmp_path / "cells.h5").write_bytes(b"as if")
    return write_session(a_session(tmp_path), tmp_path / "cells.flsession")


def test_what_is_written_is_read_again(written: Path) -> None:
    wanted, read = a_session(written.parent), read_session(written)
    assert read.recording == wanted.recording
    assert (read.recipe, read.regions, read.view) == (wanted.recipe, wanted.regions, wanted.view)
    assert read.edits.order == (2, 0)
    assert read.edits.meta == wanted.edits.meta
    assert read.edits.backgrounds[1] is None
    assert read.edits.backgrounds[0] is read.edits.backgrounds[2]
    np.testing.assert_array_equal(read.edits.backgrounds[0], IMAGE)
    assert not read.recording_changed
    wanted.recording.write_bytes(b"another one")
    assert read_session(written).recording_changed


def test_the_recording_is_found_after_the_folder_was_moved(written: Path, tmp_path: Path) -> None:
    moved = tmp_path / "elsewhere"
    moved.mkdir()
    for name in ("cells.h5", "cells.flsession"):
        (tmp_path / name).rename(moved / name)
    assert read_session(moved / "cells.flsession").recording == moved / "cells.h5"


def test_the_recording_is_found_after_the_session_file_alone_was_moved(
    written: Path, tmp_path: Path
) -> None:
    (tmp_path / "elsewhere").mkdir()
    moved = written.rename(tmp_path / "elsewhere" / "cells.flsession")
    assert read_session(moved).recording == tmp_path / "cells.h5"


def set_in(content: Any, key: str, value: Any) -> None:
    *path, last = key.split("/")
    for each in path:
        content = content[int(each)] if isinstance(content, list) else content[each]
    content[int(last) if isinstance(content, list) else last] = value


@pytest.mark.parametrize(
    ("key", "value", "words"),
    [
        ("flsession", 2, ["flsession is 2", "update"]),
        ("flsession", "x", ["flsession is"]),
        ("surprise", 1, ["surprise is 1", "unknown"]),
        ("recording", [], ["recording is []", "object"]),
        ("recording/absolute", None, ["recording.absolute is null"]),
        ("recording/fingerprint", [1], ["recording.fingerprint"]),
        ("recipe/border_px", -1, ["recipe", "border_px is -1"]),
        ("recipe/model", "magic", ["recipe", "magic", "exponential"]),
        ("recipe/region", {"kind": "ellipse"}, ["recipe", "ellipse needs 2"]),
        ("regions/0/color", "red", ["regions[0].color", '"red"', "#e69f00"]),
        ("regions/0/region", 7, ["regions[0]"]),
        ("edits/order", [0, 0], ["edits.order is [0, 0]", "once"]),
        ("edits/order", [], ["edits.order is []"]),
        ("edits/order", [0.5], ["edits.order is 0.5"]),
        ("edits/meta/2/time", "soon", ["edits.meta.2.time", '"soon"', "finite"]),
        ("edits/meta/x", {}, ["edits.meta", '"x"', "number of a frame"]),
        ("edits/meta/2/color", 1, ["edits.meta.2.color", "cannot be edited"]),
        ("edits/backgrounds/0", 5, ["edits.backgrounds.0 is 5", "there are 1 images"]),
        ("edits/images/0/shape", [3, 5], ["edits.images[0].shape", "another size"]),
        ("edits/images/0/shape", [1 << 20, 1 << 20], ["edits.images[0].shape"]),
        ("edits/images/0/data", "@@@", ["edits.images[0].data", "damaged"]),
        ("view/frame", True, ["view.frame is true", "whole number"]),
        ("view/shown", "nothing", ["view.shown", "raw, background"]),
        ("view/area", [5, 0, 1, 2], ["view.area", "x0 < x1"]),
        ("view/area", [0, 0, float("inf"), 2], ["view.area", "finite"]),
        ("view/levels/raw", [2, 1], ["view.levels.raw", "smaller"]),
        ("view/overlays", ["clouds"], ["view.overlays", "border"]),
        ("view/compare", "maybe", ["view.compare", "swipe"]),
        ("view/panels", [1], ["view.panels is 1"]),
        ("view/colour", 1, ["view.colour", "unknown"]),
    ],
)
def test_a_wrong_value_is_refused_with_file_key_value_and_remedy(
    written: Path, key: str, value: Any, words: list[str]
) -> None:
    content = json.loads(written.read_text(encoding="utf-8"))
    set_in(content, key, value)
    written.write_text(json.dumps(content), encoding="utf-8")
    with pytest.raises(FileFormatError) as caught:
        read_session(written)
    for word in (str(written), *words):
        assert word in str(caught.value)
    assert str(caught.value).count("\n") == 0


@pytest.mark.parametrize("text", ["", "{", "[]", '{"format": 1}', "[" * 100_000, "\x00\xff"])
def test_something_else_is_no_session_file(tmp_path: Path, text: str) -> None:
    path = tmp_path / "x.flsession"
    path.write_bytes(text.encode("latin-1"))
    with pytest.raises(FileFormatError, match="no session file"):
        read_session(path)


def test_an_image_unpacks_to_no_more_than_its_size(written: Path) -> None:
    import base64
    import zlib

    content = json.loads(written.read_text(encoding="utf-8"))
    bomb = base64.b64encode(zlib.compress(bytes(50_000_000), 9)).decode()
    content["edits"]["images"][0]["data"] = bomb
    written.write_text(json.dumps(content), encoding="utf-8")
    with pytest.raises(FileFormatError, match="another size"):
        read_session(written)


def test_a_failure_while_writing_keeps_the_old_file(written: Path, monkeypatch) -> None:
    before = written.read_bytes()

    def fail(*args: object, **options: object) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(Path, "write_text", fail)
    with pytest.raises(OSError, match="disk full"):
        write_session(a_session(written.parent), written)
    assert written.read_bytes() == before
    assert {each.name for each in written.parent.iterdir()} == {"cells.h5", "cells.flsession"}
