"""Background images: from where they are taken, and which frames get or lose one."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

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

from flimage.quantities import format_count

from .facts_feed import FactsFeed
from .labels import SectionHeader, hint_label
from .session import Change, Session
from .spin_boxes import NumberSpin
from .widgets import ChoiceCombo, add_row, blocked, describe, fill_combo, make_form

if TYPE_CHECKING:
    from .frame_facts import FrameFacts

__all__ = ["BackgroundImages"]

FILE_FILTER = (
    "Images (*.h5 *.hdf5 *.tif *.tiff *.npy *.npz *.nd2);;flimage files (*.h5 *.hdf5);;"
    "TIFF images (*.tif *.tiff);;All files (*)"
)

#: What the boxes hold until a frame is chosen.
_UNCHOSEN = -1

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


class BackgroundImages(QWidget):
    """Shows which frames have a background image, and asks for others.

    Parameters
    ----------
    session
        The open recording.
    parent
        Qt parent.
    """

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("backgroundImages")
        self._session = session
        self._facts: FrameFacts | None = None
        self._hint = hint_label()
        self._hint.setObjectName("backgroundImageHint")
        #: Its rows, so that their labels can be as wide as those of others.
        self.form = make_form()
        self._add_image(self.form)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(6)
        layout.addWidget(SectionHeader("Background image"))
        layout.addLayout(self.form)
        layout.addWidget(self._hint)
        self._feed = FactsFeed(session, self)
        self._origin.currentIndexChanged.connect(self._refresh)
        self._frame.valueChanged.connect(self._refresh)
        self._last.valueChanged.connect(self._refresh)
        self._target.currentIndexChanged.connect(self._refresh)
        self._assign.clicked.connect(self._on_assign_clicked)
        self._clear.clicked.connect(self._on_clear_clicked)
        self._feed.ready.connect(self._on_feed_ready)
        session.changed.connect(self._on_session_changed)
        self._refresh()

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
        for spin in (self._frame, self._last):
            # No frame is background because nobody said which one is.
            spin.setRange(_UNCHOSEN, _UNCHOSEN)
            spin.setSpecialValueText("–")
        add_row(form, "Ta&ke", self._origin)
        self._frames = QWidget()
        row = QHBoxLayout(self._frames)
        row.setContentsMargins(0, 0, 0, 0)
        self._from, self._to = QLabel("from"), QLabel("to")
        for widget in (self._from, self._frame, self._to, self._last):
            row.addWidget(widget, int(isinstance(widget, NumberSpin)))
        add_row(form, "Fram&es", self._frames, self._frame)
        add_row(form, "&For", self._target)
        buttons = QHBoxLayout()
        buttons.addWidget(self._assign, 1)
        buttons.addWidget(self._clear, 1)
        form.addRow("", buttons)

    def showEvent(self, event: QShowEvent) -> None:  # noqa: N802 - Qt's name
        """Ask for what was not asked for while nobody could see it."""
        super().showEvent(event)
        self._feed.ask()

    # ------------------------------------------------------------------ showing the session

    def _on_session_changed(self, change: Change) -> None:
        shown = Change.RECORDING | Change.BACKGROUND | Change.FRAME | Change.JOB | Change.SELECTION
        if change & Change.RECORDING:
            with blocked(self._frame, self._last):
                self._frame.setValue(_UNCHOSEN)
                self._last.setValue(_UNCHOSEN)
        if change & shown:
            self._refresh()
        if change & (Change.RECORDING | Change.BACKGROUND):
            self._facts = None

    def _on_feed_ready(self, facts: FrameFacts) -> None:
        self._facts = facts
        self._hint.setText(self._describe_images())

    def _refresh(self) -> None:
        session = self._session
        is_open = session.source is not None
        if is_open:
            with blocked(self._frame, self._last):
                for spin in (self._frame, self._last):
                    spin.setRange(_UNCHOSEN, max(0, session.n_frames - 1))
        idle = is_open and not session.busy
        for control in (self._origin, self._frame, self._last, self._target):
            control.setEnabled(idle)
        chosen = self._target.currentData() != "selection" or bool(session.selection)
        self._assign.setEnabled(idle and chosen and not self._misses_frame())
        self._clear.setEnabled(idle and chosen)
        self._show_origin()
        self._hint.setText(self._describe_images() if is_open else "")

    def _describe_images(self) -> str:
        """Say what is known of the frame on display, and what was changed."""
        source = self._session.source
        assert source is not None
        parts = []
        if self._target.currentData() == "selection" and not self._session.selection:
            parts.append("No frame is selected: choose some in the frame table.")
        if self._misses_frame():
            parts.append("Say which frames of this series show only background.")
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

    def _misses_frame(self) -> bool:
        """Whether it was not said which frames of the series are background."""
        origin = self._origin.currentData()
        needed = {"frame": (self._frame,), "range": (self._frame, self._last)}.get(origin, ())
        return any(spin.value() == _UNCHOSEN for spin in needed)

    def _show_origin(self) -> None:
        origin = self._origin.currentData()
        label = self.form.labelForField(self._frames)
        for widget in (label, self._frames):
            widget.setVisible(origin in ("frame", "range"))
        for widget in (self._from, self._to, self._last):
            widget.setVisible(origin == "range")
        self._assign.setText("&Assign…" if origin == "file" else "&Assign")

    # ------------------------------------------------------------------ requests

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
