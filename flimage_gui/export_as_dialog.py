"""Write images, a movie, a table, a report or a figure for other programs: what, how, where to."""

from __future__ import annotations

import html
from pathlib import Path
from typing import TYPE_CHECKING

from PyQt5.QtCore import Qt, pyqtSignal
from PyQt5.QtWidgets import QPushButton, QWidget

from .export_kinds import KINDS, SERIES, ExportKind, split_name
from .export_options import ExportOptions
from .labels import Notice, SectionHeader, breakable, hint_label
from .session import Session
from .target_chooser import Target, TargetChooser, free_path, writable_folder
from .widgets import (
    ChoiceCombo,
    add_row,
    align_labels,
    blocked,
    describe,
    fill_combo,
    fit_height,
    make_form,
)
from .writing_dialog import WritingDialog, fit_warning

if TYPE_CHECKING:
    from flimage.export import Export

__all__ = ["ExportAsDialog"]


class ExportAsDialog(WritingDialog):
    """Asks what is written for other programs, and where to; writes it and tells about it.

    Parameters
    ----------
    session
        The open recording, its correction and its regions.
    colormap
        Colour map of the view.
    path
        Name that was typed elsewhere; its ending chooses the kind.
    parent
        Qt parent.
    """

    #: A name of a series file was typed, which the other dialog writes.
    other_requested = pyqtSignal(object)

    def __init__(
        self,
        session: Session,
        colormap: str,
        path: Path | None = None,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(
            session,
            "exportAs",
            "Export for other programs",
            TargetChooser("exportAs", Path(), session.recordings, _target_of(KINDS[0])),
            self._on_started,
            parent,
        )
        #: The name that was suggested last; one that differs is a person's own.
        self._suggested = str(Path())
        self._build(colormap)
        self._build_pages("the file", (), "")
        session.written.connect(self._on_session_written)
        self._show_kind()
        if path is not None:
            self._target.path_edit.setText(str(path))
        self._refresh()

    def _build(self, colormap: str) -> None:
        layout = self._question
        layout.addWidget(SectionHeader("What is written"))
        self._kinds = ChoiceCombo()
        fill_combo(self._kinds, [(f"{k.text} ({k.suffix})", k.format, k.sentence) for k in KINDS])
        self._kinds.setMaxVisibleItems(len(KINDS))
        describe(self._kinds, "exportAsKindCombo", "Kind", "What kind of file is written.")
        self._sentence = hint_label()
        self._sentence.setObjectName("exportAsKindLabel")
        form = make_form()
        add_row(form, "&Kind", self._kinds)
        form.addRow("", self._sentence)
        layout.addLayout(form)
        self._options = ExportOptions(self._session, colormap)
        layout.addWidget(self._options)
        self._warning = Notice()
        self._warning.setObjectName("exportAsWarning")
        layout.addWidget(self._warning)
        layout.addWidget(SectionHeader("Where to"))
        layout.addWidget(self._target)
        self._other = QPushButton("&Export corrected series…")
        self._other.setAutoDefault(False)
        describe(
            self._other,
            "exportAsOtherButton",
            "Export the corrected series",
            "Write the corrected series as a series file.",
        )
        layout.addWidget(self._other, 0, Qt.AlignmentFlag.AlignLeft)
        align_labels(form, others=[*self._options.labels, self._target.label])
        self._kinds.currentIndexChanged.connect(self._show_kind)
        self._options.changed.connect(self._on_options_changed)
        self._target.target_changed.connect(self._on_target_changed)
        self._other.clicked.connect(self._on_other_clicked)

    # ------------------------------------------------------------------ what is chosen

    @property
    def _kind(self) -> ExportKind:
        return KINDS[self._kinds.currentIndex()]

    def _show_kind(self) -> None:
        kind = self._kind
        self._sentence.setText(kind.sentence)
        self._options.show_kind(kind)
        self._suggest()
        self._refresh()
        self._fit_height()

    def _suggest(self) -> None:
        """Give the name the ending of the kind; suggest another one while nobody typed any."""
        kind, edit = self._kind, self._target.path_edit
        typed = edit.text().strip()
        if typed == self._suggested:
            source = self._session.path or Path.home() / "recording.h5"
            tag = self._options.tag
            name = f"{source.stem}_{tag}{kind.suffix}" if tag else f"{source.stem}{kind.suffix}"
            self._suggested = str(free_path(writable_folder(source.parent) / name))
            new = self._suggested
        else:
            path = Path(typed)
            stem, ending = split_name(path)
            fits = ending.lower() in kind.suffixes or not stem
            new = typed if fits else str(path.with_name(stem + kind.suffix))
        with blocked(edit):
            edit.setText(new)
        self._target.target = _target_of(kind)
        self._target.refresh()

    def _fit_height(self) -> None:
        """Be as high as what can be chosen."""
        if self.isVisible() and self._pages.currentIndex() == 0:
            fit_height(self)

    def _on_options_changed(self) -> None:
        if self._target.path_edit.text().strip() == self._suggested:
            self._suggest()
        self._refresh()
        self._fit_height()

    def _on_target_changed(self) -> None:
        # As on the command line, the ending that is typed chooses the format.
        place = self._kinds.findData(self._target.other_format)
        if place >= 0:
            self._kinds.setCurrentIndex(place)
        self._refresh()

    # ------------------------------------------------------------------ writing

    def _problem(self) -> str:
        return self._options.problem

    def _on_write_clicked(self) -> None:
        self._options.commit()
        super()._on_write_clicked()

    def _on_started(self, path: Path) -> None:
        self._session.export_as(self._options.request(path, self._target.overwrite))

    def _on_session_written(self, export: Export) -> None:
        if not self._writing:
            return
        first, *notes = (html.escape(each) for each in export.sentences)
        done, _, what = breakable(first).partition(": ")
        lines = "".join(f"<br>• {each}" for each in notes)
        grade = "caution" if export.refused else "good"
        self._show_result(export.path, grade, f"<b>✓ {done}:</b> {what}{lines}")

    def _refresh(self) -> None:
        problem = self._options.problem
        warning = fit_warning(self._session) if self._options.corrects else ""
        self._warning.setVisible(bool(problem or warning))
        if problem:
            self._warning.show_sentence("refused", problem)
        elif warning:
            self._warning.show_notice("caution", f"⚠ {warning}")
        self._other.setVisible(self._target.other_format == SERIES)
        super()._refresh()

    def _on_other_clicked(self) -> None:
        path = self._target.path
        self.reject()
        self.other_requested.emit(path)


def _target_of(kind: ExportKind) -> Target:
    return Target(kind.text, kind.name, kind.suffixes, kind.is_folder)
