"""Changes of metadata and order: each a step of the history, or a sentence that refuses it.

The rules stand in :mod:`flimage.edit`; here they are given names for the history.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from flimage import edit_steps as steps
from flimage.errors import InputError
from flimage.quantities import format_count

if TYPE_CHECKING:
    from flimage.source import EditedSource, Edits

    from .session import Session

__all__ = ["Editor"]

#: What is edited, in the words of the history.
_WORDS = {"time": "time", "pixel size": "pixel size", "identifier": "identifier"}


class Editor:
    """Asks a session for changes of metadata and order.

    Requests never raise because of what a person chose: the session says why it cannot be done.

    Parameters
    ----------
    session
        The open recording.
    """

    def __init__(self, session: Session) -> None:
        self._session = session

    def set_value(self, frames: Sequence[int] | None, key: str, value: Any) -> bool:
        """Change one value of some frames (None: of all); tell whether that was possible."""
        verb = "Remove" if value is None else "Change"
        return self._change(
            steps.SetValue(key, value, _tuple(frames)),
            f"{verb} the {_WORDS[key]} of {self._which(frames)}",
        )

    def set_interval(self, frames: Sequence[int] | None, interval: float, start: float) -> bool:
        """Give frames equally spaced times [s]; tell whether that was possible."""
        return self._change(
            steps.SetInterval(interval, start, _tuple(frames)),
            f"Space the times of {self._which(frames)}",
        )

    def delete(self, frames: Sequence[int]) -> bool:
        """Leave frames out; tell whether that was possible."""
        return self._change(
            steps.DeleteFrames(tuple(sorted(frames))), f"Delete {self._which(frames)}"
        )

    def keep(self, frames: Sequence[int]) -> bool:
        """Leave out all frames but some; tell whether that was possible."""
        return self._change(
            steps.KeepFrames(tuple(sorted(frames))), f"Keep only {self._which(frames)}"
        )

    def move(self, frames: Sequence[int], to: int) -> bool:
        """Move frames to another place; tell whether that was possible."""
        return self._change(
            steps.MoveFrames(tuple(sorted(frames)), to), f"Move {self._which(frames)} to {to}"
        )

    def sort_by_time(self) -> bool:
        """Put the frames into the order of their times; tell whether that was possible."""
        return self._change(steps.SortByTime(), "Sort the frames by time")

    def _which(self, frames: Sequence[int] | None) -> str:
        if frames is None or len(frames) == self._session.n_frames:
            return "all frames"
        if len(frames) == 1:
            return f"frame {frames[0]}"
        return format_count(len(frames), "frame")

    def _change(self, step: steps.EditStep, label: str) -> bool:
        from flimage.edit import follow_order

        session = self._session
        source = session.source
        if source is None:
            return False
        try:
            edits = step.apply(source)
        except InputError as error:
            session.failed.emit(error)
            return False
        after = edits.order if edits.order is not None else range(len(source.source))
        if tuple(after) == source.order and _says_the_same(source, edits):
            return True
        recipe = follow_order(session.recipe, source.order, after)
        session.change_edits(edits, label, recipe, step)
        return True


def _says_the_same(source: EditedSource, edits: Edits) -> bool:
    """Tell whether edits of metadata change nothing."""
    before = source.edits.meta
    return all(dict(values) == dict(before.get(frame, {})) for frame, values in edits.meta.items())


def _tuple(frames: Sequence[int] | None) -> tuple[int, ...] | None:
    return None if frames is None else tuple(sorted(frames))
