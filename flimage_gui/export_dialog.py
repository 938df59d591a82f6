"""Write the corrected series: where to, what, how far it is, and what to do with it then."""

from __future__ import annotations

import html
from pathlib import Path

from PyQt5.QtCore import Qt, QUrl, pyqtSignal
from PyQt5.QtGui import QCloseEvent, QDesktopServices, QShowEvent
from PyQt5.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QProgressBar,
    QPushButton,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from flimage.quantities import format_count, format_number

from .labels import ElidedLabel, Notice, SectionHeader, WrappedLabel, hint_label
from .model_names import model_text
from .session import Change, Session
from .target_chooser import TargetChooser, free_path, writable_folder
from .widgets import (
    ChoiceCombo,
    add_row,
    align_labels,
    describe,
    fill_combo,
    grow_to_fit,
    make_form,
)

__all__ = ["ExportDialog"]

_COMPRESSIONS = (
    ("Balanced", "balanced", "A good size at a good speed."),
    ("Fast", "fast", "Written sooner, somewhat larger."),
    ("Small", "small", "As small as it gets, written later."),
)


class ExportDialog(QDialog):
    """Asks where the corrected series goes, writes it, and offers to open it.

    Parameters
    ----------
    session
        The open recording and its correction.
    parent
        Qt parent.
    """

    #: The person wants to open the series that was written.
    open_requested = pyqtSignal(object)

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("exportDialog")
        self.setWindowTitle("Export corrected series")
        self.setMinimumWidth(520)
        self._session = session
        self._written: Path | None = None
        self._writing = False
        self._pages = QStackedWidget()
        self._pages.addWidget(self._build_question())
        self._pages.addWidget(self._build_progress())
        self._pages.addWidget(self._build_result())
        layout = QVBoxLayout(self)
        layout.addWidget(self._pages)
        session.changed.connect(self._on_session_changed)
        session.job_progress.connect(self._on_session_job_progress)
        session.exported.connect(self._on_session_exported)
        session.failed.connect(self._on_session_failed)
        self._refresh()

    # ------------------------------------------------------------------ construction

    def _build_question(self) -> QWidget:
        page = QWidget()
        layout = QVBoxLayout(page)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(8)
        layout.addWidget(SectionHeader("What is written"))
        self._summary = WrappedLabel()
        self._summary.setObjectName("exportSummaryLabel")
        self._summary.setTextFormat(Qt.TextFormat.RichText)
        layout.addWidget(self._summary)
        self._warning = Notice()
        self._warning.setObjectName("exportWarning")
        layout.addWidget(self._warning)
        layout.addWidget(SectionHeader("Where to"))
        source = self._session.path
        suggestion = _suggestion(source)
        sources = () if source is None else (source,)
        self._target = TargetChooser("export", suggestion, sources)
        self._compression = ChoiceCombo()
        fill_combo(self._compression, _COMPRESSIONS)
        describe(
            self._compression,
            "exportCompressionCombo",
            "Compression",
            "How much time is spent on making the file small. Nothing is lost with any choice.",
        )
        form = make_form()
        add_row(form, "Co&mpression", self._compression)
        align_labels(form, others=[self._target.label])
        layout.addWidget(self._target)
        layout.addLayout(form)
        self._failure = Notice()
        self._failure.setObjectName("exportFailure")
        self._failure.hide()
        layout.addWidget(self._failure)
        layout.addStretch(1)
        self._write = QPushButton("Wri&te")
        self._write.setDefault(True)
        describe(
            self._write,
            "exportWriteButton",
            "Write the corrected series",
            "Write all frames to the new file. The recording itself is not changed.",
        )
        cancel = QPushButton("Cancel")
        describe(cancel, "exportCancelButton", "Cancel", "Write nothing.")
        layout.addWidget(_button_box(self._write, cancel))
        self._write.clicked.connect(self._on_write_clicked)
        cancel.clicked.connect(self.reject)
        self._target.target_changed.connect(self._refresh)
        return page

    def _build_progress(self) -> QWidget:
        page = QWidget()
        layout = QVBoxLayout(page)
        layout.setContentsMargins(0, 0, 0, 0)
        self._stage = ElidedLabel()
        self._stage.setObjectName("exportStageLabel")
        self._bar = QProgressBar()
        describe(self._bar, "exportProgressBar", "Progress of writing")
        self._stop = QPushButton("Cancel")
        describe(
            self._stop,
            "exportStopButton",
            "Stop writing",
            "Stop. Nothing of the new file is left behind; an old one stays as it was.",
        )
        layout.addStretch(1)
        layout.addWidget(self._stage)
        layout.addWidget(self._bar)
        layout.addStretch(1)
        layout.addWidget(_button_box(None, self._stop))
        self._stop.clicked.connect(self._on_stop_clicked)
        return page

    def _build_result(self) -> QWidget:
        page = QWidget()
        layout = QVBoxLayout(page)
        layout.setContentsMargins(0, 0, 0, 0)
        self._done = Notice()
        self._done.setObjectName("exportDoneNotice")
        self._done.setTextFormat(Qt.TextFormat.RichText)
        layout.addWidget(self._done)
        layout.addWidget(
            hint_label(
                "Settings, fit and gains are kept in the file, so that the correction can be"
                " checked and taken back."
            )
        )
        layout.addStretch(1)
        self._open = QPushButton("&Open it")
        describe(
            self._open,
            "exportOpenButton",
            "Open the corrected series",
            "Open it in a window of its own, beside the recording.",
        )
        self._folder = QPushButton("Show &folder")
        describe(
            self._folder,
            "exportFolderButton",
            "Show the folder",
            "Show the folder of the file in the file manager.",
        )
        close = QPushButton("Close")
        describe(close, "exportCloseButton", "Close", "Go on with the recording.")
        layout.addWidget(_button_box(self._open, self._folder, close))
        self._open.clicked.connect(self._on_open_clicked)
        self._folder.clicked.connect(self._on_folder_clicked)
        close.clicked.connect(self.accept)
        return page

    # ------------------------------------------------------------------ showing the session

    def _on_session_changed(self, change: Change) -> None:
        if change & Change.JOB and self._writing and not self._session.busy and not self._written:
            # Cancelled or failed: back to the question, as it was left.
            self._writing = False
            self._pages.setCurrentIndex(0)
        self._refresh()

    def _on_session_job_progress(self, done: int, total: int, stage: str) -> None:
        if self._writing:
            self._bar.setRange(0, max(total, 1))
            self._bar.setValue(done)
            self._stage.setText(stage or self._session.busy)

    def _on_session_exported(self, path: Path) -> None:
        if not self._writing:
            return
        self._written, self._writing = Path(path), False
        frames = format_count(self._session.n_frames, "frame")
        name, folder = (
            html.escape(str(p)) for p in (self._written.name, self._written.absolute().parent)
        )
        self._done.show_notice("good", f"<b>✓ Written:</b> {frames} to <b>{name}</b><br>{folder}")
        self._pages.setCurrentIndex(2)
        self._open.setDefault(True)
        self._open.setFocus()

    def _on_session_failed(self, error: Exception) -> None:
        if self._pages.currentIndex() == 1 or self._writing:
            self._failure.show_notice("refused", f"✕ {html.escape(str(error))}")
            self._failure.show()
            self._refresh()

    def _refresh(self) -> None:
        session = self._session
        self._write.setEnabled(
            session.source is not None and not session.busy and self._target.usable
        )
        self._summary.setText(_summary(session))
        warning = _warning(session)
        self._warning.setVisible(bool(warning))
        if warning:
            self._warning.show_notice("caution", f"⚠ {warning}")
        if self.isVisible():
            grow_to_fit(self)

    def showEvent(self, event: QShowEvent) -> None:  # noqa: N802 - Qt's name
        """Start high enough for all texts."""
        super().showEvent(event)
        grow_to_fit(self)

    # ------------------------------------------------------------------ requests

    def _on_write_clicked(self) -> None:
        path = self._target.path
        if path is None or not self._target.usable:
            return
        self._failure.hide()
        self._bar.setRange(0, 0)
        self._stage.setText(f"Writing {path.name}")
        self._writing, self._written = True, None
        self._pages.setCurrentIndex(1)
        self._stop.setFocus()
        self._session.export(
            path,
            overwrite=self._target.overwrite,
            compression=self._compression.currentData(),
        )

    def _on_stop_clicked(self) -> None:
        self._stage.setText("Stopping …")
        self._session.cancel()

    def _on_open_clicked(self) -> None:
        assert self._written is not None
        path = self._written
        self.accept()
        self.open_requested.emit(path)

    def _on_folder_clicked(self) -> None:
        assert self._written is not None
        QDesktopServices.openUrl(QUrl.fromLocalFile(str(self._written.parent)))

    def reject(self) -> None:
        """Close, or stop writing first: the dialog stays until that has happened."""
        if self._writing:
            self._on_stop_clicked()
            return
        super().reject()

    def closeEvent(self, event: QCloseEvent) -> None:  # noqa: N802 - Qt's name
        """Keep the dialog open while it writes."""
        if self._writing:
            event.ignore()
            self._on_stop_clicked()
            return
        super().closeEvent(event)


def _suggestion(source: Path | None) -> Path:
    if source is None:
        return Path.home() / "corrected.h5"
    return free_path(writable_folder(source.parent) / f"{source.stem}_corrected.h5")


def _button_box(accept: QPushButton | None, *others: QPushButton) -> QDialogButtonBox:
    """Put buttons in the order of the platform; the last of `others` leaves the dialog."""
    box = QDialogButtonBox()
    if accept is not None:
        box.addButton(accept, QDialogButtonBox.ButtonRole.AcceptRole)
    for button in others[:-1]:
        box.addButton(button, QDialogButtonBox.ButtonRole.ActionRole)
    box.addButton(others[-1], QDialogButtonBox.ButtonRole.RejectRole)
    for button in others:
        button.setAutoDefault(False)
    return box


def _summary(session: Session) -> str:
    """Say in a sentence what the file will hold."""
    recipe, fit = session.recipe, session.fit
    height, width = session.shape
    lines = [
        f"{format_count(session.n_frames, 'frame')} of {width} × {height} pixels (32-bit"
        " floating point) with their times, identifiers and further metadata."
    ]
    steps = []
    if recipe.border_px:
        scope = "frame by frame" if recipe.background == "frame" else "one level for all frames"
        steps.append(f"background subtracted (border {recipe.border_px} px, {scope})")
    else:
        steps.append("no background level subtracted")
    if recipe.denoise:
        steps.append("denoised")
    model = model_text(fit.model if fit is not None and session.fit_current else recipe.model)
    if fit is not None and session.fit_current:
        top = format_number(float(max(fit.gain)), 3)
        steps.append(f"multiplied by gains up to {top} ({html.escape(model)})")
    else:
        steps.append(f"corrected with the model “{html.escape(model)}”")
    lines.append("Each frame: " + ", ".join(steps) + ".")
    return "<br>".join(lines)


def _warning(session: Session) -> str:
    """Say what speaks against writing now; empty if nothing does."""
    fit = session.fit
    if fit is None or not session.fit_current:
        return "The fit is computed first; look at it before you trust the result."
    if fit.verdict.grade == "refused":
        return (
            "The correction was <b>refused</b>, so that frames keep their intensity (gain 1);"
            " only the background is subtracted."
        )
    if fit.verdict.grade == "caution":
        return "Mind what the verdict says before you measure in the result."
    return ""
