"""Where a result goes: a new file or an empty group, which is filled completely or left alone."""

from __future__ import annotations

import contextlib
import os
import pathlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import h5py

from . import storage
from .errors import InputError, OutputExistsError, SameFileError
from .image_group import describe

if TYPE_CHECKING:
    from .source import FrameSource

__all__ = ["Destination", "Place", "open_destination"]

#: A path of a new file, or an open group.
Destination: TypeAlias = "str | os.PathLike[str] | h5py.Group"


@dataclass(frozen=True)
class Place:
    """Where an output goes: an open group, and the file that it will be."""

    group: h5py.Group
    path: pathlib.Path | None


@contextlib.contextmanager
def open_destination(
    out: Destination, overwrite: bool, inputs: tuple[FrameSource, ...]
) -> Iterator[Place]:
    """Provide an empty group; what is written to it stays only if all goes well."""
    if isinstance(out, h5py.Group):
        with _group_place(out, overwrite, inputs) as place:
            yield place
        return
    path = pathlib.Path(out)
    for source in inputs:
        if source.path is not None and path.exists() and path.samefile(source.path):
            raise SameFileError(
                f"{path} is the recording itself; choose another file for the result."
            )
    with (
        storage.atomic_output(path, overwrite=overwrite) as temporary,
        storage.open_file(temporary, "w") as file,
    ):
        yield Place(file, path)


@contextlib.contextmanager
def _group_place(
    group: h5py.Group, overwrite: bool, inputs: tuple[FrameSource, ...]
) -> Iterator[Place]:
    """Provide a group of an open file, emptied of a series that may be replaced."""
    if group.file.mode == "r":
        raise InputError(f"{describe(group)}: cannot be written; the file is open for reading.")
    for source in inputs:
        home = _home(source)
        if home is not None and home == group:
            raise SameFileError(
                f"{describe(group)} is the recording itself; choose another group for the result."
            )
    if len(group) and not overwrite:
        raise OutputExistsError(
            f"{describe(group)} is not empty; choose another group, or ask to overwrite it."
        )
    # The old series is set aside, not deleted, until the new one is complete.
    aside = f"{group.name.rstrip('/')}/flimage-replaced" if len(group) else None
    old_attributes = dict(group.attrs)
    if aside is not None:
        members = list(group)
        kept = group.create_group("flimage-replaced")
        for name in members:
            group.move(name, f"flimage-replaced/{name}")
    try:
        yield Place(group, None)
    except BaseException:
        for name in [name for name in group if name != "flimage-replaced"]:
            del group[name]
        for name in [name for name in group.attrs if name not in old_attributes]:
            del group.attrs[name]
        for name, value in old_attributes.items():
            group.attrs[name] = value
        if aside is not None:
            for name in list(kept):
                group.move(f"flimage-replaced/{name}", name)
            del group["flimage-replaced"]
        raise
    if aside is not None:
        del group["flimage-replaced"]


def _home(source: FrameSource) -> h5py.Group | None:
    """Group that a source reads from, through any edits."""
    inner = getattr(source, "source", source)
    series = getattr(inner, "series", None)
    return None if series is None else series.h5
