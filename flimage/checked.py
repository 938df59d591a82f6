"""Look things up in HDF5 files that may come from strangers, or be damaged.

A link can lead to another file, and HDF5 answers damage with whatever exception is at hand. What is
read goes through here: links that leave the file are refused before they are followed, and
exceptions name the file and the object. Datasets have a module of their own.
"""

from __future__ import annotations

from types import TracebackType
from typing import Any

import h5py
from h5py import h5i, h5l

from .errors import DamagedImageError, FileFormatError, FlimageError

__all__ = [
    "check_links",
    "file_name",
    "follow",
    "named",
    "object_name",
    "reason",
]

#: Soft links that are followed one after the other.
_MOST_LINKS = 16

#: What h5py raises where a file is damaged.
_DAMAGE = (
    AttributeError,
    KeyError,
    LookupError,
    OSError,
    OverflowError,
    RuntimeError,
    SystemError,
    TypeError,
    ValueError,
)


def file_name(group: h5py.Group) -> str:
    """Name of the file that holds `group`, for messages."""
    name: str = group.file.filename
    return name


def object_name(group: h5py.Group, name: str | bytes) -> str:
    """Full path of an object within its file, for messages; h5py gives as bytes what is no text."""
    if isinstance(name, bytes):
        name = name.decode("utf-8", "replace")
    if name.startswith("/"):
        return name.rstrip("/") or "/"
    try:
        parent = group.name or ""
    except _DAMAGE:
        parent = ""
    return f"{parent.rstrip('/')}/{name}".rstrip("/") or "/"


def reason(error: BaseException) -> str:
    """Return the part of an HDF5 message that says what is wrong."""
    text = str(error.args[0]) if isinstance(error, KeyError) and error.args else str(error)
    start = text.find("(")
    return text[start + 1 : -1] if start >= 0 and text.endswith(")") else text


class named:  # noqa: N801 - reads as a statement, like contextlib.suppress
    """Let exceptions of h5py become sentences that name the file and the object.

    Parameters
    ----------
    group
        Where it is read.
    name
        What is read from it.
    """

    __slots__ = ("_group", "_name")

    def __init__(self, group: h5py.Group, name: str = "") -> None:
        self._group, self._name = group, name

    def __enter__(self) -> None:
        return None

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if not isinstance(error, _DAMAGE) or isinstance(error, FlimageError):
            return
        group, name = self._group, self._name
        if not group:
            what = f"of {name!r} " if name else ""
            raise FileFormatError(f"The file {what}was closed; open it again.") from error
        raise DamagedImageError(
            f"{file_name(group)}: {object_name(group, name)} cannot be read ({reason(error)});"
            " the file is damaged, restore it from a copy."
        ) from error


def check_links(group: h5py.Group, path: str) -> None:
    """Make sure that a path stays in the file.

    Parameters
    ----------
    group
        Where the path begins.
    path
        Names of groups, and of what stands in the last one.

    Raises
    ------
    KeyError
        When there is nothing of that name.
    flimage.errors.FileFormatError
        When a link on the way leads to another file, or in a circle.
    """
    _check_path(group, group.id, path.encode("utf-8", "surrogateescape"), 0)


def _check_path(group: h5py.Group, start: Any, path: bytes, depth: int) -> None:
    links = start.links
    here = b""
    for part in path.split(b"/"):
        if part in (b"", b"."):
            continue
        above, here = here, here + b"/" + part if here else part
        kind = links.get_info(here).type
        if kind == h5l.TYPE_HARD:
            continue
        shown = object_name(group, here.decode("utf-8", "replace"))
        if kind != h5l.TYPE_SOFT:
            raise FileFormatError(
                f"{file_name(group)}: {shown} is a link to another file, which is not followed;"
                " copy what it stands for into this file."
            )
        if depth >= _MOST_LINKS:
            raise FileFormatError(
                f"{file_name(group)}: {shown} is a link that leads in a circle; remove it."
            )
        target = links.get_val(here)
        if target.startswith(b"/"):
            _check_path(group, h5i.get_file_id(start), target, depth + 1)
        else:
            _check_path(group, start, above + b"/" + target, depth + 1)


def follow(group: h5py.Group, path: str) -> Any:
    """Open an object without leaving the file.

    Parameters
    ----------
    group
        Where the path begins.
    path
        Names of groups, and of what stands in the last one.

    Returns
    -------
    h5py.Group, h5py.Dataset, h5py.Datatype or None
        None where there is nothing of that name.

    Raises
    ------
    flimage.errors.FileFormatError
        When a link on the way leads to another file.
    flimage.errors.DamagedImageError
        When something is there, but damaged.
    """
    with named(group, path):
        try:
            check_links(group, path)
        except (KeyError, ValueError, RuntimeError) as error:
            if isinstance(error, FlimageError):
                raise
            if _is_missing(group, path):
                return None
            raise
        return group[path]


def _is_missing(group: h5py.Group, path: str) -> bool:
    """Tell whether the last group that is there holds no link of the next name."""
    for part in path.strip("/").split("/"):
        if not isinstance(group, h5py.Group):
            return True
        if not group.id.links.exists(part.encode()):
            return True
        if group.id.links.get_info(part.encode()).type != h5l.TYPE_HARD:
            return True
        group = group[part]
    return False
