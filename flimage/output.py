"""Outputs that appear whole or not at all, also when the program is killed or the power fails."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

from .disk_errors import reason_of
from .errors import (
    FileAccessError,
    MissingFileError,
    NeverReplacedError,
    OutputExistsError,
    SameFileError,
)
from .folder_files import images_of, is_pattern
from .readers import SUFFIXES, split_dataset
from .regular import is_ordinary
from .remnants import PART_SUFFIX, remove_remnants, temporary_path

__all__ = ["PART_SUFFIX", "atomic_output", "flush_folder", "holds"]


@contextlib.contextmanager
def atomic_output(
    path: str | os.PathLike[str],
    overwrite: bool = False,
    source: str | os.PathLike[str] | None = None,
) -> Iterator[Path]:
    """Write a file under a temporary name and put it in place when it is complete.

    Parameters
    ----------
    path
        The file that is to appear.
    overwrite
        Replace an existing file; otherwise it is refused.
    source
        The recording that is being read: a file, a folder, or a pattern for several files. The
        output must be none of them.

    Yields
    ------
    pathlib.Path
        A temporary file beside `path`. It is removed on any exception; what a killed process
        could not remove is removed by the next one that writes to the folder.

    Raises
    ------
    flimage.errors.SameFileError
        When `path` and `source` are the same file, also through links.
    flimage.errors.OutputExistsError
        When `path` exists and `overwrite` is not set.
    flimage.errors.MissingFileError
        When the folder does not exist.
    flimage.errors.FileAccessError
        When nothing can be written in the folder, or the system refuses to write: the disk is full,
        for instance.
    """
    path = Path(path)
    # The file a link points to is replaced, not the link.
    target = path.resolve()
    _check_target(path, target, overwrite, source)
    remove_remnants(target.parent)
    part = temporary_path(target)
    try:
        # A signal may arrive at any moment from here on.
        _create_part(part)
        yield part
        if target.exists():
            part.chmod(target.stat().st_mode & 0o777)
        _flush_to_disk(part)
        _publish(part, path, target, overwrite)
    except BaseException as error:
        with contextlib.suppress(OSError):
            part.unlink(missing_ok=True)
        reason = reason_of(error)
        if reason is None:
            raise
        raise FileAccessError(f"{path} could not be written: {reason}.") from error


def _check_target(
    path: Path, target: Path, overwrite: bool, source: str | os.PathLike[str] | None
) -> None:
    if not target.parent.is_dir():
        raise MissingFileError(f"There is no folder {target.parent}; create it first.")
    if source is not None and holds(Path(source), target):
        raise SameFileError(
            f"The output {path} is the recording that is being read, or a part of it; choose"
            " another name."
        )
    if not target.exists():
        return
    if not is_ordinary(path):
        raise FileAccessError(
            f"{path} is no ordinary file, but a pipe, a socket or a device, which no output"
            " replaces; name a file."
        )
    if target.is_dir():
        raise NeverReplacedError(f"{path} is a folder; name a file in it.")
    if not overwrite:
        raise OutputExistsError(
            f"{path} exists already; choose another name or allow it to be overwritten."
        )


def holds(source: Path, target: Path) -> bool:
    """Tell whether a file is a recording, or a part of one, so that it must not be written to.

    It asks the system little enough to be called on each key stroke.

    Parameters
    ----------
    source
        A recording: a file; ``file.h5::/dataset``; a folder of images, or a pattern for some of
        them, which consist of the images alone; or a Zarr folder, of which all that lies in it is
        a part.
    target
        A file, which need not exist.

    Returns
    -------
    bool
        Also true where links lead to the same file. False where the system does not tell.
    """
    source, _ = split_dataset(source)
    try:
        place, recording = target.resolve(), source.resolve()
        if place == recording:
            return True
        if source.is_dir() and source.suffix.lower() in SUFFIXES:
            return recording in place.parents
        # Most names that are typed are those of no file.
        found = place.stat()
        if source.is_dir() or is_pattern(source):
            return any(_is_same(entry, found) for entry in images_of(source))
        return os.path.samestat(source.stat(), found)
    except (OSError, ValueError):
        return False


def _is_same(entry: os.DirEntry[str], found: os.stat_result) -> bool:
    # Where it stands for itself, its number is known without asking for each of many files.
    if not entry.is_symlink() and entry.inode() != found.st_ino:
        return False
    return os.path.samestat(Path(entry.path).stat(), found)


def _create_part(part: Path) -> None:
    """Create the empty temporary file."""
    try:
        # Not by `tempfile`: its files are for the owner alone, and the output should have the
        # permissions of any new file.
        os.close(os.open(part, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o666))
    except OSError as error:
        raise FileAccessError(
            f"Nothing can be written in the folder {part.parent}"
            f" ({error.strerror or error}); choose another one."
        ) from error


def _flush_to_disk(path: Path) -> None:
    with path.open("rb+") as file:
        os.fsync(file.fileno())


def _publish(part: Path, path: Path, target: Path, overwrite: bool) -> None:
    """Rename the finished file; one that appeared meanwhile is refused like an older one."""
    if not overwrite and target.exists():
        raise OutputExistsError(f"{path} was created by somebody else meanwhile; nothing replaced.")
    part.replace(target)
    flush_folder(target.parent)


def flush_folder(folder: Path) -> None:
    """Bring the names in a folder to the disk, where the system can do that."""
    if os.name != "posix":
        return
    # The files are in place: that a network drive cannot flush a folder is no failure.
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
