"""Point at pixels of the image in the main window."""

from __future__ import annotations

import itertools

from controls import find
from pointer import double_click, hover, send
from PyQt5.QtCore import QEvent, QPoint, Qt
from PyQt5.QtWidgets import QWidget

from flimage_gui.main_window import MainWindow

#: pyqtgraph leaves out movements that follow each other more quickly [ms].
MOVE_MS = 15


def viewport(window: MainWindow) -> QWidget:
    """Return the widget that gets the mouse events of the image."""
    return find(window, QWidget, "frameGraphics").viewport()


def place(window: MainWindow, column: float, row: float) -> QPoint:
    """Return where a place of the image is in :func:`viewport`."""
    return window.frame_view.pixel_to_widget(column, row).toPoint()


def drag_image(qtbot, window: MainWindow, *points: tuple[float, float], steps: int = 4) -> None:
    """Drag from point to point of the image, slowly enough for every movement to be seen."""
    places = [place(window, *points[0])]
    for (xa, ya), (xb, yb) in itertools.pairwise(points):
        for i in range(1, steps + 1):
            part = i / steps
            places.append(place(window, xa + (xb - xa) * part, ya + (yb - ya) * part))
    target, left = viewport(window), Qt.MouseButton.LeftButton
    qtbot.wait(2 * MOVE_MS)
    hover(target, places[0])
    qtbot.wait(2 * MOVE_MS)
    send(target, QEvent.Type.MouseButtonPress, places[0], left, left)
    for each in places[1:]:
        qtbot.wait(MOVE_MS)
        send(target, QEvent.Type.MouseMove, each, pressed=left)
    qtbot.wait(MOVE_MS)
    send(target, QEvent.Type.MouseButtonRelease, places[-1], left)


def draw_polygon(qtbot, window: MainWindow, *points: tuple[float, float]) -> None:
    """Click the corners of a polygon, (column, row); the last one twice, which ends it."""
    target = viewport(window)
    for point in points[:-1]:
        qtbot.wait(30)
        hover(target, place(window, *point))
        qtbot.mouseClick(target, Qt.MouseButton.LeftButton, pos=place(window, *point))
        qtbot.wait(450)  # two clicks that follow sooner are one double click
    qtbot.wait(30)
    double_click(target, place(window, *points[-1]))
