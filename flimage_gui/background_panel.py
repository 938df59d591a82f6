"""Where the background comes from: border and scope of the level, and background images."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PyQt5.QtCore import pyqtSignal
from PyQt5.QtGui import QShowEvent
from PyQt5.QtWidgets import (
    QFileDialog,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from flimage.background import largest_border
from flimage.quantities import format_count, format_number

from .draw_button import DrawButton
from .facts_feed import FactsFeed
from .labels import SectionHeader, hint_label
from .session import Change, Session
from .spin_boxes import NumberSpin
from .widgets import (
    ChoiceCombo,
    add_row,
    align_labels,
    blocked,
    describe,
    fill_combo,
    make_form,
    select_data,
)

if TYPE_CHECKING:
    from .frame_facts import FrameFacts

__all__ = ["BackgroundPanel"]

FILE_FILTER = (
    "Images (*.h5 *.hdf5 *.tif *.tiff *.npy *.npz *.nd2);;flimage files (*.h5 *.hdf5);;"
    "TIFF images (*.tif *.tiff);;All files (*)"
)

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
_TARGETS = (
    ("all frames", "all", "The image is background of every frame."),
    ("this frame", "frame", "The image is background of the frame on display only."),
    (
        "selected frames",
        "selection",
        "The image is background of the frames that are selected in the frame table.",
    ),
)
_ORIGINS = (
    (
        "an image file",
        "file",
        "A file with one image: flimage, TIFF, NPY or ND2. Of a stack, the mean is taken.",
    ),
    (
        "frame number",
        "frame",
        "A frame of this series, for instance one that was taken with the shutter closed.",
    ),
    (
        "mean of frames",
        "range",
        "The mean of several frames of this series, which has less noise than a single one.",
    ),
    (
        "a plane",
        "plane",
        "A plane fitted to the border of the frames that it is assigned to.",
    ),
)


class BackgroundPanel(QWidget):
    """Shows where the session's background comes from and asks for another one.

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
        self.setObjectName("backgroundPanel")
        self._session = session
        self._facts: FrameFacts | None = None
        self._level_hint = hint_label()
        self._level_hint.setObjectName("backgroundLevelHint")
        self._image_hint = hint_label()
        self._image_hint.setObjectName("backgroundImageHint")
        level, image = make_form(), make_form()
        self._add_level(level)
        self._add_image(image)
        align_labels(level, image)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(10, 6, 10, 8)
        layout.setSpacing(6)
        layout.addWidget(SectionHeader("Background level"))
        layout.addLayout(level)
        layout.addWidget(self._level_hint)
        layout.addWidget(SectionHeader("Background image"))
        layout.addLayout(image)
        layout.addWidget(self._image_hint)
        layout.addStretch(1)
        self._feed = FactsFeed(session, self)
        self._connect()
        session.changed.connect(self._on_session_changed)
        self._refresh()

    # ------------------------------------------------------------------ construction

    def _add_level(self, form: QFormLayout) -> None:
        self._source = ChoiceCombo()
        fill_combo(self._source, _SOURCES)
        # The button beside it needs room, too.
        self._source.setMinimumContentsLength(4)
        describe(
            self._source,
            "backgroundSourceCombo",
            "Where the background level comes from",
            "Which pixels show only background.",
        )
        self._draw = DrawButton("drawBackgroundButton", "the background region")
        source = QHBoxLayout()
        source.setSpacing(4)
        source.addWidget(self._source, 1)
        source.addWidget(self._draw)
        label = QLabel("Fro&m")
        label.setBuddy(self._source)
        form.addRow(label, source)
        self._border = NumberSpin()
        self._border.setSuffix(" px")
        self._border.setSpecialValueText("0 px – none")
        describe(
            self._border,
            "borderSpin",
            "Width of the border",
            "How wide the border of the image is that shows only background. Its mean is"
            " subtracted before anything else. The border is drawn on the image: no cell should"
            " reach into it. 0 subtracts nothing.",
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

    def _add_image(self, form: QFormLayout) -> None:
        self._origin = ChoiceCombo()
        fill_combo(self._origin, _ORIGINS)
        describe(
            self._origin,
            "backgroundOriginCombo",
            "Where the background image comes from",
            "Take the background image from a file, or from a frame of this series.",
        )
        self._frame = NumberSpin()
        describe(
            self._frame,
            "backgroundFrameSpin",
            "Frame to use as background",
            "Number of the frame that shows only background; of several, the first.",
        )
        self._last = NumberSpin()
        describe(
            self._last,
            "backgroundLastSpin",
            "Last frame to use as background",
            "Number of the last frame of the range whose mean is taken.",
        )
        self._target = ChoiceCombo()
        fill_combo(self._target, _TARGETS)
        describe(
            self._target,
            "backgroundTargetCombo",
            "Frames to change",
            "Which frames get the image, or lose theirs.",
        )
        self._assign = QPushButton("&Assign…")
        describe(
            self._assign,
            "assignBackgroundButton",
            "Assign a background image",
            "Subtract an image, for instance one taken without a specimen. The file of the"
            " recording is not changed, and Undo takes it back.",
        )
        self._clear = QPushButton("&Clear")
        describe(
            self._clear,
            "clearBackgroundButton",
            "Remove the background image",
            "Remove the background image from the chosen frames. Undo brings it back.",
        )
        origin = QHBoxLayout()
        origin.addWidget(self._origin, 3)
        origin.addWidget(self._frame, 1)
        origin.addWidget(self._last, 1)
        label = QLabel("Ta&ke")
        label.setBuddy(self._origin)
        form.addRow(label, origin)
        add_row(form, "&For", self._target)
        buttons = QHBoxLayout()
        buttons.addWidget(self._assign, 1)
        buttons.addWidget(self._clear, 1)
        form.addRow("", buttons)

    def _connect(self) -> None:
        self._source.currentIndexChanged.connect(self._on_source_changed)
        self._draw.draw_requested.connect(self.draw_requested)
        self._border.valueChanged.connect(self._on_border_changed)
        self._scope.currentIndexChanged.connect(self._on_scope_changed)
        self._origin.currentIndexChanged.connect(self._on_origin_changed)
        self._target.currentIndexChanged.connect(self._refresh)
        self._assign.clicked.connect(self._on_assign_clicked)
        self._clear.clicked.connect(self._on_clear_clicked)
        self._feed.ready.connect(self._on_feed_ready)

    def showEvent(self, event: QShowEvent) -> None:  # noqa: N802 - Qt's name
        """Ask for what was not asked for while nobody could see it."""
        super().showEvent(event)
        self._feed.ask()

    # ------------------------------------------------------------------ showing the session

    def _on_session_changed(self, change: Change) -> None:
        shown = (
            Change.RECORDING
            | Change.RECIPE
            | Change.BACKGROUND
            | Change.FRAME
            | Change.SCAN
            | Change.JOB
            | Change.SELECTION
        )
        if change & shown:
            self._refresh()

        if change & (Change.RECORDING | Change.BACKGROUND):
            self._facts = None

    def _on_feed_ready(self, facts: FrameFacts) -> None:
        self._facts = facts
        self._image_hint.setText(self._describe_images())

    def _refresh(self) -> None:
        session = self._session
        recipe = session.recipe
        is_open = session.source is not None
        with blocked(self._border, self._frame, self._last):
            if is_open:
                self._border.setMaximum(max(largest_border(session.shape), recipe.border_px))
                self._frame.setRange(0, max(0, session.n_frames - 1))
                self._last.setRange(0, max(0, session.n_frames - 1))
            else:
                self._border.setMaximum(9999)
            self._border.setValue(recipe.border_px)
        select_data(self._source, recipe.background_source)
        select_data(self._scope, recipe.background)
        uses_region = recipe.background_source == "region"
        idle = is_open and not session.busy
        self._source.setEnabled(is_open)
        self._draw.setEnabled(is_open)
        self._border.setEnabled(is_open and not uses_region)
        self._scope.setEnabled(is_open and (recipe.border_px > 0 or uses_region))
        for control in (self._origin, self._frame, self._last, self._target):
            control.setEnabled(idle)
        chosen = self._target.currentData() != "selection" or bool(session.selection)
        self._assign.setEnabled(idle and chosen)
        self._clear.setEnabled(idle and chosen)
        self._on_origin_changed()
        self._level_hint.setText(self._describe_level() if is_open else "")
        self._image_hint.setText(self._describe_images() if is_open else "")

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

    def _describe_images(self) -> str:
        """Say what is known of the frame on display, and what was changed."""
        source = self._session.source
        assert source is not None
        parts = []
        if self._target.currentData() == "selection" and not self._session.selection:
            parts.append("No frame is selected: choose some in the frame table.")
        if self._facts is not None and self._facts.frame == self._session.frame:
            what = "an image is" if self._facts.has_background else "no image is"
            parts.append(f"Frame {self._facts.frame}: {what} subtracted.")
        changed = source.edits.backgrounds
        kept = [changed[frame] for frame in source.order if frame in changed]
        assigned = sum(image is not None for image in kept)
        for verb, count in (("Assigned to", assigned), ("Removed from", len(kept) - assigned)):
            if count:
                parts.append(f"{verb} {_share(count, len(source))}, not saved yet.")
        return " ".join(parts)

    def _on_origin_changed(self) -> None:
        origin = self._origin.currentData()
        self._frame.setVisible(origin in ("frame", "range"))
        self._last.setVisible(origin == "range")
        self._assign.setText("&Assign…" if origin == "file" else "&Assign")

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

    def _chosen_frames(self) -> list[int] | None:
        """Return the frames to change; None for all."""
        target = self._target.currentData()
        if target == "selection":
            return list(self._session.selection)
        return [self._session.frame] if target == "frame" else None

    def _on_assign_clicked(self) -> None:
        frames = self._chosen_frames()
        origin, first, last = self._origin.currentData(), self._frame.value(), self._last.value()
        if origin == "plane":
            self._session.assign_background_plane(frames)
            return
        if origin != "file":
            ends = sorted((first, last if origin == "range" else first))
            self._session.assign_background_frames(range(ends[0], ends[1] + 1), frames)
            return
        start = "" if self._session.path is None else str(self._session.path.parent)
        chosen, _ = QFileDialog.getOpenFileName(
            self, "Choose a background image", start, FILE_FILTER
        )
        if chosen:
            self._session.assign_background_file(Path(chosen), frames)

    def _on_clear_clicked(self) -> None:
        self._session.clear_background(self._chosen_frames())


def _share(count: int, total: int) -> str:
    return "every frame" if count == total else f"{count} of {format_count(total, 'frame')}"
