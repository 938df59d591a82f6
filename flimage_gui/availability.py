"""Which actions can be used now, and for those that cannot: why."""

from __future__ import annotations

from collections.abc import Mapping

from PyQt5.QtCore import QObject
from PyQt5.QtWidgets import QAction

from .actions import ACTIONS
from .session import Change, Session
from .widgets import tip_text

__all__ = ["Availability", "why_disabled"]

#: Property of an action that says why it cannot be used.
_WHY = "why_disabled"
#: What has to wait for the end of what runs.
_EXCLUSIVE = (
    "actionSave",
    "actionSaveAs",
    "actionExport",
    "actionExportAs",
    "actionRunFit",
    "actionClose",
)
NOTHING_OPEN = "Open a recording first."


def why_disabled(action: QAction) -> str:
    """Return why an action cannot be used now, in one sentence; empty where it can."""
    if action.isEnabled():
        return ""
    return str(action.property(_WHY) or "This cannot be used now.")


class Availability(QObject):
    """Enables and disables the actions of a window as its session changes.

    Parameters
    ----------
    session
        The open recording.
    actions
        The actions, by name.
    parent
        Qt parent.
    """

    def __init__(self, session: Session, actions: Mapping[str, QAction], parent: QObject) -> None:
        super().__init__(parent)
        self._session = session
        self._actions = actions
        session.changed.connect(self._on_session_changed)
        self._on_session_changed(~Change(0))

    def _on_session_changed(self, change: Change) -> None:
        if not change & (Change.RECORDING | Change.JOB | Change.HISTORY):
            return
        session = self._session
        closed = "" if session.source is not None else NOTHING_OPEN
        busy = f"{session.busy}: wait until it is done, or cancel it." if session.busy else ""
        reasons = {spec.name: closed for spec in ACTIONS if spec.needs_recording}
        reasons |= dict.fromkeys(_EXCLUSIVE, closed or busy)
        reasons["actionCancel"] = "" if busy else "Nothing is running."
        for name, text, can, nothing in (
            ("actionUndo", session.undo_text, session.can_undo, "There is nothing to take back."),
            ("actionRedo", session.redo_text, session.can_redo, "Nothing was taken back."),
        ):
            reasons[name] = "" if can else closed or nothing
            action = self._actions[name]
            word = name.removeprefix("action")
            action.setText(f"&{word}: {text}" if text else f"&{word}")
            action.setIconText(f" {word}")
            action.setToolTip(tip_text(f"{word}: {text}" if text else word))
        for name, reason in reasons.items():
            self._actions[name].setProperty(_WHY, reason)
            self._actions[name].setEnabled(not reason)
