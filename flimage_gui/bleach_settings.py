"""The settings of the bleach correction as controls."""

from __future__ import annotations

from typing import Any

import numpy as np
from PyQt5.QtCore import Qt, pyqtSignal
from PyQt5.QtWidgets import (
    QCheckBox,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from flimage.quantities import DisplayUnit
from flimage.recipe import Region

from .draw_button import DrawButton, add_row_with_button
from .labels import hint_label
from .model_names import model_hint, model_items
from .session import Change, Session
from .spin_boxes import DecimalSpin, NumberSpin, QuantitySpin
from .widgets import (
    ChoiceCombo,
    add_row,
    align_labels,
    blocked,
    describe,
    fill_combo,
    make_dense,
    make_form,
    select_data,
)

__all__ = ["BleachSettings"]

_OFFSETS = (
    (
        "unbleachable signal",
        "unbleachable",
        "The constant part of the decay is real signal, for instance of autofluorescence. It"
        " stays in the images: they are multiplied by f(0)/f(t).",
    ),
    (
        "residual background",
        "background",
        "The constant part of the decay is light that is no signal, for instance stray light that"
        " the border does not see. It is subtracted before images are multiplied.",
    ),
)
_OFFSET_HINTS = {
    "unbleachable": "Real signal: it stays.",
    "background": "No signal: it is subtracted.",
}
_REGIONS = (
    (
        "automatic",
        Region("auto"),
        "Pixels that are brighter than the background on the average of all frames.",
    ),
    ("the whole frame", Region("frame"), "All pixels, also those between the cells."),
    ("drawn", "drawn", "Pixels of a region that you draw on the image, and can move there."),
)
_TIME_AXES = (
    ("time", "time", "The light is always on: bleaching goes on between frames."),
    (
        "number of exposures",
        "exposure",
        "The light is only on while a frame is taken: bleaching goes with the exposures.",
    ),
)
#: Strength that the check box for denoising stands for.
_DENOISE = 1.0


class BleachSettings(QWidget):
    """Shows the settings of the session's correction, and asks for others.

    Parameters
    ----------
    session
        The open recording and its correction.
    parent
        Qt parent.
    """

    #: The person wants to draw the signal region; kind of region.
    draw_requested = pyqtSignal(str)

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("bleachSettings")
        self._session = session
        self._drawn: Region | None = None
        form, more = make_form(), make_form()
        self._build_model(form)
        self._build_range(form)
        self._denoise = QCheckBox("&Denoise frames first")
        describe(
            self._denoise,
            "denoiseCheck",
            "Denoise frames first",
            "Remove noise from each frame before it is amplified (total variation; edges stay"
            " sharp, fine texture may be lost). It does not change the fit.",
        )
        form.addRow(self._denoise)
        self._build_more(more)
        align_labels(more)
        self._more = QWidget()
        self._more.setObjectName("moreSettings")
        self._more.setLayout(more)
        more.setContentsMargins(0, 0, 0, 4)
        self._more_button = QToolButton()
        self._more_button.setText("More settings")
        self._more_button.setCheckable(True)
        self._more_button.setProperty("flat", True)
        # The arrow says that it is open; a pressed look would say that something is switched on.
        self._more_button.setStyleSheet("QToolButton:checked:!hover { background: transparent; }")
        self._more_button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        describe(
            self._more_button,
            "moreSettingsButton",
            "More settings",
            "Signal region, time, outliers and the largest gain.",
        )
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        layout.addLayout(form)
        layout.addWidget(self._more_button)
        layout.addWidget(self._more)
        self._connect()
        self._on_more_toggled(False)
        session.changed.connect(self._on_session_changed)
        self._refresh()

    # ------------------------------------------------------------------ construction

    def _build_model(self, form: QFormLayout) -> None:
        self._model = ChoiceCombo()
        fill_combo(self._model, model_items())
        describe(
            self._model,
            "modelCombo",
            "Decay model",
            "The curve that is fitted to the intensity over time. If in doubt, start with the"
            " exponential decay and look at the residuals.",
        )
        self._model_hint = hint_label()
        self._model_hint.setObjectName("modelHint")
        self._offset = ChoiceCombo()
        fill_combo(self._offset, _OFFSETS)
        describe(
            self._offset,
            "offsetCombo",
            "Meaning of the offset",
            "What the part of the intensity is that does not bleach. The data cannot tell; you"
            " have to. It changes the result.",
        )
        self._offset_hint = hint_label()
        self._offset_hint.setObjectName("offsetHint")
        add_row(form, "M&odel", self._model)
        form.addRow("", self._model_hint)
        add_row(form, "Off&set is", self._offset)
        form.addRow("", self._offset_hint)

    def _build_range(self, form: QFormLayout) -> None:
        self._start = NumberSpin()
        describe(
            self._start,
            "rangeStartSpin",
            "First frame of the fit",
            "First frame that the fit uses. The correction still covers the whole series.",
        )
        self._stop = NumberSpin()
        describe(
            self._stop,
            "rangeStopSpin",
            "Last frame of the fit",
            "Last frame that the fit uses. You can also drag the edges of the range in the plot.",
        )
        self._whole = QPushButton("All")
        describe(self._whole, "rangeAllButton", "Fit all frames", "Fit all frames again.")
        make_dense(self._whole)
        to = QLabel("&to")
        to.setBuddy(self._stop)
        line = QHBoxLayout()
        line.setSpacing(4)
        line.addWidget(self._start, 1)
        line.addWidget(to)
        line.addWidget(self._stop, 1)
        line.addWidget(self._whole)
        label = QLabel("Fra&mes")
        label.setBuddy(self._start)
        form.addRow(label, line)

    def _build_more(self, form: QFormLayout) -> None:
        self._region = ChoiceCombo()
        fill_combo(self._region, _REGIONS)
        describe(
            self._region,
            "regionCombo",
            "Signal region",
            "Pixels whose intensity is followed over time. They are the same in every frame.",
        )
        self._draw = DrawButton("drawRegionButton", "the signal region")
        self._time_axis = ChoiceCombo()
        fill_combo(self._time_axis, _TIME_AXES)
        describe(
            self._time_axis,
            "timeAxisCombo",
            "What bleaching goes with",
            "Whether the sample bleaches all the time or only while frames are taken.",
        )
        self._interval = QuantitySpin("s", DisplayUnit("s", 1.0))
        self._interval.lineEdit().setPlaceholderText("as in the file")
        describe(
            self._interval,
            "intervalSpin",
            "Time between frames",
            "Use this time from frame to frame instead of the times in the file, for instance"
            " <b>200 ms</b>. It is needed where the file has none; leave it empty otherwise.",
        )
        self._max_gain = DecimalSpin()
        self._max_gain.setRange(1.0, 1000.0)
        self._max_gain.setDecimals(1)
        describe(
            self._max_gain,
            "maxGainSpin",
            "Largest gain",
            "No frame is multiplied by more than this. Where the signal is nearly gone, a larger"
            " gain would show noise only.",
        )
        self._robust = QCheckBox("Give o&utliers less weight")
        describe(
            self._robust,
            "robustCheck",
            "Give outliers less weight",
            "A flash, a dropped frame or a passing particle hardly changes the fit.",
        )
        add_row_with_button(form, "S&ignal region", self._region, self._draw)
        add_row(form, "&Bleaches with", self._time_axis)
        add_row(form, "Inter&val", self._interval)
        add_row(form, "Largest &gain", self._max_gain)
        form.addRow(self._robust)

    def _connect(self) -> None:
        self._model.currentIndexChanged.connect(self._on_model_changed)
        self._offset.currentIndexChanged.connect(self._on_offset_changed)
        self._start.valueChanged.connect(self._on_range_changed)
        self._stop.valueChanged.connect(self._on_range_changed)
        self._whole.clicked.connect(self._on_whole_clicked)
        self._denoise.toggled.connect(self._on_denoise_toggled)
        self._more_button.toggled.connect(self._on_more_toggled)
        self._region.currentIndexChanged.connect(self._on_region_changed)
        self._draw.draw_requested.connect(self.draw_requested)
        self._time_axis.currentIndexChanged.connect(self._on_time_axis_changed)
        self._interval.value_edited.connect(self._on_interval_edited)
        self._max_gain.valueChanged.connect(self._on_max_gain_changed)
        self._robust.toggled.connect(self._on_robust_toggled)

    # ------------------------------------------------------------------ showing the session

    def _on_session_changed(self, change: Change) -> None:
        if change & (Change.RECORDING | Change.RECIPE):
            self._refresh()
        if change & Change.RECORDING and not self._session.recipe.region.points:
            self._drawn = None
        if change & Change.RECORDING and not np.isfinite(self._session.times).all():
            # Nothing can be fitted before the interval is entered: let it be seen.
            self._more_button.setChecked(True)

    def _refresh(self) -> None:
        session = self._session
        recipe = session.recipe
        is_open = session.source is not None
        self.setEnabled(is_open)
        select_data(self._model, recipe.model)
        select_data(self._offset, recipe.offset)
        self._show_region(recipe.region)
        select_data(self._time_axis, recipe.time_axis)
        self._model_hint.setText(model_hint(recipe.model))
        self._offset_hint.setText(_OFFSET_HINTS.get(recipe.offset, ""))
        end = max(0, session.n_frames - 1)
        first = min(recipe.first or 0, end)
        last = end if recipe.last is None else min(recipe.last, end)
        shown = (
            self._start,
            self._stop,
            self._denoise,
            self._interval,
            self._max_gain,
            self._robust,
        )
        with blocked(*shown):
            self._start.setRange(0, last)
            self._stop.setRange(first, end)
            self._start.setValue(first)
            self._stop.setValue(last)
            self._denoise.setChecked(recipe.denoise > 0)
            self._interval.setValue(recipe.interval or 0.0)
            self._max_gain.setValue(recipe.max_gain)
            self._robust.setChecked(recipe.robust)
        self._whole.setEnabled(first > 0 or last < end)

    def _show_region(self, region: Region) -> None:
        automatic = region.kind in ("auto", "frame")
        if not automatic:
            self._drawn = region
        select_data(self._region, region if automatic else "drawn")
        name = f"drawn {region.kind}" if not automatic else "drawn"
        self._region.setItemText(self._region.findData("drawn"), name)

    # ------------------------------------------------------------------ requests

    def _ask(self, label: str, **changes: Any) -> None:
        self._session.set_recipe(self._session.recipe.replace(**changes), label)

    def _on_model_changed(self) -> None:
        if self._model.currentData() is not None:
            self._ask("Change the model", model=self._model.currentData())

    def _on_offset_changed(self) -> None:
        if self._offset.currentData() is not None:
            self._ask("Change the meaning of the offset", offset=self._offset.currentData())

    def _on_range_changed(self) -> None:
        first, last = self._start.value(), self._stop.value()
        self._ask(
            "Change the fit range",
            first=None if first <= 0 else first,
            last=None if last >= self._session.n_frames - 1 else last,
        )

    def _on_whole_clicked(self) -> None:
        self._ask("Change the fit range", first=None, last=None)

    def _on_denoise_toggled(self, checked: bool) -> None:
        self._ask("Switch denoising", denoise=_DENOISE if checked else 0.0)

    def _on_region_changed(self) -> None:
        chosen = self._region.currentData()
        if chosen != "drawn":
            self._ask("Change the signal region", region=chosen)
        elif self._drawn is not None:
            self._ask("Change the signal region", region=self._drawn)
        else:
            self._show_region(self._session.recipe.region)
            self.draw_requested.emit("rectangle")

    def _on_time_axis_changed(self) -> None:
        if self._time_axis.currentData() is not None:
            self._ask("Change the time axis", time_axis=self._time_axis.currentData())

    def _on_interval_edited(self, interval: float) -> None:
        self._ask("Change the interval", interval=interval if interval > 0 else None)

    def _on_max_gain_changed(self, gain: float) -> None:
        self._ask("Change the largest gain", max_gain=gain)

    def _on_robust_toggled(self, checked: bool) -> None:
        self._ask("Switch robust fitting", robust=checked)

    def _on_more_toggled(self, shown: bool) -> None:
        self._more.setVisible(shown)
        self._more_button.setArrowType(Qt.ArrowType.DownArrow if shown else Qt.ArrowType.RightArrow)
