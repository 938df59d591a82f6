"""The view as a picture: for the clipboard, for other programs and as a file (no session)."""

from __future__ import annotations

import shutil
import tempfile
import weakref
from pathlib import Path
from typing import Any

from PyQt5.QtCore import (
    QBuffer,
    QByteArray,
    QIODevice,
    QMimeData,
    QPoint,
    QRect,
    QRectF,
    QSize,
    Qt,
    QUrl,
    pyqtSignal,
)
from PyQt5.QtGui import QDrag, QImage, QMouseEvent, QPainter, QPixmap
from PyQt5.QtSvg import QSvgGenerator
from PyQt5.QtWidgets import QApplication, QToolButton, QWidget

from flimage.errors import FileAccessError

__all__ = ["DragOutButton", "picture_data", "run_drag", "save_picture", "view_image", "view_svg"]


def _paint(graphics: Any, part: QRect, device: Any, target: QRectF) -> None:
    painter = QPainter(device)
    painter.setRenderHints(graphics.renderHints())
    graphics.render(painter, target, part)
    painter.end()


def view_image(graphics: Any, part: QRect) -> QImage:
    """Return what a graphics view shows, without the widgets on it.

    Parameters
    ----------
    graphics
        A `QGraphicsView`.
    part
        Which part of it, in its own coordinates.
    """
    ratio = graphics.devicePixelRatioF()
    image = QImage(part.size() * ratio, QImage.Format.Format_RGB32)
    image.setDevicePixelRatio(ratio)
    image.fill(graphics.palette().window().color())
    _paint(graphics, part, image, QRectF(0, 0, part.width(), part.height()))
    return image


def view_svg(graphics: Any, part: QRect, title: str = "") -> bytes:
    """Return what a graphics view shows as SVG; only the image itself is made of pixels.

    Parameters
    ----------
    graphics, part
        As for :func:`view_image`.
    title
        Title of the document.
    """
    buffer = QBuffer()
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    generator = QSvgGenerator()
    generator.setOutputDevice(buffer)
    generator.setSize(QSize(part.width(), part.height()))
    generator.setViewBox(QRect(QPoint(0, 0), part.size()))
    generator.setTitle(title)
    # Of a screen, so that texts come out as large as they are there.
    generator.setResolution(graphics.logicalDpiX())
    _paint(graphics, part, generator, QRectF(0, 0, part.width(), part.height()))
    buffer.close()
    return bytes(buffer.data())


def png_bytes(image: QImage) -> bytes:
    """Return an image as PNG."""
    buffer = QBuffer()
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    image.save(buffer, "PNG")
    buffer.close()
    return bytes(buffer.data())


def picture_data(graphics: Any, part: QRect, title: str = "") -> QMimeData:
    """Return the picture in all the forms that other programs take from a clipboard."""
    image = view_image(graphics, part)
    data = QMimeData()
    data.setImageData(image)
    data.setData("image/png", QByteArray(png_bytes(image)))
    data.setData("image/svg+xml", QByteArray(view_svg(graphics, part, title)))
    return data


def save_picture(graphics: Any, part: QRect, path: Path, title: str = "") -> None:
    """Write the picture to a file; its suffix says whether as SVG or as PNG.

    Raises
    ------
    flimage.errors.FileAccessError
        When the file cannot be written.
    """
    svg = path.suffix.lower() == ".svg"
    picture = view_svg(graphics, part, title) if svg else png_bytes(view_image(graphics, part))
    try:
        path.write_bytes(picture)
    except OSError as error:
        raise FileAccessError(
            f"{path}: the picture cannot be written ({error.strerror}); choose another folder."
        ) from error


def run_drag(drag: QDrag) -> None:
    """Let the person drop what is dragged; the event loop runs meanwhile."""
    drag.exec(Qt.DropAction.CopyAction)


class DragOutButton(QToolButton):
    """Copies the view when it is clicked, and hands it to another program when it is dragged.

    Parameters
    ----------
    parent
        Qt parent.
    """

    #: the mouse was dragged away from the button
    drag_started = pyqtSignal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._pressed_at = QPoint()
        self._folder: Path | None = None

    def mousePressEvent(self, event: QMouseEvent) -> None:  # noqa: N802 - Qt's name
        """Remember where a drag would start."""
        self._pressed_at = event.pos()
        super().mousePressEvent(event)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:  # noqa: N802 - Qt's name
        """Begin a drag when the mouse has moved far enough."""
        distance = (event.pos() - self._pressed_at).manhattanLength()
        if event.buttons() & Qt.MouseButton.LeftButton and (
            distance >= QApplication.startDragDistance()
        ):
            self.setDown(False)
            self.drag_started.emit()
            return
        super().mouseMoveEvent(event)

    def prepare_drag(self, graphics: Any, part: QRect, title: str) -> QDrag:
        """Return a drag of the picture; file managers get it as a PNG file."""
        if self._folder is None:
            self._folder = Path(tempfile.mkdtemp(prefix="flimage-drag-"))
            weakref.finalize(self, shutil.rmtree, self._folder, ignore_errors=True)
        data = picture_data(graphics, part, title)
        path = self._folder / f"{Path(title).stem or 'view'}.png"
        path.write_bytes(bytes(data.data("image/png")))
        data.setUrls([QUrl.fromLocalFile(str(path))])
        drag = QDrag(self)
        drag.setMimeData(data)
        image = data.imageData()
        scaled = image.scaledToWidth(min(200, image.width()))
        drag.setPixmap(QPixmap.fromImage(scaled))
        return drag
