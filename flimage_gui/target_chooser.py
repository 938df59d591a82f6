"""Choosing the file to write: path, browse button, and the question before replacing one."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from PyQt5.QtCore import pyqtSignal
from PyQt5.QtWidgets import (
    QCheckBox,
    QFileDialog,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from .labels import Notice
from .widgets import describe

__all__ = ["TargetChooser", "free_path"]

_FILTER = "Series files (*.h5 *.hdf5);;All files (*)"
_SUFFIXES = (".h5", ".hdf5", ".hdf")


def free_path(path: Path) -> Path:
    """Find a name like `path` that no file has yet: ``cells.h5``, ``cells_2.h5`` and so on."""
    candidate, number = path, 2
    while candidate.exists():
        candidate = path.with_name(f"{path.stem}_{number}{path.suffix}")
        number += 1
    return candidate


def writable_folder(folder: Path) -> Path:
    """Return `folder` where files can be made in it, and the home folder elsewhere."""
    if folder.is_dir() and os.access(folder, os.W_OK | os.X_OK):
        return folder
    return Path.home()


class TargetChooser(QWidget):
    """A path that is about to be written, with its label.

    Parameters
    ----------
    prefix
        Start of the object names of its controls: ``<prefix>PathEdit``, ``<prefix>BrowseButton``,
        ``<prefix>OverwriteCheck``, ``<prefix>PathNotice``.
    path
        Suggestion.
    sources
        Files that must not be written to.
    parent
        Qt parent.
    """

    #: The path, or the permission to replace a file, has changed.
    target_changed = pyqtSignal()

    def __init__(
        self,
        prefix: str,
        path: Path,
        sources: Sequence[Path] = (),
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._sources = tuple(sources)
        self.path_edit = QLineEdit(str(path))
        self.path_edit.setMinimumWidth(300)
        describe(
            self.path_edit,
            f"{prefix}PathEdit",
            "File to write",
            "The new file. It appears once everything is written; if anything goes wrong, nothing"
            " of it is left behind.",
        )
        browse = QPushButton("&Browse…")
        browse.setAutoDefault(False)
        describe(
            browse, f"{prefix}BrowseButton", "Choose the file to write", "Choose folder and name."
        )
        self.overwrite_check = QCheckBox("&Replace the existing file")
        describe(
            self.overwrite_check,
            f"{prefix}OverwriteCheck",
            "Replace the existing file",
            "The old file is kept until the new one is complete.",
        )
        self._notice = Notice()
        self._notice.setObjectName(f"{prefix}PathNotice")
        #: Stands before the path; give it the width of the other labels of a form.
        self.label = QLabel("&Write to")
        self.label.setBuddy(self.path_edit)
        line = QHBoxLayout()
        line.setSpacing(8)
        line.addWidget(self.label)
        line.addWidget(self.path_edit, 1)
        line.addWidget(browse)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(6)
        layout.addLayout(line)
        layout.addWidget(self._notice)
        layout.addWidget(self.overwrite_check)
        self.setFocusProxy(self.path_edit)
        self.path_edit.textChanged.connect(self._on_path_edited)
        self.overwrite_check.toggled.connect(self._on_overwrite_toggled)
        browse.clicked.connect(self._on_browse_clicked)
        self._refresh()

    @property
    def path(self) -> Path | None:
        """The chosen file, with an ending; None where nothing is written in the box."""
        text = self.path_edit.text().strip()
        if not text:
            return None
        path = Path(text).expanduser()
        if path.suffix.lower() not in _SUFFIXES and not path.is_dir():
            path = path.with_name(path.name + ".h5")
        return path

    @property
    def overwrite(self) -> bool:
        """Whether an existing file may be replaced."""
        path = self.path
        return path is not None and path.is_file() and self.overwrite_check.isChecked()

    @property
    def usable(self) -> bool:
        """Whether the file can be written as chosen."""
        return not self.problem() and (not self._exists() or self.overwrite_check.isChecked())

    def problem(self) -> str:
        """Return what has to be changed in the path, in one sentence; empty if nothing."""
        path = self.path
        if path is None:
            return "Enter the name of the file to write."
        if path.is_dir():
            return f"“{path}” is a folder; add the name of a file."
        if not path.parent.is_dir():
            return f"There is no folder “{path.parent}”; choose another one or create it first."
        if not os.access(path.parent, os.W_OK):
            return f"The folder “{path.parent}” cannot be written to; choose another one."
        if any(_same(path, source) for source in self._sources):
            return (
                "This is the recording that is being read, which is never written to; choose"
                " another name."
            )
        return ""

    def _exists(self) -> bool:
        path = self.path
        return path is not None and path.is_file()

    def _on_path_edited(self) -> None:
        # Permission to replace one file is none to replace another.
        self.overwrite_check.setChecked(False)
        self._refresh()
        self.target_changed.emit()

    def _on_overwrite_toggled(self) -> None:
        self._refresh()
        self.target_changed.emit()

    def _on_browse_clicked(self) -> None:
        chosen, _ = QFileDialog.getSaveFileName(
            self,
            "Choose the file to write",
            self.path_edit.text(),
            _FILTER,
            # The question is asked in the dialog itself, once.
            options=QFileDialog.Option.DontConfirmOverwrite,
        )
        if chosen:
            self.path_edit.setText(chosen)

    def _refresh(self) -> None:
        problem = self.problem()
        exists = not problem and self._exists()
        self.overwrite_check.setVisible(exists)
        path = self.path
        if problem:
            grade = "caution" if path is None else "refused"
            self._notice.show_notice(grade, problem)
        elif exists and path is not None:
            self._notice.show_notice("caution", f"“{path.name}” exists already.")
        self._notice.setVisible(bool(problem) or exists)


def _same(one: Path, other: Path) -> bool:
    try:
        return one.samefile(other)
    except OSError:
        return one.absolute() == other.absolute()
