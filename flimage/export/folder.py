"""Folders that appear whole or not at all, like files by :func:`flimage.output.atomic_output`."""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
from collections.abc import Iterator
from pathlib import Path

from ..errors import FileAccessError, MissingFileError, OutputExistsError, SameFileError
from ..output import PART_SUFFIX

__all__ = ["atomic_folder"]


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
        A temporary folder beside `path`. It is removed on any exception.

    Raises
    ------
    flimage.errors.SameFileError
        When `path` is or holds `source`.
    flimage.errors.OutputExistsError
        When `path` exists and `overwrite` is not set, or it is a file.
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
    if target.exists() and not target.is_dir():
        raise OutputExistsError(f"{path} is a file, not a folder; choose another name.")
    if target.exists() and not overwrite:
        raise OutputExistsError(
            f"{path} exists already; choose another name or allow it to be overwritten."
        )
    name = f".{target.name[:60]}.{secrets.token_hex(4)}"
    part, aside = target.parent / f"{name}{PART_SUFFIX}", target.parent / f"{name}.replaced"
    try:
        part.mkdir()
    except OSError as error:
        raise FileAccessError(
            f"Nothing can be written in the folder {target.parent}"
            f" ({error.strerror or error}); choose another one."
        ) from error
    try:
        yield part
        if target.exists():
            if not overwrite:
                raise OutputExistsError(
                    f"{path} was created by somebody else meanwhile; nothing replaced."
                )
            # A folder cannot be replaced in one step: the old one stays until the new one is there.
            target.rename(aside)
        try:
            part.rename(target)
        except BaseException:
            if aside.exists():
                aside.rename(target)
            raise
        shutil.rmtree(aside, ignore_errors=True)
    except BaseException:
        shutil.rmtree(part, ignore_errors=True)
        raise
