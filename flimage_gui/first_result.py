"""Shows corrected frames once a correction has been found, unless a person chose others."""

from __future__ import annotations

from PyQt5.QtCore import QObject

from .session import Change, Display, Session
from .settings import Preferences, Settings

__all__ = ["FirstResult"]


class FirstResult(QObject):
    """Changes what is displayed at the first result for a recording.

    Parameters
    ----------
    session
        The open recording.
    settings
        Say whether the person wants that.
    parent
        Qt parent.
    """

    def __init__(self, session: Session, settings: Settings, parent: QObject) -> None:
        super().__init__(parent)
        self._session = session
        self._settings = settings
        self._due = False
        session.changed.connect(self._on_session_changed)

    def stand_back(self) -> None:
        """Leave what is displayed as it is: somebody has chosen it already."""
        self._due = False

    def _on_session_changed(self, change: Change) -> None:
        session = self._session
        if change & Change.RECORDING:
            self._due = True
        elif change & Change.DISPLAY and session.display is not Display.RAW:
            self._due = False
        elif change & Change.FIT and self._due and session.fit_current:
            self._due = False
            wanted = self._settings.get(Preferences.show_result)
            if wanted and session.fit is not None and session.fit.verdict.grade != "refused":
                session.set_display(Display.BLEACH_CORRECTED)
