"""Ends the program in order when the system, or a terminal, tells it to."""

from __future__ import annotations

import contextlib
import signal
import socket
from collections.abc import Callable
from types import FrameType
from typing import Any

from PyQt5.QtCore import QObject, QSocketNotifier

__all__ = ["Termination"]

#: What tells a program to end: Ctrl+C in a terminal, and the end of the desktop's session.
SIGNALS = ("SIGINT", "SIGTERM", "SIGHUP")


class Termination(QObject):
    """Calls a function in the event loop when the process is told to end.

    Python runs its handlers only between two of its own instructions, of which there may be none
    for hours while Qt waits. So each signal also writes a byte into a socket, which Qt waits for.

    Parameters
    ----------
    end
        What ends the program.
    parent
        Qt parent.
    """

    def __init__(self, end: Callable[[], None], parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._end = end
        self._reader, self._writer = socket.socketpair()
        for each in (self._reader, self._writer):
            each.setblocking(False)
        self._notifier = QSocketNotifier(self._reader.fileno(), QSocketNotifier.Type.Read, self)
        self._notifier.activated.connect(self._on_notifier_activated)
        self._previous_wakeup = signal.set_wakeup_fd(self._writer.fileno())
        # Windows knows only some of the signals.
        self._previous: dict[int, Any] = {
            getattr(signal, name): signal.signal(getattr(signal, name), self._on_signal)
            for name in SIGNALS
            if hasattr(signal, name)
        }

    def remove(self) -> None:
        """Leave signals to whoever had them before."""
        for number, handler in self._previous.items():
            signal.signal(number, handler)
        signal.set_wakeup_fd(self._previous_wakeup)
        self._notifier.setEnabled(False)
        self._reader.close()
        self._writer.close()

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        """Do nothing: that it is there keeps Python from ending the process at once."""

    def _on_notifier_activated(self, *_: object) -> None:
        with contextlib.suppress(BlockingIOError):
            self._reader.recv(64)
        self._end()
