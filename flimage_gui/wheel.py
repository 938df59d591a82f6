"""Keeps the mouse wheel from changing settings that it passes over while a panel scrolls."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from PyQt5.QtCore import Qt
from PyQt5.QtGui import QWheelEvent
from PyQt5.QtWidgets import QWidget

__all__ = ["SteadyUnderWheel"]

_Base: Any = QWidget if TYPE_CHECKING else object


class SteadyUnderWheel(_Base):
    """What a combo box or spin box derives from first: only with the focus, it follows the wheel.

    Without it, the panel behind scrolls.

    Parameters
    ----------
    parent
        Qt parent.
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        # Qt's choice for these boxes is that the wheel itself brings the focus.
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)

    def wheelEvent(self, event: QWheelEvent) -> None:  # noqa: N802 - Qt's name
        """Leave the wheel to the panel where a person does not work on this setting."""
        if self.hasFocus():
            super().wheelEvent(event)
        else:
            event.ignore()
