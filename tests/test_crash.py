"""What is left by a program that was killed, and by a power cut; the long run is `make torture`."""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from flimage import remnants
from flimage.errors import FileAccessError
from flimage.export import folder as folder_module
from flimage.export.folder import atomic_folder
from flimage.output import atomic_output
from flimage.remnants import ASIDE_SUFFIX, PART_SUFFIX, remove_remnants, temporary_path

ROOT = Path(__file__).resolve().parents[1]
posix = pytest.mark.skipif(os.name != "posix", reason="processes are killed as on POSIX systems")


def torture(script: str, *arguments: str) -> str:
    """Run a script of tests/torture for a few seconds; it must find nothing."""
    done = subprocess.run(
        [sys.executable, "-m", f"tests.torture.{script}", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=240,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture
def left(tmp_path: Path) -> Path:
    """The temporary file of a process that was killed."""
    script = (
        "import os, sys; from flimage.output import atomic_output\n"
        "with atomic_output(sys.argv[1]) as part:\n"
        "    part.write_text('half'); os._exit(9)"
    )
    subprocess.run([sys.executable, "-c", script, str(tmp_path / "out.h5")], timeout=60)
    (part,) = tmp_path.iterdir()
    return part


@posix
def test_a_write_that_is_killed_leaves_the_old_file_or_the_new_one() -> None:
    out = torture("crash", "--kills", "12", "--only", "save", "session", "export")
    assert "save: killed at each of" in out


@posix
def test_a_power_cut_leaves_the_old_file_or_the_new_one_and_what_was_done() -> None:
    writes = ["save", "session", "export", *(["OME-Zarr"] if find_spec("zarr") else [])]
    out = torture("power_cut", "--cuts", "32", "--only", *writes)
    if "no disk can be mounted" in out:
        pytest.skip("this user may not mount disks, or there is no btrfs")
    assert "0 defects" in out


@posix
def test_unsaved_work_comes_back_after_a_window_was_killed() -> None:
    pytest.importorskip("PyQt5")
    assert "'windows that were killed': 2" in torture("journal_crash", "--kills", "2")


def test_the_next_one_who_writes_removes_what_a_killed_process_left(left: Path) -> None:
    with atomic_output(left.parent / "other.txt") as part:
        part.write_text("whole")
    assert [path.name for path in left.parent.iterdir()] == ["other.txt"]


def test_what_is_being_written_stays(tmp_path: Path) -> None:
    with atomic_output(tmp_path / "first.txt") as first:
        with atomic_output(tmp_path / "second.txt"):
            pass
        assert first.exists()
        # By another process that is alive.
        theirs = first.with_name(first.name.replace(f"-{os.getpid()}-", f"-{os.getppid()}-"))
        theirs.touch()
        assert remove_remnants(tmp_path) == []


def test_an_earlier_process_with_the_same_number_is_another_one(tmp_path: Path) -> None:
    part = temporary_path(tmp_path / "out.h5")
    token = remnants._token
    theirs = part.with_name(part.name.replace(token, "0" * len(token)))
    theirs.touch()
    assert remove_remnants(tmp_path) == [theirs]


def test_what_was_begun_before_the_power_cut_is_abandoned(
    left: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(remnants, "_is_alive", lambda pid: True)
    monkeypatch.setattr(remnants, "_boot_time", lambda: left.stat().st_mtime - 60)
    assert remove_remnants(left.parent) == []
    monkeypatch.setattr(remnants, "_boot_time", lambda: left.stat().st_mtime + 60)
    assert remove_remnants(left.parent) == [left]


def test_what_another_computer_writes_stays_for_a_week(
    left: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(remnants, "_home", lambda: "ffffffff")
    assert remove_remnants(left.parent) == []
    week = 7 * 86400
    changed = left.stat().st_mtime - week - 60
    os.utime(left, (changed, changed))
    assert remove_remnants(left.parent) == [left]


@pytest.mark.parametrize(
    "name", [".hidden", f".out.h5.0a1b2c3d{PART_SUFFIX}", f"out{PART_SUFFIX}", f".{PART_SUFFIX}"]
)
def test_files_of_others_are_never_removed(name: str, tmp_path: Path) -> None:
    (tmp_path / name).touch()
    os.utime(tmp_path / name, (0, 0))
    assert remove_remnants(tmp_path) == []
    assert remove_remnants(tmp_path / "absent") == []


def test_long_names_in_any_script_are_possible(tmp_path: Path) -> None:
    target = tmp_path / ("\N{HIRAGANA LETTER A}" * 82 + ".h5")
    with atomic_output(target) as part:
        part.write_text("long")
    assert target.read_text() == "long"


@pytest.mark.parametrize("at_once", [True, False], ids=["exchanged", "one after the other"])
def test_a_folder_is_replaced_as_a_whole(
    at_once: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not at_once:
        monkeypatch.setattr("flimage.export.folder._exchange", lambda *_: False)
    target = tmp_path / "out.zarr"
    for content in (".zarray", "zarr.json"):
        with atomic_folder(target, overwrite=True) as part:
            (part / content).write_text(content)
    assert [path.name for path in tmp_path.rglob("*")] == ["out.zarr", "zarr.json"]


def test_a_folder_that_cannot_be_looked_into_is_not_replaced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "out.zarr"
    target.mkdir()

    def fail(path: Path) -> None:
        raise OSError(errno.EMFILE, "Too many open files", str(path))

    monkeypatch.setattr("flimage.export.folder.remove_remnants", lambda folder: [])
    monkeypatch.setattr("flimage.export.folder.os.scandir", fail)
    with (
        pytest.raises(FileAccessError, match=r"out\.zarr could not .*: too many files are open;"),
        atomic_folder(target, overwrite=True),
    ):
        pass


@posix
def test_a_folder_that_was_removed_and_made_anew_is_no_result(tmp_path: Path) -> None:
    def write() -> None:
        with atomic_folder(tmp_path / "out.zarr") as part:
            (part / ".zgroup").write_text("first")
            shutil.rmtree(part)
            part.mkdir()
            (part / "0").write_text("last")

    with pytest.raises(FileAccessError, match="was removed meanwhile; try again"):
        write()
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_was_set_aside_by_a_killed_process_is_put_back(tmp_path: Path) -> None:
    aside = temporary_path(tmp_path / "out.zarr", ASIDE_SUFFIX)
    token = remnants._token
    aside = aside.with_name(aside.name.replace(token, "0" * len(token)))
    aside.mkdir()
    (aside / "old").touch()
    with pytest.raises(FileExistsError), atomic_folder(tmp_path / "out.zarr"):
        pass
    assert [path.name for path in tmp_path.rglob("*")] == ["out.zarr", "old"]


def test_a_folder_that_a_thread_makes_anew_after_the_failure_does_not_stay(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    late = iter(range(6))

    def write_on(seconds: float) -> None:
        """Write while the one who removes the folder waits, every other time."""
        if next(late, 1) % 2 == 0:
            (part / "late").mkdir(parents=True, exist_ok=True)

    monkeypatch.setattr(folder_module.time, "sleep", write_on)
    with pytest.raises(ValueError, match="stop"), atomic_folder(tmp_path / "a.zarr") as part:
        raise ValueError("stop")
    assert next(late, None) is None
    assert list(tmp_path.iterdir()) == []


def test_an_empty_folder_is_removed_although_it_cannot_be_looked_into(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # As where too many files are open.
    monkeypatch.setattr(shutil, "rmtree", lambda path, ignore_errors: None)
    with pytest.raises(ValueError, match="stop"), atomic_folder(tmp_path / "a.zarr"):
        raise ValueError("stop")
    assert list(tmp_path.iterdir()) == []
