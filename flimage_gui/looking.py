"""Everything that is drawn over the image and done with it; puts the tools of looking together."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from pathlib import Path

from PyQt5.QtCore import QObject, QRect, Qt
from PyQt5.QtWidgets import (
    QAction,
    QApplication,
    QDockWidget,
    QFileDialog,
    QMenu,
    QSizePolicy,
    QToolButton,
)

from flimage.errors import FlimageError

from . import assets
from .annotations import Annotations
from .compare_view import CompareButton, Comparison
from .comparing import Mode
from .drawing import Drawing
from .frame_view import FrameView
from .jump_dialog import JumpDialog
from .picture import DragOutButton, picture_data, run_drag, save_picture
from .region_list import RegionList
from .region_markers import RegionMarkers
from .region_tools import RegionTools
from .regions_panel import RegionsPanel
from .session import Change, Session
from .time_texts import time_text
from .widgets import describe

__all__ = ["Looking"]


class Looking(QObject):
    """The tools that belong to a frame view.

    Parameters
    ----------
    session
        The open recording.
    view
        Where it is looked at.
    """

    def __init__(self, session: Session, view: FrameView) -> None:
        super().__init__(view)
        self._session = session
        self._view = view
        self.drawing = Drawing(view.graphics, view.box)
        self.regions = RegionTools(session, view, self.drawing)
        self.named_regions = RegionList(session, self)
        self.markers = RegionMarkers(self.named_regions, view, self.drawing)
        self.regions_panel = RegionsPanel(session, self.named_regions, self.markers)
        self.annotations = Annotations(view.box)
        self._build_buttons()
        session.changed.connect(self._on_session_changed)
        session.frame_ready.connect(lambda *_: self._refresh())

    def _build_buttons(self) -> None:
        self.region_button = QToolButton()
        _set_up(
            self.region_button,
            "regionButton",
            "region",
            "Show the signal region",
            "Outline the pixels whose intensity is followed, and the drawn background (R).",
        )
        self.region_button.setCheckable(True)
        self.region_button.toggled.connect(self._on_region_button_toggled)
        self.regions.shown_changed.connect(self.region_button.setChecked)
        self.scale_button = QToolButton()
        _set_up(
            self.scale_button,
            "scaleButton",
            "scale",
            "Show the scale bar",
            "Draw a scale bar on the image (S); the arrow offers the time, too. Both are part of"
            " the picture that is copied or saved.",
        )
        self.scale_button.setCheckable(True)
        self.scale_button.setPopupMode(QToolButton.ToolButtonPopupMode.MenuButtonPopup)
        menu = QMenu(self.scale_button)
        self.time_action = menu.addAction("&Time stamp")
        self.time_action.setObjectName("actionTimeStamp")
        self.time_action.setCheckable(True)
        self.scale_button.setMenu(menu)
        self.scale_button.toggled.connect(self._on_scale_button_toggled)
        self.time_action.toggled.connect(self._on_time_action_toggled)
        self.copy_button = DragOutButton()
        _set_up(
            self.copy_button,
            "copyViewButton",
            "copy",
            "Copy the view",
            "Copy the picture (Ctrl+C), or drag it from here into another program or a folder.",
        )
        self.copy_button.clicked.connect(self.copy)
        self.copy_button.drag_started.connect(self._on_copy_button_drag_started)
        self.compare_button = CompareButton()
        _set_up(
            self.compare_button,
            "compareButton",
            "compare",
            "Compare",
            "Compare what is shown with the raw image, or another one: side by side, with a line"
            " to swipe, as difference or as ratio (D goes through them).",
        )
        self.comparison = Comparison(self._session, self._view, self.compare_button)
        for button in self._buttons():
            self._view.add_button(button)

    def _buttons(self) -> tuple[QToolButton, ...]:
        return (self.region_button, self.scale_button, self.compare_button, self.copy_button)

    def slots(self) -> dict[str, Callable[[], object]]:
        """Return what actions do, by their names."""
        return {
            "actionShowRegion": self.region_button.toggle,
            "actionDrawRegion": self.regions.draw_signal,
            "actionDrawBackground": self.regions.draw_background,
            "actionShowScale": self.scale_button.toggle,
            "actionShowTime": self.time_action.toggle,
            "actionAddRegion": lambda: self._draw_named("rectangle"),
            "actionAddEllipse": lambda: self._draw_named("ellipse"),
            "actionAddPolygon": lambda: self._draw_named("polygon"),
            "actionAddFreehand": lambda: self._draw_named("freehand"),
            "actionLineProfile": self._draw_line,
            "actionJump": self.ask_jump,
            "actionCompareNext": self._compare_next,
            "actionCompareOff": lambda: self.comparison.set_mode(Mode.OFF),
            "actionCompareSide": lambda: self.comparison.set_mode(Mode.SIDE),
            "actionCompareSwipe": lambda: self.comparison.set_mode(Mode.SWIPE),
            "actionCompareDifference": lambda: self.comparison.set_mode(Mode.DIFFERENCE),
            "actionCompareRatio": lambda: self.comparison.set_mode(Mode.RATIO),
            "actionCopyView": self.copy,
            "actionSaveView": self.ask_save,
        }

    def connect_actions(self, actions: Mapping[str, QAction]) -> None:
        """Let actions that are switched on and off show what is on."""
        for name, switch in (
            ("actionShowRegion", self.region_button),
            ("actionShowScale", self.scale_button),
            ("actionShowTime", self.time_action),
        ):
            actions[name].setChecked(switch.isChecked())
            switch.toggled.connect(actions[name].setChecked)

    def cancel(self) -> bool:
        """Stop what is being drawn; tell whether anything was."""
        return self.drawing.cancel()

    def _draw_named(self, kind: str) -> None:
        self._raise_panel()
        self.markers.draw(kind)

    def _draw_line(self) -> None:
        self._raise_panel()
        self.markers.draw_line()

    def _raise_panel(self) -> None:
        dock = self.regions_panel.parentWidget()
        while dock is not None and not isinstance(dock, QDockWidget):
            dock = dock.parentWidget()
        if dock is not None:
            dock.show()
            dock.raise_()

    def ask_jump(self) -> None:
        """Ask for a frame, a time or an identifier, and go there."""
        if self._session.source is not None:
            dialog = JumpDialog(self._session, self._view.window())
            dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
            dialog.open()

    def _compare_next(self) -> None:
        modes = list(Mode)
        following = modes.index(self.comparison.mode) + 1
        self.comparison.set_mode(modes[following % len(modes)])

    # ------------------------------------------------------------------ the view as a picture

    def picture_part(self) -> QRect:
        """Return the part of the view that shows the image, in coordinates of `frameGraphics`."""
        graphics, seen = self._view.graphics, self.annotations.seen()
        if seen.isEmpty():
            return QRect(graphics.viewport().rect())
        scene = self._view.box.mapRectToScene(seen)
        rect = graphics.mapFromScene(scene).boundingRect()
        left, top = math.ceil(rect.left()), math.ceil(rect.top())
        part = QRect(left, top, rect.width() - 1, rect.height() - 1)
        return part.intersected(graphics.viewport().rect())

    def copy(self) -> None:
        """Put the image, as it is shown, on the clipboard: as pixels and as SVG."""
        if self._session.source is not None:
            data = picture_data(self._view.graphics, self.picture_part(), self._session.title)
            QApplication.clipboard().setMimeData(data)

    def ask_save(self) -> None:
        """Ask for a file, and write the view to it as PNG or SVG."""
        path = self._session.path
        if path is None:
            return
        name = path.with_name(f"{path.stem}_frame{self._session.frame}.png")
        chosen, _ = QFileDialog.getSaveFileName(
            self._view, "Save the view", str(name), "PNG image (*.png);;SVG drawing (*.svg)"
        )
        if chosen:
            self.save(Path(chosen))

    def save(self, path: Path) -> None:
        """Write the view to a file; its suffix says whether as PNG or as SVG."""
        try:
            save_picture(self._view.graphics, self.picture_part(), path, self._session.title)
        except FlimageError as error:
            self._session.failed.emit(error)

    def _on_copy_button_drag_started(self) -> None:
        if self._session.source is not None:
            drag = self.copy_button.prepare_drag(
                self._view.graphics, self.picture_part(), self._session.title
            )
            run_drag(drag)

    # ------------------------------------------------------------------ slots

    def _on_session_changed(self, change: Change) -> None:
        if change & (Change.RECORDING | Change.BACKGROUND | Change.TIMES | Change.FRAME):
            self._refresh()
        if change & Change.RECORDING:
            is_open = self._session.source is not None
            for button in self._buttons():
                button.setEnabled(is_open)

    def _refresh(self) -> None:
        session, shown = self._session, self._view.shown
        self.annotations.show_image(session.shape, session.pixel_size)
        # The time of the frame that is seen, which may lag behind the one that was asked for.
        known = shown is not None and shown[0] < session.n_frames
        frame = shown[0] if shown is not None and known else -1
        self.annotations.show_time(time_text(session.shown_times, frame) if known else "")

    def _on_region_button_toggled(self, shown: bool) -> None:
        self.regions.shown = shown

    def _on_scale_button_toggled(self, shown: bool) -> None:
        self.annotations.shows_scale = shown

    def _on_time_action_toggled(self, shown: bool) -> None:
        self.annotations.shows_time = shown


def _set_up(button: QToolButton, name: str, icon: str, accessible: str, tip: str) -> None:
    button.setProperty("flat", True)
    button.setIcon(assets.icon(icon))
    button.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
    describe(button, name, accessible, tip)
