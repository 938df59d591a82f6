"""Brings files into a window and corrected series out of it: open, import, drop, export."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from PyQt5.QtCore import QMimeData, QObject, Qt, QTimer
from PyQt5.QtWidgets import QFileDialog, QWidget

from flimage.errors import FlimageError, InputError
from flimage.output import atomic_output
from flimage.recipe import Recipe
from flimage.session_file import SUFFIX

from . import assets
from .export_as_dialog import ExportAsDialog
from .export_dialog import ExportDialog
from .import_dialog import ImportDialog
from .notify import MessageBar
from .opening import Inspected, NoSeriesError, is_series_file
from .recovering import Recovering
from .saving import Saving
from .series_choice import SeveralSeriesError
from .series_dialog import SeriesDialog
from .session import Change, Session
from .settings import Preferences, Settings

if TYPE_CHECKING:
    from flimage.export import Export

__all__ = ["Documents", "dropped_paths"]

#: What file dialogs offer for settings.
_RECIPES = "Settings of a correction (*.json);;All files (*)"


def dropped_paths(data: QMimeData) -> list[Path]:
    """Return the files on this computer that are dragged."""
    return [Path(url.toLocalFile()) for url in data.urls() if url.isLocalFile()]


class Documents(QObject):
    """Opens what a person chose, drops or names, and exports what came out.

    Parameters
    ----------
    session
        Where recordings are opened.
    settings
        Remember what was opened, and where.
    message_bar
        Where it is said what was done.
    saving
        Asks where something would be lost.
    open_beside
        Opens a file in a window of its own: what was written stands beside what it was made from.
    window
        The window; it owns the dialogs.
    """

    def __init__(
        self,
        session: Session,
        settings: Settings,
        message_bar: MessageBar,
        saving: Saving,
        open_beside: Callable[[Path], object],
        window: QWidget,
    ) -> None:
        super().__init__(window)
        self._session = session
        self._settings = settings
        self._bar = message_bar
        self._saving = saving
        self._open_beside = open_beside
        self._window = window
        self._export_dialog: ExportDialog | ExportAsDialog | None = None
        self._import_dialog: ImportDialog | None = None
        self._recovering = Recovering(session, message_bar, saving, window)
        #: Suffix of a file that is no recording -> what opens it.
        self.openers: dict[str, Callable[[Path], None]] = {".json": self.open_recipe}
        session.changed.connect(self._on_session_changed)
        session.failed.connect(self._on_session_failed)
        session.inspected.connect(self._on_session_inspected)
        session.exported.connect(self._on_session_exported)
        session.written.connect(self._on_session_written)

    # ------------------------------------------------------------------ opening

    def open_path(self, path: str | Path) -> None:
        """Open a file; a recording in a foreign format is converted after asking for the rest."""
        path = Path(path)
        opener = self.openers.get(path.suffix.lower())
        if opener is not None:
            opener(path)
            return
        if not self._saving.may_leave(lambda: self.open_path(path)):
            return
        self._bar.hide()
        if is_series_file(path):
            self._session.open(path)
        else:
            self._session.inspect(path)

    def open_example(self) -> None:
        """Open the example recording."""
        self.open_path(assets.example_path())

    def open_recipe(self, path: Path) -> None:
        """Take over the settings of a correction from a file, as one step that can be undone."""
        session = self._session
        try:
            if session.source is None:
                raise InputError(
                    f"{path.name} holds settings for a correction; open a recording first."
                )
            recipe = Recipe.read(path)
        except (FlimageError, OSError) as error:
            self._bar.show_error(error)
        else:
            session.set_recipe(recipe, f"Take over {path.name}")
            self._bar.show_done(f"The settings of {path.name} were taken over.")

    def ask_open_recipe(self) -> None:
        """Ask for a recipe file, and take over its settings."""
        chosen, _ = QFileDialog.getOpenFileName(
            self._window, "Load settings", self._settings.get(Preferences.folder), _RECIPES
        )
        if chosen:
            self.open_recipe(Path(chosen))

    def ask_save_recipe(self) -> None:
        """Ask for a file, and write the settings of the correction to it."""
        folder = Path(self._settings.get(Preferences.folder) or Path.home())
        chosen, _ = QFileDialog.getSaveFileName(
            self._window, "Save settings", str(folder / "recipe.json"), _RECIPES
        )
        if not chosen:
            return
        path = Path(chosen)
        if not path.suffix:
            path = path.with_suffix(".json")
        try:
            # The file dialog has asked whether a file that exists is to be replaced.
            with atomic_output(path, overwrite=True) as temporary:
                temporary.write_text(f"{self._session.recipe.to_json()}\n", encoding="utf-8")
        except (FlimageError, OSError) as error:
            self._bar.show_error(error)
        else:
            self._session.note_kept(self._session.recipe)
            self._bar.show_done(
                f"The settings were written to {path}; batches and “flimage bleach --recipe” take"
                " them."
            )

    def choose(self) -> Path | None:
        """Ask for a file; None where the person wants none."""
        from flimage.readers import SUFFIXES

        patterns = " ".join(f"*{suffix}" for suffix in SUFFIXES)
        chosen, _ = QFileDialog.getOpenFileName(
            self._window,
            "Open a recording",
            self._settings.get(Preferences.folder),
            f"Recordings and sessions (*.h5 *.hdf5 *{SUFFIX} {patterns});;Series (*.h5 *.hdf5);;"
            f"Sessions (*{SUFFIX});;"
            "Settings of a correction (*.json);;All files (*)",
        )
        return Path(chosen) if chosen else None

    def ask_open(self) -> None:
        """Ask for a file and open it."""
        path = self.choose()
        if path is not None:
            self.open_path(path)

    def ask_open_folder(self) -> None:
        """Ask for a folder that is a recording, and open it."""
        chosen = QFileDialog.getExistingDirectory(
            self._window, "Open a folder of images", self._settings.get(Preferences.folder)
        )
        if chosen:
            self.open_path(Path(chosen))

    def _on_session_changed(self, change: Change) -> None:
        path = self._session.path
        # Nobody looks for recordings where the example is installed.
        if change & Change.RECORDING and path not in (None, assets.example_path()):
            self._settings.remember(Preferences.folder, str(path.parent))
            self._settings.add_recent(str(path.absolute()))

    def _ask_series(self, found: SeveralSeriesError) -> None:
        """Ask which series of a file is to be opened, and open it."""
        dialog = SeriesDialog(found, self._window)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.accepted.connect(lambda: self._session.open(dialog.path, dialog.group))
        dialog.open()

    # ------------------------------------------------------------------ importing

    def _on_session_inspected(self, inspected: Inspected) -> None:
        if self._import_dialog is not None:
            self._import_dialog.show_recording(
                inspected.recording, inspected.preview, inspected.explored
            )
            return
        dialog = ImportDialog(
            inspected.recording, inspected.preview, self._window, inspected.explored
        )
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        path = inspected.recording.path
        dialog.accepted.connect(lambda: self._import(path, dialog))
        dialog.finished.connect(self._on_import_dialog_finished)
        dialog.choice_changed.connect(
            lambda: self._session.inspect(path, dialog.key, dialog.selection)
        )
        self._import_dialog = dialog
        dialog.open()

    def _on_import_dialog_finished(self) -> None:
        self._import_dialog = None

    def _import(self, path: Path, dialog: ImportDialog) -> None:
        target = dialog.target
        if target is not None:
            self._session.convert_and_open(
                path,
                target,
                dialog.interval,
                dialog.pixel_size,
                overwrite=dialog.overwrite,
                key=dialog.key,
                selection=dialog.selection,
            )

    # ------------------------------------------------------------------ exporting

    def ask_export(self, path: Path | None = None) -> None:
        """Ask where the corrected series goes, and write it.

        Parameters
        ----------
        path
            Name that was typed elsewhere.
        """
        if self._session.source is not None and self._export_dialog is None:
            dialog = ExportDialog(self._session, path, self._window)
            dialog.open_requested.connect(self._open_beside)
            dialog.other_requested.connect(self.ask_export_as)
            self._show_export(dialog)

    def ask_export_as(self, path: Path | None = None) -> None:
        """Ask what is written for other programs and where to, and write it.

        Parameters
        ----------
        path
            Name that was typed elsewhere; its ending chooses the kind.
        """
        if self._session.source is not None and self._export_dialog is None:
            colormap = self._settings.get(Preferences.colormap)
            dialog = ExportAsDialog(self._session, colormap, path, self._window)
            dialog.other_requested.connect(self.ask_export)
            self._show_export(dialog)

    def _show_export(self, dialog: ExportDialog | ExportAsDialog) -> None:
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.finished.connect(self._on_export_dialog_finished)
        self._export_dialog = dialog
        dialog.open()

    def _on_export_dialog_finished(self) -> None:
        self._export_dialog = None

    def _on_session_exported(self, path: Path) -> None:
        # The dialog says so itself.
        if self._export_dialog is None:
            self._bar.show_done(
                f"The corrected series was written to {path}.",
                "Open it",
                lambda: self._open_beside(path),
            )

    def _on_session_written(self, export: Export) -> None:
        if self._export_dialog is None:
            self._bar.show_done(" ".join(export.sentences))

    def _on_session_failed(self, error: Exception) -> None:
        if self._import_dialog is not None:
            self._import_dialog.show_error(error)
        elif isinstance(error, SeveralSeriesError):
            self._ask_series(error)
        elif isinstance(error, NoSeriesError):
            # A file of another program, out of which one dataset can be converted.
            path = error.path
            QTimer.singleShot(0, lambda: self._session.inspect(path))
        elif self._export_dialog is None:
            self._recovering.tell(error)
