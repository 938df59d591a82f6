"""The program follows the desktop from light to dark, also while it runs."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from PyQt5.QtCore import QSettings, Qt
from PyQt5.QtGui import QPalette
from PyQt5.QtWidgets import QApplication

from flimage_gui import system_theme, theme
from flimage_gui.main_window import MainWindow
from flimage_gui.system_theme import SystemTheme, read_setting

ACTIVE = Qt.ApplicationState.ApplicationActive


@pytest.fixture
def app(qapp: QApplication, monkeypatch) -> Iterator[QApplication]:
    """The application, on a light desktop that no bus tells of, as it was before afterwards."""
    monkeypatch.setattr(SystemTheme, "_watch_portal", lambda self: None)
    before, sheet, style = QPalette(qapp.palette()), qapp.styleSheet(), qapp.style().objectName()
    was_dark = theme.is_system_dark(qapp)
    theme.set_system_dark(qapp, False)
    yield qapp
    theme.set_system_dark(qapp, was_dark)
    qapp.setStyleSheet(sheet)
    qapp.setStyle(style)
    qapp.setPalette(before)


def is_dark(window: MainWindow) -> bool:
    return window.palette().color(QPalette.ColorRole.Window).lightness() < 100


def test_the_window_follows_the_desktop_when_the_person_comes_back(
    app: QApplication, window: MainWindow
) -> None:
    answers: list[bool | None] = [False]
    following = SystemTheme(app, lambda: "system", lambda: answers[-1])
    theme.apply_theme_by_name("system", app)
    assert not is_dark(window)
    for answer in (True, False, True):
        answers.append(answer)
        app.applicationStateChanged.emit(ACTIVE)
        assert is_dark(window) is answer
    answers.append(None)
    app.applicationStateChanged.emit(ACTIVE)
    assert is_dark(window)
    following.deleteLater()


def test_a_theme_that_was_chosen_stays_and_the_desktop_counts_later(
    app: QApplication, window: MainWindow
) -> None:
    wanted = ["light"]
    theme.apply_theme_by_name("light", app)
    following = SystemTheme(app, lambda: wanted[0], lambda: True)
    assert not is_dark(window)
    wanted[0] = "system"
    theme.apply_theme_by_name("system", app)
    assert is_dark(window)
    following.deleteLater()


@pytest.mark.parametrize(
    ("platform", "key", "value", "dark"),
    [
        ("win32", "AppsUseLightTheme", 0, True),
        ("win32", "AppsUseLightTheme", 1, False),
        ("win32", "Other", 1, None),
        ("darwin", "AppleInterfaceStyle", "Dark", True),
        ("darwin", "Other", "", False),
        ("linux", "AppleInterfaceStyle", "Dark", None),
    ],
)
def test_settings_of_other_systems_are_understood(
    tmp_path: Path, monkeypatch, platform: str, key: str, value: object, dark: bool | None
) -> None:
    store = QSettings(str(tmp_path / "system.ini"), QSettings.Format.IniFormat)
    store.setValue(key, value)

    class Store:
        Format = QSettings.Format

        def __new__(cls, *_: object) -> QSettings:
            return store

    monkeypatch.setattr(system_theme, "QSettings", Store)
    assert read_setting(platform) is dark


PORTAL = """
import sys
from PyQt5.QtCore import Q_CLASSINFO, QTimer, pyqtSlot
from PyQt5.QtDBus import QDBusAbstractAdaptor, QDBusConnection, QDBusMessage, QDBusVariant
from PyQt5.QtWidgets import QApplication
from flimage_gui import theme
from flimage_gui.portal import INTERFACE, KEY, NAMESPACE, OBJECT, SERVICE
from flimage_gui.system_theme import SystemTheme

app = QApplication([])
bus = QDBusConnection.connectToBus(QDBusConnection.BusType.SessionBus, "portal")

class Portal(QDBusAbstractAdaptor):
    Q_CLASSINFO("D-Bus Interface", INTERFACE)
    @pyqtSlot(str, str, result=QDBusVariant)
    def Read(self, namespace, key):
        assert (namespace, key) == (NAMESPACE, KEY)
        return QDBusVariant(1)

portal = Portal(app)
assert bus.registerObject(OBJECT, app)
assert bus.registerService(SERVICE)
theme.apply_theme_by_name("light", app)
seen = []
apply = theme.apply_theme_by_name
def note(name, app):
    apply(name, app)
    seen.append(theme.is_system_dark(app))

theme.apply_theme_by_name = note
following = SystemTheme(app, lambda: "system")

def change(value):
    message = QDBusMessage.createSignal(OBJECT, INTERFACE, "SettingChanged")
    message.setArguments([NAMESPACE, KEY, QDBusVariant(value)])
    bus.send(message)

QTimer.singleShot(500, lambda: change(2))
QTimer.singleShot(700, lambda: change(1))
QTimer.singleShot(1000, app.quit)
app.exec()
print(seen)
"""


@pytest.mark.skipif(not shutil.which("dbus-run-session"), reason="needs D-Bus")
def test_a_linux_desktop_is_asked_and_its_changes_are_followed(tmp_path: Path) -> None:
    done = subprocess.run(
        ["dbus-run-session", "--", sys.executable, "-c", PORTAL],
        env={**os.environ, "QT_QPA_PLATFORM": "offscreen"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "[True, False, True]", done.stderr
