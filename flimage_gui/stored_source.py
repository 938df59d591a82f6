"""A recording whose raw frames are kept once they were read (no Qt)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from flimage.source import FrameSource, WrappedSource

from .displays import raw_key

if TYPE_CHECKING:
    from .image_store import ImageStore

__all__ = ["StoredSource"]


class StoredSource(WrappedSource):
    """A recording whose raw frames are kept in an `ImageStore` once they were read.

    Parameters
    ----------
    source
        The recording.
    store
        Where frames are kept.
    edition
        Changes whenever the frames of `source` do.
    """

    def __init__(self, source: FrameSource, store: ImageStore, edition: int = 0) -> None:
        super().__init__(source)
        self.store = store
        self.edition = edition

    def raw(self, index: int) -> np.ndarray:
        """Raw frame (y, x), as it is stored."""
        key = raw_key(index, self.edition)
        return self.store.get_or_make(key, lambda: self.source.raw(index))
