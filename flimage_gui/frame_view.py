"""The image of the current frame, with its contrast, colours and the border drawn over it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyqtgraph as pg
from PyQt5.QtCore import QEvent, QPointF, QRectF, QSize, Qt, pyqtSignal
from PyQt5.QtGui import QColor, QImage, QPalette
from PyQt5.QtWidgets import (
    QAction,
    QComboBox,
    QHBoxLayout,
    QLabel,
    QMenu,
    QSizePolicy,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from . import assets
from .colormaps import COLORMAPS, DEFAULT, swatch
from .displays import image_levels
from .image_item import FrameImageItem
from .levels_bar import LevelsBar
from .overlays import BorderItem
from .session import Change, Display, Session
from .widgets import ChoiceCombo, ShrinkingButton, blocked, describe, spare_room

__all__ = ["FrameView"]

#: Least width [px].
_LEAST_WIDTH = 390
#: Least width of the list of what is shown, where there is no room for its texts [px].
_SHORT_COMBO = 76
#: How much one press of + or − zooms.
ZOOM_FACTOR = 1.4


class _ImageBox(pg.ViewBox):
    """A view box with the habits of image viewers: wheel zooms, double click fits."""

    #: frames to go, by wheel
    stepped = pyqtSignal(int)
    double_clicked = pyqtSignal()

    def __init__(self) -> None:
        super().__init__(lockAspect=True, invertY=True, enableMenu=False, defaultPadding=0.02)
        self.wheel_steps = False
        self._wheel_angle = 0

    def wheelEvent(self, event: Any, axis: int | None = None) -> None:  # noqa: N802 - Qt's name
        """Zoom, or step through the frames with Ctrl (or the other way round)."""
        control = bool(event.modifiers() & Qt.KeyboardModifier.ControlModifier)
        if control == self.wheel_steps:
            super().wheelEvent(event, axis)
            return
        # Touch pads send small angles; a notch of a wheel has 120.
        self._wheel_angle += event.delta()
        steps = int(self._wheel_angle / 120)
        self._wheel_angle -= steps * 120
        if steps:
            self.stepped.emit(-steps)
        event.accept()

    def mouseClickEvent(self, event: Any) -> None:  # noqa: N802 - pyqtgraph's name
        """Fit the view on a double click."""
        if event.double() and event.button() == Qt.MouseButton.LeftButton:
            self.double_clicked.emit()
            event.accept()
            return
        super().mouseClickEvent(event)

    def mouseDragEvent(self, event: Any, axis: int | None = None) -> None:  # noqa: N802 - as above
        """Pan with the left button; the right one does nothing (it would zoom)."""
        if event.button() == Qt.MouseButton.RightButton:
            event.ignore()
            return
        super().mouseDragEvent(event, axis)


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
        self._fits = True
        self._saturation: float | None = None

        self._graphics = pg.GraphicsView(useOpenGL=False)
        self._graphics.setObjectName("frameGraphics")
        self._graphics.setAccessibleName("Image of the frame")
        self._graphics.setFocusPolicy(Qt.FocusPolicy.ClickFocus)
        self._graphics.setMinimumSize(160, 80)
        self._box = _ImageBox()
        self._graphics.setCentralItem(self._box)
        self._item = FrameImageItem()
        self._border_item = BorderItem()
        self._box.addItem(self._item)
        self._box.addItem(self._border_item)
        self._notice = QLabel(self._graphics)
        self._notice.setObjectName("frameNotice")
        self._notice.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._notice.setWordWrap(True)
        self._notice.hide()
        self._saturated = QLabel(self._graphics)
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
        self._levels_bar = LevelsBar()

        #: Image and histogram side by side.
        self.middle = middle = QHBoxLayout()
        middle.setSpacing(0)
        middle.addWidget(self._graphics, 1)
        middle.addWidget(self._levels_bar)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addLayout(self._build_controls())
        layout.addLayout(middle, 1)
        self._apply_colors()
        self._connect()
        self._on_session_changed(~Change.JOB)

    # ------------------------------------------------------------------ construction

    def _build_controls(self) -> QHBoxLayout:
        self.display_combo = ChoiceCombo()
        for display in Display:
            self.display_combo.addItem(display.value, display)
        describe(
            self.display_combo,
            "displayCombo",
            "What is shown",
            "Raw: as recorded. Background: what is subtracted. Background-corrected: raw minus"
            " background. Bleach-corrected: as it is written to the corrected file.",
        )
        self.colormap_combo = ChoiceCombo()
        for name in COLORMAPS:
            self.colormap_combo.addItem(swatch(name), name)
        self.colormap_combo.setIconSize(swatch(DEFAULT).availableSizes()[0])
        for combo, characters, least in (
            (self.display_combo, 12, _SHORT_COMBO),
            (self.colormap_combo, 6, 58),
        ):
            # Wide enough for its texts where there is room, and no hindrance where there is none.
            combo.setSizeAdjustPolicy(
                QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon
            )
            combo.setMinimumContentsLength(characters)
            combo.setMinimumWidth(least)
            combo.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        describe(self.colormap_combo, "colormapCombo", "Colour map", "Colours of the image.")

        self.auto_contrast_button = ShrinkingButton()
        self.auto_contrast_button.setText(" Auto contrast")
        self.auto_contrast_button.setProperty("flat", True)
        self.auto_contrast_button.setIcon(assets.icon("contrast"))
        self.auto_contrast_button.setPopupMode(QToolButton.ToolButtonPopupMode.MenuButtonPopup)
        describe(
            self.auto_contrast_button,
            "autoContrastButton",
            "Auto contrast",
            "Spread the colours over the values of the whole series (C). The contrast then stays"
            " put from frame to frame.",
        )
        menu = QMenu(self.auto_contrast_button)
        self.series_contrast_action = menu.addAction("From the whole series")
        self.frame_contrast_action = menu.addAction("From this frame")
        self.follow_contrast_action = menu.addAction("From each frame anew")
        self.follow_contrast_action.setCheckable(True)
        self.follow_contrast_action.setObjectName("actionFollowContrast")
        self.series_contrast_action.setObjectName("actionSeriesContrast")
        self.frame_contrast_action.setObjectName("actionFrameContrast")
        self.auto_contrast_button.setMenu(menu)

        self.border_button = self._flat_button(
            "borderButton", "border", "Show the border", "Hatch the border that holds background."
        )
        self.border_button.setCheckable(True)
        self.border_button.setChecked(True)
        self.zoom_out_button = self._flat_button(
            "zoomOutButton", "zoom-out", "Zoom out", "Zoom out (−)."
        )
        self.zoom_in_button = self._flat_button(
            "zoomInButton", "zoom-in", "Zoom in", "Zoom in (+)."
        )
        self.fit_button = self._flat_button(
            "fitViewButton", "fit", "Fit view", "Show the whole image (Ctrl+R or double click)."
        )
        row = self._row = QHBoxLayout()
        row.setContentsMargins(8, 3, 6, 3)
        row.setSpacing(4)
        row.addWidget(self.display_combo, 3)
        row.addWidget(self.colormap_combo, 2)
        row.addWidget(self.auto_contrast_button)
        row.addStretch(1)
        for button in (
            self.border_button,
            self.zoom_out_button,
            self.zoom_in_button,
            self.fit_button,
        ):
            row.addWidget(button)
        return row

    def _flat_button(self, name: str, icon: str, accessible: str, tip: str) -> QToolButton:
        button = QToolButton()
        button.setProperty("flat", True)
        button.setIcon(assets.icon(icon))
        button.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        describe(button, name, accessible, tip)
        return button

    def _connect(self) -> None:
        self.display_combo.activated.connect(self._on_display_activated)
        self.colormap_combo.currentTextChanged.connect(self._on_colormap_changed)
        self.auto_contrast_button.clicked.connect(self._session.auto_levels)
        self.series_contrast_action.triggered.connect(self._session.auto_levels)
        self.frame_contrast_action.triggered.connect(self.contrast_from_frame)
        self.follow_contrast_action.toggled.connect(self._on_follow_contrast_toggled)
        self.border_button.toggled.connect(self._border_item.setVisible)
        self.zoom_in_button.clicked.connect(self.zoom_in)
        self.zoom_out_button.clicked.connect(self.zoom_out)
        self.fit_button.clicked.connect(self.fit_view)
        self._levels_bar.levels_edited.connect(self._session.set_levels)
        self._levels_bar.auto_requested.connect(self._session.auto_levels)
        self._box.stepped.connect(self._on_box_stepped)
        self._box.double_clicked.connect(self.fit_view)
        self._box.sigRangeChangedManually.connect(self._on_box_moved)
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
        return not self._fits

    def set_zoomed(self) -> None:
        """Keep the part of the image that is seen when the window is resized."""
        self._fits = False
        self._box.disableAutoRange()

    def add_button(self, button: QWidget) -> None:
        """Put a button into the row above the image, before those that zoom."""
        self._row.insertWidget(self._row.indexOf(self.zoom_out_button), button)

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
        self._fits = True
        height, width = self._session.shape
        if height and width:
            self._box.setRange(QRectF(0, 0, width, height), padding=0.02)
            self._box.enableAutoRange()

    def zoom_in(self) -> None:
        """Zoom in on the middle."""
        self._zoom(1 / ZOOM_FACTOR)

    def zoom_out(self) -> None:
        """Zoom out from the middle."""
        self._zoom(ZOOM_FACTOR)

    def zoom_original(self) -> None:
        """Show one image pixel on one screen pixel."""
        pixel_width, _ = self._box.viewPixelSize()
        self._zoom(1.0 / (pixel_width * self._graphics.devicePixelRatioF()))

    def _zoom(self, factor: float) -> None:
        if self._image is not None and factor > 0:
            self._fits = False
            self._box.disableAutoRange()
            self._box.scaleBy((factor, factor))

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

    def _on_box_moved(self, *_: Any) -> None:
        self._fits = False

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
        self._notice.hide()
        self._saturated.hide()
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
            height, width = self._session.shape
            # Far enough to see a small image at 100 %, and not so far that it gets lost.
            margin = max(height, width, 2000)
            self._box.setLimits(
                xMin=-margin,
                xMax=width + margin,
                yMin=-margin,
                yMax=height + margin,
                minXRange=min(4.0, width),
                minYRange=min(4.0, height),
            )
            self.fit_view()

    def _show_border(self) -> None:
        recipe = self._session.recipe
        uses_border = recipe.background_source != "region"
        is_open = self._session.source is not None
        self._border_item.show_border(
            self._session.shape, recipe.border_px if uses_border and is_open else 0
        )

    def _show_saturation(self) -> None:
        """Mark saturated pixels, and say how many there are; a small one is easily overlooked."""
        is_raw = self._shown is not None and self._shown[1] is Display.RAW
        self._item.set_saturation(self._saturation if is_raw else None)
        scan = self._session.scan
        count = 0
        if scan is not None and self._shown is not None and self._shown[0] < scan.n_frames:
            count = int(scan.n_saturated[self._shown[0]])
        if count and self._saturation is not None:
            pixels = "pixel is" if count == 1 else "pixels are"
            self._saturated.setText(f"{count} {pixels} saturated ({self._saturation:g})")
            self._saturated.adjustSize()
            self._place_notice()
        self._saturated.setVisible(bool(count))

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
        self._notice.hide()
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
        self._notice.setText(f"Frame {index} cannot be shown.\n{error}")
        self._notice.show()
        self._place_notice()

    # ------------------------------------------------------------------ looks

    def resizeEvent(self, event: QEvent) -> None:  # noqa: N802 - Qt's name
        """Keep the whole image in view when it was, and the controls in the window."""
        super().resizeEvent(event)
        self._share_room()
        self._place_notice()

    def _share_room(self) -> None:
        """Keep what is shown readable as long as anything else can be done without."""
        # All of them have keys and stand in menus.
        spare = (
            self.auto_contrast_button,
            self.zoom_out_button,
            self.zoom_in_button,
            self.fit_button,
        )
        combo = self.display_combo
        full = combo.fontMetrics().horizontalAdvance(Display.BACKGROUND_CORRECTED.value) + 50
        for each in (combo, self.colormap_combo):
            each.setMaximumWidth(full)
        for least in (full, _SHORT_COMBO):
            combo.setMinimumWidth(least)
            spare_room(self._row, self.width(), spare)
            self._row.invalidate()
            if self._row.minimumSize().width() <= self.width():
                break

    def minimumSizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        """Do with the room for the controls that cannot be spared."""
        hint = super().minimumSizeHint()
        return QSize(min(hint.width(), _LEAST_WIDTH), hint.height())

    def _place_notice(self) -> None:
        rect = self._graphics.rect()
        self._notice.setGeometry(rect.adjusted(20, 20, -20, -20))
        self._saturated.move(rect.right() - self._saturated.width() - 10, 10)

    def changeEvent(self, event: QEvent) -> None:  # noqa: N802 - Qt's name
        """Follow a change between the light and the dark theme."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange:
            self._apply_colors()
        elif event.type() in (QEvent.Type.FontChange, QEvent.Type.StyleChange):
            self._share_room()

    def _apply_colors(self) -> None:
        # Around an image, a neutral ground darker than the window lets its values be judged.
        ground = QColor(self.palette().color(QPalette.ColorRole.Window))
        dark = ground.lightness() < 128
        self._graphics.setBackground(ground.darker(130) if dark else QColor("#dfe2e6"))

    def add_view_actions(self, actions: list[QAction]) -> None:
        """Offer actions in the context menu of the image."""
        self._graphics.setContextMenuPolicy(Qt.ContextMenuPolicy.ActionsContextMenu)
        self._graphics.addActions(actions)
