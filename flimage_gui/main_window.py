"""The main window: puts the views together and connects what is asked for with the session."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PyQt5.QtCore import QEvent, QSize, Qt, QTimer
from PyQt5.QtGui import QCloseEvent, QDragEnterEvent, QDropEvent, QKeyEvent
from PyQt5.QtWidgets import (
    QActionGroup,
    QDockWidget,
    QFileDialog,
    QFrame,
    QMainWindow,
    QScrollArea,
    QStackedWidget,
    QTabBar,
    QTabWidget,
    QToolBar,
    QVBoxLayout,
    QWidget,
)

from . import assets, dialogs, theme
from .actions import ACTIONS, KEYS, build_actions, build_menus
from .background_panel import BackgroundPanel
from .bleach_panel import BleachPanel
from .export_dialog import ExportDialog
from .frame_table import FramePanel
from .frame_view import FrameView
from .history_panel import HistoryPanel
from .import_dialog import ImportDialog
from .looking import Looking
from .metadata_panel import MetadataPanel
from .notify import MessageBar
from .opening import Inspected, is_series_file
from .placing import fit_to_screen
from .saving import Saving
from .session import Change, Display, Session
from .settings import Preferences, Settings
from .status import StatusBar
from .time_bar import TimeBar
from .trace_view import TraceView
from .welcome import WelcomePage

__all__ = ["MainWindow"]

#: Version of the arrangement of panels; a remembered one of another version is left alone.
LAYOUT_VERSION = 2
#: From this height on [px], background and bleaching have room one below the other.
ROOMY_HEIGHT = 1100
PANEL_WIDTH = 340


class MainWindow(QMainWindow):
    """The window for one recording.

    Parameters
    ----------
    settings
        Preferences; by default those of the person who runs the program.
    parent
        Qt parent.
    """

    def __init__(self, settings: Settings | None = None, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("MainWindow")
        self.setWindowTitle("flimage[*]")
        self.setWindowIcon(assets.app_icon())
        self.setAcceptDrops(True)
        self.settings = Settings() if settings is None else settings
        megabytes = self.settings.get(Preferences.cache_megabytes)
        self.session = Session(self, cache_bytes=megabytes << 20)
        self._export_dialog: ExportDialog | None = None
        self._first_result_due = False
        self._layout_before_leaving = self.settings.get(Preferences.layout)

        self.message_bar = MessageBar()
        self.frame_view = FrameView(self.session)
        self.looking = Looking(self.session, self.frame_view)
        self.time_bar = TimeBar(self.session)
        self.trace_view = TraceView(self.session)
        self.background_panel = BackgroundPanel(self.session)
        self.bleach_panel = BleachPanel(self.session)
        self.metadata_panel = MetadataPanel(self.session)
        self.history_panel = HistoryPanel(self.session)
        self.frame_panel = FramePanel(self.session)
        self.welcome_page = WelcomePage()
        self.setStatusBar(StatusBar(self.session, self))
        self._build_centre()
        self._titles_timer = QTimer(self)
        self._titles_timer.setSingleShot(True)
        self._titles_timer.setInterval(0)
        self._titles_timer.timeout.connect(self._show_dock_titles)
        self._docks = self._build_docks()
        self._actions = build_actions(self)
        self._build_menus()
        self._build_tool_bar()
        self._restore_window()
        self._connect()
        self.saving = Saving(self.session, self.message_bar, self.open_path, self)
        self._show_recent()
        self._on_session_changed(~Change(0))
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

    def _build_docks(self) -> dict[str, QDockWidget]:
        # The panels on the right use the whole height; the trace lies under the image.
        self.setCorner(Qt.Corner.BottomRightCorner, Qt.DockWidgetArea.RightDockWidgetArea)
        self.setDockNestingEnabled(True)
        docks = {}
        right, bottom = (
            Qt.DockWidgetArea.RightDockWidgetArea,
            Qt.DockWidgetArea.BottomDockWidgetArea,
        )
        for name, title, widget, area in (
            ("backgroundDock", "Background", _scrolling(self.background_panel), right),
            ("bleachDock", "Bleaching", _scrolling(self.bleach_panel), right),
            ("metadataDock", "Metadata", self.metadata_panel, right),
            ("traceDock", "Trace and fit", self.trace_view, bottom),
            ("frameDock", "Frames", _scrolling(self.frame_panel, sideways=True), bottom),
            (
                "regionsDock",
                "Regions",
                _scrolling(self.looking.regions_panel, sideways=True),
                bottom,
            ),
            ("historyDock", "History", self.history_panel, bottom),
        ):
            dock = QDockWidget(title, self)
            dock.setObjectName(name)
            dock.setWidget(widget)
            self.addDockWidget(area, dock)
            dock.dockLocationChanged.connect(self._titles_timer.start)
            dock.topLevelChanged.connect(self._titles_timer.start)
            dock.visibilityChanged.connect(self._titles_timer.start)
            docks[name] = dock
        self.setTabPosition(Qt.DockWidgetArea.AllDockWidgetAreas, QTabWidget.TabPosition.North)
        return docks

    def _show_dock_titles(self) -> None:
        """Leave out the titles of panels that a tab names already."""
        for dock in self._docks.values():
            named = bool(self.tabifiedDockWidgets(dock)) and not dock.isFloating()
            bar = dock.titleBarWidget()
            if named and bar is None:
                dock.setTitleBarWidget(QWidget(dock))
            elif not named and bar is not None:
                dock.setTitleBarWidget(None)
                bar.deleteLater()
        for tabs in self.findChildren(QTabBar):
            tabs.setElideMode(Qt.TextElideMode.ElideNone)

    def _build_menus(self) -> None:
        places = build_menus(self.menuBar(), self._actions)
        self._recent_menu = places["menuRecent"]
        for dock in self._docks.values():
            action = dock.toggleViewAction()
            action.setObjectName(f"actionShow{dock.objectName()[0].upper()}{dock.objectName()[1:]}")
            places["menuPanels"].addAction(action)
        group = QActionGroup(self)
        for name, text in (("system", "Like the &desktop"), ("light", "&Light"), ("dark", "&Dark")):
            action = places["menuTheme"].addAction(text)
            action.setObjectName(f"actionTheme{name.capitalize()}")
            action.setCheckable(True)
            action.setChecked(self.settings.get(Preferences.theme) == name)
            action.triggered.connect(lambda _checked, name=name: self.set_theme(name))
            group.addAction(action)

    def _build_tool_bar(self) -> None:
        bar = QToolBar("Tool bar")
        bar.setObjectName("toolBar")
        bar.setMovable(False)
        bar.setContextMenuPolicy(Qt.ContextMenuPolicy.PreventContextMenu)
        bar.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        bar.setIconSize(QSize(18, 18))
        names = ("actionOpen", "actionSave", "actionExport", None, "actionUndo", "actionRedo")
        for name in names:
            if name is None:
                bar.addSeparator()
            else:
                bar.addAction(self._actions[name])
        self.addToolBar(bar)

    def _connect(self) -> None:
        view, bar, session = self.frame_view, self.time_bar, self.session
        slots: dict[str, Callable[[], object]] = {
            "actionOpen": self.ask_open,
            "actionExample": self.open_example,
            "actionSave": self.ask_save,
            "actionSaveAs": self.ask_save_copy,
            "actionExport": self.ask_export,
            "actionClose": self.close_recording,
            "actionQuit": self.close,
            "actionUndo": session.undo,
            "actionRedo": session.redo,
            "actionRunFit": session.run_fit,
            "actionCancel": self._on_escape,
            **self.looking.slots(),
            "actionFitView": view.fit_view,
            "actionZoomIn": view.zoom_in,
            "actionZoomOut": view.zoom_out,
            "actionZoomOriginal": view.zoom_original,
            "actionAutoContrast": session.auto_levels,
            "actionShowBorder": view.border_button.toggle,
            "actionPlay": bar.toggle_play,
            "actionNextFrame": lambda: bar.step(1),
            "actionPreviousFrame": lambda: bar.step(-1),
            "actionPageForward": lambda: bar.page(1),
            "actionPageBack": lambda: bar.page(-1),
            "actionFirstFrame": lambda: bar.go_to(0),
            "actionLastFrame": lambda: bar.go_to(-1),
            "actionShowRaw": lambda: session.set_display(Display.RAW),
            "actionShowBackground": lambda: session.set_display(Display.BACKGROUND),
            "actionShowBackgroundCorrected": lambda: session.set_display(
                Display.BACKGROUND_CORRECTED
            ),
            "actionShowBleachCorrected": lambda: session.set_display(Display.BLEACH_CORRECTED),
            "actionWheelSteps": self._on_wheel_steps_triggered,
            "actionShortcuts": lambda: dialogs.show_shortcuts(self),
            "actionAbout": lambda: dialogs.show_about(self),
        }
        for name, slot in slots.items():
            self._actions[name].triggered.connect(lambda _checked, slot=slot: slot())
        self.looking.connect_actions(self._actions)
        self.looking.regions_panel.following.exported.connect(self._on_regions_exported)
        self.bleach_panel.settings.draw_requested.connect(self.looking.regions.draw_signal)
        self.background_panel.draw_requested.connect(self.looking.regions.draw_background)
        view.border_button.toggled.connect(self._actions["actionShowBorder"].setChecked)
        view.pixel_hovered.connect(self.statusBar().show_pixel)
        view.add_view_actions(
            [
                self._actions[name]
                for name in (
                    "actionFitView",
                    "actionZoomIn",
                    "actionZoomOut",
                    "actionZoomOriginal",
                    "actionAutoContrast",
                    "actionShowBorder",
                    "actionShowRegion",
                    "actionShowScale",
                    "actionShowTime",
                    "actionCopyView",
                    "actionSaveView",
                )
            ]
        )
        self.bleach_panel.export_requested.connect(self.ask_export)
        self.welcome_page.open_requested.connect(self.ask_open)
        self.welcome_page.example_requested.connect(self.open_example)
        self.welcome_page.recent_requested.connect(self.open_path)
        session.changed.connect(self._on_session_changed)
        session.failed.connect(self._on_session_failed)
        session.inspected.connect(self._on_session_inspected)
        session.exported.connect(self._on_session_exported)

    def _restore_window(self) -> None:
        settings = self.settings
        self.resize(1280, 820)
        geometry = settings.get(Preferences.geometry)
        if not geometry.isEmpty():
            self.restoreGeometry(geometry)
        fit_to_screen(self)
        self.frame_view.colormap = settings.get(Preferences.colormap)
        self.frame_view.border_button.setChecked(settings.get(Preferences.show_border))
        self._actions["actionShowBorder"].setChecked(settings.get(Preferences.show_border))
        self.looking.scale_button.setChecked(settings.get(Preferences.show_scale))
        self.looking.time_action.setChecked(settings.get(Preferences.show_time))
        self.frame_view.wheel_steps = settings.get(Preferences.wheel_steps)
        self._actions["actionWheelSteps"].setChecked(settings.get(Preferences.wheel_steps))

    # ------------------------------------------------------------------ requests

    def open_path(self, path: str | Path) -> None:
        """Open a file; a recording in a foreign format is converted after asking for the rest."""
        path = Path(path)
        if not self.saving.may_leave(lambda: self.open_path(path)):
            return
        self.message_bar.hide()
        if is_series_file(path):
            self.session.open(path)
        else:
            self.session.inspect(path)

    def open_example(self) -> None:
        """Open the example recording."""
        self.open_path(assets.example_path())

    def ask_open(self) -> None:
        """Ask for a file and open it."""
        from flimage.readers import SUFFIXES

        patterns = " ".join(f"*{suffix}" for suffix in SUFFIXES)
        chosen, _ = QFileDialog.getOpenFileName(
            self,
            "Open a recording",
            self.settings.get(Preferences.folder),
            f"Recordings (*.h5 *.hdf5 {patterns});;Series (*.h5 *.hdf5);;All files (*)",
        )
        if chosen:
            self.open_path(chosen)

    def ask_save(self) -> None:
        """Write the changes into the recording, or a copy where that cannot be."""
        self.saving.save()

    def ask_save_copy(self) -> None:
        """Ask where an edited copy goes, and write it."""
        self.saving.save_copy()

    def ask_export(self) -> None:
        """Ask where the corrected series goes, and write it."""
        if self.session.source is None:
            return
        if self._export_dialog is None:
            dialog = ExportDialog(self.session, self)
            dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
            dialog.open_requested.connect(self.open_path)
            dialog.finished.connect(self._on_export_dialog_finished)
            self._export_dialog = dialog
            dialog.open()

    def close_recording(self) -> None:
        """Close the recording; ask where something would be lost."""
        if self._may_leave(self.close_recording):
            self.session.close()

    def set_theme(self, name: str) -> None:
        """Show the program in the theme of that name and remember it."""
        self.settings.set(Preferences.theme, name)
        theme.apply_theme_by_name(name)

    # ------------------------------------------------------------------ the session

    def _on_session_changed(self, change: Change) -> None:
        session = self.session
        is_open = session.source is not None
        if change & Change.RECORDING:
            self._on_recording_changed(is_open)
        if change & (Change.RECORDING | Change.JOB | Change.HISTORY):
            for spec in ACTIONS:
                if spec.needs_recording:
                    self._actions[spec.name].setEnabled(is_open)
            free = is_open and not session.busy
            for name in (
                "actionSave",
                "actionSaveAs",
                "actionExport",
                "actionRunFit",
                "actionClose",
            ):
                self._actions[name].setEnabled(free)
            self._actions["actionCancel"].setEnabled(bool(session.busy))
            for name, text, can in (
                ("actionUndo", session.undo_text, session.can_undo),
                ("actionRedo", session.redo_text, session.can_redo),
            ):
                action = self._actions[name]
                word = name.removeprefix("action")
                action.setEnabled(can)
                action.setText(f"&{word}: {text}" if text else f"&{word}")
                action.setIconText(f" {word}")
                action.setToolTip(f"{word}: {text}" if text else word)
        self._show_first_result(change)
        if change & (Change.RECORDING | Change.HISTORY | Change.BACKGROUND):
            self.setWindowModified(session.modified)

    def _show_first_result(self, change: Change) -> None:
        """Show corrected frames once a correction has been found, unless a person chose others."""
        session = self.session
        if change & Change.RECORDING:
            self._first_result_due = True
        elif change & Change.DISPLAY and session.display is not Display.RAW:
            self._first_result_due = False
        elif change & Change.FIT and self._first_result_due and session.fit_current:
            self._first_result_due = False
            if session.fit is not None and session.fit.verdict.grade != "refused":
                session.set_display(Display.BLEACH_CORRECTED)

    def _on_recording_changed(self, is_open: bool) -> None:
        was_open = self._pages.currentIndex() == 1
        self._pages.setCurrentIndex(1 if is_open else 0)
        if is_open and not was_open:
            layout = self._layout_before_leaving
            if layout.isEmpty() or not self.restoreState(layout, LAYOUT_VERSION):
                self._arrange_docks()
        elif was_open and not is_open:
            self._layout_before_leaving = self.saveState(LAYOUT_VERSION)
        if not is_open:
            for dock in self._docks.values():
                dock.hide()
        title = self.session.title
        self.setWindowTitle(f"{title}[*] – flimage" if title else "flimage[*]")
        path = self.session.path
        if path is not None:
            self.setWindowFilePath(str(path))
            self.message_bar.hide()
            self.settings.set(Preferences.folder, str(path.parent))
            if path != assets.example_path():
                self.settings.add_recent(str(path.absolute()))
            self._show_recent()
            self.frame_view.setFocus()

    def _arrange_docks(self) -> None:
        docks = self._docks
        for dock in docks.values():
            dock.show()
        if self.height() >= ROOMY_HEIGHT:
            self.splitDockWidget(
                docks["backgroundDock"], docks["bleachDock"], Qt.Orientation.Vertical
            )
            self.tabifyDockWidget(docks["backgroundDock"], docks["metadataDock"])
            docks["backgroundDock"].raise_()
            needed = self.background_panel.sizeHint().height() + 110
            self.resizeDocks(
                [docks["backgroundDock"], docks["bleachDock"]],
                [needed, self.height() - needed],
                Qt.Orientation.Vertical,
            )
        else:
            self.tabifyDockWidget(docks["backgroundDock"], docks["bleachDock"])
            self.tabifyDockWidget(docks["bleachDock"], docks["metadataDock"])
            docks["bleachDock"].raise_()
        self.tabifyDockWidget(docks["traceDock"], docks["frameDock"])
        self.tabifyDockWidget(docks["frameDock"], docks["regionsDock"])
        self.tabifyDockWidget(docks["regionsDock"], docks["historyDock"])
        docks["traceDock"].raise_()
        trace_height = max(200, round(self.height() * 0.33))
        self.resizeDocks([docks["traceDock"]], [trace_height], Qt.Orientation.Vertical)
        panel_width = min(PANEL_WIDTH, round(self.width() * 0.42))
        self.resizeDocks([docks["bleachDock"]], [panel_width], Qt.Orientation.Horizontal)

    def _show_recent(self) -> None:
        recent = [path for path in self.settings.get(Preferences.recent) if Path(path).exists()]
        self.welcome_page.show_recent(recent)
        self._recent_menu.clear()
        self._recent_menu.setEnabled(bool(recent))
        for path in recent:
            action = self._recent_menu.addAction(Path(path).name.replace("&", "&&"))
            action.setToolTip(path)
            action.triggered.connect(lambda _checked, path=path: self.open_path(path))

    def _on_regions_exported(self, path: Path) -> None:
        self.message_bar.show_done(f"The traces of the regions were written to {path}.")

    def _on_session_failed(self, error: Exception) -> None:
        if self._export_dialog is None:
            self.message_bar.show_error(error)

    def _on_session_inspected(self, inspected: Inspected) -> None:
        dialog = ImportDialog(inspected.recording, inspected.preview, self)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.accepted.connect(lambda: self._import(inspected, dialog))
        dialog.open()

    def _import(self, inspected: Inspected, dialog: ImportDialog) -> None:
        target = dialog.target
        if target is not None:
            self.session.convert_and_open(
                inspected.recording.path,
                target,
                dialog.interval,
                dialog.pixel_size,
                overwrite=dialog.overwrite,
            )

    def _on_session_exported(self, path: Path) -> None:
        if self._export_dialog is None:
            self.message_bar.show_done(
                f"The corrected series was written to {path}.",
                "Open it",
                lambda: self.open_path(path),
            )

    def _on_export_dialog_finished(self) -> None:
        self._export_dialog = None

    def _on_escape(self) -> None:
        if self.looking.cancel():
            return
        if self.session.busy:
            self.session.cancel()
        else:
            self.message_bar.hide()

    def _on_wheel_steps_triggered(self) -> None:
        steps = self._actions["actionWheelSteps"].isChecked()
        self.frame_view.wheel_steps = steps
        self.settings.set(Preferences.wheel_steps, steps)

    # ------------------------------------------------------------------ Qt events

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802 - Qt's name
        """Take the plain keys that the focused widget has no use for."""
        plain = event.modifiers() & ~(
            Qt.KeyboardModifier.KeypadModifier | Qt.KeyboardModifier.ShiftModifier
        )
        name = KEYS.get(event.key()) if not plain else None
        if name == "actionCancel":
            self._on_escape()
        elif name is not None and self._actions[name].isEnabled():
            self._actions[name].trigger()
        else:
            super().keyPressEvent(event)

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:  # noqa: N802 - Qt's name
        """Accept files."""
        if any(url.isLocalFile() for url in event.mimeData().urls()):
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:  # noqa: N802 - Qt's name
        """Open the file that was dropped."""
        paths = [url.toLocalFile() for url in event.mimeData().urls() if url.isLocalFile()]
        if paths:
            event.acceptProposedAction()
            # Not within the drop: the program that the file comes from waits for its end.
            QTimer.singleShot(0, lambda: self.open_path(paths[0]))

    def changeEvent(self, event: QEvent) -> None:  # noqa: N802 - Qt's name
        """Draw icons anew when the theme has changed."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange:
            self.update()

    def _may_leave(self, then: Callable[[], object]) -> bool:
        """Ask the person where leaving now would lose something."""
        if self.session.busy:
            if not dialogs.confirm_cancel(self, self.session.busy):
                return False
            self.session.cancel()
            self.session.wait()
        return self.saving.may_leave(then)

    def closeEvent(self, event: QCloseEvent) -> None:  # noqa: N802 - Qt's name
        """Ask, cancel what runs, wait for it, and remember the window."""
        if not self._may_leave(self.close):
            event.ignore()
            return
        self.saving.journaling.discard()
        self.time_bar.stop()
        settings = self.settings
        settings.set(Preferences.geometry, self.saveGeometry())
        is_open = self.session.source is not None
        state = self.saveState(LAYOUT_VERSION) if is_open else self._layout_before_leaving
        settings.set(Preferences.layout, state)
        settings.set(Preferences.colormap, self.frame_view.colormap)
        settings.set(Preferences.show_scale, self.looking.scale_button.isChecked())
        settings.set(Preferences.show_time, self.looking.time_action.isChecked())
        settings.set(Preferences.show_border, self.frame_view.border_button.isChecked())
        self.session.shut_down()
        event.accept()


def _scrolling(panel: QWidget, sideways: bool = False) -> QScrollArea:
    """Let a panel scroll where the window is too low for it, or too narrow."""
    area = QScrollArea()
    area.setObjectName(f"{panel.objectName()}Scroll")
    area.setWidgetResizable(True)
    if not sideways:
        area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        area.setMinimumWidth(300)
    area.setFrameShape(QFrame.Shape.NoFrame)
    area.setWidget(panel)
    return area
