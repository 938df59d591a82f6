"""Preferences that outlive the program; each is declared once, with its type and its default."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from PyQt5.QtCore import QByteArray, QObject, QSettings, pyqtSignal

from .colormaps import COLORMAPS, DEFAULT
from .playback import FRAME_RATES, SPEEDS, Ending

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
    group
        Heading that it stands under; empty for what the program remembers by itself, which a
        person can only let it forget.
    choices
        Allowed values; empty where any value of the type is.
    texts
        What a person reads for each of the choices; by default the choices themselves.
    minimum, maximum
        Limits of a number.
    """

    key: str
    default: Value
    label: str = ""
    explanation: str = ""
    group: str = ""
    choices: tuple[Value, ...] = ()
    texts: tuple[str, ...] = ()
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


#: Speed that suits the recording: it is played in about a quarter of a minute.
SUITABLE = "suitable"


class Preferences:
    """All preferences, in the order in which a person finds them."""

    theme = Preference(
        "theme",
        "system",
        "Theme",
        "Light or dark; or like the desktop, also when that changes.",
        "Appearance",
        ("system", "light", "dark"),
        ("Like the desktop", "Light", "Dark"),
    )
    colormap = Preference(
        "colormap",
        DEFAULT,
        "Colour map",
        "Colours of the image. All but green can be told apart by people with colour blindness.",
        "Appearance",
        tuple(COLORMAPS),
    )
    show_border = Preference(
        "show_border",
        True,
        "Show the border",
        "Hatch the border whose pixels tell the level of the background.",
        "Appearance",
    )
    show_scale = Preference(
        "show_scale",
        False,
        "Show the scale bar",
        "Draw a scale bar on the image, where its pixel size is known.",
        "Appearance",
    )
    show_time = Preference(
        "show_time",
        False,
        "Show the time stamp",
        "Write the time of the frame on the image.",
        "Appearance",
    )
    wheel_steps = Preference(
        "wheel_steps_frames",
        False,
        "Wheel steps frames",
        "The wheel steps through the frames and Ctrl+wheel zooms, instead of the other way round.",
        "Browsing",
    )
    playback_speed = Preference(
        "playback",
        SUITABLE,
        "Playback speed",
        "How fast recordings are played: ×1 is as fast as they were recorded, with the recorded"
        " times; frames per second show each frame for the same time.",
        "Browsing",
        (SUITABLE, *(f"{speed:g}" for speed in SPEEDS), *(f"{rate:g} fps" for rate in FRAME_RATES)),
        (
            "Suits the recording",
            *(f"×{speed:g}" for speed in SPEEDS),
            *(f"{rate:g} frames per second" for rate in FRAME_RATES),
        ),
    )
    playback_ending = Preference(
        "playback_ending",
        Ending.STOP.name,
        "At the last frame",
        "What happens when playing has come to the end.",
        "Browsing",
        tuple(ending.name for ending in Ending),
        tuple(ending.value for ending in Ending),
    )
    show_result = Preference(
        "show_result",
        True,
        "Show the first result",
        "Show corrected frames as soon as a correction has been found for a recording.",
        "Correction",
    )
    cache_megabytes = Preference(
        "cache_megabytes",
        48,
        "Memory for frames [MB]",
        "Frames that were shown are kept up to this size, so that going back to them takes no"
        " time. Each window has its own.",
        "Performance",
        minimum=16,
        maximum=65536,
    )
    folder = Preference("folder", "", "Last folder", "The folder that the last file was in.")
    recent = Preference("recent", list[str](), "Recent files", "Recordings that were opened last.")
    geometry = Preference(
        "window/geometry", QByteArray(), "Window", "Size and place of the window."
    )
    layout = Preference("window/layout", QByteArray(), "Panels", "Where the panels are.")

    @classmethod
    def all(cls) -> list[Preference[Any]]:
        """Return all of them, in the order in which they are declared."""
        return [each for each in vars(cls).values() if isinstance(each, Preference)]


class Settings(QObject):
    """The settings file of the person who runs the program, shared by all windows.

    Parameters
    ----------
    store
        Where values are kept; by default the usual place of the platform.
    """

    #: Preference: has another value now, which everything that is open takes over
    changed = pyqtSignal(object)

    def __init__(self, store: QSettings | None = None) -> None:
        super().__init__()
        self._store = QSettings("flimage", "flimage") if store is None else store

    def get(self, preference: Preference[Value]) -> Value:
        """Return the value of a preference; a damaged one is its default."""
        if not self._store.contains(preference.key):
            return preference.default
        return preference.read(self._store.value(preference.key))

    def set(self, preference: Preference[Value], value: Value) -> None:
        """Keep a value, and let everything that is open take it over."""
        if self.remember(preference, value):
            self.changed.emit(preference)

    def remember(self, preference: Preference[Value], value: Value) -> bool:
        """Keep a value for windows that are opened later; tell whether it is another one."""
        if self.get(preference) == value:
            return False
        self._store.setValue(preference.key, value)
        return True

    def reset(self, preference: Preference[Any]) -> None:
        """Go back to the default."""
        before = self.get(preference)
        self._store.remove(preference.key)
        if before != preference.default:
            self.changed.emit(preference)

    def add_recent(self, path: str) -> None:
        """Put a file to the top of the recent ones."""
        others = [each for each in self.get(Preferences.recent) if each != path]
        self.set(Preferences.recent, [path, *others][:MOST_RECENT])
