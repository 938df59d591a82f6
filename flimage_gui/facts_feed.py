"""Keep a view informed about the frame on display, without reading more than a person looks at."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PyQt5.QtCore import QObject, QTimer, pyqtSignal
from PyQt5.QtWidgets import QWidget

from .session import Change, Session

if TYPE_CHECKING:
    from .frame_facts import FrameFacts

__all__ = ["FactsFeed"]

#: Facts are asked for after the person has rested on a frame for this long [ms].
REST_MS = 60


class FactsFeed(QObject):
    """Asks the session for the facts of the current frame while a view can be seen.

    Parameters
    ----------
    session
        The open recording.
    view
        Widget that shows the facts; it calls :meth:`ask` when it is shown.
    """

    #: FrameFacts of the current frame
    ready = pyqtSignal(object)

    def __init__(self, session: Session, view: QWidget) -> None:
        super().__init__(view)
        self._session = session
        self._view = view
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(REST_MS)
        self._timer.timeout.connect(self._on_timer_timeout)
        session.changed.connect(self._on_session_changed)
        session.facts_ready.connect(self._on_session_facts_ready)

    def ask(self) -> None:
        """Ask again soon."""
        self._timer.start()

    def _on_session_changed(self, change: Change) -> None:
        if change & (Change.RECORDING | Change.FRAME | Change.BACKGROUND):
            self._timer.start()

    def _on_timer_timeout(self) -> None:
        if self._view.isVisible():
            self._session.request_facts(self._session.frame)

    def _on_session_facts_ready(self, facts: FrameFacts) -> None:
        if facts.frame == self._session.frame:
            self.ready.emit(facts)
