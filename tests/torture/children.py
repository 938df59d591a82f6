"""Processes that are born to be killed, or to tell what came of them through a pipe."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from typing import Any

__all__ = ["answer", "ask", "start", "start_telling"]


def start(work: Callable[[], None]) -> int:
    """Do something in a process of its own, in a group of its own; return its number."""
    child = os.fork()
    if child:
        return child
    code = 1
    try:
        os.setsid()
        work()
        code = 0
    finally:
        os._exit(code)


def start_telling(work: Callable[[int], None]) -> tuple[int, int]:
    """Start what gets a pipe to write to; return its number, and the pipe to read from."""
    reading, writing = os.pipe()

    def tell() -> None:
        os.close(reading)
        work(writing)

    child = start(tell)
    os.close(writing)
    return child, reading


def answer(pipe: int) -> bytes:
    """Read all that is told until the pipe is closed."""
    with os.fdopen(pipe, "rb") as file:
        return file.read()


def ask(work: Callable[[], Any]) -> tuple[Any, int]:
    """Return what comes of work in a process of its own, and how that has ended.

    None comes of it where the process died.
    """

    def tell(pipe: int) -> None:
        with os.fdopen(pipe, "w") as file:
            json.dump(work(), file)

    child, pipe = start_telling(tell)
    told = answer(pipe)
    _, status = os.waitpid(child, 0)
    return (json.loads(told) if told else None), status
