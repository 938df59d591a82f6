"""Keeps a session's unsaved work in a journal, and finds what a crash has left behind."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from PyQt5.QtCore import QLockFile, QObject, QTimer, pyqtSignal

from flimage.progress import Progress

from .journal import (
    Entry,
    JournalWriter,
    find_entries,
    find_unfinished,
    journal_folder,
    load_entry,
    remove_entry,
)
from .session import Change, Session

if TYPE_CHECKING:
    from flimage.recipe import Recipe
    from flimage.region_traces import NamedRegion
    from flimage.source import Edits

__all__ = ["Journaling"]

LANE = "journal"
_KEPT = Change.RECORDING | Change.HISTORY | Change.RECIPE | Change.BACKGROUND | Change.REGIONS
#: Changes are written after the person has rested for this long [ms].
REST_MS = 400
#: File that says which process a journal belongs to.
LOCK = "owner.lock"


class Journaling(QObject):
    """Writes the journal of one session, and offers those of sessions that ended too early.

    Parameters
    ----------
    session
        The open recording.
    folder
        Folder of all journals; by default that of the person who runs the program.
    parent
        Qt parent.
    """

    #: Entries were found, are in use, or were removed.
    changed = pyqtSignal()
    #: Unsaved work was taken over; Entry.
    restored = pyqtSignal(object)

    def __init__(
        self, session: Session, folder: Path | None = None, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._session = session
        self._folder = journal_folder() if folder is None else folder
        self._writer = JournalWriter(self._folder / secrets.token_hex(8))
        self._lock: QLockFile | None = None
        self._wanted: Entry | None = None
        #: Journals whose content is shown now; removed once it is in this window's own.
        self._taken: list[tuple[Entry, QLockFile]] = []
        self._failed = False
        self._loading = False
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(REST_MS)
        self._timer.timeout.connect(self._on_timer_timeout)
        session.changed.connect(self._on_session_changed)

    # ------------------------------------------------------------------ writing

    def _on_session_changed(self, change: Change) -> None:
        if change & Change.RECORDING and self._session.source is None:
            self.discard()
        elif change & _KEPT:
            self._timer.start()
        if change & Change.RECORDING and self._wanted is not None:
            self._take_over()

    def _on_timer_timeout(self) -> None:
        write = self._prepare()
        if write is not None:

            def run(progress: Progress) -> None:
                write()

            self._session.run_quietly(
                LANE, run, lambda _: self._on_job_written(), self._on_job_failed
            )

    def _prepare(self) -> Callable[[], None] | None:
        """Return what writes the state of now; None where there is nothing to be kept."""
        session = self._session
        path, edits = session.path, session.edits
        if path is None or edits is None or session.all_kept:
            if self._wanted is None and not self._taken:
                self.discard()
            return None
        if not self._hold():
            return None
        recipe, regions, writer = session.recipe, session.regions, self._writer
        group = session.group
        steps = session.steps[: session.step]
        return lambda: writer.write(path, recipe, edits, steps, regions, group)

    def flush(self) -> None:
        """Write what is not in the journal yet, at once: the program is about to end."""
        self._timer.stop()
        self._session.stop_quietly(LANE)
        write = self._prepare()
        if write is not None:
            try:
                write()
            except OSError as error:
                self._on_job_failed(error)
            else:
                self._on_job_written()

    def _hold(self) -> bool:
        """Mark the journal as that of a running program; tell whether it is."""
        if self._lock is None:
            try:
                self._writer.folder.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                self._on_job_failed(error)
                return False
            self._lock = _lock(self._writer.folder)
        return self._lock is not None

    def _on_job_written(self) -> None:
        self._failed = False
        self._remove_taken()

    def _remove_taken(self) -> None:
        """Remove the journals whose content is in another one now, or not wanted any more."""
        taken, self._taken = self._taken, []
        for entry, lock in taken:
            lock.unlock()
            remove_entry(entry.folder)
        if taken:
            self.changed.emit()

    def _on_job_failed(self, error: Exception) -> None:
        # Said once: it would come back with every change.
        if not self._failed:
            self._failed = True
            self._session.failed.emit(error)

    def discard(self) -> None:
        """Forget this session's unsaved work, because it was saved or is not wanted."""
        self._timer.stop()
        self._session.stop_quietly(LANE)
        if self._lock is not None:
            self._lock.unlock()
            self._lock = None
            self._writer.discard()
        self._remove_taken()

    # ------------------------------------------------------------------ finding

    @property
    def restoring(self) -> bool:
        """Whether unsaved work is about to be taken over."""
        return self._wanted is not None or self._loading

    def pending(self, path: Path | None = None) -> list[Entry]:
        """Return unsaved work that no running program looks after, the newest first.

        Parameters
        ----------
        path
            Only what belongs to this recording; None for all.
        """
        self._tidy_up()
        found = []
        for entry in find_entries(self._folder):
            if entry.folder == self._writer.folder or not (path is None or entry.path == path):
                continue
            lock = _lock(entry.folder)
            if lock is not None:
                lock.unlock()
                found.append(entry)
        return found

    def _tidy_up(self) -> None:
        """Remove what programs that were killed have begun and never written."""
        for folder in find_unfinished(self._folder):
            lock = None if folder == self._writer.folder else _lock(folder)
            if lock is not None:
                lock.unlock()
                remove_entry(folder)

    def restore(self, entry: Entry) -> None:
        """Show a recording with the unsaved work of an entry; it is opened where needed."""
        self._wanted = entry
        if self._session.shows(entry.path, entry.group):
            self._take_over()
        else:
            self._session.open(entry.path, entry.group)

    def remove(self, entry: Entry) -> None:
        """Remove unsaved work that nobody wants."""
        lock = _lock(entry.folder)
        if lock is not None:
            lock.unlock()
            remove_entry(entry.folder)
            self.changed.emit()

    def _take_over(self) -> None:
        entry, self._wanted = self._wanted, None
        if entry is None or not self._session.shows(entry.path, entry.group):
            return
        lock = _lock(entry.folder)
        if lock is None:
            return

        def run(progress: Progress) -> tuple[Recipe, Edits, tuple[NamedRegion, ...]]:
            return load_entry(entry)

        def done(state: tuple[Recipe, Edits, tuple[NamedRegion, ...]]) -> None:
            self._loading = False
            if not self._session.shows(entry.path, entry.group):
                lock.unlock()
                return
            self._taken.append((entry, lock))
            self._session.restore(*state)
            self._timer.start()
            self.restored.emit(entry)

        def failed(error: Exception) -> None:
            self._loading = False
            lock.unlock()
            self._session.failed.emit(error)

        self._loading = True
        self._session.run_quietly("restore", run, done, failed)


def _lock(folder: Path) -> QLockFile | None:
    """Lock a journal; None when a program that is running has done so."""
    lock = QLockFile(str(folder / LOCK))
    # Age says nothing: only the end of the process does.
    lock.setStaleLockTime(0)
    return lock if lock.tryLock(0) else None
