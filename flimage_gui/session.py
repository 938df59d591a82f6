"""The open recording, its recipe and what is looked at; the one thing that all views share.

Views read the session and ask it for changes; it answers with :attr:`Session.changed`. Everything
that takes time happens in jobs, so no request blocks the window. It knows no widgets.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from PyQt5.QtCore import QObject, pyqtSignal

from flimage.background import suitable_border
from flimage.errors import InputError
from flimage.progress import Progress
from flimage.recipe import Recipe

from . import opening, work
from .contrast import Contrast
from .displays import Display, DisplayMaker
from .foreground import Foreground
from .frame_cache import FrameCache
from .history import History
from .jobs import JobRunner
from .measuring import Measuring

if TYPE_CHECKING:
    from flimage.bleach import BleachFit, Trace
    from flimage.codec import Compression
    from flimage.provenance import Origin
    from flimage.scan import SeriesScan
    from flimage.source import EditedSource, Edits

    from .frame_facts import FrameFacts
    from .frame_survey import FrameTable
    from .opening import Inspected, Opened

__all__ = ["Change", "Display", "Session"]

#: Default size of the decoded frames that are kept [bytes].
CACHE_BYTES = 64 << 20
#: What :attr:`Session.busy` says while a correction that was asked for is being computed.
CORRECTING = "Correcting"
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


@dataclass(frozen=True, eq=False)
class _State:
    """What undo and redo go through."""

    recipe: Recipe
    edits: Edits | None


class Session(QObject):
    """One open recording with everything that was chosen for it.

    Requests never raise because of what a person chose: they emit :attr:`failed`. Setting an
    equal value emits nothing.

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
    #: path of the corrected series that was written
    exported = pyqtSignal(object)
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
        self._measuring.scanned.connect(lambda: self.changed.emit(Change.SCAN))
        self._measuring.measured.connect(self._on_measuring_measured)
        self._measuring.previewed.connect(self._on_measuring_previewed)
        self._measuring.failed.connect(self._on_measuring_failed)
        self._measuring.progressed.connect(self._on_measuring_progressed)
        self._opened: Opened | None = None
        self._result_path: Path | None = None
        self._reset()

    def _reset(self) -> None:
        """Forget everything about a recording."""
        self._source: EditedSource | None = None
        self._history = History(_State(Recipe(), None))
        self._saved_edits: Edits | None = None
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
    def title(self) -> str:
        """Name of the recording for a person; empty when there is none."""
        return "" if self._opened is None else self._opened.path.name

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
        """Times of all frames, (n,) [s]; NaN where a frame has none."""
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

    def open(self, path: str | Path) -> None:
        """Open a series file in place of what is open now (a job)."""
        path = Path(path)
        self._open(f"Opening {path.name}", lambda progress: opening.open_series(path, progress))

    def inspect(self, recording_path: str | Path) -> None:
        """Look into a recording in a foreign format (a job); :attr:`inspected` answers."""
        path = Path(recording_path)
        if self._refuses(opens=True):
            return

        def run(progress: Progress) -> Inspected:
            return opening.inspect_recording(path, progress)

        def done(result: Inspected) -> None:
            self._foreground.end(lambda: self.inspected.emit(result))

        self._foreground.begin("open", f"Opening {path.name}", run, done)

    def convert_and_open(
        self,
        recording_path: str | Path,
        out: str | Path,
        interval: float | None = None,
        pixel_size: float | None = None,
        identifier: str | None = None,
        overwrite: bool = False,
    ) -> None:
        """Convert a recording (TIFF, NPY, ND2, …) into a series file and open that (a job)."""
        recording_path, out = Path(recording_path), Path(out)

        def run(progress: Progress) -> Opened:
            from flimage.convert import convert

            path = convert(
                recording_path,
                out,
                interval=interval,
                pixel_size=pixel_size,
                identifier=identifier,
                overwrite=overwrite,
                progress=progress,
            )
            return opening.open_series(Path(path), progress)

        self._open(f"Converting {recording_path.name}", run)

    def _open(self, name: str, run: Callable[[Progress], Opened]) -> None:
        if not self._refuses(opens=True):
            self._foreground.begin("open", name, run, self._on_job_opened, opening.Opened.close)

    def _on_job_opened(self, opened: Opened) -> None:
        self._leave()
        self._opened = opened
        self._source = opened.source
        edits = opened.source.edits
        # The background of a corrected series is gone already.
        border = 0 if opened.correction else suitable_border(opened.source.shape)
        recipe = Recipe(border_px=border)
        self._history = History(_State(recipe, edits))
        self._saved_edits = edits
        self._contrast.start(opened.levels)
        self._cache.set_maker(self._maker(), new_recording=True)
        self._cache.store.adopt(opened.store)
        self._foreground.end()
        self.changed.emit(~Change.JOB)
        self._show()
        self._measure()

    def close(self) -> None:
        """Close the recording."""
        if self._opened is not None and not self._refuses():
            self._leave()
            self.changed.emit(~Change.JOB)

    def shut_down(self) -> None:
        """Cancel everything, wait for it, and close the file; the session is over."""
        self._runner.close()
        self._cache.set_maker(None)
        if self._opened is not None:
            self._opened.close()
            self._opened = None
        self._reset()

    def _leave(self) -> None:
        """Close the file after everything that reads from it has stopped."""
        self._runner.cancel(*READERS)
        self._cache.set_maker(None)
        self._contrast.clear()
        self._measuring.clear()
        self._runner.wait(*READERS)
        if self._opened is not None:
            self._opened.close()
            self._opened = None
        self._reset()

    # ------------------------------------------------------------------ looking

    @property
    def frame(self) -> int:
        """Number of the current frame."""
        return self._frame

    @property
    def selection(self) -> tuple[int, ...]:
        """Numbers of the frames that are selected, in order."""
        return self._selection

    def select(self, frames: Iterable[int]) -> None:
        """Select frames, to be changed together."""
        chosen = tuple(sorted({int(i) for i in frames if 0 <= i < self.n_frames}))
        if chosen != self._selection:
            self._selection = chosen
            self.changed.emit(Change.SELECTION)

    def set_frame(self, index: int) -> None:
        """Go to a frame; beyond the ends, to the first or last one."""
        index = max(0, min(int(index), self.n_frames - 1))
        if index != self._frame and self._source is not None:
            self._frame = index
            self.changed.emit(Change.FRAME)
            self._show()

    @property
    def display(self) -> Display:
        """What is displayed of a frame."""
        return self._display

    def set_display(self, display: Display) -> None:
        """Choose what is displayed; the bleach-corrected image asks for a fit where needed."""
        display = Display(display)
        if display is self._display:
            return
        self._display = display
        self.changed.emit(Change.DISPLAY)
        self._show()
        self._find_levels()
        if display is Display.BLEACH_CORRECTED and self.fit is None and not self.busy:
            self.run_fit()

    @property
    def levels(self) -> tuple[float, float] | None:
        """Values shown darkest and brightest for the current display; None while not known."""
        return self._contrast.levels(self._display)

    def set_levels(self, low: float, high: float) -> None:
        """Choose the values shown darkest and brightest for the current display."""
        if self._source is not None:
            self._contrast.choose(self._display, low, high)

    def auto_levels(self) -> None:
        """Spread the colours over the values of the whole series again (a job)."""
        self._contrast.outdate(self._display)
        self._find_levels()

    def request_frame(self, index: int, display: Display) -> None:
        """Ask for an image; the newest request wins; :attr:`frame_ready` delivers it."""
        self._cache.request(index, display)

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

    def kept_image(self, display: Display) -> np.ndarray | None:
        """Return the current frame (y, x) if it is in memory; it may not be changed."""
        maker = self._cache.maker
        return None if maker is None else self._cache.store.get(maker.key(self._frame, display))

    @property
    def maker(self) -> DisplayMaker | None:
        """What makes images as they are displayed now; any thread may use it."""
        maker = self._cache.maker
        return maker if isinstance(maker, DisplayMaker) else None

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

    @property
    def cache_bytes(self) -> int:
        """Largest size of the decoded frames that are kept [bytes]."""
        return self._cache.store.limit

    @cache_bytes.setter
    def cache_bytes(self, limit: int) -> None:
        self._cache.store.limit = limit

    def _maker(self) -> DisplayMaker:
        assert self._source is not None
        measuring = self._measuring
        return DisplayMaker(
            self._source,
            self._cache.store,
            self.recipe,
            measuring.levels,
            measuring.fit,
            self._image_edition,
            measuring.fit_number,
        )

    def _show(self) -> None:
        if self._source is not None:
            self._cache.request(self._frame, self._display)

    def _find_levels(self) -> None:
        maker = self._cache.maker
        if isinstance(maker, DisplayMaker):
            self._contrast.find(self._display, maker, self._cache.store)

    def _remake(self) -> None:
        """Display frames as they are now, after whatever they are computed from has changed."""
        if self._source is None:
            return
        before, maker = self._cache.maker, self._maker()
        shown = (self._frame, self._display)
        self._cache.set_maker(maker)
        if before is None or before.key(*shown) != maker.key(*shown):
            self._show()
        self._contrast.outdate()
        self._find_levels()

    # ------------------------------------------------------------------ editing

    @property
    def recipe(self) -> Recipe:
        """All settings of the correction."""
        return self._history.state.recipe

    @property
    def edits(self) -> Edits | None:
        """Changes to the recording that are shown, but not written; None without recording."""
        return self._history.state.edits

    def set_recipe(self, recipe: Recipe, label: str) -> None:
        """Change the settings, as one step that can be undone.

        Steps with the same label that follow each other quickly become one.

        Parameters
        ----------
        recipe
            The new settings.
        label
            Name of the step in the history, like ``"Change the border"``.
        """
        if self._source is not None and recipe != self.recipe:
            self._history.push(_State(recipe, self.edits), label)
            self._on_recipe_changed()

    def change_edits(self, edits: Edits, label: str, recipe: Recipe | None = None) -> None:
        """Show the recording with other edits, as one step that can be undone.

        Parameters
        ----------
        edits
            All edits of the recording, in place of the present ones.
        label
            Name of the step in the history.
        recipe
            Settings that change with the edits in the same step; None to keep them.
        """
        from flimage.source import EditedSource

        if self._opened is None or edits is self.edits:
            return
        try:
            EditedSource(self._opened.source.source, edits)
        except InputError as error:
            self.failed.emit(error)
            return
        before = self.recipe
        self._history.push(_State(recipe or before, edits), label)
        self._on_edits_changed()
        if self.recipe != before:
            self._on_recipe_changed()

    def assign_background(
        self, image: np.ndarray | None, frames: Iterable[int] | None, label: str
    ) -> None:
        """Use `image` as background of some frames, as one step that can be undone.

        Parameters
        ----------
        image
            Background (y, x); it must not be changed afterwards. None removes backgrounds.
        frames
            Frame numbers; None for all.
        label
            Name of the step in the history.
        """
        source = self._source
        if source is None:
            return
        if image is not None and image.shape != source.shape:
            self.failed.emit(
                InputError(
                    f"The background has {image.shape[-1]} × {image.shape[0]} pixels, but the"
                    f" recording {source.shape[1]} × {source.shape[0]}; choose an image of the"
                    " same size."
                )
            )
            return
        chosen = range(self.n_frames) if frames is None else [int(i) for i in frames]
        named = [source.order[i] for i in chosen if 0 <= i < self.n_frames]
        old = source.edits.backgrounds
        if any(i not in old or old[i] is not image for i in named):
            edits = source.edits.with_background(named, image)
            self._history.push(_State(self.recipe, edits), label)
            self._on_edits_changed()

    def clear_background(self, frames: Iterable[int] | None = None) -> None:
        """Remove the assigned background of some frames (None: of all)."""
        chosen = None if frames is None else list(frames)
        count = self.n_frames if chosen is None else len(chosen)
        which = "one frame" if count == 1 else f"{count} frames"
        self.assign_background(None, chosen, f"Clear the background of {which}")

    def assign_background_file(self, path: str | Path, frames: Iterable[int] | None) -> None:
        """Use the image in a file (FLImage, series, TIFF, …; stacks are averaged) (a job)."""
        path, shape = Path(path), self.shape

        def run(progress: Progress) -> np.ndarray:
            return opening.read_background_image(path, shape, progress)

        self._assign_later(f"Reading {path.name}", run, frames, f"Use {path.name} as background")

    def assign_background_frames(
        self, sources: Sequence[int], frames: Iterable[int] | None
    ) -> None:
        """Use the average of some raw frames of this recording as background (a job)."""
        source, wanted = self._source, list(sources)
        if source is None or not wanted:
            return

        def run(progress: Progress) -> np.ndarray:
            return work.mean_frame(source, wanted, progress)

        name = f"frame {wanted[0]}" if len(wanted) == 1 else f"the mean of {len(wanted)} frames"
        self._assign_later(f"Averaging {name}", run, frames, f"Use {name} as background")

    def assign_background_plane(self, frames: Iterable[int] | None) -> None:
        """Use a plane fitted to the border of some frames' average as their background (a job)."""
        source, border = self._source, self.recipe.border_px
        if source is None:
            return
        chosen = list(range(self.n_frames)) if frames is None else list(frames)

        def run(progress: Progress) -> np.ndarray:
            return work.border_plane(source, chosen, border, progress)

        self._assign_later(
            "Fitting a plane to the border", run, chosen, "Use a plane as background"
        )

    def _assign_later(
        self,
        name: str,
        run: Callable[[Progress], np.ndarray],
        frames: Iterable[int] | None,
        label: str,
    ) -> None:
        if self._source is None or self._refuses():
            return
        chosen = None if frames is None else list(frames)

        def done(image: np.ndarray) -> None:
            image.setflags(write=False)
            self._foreground.end()
            self.assign_background(image, chosen, label)

        self._foreground.begin("edit", name, run, done)

    def _on_recipe_changed(self) -> None:
        fit = Change.FIT if self.fit is not None else Change(0)
        self.changed.emit(Change.RECIPE | Change.HISTORY | fit)
        self._measure()

    def _on_edits_changed(self) -> None:
        from flimage.source import EditedSource

        assert self._opened is not None
        assert self._source is not None
        old, source = self._source, EditedSource(self._opened.source.source, self.edits)
        self._source = source
        change = Change.BACKGROUND | Change.HISTORY
        same_order = old.order == source.order
        if not same_order:
            change |= self._follow_order(old.order, source.order)
        same_images = same_order and _same_images(old.edits, source.edits)
        if same_images and np.array_equal(old.times, source.times, equal_nan=True):
            # Names and pixel sizes: nothing is computed from them.
            self.changed.emit(change)
            return
        self._edition += 1
        if same_images:
            self._measuring.retime(source.times, self._edition - 1, self._edition)
        else:
            self._image_edition += 1
        self.changed.emit(change | (Change.FIT if self.fit is not None else Change(0)))
        self._remake()
        self._measure()

    def _follow_order(self, before: Sequence[int], after: Sequence[int]) -> Change:
        """Stay with the frames that are looked at and selected; tell what changes by that."""
        places = {number: place for place, number in enumerate(after)}
        number = before[self._frame]
        frame = places.get(number, min(self._frame, len(after) - 1))
        chosen = (places.get(before[i]) for i in self._selection)
        self._selection = tuple(sorted(place for place in chosen if place is not None))
        moved = frame != self._frame
        self._frame = frame
        # Nothing that was measured belongs to the frames in their new order.
        self._measuring.outdate()
        # The settings name frames, so that views of them have to look again.
        change = Change.SELECTION | Change.SCAN | Change.FIT | Change.RECIPE
        return change | Change.FRAME if moved else change

    @property
    def can_undo(self) -> bool:
        """Whether there is a step to take back."""
        return bool(self.undo_text)

    @property
    def can_redo(self) -> bool:
        """Whether there is a step to take again."""
        return bool(self.redo_text)

    @property
    def undo_text(self) -> str:
        """Name of the step that :meth:`undo` takes back."""
        return self._history.undo_text

    @property
    def redo_text(self) -> str:
        """Name of the step that :meth:`redo` takes again."""
        return self._history.redo_text

    @property
    def steps(self) -> tuple[str, ...]:
        """Names of all steps, oldest first; those that were undone are at the end."""
        return self._history.labels

    @property
    def step(self) -> int:
        """How many of the :attr:`steps` are in effect."""
        return self._history.place

    def undo(self) -> None:
        """Take the last step back."""
        self.go_to_step(self.step - 1)

    def redo(self) -> None:
        """Take the step again that was undone last."""
        self.go_to_step(self.step + 1)

    def go_to_step(self, step: int) -> None:
        """Undo or redo until `step` steps are in effect."""
        before = self._history.state
        if self._history.go_to(step):
            after = self._history.state
            if after.edits is not before.edits:
                self._on_edits_changed()
            if after.recipe != before.recipe:
                self._on_recipe_changed()

    # ------------------------------------------------------------------ measuring and fitting

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

    # ------------------------------------------------------------------ writing

    def export(
        self, path: str | Path, overwrite: bool = False, compression: Compression = "balanced"
    ) -> None:
        """Write the corrected series to a new file (a job); :attr:`exported` tells when."""
        source, recipe, edition, path = self._source, self.recipe, self._edition, Path(path)
        if source is None or self._refuses():
            return
        fit = self.fit if self.fit_current else None
        scan = self.scan if self._measuring.has_scan(recipe, edition) else None

        def run(progress: Progress) -> BleachFit:
            from flimage import correct

            correction = correct.run(
                source,
                recipe,
                path,
                overwrite=overwrite,
                progress=progress,
                fit=fit,
                scan=scan,
                compression=compression,
            )
            return correction.fit

        def done(fit: BleachFit) -> None:
            self._result_path = path
            self._foreground.end(lambda: self.exported.emit(path))
            if (recipe, edition) == (self.recipe, self._edition) and not self.fit_current:
                self._measuring.adopt_fit(fit, recipe, edition)
                self.changed.emit(Change.FIT)
                self._remake()

        self._foreground.begin("write", f"Writing {path.name}", run, done)

    def save_as(self, path: str | Path, overwrite: bool = False) -> None:
        """Write the recording with its edits, uncorrected, to a file (a job)."""
        source, edits, path = self._source, self.edits, Path(path)
        if source is None or self._refuses():
            return

        def run(progress: Progress) -> Path:
            return work.save_copy(source, path, overwrite, progress)

        def done(path: Path) -> None:
            self._saved_edits = edits
            self._foreground.end(lambda: self.saved.emit(path))
            self.changed.emit(Change.HISTORY)

        self._foreground.begin("write", f"Saving {path.name}", run, done)

    @property
    def in_use(self) -> bool:
        """Whether another program has the file open for writing."""
        return self._opened is not None and self._opened.in_use

    @property
    def save_problem(self) -> str:
        """Why the edits cannot be written into the file itself, in one sentence; mostly empty."""
        if self._opened is None or self._source is None:
            return "There is no recording to be saved."
        return self._opened.save_problem

    def save(self) -> None:
        """Write the edits into the recording's own file (a job); :attr:`saved` tells when.

        The file is replaced as a whole, after the new one was read back. The history of steps
        starts anew then, because the frames that it speaks of are those of the old file.
        """
        opened, source, path = self._opened, self._source, self.path
        if opened is None or source is None or path is None or self._refuses():
            return
        if self.save_problem:
            self.failed.emit(InputError(self.save_problem))
            return

        def run(progress: Progress) -> Opened:
            return work.save_in_place(source, path, progress, opened)

        self._foreground.begin(
            "write", f"Saving {path.name}", run, self._on_job_saved, opening.Opened.close
        )

    def _on_job_saved(self, opened: Opened) -> None:
        old, edits = self._opened, opened.source.edits
        self._runner.cancel(*READERS)
        self._measuring.stop()
        self._runner.wait(*READERS)
        if old is not None:
            old.close()
        self._opened = opened
        self._source = opened.source
        self._history = History(_State(self.recipe, edits))
        self._saved_edits = edits
        # The frames are those that were shown before: what is known of them stays.
        self._cache.set_maker(self._maker())
        self._foreground.end(lambda: self.saved.emit(opened.path))
        self.changed.emit(Change.HISTORY | Change.BACKGROUND)
        self._find_levels()
        self._show()
        self._measure()

    def restore(self, recipe: Recipe, edits: Edits) -> None:
        """Take over settings and edits that were kept from a session that ended too early."""
        if self._source is not None:
            self.change_edits(edits, "Restore unsaved changes", recipe)

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

    def wait(self) -> None:
        """Block until all jobs have ended; their results arrive through the event loop."""
        self._runner.wait()

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


def _same_images(one: Edits, other: Edits) -> bool:
    """Tell whether the same backgrounds are assigned to the same frames."""
    first, second = one.backgrounds, other.backgrounds
    return first.keys() == second.keys() and all(first[i] is second[i] for i in first)
