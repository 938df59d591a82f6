"""The one job that the person waits for: what it is, how far it is, how it is cancelled."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from PyQt5.QtCore import QObject, pyqtSignal

from flimage.progress import Progress

from .jobs import JobRunner

__all__ = ["Foreground"]


class Foreground(QObject):
    """Names what runs in the foreground; at most one thing does.

    Parameters
    ----------
    runner
        Where jobs run.
    parent
        Qt parent.
    """

    #: something has begun or ended
    changed = pyqtSignal()
    #: done, total, stage
    progressed = pyqtSignal(int, int, str)
    #: exception
    failed = pyqtSignal(object)

    def __init__(self, runner: JobRunner, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._runner = runner
        self._name = ""
        self._number = 0
        self._lane = ""

    @property
    def name(self) -> str:
        """What runs, for a person; empty when nothing does."""
        return self._name

    @property
    def lane(self) -> str:
        """Lane in which it runs."""
        return self._lane if self._name else ""

    def begin(
        self,
        lane: str,
        name: str,
        run: Callable[[Progress], Any],
        done: Callable[[Any], None],
        dropped: Callable[[Any], None] | None = None,
        keep_late: bool = False,
    ) -> None:
        """Run a job in the foreground; `done` has to call :meth:`end`.

        With `keep_late`, what was finished before the request to stop is no less finished.
        """

        def failed(error: Exception) -> None:
            self.end(lambda: self.failed.emit(error))

        def cancelled() -> None:
            # Not when a newer request is what the person waits for by now.
            if self._number == number:
                self.end()

        number = self._runner.submit(
            lane,
            run,
            done,
            failed=failed,
            cancelled=cancelled,
            progressed=self.progressed.emit,
            dropped=dropped,
            keep_late=keep_late,
        )
        self._number = number
        self.show(lane, name)

    def show(self, lane: str, name: str) -> None:
        """Say that something runs which somebody else has started."""
        if (lane, name) != (self._lane, self._name):
            self._lane, self._name = lane, name
            self.changed.emit()

    def end(self, tell: Callable[[], None] | None = None) -> None:
        """Say that it is over; `tell` tells the outcome before that."""
        was_busy, self._name = self._name, ""
        if tell is not None:
            tell()
        if was_busy and not self._name:
            self.changed.emit()

    def cancel(self) -> None:
        """Ask the job to stop; it ends a little later."""
        if self._name:
            self._runner.cancel(self._lane)
