"""Settings of the bleach correction, its run, and what came out of it."""

from __future__ import annotations

import html
from typing import TYPE_CHECKING

from PyQt5.QtCore import Qt, pyqtSignal
from PyQt5.QtWidgets import (
    QCheckBox,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QProgressBar,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from .fit_table import FitTable, fit_rows
from .model_names import model_hint, model_items
from .session import Change, Session
from .widgets import (
    ChoiceCombo,
    ElidedLabel,
    Notice,
    NumberSpin,
    SectionHeader,
    add_row,
    blocked,
    describe,
    fill_combo,
    hint_label,
    make_form,
    select_data,
)

if TYPE_CHECKING:
    from flimage.bleach import Verdict

__all__ = ["BleachPanel", "verdict_html"]

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
_GRADE_WORDS = {
    "good": "Good",
    "caution": "Use with caution",
    "refused": "Not corrected",
}
#: What stands for a grade, and for the severity of a reason, besides its colour.
_SIGNS = {"good": "✓", "info": "•", "caution": "⚠", "refused": "✕"}
#: Strength that the check box stands for.
_DENOISE = 1.0


class BleachPanel(QWidget):
    """Shows and changes how the session corrects bleaching, and tells how far to trust it.

    Parameters
    ----------
    session
        The open recording and its correction.
    parent
        Qt parent.
    """

    #: The person wants to write the corrected series.
    export_requested = pyqtSignal()

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("bleachPanel")
        self._session = session
        self._shown_fit: object = None
        layout = QVBoxLayout(self)
        layout.setContentsMargins(10, 6, 10, 8)
        layout.setSpacing(6)
        layout.addLayout(self._build_settings())
        layout.addLayout(self._build_run())
        heading = QHBoxLayout()
        heading.addWidget(SectionHeader("Result"))
        heading.addWidget(self._stage, 1)
        layout.addLayout(heading)
        self._build_result(layout)
        layout.addStretch(1)
        self._connect()
        session.changed.connect(self._on_session_changed)
        session.job_progress.connect(self._on_session_job_progress)
        self._refresh_all()

    # ------------------------------------------------------------------ construction

    def _build_settings(self) -> QFormLayout:
        form = make_form()
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
        width = self._whole.fontMetrics().horizontalAdvance("All") + 20
        self._whole.setFixedWidth(width)
        self._denoise = QCheckBox("&Denoise frames first")
        describe(
            self._denoise,
            "denoiseCheck",
            "Denoise frames first",
            "Remove noise from each frame before it is amplified (total variation; edges stay"
            " sharp, fine texture may be lost). It does not change the fit.",
        )
        add_row(form, "M&odel", self._model)
        form.addRow("", self._model_hint)
        add_row(form, "Off&set is", self._offset)
        form.addRow("", self._offset_hint)
        line = QHBoxLayout()
        line.setSpacing(4)
        line.addWidget(self._start, 1)
        to = QLabel("&to")
        to.setBuddy(self._stop)
        line.addWidget(to)
        line.addWidget(self._stop, 1)
        line.addWidget(self._whole)
        label = QLabel("Fra&mes")
        label.setBuddy(self._start)
        form.addRow(label, line)
        form.addRow(self._denoise)
        return form

    def _build_run(self) -> QVBoxLayout:
        self._run = QPushButton("&Run correction")
        describe(
            self._run,
            "runBleachButton",
            "Run the correction",
            "Measure the intensity of every frame and fit the decay. Nothing is written.",
        )
        self._run.setDefault(False)
        self._cancel = QPushButton("Cance&l")
        describe(self._cancel, "cancelButton", "Cancel", "Stop what is running.")
        self._progress = QProgressBar()
        describe(self._progress, "progressBar", "Progress")
        self._progress.setTextVisible(False)
        self._progress.setStyleSheet("QProgressBar { min-height: 0; max-height: 6px; }")
        # The panel must not jump when a run starts or ends.
        policy = self._progress.sizePolicy()
        policy.setRetainSizeWhenHidden(True)
        self._progress.setSizePolicy(policy)
        self._stage = ElidedLabel(mode=Qt.TextElideMode.ElideRight)
        self._stage.setObjectName("stageLabel")
        self._stage.setProperty("role", "hint")
        self._stage.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignBottom)
        buttons = QHBoxLayout()
        buttons.addWidget(self._run, 2)
        buttons.addWidget(self._cancel, 1)
        column = QVBoxLayout()
        column.setSpacing(4)
        column.addLayout(buttons)
        column.addWidget(self._progress)
        return column

    def _build_result(self, layout: QVBoxLayout) -> None:
        self._verdict = Notice()
        self._verdict.setTextFormat(Qt.TextFormat.RichText)
        describe(self._verdict, "verdictLabel", "Verdict")
        self._table = FitTable()
        describe(
            self._table,
            "fitTable",
            "Parameters of the fit",
        )
        self._export = QPushButton("&Export corrected series…")
        describe(
            self._export,
            "exportButton",
            "Export the corrected series",
            "Write all frames, corrected, to a new file. The recording itself is not changed.",
        )
        layout.addWidget(self._verdict)
        layout.addWidget(self._export)
        layout.addWidget(self._table)

    def _connect(self) -> None:
        self._model.currentIndexChanged.connect(self._on_model_changed)
        self._offset.currentIndexChanged.connect(self._on_offset_changed)
        self._start.valueChanged.connect(self._on_range_changed)
        self._stop.valueChanged.connect(self._on_range_changed)
        self._whole.clicked.connect(self._on_whole_clicked)
        self._denoise.toggled.connect(self._on_denoise_toggled)
        self._run.clicked.connect(self._session.run_fit)
        self._cancel.clicked.connect(self._session.cancel)
        self._export.clicked.connect(self.export_requested)

    # ------------------------------------------------------------------ showing the session

    def _on_session_changed(self, change: Change) -> None:
        if change & (Change.RECORDING | Change.RECIPE):
            self._refresh_settings()
        if change & (Change.RECORDING | Change.JOB):
            self._refresh_job()
        if change & (Change.RECORDING | Change.RECIPE | Change.FIT | Change.SCAN | Change.JOB):
            self._refresh_result()

    def _refresh_all(self) -> None:
        self._refresh_settings()
        self._refresh_job()
        self._refresh_result()

    def _refresh_settings(self) -> None:
        session = self._session
        recipe = session.recipe
        is_open = session.source is not None
        select_data(self._model, recipe.model)
        select_data(self._offset, recipe.offset)
        self._model_hint.setText(model_hint(recipe.model))
        self._offset_hint.setText(_OFFSET_HINTS.get(recipe.offset, ""))
        end = max(0, session.n_frames - 1) if is_open else 0
        first = min(recipe.first or 0, end)
        last = end if recipe.last is None else min(recipe.last, end)
        with blocked(self._start, self._stop, self._denoise):
            self._start.setRange(0, last)
            self._stop.setRange(first, end)
            self._start.setValue(first)
            self._stop.setValue(last)
            self._denoise.setChecked(recipe.denoise > 0)
        for control in (self._model, self._offset, self._start, self._stop, self._denoise):
            control.setEnabled(is_open)
        self._whole.setEnabled(is_open and (first > 0 or last < end))

    def _refresh_job(self) -> None:
        session = self._session
        is_busy = bool(session.busy)
        self._run.setEnabled(session.source is not None and not is_busy)
        self._cancel.setEnabled(is_busy)
        self._progress.setVisible(is_busy)
        self._stage.setText(session.busy if is_busy else "")
        if is_busy:
            # Busy without a known end until the first report arrives.
            self._progress.setRange(0, 0)

    def _on_session_job_progress(self, done: int, total: int, stage: str) -> None:
        if not self._session.busy:
            return
        self._progress.setRange(0, max(total, 1))
        self._progress.setValue(done)
        percent = f"{100 * done // max(total, 1)} %"
        self._stage.setText(f"{stage or self._session.busy} – {percent}")

    def _refresh_result(self) -> None:
        session = self._session
        fit = session.fit
        self._table.setVisible(fit is not None)
        self._export.setEnabled(fit is not None and session.fit_current and not session.busy)
        if fit is None:
            self._shown_fit = None
            self._verdict.show_notice("neutral", self._empty_text())
            self._table.show_rows(())
            return
        text = verdict_html(fit.verdict)
        if not session.fit_current:
            text += "<p><i>The settings have changed since. Run the correction again.</i></p>"
        self._verdict.show_notice(fit.verdict.grade if session.fit_current else "neutral", text)
        if fit is not self._shown_fit:
            self._shown_fit = fit
            self._table.show_rows(fit_rows(fit))

    def _empty_text(self) -> str:
        if self._session.source is None:
            return "Open a recording first."
        return (
            "No fit yet. <b>Run correction</b> measures the intensity of every frame, fits the"
            " decay and says how far the result can be trusted."
        )

    # ------------------------------------------------------------------ requests

    def _on_model_changed(self) -> None:
        model = self._model.currentData()
        if model is not None:
            self._session.set_recipe(self._session.recipe.replace(model=model), "Change the model")

    def _on_offset_changed(self) -> None:
        offset = self._offset.currentData()
        if offset is not None:
            recipe = self._session.recipe.replace(offset=offset)
            self._session.set_recipe(recipe, "Change the meaning of the offset")

    def _on_range_changed(self) -> None:
        first, last = self._start.value(), self._stop.value()
        recipe = self._session.recipe.replace(
            first=None if first <= 0 else first,
            last=None if last >= self._session.n_frames - 1 else last,
        )
        self._session.set_recipe(recipe, "Change the fit range")

    def _on_whole_clicked(self) -> None:
        recipe = self._session.recipe.replace(first=None, last=None)
        self._session.set_recipe(recipe, "Change the fit range")

    def _on_denoise_toggled(self, checked: bool) -> None:
        recipe = self._session.recipe.replace(denoise=_DENOISE if checked else 0.0)
        self._session.set_recipe(recipe, "Switch denoising")


def verdict_html(verdict: Verdict) -> str:
    """Write a verdict with its sign, its grade in words, and its reasons as a list."""
    words = _GRADE_WORDS.get(verdict.grade, verdict.grade)
    text = f"<b>{_SIGNS.get(verdict.grade, '')} {words}</b>"
    if verdict.grade == "good" or not verdict.reasons:
        text += f"<br>{html.escape(verdict.sentence)}"
    if not verdict.reasons:
        return text
    # A table instead of a list: Qt's lists are indented by more than a narrow panel can spare.
    rows = "".join(
        f"<tr><td>{_SIGNS.get(reason.severity, '•')}&nbsp;</td>"
        f"<td>{html.escape(reason.sentence)}</td></tr>"
        for reason in verdict.reasons
    )
    return f"{text}<table cellspacing='0' cellpadding='1'>{rows}</table>"
