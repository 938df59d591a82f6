"""Work on many items in processes of their own, and go on when one of them dies.

What is read may be damaged in ways that crash a library. A crash then costs one item, not the
whole batch.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import signal
import time
from collections import Counter, deque
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from types import FrameType
from typing import Any, Generic, TypeAlias, TypeVar

from .errors import Cancelled
from .parallel import default_workers, limit_workers
from .progress import Progress

__all__ = ["Advanced", "Finished", "Lost", "run_in_processes"]

Result = TypeVar("Result")

#: Function that works on one item and reports how far it is.
Work: TypeAlias = "Callable[[Any, Progress], Any]"

#: How often a process tells how far it is [s].
_REPORT_INTERVAL = 0.1

#: How long a process that is told to end may take to clean up [s].
_PATIENCE = 10.0


@dataclass(frozen=True)
class Advanced:
    """An item is being worked on."""

    item: int
    done: int
    total: int


@dataclass(frozen=True)
class Finished(Generic[Result]):
    """An item is done."""

    item: int
    result: Result


@dataclass(frozen=True)
class Lost:
    """The process that worked on an item died, every time it was tried."""

    item: int
    exit_code: int | None


@dataclass
class _Worker:
    """A process and the item that it works on."""

    process: BaseProcess
    connection: Connection
    item: int | None = None


def run_in_processes(
    function: Work,
    items: Sequence[Any],
    count: int,
    attempts: int = 2,
    tell: Callable[[], None] | None = None,
) -> Generator[Advanced | Finished[Any] | Lost, None, None]:
    """Apply ``function(item, progress)`` to all items in processes.

    Parameters
    ----------
    function
        A function of a module; it should catch what it expects to go wrong.
    items
        What to work on; they are pickled.
    count
        Number of processes.
    attempts
        How often an item is tried when its process dies.
    tell
        Called now and then while nothing happens; what it raises ends the work.

    Yields
    ------
    Advanced, Finished or Lost
        What happened, in the order in which it happened.

    Notes
    -----
    Closing the generator ends the processes and waits for them.
    """
    context = multiprocessing.get_context("spawn")
    threads = max(1, default_workers() // max(1, count))
    waiting = deque(range(len(items)))
    tried: Counter[int] = Counter()
    workers: list[_Worker] = []
    try:
        while waiting or any(worker.item is not None for worker in workers):
            busy = sum(worker.item is not None for worker in workers)
            while len(workers) < min(count, busy + len(waiting)):
                workers.append(_start(context, function, threads))
            for worker in workers:
                if worker.item is None and waiting:
                    number = waiting.popleft()
                    tried[number] += 1
                    worker.item = number
                    # A process that died meanwhile shows below, when nothing more comes from it.
                    with contextlib.suppress(OSError):
                        worker.connection.send(items[number])
                    yield Advanced(number, 0, 1)
            ready = wait([worker.connection for worker in workers], _REPORT_INTERVAL)
            if not ready and tell is not None:
                tell()
            for worker in [worker for worker in workers if worker.connection in ready]:
                item = worker.item
                try:
                    message = worker.connection.recv()
                except (EOFError, OSError):
                    workers.remove(worker)
                    exit_code = _end(worker)
                    if item is None:
                        continue
                    if tried[item] < attempts:
                        waiting.appendleft(item)
                    else:
                        yield Lost(item, exit_code)
                    continue
                assert item is not None
                if message[0] == "advanced":
                    yield Advanced(item, *message[1:])
                else:
                    worker.item = None
                    yield Finished(item, message[1])
    finally:
        for worker in workers:
            worker.connection.close()
            if worker.item is not None:
                worker.process.terminate()
        for worker in workers:
            _end(worker)


def _start(context: Any, function: Work, threads: int) -> _Worker:
    ours, theirs = context.Pipe()
    process = context.Process(target=_serve, args=(theirs, function, threads), daemon=True)
    process.start()
    theirs.close()
    return _Worker(process, ours)


def _end(worker: _Worker) -> int | None:
    """Wait for a process that ends, and make one end that does not."""
    worker.connection.close()
    worker.process.join(_PATIENCE)
    if worker.process.is_alive():
        worker.process.kill()
        worker.process.join()
    exit_code = worker.process.exitcode
    worker.process.close()
    return exit_code


def _serve(connection: Connection, function: Work, threads: int) -> None:
    """Work on what is sent, in a process of its own, until nothing more is sent."""

    def stop(number: int, frame: FrameType | None) -> None:
        raise SystemExit(128 + number)

    # The parent decides what an interrupt means; being told to end unwinds what is half-done.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, stop)
    limit_workers(threads)
    last = 0.0

    def report(done: int, total: int, stage: str) -> None:
        nonlocal last
        now = time.monotonic()
        if now - last < _REPORT_INTERVAL:
            return
        last = now
        try:
            connection.send(("advanced", done, total))
        except OSError as error:
            raise Cancelled("The program that asked for this work is gone.") from error

    while True:
        try:
            item = connection.recv()
        except (EOFError, OSError):
            return
        try:
            result = function(item, report)
        except Cancelled:  # nobody is there any more to be told of it
            return
        try:
            connection.send(("finished", result))
        except OSError:
            return
