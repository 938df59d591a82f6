"""All windows of the program: each has its own recording, they share the preferences."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from PyQt5 import sip
from PyQt5.QtCore import QObject, Qt, QTimer
from PyQt5.QtWidgets import QApplication

from . import theme
from .placing import cascade
from .settings import Preference, Preferences, Settings

if TYPE_CHECKING:
    from .batch_window import BatchWindow
    from .main_window import MainWindow

__all__ = ["Windows"]


class Windows(QObject):
    """Opens windows, finds them, and closes them all.

    Parameters
    ----------
    settings
        Preferences; by default those of the person who runs the program.
    """

    def __init__(self, settings: Settings | None = None) -> None:
        super().__init__()
        self.settings = Settings() if settings is None else settings
        self._windows: list[MainWindow] = []
        self._batch: BatchWindow | None = None
        self.settings.changed.connect(self._on_settings_changed)

    @property
    def open(self) -> list[MainWindow]:
        """The windows that are open, the oldest first."""
        return [window for window in self._windows if not sip.isdeleted(window)]

    @property
    def active(self) -> MainWindow | None:
        """The window that the person works in, or the newest one; None when there is none."""
        windows = self.open
        current = QApplication.activeWindow()
        while current is not None and current not in windows:
            current = current.parentWidget()
        return current or (windows[-1] if windows else None)

    def adopt(self, window: MainWindow) -> None:
        """Take a window into the list until it is closed."""
        self._windows.append(window)
        window.closed.connect(self._on_window_closed)

    def new_window(self) -> MainWindow:
        """Open an empty window beside the one that the person works in."""
        # The window knows this list, so that it can ask for another one.
        from .main_window import MainWindow

        beside = self.active
        window = MainWindow(windows=self)
        window.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        if beside is not None:
            cascade(window, beside)
        window.show()
        window.activateWindow()
        return window

    def open_path(self, path: str | Path) -> MainWindow:
        """Open a file in a window of its own; one that shows no recording will do."""
        idle = (w for w in self.open if w.session.source is None and not w.session.busy)
        window = next(idle, None) or self.new_window()
        window.open_path(path)
        return window

    def show_batch(self, window: MainWindow) -> BatchWindow:
        """Show the batch window, which offers the settings of `window`."""
        # Few people need it, and everybody would wait for it.
        from .batch_window import BatchWindow

        batch = self.batch
        if batch is None:
            batch = self._batch = BatchWindow()
            batch.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
            batch.open_requested.connect(self.open_path)
            batch.closed.connect(self._on_batch_closed)
            cascade(batch, window)
        batch.set_session(window.session)
        batch.show()
        batch.activateWindow()
        return batch

    @property
    def batch(self) -> BatchWindow | None:
        """The batch window; None when it is not open."""
        return None if self._batch is None or sip.isdeleted(self._batch) else self._batch

    def quit(self) -> None:
        """Close all windows; each asks where something would be lost, and any can stop it."""
        if self.batch is not None and not self.batch.leave():
            return
        for window in reversed(self.open):
            # Where the person wants to save first, leaving goes on after that.
            if not window.leave(then=self.quit):
                return

    def leave_unasked(self) -> None:
        """Close all windows because the program is told to end; unsaved work is kept."""
        modal = QApplication.activeModalWidget()
        if modal is not None and modal.close():
            # Its own event loop has to end before the windows can.
            QTimer.singleShot(0, self.leave_unasked)
            return
        if self.batch is not None:
            self.batch.leave_unasked()
        for window in self.open:
            window.leave_unasked()

    def show_error(self, error: BaseException) -> None:
        """Say what went wrong where the person looks."""
        window = self.active
        if window is not None:
            window.message_bar.show_error(error)

    def _on_window_closed(self, window: MainWindow) -> None:
        if window in self._windows:
            self._windows.remove(window)

    def _on_batch_closed(self) -> None:
        self._batch = None

    def _on_settings_changed(self, preference: Preference[Any]) -> None:
        if preference is Preferences.theme:
            theme.apply_theme_by_name(self.settings.get(Preferences.theme))
