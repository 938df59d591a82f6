"""Files that are files: nothing is read from, or replaced in place of, a pipe or a device."""

from __future__ import annotations

import stat
from pathlib import Path

from .errors import FileAccessError, FileFormatError

__all__ = ["check_regular", "is_ordinary", "read_small"]


def is_ordinary(path: str | Path) -> bool:
    """Tell whether there is a file or a folder, or nothing, and no pipe, socket or device."""
    try:
        mode = Path(path).stat().st_mode
    except (OSError, ValueError):  # whoever opens it tells what is wrong
        return True
    return stat.S_ISREG(mode) or stat.S_ISDIR(mode)


def check_regular(path: Path) -> None:
    """Refuse what is neither a file nor a folder; what does not exist is let through.

    Reading a pipe would wait for somebody to write to it.

    Raises
    ------
    flimage.errors.FileAccessError
    """
    if not is_ordinary(path):
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
