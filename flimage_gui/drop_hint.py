"""Shows on a window that what is dragged over it may be dropped, and what that does."""

from __future__ import annotations

from PyQt5.QtCore import QEvent, QObject, QRect, QRectF, Qt
from PyQt5.QtGui import QColor, QPainter, QPaintEvent, QPalette, QPen
from PyQt5.QtWidgets import QWidget

__all__ = ["DropHint"]

_TINT = 46
_MARGIN, _RADIUS = 5, 8
_ROOM = (28, 14)


class DropHint(QWidget):
    """A tint and a frame over a whole window, with a few words in the middle.

    Parameters
    ----------
    window
        The window; it owns the hint, and shows and hides it.
    text
        What happens to what is dropped.
    """

    def __init__(self, window: QWidget, text: str) -> None:
        super().__init__(window)
        self.setObjectName("dropHint")
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.text = text
        self.hide()
        window.installEventFilter(self)

    def appear(self) -> None:
        """Cover the window."""
        self.setGeometry(self.parentWidget().rect())
        self.raise_()
        self.show()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802 - Qt's name
        """Go when what is dragged leaves the window, or is dropped."""
        if event.type() in (QEvent.Type.DragLeave, QEvent.Type.Drop):
            self.hide()
        elif event.type() == QEvent.Type.Resize:
            self.setGeometry(self.parentWidget().rect())
        return False

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802 - Qt's name
        """Draw tint, frame and words."""
        palette = self.palette()
        accent = palette.color(QPalette.ColorRole.Highlight)
        tint = QColor(accent)
        tint.setAlpha(_TINT)
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.fillRect(self.rect(), tint)
        painter.setPen(QPen(accent, 3, Qt.PenStyle.DashLine))
        frame = QRectF(self.rect()).adjusted(_MARGIN, _MARGIN, -_MARGIN, -_MARGIN)
        painter.drawRoundedRect(frame, _RADIUS, _RADIUS)
        font = painter.font()
        font.setPointSizeF(font.pointSizeF() * 1.3)
        font.setBold(True)
        painter.setFont(font)
        box = QRect(painter.fontMetrics().boundingRect(self.text))
        box = box.adjusted(-_ROOM[0], -_ROOM[1], _ROOM[0], _ROOM[1])
        box.moveCenter(self.rect().center())
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(accent)
        painter.drawRoundedRect(QRectF(box), _RADIUS, _RADIUS)
        painter.setPen(palette.color(QPalette.ColorRole.HighlightedText))
        painter.drawText(box, int(Qt.AlignmentFlag.AlignCenter), self.text)
        painter.end()
