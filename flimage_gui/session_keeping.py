"""Saves a session to a file, and takes one up again: recording, edits, settings, regions, view."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from PyQt5.QtCore import QObject
from PyQt5.QtWidgets import QFileDialog, QWidget

from flimage.progress import Progress
from flimage.session_file import SUFFIX, SessionFile, write_session
from flimage.source import Edits

from . import assets
from .notify import MessageBar
from .session import Change, Session
from .settings import Settings
from .view_state import ViewState

__all__ = ["SessionKeeping"]

LANE = "session-file"
FILE_FILTER = f"Sessions (*{SUFFIX})"


class SessionKeeping(QObject):
    """Writes and reads the session files of one window.

    Parameters
    ----------
    session
        The open recording.
    view_state
        What the window shows.
    settings
        Remember which files were used.
    message_bar
        Where it is said what was done.
    may_leave
        Asks where something would be lost; what it gets is called once that is saved.
    window
        The window; it owns the dialogs.
    """

    def __init__(
        self,
        session: Session,
        view_state: ViewState,
        settings: Settings,
        message_bar: MessageBar,
        may_leave: Callable[[Callable[[], object]], bool],
        window: QWidget,
    ) -> None:
        super().__init__(window)
        self._session = session
        self._view_state = view_state
        self._settings = settings
        self._bar = message_bar
        self._may_leave = may_leave
        self._window = window
        self._path: Path | None = None
        #: What goes on once the session is saved.
        self._then: Callable[[], object] | None = None
        #: Session that is taken up once its recording is open.
        self._wanted: tuple[Path, SessionFile] | None = None
        session.changed.connect(self._on_session_changed)
        session.failed.connect(self._on_session_failed)

    @property
    def path(self) -> Path | None:
        """The session file that belongs to what is open; None where there is none yet."""
        return self._path

    # ------------------------------------------------------------------ saving

    def save(self) -> None:
        """Write the session to its file; ask for one where it has none yet."""
        if self._path is None:
            self.save_as()
        else:
            self._write(self._path)

    def save_then(self, then: Callable[[], object]) -> None:
        """Write the session, and call `then` once it is written."""
        self._then = then
        self.save()

    def save_as(self) -> None:
        """Ask where the session goes, and write it."""
        recording = self._session.path
        if recording is None:
            return
        folder = Path.home() if recording == assets.example_path() else recording.parent
        start = self._path or folder / f"{recording.stem}{SUFFIX}"
        chosen, _ = QFileDialog.getSaveFileName(
            self._window, "Save the session", str(start), FILE_FILTER
        )
        if chosen:
            path = Path(chosen)
            self._write(path if path.suffix == SUFFIX else path.with_name(path.name + SUFFIX))
        else:
            self._then = None

    def _write(self, path: Path) -> None:
        session = self._session
        recording, edits = session.path, session.edits
        if recording is None or edits is None:
            return
        content = SessionFile(
            recording.absolute(),
            session.recipe,
            session.regions,
            edits if session.modified else Edits(),
            self._view_state.take(),
            group=session.group,
        )

        def run(progress: Progress) -> Path:
            return write_session(content, path)

        def done(path: Path) -> None:
            if session.shows(content.recording, content.group):
                self._path = path
                session.note_kept(content.recipe, edits, content.regions)
            self._settings.add_recent(str(path.absolute()))
            self._bar.show_done(f"The session was saved to {path}.")
            then, self._then = self._then, None
            if then is not None:
                then()

        session.run_quietly(LANE, run, done, session.failed.emit)

    # ------------------------------------------------------------------ opening

    def open(self, path: Path) -> None:
        """Take up the session in a file."""
        if not self._may_leave(lambda: self.open(path)):
            return

        def run(progress: Progress) -> SessionFile:
            from flimage.session_reading import read_session

            return read_session(path)

        self._bar.hide()
        self._session.run_quietly(
            LANE, run, lambda content: self._begin(path, content), self._session.failed.emit
        )

    def _begin(self, path: Path, content: SessionFile) -> None:
        if not content.recording.exists():
            self._bar.show_note(
                f"The recording of {path.name}, {content.recording}, is not there; find it, or put"
                " it back.",
                "Locate…",
                lambda: self._locate(path, content),
            )
            return
        self._wanted = (path, content)
        self._session.open(content.recording, content.group)

    def _locate(self, path: Path, content: SessionFile) -> None:
        """Ask where the recording is now."""
        chosen, _ = QFileDialog.getOpenFileName(
            self._window,
            f"Where is {content.recording.name}?",
            str(path.parent),
            "Series (*.h5 *.hdf5);;All files (*)",
        )
        if chosen:
            self._begin(path, replace(content, recording=Path(chosen).absolute()))

    def _on_session_changed(self, change: Change) -> None:
        if not change & Change.RECORDING:
            return
        self._path = None
        wanted = self._wanted
        if wanted is not None and self._session.path is not None:
            self._wanted = None
            if self._session.shows(wanted[1].recording, wanted[1].group):
                self._take_up(*wanted)

    def _on_session_failed(self, error: Exception) -> None:
        self._wanted = self._then = None

    def _take_up(self, path: Path, content: SessionFile) -> None:
        from flimage.edit_steps import SessionEdits

        edits = content.edits
        steps = () if edits == Edits() else (SessionEdits(path.absolute()),)
        session = self._session
        label = f"Take up {path.name}"
        if not session.restore(content.recipe, edits, content.regions, label, steps):
            return
        session.note_kept(session.recipe, session.edits, session.regions)
        self._view_state.put(content.view)
        self._path = path
        self._settings.add_recent(str(path.absolute()))
        if content.recording_changed:
            self._bar.show_note(
                f"{content.recording.name} has changed since {path.name} was saved: look closely at"
                " regions and edits."
            )
