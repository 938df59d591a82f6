"""The row of controls above the image."""

from __future__ import annotations

from PyQt5.QtWidgets import QComboBox, QHBoxLayout, QMenu, QSizePolicy, QToolButton, QWidget

from . import assets
from .colormaps import COLORMAPS, DEFAULT, DIVERGING, swatch
from .displays import Display
from .widgets import ChoiceCombo, ShrinkingButton, describe, spare_room

__all__ = ["FrameControls"]

#: Least width of the list of what is shown, where there is no room for its texts [px].
_SHORT_COMBO = 76


class FrameControls(QHBoxLayout):
    """What is shown, in which colours and contrast, and how large."""

    def __init__(self) -> None:
        super().__init__()
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
        self._fixed_colors = ChoiceCombo()
        self._fixed_colors.setIconSize(self.colormap_combo.iconSize())
        self._fixed_colors.setSizePolicy(self.colormap_combo.sizePolicy())
        self._fixed_colors.setMinimumWidth(self.colormap_combo.minimumWidth())
        self._fixed_colors.setMinimumContentsLength(6)
        self._fixed_colors.hide()
        describe(
            self._fixed_colors,
            "fixedColormapCombo",
            "Colours of the difference",
            "Blue where the image lost, white where nothing differs, red where it gained.",
        )

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
        self.setContentsMargins(8, 3, 6, 3)
        self.setSpacing(4)
        self.addWidget(self.display_combo, 3)
        self.addWidget(self.colormap_combo, 2)
        self.addWidget(self._fixed_colors, 2)
        self.addWidget(self.auto_contrast_button)
        self.addStretch(1)
        # One of them alone would be odd.
        self._zoom_buttons = QWidget()
        pair = QHBoxLayout(self._zoom_buttons)
        pair.setContentsMargins(0, 0, 0, 0)
        pair.setSpacing(self.spacing())
        pair.addWidget(self.zoom_out_button)
        pair.addWidget(self.zoom_in_button)
        for widget in (self.border_button, self._zoom_buttons, self.fit_button):
            self.addWidget(widget)

    def _flat_button(self, name: str, icon: str, accessible: str, tip: str) -> QToolButton:
        button = QToolButton()
        button.setProperty("flat", True)
        button.setIcon(assets.icon(icon))
        button.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        describe(button, name, accessible, tip)
        return button

    def show_fixed_colors(self, name: str | None) -> None:
        """Name the colours that are shown whatever map is chosen; None: those of the map."""
        self._fixed_colors.clear()
        if name is not None:
            self._fixed_colors.addItem(swatch(name), "Blue–red" if name == DIVERGING else name)
        self._fixed_colors.setVisible(name is not None)
        self.colormap_combo.setVisible(name is None)

    def add_button(self, button: QWidget) -> None:
        """Put a button before those that zoom."""
        self.insertWidget(self.indexOf(self._zoom_buttons), button)

    def share_room(self, width: int) -> None:
        """Keep what is shown readable as long as anything else can be done without."""
        # All of them have keys and stand in menus.
        spare = (self.auto_contrast_button, self._zoom_buttons, self.fit_button)
        combo = self.display_combo
        full = combo.fontMetrics().horizontalAdvance(Display.BACKGROUND_CORRECTED.value) + 50
        for each in (combo, self.colormap_combo, self._fixed_colors):
            each.setMaximumWidth(full)
        for least in (full, _SHORT_COMBO):
            combo.setMinimumWidth(least)
            spare_room(self, width, spare)
            self.invalidate()
            if self.minimumSize().width() <= width:
                break
