"""Pipes, devices, folders of others and the recording: nothing waits for or replaces them."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import tifffile
from h5py import is_hdf5

from flimage import FLSeries, Recipe
from flimage.convert import ORIGIN, convert
from flimage.errors import FileAccessError, FileFormatError, InputError, SameFileError
from flimage.output import atomic_output, holds
from flimage.readers import open_recording
from flimage.session_file import SessionFile, write_session
from flimage.session_reading import read_session

pytestmark = pytest.mark.skipif(os.name != "posix", reason="makes pipes")

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def pipe(tmp_path: Path) -> Callable[[str], Path]:
    def make(name: str) -> Path:
        os.mkfifo(tmp_path / name)
        return tmp_path / name

    return make


@pytest.mark.timeout(20)
def test_nothing_is_read_from_a_pipe(pipe: Callable[[str], Path]) -> None:
    for read, name in (
        (lambda path: FLSeries(h5file=path, h5mode="r"), "a.h5"),
        (open_recording, "a.tif"),
        (open_recording, "a.npz"),
        (Recipe.read, "a.json"),
        (read_session, "a.flsession"),
    ):
        path = pipe(name)
        with pytest.raises(FileAccessError, match=rf"{path} is no ordinary file, but a pipe"):
            read(path)


@pytest.mark.timeout(60)
def test_the_commands_say_so_too(pipe: Callable[[str], Path], run: Run, example: Path) -> None:
    fifo = pipe("in.h5")
    for words in (("info", fifo), ("bleach", fifo), ("bleach", example, "--recipe", fifo)):
        code, _, err = run(*words)
        assert code == 1
        assert "is no ordinary file, but a pipe" in err


def test_no_output_takes_the_place_of_a_pipe(pipe: Callable[[str], Path]) -> None:
    fifo = pipe("out.h5")
    with (
        pytest.raises(FileAccessError, match=r"no ordinary file.*which no output replaces; name a"),
        atomic_output(fifo, overwrite=True),
    ):
        pass
    assert stat.S_ISFIFO(fifo.stat().st_mode)


def test_no_folder_of_somebody_else_is_replaced(run: Run, example: Path, tmp_path: Path) -> None:
    pytest.importorskip("zarr")
    out = tmp_path / "mine.zarr"
    out.mkdir()
    (out / "thesis.txt").write_text("precious")
    words = ("export", example, out, "--images", "raw", "--frames", "0-1", "--overwrite")
    code, _, err = run(*words)
    assert code == 1
    assert "thesis.txt" in err
    assert (out / "thesis.txt").read_text() == "precious"
    (out / "thesis.txt").unlink()
    assert run(*words)[0] == 0, "an empty one is no loss"
    assert run(*words)[0] == 0, "and what was exported before is replaced"
    for name in ("notes.txt", "0/0/0/thesis.txt", "0/1.txt", "2/0"):
        (out / name).parent.mkdir(parents=True, exist_ok=True)
        (out / name).write_text("precious")
        code, _, err = run(*words)
        assert code == 1
        assert f"{name if name != '2/0' else '2'}; choose another name." in err
        assert (out / name).read_text() == "precious"
        (out / name).unlink()
    assert "--overwrite replaces" not in err
    (out / "2").rmdir()
    for name in (".DS_Store", "Thumbs.db", "._0", "0/.DS_Store"):
        (out / name).write_bytes(b"")
    assert run(*words)[0] == 0, "what systems leave anywhere is no loss"


@pytest.mark.parametrize("version", [2, 3])
@pytest.mark.parametrize("separator", [".", "/"])
def test_arrays_of_zarr_are_replaced_like_groups(
    version: int, separator: str, run: Run, example: Path, tmp_path: Path
) -> None:
    zarr = pytest.importorskip("zarr")
    out = tmp_path / "plain.zarr"
    array = zarr.create_array(
        out,
        shape=(4, 8, 8),
        chunks=(1, 4, 8),
        dtype="u2",
        zarr_format=version,
        chunk_key_encoding={"name": "v2" if version == 2 else "default", "separator": separator},
    )
    array[:] = 3
    array.attrs["by"] = "somebody"
    words = ("export", example, out, "--images", "raw", "--frames", "0-1")
    code, _, err = run(*words)
    assert code == 1
    assert "overwrite" in err
    (out / "notes.txt").write_text("precious")
    code, _, err = run(*words, "--overwrite")
    assert code == 1
    assert "it holds notes.txt; choose another name." in err
    assert "--overwrite" not in err
    (out / "notes.txt").unlink()
    assert run(*words, "--overwrite")[0] == 0
    assert (out / ".zgroup").exists()


def test_a_recording_is_not_converted_onto_a_part_of_itself(tmp_path: Path) -> None:
    folder = tmp_path / "frames"
    folder.mkdir()
    for number in range(3):
        tifffile.imwrite(folder / f"{number}.tif", np.full((24, 20), number, "u2"))
    before = {path: path.read_bytes() for path in folder.iterdir()}
    (tmp_path / "link.h5").symlink_to(folder / "1.tif")
    for source, out in (
        (folder, folder / "0.tif"),
        (folder, folder / ".." / folder.name / "0.tif"),
        (folder / "*.tif", folder / "2.tif"),
        (folder / "*.tif", tmp_path / "link.h5"),
        (folder / "0.tif", folder / "0.tif"),
    ):
        with pytest.raises(SameFileError, match="recording that is being read, or a part of it"):
            convert(source, out, interval=1.0, overwrite=True)
    assert {path: path.read_bytes() for path in folder.iterdir()} == before
    convert(folder / "*.tif", folder / "new.h5", interval=1.0)


def test_what_stands_beside_the_images_of_a_recording_may_be_replaced(
    run: Run, tmp_path: Path
) -> None:
    folder = tmp_path / "frames"
    folder.mkdir()
    for number in range(3):
        tifffile.imwrite(folder / f"{number}.tif", np.full((24, 20), number, "u2"))
    out = folder / "out.h5"
    for source in (folder, folder / "*.tif", folder / "[01].tif"):
        out.write_bytes(b"older")
        code, _, err = run("convert", source, out, "--interval", "1", "--overwrite")
        assert (code, err) == (0, "")
        assert is_hdf5(out)


def test_a_folder_that_is_named_by_a_dot_is_known_by_its_name(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "frames"
    (folder / "inside").mkdir(parents=True)
    for number in range(3):
        tifffile.imwrite(folder / f"{number}.tif", np.full((24, 20), number, "u2"))
    for where, name in ((folder, "."), (folder / "inside", "..")):
        monkeypatch.chdir(where)
        assert run("convert", name, tmp_path / "q.h5", "--interval", 1, "--overwrite")[0] == 0
        with FLSeries(h5file=tmp_path / "q.h5", h5mode="r") as series:
            assert json.loads(series.h5.attrs[ORIGIN])["file"] == "frames"
            assert series.identifier == "frames"


def test_a_recording_holds_its_own_files_alone(tmp_path: Path) -> None:
    folder = tmp_path / "frames"
    folder.mkdir()
    for name in ("a1.tif", "a2.TIF", "b1.tif", ".hidden.tif", "other.h5", "data.bin"):
        (folder / name).write_bytes(b"")
    (folder / "a3.tif").symlink_to(folder / "data.bin")
    (tmp_path / "hard.h5").hardlink_to(folder / "a1.tif")
    images = {"a1.tif", "a2.TIF", "a3.tif", "b1.tif", "data.bin", "../hard.h5"}
    names = (*images, ".hidden.tif", "other.h5", "missing.tif", "../missing.h5", "a" * 300, "\0")
    assert {name for name in names if holds(folder, folder / name)} == images
    assert {name for name in names if holds(folder / "a*.tif", folder / name)} == (
        images - {"b1.tif", "a2.TIF"} if os.name == "posix" else images - {"b1.tif"}
    )
    assert holds(folder / "other.h5", tmp_path / "frames" / ".." / "frames" / "other.h5")
    assert holds(Path(f"{folder / 'other.h5'}::/d"), folder / "other.h5")
    assert not holds(folder / "other.h5", folder / "a1.tif")
    assert not holds(tmp_path / "missing.h5", folder / "a1.tif")


def test_whatever_lies_in_a_zarr_folder_is_a_part_of_it(tmp_path: Path) -> None:
    folder = tmp_path / "cells.zarr"
    (folder / "0").mkdir(parents=True)
    (folder / "0" / "0.0").write_bytes(b"")
    assert all(holds(folder, folder / name) for name in (".", "0/0.0", "0/new", "new.h5"))
    assert not holds(folder, tmp_path / "new.h5")
    with pytest.raises(SameFileError), atomic_output(folder / "new.h5", source=folder):
        pass


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"\xff\xfe", "it is no text"),
        (b'{"region": []}', r"region is \[\]; give its kind and its points"),
        (b'{"background_region": 7}', "background_region is 7; give"),
        (b'{"region": null}', "region is None"),
        (b'{"model": []}', "model is"),
        (b'{"exclude": 3}', "not iterable"),
        (b"[]", "must be a JSON object"),
    ],
)
def test_what_is_no_recipe_is_refused_by_name(
    content: bytes, words: str, run: Run, example: Path, tmp_path: Path
) -> None:
    path = tmp_path / "recipe.json"
    path.write_bytes(content)
    with pytest.raises(InputError, match=rf"recipe\.json.*{words}"):
        Recipe.read(path)
    code, _, err = run("bleach", example, "--recipe", path)
    assert code == 1
    assert err.startswith("flimage: ")
    assert "Unexpected" not in err


def test_a_file_that_is_too_large_for_a_recipe_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "recipe.json"
    with path.open("wb") as file:
        file.truncate(1 << 40)
    with pytest.raises(FileFormatError, match=r"recipe\.json is too large for a recipe"):
        Recipe.read(path)
    path.write_text(json.dumps(Recipe(border_px=3).to_dict()))
    assert Recipe.read(path) == Recipe(border_px=3)


@pytest.fixture
def no_text(tmp_path: Path, example: Path) -> Path:
    """A recording in a file whose name is no text in UTF-8."""
    path = Path(os.fsdecode(os.fsencode(tmp_path) + b"/a\xff\xfe.h5"))
    try:
        shutil.copy(example, path)
    except OSError:
        pytest.skip("this file system takes names in UTF-8 only")
    return path


def test_a_name_that_is_no_text_is_no_reason_to_fail(
    no_text: Path, run: Run, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    out.mkdir()
    made = out / no_text.name
    extra = ("--report", out / "r.json", "--figure", out / "r.svg")
    assert run("bleach", no_text, made, *extra)[0] == 0
    assert run("verify", made, "--source", no_text)[0] == 0
    for name in ("a.ome.tif", "a.tif", "a.csv", "a.json", "a.html", "a.svg", "a.png"):
        code, _, err = run("export", no_text, out / name)
        assert (code, err) == (0, ""), name
    code, _, err = run("bleach", no_text, "--out-dir", tmp_path / "batch", "--pages")
    assert (code, err) == (0, "")
    stack = no_text.with_suffix(".tif")
    tifffile.imwrite(stack, np.zeros((5, 8, 9), np.uint16))
    assert run("convert", stack, out / "c.h5", "--interval", "1")[0] == 0
    session = write_session(SessionFile(no_text), tmp_path / "a.flsession")
    assert read_session(session).recording == no_text


@pytest.mark.parametrize(
    "environment", [{"PYTHONIOENCODING": "ascii"}, {"LC_ALL": "C", "PYTHONUTF8": "0"}]
)
def test_what_the_console_cannot_show_is_written_out(
    environment: dict[str, str], example: Path
) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "flimage.cli", "info", str(example)],
        env={**os.environ, "PYTHONCOERCECLOCALE": "0", **environment},
        capture_output=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, b"")
    assert rb"208 \xd7 176" in done.stdout


def test_a_closed_console_is_no_reason_to_fail(example: Path, tmp_path: Path) -> None:
    out = tmp_path / "o.h5"
    words = shlex.join([sys.executable, "-m", "flimage", "bleach", str(example), str(out)])
    done = subprocess.run(["sh", "-c", f"{words} >&-"], stderr=subprocess.PIPE, check=False)
    assert (done.returncode, done.stderr) == (0, b"")
    assert out.exists()
