"""Keeps scan, trace and fit up to date with recording and recipe, in jobs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PyQt5.QtCore import QObject, pyqtSignal

from flimage.progress import Progress
from flimage.recipe import Recipe

from . import work
from .jobs import JobRunner

if TYPE_CHECKING:
    from flimage.bleach import BleachFit, Trace
    from flimage.scan import SeriesScan
    from flimage.source import EditedSource

__all__ = ["Measuring"]

SCAN_LANE = "scan"
FIT_LANE = "fit"


class Measuring(QObject):
    """What follows from a recording and a recipe, computed in two stages.

    Scanning reads all frames and takes long; it is done again only when frames or signal region
    have changed. Trace and fit follow from a scan within milliseconds.

    Parameters
    ----------
    runner
        Where jobs run.
    parent
        Qt parent.
    """

    #: there is a new scan
    scanned = pyqtSignal()
    #: there are a new trace and new background levels; True: a new fit, too
    measured = pyqtSignal(bool)
    #: exception: trace or fit cannot be computed
    failed = pyqtSignal(object)
    #: done, total, stage of scanning; equal numbers: over
    progressed = pyqtSignal(int, int, str)

    def __init__(self, runner: JobRunner, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._runner = runner
        self._forget()

    def _forget(self) -> None:
        self.scan: SeriesScan | None = None
        self.trace: Trace | None = None
        self.levels: np.ndarray | None = None
        self.fit: BleachFit | None = None
        #: Counts fits.
        self.fit_number = 0
        #: Whether a fit is made with every trace.
        self.fit_wanted = False
        #: Why there is no trace or fit for the settings as they are.
        self.error: Exception | None = None
        self._scan_key: object = None
        self._scanning_key: object = None
        self._fit_key: object = None
        self._request: tuple[EditedSource, Recipe, int] | None = None

    def clear(self) -> None:
        """Stop and forget everything, because the recording is being closed."""
        self.stop()
        self._runner.wait(SCAN_LANE, FIT_LANE)
        self._forget()

    @property
    def scanning(self) -> bool:
        """Whether frames are being scanned."""
        return self._scanning_key is not None

    def has_fit(self, recipe: Recipe, edition: int) -> bool:
        """Tell whether the fit belongs to this recipe and this edition of the frames."""
        return self.fit is not None and self._fit_key == (edition, recipe)

    def has_scan(self, recipe: Recipe, edition: int) -> bool:
        """Tell whether the scan serves this recipe and this edition of the frames."""
        return self.scan is not None and self._scan_key == _scan_key(recipe, edition)

    def adopt_fit(self, fit: BleachFit, recipe: Recipe, edition: int) -> None:
        """Take over a fit that was made elsewhere with the same recording and recipe."""
        self.fit, self._fit_key = fit, (edition, recipe)
        self.fit_number += 1
        self.fit_wanted = True

    def update(self, source: EditedSource, recipe: Recipe, edition: int) -> None:
        """Compute what is not up to date.

        Parameters
        ----------
        source
            The recording.
        recipe
            The settings.
        edition
            Changes whenever the frames of `source` do.
        """
        self._request = (source, recipe, edition)
        key = _scan_key(recipe, edition)
        if key == self._scan_key:
            if self.scanning:
                self._runner.cancel(SCAN_LANE)
                self._end_scan()
            self._compute(recipe, edition)
        elif key != self._scanning_key:
            self._scan_frames(source, recipe, key)

    def stop(self) -> None:
        """Cancel what is running."""
        self._runner.cancel(SCAN_LANE, FIT_LANE)
        if self.scanning:
            self._end_scan()

    def _scan_frames(self, source: EditedSource, recipe: Recipe, key: object) -> None:
        def run(progress: Progress) -> SeriesScan:
            return work.scan(source, recipe, progress)

        def done(scan: SeriesScan) -> None:
            self.scan, self._scan_key = scan, key
            self._end_scan()
            self.scanned.emit()
            if self._request is not None:
                self.update(*self._request)

        def failed(error: Exception) -> None:
            self._end_scan()
            self._on_job_failed(error)

        self._scanning_key = key
        self._runner.submit(SCAN_LANE, run, done, failed=failed, progressed=self.progressed.emit)

    def _end_scan(self) -> None:
        self._scanning_key = None
        self.progressed.emit(1, 1, "")

    def _compute(self, recipe: Recipe, edition: int) -> None:
        scan, wanted = self.scan, self.fit_wanted
        assert scan is not None

        def run(progress: Progress) -> work.Measured:
            return work.measure(scan, recipe, wanted)

        def done(result: work.Measured) -> None:
            self.error = None
            self.trace, self.levels = result.trace, result.levels
            if result.fit is not None:
                self.adopt_fit(result.fit, recipe, edition)
            self.measured.emit(result.fit is not None)

        self._runner.submit(FIT_LANE, run, done, failed=self._on_job_failed)

    def _on_job_failed(self, error: Exception) -> None:
        self.error = error
        self.failed.emit(error)


def _scan_key(recipe: Recipe, edition: int) -> object:
    return (edition, *work.scan_settings(recipe))
