"""Write an edited recording to a file that appears whole, checked, or not at all.

The new file is written beside the target, flushed to the disk, read back and compared with what it
should hold, and only then renamed over the target. Whatever fails before leaves the old file as it
was, byte for byte.
"""

from __future__ import annotations

import contextlib
import os
import pathlib
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import h5py
import numpy.typing as npt

from . import storage
from .attributes import all_heaps_end
from .checked_dataset import check_tree
from .copied_attributes import HEAPS_DAMAGED, copy_attributes
from .dataset import in_memory
from .disk_errors import reason_of
from .errors import DamagedImageError, FileAccessError, FlimageError
from .image_group import BG_DATA, IMAGE_MARKS, RAW, frame_group
from .progress import Progress, ignore_progress
from .readback import check_written
from .source import EditedSource, FrameSource, SeriesSource

if TYPE_CHECKING:
    from .codec import Compression

__all__ = ["save_edited"]


def save_edited(
    source: EditedSource,
    out: str | os.PathLike[str],
    overwrite: bool = False,
    progress: Progress | None = None,
    *,
    compression: Compression = "balanced",
    before_replace: Callable[[], None] | None = None,
) -> pathlib.Path:
    """Write a recording as it is shown with its edits.

    Images that were not changed are copied in their compressed form. A background that frames
    share is stored once. Attributes and members that this version does not know are kept. Where
    `out` is the file of the recording itself, everything else in that file is kept as well, and
    the open recording goes on reading the old file until it is closed.

    Parameters
    ----------
    source
        The recording with its edits.
    out
        The file to write; it may be the recording itself if `overwrite` is set.
    overwrite
        Replace a file that exists.
    progress
        Called as ``progress(done, total, stage)``; it may raise
        :class:`~flimage.errors.Cancelled`.
    compression
        For images that are new or were not compressed: ``"fast"``, ``"balanced"`` or ``"small"``.
    before_replace
        Called when the new file is complete and checked, right before it takes the place of the
        old one. Systems that cannot replace an open file need it closed here.

    Returns
    -------
    path
        The file that was written.

    Raises
    ------
    flimage.errors.OutputExistsError
        When `out` exists and is not to be replaced.
    flimage.errors.FileAccessError
        When the file cannot be written, or is not read back as it was written.
    flimage.errors.DamagedImageError
        When what is to be copied is damaged so that HDF5 would not come back from it.
    flimage.errors.Cancelled
        When `progress` asked to stop.
    """
    report = ignore_progress if progress is None else progress
    path = pathlib.Path(out)
    if path.is_file() and not os.access(path, os.W_OK):
        raise FileAccessError(
            f"{path} is write-protected; save under another name, or allow writing first."
        )
    count = len(source)
    with storage.atomic_output(path, overwrite=overwrite) as temporary:
        _check_still_there(source, path)
        try:
            place, copied = _write(source, path, temporary, compression, report)
            _flush(temporary)
            check_written(source, path, temporary, place, copied, report)
        except FlimageError:
            raise
        except (OSError, RuntimeError) as error:  # HDF5 reports a full disk as either of them
            reason = reason_of(error) or " ".join(str(error).split()).rstrip(".")
            raise FileAccessError(
                f"{path} could not be saved: {reason}. What was there before is unchanged."
            ) from error
        report(2 * count, 2 * count, "Saving")
        _check_still_there(source, path)
        if before_replace is not None:
            before_replace()
    return path


def _check_still_there(source: EditedSource, path: pathlib.Path) -> None:
    """Refuse to replace a file that took the place of the one that is open."""
    stored = _series_group(source.source)
    if stored is None or in_memory(stored.id) or not path.exists() or not _is_own(source, path):
        return
    opened = os.fstat(stored.file.id.get_vfd_handle())
    if not os.path.samestat(opened, path.stat()):
        raise FileAccessError(
            f"{path} was replaced by another window or program since it was opened; save a copy"
            " under another name, or open it again."
        )


def _is_own(source: EditedSource, path: pathlib.Path) -> bool:
    """Tell whether a path is that of the recording itself."""
    own = source.path
    return own is not None and path.exists() and own.exists() and path.samefile(own)


# --- writing -------------------------------------------------------------------------------


def _series_group(source: FrameSource) -> h5py.Group | None:
    """Group that the frames of a recording are in; None where there is none."""
    return source.series.h5 if isinstance(source, SeriesSource) else None


def _write(
    source: EditedSource,
    path: pathlib.Path,
    temporary: pathlib.Path,
    compression: Compression,
    report: Progress,
) -> tuple[str, dict[int, int]]:
    """Write everything to the temporary file.

    Returns
    -------
    place
        Where the series is in it.
    copied
        Frames that were copied without a change: number in the new file -> in the old one.
    """
    stored = _series_group(source.source)
    in_place = _is_own(source, path)
    count = len(source)
    if stored is not None and not all_heaps_end(stored.id):
        raise DamagedImageError(
            f"{storage.file_name(stored)}: {HEAPS_DAMAGED}; write what can be read to a new file"
            " (flimage recover)."
        )
    with h5py.File(temporary, "w") as file:
        group: h5py.Group = file
        if stored is not None:
            if in_place:
                steps = [step for step in str(stored.name).split("/") if step]
                group = _copy_around(stored.file, file, steps)
            copy_attributes(stored, group)
        elif source.identifier is not None:
            group.attrs["identifier"] = source.identifier
        writer = _FrameWriter(source, stored, group, compression)
        for index in range(count):
            report(index, 2 * count, "Saving")
            writer.write(index)
        file.flush()
        return str(group.name), writer.copied


def _copy_around(old: h5py.Group, new: h5py.Group, steps: list[str]) -> h5py.Group:
    """Copy everything in a file but the group at the end of `steps`, which is created empty."""
    if not steps:
        return new
    copy_attributes(old, new)
    for name in old:
        if name == steps[0]:
            continue
        link = old.get(name, getlink=True)
        if isinstance(link, h5py.HardLink):
            storage.copy_object(old, name, new, name)
        else:
            new[name] = link
    return _copy_around(old[steps[0]], new.create_group(steps[0]), steps[1:])


class _FrameWriter:
    """Writes frames one after the other and remembers backgrounds that were written.

    Parameters
    ----------
    source
        The recording with its edits.
    stored
        Group of the unedited series, if there is one.
    group
        Group of the new series.
    compression
        For images that are not copied in their compressed form.
    """

    def __init__(
        self,
        source: EditedSource,
        stored: h5py.Group | None,
        group: h5py.Group,
        compression: Compression,
    ) -> None:
        self._source = source
        self._stored = stored
        self._copies = stored is not None and stored.file.driver != "core"
        self._group = group
        self._compression: Compression = compression
        #: What tells a background apart -> where it stands in the new file.
        self._written: dict[object, str] = {}
        #: Frames that were copied without a change: new number -> old number.
        self.copied: dict[int, int] = {}

    def write(self, index: int) -> None:
        """Write one frame."""
        number = self._source.order[index]
        old = None
        if self._stored is not None:
            # Copies and comparisons further below follow every link.
            check_tree(self._stored, f"fli_{number}", depth=4)
            old = frame_group(self._stored, number)
        if self._copies and old is not None and self._copy_whole(index, old):
            return
        frame = self._group.create_group(f"fli_{index}")
        fluorescence = frame.create_group("fluorescence")
        if old is None or not self._copies:
            self._write_raw(index, old, fluorescence)
        if old is not None:
            self._copy_rest(old, frame, fluorescence)
        self._write_meta(index, frame)
        backgrounds = fluorescence.create_group("bg_data")
        edited = self._source.edits.backgrounds
        if number in edited:
            image = edited[number]
            if image is not None:
                self._write_background(backgrounds, "data", id(image), image)
        elif old is not None:
            self._copy_backgrounds(old, backgrounds)
        elif (image := self._source.background(index)) is not None:
            self._write_background(backgrounds, "data", None, image)

    def _copy_whole(self, index: int, old: h5py.Group) -> bool:
        """Copy a frame in one go, where there is no background to be shared; tell whether done."""
        number = self._source.order[index]
        if number in self._source.edits.backgrounds or len(old.get(BG_DATA, ())):
            return False
        if old.id.links.get_info(RAW.encode()).type != h5py.h5l.TYPE_HARD:
            return False  # it would lead from the copy to somewhere else
        storage.copy_object(self._stored, f"fli_{number}", self._group, f"fli_{index}")
        changes = self._source.edits.meta.get(number, {})
        if not changes and BG_DATA in old:
            self.copied[index] = number
        else:
            frame = self._group[f"fli_{index}"]
            frame.require_group(BG_DATA)
            for key, value in changes.items():
                if value is not None:
                    frame.attrs[key] = value
                elif key in frame.attrs:
                    del frame.attrs[key]
        return True

    def _write_raw(self, index: int, old: h5py.Group | None, new: h5py.Group) -> None:
        raw = self._source.raw(index)
        made = storage.write_image(new, "raw", raw, raw.dtype, self._compression)
        if old is not None:
            copy_attributes(old[RAW], made, without=IMAGE_MARKS)

    def _copy_rest(self, old: h5py.Group, frame: h5py.Group, fluorescence: h5py.Group) -> None:
        """Copy the raw image, and what this version does not know."""
        for name in old:
            if name != "fluorescence":
                storage.copy_object(old, name, frame, name)
        inner = old["fluorescence"]
        for name in inner:
            if name != "bg_data" and name not in fluorescence:
                storage.copy_object(inner, name, fluorescence, name)
        copy_attributes(inner, fluorescence)

    def _write_meta(self, index: int, frame: h5py.Group) -> None:
        number = self._source.order[index]
        if self._stored is None:
            changes: Mapping[str, Any] = self._source.meta(index)
        else:
            changes = self._source.edits.meta.get(number, {})
            copy_attributes(frame_group(self._stored, number), frame, without=changes)
        for key, value in changes.items():
            if value is not None:
                frame.attrs[key] = value

    def _copy_backgrounds(self, old: h5py.Group, new: h5py.Group) -> None:
        stored = old.get(BG_DATA)
        if stored is None:
            return
        copy_attributes(stored, new)
        for name in stored:
            info = h5py.h5o.get_info(stored.id, name.encode())
            key = (info.fileno, info.addr)
            if self._link(new, name, key):
                continue
            if self._copies:
                storage.copy_object(stored, name, new, name)
            else:
                image = storage.read_image(stored, name)
                made = storage.write_image(new, name, image, image.dtype, self._compression)
                copy_attributes(stored[name], made, without=IMAGE_MARKS)
            self._written[key] = f"{new.name}/{name}"

    def _write_background(
        self, new: h5py.Group, name: str, key: object, image: npt.NDArray[Any]
    ) -> None:
        """Write an assigned background, once for all frames that have the same array."""
        if key is not None and self._link(new, name, key):
            return
        storage.write_image(new, name, image, compression=self._compression)
        if key is not None:
            self._written[key] = f"{new.name}/{name}"

    def _link(self, new: h5py.Group, name: str, key: object) -> bool:
        """Share a background that was written before; tell whether there is one."""
        place = self._written.get(key)
        if place is None:
            return False
        new[name] = self._group.file[place]
        return True


def _flush(path: pathlib.Path) -> None:
    """Bring a file to the disk, and let it be read from there where the system allows that."""
    with path.open("rb+") as file:
        os.fsync(file.fileno())
        if hasattr(os, "posix_fadvise"):
            # Only advice: what is read back may still come from memory.
            with contextlib.suppress(OSError):
                os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
