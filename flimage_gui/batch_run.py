"""Runs a batch in the background, and tells the window how far it is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from PyQt5.QtCore import QObject, pyqtSignal, pyqtSlot

from flimage.batch import Job, run_batch
from flimage.batch_report import summary_sentence, write_summaries
from flimage.errors import Cancelled
from flimage.progress import Progress

from .jobs import JobRunner

__all__ = ["BatchRun", "Done"]

_LANE = "batch"


@dataclass(frozen=True)
class Done:
    """What came of a batch.

    Parameters
    ----------
    sentence
        How many recordings were corrected, refused and so on.
    failed
        How many failed.
    doubtful
        How many more are written, but are to be used with caution or were not corrected.
    page
        The summary.
    """

    sentence: str
    failed: int
    doubtful: int
    page: Path


class BatchRun(QObject):
    """Runs one batch at a time; what ``flimage bleach … --out-dir`` does.

    Parameters
    ----------
    parent
        Qt parent.
    """

    #: number of the job, part of it that is done
    advanced = pyqtSignal(int, float)
    #: Outcome of one recording
    finished_one = pyqtSignal(object)
    #: done, total, stage
    progressed = pyqtSignal(int, int, str)
    #: Done
    done = pyqtSignal(object)
    #: exception
    failed = pyqtSignal(object)
    cancelled = pyqtSignal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._runner = JobRunner(self)
        self.running = False

    def start(self, jobs: Sequence[Job], workers: int) -> None:
        """Correct recordings."""
        folder = jobs[0].out.parent

        def work(progress: Progress) -> Done:
            outcomes = run_batch(
                jobs,
                workers=workers,
                progress=progress,
                # Both are delivered to the window's thread.
                finished=self.finished_one.emit,
                advanced=self.advanced.emit,
            )
            _, page = write_summaries(outcomes, folder)
            failed = sum(outcome.status == "failed" for outcome in outcomes)
            not_good = sum(outcome.grade != "good" for outcome in outcomes)
            return Done(summary_sentence(outcomes), failed, not_good - failed, page)

        self.running = True
        self._runner.submit(
            _LANE,
            work,
            self._on_done,
            failed=self._on_failed,
            cancelled=self._on_cancelled,
            progressed=self.progressed.emit,
            # What was finished before the request to stop is no less finished.
            keep_late=True,
        )

    def cancel(self) -> None:
        """Stop; what is finished stays."""
        self._runner.cancel(_LANE)

    def shut_down(self) -> None:
        """Stop, and wait until no process works any more."""
        self.running = False
        self._runner.close()

    @pyqtSlot(object)
    def _on_done(self, done: Done) -> None:
        self.running = False
        self.done.emit(done)

    def _on_failed(self, error: Exception) -> None:
        self.running = False
        if isinstance(error, Cancelled):
            self.cancelled.emit()
        else:
            self.failed.emit(error)

    def _on_cancelled(self) -> None:
        self.running = False
        self.cancelled.emit()
