"""Work on many items on a Dask cluster, and go on when one of its workers dies."""

from __future__ import annotations

import contextlib
import queue
from collections.abc import Callable, Generator, Sequence
from typing import Any

from .errors import InputError
from .extras import need
from .parallel import limit_workers
from .processes import Finished, Lost
from .progress import Progress

__all__ = ["run_on_cluster"]

#: How long the scheduler may take to answer [s].
_TIMEOUT = 20.0

#: How often the one who waits is told that nothing happened yet, so that it can cancel [s].
_PATIENCE = 0.5


def _work(function: Callable[[Any, Progress], Any], item: Any) -> Any:
    """Work on one item, on a worker."""
    # Each of the worker's threads works on an item of its own.
    limit_workers(1)
    return function(item, _ignore)


def _ignore(done: int, total: int, stage: str) -> None:
    """Report to nobody: nobody watches a worker."""


def run_on_cluster(
    function: Callable[[Any, Progress], Any],
    items: Sequence[Any],
    address: str,
    tell: Callable[[], None],
) -> Generator[Finished[Any] | Lost, None, None]:
    """Apply ``function(item, progress)`` to all items on the workers of a Dask scheduler.

    What a worker was doing when it died is done again by another one; an item whose workers die
    again and again is given up.

    Parameters
    ----------
    function
        A function of a module that the workers can import.
    items
        What to work on; they are pickled.
    address
        Address of the scheduler, such as ``tcp://192.168.1.5:8786``.
    tell
        Called while nothing happens; what it raises ends the work.

    Yields
    ------
    Finished or Lost
        What happened, in the order in which it happened.

    Raises
    ------
    flimage.errors.InputError
        When `distributed` is not installed, the scheduler does not answer, or has no workers.

    References
    ----------
    https://distributed.dask.org/en/stable/resilience.html
    """
    distributed = need("distributed", "cluster", "Working on a cluster")
    try:
        client = distributed.Client(address, timeout=_TIMEOUT, set_as_default=False)
    except (OSError, ValueError) as error:
        raise InputError(
            f"No Dask scheduler answers at {address} ({type(error).__name__}); start one with 'dask"
            " scheduler', and name its address."
        ) from error
    with client:
        if not client.scheduler_info().get("workers"):
            raise InputError(
                f"The Dask scheduler at {address} has no workers; start some with 'dask worker"
                f" {address}'."
            )
        futures = [
            client.submit(_work, function, item, pure=False, key=f"flimage-{number}-{id(item)}")
            for number, item in enumerate(items)
        ]
        numbers = {future.key: number for number, future in enumerate(futures)}
        done: queue.SimpleQueue[Any] = queue.SimpleQueue()
        for future in futures:
            future.add_done_callback(done.put)
        try:
            for _ in futures:
                future = _next(done, tell)
                number = numbers[future.key]
                if future.status == "finished":
                    yield Finished(number, future.result())
                    continue
                problem = future.exception()
                if not isinstance(problem, distributed.KilledWorker):
                    raise InputError(
                        f"The cluster at {address} gave up ({type(problem).__name__}: {problem});"
                        " see the log of its workers. They need flimage in the same version."
                    ) from problem
                yield Lost(number, None)
        finally:
            # What nobody waits for any more is not begun.
            with contextlib.suppress(Exception):  # the scheduler may be gone, which ends it, too
                client.cancel(futures)


def _next(done: queue.SimpleQueue[Any], tell: Callable[[], None]) -> Any:
    while True:
        try:
            return done.get(timeout=_PATIENCE)
        except queue.Empty:
            tell()
