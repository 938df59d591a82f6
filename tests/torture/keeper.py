"""Runs trials in a process of its own, with limits on time and memory, and outlives its death."""

from __future__ import annotations

import faulthandler
import multiprocessing
import os
import resource
import signal
import sys
import tempfile
import warnings
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

__all__ = ["MEMORY", "PATIENCE", "Keeper", "peak_memory"]

#: What a trial may take [s].
PATIENCE = 5.0
#: Memory beyond what the process has when it starts [bytes].
MEMORY = 1 << 30

#: One thread for each library, so that the limit is on what the program takes.
_QUIET = {
    "OPENBLAS_NUM_THREADS": "1",
    "OMP_NUM_THREADS": "1",
    "MALLOC_ARENA_MAX": "2",
    "QT_QPA_PLATFORM": "offscreen",
    "FLIMAGE_NO_CACHE": "1",
}


class Keeper:
    """A process that runs one trial after another.

    Parameters
    ----------
    setup
        Called in the process with a folder to work in; returns the function that runs a trial.
    folder
        The folder to work in.
    """

    def __init__(self, setup: Callable[[Path], Callable[[Any], Any]], folder: Path) -> None:
        self._setup, self._folder = setup, folder
        self._process: Any = None
        self._pipe: Connection | None = None
        self.peak = 0

    def run(self, task: Any, patience: float = PATIENCE) -> tuple[str, Any]:
        """Run a trial: ``("done", result)``, ``("hang", where)`` or ``("crash", where)``."""
        self.start()
        assert self._pipe is not None
        self._pipe.send(task)
        try:
            if not self._pipe.poll(patience):
                os.kill(self._process.pid, signal.SIGUSR1)  # tells where it is
                self._process.join(0.3)
                self._process.kill()
                self._process.join()
                self._process = None
                return "hang", self._trace()
            result, self.peak = self._pipe.recv()
            return "done", result
        except (EOFError, OSError):
            self._process.join()
            code = self._process.exitcode
            self._process = None
            return "crash", f"exit code {code}\n{self._trace()}"

    def close(self) -> None:
        """End the process."""
        if self._process is not None:
            assert self._pipe is not None
            self._pipe.close()
            self._process.join(10)
            self._process.kill()
            self._process.join()
            self._process = None

    def _trace(self) -> str:
        lines = (self._folder / "trace").read_text(errors="replace").splitlines()
        return "\n".join(lines[:30])

    def start(self) -> None:
        """Start the process, where none is running."""
        if self._process is not None:
            return
        before = {key: os.environ.get(key) for key in _QUIET}
        os.environ.update(_QUIET)
        try:
            context = multiprocessing.get_context("spawn")
            self._pipe, theirs = context.Pipe()
            self._process = context.Process(
                target=_serve, args=(theirs, self._setup, self._folder), daemon=True
            )
            self._process.start()
            theirs.close()
        finally:
            for key, value in before.items():
                if value is None:
                    del os.environ[key]
                else:
                    os.environ[key] = value
        try:
            ready = self._pipe.poll(60) and self._pipe.recv() == "ready"
        except EOFError:
            ready = False
        assert ready, (self._folder / "console").read_text(errors="replace")


def peak_memory() -> int:
    """Return the most memory that this process has had [bytes]."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def _serve(pipe: Connection, setup: Callable[[Path], Callable[[Any], Any]], folder: Path) -> None:
    trace = (folder / "trace").open("w")
    faulthandler.enable(trace)
    faulthandler.register(signal.SIGUSR1, trace)
    # What libraries print themselves is looked at by the trials.
    console = (folder / "console").open("w+")
    os.dup2(console.fileno(), 2)
    sys.stderr = console
    warnings.simplefilter("error")
    warnings.filterwarnings("ignore", message="Interface '.*' unavailable!")
    run = setup(folder)
    used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (used + MEMORY,) * 2)
    pipe.send("ready")
    while True:
        try:
            task = pipe.recv()
        except (EOFError, OSError):
            return
        result = run(task)
        console.flush()
        printed = os.fstat(console.fileno()).st_size
        if printed:
            console.seek(0)
            text = console.read()
            console.seek(0)
            console.truncate()
            result.bugs.append(f"printed on the console: {text[:500]}")
        pipe.send((result, peak_memory()))


def scratch() -> tempfile.TemporaryDirectory[str]:
    """Make a folder for trials."""
    return tempfile.TemporaryDirectory(prefix="flimage-torture-")
