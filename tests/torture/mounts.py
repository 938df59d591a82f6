"""Small disks of their own, which really get full, have a quota, or lose power."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path

__all__ = ["FILE_SYSTEMS", "limit_quota", "mounted_image", "quota_disk", "small_disk"]

#: One refuses a write at once, the other may find out later, when it is flushed.
FILE_SYSTEMS = ("tmpfs", "ext4")


@contextlib.contextmanager
def small_disk(folder: Path, file_system: str) -> Iterator[Path | None]:
    """Provide a folder on a small disk; None where the user may not mount one.

    Parameters
    ----------
    folder
        Where it is mounted; it is created.
    file_system
        One of :data:`FILE_SYSTEMS`.
    """
    if file_system == "ext4":
        with mounted_image(folder, ("mkfs.ext4", "-q", "-F", "-m", "0"), 12 << 20) as mounted:
            yield mounted
        return
    folder.mkdir()
    made = _may_mount() and _does("mount", "-t", "tmpfs", "-o", "size=6m", "tmpfs", str(folder))
    try:
        yield folder if made else None
    finally:
        if made:
            subprocess.run(["umount", str(folder)], check=True)


@contextlib.contextmanager
def mounted_image(
    folder: Path, make: Sequence[str], size: int, options: str = "loop", image: Path | None = None
) -> Iterator[Path | None]:
    """Make a file system in a file, and mount it; None where the user may not.

    Parameters
    ----------
    folder
        Where it is mounted; it is created.
    make
        Command that makes the file system, without the file; empty where it is there already.
    size
        Of the disk [bytes].
    options
        For mounting.
    image
        The file; beside the folder by default.
    """
    folder.mkdir(exist_ok=True)
    image = folder.with_suffix(".img") if image is None else image
    made = _may_mount() and (not make or shutil.which(make[0]) is not None)
    if made and make:
        with image.open("wb") as file:
            file.truncate(size)
        made = _does(*make, str(image))
    made = made and _does("mount", "-o", options, str(image), str(folder))
    try:
        yield folder if made else None
    finally:
        if made:
            subprocess.run(["umount", str(folder)], check=True)


@contextlib.contextmanager
def quota_disk(folder: Path) -> Iterator[Path | None]:
    """Provide a folder for which the system enforces a quota, see :func:`limit_quota`.

    None where the user may not mount one, or there is no btrfs.
    """
    with mounted_image(folder, ("mkfs.btrfs", "-q"), 256 << 20) as mounted:
        part = folder / "part"
        made = mounted is not None and (
            _does("btrfs", "quota", "enable", str(folder))
            and _does("btrfs", "subvolume", "create", str(part))
        )
        yield part if made else None


@contextlib.contextmanager
def limit_quota(part: Path, left: int) -> Iterator[None]:
    """Let a folder of :func:`quota_disk` take so many more bytes, and no more."""
    subprocess.run(["btrfs", "filesystem", "sync", str(part)], check=True, capture_output=True)
    shown = subprocess.run(
        ["btrfs", "qgroup", "show", "--raw", "-f", str(part)],
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    used = re.search(r"^(0/[0-9]+) +([0-9]+)", shown, re.MULTILINE)
    assert used is not None, shown

    def limit(to: str) -> None:
        # Named by the disk: the folder itself may take nothing any more.
        words = ["btrfs", "qgroup", "limit", to, used[1], str(part.parent)]
        subprocess.run(words, check=True)

    limit(str(int(used[2]) + left))
    try:
        yield
    finally:
        limit("none")


def _may_mount() -> bool:
    return os.name == "posix" and os.geteuid() == 0 and shutil.which("mount") is not None


def _does(*command: str) -> bool:
    """Run a command, and tell whether it succeeded."""
    try:
        return not subprocess.run(command, capture_output=True).returncode
    except FileNotFoundError:
        return False
