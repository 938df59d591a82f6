"""Preferences that outlive the program; each is declared once, with its type and its default."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from PyQt5.QtCore import QByteArray, QSettings

__all__ = ["Preference", "Preferences", "Settings"]

Value = TypeVar("Value", str, int, float, bool, list[str], QByteArray)

#: Number of recordings in the menu of recent files.
MOST_RECENT = 8


@dataclass(frozen=True)
class Preference(Generic[Value]):
    """One preference.

    Parameters
    ----------
    key
        Name in the settings file.
    default
        Value where nothing was chosen; its type is the type of the preference.
    label, explanation
        What a person reads.
    choices
        Allowed values; empty where any value of the type is.
    minimum, maximum
        Limits of a number.
    """

    key: str
    default: Value
    label: str = ""
    explanation: str = ""
    choices: tuple[Value, ...] = ()
    minimum: float = float("-inf")
    maximum: float = float("inf")

    def read(self, stored: Any) -> Value:
        """Return `stored` if it is a value of this preference, else the default."""
        kind = type(self.default)
        if kind is list and not isinstance(stored, list):
            # QSettings gives a list of one as its only element.
            stored = [stored] if isinstance(stored, str) and stored else []
        try:
            value = kind(stored)
        except (TypeError, ValueError):
            return self.default
        if kind is bool:
            value = stored in (True, "true", "True", 1, "1")
        if self.choices and value not in self.choices:
            return self.default
        if isinstance(value, (int, float)) and not self.minimum <= value <= self.maximum:
            return self.default
        return value


class Preferences:
    """All preferences."""

    theme = Preference(
        "theme",
        "system",
        "Theme",
        "Light or dark; 'system' follows the desktop.",
        ("system", "light", "dark"),
    )
    colormap = Preference("colormap", "Gray", "Colour map", "Colours of the frame view.")
    cache_megabytes = Preference(
        "cache_megabytes",
        64,
        "Memory for frames [MB]",
        "Decoded frames that are kept, so that going back to them takes no time.",
        minimum=16,
        maximum=65536,
    )
    wheel_steps = Preference(
        "wheel_steps_frames",
        False,
        "Wheel steps frames",
        "The wheel steps through the frames and Ctrl+wheel zooms, instead of the other way round.",
    )
    playback_speed = Preference(
        "playback_speed",
        1.0,
        "Playback speed",
        "1 plays with the times of the recording.",
        minimum=0.01,
        maximum=1000.0,
    )
    show_border = Preference(
        "show_border", True, "Show the border", "Hatch the border that holds the background."
    )
    show_scale = Preference(
        "show_scale", False, "Show the scale bar", "Draw a scale bar on the image."
    )
    show_time = Preference(
        "show_time", False, "Show the time stamp", "Write the time of the frame on the image."
    )
    folder = Preference("folder", "", "Folder", "Where the last file was opened.")
    recent = Preference("recent", list[str](), "Recent files", "Recordings opened last.")
    geometry = Preference("window/geometry", QByteArray(), "", "Size and place of the window.")
    layout = Preference("window/layout", QByteArray(), "", "Where the panels are.")


class Settings:
    """The settings file of the person who runs the program.

    Parameters
    ----------
    store
        Where values are kept; by default the usual place of the platform.
    """

    def __init__(self, store: QSettings | None = None) -> None:
        self._store = QSettings("flimage", "flimage") if store is None else store

    def get(self, preference: Preference[Value]) -> Value:
        """Return the value of a preference; a damaged one is its default."""
        if not self._store.contains(preference.key):
            return preference.default
        return preference.read(self._store.value(preference.key))

    def set(self, preference: Preference[Value], value: Value) -> None:
        """Keep a value."""
        self._store.setValue(preference.key, value)

    def add_recent(self, path: str) -> None:
        """Put a file to the top of the recent ones."""
        others = [each for each in self.get(Preferences.recent) if each != path]
        self.set(Preferences.recent, [path, *others][:MOST_RECENT])
