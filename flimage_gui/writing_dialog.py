"""What dialogs that write a file share: the question, how far it is, and what was written."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from PyQt5.QtCore import Qt, QUrl
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

from .labels import ElidedLabel, Notice, hint_label
from .notify import sentence_of
from .session import Change, Session
from .target_chooser import TargetChooser
from .widgets import describe, grow_to_fit

__all__ = ["WritingDialog", "fit_warning"]


class WritingDialog(QDialog):
    """Asks, shows how far the writing is, and tells what came of it.

    Parameters
    ----------
    session
        The open recording and its correction.
    prefix
        Start of the object names of its controls: ``<prefix>WriteButton``, ``<prefix>Failure``,
        ``<prefix>ProgressBar``, ``<prefix>StopButton``, ``<prefix>DoneNotice`` and so on.
    title
        Of the dialog.
    target
        Where the person chooses what is written; it is a part of the question.
    start
        Lets the session write to a path.
    parent
        Qt parent.
    """

    def __init__(
        self,
        session: Session,
        prefix: str,
        title: str,
        target: TargetChooser,
        start: Callable[[Path], None],
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.setObjectName(f"{prefix}Dialog")
        self.setWindowTitle(title)
        self.setMinimumWidth(520)
        self._session = session
        self._prefix = prefix
        self._target = target
        self._start = start
        self._written: Path | None = None
        self._writing = self._stopping = False
        self._results: tuple[QPushButton, ...] = ()
        self._pages = QStackedWidget()
        layout = QVBoxLayout(self)
        layout.addWidget(self._pages)
        #: Where the question is put together.
        self._question = self._add_page()
        self._question.setSpacing(8)

    def _build_pages(self, what: str, results: Sequence[QPushButton], advice: str) -> None:
        """Build all that follows the question; not before, or Tab would go there first.

        Parameters
        ----------
        what
            What the button writes, for a screen reader.
        results
            Buttons for what was written, before the others.
        advice
            What stands below what was written.
        """
        self._end_question(what)
        self._build_progress()
        self._build_result(results, advice)
        session = self._session
        session.changed.connect(self._on_session_changed)
        session.job_progress.connect(self._on_session_job_progress)
        session.failed.connect(self._on_session_failed)

    # ------------------------------------------------------------------ construction

    def _add_page(self) -> QVBoxLayout:
        page = QWidget()
        layout = QVBoxLayout(page)
        layout.setContentsMargins(0, 0, 0, 0)
        self._pages.addWidget(page)
        return layout

    def _end_question(self, what: str) -> None:
        layout = self._question
        self._failure = Notice()
        self._failure.setObjectName(f"{self._prefix}Failure")
        self._failure.hide()
        layout.addWidget(self._failure)
        layout.addStretch(1)
        self._write = QPushButton("Wri&te")
        self._write.setDefault(True)
        describe(
            self._write,
            f"{self._prefix}WriteButton",
            f"Write {what}",
            "Write it. The recording itself is not changed.",
        )
        cancel = QPushButton("Cancel")
        describe(cancel, f"{self._prefix}CancelButton", "Cancel", "Write nothing.")
        layout.addWidget(_button_box(self._write, cancel))
        self._write.clicked.connect(self._on_write_clicked)
        cancel.clicked.connect(self.reject)

    def _build_progress(self) -> None:
        layout = self._add_page()
        self._stage = ElidedLabel()
        self._stage.setObjectName(f"{self._prefix}StageLabel")
        self._bar = QProgressBar()
        describe(self._bar, f"{self._prefix}ProgressBar", "Progress of writing")
        self._stop = QPushButton("Cancel")
        describe(
            self._stop,
            f"{self._prefix}StopButton",
            "Stop writing",
            "Stop. Nothing of what is new is left behind; what is old stays as it was.",
        )
        layout.addStretch(1)
        layout.addWidget(self._stage)
        layout.addWidget(self._bar)
        layout.addStretch(1)
        layout.addWidget(_button_box(None, self._stop))
        self._stop.clicked.connect(self._on_stop_clicked)

    def _build_result(self, results: Sequence[QPushButton], advice: str) -> None:
        layout = self._add_page()
        self._done = Notice()
        self._done.setTextFormat(Qt.TextFormat.RichText)
        self._done.setObjectName(f"{self._prefix}DoneNotice")
        layout.addWidget(self._done)
        if advice:
            layout.addWidget(hint_label(advice))
        layout.addStretch(1)
        self._folder = QPushButton("Show &folder")
        describe(
            self._folder,
            f"{self._prefix}FolderButton",
            "Show the folder",
            "Show the folder of what was written in the file manager.",
        )
        close = QPushButton("Close")
        describe(close, f"{self._prefix}CloseButton", "Close", "Go on with the recording.")
        self._results = (*results, self._folder)
        layout.addWidget(_button_box(*self._results, close))
        self._folder.clicked.connect(self._on_folder_clicked)
        close.clicked.connect(self.accept)

    # ------------------------------------------------------------------ writing

    def _problem(self) -> str:
        """Return what has to be changed in the question, but for the path; empty if nothing."""
        return ""

    def _target_path(self) -> Path | None:
        """Return what is to be written; None where that cannot be said yet."""
        return self._target.path if self._target.usable and not self._problem() else None

    def _refresh(self) -> None:
        """Show the question as it is now."""
        session = self._session
        is_free = session.source is not None and not session.busy
        self._write.setEnabled(is_free and self._target_path() is not None)
        if self.isVisible():
            grow_to_fit(self)

    def _show_result(self, path: Path, grade: str, text: str) -> None:
        """Say what was written (rich text)."""
        self._written, self._writing = path, False
        self._done.show_notice(grade, text)
        self._pages.setCurrentIndex(2)
        first = self._results[0]
        first.setDefault(True)
        first.setFocus()
        grow_to_fit(self)

    def _show_question(self) -> None:
        """Go back to the question, as it was left, on a disk that may have changed since."""
        self._writing = False
        self._pages.setCurrentIndex(0)
        self._target.refresh()
        self._refresh()

    def _on_write_clicked(self) -> None:
        path = self._target_path()
        if path is None:
            self._show_question()
            return
        self._failure.hide()
        self._bar.setRange(0, 0)
        self._stage.setText(f"Writing {path.name}")
        self._writing, self._stopping, self._written = True, False, None
        self._pages.setCurrentIndex(1)
        self._stop.setFocus()
        self._start(path)

    def _on_session_changed(self, change: Change) -> None:
        if change & Change.JOB and self._writing and not self._session.busy and not self._written:
            # Cancelled or failed.
            self._show_question()
        self._refresh()

    def _on_session_job_progress(self, done: int, total: int, stage: str) -> None:
        if self._writing:
            self._bar.setRange(0, max(total, 1))
            self._bar.setValue(done)
            if not self._stopping:
                self._stage.setText(stage or self._session.busy)

    def _on_session_failed(self, error: Exception) -> None:
        if self._pages.currentIndex() == 1 or self._writing:
            self._show_failure(error)

    def _show_failure(self, error: Exception) -> None:
        self._failure.show_sentence("refused", f"✕ {sentence_of(error)}")
        self._failure.show()
        self._refresh()

    def _on_stop_clicked(self) -> None:
        self._stopping = True
        self._stage.setText("Stopping …")
        self._session.cancel()

    def _on_folder_clicked(self) -> None:
        assert self._written is not None
        QDesktopServices.openUrl(QUrl.fromLocalFile(str(self._written.absolute().parent)))

    # ------------------------------------------------------------------ Qt events

    def showEvent(self, event: QShowEvent) -> None:  # noqa: N802 - Qt's name
        """Start high enough for all texts."""
        super().showEvent(event)
        grow_to_fit(self)

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


def fit_warning(session: Session) -> str:
    """Say what speaks against writing something corrected now; empty if nothing does."""
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
