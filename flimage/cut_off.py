"""Read HDF5 files that were cut off, as if what is missing were zeros.

HDF5 refuses a file that is shorter than its header says, although most of it may be there. Filled
up with zeros, it opens, and whatever stood in the missing part is found to be damaged.
"""

from __future__ import annotations

import io
import os
import struct
from pathlib import Path
from typing import Any

import h5py

__all__ = ["CutOffFile", "stated_size"]

_SIGNATURE = b"\x89HDF\r\n\x1a\n"

#: Version of the superblock -> where the size of addresses, and where the end of the file stands.
_PLACES = {0: (13, 40), 1: (13, 44), 2: (9, 28), 3: (9, 28)}
_ADDRESS = 8

#: No recording is larger [bytes].
_LARGEST = 1 << 50


def stated_size(path: str | os.PathLike[str]) -> int | None:
    """Return the size that the header of an HDF5 file states [bytes].

    Returns
    -------
    int or None
        None where there is no header of that kind.
    """
    with Path(path).open("rb") as file:
        head = file.read(64)
    places = _PLACES.get(head[8]) if len(head) == 64 and head.startswith(_SIGNATURE) else None
    if places is None or head[places[0]] != _ADDRESS:
        return None
    size = int(struct.unpack_from("<Q", head, places[1])[0])
    return size if len(head) <= size <= _LARGEST else None


class CutOffFile(io.RawIOBase):
    """A file for :class:`h5py.File` that goes on with zeros where it was cut off.

    Parameters
    ----------
    path
        The file.
    size
        How long it is to be [bytes].
    """

    def __init__(self, path: str | os.PathLike[str], size: int) -> None:
        self._file = Path(path).open("rb")  # noqa: SIM115 - closed with this object
        self._path = path
        #: Bytes that are there.
        self.kept = os.fstat(self._file.fileno()).st_size
        self._size = size
        self._place = 0

    def __repr__(self) -> str:
        # What h5py takes for the name of the file.
        return os.fspath(self._path)

    def readable(self) -> bool:
        """Tell that it can be read."""
        return True

    def seekable(self) -> bool:
        """Tell that any part of it can be read."""
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Go to another place."""
        start = {os.SEEK_SET: 0, os.SEEK_CUR: self._place, os.SEEK_END: self._size}[whence]
        self._place = start + offset
        return self._place

    def tell(self) -> int:
        """Return the place."""
        return self._place

    def readinto(self, buffer: Any) -> int:
        """Fill a buffer, with zeros where nothing is left."""
        wanted = memoryview(buffer).cast("B")
        wanted[:] = bytes(len(wanted))
        if self._place < self.kept:
            self._file.seek(self._place)
            self._file.readinto(wanted)
        self._place += len(wanted)
        return len(wanted)

    def has(self, dataset: h5py.Dataset) -> bool:
        """Tell whether all values of a dataset are in the part that is there."""
        ends = [0]
        start = dataset.id.get_offset()
        if start is not None:
            ends.append(start + dataset.id.get_storage_size())
        elif dataset.chunks is not None:
            dataset.id.chunk_iter(lambda info: ends.append(info.byte_offset + info.size))
        return max(ends) <= self.kept

    def close(self) -> None:
        """Close the file."""
        self._file.close()
        super().close()
