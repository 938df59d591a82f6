"""Says the verdict of a correction that was asked for while its panel is not in sight."""

from __future__ import annotations

from PyQt5.QtCore import QObject

from flimage.verdict import GRADE_WORDS

from .labels import SIGNS
from .notify import MessageBar
from .panels import Panels
from .session import Change, Session
from .session_fit import CORRECTING

__all__ = ["VerdictMessage"]

_DOCK = "bleachDock"


class VerdictMessage(QObject):
    """Puts the verdict into the message bar, with a button that leads to the panel.

    Parameters
    ----------
    session
        The open recording.
    message_bar
        Where it is said.
    panels
        Tell whether the panel Bleaching is in sight.
    parent
        Qt parent.
    """

    def __init__(
        self, session: Session, message_bar: MessageBar, panels: Panels, parent: QObject
    ) -> None:
        super().__init__(parent)
        self._session = session
        self._bar = message_bar
        self._panels = panels
        self._due = False
        session.changed.connect(self._on_session_changed)

    def stand_back(self) -> None:
        """Say nothing of the run that goes on: the program has asked for it, nobody else."""
        self._due = False

    def _on_session_changed(self, change: Change) -> None:
        session = self._session
        if session.busy == CORRECTING:
            # Only when it begins; what changes meanwhile does not ask for it.
            self._due = self._due or bool(change & Change.JOB)
        elif self._due and change & (Change.FIT | Change.JOB):
            self._due = False
            if change & Change.FIT and session.fit_current and session.tuning_error is None:
                self._tell()

    def _tell(self) -> None:
        fit = self._session.fit
        if fit is None or self._panels.in_sight(_DOCK):
            return
        verdict = fit.verdict
        text = f"{GRADE_WORDS[verdict.grade]}: {verdict.sentence}"
        # The bar has a sign of its own for what is well.
        good = verdict.grade == "good"
        text = text if good else f"{SIGNS[verdict.grade]} {text}"
        show = self._bar.show_done if good else self._bar.show_note
        show(text, "Show the result", lambda: self._panels.reveal(_DOCK))
