"""Images in memory by key, bounded in bytes (no Qt).

Cameras count: most raw frames are whole numbers of 16 bits that are stored as floats. Those are
kept as such, so that twice as many find room; whoever asks gets floats again.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable

import numpy as np

__all__ = ["ImageStore"]

#: Pixels that are looked at before all of an image is tried to be kept as whole numbers.
_SAMPLED = 64
_LARGEST_COUNT = 65535


def _pack(image: np.ndarray) -> np.ndarray:
    """Return float32 counts of a camera as uint16; every other image as it is."""
    if image.dtype != np.float32 or image.ndim != 2 or image.size == 0:
        return image
    sample = image[image.shape[0] // 2, :: max(1, image.shape[1] // _SAMPLED)]
    # Comparisons with NaN are false, so that an image with gaps is kept as it is.
    if not (sample == np.floor(sample)).all():
        return image
    if not (image.min() >= 0 and image.max() <= _LARGEST_COUNT):
        return image
    counts = image.astype(np.uint16)
    return counts if np.array_equal(counts, image) else image


def _unpack(kept: np.ndarray) -> np.ndarray:
    """Undo :func:`_pack`."""
    return kept.astype(np.float32) if kept.dtype == np.uint16 else kept


class ImageStore:
    """Images by key, least recently used ones leave first; safe to use from several threads.

    Parameters
    ----------
    limit
        Largest size of all images together [bytes]. One image is always kept.

    Notes
    -----
    Images of uint16 come back as float32, too: a recording is a series of floats.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._images: OrderedDict[Hashable, np.ndarray] = OrderedDict()
        self._bytes = 0
        self._lock = threading.Lock()

    @property
    def nbytes(self) -> int:
        """Size of all images [bytes]."""
        return self._bytes

    @property
    def limit(self) -> int:
        """Largest size of all images together [bytes]."""
        return self._limit

    @limit.setter
    def limit(self, limit: int) -> None:
        with self._lock:
            self._limit = limit
            self._shrink()

    def __len__(self) -> int:
        return len(self._images)

    def __contains__(self, key: Hashable) -> bool:
        return key in self._images

    def size_of(self, key: Hashable) -> int:
        """Size of the image of `key` as it is kept [bytes]; 0 when there is none."""
        with self._lock:
            kept = self._images.get(key)
            return 0 if kept is None else kept.nbytes

    def get(self, key: Hashable) -> np.ndarray | None:
        """Return the image of `key`, which counts as a use of it."""
        with self._lock:
            kept = self._images.get(key)
            if kept is None:
                return None
            self._images.move_to_end(key)
        return _unpack(kept)

    def get_or_make(self, key: Hashable, make: Callable[[], np.ndarray]) -> np.ndarray:
        """Return the image of `key`; where there is none, make and keep it."""
        image = self.get(key)
        if image is None:
            image = make()
            # Whatever makes it may have put it here, too: an image is packed once.
            if key not in self:
                self.put(key, image)
        return image

    def put(self, key: Hashable, image: np.ndarray) -> None:
        """Keep `image`, which nobody may change any more."""
        self._put(key, _pack(image))

    def _put(self, key: Hashable, image: np.ndarray) -> None:
        with self._lock:
            old = self._images.pop(key, None)
            if old is not None:
                self._bytes -= old.nbytes
            self._images[key] = image
            self._bytes += image.nbytes
            self._shrink()

    def adopt(self, other: ImageStore) -> None:
        """Take over all images of `other`, which has none then."""
        for key, image in list(other._images.items()):
            self._put(key, image)
        # Left there, they would stay when they have to leave here.
        other.clear()

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self._images.clear()
            self._bytes = 0

    def _shrink(self) -> None:
        while self._bytes > self._limit and len(self._images) > 1:
            _, image = self._images.popitem(last=False)
            self._bytes -= image.nbytes
