"""What hands do in the window: press keys, click into menus, lists and tabs (no method calls)."""

from __future__ import annotations

from collections.abc import Sequence

from controls import find
from PyQt5.QtCore import Qt, QTimer
from PyQt5.QtTest import QTest
from PyQt5.QtWidgets import (
    QAbstractItemView,
    QAction,
    QApplication,
    QDockWidget,
    QMenu,
    QTabBar,
    QToolButton,
    QWidget,
)

from flimage_gui.main_window import MainWindow

CTRL = Qt.KeyboardModifier.ControlModifier
SHIFT = Qt.KeyboardModifier.ShiftModifier
LEFT = Qt.MouseButton.LeftButton


def press(qtbot, window: MainWindow, key: Qt.Key, *modifiers: Qt.KeyboardModifier) -> None:
    """Press a key of the window where no control takes it for itself."""
    window.activateWindow()
    qtbot.waitUntil(window.isActiveWindow)
    find(window, QWidget, "frameView").setFocus()
    held = Qt.KeyboardModifiers(Qt.KeyboardModifier.NoModifier)
    for modifier in modifiers:
        held |= modifier
    QTest.keyClick(find(window, QWidget, "frameView"), key, held)


def _way(menu: QMenu, name: str) -> list[QAction]:
    """Find the items of menus that lead to an action; empty where none does."""
    for item in menu.actions():
        if item.objectName() == name:
            return [item]
        if item.menu() is not None and (rest := _way(item.menu(), name)):
            return [item, *rest]
    return []


def _click_through(qtbot, menu: QMenu | None, name: str) -> None:
    """Click from menu to submenu until the action is reached."""
    while menu is not None:
        qtbot.waitUntil(menu.isVisible)
        # Some menus are filled only when they are shown.
        item = _way(menu, name)[0]
        assert item.isVisible(), item.objectName()
        assert item.isEnabled(), f"{item.objectName()} is disabled"
        below = item.menu()
        QTest.mouseClick(menu, LEFT, pos=menu.actionGeometry(item).center())
        menu = below


def pick(qtbot, window: MainWindow, name: str) -> None:
    """Click through the menu bar to an action."""
    window.activateWindow()
    qtbot.waitUntil(window.isActiveWindow)
    bar = window.menuBar()
    for title in bar.actions():
        if _way(title.menu(), name):
            QTest.mouseClick(bar, LEFT, pos=bar.actionGeometry(title).center())
            _click_through(qtbot, title.menu(), name)
            return
    raise AssertionError(f"{name} is in no menu")


def pick_below(qtbot, window: QWidget, button: str, name: str) -> None:
    """Click a button that opens a menu, and the item of that name in it."""
    opener = find(window, QToolButton, button)
    where = opener.rect().center()
    if opener.popupMode() == QToolButton.ToolButtonPopupMode.MenuButtonPopup:
        # The arrow, not what the button itself does.
        where.setX(opener.width() - 4)
    chosen: list[bool] = []

    def choose(times: int = 500) -> None:
        # The menu runs an event loop of its own, in which this is called.
        menu = QApplication.activePopupWidget()
        if isinstance(menu, QMenu) and _way(menu, name):
            _click_through(qtbot, menu, name)
            chosen.append(True)
        elif times:
            QTimer.singleShot(10, lambda: choose(times - 1))

    QTimer.singleShot(10, choose)
    QTest.mouseClick(opener, LEFT, pos=where)
    qtbot.waitUntil(lambda: bool(chosen) and QApplication.activePopupWidget() is None)


def raise_panel(qtbot, window: MainWindow, name: str) -> None:
    """Click the tab of a panel, so that it lies in front."""
    dock = find(window, QDockWidget, name)

    def in_front() -> bool:
        # Qt moves what lies behind out of the window.
        return dock.isVisible() and (dock.isFloating() or dock.x() >= 0)

    if in_front():
        return
    for bar in window.findChildren(QTabBar):
        for index in range(bar.count()):
            if bar.isVisible() and bar.tabText(index) == dock.windowTitle():
                QTest.mouseClick(bar, LEFT, pos=bar.tabRect(index).center())
                qtbot.waitUntil(in_front)
                return
    raise AssertionError(f"{name} has no tab")


def click_rows(
    view: QAbstractItemView, rows: Sequence[int], column: int = 0, held: Qt.KeyboardModifier = CTRL
) -> None:
    """Click the first row, and the others with a key held."""
    for place, row in enumerate(rows):
        index = view.model().index(row, column)
        view.scrollTo(index)
        QTest.mouseClick(
            view.viewport(),
            LEFT,
            held if place else Qt.KeyboardModifier.NoModifier,
            view.visualRect(index).center(),
        )
