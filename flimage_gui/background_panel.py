"""The panel of the background: its level, and background images."""

from __future__ import annotations

from PyQt5.QtCore import pyqtSignal
from PyQt5.QtWidgets import QVBoxLayout, QWidget

from .background_images import BackgroundImages
from .background_level import BackgroundLevel
from .session import Session
from .widgets import align_labels

__all__ = ["BackgroundPanel"]


class BackgroundPanel(QWidget):
    """Shows where the session's background comes from and asks for another one.

    Parameters
    ----------
    session
        The open recording and its correction.
    parent
        Qt parent.
    """

    #: The person wants to draw the background region; kind of region.
    draw_requested = pyqtSignal(str)

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("backgroundPanel")
        level, images = BackgroundLevel(session), BackgroundImages(session)
        align_labels(level.form, images.form)
        level.draw_requested.connect(self.draw_requested)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(10, 6, 10, 8)
        layout.setSpacing(6)
        layout.addWidget(level)
        layout.addWidget(images)
        layout.addStretch(1)
