"""The batch window: a queue of recordings that are corrected with one recipe."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from PyQt5.QtCore import Qt, QTimer, QUrl, pyqtSignal
from PyQt5.QtGui import QCloseEvent, QDesktopServices, QDragEnterEvent, QDropEvent, QShowEvent
from PyQt5.QtWidgets import (
    QFileDialog,
    QHBoxLayout,
    QLabel,
    QProgressBar,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from flimage.batch import Outcome, find_recordings, left_out, plan
from flimage.errors import FlimageError
from flimage.quantities import format_count
from flimage.readers import SUFFIXES, is_recording

from . import assets, dialogs
from .batch_form import BatchForm
from .batch_queue import BatchQueue, rows_of
from .batch_run import BatchRun, Done
from .batch_table import BatchTable
from .documents import dropped_paths
from .drop_hint import DropHint
from .labels import ElidedLabel, Notice
from .notify import sentence_of
from .opening import is_series_file
from .placing import fit_to_screen
from .session import Session
from .widgets import describe

__all__ = ["BatchWindow"]

_SIZE = (900, 640)
_RECIPE = ".json"


class BatchWindow(QWidget):
    """Corrects many recordings as ``flimage bleach … --out-dir`` does, and opens the results."""

    #: Path: the person wants to see a result.
    open_requested = pyqtSignal(object)
    #: BatchWindow: it was closed
    closed = pyqtSignal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent, Qt.WindowType.Window)
        self.setObjectName("batchWindow")
        self.setWindowTitle("Batch – flimage")
        self.setWindowIcon(assets.app_icon())
        self.setAcceptDrops(True)
        self.queue = BatchQueue(self)
        self.run = BatchRun(self)
        self._done: Done | None = None
        self._table = BatchTable(self.queue)
        self.form = BatchForm()
        self._notice = Notice()
        self._notice.setObjectName("batchNotice")
        self._notice.hide()
        self._build()
        self._connect()
        self._drop_hint = DropHint(self, "Drop to add")
        self.resize(*_SIZE)
        fit_to_screen(self)
        self._refresh()

    # ------------------------------------------------------------------ construction

    def _build(self) -> None:
        self._add_files = _button("&Add files…", "batchAddFilesButton", "Add recordings")
        self._add_folder = _button(
            "Add &folder…",
            "batchAddFolderButton",
            "Add the recordings of a folder",
            "Add all series files (*.h5, *.hdf5) of a folder; those of folders in it are left out."
            " Recordings in other formats are added by Add files….",
        )
        self._remove = _button(
            "Re&move",
            "batchRemoveButton",
            "Take the selected recordings out of the list",
            "Their files stay.",
        )
        self._count = QLabel()
        self._count.setObjectName("batchCountLabel")
        top = QHBoxLayout()
        for widget in (self._add_files, self._add_folder, self._remove):
            top.addWidget(widget)
        top.addStretch(1)
        top.addWidget(self._count)
        self._bar = QProgressBar()
        self._bar.setTextVisible(False)
        self._bar.setMaximumHeight(8)
        describe(self._bar, "batchProgressBar", "Progress of the batch")
        self._status = ElidedLabel()
        self._status.setObjectName("batchStatusLabel")
        self._open = _button("&Open result", "batchOpenButton", "Open the selected result")
        self._summary = _button(
            "S&ummary",
            "batchSummaryButton",
            "Show the summary",
            "Show the page over all recordings in the browser.",
        )
        self._show_folder = _button("Show fol&der", "batchShowFolderButton", "Show the folder")
        self._cancel = _button(
            "&Cancel",
            "batchCancelButton",
            "Stop the batch",
            "What is finished stays; starting again goes on from there.",
        )
        self._start = _button(
            "Sta&rt",
            "batchStartButton",
            "Correct all recordings",
            "Recordings that were corrected before, with the same settings, are left as they are.",
        )
        self._start.setDefault(True)
        bottom = QHBoxLayout()
        for widget in (self._open, self._summary, self._show_folder):
            bottom.addWidget(widget)
        bottom.addStretch(1)
        bottom.addWidget(self._cancel)
        bottom.addWidget(self._start)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(12, 12, 12, 12)
        layout.setSpacing(8)
        layout.addLayout(top)
        layout.addWidget(self._table, 1)
        layout.addWidget(self.form)
        layout.addWidget(self._notice)
        layout.addWidget(self._bar)
        layout.addWidget(self._status)
        layout.addLayout(bottom)

    def _connect(self) -> None:
        self._add_files.clicked.connect(self._on_add_files_clicked)
        self._add_folder.clicked.connect(self._on_add_folder_clicked)
        self._remove.clicked.connect(self._on_remove_requested)
        self._table.remove_requested.connect(self._on_remove_requested)
        self._table.open_requested.connect(self._on_open_requested)
        self._table.doubleClicked.connect(self._on_open_requested)
        self._table.selectionModel().selectionChanged.connect(self._refresh)
        self._open.clicked.connect(self._on_open_requested)
        self._summary.clicked.connect(self._on_summary_clicked)
        self._show_folder.clicked.connect(self._on_show_folder_clicked)
        self._start.clicked.connect(self._on_start_clicked)
        self._cancel.clicked.connect(self._on_cancel_clicked)
        self.form.edited.connect(self._on_form_edited)
        self.run.advanced.connect(self.queue.advance)
        self.run.finished_one.connect(self._on_run_finished_one)
        self.run.progressed.connect(self._on_run_progressed)
        self.run.done.connect(self._on_run_done)
        self.run.failed.connect(self._on_run_failed)
        self.run.cancelled.connect(self._on_run_cancelled)

    # ------------------------------------------------------------------ requests

    def set_session(self, session: Session | None) -> None:
        """Offer the settings of a window, and follow them."""
        self.form.set_session(session)

    def add(self, paths: Iterable[Path]) -> None:
        """Add recordings, and those of folders; a recipe gives the settings."""
        paths = list(paths)
        if self.run.running:
            self._say("caution", "A batch is running; add recordings when it is finished.")
            return
        problems = []
        found: list[Path] = []
        for path in paths:
            if path.suffix.lower() == _RECIPE:
                self.form.set_recipe_file(path)
            elif not path.is_dir() and not is_series_file(path) and not is_recording(path):
                problems.append(f"{path.name} is no recording that can be read; leave it out.")
            else:
                others = left_out([path])
                if others:
                    problems.append(_left_out_sentence(others))
                try:
                    found += find_recordings([path])
                except FlimageError as error:
                    if not others:
                        problems.append(sentence_of(error))
        self.queue.add(found)
        self.form.suggest_folder([recording.path for recording in self.queue.recordings])
        self._say("caution", " ".join(filter(None, (*problems, self.form.file_problem))))
        self._refresh()

    def start(self) -> None:
        """Correct all recordings of the queue."""
        self.form.commit()
        folder = self.form.folder
        if folder is None or not self.queue.recordings:
            return
        try:
            jobs = plan(
                [recording.path for recording in self.queue.recordings],
                folder,
                self.form.recipe,
                overwrite=self.form.overwrite,
                pages=self.form.pages,
                suitable_border=self.form.suits_frames,
            )
        except FlimageError as error:
            self._say("refused", f"✕ {sentence_of(error)}")
            return
        self._say("", "")
        self._done = None
        self.queue.begin()
        self._bar.setRange(0, 0)
        self._status.setText("Starting …")
        self.run.start(jobs, min(self.form.jobs, len(jobs)))
        self._refresh()
        self._cancel.setFocus()

    def leave(self) -> bool:
        """Close the window; ask while a batch runs, and tell whether it was closed."""
        return self.close()

    def leave_unasked(self) -> None:
        """Stop what runs, and close."""
        self.run.shut_down()
        self.close()

    # ------------------------------------------------------------------ what the run tells

    def _on_run_finished_one(self, outcome: Outcome) -> None:
        self.queue.finish(outcome)
        self._refresh()

    def _on_run_progressed(self, done: int, total: int, stage: str) -> None:
        self._bar.setRange(0, max(total, 1))
        self._bar.setValue(done)
        self._status.setText(stage)

    def _on_run_done(self, done: Done) -> None:
        self._done = done
        self._bar.setRange(0, 1)
        self._bar.setValue(1)
        self._status.setText(done.sentence)
        if done.failed:
            failures = format_count(done.failed, "recording")
            self._say(
                "caution", f"⚠ {failures} failed; the list tells why. The others are written."
            )
        elif done.doubtful:
            self._say("caution", f"⚠ {done.sentence} The list tells why.")
        else:
            self._say("good", f"✓ {done.sentence}")
        self._refresh()
        self._summary.setFocus()

    def _on_run_failed(self, error: Exception) -> None:
        self._stopped("The batch ended early.")
        self._say("refused", f"✕ {sentence_of(error)}")

    def _on_run_cancelled(self) -> None:
        recordings = self.queue.recordings
        finished = sum(recording.state.is_done for recording in recordings)
        self._stopped(
            f"Cancelled after {finished} of {format_count(len(recordings), 'recording')};"
            " starting again goes on from there."
        )

    def _stopped(self, text: str) -> None:
        self.queue.stop()
        self._bar.setRange(0, 1)
        self._bar.setValue(0)
        self._status.setText(text)
        self._refresh()
        self._start.setFocus()

    # ------------------------------------------------------------------ slots

    def _on_add_files_clicked(self) -> None:
        patterns = " ".join(f"*{suffix}" for suffix in SUFFIXES)
        chosen, _ = QFileDialog.getOpenFileNames(
            self,
            "Add recordings",
            self._last_folder(),
            f"Recordings (*.h5 *.hdf5 {patterns});;Series (*.h5 *.hdf5);;All files (*)",
        )
        self.add(Path(name) for name in chosen)

    def _on_add_folder_clicked(self) -> None:
        chosen = QFileDialog.getExistingDirectory(self, "Add a folder", self._last_folder())
        if chosen:
            self.add([Path(chosen)])

    def _last_folder(self) -> str:
        recordings = self.queue.recordings
        return str(recordings[-1].path.parent) if recordings else ""

    def _on_remove_requested(self) -> None:
        if not self.run.running:
            self.queue.remove(rows_of(self._table.selectionModel().selectedRows()))
            self._refresh()

    def _on_open_requested(self) -> None:
        for row in rows_of(self._table.selectionModel().selectedRows()):
            result = self.queue.recordings[row].result
            if result is not None:
                self.open_requested.emit(result)

    def _on_summary_clicked(self) -> None:
        if self._done is not None:
            QDesktopServices.openUrl(QUrl.fromLocalFile(str(self._done.page)))

    def _on_show_folder_clicked(self) -> None:
        folder = self.form.folder
        if folder is not None:
            QDesktopServices.openUrl(QUrl.fromLocalFile(str(folder)))

    def _on_start_clicked(self) -> None:
        self.start()

    def _on_cancel_clicked(self) -> None:
        self._status.setText("Stopping …")
        self.run.cancel()

    def _on_form_edited(self) -> None:
        problem = self.form.problem or self.form.file_problem
        if problem or self._notice.grade == "refused":
            self._say("refused" if problem else "", problem)
        self._refresh()

    def _say(self, grade: str, text: str) -> None:
        self._notice.setVisible(bool(text))
        self._notice.show_sentence(grade, text)

    def _refresh(self) -> None:
        running, recordings = self.run.running, self.queue.recordings
        selected = rows_of(self._table.selectionModel().selectedRows())
        for widget in (self._add_files, self._add_folder, self.form):
            widget.setEnabled(not running)
        self._remove.setEnabled(bool(selected) and not running)
        self._start.setEnabled(
            bool(recordings)
            and not running
            and self.form.folder is not None
            and not self.form.problem
        )
        self._cancel.setEnabled(running)
        self._open.setEnabled(any(recordings[row].result is not None for row in selected))
        self._summary.setEnabled(self._done is not None and not running)
        folder = self.form.folder
        self._show_folder.setEnabled(folder is not None and folder.is_dir())
        self._count.setText(format_count(len(recordings), "recording") if recordings else "")

    # ------------------------------------------------------------------ Qt events

    def showEvent(self, event: QShowEvent) -> None:  # noqa: N802 - Qt's name
        """Let the keyboard start at what is done first."""
        super().showEvent(event)
        if self.focusWidget() is None:
            self._add_files.setFocus()

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:  # noqa: N802 - Qt's name
        """Accept files and folders."""
        if dropped_paths(event.mimeData()) and not self.run.running:
            event.acceptProposedAction()
            self._drop_hint.appear()

    def dropEvent(self, event: QDropEvent) -> None:  # noqa: N802 - Qt's name
        """Add what was dropped."""
        paths = dropped_paths(event.mimeData())
        event.acceptProposedAction()
        # Not within the drop: the program that the files come from waits for its end.
        QTimer.singleShot(0, lambda: self.add(paths))

    def closeEvent(self, event: QCloseEvent) -> None:  # noqa: N802 - Qt's name
        """Ask while a batch runs."""
        if self.run.running and not dialogs.confirm_cancel(self, "The batch"):
            event.ignore()
            return
        self.run.shut_down()
        self.form.set_session(None)
        event.accept()
        self.closed.emit(self)


def _left_out_sentence(others: list[Path]) -> str:
    """Tell which recordings of a folder were not added, and how to add them."""
    what = format_count(len(others), "recording")
    one = len(others) == 1
    which = f"{others[0].name}" if one else f"the first is {others[0].name}"
    return (
        f"{what} in {'another format' if one else 'other formats'} ({which})"
        f" {'was' if one else 'were'} left out of the folder; Add files… takes"
        f" {'it' if one else 'them'}."
    )


def _button(text: str, name: str, spoken: str, tip: str = "") -> QPushButton:
    button = QPushButton(text)
    button.setAutoDefault(False)
    describe(button, name, spoken, tip)
    return button
