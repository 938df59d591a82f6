"""What is said over the image: that a frame cannot be shown, that pixels are saturated."""

from __future__ import annotations

from PyQt5.QtCore import Qt
from PyQt5.QtWidgets import QLabel, QWidget

__all__ = ["ImageNotices"]


class ImageNotices:
    """Two labels that lie over the image.

    Parameters
    ----------
    image
        Widget that shows the image.
    """

    def __init__(self, image: QWidget) -> None:
        self._image = image
        self._failure = QLabel(image)
        self._failure.setObjectName("frameNotice")
        self._failure.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._failure.setWordWrap(True)
        self._failure.hide()
        self._saturated = QLabel(image)
        self._saturated.setObjectName("saturationLabel")
        self._saturated.setStyleSheet(
            "QLabel { background: rgba(176, 24, 24, 225); color: white; border-radius: 4px;"
            " padding: 3px 8px; }"
        )
        self._saturated.setToolTip(
            "<p>These pixels are at the end of the detector's range: their true value is unknown."
            " They are marked in red on the raw image.</p>"
        )
        self._saturated.hide()

    def clear(self) -> None:
        """Say nothing."""
        self._failure.hide()
        self._saturated.hide()

    def show_failure(self, text: str) -> None:
        """Say in place of the image why it is not there; empty where it is."""
        self._failure.setText(text)
        self._failure.setVisible(bool(text))
        self.place()

    def show_saturated(self, count: int, level: float | None) -> None:
        """Say how many pixels are saturated at `level`; nothing where none is."""
        is_told = bool(count) and level is not None
        if is_told:
            pixels = "pixel is" if count == 1 else "pixels are"
            self._saturated.setText(f"{count} {pixels} saturated ({level:g})")
            self._saturated.adjustSize()
            self.place()
        self._saturated.setVisible(is_told)

    def place(self) -> None:
        """Follow the size of the image's widget."""
        rect = self._image.rect()
        self._failure.setGeometry(rect.adjusted(20, 20, -20, -20))
        self._saturated.move(rect.right() - self._saturated.width() - 10, 10)
