"""The main window: puts the parts together, and answers what Qt asks of a window."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from PyQt5.QtCore import QEvent, Qt, QTimer, pyqtSignal
from PyQt5.QtGui import QCloseEvent, QDragEnterEvent, QDropEvent, QKeyEvent, QResizeEvent
from PyQt5.QtWidgets import (
    QDialog,
    QGraphicsView,
    QMainWindow,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from flimage.session_file import SUFFIX

from . import assets, dialogs
from .actions import KEYS, build_actions
from .applying import AppliedSettings
from .availability import Availability
from .background_panel import BackgroundPanel
from .bleach_panel import BleachPanel
from .command_palette import CommandPalette
from .copying import Copying
from .documents import Documents, dropped_paths
from .drop_hint import DropHint
from .first_result import FirstResult
from .focus_return import FocusReturn
from .focus_ring import FocusRing
from .frame_table import FramePanel
from .frame_view import FrameView
from .history_panel import HistoryPanel
from .looking import Looking
from .menus import CONTEXT_ACTIONS, build_menus, build_tool_bar
from .metadata_panel import MetadataPanel
from .notify import MessageBar
from .panels import Panels
from .placing import DEFAULT_SIZE, cap_size, fit_to_screen
from .preferences_dialog import PreferencesDialog
from .recent import RecentFiles
from .saving import Saving
from .session import Change, Session
from .session_keeping import SessionKeeping
from .settings import Preference, Preferences, Settings
from .shortcuts_dialog import ShortcutsDialog
from .status import StatusBar
from .theme_menu import ThemeMenu
from .time_bar import TimeBar
from .trace_view import TraceView
from .verdict_message import VerdictMessage
from .view_state import ViewState
from .welcome import WelcomePage
from .window_keys import WindowKeys
from .windows import Windows
from .wiring import slots

__all__ = ["MainWindow"]


class MainWindow(QMainWindow):
    """The window for one recording.

    Parameters
    ----------
    settings
        Preferences; by default those of the person who runs the program.
    parent
        Qt parent.
    windows
        The other windows of the program, which bring their own settings; by default there are none.
    """

    #: MainWindow: this window was closed
    closed = pyqtSignal(object)

    def __init__(
        self,
        settings: Settings | None = None,
        parent: QWidget | None = None,
        windows: Windows | None = None,
    ) -> None:
        super().__init__(parent)
        self.setObjectName("MainWindow")
        self.setWindowTitle("flimage[*]")
        self.setWindowIcon(assets.app_icon())
        self.setAcceptDrops(True)
        self.windows = Windows(settings) if windows is None else windows
        self.settings = settings = self.windows.settings
        self.session = session = Session(self)
        self._then: Callable[[], object] = self.close
        self._ended = False

        self.message_bar = MessageBar()
        self.frame_view = FrameView(session)
        self.looking = Looking(session, self.frame_view)
        self.time_bar = TimeBar(session)
        self.trace_view = TraceView(session)
        self.background_panel = BackgroundPanel(session)
        self.bleach_panel = BleachPanel(session)
        self.metadata_panel = MetadataPanel(session)
        self.history_panel = HistoryPanel(session)
        self.frame_panel = FramePanel(session)
        self.welcome_page = WelcomePage()
        self.setStatusBar(StatusBar(session, self))
        self._actions = build_actions(self)
        places = build_menus(self.menuBar(), self._actions)
        self.addToolBar(build_tool_bar(self._actions, self))
        self._build_centre()
        self.panels = Panels(
            self,
            {
                "backgroundDock": self.background_panel,
                "bleachDock": self.bleach_panel,
                "metadataDock": self.metadata_panel,
                "traceDock": self.trace_view,
                "frameDock": self.frame_panel,
                "regionsDock": self.looking.regions_panel,
                "historyDock": self.history_panel,
            },
            settings.get(Preferences.layout),
        )
        self._docks = self.panels.docks
        for dock in self._docks.values():
            places["menuPanels"].addAction(dock.toggleViewAction())
        self.panels.left_behind.connect(self.frame_view.graphics.setFocus)
        WindowKeys(self, self._actions.values())
        ThemeMenu(places["menuTheme"], settings)
        self._restore_place()
        # Before the others: what they have to say about a new recording comes after its looks.
        session.changed.connect(self._on_session_changed)
        beside = self.windows.open_path
        self.saving = Saving(session, self.message_bar, beside, self)
        self.documents = Documents(session, settings, self.message_bar, self.saving, beside, self)
        self.recent = RecentFiles(settings, places["menuRecent"], self.welcome_page, self.open_path)
        self.applied = AppliedSettings(
            settings, session, self.frame_view, self.looking, self.time_bar, self._actions
        )
        self._availability = Availability(session, self._actions, self)
        self._first_result = FirstResult(session, settings, self)
        # The last one: the view of a session is put over what a new recording looks like at first.
        self.session_keeping = SessionKeeping(
            session,
            ViewState(
                session,
                self.frame_view,
                self.looking,
                self.panels,
                self._first_result,
                VerdictMessage(session, self.message_bar, self.panels, self),
            ),
            settings,
            self.message_bar,
            self.saving.may_leave,
            self,
        )
        self.documents.openers[SUFFIX] = self.session_keeping.open
        self.saving.save_session = self.session_keeping.save_then
        self.copying = Copying(session, self.message_bar)
        self._connect()
        self._on_session_changed(~Change(0))
        FocusReturn(session, self)
        self._drop_hint = DropHint(self, "Drop to open")
        self.windows.adopt(self)
        self.saving.offer()

    # ------------------------------------------------------------------ construction

    def _build_centre(self) -> None:
        viewer = QWidget()
        column = QVBoxLayout(viewer)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.frame_view, 1)
        column.addWidget(self.time_bar)
        self._pages = QStackedWidget()
        self._pages.addWidget(self.welcome_page)
        self._pages.addWidget(viewer)
        centre = QWidget()
        layout = QVBoxLayout(centre)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self.message_bar)
        layout.addWidget(self._pages, 1)
        self.setCentralWidget(centre)

    def _restore_place(self) -> None:
        self.resize(*DEFAULT_SIZE)
        geometry = self.settings.get(Preferences.geometry)
        if not geometry.isEmpty():
            self.restoreGeometry(geometry)
        fit_to_screen(self)

    def _connect(self) -> None:
        view = self.frame_view
        for name, slot in slots(self).items():
            self._actions[name].triggered.connect(lambda _checked, slot=slot: slot())
        self.looking.connect_actions(self._actions)
        view.border_button.toggled.connect(self._actions["actionShowBorder"].setChecked)
        self._actions["actionShowBorder"].setChecked(view.border_button.isChecked())
        view.pixel_hovered.connect(self.statusBar().show_pixel)
        view.graphics.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        for graphics in self.findChildren(QGraphicsView):
            FocusRing(graphics)
        view.add_view_actions([self._actions[name] for name in CONTEXT_ACTIONS])
        self.looking.regions_panel.following.exported.connect(self._on_regions_exported)
        self.bleach_panel.settings.draw_requested.connect(self.looking.regions.draw_signal)
        self.bleach_panel.export_requested.connect(self.documents.ask_export)
        self.background_panel.draw_requested.connect(self.looking.regions.draw_background)
        self.history_panel.copy_python_requested.connect(self.copying.copy_python)
        self.history_panel.copy_commands_requested.connect(self.copying.copy_commands)
        self.welcome_page.open_requested.connect(self.documents.ask_open)
        self.welcome_page.example_requested.connect(self.open_example)
        self.welcome_page.recent_requested.connect(self.open_path)
        self.settings.changed.connect(self._on_settings_changed)

    # ------------------------------------------------------------------ requests

    def open_path(self, path: str | Path) -> None:
        """Open a file; a recording in a foreign format is converted after asking for the rest."""
        self.documents.open_path(path)

    def open_example(self) -> None:
        """Open the example recording."""
        self.documents.open_example()

    def ask_open_in_new_window(self) -> None:
        """Ask for a file, and open it in a window of its own."""
        path = self.documents.choose()
        if path is not None:
            self.windows.open_path(path)

    def ask_export(self) -> None:
        """Ask where the corrected series goes, and write it."""
        self.documents.ask_export()

    def close_recording(self) -> None:
        """Close the recording; ask where something would be lost."""
        if self._may_leave(self.close_recording):
            self.session.close()

    def set_theme(self, name: str) -> None:
        """Show the program in the theme of that name and remember it."""
        self.settings.set(Preferences.theme, name)

    def show_preferences(self) -> None:
        """Let the person choose how the program looks and behaves."""
        self._show_dialog(PreferencesDialog(self.settings, self))

    def show_commands(self) -> None:
        """Let the person find a command by its name."""
        self._show_dialog(CommandPalette(self))

    def show_shortcuts(self) -> None:
        """Show all keys."""
        self._show_dialog(ShortcutsDialog(self))

    def _show_dialog(self, dialog: QDialog) -> None:
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        cap_size(dialog)
        dialog.open()

    def toggle_full_screen(self) -> None:
        """Fill the screen with the window, or go back to how it was."""
        self.setWindowState(self.windowState() ^ Qt.WindowState.WindowFullScreen)

    def cancel(self) -> None:
        """Stop what is being drawn, or else what runs, or else put the message away."""
        if self.looking.cancel():
            return
        if self.session.busy:
            self.session.cancel()
        else:
            self.message_bar.hide()

    # ------------------------------------------------------------------ slots

    def _on_session_changed(self, change: Change) -> None:
        if change & Change.RECORDING:
            self._on_recording_changed()
        if change & (Change.RECORDING | Change.HISTORY | Change.BACKGROUND):
            self.setWindowModified(not self.session.edits_kept)

    def _on_recording_changed(self) -> None:
        path, title = self.session.path, self.session.title
        self._pages.setCurrentIndex(0 if path is None else 1)
        self.setWindowTitle(f"{title}[*] – flimage" if title else "flimage[*]")
        if path is None:
            self.panels.hide()
            self.welcome_page.setFocus()
        else:
            self.panels.show()
            self.setWindowFilePath(str(path))
            self.message_bar.hide()
            self.frame_view.setFocus()

    def _on_settings_changed(self, preference: Preference[Any]) -> None:
        if preference is Preferences.layout and self.settings.get(Preferences.layout).isEmpty():
            self.panels.forget()

    def _on_regions_exported(self, path: Path) -> None:
        self.message_bar.show_done(f"The traces of the regions were written to {path}.")

    # ------------------------------------------------------------------ Qt events

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802 - Qt's name
        """Take the plain keys that the focused widget has no use for."""
        plain = event.modifiers() & ~(
            Qt.KeyboardModifier.KeypadModifier | Qt.KeyboardModifier.ShiftModifier
        )
        name = KEYS.get(event.key()) if not plain else None
        if name == "actionCancel":
            self.cancel()
        elif name is not None and self._actions[name].isEnabled():
            self._actions[name].trigger()
        else:
            super().keyPressEvent(event)

    def focusNextPrevChild(self, forward: bool) -> bool:  # noqa: N802 - Qt's name
        """Go to the next control that is seen; Qt would also go into panels behind others."""
        target = self.panels.next_stop(forward)
        if target is None:
            return False
        reason = Qt.FocusReason.TabFocusReason if forward else Qt.FocusReason.BacktabFocusReason
        target.setFocus(reason)
        return True

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:  # noqa: N802 - Qt's name
        """Accept files."""
        if dropped_paths(event.mimeData()):
            event.acceptProposedAction()
            self._drop_hint.appear()

    def dropEvent(self, event: QDropEvent) -> None:  # noqa: N802 - Qt's name
        """Open the file that was dropped; of several, each further one in a window of its own."""
        paths = dropped_paths(event.mimeData())
        if not paths:
            return
        event.acceptProposedAction()

        def take() -> None:
            self.open_path(paths[0])
            for path in paths[1:]:
                self.windows.open_path(path)

        # Not within the drop: the program that the file comes from waits for its end.
        QTimer.singleShot(0, take)

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802 - Qt's name
        """Leave enough room for the image when the window becomes smaller."""
        super().resizeEvent(event)
        old, new = event.oldSize(), event.size()
        if new.width() < old.width() or new.height() < old.height():
            self.panels.leave_room()

    def changeEvent(self, event: QEvent) -> None:  # noqa: N802 - Qt's name
        """Draw icons anew when the theme has changed."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange:
            self.update()
        elif event.type() == QEvent.Type.WindowStateChange:
            self._actions["actionFullScreen"].setChecked(self.isFullScreen())

    # ------------------------------------------------------------------ leaving

    def _may_leave(self, then: Callable[[], object]) -> bool:
        """Ask the person where leaving now would lose something."""
        if self.session.busy:
            if not dialogs.confirm_cancel(self, self.session.busy):
                return False
            self.session.cancel()
            self.session.wait()
        return self.saving.may_leave(then)

    def leave(self, then: Callable[[], object]) -> bool:
        """Close the window; tell whether it was.

        Parameters
        ----------
        then
            Called instead of closing this window again once the person has saved first.
        """
        self._then = then
        try:
            return self.close()
        finally:
            self._then = self.close

    def closeEvent(self, event: QCloseEvent) -> None:  # noqa: N802 - Qt's name
        """Ask, cancel what runs, wait for it, and remember the window."""
        if self._ended:
            event.accept()
            return
        if not self._may_leave(self._then):
            event.ignore()
            return
        self.saving.journaling.discard()
        self._end()
        event.accept()

    def leave_unasked(self) -> None:
        """Close the window without a question; what was not saved is kept in the journal."""
        if not self._ended:
            self.session.cancel()
            self.saving.journaling.flush()
            self._end()
        self.close()

    def _end(self) -> None:
        """Remember where everything is, and close the recording."""
        self._ended = True
        self.time_bar.stop()
        self.settings.remember(Preferences.geometry, self.saveGeometry())
        self.settings.remember(Preferences.layout, self.panels.layout())
        self.session.shut_down()
        self.closed.emit(self)
