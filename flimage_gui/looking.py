"""Everything that is drawn over the image and done with it; puts the tools of looking together."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from PyQt5.QtCore import QObject
from PyQt5.QtWidgets import QAction, QSizePolicy, QToolButton

from . import assets
from .drawing import Drawing
from .frame_view import FrameView
from .region_tools import RegionTools
from .session import Session
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
        self.region_button = _flat_button(
            "regionButton",
            "region",
            "Show the signal region",
            "Outline the pixels whose intensity is followed, and the drawn background (R).",
        )
        self.region_button.setCheckable(True)
        self.region_button.toggled.connect(self._on_region_button_toggled)
        self.regions.shown_changed.connect(self.region_button.setChecked)
        view.add_button(self.region_button)

    def slots(self) -> dict[str, Callable[[], object]]:
        """Return what actions do, by their names."""
        return {
            "actionShowRegion": self.region_button.toggle,
            "actionDrawRegion": self.regions.draw_signal,
            "actionDrawBackground": self.regions.draw_background,
        }

    def connect_actions(self, actions: Mapping[str, QAction]) -> None:
        """Let actions that are switched on and off show what is on."""
        for name, button in (("actionShowRegion", self.region_button),):
            actions[name].setChecked(button.isChecked())
            button.toggled.connect(actions[name].setChecked)

    def cancel(self) -> bool:
        """Stop what is being drawn; tell whether anything was."""
        return self.drawing.cancel()

    def _on_region_button_toggled(self, shown: bool) -> None:
        self.regions.shown = shown


def _flat_button(name: str, icon: str, accessible: str, tip: str) -> QToolButton:
    button = QToolButton()
    button.setProperty("flat", True)
    button.setIcon(assets.icon(icon))
    button.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
    describe(button, name, accessible, tip)
    return button
