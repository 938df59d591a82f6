"""Check a corrected file against its recording, and take a correction back."""

from __future__ import annotations

import os
import pathlib
from dataclasses import dataclass

import numpy as np

from . import provenance
from .codec import Compression
from .correct import FrameCorrector, run, write_frames
from .destination import Destination, open_destination
from .errors import FileFormatError, InputError
from .image_group import describe
from .progress import Progress, ignore_progress
from .series import FLSeries
from .source import FrameSource, SeriesSource

__all__ = ["Verification", "undo", "verify"]

#: A frame matches when no pixel deviates by more than this part of its largest value. Frames are
#: stored in single precision, which resolves 6e-8.
TOLERANCE = 1e-5


@dataclass(frozen=True)
class Verification:
    """Result of :func:`verify`.

    Parameters
    ----------
    frames
        Number of frames that were compared.
    differing
        Frames that do not match.
    deviation
        Largest deviation of a pixel, relative to the largest value of its frame.
    identical
        Whether all frames are the same bit for bit.
    """

    frames: int
    differing: tuple[int, ...]
    deviation: float
    identical: bool

    @property
    def matches(self) -> bool:
        """Whether every frame matches."""
        return not self.differing

    @property
    def sentence(self) -> str:
        """The result in one sentence."""
        if self.identical:
            return f"All {self.frames} frames are identical to a new correction of the source."
        if self.matches:
            return (
                f"All {self.frames} frames match a new correction of the source; the largest"
                f" deviation is {self.deviation:.1e} of a frame's maximum."
            )
        named = ", ".join(str(frame) for frame in self.differing[:5])
        more = len(self.differing) - 5
        return (
            f"{len(self.differing)} of {self.frames} frames differ from a new correction of the"
            f" source: frame {named}{f' and {more} more' if more > 0 else ''}; the largest"
            f" deviation is {self.deviation:.1e} of a frame's maximum."
        )


def _record(series: FLSeries) -> provenance.Provenance:
    record = provenance.read(series.h5)
    if record is None:
        raise FileFormatError(
            f"{describe(series.h5)}: the series holds no record of a bleach correction; it was not"
            " written by this program, or not corrected."
        )
    return record


def _check_original(source: FrameSource, record: provenance.Provenance, name: str) -> None:
    """Refuse the corrected series itself as its source.

    Little is left to correct in it, so that it would seem to match.
    """
    own = provenance.read(source.series.h5) if isinstance(source, SeriesSource) else None
    if own is not None and np.array_equal(own.gain, record.gain) and own.fit == record.fit:
        raise InputError(
            f"The source of {name} is that file itself or a copy of it; give the recording that it"
            f" was made from{f', {record.source}' if record.source else ''}."
        )


def verify(
    corrected: str | os.PathLike[str],
    source: FrameSource,
    *,
    target: FrameSource | None = None,
    progress: Progress | None = None,
) -> Verification:
    """Correct a recording again with the recipe stored in a corrected file, and compare.

    Parameters
    ----------
    corrected
        Corrected file.
    source
        The recording it was made from.
    target
        Recording whose frames were corrected in place of those of `source`, if there was one.
    progress
        Called as ``progress(done, total, stage)``.

    Returns
    -------
    Verification

    Raises
    ------
    flimage.errors.FileFormatError
        When the file holds no record of a correction.
    flimage.errors.InputError
        When the recording has another number of frames or another frame size, or is the result of
        this very correction.
    """
    report = ignore_progress if progress is None else progress
    frames = source if target is None else target
    with FLSeries(h5file=corrected, h5mode="r") as series:
        record = _record(series)
        count = len(series)
        for name, wanted in (("source", source), ("target", frames)):
            if len(wanted) != count:
                raise InputError(
                    f"{pathlib.Path(corrected).name} has {count} frames and the {name}"
                    f" {len(wanted)}; it was made from another recording."
                )
        _check_original(source, record, pathlib.Path(corrected).name)
        # Measuring and comparing take about the same time.
        fit = run(
            source,
            record.recipe,
            progress=lambda done, total, stage: report(done * count // total, 2 * count, stage),
        ).fit
        corrector = FrameCorrector(frames, fit)
        stored = SeriesSource(series)
        differing: list[int] = []
        largest = 0.0
        identical = True
        for index in range(count):
            report(count + index, 2 * count, "Comparing")
            expected, found = corrector.frame(index), stored.raw(index)
            if expected.shape != found.shape:
                raise InputError(
                    f"Frame {index} has the shape {found.shape}, and {expected.shape} in the"
                    " source; it was made from another recording."
                )
            deviation = _deviation(expected, found)
            identical = identical and np.array_equal(expected, found, equal_nan=True)
            largest = max(largest, deviation)
            if not deviation <= TOLERANCE:
                differing.append(index)
        report(2 * count, 2 * count, "Done")
    return Verification(count, tuple(differing), largest, identical)


def _deviation(
    expected: np.ndarray[tuple[int, ...], np.dtype[np.float32]],
    found: np.ndarray[tuple[int, ...], np.dtype[np.float32]],
) -> float:
    """Largest deviation between two frames, relative to the largest expected value."""
    finite = np.isfinite(expected)
    if not np.array_equal(finite, np.isfinite(found)):
        return float("inf")
    if not finite.any():
        return 0.0
    one = expected[finite].astype(np.float64)
    difference = float(np.abs(one - found[finite]).max())
    scale = float(np.abs(one).max())
    return difference / scale if scale else (0.0 if difference == 0 else float("inf"))


def undo(
    corrected: str | os.PathLike[str],
    out: Destination,
    *,
    overwrite: bool = False,
    progress: Progress | None = None,
    compression: Compression = "balanced",
) -> pathlib.Path | None:
    """Take a correction back: write the background-subtracted original.

    Every frame is divided by the gain that is stored with it.

    Parameters
    ----------
    corrected
        Corrected file.
    out
        New file, or an empty group of an open file.
    overwrite
        Replace an output that exists.
    progress
        Called as ``progress(done, total, stage)``.
    compression
        ``"fast"``, ``"balanced"`` or ``"small"``.

    Returns
    -------
    path
        File that was written; None where a group was.

    Raises
    ------
    flimage.errors.FileFormatError
        When the file holds no record of a correction.
    flimage.errors.InputError
        When the correction cannot be taken back, because it was no multiplication.
    """
    report = ignore_progress if progress is None else progress
    with FLSeries(h5file=corrected, h5mode="r") as series:
        record = _record(series)
        if record.recipe.model == "histogram":
            raise InputError(
                f"{describe(series.h5)}: histogram matching cannot be taken back; use the original"
                " recording."
            )
        source = SeriesSource(series)
        with open_destination(out, overwrite, (source,)) as place:
            write_frames(
                place,
                source,
                lambda index: source.raw(index).astype(np.float64) / record.gain[index],
                "Taking back",
                report,
                compression,
            )
            if source.identifier is not None:
                place.group.attrs["identifier"] = source.identifier
            report(len(source), len(source), "Done")
    return place.path
