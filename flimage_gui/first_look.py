"""The first frame of a recording, on the screen before the window is built.

Building the window takes several times as long as reading a frame. Meanwhile this shows the frame
where the window will be. It takes no part in anything else, and leaves when the window shows it.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PyQt5 import sip
from PyQt5.QtCore import QElapsedTimer, QEventLoop, QRect, Qt, QTimer
from PyQt5.QtGui import QImage, QPainter, QPaintEvent
from PyQt5.QtWidgets import QWidget

from .opening import is_series_file, open_ahead
from .pixels import color_list, to_indices
from .placing import DEFAULT_SIZE, fit_to_screen
from .settings import Preferences, Settings

if TYPE_CHECKING:
    from .main_window import MainWindow

__all__ = ["FirstLook", "show_first_look"]

#: The frame is waited for at most this long [ms]: on some desktops windows come late.
PAINT_MS = 300
#: Whatever happens, it leaves after this time [ms], and it looks this often whether it may.
LONGEST_MS, LOOK_MS = 10_000, 15
#: Room around the image in the usual arrangement of the window [px], as left, top, right, bottom.
#: What is above and below is a share of the height, because the trace is.
_LEFT, _TOP, _RIGHT, _BOTTOM_SHARE = 8, 96, 430, 0.42


class FirstLook(QWidget):
    """Shows one image, without any control.

    Parameters
    ----------
    image
        Values (y, x).
    levels
        Values of the first and the last colour.
    settings
        Where the window will be, and in which colours.
    """

    def __init__(self, image: np.ndarray, levels: tuple[float, float], settings: Settings) -> None:
        # Kinds of windows that desktops show without a frame, at once, and in no list.
        super().__init__(None, Qt.WindowType.SplashScreen | Qt.WindowType.FramelessWindowHint)
        self.setObjectName("firstLook")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setAttribute(Qt.WidgetAttribute.WA_ShowWithoutActivating)
        self.setAttribute(Qt.WidgetAttribute.WA_QuitOnClose, False)
        self.resize(*DEFAULT_SIZE)
        geometry = settings.get(Preferences.geometry)
        if not geometry.isEmpty():
            self.restoreGeometry(geometry)
        fit_to_screen(self)
        self._painted: Callable[[], None] | None = None
        # No more pixels than there is room for.
        height, width = image.shape
        room = self._room()
        step = max(1, min(width // max(room.width(), 1), height // max(room.height(), 1)))
        self._indices = np.ascontiguousarray(to_indices(image[::step, ::step], *levels))
        rows, columns = self._indices.shape
        self._image = QImage(
            self._indices.data, columns, rows, columns, QImage.Format.Format_Indexed8
        )
        self._image.setColorTable(color_list(settings.get(Preferences.colormap)))

    def _room(self) -> QRect:
        """Return where the window will have its image, more or less."""
        bottom = round(self.height() * _BOTTOM_SHARE)
        return self.rect().adjusted(_LEFT, _TOP, -_RIGHT, -bottom)

    def image_rect(self) -> QRect:
        """Return where the image is painted."""
        room = self._room()
        size = self._image.size().scaled(room.size(), Qt.AspectRatioMode.KeepAspectRatio)
        place = QRect(room.topLeft(), size)
        place.moveCenter(room.center())
        return place

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802 - Qt's name
        """Paint the image."""
        painter = QPainter(self)
        painter.drawImage(self.image_rect(), self._image)
        painter.end()
        if self._painted is not None:
            QTimer.singleShot(0, self._painted)

    def show_now(self) -> None:
        """Show it, and come back when it is on the screen."""
        loop = QEventLoop()
        self._painted = loop.quit
        QTimer.singleShot(PAINT_MS, loop.quit)
        self.show()
        loop.exec()
        self._painted = None

    def leave_to(self, window: MainWindow) -> None:
        """Close as soon as the window shows the frame itself, or will not."""
        timer, elapsed = QTimer(self), QElapsedTimer()
        elapsed.start()

        def look() -> None:
            gone = sip.isdeleted(window) or not window.isVisible() or not window.session.busy
            if gone or window.frame_view.shown is not None or elapsed.elapsed() > LONGEST_MS:
                self.close()

        timer.timeout.connect(look)
        timer.start(LOOK_MS)


def show_first_look(path: Path, settings: Settings) -> FirstLook | None:
    """Show the first frame of a recording, which is then open for the window to take over.

    Returns
    -------
    FirstLook or None
        None where the file has to be converted first, or cannot be opened; the window, which opens
        it again then, says why.
    """
    if not is_series_file(path):
        return None
    try:
        glimpse = open_ahead(path)
        image = glimpse.first
    except Exception:  # whatever it is, the window will come across it, and tell
        return None
    look = FirstLook(image, glimpse.levels, settings)
    look.show_now()
    return look
