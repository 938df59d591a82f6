"""Folders that appear whole or not at all, like files by :func:`flimage.output.atomic_output`."""

from __future__ import annotations

import contextlib
import ctypes
import errno
import os
import re
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from ..disk_errors import reason_of
from ..errors import (
    FileAccessError,
    MissingFileError,
    NeverReplacedError,
    OutputExistsError,
    SameFileError,
)
from ..output import flush_folder
from ..remnants import ASIDE_SUFFIX, remove_remnants, temporary_path

__all__ = ["atomic_folder"]


#: Names of the files by which a Zarr folder is known.
_ZARR = (".zarray", ".zattrs", ".zgroup", ".zmetadata", "zarr.json")

#: Files that systems leave in any folder that somebody looks into.
_OF_SYSTEMS = (".DS_Store", "Thumbs.db", "desktop.ini")

#: Names of chunks, and of the folders in which they lie.
_CHUNK = re.compile(r"c|(c\.)?[0-9]+(\.[0-9]+)*")

#: How often it is tried to remove a folder, every 20 ms, and how often it has to be found gone.
_MOST_TRIES = 50
_GONE = 4


@contextlib.contextmanager
def atomic_folder(
    path: str | os.PathLike[str],
    overwrite: bool = False,
    source: str | os.PathLike[str] | None = None,
) -> Iterator[Path]:
    """Fill a folder under a temporary name and put it in place when it is complete.

    Parameters
    ----------
    path
        The folder that is to appear.
    overwrite
        Replace an existing folder; otherwise it is refused. A file is never replaced.
    source
        The recording that is being read; it must not be the folder or lie in it.

    Yields
    ------
    pathlib.Path
        A temporary folder beside `path`. It is removed on any exception; what a killed process
        could not remove is removed by the next one that writes beside it.

    Raises
    ------
    flimage.errors.SameFileError
        When `path` is or holds `source`.
    flimage.errors.OutputExistsError
        When `path` exists and `overwrite` is not set, it is a file, or it holds anything that Zarr
        has not written.
    flimage.errors.MissingFileError
        When the folder that it is to lie in does not exist.
    flimage.errors.FileAccessError
        When nothing can be written there.
    """
    target = Path(path).resolve()
    if source is not None and target in (Path(source).resolve(), *Path(source).resolve().parents):
        raise SameFileError(f"{path} holds the recording that is being read; choose another name.")
    if not target.parent.is_dir():
        raise MissingFileError(f"There is no folder {target.parent}; create it first.")
    # First: an older folder may be put back, which then exists.
    remove_remnants(target.parent)
    if target.exists() and not target.is_dir():
        raise NeverReplacedError(f"{path} is a file, not a folder; choose another name.")
    if target.exists() and not overwrite:
        raise OutputExistsError(
            f"{path} exists already; choose another name or allow it to be overwritten."
        )
    _check_replaced(target)
    part = temporary_path(target)
    try:
        part.mkdir()
    except OSError as error:
        raise FileAccessError(
            f"Nothing can be written in the folder {target.parent}"
            f" ({error.strerror or error}); choose another one."
        ) from error
    try:
        with _watched(part) as check:
            yield part
            if target.exists() and not overwrite:
                raise OutputExistsError(
                    f"{path} was created by somebody else meanwhile; nothing replaced."
                )
            check()
        _flush_to_disk(part)
        _put_in_place(part, target)
        flush_folder(target.parent)
    except BaseException as error:
        _remove(part)
        reason = reason_of(error)
        if reason is None:
            raise
        raise FileAccessError(f"{path} could not be written: {reason}.") from error


@contextlib.contextmanager
def _watched(part: Path) -> Iterator[Callable[[], None]]:
    """Provide a check that a folder is the one that was made, and was not made anew in its place.

    Libraries make folders that are missing; what had been written before would not be there.
    """
    if os.name != "posix":
        yield lambda: None
        return
    # As long as it is open, no other folder gets its number.
    descriptor = os.open(part, os.O_RDONLY)

    def check() -> None:
        if not os.path.samestat(os.fstat(descriptor), part.stat()):
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(part))

    try:
        yield check
    finally:
        os.close(descriptor)


def _check_replaced(target: Path) -> None:
    """Make sure that a folder that is to be replaced holds what Zarr writes, and nothing else."""
    try:
        other = _other_than_zarr(target) if target.exists() else ""
    except OSError as error:
        raise FileAccessError(
            f"{target} could not be looked into before it is replaced: {reason_of(error)}."
        ) from error
    if other:
        raise NeverReplacedError(
            f"{target} is no Zarr folder that could be replaced: it holds"
            f" {Path(other).relative_to(target)}; choose another name."
        )


def _other_than_zarr(folder: str | Path, is_node: bool = True) -> str:
    """Find something in a folder that Zarr has not written; an empty text where there is nothing.

    Parameters
    ----------
    folder
        The folder, in either version of Zarr.
    is_node
        Whether it is a group or an array, and not a folder of chunks.
    """
    with os.scandir(folder) as entries:
        members = [each for each in entries if not each.name.startswith("._")]
    names = {each.name for each in members}
    has_chunks = not is_node or not names.isdisjoint((".zarray", "zarr.json"))
    for each in members:
        if each.name in (*_ZARR, *_OF_SYSTEMS):
            continue
        is_chunk = has_chunks and _CHUNK.fullmatch(each.name) is not None
        is_folder = each.is_dir(follow_symlinks=False)
        is_inner = is_node and is_folder and any(Path(each.path, name).exists() for name in _ZARR)
        if not is_chunk and not is_inner:
            return each.path
        other = _other_than_zarr(each.path, is_inner) if is_folder else ""
        if other:
            return other
    return ""


def _remove(part: Path) -> None:
    """Remove what was written, although threads of others may be writing to it still.

    They even make the folder anew, so it has to be gone for a while.
    """
    gone = 0
    for _ in range(_MOST_TRIES):
        gone = 0 if part.exists() else gone + 1
        if gone == _GONE:
            break
        with contextlib.suppress(OSError):
            # Where too many files are open, a folder cannot be looked into, but removed if empty.
            part.rmdir()
        shutil.rmtree(part, ignore_errors=True)
        time.sleep(0.02)


def _put_in_place(part: Path, target: Path) -> None:
    if not target.exists():
        part.rename(target)
    elif _exchange(part, target):
        # What stands under the temporary name now is the old one.
        shutil.rmtree(part, ignore_errors=True)
    else:
        # Where folders cannot be exchanged in one step, the old one stays until the new one is
        # there; after a crash in between, the next one who writes here puts it back.
        aside = temporary_path(target, ASIDE_SUFFIX)
        target.rename(aside)
        try:
            part.rename(target)
        except BaseException:
            aside.rename(target)
            raise
        shutil.rmtree(aside, ignore_errors=True)


def _exchange(first: Path, second: Path) -> bool:
    """Exchange the names of two folders in one step; tell whether the system could."""
    if not sys.platform.startswith("linux"):
        return False
    exchange = getattr(ctypes.CDLL(None), "renameat2", None)
    if exchange is None:
        return False
    here, both = -100, 2  # AT_FDCWD, RENAME_EXCHANGE
    return bool(exchange(here, os.fsencode(first), here, os.fsencode(second), both) == 0)


def _flush_to_disk(folder: Path) -> None:
    for path in folder.rglob("*"):
        if path.is_file():
            with path.open("rb+") as file:
                os.fsync(file.fileno())
    for path in (folder, *(each for each in folder.rglob("*") if each.is_dir())):
        flush_folder(path)
