"""Asks the settings portal of a Linux desktop whether it is dark, and hears of changes (D-Bus).

The interface is described at https://flatpak.github.io/xdg-desktop-portal.
"""

from __future__ import annotations

from typing import Any

from PyQt5.QtCore import QObject, pyqtSignal, pyqtSlot
from PyQt5.QtDBus import QDBusConnection, QDBusMessage, QDBusPendingCallWatcher, QDBusPendingReply

__all__ = ["Portal"]

SERVICE, OBJECT = "org.freedesktop.portal.Desktop", "/org/freedesktop/portal/desktop"
INTERFACE = "org.freedesktop.portal.Settings"
NAMESPACE, KEY = "org.freedesktop.appearance", "color-scheme"
#: What it answers; any other number is no preference.
_IS_DARK = {1: True, 2: False}


class Portal(QObject):
    """The settings portal of the session that the program runs in; there may be none.

    Parameters
    ----------
    parent
        Qt parent.
    """

    #: bool: whether the desktop is dark; None where it has no preference
    told = pyqtSignal(object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        bus = QDBusConnection.sessionBus()
        if not bus.isConnected():
            return
        bus.connect(SERVICE, OBJECT, INTERFACE, "SettingChanged", self._on_setting_changed)
        question = QDBusMessage.createMethodCall(SERVICE, OBJECT, INTERFACE, "Read")
        question.setArguments([NAMESPACE, KEY])
        # Not waited for: starting the portal can take a desktop seconds.
        self._watcher = QDBusPendingCallWatcher(bus.asyncCall(question), self)
        self._watcher.finished.connect(self._on_watcher_finished)

    def _on_watcher_finished(self, watcher: QDBusPendingCallWatcher) -> None:
        reply = QDBusPendingReply(watcher)
        arguments = reply.reply().arguments()
        if not reply.isError() and arguments:
            self._tell(arguments[0])

    @pyqtSlot(QDBusMessage)
    def _on_setting_changed(self, message: QDBusMessage) -> None:
        arguments = message.arguments()
        if len(arguments) == 3 and arguments[:2] == [NAMESPACE, KEY]:
            self._tell(arguments[2])

    def _tell(self, value: Any) -> None:
        # The portal packs its answer into a variant, once or twice.
        while hasattr(value, "variant"):
            value = value.variant()
        self.told.emit(_IS_DARK.get(value))
