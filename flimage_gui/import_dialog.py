"""Ask what a foreign recording does not state before it is converted into a series."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from PyQt5.QtCore import Qt
from PyQt5.QtGui import QImage, QPixmap, QShowEvent
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

from flimage.quantities import DisplayUnit, format_count, format_duration, format_quantity

from .labels import ElidedLabel, Notice, SectionHeader, hint_label
from .spin_boxes import QuantitySpin
from .target_chooser import TargetChooser, free_path, writable_folder
from .widgets import add_row, align_labels, describe, grow_to_fit, make_form

__all__ = ["ImportDialog", "RecordingFacts"]

_PREVIEW = 132
#: Longest list of remarks that is shown.
_MOST_NOTES = 6


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
    accepted.

    Parameters
    ----------
    recording
        An open recording; the dialog keeps nothing of it.
    preview
        First frame `(y, x)` to show, if it was read already.
    parent
        Qt parent.
    """

    def __init__(
        self,
        recording: RecordingFacts,
        preview: np.ndarray | None = None,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.setObjectName("importDialog")
        self.setWindowTitle("Open a recording in another format")
        self._needs_interval = recording.times is None and recording.n_frames > 1
        self._build_answers(recording)
        path = Path(recording.path)
        folder = writable_folder(path.parent)
        self._target = TargetChooser(
            "import", free_path(folder / f"{_stem(path)}.h5"), sources=(path,)
        )
        layout = QVBoxLayout(self)
        layout.setSpacing(10)
        layout.addWidget(
            hint_label(
                "The recording is copied into a series file, in which times, backgrounds and the"
                " correction can be kept. The original stays as it is."
            )
        )
        layout.addLayout(self._make_facts(recording, preview))
        notes = _remarks(recording.notes)
        if notes:
            layout.addWidget(notes)
        form = make_form()
        if recording.n_frames > 1:
            add_row(form, "&Time between frames", self._interval, self._interval.spin)
        add_row(form, "&Pixel size", self._pixel_size, self._pixel_size.spin)
        align_labels(form, others=[self._target.label])
        layout.addLayout(form)
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
        self._interval.spin.value_edited.connect(self._refresh)
        self._interval.spin.lineEdit().textEdited.connect(self._refresh)
        self._pixel_size.spin.value_edited.connect(self._refresh)
        self._refresh()
        if self._needs_interval:
            self._interval.spin.setFocus()

    # ------------------------------------------------------------------ answers

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
        self._interval = _Answer(interval, _stated_times(recording), "importIntervalChangeButton")
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
            picture.setPixmap(_thumbnail(preview, _PREVIEW, self.devicePixelRatioF()))
            picture.setAlignment(Qt.AlignmentFlag.AlignTop)
            line.addWidget(picture)
        facts = QFormLayout()
        facts.setVerticalSpacing(4)
        height, width = recording.shape
        name = ElidedLabel(Path(recording.path).name)
        name.setObjectName("importFileLabel")
        facts.addRow("File", name)
        facts.addRow("Format", QLabel(recording.kind or "unknown"))
        size = QLabel(
            f"{format_count(recording.n_frames, 'frame')} of {width} × {height} pixels,"
            f" {_value_kind(recording.dtype)}"
        )
        size.setObjectName("importSizeLabel")
        facts.addRow("Images", size)
        column = QVBoxLayout()
        column.addWidget(SectionHeader("Found in the file"))
        column.addLayout(facts)
        column.addStretch(1)
        line.addLayout(column, 1)
        return line

    def _refresh(self) -> None:
        missing = self._needs_interval and self._interval.value is None
        self._notice.setVisible(missing)
        if missing:
            self._notice.show_notice(
                "caution",
                "The file does not state when its frames were taken: enter the <b>time between"
                " frames</b>.",
            )
        self._convert.setEnabled(not missing and self._target.usable)
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


def _stem(path: Path) -> str:
    return path.name.removesuffix(path.suffix).removesuffix(".ome")


def _value_kind(dtype: np.dtype[Any]) -> str:
    """Say what kind of numbers pixels are."""
    bits = 8 * dtype.itemsize
    return {"u": f"{bits}-bit", "i": f"{bits}-bit (signed)"}.get(
        dtype.kind, f"{bits}-bit floating point"
    )


def _stated_times(recording: RecordingFacts) -> str:
    """Describe the times that the file states; empty when there are none."""
    times = recording.times
    if times is None or recording.n_frames < 2:
        return ""
    steps = np.diff(times)
    span = format_duration(float(times[-1] - times[0]))
    median = float(np.median(steps))
    if np.allclose(steps, median, rtol=1e-3, atol=0):
        return f"every {format_duration(median)}, {span} in all"
    return (
        f"irregular, {format_duration(float(steps.min()))} to"
        f" {format_duration(float(steps.max()))}, {span} in all"
    )


def _remarks(notes: Sequence[str]) -> QLabel | None:
    """Build a label with the notes of the reader."""
    if not notes:
        return None
    shown = [*notes[:_MOST_NOTES]]
    if len(notes) > _MOST_NOTES:
        shown.append(f"… and {len(notes) - _MOST_NOTES} more")
    label = hint_label("\n".join(f"• {note}" for note in shown))
    label.setTextFormat(Qt.TextFormat.PlainText)
    label.setObjectName("importNotesLabel")
    return label


def _thumbnail(image: np.ndarray, size: int, ratio: float) -> QPixmap:
    """Make a small grey picture of an image, stretched between its percentiles."""
    values = np.asarray(image, dtype=np.float32)
    finite = values[np.isfinite(values)]
    low, high = (float(v) for v in np.percentile(finite, (0.5, 99.5))) if finite.size else (0, 1)
    scaled = (np.nan_to_num(values, nan=low) - low) / ((high - low) or 1.0)
    grey = np.ascontiguousarray((np.clip(scaled, 0, 1) * 255).astype(np.uint8))
    height, width = grey.shape
    picture = QImage(grey.tobytes(), width, height, width, QImage.Format.Format_Grayscale8)
    pixmap = QPixmap.fromImage(picture).scaled(
        int(size * ratio),
        int(size * ratio),
        Qt.AspectRatioMode.KeepAspectRatio,
        Qt.TransformationMode.SmoothTransformation,
    )
    pixmap.setDevicePixelRatio(ratio)
    return pixmap
