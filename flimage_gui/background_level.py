"""The background level: which pixels it comes from, and whether it is one per frame."""

from __future__ import annotations

import numpy as np
from PyQt5.QtCore import pyqtSignal
from PyQt5.QtWidgets import QFormLayout, QVBoxLayout, QWidget

from flimage.background import largest_border
from flimage.quantities import format_number

from .draw_button import DrawButton, add_row_with_button
from .labels import SectionHeader, hint_label
from .session import Change, Session
from .spin_boxes import NumberSpin
from .widgets import ChoiceCombo, add_row, blocked, describe, fill_combo, make_form, select_data

__all__ = ["BackgroundLevel"]

_SOURCES = (
    (
        "the border",
        "border",
        "The mean of the pixels near the edge of the image. Those close to cells are left out.",
    ),
    (
        "a drawn region",
        "region",
        "The mean of a region that you draw on the image, where there is background only.",
    ),
    (
        "a plane",
        "plane",
        "A plane through the border of each frame, for light that is brighter on one side.",
    ),
)
_SCOPES = (
    (
        "one per series",
        "series",
        "The mean of the border over all frames. Best where the background stays the same: it is"
        " the most precise.",
    ),
    (
        "one per frame",
        "frame",
        "The mean of the border of each frame by itself. Choose it where the background changes"
        " with time, for instance because the medium bleaches too.",
    ),
)


class BackgroundLevel(QWidget):
    """Shows where the session's background level comes from and asks for another one.

    Parameters
    ----------
    session
        The open recording and its correction.
    parent
        Qt parent.
    """

    #: The person wants to draw the background region; kind of region.
    draw_requested = pyqtSignal(str)

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("backgroundLevel")
        self._session = session
        self._hint = hint_label()
        self._hint.setObjectName("backgroundLevelHint")
        #: Its rows, so that their labels can be as wide as those of others.
        self.form = make_form()
        self._add_level(self.form)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(6)
        layout.addWidget(SectionHeader("Background level"))
        layout.addLayout(self.form)
        layout.addWidget(self._hint)
        self._source.currentIndexChanged.connect(self._on_source_changed)
        self._draw.draw_requested.connect(self.draw_requested)
        self._border.valueChanged.connect(self._on_border_changed)
        self._scope.currentIndexChanged.connect(self._on_scope_changed)
        session.changed.connect(self._on_session_changed)
        self._refresh()

    def _add_level(self, form: QFormLayout) -> None:
        self._source = ChoiceCombo()
        fill_combo(self._source, _SOURCES)
        describe(
            self._source,
            "backgroundSourceCombo",
            "Where the background level comes from",
            "Which pixels show only background.",
        )
        self._draw = DrawButton("drawBackgroundButton", "the background region")
        add_row_with_button(form, "Fro&m", self._source, self._draw)
        self._border = NumberSpin()
        self._border.setSuffix(" px")
        self._border.setSpecialValueText("0 px – none")
        describe(
            self._border,
            "borderSpin",
            "Width of the border",
            "How wide the border of the image is that shows only background. Its mean is"
            " subtracted before anything else. The border is drawn on the image, where its inner"
            " edge can be dragged: no cell should reach into it. 0 subtracts nothing.",
        )
        self._scope = ChoiceCombo()
        fill_combo(self._scope, _SCOPES)
        describe(
            self._scope,
            "backgroundScopeCombo",
            "Level per series or per frame",
            "Whether one background level holds for the whole series or each frame has its own.",
        )
        add_row(form, "B&order", self._border)
        add_row(form, "&Level", self._scope)

    # ------------------------------------------------------------------ showing the session

    def _on_session_changed(self, change: Change) -> None:
        shown = Change.RECORDING | Change.RECIPE | Change.BACKGROUND | Change.SCAN | Change.JOB
        if change & shown:
            self._refresh()

    def _refresh(self) -> None:
        session = self._session
        recipe = session.recipe
        is_open = session.source is not None
        with blocked(self._border):
            if is_open:
                self._border.setMaximum(max(largest_border(session.shape), recipe.border_px))
            else:
                self._border.setMaximum(9999)
            self._border.setValue(recipe.border_px)
        select_data(self._source, recipe.background_source)
        select_data(self._scope, recipe.background)
        uses_region = recipe.background_source == "region"
        self._source.setEnabled(is_open)
        self._draw.setEnabled(is_open)
        self._border.setEnabled(is_open and not uses_region)
        self._scope.setEnabled(is_open and (recipe.border_px > 0 or uses_region))
        self._hint.setText(self._describe_level() if is_open else "")

    def _describe_level(self) -> str:
        recipe = self._session.recipe
        limit = largest_border(self._session.shape)
        if recipe.background_source == "region":
            return self._describe_region()
        if recipe.border_px > limit:
            return f"This border leaves nothing of the image; use at most {limit} px."
        if recipe.border_px == 0:
            return "Nothing is subtracted: stray light and camera offset take part in the fit."
        usable = f"at most {limit} px can be border"
        level = self._level_text()
        return f"{level}; {usable}." if level else f"{usable[:1].upper()}{usable[1:]}."

    def _describe_region(self) -> str:
        region = self._session.recipe.background_region
        kind = "region" if region is None else region.kind
        level = self._level_text()
        return f"{level} in the {kind} on the image." if level else f"The {kind} on the image."

    def _level_text(self) -> str:
        """Write the levels that were measured; nothing where there are none."""
        levels = self._session.background_levels
        levels = np.empty(0) if levels is None else levels[np.isfinite(levels)]
        if not levels.size:
            return ""
        low, high = float(levels.min()), float(levels.max())
        if self._session.recipe.background == "series" or low == high:
            return f"{format_number(low)} counts"
        return f"{format_number(low)} to {format_number(high)} counts"

    # ------------------------------------------------------------------ requests

    def _on_source_changed(self) -> None:
        chosen = self._source.currentData()
        recipe = self._session.recipe
        if chosen == "region" and recipe.background_region is None:
            # Chosen once there is one.
            select_data(self._source, recipe.background_source)
            self.draw_requested.emit("rectangle")
        elif chosen is not None:
            recipe = recipe.replace(background_source=chosen)
            self._session.set_recipe(recipe, "Change the source of the background level")

    def _on_border_changed(self, width: int) -> None:
        recipe = self._session.recipe.replace(border_px=width)
        self._session.set_recipe(recipe, "Change the border")

    def _on_scope_changed(self) -> None:
        scope = self._scope.currentData()
        if scope is not None:
            recipe = self._session.recipe.replace(background=scope)
            self._session.set_recipe(recipe, "Change the scope of the background level")
