"""The open recording, its recipe and what is looked at; the one thing that all views share.

Views read the session and ask it for changes; it answers with :attr:`Session.changed`. Everything
that takes time happens in jobs, so no request blocks the window. It knows no widgets.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from PyQt5.QtCore import QObject, pyqtSignal

from flimage.errors import InputError
from flimage.progress import Progress
from flimage.recipe import Recipe

from . import work
from .displays import Display, DisplayMaker, series_levels
from .frame_cache import FrameCache
from .history import History
from .jobs import JobRunner
from .opening import Inspected, Opened, inspect_recording, open_series, read_background_image

if TYPE_CHECKING:
    from flimage.bleach import BleachFit, Trace
    from flimage.scan import SeriesScan
    from flimage.source import EditedSource, Edits

    from .frame_facts import FrameFacts

__all__ = ["Change", "Display", "Session"]

#: Default size of the decoded frames that are kept [bytes].
CACHE_BYTES = 64 << 20


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
        self._busy = ""
        self._busy_number = 0
        self._opened: Opened | None = None
        self._result_path: Path | None = None
        self._reset()

    def _reset(self) -> None:
        """Forget everything about a recording."""
        self._source: EditedSource | None = None
        self._history = History(_State(Recipe(), None))
        self._saved_edits: Edits | None = None
        self._edition = 0
        self._frame = 0
        self._display = Display.RAW
        self._levels: dict[Display, tuple[float, float]] = {}
        self._chosen_levels: set[Display] = set()
        self._scan: SeriesScan | None = None
        self._scan_key: object = None
        self._scanning_key: object = None
        self._trace: Trace | None = None
        self._background_levels: np.ndarray | None = None
        self._measured: object = None
        self._fit: BleachFit | None = None
        self._fit_state: object = None
        self._fit_number = 0
        self._fit_wanted = False
        self._tuning_error: Exception | None = None

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
        return None if self._opened is None else self._opened.pixel_size

    @property
    def result_path(self) -> Path | None:
        """Corrected series that was written last."""
        return self._result_path

    @property
    def modified(self) -> bool:
        """Whether there are edits of the recording that were not saved."""
        return self._history.state.edits is not self._saved_edits

    def open(self, path: str | Path) -> None:
        """Open a series file in place of what is open now (a job)."""
        path = Path(path)
        if self._is_writing():
            return

        def run(progress: Progress) -> Opened:
            return open_series(path, progress)

        self._begin("open", f"Opening {path.name}", run, self._on_job_opened, Opened.close)

    def inspect(self, recording_path: str | Path) -> None:
        """Look into a recording in a foreign format (a job); :attr:`inspected` answers."""
        path = Path(recording_path)
        if self._is_writing():
            return

        def run(progress: Progress) -> Inspected:
            return inspect_recording(path, progress)

        def done(result: Inspected) -> None:
            self._end(self.inspected, result)

        self._begin("open", f"Opening {path.name}", run, done)

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
        if self._is_writing():
            return

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
            return open_series(Path(path), progress)

        self._begin(
            "open", f"Converting {recording_path.name}", run, self._on_job_opened, Opened.close
        )

    def _on_job_opened(self, opened: Opened) -> None:
        self._leave()
        self._opened = opened
        self._source = opened.source
        edits = opened.source.edits
        recipe = Recipe(border_px=work.suitable_border(opened.source.shape))
        self._history = History(_State(recipe, edits))
        self._saved_edits = edits
        self._levels = {Display.RAW: opened.levels}
        self._cache.set_maker(self._maker(), new_recording=True)
        self._cache.store.adopt(opened.store)
        self._end()
        self._emit(~Change.JOB)
        self._show()
        self._measure()

    def close(self) -> None:
        """Close the recording."""
        if self._opened is not None and not self._is_writing():
            self._leave()
            self._emit(~Change.JOB)

    def shut_down(self) -> None:
        """Cancel everything, wait for it, and close the file; the session is over."""
        self._runner.close()
        self._cache.set_maker(None)
        if self._opened is not None:
            self._opened.close()
            self._opened = None
        self._busy = ""
        self._reset()

    def _leave(self) -> None:
        """Close the file after everything that reads from it has stopped."""
        self._runner.cancel("frames", "scan", "fit", "contrast", "edit", "facts")
        self._cache.set_maker(None)
        self._runner.wait("frames", "scan", "fit", "contrast", "edit", "facts")
        if self._opened is not None:
            self._opened.close()
            self._opened = None
        self._reset()
        self.quiet_progress.emit(1, 1, "")

    # ------------------------------------------------------------------ looking

    @property
    def frame(self) -> int:
        """Number of the current frame."""
        return self._frame

    def set_frame(self, index: int) -> None:
        """Go to a frame; beyond the ends, to the first or last one."""
        index = max(0, min(int(index), self.n_frames - 1))
        if index != self._frame and self._source is not None:
            self._frame = index
            self._emit(Change.FRAME)
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
        self._emit(Change.DISPLAY)
        self._show()
        self._choose_levels()
        if display is Display.BLEACH_CORRECTED and self._fit is None and self._source is not None:
            self.run_fit()

    @property
    def levels(self) -> tuple[float, float] | None:
        """Values shown black and white for the current display; None while not known."""
        return self._levels.get(self._display)

    def set_levels(self, low: float, high: float) -> None:
        """Choose the values shown black and white for the current display."""
        levels = (float(low), float(high))
        if self._source is None or not high > low or levels == self.levels:
            return
        self._levels[self._display] = levels
        self._chosen_levels.add(self._display)
        self._emit(Change.DISPLAY)

    def auto_levels(self) -> None:
        """Spread the grey values over those of the whole series again (a job)."""
        self._chosen_levels.discard(self._display)
        self._levels.pop(self._display, None)
        self._choose_levels()

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

    def kept_image(self, display: Display) -> np.ndarray | None:
        """Return the current frame (y, x) if it is in memory; it may not be changed."""
        maker = self._cache.maker
        return None if maker is None else self._cache.store.get(maker.key(self._frame, display))

    @property
    def cache_bytes(self) -> int:
        """Largest size of the decoded frames that are kept [bytes]."""
        return self._cache.store.limit

    @cache_bytes.setter
    def cache_bytes(self, limit: int) -> None:
        self._cache.store.limit = limit

    def _maker(self) -> DisplayMaker:
        assert self._source is not None
        return DisplayMaker(
            self._source,
            self._cache.store,
            self.recipe,
            self._background_levels,
            self._fit,
            self._edition,
            self._fit_number,
        )

    def _show(self) -> None:
        if self._source is not None:
            self._cache.request(self._frame, self._display)

    def _remake(self) -> None:
        """Display frames as they are now, after whatever they are computed from has changed."""
        if self._source is None:
            return
        before, maker = self._cache.maker, self._maker()
        self._cache.set_maker(maker)
        if before is None or before.key(self._frame, self._display) != maker.key(
            self._frame, self._display
        ):
            self._show()
        for display in set(self._levels) - self._chosen_levels - {Display.RAW}:
            del self._levels[display]
        self._choose_levels()

    def _choose_levels(self) -> None:
        display, maker, store = self._display, self._cache.maker, self._cache.store
        if maker is None or display in self._levels:
            return
        assert isinstance(maker, DisplayMaker)

        def run(progress: Progress) -> tuple[float, float]:
            return series_levels(maker, display, store, progress)

        def done(levels: tuple[float, float]) -> None:
            if self._cache.maker is maker and display not in self._levels:
                self._levels[display] = levels
                self._emit(Change.DISPLAY)

        # A frame that cannot be read is reported when it is shown; it needs no contrast.
        self._runner.submit("contrast", run, done, failed=lambda error: None)

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
        if self._source is None or recipe == self.recipe:
            return
        self._history.push(_State(recipe, self.edits), label)
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
        edits = source.edits
        named = [source.order[i] for i in chosen if 0 <= i < self.n_frames]
        backgrounds = edits.backgrounds
        if not [i for i in named if i not in backgrounds or backgrounds[i] is not image]:
            return
        self._push_edits(edits.with_background(named, image), label)

    def clear_background(self, frames: Iterable[int] | None = None) -> None:
        """Remove the assigned background of some frames (None: of all)."""
        count = self.n_frames if frames is None else len(frames := list(frames))
        which = "this frame" if count == 1 else f"{count} frames"
        self.assign_background(None, frames, f"Clear the background of {which}")

    def assign_background_file(self, path: str | Path, frames: Iterable[int] | None) -> None:
        """Use the image in a file (FLImage, series, TIFF, …; stacks are averaged) (a job)."""
        path, chosen = Path(path), None if frames is None else list(frames)
        shape = self.shape
        if self._source is None or self._is_writing():
            return

        def run(progress: Progress) -> np.ndarray:
            return read_background_image(path, shape, progress)

        self._assign_later(f"Reading {path.name}", run, chosen, f"Use {path.name} as background")

    def assign_background_frames(
        self, sources: Sequence[int], frames: Iterable[int] | None
    ) -> None:
        """Use the average of some raw frames of this recording as background (a job)."""
        source, chosen = self._source, None if frames is None else list(frames)
        if source is None or self._is_writing() or not len(sources):
            return
        wanted = list(sources)

        def run(progress: Progress) -> np.ndarray:
            return work.mean_frame(source, wanted, progress)

        name = f"frame {wanted[0]}" if len(wanted) == 1 else f"the mean of {len(wanted)} frames"
        self._assign_later(f"Averaging {name}", run, chosen, f"Use {name} as background")

    def _assign_later(self, busy: str, run: Any, frames: list[int] | None, label: str) -> None:
        def done(image: np.ndarray) -> None:
            image.setflags(write=False)
            self._end()
            self.assign_background(image, frames, label)

        self._begin("edit", busy, run, done)

    def _push_edits(self, edits: Edits, label: str) -> None:
        self._history.push(_State(self.recipe, edits), label)
        self._on_edits_changed()

    def _on_recipe_changed(self) -> None:
        fit_change = Change.FIT if self._fit is not None else Change.RECIPE
        self._emit(Change.RECIPE | Change.HISTORY | fit_change)
        self._measure()

    def _on_edits_changed(self) -> None:
        from flimage.source import EditedSource

        assert self._opened is not None
        self._edition += 1
        self._source = EditedSource(self._opened.source.source, self.edits)
        self._frame = min(self._frame, self.n_frames - 1)
        fit_change = Change.FIT if self._fit is not None else Change.BACKGROUND
        self._emit(Change.BACKGROUND | Change.HISTORY | fit_change)
        self._remake()
        self._measure()

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

    def undo(self) -> None:
        """Take the last step back."""
        self._move(-1)

    def redo(self) -> None:
        """Take the step again that was undone last."""
        self._move(1)

    def _move(self, by: int) -> None:
        before = self._history.state
        if not self._history.go_to(self._history.place + by):
            return
        after = self._history.state
        if after.edits is not before.edits:
            self._on_edits_changed()
        if after.recipe != before.recipe:
            self._on_recipe_changed()
        elif after.edits is before.edits:
            self._emit(Change.HISTORY)

    # ------------------------------------------------------------------ measuring and fitting

    @property
    def scan(self) -> SeriesScan | None:
        """Summaries of all frames; None until they are measured."""
        return self._scan

    @property
    def trace(self) -> Trace | None:
        """Signal of every frame, before any fit; None until the frames are measured."""
        return self._trace

    @property
    def background_levels(self) -> np.ndarray | None:
        """Background level of every frame, (n,) [counts]; None until they are measured."""
        return self._background_levels

    @property
    def fit(self) -> BleachFit | None:
        """The last fit; None before the first one."""
        return self._fit

    @property
    def fit_current(self) -> bool:
        """Whether :attr:`fit` belongs to the settings and edits as they are now."""
        return self._fit is not None and self._fit_state == self._state_key()

    @property
    def tuning_error(self) -> Exception | None:
        """Why trace or fit cannot be computed with the settings as they are; mostly None."""
        return self._tuning_error

    @property
    def measuring(self) -> bool:
        """Whether frames are being measured, in the background or because of :meth:`run_fit`."""
        return self._scanning_key is not None

    def run_fit(self) -> None:
        """Measure the frames where needed and fit the decay (a job).

        From then on, the fit follows every change of the settings.
        """
        if self._source is None or self._is_writing():
            return
        self._fit_wanted = True
        self._set_busy("Correcting")
        if self._measured == self._state_key() and self.fit_current:
            # The same settings give the same fit: tell so that the person sees an answer.
            self._end()
            self._emit(Change.FIT)
            return
        self._measure()

    def _state_key(self) -> object:
        return (self._edition, self.recipe)

    def _measure(self) -> None:
        """Bring scan, trace and fit up to date, as far as they are not."""
        source, recipe = self._source, self.recipe
        if source is None:
            return
        key = (self._edition, *work.scan_settings(recipe))
        if key == self._scan_key:
            if self._scanning_key is not None:
                self._runner.cancel("scan")
                self._end_scan()
            self._fit_trace()
        elif key != self._scanning_key:
            self._scan_frames(source, recipe, key)

    def _scan_frames(self, source: EditedSource, recipe: Recipe, key: object) -> None:
        def run(progress: Progress) -> SeriesScan:
            return work.scan(source, recipe, progress)

        def done(scan: SeriesScan) -> None:
            self._scan, self._scan_key = scan, key
            self._end_scan()
            self._emit(Change.SCAN)
            self._measure()

        def failed(error: Exception) -> None:
            self._end_scan()
            self._on_measuring_failed(error)

        self._scanning_key = key
        self._runner.submit("scan", run, done, failed=failed, progressed=self._on_scan_progressed)

    def _end_scan(self) -> None:
        self._scanning_key = None
        self.quiet_progress.emit(1, 1, "")

    def _fit_trace(self) -> None:
        scan, recipe, state, wanted = self._scan, self.recipe, self._state_key(), self._fit_wanted
        assert scan is not None

        def run(progress: Progress) -> work.Measured:
            return work.measure(scan, recipe, wanted)

        def done(measured: work.Measured) -> None:
            self._tuning_error = None
            self._trace = measured.trace
            self._background_levels = measured.levels
            self._measured = state
            change = Change.SCAN
            if measured.fit is not None:
                self._adopt_fit(measured.fit, state)
                change |= Change.FIT
                self._end_fit()
            self._emit(change)
            self._remake()

        self._runner.submit("fit", run, done, failed=self._on_measuring_failed)

    def _adopt_fit(self, fit: BleachFit, state: object) -> None:
        self._fit, self._fit_state = fit, state
        self._fit_number += 1

    def _on_scan_progressed(self, done: int, total: int, stage: str) -> None:
        signal = self.job_progress if self._busy else self.quiet_progress
        signal.emit(done, total, stage)

    def _on_measuring_failed(self, error: Exception) -> None:
        self._tuning_error = error
        asked = bool(self._busy)
        self._end_fit()
        self._emit(Change.SCAN | Change.FIT)
        if asked or self._fit is not None:
            self.failed.emit(error)

    def _end_fit(self) -> None:
        if self._busy == "Correcting":
            self._end()

    # ------------------------------------------------------------------ writing

    def export(
        self, path: str | Path, overwrite: bool = False, compression: str = "balanced"
    ) -> None:
        """Write the corrected series to a new file (a job); :attr:`exported` tells when."""
        source, recipe, path = self._source, self.recipe, Path(path)
        if source is None or self._is_writing():
            return
        fit = self._fit if self.fit_current else None
        scan_key = (self._edition, *work.scan_settings(recipe))
        scan = self._scan if self._scan_key == scan_key else None
        state = self._state_key()

        def run(progress: Progress) -> BleachFit:
            from flimage import correct

            done = correct.run(
                source,
                recipe,
                path,
                overwrite=overwrite,
                progress=progress,
                fit=fit,
                scan=scan,
                compression=compression,
            )
            return done.fit

        def done(fit: BleachFit) -> None:
            self._result_path = path
            self._end(self.exported, path)
            if state == self._state_key() and not self.fit_current:
                self._adopt_fit(fit, state)
                self._emit(Change.FIT)
                self._remake()

        self._begin("write", f"Writing {path.name}", run, done)

    def save_as(self, path: str | Path, overwrite: bool = False) -> None:
        """Write the recording with its edits, uncorrected, to a file (a job)."""
        source, edits, path = self._source, self.edits, Path(path)
        if source is None or self._is_writing():
            return

        def run(progress: Progress) -> Path:
            return work.save_series(source, path, overwrite, progress)

        def done(path: Path) -> None:
            self._saved_edits = edits
            self._end(self.saved, path)
            self._emit(Change.HISTORY)

        self._begin("write", f"Saving {path.name}", run, done)

    # ------------------------------------------------------------------ jobs

    @property
    def busy(self) -> str:
        """What runs that the person waits for; empty when nothing does."""
        return self._busy

    @property
    def writing(self) -> bool:
        """Whether a file is being written, so that leaving now would lose work."""
        return not self._runner.is_idle("write")

    def cancel(self) -> None:
        """Stop what :attr:`busy` names; nothing half-done is left."""
        if not self._busy:
            return
        if self._busy == "Correcting":
            self._fit_wanted = self._fit is not None
            self._runner.cancel("scan", "fit")
            self._end_scan()
            self._end()
            return
        self._runner.cancel("open", "write", "edit")

    def wait(self) -> None:
        """Block until all jobs have ended; their results arrive through the event loop."""
        self._runner.wait()

    def _begin(self, lane: str, busy: str, run: Any, done: Any, dropped: Any = None) -> None:
        def failed(error: Exception) -> None:
            self._end(self.failed, error)

        def cancelled() -> None:
            # Not when a newer request is what the person waits for now.
            if self._busy_number == number:
                self._end()

        number = self._runner.submit(
            lane,
            run,
            done,
            failed=failed,
            cancelled=cancelled,
            progressed=self.job_progress.emit,
            dropped=dropped,
        )
        self._busy_number = number
        self._set_busy(busy)

    def _end(self, tells: Any = None, what: Any = None) -> None:
        """End what the person waits for, telling the outcome before that it is over."""
        was_busy, self._busy = self._busy, ""
        if tells is not None:
            tells.emit(what)
        if was_busy and not self._busy:
            self._emit(Change.JOB)

    def _set_busy(self, busy: str) -> None:
        if busy != self._busy:
            self._busy = busy
            self._emit(Change.JOB)

    def _is_writing(self) -> bool:
        """Refuse a request while something runs that it would disturb."""
        if self._busy and not self._busy.startswith("Opening"):
            self.failed.emit(
                InputError(f"Busy ({self._busy}); wait until it is done, or cancel it first.")
            )
            return True
        return False

    def _emit(self, change: Change) -> None:
        self.changed.emit(change)
