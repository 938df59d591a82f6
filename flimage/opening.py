"""Find and open the series in a file, wherever in it the series stands."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

import h5py

from .checked import follow, named, object_name
from .errors import FileFormatError, FlimageError, InputError
from .frame_index import FRAME_NAME
from .image_group import is_image_group
from .series import FLSeries
from .storage import open_file

__all__ = ["find_series", "open_series", "series_groups"]

#: How deep in the tree of a file a series is looked for.
_DEPTH = 4

#: How many objects are looked at; damaged files can have groups that hold one another.
_MOST_GROUPS = 10_000

#: What can lead to a group in the file.
_LINKS = (h5py.HardLink, h5py.SoftLink)


def find_series(file: h5py.File, path: Path, name: str | None = None) -> h5py.Group:
    """Find the group of the series in a file: the root, the named one, or the only one.

    Parameters
    ----------
    file
        An open file.
    path
        Its name for messages.
    name
        Group of the series, if it is known.

    Returns
    -------
    h5py.Group
        The root where no series was found.

    Raises
    ------
    flimage.errors.InputError
        When the file holds no such group, or several series.
    flimage.errors.FileFormatError
        When it is a file of another program, with images that have to be converted.
    """
    if name is not None:
        found = follow(file, name)
        if not isinstance(found, h5py.Group):
            raise InputError(f"{path} has no group {name!r} (--group).")
        return found
    groups = series_groups(file)
    if len(groups) > 1:
        raise InputError(
            f"{path} holds {len(groups)} series; choose one with --group, such as"
            f" --group {groups[0]}."
        )
    if groups:
        return file[groups[0]]
    # Imported where it is needed: whoever waits for the first frame of a series needs none of it.
    from .hdf5_dataset import choice_of, datasets_in

    datasets = [] if is_image_group(file) else datasets_in(file)
    if datasets:
        raise FileFormatError(
            f"{path} holds no fluorescence series, but datasets that could be a recording; look at"
            f" one with flimage info, and convert it: {choice_of(path, datasets)}."
        )
    return file


def series_groups(file: h5py.File) -> list[str]:
    """List the groups of a file that are series.

    Parameters
    ----------
    file
        An open file.

    Returns
    -------
    list of str
        Their paths in the file; only the root where that is a series.
    """
    if _holds_frames(file):
        return ["/"]
    groups: list[str] = []
    seen = 0

    def look(group: h5py.Group, depth: int) -> None:
        nonlocal seen
        with named(group):
            names = [
                name
                for name in group
                if isinstance(name, str) and group.get(name, getlink=True, getclass=True) in _LINKS
            ]
        for key in names:
            seen += 1
            if seen > _MOST_GROUPS:
                return
            try:
                child = follow(group, key)
                if not isinstance(child, h5py.Group):
                    continue
                if _holds_frames(child):
                    groups.append(object_name(group, key))
                elif depth < _DEPTH and not is_image_group(child):
                    look(child, depth + 1)
            except FlimageError:
                continue  # damaged, or in a circle: no series

    if not is_image_group(file):
        look(file, 1)
    return groups


def _holds_frames(group: h5py.Group) -> bool:
    with named(group):
        if group.id.links.exists(b"fli_0"):
            return True
        # The first one may be lost.
        return any(FRAME_NAME.match(name) for name in group if isinstance(name, str))


@contextlib.contextmanager
def open_series(path: Path, group: str | None = None) -> Iterator[FLSeries]:
    """Open the series of a file for reading.

    Parameters
    ----------
    path
        An HDF5 file.
    group
        Where in the file; by default the root or the only group that holds a series.

    Raises
    ------
    flimage.errors.InputError
        When the file is a recording in another format, holds several series, or none.
    """
    from .readers import is_recording

    if is_recording(path):
        raise InputError(
            f"{path} is no series file yet; convert it first: flimage convert {path}"
            f" {path.with_suffix('.h5').name}"
        )
    with open_file(path) as file, FLSeries(h5file=find_series(file, path, group)) as series:
        yield series
