"""How long computations report what they have done, and how they are stopped."""

from __future__ import annotations

import threading
from typing import Any, Protocol

from .errors import Cancelled

__all__ = ["Progress", "SharedCounters", "check_cancelled", "ignore_progress"]


class Progress(Protocol):
    """A callback ``progress(done, total, stage)``.

    It is called often and from the thread that runs the computation. Raising
    :class:`~flimage.errors.Cancelled` in it stops the computation, which then removes whatever
    it had written.
    """

    def __call__(self, done: int, total: int, stage: str, /) -> None:
        """Report that `done` of `total` steps of `stage` are finished."""


def ignore_progress(done: int, total: int, stage: str) -> None:
    """Report to nobody."""


def check_cancelled(event: threading.Event) -> None:
    """Raise :class:`~flimage.errors.Cancelled` when `event` is set."""
    if event.is_set():
        raise Cancelled("Cancelled; nothing was written.")


class SharedCounters:
    """Progress for clients that watch two numbers with a ``value`` attribute.

    flimage's methods have always taken ``count`` and ``max_count`` (often
    ``multiprocessing.Value``), and clients wait until both are equal: they are in every case
    when this context is left, also after an error.

    Parameters
    ----------
    count, max_count
        Objects with a writable integer attribute ``value``, or None.
    """

    def __init__(self, count: Any = None, max_count: Any = None) -> None:
        self._count = count
        self._max_count = max_count
        self._start = count.value if count is not None else 0
        self._max_start = max_count.value if max_count is not None else 0

    def __enter__(self) -> SharedCounters:
        return self

    def __call__(self, done: int, total: int, stage: str) -> None:
        """Add what was done so far to what the counters held before."""
        if self._max_count is not None:
            self._max_count.value = self._max_start + max(total, 1)
        if self._count is not None:
            # The last step is only reported on leaving: then the work is really over.
            self._count.value = self._start + min(done, max(total, 1) - 1)

    def __exit__(self, *exc_info: object) -> None:
        if self._max_count is not None:
            if self._max_count.value == self._max_start:
                self._max_count.value = self._max_start + 1
            if self._count is not None:
                self._count.value = self._max_count.value
        elif self._count is not None:
            self._count.value += 1
