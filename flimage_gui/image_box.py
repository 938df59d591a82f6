"""What the mouse does in the frame view: zoom, pan, step and fit, as in other image viewers."""

from __future__ import annotations

from typing import Any

import pyqtgraph as pg
from PyQt5.QtCore import Qt, pyqtSignal

__all__ = ["ImageBox"]


class ImageBox(pg.ViewBox):
    """A view box with the habits of image viewers: wheel zooms, double click fits."""

    #: frames to go, by wheel
    stepped = pyqtSignal(int)
    double_clicked = pyqtSignal()

    def __init__(self) -> None:
        super().__init__(lockAspect=True, invertY=True, enableMenu=False, defaultPadding=0.02)
        self.wheel_steps = False
        self._wheel_angle = 0

    def wheelEvent(self, event: Any, axis: int | None = None) -> None:  # noqa: N802 - Qt's name
        """Zoom, or step through the frames with Ctrl (or the other way round)."""
        control = bool(event.modifiers() & Qt.KeyboardModifier.ControlModifier)
        if control == self.wheel_steps:
            super().wheelEvent(event, axis)
            return
        # Touch pads send small angles; a notch of a wheel has 120.
        self._wheel_angle += event.delta()
        steps = int(self._wheel_angle / 120)
        self._wheel_angle -= steps * 120
        if steps:
            self.stepped.emit(-steps)
        event.accept()

    def mouseClickEvent(self, event: Any) -> None:  # noqa: N802 - pyqtgraph's name
        """Fit the view on a double click."""
        if event.double() and event.button() == Qt.MouseButton.LeftButton:
            self.double_clicked.emit()
            event.accept()
            return
        super().mouseClickEvent(event)

    def mouseDragEvent(self, event: Any, axis: int | None = None) -> None:  # noqa: N802 - as above
        """Pan with the left button; the right one does nothing (it would zoom)."""
        if event.button() == Qt.MouseButton.RightButton:
            event.ignore()
            return
        super().mouseDragEvent(event, axis)
