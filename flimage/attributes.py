"""Read attributes of HDF5 objects that may be damaged, without letting HDF5 hang on them.

Texts of variable length stand in *global heaps* of the file. HDF5 walks through such a heap from
object to object, and never comes to an end where an object of no size is in the way, as in a block
of zeros; nothing can interrupt it then. The heaps that the attributes of an object refer to are
therefore walked through here first.
"""

from __future__ import annotations

import collections
import contextlib
import os
import struct
import threading
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import h5py
import numpy as np
from h5py import h5fd, h5i, h5o, h5t

from .plain_text import clean

__all__ = [
    "HeapCheck",
    "all_heaps_end",
    "as_text",
    "heaps_end",
    "read_attribute",
    "read_attributes",
    "read_text",
]

#: Attributes are smaller, unless they are damaged [bytes].
_LARGEST = 2**20

#: Types of attributes that are read: numbers, texts and truth values.
_CLASSES = (h5t.INTEGER, h5t.FLOAT, h5t.STRING, h5t.ENUM, h5t.ARRAY)

_ERRORS = (KeyError, LookupError, OSError, OverflowError, RuntimeError, TypeError, ValueError)


def read_attribute(group: h5py.Group | h5py.Dataset, name: str) -> Any:
    """Read an attribute; None where there is none, or none that can be read.

    Parameters
    ----------
    group
        Whose attribute it is.
    name
        Its name.
    """
    return read_attributes(group, [name]).get(name)


def read_attributes(group: h5py.Group | h5py.Dataset, names: Iterable[str]) -> dict[str, Any]:
    """Read several attributes; those that are not there, or cannot be read, are left out.

    Parameters
    ----------
    group
        Whose attributes they are. The heaps with its texts are looked at once for all of them.
    names
        Their names.
    """
    found: dict[str, Any] = {}
    ends: bool | None = None
    for name in names:
        try:
            opened = group.attrs.get_id(name)
            datatype = opened.get_type()
            if datatype.get_class() not in _CLASSES or opened.get_storage_size() > _LARGEST:
                continue
            if datatype.get_class() == h5t.STRING and datatype.is_variable_str():
                if ends is None:
                    ends = heaps_end(group.id)
                if not ends:
                    continue
            value = group.attrs[name]
        except _ERRORS:
            continue
        if not isinstance(value, h5py.Empty):
            found[name] = value
    return found


def read_text(group: h5py.Group | h5py.Dataset, name: str) -> str | None:
    """Read an attribute as a text; None where there is none that can be read.

    Parameters
    ----------
    group
        Whose attribute it is.
    name
        Its name.
    """
    return as_text(read_attribute(group, name))


def as_text(value: Any) -> str | None:
    """Turn the value of an attribute into a text; None where there is none."""
    if isinstance(value, np.ndarray):
        value = value.ravel()[0] if value.size else None
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    return None if value is None else clean(str(value))


# --- global heaps ------------------------------------------------------------------------------

#: Files of which heaps were checked, and the addresses of these heaps.
_KNOWN: collections.OrderedDict[int, set[int]] = collections.OrderedDict()
_MOST_KNOWN = 8
_LOCK = threading.Lock()

#: The file that was searched last for heaps, and where they are.
_searched: tuple[tuple[int, ...], list[int]] | None = None

#: Parts of an object header, at most.
_MOST_BLOCKS = 64

#: Kinds of messages in an object header.
_CONTINUATION, _ATTRIBUTE_INFO = 0x10, 0x15
_NOWHERE = 2**64 - 1


def heaps_end(owner: Any, name: bytes = b".") -> bool:
    """Tell whether HDF5 comes back from reading texts of an object.

    Parameters
    ----------
    owner
        Low-level identifier of a group or dataset.
    name
        What stands in it, whose attributes are meant; by default itself.
    """
    with HeapCheck(owner) as heaps:
        return heaps.end([name])[0]


def all_heaps_end(owner: Any) -> bool:
    """Tell whether HDF5 comes back from reading any text of a file, which is looked through.

    Parameters
    ----------
    owner
        Low-level identifier of a group in the file.
    """
    with HeapCheck(owner) as heaps:
        return heaps.all_end()


class HeapCheck:
    """Looks at the heaps that objects of a file refer to (a context manager).

    Parameters
    ----------
    owner
        Low-level identifier of the group or dataset in which the objects stand.
    """

    def __init__(self, owner: Any) -> None:
        self._owner = owner
        self._descriptor: int | None = None

    def __enter__(self) -> HeapCheck:
        file = h5i.get_file_id(self._owner)
        if file.get_access_plist().get_driver() != h5fd.CORE:
            # A file that was moved while it is open cannot be looked at.
            with contextlib.suppress(OSError):
                self._descriptor = os.open(
                    os.fsdecode(file.name), os.O_RDONLY | getattr(os, "O_BINARY", 0)
                )
        return self

    def __exit__(self, *error: object) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def end(self, names: Sequence[bytes]) -> list[bool]:
        """Tell for each of some objects whether HDF5 comes back from reading its texts.

        Parameters
        ----------
        names
            The objects, from the owner on; many at once take less time than one by one.
        """
        if self._descriptor is None:
            return [True] * len(names)
        file = _Bytes(self._descriptor)
        known: set[int] = set()
        found: list[list[bytes | None] | None] = []
        for name in names:
            try:
                info = h5o.get_info(self._owner, name)
                found.append(list(_header_blocks(file, info.addr)))
                known = _known(info.fileno)
            except _ERRORS:
                found.append(None)
        # Where attributes are elsewhere, every heap of the file may be meant.
        elsewhere = any(blocks and None in blocks for blocks in found)
        all_heaps = _known_heaps(file, self._descriptor) if elsewhere else []
        every = [block for blocks in found for block in blocks or ()]
        new = {*_mentioned(every, file.size), *all_heaps} - known
        endless = {heap for heap in new if not _ends(file, heap)}
        known.update(new - endless)

        def ends(blocks: Sequence[bytes | None] | None) -> bool:
            if blocks is None or not endless:
                return blocks is not None
            meant = all_heaps if None in blocks else _mentioned(blocks, file.size)
            return endless.isdisjoint(meant)

        return [ends(blocks) for blocks in found]

    def all_end(self) -> bool:
        """Tell whether HDF5 comes back from reading any text of the file."""
        if self._descriptor is None:
            return True
        file = _Bytes(self._descriptor)
        return all(_ends(file, heap) for heap in _known_heaps(file, self._descriptor))


def _known(number: int) -> set[int]:
    """Return the addresses of the heaps of an open file that need no further look."""
    with _LOCK:
        if number not in _KNOWN:
            _KNOWN[number] = set()
            while len(_KNOWN) > _MOST_KNOWN:
                _KNOWN.popitem(last=False)
        return _KNOWN[number]


class _Bytes:
    """The bytes of an open file."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self.size = os.fstat(descriptor).st_size

    def read(self, start: int, size: int) -> bytes:
        """Read up to `size` bytes from `start` on."""
        if not 0 <= start < self.size:
            return b""
        if hasattr(os, "pread"):
            return os.pread(self._descriptor, size, start)
        os.lseek(self._descriptor, start, os.SEEK_SET)
        return os.read(self._descriptor, size)


def _header_blocks(file: _Bytes, address: int) -> Iterator[bytes | None]:
    """Yield the parts of an object header; None where attributes are kept in another place."""
    start = file.read(address, 64)
    old = start[:4] != b"OHDR"
    if old:
        if len(start) < 16 or start[0] != 1:
            return
        waiting = [(address + 16, struct.unpack_from("<I", start, 8)[0])]
    else:
        flags = start[5]
        offset = 6 + (16 if flags & 0x20 else 0) + (4 if flags & 0x10 else 0)
        width = 1 << (flags & 3)
        size = int.from_bytes(start[offset : offset + width], "little")
        waiting = [(address + offset + width, size)]
    for _ in range(_MOST_BLOCKS):
        if not waiting:
            return
        place, size = waiting.pop()
        block = file.read(place, min(size, 2**18))
        yield block
        position = 0 if old or block[:4] != b"OCHK" else 4
        extra = 0 if old else (2 if start[5] & 0x04 else 0)
        while position + 4 <= len(block):
            if old:
                kind, length = struct.unpack_from("<HH", block, position)
                position += 8
            else:
                kind, length = struct.unpack_from("<BH", block, position)
                position += 4 + extra
            message = block[position : position + length]
            if kind == _CONTINUATION and len(message) >= 16:
                waiting.append(struct.unpack_from("<QQ", message))
            elif kind == _ATTRIBUTE_INFO and not old and len(message) >= 18:
                skip = 2 + (2 if message[1] & 1 else 0)
                if int.from_bytes(message[skip : skip + 8], "little") != _NOWHERE:
                    yield None
            position += length


def _mentioned(blocks: Sequence[bytes | None], size: int) -> list[int]:
    """Numbers in blocks of bytes that can be addresses of heaps, wherever they stand."""
    data = b"".join(block for block in blocks if block is not None)
    if len(data) < 8:
        return []
    numbers = [
        np.frombuffer(data, "<u8", (len(data) - first) // 8, first)
        for first in range(min(8, len(data) - 7))
    ]
    # One less, so that 0 becomes the largest number there is.
    found: list[int] = np.unique(
        np.concatenate([part[part - np.uint64(1) < size - 1] for part in numbers])
    ).tolist()
    return found


def _known_heaps(file: _Bytes, descriptor: int) -> list[int]:
    """Return every heap of a file, which is searched again only where it has changed."""
    global _searched
    stat = os.fstat(descriptor)
    key = (stat.st_dev, stat.st_ino, stat.st_size, stat.st_mtime_ns)
    last = _searched
    if last is None or last[0] != key:
        _searched = last = key, _all_heaps(file)
    return last[1]


def _all_heaps(file: _Bytes) -> list[int]:
    """Find every heap of a file by its signature."""
    found, start, piece = [], 0, 2**22
    while start < file.size:
        data = file.read(start, piece + 3)
        place = data.find(b"GCOL")
        while place >= 0:
            found.append(start + place)
            place = data.find(b"GCOL", place + 1)
        start += piece
    return found


def _ends(file: _Bytes, address: int) -> bool:
    """Tell whether a walk through a heap comes to an end; what is no heap is none of it."""
    start = file.read(address, 16)
    if start[:4] != b"GCOL" or len(start) < 16:
        return True
    size = struct.unpack_from("<Q", start, 8)[0]
    if size > file.size:
        return True  # HDF5 notices
    heap = file.read(address, size)
    position = 16
    while position + 16 <= len(heap):
        index, length = struct.unpack_from("<H6xQ", heap, position)
        step = length if index == 0 else (16 + ((length + 7) // 8) * 8) % 2**64
        if step == 0:
            return False
        position += step
    return True
