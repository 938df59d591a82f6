"""Recordings that were opened last, in the menu and on the welcome page."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from PyQt5.QtCore import QObject
from PyQt5.QtWidgets import QMenu

from .settings import Preference, Preferences, Settings
from .welcome import WelcomePage
from .widgets import tip_text

__all__ = ["RecentFiles"]


class RecentFiles(QObject):
    """Offers the files that were opened last, in whichever window that was.

    Parameters
    ----------
    settings
        Remember them.
    menu
        Menu that lists them.
    page
        Welcome page that lists them.
    open_path
        Opens one.
    """

    def __init__(
        self,
        settings: Settings,
        menu: QMenu,
        page: WelcomePage,
        open_path: Callable[[str], None],
    ) -> None:
        super().__init__(menu)
        self._settings = settings
        self._menu = menu
        self._page = page
        self._open_path = open_path
        settings.changed.connect(self._on_settings_changed)
        # Files come and go while the program runs.
        menu.aboutToShow.connect(self.refresh)
        self.refresh()

    def _on_settings_changed(self, preference: Preference[Any]) -> None:
        if preference is Preferences.recent:
            self.refresh()

    def refresh(self) -> None:
        """List what is still there."""
        known = self._settings.get(Preferences.recent)
        paths = [path for path in known if Path(path).exists()]
        self._page.show_recent(paths)
        self._menu.clear()
        self._menu.setEnabled(bool(known))
        for number, path in enumerate(paths, 1):
            name = Path(path).name.replace("&", "&&")
            action = self._menu.addAction(f"&{number} {name}")
            action.setObjectName(f"actionRecent{number}")
            action.setToolTip(tip_text(path))
            action.triggered.connect(lambda _checked, path=path: self._open_path(path))
        if not paths:
            self._menu.addAction("None of them is there any more").setEnabled(False)
            return
        self._menu.addSeparator()
        forget = self._menu.addAction("&Forget these")
        forget.setObjectName("actionForgetRecent")
        forget.triggered.connect(lambda _checked: self._settings.reset(Preferences.recent))
