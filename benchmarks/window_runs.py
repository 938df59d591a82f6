"""Runs the windows that are measured: on a display of their own, each in a process of its own."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

__all__ = ["Bench", "Result", "RunError", "display"]

HERE = Path(__file__).resolve().parent
PROGRAMS = {"bare": HERE / "window_bare.py", "program": HERE / "window_program.py"}
#: A run that takes longer has failed [s].
TIMEOUT = 300
SCREEN = "1920x1200x24"

Result = dict[str, Any]


class RunError(Exception):
    """A window could not be measured."""


@contextlib.contextmanager
def display() -> Iterator[dict[str, str]]:
    """Give the environment of a display: Xvfb, where there is one; else the one there is.

    A window of one's own desktop would be measured with whatever else is drawn there.
    """
    server = shutil.which("Xvfb")
    environment = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "PYTHONHOME")}
    environment.pop("QT_QPA_PLATFORM", None)
    if server is None:
        if sys.platform.startswith("linux") and not environment.get("DISPLAY"):
            raise SystemExit("There is no display; install Xvfb (Debian and Ubuntu: xvfb).")
        yield environment
        return
    read, write = os.pipe()
    # The server chooses a free number and tells it.
    command = [server, "-displayfd", str(write), "-screen", "0", SCREEN, "-nolisten", "tcp"]
    process = subprocess.Popen(
        command, pass_fds=[write], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    os.close(write)
    try:
        with os.fdopen(read) as told:
            number = told.readline().strip()
        if not number:
            raise SystemExit(f"{server} could not be started.")
        environment.pop("WAYLAND_DISPLAY", None)
        yield {**environment, "DISPLAY": f":{number}"}
    finally:
        process.terminate()
        process.wait()


@dataclass
class Bench:
    """Runs windows.

    Parameters
    ----------
    environment
        With the display.
    folder
        For recordings and settings.
    repeats
        How often a run is repeated.
    """

    environment: dict[str, str]
    folder: Path
    repeats: int

    def recording(self, count: int, size: int) -> Path:
        """Simulate a recording, once."""
        path = self.folder / f"recording-{count}-{size}.h5"
        if not path.exists():
            command = [sys.executable, str(HERE / "workloads.py"), "input", "--input", str(path)]
            subprocess.run([*command, "--count", str(count), "--size", str(size)], check=True)
        return path

    def run(self, which: str, task: str, recording: Path, **extra: str) -> Result:
        """Run a window once, with the settings of a person who never used it before."""
        with tempfile.TemporaryDirectory(dir=self.folder) as home:
            environment = {**self.environment, **extra}
            for name in ("CONFIG_HOME", "STATE_HOME", "CACHE_HOME", "RUNTIME_DIR"):
                environment[f"XDG_{name}"] = home
            command = [sys.executable, str(PROGRAMS[which]), task, str(recording)]
            started = time.time()
            try:
                done = subprocess.run(
                    command, env=environment, capture_output=True, text=True, timeout=TIMEOUT
                )
            except subprocess.TimeoutExpired as error:
                said = f"{' '.join(command)} took more than {TIMEOUT} s"
                raise RunError(said) from error
        lines = [line for line in done.stdout.splitlines() if line.startswith("{")]
        if done.returncode or not lines:
            raise RunError(f"{' '.join(command)} failed:\n{done.stderr}")
        result: Result = json.loads(lines[-1])
        for moment in ("first", "complete"):
            if moment in result:
                result[moment] -= started
        return result

    def both(
        self, task: str, recording: Path, times: int | None = None
    ) -> tuple[list[Result], list[Result]]:
        """Run both windows in turn, so that what else the machine does meets both.

        Parameters
        ----------
        task, recording
            What they do, and with what.
        times
            How often, where it is not as often as all others.
        """
        ours, bare = [], []
        for _ in range(self.repeats if times is None else times):
            bare.append(self.run("bare", task, recording))
            ours.append(self.run("program", task, recording))
        return ours, bare
