"""Everything in the window can be reached, seen and heard without a mouse."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from controls import find
from PyQt5.QtCore import Qt
from PyQt5.QtGui import QPalette
from PyQt5.QtWidgets import (
    QAbstractButton,
    QAbstractItemView,
    QAbstractSlider,
    QAbstractSpinBox,
    QApplication,
    QComboBox,
    QDialog,
    QDockWidget,
    QGraphicsView,
    QLineEdit,
    QMainWindow,
    QPlainTextEdit,
    QScrollBar,
    QTabBar,
    QTextEdit,
    QWidget,
)

from flimage.recipe import Region
from flimage_gui import theme
from flimage_gui.comparing import Mode
from flimage_gui.main_window import MainWindow
from flimage_gui.opening import Inspected
from flimage_gui.region_keys import moved, resized

PATIENCE = 20_000
INTERACTIVE = (
    QAbstractButton,
    QAbstractItemView,
    QAbstractSlider,
    QAbstractSpinBox,
    QComboBox,
    QGraphicsView,
    QLineEdit,
    QPlainTextEdit,
    QTabBar,
    QTextEdit,
)


@pytest.fixture
def opened(opened: MainWindow, settle) -> MainWindow:
    opened.session.run_fit()
    settle(opened.session)
    opened.activateWindow()
    return opened


def is_part(widget: QWidget) -> bool:
    """Tell whether a widget is a part that Qt puts into another one, which has the name."""
    parent = widget.parentWidget()
    while parent is not None and not isinstance(parent, (QMainWindow, QDialog)):
        if isinstance(parent, (QComboBox, QAbstractSpinBox, QLineEdit, QAbstractItemView)):
            return True
        if parent.objectName().startswith("qt_scrollarea"):
            return True
        parent = parent.parentWidget()
    return widget.objectName().startswith("qt_")


def name_of(widget: QWidget) -> str:
    """What a screen reader says."""
    text = widget.text() if isinstance(widget, QAbstractButton) else ""
    return (widget.accessibleName() or text).replace("&", "").strip()


def mute(root: QWidget) -> list[str]:
    return [
        f"{type(widget).__name__} {widget.objectName()!r} in {widget.parentWidget().objectName()!r}"
        for kind in INTERACTIVE
        for widget in root.findChildren(kind)
        if not is_part(widget) and not name_of(widget)
    ]


def test_every_control_of_the_window_has_a_name(opened: MainWindow) -> None:
    # All of them, also those in panels that lie behind others.
    assert len(opened.findChildren(QAbstractButton)) > 30
    assert mute(opened) == []


def test_every_control_of_every_dialog_has_a_name(
    qtbot, opened: MainWindow, recording: Path, settle, tmp_path: Path
) -> None:
    import numpy as np
    import tifffile

    for action, name in (
        ("actionExport", "exportDialog"),
        ("actionExportAs", "exportAsDialog"),
        ("actionPreferences", "preferencesDialog"),
        ("actionShortcuts", "shortcutsDialog"),
        ("actionCommands", "commandPalette"),
        ("actionAbout", "aboutDialog"),
        ("actionJump", "jumpDialog"),
    ):
        opened._actions[action].trigger()
        dialog = find(opened, QDialog, name)
        assert dialog.windowTitle()
        assert mute(dialog) == [], name
        dialog.reject()
        qtbot.waitUntil(lambda name=name: not opened.findChildren(QDialog, name), timeout=PATIENCE)
    path = tmp_path / "stack.tif"
    tifffile.imwrite(path, np.zeros((5, 20, 30), np.uint16))
    inspected: list[Inspected] = []
    opened.session.inspected.connect(inspected.append)
    opened.open_path(path)
    qtbot.waitUntil(lambda: bool(inspected), timeout=PATIENCE)
    dialog = find(opened, QDialog, "importDialog")
    assert mute(dialog) == []
    dialog.reject()
    settle(opened.session)


def test_names_of_controls_that_are_seen_together_differ(opened: MainWindow) -> None:
    for dock in opened.findChildren(QDockWidget):
        names = [
            name_of(widget)
            for widget in dock.findChildren(QWidget)
            if isinstance(widget, (QComboBox, QAbstractSpinBox, QAbstractSlider))
            if not is_part(widget) and widget.isVisibleTo(dock)
        ]
        assert len(names) == len(set(names)), (dock.objectName(), names)


# ---------------------------------------------------------------------- focus


def tab_through(qtbot, window: QWidget, key: Qt.Key = Qt.Key.Key_Tab) -> list[QWidget]:
    """Press Tab until it comes back to where it started; return where it stopped."""
    start = find(window, QWidget, "displayCombo")
    start.setFocus(Qt.FocusReason.TabFocusReason)
    seen = [start]
    while True:
        qtbot.keyClick(window.focusWidget(), key)
        now = window.focusWidget()
        if now is start:
            return seen
        assert now not in seen, f"Tab does not lead out of {now.objectName()}"
        seen.append(now)


def is_seen(window: QWidget, widget: QWidget) -> bool:
    """Tell whether a widget is on screen, not behind or outside of anything."""
    middle = widget.mapTo(window, widget.rect().center())
    found = window.childAt(middle)
    return found is not None and (widget is found or widget.isAncestorOf(found))


def test_tab_reaches_every_control_that_is_seen_and_no_other(qtbot, opened: MainWindow) -> None:
    opened.resize(1600, 1000)
    qtbot.wait(20)
    reached = tab_through(qtbot, opened)
    behind = [w for w in reached if not is_seen(opened, w)]
    assert [f"{type(w).__name__} {w.objectName()}" for w in behind] == []
    seen = {
        widget
        for kind in INTERACTIVE
        for widget in opened.findChildren(kind)
        if not is_part(widget) and widget.isVisible() and widget.isEnabled()
        if is_seen(opened, widget) and not isinstance(widget, QScrollBar)
    }
    missing = {w.objectName() or type(w).__name__ for w in seen - set(reached)}
    assert missing == set()
    assert len(reached) > 25


def test_tab_goes_from_the_image_to_the_time_and_through_the_panels(
    qtbot, opened: MainWindow
) -> None:
    names = [widget.objectName() for widget in tab_through(qtbot, opened)]
    order = ["displayCombo", "colormapCombo", "frameGraphics", "playButton", "frameSlider"]
    order += ["modelCombo", "runBleachButton", "tracePlot"]
    places = [names.index(name) for name in order]
    assert places == sorted(places), names
    backwards = [w.objectName() for w in tab_through(qtbot, opened, Qt.Key.Key_Backtab)]
    assert backwards[1:] == names[:0:-1]


@pytest.fixture
def themed(qapp: QApplication) -> Iterator[QApplication]:
    before, sheet, style = QPalette(qapp.palette()), qapp.styleSheet(), qapp.style().objectName()
    yield qapp
    qapp.setStyleSheet(sheet)
    qapp.setStyle(style)
    qapp.setPalette(before)


@pytest.mark.parametrize("name", ["light", "dark"])
def test_the_focus_is_seen_on_every_control(
    qtbot, themed: QApplication, opened: MainWindow, name: str
) -> None:
    theme.apply_theme_by_name(name, themed)
    qtbot.waitActive(opened)
    QApplication.setCursorFlashTime(0)
    # As after the first press of Tab; only then does Qt draw a focus that it thinks unwanted.
    opened.setAttribute(Qt.WidgetAttribute.WA_KeyboardFocusChange)
    somewhere = find(opened, QWidget, "displayCombo")
    unseen = []
    for widget in tab_through(qtbot, opened):
        other = somewhere if widget is not somewhere else find(opened, QWidget, "frameSlider")
        other.setFocus(Qt.FocusReason.TabFocusReason)
        qtbot.wait(5)
        before = widget.grab().toImage()
        widget.setFocus(Qt.FocusReason.TabFocusReason)
        qtbot.wait(5)
        after = widget.grab().toImage()
        differing = sum(
            before.pixel(x, y) != after.pixel(x, y)
            for x in range(before.width())
            for y in range(0, before.height(), 1 if before.height() < 60 else 3)
        )
        if differing < 10:
            unseen.append(f"{type(widget).__name__} {widget.objectName()}: {differing}")
    assert unseen == []


def test_the_keyboard_starts_at_what_is_done_first(
    qtbot, window: MainWindow, recording: Path, settle
) -> None:
    button = find(window, QAbstractButton, "openButton")
    assert window.focusWidget() is button
    window.open_path(recording)
    settle(window.session)
    assert window.focusWidget() is not button
    window.close_recording()
    assert window.focusWidget() is button


def test_f6_goes_through_the_panels_and_back_to_the_image(qtbot, opened: MainWindow) -> None:
    graphics = find(opened, QWidget, "frameGraphics")
    graphics.setFocus()
    visited = []
    for _ in range(len(opened._docks)):
        qtbot.keyClick(opened.focusWidget(), Qt.Key.Key_F6)
        inside = [
            d.objectName() for d in opened._docks.values() if d.isAncestorOf(opened.focusWidget())
        ]
        assert len(inside) == 1
        visited += inside
        qtbot.wait(5)
        assert is_seen(opened, opened.focusWidget())
    assert set(visited) == set(opened._docks)
    qtbot.keyClick(opened.focusWidget(), Qt.Key.Key_F6)
    assert opened.focusWidget() is graphics
    qtbot.keyClick(graphics, Qt.Key.Key_F6, Qt.KeyboardModifier.ShiftModifier)
    assert opened._docks[visited[-1]].isAncestorOf(opened.focusWidget())


# ---------------------------------------------------------------------- by keys


def test_brackets_move_the_swipe_line(qtbot, opened: MainWindow, settle) -> None:
    graphics = find(opened, QWidget, "frameGraphics")
    comparison = opened.looking.comparison
    qtbot.keyClick(graphics, Qt.Key.Key_BracketRight)
    settle(opened.session)
    assert comparison.mode is Mode.SWIPE
    middle = comparison.line.value()
    qtbot.keyClick(graphics, Qt.Key.Key_BracketRight)
    assert comparison.line.value() == middle + 80 / 40
    for _ in range(60):
        qtbot.keyClick(graphics, Qt.Key.Key_BracketLeft)
    assert comparison.line.value() == 0
    settle(opened.session)


def test_a_region_is_put_moved_and_resized_by_keys_in_one_step(
    qtbot, opened: MainWindow, settle
) -> None:
    graphics = find(opened, QWidget, "frameGraphics")
    regions = opened.looking.named_regions
    alt, control = Qt.KeyboardModifier.AltModifier, Qt.KeyboardModifier.ControlModifier
    qtbot.keyClick(graphics, Qt.Key.Key_R, control | alt)
    assert len(regions.regions) == 1
    (left, top), (right, bottom) = regions.regions[0].region.points
    assert (left + right, top + bottom) == (80, 60)
    for key in (Qt.Key.Key_Left, Qt.Key.Key_Left, Qt.Key.Key_Up):
        qtbot.keyClick(graphics, key, alt)
    for key in (Qt.Key.Key_Right, Qt.Key.Key_Down, Qt.Key.Key_Down):
        qtbot.keyClick(graphics, key, alt | Qt.KeyboardModifier.ShiftModifier)
    place = ((left - 2, top - 1), (right - 1, bottom + 1))
    assert regions.regions[0].region.points == place
    assert opened.session.frame == 0
    qtbot.wait(800)
    opened.session.undo()
    assert regions.regions[0].region.points == ((left, top), (right, bottom))
    opened.session.undo()
    assert regions.regions == ()
    settle(opened.session)


@pytest.mark.parametrize(("letter", "purpose"), [("G", "signal"), ("B", "background")])
def test_signal_and_background_region_are_put_and_moved_by_keys(
    qtbot, opened: MainWindow, settle, letter: str, purpose: str
) -> None:
    graphics = find(opened, QWidget, "frameGraphics")
    session, tools = opened.session, opened.looking.regions
    before = session.recipe
    alt, control = Qt.KeyboardModifier.AltModifier, Qt.KeyboardModifier.ControlModifier
    key = getattr(Qt.Key, f"Key_{letter}")
    assert tools.drawn(purpose) is None
    qtbot.keyClick(graphics, key, control | alt)
    drawn = tools.drawn(purpose)
    assert drawn is not None
    assert tools.shown
    (left, top), (right, bottom) = drawn.points
    for each in (Qt.Key.Key_Right, Qt.Key.Key_Right, Qt.Key.Key_Down):
        qtbot.keyClick(graphics, each, alt)
    qtbot.keyClick(graphics, Qt.Key.Key_Down, alt | Qt.KeyboardModifier.ShiftModifier)
    place = ((left + 2, top + 1), (right + 2, bottom + 2))
    assert tools.drawn(purpose).points == place
    assert opened.looking.named_regions.regions == ()
    qtbot.wait(800)
    # Again: that which is drawn already is taken up, not replaced.
    qtbot.keyClick(graphics, key, control | alt)
    assert tools.drawn(purpose).points == place
    session.undo()
    assert tools.drawn(purpose).points == drawn.points, "all presses are one step"
    session.undo()
    assert session.recipe == before
    settle(session)


def test_the_keys_change_the_named_region_again_once_it_is_selected(
    qtbot, opened: MainWindow, settle
) -> None:
    graphics = find(opened, QWidget, "frameGraphics")
    regions, tools = opened.looking.named_regions, opened.looking.regions
    alt, control = Qt.KeyboardModifier.AltModifier, Qt.KeyboardModifier.ControlModifier
    qtbot.keyClick(graphics, Qt.Key.Key_R, control | alt)
    named = regions.regions[0].region.points
    qtbot.keyClick(graphics, Qt.Key.Key_G, control | alt)
    signal = tools.drawn("signal").points
    qtbot.keyClick(graphics, Qt.Key.Key_Left, alt)
    assert regions.regions[0].region.points == named
    regions.select(0)
    moved_signal = tools.drawn("signal").points
    assert moved_signal != signal
    qtbot.keyClick(graphics, Qt.Key.Key_Left, alt)
    assert regions.regions[0].region.points != named
    assert tools.drawn("signal").points == moved_signal
    settle(opened.session)


@pytest.mark.parametrize("kind", ["rectangle", "ellipse", "polygon"])
def test_a_region_that_is_moved_by_keys_stays_on_the_image(kind: str) -> None:
    region = Region(kind, ((2, 3), (9, 4), (6, 8))[: 3 if kind == "polygon" else 2])
    far = moved(region, (100, 100), (20, 30))
    assert max(x for x, _ in far.points) == 30
    assert max(y for _, y in far.points) == 20
    back = moved(far, (-100, -100), (20, 30))
    assert min(x for x, _ in back.points) == 0
    large = resized(region, (100, 100), (20, 30))
    assert max(x for x, _ in large.points) == pytest.approx(30)
    small = resized(region, (-100, -100), (20, 30))
    xs = [x for x, _ in small.points]
    assert max(xs) - min(xs) == pytest.approx(1)


# ---------------------------------------------------------------------- panels


def test_panels_float_are_closed_and_come_back_as_they_were_left(
    qtbot, window: MainWindow, recording: Path, settle, settings
) -> None:
    window.open_path(recording)
    settle(window.session)
    docks = window._docks
    docks["metadataDock"].setFloating(True)
    docks["metadataDock"].move(40, 60)
    docks["historyDock"].hide()
    window.addDockWidget(Qt.DockWidgetArea.LeftDockWidgetArea, docks["backgroundDock"])
    assert window.close()
    again = MainWindow(settings)
    qtbot.addWidget(again, before_close_func=lambda w: w.session.shut_down())
    again.show()
    assert all(dock.isHidden() for dock in again._docks.values())
    again.open_path(recording)
    settle(again.session)
    assert again._docks["metadataDock"].isFloating()
    assert again._docks["historyDock"].isHidden()
    assert not again._docks["traceDock"].isHidden()
    left = Qt.DockWidgetArea.LeftDockWidgetArea
    assert again.dockWidgetArea(again._docks["backgroundDock"]) == left
    again._actions["actionResetPanels"].trigger()
    right = Qt.DockWidgetArea.RightDockWidgetArea
    assert again.dockWidgetArea(again._docks["backgroundDock"]) == right
    assert not any(dock.isFloating() or dock.isHidden() for dock in again._docks.values())


def test_a_panel_that_is_closed_is_shown_again_by_the_menu(opened: MainWindow) -> None:
    dock = opened._docks["traceDock"]
    dock.close()
    assert dock.isHidden()
    dock.toggleViewAction().trigger()
    assert not dock.isHidden()


@pytest.mark.parametrize("size", [(1024, 700), (1280, 820), (1600, 1000)])
def test_what_is_shown_can_be_read_in_full(
    opened: MainWindow, qtbot, size: tuple[int, int]
) -> None:
    from PyQt5.QtWidgets import QStyle, QStyleOptionComboBox

    opened.resize(*size)
    qtbot.wait(20)
    combo = find(opened, QComboBox, "displayCombo")
    option = QStyleOptionComboBox()
    combo.initStyleOption(option)
    room = combo.style().subControlRect(
        QStyle.ComplexControl.CC_ComboBox, option, QStyle.SubControl.SC_ComboBoxEditField, combo
    )
    widest = max(combo.fontMetrics().horizontalAdvance(combo.itemText(i)) for i in range(4))
    assert room.width() - 4 >= widest
