"""Work on many frames at once in threads, with results in order and prompt cancelling."""

from __future__ import annotations

import mmap
import os
import threading
from collections import deque
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, TypeVar

__all__ = ["default_workers", "limit_workers", "ordered_map", "start_work"]

Item = TypeVar("Item")
Result = TypeVar("Result")


#: Memory for the stack and the first steps of a new thread [bytes].
_THREAD_MEMORY = 10 * 2**20
#: Most threads where none are asked for; a process that shares the computer lowers it.
_most_workers = 8


def default_workers() -> int:
    """Return the number of threads where none is given: one per usable processor, 8 at most."""
    if hasattr(os, "sched_getaffinity"):
        return max(1, min(_most_workers, len(os.sched_getaffinity(0))))
    return max(1, min(_most_workers, os.cpu_count() or 1))


def limit_workers(count: int) -> None:
    """Use at most `count` threads in this process from now on, where none are asked for.

    For processes of which several work side by side on one computer.
    """
    global _most_workers
    _most_workers = max(1, count)


def start_work(
    pool: ThreadPoolExecutor, function: Callable[..., Result], *arguments: Any
) -> Future[Result]:
    """Let a pool call a function.

    Raises
    ------
    MemoryError
        When the system has no room for another thread.
    """
    # Only a new thread needs room; the pool itself does not tell whether it will start one.
    if len(pool._threads) < pool._max_workers:
        _make_sure_of_room()
    try:
        return pool.submit(function, *arguments)
    except RuntimeError as error:
        if "new thread" not in str(error):
            raise
        raise MemoryError("There is no room for another thread.") from error


def _make_sure_of_room() -> None:
    """Raise MemoryError where a new thread has no memory for its stack and its first steps.

    A thread that finds none in its first steps never says that it has started, and Python waits
    for that without end. The memory is not touched: asking for it takes microseconds.
    """
    try:
        # Memory that might be shared takes several times as long to get; Windows knows one kind.
        private = {"flags": mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS} if os.name == "posix" else {}
        mmap.mmap(-1, _THREAD_MEMORY, **private).close()
    except OSError as error:
        raise MemoryError("There is no room for another thread.") from error


def ordered_map(
    function: Callable[[Item, threading.Event], Result],
    items: Sequence[Item],
    workers: int | None = None,
    thread_name: str = "flimage",
) -> Generator[Result, None, None]:
    """Apply `function` to all items in threads and yield the results in order.

    At most two results per thread wait to be fetched, so that memory does not depend on the
    number of items.

    Parameters
    ----------
    function
        Called as ``function(item, stopped)``. It should return early, with anything, once the
        event `stopped` is set: the result is then not used.
    items
        What to work on.
    workers
        Number of threads; None for :func:`default_workers`.
    thread_name
        Start of the names of the threads.

    Yields
    ------
    Result
        ``function(item, stopped)`` for each item.

    Notes
    -----
    Closing the generator (``contextlib.closing``), or an exception in `function`, stops the
    threads and waits for them. Close it in the thread that iterates.
    """
    workers = default_workers() if workers is None else max(1, workers)
    stopped = threading.Event()
    if min(workers, len(items)) <= 1:
        for item in items:
            yield function(item, stopped)
        return
    pool = ThreadPoolExecutor(workers, thread_name_prefix=thread_name)
    pending: deque[Future[Result]] = deque()
    try:
        for item in items:
            pending.append(start_work(pool, function, item, stopped))
            if len(pending) > 2 * workers:
                yield pending.popleft().result()
        while pending:
            yield pending.popleft().result()
    finally:
        stopped.set()
        pool.shutdown(wait=True, cancel_futures=True)
