"""Small disks that really get full, where the user may mount them."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

__all__ = ["FILE_SYSTEMS", "small_disk"]

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
    folder.mkdir()
    mounted = os.geteuid() == 0 and shutil.which("mount") is not None
    if file_system == "tmpfs":
        mounted = mounted and _does("mount", "-t", "tmpfs", "-o", "size=6m", "tmpfs", str(folder))
    else:
        image = folder.with_suffix(".img")
        mounted = mounted and shutil.which("mkfs.ext4") is not None
        if mounted:
            with image.open("wb") as file:
                file.truncate(12 << 20)
        mounted = (
            mounted
            and _does("mkfs.ext4", "-q", "-F", "-m", "0", str(image))
            and _does("mount", "-o", "loop", str(image), str(folder))
        )
    try:
        yield folder if mounted else None
    finally:
        if mounted:
            subprocess.run(["umount", str(folder)], check=True)


def _does(*command: str) -> bool:
    """Run a command, and tell whether it succeeded."""
    return not subprocess.run(command, capture_output=True).returncode
