"""Choosing one time series from a file with several channels, depths and positions."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from .errors import InputError

__all__ = ["Axis", "ChoiceNeededError", "Layout", "Selection"]

#: Letters of axes along which the frames of a time series may be stacked. "Z" is among them
#: because ImageJ and many cameras write a time series as slices; "I", "Q" and "R" mean "not
#: stated".
_TIME_AXES = "TIQRZ"

#: What a person calls an axis, and the option that chooses along it.
_NAMES = {"C": "channel", "Z": "depth", "T": "time", "P": "position", "S": "sample"}
_OPTIONS = {"C": "channel", "Z": "z"}


@dataclass(frozen=True)
class Selection:
    """What is read of a file that holds more than one time series; planes count from 0.

    Parameters
    ----------
    channel
        Number or name of the channel.
    z
        Number of the slice along depth.
    position
        Number of the position (also called scene, field, series or view).
    """

    channel: int | str | None = None
    z: int | None = None
    position: int | None = None


@dataclass(frozen=True)
class Axis:
    """An axis of a file besides y and x.

    Parameters
    ----------
    letter
        T, Z, C, P (position), or another letter of an axis that is not named.
    size
        Number of planes along it.
    labels
        Names of the planes, if they have some.
    """

    letter: str
    size: int
    labels: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """What a person calls it."""
        return _NAMES.get(self.letter, self.letter.lower())

    @property
    def option(self) -> str:
        """Field of :class:`Selection`, and option of the command line, that chooses along it."""
        return _OPTIONS.get(self.letter, "position")

    @property
    def choices(self) -> str:
        """What can be chosen, in words."""
        names = f": {', '.join(self.labels)}" if any(self.labels) else ""
        return f"--{self.option} (0 to {self.size - 1}{names})"


class ChoiceNeededError(InputError):
    """A file holds several time series, and it was not said which one is meant.

    Parameters
    ----------
    message
        Sentence that names file and axes.
    axes
        Axes along which one plane has to be chosen.
    """

    def __init__(self, message: str, axes: tuple[Axis, ...] = ()) -> None:
        super().__init__(message)
        self.axes = axes


class Layout:
    """Where the frames of the chosen time series are among the planes of a file.

    Parameters
    ----------
    path
        The file, for messages.
    axes, shape
        Letters and sizes of all axes, the slowest first; the last two have to be y and x.
    selection
        What was chosen.
    channels
        Names of the channels.
    """

    def __init__(
        self,
        path: Path,
        axes: str,
        shape: Sequence[int],
        selection: Selection,
        channels: Sequence[str] = (),
    ) -> None:
        self.path = path
        self.notes: list[str] = []
        sizes = [int(size) for size in shape]
        self._all = list(zip(axes, sizes, strict=True))
        self.leading = self._all[:-2]
        self._selection = selection
        self._channels = tuple(channels)
        self.axes = tuple(
            Axis(letter, size, self._channels if letter == "C" else ())
            for letter, size in self.leading
            if size != 1
        )
        self.shape = (sizes[-2], sizes[-1]) if len(sizes) >= 2 else (0, 0)
        self.time = self._find_time()
        self.n_frames = self.time.size if self.time is not None else 1
        self._fixed: dict[str, int] = {}

    def _find_time(self) -> Axis | None:
        """Axis that is taken for time."""
        for letter in _TIME_AXES:
            for axis in self.axes:
                if axis.letter == letter and not (letter == "Z" and self._selection.z is not None):
                    return axis
        return None

    def check(self, remedy: str) -> None:
        """Make sure that there is one time series, and find its planes.

        Raises
        ------
        ChoiceNeededError
            When there are several and none was chosen.
        flimage.errors.InputError
            When there is none, or what was chosen does not exist.
        """
        # A size of 1 says nothing, whatever the axis is called.
        named = [(letter, size) for letter, size in self._all if size != 1 or letter in "YX"]
        if any(letter == "S" for letter, _ in named):
            raise InputError(
                f"{self.path} holds colour images (RGB); split the channels and save one of them"
                " as a grey-scale stack, in ImageJ with Image › Color › Split Channels."
            )
        found = ", ".join(f"{Axis(letter, size).name} {size}" for letter, size in named)
        if [letter for letter, _ in named[-2:]] != ["Y", "X"]:
            raise InputError(
                f"{self.path} has {len(named)} axes ({found}), but a series has time, y and x;"
                f" {remedy}"
            )
        if 0 in (size for _, size in self._all):
            raise InputError(
                f"{self.path} holds no pixels (shape {tuple(size for _, size in self._all)})."
            )
        self._choose(found, remedy)
        if self.time is not None and self.time.letter == "Z":
            self.notes.append("The stack's axis is called z; its slices are taken as time points.")

    def _choose(self, found: str, remedy: str) -> None:
        """Find the plane along every axis that is not time."""
        others = [axis for axis in self.axes if axis is not self.time]
        missing = []
        for option in ("channel", "z", "position"):
            given = getattr(self._selection, option)
            along = [axis for axis in others if axis.option == option]
            if len(along) > 1:
                raise InputError(
                    f"{self.path} has {len(self.axes) + 2} axes ({found}), of which"
                    f" {' and '.join(axis.name for axis in along)} cannot be told apart; {remedy}"
                )
            if given is None:
                missing += along
                continue
            # Where there is no such axis, there is one plane.
            axis = along[0] if along else Axis({"channel": "C", "z": "Z"}.get(option, "P"), 1)
            self._fixed[axis.letter] = self._number(axis, given)
            if along:
                label = axis.labels[self._fixed[axis.letter]] if axis.labels else ""
                name = f" ({label})" if label else ""
                self.notes.append(
                    f"Images are those of {axis.name} {self._fixed[axis.letter]}{name} of"
                    f" {axis.size}."
                )
        if not missing:
            return
        options = ", ".join(axis.choices for axis in missing)
        if self.time is None and len(missing) == 1:
            text = (
                f"{self.path} holds {missing[0].size} images along the axis '{missing[0].name}',"
                f" not along time; choose one with {options}, or {remedy}"
            )
        else:
            text = (
                f"{self.path} has {len(self.axes) + 2} axes ({found}), but a series has time, y and"
                f" x; choose with {options}, or {remedy}"
            )
        raise ChoiceNeededError(text, tuple(missing))

    def _number(self, axis: Axis, given: int | str) -> int:
        """Find the plane that was chosen by number or name."""
        if isinstance(given, str) and given in axis.labels:
            return axis.labels.index(given)
        text = str(given)
        number = int(text) if text.isascii() and text.isdigit() else -1
        if not 0 <= number < axis.size:
            known = "only one" if axis.size == 1 else axis.choices.partition(" ")[2]
            raise InputError(
                f"{self.path} has no {axis.name} {given!r}; there is {known} (--{axis.option})."
            )
        return number

    def coordinates(self, frame: int) -> dict[str, int]:
        """Position of a frame along every axis but y and x, by letter."""
        position = {letter: self._fixed.get(letter, 0) for letter, _ in self.leading}
        if self.time is not None:
            position[self.time.letter] = frame
        return position

    @property
    def planes(self) -> int:
        """Number of planes in the file."""
        return math.prod(size for _, size in self.leading)

    def plane(self, frame: int) -> int:
        """Find the plane of a frame, where planes are stored in the order of the axes."""
        position = self.coordinates(frame)
        number = 0
        for letter, size in self.leading:
            number = number * size + position[letter]
        return number
