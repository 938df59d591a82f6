"""A damaged file."""

from __future__ import annotations

import io
import shutil
import zipfile
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Mutant", "write"]


@dataclass(frozen=True)
class Mutant:
    """A damaged file.

    Parameters
    ----------
    data
        The file; of a folder, an archive of what is in it.
    what
        What was done to it.
    intact
        Frames that have to be read as they were; None where nothing is known.
    damaged
        Frames that must not be read.
    """

    data: bytes
    what: str
    intact: frozenset[int] | None = None
    damaged: frozenset[int] = frozenset()


def write(mutant: Mutant, path: Path) -> Path:
    """Write a damaged file, or unpack a damaged folder."""
    if path.suffix != ".zarr":
        path.write_bytes(mutant.data)
        return path
    shutil.rmtree(path, ignore_errors=True)
    path.mkdir()
    with zipfile.ZipFile(io.BytesIO(mutant.data)) as archive:
        archive.extractall(path)
    return path
