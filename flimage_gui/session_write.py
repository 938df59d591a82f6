"""The part of a session that writes: results, an edited copy, the recording itself."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flimage.errors import InputError, SameFileError
from flimage.output import holds
from flimage.progress import Progress
from flimage.protocol import Output, Protocol

from . import opening, work
from .displays import Display
from .history import History
from .session_edit import SessionEdit
from .session_state import READERS, REPLACING, Change, State

if TYPE_CHECKING:
    from flimage.bleach import BleachFit
    from flimage.codec import Compression
    from flimage.export import Export, Request
    from flimage.recipe import Recipe
    from flimage.region_traces import NamedRegion
    from flimage.scan import SeriesScan
    from flimage.source import FrameSource

    from .opening import Opened

__all__ = ["SessionWrite"]


@dataclass(frozen=True)
class _Found:
    """Settings, and what was found with them so far."""

    recipe: Recipe
    fit: BleachFit | None
    scan: SeriesScan | None


class SessionWrite(SessionEdit):
    """A session whose results can be written."""

    def export(
        self, path: str | Path, overwrite: bool = False, compression: Compression = "balanced"
    ) -> None:
        """Write the corrected series to a new file (a job); :attr:`exported` tells when."""
        path = Path(path)

        def write(source: FrameSource, found: _Found, progress: Progress) -> BleachFit:
            from flimage import correct

            return correct.run(
                source,
                found.recipe,
                path,
                overwrite=overwrite,
                progress=progress,
                fit=found.fit,
                scan=found.scan,
                compression=compression,
            ).fit

        state = self._history.state
        output = Output("correct", state.done, state.recipe, path, overwrite, compression)

        def done(fit: BleachFit) -> BleachFit:
            self._result_path = path
            self.note_kept(output.recipe)
            return fit

        self._write(output, write, done, lambda _: self.exported.emit(path))

    def export_as(self, request: Request) -> None:
        """Write images, a table, a movie … for other programs (a job); :attr:`written` tells when.

        A series that is corrected already is exported as it stands.
        """
        request = replace(request, out=request.out.absolute())

        def write(source: FrameSource, found: _Found, progress: Progress) -> Export:
            from flimage import export

            return export.write(
                source, request, found.recipe, fit=found.fit, scan=found.scan, progress=progress
            )

        state = self._history.state
        output = Output("export", state.done, state.recipe, request.out, request=request)
        self._write(output, write, lambda export: export.fit, self.written.emit)

    def _write(
        self,
        output: Output,
        write: Callable[[FrameSource, _Found, Progress], Any],
        fit_of: Callable[[Any], BleachFit | None],
        tell: Callable[[Any], None],
    ) -> None:
        """Write a result (a job) with what was found out so far; keep what it found out itself.

        Parameters
        ----------
        output
            What is remembered of it.
        write
            Writes it.
        fit_of
            Returns the fit, where there is one, from what was written.
        tell
            Tells that it was written.
        """
        source, recipe, edition = self._source, self.recipe, self._edition
        if source is None or output.path is None or self._refuses():
            return
        if self._refuses_target(output.path, self.recordings):
            return
        found = _Found(
            recipe,
            self.fit if self.fit_current else None,
            self.scan if self._measuring.has_scan(recipe, edition) else None,
        )

        def run(progress: Progress) -> Any:
            return write(source, found, progress)

        def done(result: Any) -> None:
            fit = fit_of(result)
            self._outputs.append(output)
            self._foreground.end(lambda: tell(result))
            is_current = (recipe, edition) == (self.recipe, self._edition)
            if fit is not None and is_current and not self.fit_current:
                self._measuring.adopt_fit(fit, recipe, edition)
                self.changed.emit(Change.FIT)
                self._remake()

        self._foreground.begin("write", f"Writing {output.path.name}", run, done, keep_late=True)

    def _refuses_target(self, path: Path, recordings: Sequence[Path]) -> bool:
        """Refuse to write to a recording, or to a part of one."""
        if not any(holds(each, path) for each in recordings):
            return False
        self.failed.emit(
            SameFileError(
                f"{path} is the recording, or a part of it, which is never written to; choose"
                " another name."
            )
        )
        return True

    def save_as(self, path: str | Path, overwrite: bool = False) -> None:
        """Write the recording with its edits, uncorrected, to a file (a job)."""
        source, edits, path = self._source, self.edits, Path(path)
        if source is None or self._refuses() or self._refuses_target(path, self.recordings[1:]):
            return

        def run(progress: Progress) -> Path:
            return work.save_copy(source, path, overwrite, progress)

        state = self._history.state

        def done(path: Path) -> None:
            self._saved_edits = edits
            self._outputs.append(Output("save", state.done, state.recipe, path, overwrite))
            self._foreground.end(lambda: self.saved.emit(path))
            self.changed.emit(Change.HISTORY)

        self._foreground.begin("write", f"Saving {path.name}", run, done, keep_late=True)

    @property
    def recordings(self) -> tuple[Path, ...]:
        """Files that results are never written to: what is open, and what it was converted from."""
        protocol = self.protocol
        if protocol is None:
            return ()
        made = protocol.conversion
        return (protocol.recording,) if made is None else (protocol.recording, made.recording)

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
            REPLACING,
            f"Saving {path.name}",
            run,
            self._on_job_saved,
            opening.Opened.close,
            keep_late=True,
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
        state = self._history.state
        self._outputs.append(Output("save", state.done, state.recipe, opened.path, True))
        self._history = History(State(state.recipe, edits, state.regions))
        self._saved_edits = edits
        # The frames are those that were shown before: what is known of them stays.
        self._cache.set_maker(self._maker())
        self._foreground.end(lambda: self.saved.emit(opened.path))
        self.changed.emit(Change.HISTORY | Change.BACKGROUND)
        self._find_levels()
        self._show()
        self._measure()

    # ------------------------------------------------------------------ what was done

    def run_fit(self) -> None:
        """Measure the frames where needed and fit the decay (a job).

        From then on, the fit follows every change of the settings.
        """
        state = self._history.state
        if self._source is not None and not self.busy:
            self._outputs.append(Output("fit", state.done, state.recipe))
        super().run_fit()

    def note_traces(
        self, path: Path, regions: Sequence[NamedRegion], display: Display, has_fit: bool
    ) -> None:
        """Remember that regions were followed and written to a table.

        Parameters
        ----------
        path
            The table.
        regions
            What was followed.
        display
            What was measured.
        has_fit
            Whether corrected images were corrected for bleaching already.
        """
        shown = display.shown(has_fit)
        state = self._history.state
        self._outputs.append(
            Output("traces", state.done, state.recipe, path, regions=tuple(regions), shown=shown)
        )

    @property
    def protocol(self) -> Protocol | None:
        """Everything that was done to the open recording; None when there is none."""
        opened = self._opened
        if opened is None:
            return None
        state = self._history.state
        return Protocol(
            opened.path.absolute(),
            tuple(self._outputs),
            state.done,
            state.recipe,
            opened.group,
            self._conversion,
            self.correction is not None,
        )
