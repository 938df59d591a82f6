"""Decoded frames: made off the window's thread, kept within a number of bytes, fetched ahead.

What the person asks for comes first: a newer request takes the place of one that waits, and
fetching ahead stops as soon as anything is asked for.
"""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any, Protocol

import numpy as np
from PyQt5.QtCore import QObject, pyqtSignal

from flimage.errors import Cancelled
from flimage.progress import Progress

from .image_store import ImageStore
from .jobs import URGENT_LANE, JobRunner

__all__ = ["FrameCache", "FrameMaker", "make_image", "neighbours"]

LANE = URGENT_LANE
#: Number of frames fetched ahead.
AHEAD = 6
#: A step longer than this [frames] is a jump: its direction says nothing about the next one.
LONGEST_STRIDE = 25


class FrameMaker(Protocol):
    """Makes the images that are displayed; an immutable value that any thread may use."""

    def __len__(self) -> int:
        """Return the number of frames."""

    def key(self, index: int, display: Any) -> Hashable:
        """Return what identifies the image: equal keys mean equal images."""

    def make(self, index: int, display: Any) -> np.ndarray:
        """Return the image `(y, x)`."""


class FrameCache(QObject):
    """Delivers frames to the window.

    Parameters
    ----------
    runner
        Where frames are decoded.
    limit
        Largest size of all kept images together [bytes].
    parent
        Qt parent.
    """

    #: index, display, image (y, x)
    frame_ready = pyqtSignal(int, object, object)
    #: index, display, exception
    frame_failed = pyqtSignal(int, object, object)

    def __init__(self, runner: JobRunner, limit: int, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._runner = runner
        self.store = ImageStore(limit)
        self._maker: FrameMaker | None = None
        self._generation = 0
        self._delivered = 0
        self._previous: int | None = None
        self._stride = 1

    @property
    def maker(self) -> FrameMaker | None:
        """What makes the images."""
        return self._maker

    def set_maker(self, maker: FrameMaker | None) -> None:
        """Make images with `maker` from now on; None stops delivery and forgets everything.

        Images whose keys stay the same stay cached: between two recordings there has to be None.
        """
        self._maker = maker
        if maker is None:
            self._runner.cancel(LANE)
            self._generation += 1
            self._previous, self._stride = None, 1
            # A new one rather than an empty one: what is still being decoded for the old recording
            # must not be taken for a frame of the new one.
            self.store = ImageStore(self.store.limit)

    def request(self, index: int, display: Any) -> None:
        """Ask for one image; it is delivered by :attr:`frame_ready`, at once when it is kept."""
        maker = self._maker
        if maker is None:
            return
        self._note_direction(index)
        image = self.store.get(maker.key(index, display))
        generation = self._generation
        if image is not None:
            # Whatever is decoded for an older request comes too late now.
            self._delivered = self._fetch_ahead(maker, index, display)
            self.frame_ready.emit(index, display, image)
            return

        store = self.store

        def decode(progress: Progress) -> np.ndarray:
            return make_image(maker, index, display, store)

        def deliver(image: np.ndarray) -> None:
            # While frames are asked for faster than they can be decoded, each one that is done
            # is shown on the way: otherwise nothing moves until the slider rests.
            if generation == self._generation and number > self._delivered:
                self._delivered = number
                self.frame_ready.emit(index, display, image)
                if self._maker is maker and self._runner.newest(LANE) == number:
                    self._fetch_ahead(maker, index, display)

        def fail(error: Exception) -> None:
            if generation == self._generation and number > self._delivered:
                self._delivered = number
                self.frame_failed.emit(index, display, error)

        number = self._runner.submit(LANE, decode, deliver, failed=fail, keep_late=True)

    def _note_direction(self, index: int) -> None:
        if self._previous is not None and index != self._previous:
            step = index - self._previous
            self._stride = step if abs(step) <= LONGEST_STRIDE else 0
        self._previous = index

    def _fetch_ahead(self, maker: FrameMaker, index: int, display: Any) -> int:
        """Make the frames that are likely to be asked for next; return the request's number."""
        store = self.store
        wanted = neighbours(index, self._stride, len(maker))

        def fetch(progress: Progress) -> None:
            room: int | None = None
            for done, i in enumerate(wanted):
                progress(done, len(wanted), "")
                key = maker.key(i, display)
                if key in store:
                    continue
                try:
                    make_image(maker, i, display, store)
                except Cancelled:
                    raise
                except Exception:  # reported when the person really asks for this frame
                    return
                # Never push out the frame on screen for one that is only guessed at.
                if room is None:
                    room = store.limit // max(store.size_of(key) * 3, 1)
                room -= 1
                if room <= 0:
                    return

        return self._runner.submit(LANE, fetch, lambda _: None)


def neighbours(index: int, stride: int, n_frames: int) -> list[int]:
    """Frames that are likely to be asked for after `index`, the likeliest first."""
    if stride == 0:
        candidates = [index + 1, index - 1]
    else:
        candidates = [index + stride * k for k in range(1, AHEAD + 1)] + [index - stride]
    return [i for i in candidates if 0 <= i < n_frames]


def make_image(maker: FrameMaker, index: int, display: Any, store: ImageStore) -> np.ndarray:
    """Take the image from `store`, or make it and put it there."""
    return store.get_or_make(maker.key(index, display), lambda: maker.make(index, display))
