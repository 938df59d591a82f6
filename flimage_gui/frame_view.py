"""The image of the current frame, with its contrast, colours and the border drawn over it."""

from __future__ import annotations

import numpy as np
import pyqtgraph as pg
from PyQt5.QtCore import QEvent, QPointF, QSize, Qt, pyqtSignal
from PyQt5.QtGui import QColor, QImage, QPalette
from PyQt5.QtWidgets import (
    QAction,
    QHBoxLayout,
    QVBoxLayout,
    QWidget,
)

from flimage.background import largest_border

from .displays import image_levels
from .frame_controls import FrameControls
from .image_box import ImageBox
from .image_item import FrameImageItem
from .image_notices import ImageNotices
from .image_zoom import ImageZoom
from .levels_bar import LevelsBar
from .overlays import BorderItem
from .session import Change, Display, Session
from .widgets import blocked

__all__ = ["FrameView"]

#: Least width [px].
_LEAST_WIDTH = 390


class FrameView(QWidget):
    """Shows the session's current frame and what is done to its contrast.

    Parameters
    ----------
    session
        The open recording.
    parent
        Qt parent.
    """

    #: column, row of the pixel under the pointer; None when it is elsewhere
    pixel_hovered = pyqtSignal(object)

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("frameView")
        self.setAccessibleName("Frame")
        self._session = session
        self._image: np.ndarray | None = None
        self._shown: tuple[int, Display] | None = None
        self._pixel: tuple[int, int] | None = None
        self._saturation: float | None = None

        self._graphics = pg.GraphicsView(useOpenGL=False)
        self._graphics.setObjectName("frameGraphics")
        self._graphics.setAccessibleName("Image of the frame")
        self._graphics.setFocusPolicy(Qt.FocusPolicy.ClickFocus)
        self._graphics.setMinimumSize(160, 80)
        self._box = ImageBox()
        self._graphics.setCentralItem(self._box)
        self._item = FrameImageItem()
        self._border_item = BorderItem()
        self._box.addItem(self._item)
        self._box.addItem(self._border_item)
        self._zoom = ImageZoom(self._box, self._graphics)
        self._notices = ImageNotices(self._graphics)
        self._levels_bar = LevelsBar()

        #: Image and histogram side by side.
        self.middle = middle = QHBoxLayout()
        middle.setSpacing(0)
        middle.addWidget(self._graphics, 1)
        middle.addWidget(self._levels_bar)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addLayout(self._take_controls())
        layout.addLayout(middle, 1)
        self._apply_colors()
        self._connect()
        self._on_session_changed(~Change.JOB)

    # ------------------------------------------------------------------ construction

    def _take_controls(self) -> FrameControls:
        self._controls = row = FrameControls()
        self.display_combo = row.display_combo
        self.colormap_combo = row.colormap_combo
        self.show_fixed_colors = row.show_fixed_colors
        self.auto_contrast_button = row.auto_contrast_button
        self.series_contrast_action = row.series_contrast_action
        self.frame_contrast_action = row.frame_contrast_action
        self.follow_contrast_action = row.follow_contrast_action
        self.border_button = row.border_button
        self.zoom_out_button = row.zoom_out_button
        self.zoom_in_button = row.zoom_in_button
        self.fit_button = row.fit_button
        return row

    def _connect(self) -> None:
        self.display_combo.activated.connect(self._on_display_activated)
        self.colormap_combo.currentTextChanged.connect(self._on_colormap_changed)
        self.auto_contrast_button.clicked.connect(self._session.auto_levels)
        self.series_contrast_action.triggered.connect(self._session.auto_levels)
        self.frame_contrast_action.triggered.connect(self.contrast_from_frame)
        self.follow_contrast_action.toggled.connect(self._on_follow_contrast_toggled)
        self.border_button.toggled.connect(self._border_item.setVisible)
        self._border_item.dragged.connect(self._on_border_dragged)
        self._border_item.released.connect(self._session.release_step)
        self.zoom_in_button.clicked.connect(self.zoom_in)
        self.zoom_out_button.clicked.connect(self.zoom_out)
        self.fit_button.clicked.connect(self.fit_view)
        self._levels_bar.levels_edited.connect(self._session.set_levels)
        self._levels_bar.auto_requested.connect(self._session.auto_levels)
        self._box.stepped.connect(self._on_box_stepped)
        self._box.double_clicked.connect(self.fit_view)
        self._graphics.scene().sigMouseMoved.connect(self._on_scene_mouse_moved)
        self._session.changed.connect(self._on_session_changed)
        self._session.frame_ready.connect(self._on_session_frame_ready)
        self._session.frame_failed.connect(self._on_session_frame_failed)

    # ------------------------------------------------------------------ looking

    @property
    def image(self) -> np.ndarray | None:
        """Image that is on screen (y, x)."""
        return self._image

    @property
    def box(self) -> pg.ViewBox:
        """View box of the image, in which one unit is one pixel; overlays are added to it."""
        return self._box

    @property
    def graphics(self) -> pg.GraphicsView:
        """Widget that shows the image."""
        return self._graphics

    @property
    def image_item(self) -> FrameImageItem:
        """What draws the image."""
        return self._item

    @property
    def levels_bar(self) -> LevelsBar:
        """Histogram of the image."""
        return self._levels_bar

    @property
    def is_zoomed(self) -> bool:
        """Whether the person has chosen which part of the image is seen."""
        return not self._zoom.fits

    def set_zoomed(self) -> None:
        """Keep the part of the image that is seen when the window is resized."""
        self._zoom.hold()

    def add_button(self, button: QWidget) -> None:
        """Put a button into the row above the image, before those that zoom."""
        self._controls.add_button(button)

    @property
    def shown(self) -> tuple[int, Display] | None:
        """Frame and display of the image that is on screen."""
        return self._shown

    @property
    def colormap(self) -> str:
        """Name of the colour map."""
        return self.colormap_combo.currentText()

    @colormap.setter
    def colormap(self, name: str) -> None:
        self.colormap_combo.setCurrentText(name)

    @property
    def wheel_steps(self) -> bool:
        """Whether the wheel steps through the frames and Ctrl+wheel zooms."""
        return self._box.wheel_steps

    @wheel_steps.setter
    def wheel_steps(self, steps: bool) -> None:
        self._box.wheel_steps = steps

    def fit_view(self) -> None:
        """Show the whole image, also after the window was resized."""
        self._zoom.fit()

    def zoom_in(self) -> None:
        """Zoom in on the middle."""
        if self._image is not None:
            self._zoom.enlarge()

    def zoom_out(self) -> None:
        """Zoom out from the middle."""
        if self._image is not None:
            self._zoom.reduce()

    def zoom_original(self) -> None:
        """Show one image pixel on one screen pixel."""
        if self._image is not None:
            self._zoom.original()

    def contrast_from_frame(self) -> None:
        """Spread the colours over the values of the frame on screen."""
        if self._image is not None:
            self._session.set_levels(*image_levels([self._image]))

    def grab_view(self) -> QImage:
        """Return a picture of the image as it is on screen."""
        return self._graphics.grab().toImage()

    def pixel_to_widget(self, column: float, row: float) -> QPointF:
        """Return where a place of the image is in the widget `frameGraphics`."""
        scene = self._box.mapViewToScene(QPointF(column, row))
        return QPointF(self._graphics.mapFromScene(scene))

    @property
    def border_shown(self) -> int:
        """Width of the border that is drawn [px]; 0 when none is."""
        return self._border_item.border if self._border_item.isVisible() else 0

    # ------------------------------------------------------------------ slots

    def _on_display_activated(self, index: int) -> None:
        self._session.set_display(self.display_combo.itemData(index))

    def _on_follow_contrast_toggled(self, follows: bool) -> None:
        if follows:
            self.contrast_from_frame()
        else:
            self._session.auto_levels()

    def _on_colormap_changed(self, name: str) -> None:
        self._item.set_colors(name)
        self._levels_bar.show_colors(name)

    def _on_box_stepped(self, by: int) -> None:
        self._session.set_frame(self._session.frame + by)

    def _on_scene_mouse_moved(self, position: QPointF) -> None:
        place = self._box.mapSceneToView(position)
        height, width = self._session.shape
        column, row = int(np.floor(place.x())), int(np.floor(place.y()))
        inside = self._image is not None and 0 <= column < width and 0 <= row < height
        pixel = (column, row) if inside else None
        if pixel != self._pixel:
            self._pixel = pixel
            self.pixel_hovered.emit(pixel)

    def leaveEvent(self, event: QEvent) -> None:  # noqa: N802 - Qt's name
        """Forget the pixel under the pointer."""
        self._pixel = None
        self.pixel_hovered.emit(None)
        super().leaveEvent(event)

    def _on_session_changed(self, change: Change) -> None:
        if change & Change.RECORDING:
            self._on_recording_changed()
        if change & (Change.RECORDING | Change.DISPLAY):
            with blocked(self.display_combo):
                index = self.display_combo.findText(self._session.display.value)
                self.display_combo.setCurrentIndex(index)
            self._show_levels()
        if change & (Change.RECORDING | Change.RECIPE):
            self._show_border()
        if change & Change.SCAN:
            scan = self._session.scan
            self._saturation = None if scan is None else scan.saturation_level
            self._show_saturation()

    def _on_recording_changed(self) -> None:
        is_open = self._session.source is not None
        # The pointer may rest where the new image has no pixel.
        self._image = self._shown = self._saturation = self._pixel = None
        self._item.clear()
        self._levels_bar.show_image(None)
        self._notices.clear()
        for widget in (
            self.display_combo,
            self.auto_contrast_button,
            self.border_button,
            self.zoom_in_button,
            self.zoom_out_button,
            self.fit_button,
            self._levels_bar,
        ):
            widget.setEnabled(is_open)
        if is_open:
            self._zoom.start(self._session.shape)

    def _show_border(self) -> None:
        recipe = self._session.recipe
        uses_border = recipe.background_source != "region"
        is_open = self._session.source is not None
        self._border_item.show_border(
            self._session.shape, recipe.border_px if uses_border and is_open else 0
        )

    def _on_border_dragged(self, width: int) -> None:
        recipe = self._session.recipe
        width = min(width, largest_border(self._session.shape))
        self._session.set_recipe(recipe.replace(border_px=width), "Change the border")
        # However slowly it is dragged, it is one step.
        self._session.hold_step()

    def _show_saturation(self) -> None:
        """Mark saturated pixels, and say how many there are; a small one is easily overlooked."""
        is_raw = self._shown is not None and self._shown[1] is Display.RAW
        self._item.set_saturation(self._saturation if is_raw else None)
        scan = self._session.scan
        count = 0
        if scan is not None and self._shown is not None and self._shown[0] < scan.n_frames:
            count = int(scan.n_saturated[self._shown[0]])
        self._notices.show_saturated(count, self._saturation)

    def _show_levels(self) -> None:
        levels = self._session.levels
        if levels is None and self._image is not None:
            # Until the levels of the series are known.
            levels = image_levels([self._image])
        if levels is not None:
            self._item.set_levels(levels)
        self._levels_bar.show_levels(levels)

    def _on_session_frame_ready(self, index: int, display: Display, image: np.ndarray) -> None:
        if display is not self._session.display:
            return
        self._image, self._shown = image, (index, display)
        self._notices.show_failure("")
        if self.follow_contrast_action.isChecked():
            self._session.set_levels(*image_levels([image]))
        levels = self._session.levels or image_levels([image])
        saturation = self._saturation if display is Display.RAW else None
        self._item.show_image(image, levels, saturation)
        self._levels_bar.show_levels(levels)
        self._levels_bar.show_image(image)
        self._show_saturation()
        self.pixel_hovered.emit(self._pixel)

    def _on_session_frame_failed(self, index: int, display: Display, error: Exception) -> None:
        self._image, self._shown = None, (index, display)
        self._item.clear()
        self._levels_bar.show_image(None)
        self._notices.show_failure(f"Frame {index} cannot be shown.\n{error}")

    # ------------------------------------------------------------------ looks

    def resizeEvent(self, event: QEvent) -> None:  # noqa: N802 - Qt's name
        """Keep the whole image in view when it was, and the controls in the window."""
        super().resizeEvent(event)
        self._controls.share_room(self.width())
        self._notices.place()

    def minimumSizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        """Do with the room for the controls that cannot be spared."""
        hint = super().minimumSizeHint()
        return QSize(min(hint.width(), _LEAST_WIDTH), hint.height())

    def changeEvent(self, event: QEvent) -> None:  # noqa: N802 - Qt's name
        """Follow a change between the light and the dark theme."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange:
            self._apply_colors()
        elif event.type() in (QEvent.Type.FontChange, QEvent.Type.StyleChange):
            self._controls.share_room(self.width())

    def _apply_colors(self) -> None:
        # Around an image, a neutral ground darker than the window lets its values be judged.
        ground = QColor(self.palette().color(QPalette.ColorRole.Window))
        dark = ground.lightness() < 128
        self._graphics.setBackground(ground.darker(130) if dark else QColor("#dfe2e6"))

    def add_view_actions(self, actions: list[QAction]) -> None:
        """Offer actions in the context menu of the image."""
        self._graphics.setContextMenuPolicy(Qt.ContextMenuPolicy.ActionsContextMenu)
        self._graphics.addActions(actions)
