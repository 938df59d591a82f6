"""Which files of a folder, or of a pattern such as ``folder/*_c1.tif``, are images of a recording.

That is told by their names, without opening them.
"""

from __future__ import annotations

import fnmatch
import glob
import os
from collections.abc import Iterator
from pathlib import Path

__all__ = ["OTHER_SUFFIXES", "TIFF_SUFFIXES", "images_of", "is_pattern"]

#: Endings of images that are read by tifffile, and by Pillow.
TIFF_SUFFIXES = (".tif", ".tiff")
OTHER_SUFFIXES = (".bmp", ".gif", ".jpeg", ".jpg", ".pgm", ".png")


def is_pattern(path: Path) -> bool:
    """Tell whether a name stands for several files, such as ``folder/*_c1.tif``."""
    return not path.exists() and glob.has_magic(path.name) and path.parent.is_dir()


def images_of(path: Path) -> Iterator[os.DirEntry[str]]:
    """Find what has the name of an image in a folder, or of those that a pattern names.

    Parameters
    ----------
    path
        The folder or pattern. Hidden files of a folder are none of its images.

    Yields
    ------
    os.DirEntry
        In no order. Links and folders are among them.

    Raises
    ------
    OSError
        When the folder cannot be looked into.
    """
    whole = path.is_dir()
    with os.scandir(path if whole else path.parent) as entries:
        for entry in entries:
            suffix = Path(entry.name).suffix.lower()
            if suffix not in (*TIFF_SUFFIXES, *OTHER_SUFFIXES):
                continue
            if not entry.name.startswith(".") if whole else fnmatch.fnmatch(entry.name, path.name):
                yield entry
