"""Raw and corrected images compared in the frame view: side by side, swipe, difference, ratio."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyqtgraph as pg
from PyQt5.QtCore import QObject, QPointF, QRectF, Qt, pyqtSignal
from PyQt5.QtGui import QColor
from PyQt5.QtWidgets import QActionGroup, QLabel, QMenu, QToolButton

from flimage.progress import Progress
from flimage.quantities import format_number

from .colormaps import DIVERGING
from .comparing import Compared, Mode, compare, compare_levels, constant_of
from .displays import Display
from .frame_view import FrameView
from .image_item import FrameImageItem
from .levels_bar import LevelsBar
from .session import Change, Session

__all__ = ["CompareButton", "Comparison"]

_LABEL_STYLE = (
    "QLabel { background: rgba(20, 22, 26, 190); color: white; border-radius: 3px;"
    " padding: 2px 7px; }"
)


#: What differs by one number a frame, whatever is in the image.
_GAIN_ONLY = {Display.BACKGROUND_CORRECTED, Display.BLEACH_CORRECTED}


class CompareButton(QToolButton):
    """Chooses how, and with what, the image on display is compared."""

    mode_chosen = pyqtSignal(object)
    reference_chosen = pyqtSignal(object)
    same_levels_toggled = pyqtSignal(bool)

    def __init__(self) -> None:
        super().__init__()
        self.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        menu = QMenu(self)
        self._modes, self._references = {}, {}
        group = QActionGroup(menu)
        for mode in Mode:
            action = menu.addAction(mode.value)
            action.setObjectName(f"compareMode{mode.name.capitalize()}")
            action.setCheckable(True)
            action.triggered.connect(lambda _checked, mode=mode: self.mode_chosen.emit(mode))
            group.addAction(action)
            self._modes[mode] = action
        menu.addSeparator()
        group = QActionGroup(menu)
        submenu = menu.addMenu("Compare &with")
        for display in Display:
            action = submenu.addAction(display.value)
            action.setObjectName(f"compareWith{display.name.title().replace('_', '')}")
            action.setCheckable(True)
            action.triggered.connect(
                lambda _checked, display=display: self.reference_chosen.emit(display)
            )
            group.addAction(action)
            self._references[display] = action
        self.same_levels = menu.addAction("Same &contrast for both")
        self.same_levels.setObjectName("compareSameLevels")
        self.same_levels.setCheckable(True)
        self.same_levels.toggled.connect(self.same_levels_toggled)
        self.setMenu(menu)
        menu.aboutToHide.connect(self._on_menu_about_to_hide)
        self.show_choice(Mode.OFF, Display.RAW)

    def _on_menu_about_to_hide(self) -> None:
        # Qt does not notice that the pointer has left for the menu; it does when it comes back.
        self.setAttribute(Qt.WidgetAttribute.WA_UnderMouse, False)
        self.update()

    def show_choice(self, mode: Mode, reference: Display) -> None:
        """Show what is chosen."""
        self._modes[mode].setChecked(True)
        self._references[reference].setChecked(True)
        self.setCheckable(True)
        self.setChecked(mode is not Mode.OFF)


class Comparison(QObject):
    """Shows a second display of the current frame beside, or over, the first.

    Parameters
    ----------
    session
        The open recording.
    view
        Where it is looked at.
    button
        Where the person chooses.
    """

    def __init__(self, session: Session, view: FrameView, button: CompareButton) -> None:
        super().__init__(view)
        self._session = session
        self._view = view
        self._button = button
        self._mode = Mode.OFF
        self._reference = Display.RAW
        self._is_chosen = False
        self._same_levels = False
        self._levels: dict[Compared, tuple[float, float]] = {}
        self._image: np.ndarray | None = None
        self._shown: tuple[int, Compared] | None = None
        self._syncing = False
        self._build()
        self._connect()

    def _build(self) -> None:
        view = self._view
        # Beside the image: a view of its own.
        self.graphics = pg.GraphicsView(useOpenGL=False)
        self.graphics.setObjectName("compareGraphics")
        self.graphics.setAccessibleName("Image to compare with")
        self.graphics.setMinimumSize(120, 120)
        self.box = pg.ViewBox(lockAspect=True, invertY=True, enableMenu=False, defaultPadding=0.02)
        self.graphics.setCentralItem(self.box)
        self._beside = FrameImageItem()
        self.box.addItem(self._beside)
        self.graphics.hide()
        # Over the image: for swipe, difference and ratio.
        self._over = FrameImageItem()
        self._over.setZValue(5)
        self._over.hide()
        view.box.addItem(self._over, ignoreBounds=True)
        self.line = pg.InfiniteLine(
            angle=90,
            movable=True,
            pen=pg.mkPen(QColor(255, 255, 255), width=2),
            hoverPen=pg.mkPen(QColor(255, 196, 0), width=3),
        )
        self.line.setZValue(600)
        self.line.hide()
        view.box.addItem(self.line, ignoreBounds=True)
        self.levels_bar = LevelsBar()
        self.levels_bar.setObjectName("compareLevelsBar")
        self.levels_bar.hide()
        view.middle.insertWidget(0, self.graphics, 1)
        view.middle.addWidget(self.levels_bar)
        self._left_label = QLabel(self.graphics)
        self._left_label.setObjectName("compareReferenceLabel")
        self._right_label = QLabel(view.graphics)
        self._right_label.setObjectName("compareDisplayLabel")
        for label in (self._left_label, self._right_label):
            label.setStyleSheet(_LABEL_STYLE)
            label.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
            label.hide()

    def _connect(self) -> None:
        self._button.mode_chosen.connect(self.set_mode)
        self._button.reference_chosen.connect(self.set_reference)
        self._button.same_levels_toggled.connect(self.set_same_levels)
        self._view.box.sigRangeChanged.connect(self._on_view_range_changed)
        self.box.sigRangeChanged.connect(self._on_box_range_changed)
        self.graphics.scene().sigMouseMoved.connect(self._on_scene_mouse_moved)
        self.line.sigPositionChanged.connect(self._on_line_moved)
        self.levels_bar.levels_edited.connect(self._on_levels_edited)
        self.levels_bar.auto_requested.connect(self._on_auto_requested)
        self._view.colormap_combo.currentTextChanged.connect(self._show_colors)
        self._view.box.sigResized.connect(self._place_labels)
        self._session.changed.connect(self._on_session_changed)
        self._session.frame_ready.connect(self._on_session_frame_ready)

    # ------------------------------------------------------------------ what is chosen

    @property
    def mode(self) -> Mode:
        """How the image on display is compared."""
        return self._mode

    @property
    def reference(self) -> Display:
        """What the image on display is compared with."""
        return self._reference

    @property
    def image(self) -> np.ndarray | None:
        """What is shown besides the image on display: reference, difference or ratio (y, x)."""
        return self._image

    @property
    def shown(self) -> tuple[int, Compared] | None:
        """Frame and comparison of :attr:`image`."""
        return self._shown

    def set_mode(self, mode: Mode) -> None:
        """Compare in another way; the bleach-corrected image is shown where both are the same."""
        is_open = self._session.source is not None
        self._mode = mode if is_open else Mode.OFF
        if not self._is_chosen:
            # The same background in both: what is empty differs by nothing then.
            computes = self._mode.computes
            self._reference = Display.BACKGROUND_CORRECTED if computes else Display.RAW
        if self._mode is not Mode.OFF and self._session.display is self._reference:
            other = Display.BLEACH_CORRECTED
            if self._reference is other:
                self._reference = Display.RAW
            self._session.set_display(other)
        self._arrange()
        self._ask()

    def set_reference(self, reference: Display) -> None:
        """Compare with another display."""
        self._reference, self._is_chosen = reference, True
        self._button.show_choice(self._mode, reference)
        self._arrange()
        self._ask()

    def set_same_levels(self, same: bool) -> None:
        """Show both images with the contrast of the one on display, or each with its own."""
        self._same_levels = same
        self._show_levels()

    def _compared(self) -> Compared:
        return Compared(self._mode, self._reference, self._session.display)

    def _arrange(self) -> None:
        mode, view = self._mode, self._view
        self._button.show_choice(mode, self._reference)
        self.graphics.setVisible(mode is Mode.SIDE)
        self._over.setVisible(mode in (Mode.SWIPE, Mode.DIFFERENCE, Mode.RATIO))
        # Missing pixels of the computed image are transparent.
        view.image_item.setVisible(not mode.computes)
        view.levels_bar.setVisible(not mode.computes)
        self.levels_bar.setVisible(mode.computes)
        self.line.setVisible(mode is Mode.SWIPE)
        self._over.clear()
        self._beside.clear()
        self._image = self._shown = None
        self._over.cut = None
        view.show_fixed_colors(DIVERGING if mode is Mode.DIFFERENCE else None)
        width = self._session.shape[1]
        if mode is Mode.SWIPE:
            self.line.setBounds((0, width))
            self.line.setValue(width / 2)
            self._over.cut = self.line.value()
        if mode is Mode.SIDE:
            self.graphics.setBackground(view.graphics.backgroundBrush())
        self._show_colors()
        self._show_labels()
        if not view.is_zoomed:
            # The room for the image has changed.
            view.fit_view()
        self._on_view_range_changed()

    def _show_colors(self) -> None:
        name = DIVERGING if self._mode is Mode.DIFFERENCE else self._view.colormap
        for item in (self._over, self._beside):
            item.set_colors(name)
        self.levels_bar.show_colors(name)

    def _show_labels(self, constant: float | None = None) -> None:
        """Say what is shown; of a ratio that is the same everywhere, also which one it is."""
        left, right = self._reference.value, self._session.display.value
        mode = self._mode
        if mode.computes:
            sign = "−" if mode is Mode.DIFFERENCE else "/"
            right = f"{right} {sign} {left}"
            if constant is not None:
                right += f" = {format_number(constant, 4)} wherever there is signal"
                if {self._session.display, self._reference} == _GAIN_ONLY:
                    right += ": the gain of this frame"
        elif mode is Mode.SWIPE:
            right = f"{left}  |  {right}"
        self._left_label.setText(left)
        self._right_label.setText(right)
        self._left_label.setVisible(mode is Mode.SIDE)
        self._right_label.setVisible(mode is not Mode.OFF)
        self._place_labels()

    def _place_labels(self, *_: Any) -> None:
        for label, graphics in (
            (self._left_label, self.graphics),
            (self._right_label, self._view.graphics),
        ):
            label.adjustSize()
            label.move(8, graphics.height() - label.height() - 8)

    # ------------------------------------------------------------------ images

    def _ask(self) -> None:
        """Ask for the second image of the current frame."""
        session, maker = self._session, self._session.maker
        if self._mode is Mode.OFF or maker is None:
            return
        compared, index = self._compared(), session.frame
        known = self._levels.get(compared)
        kept = None if compared.mode.computes else session.kept_image(compared.reference)
        if kept is not None and known is not None:
            self._show(index, compared, kept)
            return

        def run(
            progress: Progress,
        ) -> tuple[np.ndarray, tuple[float, float], float | None]:
            image = compare(maker, index, compared)
            levels = known or compare_levels(maker, compared, progress)
            return image, levels, constant_of(image) if compared.mode is Mode.RATIO else None

        def done(result: tuple[np.ndarray, tuple[float, float], float | None]) -> None:
            image, levels, constant = result
            if compared == self._compared():
                self._levels.setdefault(compared, levels)
                self._show(index, compared, image)
                self._show_labels(constant)

        session.read("compare", run, done)

    def _show(self, index: int, compared: Compared, image: np.ndarray) -> None:
        self._image, self._shown = image, (index, compared)
        levels = self._shown_levels()
        item = self._beside if compared.mode is Mode.SIDE else self._over
        item.show_image(image, levels)
        if compared.mode.computes:
            self.levels_bar.show_levels(levels)
            self.levels_bar.show_image(image)

    def _shown_levels(self) -> tuple[float, float]:
        if self._same_levels and not self._mode.computes and self._session.levels is not None:
            return self._session.levels
        return self._levels.get(self._compared(), (0.0, 1.0))

    def _show_levels(self) -> None:
        levels = self._shown_levels()
        for item in (self._beside, self._over):
            item.set_levels(levels)
        self.levels_bar.show_levels(levels)

    def _on_levels_edited(self, low: float, high: float) -> None:
        self._levels[self._compared()] = (low, high)
        self._show_levels()

    def _on_auto_requested(self) -> None:
        self._levels.pop(self._compared(), None)
        self._ask()

    # ------------------------------------------------------------------ the session

    def _on_session_changed(self, change: Change) -> None:
        if change & Change.RECORDING:
            self._levels = {}
            self.set_mode(Mode.OFF)
        if self._mode is Mode.OFF:
            return
        if change & Change.DISPLAY and self._shown is not None:
            if self._shown[1] != self._compared():
                self._arrange()
                self._ask()
            else:
                self._show_levels()
        if change & (Change.RECIPE | Change.BACKGROUND | Change.FIT):
            self._levels = {}

    def _on_session_frame_ready(self, index: int, display: Display, image: np.ndarray) -> None:
        if display is self._session.display:
            self._ask()

    # ------------------------------------------------------------------ linked views

    def _on_view_range_changed(self, *_: Any) -> None:
        if self._mode is Mode.SIDE:
            self._sync(self._view.box, self.box)

    def _on_box_range_changed(self, *_: Any) -> None:
        if self._mode is Mode.SIDE and not self._syncing:
            self._view.set_zoomed()
            self._sync(self.box, self._view.box)

    def _sync(self, source: Any, target: Any) -> None:
        if not self._syncing:
            self._syncing = True
            target.disableAutoRange()
            target.setRange(QRectF(source.viewRect()), padding=0)
            self._syncing = False

    def _on_scene_mouse_moved(self, place: QPointF) -> None:
        # Both views show the same part: what is below the pointer there is told, too.
        where = self._view.box.mapViewToScene(self.box.mapSceneToView(place))
        self._view.graphics.scene().sigMouseMoved.emit(where)

    def _on_line_moved(self, *_: Any) -> None:
        self._over.cut = float(self.line.value())
        self._over.update()
