"""The button that starts drawing a region on the image."""

from __future__ import annotations

from PyQt5.QtCore import pyqtSignal
from PyQt5.QtWidgets import (
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QMenu,
    QSizePolicy,
    QToolButton,
    QWidget,
)

from . import assets
from .widgets import ChoiceCombo, describe

__all__ = ["KIND_NAMES", "DrawButton", "add_row_with_button"]

#: Kind of drawing -> its name for the person.
KIND_NAMES = {
    "rectangle": "Rectangle",
    "ellipse": "Ellipse",
    "polygon": "Polygon",
    "freehand": "Freehand",
}


class DrawButton(QToolButton):
    """Starts drawing with the kind of region that was drawn last; its menu offers the others.

    Parameters
    ----------
    object_name
        Qt object name.
    what
        What is drawn, for screen readers and tips: ``"the signal region"``.
    parent
        Qt parent.
    """

    #: a key of :data:`KIND_NAMES`
    draw_requested = pyqtSignal(str)

    def __init__(self, object_name: str, what: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._kind = "rectangle"
        self.setIcon(assets.icon("region"))
        self.setPopupMode(QToolButton.ToolButtonPopupMode.MenuButtonPopup)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        describe(
            self,
            object_name,
            f"Draw {what}",
            f"Draw {what} on the image; the arrow offers other shapes. What was drawn can be"
            " dragged and reshaped.",
        )
        menu = QMenu(self)
        for kind, name in KIND_NAMES.items():
            action = menu.addAction(f"&{name}")
            action.setObjectName(f"{object_name}{name}")
            action.triggered.connect(lambda _checked, kind=kind: self._on_kind_chosen(kind))
        self.setMenu(menu)
        self.clicked.connect(lambda _checked: self.draw_requested.emit(self._kind))

    def _on_kind_chosen(self, kind: str) -> None:
        self._kind = kind
        self.draw_requested.emit(kind)


def add_row_with_button(
    form: QFormLayout, text: str, combo: ChoiceCombo, button: DrawButton
) -> None:
    """Add a row with a choice, beside it the button that draws what can be chosen there."""
    # The button beside it needs room, too.
    combo.setMinimumContentsLength(4)
    row = QHBoxLayout()
    row.setSpacing(4)
    row.addWidget(combo, 1)
    row.addWidget(button)
    label = QLabel(text)
    label.setBuddy(combo)
    form.addRow(label, row)
