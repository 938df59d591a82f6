"""The panels around the image: where they are, how they are remembered, how keys reach them."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping
from typing import NamedTuple, cast

from PyQt5 import sip
from PyQt5.QtCore import QByteArray, QEvent, QObject, QPoint, Qt, QTimer, pyqtSignal
from PyQt5.QtGui import QMouseEvent
from PyQt5.QtWidgets import (
    QApplication,
    QDockWidget,
    QFrame,
    QMainWindow,
    QScrollArea,
    QTabBar,
    QTabWidget,
    QWidget,
)

from .placing import fit_to_screen

__all__ = ["PanelSpec", "Panels"]

#: Version of the arrangement of panels; a remembered one of another version is left alone.
LAYOUT_VERSION = 2
#: From this height on [px], background and bleaching have room one below the other.
ROOMY_HEIGHT = 1100
PANEL_WIDTH = 340
#: Parts of the window that the image gets, with its buttons, when the window becomes smaller.
_IMAGE_WIDTH, _IMAGE_HEIGHT = 0.5, 0.5

_RIGHT = Qt.DockWidgetArea.RightDockWidgetArea
_BOTTOM = Qt.DockWidgetArea.BottomDockWidgetArea


class PanelSpec(NamedTuple):
    """One panel.

    Parameters
    ----------
    name
        Object name.
    title
        What its tab or its title says.
    area
        Where it is at first.
    scrolls
        How it scrolls where there is no room: ``""`` not at all, ``"down"`` or ``"sideways"``, too.
    """

    name: str
    title: str
    area: Qt.DockWidgetArea
    scrolls: str


PANELS = (
    PanelSpec("backgroundDock", "Background", _RIGHT, "down"),
    PanelSpec("bleachDock", "Bleaching", _RIGHT, "down"),
    PanelSpec("metadataDock", "Metadata", _RIGHT, ""),
    PanelSpec("traceDock", "Trace and fit", _BOTTOM, ""),
    PanelSpec("frameDock", "Frames", _BOTTOM, "sideways"),
    PanelSpec("regionsDock", "Regions", _BOTTOM, "sideways"),
    PanelSpec("historyDock", "History", _BOTTOM, ""),
)


class Panels(QObject):
    """Docks the panels to a window.

    Parameters
    ----------
    window
        The window.
    widgets
        Panel by the object name of its dock.
    layout
        The arrangement as it was left, or nothing.
    """

    #: What had the focus lies behind another panel now: keys would change what nobody sees.
    left_behind = pyqtSignal()

    def __init__(
        self, window: QMainWindow, widgets: Mapping[str, QWidget], layout: QByteArray
    ) -> None:
        super().__init__(window)
        self._window = window
        self._layout = layout
        self._shown = False
        self._titles_timer = QTimer(self)
        self._titles_timer.setSingleShot(True)
        self._titles_timer.setInterval(0)
        self._titles_timer.timeout.connect(self._show_titles)
        self._room_timer = QTimer(self)
        self._room_timer.setSingleShot(True)
        self._room_timer.setInterval(0)
        self._room_timer.timeout.connect(self._leave_room)
        #: Docks by object name.
        self.docks: dict[str, QDockWidget] = {}
        #: Whether each is in front of those that share its place.
        self._seen: dict[str, bool] = {}
        # The panels on the right use the whole height; the trace lies under the image.
        window.setCorner(Qt.Corner.BottomRightCorner, _RIGHT)
        window.setDockNestingEnabled(True)
        window.setTabPosition(Qt.DockWidgetArea.AllDockWidgetAreas, QTabWidget.TabPosition.North)
        for spec in PANELS:
            self._add(spec, widgets[spec.name])

    def _add(self, spec: PanelSpec, panel: QWidget) -> None:
        dock = QDockWidget(spec.title, self._window)
        dock.setObjectName(spec.name)
        dock.setAccessibleName(spec.title)
        dock.setWidget(_scrolling(panel, spec.scrolls) if spec.scrolls else panel)
        self._window.addDockWidget(spec.area, dock)
        for signal in (dock.dockLocationChanged, dock.topLevelChanged, dock.visibilityChanged):
            signal.connect(self._titles_timer.start)
        dock.visibilityChanged.connect(
            lambda seen, name=spec.name: self._on_dock_seen_changed(name, seen)
        )
        action = dock.toggleViewAction()
        action.setObjectName(f"actionShow{spec.name[0].upper()}{spec.name[1:]}")
        self.docks[spec.name] = dock

    def _on_dock_seen_changed(self, name: str, seen: bool) -> None:
        self._seen[name] = seen
        focus = QApplication.focusWidget()
        # Docks say this once more when they go with their window.
        if seen or focus is None or sip.isdeleted(self):
            return
        dock = self.docks[name]
        behind = not dock.isHidden() and not self._window.isMinimized()
        if behind and dock.isAncestorOf(focus):
            self.left_behind.emit()

    # ------------------------------------------------------------------ arrangement

    @property
    def shown(self) -> bool:
        """Whether the panels are there; while no recording is open, they are not."""
        return self._shown

    def show(self) -> None:
        """Show the panels as they were left, or as they are at first."""
        if not self._shown:
            self._shown = True
            layout = self._layout
            if layout.isEmpty() or not self._window.restoreState(layout, LAYOUT_VERSION):
                self.arrange()

    def hide(self) -> None:
        """Put the panels away; they will come back as they are now."""
        self._layout = self.layout()
        self._shown = False
        for dock in self.docks.values():
            dock.hide()

    def layout(self) -> QByteArray:
        """Return the arrangement, to be remembered."""
        return self._window.saveState(LAYOUT_VERSION) if self._shown else self._layout

    def forget(self) -> None:
        """Go back to the arrangement of the first time."""
        self._layout = QByteArray()
        if self._shown:
            self.arrange()

    def arrange(self) -> None:
        """Put all panels where they are at first."""
        docks, window = self.docks, self._window
        # Hidden meanwhile: side by side they would make a small window wider.
        for spec in PANELS:
            docks[spec.name].hide()
            docks[spec.name].setFloating(False)
            window.addDockWidget(spec.area, docks[spec.name])
        for first, second in itertools.pairwise(
            [docks[spec.name] for spec in PANELS if spec.area == _BOTTOM]
        ):
            window.tabifyDockWidget(first, second)
        roomy = window.height() >= ROOMY_HEIGHT
        if roomy:
            window.splitDockWidget(
                docks["backgroundDock"], docks["bleachDock"], Qt.Orientation.Vertical
            )
            window.tabifyDockWidget(docks["backgroundDock"], docks["metadataDock"])
        else:
            window.tabifyDockWidget(docks["backgroundDock"], docks["bleachDock"])
            window.tabifyDockWidget(docks["bleachDock"], docks["metadataDock"])
        for dock in docks.values():
            dock.show()
        docks["backgroundDock" if roomy else "bleachDock"].raise_()
        docks["traceDock"].raise_()
        if roomy:
            needed = docks["backgroundDock"].widget().widget().sizeHint().height() + 70
            window.resizeDocks(
                [docks["backgroundDock"], docks["bleachDock"]],
                [needed, window.height() - needed],
                Qt.Orientation.Vertical,
            )
        trace_height = max(200, round(window.height() * 0.33))
        window.resizeDocks([docks["traceDock"]], [trace_height], Qt.Orientation.Vertical)
        panel_width = min(PANEL_WIDTH, round(window.width() * 0.42))
        window.resizeDocks([docks["bleachDock"]], [panel_width], Qt.Orientation.Horizontal)

    def leave_room(self) -> None:
        """Let the image have its share of a window that has become smaller, a little later."""
        self._room_timer.start()

    def _leave_room(self) -> None:
        window, centre = self._window, self._window.centralWidget()
        if not self._shown or centre is None:
            return
        for area, orientation, share in (
            (_BOTTOM, Qt.Orientation.Vertical, _IMAGE_HEIGHT),
            (_RIGHT, Qt.Orientation.Horizontal, _IMAGE_WIDTH),
        ):
            docked = [
                dock
                for name, dock in self.docks.items()
                if self.in_sight(name)
                and not dock.isFloating()
                and window.dockWidgetArea(dock) == area
            ]
            down = orientation == Qt.Orientation.Vertical
            has = centre.height() if down else centre.width()
            missing = round(share * (window.height() if down else window.width())) - has
            # Where several lie in an area, the person has arranged them.
            if len(docked) == 1 and missing > 0:
                size = docked[0].height() if down else docked[0].width()
                window.resizeDocks(docked, [max(1, size - missing)], orientation)

    def _show_titles(self) -> None:
        """Leave out the titles of panels that a tab names already."""
        for dock in self.docks.values():
            named = bool(self._window.tabifiedDockWidgets(dock)) and not dock.isFloating()
            bar = dock.titleBarWidget()
            if named and bar is None:
                dock.setTitleBarWidget(QWidget(dock))
            elif not named and bar is not None:
                dock.setTitleBarWidget(None)
                bar.deleteLater()
        for tabs in self._window.findChildren(QTabBar):
            tabs.setElideMode(Qt.TextElideMode.ElideNone)
            if tabs.parent() is self._window and not tabs.accessibleName():
                tabs.setAccessibleName("Panels")
                tabs.setToolTip("<p>A double click takes a panel out of the window.</p>")
                # Not by its signal: Python forgets connections that hold what Qt has made.
                tabs.installEventFilter(self)

    def in_front(self) -> tuple[str, ...]:
        """Return the names of the panels that lie in front of others which share their place."""
        return tuple(
            name
            for name, dock in self.docks.items()
            if not dock.isHidden()
            and self._seen.get(name, True)
            and self._window.tabifiedDockWidgets(dock)
        )

    def bring_to_front(self, names: Iterable[str]) -> None:
        """Put panels in front of others; those that are not there or not shown are passed over."""
        for name in names:
            dock = self.docks.get(name)
            if dock is not None and not dock.isHidden():
                dock.raise_()

    def in_sight(self, name: str) -> bool:
        """Tell whether a panel is shown, and not behind another one."""
        return not self.docks[name].isHidden() and self._seen.get(name, True)

    def reveal(self, name: str) -> None:
        """Show a panel, in front of those that share its place."""
        self.docks[name].show()
        self.docks[name].raise_()

    # ------------------------------------------------------------------ out of the window

    def float_focused(self) -> None:
        """Take the panel that has the focus out of the window, or put it back."""
        focus = QApplication.focusWidget()
        for dock in self.docks.values():
            if focus is not None and dock.isAncestorOf(focus):
                self._toggle_floating(dock)
                dock.activateWindow()
                focus.setFocus(Qt.FocusReason.OtherFocusReason)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802 - Qt's name
        """Take a panel out of the window at a double click on its tab."""
        if isinstance(watched, QTabBar) and event.type() == QEvent.Type.MouseButtonDblClick:
            title = watched.tabText(watched.tabAt(cast("QMouseEvent", event).pos()))
            for dock in self.docks.values():
                if dock.windowTitle() == title and not dock.isFloating():
                    # Not within the click: the tab goes, and its bar perhaps, too.
                    QTimer.singleShot(0, lambda dock=dock: self._toggle_floating(dock))
                    return True
        return super().eventFilter(watched, event)

    def _toggle_floating(self, dock: QDockWidget) -> None:
        """Take a panel out, to where it is seen together with the image, or put it back."""
        if dock.isFloating():
            dock.setFloating(False)
            dock.raise_()
            return
        size = dock.size()
        place = dock.mapToGlobal(QPoint(0, 0)) - QPoint(40, 40)
        dock.setFloating(True)
        dock.resize(size)
        dock.move(place)
        fit_to_screen(dock)

    # ------------------------------------------------------------------ keys

    def is_behind(self, widget: QWidget) -> bool:
        """Tell whether a widget is in a panel that lies behind another one.

        Qt takes such panels for visible ones, which only are somewhere else.
        """
        return any(
            dock.isAncestorOf(widget) and not self._seen.get(name, True)
            for name, dock in self.docks.items()
        )

    def next_stop(self, forward: bool) -> QWidget | None:
        """Return where Tab goes from what has the focus; None where there is nothing else."""
        start = self._window.focusWidget() or self._window
        widget = start
        while True:
            widget = widget.nextInFocusChain() if forward else widget.previousInFocusChain()
            if widget is start:
                return None
            own = widget.window() is self._window
            if own and takes_tab(widget) and widget.isVisible() and not self.is_behind(widget):
                return widget

    def focus_next(self, step: int, centre: QWidget) -> None:
        """Move the focus to the next panel, or to the image, which is one of the stops.

        Parameters
        ----------
        step
            1 for the next, −1 for the one before.
        centre
            What gets the focus in the middle of the window.
        """
        if not self._shown:
            return
        docks = [dock for dock in self.docks.values() if not dock.isHidden()]
        stops: list[QWidget] = [centre, *docks]
        focus = QApplication.focusWidget()
        now = next((i for i, dock in enumerate(docks, 1) if focus and dock.isAncestorOf(focus)), 0)
        target = stops[(now + step) % len(stops)]
        if isinstance(target, QDockWidget):
            target.show()
            target.raise_()
            if target.isFloating():
                target.activateWindow()
            target = _first_control(target)
        target.setFocus(Qt.FocusReason.TabFocusReason)


def _first_control(dock: QDockWidget) -> QWidget:
    """Return the control of a panel that Tab would come to first."""
    widget = dock.widget()
    while dock.isAncestorOf(widget := widget.nextInFocusChain()):
        if takes_tab(widget) and widget.isVisibleTo(dock):
            return widget
    return dock.widget()


def takes_tab(widget: QWidget) -> bool:
    """Tell whether Tab may stop at a widget, if it is seen."""
    tab = Qt.FocusPolicy.TabFocus
    return widget.focusPolicy() & tab == tab and widget.isEnabled() and widget.focusProxy() is None


def _scrolling(panel: QWidget, how: str) -> QScrollArea:
    """Let a panel scroll where the window is too low for it, or too narrow."""
    area = QScrollArea()
    area.setObjectName(f"{panel.objectName()}Scroll")
    area.setWidgetResizable(True)
    # The controls in it take the focus, and it follows them.
    area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
    if how == "down":
        area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        area.setMinimumWidth(300)
    area.setFrameShape(QFrame.Shape.NoFrame)
    area.setWidget(panel)
    return area
