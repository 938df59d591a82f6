"""A recording that remembers some decoded frames, for work that reads it more than once.

A correction reads the recording three times: to average it, to measure it and to write it. Of a
short recording all frames are decoded once; of a long one the first that were read are kept, so
that memory does not depend on the length.
"""

from __future__ import annotations

import threading
from typing import Any

import numpy as np
import numpy.typing as npt

from .source import FrameSource, WrappedSource

__all__ = ["KeptFrames"]

#: Frames that are kept, at most, and the memory they may take together [bytes].
_FRAMES = 128
_BYTES = 64 * 2**20


class KeptFrames(WrappedSource):
    """Another recording, some raw frames of which are decoded only once.

    Parameters
    ----------
    source
        The recording; it must not change meanwhile.

    Notes
    -----
    Nothing is ever dropped: frames are read in order again and again, and of the ones that were
    used last none would be there when its turn comes.
    """

    def __init__(self, source: FrameSource) -> None:
        super().__init__(source)
        self._kept: dict[int, tuple[npt.NDArray[Any], np.dtype[Any]]] = {}
        self._bytes = 0
        self._lock = threading.Lock()

    def raw(self, index: int) -> npt.NDArray[Any]:
        """Raw image of a frame, of shape (y, x), in its stored type; not to be changed."""
        kept = self._kept.get(index)
        if kept is not None:
            packed, dtype = kept
            return packed if packed.dtype == dtype else packed.astype(dtype)
        image = self.source.raw(index)
        self._keep(index, image)
        return image

    def _keep(self, index: int, image: npt.NDArray[Any]) -> None:
        if len(self._kept) >= _FRAMES or self._bytes + image.nbytes // 2 > _BYTES:
            return
        packed = _pack(image)
        packed.setflags(write=False)
        with self._lock:
            if self._bytes + packed.nbytes <= _BYTES and index not in self._kept:
                self._kept[index] = (packed, image.dtype)
                self._bytes += packed.nbytes


def _pack(image: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Return the image with 16 bits a pixel where that holds its values exactly."""
    if image.dtype != np.float32:
        return image
    with np.errstate(invalid="ignore"):
        packed = image.astype(np.uint16)
    # By their bits, so that -0.0 stays what it is.
    same = np.array_equal(packed.astype(np.float32).view(np.uint32), image.view(np.uint32))
    return packed if same else image
