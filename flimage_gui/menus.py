"""Where the actions stand: menu bar, tool bar and context menu, and all keys by menu."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from PyQt5.QtCore import QSize, Qt
from PyQt5.QtWidgets import QAction, QMenu, QMenuBar, QToolBar, QWidget

from .actions import ACTIONS, keys_of

__all__ = [
    "CONTEXT_ACTIONS",
    "MENUS",
    "build_menus",
    "build_tool_bar",
    "plain_text",
    "shortcut_groups",
    "shortcut_rows",
]

#: Menu title -> names of actions; None is a separator, a name with "menu" a place for a submenu.
MENUS: dict[str, tuple[str | None, ...]] = {
    "&File": (
        "actionNewWindow",
        "actionOpen",
        "actionOpenFolder",
        "actionOpenInNewWindow",
        "menuRecent",
        "actionExample",
        None,
        "actionSave",
        "actionSaveAs",
        "actionExport",
        "actionExportAs",
        None,
        "actionSaveSession",
        "actionSaveSessionAs",
        None,
        "actionClose",
        "actionCloseWindow",
        "actionQuit",
    ),
    "&Edit": (
        "actionUndo",
        "actionRedo",
        None,
        "actionCopyView",
        "actionSaveView",
        None,
        "actionCopyPython",
        "actionCopyCommands",
        None,
        "actionPreferences",
    ),
    "&View": (
        "actionShowRaw",
        "actionShowBackground",
        "actionShowBackgroundCorrected",
        "actionShowBleachCorrected",
        None,
        "actionAutoContrast",
        "actionShowBorder",
        "actionShowRegion",
        "actionShowScale",
        "actionShowTime",
        None,
        "actionFitView",
        "actionZoomIn",
        "actionZoomOut",
        "actionZoomOriginal",
        "actionFullScreen",
        None,
        "menuCompare",
        "menuPanels",
        "menuTheme",
        "actionWheelSteps",
    ),
    "F&rames": (
        "actionPlay",
        None,
        "actionNextFrame",
        "actionPreviousFrame",
        "actionPageForward",
        "actionPageBack",
        "actionFirstFrame",
        "actionLastFrame",
        "actionJump",
    ),
    "Re&gions": (
        "actionAddRegion",
        "actionAddEllipse",
        "actionAddPolygon",
        "actionAddFreehand",
        "actionAddRegionHere",
        None,
        "menuMoveRegion",
        "actionLineProfile",
    ),
    "&Correction": (
        "actionRunFit",
        "actionCancel",
        None,
        "actionDrawRegion",
        "actionDrawBackground",
        "actionSignalRegionHere",
        "actionBackgroundRegionHere",
        None,
        "actionSaveRecipe",
        "actionOpenRecipe",
        "actionBatch",
    ),
    "&Help": ("actionCommands", "actionShortcuts", None, "actionAbout"),
}

#: Submenu -> title, and the actions that are always in it; others are added where they are made.
SUBMENUS: dict[str, tuple[str, tuple[str | None, ...]]] = {
    "menuRecent": ("Open &recent", ()),
    "menuCompare": (
        "Co&mpare",
        (
            "actionCompareNext",
            "actionCompareOff",
            "actionCompareSide",
            "actionCompareSwipe",
            "actionCompareDifference",
            "actionCompareRatio",
            None,
            "actionSwipeLeft",
            "actionSwipeRight",
        ),
    ),
    "menuMoveRegion": (
        "Move the &selected region",
        (
            "actionMoveRegionLeft",
            "actionMoveRegionRight",
            "actionMoveRegionUp",
            "actionMoveRegionDown",
            None,
            "actionNarrowRegion",
            "actionWidenRegion",
            "actionLowerRegion",
            "actionHeightenRegion",
        ),
    ),
    "menuPanels": (
        "&Panels",
        (
            "actionNextPanel",
            "actionPreviousPanel",
            "actionFloatPanel",
            "actionResetPanels",
            None,
        ),
    ),
    "menuTheme": ("T&heme", ()),
}

#: Actions of the tool bar.
TOOL_BAR = ("actionOpen", "actionSave", "actionExport", None, "actionUndo", "actionRedo")

#: Actions of the context menu of the image.
CONTEXT_ACTIONS = (
    "actionFitView",
    "actionZoomIn",
    "actionZoomOut",
    "actionZoomOriginal",
    "actionAutoContrast",
    "actionShowBorder",
    "actionShowRegion",
    "actionShowScale",
    "actionShowTime",
    "actionCopyView",
    "actionSaveView",
)

#: What the mouse does, which no action knows.
MOUSE = (
    ("Wheel", "Zoom (Ctrl+wheel: step through the frames)"),
    ("Double click", "Fit view"),
)


def plain_text(text: str) -> str:
    """Return the text of an action without its mnemonic, its key and the dots of a dialog."""
    name = text.partition("\t")[0].rstrip("…")
    return name.replace("&&", "\0").replace("&", "").replace("\0", "&")


def build_menus(bar: QMenuBar, actions: Mapping[str, QAction]) -> dict[str, QMenu]:
    """Fill the menu bar; return the submenus, by name."""
    places = {}
    for title, names in MENUS.items():
        menu = bar.addMenu(title)
        menu.setToolTipsVisible(True)
        for name in names:
            if name in SUBMENUS:
                text, inner = SUBMENUS[name]
                submenu = places[name] = menu.addMenu(text)
                submenu.setObjectName(name)
                submenu.setToolTipsVisible(True)
                _fill(submenu, inner, actions)
            else:
                _fill(menu, (name,), actions)
    return places


def _fill(menu: QMenu, names: tuple[str | None, ...], actions: Mapping[str, QAction]) -> None:
    for name in names:
        if name is None:
            menu.addSeparator()
        else:
            menu.addAction(actions[name])


def build_tool_bar(actions: Mapping[str, QAction], parent: QWidget) -> QToolBar:
    """Make the tool bar."""
    bar = QToolBar("Tool bar", parent)
    bar.setObjectName("toolBar")
    bar.setMovable(False)
    bar.setContextMenuPolicy(Qt.ContextMenuPolicy.PreventContextMenu)
    bar.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
    bar.setIconSize(QSize(18, 18))
    for name in TOOL_BAR:
        if name is None:
            bar.addSeparator()
        else:
            bar.addAction(actions[name])
            button = bar.widgetForAction(actions[name])
            button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
            button.setObjectName(f"{name}Button")
    return bar


def _ordered(names: tuple[str | None, ...]) -> Iterator[str]:
    for name in names:
        if name in SUBMENUS:
            yield from _ordered(SUBMENUS[name][1])
        elif name is not None:
            yield name


def shortcut_groups() -> dict[str, list[tuple[str, str]]]:
    """Return all keys with what they do, by the title of the menu, in its order."""
    specs = {spec.name: spec for spec in ACTIONS}
    groups = {}
    for title, names in MENUS.items():
        rows = [
            (keys_of(specs[name]), plain_text(specs[name].text))
            for name in _ordered(names)
            if keys_of(specs[name])
        ]
        groups[plain_text(title)] = rows
    groups["Mouse"] = list(MOUSE)
    return groups


def shortcut_rows() -> list[tuple[str, str]]:
    """Return all keys with what they do."""
    return [row for rows in shortcut_groups().values() for row in rows]
