"""How much of a real, local change of intensity survives a bleach correction.

A correction is only worth something when it removes bleaching and nothing else. Methods that force
every frame to the brightness or the histogram of the first one also remove what a cell does. To see
that on the person's own recording, a known change is put into it, the recording is corrected with
and without it, and the two results are compared.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, get_args

import numpy as np
import numpy.typing as npt

from .errors import InputError
from .progress import Progress, ignore_progress
from .quantities import format_percent
from .source import WrappedSource

if TYPE_CHECKING:
    from .recipe import ModelName, Recipe
    from .scan import SeriesScan
    from .source import FrameSource

__all__ = ["EventPreservation", "event_preservation"]

Mask = npt.NDArray[np.bool_]

#: Methods that are compared by default, beside that of the recipe.
_METHODS: tuple[ModelName, ...] = ("ratio", "histogram")
#: Frames of the event that are compared, at most.
_COMPARED = 12


@dataclass(frozen=True, eq=False)
class EventPreservation:
    """What survives of a change that was put into a recording.

    Parameters
    ----------
    change
        Relative change that was put in; 0.2 means 20 % brighter.
    frames
        First and last frame of the event.
    region
        ``(y, x)`` pixels that were changed.
    light
        Part of all signal, 0 to 1, that these pixels hold.
    survived
        For each method, the part of the change that is left after the correction: 1 when all of
        it is, 0 when it was erased.
    """

    change: float
    frames: tuple[int, int]
    region: Mask
    light: float
    survived: dict[str, float]

    def to_dict(self) -> dict[str, Any]:
        """Return everything but the pixels as plain values for JSON; what is not finite is None."""
        return {
            "change": self.change,
            "frames": list(self.frames),
            "light": self.light if np.isfinite(self.light) else None,
            "survived": {
                name: part if np.isfinite(part) else None for name, part in self.survived.items()
            },
        }

    @property
    def sentence(self) -> str:
        """The result in one sentence."""
        left = ", ".join(
            f"{name} {format_percent(part, 0)}" for name, part in self.survived.items()
        )
        return (
            f"Of a change by {100 * self.change:+.0f}\u202f% in frames {self.frames[0]} to"
            f" {self.frames[1]} this is left after the correction: {left}."
        )


class _Changed(WrappedSource):
    """A recording with a change put into some pixels of some frames."""

    def __init__(
        self, source: FrameSource, region: Mask, frames: range, change: float, level: float
    ) -> None:
        super().__init__(source)
        self._region, self._frames = region, frames
        self._change, self._level = change, level

    def raw(self, index: int) -> npt.NDArray[Any]:
        """Raw image (y, x), changed."""
        raw = self.source.raw(index)
        if index not in self._frames:
            return raw
        background = self.source.background(index)
        signal = raw - self._level - (0.0 if background is None else background)
        return np.asarray(raw + np.where(self._region, self._change * signal, 0.0))


def event_preservation(
    source: FrameSource,
    recipe: Recipe,
    *,
    change: float = 0.2,
    light: float = 0.5,
    frames: tuple[int, int] | None = None,
    region: Mask | None = None,
    methods: Sequence[ModelName] | None = None,
    progress: Progress | None = None,
) -> EventPreservation:
    """Put a known change into a recording and see how much of it each method leaves.

    Parameters
    ----------
    source
        The recording; it is not changed.
    recipe
        Settings of the correction; its model is the first that is tried.
    change
        Relative change of the signal in `region`; 0.2 makes it 20 % brighter.
    light
        Where no `region` is given: part of the signal, 0 to 1, that the changed pixels hold. The
        brightest are taken.
    frames
        First and last frame of the event; by default a tenth of the recording from its middle.
    region
        ``(y, x)`` pixels to change.
    methods
        Names of models to compare; by default that of the recipe, simple ratio and histogram
        matching.
    progress
        Called as ``progress(done, total, stage)``.

    Returns
    -------
    EventPreservation

    Raises
    ------
    flimage.errors.InputError
        When a setting is out of range, or there is no signal to change.
    """
    from . import bleach
    from .correct import FrameCorrector
    from .recipe import ModelName
    from .scan import scan_series

    report = ignore_progress if progress is None else progress
    count = len(source)
    if change == 0 or not -1.0 <= change < np.inf:
        raise InputError(f"change is {change!r}; give a number above -1 that is not 0.")
    if not 0 < light <= 1:
        raise InputError(f"light is {light!r}; give a part of the signal between 0 and 1.")
    first, last = frames or (count // 2, count // 2 + max(1, count // 10) - 1)
    if not 0 <= first <= last < count:
        raise InputError(
            f"The event cannot last from frame {first} to {last}; the recording has the frames 0"
            f" to {count - 1}."
        )
    names = list(dict.fromkeys([recipe.model, *_METHODS] if methods is None else methods))
    for name in names:
        if name not in get_args(ModelName):
            raise InputError(
                f"Method {name!r} is unknown; use some of {', '.join(get_args(ModelName))}."
            )
    steps = 2 + len(names)
    report(0, steps, "Measuring")
    scan = scan_series(source, recipe)
    level = float(bleach.make_trace(scan, recipe).background.mean())
    changed_pixels, part = _place(scan, level, light) if region is None else (region, np.nan)
    if changed_pixels.shape != source.shape or not changed_pixels.any():
        raise InputError(
            f"The region has shape {changed_pixels.shape} and {np.count_nonzero(changed_pixels)}"
            f" pixels; it must mark pixels of frames of shape {source.shape}."
        )
    if region is not None:
        signal = np.nan_to_num(scan.mean_image) - level
        part = float(signal[changed_pixels].sum() / signal[scan.region].sum())
    event = range(first, last + 1)
    report(1, steps, "Measuring with the change")
    changed = _Changed(source, changed_pixels, event, change, level)
    changed_scan = scan_series(changed, recipe)
    chosen = np.unique(np.linspace(first, last, min(_COMPARED, len(event))).round().astype(int))
    survived: dict[str, float] = {}
    for number, name in enumerate(names):
        report(2 + number, steps, f"Correcting with {name}")
        tried = recipe.replace(model=name)
        plain = FrameCorrector(source, bleach.fit(scan, tried))
        other = FrameCorrector(changed, bleach.fit(changed_scan, tried))
        means = [
            float(np.nanmean([np.nanmean(one.frame(i)[changed_pixels]) for i in chosen]))
            for one in (plain, other)
        ]
        survived[name] = (means[1] / means[0] - 1) / change if means[0] else float("nan")
    report(steps, steps, "Done")
    return EventPreservation(change, (first, last), changed_pixels, part, survived)


def _place(scan: SeriesScan, level: float, light: float) -> tuple[Mask, float]:
    """Brightest pixels of the signal region that hold a part of its light."""
    signal = np.where(scan.region, np.nan_to_num(scan.mean_image) - level, 0.0)
    order = np.argsort(signal, axis=None)[::-1]
    held = np.cumsum(np.maximum(signal.ravel()[order], 0.0))
    if not held[-1] > 0:
        raise InputError("There is no signal above the background that could be changed.")
    number = int(np.searchsorted(held, light * held[-1])) + 1
    mask = np.zeros(signal.size, dtype=bool)
    mask[order[:number]] = True
    return mask.reshape(signal.shape), float(held[number - 1] / held[-1])
