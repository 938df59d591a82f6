"""Read images of HDF5 datasets that consist of pieces (chunks) of any size.

What the usual filters have packed is unpacked here, where it is known beforehand how large the
result has to be, and a piece that holds several images is unpacked once. HDF5 reads everything
else, after each piece was checked.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import Any

import h5py
import numpy as np
import numpy.typing as npt
from h5py import _objects, h5d

from . import codec
from .checked_chunks import USUAL, Filter, check_packed, filters_of
from .checked_dataset import is_plain_type
from .codec import Filters

__all__ = ["ImageReader", "usual_filters"]

#: What packing adds at most to a piece that cannot be packed, and more [bytes].
_MOST_OVERHEAD = 2**16
#: Pieces of which an image may consist: that takes about a second.
_MOST_PIECES = 2**16

#: Pieces with several images are kept up to this size [bytes], and one that is larger.
_MOST_KEPT = 2**28

_Pieces = dict[tuple[int, ...], "npt.NDArray[Any] | None"]


def usual_filters(filters: Sequence[Filter], mask: int = 0) -> Filters | None:
    """Return the filters of a dataset as a chain that is undone here; None for others.

    Parameters
    ----------
    filters
        Of :func:`~flimage.checked_chunks.filters_of`.
    mask
        Bits of the filters that were left out of a piece.
    """
    found = [each for bit, each in enumerate(filters) if not mask >> bit & 1]
    order = [USUAL.get(each[0], -1) for each in found]
    if -1 in order or order != sorted(set(order)):
        return None
    level = found[order.index(1)][2][0] if 1 in order else None
    if level is not None and not codec.is_available():
        return None
    return Filters(shuffle=0 in order, level=level, fletcher=2 in order)


class ImageReader:
    """Reads images out of a dataset of numbers.

    Parameters
    ----------
    dataset
        Low-level identifier of a dataset that :mod:`flimage.checked_dataset` has checked. Its last
        two axes are those of an image.
    """

    def __init__(self, dataset: Any) -> None:
        self._dataset = dataset
        self._shape: tuple[int, ...] = dataset.shape
        self._dtype: np.dtype[Any] = dataset.dtype
        plist = dataset.get_create_plist()
        self._chunk: tuple[int, ...] = ()
        if plist.get_layout() == h5d.CHUNKED:
            self._chunk = plist.get_chunk()
        self._nbytes = math.prod(self._chunk) * self._dtype.itemsize
        self._holds_several = math.prod(self._chunk[:-2]) > 1
        self._is_whole = self._chunk[-2:] == self._shape[-2:]
        self._filters = filters_of(plist)
        self._usual = usual_filters(self._filters)
        if not is_plain_type(dataset.get_type(), self._dtype):
            self._usual = None
        if not self._filters and self._nbytes > _MOST_KEPT:
            # HDF5 reads an image out of the middle of what is not packed.
            self._usual = None
        self._fill = np.zeros((), self._dtype.newbyteorder("="))
        if plist.fill_value_defined() != h5d.FILL_VALUE_UNDEFINED:
            plist.get_fill_value(self._fill)
        #: Corners of the pieces of an image; None where there are too many of them.
        self._corners: list[tuple[int, ...]] | None = None
        if self._chunk:
            grid = [
                range(0, size, step)
                for size, step in zip(self._shape[-2:], self._chunk[-2:], strict=True)
            ]
            if math.prod(map(len, grid)) <= _MOST_PIECES:
                self._corners = list(itertools.product(*grid))
        #: Place along the leading axes of the pieces that were read last, and these.
        self._last: tuple[tuple[int, ...], _Pieces] = ((), {})

    def read(self, leading: tuple[int, ...] = ()) -> npt.NDArray[Any]:
        """Read an image.

        Parameters
        ----------
        leading
            Its place along the axes before the last two.

        Returns
        -------
        ndarray
            (y, x), in the file's type and the machine's byte order.

        Raises
        ------
        ValueError
            When a piece is damaged, or there are too many of them.
        OSError, RuntimeError
            When HDF5 cannot read it.
        """
        if self._chunk and self._usual is not None:
            return self._put_together(leading)
        if self._chunk:
            for place in self._places(leading):
                self._check(place)
        image = np.asarray(h5py.Dataset(self._dataset)[leading])
        return image if image.dtype.isnative else image.astype(image.dtype.newbyteorder("="))

    def _places(self, leading: tuple[int, ...]) -> list[tuple[int, ...]]:
        """Where the pieces of an image begin."""
        if self._corners is None:
            raise ValueError(f"it consists of more than {_MOST_PIECES} pieces; repack the file")
        if not leading:
            return self._corners
        first = tuple([at // step * step for at, step in zip(leading, self._chunk, strict=False)])
        return [first + corner for corner in self._corners]

    def _put_together(self, leading: tuple[int, ...]) -> npt.NDArray[Any]:
        """Put an image together from its pieces."""
        places = self._places(leading)
        inner = tuple([at % step for at, step in zip(leading, self._chunk, strict=False)])
        if self._is_whole:
            piece = self._piece(places[0])
            if piece is not None:
                # What is kept must not be changed by who gets it.
                whole: npt.NDArray[Any] = piece[inner]
                return whole.copy() if self._holds_several else whole
        image = np.full(self._shape[-2:], self._fill)
        height, width = self._chunk[-2:]
        for place in places:
            piece = self._piece(place)
            if piece is not None:
                y, x = place[-2:]
                part = image[y : y + height, x : x + width]
                part[...] = piece[inner][: part.shape[0], : part.shape[1]]
        return image

    def _piece(self, place: tuple[int, ...]) -> npt.NDArray[Any] | None:
        """Unpack a piece; None where it was never written."""
        row, corner = place[:-2], place[-2:]
        if self._last[0] != row:
            self._last = row, {}
        pieces = self._last[1]
        if corner in pieces:
            return pieces[corner]
        stored = self._stored(place)
        piece = None
        if stored is not None:
            mask, data = stored
            filters = usual_filters(self._filters, mask) if mask else self._usual
            assert filters is not None  # fewer of the usual ones are usual
            piece = codec.decompress_chunk(data, self._chunk, self._dtype, filters)
        only = self._corners is not None and len(self._corners) == 1
        if self._holds_several and (only or (len(pieces) + 1) * self._nbytes <= _MOST_KEPT):
            pieces[corner] = piece
        return piece

    def _stored(self, place: tuple[int, ...]) -> tuple[int, bytes] | None:
        """Take a piece out of the file as it is; None where it was never written."""
        try:
            with _objects.phil:  # h5py before version 3.16 forgets to take it
                found: tuple[int, bytes] = self._dataset.read_direct_chunk(place)
        except (MemoryError, OSError, RuntimeError, ValueError) as error:
            info = self._dataset.get_chunk_info_by_coord(place)
            # It has no size, which h5py takes for an enormous one.
            if info.byte_offset is None:
                return None
            if info.size > 2 * self._nbytes + _MOST_OVERHEAD:
                raise ValueError(f"{info.size} bytes are said to be stored of it") from error
            raise
        return found

    def _check(self, place: tuple[int, ...]) -> None:
        """Make sure that HDF5 can unpack a piece."""
        if not self._filters:
            info = self._dataset.get_chunk_info_by_coord(place)
            if info.byte_offset is not None and info.size != self._nbytes:
                raise ValueError(f"a part of it holds {info.size} bytes instead of {self._nbytes}")
            return
        stored = self._stored(place)
        if stored is not None:
            mask, data = stored
            itemsize = self._dtype.itemsize
            check_packed(data, mask, self._filters, self._nbytes, itemsize)
