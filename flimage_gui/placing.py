"""Where the window is on the screen, and how large."""

from __future__ import annotations

from PyQt5.QtCore import QMargins, QRect, QSize
from PyQt5.QtWidgets import QStyle, QWidget

__all__ = ["DEFAULT_SIZE", "cap_size", "cascade", "fit_into", "fit_to_screen"]

#: Width and height of the window when it is opened for the first time [px].
DEFAULT_SIZE = (1280, 820)

#: How far a new window lies beside the one that it was opened from [px].
CASCADE = 32


def fit_into(wanted: QRect, available: QRect) -> QRect:
    """Move and, where that does not suffice, shrink a rectangle so that it lies in another."""
    width, height = min(wanted.width(), available.width()), min(wanted.height(), available.height())
    left = max(available.left(), min(wanted.left(), available.right() + 1 - width))
    top = max(available.top(), min(wanted.top(), available.bottom() + 1 - height))
    return QRect(left, top, width, height)


def fit_to_screen(window: QWidget) -> None:
    """Let a window lie, with its frame, in the part of the screen that windows may use."""
    if window.isMaximized() or window.isFullScreen():
        return
    inner, outer = window.geometry(), window.frameGeometry()
    if outer == inner:
        # Before a window is shown, nobody knows how large its frame will be.
        title = window.style().pixelMetric(QStyle.PixelMetric.PM_TitleBarHeight, None, window)
        frame = QMargins(2, title, 2, 2)
    else:
        frame = QMargins(
            inner.left() - outer.left(),
            inner.top() - outer.top(),
            outer.right() - inner.right(),
            outer.bottom() - inner.bottom(),
        )
    place = fit_into(inner, window.screen().availableGeometry().marginsRemoved(frame))
    if place.size() != inner.size():
        window.resize(place.size())
    if place.topLeft() != inner.topLeft():
        window.move(place.left() - frame.left(), place.top() - frame.top())


def cap_size(dialog: QWidget) -> None:
    """Make a dialog, which Qt will place itself, no larger than the screen of its window."""
    window = dialog.parentWidget() or dialog
    title = dialog.style().pixelMetric(QStyle.PixelMetric.PM_TitleBarHeight, None, dialog)
    room = window.screen().availableGeometry().size() - QSize(4, title + 2)
    dialog.resize(dialog.size().boundedTo(room))


def cascade(window: QWidget, beside: QWidget) -> None:
    """Give a new window the size of another one, a little below and beside it."""
    place = beside.normalGeometry()
    window.resize(place.size())
    window.move(place.left() + CASCADE, place.top() + CASCADE)
    fit_to_screen(window)
