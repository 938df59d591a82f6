"""The one reader of ``resources/``: icons, style sheet, example recording."""

from __future__ import annotations

import functools
from importlib.resources import files
from pathlib import Path

from PyQt5.QtCore import QByteArray, QPoint, QRect, QRectF, QSize, Qt
from PyQt5.QtGui import QIcon, QIconEngine, QPainter, QPalette, QPixmap
from PyQt5.QtSvg import QSvgRenderer
from PyQt5.QtWidgets import QApplication

__all__ = ["app_icon", "example_path", "folder", "icon", "read_text"]


def _resource(name: str) -> Path:
    # The package is installed unpacked: HDF5 has to open the example by its path.
    return Path(str(files("flimage_gui.resources").joinpath(name)))


def folder() -> Path:
    """Return the folder of the resources, for style sheets that name pictures."""
    return _resource("style.qss").parent


def read_text(name: str) -> str:
    """Return the text of a resource."""
    return _resource(name).read_text(encoding="utf-8")


def example_path() -> Path:
    """Return the path of the example recording."""
    return _resource("example.h5")


def icon(name: str) -> QIcon:
    """Return an icon that is drawn in the text colour of the theme at the time of drawing."""
    return QIcon(_SvgEngine(name))


def app_icon() -> QIcon:
    """Return the icon of the program."""
    return QIcon(str(_resource("icon-flimage.svg")))


@functools.lru_cache(maxsize=256)
def _renderer(name: str, color: str) -> QSvgRenderer:
    text = read_text(f"icon-{name}.svg").replace("currentColor", color)
    return QSvgRenderer(QByteArray(text.encode()))


class _SvgEngine(QIconEngine):
    """Draws a line icon in the colour that the theme has for button texts."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self._name = name

    def paint(self, painter: QPainter, rect: QRect, mode: QIcon.Mode, state: QIcon.State) -> None:
        """Draw the icon into `rect`."""
        palette = QApplication.palette()
        group = (
            QPalette.ColorGroup.Disabled
            if mode == QIcon.Mode.Disabled
            else QPalette.ColorGroup.Active
        )
        color = palette.color(group, QPalette.ColorRole.ButtonText)
        _renderer(self._name, color.name()).render(painter, QRectF(rect))

    def pixmap(self, size: QSize, mode: QIcon.Mode, state: QIcon.State) -> QPixmap:
        """Return the icon on a transparent ground; nothing where there is no room for it."""
        if size.isEmpty():
            # A button that is being laid out may be a line high for a moment.
            return QPixmap()
        pixmap = QPixmap(size)
        pixmap.fill(Qt.GlobalColor.transparent)
        painter = QPainter(pixmap)
        self.paint(painter, QRect(QPoint(0, 0), size), mode, state)
        painter.end()
        return pixmap

    def clone(self) -> QIconEngine:
        """Return a copy, as Qt asks for."""
        return _SvgEngine(self._name)
