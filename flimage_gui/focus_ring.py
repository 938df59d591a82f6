"""Shows the focus on widgets that draw none themselves, such as the image."""

from __future__ import annotations

from PyQt5.QtCore import QEvent, QObject, Qt
from PyQt5.QtGui import QFocusEvent
from PyQt5.QtWidgets import QFrame, QWidget

__all__ = ["FocusRing"]

#: Who moves the focus by keys; a click shows by itself where it went.
_BY_KEYS = (
    Qt.FocusReason.TabFocusReason,
    Qt.FocusReason.BacktabFocusReason,
    Qt.FocusReason.ShortcutFocusReason,
)


class FocusRing(QFrame):
    """A frame over a widget while it has the focus that keys gave to it.

    Parameters
    ----------
    target
        The widget; it owns the frame.
    """

    def __init__(self, target: QWidget) -> None:
        super().__init__(target)
        self.setObjectName("focusRing")
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.hide()
        target.installEventFilter(self)

    def eventFilter(self, target: QObject, event: QEvent) -> bool:  # noqa: N802 - Qt's name
        """Follow the focus and the size of the widget."""
        if isinstance(target, QWidget):
            if isinstance(event, QFocusEvent):
                self.setGeometry(target.rect())
                self.setVisible(event.gotFocus() and event.reason() in _BY_KEYS)
                self.raise_()
            elif event.type() == QEvent.Type.Resize:
                self.setGeometry(target.rect())
        return False
