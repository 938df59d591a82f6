"""Sets of TIFF files that name one another: which are opened, and how many images they announce.

`tifffile` opens whatever file OME-XML, Micro-Manager or an NDTiff index names, in any folder, and
makes a list with a place for each image that they announce. So that is looked at first.
"""

from __future__ import annotations

import glob
import math
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import tifffile

from .beside import check_beside
from .recording import check_planes
from .tiff_checks import check_directories

__all__ = ["check_counts", "check_set"]

_INDEX = "NDTiff.index"


def check_set(path: Path, file: Any, smallest: int) -> list[str]:
    """Make sure that reading a TIFF file opens files of its own folder only, and few enough images.

    Where OME-XML gives the file itself a name in another folder, as it has one after it was moved,
    it is not looked for there.

    Parameters
    ----------
    path
        The file, for messages.
    file
        The open `tifffile.TiffFile`, whose series were not asked for yet.
    smallest
        Number of pixels of its smallest image.

    Returns
    -------
    list of str
        Files that are named, but are not there.

    Raises
    ------
    flimage.errors.FileFormatError
        When a name leads elsewhere, or more is announced than files of that size can hold.
    """
    folder = Path(file.filehandle.dirname)
    members: list[Path] = [folder / file.filehandle.name]
    missing: list[str] = []
    for name in dict.fromkeys(_names(path, file, folder)):
        if check_beside(path, folder, name):
            smallest = min(smallest, check_directories(folder / name))
            members.append(folder / name)
        else:
            missing.append(name)
    check_counts(path, file, smallest, members)
    return missing


def check_counts(path: Path, file: Any, smallest: int, members: Sequence[Path] = ()) -> None:
    """Make sure that a TIFF file announces no more images than can be stored.

    Parameters
    ----------
    path, file, smallest
        See :func:`check_set`.
    members
        The files in which images may be; by default the file itself.

    Raises
    ------
    flimage.errors.FileFormatError
        When it does.
    """
    stored = sum(each.stat().st_size for each in dict.fromkeys(members or (path,)))
    for count in _counts(file, Path(file.filehandle.dirname), max(1, smallest)):
        check_planes(path, count, stored)


def _names(path: Path, file: Any, folder: Path) -> Iterator[str]:
    """Names of other files that tifffile would open."""
    own = file.filehandle.name
    root = _ome_root(file)
    if root is not None:
        for element in root.iter():
            name = element.attrib.get("FileName")
            if name is None or not element.tag.endswith("UUID"):
                continue
            if element.text is not None and element.text == root.attrib.get("UUID"):
                continue  # the file itself, whatever it was called
            if name != own and name.replace("\\", "/").rpartition("/")[2].lower() == own.lower():
                if os.path.realpath(folder / name) != os.path.realpath(folder / own):
                    file._multifile = False
                continue
            yield name
    if getattr(file, "is_mmstack", False):
        # All files that share the beginning of the name belong to it, by a pattern, which may
        # match other folders where the name of this one looks like a pattern itself.
        prefix = str(file.micromanager_metadata["Summary"].get("Prefix", own.split("_MMStack")[0]))
        if "_MMStack" in own and own.startswith(prefix):
            pattern = f"{file.filehandle.dirname}{os.sep}{prefix}_MMStack*.tif"
            found = glob.glob(pattern)  # noqa: PTH207 - what tifffile does
            yield from sorted(os.path.relpath(each, folder) for each in found)
    if getattr(file, "is_ndtiff", False):
        check_beside(path, folder, _INDEX)
        for entry in tifffile.tifffile.read_ndtiff_index(folder / _INDEX):
            yield entry[1]


def _ome_root(file: Any) -> ElementTree.Element | None:
    if not file.is_ome:
        return None
    try:
        return ElementTree.fromstring(file.ome_metadata)
    except ElementTree.ParseError:
        return None  # tifffile says so, and reads on without


def _counts(file: Any, folder: Path, smallest: int) -> Iterator[int]:
    """Numbers of images that are announced, for which tifffile makes room."""
    root = _ome_root(file)
    if root is not None:
        yield sum(_planes_of(each, smallest) for each in root.iter() if each.tag.endswith("Pixels"))
        for each in root.iter():
            if "Along" in each.tag:
                yield _steps(each)
    if getattr(file, "is_mmstack", False):
        summary, places = (file.micromanager_metadata[k] for k in ("Summary", "IndexMap"))
        most = np.max(np.asarray(places, dtype=float)[:, :4], axis=0, initial=0) + 1
        announced = [_whole(summary.get(k)) for k in ("Channels", "Slices", "Frames", "Positions")]
        yield math.prod(int(max(pair)) for pair in zip(most, announced, strict=True))
    if getattr(file, "is_ndtiff", False):
        extents: dict[str, list[int]] = {}
        for entry in tifffile.tifffile.read_ndtiff_index(folder / _INDEX):
            for axis, place in entry[0].items():
                if isinstance(place, int):
                    extents.setdefault(axis, []).append(place)
        yield math.prod(max(each) - min(each) + 1 for each in extents.values())


def _planes_of(pixels: ElementTree.Element, smallest: int) -> int:
    """Count the images that an element ``Pixels`` announces, in pages of the smallest kind."""
    sizes = [_whole(pixels.attrib.get(f"Size{axis}")) for axis in "CZT"]
    area = math.prod(_whole(pixels.attrib.get(f"Size{axis}")) for axis in "XY")
    blocks = [
        max(_whole(each.attrib.get("PlaneCount")), _whole(each.attrib.get("NumPlanes")))
        for each in pixels
        if each.tag.endswith("TiffData")
    ]
    return max(math.prod(sizes) * max(1, area // smallest), *blocks, 1)


def _steps(along: ElementTree.Element) -> int:
    """Count the steps of an axis that OME-XML describes by start, end and step."""
    try:
        start, end, step = (
            float(along.attrib.get(key, default))
            for key, default in (("Start", "0"), ("End", "0"), ("Step", "1"))
        )
        return math.ceil(abs(end + step - start) / abs(step))
    except (ValueError, OverflowError, ZeroDivisionError):
        return 0  # tifffile says what is wrong with it


def _whole(value: Any) -> int:
    """Return a whole number that is stated; 1 where there is none."""
    try:
        return max(1, int(value))
    except (TypeError, ValueError, OverflowError):
        return 1
