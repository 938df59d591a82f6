"""Files that are files: nothing is read from, or replaced in place of, a pipe or a device."""

from __future__ import annotations

import stat
from pathlib import Path

from .errors import FileAccessError, FileFormatError

__all__ = ["check_regular", "read_small"]


def check_regular(path: Path) -> None:
    """Refuse what is neither a file nor a folder; what does not exist is let through.

    Reading a pipe would wait for somebody to write to it, and an output would take the place of a
    device.

    Raises
    ------
    flimage.errors.FileAccessError
    """
    try:
        mode = path.stat().st_mode
    except OSError:  # whoever opens it tells what is wrong
        return
    if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
        raise FileAccessError(
            f"{path} is no ordinary file, but a pipe, a socket or a device; copy what it gives into"
            " a file, or name another one."
        )


def read_small(path: Path, largest: int, what: str) -> bytes:
    """Read a whole file of which it is known how large it can be.

    Parameters
    ----------
    path
        The file.
    largest
        Size beyond which it cannot be what it should be [bytes].
    what
        What it should be, for messages: "a recipe".

    Raises
    ------
    flimage.errors.FileAccessError
        When it is no file.
    flimage.errors.FileFormatError
        When it is larger.
    OSError
        When it cannot be read.
    """
    check_regular(path)
    with path.open("rb") as file:
        data = file.read(largest + 1)
    if len(data) > largest:
        raise FileFormatError(f"{path} is too large for {what}; choose another file.")
    return data
