"""The menu that chooses between the light and the dark theme."""

from __future__ import annotations

from typing import Any

from PyQt5.QtCore import QObject
from PyQt5.QtWidgets import QActionGroup, QMenu

from .settings import Preference, Preferences, Settings

__all__ = ["ThemeMenu"]

_TEXTS = {"system": "Like the &desktop", "light": "&Light", "dark": "&Dark"}


class ThemeMenu(QObject):
    """Fills the menu, and shows what is chosen, wherever that was.

    Parameters
    ----------
    menu
        The menu.
    settings
        The preferences.
    """

    def __init__(self, menu: QMenu, settings: Settings) -> None:
        super().__init__(menu)
        self._settings = settings
        group = QActionGroup(self)
        self._actions = {}
        for name, text in _TEXTS.items():
            action = menu.addAction(text)
            action.setObjectName(f"actionTheme{name.capitalize()}")
            action.setCheckable(True)
            action.triggered.connect(
                lambda _checked, name=name: settings.set(Preferences.theme, name)
            )
            group.addAction(action)
            self._actions[name] = action
        settings.changed.connect(self._on_settings_changed)
        self._on_settings_changed(Preferences.theme)

    def _on_settings_changed(self, preference: Preference[Any]) -> None:
        if preference is Preferences.theme:
            self._actions[self._settings.get(Preferences.theme)].setChecked(True)
