"""Measures the named regions on what is displayed, in jobs; each region only once."""

from __future__ import annotations

from collections.abc import Hashable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PyQt5.QtCore import QObject, QTimer, pyqtSignal

from flimage.progress import Progress
from flimage.recipe import Region

from .displays import Display
from .region_list import RegionList
from .session import Change, Session

if TYPE_CHECKING:
    from flimage.region_traces import RegionTraces

__all__ = ["RegionFollowing"]

#: Regions are measured after they have rested for this long [ms].
REST_MS = 120
_Columns = tuple[np.ndarray, np.ndarray, np.ndarray]


class RegionFollowing(QObject):
    """Keeps the traces of all regions up to date.

    Parameters
    ----------
    session
        The open recording.
    regions
        What is followed.
    """

    #: there are new traces
    measured = pyqtSignal()
    #: path of a table that was written
    exported = pyqtSignal(object)

    def __init__(self, session: Session, regions: RegionList) -> None:
        super().__init__(regions)
        self._session = session
        self._regions = regions
        self._known: dict[Region, _Columns] = {}
        self._key: Hashable = None
        #: What was displayed when the regions were measured.
        self._measured = Display.RAW
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(REST_MS)
        self._timer.timeout.connect(self._measure)
        regions.changed.connect(self._timer.start)
        session.changed.connect(self._on_session_changed)

    @property
    def display(self) -> Display:
        """What the regions are measured on."""
        return self._session.display

    def traces(self) -> RegionTraces | None:
        """Return what is known of all regions; None while anything is missing."""
        from flimage.region_traces import RegionTraces

        regions = self._regions.regions
        if not regions or any(each.region not in self._known for each in regions):
            return None
        columns = [self._known[each.region] for each in regions]
        if len(columns[0][0]) != self._session.n_frames:
            return None
        mean, std, count = (np.stack([c[i] for c in columns], axis=1) for i in range(3))
        names = tuple(each.name for each in regions)
        return RegionTraces(names, np.asarray(self._session.shown_times), mean, std, count)

    def export(self, path: Path) -> None:
        """Write the traces to a CSV file (a job); :attr:`exported` tells when."""
        from flimage.region_traces import write_traces

        traces = self.traces()
        if traces is None:
            return

        regions, display = self._regions.regions, self._measured
        has_fit = self._session.fit is not None
        shown = display.shown(has_fit)

        def run(progress: Progress) -> Path:
            return write_traces(traces, path, shown)

        def done(path: Path) -> None:
            self._session.note_traces(path.absolute(), regions, display, has_fit)
            self.exported.emit(path)

        self._session.read("regions-export", run, done, failed=self._session.failed.emit)

    def _measure(self) -> None:
        from flimage.region_traces import NamedRegion, region_traces

        session, maker, display = self._session, self._session.maker, self.display
        if session.source is None or maker is None:
            return
        key = maker.key(0, display) if display is Display.RAW else (maker, display)
        if key != self._key:
            self._known, self._key, self._measured = {}, key, display
        missing = [each for each in self._regions.regions if each.region not in self._known]
        missing = list({each.region: each for each in missing}.values())
        if not missing:
            self.measured.emit()
            return
        source, plain = session.source, maker.detached()

        def run(progress: Progress) -> RegionTraces:
            named = [NamedRegion(str(i), each.region) for i, each in enumerate(missing)]
            return region_traces(source, named, lambda i: plain.make(i, display), progress)

        def done(traces: RegionTraces) -> None:
            if key != self._key:
                return
            present = {each.region for each in self._regions.regions}
            self._known = {r: columns for r, columns in self._known.items() if r in present}
            for i, each in enumerate(missing):
                self._known[each.region] = (
                    traces.mean[:, i],
                    traces.std[:, i],
                    traces.count[:, i],
                )
            self.measured.emit()

        session.read("regions", run, done, failed=session.failed.emit)

    def _on_session_changed(self, change: Change) -> None:
        if change & Change.RECORDING:
            self._known, self._key = {}, None
        if self._regions.regions and change & (
            Change.DISPLAY | Change.BACKGROUND | Change.SCAN | Change.FIT
        ):
            self._timer.start()
