"""Changes of a recording as values that can be applied, and written as Python or as options.

The window records one of these for every change that it makes, and the command ``flimage edit``
makes them from its options: both apply them here, so that they cannot disagree.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from .errors import InputError
from .progress import Progress

if TYPE_CHECKING:
    from .background_image import Image
    from .source import EditedSource, Edits, FrameSource

__all__ = [
    "ClearBackground",
    "DeleteFrames",
    "EditStep",
    "FileBackground",
    "KeepFrames",
    "MeanBackground",
    "MoveFrames",
    "PlaneBackground",
    "SessionEdits",
    "SetInterval",
    "SetValue",
    "SortByTime",
    "UnknownOrigin",
    "apply_steps",
    "frame_literal",
    "frame_text",
]

#: Frame numbers; None for all frames.
Frames = tuple[int, ...] | None


class EditStep(Protocol):
    """One change of a recording."""

    def apply(self, source: EditedSource, progress: Progress | None = None) -> Edits:
        """Return the edits that show the change."""

    def python(self) -> str:
        """Return the Python expression for the edits, in terms of ``source``."""

    def options(self) -> list[str]:
        """Return the options of ``flimage edit`` for the change."""


def frame_text(frames: Sequence[int]) -> str:
    """Write frame numbers like ``3,7-9``."""
    parts: list[list[int]] = []
    for frame in frames:
        if parts and frame == parts[-1][1] + 1:
            parts[-1][1] = frame
        else:
            parts.append([frame, frame])
    return ",".join(str(a) if a == b else f"{a}-{b}" for a, b in parts)


def frame_literal(frames: Sequence[int] | None) -> str:
    """Write frame numbers as Python does; long runs as ranges."""
    if frames is None:
        return "None"
    first, last = frames[0], frames[-1]
    if len(frames) > 3 and list(frames) == list(range(first, last + 1)):
        return f"range({first}, {last + 1})"
    return repr(list(frames))


def _number(value: float) -> str:
    return repr(float(value)) if not float(value).is_integer() else repr(int(value))


def _for(frames: Frames) -> list[str]:
    return ["--frames", "all" if frames is None else frame_text(frames)]


@dataclass(frozen=True)
class FileBackground:
    """The image in a file is the background of some frames."""

    path: Path
    frames: Frames = None

    def image(self, source: FrameSource, progress: Progress | None = None) -> Image:
        """Return the background (y, x)."""
        from .background_image import image_in_file

        return image_in_file(self.path, source.shape, progress)

    def apply(self, source: EditedSource, progress: Progress | None = None) -> Edits:
        """Return the edits that show the change."""
        from . import edit

        return edit.assign_background(source, self.frames, self.image(source, progress))

    def python(self) -> str:
        """Return the Python expression for the edits."""
        image = f"background_image.image_in_file({str(self.path)!r}, source.shape)"
        return f"edit.assign_background(source, {frame_literal(self.frames)}, {image})"

    def options(self) -> list[str]:
        """Return the options of ``flimage edit``."""
        return [*_for(self.frames), "--background-file", str(self.path)]


@dataclass(frozen=True)
class MeanBackground:
    """The mean of some raw frames is the background of some frames."""

    sources: tuple[int, ...]
    frames: Frames = None

    def image(self, source: FrameSource, progress: Progress | None = None) -> Image:
        """Return the background (y, x)."""
        from .background_image import mean_frame

        return mean_frame(source, self.sources, progress)

    def apply(self, source: EditedSource, progress: Progress | None = None) -> Edits:
        """Return the edits that show the change."""
        from . import edit

        return edit.assign_background(source, self.frames, self.image(source, progress))

    def python(self) -> str:
        """Return the Python expression for the edits."""
        image = f"background_image.mean_frame(source, {frame_literal(self.sources)})"
        return f"edit.assign_background(source, {frame_literal(self.frames)}, {image})"

    def options(self) -> list[str]:
        """Return the options of ``flimage edit``."""
        return [*_for(self.frames), "--background-mean", frame_text(self.sources)]


@dataclass(frozen=True)
class PlaneBackground:
    """A plane fitted to the border of some frames is their background."""

    border_px: int
    frames: Frames = None

    def image(self, source: FrameSource, progress: Progress | None = None) -> Image:
        """Return the background (y, x)."""
        from .background_image import plane_from_border

        return plane_from_border(source, self.border_px, self.frames, progress)

    def apply(self, source: EditedSource, progress: Progress | None = None) -> Edits:
        """Return the edits that show the change."""
        from . import edit

        return edit.assign_background(source, self.frames, self.image(source, progress))

    def python(self) -> str:
        """Return the Python expression for the edits."""
        frames = frame_literal(self.frames)
        image = f"background_image.plane_from_border(source, {self.border_px}, {frames})"
        return f"edit.assign_background(source, {frames}, {image})"

    def options(self) -> list[str]:
        """Return the options of ``flimage edit``."""
        return [*_for(self.frames), "--background-plane", str(self.border_px)]


@dataclass(frozen=True)
class ClearBackground:
    """Some frames lose their background images."""

    frames: Frames = None

    def apply(self, source: EditedSource, progress: Progress | None = None) -> Edits:
        """Return the edits that show the change."""
        from . import edit

        return edit.assign_background(source, self.frames, None)

    def python(self) -> str:
        """Return the Python expression for the edits."""
        return f"edit.assign_background(source, {frame_literal(self.frames)}, None)"

    def options(self) -> list[str]:
        """Return the options of ``flimage edit``."""
        return [*_for(self.frames), "--clear-background"]


@dataclass(frozen=True)
class SetValue:
    """Some frames get a value of their metadata; None removes it.

    Identifiers may be patterns, see :func:`flimage.edit.set_identifiers`.
    """

    key: str
    value: Any
    frames: Frames = None

    def apply(self, source: EditedSource, progress: Progress | None = None) -> Edits:
        """Return the edits that show the change."""
        from . import edit

        if self.key == "identifier" and self.value is not None:
            return edit.set_identifiers(source, self.frames, str(self.value))
        return edit.set_meta(source, self.frames, {self.key: self.value})

    def python(self) -> str:
        """Return the Python expression for the edits."""
        frames = frame_literal(self.frames)
        if self.key == "identifier" and self.value is not None:
            return f"edit.set_identifiers(source, {frames}, {str(self.value)!r})"
        return f"edit.set_meta(source, {frames}, {{{self.key!r}: {self.value!r}}})"

    def options(self) -> list[str]:
        """Return the options of ``flimage edit``."""
        name = self.key.replace(" ", "-")
        if self.value is None:
            return [*_for(self.frames), "--remove", name]
        return [*_for(self.frames), "--set", f"{name}={self.value}"]


@dataclass(frozen=True)
class SetInterval:
    """Some frames get equally spaced times."""

    interval: float
    start: float = 0.0
    frames: Frames = None

    def apply(self, source: EditedSource, progress: Progress | None = None) -> Edits:
        """Return the edits that show the change."""
        from . import edit

        return edit.set_interval(source, self.interval, self.start, self.frames)

    def python(self) -> str:
        """Return the Python expression for the edits."""
        numbers = f"{_number(self.interval)}, {_number(self.start)}"
        return f"edit.set_interval(source, {numbers}, {frame_literal(self.frames)})"

    def options(self) -> list[str]:
        """Return the options of ``flimage edit``."""
        spacing = f"{_number(self.interval)}@{_number(self.start)}"
        return [*_for(self.frames), "--interval", spacing]


@dataclass(frozen=True)
class DeleteFrames:
    """Some frames are left out."""

    frames: tuple[int, ...]

    def apply(self, source: EditedSource, progress: Progress | None = None) -> Edits:
        """Return the edits that show the change."""
        from . import edit

        return edit.delete_frames(source, self.frames)

    def python(self) -> str:
        """Return the Python expression for the edits."""
        return f"edit.delete_frames(source, {frame_literal(self.frames)})"

    def options(self) -> list[str]:
        """Return the options of ``flimage edit``."""
        return ["--delete", frame_text(self.frames)]


@dataclass(frozen=True)
class KeepFrames:
    """All frames but some are left out."""

    frames: tuple[int, ...]

    def apply(self, source: EditedSource, progress: Progress | None = None) -> Edits:
        """Return the edits that show the change."""
        from . import edit

        return edit.keep_frames(source, self.frames)

    def python(self) -> str:
        """Return the Python expression for the edits."""
        return f"edit.keep_frames(source, {frame_literal(self.frames)})"

    def options(self) -> list[str]:
        """Return the options of ``flimage edit``."""
        return ["--keep", frame_text(self.frames)]


@dataclass(frozen=True)
class MoveFrames:
    """Some frames go to another place."""

    frames: tuple[int, ...]
    to: int

    def apply(self, source: EditedSource, progress: Progress | None = None) -> Edits:
        """Return the edits that show the change."""
        from . import edit

        return edit.move_frames(source, self.frames, self.to)

    def python(self) -> str:
        """Return the Python expression for the edits."""
        return f"edit.move_frames(source, {frame_literal(self.frames)}, {self.to})"

    def options(self) -> list[str]:
        """Return the options of ``flimage edit``."""
        return ["--move", f"{frame_text(self.frames)}:{self.to}"]


@dataclass(frozen=True)
class SortByTime:
    """The frames go into the order of their times."""

    def apply(self, source: EditedSource, progress: Progress | None = None) -> Edits:
        """Return the edits that show the change."""
        from . import edit

        return edit.sort_by_time(source)

    def python(self) -> str:
        """Return the Python expression for the edits."""
        return "edit.sort_by_time(source)"

    def options(self) -> list[str]:
        """Return the options of ``flimage edit``."""
        return ["--sort-by-time"]


@dataclass(frozen=True)
class SessionEdits:
    """The edits in a session file take the place of all others.

    Parameters
    ----------
    path
        The session file; it belongs to the recording that is edited.
    """

    path: Path

    def apply(self, source: EditedSource, progress: Progress | None = None) -> Edits:
        """Return the edits that show the change."""
        from .session_reading import read_session

        return read_session(self.path).edits

    def python(self) -> str:
        """Return the Python expression for the edits."""
        return f"read_session({str(self.path)!r}).edits"

    def options(self) -> list[str]:
        """Return the options of ``flimage edit``."""
        return ["--session", str(self.path)]


@dataclass(frozen=True)
class UnknownOrigin:
    """A change that cannot be made again, because nobody knows where its data came from.

    Parameters
    ----------
    label
        What the history calls it.
    """

    label: str

    def apply(self, source: EditedSource, progress: Progress | None = None) -> Edits:
        """Refuse."""
        raise InputError(self._sentence())

    def python(self) -> str:
        """Refuse."""
        raise InputError(self._sentence())

    def options(self) -> list[str]:
        """Refuse."""
        raise InputError(self._sentence())

    def _sentence(self) -> str:
        return (
            f"The step “{self.label}” cannot be copied, because its data are in no file yet; save"
            " the recording first."
        )


def apply_steps(
    source: EditedSource, steps: Sequence[EditStep], progress: Progress | None = None
) -> EditedSource:
    """Return a recording as it is after some steps, one after the other."""
    for step in steps:
        source = source.with_edits(step.apply(source, progress))
    return source
