"""Keeps scan, trace and fit up to date with recording and recipe, in jobs."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import numpy as np
from PyQt5.QtCore import QObject, QTimer, pyqtSignal

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
#: A region that is being moved is measured exactly once it has rested for this long [ms].
REST_MS = 180
#: Scans that are kept, so that undoing a step does not measure again.
KEPT_SCANS = 6


class Measuring(QObject):
    """What follows from a recording and a recipe, computed in two stages.

    Scanning reads all frames and takes long; it is done again only when frames or regions have
    changed. Trace and fit follow from a scan within milliseconds. While a region is being moved,
    they follow from an estimate, which is told by :attr:`previewed`; the exact ones come as soon
    as the region rests.

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
    #: as `measured`, but estimated: the exact ones are on their way
    previewed = pyqtSignal()
    #: exception: trace or fit cannot be computed
    failed = pyqtSignal(object)
    #: done, total, stage of scanning; equal numbers: over
    progressed = pyqtSignal(int, int, str)

    def __init__(self, runner: JobRunner, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._runner = runner
        self._rest = QTimer(self)
        self._rest.setSingleShot(True)
        self._rest.setInterval(REST_MS)
        self._rest.timeout.connect(self._on_rest_timeout)
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
        #: Scans by what they depend on, with their recipes; the last one was used last.
        self._kept: dict[tuple[Any, ...], tuple[Recipe, SeriesScan]] = {}
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

    def adopt_fit(
        self, fit: BleachFit, recipe: Recipe | None = None, edition: int | None = None
    ) -> None:
        """Take over a fit; without a recipe it is an estimate that belongs to none."""
        self.fit = fit
        self._fit_key = None if recipe is None else (edition, recipe)
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
        if key != self._scan_key and key in self._kept:
            self._use(key)
        if key == self._scan_key:
            if self.scanning:
                self._rest.stop()
                self._runner.cancel(SCAN_LANE)
                self._end_scan()
            self._compute(recipe, edition)
        elif key != self._scanning_key:
            self._rest.stop()
            base = self._base(recipe, edition)
            if base is None:
                self._scan_frames(source, recipe, key)
            else:
                self._runner.cancel(SCAN_LANE)
                self._scanning_key = key
                self._preview(*base, recipe)
                self._rest.start()

    def _use(self, key: tuple[Any, ...]) -> None:
        self._kept[key] = kept = self._kept.pop(key)
        self.scan, self._scan_key = kept[1], key

    def _base(self, recipe: Recipe, edition: int) -> tuple[Recipe, SeriesScan] | None:
        """Return a scan of this edition from which that of `recipe` follows quickly."""
        from flimage.retune import can_adapt

        for key, (scanned, scan) in reversed(self._kept.items()):
            if key[0] == edition and can_adapt(scanned, scan, recipe):
                return scanned, scan
        return None

    def _on_rest_timeout(self) -> None:
        if self._request is not None and self.scanning:
            source, recipe, edition = self._request
            self._scan_frames(source, recipe, _scan_key(recipe, edition))

    def retime(self, times: np.ndarray, before: int, after: int) -> None:
        """Take what was scanned in one edition for another that differs by the times only."""
        self._kept = {
            (after, *key[1:]): (recipe, dataclasses.replace(scan, times=times))
            for key, (recipe, scan) in self._kept.items()
            if key[0] == before
        }

    def outdate(self) -> None:
        """Forget what was measured, because the frames are others now; a fit stays wanted."""
        self.stop()
        wanted, number = self.fit_wanted, self.fit_number
        self._forget()
        self.fit_wanted, self.fit_number = wanted, number

    def stop(self) -> None:
        """Cancel what is running."""
        self._rest.stop()
        self._runner.cancel(SCAN_LANE, FIT_LANE)
        if self.scanning:
            self._end_scan()

    def _scan_frames(self, source: EditedSource, recipe: Recipe, key: tuple[Any, ...]) -> None:
        base = self._base(recipe, key[0])

        def run(progress: Progress) -> SeriesScan:
            if base is None:
                return work.scan(source, recipe, progress)
            from flimage.retune import adapt_scan

            return adapt_scan(source, *base, recipe, progress)

        def done(scan: SeriesScan) -> None:
            self._kept[key] = (recipe, scan)
            # Those of other editions of the frames go first.
            for old in sorted(self._kept, key=lambda each: each[0] == key[0])[:-KEPT_SCANS]:
                del self._kept[old]
            self._use(key)
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

    def _preview(self, scanned: Recipe, scan: SeriesScan, recipe: Recipe) -> None:
        wanted = self.fit_wanted

        def run(progress: Progress) -> work.Measured:
            from flimage.retune import preview_scan

            return work.measure(preview_scan(scanned, scan, recipe), recipe, wanted)

        def done(result: work.Measured) -> None:
            self.error = None
            self.trace, self.levels = result.trace, result.levels
            if result.fit is not None:
                self.adopt_fit(result.fit)
            self.previewed.emit()

        # What is wrong with the recipe is told by the exact measurement that follows.
        self._runner.submit(FIT_LANE, run, done, failed=lambda error: None)

    def _compute(self, recipe: Recipe, edition: int) -> None:
        scan, wanted = self.scan, self.fit_wanted
        assert scan is not None

        def run(progress: Progress) -> work.Measured:
            return work.measure(scan, recipe, wanted)

        def done(result: work.Measured) -> None:
            self.error = None
            self.trace, self.levels = result.trace, result.levels
            if result.error is not None:
                self._on_job_failed(result.error)
                return
            if result.fit is not None:
                self.adopt_fit(result.fit, recipe, edition)
            self.measured.emit(result.fit is not None)

        self._runner.submit(FIT_LANE, run, done, failed=self._on_job_failed)

    def _on_job_failed(self, error: Exception) -> None:
        self.error = error
        self.failed.emit(error)


def _scan_key(recipe: Recipe, edition: int) -> tuple[Any, ...]:
    return (edition, *work.scan_settings(recipe))
