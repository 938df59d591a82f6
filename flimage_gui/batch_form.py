"""What a batch needs besides its recordings: settings, a folder, and how much at once."""

from __future__ import annotations

import html
import os
from collections.abc import Sequence
from pathlib import Path

from PyQt5.QtCore import Qt, pyqtSignal
from PyQt5.QtWidgets import (
    QCheckBox,
    QFileDialog,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QWidget,
)

from flimage.errors import FlimageError
from flimage.parallel import default_workers
from flimage.quantities import DisplayUnit, format_count
from flimage.recipe import Recipe

from .labels import hint_label
from .model_names import model_text
from .notify import sentence_of
from .session import Change, Session
from .spin_boxes import NumberSpin, QuantitySpin
from .widgets import ChoiceCombo, describe, select_data

__all__ = ["BatchForm", "recipe_text"]

#: Where the settings come from.
_WINDOW, _FILE, _DEFAULT = "window", "file", "default"


def recipe_text(recipe: Recipe, suits_frames: bool) -> str:
    """Say in a line what a recipe does."""
    scope = "one per frame" if recipe.background == "frame" else "one level per recording"
    if recipe.background_source == "region":
        background = f"background from a drawn region, {scope}"
    elif suits_frames:
        background = f"border that suits the frames, {scope}"
    elif recipe.border_px:
        background = f"border {recipe.border_px} px, {scope}"
    else:
        background = "no background subtracted"
    parts = [model_text(recipe.model), background]
    if recipe.region.kind != "auto":
        parts.append(f"signal region: {recipe.region.kind}")
    if recipe.offset == "background":
        parts.append("offset is background")
    if recipe.exclude:
        parts.append(f"without {format_count(len(recipe.exclude), 'frame')}")
    if recipe.denoise:
        parts.append("denoised")
    return " · ".join(parts)


class BatchForm(QWidget):
    """Asks where the settings come from, where the results go, and how they are made."""

    #: Something was changed.
    edited = pyqtSignal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session: Session | None = None
        self._from_window: Recipe | None = None
        self._title = ""
        self._file: tuple[Path, Recipe] | None = None
        self._folder_chosen = False
        #: What is wrong with the file of settings that was chosen last; mostly empty.
        self.file_problem = ""
        self._settings = ChoiceCombo()
        describe(
            self._settings,
            "batchSettingsCombo",
            "Settings",
            "The settings that all recordings are corrected with: those of the window, as they are"
            " when the batch starts; those of a file; or those that the program starts with.",
        )
        self._choose_file = self._button(
            "&Load settings…",
            "batchRecipeButton",
            "Choose a file with settings",
            "A recipe, as “flimage bleach --save-recipe” writes it.",
        )
        self._border = QCheckBox("&Border that suits the frames of each recording")
        describe(
            self._border,
            "batchBorderCheck",
            "Border that suits each recording",
            "20 pixels, or a sixth of the shorter side of smaller frames, instead of the width in"
            " the settings.",
        )
        self._interval = QuantitySpin("s", DisplayUnit("s", 1.0))
        self._interval.lineEdit().setPlaceholderText("as in the files")
        self._interval.setMinimumWidth(150)
        describe(
            self._interval,
            "batchIntervalSpin",
            "Time between frames",
            "For recordings that state no times; it counts more than what the others state.",
        )
        self._hint = hint_label()
        self._hint.setObjectName("batchSettingsLabel")
        self._folder = QLineEdit()
        self._folder.setPlaceholderText("A folder beside the first recording")
        describe(
            self._folder,
            "batchFolderEdit",
            "Folder of the results",
            "Each recording becomes NAME_corrected.h5 in it; a table (summary.csv) and a page"
            " (summary.html) over all stand beside them. The folder is made where there is none.",
        )
        self._browse = self._button(
            "Bro&wse…", "batchFolderButton", "Choose the folder of the results"
        )
        self._jobs = NumberSpin()
        self._jobs.setRange(1, 64)
        self._jobs.setValue(max(1, default_workers() // 2))
        describe(
            self._jobs,
            "batchJobsSpin",
            "Recordings at once",
            "Each is corrected by a process of its own; with as many as the computer has"
            " processors, it has little time for anything else.",
        )
        self._jobs.setMaximumWidth(90)
        self._pages = QCheckBox("&Report (HTML) for each recording")
        describe(self._pages, "batchPagesCheck", "Report for each recording")
        self._overwrite = QCheckBox("Re&place results that were made with other settings")
        describe(
            self._overwrite,
            "batchOverwriteCheck",
            "Replace results made with other settings",
            "Results that were made with the same settings are never made again.",
        )
        self._build()
        self._settings.activated.connect(self._on_settings_activated)
        self._choose_file.clicked.connect(self._on_choose_file_clicked)
        self._browse.clicked.connect(self._on_browse_clicked)
        self._folder.textEdited.connect(self._on_folder_edited)
        self._folder.textChanged.connect(self._refresh)
        self._border.toggled.connect(self._refresh)
        self._interval.value_edited.connect(self._refresh)
        self._fill()

    # ------------------------------------------------------------------ answers

    def commit(self) -> None:
        """Take over a number that is still being typed."""
        for spin in (self._interval, self._jobs):
            spin.interpretText()

    @property
    def recipe(self) -> Recipe:
        """The settings that were chosen."""
        source, interval = self._settings.currentData(), self._interval.value()
        recipe = Recipe()
        if source == _FILE and self._file is not None:
            recipe = self._file[1]
        elif source == _WINDOW and self._from_window is not None:
            recipe = self._from_window
        return recipe.replace(interval=interval) if interval > 0 else recipe

    @property
    def suits_frames(self) -> bool:
        """Whether each recording gets the border that suits it."""
        return self._border.isChecked()

    @property
    def folder(self) -> Path | None:
        """Where the results go; None where nothing is written in the box."""
        text = self._folder.text().strip()
        return Path(text).expanduser().absolute() if text else None

    @property
    def jobs(self) -> int:
        """How many recordings are corrected at once."""
        return self._jobs.value()

    @property
    def pages(self) -> bool:
        """Whether each recording gets a report."""
        return self._pages.isChecked()

    @property
    def overwrite(self) -> bool:
        """Whether results with other settings may be replaced."""
        return self._overwrite.isChecked()

    @property
    def problem(self) -> str:
        """What has to be changed, in one sentence; empty if nothing."""
        folder = self.folder
        if folder is None:
            return ""
        if folder.exists() and not folder.is_dir():
            return f"“{folder}” is a file; choose a folder for the results."
        there = next((each for each in (folder, *folder.parents) if each.exists()), folder)
        if not os.access(there, os.W_OK):
            return f"“{there}” cannot be written to; choose another folder."
        return ""

    # ------------------------------------------------------------------ requests

    def set_session(self, session: Session | None) -> None:
        """Offer the settings of a window, and follow them."""
        if session is self._session:
            return
        if self._session is not None:
            self._session.changed.disconnect(self._on_session_changed)
        self._session = session
        self._from_window = None
        if session is not None:
            session.changed.connect(self._on_session_changed)
            self._take_from_window(session)
        self._fill(_WINDOW if self._from_window is not None else None)

    def set_recipe_file(self, path: Path) -> None:
        """Take the settings of a file; what is wrong with it stands in :attr:`file_problem`."""
        self.file_problem = ""
        try:
            recipe = Recipe.from_json(path.read_text(encoding="utf-8"))
        except UnicodeDecodeError:
            self.file_problem = f"{path.name} holds no settings; choose another file."
        except (FlimageError, OSError) as error:
            self.file_problem = f"{path.name}: {sentence_of(error)}"
        else:
            self._file = (path, recipe)
            self._fill(_FILE)
        self.edited.emit()

    def suggest_folder(self, recordings: Sequence[Path]) -> None:
        """Suggest a folder beside the first recording, unless another one was chosen."""
        if recordings and not self._folder_chosen:
            self._folder.setText(str(recordings[0].parent / "corrected"))

    # ------------------------------------------------------------------ inside

    def _button(self, text: str, name: str, spoken: str, tip: str = "") -> QPushButton:
        button = QPushButton(text)
        button.setAutoDefault(False)
        describe(button, name, spoken, tip)
        return button

    def _build(self) -> None:
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(8)
        grid.setVerticalSpacing(6)
        # Beside each other, because rows are dear on small screens.
        numbers = QHBoxLayout()
        numbers.setSpacing(8)
        interval = QLabel("Inter&val")
        interval.setBuddy(self._interval)
        for widget in (self._jobs, interval, self._interval):
            numbers.addWidget(widget)
        numbers.insertSpacing(1, 16)
        numbers.addStretch(1)
        rows: tuple[tuple[str, QWidget | QHBoxLayout, QWidget | None], ...] = (
            ("&Settings", self._settings, self._choose_file),
            ("", self._hint, None),
            ("Wri&te to", self._folder, self._browse),
            ("At &once", numbers, None),
        )
        for place, (text, field, button) in enumerate(rows):
            number = place if place < 2 else place + 1
            if text:
                label = QLabel(text)
                label.setBuddy(self._jobs if isinstance(field, QHBoxLayout) else field)
                grid.addWidget(label, number, 0)
            if isinstance(field, QHBoxLayout):
                grid.addLayout(field, number, 1, 1, 2)
            elif button is None:
                grid.addWidget(field, number, 1, 1, 2)
            else:
                grid.addWidget(field, number, 1)
                grid.addWidget(button, number, 2)
        # Not wider than their texts: a click beside those does nothing.
        left = Qt.AlignmentFlag.AlignLeft
        grid.addWidget(self._border, 2, 1, 1, 2, left)
        grid.addWidget(self._pages, 5, 1, 1, 2, left)
        grid.addWidget(self._overwrite, 6, 1, 1, 2, left)
        grid.setColumnStretch(1, 1)

    def _fill(self, choose: str | None = None) -> None:
        chosen = choose or self._settings.currentData()
        self._settings.blockSignals(True)
        self._settings.clear()
        if self._from_window is not None:
            self._settings.addItem(f"Those of the window ({self._title})", _WINDOW)
        if self._file is not None:
            self._settings.addItem(f"Those of {self._file[0].name}", _FILE)
        self._settings.addItem("Those that the program starts with", _DEFAULT)
        self._settings.setCurrentIndex(0)
        self._settings.blockSignals(False)
        if self._settings.findData(chosen) >= 0:
            select_data(self._settings, chosen)
        if choose is not None or chosen is None:
            self._border.setChecked(self._settings.currentData() == _DEFAULT)
        self._refresh()

    def _take_from_window(self, session: Session) -> None:
        self._from_window = session.recipe if session.source is not None else None
        self._title = session.title

    def _on_session_changed(self, change: Change) -> None:
        if not change & (Change.RECORDING | Change.RECIPE) or self._session is None:
            return
        # A window that is closed leaves its last settings here.
        if self._session.source is None:
            return
        before = self._from_window
        self._take_from_window(self._session)
        if before is None or change & Change.RECORDING:
            self._fill(_WINDOW if before is None else None)
        else:
            self._refresh()

    def _on_settings_activated(self) -> None:
        self._border.setChecked(self._settings.currentData() == _DEFAULT)
        self._refresh()

    def _on_choose_file_clicked(self) -> None:
        chosen, _ = QFileDialog.getOpenFileName(
            self, "Choose settings", str(self.folder or ""), "Settings (*.json);;All files (*)"
        )
        if chosen:
            self.set_recipe_file(Path(chosen))

    def _on_browse_clicked(self) -> None:
        chosen = QFileDialog.getExistingDirectory(
            self, "Choose the folder of the results", str(self.folder or "")
        )
        if chosen:
            self._folder_chosen = True
            self._folder.setText(chosen)

    def _on_folder_edited(self) -> None:
        self._folder_chosen = bool(self._folder.text().strip())

    def _refresh(self) -> None:
        self._hint.setText(html.escape(recipe_text(self.recipe, self.suits_frames)))
        self.edited.emit()
