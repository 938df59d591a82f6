"""Which images of a recording are exported, and how they are read: in parallel and in order."""

from __future__ import annotations

import contextlib
import functools
import threading
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, get_args

import numpy as np
import numpy.typing as npt

from .. import provenance as records
from .._version import __version__
from ..correct import FrameCorrector, correct_image
from ..errors import FlimageError, InputError
from ..meta import is_number
from ..parallel import ordered_map
from ..plain_text import clean
from ..progress import Progress, ignore_progress
from ..quantities import format_count
from ..verdict import GRADE_WORDS
from .formats import ImageKind

if TYPE_CHECKING:
    from pathlib import Path

    from ..bleach import BleachFit
    from ..recipe import Recipe
    from ..shown import Level
    from ..source import FrameSource

__all__ = ["Images", "interval_of"]

#: Metadata that all frames of a recording share, and other formats have no place for.
_KEPT_META = ("date", "device", "numerical aperture")

#: What images are called whose correction was refused.
_NOT_CORRECTED = GRADE_WORDS["refused"].lower()

#: Intervals may deviate by this part of their mean to count as one interval.
_REGULAR = 1e-3


def interval_of(times: npt.NDArray[np.float64]) -> float | None:
    """Time between frames [s]; None where it varies, or times are missing."""
    if times.size < 2 or not np.isfinite(times).all():
        return None
    steps = np.diff(times)
    mean = float(steps.mean())
    if mean <= 0 or float(np.abs(steps - mean).max()) > _REGULAR * mean:
        return None
    return mean


@dataclass(frozen=True)
class Images:
    """The images of a recording that are exported.

    Parameters
    ----------
    source
        The recording.
    kind
        ``"raw"``: as stored; ``"background-corrected"``: without the assigned backgrounds and the
        background `level`; ``"bleach-corrected"``: without bleaching, too.
    fit
        Fit of the recording; needed for bleach-corrected images.
    frames
        Frames that are exported, in this order; all by default.
    level
        Background level of the frames, see :func:`flimage.shown.background_of`; that of the `fit`
        by default, and 0 without any.
    recipe
        Settings behind the level, whose interval takes the place of the stored times; those of
        the `fit` by default.

    Raises
    ------
    flimage.errors.InputError
        When a fit is needed and missing or of another recording, or a frame is not there.
    """

    source: FrameSource
    kind: ImageKind = "raw"
    fit: BleachFit | None = None
    frames: Sequence[int] = ()
    level: Level | None = None
    recipe: Recipe | None = None
    _corrector: FrameCorrector | None = field(init=False, repr=False, default=None)

    def __post_init__(self) -> None:
        if self.kind not in get_args(ImageKind):
            raise InputError(
                f"Images of the kind {self.kind!r} are unknown; use one of"
                f" {', '.join(get_args(ImageKind))}."
            )
        count = len(self.source)
        frames = tuple(int(frame) for frame in self.frames) or tuple(range(count))
        beyond = [frame for frame in frames if not 0 <= frame < count]
        if beyond:
            raise InputError(
                f"Frame {beyond[0]} cannot be exported; the recording has the frames 0 to"
                f" {count - 1}."
            )
        object.__setattr__(self, "frames", frames)
        if self.kind == "bleach-corrected" and self.fit is None:
            raise InputError("Bleach-corrected images need a fit; fit the recording first.")
        if self.fit is None:
            return
        if self.kind == "bleach-corrected":
            object.__setattr__(self, "_corrector", FrameCorrector(self.source, self.fit))
        if self.level is None:
            object.__setattr__(self, "level", self.fit.trace.background_of)
        if self.recipe is None:
            object.__setattr__(self, "recipe", self.fit.recipe)

    def __len__(self) -> int:
        return len(self.frames)

    @functools.cached_property
    def record(self) -> records.Provenance | None:
        """How the recording was corrected already; None where it was not, or the record is damaged.

        Its frames are exported as they stand: corrected, whatever `kind` says.
        """
        try:
            return records.of_source(self.source)
        except FlimageError:
            return None

    @functools.cached_property
    def label(self) -> str:
        """What the images are, for a person: `kind`, or what was done to the recording before.

        Where the correction was refused, they are called "not corrected".
        """
        if self.record is not None:
            grade = self.record.fit["verdict"]["grade"]
        elif self.kind == "bleach-corrected" and self.fit is not None:
            grade = self.fit.verdict.grade
        else:
            return self.kind
        return _NOT_CORRECTED if grade == "refused" else "bleach-corrected"

    def told(self, count: int) -> str:
        """Say how many images they are, and which: "12 raw images"."""
        if self.label == _NOT_CORRECTED:
            return f"{format_count(count, 'image')}, {self.label},"
        return format_count(count, f"{self.label} image")

    @property
    def path(self) -> Path | None:
        """File of the recording; None when it is in memory."""
        return self.source.path

    @property
    def name(self) -> str:
        """Name of the recording for a person."""
        if self.source.identifier is not None:
            return self.source.identifier
        return "recording" if self.source.path is None else clean(self.source.path.stem)

    @property
    def shape(self) -> tuple[int, int]:
        """Size of the frames along (y, x) [px]."""
        return self.source.shape

    @property
    def times(self) -> npt.NDArray[np.float64]:
        """Times of the frames, of shape (t,) [s]; NaN where a frame has none.

        Where an interval takes the place of the stored times, it gives them.
        """
        times: npt.NDArray[np.floating[Any]] = self.source.times
        if self.recipe is not None and self.recipe.interval is not None:
            times = np.arange(len(self.source)) * self.recipe.interval
        return np.asarray(times[list(self.frames)], dtype=np.float64)

    @property
    def pixel_size(self) -> float | None:
        """Pixel size [m] of the first frame; None when it is not known."""
        value = self.source.meta(self.frames[0]).get("pixel size")
        return float(value) if is_number(value) and np.isfinite(value) and value > 0 else None

    def image(self, number: int) -> npt.NDArray[Any]:
        """Read image `number`, of shape (y, x), in a floating type.

        Raises
        ------
        flimage.errors.InputError
            When the frame is of another size than the first one.
        """
        frame = self.frames[number]
        image: npt.NDArray[Any]
        if self.kind == "raw":
            image = self.source.raw(frame)
        elif self.kind == "bleach-corrected":
            assert self._corrector is not None
            image = self._corrector.frame(frame)
        elif self.level is None:
            image = self.source.image(frame)
        else:
            image = correct_image(self.source.image(frame), self.level(frame), 1.0)
        if image.shape != self.shape:
            raise InputError(
                f"Frame {frame} is of {image.shape[1]} × {image.shape[0]} px and the first one of"
                f" {self.shape[1]} × {self.shape[0]} px; only frames of one size can be exported"
                " together."
            )
        return image

    def read(
        self, progress: Progress | None = None, stage: str = "Exporting", start: int = 0
    ) -> Generator[npt.NDArray[Any], None, None]:
        """Read all images in order; a few are read ahead in threads.

        Parameters
        ----------
        progress
            Called as ``progress(done, total, stage)`` before each image.
        stage
            What is reported as being done.
        start
            Steps that were done before; they count into `progress` as well.

        Yields
        ------
        ndarray of shape (y, x)
        """
        report = ignore_progress if progress is None else progress
        total = start + len(self)

        def read_one(number: int, stopped: threading.Event) -> npt.NDArray[Any]:
            return self.image(number) if not stopped.is_set() else np.empty((0, 0))

        with contextlib.closing(
            ordered_map(read_one, range(len(self)), thread_name="flimage-export")
        ) as images:
            for number in range(len(self)):
                report(start + number, total, stage)
                yield next(images)

    def provenance(self) -> dict[str, str]:
        """Where the images come from, for the metadata of what is exported."""
        facts = {
            "software": f"flimage {__version__}",
            "images": self.label,
            "recording": "" if self.source.path is None else clean(self.source.path.name),
        }
        meta = self.source.meta(self.frames[0])
        facts |= {key: str(meta[key]) for key in _KEPT_META if key in meta}
        if self.record is not None:
            facts["corrected from"] = self.record.source
            facts |= _made_by(self.record.recipe, self.record.fit)
        elif self.kind == "bleach-corrected" and self.fit is not None:
            facts |= _made_by(self.fit.recipe, self.fit.to_dict())
        elif self.kind == "background-corrected" and self.recipe is not None:
            facts["recipe"] = self.recipe.to_json()
        return facts


def _made_by(recipe: Recipe, fit: Mapping[str, Any]) -> dict[str, str]:
    """Tell what a correction rests on, from the values of its fit."""
    verdict = fit.get("verdict")
    told = verdict if isinstance(verdict, dict) else {}
    return {
        "model": str(fit.get("model", "")),
        "verdict": f"{told.get('grade', '')}: {told.get('sentence', '')}",
        "recipe": recipe.to_json(),
    }
