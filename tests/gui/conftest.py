"""Guards and fixtures for tests of the window; every one of them drives real widgets."""

from __future__ import annotations

import gc
import os
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from recordings import decaying, write_series

pytest.importorskip("PyQt5", reason="the window needs PyQt5")

from PyQt5 import sip
from PyQt5.QtCore import QCoreApplication, QEvent, QSettings
from PyQt5.QtWidgets import QApplication, QMenu

from flimage_gui import jobs
from flimage_gui.main_window import MainWindow
from flimage_gui.session import Display, Session
from flimage_gui.settings import Settings

#: How long anything may take in a test [ms].
PATIENCE = 20_000


#: Threads that zarr keeps for the whole process once it was used.
_ZARR_THREADS = ("zarr_io", "asyncio_")

# Qt complains once when this is missing, as in many containers.
_RUNTIME = tempfile.TemporaryDirectory(prefix="flimage-runtime-")
os.environ.setdefault("XDG_RUNTIME_DIR", _RUNTIME.name)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let every Qt warning fail a test but those about what the offscreen platform lacks."""
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.qt_log_ignore("This plugin does not support", extend=True))


def _widgets() -> dict[int, str]:
    return {
        id(widget): f"{type(widget).__name__} {widget.objectName()!r}"
        for widget in QApplication.topLevelWidgets()
        # pyqtgraph makes a menu for every plot that nobody owns and that is never shown.
        if not isinstance(widget, QMenu) or widget.isVisible()
    }


@pytest.fixture(autouse=True)
def no_leaked_widgets(qapp: QApplication) -> Iterator[None]:
    """Fail a test that leaves a window, dialog or menu behind."""
    kept = list(QApplication.topLevelWidgets())
    before = {id(widget) for widget in kept}
    yield
    leaked: list[str] = []
    for _ in range(3):
        QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
        QCoreApplication.processEvents()
        leaked = [name for key, name in _widgets().items() if key not in before]
        if not leaked:
            break
        gc.collect()
    assert not leaked, f"left open: {', '.join(leaked)}"


@pytest.fixture(autouse=True)
def no_leaked_threads(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Fail a test that leaves a thread running, be it one of Qt's or one of Python's."""
    lanes: list[jobs._Lane] = []
    start = jobs._Lane.start

    def start_noted(lane: jobs._Lane) -> None:
        lanes.append(lane)
        start(lane)

    monkeypatch.setattr(jobs._Lane, "start", start_noted)

    def python_threads() -> list[threading.Thread]:
        # Python makes a stand-in for each of Qt's threads, and keeps it after their end.
        dummy = threading._DummyThread  # type: ignore[attr-defined]  # there is no public name
        return [
            thread
            for thread in threading.enumerate()
            if not isinstance(thread, dummy) and not thread.name.startswith(_ZARR_THREADS)
        ]

    before = set(python_threads())
    yield
    deadline = time.monotonic() + 5.0
    while True:
        leaked = [thread.name for thread in python_threads() if thread not in before]
        leaked += [
            lane.objectName() for lane in lanes if not sip.isdeleted(lane) and lane.isRunning()
        ]
        if not leaked or time.monotonic() > deadline:
            break
        time.sleep(0.01)
    assert not leaked, f"still running: {', '.join(leaked)}"


@pytest.fixture(autouse=True)
def own_journals(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let no test find the unsaved work of another one."""
    for name in ("XDG_STATE_HOME", "LOCALAPPDATA"):
        monkeypatch.setenv(name, str(tmp_path / "state"))


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Preferences that belong to one test."""
    return Settings(QSettings(str(tmp_path / "settings.ini"), QSettings.Format.IniFormat))


@pytest.fixture
def session(qapp: QApplication) -> Iterator[Session]:
    """A session that is shut down after the test."""
    made = Session()
    yield made
    made.shut_down()
    sip.delete(made)


@pytest.fixture
def window(qtbot, settings: Settings) -> Iterator[MainWindow]:
    """The main window, as a person finds it after starting the program."""
    made = MainWindow(settings)
    made.resize(1280, 820)
    made.show()
    qtbot.waitExposed(made)
    yield made
    # Not by closing: that may ask.
    made.session.shut_down()
    made.hide()
    sip.delete(made)


@pytest.fixture
def settle(qtbot) -> Callable[[Session], None]:
    """Wait until a session has nothing left to do."""

    def wait(session: Session) -> None:
        def at_rest() -> bool:
            return session.at_rest

        # Twice: a result that arrives may start the next job.
        for _ in range(2):
            qtbot.waitUntil(at_rest, timeout=PATIENCE)
            qtbot.wait(10)

    return wait


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    """A small bleaching series."""
    return write_series(tmp_path / "recording.h5", decaying())


@pytest.fixture
def opened(
    qtbot, window: MainWindow, recording: Path, settle: Callable[[Session], None]
) -> MainWindow:
    """The main window with :func:`recording` in it, at rest."""
    window.open_path(recording)
    settle(window.session)
    qtbot.waitUntil(lambda: window.frame_view.shown == (0, Display.RAW), timeout=PATIENCE)
    return window
