"""What each action does."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from . import dialogs
from .comparing import Mode
from .region_keys import RegionKeys
from .session import Display

if TYPE_CHECKING:
    from .main_window import MainWindow

__all__ = ["slots"]

#: How far one press of a key moves the swipe line, in parts of the width of the image.
SWIPE_STEP = 1 / 40


def slots(window: MainWindow) -> dict[str, Callable[[], object]]:
    """Return what the actions of a window do, by their names."""
    session, view, bar = window.session, window.frame_view, window.time_bar
    looking = window.looking
    keys = RegionKeys(session, looking.named_regions, looking.regions, view)
    documents, saving, panels = window.documents, window.saving, window.panels
    return {
        "actionNewWindow": window.windows.new_window,
        "actionOpen": documents.ask_open,
        "actionOpenFolder": documents.ask_open_folder,
        "actionOpenInNewWindow": window.ask_open_in_new_window,
        "actionExample": documents.open_example,
        "actionSave": saving.save,
        "actionSaveAs": saving.save_copy,
        "actionExport": documents.ask_export,
        "actionExportAs": documents.ask_export_as,
        "actionSaveSession": window.session_keeping.save,
        "actionSaveSessionAs": window.session_keeping.save_as,
        "actionCopyPython": window.copying.copy_python,
        "actionCopyCommands": window.copying.copy_commands,
        "actionClose": window.close_recording,
        "actionCloseWindow": window.close,
        "actionQuit": window.windows.quit,
        "actionUndo": session.undo,
        "actionRedo": session.redo,
        "actionPreferences": window.show_preferences,
        "actionRunFit": session.run_fit,
        "actionSaveRecipe": documents.ask_save_recipe,
        "actionOpenRecipe": documents.ask_open_recipe,
        "actionBatch": lambda: window.windows.show_batch(window),
        "actionCancel": window.cancel,
        **window.looking.slots(),
        "actionSwipeLeft": lambda: _move_swipe(window, -1),
        "actionSwipeRight": lambda: _move_swipe(window, 1),
        "actionAddRegionHere": keys.add,
        "actionSignalRegionHere": keys.take_signal,
        "actionBackgroundRegionHere": keys.take_background,
        "actionMoveRegionLeft": lambda: keys.move(-1, 0),
        "actionMoveRegionRight": lambda: keys.move(1, 0),
        "actionMoveRegionUp": lambda: keys.move(0, -1),
        "actionMoveRegionDown": lambda: keys.move(0, 1),
        "actionNarrowRegion": lambda: keys.resize(-1, 0),
        "actionWidenRegion": lambda: keys.resize(1, 0),
        "actionLowerRegion": lambda: keys.resize(0, -1),
        "actionHeightenRegion": lambda: keys.resize(0, 1),
        "actionFitView": view.fit_view,
        "actionZoomIn": view.zoom_in,
        "actionZoomOut": view.zoom_out,
        "actionZoomOriginal": view.zoom_original,
        "actionAutoContrast": session.auto_levels,
        "actionShowBorder": view.border_button.toggle,
        "actionFullScreen": window.toggle_full_screen,
        "actionNextPanel": lambda: panels.focus_next(1, view.graphics),
        "actionPreviousPanel": lambda: panels.focus_next(-1, view.graphics),
        "actionFloatPanel": panels.float_focused,
        "actionResetPanels": panels.arrange,
        "actionPlay": bar.toggle_play,
        "actionNextFrame": lambda: bar.step(1),
        "actionPreviousFrame": lambda: bar.step(-1),
        "actionPageForward": lambda: bar.page(1),
        "actionPageBack": lambda: bar.page(-1),
        "actionFirstFrame": lambda: bar.go_to(0),
        "actionLastFrame": lambda: bar.go_to(-1),
        "actionShowRaw": lambda: session.set_display(Display.RAW),
        "actionShowBackground": lambda: session.set_display(Display.BACKGROUND),
        "actionShowBackgroundCorrected": lambda: session.set_display(Display.BACKGROUND_CORRECTED),
        "actionShowBleachCorrected": lambda: session.set_display(Display.BLEACH_CORRECTED),
        # The preferences see to it.
        "actionWheelSteps": lambda: None,
        "actionCommands": window.show_commands,
        "actionShortcuts": window.show_shortcuts,
        "actionAbout": lambda: dialogs.show_about(window),
    }


def _move_swipe(window: MainWindow, direction: int) -> None:
    """Move the line between the two images that are compared; show it where there is none."""
    comparison = window.looking.comparison
    if comparison.mode is not Mode.SWIPE:
        comparison.set_mode(Mode.SWIPE)
    else:
        # The line itself stays within the image.
        step = direction * SWIPE_STEP * window.session.shape[1]
        comparison.line.setValue(comparison.line.value() + step)
