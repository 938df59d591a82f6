"""Everything that can be asked for by menu, tool bar or key, declared in one table."""

from __future__ import annotations

from dataclasses import dataclass

from PyQt5.QtCore import Qt
from PyQt5.QtGui import QKeySequence
from PyQt5.QtWidgets import QAction, QWidget

from . import assets

__all__ = [
    "ACTIONS",
    "KEYS",
    "ActionSpec",
    "build_actions",
    "key_text",
    "keys_of",
]


@dataclass(frozen=True)
class ActionSpec:
    """One action.

    Parameters
    ----------
    name
        Object name.
    text
        Text in the menu, with mnemonic.
    tip
        What it does, for the tool tip and the status bar.
    shortcuts
        Key sequences with Ctrl, Alt or a function key; they work wherever the focus is.
    keys
        Plain keys, which leave the focused widget the first say (a person may be typing).
    icon
        Name of the icon.
    short
        Text in the tool bar.
    needs_recording
        Whether a recording has to be open.
    checkable
        Whether it is switched on and off.
    """

    name: str
    text: str
    tip: str = ""
    shortcuts: tuple[str, ...] = ()
    keys: tuple[Qt.Key, ...] = ()
    icon: str = ""
    short: str = ""
    needs_recording: bool = True
    checkable: bool = False


Key = Qt.Key

ACTIONS: tuple[ActionSpec, ...] = (
    ActionSpec(
        "actionOpen",
        "&Open…",
        "Open a series, or a recording from TIFF, NPY or ND2",
        ("Ctrl+O",),
        icon="open",
        short="Open",
        needs_recording=False,
    ),
    ActionSpec(
        "actionOpenFolder",
        "Open &folder…",
        "Open a recording that is a folder: one image per frame, or OME-Zarr",
        needs_recording=False,
    ),
    ActionSpec(
        "actionNewWindow",
        "&New window",
        "Open another window, with a recording of its own",
        ("Ctrl+N",),
        needs_recording=False,
    ),
    ActionSpec(
        "actionOpenInNewWindow",
        "Open in a new &window…",
        "Open a recording beside the one that is open here",
        ("Ctrl+Shift+O",),
        needs_recording=False,
    ),
    ActionSpec(
        "actionExample",
        "Open the e&xample",
        "Open the simulated recording that comes with the program",
        needs_recording=False,
    ),
    ActionSpec(
        "actionSave",
        "&Save",
        "Write your changes into the recording: backgrounds, metadata, order of frames",
        ("Ctrl+S",),
        icon="save",
        short="Save",
    ),
    ActionSpec(
        "actionSaveAs",
        "Save edited copy &as…",
        "Write the recording with your changes, uncorrected, to another file",
        ("Ctrl+Shift+S",),
    ),
    ActionSpec(
        "actionExport",
        "&Export corrected series…",
        "Write the corrected series to a new file",
        ("Ctrl+E",),
        icon="export",
        short="Export",
    ),
    ActionSpec(
        "actionExportAs",
        "Export for other pro&grams…",
        "Write images, a movie, a table, a report or a figure that other programs open",
        ("Ctrl+Shift+E",),
    ),
    ActionSpec(
        "actionSaveSession",
        "Save sess&ion",
        "Keep recording, settings, regions, unsaved changes and view in a session file",
        ("Ctrl+Alt+S",),
    ),
    ActionSpec(
        "actionSaveSessionAs", "Save session &under another name…", "Write another session file"
    ),
    ActionSpec(
        "actionCopyPython",
        "Copy steps as P&ython",
        "Copy a script that calls the library and makes the same files",
    ),
    ActionSpec(
        "actionCopyCommands",
        "Copy steps as co&mmand lines",
        "Copy lines for a terminal that make the same files",
    ),
    ActionSpec("actionClose", "&Close the recording", "", ("Ctrl+W",)),
    ActionSpec(
        "actionCloseWindow",
        "Close the win&dow",
        "Close this window; the others stay",
        ("Ctrl+Shift+W",),
        needs_recording=False,
    ),
    ActionSpec("actionQuit", "&Quit", "Close all windows", ("Ctrl+Q",), needs_recording=False),
    ActionSpec("actionUndo", "&Undo", "Take the last change back", ("Ctrl+Z",), icon="undo"),
    ActionSpec(
        "actionRedo", "&Redo", "Take the change again", ("Ctrl+Shift+Z", "Ctrl+Y"), icon="redo"
    ),
    ActionSpec("actionCopyView", "&Copy view", "Copy the image as it is shown", ("Ctrl+C",)),
    ActionSpec("actionSaveView", "Save &view…", "Save the image as it is shown, as PNG or SVG"),
    ActionSpec(
        "actionPreferences",
        "&Preferences…",
        "Choose how the program looks and behaves",
        ("Ctrl+,",),
        needs_recording=False,
    ),
    ActionSpec(
        "actionRunFit", "&Run the correction", "Measure all frames and fit", ("Ctrl+Return",)
    ),
    ActionSpec(
        "actionSaveRecipe",
        "Save se&ttings…",
        "Write the settings of the correction to a recipe file, for other recordings",
    ),
    ActionSpec(
        "actionOpenRecipe",
        "&Load settings…",
        "Take over the settings of a recipe file",
    ),
    ActionSpec(
        "actionBatch",
        "Correct &many recordings…",
        "Correct a list of recordings with the same settings",
        ("Ctrl+Shift+B",),
        needs_recording=False,
    ),
    ActionSpec("actionCancel", "&Cancel what is running", "", keys=(Key.Key_Escape,)),
    ActionSpec(
        "actionFitView", "&Fit view", "Show the whole image", ("Ctrl+R",), (Key.Key_4,), icon="fit"
    ),
    ActionSpec("actionZoomIn", "Zoom &in", "", keys=(Key.Key_Plus, Key.Key_Equal)),
    ActionSpec("actionZoomOut", "Zoom &out", "", keys=(Key.Key_Minus,)),
    ActionSpec(
        "actionZoomOriginal", "&100 %", "One image pixel per screen pixel", keys=(Key.Key_5,)
    ),
    ActionSpec("actionAutoContrast", "Auto contra&st", "", keys=(Key.Key_C,), icon="contrast"),
    ActionSpec("actionShowBorder", "Show the bor&der", "", keys=(Key.Key_B,), checkable=True),
    ActionSpec(
        "actionShowRegion",
        "Show the si&gnal region",
        "Outline the signal region, and the drawn background region",
        keys=(Key.Key_R,),
        icon="region",
        checkable=True,
    ),
    ActionSpec(
        "actionShowScale",
        "Show the s&cale bar",
        "Draw a scale bar on the image",
        keys=(Key.Key_S,),
        icon="scale",
        checkable=True,
    ),
    ActionSpec(
        "actionShowTime",
        "Show the &time stamp",
        "Write the time on the image",
        keys=(Key.Key_T,),
        checkable=True,
    ),
    ActionSpec("actionAddRegion", "&Rectangle", "Follow a rectangle over time", ("Ctrl+Shift+R",)),
    ActionSpec("actionAddEllipse", "&Ellipse", "Follow an ellipse over time"),
    ActionSpec("actionAddPolygon", "&Polygon", "Follow a polygon over time"),
    ActionSpec("actionAddFreehand", "&Freehand region", "Follow a region over time"),
    ActionSpec(
        "actionAddRegionHere",
        "Rectangle in the &middle",
        "Follow a rectangle in the middle of what is seen; Alt and the arrow keys move it",
        ("Ctrl+Alt+R",),
    ),
    ActionSpec(
        "actionMoveRegionLeft", "Move to the &left", "Move the selected region", ("Alt+Left",)
    ),
    ActionSpec(
        "actionMoveRegionRight", "Move to the &right", "Move the selected region", ("Alt+Right",)
    ),
    ActionSpec("actionMoveRegionUp", "Move &up", "Move the selected region", ("Alt+Up",)),
    ActionSpec("actionMoveRegionDown", "Move &down", "Move the selected region", ("Alt+Down",)),
    ActionSpec(
        "actionNarrowRegion",
        "Make &narrower",
        "Move the right edge of the selected region",
        ("Alt+Shift+Left",),
    ),
    ActionSpec(
        "actionWidenRegion",
        "Make &wider",
        "Move the right edge of the selected region",
        ("Alt+Shift+Right",),
    ),
    ActionSpec(
        "actionLowerRegion",
        "Make l&ower",
        "Move the lower edge of the selected region",
        ("Alt+Shift+Up",),
    ),
    ActionSpec(
        "actionHeightenRegion",
        "Make &higher",
        "Move the lower edge of the selected region",
        ("Alt+Shift+Down",),
    ),
    ActionSpec("actionLineProfile", "&Line profile", "Plot the values along a line", ("Ctrl+L",)),
    ActionSpec("actionJump", "&Go to…", "Go to a frame, a time or an identifier", ("Ctrl+G",)),
    ActionSpec("actionCompareNext", "Compare in the &next way", "", keys=(Key.Key_D,)),
    ActionSpec("actionCompareOff", "&Off", "Show one image only"),
    ActionSpec("actionCompareSide", "&Side by side", "Show the raw image beside this one"),
    ActionSpec("actionCompareSwipe", "S&wipe", "Drag a line over the image"),
    ActionSpec(
        "actionSwipeLeft",
        "Swipe line to the &left",
        "Move the swipe line; it appears where there is none",
        keys=(Key.Key_BracketLeft,),
    ),
    ActionSpec(
        "actionSwipeRight",
        "Swipe line to the r&ight",
        "Move the swipe line; it appears where there is none",
        keys=(Key.Key_BracketRight,),
    ),
    ActionSpec("actionCompareDifference", "&Difference", "Show this image minus the raw one"),
    ActionSpec("actionCompareRatio", "&Ratio", "Show this image divided by the raw one"),
    ActionSpec("actionDrawRegion", "&Draw the signal region", "Drag a rectangle on the image"),
    ActionSpec(
        "actionDrawBackground", "Draw the &background region", "Drag a rectangle on the image"
    ),
    ActionSpec(
        "actionSignalRegionHere",
        "&Signal region by keys",
        "Alt and the arrow keys move the drawn signal region; where none is drawn, one is put into"
        " the middle of what is seen",
        ("Ctrl+Alt+G",),
    ),
    ActionSpec(
        "actionBackgroundRegionHere",
        "Bac&kground region by keys",
        "Alt and the arrow keys move the drawn background region; where none is drawn, one is put"
        " into a corner of what is seen",
        ("Ctrl+Alt+B",),
    ),
    ActionSpec("actionPlay", "&Play or pause", "", keys=(Key.Key_Space,)),
    ActionSpec("actionNextFrame", "&Next frame", "", keys=(Key.Key_Right, Key.Key_Period)),
    ActionSpec("actionPreviousFrame", "Pre&vious frame", "", keys=(Key.Key_Left, Key.Key_Comma)),
    ActionSpec("actionPageForward", "A tenth &forward", "", keys=(Key.Key_PageDown,)),
    ActionSpec("actionPageBack", "A tenth &back", "", keys=(Key.Key_PageUp,)),
    ActionSpec("actionFirstFrame", "F&irst frame", "", keys=(Key.Key_Home,)),
    ActionSpec("actionLastFrame", "&Last frame", "", keys=(Key.Key_End,)),
    ActionSpec("actionShowRaw", "Show &raw", "", ("Alt+1",)),
    ActionSpec("actionShowBackground", "Show the &background", "", ("Alt+2",)),
    ActionSpec("actionShowBackgroundCorrected", "Show b&ackground-corrected", "", ("Alt+3",)),
    ActionSpec("actionShowBleachCorrected", "Show b&leach-corrected", "", ("Alt+4",)),
    ActionSpec(
        "actionWheelSteps",
        "&Wheel steps frames",
        "Ctrl+wheel then zooms",
        checkable=True,
        needs_recording=False,
    ),
    ActionSpec("actionNextPanel", "&Next panel", "Move the focus to the next panel", ("F6",)),
    ActionSpec(
        "actionPreviousPanel",
        "Pre&vious panel",
        "Move the focus to the panel before",
        ("Shift+F6",),
    ),
    ActionSpec(
        "actionFloatPanel",
        "Panel &out of the window",
        "Take the panel that has the focus out of the window, or put it back",
        ("Ctrl+F6",),
    ),
    ActionSpec(
        "actionResetPanels",
        "&Arrange anew",
        "Put all panels back to where they are at first",
    ),
    ActionSpec(
        "actionFullScreen",
        "F&ull screen",
        "",
        ("F11",),
        needs_recording=False,
        checkable=True,
    ),
    ActionSpec(
        "actionCommands",
        "&Find a command…",
        "Find anything the window can do by its name",
        ("Ctrl+Shift+P",),
        needs_recording=False,
    ),
    ActionSpec(
        "actionShortcuts",
        "&Keyboard shortcuts",
        "Show all keys, to be searched and printed",
        ("F1",),
        (Key.Key_Question,),
        needs_recording=False,
    ),
    ActionSpec("actionAbout", "&About flimage", "", needs_recording=False),
)

#: Plain key -> name of the action.
KEYS: dict[int, str] = {int(key): spec.name for spec in ACTIONS for key in spec.keys}


def key_text(key: Qt.Key) -> str:
    """Return a plain key as a person reads it."""
    return QKeySequence(int(key)).toString(QKeySequence.SequenceFormat.NativeText)


def keys_of(spec: ActionSpec) -> str:
    """Return all keys of an action as a person reads them; empty where it has none."""
    return " or ".join([*spec.shortcuts, *(key_text(key) for key in spec.keys)])


def build_actions(parent: QWidget) -> dict[str, QAction]:
    """Make all actions, by object name."""
    made = {}
    for spec in ACTIONS:
        # A text behind a tabulator is shown like a shortcut, but is none.
        hint = f"\t{key_text(spec.keys[0])}" if spec.keys and not spec.shortcuts else ""
        action = QAction(f"{spec.text}{hint}", parent)
        action.setObjectName(spec.name)
        action.setShortcuts([QKeySequence(each) for each in spec.shortcuts])
        action.setCheckable(spec.checkable)
        if spec.icon:
            action.setIcon(assets.icon(spec.icon))
        if spec.short:
            # Qt leaves hardly any room between icon and text.
            action.setIconText(f" {spec.short}")
        if spec.tip:
            keys = ", ".join(spec.shortcuts[:1]) or (key_text(spec.keys[0]) if spec.keys else "")
            action.setToolTip(f"{spec.tip} ({keys})" if keys else spec.tip)
            action.setStatusTip(spec.tip)
        parent.addAction(action)
        made[spec.name] = action
    return made
