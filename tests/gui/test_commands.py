"""The command palette and the overview of keys."""

from __future__ import annotations

from pathlib import Path

import pytest
from controls import find
from PyQt5.QtCore import Qt
from PyQt5.QtPrintSupport import QPrinter
from PyQt5.QtWidgets import (
    QAbstractButton,
    QAction,
    QApplication,
    QDialog,
    QLabel,
    QLineEdit,
    QListWidget,
    QWidget,
)

from flimage_gui.actions import ACTIONS, key_text
from flimage_gui.command_palette import CommandPalette
from flimage_gui.commands import gather
from flimage_gui.fuzzy import find as find_letters
from flimage_gui.fuzzy import score
from flimage_gui.main_window import MainWindow
from flimage_gui.menus import MENUS, SUBMENUS, plain_text
from flimage_gui.session import Display
from flimage_gui.shortcuts_dialog import ShortcutsDialog, shortcuts_html

PATIENCE = 20_000
CTRL = Qt.KeyboardModifier.ControlModifier
SHIFT = Qt.KeyboardModifier.ShiftModifier


def open_palette(qtbot, window: MainWindow) -> CommandPalette:
    qtbot.keyClick(window, Qt.Key.Key_P, CTRL | SHIFT)
    palette = find(window, QDialog, "commandPalette")
    assert palette.isVisible()
    return palette


def gone(qtbot, window: MainWindow, name: str) -> None:
    qtbot.waitUntil(lambda: not window.findChildren(QDialog, name), timeout=PATIENCE)


# ---------------------------------------------------------------------- matching


@pytest.mark.parametrize(
    ("query", "better", "worse"),
    [
        ("fit", "Fit view", "Show the first time"),
        ("fv", "Fit view", "Find overview"),
        ("zo", "Zoom out", "Freeze on"),
        ("scale", "Show the scale bar", "Show the signal region"),
        ("undo", "Undo", "Undock all of them"),
    ],
)
def test_starts_of_words_and_short_names_are_better_answers(
    query: str, better: str, worse: str
) -> None:
    first, second = score(query, better), score(query, worse)
    assert first is not None
    assert second is None or first > second


@pytest.mark.parametrize("query", ["xyz", "tif", "fitt"])
def test_a_text_without_all_letters_in_order_is_no_answer(query: str) -> None:
    assert score(query, "Fit") is None


def test_the_places_are_those_of_the_letters() -> None:
    found = find_letters("Go T", "Zoom: go to")
    assert found is not None
    assert "".join("Zoom: go to"[i] for i in found[1]) == "got"
    assert list(found[1]) == sorted(set(found[1]))


def test_every_text_answers_to_itself_and_to_its_initials() -> None:
    for spec in ACTIONS:
        text = plain_text(spec.text)
        initials = "".join(word[0] for word in text.split())
        assert score(text, text) is not None
        assert score(initials, text) is not None


# ---------------------------------------------------------------------- palette


def test_the_palette_offers_every_action_of_the_window(qtbot, opened: MainWindow) -> None:
    commands = {command.action.objectName(): command for command in gather(opened)}
    for spec in ACTIONS:
        if spec.name != "actionCommands":
            command = commands[spec.name]
            for key in (*spec.shortcuts, *(key_text(key) for key in spec.keys)):
                assert key in command.keys
    in_menus = [
        action
        for action in opened.findChildren(QAction)
        if action.objectName() and action.associatedWidgets() and action.text()
        if action.menu() is None and not action.isSeparator()
    ]
    texts = {command.text for command in commands.values()}
    missing = [each for each in in_menus if plain_text(each.text()) not in texts]
    assert [each.objectName() for each in missing] == ["actionCommands"]
    shown = [command.label for command in commands.values()]
    assert len(shown) == len(set(shown))
    assert "actionShowTraceDock" in commands
    assert "actionThemeDark" in commands
    assert "actionFollowContrast" in commands


def test_typing_and_enter_does_the_command(qtbot, opened: MainWindow, settle) -> None:
    palette = open_palette(qtbot, opened)
    edit = find(palette, QLineEdit, "commandEdit")
    assert edit.hasFocus() or palette.focusWidget() is edit
    qtbot.keyClicks(edit, "last frame")
    assert palette.current.text == "Last frame"
    assert "End" in palette.current.keys
    qtbot.keyClick(edit, Qt.Key.Key_Return)
    assert opened.session.frame == opened.session.n_frames - 1
    gone(qtbot, opened, "commandPalette")
    settle(opened.session)


def test_arrow_keys_choose_and_escape_does_nothing(qtbot, opened: MainWindow) -> None:
    palette = open_palette(qtbot, opened)
    edit = find(palette, QLineEdit, "commandEdit")
    qtbot.keyClicks(edit, "frame")
    first = palette.current
    qtbot.keyClick(edit, Qt.Key.Key_Down)
    assert palette.current is palette.shown[1] is not first
    qtbot.keyClick(edit, Qt.Key.Key_Up)
    assert palette.current is first
    qtbot.keyClick(edit, Qt.Key.Key_Escape)
    gone(qtbot, opened, "commandPalette")
    assert opened.session.frame == 0
    assert opened.session.display is Display.RAW


def test_a_click_does_the_command(qtbot, opened: MainWindow) -> None:
    palette = open_palette(qtbot, opened)
    edit = find(palette, QLineEdit, "commandEdit")
    qtbot.keyClicks(edit, "next frame")
    rows = find(palette, QListWidget, "commandList")
    place = rows.visualItemRect(rows.item(0)).center()
    qtbot.mouseClick(rows.viewport(), Qt.MouseButton.LeftButton, pos=place)
    assert opened.session.frame == 1
    gone(qtbot, opened, "commandPalette")


def test_what_cannot_be_used_says_why_comes_last_and_does_nothing(
    qtbot, window: MainWindow
) -> None:
    palette = open_palette(qtbot, window)
    states = [bool(command.why_not) for command in palette.shown]
    assert states == sorted(states)
    assert any(states)
    edit = find(palette, QLineEdit, "commandEdit")
    qtbot.keyClicks(edit, "export corrected")
    assert palette.current.text == "Export corrected series"
    assert find(palette, QLabel, "commandHint").text() == "Open a recording first."
    said = find(palette, QListWidget, "commandList").item(0)
    assert "Open a recording first." in said.data(Qt.ItemDataRole.AccessibleTextRole)
    qtbot.keyClick(edit, Qt.Key.Key_Return)
    assert palette.isVisible()
    assert not window.findChildren(QDialog, "exportDialog")
    qtbot.keyClick(edit, Qt.Key.Key_Escape)
    gone(qtbot, window, "commandPalette")


def test_what_cannot_be_used_is_drawn_fainter(qtbot, window: MainWindow) -> None:
    palette = open_palette(qtbot, window)
    rows = find(palette, QListWidget, "commandList")
    shown = palette.shown
    free = next(i for i, each in enumerate(shown) if not each.why_not and i != rows.currentRow())
    taken = next(i for i, each in enumerate(shown) if each.why_not)

    def strongest(row: int) -> int:
        rows.scrollToItem(rows.item(row))
        QApplication.processEvents()
        area = rows.visualItemRect(rows.item(row))
        image = rows.viewport().grab(area).toImage()
        ground = image.pixelColor(2, 2).lightness()
        return max(
            abs(image.pixelColor(x, y).lightness() - ground)
            for x in range(image.width() // 2)
            for y in range(image.height())
        )

    assert strongest(taken) < strongest(free)
    palette.reject()
    gone(qtbot, window, "commandPalette")


def test_nothing_found_is_said(qtbot, window: MainWindow) -> None:
    palette = open_palette(qtbot, window)
    edit = find(palette, QLineEdit, "commandEdit")
    qtbot.keyClicks(edit, "qqqqxx")
    assert palette.shown == []
    assert find(palette, QLabel, "commandHint").text() == "Nothing is called like that."
    qtbot.keyClick(edit, Qt.Key.Key_Return)
    assert palette.isVisible()
    palette.reject()
    gone(qtbot, window, "commandPalette")


# ---------------------------------------------------------------------- menus


def test_every_action_is_in_one_menu() -> None:
    names = [name for names in MENUS.values() for name in names]
    names += [name for _, inner in SUBMENUS.values() for name in inner]
    placed = [name for name in names if name is not None and name not in SUBMENUS]
    assert sorted(placed) == sorted(spec.name for spec in ACTIONS)


def test_mnemonics_of_a_menu_differ(opened: MainWindow) -> None:
    def mnemonic(text: str) -> str:
        text = text.replace("&&", "")
        return text.partition("&")[2][:1].lower()

    for menu in (opened.menuBar(), *(action.menu() for action in opened.menuBar().actions())):
        letters = [mnemonic(action.text()) for action in menu.actions() if action.text()]
        chosen = [letter for letter in letters if letter]
        assert len(chosen) == len(set(chosen)), (menu.title() if menu.parent() else "bar", letters)


# ---------------------------------------------------------------------- keys


def test_the_overview_lists_exactly_the_keys_of_the_actions(qtbot, opened: MainWindow) -> None:
    dialog = ShortcutsDialog(opened)
    qtbot.addWidget(dialog)
    groups = dialog.shown_rows()
    # What the mouse does is no action.
    groups.pop("Mouse")
    listed = {text: keys for rows in groups.values() for keys, text in rows}
    for spec in ACTIONS:
        text = plain_text(spec.text)
        action = find(opened, QAction, spec.name)
        portable = [each.toString() for each in action.shortcuts()]
        assert portable == list(spec.shortcuts), f"{spec.name} has other keys than its table says"
        keys = [*portable, *(key_text(key) for key in spec.keys)]
        assert (text in listed) == bool(keys)
        if keys:
            assert listed[text] == " or ".join(keys)
    for text, keys in listed.items():
        assert text.replace("&", "&amp;") in shortcuts_html()
        assert keys.partition(" or ")[0].replace("<", "&lt;") in shortcuts_html()


def test_other_actions_have_no_key_that_the_overview_does_not_know(opened: MainWindow) -> None:
    known = {spec.name for spec in ACTIONS}
    for action in opened.findChildren(QAction):
        if action.objectName() in known or isinstance(action.parent(), QLineEdit):
            continue
        assert not action.shortcut().toString(), f"{action.objectName()} {action.text()!r}"


@pytest.mark.parametrize("key", [Qt.Key.Key_F1, Qt.Key.Key_Question])
def test_both_keys_show_the_overview_and_words_search_it(
    qtbot, opened: MainWindow, key: Qt.Key
) -> None:
    target = find(opened, QWidget, "frameGraphics")
    qtbot.keyClick(target, key, SHIFT if key == Qt.Key.Key_Question else Qt.KeyboardModifier(0))
    dialog = find(opened, QDialog, "shortcutsDialog")
    search = find(dialog, QLineEdit, "shortcutSearchEdit")
    everything = dialog.shown_rows()
    assert {"File", "Edit", "View", "Frames", "Help", "Mouse"} <= set(everything)
    qtbot.keyClicks(search, "zoom")
    rows = [text for rows in dialog.shown_rows().values() for _, text in rows]
    assert "Zoom in" in rows
    assert all("zoom" in text.lower() for text in rows)
    search.clear()
    qtbot.keyClicks(search, "ctrl+g")
    assert dialog.shown_rows() == {"Frames": [("Ctrl+G", "Go to")]}
    search.clear()
    qtbot.keyClicks(search, "nonsense")
    assert dialog.shown_rows() == {}
    assert find(dialog, QLabel, "shortcutNothingLabel").isVisible()
    qtbot.keyClick(dialog, Qt.Key.Key_Escape)
    gone(qtbot, opened, "shortcutsDialog")


def test_the_overview_can_be_printed(
    qtbot, window: MainWindow, tmp_path: Path, monkeypatch
) -> None:
    out = tmp_path / "keys.pdf"

    class Accepting(QDialog):
        def __init__(self, printer: QPrinter, parent: QWidget) -> None:
            super().__init__(parent)
            printer.setOutputFormat(QPrinter.OutputFormat.PdfFormat)
            printer.setOutputFileName(str(out))

        def exec(self) -> QDialog.DialogCode:
            return QDialog.DialogCode.Accepted

    monkeypatch.setattr("flimage_gui.shortcuts_dialog.QPrintDialog", Accepting)
    qtbot.keyClick(window, Qt.Key.Key_F1)
    dialog = find(window, QDialog, "shortcutsDialog")
    button = find(dialog, QAbstractButton, "shortcutPrintButton")
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
    assert out.read_bytes().startswith(b"%PDF")
    assert out.stat().st_size > 5000
    qtbot.mouseClick(
        find(dialog, QAbstractButton, "shortcutCloseButton"), Qt.MouseButton.LeftButton
    )
    gone(qtbot, window, "shortcutsDialog")
