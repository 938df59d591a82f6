"""Undo history: a list of values that never change, and a place in it."""

from __future__ import annotations

import time
from typing import Generic, TypeVar

__all__ = ["History"]

State = TypeVar("State")

#: Steps with the same label that follow each other within this time [s] become one step, so that
#: dragging a spin box is undone at once and not pixel by pixel.
MERGE_SECONDS = 1.0
#: Steps beyond this number are forgotten, oldest first.
LONGEST = 200


class History(Generic[State]):
    """States that were reached one after the other, and the labels of the steps between them.

    Parameters
    ----------
    state
        Where the history starts. States must be immutable: they are kept, not copied.
    """

    def __init__(self, state: State) -> None:
        self._states = [state]
        self._labels: list[str] = []
        self._place = 0
        self._pushed = float("-inf")
        self._held = False

    @property
    def state(self) -> State:
        """The current state."""
        return self._states[self._place]

    @property
    def labels(self) -> tuple[str, ...]:
        """Labels of all steps, those that were undone at the end."""
        return tuple(self._labels)

    @property
    def place(self) -> int:
        """How many of the steps of :attr:`labels` are in effect."""
        return self._place

    @property
    def undo_text(self) -> str:
        """Label of the step that :meth:`undo` takes back; empty when there is none."""
        return self._labels[self._place - 1] if self._place else ""

    @property
    def redo_text(self) -> str:
        """Label of the step that :meth:`redo` takes again; empty when there is none."""
        return self._labels[self._place] if self._place < len(self._labels) else ""

    def push(self, state: State, label: str) -> None:
        """Go on to `state`; steps that were undone are forgotten."""
        now = time.monotonic()
        merges = (
            self._place == len(self._labels)
            and label == self.undo_text
            and (self._held or now - self._pushed < MERGE_SECONDS)
        )
        self._pushed = now
        if merges:
            self._states[self._place] = state
            return
        del self._states[self._place + 1 :], self._labels[self._place :]
        self._states.append(state)
        self._labels.append(label)
        surplus = len(self._labels) - LONGEST
        if surplus > 0:
            del self._states[:surplus], self._labels[:surplus]
        self._place = len(self._labels)

    def undo(self) -> bool:
        """Go one step back; tell whether there was one."""
        return self.go_to(self._place - 1)

    def redo(self) -> bool:
        """Go one step forward again; tell whether there was one."""
        return self.go_to(self._place + 1)

    def go_to(self, place: int) -> bool:
        """Put `place` steps into effect; tell whether that is possible and a change."""
        if not 0 <= place <= len(self._labels) or place == self._place:
            return False
        self._place = place
        self.release()
        return True

    def hold(self) -> None:
        """Let steps like the last one become part of it, however long they take."""
        self._held = True

    def release(self) -> None:
        """Let the next step be one of its own."""
        self._held = False
        self._pushed = float("-inf")
