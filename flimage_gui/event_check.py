"""Shows how much of a real change a correction leaves, tried out on the recording itself."""

from __future__ import annotations

import html
import math
from typing import TYPE_CHECKING

from PyQt5.QtCore import Qt
from PyQt5.QtWidgets import QPushButton, QVBoxLayout, QWidget

from flimage.models import MODELS
from flimage.quantities import MISSING, format_number

from .labels import WrappedLabel
from .session import Change, Session
from .widgets import describe

if TYPE_CHECKING:
    from flimage.events import EventPreservation

__all__ = ["EventCheck", "events_html"]


class EventCheck(QWidget):
    """A button that tries it out, and the result for as long as the settings stay as they were.

    Parameters
    ----------
    session
        The open recording and its correction.
    parent
        Qt parent.
    """

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._button = QPushButton("Check &with a test event")
        describe(
            self._button,
            "checkEventsButton",
            "Check with a test event",
            "Put a known change of intensity into a copy of the recording in memory, correct that,"
            " and see how much of the change is left: by this model, and by two methods that erase"
            " real changes. Nothing is written.",
        )
        self._result = WrappedLabel()
        self._result.setTextFormat(Qt.TextFormat.RichText)
        self._result.setTextInteractionFlags(
            Qt.TextInteractionFlag.TextSelectableByMouse
            | Qt.TextInteractionFlag.TextSelectableByKeyboard
        )
        describe(self._result, "eventsLabel", "What is left of a test event")
        self._result.setToolTip("")
        self._result.hide()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(6)
        layout.addWidget(self._button)
        layout.addWidget(self._result)
        self._button.clicked.connect(session.check_events)
        session.changed.connect(self._on_session_changed)
        session.events_checked.connect(self._on_session_events_checked)
        self._enable()

    def _on_session_changed(self, change: Change) -> None:
        if change & (Change.RECORDING | Change.RECIPE | Change.BACKGROUND):
            self._result.clear()
            self._result.hide()
        if change & (Change.RECORDING | Change.JOB):
            self._enable()

    def _enable(self) -> None:
        self._button.setEnabled(self._session.source is not None and not self._session.busy)

    def _on_session_events_checked(self, events: EventPreservation) -> None:
        self._result.setText(events_html(events))
        self._result.show()


def events_html(events: EventPreservation) -> str:
    """Write what is left of a test event, one line for each method."""
    change = f"{100 * events.change:+.0f}\u202f%".replace("-", "−")
    light = ""
    if math.isfinite(events.light):
        light = f" ({100 * events.light:.0f}\u202f% of the light)"
    rows = "".join(
        f"<tr><td>{html.escape(_name(name))}&nbsp;&nbsp;</td>"
        f"<td align='right'>{_percent(part)}</td></tr>"
        for name, part in events.survived.items()
    )
    return (
        f"Of a change by {change} in the brightest pixels{light}, put into frames"
        f" {events.frames[0]} to {events.frames[1]}, this is left after the correction:"
        f"<table cellspacing='0' cellpadding='1'>{rows}</table>"
    )


def _name(model: str) -> str:
    title = MODELS[model].title if model in MODELS else "model chosen automatically"
    return title[:1].upper() + title[1:]


def _percent(part: float) -> str:
    return f"{format_number(round(100 * part), 3)}\u202f%" if math.isfinite(part) else MISSING
