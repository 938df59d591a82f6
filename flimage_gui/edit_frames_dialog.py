"""A dialog that changes time, pixel size and identifier of several frames at once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from PyQt5.QtWidgets import (
    QCheckBox,
    QDialog,
    QDialogButtonBox,
    QFormLayout,
    QLineEdit,
    QVBoxLayout,
    QWidget,
)

from flimage.edit import NUMBER
from flimage.quantities import DisplayUnit, format_count, format_quantity, parse_quantity

from .labels import Notice, hint_label
from .notify import sentence_of
from .widgets import ChoiceCombo, add_row, describe, fill_combo, grow_to_fit

if TYPE_CHECKING:
    from .editor import Editor
    from .session import Session

__all__ = ["EditFramesDialog"]

_SECOND = DisplayUnit("s", 1.0)
_MICROMETRE = DisplayUnit("µm", 1e-6)


class EditFramesDialog(QDialog):
    """Asks what is to be changed; each kind of change is one step of the history.

    Parameters
    ----------
    session
        The open recording; its selected frames are offered.
    editor
        What carries the changes out.
    parent
        Qt parent.
    """

    def __init__(self, session: Session, editor: Editor, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("editFramesDialog")
        self.setWindowTitle("Edit frames")
        self._session = session
        self._editor = editor
        self._target = ChoiceCombo()
        selection = session.selection
        targets = [("all frames", "all", f"All {session.n_frames} frames.")]
        if selection:
            words = format_count(len(selection), "selected frame")
            targets.insert(0, (words, "selection", "The frames that are selected in the table."))
        fill_combo(self._target, targets)
        describe(self._target, "editTargetCombo", "Frames to change", "Which frames are changed.")
        self._time, self._interval, self._start = _check("Equal &intervals"), _edit(), _edit()
        describe(self._time, "editTimesCheck", "Change the times", "Give the frames new times.")
        describe(
            self._interval, "editIntervalEdit", "Interval", "Time from a frame to the next: 0.5 s."
        )
        describe(self._start, "editStartEdit", "Time of the first frame", "Time of the first one.")
        self._interval.setText(self._usual_interval())
        self._start.setText("0 s")
        self._size, self._size_edit = _check("&Pixel size"), _edit()
        describe(
            self._size, "editPixelSizeCheck", "Change the pixel size", "Change the pixel size."
        )
        describe(
            self._size_edit, "editPixelSizeEdit", "Pixel size", "Such as 0.1 µm; empty removes it."
        )
        if session.pixel_size is not None:
            self._size_edit.setText(format_quantity(session.pixel_size, "m", 7))
        self._name, self._name_edit = _check("I&dentifier"), _edit()
        describe(self._name, "editIdentifierCheck", "Change the identifiers", "Name the frames.")
        describe(
            self._name_edit,
            "editIdentifierEdit",
            "Pattern of the identifiers",
            f"{NUMBER} stands for the number of the frame; empty removes the names.",
        )
        self._name_edit.setText(f"frame {NUMBER}")
        self._notice = Notice()
        self._notice.setObjectName("editFramesNotice")
        self._notice.hide()
        form = QFormLayout()
        form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        add_row(form, "&For", self._target)
        form.addRow(self._time, self._interval)
        add_row(form, "     &starting at", self._start)
        form.addRow(self._size, self._size_edit)
        form.addRow(self._name, self._name_edit)
        buttons = QDialogButtonBox(
            QDialogButtonBox.StandardButton.Ok | QDialogButtonBox.StandardButton.Cancel
        )
        self._ok = buttons.button(QDialogButtonBox.StandardButton.Ok)
        self._ok.setText("&Change")
        self._ok.setObjectName("editFramesOkButton")
        buttons.accepted.connect(self._on_accepted)
        buttons.rejected.connect(self.reject)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(18, 16, 18, 14)
        layout.setSpacing(12)
        layout.addLayout(form)
        layout.addWidget(
            hint_label(f"{NUMBER} stands for the number of a frame. Undo takes each change back.")
        )
        layout.addWidget(self._notice)
        layout.addWidget(buttons)
        for check in (self._time, self._size, self._name):
            check.toggled.connect(self._refresh)
        self.resize(420, self.sizeHint().height())
        self._refresh()

    def _usual_interval(self) -> str:
        import numpy as np

        steps = np.diff(self._session.times)
        steps = steps[np.isfinite(steps) & (steps > 0)]
        return format_quantity(float(np.median(steps)), "s", 6) if steps.size else "1 s"

    def _refresh(self) -> None:
        self._interval.setEnabled(self._time.isChecked())
        self._start.setEnabled(self._time.isChecked())
        self._size_edit.setEnabled(self._size.isChecked())
        self._name_edit.setEnabled(self._name.isChecked())
        checks = (self._time, self._size, self._name)
        self._ok.setEnabled(any(check.isChecked() for check in checks))

    def _frames(self) -> Sequence[int] | None:
        return self._session.selection if self._target.currentData() == "selection" else None

    def _on_accepted(self) -> None:
        """Carry out what was asked for; stay open where something is refused."""
        self._notice.hide()
        self._session.failed.connect(self._on_session_failed)
        try:
            if self._apply():
                self.accept()
        finally:
            self._session.failed.disconnect(self._on_session_failed)

    def _apply(self) -> bool:
        frames = self._frames()
        if self._time.isChecked():
            interval = self._number(self._interval, "s", _SECOND, "interval")
            start = self._number(self._start, "s", _SECOND, "time of the first frame")
            if interval is None or start is None:
                return False
            if not self._editor.set_interval(frames, interval, start):
                return False
            self._time.setChecked(False)
        if self._size.isChecked():
            size = None
            if self._size_edit.text().strip():
                size = self._number(self._size_edit, "m", _MICROMETRE, "pixel size")
                if size is None:
                    return False
            if not self._editor.set_value(frames, "pixel size", size):
                return False
            self._size.setChecked(False)
        if self._name.isChecked():
            text = self._name_edit.text().strip() or None
            return self._editor.set_value(frames, "identifier", text)
        return True

    def _number(self, edit: QLineEdit, unit: str, typed: DisplayUnit, what: str) -> float | None:
        value = parse_quantity(edit.text(), unit, typed)
        if value is None:
            self._complain(f"The {what} “{edit.text()}” is no number; enter one such as 0.5.")
            edit.setFocus()
        return value

    def _on_session_failed(self, error: Exception) -> None:
        self._complain(sentence_of(error))

    def _complain(self, sentence: str) -> None:
        self._notice.show_sentence("refused", sentence)
        self._notice.show()
        grow_to_fit(self)


def _check(text: str) -> QCheckBox:
    return QCheckBox(text)


def _edit() -> QLineEdit:
    return QLineEdit()
