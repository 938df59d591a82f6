"""The recipe of a correction: everything its result depends on, as one frozen value.

The library, the command line and the window all hand a :class:`Recipe` to the same code, and it
is stored with every corrected file, so that the result can be computed again from the source.
"""

from __future__ import annotations

import dataclasses
import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

from .errors import InputError
from .meta import is_number
from .regular import read_small

__all__ = ["Recipe", "Region"]

RegionKind = Literal["auto", "frame", "rectangle", "ellipse", "polygon", "mask"]
BackgroundScope = Literal["series", "frame"]
BackgroundSource = Literal["border", "region", "plane"]
ModelName = Literal[
    "none", "linear", "exponential", "biexponential", "stretched", "ratio", "histogram", "auto"
]
OffsetMeaning = Literal["unbleachable", "background"]
TimeAxis = Literal["time", "exposure"]

#: Largest file that is read as a recipe [bytes].
_LARGEST_FILE = 1 << 20


@dataclass(frozen=True)
class Region:
    """A set of pixels.

    Parameters
    ----------
    kind
        ``"auto"``: found from the time-averaged image; ``"frame"``: all pixels; ``"rectangle"``
        and ``"ellipse"``: `points` holds two opposite corners of the bounding box;
        ``"polygon"``: `points` holds the vertices; ``"mask"``: `runs` holds the pixels.
    points
        Pixel coordinates ``((x, y), …)``; a pixel belongs to the region when its centre
        ``(column + 0.5, row + 0.5)`` lies inside.
    runs
        For masks: ``(start, length)`` pairs of flat, row-major pixel indices.
    """

    kind: RegionKind = "auto"
    points: tuple[tuple[float, float], ...] = ()
    runs: tuple[tuple[int, int], ...] = ()

    def __post_init__(self) -> None:
        if self.kind not in get_args(RegionKind):
            raise InputError(
                f"Region kind {self.kind!r} is unknown; use one of"
                f" {', '.join(get_args(RegionKind))}."
            )
        try:
            points = tuple((float(x), float(y)) for x, y in self.points)
            runs = tuple((int(start), int(length)) for start, length in self.runs)
        except (TypeError, ValueError, OverflowError) as error:
            raise InputError(
                "A region's points and runs must be pairs of numbers, such as [[10, 20], [30, 40]]."
            ) from error
        if not all(math.isfinite(v) for point in points for v in point):
            raise InputError("A region's points must be finite pixel coordinates.")
        needed = {"rectangle": 2, "ellipse": 2, "polygon": 3}.get(self.kind, 0)
        if len(points) < needed or (self.kind in ("rectangle", "ellipse") and len(points) != 2):
            raise InputError(
                f"A {self.kind} needs {'at least ' if needed == 3 else ''}{needed} points,"
                f" not {len(points)}."
            )
        if any(start < 0 or length < 1 for start, length in runs):
            raise InputError("A mask's runs need a start of at least 0 and a length of at least 1.")
        object.__setattr__(self, "points", points)
        object.__setattr__(self, "runs", runs)


def _is_whole(value: object) -> bool:
    """Tell whether `value` is a whole number of at least 0."""
    return is_number(value) and 0 <= value < 2**53 and value == int(value)


@dataclass(frozen=True)
class Recipe:
    """Everything that a correction depends on besides the recording.

    Parameters
    ----------
    border_px
        Width of the image border that holds background [px]; 0 means that no background is
        subtracted.
    background
        ``"series"``: one level for the whole series; ``"frame"``: one level per frame.
    background_source
        Where the level comes from: the ``"border"``, the drawn `background_region`
        (``"region"``), or a ``"plane"`` fitted to the border of each frame.
    background_region
        Pixels of the background when `background_source` is ``"region"``.
    region
        Signal region, over which the trace is summed.
    model
        Decay model, a name in :mod:`flimage.models`, or ``"auto"``.
    offset
        What the constant part of the decay means: ``"unbleachable"`` signal, which stays in the
        gain, or residual ``"background"``, which is subtracted instead.
    first, last
        First and last frame of the fit (both included, zero-based); None for no limit.
    exclude
        Frames that are left out of the fit.
    robust
        Give outlying frames less weight in the fit.
    max_gain
        Largest gain that is applied; frames beyond it are flagged.
    interval
        Time between frames [s]. It is used instead of the stored times, and needed where frames
        have none.
    time_axis
        ``"time"``: bleaching goes with time; ``"exposure"``: with the number of exposures taken.
    denoise
        Strength of total-variation denoising before the correction, relative to the noise; 0 for
        none.
    """

    border_px: int = 20
    background: BackgroundScope = "series"
    background_source: BackgroundSource = "border"
    background_region: Region | None = None
    region: Region = Region()
    model: ModelName = "exponential"
    offset: OffsetMeaning = "unbleachable"
    first: int | None = None
    last: int | None = None
    exclude: tuple[int, ...] = ()
    robust: bool = True
    max_gain: float = 10.0
    interval: float | None = None
    time_axis: TimeAxis = "time"
    denoise: float = 0.0

    def __post_init__(self) -> None:
        choices: dict[str, Any] = {
            "background": BackgroundScope,
            "background_source": BackgroundSource,
            "model": ModelName,
            "offset": OffsetMeaning,
            "time_axis": TimeAxis,
        }
        for name, kind in choices.items():
            value = getattr(self, name)
            if value not in get_args(kind):
                raise InputError(
                    f"Recipe: {name} is {value!r}; use one of {', '.join(get_args(kind))}."
                )
        for name in ("border_px", "first", "last"):
            value = getattr(self, name)
            if value is None and name != "border_px":
                continue
            if not _is_whole(value):
                raise InputError(f"Recipe: {name} is {value!r}; give a whole number of at least 0.")
            object.__setattr__(self, name, int(value))
        if self.first is not None and self.last is not None and self.first > self.last:
            raise InputError(
                f"Recipe: the fit starts at frame {self.first} after its end at frame {self.last};"
                " swap them."
            )
        if not all(_is_whole(i) for i in self.exclude):
            raise InputError(
                f"Recipe: exclude is {self.exclude!r}; give frame numbers of at least 0."
            )
        object.__setattr__(self, "exclude", tuple(sorted({int(i) for i in self.exclude})))
        if not is_number(self.max_gain) or not self.max_gain >= 1:
            raise InputError(f"Recipe: max_gain is {self.max_gain!r}; give a number of at least 1.")
        if self.interval is not None and not (
            is_number(self.interval) and self.interval > 0 and math.isfinite(self.interval)
        ):
            raise InputError(
                f"Recipe: interval is {self.interval!r}; give a positive number of seconds."
            )
        if not is_number(self.denoise) or not 0 <= self.denoise <= 100:
            raise InputError(
                f"Recipe: denoise is {self.denoise!r}; give a strength between 0 and 100."
            )
        for name in ("region", "background_region"):
            value = getattr(self, name)
            if not isinstance(value, Region) and (name == "region" or value is not None):
                raise InputError(
                    f"Recipe: {name} is {value!r}; give its kind and its points, as the window"
                    " saves them."
                )
        if self.background_source == "region" and self.background_region is None:
            raise InputError(
                "Recipe: background_source is 'region', but there is no background_region;"
                " draw one or use the border."
            )

    @property
    def has_level(self) -> bool:
        """Whether a background level is subtracted besides the assigned backgrounds."""
        return self.border_px != 0 or self.background_source == "region"

    def replace(self, **changes: Any) -> Recipe:
        """Return a recipe with some settings changed."""
        return dataclasses.replace(self, **changes)

    def to_dict(self) -> dict[str, Any]:
        """Return the settings as plain values that JSON can hold."""
        return dataclasses.asdict(self)

    def to_json(self) -> str:
        """Return the settings as one line of JSON."""
        return json.dumps(self.to_dict(), separators=(",", ":"), allow_nan=False)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Recipe:
        """Build a recipe from what :meth:`to_dict` returned.

        Raises
        ------
        flimage.errors.InputError
            For an unknown setting or a value that is out of range.
        """
        known = {field.name for field in dataclasses.fields(cls)}
        unknown = sorted(set(values) - known)
        if unknown:
            raise InputError(
                f"Recipe: unknown setting {unknown[0]!r}; the known ones are"
                f" {', '.join(sorted(known))}."
            )
        settings = dict(values)
        try:
            for name in ("region", "background_region"):
                if isinstance(settings.get(name), dict):
                    settings[name] = Region(**settings[name])
            if "exclude" in settings:
                settings["exclude"] = tuple(settings["exclude"])
            return cls(**settings)
        except (TypeError, OverflowError) as error:
            raise InputError(f"Recipe: {error}.") from error

    @classmethod
    def from_json(cls, text: str) -> Recipe:
        """Build a recipe from JSON.

        Raises
        ------
        flimage.errors.InputError
            When the text is not JSON, or not a recipe.
        """
        try:
            values = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise InputError(f"The recipe is not valid JSON: {error}.") from error
        if not isinstance(values, dict):
            raise InputError("The recipe must be a JSON object of settings.")
        return cls.from_dict(values)

    @classmethod
    def read(cls, path: Path) -> Recipe:
        """Read a recipe file.

        Raises
        ------
        flimage.errors.InputError
            When it holds no recipe; the file is named.
        flimage.errors.FileFormatError, flimage.errors.FileAccessError
            When it is too large for one, or no file.
        OSError
            When it cannot be read.
        """
        try:
            return cls.from_json(read_small(path, _LARGEST_FILE, "a recipe").decode("utf-8"))
        except UnicodeDecodeError as error:
            raise InputError(f"{path} is no recipe: it is no text; choose another file.") from error
        except InputError as error:
            raise InputError(f"{path}: {error}") from error
