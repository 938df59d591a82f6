"""What the disk or the system refuses: one sentence, a clean state, and work goes on."""

from __future__ import annotations

import errno
import os
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from test_crash import torture

from flimage import output
from flimage.disk_errors import reason_of
from flimage.errors import FileAccessError, MissingFileError
from flimage.output import atomic_output
from flimage.parallel import start_work

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from tests.torture.mounts import FILE_SYSTEMS

posix = pytest.mark.skipif(os.name != "posix", reason="limits are those of POSIX systems")


@posix
def test_whatever_is_refused_leaves_everything_as_it_was() -> None:
    faults = ("file-size limit", "quota at flush", "read-only folder", "target removed")
    faults += ("source cut",)
    out = torture("disk", "--rounds", "1", "--only", *faults, "--writes", "export", "save", "TIFF")
    assert "0 defects" in out


@posix
def test_a_disk_that_is_really_full_leaves_everything_as_it_was() -> None:
    writes = ("export", "save", "convert", "session")
    out = torture("disk", "--rounds", "1", "--only", "disk full", "--writes", *writes)
    assert "0 defects" in out
    missing = [system for system in FILE_SYSTEMS if f"no small {system} disk" in out]
    if missing:
        pytest.skip(f"this user may not mount small disks ({', '.join(missing)})")
    assert "the disk is full" in out


@posix
def test_a_quota_that_is_really_used_up_leaves_everything_as_it_was() -> None:
    writes = ("export", "save", "TIFF")
    out = torture("disk", "--rounds", "2", "--only", "quota", "--writes", *writes)
    assert "0 defects" in out
    if "no disk with a quota" in out:
        pytest.skip("this user may not mount a disk with a quota (btrfs)")
    assert "your share of the disk is used up" in out or "Disk quota exceeded" in out


@posix
def test_too_few_open_files_and_too_little_memory_are_said() -> None:
    faults = ("too many open files", "memory limit", "source replaced")
    out = torture("disk", "--rounds", "2", "--only", *faults, "--writes", "export", "save as")
    assert "0 defects" in out


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), "the disk is full"),
        (
            OSError("Can't write data (file write failed: x\n, errno = 28, buf = 0x1)"),
            "disk is full",
        ),
        (RuntimeError("Can't decrement id ref count (unable, errno = 27, x)"), "larger than files"),
        (RuntimeError("Unable to flush (something else)"), "Unable to flush"),
        (
            RuntimeError("Set slist enabled failed (x\n, errno = 27, buf = 0x1)"),
            "larger than files",
        ),
        (OSError(errno.EDQUOT, "Quota exceeded"), "your share of the disk"),
        (FileNotFoundError(errno.ENOENT, "No such file"), "was removed meanwhile"),
        (OSError(errno.ENOTCONN, "Not connected"), "not connected"),
        (OSError("strange"), "strange"),
        (RuntimeError("can't start new thread"), "too little memory"),
    ],
)
def test_the_reason_is_told_in_words(error: BaseException, words: str) -> None:
    reason = reason_of(error)
    assert reason is not None
    assert words in reason or words.capitalize() in reason.capitalize()
    assert "\n" not in reason


@pytest.mark.parametrize(
    "error",
    [ValueError("x"), RuntimeError("x"), MissingFileError("x"), MemoryError(), SystemExit()],
)
def test_what_is_none_of_the_system_keeps_its_own_words(error: BaseException) -> None:
    assert reason_of(error) is None


def test_a_full_disk_is_one_sentence_that_names_file_and_remedy(tmp_path: Path) -> None:
    def write() -> None:
        with atomic_output(tmp_path / "out.h5"):
            raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(FileAccessError, match=r"out\.h5 could not be written: the disk is full;"):
        write()
    assert list(tmp_path.iterdir()) == []


@posix
def test_a_drive_that_cannot_flush_a_folder_is_no_failure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fsync = os.fsync

    def flush(descriptor: int) -> None:
        if Path(f"/dev/fd/{descriptor}").resolve() == tmp_path.resolve():
            raise OSError(errno.EINVAL, "Invalid argument")
        fsync(descriptor)

    monkeypatch.setattr(output.os, "fsync", flush)
    with atomic_output(tmp_path / "out.txt") as part:
        part.write_text("whole")
    assert (tmp_path / "out.txt").read_text() == "whole"


def test_a_system_without_room_for_a_thread_is_out_of_memory(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(self: ThreadPoolExecutor, *args: object) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(ThreadPoolExecutor, "submit", refuse)
    with ThreadPoolExecutor(1) as pool, pytest.raises(MemoryError):
        start_work(pool, len, ())
