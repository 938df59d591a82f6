"""The slider of the time bar."""

from __future__ import annotations

from PyQt5.QtCore import Qt
from PyQt5.QtGui import QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QWheelEvent
from PyQt5.QtWidgets import QSlider, QStyle, QStyleOptionSlider

__all__ = ["FrameSlider"]


class FrameSlider(QSlider):
    """A slider that jumps to where it is clicked, and in which PgDn goes forward."""

    _range: tuple[int, int] | None = None

    def show_range(self, frames: tuple[int, int] | None) -> None:
        """Mark the frames that are played; None marks nothing."""
        self._range = frames
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802 - Qt's name
        """Draw a line below the frames that are played."""
        super().paintEvent(event)
        if self._range is None:
            return
        option = QStyleOptionSlider()
        self.initStyleOption(option)
        handle = self.style().subControlRect(
            QStyle.ComplexControl.CC_Slider, option, QStyle.SubControl.SC_SliderHandle, self
        )
        left, right = (
            handle.width() // 2
            + QStyle.sliderPositionFromValue(
                self.minimum(), self.maximum(), frame, self.width() - handle.width()
            )
            for frame in self._range
        )
        painter = QPainter(self)
        painter.fillRect(
            left, self.height() - 3, max(2, right - left), 3, self.palette().highlight()
        )
        painter.end()

    def mousePressEvent(self, event: QMouseEvent) -> None:  # noqa: N802 - Qt's name
        """Put the handle under the pointer, so that it can be dragged from there."""
        if event.button() == Qt.MouseButton.LeftButton:
            option = QStyleOptionSlider()
            self.initStyleOption(option)
            handle = self.style().subControlRect(
                QStyle.ComplexControl.CC_Slider, option, QStyle.SubControl.SC_SliderHandle, self
            )
            if not handle.contains(event.pos()):
                value = QStyle.sliderValueFromPosition(
                    self.minimum(),
                    self.maximum(),
                    event.x() - handle.width() // 2,
                    self.width() - handle.width(),
                )
                self.setValue(value)
        super().mousePressEvent(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802 - Qt's name
        """Go the way that these keys go everywhere in the window."""
        pages = {int(Qt.Key.Key_PageDown): 1, int(Qt.Key.Key_PageUp): -1}
        if event.key() in pages:
            self.setValue(self.value() + pages[event.key()] * self.pageStep())
        else:
            super().keyPressEvent(event)

    def wheelEvent(self, event: QWheelEvent) -> None:  # noqa: N802 - Qt's name
        """Step like the image does, down is forward; Qt would go three frames up."""
        notches = event.angleDelta().y()
        if notches:
            self.setValue(self.value() - (1 if notches > 0 else -1))
        event.accept()
