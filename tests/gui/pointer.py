"""Mouse movements with a pressed button, which QTest cannot make."""

from __future__ import annotations

from PyQt5.QtCore import QEvent, QPoint, QPointF, Qt
from PyQt5.QtGui import QMouseEvent, QWheelEvent
from PyQt5.QtWidgets import QApplication, QWidget


def send(
    widget: QWidget,
    kind: QEvent.Type,
    place: QPoint,
    button: Qt.MouseButton = Qt.MouseButton.NoButton,
    pressed: Qt.MouseButton = Qt.MouseButton.NoButton,
) -> None:
    """Send one mouse event to `widget`."""
    event = QMouseEvent(
        kind,
        QPointF(place),
        QPointF(widget.mapToGlobal(place)),
        button,
        pressed,
        Qt.KeyboardModifier.NoModifier,
    )
    QApplication.sendEvent(widget, event)


def hover(widget: QWidget, place: QPoint) -> None:
    """Move the pointer without a pressed button."""
    send(widget, QEvent.Type.MouseMove, place)


def drag(widget: QWidget, *places: QPoint) -> None:
    """Press the left button at the first place, move through the others, release at the last."""
    left = Qt.MouseButton.LeftButton
    send(widget, QEvent.Type.MouseButtonPress, places[0], left, left)
    for place in places[1:]:
        send(widget, QEvent.Type.MouseMove, place, pressed=left)
    send(widget, QEvent.Type.MouseButtonRelease, places[-1], left)


def double_click(widget: QWidget, place: QPoint) -> None:
    """Press and release twice, as Qt tells it."""
    left = Qt.MouseButton.LeftButton
    send(widget, QEvent.Type.MouseButtonPress, place, left, left)
    send(widget, QEvent.Type.MouseButtonRelease, place, left)
    send(widget, QEvent.Type.MouseButtonDblClick, place, left, left)
    send(widget, QEvent.Type.MouseButtonRelease, place, left)


def roll(widget: QWidget, notches: int) -> None:
    """Turn the wheel over `widget`, up where `notches` are positive, as Qt tells it of a mouse."""
    wheel = Qt.FocusPolicy.WheelFocus
    if widget.isEnabled() and int(widget.focusPolicy()) & int(wheel) == int(wheel):
        # Before the event arrives.
        widget.setFocus(Qt.FocusReason.MouseFocusReason)
    target: QWidget | None = widget
    while target is not None:
        place = target.rect().center()
        event = QWheelEvent(
            QPointF(place),
            QPointF(target.mapToGlobal(place)),
            QPoint(),
            QPoint(0, 120 * notches),
            Qt.MouseButton.NoButton,
            Qt.KeyboardModifier.NoModifier,
            Qt.ScrollPhase.NoScrollPhase,
            False,
        )
        QApplication.sendEvent(target, event)
        # Only what a mouse tells is handed on by Qt itself.
        target = None if event.isAccepted() or target.isWindow() else target.parentWidget()
