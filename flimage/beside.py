"""Which further files a recording may be read from: ordinary ones in its own folder, by no link.

Sets of TIFF files name one another, and Zarr folders hold whatever somebody put there: in a file
from a stranger, a name or a link may lead to any file of whoever opens it, and a pipe keeps waiting
whoever reads it. What is read beside the file that was asked for goes through here.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path

from .errors import FileFormatError
from .regular import is_ordinary

__all__ = ["check_beside", "check_within", "is_plain"]


def is_plain(name: str) -> bool:
    """Tell whether a name is that of a file, without any folder, on every system."""
    separators = ("/", "\\", "\0", ":") if os.name == "nt" else ("/", "\\", "\0")
    return name not in ("", ".", "..") and not any(each in name for each in separators)


def check_within(path: Path, folder: str, place: Path, what: str) -> None:
    """Make sure that a file of a folder is in it, and is a file or a folder.

    Links within the folder are followed.

    Parameters
    ----------
    path
        The folder, for messages.
    folder
        Where it really is.
    place
        The file, which need not be there.
    what
        Its name, for messages.

    Raises
    ------
    flimage.errors.FileFormatError
        When it leads out of the folder, or is a pipe, a socket or a device.
    """
    real = os.path.realpath(place)
    if real != folder and not real.startswith(folder.rstrip(os.sep) + os.sep):
        raise FileFormatError(
            f"{path}: {what} leads out of this folder and is not followed; copy what it stands for"
            " into the folder."
        )
    if not is_ordinary(real):
        raise FileFormatError(
            f"{path}: {what} is no ordinary file, but a pipe, a socket or a device, which is not"
            " opened; remove it."
        )


def check_beside(path: Path, folder: Path, name: str) -> bool:
    """Make sure that a file that another one names is an ordinary one in the same folder.

    Parameters
    ----------
    path
        The file that names it, for messages.
    folder
        Where that file really is.
    name
        What it says.

    Returns
    -------
    bool
        Whether there is such a file.

    Raises
    ------
    flimage.errors.FileFormatError
        When the name leads to another folder, or to a link or anything else but a file.
    """
    if not is_plain(name):
        raise FileFormatError(
            f"{path} says that images are in the file {name!r}, which is not in the folder of"
            " this file and is not opened; export the recording as one file."
        )
    try:
        mode = (folder / name).lstat().st_mode
    except (OSError, ValueError):
        return False
    if not stat.S_ISREG(mode):
        what = "a link" if stat.S_ISLNK(mode) else "no ordinary file"
        raise FileFormatError(
            f"{path} says that images are in the file {name!r} beside it, which is {what} and is"
            " not opened; put the file itself in its place."
        )
    return True
