"""Changes to a recording that a person asks for, checked and turned into edits.

Every function takes the recording as it is shown (:class:`~flimage.source.EditedSource`), names
frames by their number in it, and returns the :class:`~flimage.source.Edits` that would show the
change. Nothing is read from the file and nothing is written.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from .errors import InputError
from .meta import is_number
from .recipe import Recipe
from .source import EditedSource, Edits

__all__ = [
    "EDITABLE_KEYS",
    "assign_background",
    "check_value",
    "delete_frames",
    "follow_order",
    "keep_frames",
    "move_frames",
    "set_identifiers",
    "set_interval",
    "set_meta",
    "sort_by_time",
]

#: Metadata that can be changed frame by frame: key -> SI unit.
EDITABLE_KEYS: dict[str, str] = {"time": "s", "pixel size": "m", "identifier": ""}

#: Stands for the number of a frame in a pattern of identifiers.
NUMBER = "{n}"


def _frames(source: EditedSource, frames: Iterable[int] | None) -> list[int]:
    """Frame numbers, each once and in order; all for None."""
    count = len(source)
    chosen = list(range(count)) if frames is None else sorted({int(frame) for frame in frames})
    beyond = [frame for frame in chosen if not 0 <= frame < count]
    if beyond:
        raise InputError(
            f"There is no frame {beyond[0]}; the recording has the frames 0 to {count - 1}."
        )
    if not chosen:
        raise InputError("No frame is chosen; choose one or more first.")
    return chosen


def check_value(key: str, value: Any) -> Any:
    """Return `value` as it is stored for `key`.

    Parameters
    ----------
    key
        One of :data:`EDITABLE_KEYS`.
    value
        A number in SI units, a text for identifiers; None removes the key.

    Raises
    ------
    flimage.errors.InputError
        When the value cannot be used: not a finite number, a pixel size that is not positive, or
        an empty identifier.
    """
    if key not in EDITABLE_KEYS:
        raise InputError(f"{key!r} cannot be edited; only {', '.join(EDITABLE_KEYS)} can.")
    if value is None:
        return None
    if key == "identifier":
        text = str(value).strip()
        if not text or "\0" in text:
            raise InputError("An identifier needs at least one character; enter a name.")
        return text
    if not is_number(value) or not math.isfinite(value):
        raise InputError(f"The {key} cannot be {value!r}; enter a finite number.")
    if key == "pixel size" and value <= 0:
        raise InputError(f"The pixel size cannot be {value:g} m; enter a length above 0.")
    return float(value)


def set_meta(
    source: EditedSource, frames: Iterable[int] | None, changes: Mapping[str, Any]
) -> Edits:
    """Change metadata of some frames to the same values.

    Parameters
    ----------
    source
        The recording as it is shown.
    frames
        Frames to change; None for all.
    changes
        New values, see :func:`check_value`.

    Raises
    ------
    flimage.errors.InputError
        When a value cannot be used, or an identifier is taken already.
    """
    chosen = _frames(source, frames)
    values = {key: check_value(key, value) for key, value in changes.items()}
    name = values.get("identifier")
    if name is not None:
        if len(chosen) > 1:
            raise InputError(
                f"The identifier {name!r} cannot be given to {len(chosen)} frames, because each"
                f" needs its own; write {NUMBER} where its number is to stand."
            )
        _check_names(source, {chosen[0]: name})
    return source.edits.with_meta({source.order[frame]: values for frame in chosen})


def _check_names(source: EditedSource, names: Mapping[int, str]) -> None:
    """Make sure that no two frames get the same identifier."""
    taken = {
        name: frame
        for frame, name in enumerate(source.identifiers)
        if name is not None and frame not in names
    }
    for frame, name in names.items():
        if name in taken:
            raise InputError(
                f"The identifier {name!r} is that of frame {taken[name]} already; choose another"
                f" one for frame {frame}."
            )
        taken[name] = frame


def set_identifiers(source: EditedSource, frames: Iterable[int] | None, pattern: str) -> Edits:
    """Name frames after a pattern.

    Parameters
    ----------
    source
        The recording as it is shown.
    frames
        Frames to name; None for all.
    pattern
        Identifier in which ``{n}`` stands for the number of the frame.

    Raises
    ------
    flimage.errors.InputError
        When two frames would have the same identifier, or the pattern is empty.
    """
    chosen = _frames(source, frames)
    if NUMBER not in pattern:
        return set_meta(source, chosen, {"identifier": pattern})
    names = {
        frame: check_value("identifier", pattern.replace(NUMBER, str(frame))) for frame in chosen
    }
    _check_names(source, names)
    return source.edits.with_meta(
        {source.order[frame]: {"identifier": name} for frame, name in names.items()}
    )


def set_interval(
    source: EditedSource,
    interval: float,
    start: float = 0.0,
    frames: Iterable[int] | None = None,
) -> Edits:
    """Give frames equally spaced times.

    Parameters
    ----------
    source
        The recording as it is shown.
    interval
        Time from one of the frames to the next [s].
    start
        Time of the first one [s].
    frames
        Frames to change; None for all.

    Raises
    ------
    flimage.errors.InputError
        When the interval is not a positive, or the start not a finite number.
    """
    chosen = _frames(source, frames)
    if not is_number(interval) or not math.isfinite(interval) or interval <= 0:
        raise InputError(f"The interval cannot be {interval!r} s; enter a time above 0.")
    first = check_value("time", start)
    if first is None:
        raise InputError("The time of the first frame is missing; enter a number.")
    times = {frame: first + number * interval for number, frame in enumerate(chosen)}
    if not math.isfinite(times[chosen[-1]]):
        raise InputError(f"An interval of {interval:g} s is too long; enter a shorter one.")
    return source.edits.with_meta(
        {source.order[frame]: {"time": time} for frame, time in times.items()}
    )


def assign_background(
    source: EditedSource, frames: Iterable[int] | None, image: npt.NDArray[Any] | None
) -> Edits:
    """Use an image as background of some frames, in place of those they have.

    Parameters
    ----------
    source
        The recording as it is shown.
    frames
        Frames to change; None for all.
    image
        Background (y, x); it must not be changed afterwards, and frames that have the same array
        share it in a file. None removes the backgrounds.

    Raises
    ------
    flimage.errors.InputError
        When the image has another size than the frames.
    """
    chosen = _frames(source, frames)
    if image is not None and image.shape != source.shape:
        raise InputError(
            f"The background has {image.shape[-1]} × {image.shape[0]} pixels, but the"
            f" recording {source.shape[1]} × {source.shape[0]}; choose an image of the"
            " same size."
        )
    return source.edits.with_background([source.order[frame] for frame in chosen], image)


def delete_frames(source: EditedSource, frames: Iterable[int]) -> Edits:
    """Leave some frames out.

    Raises
    ------
    flimage.errors.InputError
        When no frame would be left.
    """
    unwanted = set(_frames(source, frames))
    if len(unwanted) == len(source):
        raise InputError("All frames are chosen, but a recording needs at least one; keep one.")
    kept = [number for frame, number in enumerate(source.order) if frame not in unwanted]
    return source.edits.with_order(kept)


def keep_frames(source: EditedSource, frames: Iterable[int]) -> Edits:
    """Leave out all frames but some."""
    return source.edits.with_order([source.order[frame] for frame in _frames(source, frames)])


def move_frames(source: EditedSource, frames: Iterable[int], to: int) -> Edits:
    """Move frames, which stay in their order, to another place.

    Parameters
    ----------
    source
        The recording as it is shown.
    frames
        Frames to move.
    to
        Number that the first of them gets; beyond the ends, the nearest possible one.
    """
    moved = _frames(source, frames)
    chosen = set(moved)
    rest = [number for frame, number in enumerate(source.order) if frame not in chosen]
    place = max(0, min(int(to), len(rest)))
    order = [*rest[:place], *(source.order[frame] for frame in moved), *rest[place:]]
    return source.edits.with_order(order)


def sort_by_time(source: EditedSource) -> Edits:
    """Put frames into the order of their times; frames of the same time stay in their order.

    Raises
    ------
    flimage.errors.InputError
        When frames have no time.
    """
    missing = np.flatnonzero(~np.isfinite(source.times))
    if missing.size:
        raise InputError(
            f"Frame {missing[0]} has no time, so that the frames cannot be sorted; enter it first."
        )
    order = np.argsort(source.times, kind="stable")
    return source.edits.with_order([source.order[frame] for frame in order])


def follow_order(recipe: Recipe, before: Sequence[int], after: Sequence[int]) -> Recipe:
    """Recipe that names the same frames after some were left out or moved.

    Parameters
    ----------
    recipe
        Recipe for the old order.
    before, after
        Number of each frame in the unedited recording, in the old and in the new order.

    Returns
    -------
    Recipe
        Excluded frames that are left out are forgotten. The range of the fit goes from the first
        to the last place of the frames that it held.
    """
    if tuple(before) == tuple(after):
        return recipe
    places = {number: place for place, number in enumerate(after)}
    exclude = tuple(
        sorted(
            places[before[frame]]
            for frame in recipe.exclude
            if frame < len(before) and before[frame] in places
        )
    )
    first, last = recipe.first, recipe.last
    if first is not None or last is not None:
        begin = 0 if first is None else first
        end = len(before) - 1 if last is None else last
        within = [places[number] for number in before[begin : end + 1] if number in places]
        first = min(within) if within and first is not None else None
        last = max(within) if within and last is not None else None
    return recipe.replace(exclude=exclude, first=first, last=last)
