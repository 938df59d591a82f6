"""What a session holds and what all its parts share: signals, jobs, and the state of the history.

The parts build on each other: :mod:`~flimage_gui.session_state`, then looking
(:mod:`~flimage_gui.session_view`), fitting (:mod:`~flimage_gui.session_fit`), editing
(:mod:`~flimage_gui.session_edit`), writing (:mod:`~flimage_gui.session_write`), and
:class:`~flimage_gui.session.Session`, which opens and closes.
"""

from __future__ import annotations

import enum
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from PyQt5.QtCore import QObject, pyqtSignal

from flimage.errors import InputError
from flimage.progress import Progress
from flimage.recipe import Recipe

from .contrast import Contrast
from .displays import Display
from .foreground import Foreground
from .frame_cache import FrameCache
from .history import History
from .jobs import JobRunner
from .measuring import Measuring

if TYPE_CHECKING:
    from flimage.edit_steps import EditStep
    from flimage.protocol import Conversion, Output
    from flimage.provenance import Origin
    from flimage.region_traces import NamedRegion
    from flimage.source import EditedSource, Edits

    from .frame_facts import FrameFacts
    from .frame_survey import FrameTable
    from .opening import Opened

__all__ = ["CACHE_BYTES", "READERS", "Change", "SessionState", "State"]

#: Default size of the decoded frames that are kept [bytes].
CACHE_BYTES = 48 << 20
#: Lane of the job that writes a recording over itself.
REPLACING = "save"
#: Lanes of jobs that read from the open file.
READERS = (
    "frames",
    "scan",
    "fit",
    "contrast",
    "edit",
    "facts",
    "table",
    "probe",
    "compare",
    "outline",
    "regions",
    "regions-export",
    "profile",
    "events",
)


class Change(enum.Flag):
    """What has changed in a session."""

    #: Another recording is open, or none.
    RECORDING = enum.auto()
    #: The current frame.
    FRAME = enum.auto()
    #: What is displayed, or its contrast.
    DISPLAY = enum.auto()
    RECIPE = enum.auto()
    #: By which times the frames are shown, with the same ones stored.
    TIMES = enum.auto()
    #: Assigned background images, metadata or order of the frames.
    BACKGROUND = enum.auto()
    #: Scan, trace and background levels.
    SCAN = enum.auto()
    #: The fit, or whether it is current.
    FIT = enum.auto()
    #: Whether something runs that the person waits for.
    JOB = enum.auto()
    HISTORY = enum.auto()
    #: Which frames are selected.
    SELECTION = enum.auto()
    #: The named regions.
    REGIONS = enum.auto()


@dataclass(frozen=True, eq=False)
class State:
    """What undo and redo go through.

    Parameters
    ----------
    recipe
        All settings of the correction.
    edits
        Changes to the recording; None without recording.
    regions
        Named regions.
    done
        What led to `edits`, in order.
    """

    recipe: Recipe
    edits: Edits | None
    regions: tuple[NamedRegion, ...] = ()
    done: tuple[EditStep, ...] = ()


class SessionState(QObject):
    """Recording, settings and running jobs; the common base of what a session can do.

    Parameters
    ----------
    parent
        Qt parent.
    cache_bytes
        Largest size of the decoded frames that are kept [bytes].
    """

    #: Change: what is different now
    changed = pyqtSignal(object)
    #: exception with a sentence for the person
    failed = pyqtSignal(object)
    #: done, total, stage of what :attr:`busy` names
    job_progress = pyqtSignal(int, int, str)
    #: done, total, stage of measuring in the background; equal numbers: over
    quiet_progress = pyqtSignal(int, int, str)
    #: flimage.events.EventPreservation: what is left of a test event
    events_checked = pyqtSignal(object)
    #: index, display, image (y, x)
    frame_ready = pyqtSignal(int, object, object)
    #: index, display, exception: this frame cannot be shown
    frame_failed = pyqtSignal(int, object, object)
    #: FrameTable: what the file says about all frames, without edits
    table_ready = pyqtSignal(object)
    #: FrameFacts: what the file says about a frame
    facts_ready = pyqtSignal(object)
    #: Inspected: a recording in a foreign format, which has to be converted
    inspected = pyqtSignal(object)
    #: Recovery: what could be read of a damaged series was written, and is open
    recovered = pyqtSignal(object)
    #: path of the corrected series that was written
    exported = pyqtSignal(object)
    #: Export: a file for other programs was written
    written = pyqtSignal(object)
    #: path of the series that was saved with its edits
    saved = pyqtSignal(object)

    def __init__(self, parent: QObject | None = None, cache_bytes: int = CACHE_BYTES) -> None:
        super().__init__(parent)
        self._runner = JobRunner(self)
        self._cache = FrameCache(self._runner, cache_bytes, self)
        self._cache.frame_ready.connect(self.frame_ready)
        self._cache.frame_failed.connect(self.frame_failed)
        self._contrast = Contrast(self._runner, self)
        self._contrast.changed.connect(lambda: self.changed.emit(Change.DISPLAY))
        self._foreground = Foreground(self._runner, self)
        self._foreground.changed.connect(lambda: self.changed.emit(Change.JOB))
        self._foreground.progressed.connect(self.job_progress)
        self._foreground.failed.connect(self.failed)
        self._measuring = Measuring(self._runner, self)
        self._opened: Opened | None = None
        self._result_path: Path | None = None
        self._asked: tuple[Path | None, str | None] = (None, None)
        self._reset()

    def _reset(self) -> None:
        """Forget everything about a recording."""
        self._source: EditedSource | None = None
        self._history = History(State(Recipe(), None))
        self._saved_edits: Edits | None = None
        #: What a session file holds, or a corrected file, or nobody has changed yet.
        self._kept = State(Recipe(), None)
        self._outputs: list[Output] = []
        self._conversion: Conversion | None = None
        #: Changes with everything that a fit depends on; the second with raw or background images.
        self._edition = 0
        self._image_edition = 0
        self._frame = 0
        self._selection: tuple[int, ...] = ()
        self._display = Display.RAW

    # ------------------------------------------------------------------ the recording

    @property
    def source(self) -> EditedSource | None:
        """The open recording with its edits; None when there is none."""
        return self._source

    @property
    def path(self) -> Path | None:
        """File that was opened."""
        return None if self._opened is None else self._opened.path

    @property
    def group(self) -> str | None:
        """Where in the file the series is; None at its root."""
        return None if self._opened is None else self._opened.group

    def shows(self, path: Path, group: str | None) -> bool:
        """Tell whether the series in this place is the one that is open.

        None as the group is the only series of the file, wherever in it that is.
        """
        opened = self._opened
        if opened is None or opened.path.absolute() != path.absolute():
            return False
        return group in (None, opened.group)

    @property
    def title(self) -> str:
        """Name of the recording for a person; empty when there is none."""
        opened = self._opened
        if opened is None:
            return ""
        return opened.path.name if opened.group is None else f"{opened.path.name} › {opened.group}"

    @property
    def n_frames(self) -> int:
        """Number of frames; 0 when there is no recording."""
        return 0 if self._source is None else len(self._source)

    @property
    def shape(self) -> tuple[int, int]:
        """Size of a frame (y, x) [px]."""
        return (0, 0) if self._source is None else self._source.shape

    @property
    def times(self) -> np.ndarray:
        """Stored or edited times of all frames, (n,) [s]; NaN where a frame has none."""
        return np.empty(0) if self._source is None else self._source.times

    @property
    def pixel_size(self) -> float | None:
        """Size of a pixel [m] where the first frame states it."""
        if self._opened is None or self._source is None:
            return None
        changes = self._source.edits.meta.get(self._source.order[0], {})
        return changes.get("pixel size", self._opened.pixel_size)

    @property
    def result_path(self) -> Path | None:
        """Corrected series that was written last."""
        return self._result_path

    @property
    def correction(self) -> Origin | None:
        """What the open series was corrected from; None where it was not corrected."""
        return None if self._opened is None else self._opened.correction

    @property
    def modified(self) -> bool:
        """Whether there are edits of the recording that were not saved."""
        return self._history.state.edits is not self._saved_edits

    @property
    def recipe(self) -> Recipe:
        """All settings of the correction."""
        return self._history.state.recipe

    @property
    def edits(self) -> Edits | None:
        """Changes to the recording that are shown, but not written; None without recording."""
        return self._history.state.edits

    @property
    def regions(self) -> tuple[NamedRegion, ...]:
        """Named regions, in the order in which they were drawn."""
        return self._history.state.regions

    @property
    def regions_modified(self) -> bool:
        """Whether there are named regions that no session file has."""
        return bool(self.regions) and self.regions != self._kept.regions

    @property
    def edits_kept(self) -> bool:
        """Whether the edits are in a file: the recording, a copy, or a session file."""
        return not self.modified or self.edits is self._kept.edits

    @property
    def all_kept(self) -> bool:
        """Whether edits, settings and named regions are all in files, or as they were at first."""
        kept = self._kept
        return self.edits_kept and self.recipe == kept.recipe and self.regions == kept.regions

    def note_kept(
        self,
        recipe: Recipe | None = None,
        edits: Edits | None = None,
        regions: tuple[NamedRegion, ...] | None = None,
    ) -> None:
        """Remember that a file holds these now; what is None is in none of the new files."""
        kept = self._kept
        self._kept = replace(
            kept,
            recipe=kept.recipe if recipe is None else recipe,
            edits=kept.edits if edits is None else edits,
            regions=kept.regions if regions is None else regions,
        )
        self.changed.emit(Change.HISTORY)

    # ------------------------------------------------------------------ reading

    def request_facts(self, index: int) -> None:
        """Ask for metadata of a frame; the newest request wins; :attr:`facts_ready` delivers."""
        opened, source = self._opened, self._source
        if opened is None or source is None or not 0 <= index < self.n_frames:
            return

        def run(progress: Progress) -> FrameFacts:
            from .frame_facts import read_facts

            return read_facts(opened, source, index)

        # Where a frame cannot be read, the frame view says so.
        self._runner.submit("facts", run, self.facts_ready.emit, failed=lambda error: None)

    def request_table(self) -> None:
        """Ask for a survey of all frames (a job); :attr:`table_ready` delivers it."""
        opened = self._opened
        if opened is None:
            return

        def run(progress: Progress) -> FrameTable:
            from .frame_survey import survey_frames

            return survey_frames(opened, progress)

        # A file that cannot be read is reported by the frame view.
        self._runner.submit("table", run, self.table_ready.emit, failed=lambda error: None)

    def read(
        self,
        lane: str,
        run: Callable[[Progress], Any],
        done: Callable[[Any], None],
        failed: Callable[[Exception], None] | None = None,
        progressed: Callable[[int, int, str], None] | None = None,
    ) -> None:
        """Let a view read from the recording, in a job; the newest request of a lane wins.

        Parameters
        ----------
        lane
            One of :data:`READERS`: these are stopped before the file is closed.
        run, done, failed, progressed
            See :meth:`flimage_gui.jobs.JobRunner.submit`; by default a failure is not told.
        """
        assert lane in READERS
        if self._source is not None:
            ignored = failed or (lambda error: None)
            self._runner.submit(lane, run, done, failed=ignored, progressed=progressed)

    # ------------------------------------------------------------------ jobs

    def run_quietly(
        self,
        lane: str,
        run: Callable[[Progress], Any],
        done: Callable[[Any], None],
        failed: Callable[[Exception], None],
    ) -> None:
        """Run something in the background that nobody waits for and that reads no recording."""
        self._runner.submit(lane, run, done, failed=failed)

    def stop_quietly(self, lane: str) -> None:
        """Stop what runs in a lane of :meth:`run_quietly`, and wait for its end."""
        self._runner.cancel(lane)
        self._runner.wait(lane)

    @property
    def busy(self) -> str:
        """What runs that the person waits for; empty when nothing does."""
        return self._foreground.name

    def wait(self) -> None:
        """Block until all jobs have ended; their results arrive through the event loop."""
        self._runner.wait()

    def _refuses_edits(self) -> bool:
        """Refuse a change of frames while they are written over the file that they come from.

        What is shown afterwards is what the file holds then: the change would be lost.
        """
        return self._foreground.lane == REPLACING and self._refuses()

    def _refuses(self, opens: bool = False) -> bool:
        """Refuse a request while something runs that it would disturb.

        A request that `opens` a file takes the place of another one that does.
        """
        if self.busy and not (opens and self._foreground.lane == "open"):
            self.failed.emit(
                InputError(f"Busy ({self.busy}); wait until it is done, or cancel it first.")
            )
            return True
        return False
