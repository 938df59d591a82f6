"""Run plain functions in threads; the only place of the program that owns any.

A job is ``func(progress) -> result`` and knows nothing of Qt. Jobs are put into *lanes*: each
lane is one `QThread` that runs one job at a time and keeps at most one waiting. The newest
request wins: it takes the place of the one that waits, and asks the one that runs to stop.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from PyQt5.QtCore import QCoreApplication, QEvent, QObject, QThread, pyqtSignal, pyqtSlot

from flimage.errors import Cancelled
from flimage.progress import Progress

__all__ = ["PATIENT_LANES", "URGENT_LANE", "Job", "JobRunner"]

#: What a person looks at is made here. Jobs in all other lanes let it pass where they report
#: progress, so that scrubbing stays quick while frames are measured or written.
URGENT_LANE = "frames"
#: How long they wait for it each time, at most: they are to come to an end, too [s].
YIELD_SECONDS = 0.02

#: What takes long and nobody waits for at the screen: these stand back where threads are more than
#: processors, with all threads that they start.
PATIENT_LANES = frozenset({"batch", "events", "regions-export", "save", "scan", "table", "write"})
#: By how much, of the 19 that there are.
_NICENESS = 10

#: Progress is passed on to the window at most this often [s].
PROGRESS_SECONDS = 0.04


@dataclass(eq=False)
class Job:
    """One numbered request.

    Parameters
    ----------
    number
        Requests are numbered in the order in which they were made.
    lane
        Name of the lane it runs in.
    func
        What runs in the thread.
    done, failed, cancelled, progressed
        What is called, in the window's thread, with the result, with the exception, when the job
        was cancelled, and with ``(done, total, stage)``.
    dropped
        What is called with a result that nobody wants any more; in any thread.
    keep_late
        Deliver the result also when a newer request was made meanwhile.
    """

    number: int
    lane: str
    func: Callable[[Progress], Any]
    done: Callable[[Any], None]
    failed: Callable[[Exception], None] | None = None
    cancelled: Callable[[], None] | None = None
    progressed: Callable[[int, int, str], None] | None = None
    dropped: Callable[[Any], None] | None = None
    keep_late: bool = False
    stop: threading.Event = field(default_factory=threading.Event)


class _Lane(QThread):
    """A thread that runs the newest job it was given."""

    #: job, result, exception
    finished_job = pyqtSignal(object, object, object)
    #: job, done, total, stage
    progressed_job = pyqtSignal(object, int, int, str)

    def __init__(self, name: str, parent: QObject, urgent: _Lane | None = None) -> None:
        super().__init__(parent)
        self.setObjectName(f"lane-{name}")
        self._urgent = urgent
        self._patient = name in PATIENT_LANES
        self._condition = threading.Condition()
        self._waiting: Job | None = None
        self._running: Job | None = None
        self._closing = False

    def put(self, job: Job) -> Job | None:
        """Let `job` run next; return the waiting job whose place it took."""
        with self._condition:
            replaced, self._waiting = self._waiting, job
            if self._running is not None:
                self._running.stop.set()
            self._condition.notify()
        if not self.isRunning():
            self.start()
        return replaced

    def cancel(self) -> Job | None:
        """Ask the running job to stop; return the waiting one, which will not run."""
        with self._condition:
            waiting, self._waiting = self._waiting, None
            if self._running is not None:
                self._running.stop.set()
        return waiting

    def idle(self) -> bool:
        """Tell whether nothing runs and nothing waits."""
        with self._condition:
            return self._running is None and self._waiting is None

    def wait_idle(self, seconds: float | None = None) -> None:
        """Block until nothing runs and nothing waits, or for some seconds."""
        with self._condition:
            self._condition.wait_for(
                lambda: self._running is None and self._waiting is None, seconds
            )

    def close(self) -> None:
        """Stop the thread and wait for it."""
        with self._condition:
            self._closing = True
            self._waiting = None
            if self._running is not None:
                self._running.stop.set()
            self._condition.notify_all()
        self.wait()

    def run(self) -> None:
        """Run jobs until the lane is closed (in the lane's own thread)."""
        if self._patient:
            _stand_back()
        while True:
            with self._condition:
                self._running = None
                self._condition.notify_all()
                self._condition.wait_for(lambda: self._waiting is not None or self._closing)
                if self._closing:
                    return
                job, self._waiting = self._waiting, None
                self._running = job
            if job is not None:
                self._run_job(job)
                # Nothing that belongs to the job may stay alive while the thread sleeps.
                del job

    def _run_job(self, job: Job) -> None:
        last_time, last_stage = float("-inf"), None

        def progress(done: int, total: int, stage: str) -> None:
            nonlocal last_time, last_stage
            if job.stop.is_set():
                raise Cancelled("Cancelled.")
            if self._urgent is not None:
                self._urgent.wait_idle(YIELD_SECONDS)
            now = time.monotonic()
            if stage != last_stage or done >= total or now - last_time >= PROGRESS_SECONDS:
                last_time, last_stage = now, stage
                if job.progressed is not None:
                    self.progressed_job.emit(job, done, total, stage)

        try:
            result = job.func(progress)
        except Exception as error:  # whatever a job raises belongs to whoever asked for it
            self.finished_job.emit(job, None, error)
        else:
            self.finished_job.emit(job, result, None)


def _stand_back() -> None:
    """Let other threads go first from now on, in this thread and in those that it starts."""
    if sys.platform.startswith("linux"):
        # Elsewhere it would hold for the whole program, here for the thread.
        with contextlib.suppress(OSError):
            niceness = min(os.getpriority(os.PRIO_PROCESS, 0) + _NICENESS, 19)
            os.setpriority(os.PRIO_PROCESS, 0, niceness)


class JobRunner(QObject):
    """The threads of one window.

    Parameters
    ----------
    parent
        Qt parent.
    """

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._lanes: dict[str, _Lane] = {}
        self._newest: dict[str, int] = {}
        self._numbers = itertools.count(1)
        self._closed = False

    def submit(
        self,
        lane: str,
        func: Callable[[Progress], Any],
        done: Callable[[Any], None],
        *,
        failed: Callable[[Exception], None] | None = None,
        cancelled: Callable[[], None] | None = None,
        progressed: Callable[[int, int, str], None] | None = None,
        dropped: Callable[[Any], None] | None = None,
        keep_late: bool = False,
    ) -> int:
        """Run `func` in `lane` and return the number of the request.

        The callbacks run in the thread that owns the runner. Unless `keep_late`, nothing but
        `cancelled` is called for a request once a newer one was made in the same lane; a result
        that comes too late is handed to `dropped`, so that it can release what it holds.

        Raises
        ------
        RuntimeError
            After :meth:`close`.
        """
        if self._closed:
            raise RuntimeError("The job runner is closed.")
        number = next(self._numbers)
        job = Job(number, lane, func, done, failed, cancelled, progressed, dropped, keep_late)
        if lane not in self._lanes:
            self._add_lane(lane)
        self._newest[lane] = number
        replaced = self._lanes[lane].put(job)
        if replaced is not None and replaced.cancelled is not None:
            replaced.cancelled()
        return number

    def _add_lane(self, name: str) -> None:
        urgent = None
        if name != URGENT_LANE:
            if URGENT_LANE not in self._lanes:
                self._add_lane(URGENT_LANE)
            urgent = self._lanes[URGENT_LANE]
        lane = _Lane(name, self, urgent)
        lane.finished_job.connect(self._on_lane_finished_job)
        lane.progressed_job.connect(self._on_lane_progressed_job)
        self._lanes[name] = lane

    def cancel(self, *lanes: str) -> None:
        """Ask the jobs of `lanes` (default: of all) to stop; their results are dropped."""
        for name in lanes or tuple(self._lanes):
            if name not in self._lanes:
                continue
            self._newest[name] = next(self._numbers)
            waiting = self._lanes[name].cancel()
            if waiting is not None and waiting.cancelled is not None:
                waiting.cancelled()

    def newest(self, lane: str) -> int:
        """Return the number of the newest request in `lane`; 0 when there was none."""
        return self._newest.get(lane, 0)

    def is_idle(self, *lanes: str) -> bool:
        """Tell whether nothing runs or waits in `lanes` (default: in all)."""
        return all(
            self._lanes[name].idle() for name in lanes or tuple(self._lanes) if name in self._lanes
        )

    def wait(self, *lanes: str) -> None:
        """Block until `lanes` (default: all) are idle; results arrive through the event loop."""
        for name in lanes or tuple(self._lanes):
            if name in self._lanes:
                self._lanes[name].wait_idle()

    def close(self) -> None:
        """Cancel everything and wait until the threads have ended."""
        self._closed = True
        for name, lane in self._lanes.items():
            self._newest[name] = next(self._numbers)
            lane.cancel()
        for lane in self._lanes.values():
            lane.close()
        # Results that were already on their way are dropped now rather than lost.
        QCoreApplication.sendPostedEvents(self, QEvent.Type.MetaCall)

    def _is_late(self, job: Job) -> bool:
        return self._closed or (job.number < self._newest[job.lane] and not job.keep_late)

    # Declared as slots, so that results are posted to this object and not to a stand-in of PyQt's:
    # only then can close() have those delivered that are on their way.
    @pyqtSlot(object, object, object)
    def _on_lane_finished_job(self, job: Job, result: Any, error: Exception | None) -> None:
        late = self._is_late(job)
        if late and error is None and job.dropped is not None:
            job.dropped(result)
        if isinstance(error, Cancelled) or late:
            if job.cancelled is not None and not self._closed:
                job.cancelled()
        elif error is not None:
            if job.failed is None:
                raise error
            job.failed(error)
        else:
            job.done(result)

    @pyqtSlot(object, int, int, str)
    def _on_lane_progressed_job(self, job: Job, done: int, total: int, stage: str) -> None:
        if job.progressed is not None and not self._is_late(job):
            job.progressed(done, total, stage)
