"""The part of a session that measures and fits, and follows every change of the settings."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
from PyQt5.QtCore import QObject

from flimage.progress import Progress

from .displays import Display
from .session_state import CACHE_BYTES, Change
from .session_view import SessionView

if TYPE_CHECKING:
    from flimage.bleach import BleachFit, Trace
    from flimage.events import EventPreservation
    from flimage.scan import SeriesScan

__all__ = ["CORRECTING", "SessionFit"]

#: What :attr:`SessionState.busy` says while a correction that was asked for is being computed.
CORRECTING = "Correcting"


class SessionFit(SessionView):
    """A session that fits the decay.

    Parameters
    ----------
    parent
        Qt parent.
    cache_bytes
        Largest size of the decoded frames that are kept [bytes].
    """

    def __init__(self, parent: QObject | None = None, cache_bytes: int = CACHE_BYTES) -> None:
        super().__init__(parent, cache_bytes)
        self._measuring.scanned.connect(lambda: self.changed.emit(Change.SCAN))
        self._measuring.measured.connect(self._on_measuring_measured)
        self._measuring.previewed.connect(self._on_measuring_previewed)
        self._measuring.failed.connect(self._on_measuring_failed)
        self._measuring.progressed.connect(self._on_measuring_progressed)

    def set_display(self, display: Display) -> None:
        """Choose what is displayed; the bleach-corrected image asks for a fit where needed."""
        is_new = Display(display) is not self._display
        super().set_display(display)
        corrected = self._display is Display.BLEACH_CORRECTED
        if is_new and corrected and self.fit is None and not self.busy:
            self.run_fit()

    @property
    def scan(self) -> SeriesScan | None:
        """Summaries of all frames; None until they are measured."""
        return self._measuring.scan

    @property
    def trace(self) -> Trace | None:
        """Signal of every frame, before any fit; None until the frames are measured."""
        return self._measuring.trace

    @property
    def background_levels(self) -> np.ndarray | None:
        """Background level of every frame, (n,) [counts]; None until they are measured."""
        return self._measuring.levels

    @property
    def fit(self) -> BleachFit | None:
        """The last fit; None before the first one."""
        return self._measuring.fit

    @property
    def fit_current(self) -> bool:
        """Whether :attr:`fit` belongs to the settings and edits as they are now."""
        return self._measuring.has_fit(self.recipe, self._edition)

    @property
    def tuning_error(self) -> Exception | None:
        """Why trace or fit cannot be computed with the settings as they are; mostly None."""
        return self._measuring.error

    @property
    def scan_current(self) -> bool:
        """Whether :attr:`scan` belongs to the settings and edits as they are now."""
        return self._measuring.has_scan(self.recipe, self._edition)

    @property
    def measuring(self) -> bool:
        """Whether frames are being measured, in the background or because of :meth:`run_fit`."""
        return self._measuring.scanning

    def run_fit(self) -> None:
        """Measure the frames where needed and fit the decay (a job).

        From then on, the fit follows every change of the settings.
        """
        if self._source is not None and not self._refuses():
            self._measuring.fit_wanted = True
            self._foreground.show("scan", CORRECTING)
            self._measure()

    def check_events(self) -> None:
        """See how much of a test event the correction leaves (a job).

        :attr:`events_checked` tells, unless the settings have changed meanwhile.
        """
        source, recipe, edition = self._source, self.recipe, self._edition
        if source is None or self._refuses():
            return

        def run(progress: Progress) -> EventPreservation:
            from flimage.events import event_preservation

            return event_preservation(source, recipe, progress=progress)

        def done(events: EventPreservation) -> None:
            is_current = self.recipe == recipe and self._edition == edition
            self._foreground.end((lambda: self.events_checked.emit(events)) if is_current else None)

        self._foreground.begin("events", "Checking with a test event", run, done)

    def _measure(self) -> None:
        if self._source is not None:
            self._measuring.update(self._source, self.recipe, self._edition)

    def _end_correcting(self, tell: Callable[[], None] | None = None) -> bool:
        """End what :meth:`run_fit` began; tell whether it had."""
        asked = self.busy == CORRECTING
        if asked:
            self._foreground.end(tell)
        return asked

    def _on_measuring_measured(self, with_fit: bool) -> None:
        change = Change.SCAN | Change.FIT if with_fit else Change.SCAN
        if not with_fit or not self._end_correcting(lambda: self.changed.emit(change)):
            self.changed.emit(change)
        self._remake()

    def _on_measuring_previewed(self) -> None:
        self.changed.emit(Change.SCAN | Change.FIT)
        self._remake()

    def _on_measuring_failed(self, error: Exception) -> None:
        asked = self._end_correcting()
        self.changed.emit(Change.SCAN | Change.FIT)
        if asked or self.fit is not None:
            self.failed.emit(error)

    def _on_measuring_progressed(self, done: int, total: int, stage: str) -> None:
        signal = self.job_progress if self.busy == CORRECTING else self.quiet_progress
        signal.emit(done, total, stage)

    @property
    def at_rest(self) -> bool:
        """Whether nothing at all runs or waits, in the foreground or in the background."""
        return not self.busy and not self.measuring and self._runner.is_idle()

    def cancel(self) -> None:
        """Stop what :attr:`busy` names; nothing half-done is left."""
        if self.busy == CORRECTING:
            self._measuring.fit_wanted = self.fit is not None
            self._measuring.stop()
            self._foreground.end()
        else:
            self._foreground.cancel()
