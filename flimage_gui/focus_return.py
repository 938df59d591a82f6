"""Gives the focus back to a control that could not be used while something ran."""

from __future__ import annotations

from PyQt5 import sip
from PyQt5.QtCore import QObject, Qt, QTimer
from PyQt5.QtWidgets import QApplication, QWidget

from .session import Change, Session

__all__ = ["FocusReturn"]


class FocusReturn(QObject):
    """Watches the focus of one window.

    Qt passes the focus of a control that is disabled on to the next one, in whatever panel, where
    the next key would do something else. It waits beside the control instead.

    Parameters
    ----------
    session
        Tells whether something runs.
    window
        The window.
    """

    def __init__(self, session: Session, window: QWidget) -> None:
        super().__init__(window)
        self._session = session
        self._window = window
        self._left: QWidget | None = None
        self._place: QWidget | None = None
        app = QApplication.instance()
        assert isinstance(app, QApplication)
        app.focusChanged.connect(self._on_focus_changed)
        session.changed.connect(self._on_session_changed)

    def _on_focus_changed(self, old: QWidget | None, now: QWidget | None) -> None:
        if sip.isdeleted(self) or old is None or now is None or old is self._window:
            return
        disabled = not old.isEnabled() and old.isVisible()
        if not (disabled and self._session.busy) or old.window() is not self._window:
            return
        place = old.parentWidget()
        if place is not None and place.isEnabled():
            self._left, self._place = old, place
            place.setFocus(Qt.FocusReason.OtherFocusReason)

    def _on_session_changed(self, change: Change) -> None:
        if change & Change.JOB and not self._session.busy and self._left is not None:
            # Once everybody has heard of it.
            QTimer.singleShot(0, self._give_back)

    def _give_back(self) -> None:
        if sip.isdeleted(self) or self._session.busy:
            return
        left, place = self._left, self._place
        self._left = self._place = None
        if left is None or place is None or sip.isdeleted(left) or sip.isdeleted(place):
            return
        if not place.hasFocus():
            # The person has gone elsewhere.
            return
        if left.isEnabled() and left.isVisible():
            left.setFocus(Qt.FocusReason.OtherFocusReason)
        else:
            place.focusNextChild()
