"""Saving, leaving with unsaved changes, and offering again what a crash has left behind."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PyQt5.QtCore import QObject
from PyQt5.QtWidgets import QFileDialog, QWidget

from flimage.quantities import format_count

from . import assets, dialogs
from .journal import Entry
from .journaling import Journaling
from .notify import MessageBar
from .recovery_dialog import RecoveryDialog
from .session import Change, Session

__all__ = ["Saving"]


class Saving(QObject):
    """Sees to it that nothing a person did is lost.

    Parameters
    ----------
    session
        The open recording.
    message_bar
        Where it is said what was saved, and what was found.
    open_beside
        Opens a file in a window of its own.
    window
        The window; it owns the dialogs.
    """

    def __init__(
        self,
        session: Session,
        message_bar: MessageBar,
        open_beside: Callable[[Path], object],
        window: QWidget,
    ) -> None:
        super().__init__(window)
        self._session = session
        self._bar = message_bar
        self._open_beside = open_beside
        self._window = window
        self.journaling = Journaling(session, parent=self)
        self._then: Callable[[], object] | None = None
        #: Saves the session to a file, and then calls what it gets.
        self.save_session: Callable[[Callable[[], object]], object] = lambda then: None
        self._in_place = False
        session.saved.connect(self._on_session_saved)
        session.failed.connect(self._on_session_failed)
        session.changed.connect(self._on_session_changed)
        self.journaling.restored.connect(self._on_journal_restored)

    # ------------------------------------------------------------------ saving

    def save(self) -> None:
        """Write the changes into the recording's own file, or a copy where that cannot be."""
        session = self._session
        source = session.source
        if source is None:
            return
        if not session.modified and session.regions_modified:
            self._bar.show_note(
                "The drawn regions are not saved yet. A session file keeps them; the recording"
                " itself has no changes.",
                "Save session",
                lambda: self.save_session(lambda: None),
            )
            return
        if not session.modified:
            self._bar.show_note("The recording has no changes to be saved.")
            return
        if session.save_problem or session.path == assets.example_path():
            self.save_copy()
            return
        lost = len(source.source) - len(set(source.order))
        if lost and not dialogs.confirm_deletion(
            self._window, session.title, format_count(lost, "frame")
        ):
            self._then = None
            return
        self._in_place = True
        session.save()

    def save_copy(self) -> None:
        """Ask where an edited copy of the recording goes, and write it."""
        path = self._session.path
        if path is None:
            return
        folder = Path.home() if path == assets.example_path() else path.parent
        chosen, _ = QFileDialog.getSaveFileName(
            self._window,
            "Save edited copy",
            str(folder / f"{path.stem}_edited.h5"),
            "Series (*.h5)",
        )
        if not chosen:
            self._then = None
            return
        self._in_place = False
        target = Path(chosen)
        if target.exists() and path.exists() and target.samefile(path):
            self._in_place = True
            self._session.save()
            return
        # The file dialog has asked whether a file that exists is to be replaced.
        self._session.save_as(target, overwrite=True)

    def _on_session_saved(self, path: Path) -> None:
        self.journaling.discard()
        then, self._then = self._then, None
        if then is not None:
            then()
        elif self._in_place:
            self._bar.show_done(f"The changes were saved to {path}.")
        else:
            self._bar.show_done(
                f"The edited recording was written to {path}.",
                "Open it",
                lambda: self._open_beside(path),
            )

    def _on_session_failed(self, error: Exception) -> None:
        # Whoever wanted to leave stays, because what was to be saved was not.
        self._then = None

    # ------------------------------------------------------------------ leaving

    def may_leave(self, then: Callable[[], object]) -> bool:
        """Ask the person where leaving the recording now would lose something.

        Parameters
        ----------
        then
            Called later where the person wants to save first: it tries to leave again.

        Returns
        -------
        bool
            Whether to leave now.
        """
        session = self._session
        if session.edits_kept:
            return self._may_lose_regions(then)
        answer = dialogs.ask_unsaved(self._window, session.title)
        if answer == "discard":
            self.journaling.discard()
        elif answer == "save":
            self._then = then
            self.save()
        return answer == "discard"

    def _may_lose_regions(self, then: Callable[[], object]) -> bool:
        """Ask the person where regions that no session file has would be lost."""
        session = self._session
        if not session.regions_modified:
            return True
        answer = dialogs.ask_unsaved_regions(self._window, session.title)
        if answer == "discard":
            self.journaling.discard()
        elif answer == "save":
            self.save_session(then)
        return answer == "discard"

    # ------------------------------------------------------------------ after a crash

    def offer(self) -> None:
        """Say so if there is unsaved work of a program that ended too early."""
        self._offer(self.journaling.pending())

    def _offer(self, entries: list[Entry]) -> None:
        if entries:
            names = {entry.path.name for entry in entries}
            which = entries[0].path.name if len(names) == 1 else format_count(len(names), "file")
            self._bar.show_note(
                f"Unsaved changes to {which} were kept when the program ended unexpectedly.",
                "Review…",
                self.review,
            )

    def review(self) -> None:
        """Let the person choose what to do with unsaved work that was found."""
        dialog = RecoveryDialog(self.journaling, self._restore, self._window)
        dialog.open()

    def _restore(self, entry: Entry) -> None:
        session = self._session
        if session.shows(entry.path, entry.group) or self.may_leave(
            lambda: self.journaling.restore(entry)
        ):
            self.journaling.restore(entry)

    def _on_journal_restored(self, entry: Entry) -> None:
        self._bar.show_done(f"The unsaved changes to {entry.path.name} were restored; save them.")

    def _on_session_changed(self, change: Change) -> None:
        session = self._session
        path = session.path
        if not change & Change.RECORDING or path is None:
            return
        if session.in_use:
            self._bar.show_note(
                f"{path.name} is in use by another program that writes to it: it is shown for"
                " reading only, and may be incomplete."
            )
        elif not self.journaling.restoring:
            self._offer(self.journaling.pending(path.absolute()))
