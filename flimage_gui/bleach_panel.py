"""Settings of the bleach correction, its run, and what came out of it."""

from __future__ import annotations

import html
from typing import TYPE_CHECKING

from PyQt5.QtCore import Qt, QTimer, pyqtSignal
from PyQt5.QtWidgets import QHBoxLayout, QProgressBar, QPushButton, QVBoxLayout, QWidget

from flimage.quantities import format_count
from flimage.verdict import GRADE_WORDS

from .bleach_settings import BleachSettings
from .event_check import EventCheck
from .evidence_table import EvidenceTable
from .fit_table import FitTable, fit_rows
from .labels import SIGNS, ElidedLabel, Notice, SectionHeader, breakable, hint_label
from .model_names import model_text
from .session import Change, Session
from .widgets import describe

if TYPE_CHECKING:
    from flimage.bleach import BleachFit
    from flimage.provenance import Origin
    from flimage.verdict import Verdict

__all__ = ["BleachPanel", "corrected_html", "error_html", "model_summary", "verdict_html"]

#: A fit that lags behind the settings for longer than this is said to be out of date [ms].
_STALE_MS = 400


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
        self._is_stale = False
        layout = QVBoxLayout(self)
        layout.setContentsMargins(10, 6, 10, 8)
        layout.setSpacing(6)
        self.settings = BleachSettings(session)
        self._corrected = Notice()
        describe(self._corrected, "correctedNotice", "This series was corrected already")
        layout.addWidget(self._corrected)
        layout.addWidget(self.settings)
        layout.addLayout(self._build_run())
        heading = QHBoxLayout()
        heading.addWidget(SectionHeader("Result"))
        heading.addWidget(self._stage, 1)
        layout.addLayout(heading)
        self._build_result(layout)
        layout.addStretch(1)
        self._stale_timer = QTimer(self)
        self._stale_timer.setSingleShot(True)
        self._stale_timer.setInterval(_STALE_MS)
        self._connect()
        session.changed.connect(self._on_session_changed)
        session.job_progress.connect(self._on_session_job_progress)
        self._refresh_all()

    # ------------------------------------------------------------------ construction

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
        self._per_frame = QPushButton("Use o&ne background level per frame")
        describe(
            self._per_frame,
            "perFrameButton",
            "Use one background level per frame",
            "What the verdict advises; the panel Background has the same choice as Level.",
        )
        self._table = FitTable()
        describe(
            self._table,
            "fitTable",
            "Parameters of the fit",
        )
        self._evidence = EvidenceTable()
        describe(self._evidence, "evidenceTable", "Evidence for each model")
        self._model = hint_label()
        self._model.setObjectName("modelSummary")
        self._export = QPushButton("&Export corrected series…")
        describe(
            self._export,
            "exportButton",
            "Export the corrected series",
            "Write all frames, corrected, to a new file. The recording itself is not changed.",
        )
        layout.addWidget(self._verdict)
        layout.addWidget(self._per_frame)
        layout.addWidget(self._export)
        layout.addWidget(self._table)
        layout.addWidget(self._evidence)
        layout.addWidget(self._model)
        self._events = EventCheck(self._session)
        layout.addWidget(self._events)

    def _connect(self) -> None:
        self._run.clicked.connect(self._session.run_fit)
        self._cancel.clicked.connect(self._session.cancel)
        self._export.clicked.connect(self.export_requested)
        self._per_frame.clicked.connect(self._on_per_frame_clicked)
        self._stale_timer.timeout.connect(self._on_stale_timer_timeout)

    def _on_per_frame_clicked(self) -> None:
        recipe = self._session.recipe.replace(background="frame")
        self._session.set_recipe(recipe, "Use one background level per frame")

    # ------------------------------------------------------------------ showing the session

    def _on_session_changed(self, change: Change) -> None:
        if change & Change.RECORDING:
            self._refresh_correction()
        if change & (Change.RECORDING | Change.JOB):
            self._refresh_job()
        if change & (Change.RECORDING | Change.RECIPE | Change.FIT | Change.SCAN | Change.JOB):
            self._refresh_result()

    def _refresh_all(self) -> None:
        self._refresh_correction()
        self._refresh_job()
        self._refresh_result()

    def _refresh_correction(self) -> None:
        """Warn of correcting twice: the frames of a result look like those of a recording."""
        origin = self._session.correction
        self._corrected.setVisible(origin is not None)
        if origin is not None:
            self._corrected.show_notice("caution", corrected_html(origin))

    def _refresh_job(self) -> None:
        session = self._session
        is_busy = bool(session.busy)
        for button in (self._run, self._per_frame):
            button.setEnabled(session.source is not None and not is_busy)
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
        percent = f"{100 * done // max(total, 1)}\u202f%"
        self._stage.setText(f"{stage or self._session.busy} – {percent}")

    def _refresh_result(self) -> None:
        session = self._session
        fit, error = session.fit, session.tuning_error
        has_result = fit is not None and error is None
        self._table.setVisible(has_result)
        self._model.setVisible(has_result)
        self._events.setVisible(has_result)
        reasons = fit.verdict.reasons if has_result and fit is not None else ()
        drifts = any(reason.code == "background-drifts" for reason in reasons)
        self._per_frame.setVisible(drifts and session.recipe.background == "series")
        self._evidence.setVisible(has_result and fit is not None and bool(fit.evidence))
        if fit is None:
            self._shown_fit = None
            self._is_stale = False
            self._stale_timer.stop()
            self._export.setEnabled(False)
            self._table.show_rows(())
            if error is None:
                self._verdict.show_notice("neutral", self._empty_text())
            else:
                self._verdict.show_notice("refused", error_html(error))
            return
        # While the fit catches up with a setting that is being dragged, nothing must flicker.
        if session.fit_current:
            self._stale_timer.stop()
            self._is_stale = False
        elif not self._is_stale and not self._stale_timer.isActive():
            self._stale_timer.start()
        self._export.setEnabled(not self._is_stale and error is None and not session.busy)
        if error is not None:
            self._verdict.show_notice("refused", error_html(error))
        elif self._is_stale:
            text = "<b>Out of date:</b> the settings have changed. Run the correction again."
            self._verdict.show_notice("neutral", text)
        else:
            self._verdict.show_notice(fit.verdict.grade, verdict_html(fit.verdict))
        if fit is not self._shown_fit:
            self._shown_fit = fit
            self._table.show_rows(fit_rows(fit))
            self._evidence.show_evidence(fit.evidence, fit.model)
            self._model.setText(model_summary(fit))

    def _on_stale_timer_timeout(self) -> None:
        self._is_stale = True
        self._refresh_result()

    def _empty_text(self) -> str:
        if self._session.source is None:
            return "Open a recording first."
        if self._session.correction is not None:
            return (
                "The frames are shown as they were corrected. <b>Run correction</b> would fit what"
                " is left of the decay, and remove it, too."
            )
        return (
            "No fit yet. <b>Run correction</b> measures the intensity of every frame, fits the"
            " decay and says how far the result can be trusted."
        )


def error_html(error: Exception) -> str:
    """Write why no fit is possible with the settings as they are."""
    return f"<b>{SIGNS['refused']} No fit</b><br>{html.escape(str(error))}"


def corrected_html(origin: Origin) -> str:
    """Say that a series was corrected, by what and from what."""
    source = f", from {html.escape(breakable(origin.source))}" if origin.source else ""
    return (
        f"<b>{SIGNS['caution']} Corrected already</b><br>This series was bleach-corrected by"
        f" flimage {html.escape(origin.version)}{source}. Its background is subtracted, so the"
        " border is 0 px here. Correcting it again would count twice: change settings in the"
        " original recording."
    )


def model_summary(fit: BleachFit) -> str:
    """Name the model of a fit, and what the intensities in its parameters are."""
    text = f"Model: {model_text(fit.model)}."
    pixels = format_count(fit.trace.region_pixels, "pixel")
    return f"{text} Intensities (counts/px) are means over the {pixels} of the signal region."


def verdict_html(verdict: Verdict) -> str:
    """Write a verdict with its sign, its grade in words, and its reasons as a list."""
    words = GRADE_WORDS.get(verdict.grade, verdict.grade)
    text = f"<b>{SIGNS.get(verdict.grade, '')} {words}</b>"
    if verdict.grade == "good" or not verdict.reasons:
        text += f"<br>{html.escape(verdict.sentence)}"
    if not verdict.reasons:
        return text
    # A table instead of a list: Qt's lists are indented by more than a narrow panel can spare.
    rows = "".join(
        f"<tr><td>{SIGNS.get(reason.severity, '•')}&nbsp;</td>"
        f"<td>{html.escape(reason.sentence)}</td></tr>"
        for reason in verdict.reasons
    )
    return f"{text}<table cellspacing='0' cellpadding='1'>{rows}</table>"
