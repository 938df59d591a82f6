"""What both windows are asked to do, and how it is timed; used in the process of each window.

Nothing is imported before it is needed: imports count where the first frame is timed.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

__all__ = ["Beat", "Looker", "Probe", "browsed", "peak_memory", "report"]


class Looker(Protocol):
    """A window that shows frames of a recording."""

    def count(self) -> int:
        """Return the number of frames."""

    def go(self, index: int) -> None:
        """Ask for a frame, by the control that a person would use."""


def report(**results: Any) -> None:
    """Hand results to the program that started this one."""
    print(json.dumps(results), flush=True)


def browsed(count: int) -> list[int]:
    """Frames that a person looks at who looks through a recording of `count` frames."""
    import numpy as np

    anywhere = np.random.default_rng(1).integers(0, count, 50).tolist()
    frames = [*range(1, min(count, 150)), *anywhere]
    # Going to the frame that is shown already paints nothing, and would be waited for in vain.
    return [frame for frame, before in zip(frames, [0, *frames], strict=False) if frame != before]


def peak_memory() -> int:
    """Largest resident size of this process so far [bytes]."""
    status = Path("/proc/self/status")
    if status.exists():
        # Not getrusage: what it tells includes the process that this one was started from.
        for line in status.read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


class Beat:
    """Measures for how long the thread of the window answers nothing.

    A timer is due every millisecond; what lies between two of its beats is the time for which a
    key or a click would have waited. How much of it the thread itself was working tells its own
    part from that of other threads and programs.
    """

    def __init__(self) -> None:
        from PyQt5.QtCore import Qt, QTimer

        self.gaps: list[float] = []
        self.works: list[float] = []
        self._last = self._worked = 0.0
        self._timer = QTimer()
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.timeout.connect(self._on_timeout)

    def start(self) -> None:
        """Begin anew."""
        self.gaps, self.works = [], []
        self._last, self._worked = time.perf_counter(), time.thread_time()
        self._timer.start(1)

    def stop(self) -> dict[str, float]:
        """Return the longest gap, the one that only one in a hundred exceeds, and own work [s]."""
        self._timer.stop()
        gaps = sorted(self.gaps) or [0.0]
        return {
            "longest": gaps[-1],
            "p99": gaps[int(0.99 * (len(gaps) - 1))],
            "above_16_ms": float(sum(gap > 0.016 for gap in gaps)),
            "most_work": max(self.works, default=0.0),
        }

    def _on_timeout(self) -> None:
        now, worked = time.perf_counter(), time.thread_time()
        self.gaps.append(now - self._last)
        self.works.append(worked - self._worked)
        self._last, self._worked = now, worked


class Probe:
    """Drives a window from its painted frames.

    Parameters
    ----------
    window
        The window.
    """

    def __init__(self, window: Looker) -> None:
        self.window = window
        #: Frames painted since :meth:`count_from_here`.
        self.painted = 0
        self._wanted: int | None = None
        self._asked = 0.0
        self._then: Callable[[float], None] | None = None
        self._timer: Any = None

    def on_painted(self, index: int) -> None:
        """Take note that a frame is on the screen; the window calls this when it has painted."""
        self.painted += 1
        if index == self._wanted and self._then is not None:
            took = time.perf_counter() - self._asked
            then, self._then, self._wanted = self._then, None, None
            then(took)

    def ask(self, index: int, then: Callable[[float], None]) -> None:
        """Go to a frame; `then` gets the seconds until it was painted."""
        self._wanted, self._then, self._asked = index, then, time.perf_counter()
        self.window.go(index)

    def visit(self, frames: list[int], pause: float, done: Callable[[list[float]], None]) -> None:
        """Go to frames one after the other, each after a `pause` [ms]; tell how long each took."""
        from PyQt5.QtCore import Qt, QTimer

        took: list[float] = []

        def on_painted(seconds: float) -> None:
            took.append(seconds)
            if len(took) == len(frames):
                QTimer.singleShot(0, lambda: done(took))
            else:
                QTimer.singleShot(round(pause), Qt.TimerType.PreciseTimer, follow)

        def follow() -> None:
            self.ask(frames[len(took)], on_painted)

        follow()

    def swing(
        self, frames: list[int], seconds: float, done: Callable[[dict[str, float]], None]
    ) -> None:
        """Go to and fro as quickly as frames are painted; tell how many of them there were."""
        from PyQt5.QtCore import QTimer

        # From the second one on: the first is on the screen, and would not be painted again.
        path = [*frames[1:], *frames[-2::-1]]
        start, painted = time.perf_counter(), 0

        def on_painted(_seconds: float) -> None:
            nonlocal painted
            painted += 1
            passed = time.perf_counter() - start
            if passed >= seconds:
                done({"painted": painted, "seconds": passed})
            else:
                # Not from within the painting.
                QTimer.singleShot(0, follow)

        def follow() -> None:
            self.ask(path[painted % len(path)], on_painted)

        follow()

    def scrub(self, rate: float, seconds: float, done: Callable[[int], None]) -> None:
        """Ask for `rate` frames per second, forward and back, whether they are painted or not."""
        from PyQt5.QtCore import Qt, QTimer

        self.painted = 0
        start, last = time.perf_counter(), self.window.count() - 1
        # Kept, because nothing else owns it.
        timer = self._timer = QTimer()
        timer.setTimerType(Qt.TimerType.PreciseTimer)

        def on_timeout() -> None:
            passed = time.perf_counter() - start
            if passed >= seconds:
                timer.stop()
                done(self.painted)
                return
            place = round(passed * rate) % (2 * last)
            self.window.go(place if place <= last else 2 * last - place)

        timer.timeout.connect(on_timeout)
        timer.start(round(1000 / rate))
