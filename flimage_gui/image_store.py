"""Images in memory by key, bounded in bytes (no Qt)."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable

import numpy as np

__all__ = ["ImageStore"]


class ImageStore:
    """Images by key, least recently used ones leave first; safe to use from several threads.

    Parameters
    ----------
    limit
        Largest size of all images together [bytes]. One image is always kept.
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

    def get(self, key: Hashable) -> np.ndarray | None:
        """Return the image of `key`, which counts as a use of it."""
        with self._lock:
            image = self._images.get(key)
            if image is not None:
                self._images.move_to_end(key)
            return image

    def get_or_make(self, key: Hashable, make: Callable[[], np.ndarray]) -> np.ndarray:
        """Return the image of `key`; where there is none, make and keep it."""
        image = self.get(key)
        if image is None:
            image = make()
            self.put(key, image)
        return image

    def put(self, key: Hashable, image: np.ndarray) -> None:
        """Keep `image`, which nobody may change any more."""
        with self._lock:
            old = self._images.pop(key, None)
            if old is not None:
                self._bytes -= old.nbytes
            self._images[key] = image
            self._bytes += image.nbytes
            self._shrink()

    def adopt(self, other: ImageStore) -> None:
        """Take over all images of `other`."""
        for key, image in list(other._images.items()):
            self.put(key, image)

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self._images.clear()
            self._bytes = 0

    def _shrink(self) -> None:
        while self._bytes > self._limit and len(self._images) > 1:
            _, image = self._images.popitem(last=False)
            self._bytes -= image.nbytes
