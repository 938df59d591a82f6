"""Lets a window take over the preferences, at once, and remember what is chosen in it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from PyQt5.QtCore import QObject
from PyQt5.QtWidgets import QAction, QComboBox

from .frame_view import FrameView
from .looking import Looking
from .playback import Ending, playable_times, suitable_speed
from .session import Change, Session
from .settings import SUITABLE, Preference, Preferences, Settings
from .time_bar import TimeBar

__all__ = ["AppliedSettings"]


class AppliedSettings(QObject):
    """Connects the preferences with the parts of one window that they are about.

    What is switched in the window is remembered for windows that are opened later; what is chosen
    in the dialog changes all windows.

    Parameters
    ----------
    settings
        The preferences.
    session, view, looking, time_bar, actions
        What they are about.
    """

    def __init__(
        self,
        settings: Settings,
        session: Session,
        view: FrameView,
        looking: Looking,
        time_bar: TimeBar,
        actions: Mapping[str, QAction],
    ) -> None:
        super().__init__(view)
        self._settings = settings
        self._session = session
        self._view = view
        self._time_bar = time_bar
        self._wheel_action = actions["actionWheelSteps"]
        self._appliers: dict[str, Callable[[Any], None]] = {
            Preferences.colormap.key: self._apply_colormap,
            Preferences.show_border.key: view.border_button.setChecked,
            Preferences.show_scale.key: looking.scale_button.setChecked,
            Preferences.show_time.key: looking.time_action.setChecked,
            Preferences.wheel_steps.key: self._apply_wheel_steps,
            Preferences.playback_speed.key: self._apply_speed,
            Preferences.playback_ending.key: self._apply_ending,
            Preferences.cache_megabytes.key: self._apply_cache,
        }
        for preference in Preferences.all():
            self._apply(preference)
        for signal, preference in (
            (view.border_button.toggled, Preferences.show_border),
            (looking.scale_button.toggled, Preferences.show_scale),
            (looking.time_action.toggled, Preferences.show_time),
            (view.colormap_combo.currentTextChanged, Preferences.colormap),
        ):
            signal.connect(lambda value, each=preference: settings.remember(each, value))
        self._wheel_action.triggered.connect(
            lambda checked: settings.set(Preferences.wheel_steps, checked)
        )
        settings.changed.connect(self._apply)
        session.changed.connect(self._on_session_changed)
        # The speed that suits other times is another one; one that is preferred stays.
        time_bar.times_changed.connect(lambda: self._apply(Preferences.playback_speed))

    def _apply(self, preference: Preference[Any]) -> None:
        apply = self._appliers.get(preference.key)
        if apply is not None:
            apply(self._settings.get(preference))

    def _apply_colormap(self, name: str) -> None:
        self._view.colormap = name

    def _apply_wheel_steps(self, steps: bool) -> None:
        self._view.wheel_steps = steps
        self._wheel_action.setChecked(steps)

    def _apply_speed(self, chosen: str) -> None:
        combo = self._time_bar.findChild(QComboBox, "speedCombo")
        data: float | str
        if chosen == SUITABLE:
            data = suitable_speed(playable_times(self._session.shown_times))
        else:
            data = chosen if chosen.endswith("fps") else float(chosen)
        combo.setCurrentIndex(combo.findData(data))
        # As if a person had chosen it: what plays goes on at this speed.
        combo.activated.emit(combo.currentIndex())

    def _apply_ending(self, name: str) -> None:
        self._time_bar.set_ending(Ending[name])

    def _apply_cache(self, megabytes: int) -> None:
        self._session.cache_bytes = megabytes << 20

    def _on_session_changed(self, change: Change) -> None:
        if change & Change.RECORDING:
            self._apply(Preferences.playback_speed)
