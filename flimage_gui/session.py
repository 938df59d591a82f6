"""The open recording, its recipe and what is looked at; the one thing that all views share.

Views read the session and ask it for changes; it answers with :attr:`Session.changed`. Everything
that takes time happens in jobs, so no request blocks the window. It knows no widgets.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from flimage.background import suitable_border
from flimage.progress import Progress
from flimage.protocol import Conversion
from flimage.recipe import Recipe

from . import opening
from .displays import Display
from .history import History
from .session_state import READERS, Change, State
from .session_write import SessionWrite

if TYPE_CHECKING:
    from flimage.readers import Selection
    from flimage.recover import Recovery

    from .opening import Inspected, Opened

__all__ = ["Change", "Display", "Session"]


class Session(SessionWrite):
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

    def open(self, path: str | Path, group: str | None = None) -> None:
        """Open a series file in place of what is open now (a job).

        Where the file holds several series, `group` says which one.
        """
        path = Path(path)
        self._asked = (path, group)
        self._open(
            f"Opening {path.name}", lambda progress: opening.open_series(path, progress, group)
        )

    @property
    def asked(self) -> tuple[Path | None, str | None]:
        """File and group that were asked for last, whether or not they could be opened."""
        return self._asked

    def recover_and_open(
        self,
        path: str | Path,
        out: str | Path,
        overwrite: bool = False,
        group: str | None = None,
    ) -> None:
        """Write what can be read of a damaged series to a file, and open that (a job).

        :attr:`recovered` tells what was lost.
        """
        path, out = Path(path), Path(out)
        made: list[Recovery] = []

        def run(progress: Progress) -> Opened:
            from flimage.recover import recover

            made.append(recover(path, out, group=group, overwrite=overwrite, progress=progress))
            return opening.open_series(out, progress)

        self._open(f"Recovering {path.name}", run, then=lambda: self.recovered.emit(made[0]))

    def inspect(
        self,
        recording_path: str | Path,
        key: str | None = None,
        selection: Selection | None = None,
    ) -> None:
        """Look into a recording in a foreign format (a job); :attr:`inspected` answers.

        Where the file holds several, `key` and `selection` say which one.
        """
        path = Path(recording_path)
        if self._refuses(opens=True):
            return

        def run(progress: Progress) -> Inspected:
            return opening.inspect_recording(path, progress, key, selection)

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
        key: str | None = None,
        selection: Selection | None = None,
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
                key=key,
                selection=selection,
            )
            return opening.open_series(Path(path), progress)

        made = Conversion(
            recording_path.absolute(), interval, pixel_size, identifier, overwrite, key, selection
        )
        self._open(f"Converting {recording_path.name}", run, made)

    def _open(
        self,
        name: str,
        run: Callable[[Progress], Opened],
        conversion: Conversion | None = None,
        then: Callable[[], object] = lambda: None,
    ) -> None:
        def done(opened: Opened) -> None:
            self._on_job_opened(opened, conversion)
            then()

        if not self._refuses(opens=True):
            self._foreground.begin("open", name, run, done, opening.Opened.close)

    def _on_job_opened(self, opened: Opened, conversion: Conversion | None) -> None:
        self._leave()
        self._conversion = conversion
        self._opened = opened
        self._source = opened.source
        edits = opened.source.edits
        # The background of a corrected series is gone already.
        border = 0 if opened.correction else suitable_border(opened.source.shape)
        recipe = Recipe(border_px=border)
        self._history = History(State(recipe, edits))
        self._saved_edits = edits
        self._kept = self._history.state
        self._contrast.start(opened.levels)
        self._cache.set_maker(self._maker())
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
