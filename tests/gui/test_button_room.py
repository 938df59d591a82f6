"""Every button has room for its words, in the style that people see."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from controls import find
from PyQt5.QtCore import Qt
from PyQt5.QtWidgets import (
    QAction,
    QApplication,
    QDialog,
    QPushButton,
    QStyle,
    QStyleOptionButton,
    QWidget,
)

from flimage_gui import theme
from flimage_gui.batch_window import BatchWindow
from flimage_gui.main_window import MainWindow


@pytest.fixture(autouse=True)
def themed(qapp: QApplication) -> Iterator[None]:
    palette, sheet = qapp.palette(), qapp.styleSheet()
    theme.apply_theme(qapp, theme.LIGHT)
    yield
    qapp.setStyleSheet(sheet)
    qapp.setPalette(palette)


def cut(root: QWidget) -> list[str]:
    """Return the visible buttons below `root` whose words are wider than their room."""
    found = []
    for button in root.findChildren(QPushButton):
        if not button.isVisible() or not button.text():
            continue
        option = QStyleOptionButton()
        option.initFrom(button)
        option.text = button.text()
        place = QStyle.SubElement.SE_PushButtonContents
        room = button.style().subElementRect(place, option, button).width()
        words = button.fontMetrics().size(Qt.TextFlag.TextShowMnemonic, button.text()).width()
        icon = 0 if button.icon().isNull() else button.iconSize().width()
        if words + icon > room:
            found.append(f"{button.objectName()} {button.text()!r}: {words + icon} px in {room} px")
    return found


@pytest.mark.parametrize("size", [(1024, 700), (1280, 820)])
def test_in_the_panels(qtbot, opened: MainWindow, settle, size: tuple[int, int]) -> None:
    opened.session.run_fit()
    settle(opened.session)
    opened.resize(*size)
    for name, dock in opened.panels.docks.items():
        opened.panels.reveal(name)
        qtbot.waitUntil(dock.isVisible)
        qtbot.wait(50)
        assert cut(dock) == [], name


@pytest.mark.parametrize(
    ("action", "name"),
    [
        ("actionExport", "exportDialog"),
        ("actionExportAs", "exportAsDialog"),
        ("actionPreferences", "preferencesDialog"),
        ("actionShortcuts", "shortcutsDialog"),
    ],
)
def test_in_the_dialogs(qtbot, opened: MainWindow, action: str, name: str) -> None:
    find(opened, QAction, action).trigger()
    dialog = find(opened, QDialog, name)
    qtbot.waitUntil(dialog.isVisible)
    qtbot.wait(50)
    assert cut(dialog) == []
    dialog.reject()


def test_in_the_batch_window(qtbot) -> None:
    batch = BatchWindow()
    qtbot.addWidget(batch)
    batch.resize(1024, 700)
    with qtbot.waitExposed(batch):
        batch.show()
    assert cut(batch) == []
