"""Going to a frame by its number, its time or its identifier."""

from __future__ import annotations

import re

import numpy as np
from PyQt5.QtCore import Qt
from PyQt5.QtWidgets import QDialog, QDialogButtonBox, QLabel, QLineEdit, QVBoxLayout, QWidget

from flimage.quantities import parse_quantity

from .labels import ElidedLabel
from .session import Session
from .time_texts import time_text
from .widgets import describe

__all__ = ["JumpDialog", "find_frame"]


def find_frame(session: Session, text: str) -> int | None:
    """Return the frame that a person means.

    Parameters
    ----------
    session
        The open recording.
    text
        A number; a time since the first frame with its unit, like ``"2.5 s"``; or (a part of) an
        identifier, upper or lower case.

    Returns
    -------
    int or None
        Number of the frame: the nearest in time, the first whose identifier fits; None when there
        is none.
    """
    text = text.strip()
    if not text or session.source is None:
        return None
    identifiers = [each or "" for each in session.source.identifiers]
    if text in identifiers:
        return identifiers.index(text)
    if re.fullmatch(r"\d+", text):
        return int(text) if int(text) < session.n_frames else None
    seconds = parse_quantity(text, "s")
    if seconds is not None:
        times = session.shown_times
        known = np.flatnonzero(np.isfinite(times))
        if not known.size:
            return None
        since = times[known] - (times[0] if np.isfinite(times[0]) else times[known[0]])
        return int(known[np.argmin(np.abs(since - seconds))])
    wanted = text.casefold()
    return next((i for i, each in enumerate(identifiers) if wanted in each.casefold()), None)


class JumpDialog(QDialog):
    """Asks where to go, and says which frame that is.

    Parameters
    ----------
    session
        The open recording.
    parent
        Qt parent.
    """

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("jumpDialog")
        self.setWindowTitle("Go to")
        self._session = session
        self._edit = QLineEdit()
        describe(
            self._edit,
            "jumpEdit",
            "Frame, time or identifier",
            "A frame number, a time since the first frame with its unit, or part of an identifier.",
        )
        self._edit.setPlaceholderText("12, 2.5 s, or an identifier")
        label = QLabel("&Frame, time or identifier")
        label.setBuddy(self._edit)
        # One line, however long the identifier: the dialog does not grow while one types.
        self._hint = ElidedLabel(mode=Qt.TextElideMode.ElideMiddle)
        self._hint.setProperty("role", "hint")
        self._hint.setObjectName("jumpHint")
        self._buttons = QDialogButtonBox(
            QDialogButtonBox.StandardButton.Ok | QDialogButtonBox.StandardButton.Cancel
        )
        self._buttons.button(QDialogButtonBox.StandardButton.Ok).setText("Go")
        self._buttons.accepted.connect(self.accept)
        self._buttons.rejected.connect(self.reject)
        layout = QVBoxLayout(self)
        for widget in (label, self._edit, self._hint, self._buttons):
            layout.addWidget(widget)
        self.setMinimumWidth(320)
        self._edit.textChanged.connect(self._on_edit_changed)
        self._on_edit_changed("")

    def _on_edit_changed(self, text: str) -> None:
        frame = find_frame(self._session, text)
        self._buttons.button(QDialogButtonBox.StandardButton.Ok).setEnabled(frame is not None)
        if frame is not None and self._session.source is not None:
            name = self._session.source.identifiers[frame]
            parts = [f"Frame {frame}", time_text(self._session.shown_times, frame), name or ""]
            self._hint.setText("  ·  ".join(part for part in parts if part))
        else:
            last = self._session.n_frames - 1
            self._hint.setText(
                f"No such frame; they run from 0 to {last}." if text.strip() else " "
            )

    def accept(self) -> None:
        """Go there."""
        frame = find_frame(self._session, self._edit.text())
        if frame is not None:
            self._session.set_frame(frame)
            super().accept()
