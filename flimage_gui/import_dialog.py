"""Ask what a foreign recording does not state before it is converted into a series."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from PyQt5.QtCore import Qt, pyqtSignal
from PyQt5.QtGui import QShowEvent
from PyQt5.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from flimage.quantities import DisplayUnit, format_count, format_quantity

from .import_choices import ImportChoices
from .import_facts import remarks, stated_times, stem, thumbnail, value_kind
from .labels import ElidedLabel, Notice, SectionHeader, hint_label
from .notify import sentence_of
from .spin_boxes import QuantitySpin
from .target_chooser import TargetChooser, free_path, writable_folder
from .widgets import add_row, align_labels, describe, grow_to_fit, make_form

if TYPE_CHECKING:
    from flimage.choosing import Explored
    from flimage.selecting import Selection

__all__ = ["ImportDialog", "RecordingFacts"]

_PREVIEW = 132


class RecordingFacts(Protocol):
    """What the dialog reads of a :class:`flimage.readers.Recording`; no pixel is read."""

    path: Path
    n_frames: int
    shape: tuple[int, int]
    dtype: np.dtype[Any]
    times: np.ndarray | None
    pixel_size: float | None

    @property
    def kind(self) -> str:
        """Name of the format."""

    @property
    def notes(self) -> Sequence[str]:
        """Where each value came from."""


class _Answer(QWidget):
    """A value that the file states, or a box to enter it; a button changes from one to other."""

    def __init__(self, spin: QuantitySpin, stated: str, change_name: str) -> None:
        super().__init__()
        self.spin = spin
        self._stack = QStackedWidget()
        self._stack.addWidget(spin)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._stack, 1)
        self._change = QPushButton("Change")
        describe(
            self._change,
            change_name,
            "Enter another value",
            "Use another value than the one in the file.",
        )
        self._change.setCheckable(True)
        self._change.setAutoDefault(False)
        layout.addWidget(self._change)
        if stated:
            self._stack.insertWidget(0, QLabel(stated))
            self._stack.setCurrentIndex(0)
            self._change.toggled.connect(self._on_change_toggled)
        else:
            self._change.hide()
        self.setFocusProxy(spin)

    @property
    def asks(self) -> bool:
        """Whether the box to enter a value is shown."""
        return self._stack.currentWidget() is self.spin

    @property
    def value(self) -> float | None:
        """What was entered, in SI; None to take what the file states, or nothing."""
        # The box takes over what is typed only when it is left; the answer does not wait for that.
        value = self.spin.valueFromText(self.spin.lineEdit().text())
        return value if self.asks and 0 < value <= self.spin.maximum() else None

    def enter(self, value: float) -> None:
        """Enter a value [SI] in place of what the file states."""
        if self._change.isVisibleTo(self):
            self._change.setChecked(True)
        self.spin.setValue(value)

    def _on_change_toggled(self, changed: bool) -> None:
        self._stack.setCurrentIndex(1 if changed else 0)
        self._change.setText("Use the file's" if changed else "Change")
        if changed:
            self.spin.setFocus()
            self.spin.selectAll()
        self.spin.value_edited.emit(self.spin.value())


class ImportDialog(QDialog):
    """Shows what was found in a recording, and asks for what was not.

    Read :attr:`interval`, :attr:`pixel_size`, :attr:`target` and :attr:`overwrite` after it was
    accepted, and :attr:`key` and :attr:`selection` where the file holds several recordings.

    Parameters
    ----------
    recording
        An open recording; the dialog keeps nothing of it.
    preview
        First frame `(y, x)` to show, if it was read already.
    parent
        Qt parent.
    explored
        What can be chosen in the file.
    """

    #: Another recording of the same file was chosen; show it with :meth:`show_recording`.
    choice_changed = pyqtSignal()

    def __init__(
        self,
        recording: RecordingFacts,
        preview: np.ndarray | None = None,
        parent: QWidget | None = None,
        explored: Explored | None = None,
    ) -> None:
        super().__init__(parent)
        self.setObjectName("importDialog")
        self.setWindowTitle("Open a recording in another format")
        path = Path(recording.path)
        folder = writable_folder(path.parent)
        self._target = TargetChooser(
            "import", free_path(folder / f"{stem(path)}.h5"), sources=(path,)
        )
        layout = QVBoxLayout(self)
        layout.setSpacing(10)
        layout.addWidget(
            hint_label(
                "The recording is copied into a series file, in which times, backgrounds and the"
                " correction can be kept. The original stays as it is."
            )
        )
        self._choices = ImportChoices()
        self._choices.changed.connect(self._on_choices_changed)
        layout.addWidget(self._choices)
        self._page = QWidget()
        layout.addWidget(self._page)
        layout.addWidget(self._target)
        self._notice = Notice()
        self._notice.setObjectName("importNotice")
        layout.addWidget(self._notice)
        layout.addStretch(1)
        self._buttons = QDialogButtonBox()
        self._convert = self._buttons.addButton(
            "&Convert and open", QDialogButtonBox.ButtonRole.AcceptRole
        )
        describe(
            self._convert,
            "importConvertButton",
            "Convert and open",
            "Write the series file and open it.",
        )
        cancel = self._buttons.addButton(QDialogButtonBox.StandardButton.Cancel)
        describe(cancel, "importCancelButton", "Cancel", "Open nothing and write nothing.")
        self._convert.setDefault(True)
        self._buttons.accepted.connect(self.accept)
        self._buttons.rejected.connect(self.reject)
        layout.addWidget(self._buttons)
        self._target.target_changed.connect(self._refresh)
        self._waiting = False
        self._problem = ""
        self._show(recording, preview, explored)
        if self._needs_interval:
            self._interval.spin.setFocus()

    # ------------------------------------------------------------------ what is shown

    def show_recording(
        self, recording: RecordingFacts, preview: np.ndarray | None, explored: Explored | None
    ) -> None:
        """Show what else was chosen of the same file; what was entered stays."""
        entered = {
            answer.spin.objectName(): answer.value
            for answer in (self._interval, self._pixel_size)
            if answer.value is not None
        }
        self._show(recording, preview, explored)
        for answer in (self._interval, self._pixel_size):
            value = entered.get(answer.spin.objectName())
            if value is not None:
                answer.enter(value)
        self._refresh()

    def show_error(self, error: Exception) -> None:
        """Say why what was chosen cannot be opened."""
        self._waiting, self._problem = False, sentence_of(error)
        self._refresh()

    def _show(
        self, recording: RecordingFacts, preview: np.ndarray | None, explored: Explored | None
    ) -> None:
        self._waiting, self._problem = False, ""
        self._needs_interval = recording.times is None and recording.n_frames > 1
        self._choices.show_explored(explored)
        self._build_answers(recording)
        page = QWidget()
        column = QVBoxLayout(page)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(10)
        column.addLayout(self._make_facts(recording, preview))
        notes = remarks(recording.notes)
        if notes:
            column.addWidget(notes)
        form = make_form()
        if recording.n_frames > 1:
            add_row(form, "&Time between frames", self._interval, self._interval.spin)
        add_row(form, "&Pixel size", self._pixel_size, self._pixel_size.spin)
        align_labels(form, others=[self._target.label])
        column.addLayout(form)
        before, self._page = self._page, page
        layout = self.layout()
        assert layout is not None
        layout.replaceWidget(before, page)
        before.hide()
        before.setParent(None)
        before.deleteLater()
        for answer in (self._interval, self._pixel_size):
            answer.spin.value_edited.connect(self._refresh)
            answer.spin.lineEdit().textEdited.connect(self._refresh)
        self._refresh()

    def _on_choices_changed(self) -> None:
        self._waiting, self._problem = True, ""
        self._refresh()
        self.choice_changed.emit()

    # ------------------------------------------------------------------ answers

    @property
    def key(self) -> str | None:
        """Dataset or array of the file that was chosen; None where there is one only."""
        return self._choices.key

    @property
    def selection(self) -> Selection:
        """Channel, depth and position that were chosen."""
        return self._choices.selection

    @property
    def interval(self) -> float | None:
        """Time between frames [s]; None to take the times of the file."""
        return self._interval.value

    @property
    def pixel_size(self) -> float | None:
        """Pixel size [m]; None to take what the file states, or none."""
        return self._pixel_size.value

    @property
    def target(self) -> Path | None:
        """The series file to write."""
        return self._target.path

    @property
    def overwrite(self) -> bool:
        """Whether the person agreed to replace an existing file."""
        return self._target.overwrite

    # ------------------------------------------------------------------ construction

    def _build_answers(self, recording: RecordingFacts) -> None:
        interval = QuantitySpin("s", DisplayUnit("s", 1.0))
        describe(
            interval,
            "importIntervalSpin",
            "Time between frames",
            "Time from one frame to the next, for instance <b>200 ms</b>, <b>1.5 s</b> or"
            " <b>2 min</b>. Without it the rate of bleaching has no unit.",
        )
        self._interval = _Answer(interval, stated_times(recording), "importIntervalChangeButton")
        pixel = QuantitySpin("m", DisplayUnit("µm", 1e-6))
        pixel.setMaximum(1e-2)
        describe(
            pixel,
            "importPixelSizeSpin",
            "Pixel size",
            "Width of one pixel in the specimen, for instance <b>108 nm</b> or <b>0.65 µm</b>."
            " It is needed for scale bars only and can be left empty.",
        )
        stated = format_quantity(recording.pixel_size, "m") if recording.pixel_size else ""
        self._pixel_size = _Answer(pixel, stated, "importPixelSizeChangeButton")
        for answer, value in ((self._interval, None), (self._pixel_size, recording.pixel_size)):
            answer.spin.setValue(value or 0.0)
        steps = np.diff(recording.times) if recording.times is not None else np.empty(0)
        if steps.size and np.median(steps) > 0:
            interval.setValue(float(np.median(steps)))

    def _make_facts(self, recording: RecordingFacts, preview: np.ndarray | None) -> QHBoxLayout:
        line = QHBoxLayout()
        line.setSpacing(12)
        if preview is not None:
            picture = QLabel()
            picture.setObjectName("importPreview")
            picture.setAccessibleName("First frame")
            picture.setPixmap(thumbnail(preview, _PREVIEW, self.devicePixelRatioF()))
            picture.setAlignment(Qt.AlignmentFlag.AlignTop)
            line.addWidget(picture)
        facts = QFormLayout()
        facts.setVerticalSpacing(4)
        height, width = recording.shape
        name = ElidedLabel(Path(recording.path).name)
        name.setObjectName("importFileLabel")
        facts.addRow("Folder" if Path(recording.path).is_dir() else "File", name)
        facts.addRow("Format", QLabel(recording.kind or "unknown"))
        size = QLabel(
            f"{format_count(recording.n_frames, 'frame')} of {width} × {height} pixels,"
            f" {value_kind(recording.dtype)}"
        )
        size.setObjectName("importSizeLabel")
        facts.addRow("Images", size)
        column = QVBoxLayout()
        place = Path(recording.path)
        header = SectionHeader(f"Found in the {'folder' if place.is_dir() else 'file'}")
        header.setObjectName("importFoundHeader")
        column.addWidget(header)
        column.addLayout(facts)
        column.addStretch(1)
        line.addLayout(column, 1)
        return line

    def _refresh(self) -> None:
        missing = self._needs_interval and self._interval.value is None
        self._notice.setVisible(missing or bool(self._problem))
        if self._problem:
            self._notice.show_sentence("refused", f"✕ {self._problem}")
        elif missing:
            self._notice.show_notice(
                "caution",
                "The file does not state when its frames were taken: enter the <b>time between"
                " frames</b>.",
            )
        self._convert.setEnabled(
            not missing and not self._waiting and not self._problem and self._target.usable
        )
        if self.isVisible():
            grow_to_fit(self)

    def showEvent(self, event: QShowEvent) -> None:  # noqa: N802 - Qt's name
        """Start high enough for all texts."""
        super().showEvent(event)
        grow_to_fit(self)

    def accept(self) -> None:
        """Take over what is still being typed, then close."""
        for answer in (self._interval, self._pixel_size):
            answer.spin.interpretText()
        self._refresh()
        if self._convert.isEnabled():
            super().accept()
