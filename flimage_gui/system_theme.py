"""Finds out whether the desktop is dark, and notices when that changes while the program runs.

Qt 5 tells neither. Linux desktops answer through their settings portal (D-Bus), which also reports
changes; Windows and macOS keep it in their settings, which are read again whenever the person comes
back to the program.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

from PyQt5.QtCore import QObject, QSettings, Qt
from PyQt5.QtWidgets import QApplication

from . import theme

__all__ = ["SystemTheme", "read_setting"]

_WINDOWS_KEY = r"HKEY_CURRENT_USER\Software\Microsoft\Windows\CurrentVersion\Themes\Personalize"
_MAC_FILE = "Library/Preferences/.GlobalPreferences.plist"


def read_setting(platform: str = sys.platform) -> bool | None:
    """Return whether the settings of Windows or macOS say dark; None where they don't tell."""
    if platform == "win32":
        store = QSettings(_WINDOWS_KEY, QSettings.Format.NativeFormat)
        value = store.value("AppsUseLightTheme")
        return None if value is None else int(value) == 0
    if platform == "darwin":
        store = QSettings(str(Path.home() / _MAC_FILE), QSettings.Format.NativeFormat)
        return str(store.value("AppleInterfaceStyle", "")).lower() == "dark"
    return None


class SystemTheme(QObject):
    """Lets the program follow the desktop from light to dark and back.

    Parameters
    ----------
    app
        The application.
    wanted
        Returns the name of the theme that is wanted now; it is followed while that is ``"system"``.
    read
        Returns whether the desktop is dark; None where that is not known.
    """

    def __init__(
        self,
        app: QApplication,
        wanted: Callable[[], str],
        read: Callable[[], bool | None] = read_setting,
    ) -> None:
        super().__init__()
        self._app = app
        self._wanted = wanted
        self._read = read
        app.applicationStateChanged.connect(self._on_app_state_changed)
        self._take(read())
        if sys.platform.startswith("linux"):
            self._watch_portal()

    def _take(self, dark: bool | None) -> None:
        """Show what the desktop is now."""
        if dark is not None and dark != theme.is_system_dark(self._app):
            theme.set_system_dark(self._app, dark)
            if self._wanted() == "system":
                theme.apply_theme_by_name("system", self._app)

    def _on_app_state_changed(self, state: Qt.ApplicationState) -> None:
        if state == Qt.ApplicationState.ApplicationActive:
            self._take(self._read())

    def _watch_portal(self) -> None:
        # Imported here: other platforms have no use for it.
        from .portal import Portal

        Portal(self).told.connect(self._take)
