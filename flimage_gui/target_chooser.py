"""Choosing the file to write: path, browse button, and the question before replacing one."""

from __future__ import annotations

import errno
import os
from collections.abc import Sequence
from dataclasses import dataclass
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

from flimage.output import holds

from .export_kinds import SERIES_SUFFIXES, format_in, name_of, split_name
from .labels import Notice
from .widgets import describe

__all__ = ["SERIES_TARGET", "Target", "TargetChooser", "free_path", "writable_folder"]

#: Longest name that file systems allow [bytes], and what is left of it for a number.
_LONGEST, _NUMBER = 255, 6


@dataclass(frozen=True)
class Target:
    """What kind of file a name stands for.

    Parameters
    ----------
    text
        What such files are called in a file dialog.
    name
        What one of them is called in a sentence.
    suffixes
        Endings that the name may have; one without any gets the first.
    is_folder
        Whether it is a folder.
    """

    text: str
    name: str
    suffixes: tuple[str, ...]
    is_folder: bool = False

    @property
    def word(self) -> str:
        """``"folder"`` or ``"file"``."""
        return "folder" if self.is_folder else "file"


SERIES_TARGET = Target("Series files", "a series file", SERIES_SUFFIXES)


def free_path(path: Path) -> Path:
    """Find a name like `path` that no file has yet: ``cells.h5``, ``cells_2.h5`` and so on."""
    stem, suffix = split_name(path)
    room = _LONGEST - _NUMBER - len(os.fsencode(suffix))
    if len(os.fsencode(stem)) > room:
        # What was cut in the middle of a character is left out.
        stem = os.fsencode(stem)[:room].decode("utf-8", "ignore")
        path = path.with_name(stem + suffix)
    candidate, number = path, 2
    while os.path.lexists(candidate):
        candidate = path.with_name(f"{stem}_{number}{suffix}")
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
    target
        What is written.
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
        target: Target = SERIES_TARGET,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._sources = tuple(sources)
        self._target = target
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
        self.overwrite_check = QCheckBox()
        describe(
            self.overwrite_check,
            f"{prefix}OverwriteCheck",
            "Replace what exists",
            "What is there is kept until the new one is complete.",
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
        self.refresh()

    @property
    def path(self) -> Path | None:
        """The chosen file, with an ending; None where nothing is written in the box."""
        text = self.path_edit.text().strip()
        if not text:
            return None
        try:
            path = Path(text).expanduser()
        except RuntimeError:  # there is no such person, or not yet
            path = Path(text)
        if self._has_ending(path) or self.other_format or _is_folder(path):
            return path
        return path.with_name(path.name + self._target.suffixes[0])

    @property
    def target(self) -> Target:
        """What is written."""
        return self._target

    @target.setter
    def target(self, target: Target) -> None:
        if target != self._target:
            self._target = target
            self._on_path_edited()

    @property
    def other_format(self) -> str:
        """Format that the ending stands for where it is not the one that is written; or empty.

        See :func:`flimage_gui.export_kinds.format_in`.
        """
        path = Path(self.path_edit.text().strip())
        return "" if self._has_ending(path) else format_in(path.name)

    def _has_ending(self, path: Path) -> bool:
        # Of an ending in two parts, the last one alone may stand for something else.
        wanted = format_in(f"a{self._target.suffixes[0]}")
        return path.name.lower().endswith(self._target.suffixes) and format_in(path.name) == wanted

    @property
    def overwrite(self) -> bool:
        """Whether an existing file may be replaced."""
        path = self.path
        return path is not None and self._exists() and self.overwrite_check.isChecked()

    @property
    def usable(self) -> bool:
        """Whether the file can be written as chosen."""
        return not self.problem() and (not self._exists() or self.overwrite_check.isChecked())

    def problem(self) -> str:
        """Return what has to be changed in the path, in one sentence; empty if nothing."""
        path = self.path
        target = self._target
        if path is None:
            return f"Enter the name of the {target.word} to write."
        if trouble := _trouble_with(path):
            return trouble
        if path.is_dir() and not (target.is_folder and self._has_ending(path)):
            return f"“{path}” is a folder; add the name of a {target.word}."
        if self.other_format:
            return (
                f"Here {target.name} is written ({target.suffixes[0]}), but “{path.name}” is the"
                f" name of {name_of(self.other_format)}; give it another ending."
            )
        if target.is_folder and path.is_file():
            return f"“{path.name}” is a file, and a folder is written; choose another name."
        if not path.parent.is_dir():
            return f"There is no folder “{path.parent}”; choose another one or create it first."
        if not os.access(path.parent, os.W_OK):
            return f"The folder “{path.parent}” cannot be written to; choose another one."
        if any(holds(source, path) for source in self._sources):
            return (
                "This is the recording, or a part of it, which is never written to; choose another"
                " name."
            )
        return ""

    def _exists(self) -> bool:
        path = self.path
        return path is not None and (path.is_dir() if self._target.is_folder else path.is_file())

    def _on_path_edited(self) -> None:
        # Permission to replace one file is none to replace another.
        self.overwrite_check.setChecked(False)
        self.refresh()
        self.target_changed.emit()

    def _on_overwrite_toggled(self) -> None:
        self.refresh()
        self.target_changed.emit()

    def _on_browse_clicked(self) -> None:
        target = self._target
        chosen, _ = QFileDialog.getSaveFileName(
            self,
            "Choose the file to write",
            self.path_edit.text(),
            f"{target.text} ({' '.join('*' + each for each in target.suffixes)});;All files (*)",
            # The question is asked in the dialog itself, once.
            options=QFileDialog.Option.DontConfirmOverwrite,
        )
        if chosen:
            self.path_edit.setText(chosen)

    def refresh(self) -> None:
        """Say what speaks against the path now."""
        problem = self.problem()
        exists = not problem and self._exists()
        self.overwrite_check.setText(f"&Replace the existing {self._target.word}")
        self.overwrite_check.setVisible(exists)
        path = self.path
        if problem:
            grade = "caution" if path is None else "refused"
            self._notice.show_sentence(grade, problem)
        elif exists and path is not None:
            self._notice.show_sentence("caution", f"“{path.name}” exists already.")
        self._notice.setVisible(bool(problem) or exists)


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except (OSError, ValueError):
        return False


def _trouble_with(path: Path) -> str:
    """Say why the system does not even look whether there is such a file; mostly empty."""
    try:
        path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return ""
    except PermissionError:
        return f"You may not look into the folder “{path.parent}”; choose another one."
    except ValueError:
        return f"“{path.name}” holds a sign that no file name may have; choose another name."
    except OSError as error:
        if error.errno == errno.ENAMETOOLONG:
            return f"The name “{path.name[:20]}…” is too long; choose a shorter one."
        return f"“{path.name}” cannot be used ({error.strerror}); choose another name."
    return ""
