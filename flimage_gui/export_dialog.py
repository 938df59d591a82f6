"""Write the corrected series: where to, what, how far it is, and what to do with it then."""

from __future__ import annotations

import html
from pathlib import Path

from PyQt5.QtCore import Qt, pyqtSignal
from PyQt5.QtWidgets import QPushButton, QWidget

from flimage.quantities import format_count, format_number

from .export_kinds import SERIES
from .labels import Notice, SectionHeader, WrappedLabel
from .model_names import model_text
from .session import Session
from .target_chooser import TargetChooser, free_path, writable_folder
from .widgets import ChoiceCombo, add_row, align_labels, describe, fill_combo, make_form
from .writing_dialog import WritingDialog, fit_warning

__all__ = ["ExportDialog"]

_COMPRESSIONS = (
    ("Balanced", "balanced", "A good size at a good speed."),
    ("Fast", "fast", "Written sooner, somewhat larger."),
    ("Small", "small", "As small as it gets, written later."),
)


class ExportDialog(WritingDialog):
    """Asks where the corrected series goes, writes it, and offers to open it.

    Parameters
    ----------
    session
        The open recording and its correction.
    path
        Name that was typed elsewhere.
    parent
        Qt parent.
    """

    #: The person wants to open the series that was written.
    open_requested = pyqtSignal(object)
    #: A name of another format was typed, which the other dialog writes.
    other_requested = pyqtSignal(object)

    def __init__(
        self, session: Session, path: Path | None = None, parent: QWidget | None = None
    ) -> None:
        suggestion = path or _suggestion(session.path)
        super().__init__(
            session,
            "export",
            "Export corrected series",
            TargetChooser("export", suggestion, session.recordings),
            self._on_started,
            parent,
        )
        self._build()
        self._open = QPushButton("&Open it")
        describe(
            self._open,
            "exportOpenButton",
            "Open the corrected series",
            "Open it in a window of its own, beside the recording.",
        )
        self._build_pages(
            "the corrected series",
            (self._open,),
            "Settings, fit and gains are kept in the file, so that the correction can be checked"
            " and taken back.",
        )
        self._open.clicked.connect(self._on_open_clicked)
        session.exported.connect(self._on_session_exported)
        self._refresh()

    def _build(self) -> None:
        layout = self._question
        layout.addWidget(SectionHeader("What is written"))
        self._summary = WrappedLabel()
        self._summary.setObjectName("exportSummaryLabel")
        self._summary.setTextFormat(Qt.TextFormat.RichText)
        layout.addWidget(self._summary)
        self._warning = Notice()
        self._warning.setObjectName("exportWarning")
        layout.addWidget(self._warning)
        layout.addWidget(SectionHeader("Where to"))
        self._other = QPushButton("Export for other &programs…")
        self._other.setAutoDefault(False)
        describe(
            self._other,
            "exportOtherButton",
            "Export for other programs",
            "Write images, movies, tables and figures instead of a series.",
        )
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
        layout.addWidget(self._other, 0, Qt.AlignmentFlag.AlignLeft)
        layout.addLayout(form)
        self._target.target_changed.connect(self._refresh)
        self._other.clicked.connect(self._on_other_clicked)

    # ------------------------------------------------------------------ writing

    def _on_started(self, path: Path) -> None:
        self._session.export(
            path,
            overwrite=self._target.overwrite,
            compression=self._compression.currentData(),
        )

    def _on_session_exported(self, path: Path) -> None:
        if not self._writing:
            return
        path = Path(path)
        frames = format_count(self._session.n_frames, "frame")
        name, folder = (html.escape(str(p)) for p in (path.name, path.absolute().parent))
        self._show_result(path, "good", f"<b>✓ Written:</b> {frames} to <b>{name}</b><br>{folder}")

    def _refresh(self) -> None:
        self._summary.setText(_summary(self._session))
        warning = fit_warning(self._session)
        self._warning.setVisible(bool(warning))
        if warning:
            self._warning.show_notice("caution", f"⚠ {warning}")
        self._other.setVisible(self._target.other_format not in ("", SERIES))
        super()._refresh()

    def _on_open_clicked(self) -> None:
        assert self._written is not None
        path = self._written
        self.accept()
        self.open_requested.emit(path)

    def _on_other_clicked(self) -> None:
        path = self._target.path
        self.reject()
        self.other_requested.emit(path)


def _suggestion(source: Path | None) -> Path:
    if source is None:
        return Path.home() / "corrected.h5"
    return free_path(writable_folder(source.parent) / f"{source.stem}_corrected.h5")


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
