"""Everything that a window can do, gathered from its actions: for the command palette."""

from __future__ import annotations

from dataclasses import dataclass

from PyQt5 import sip
from PyQt5.QtGui import QKeySequence
from PyQt5.QtWidgets import QAction, QMenu, QMenuBar, QWidget

from .actions import ACTIONS, key_text
from .availability import why_disabled
from .fuzzy import find
from .menus import plain_text

__all__ = ["Command", "Match", "gather", "matching"]

#: How much the menu and what is said about a command count, beside its name.
_PLACE_WEIGHT, _TIP_WEIGHT = 0.8, 0.4
_PLAIN_KEYS = {spec.name: spec.keys for spec in ACTIONS}
#: What would only open the palette again.
_LEFT_OUT = {"actionCommands"}


@dataclass(frozen=True, eq=False)
class Command:
    """One thing that can be asked for.

    Parameters
    ----------
    action
        What does it.
    text
        Its name.
    place
        Menu that it is in.
    keys
        Its keys; empty where it has none.
    """

    action: QAction
    text: str
    place: str
    keys: str

    @property
    def why_not(self) -> str:
        """Why it cannot be used now; empty where it can."""
        # Recent files come and go while the list of commands is open.
        if sip.isdeleted(self.action):
            return "This is not there any more."
        return why_disabled(self.action)

    @property
    def label(self) -> str:
        """Place and name in one."""
        return f"{self.place}: {self.text}" if self.place else self.text


@dataclass(frozen=True, eq=False)
class Match:
    """A command that answers what was typed.

    Parameters
    ----------
    command
        The command.
    points
        How well; the larger the better.
    places
        Which letters of its label were typed.
    """

    command: Command
    points: float
    places: tuple[int, ...]


def _all_keys(action: QAction) -> str:
    portable = QKeySequence.SequenceFormat.NativeText
    keys = [each.toString(portable) for each in action.shortcuts()]
    keys += [key_text(key) for key in _PLAIN_KEYS.get(action.objectName(), ())]
    return " or ".join(keys)


def _is_command(action: QAction) -> bool:
    name = action.objectName()
    return bool(name) and name not in _LEFT_OUT and not action.isSeparator()


def _walk(menu: QMenu, place: str, seen: dict[QAction, Command]) -> None:
    for action in menu.actions():
        inner = action.menu()
        if inner is not None:
            title = plain_text(action.text())
            _walk(inner, f"{place} › {title}" if place else title, seen)
        elif action.text() and action not in seen and _is_command(action):
            text = plain_text(action.text())
            seen[action] = Command(action, text, place, _all_keys(action))


def gather(window: QWidget) -> list[Command]:
    """Return all commands of a window: those of its menus first, then those of its buttons."""
    seen: dict[QAction, Command] = {}
    for bar in window.findChildren(QMenuBar):
        for action in bar.actions():
            if action.menu() is not None:
                _walk(action.menu(), plain_text(action.text()), seen)
    for menu in window.findChildren(QMenu):
        owner = menu.parentWidget()
        if not isinstance(owner, (QMenu, QMenuBar)) and owner is not None:
            _walk(menu, owner.accessibleName(), seen)
    # What a button offers is often in a menu as well, which also tells the keys.
    named: dict[tuple[str, str], Command] = {}
    for command in seen.values():
        named.setdefault((command.place.rpartition("› ")[2], command.text), command)
    return list(named.values())


def matching(commands: list[Command], query: str) -> list[Match]:
    """Return the commands that answer a query, the best first; what cannot be used comes last."""
    matches = []
    for command in commands:
        found = find(query, command.label)
        by_name = find(query, command.text)
        tip = find(query, command.action.statusTip())
        if by_name is not None:
            points = by_name[0]
            start = len(command.label) - len(command.text)
            places = tuple(start + place for place in by_name[1])
        elif found is not None:
            points, places = _PLACE_WEIGHT * found[0], found[1]
        elif tip is not None and len(query.split()) > 1:
            points, places = _TIP_WEIGHT * tip[0], ()
        else:
            continue
        matches.append(Match(command, points, places))
    # Sorting keeps the order of the menus among equals.
    matches.sort(key=lambda match: (bool(match.command.why_not), -match.points))
    return matches
