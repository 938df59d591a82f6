"""Compare a file that was just written with what it should hold."""

from __future__ import annotations

import contextlib
import pathlib
import threading
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from h5py import _objects, h5d, h5g

from . import storage
from .copied_attributes import attributes_of
from .errors import DamagedImageError, FileAccessError
from .image_group import BG_DATA, RAW
from .parallel import ordered_map
from .progress import Progress
from .series import FLSeries
from .source import EditedSource, SeriesSource

if TYPE_CHECKING:
    from .meta import FLMetaDict

__all__ = ["check_written"]


def check_written(
    source: EditedSource,
    path: pathlib.Path,
    temporary: pathlib.Path,
    place: str,
    copied: Mapping[int, int],
    report: Progress,
) -> None:
    """Compare what stands in the new file with what should.

    Parameters
    ----------
    source
        What was to be written.
    path
        The name that the file will get.
    temporary
        The file.
    place
        Group of the series in it.
    copied
        Frames that were copied without a change: number in the new file -> in the old one. Of
        them, what is stored is compared, without decoding it.
    report
        Called for each frame.

    Raises
    ------
    flimage.errors.FileAccessError
        When something differs.
    """
    count = len(source)
    with storage.open_file(temporary) as file, FLSeries(h5file=file[place]) as series:
        if len(series) != count or series.identifier != source.identifier:
            raise _mismatch(path, "the series")
        written = SeriesSource(series)

        done = 0
        rest = [index for index in range(count) if index not in copied]
        if copied:
            assert isinstance(source.source, SeriesSource)
            old, new = source.source.series.h5.id, series.h5.id
            for index, number in copied.items():
                report(count + done, 2 * count, "Checking")
                if _same_stored(old, number, new, index):
                    done += 1
                else:
                    # It may only be stored in another way.
                    rest.append(index)

        def compare(index: int, stopped: threading.Event) -> str:
            return "" if stopped.is_set() else _difference(source, written, index)

        with contextlib.closing(ordered_map(compare, rest)) as results:
            for index, difference in zip(rest, results, strict=True):
                report(count + done, 2 * count, "Checking")
                done += 1
                if difference:
                    raise _mismatch(path, f"{difference} of frame {index}")


def _same_stored(old: h5g.GroupID, number: int, new: h5g.GroupID, index: int) -> bool:
    """Tell whether attributes and compressed image of two frames are the same, bit by bit.

    To look at the parts of a small frame takes longer than to read them, so this asks for nothing
    twice and decodes nothing.
    """
    one, other = h5g.open(old, b"fli_%d" % number), h5g.open(new, b"fli_%d" % index)
    if attributes_of(one) != attributes_of(other):
        return False
    if h5g.open(other, BG_DATA.encode()).get_num_objs():
        return False
    first, second = (h5d.open(group, RAW.encode()) for group in (one, other))
    if first.shape != second.shape or first.dtype != second.dtype:
        return False
    try:
        if first.get_num_chunks() != 1 or second.get_num_chunks() != 1:
            return False
        corner = (0,) * len(first.shape)
        with _objects.phil:  # h5py before version 3.16 forgets to take it
            same: bool = first.read_direct_chunk(corner) == second.read_direct_chunk(corner)
    except (OSError, RuntimeError, ValueError, TypeError):  # not chunked, or damaged
        return False
    return same


def _mismatch(path: pathlib.Path, what: str) -> FileAccessError:
    return FileAccessError(
        f"{path} was not saved: {what} did not come back from the disk as written. The old file is"
        " unchanged; save to another disk."
    )


def _difference(source: EditedSource, written: SeriesSource, index: int) -> str:
    """Name what differs between a frame and its copy; empty where nothing does."""
    if not _same_meta(source.meta(index), written.meta(index)):
        return "the metadata"
    if not _same_image(_image_or_none(source.raw, index), _image_or_none(written.raw, index)):
        return "the image"
    expected = _image_or_none(source.background, index)
    if expected is not None and source.order[index] in source.edits.backgrounds:
        # Assigned backgrounds are stored in single precision.
        expected = expected.astype(np.float32)
    if not _same_image(expected, _image_or_none(written.background, index)):
        return "the background"
    return ""


def _image_or_none(
    read: Callable[[int], npt.NDArray[Any] | None], index: int
) -> npt.NDArray[Any] | None:
    """Read an image; None for one that is damaged: its copy has to be damaged, too."""
    try:
        return read(index)
    except DamagedImageError:
        return None


def _same_image(one: npt.NDArray[Any] | None, other: npt.NDArray[Any] | None) -> bool:
    if one is None or other is None:
        return one is other
    return one.shape == other.shape and np.array_equal(one, other, equal_nan=True)


def _same_meta(one: FLMetaDict, other: FLMetaDict) -> bool:
    if one.data.keys() != other.data.keys():
        return False
    return all(_same_value(value, other.data[key]) for key, value in one.data.items())


def _same_value(one: Any, other: Any) -> bool:
    first, second = np.asarray(one), np.asarray(other)
    numbers = first.dtype.kind in "fc" and second.dtype.kind in "fciu"
    return bool(np.array_equal(first, second, equal_nan=numbers))
