"""Reading a recording frame by frame, and seeing it through edits that are not written yet.

Scans, corrections and the window read through a :class:`FrameSource`. :class:`SeriesSource` reads
an :class:`~flimage.series.FLSeries`; :class:`EditedSource` shows another source as it will be once
some :class:`Edits` are saved.
"""

from __future__ import annotations

import pathlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import numpy.typing as npt

from .errors import FlimageError, InputError
from .frame_reader import FrameReader
from .image_group import (
    describe,
    frame_group,
    image_dataset,
    read_group_meta,
    subtract_stored,
)
from .meta import FLMetaDict, is_number

if TYPE_CHECKING:
    from .series import FLSeries

__all__ = ["EditedSource", "Edits", "FrameSource", "SeriesSource", "WrappedSource"]


class FrameSource(Protocol):
    """A recording that is read frame by frame, from any thread."""

    @property
    def path(self) -> pathlib.Path | None:
        """File of the recording; None when it is in memory."""

    @property
    def identifier(self) -> str | None:
        """Identifier of the series."""

    @property
    def shape(self) -> tuple[int, int]:
        """Size of the first frame along (y, x) [px]."""

    @property
    def times(self) -> npt.NDArray[np.float64]:
        """Acquisition times of all frames, of shape (t,) [s]; NaN where a frame has none."""

    @property
    def identifiers(self) -> Sequence[str | None]:
        """Identifiers of all frames."""

    def __len__(self) -> int:
        """Return the number of frames."""

    def raw(self, index: int) -> npt.NDArray[Any]:
        """Raw image of a frame, of shape (y, x), in its stored type."""

    def background(self, index: int) -> npt.NDArray[Any] | None:
        """Background images of a frame added up, of shape (y, x); None where there are none."""

    def image(self, index: int) -> npt.NDArray[np.floating[Any]]:
        """Background-corrected image of a frame, of shape (y, x)."""

    def meta(self, index: int) -> FLMetaDict:
        """Metadata of a frame."""


def subtract_background(
    raw: npt.NDArray[Any], background: npt.NDArray[Any] | None
) -> npt.NDArray[np.floating[Any]]:
    """Subtract the assigned background from a raw image.

    The result is of a floating type that holds the raw values exactly where there is no
    background, and of double precision where there is one.
    """
    if background is not None:
        with np.errstate(invalid="ignore"):  # infinite in both: not a number, as it should be
            difference: npt.NDArray[np.float64] = np.subtract(raw, background, dtype=np.float64)
        return difference
    if raw.dtype.kind == "f":
        return raw
    return raw.astype(np.float32 if raw.dtype.itemsize <= 2 else np.float64)


class WrappedSource:
    """A recording that hands on what another one answers; the base of those that change a part.

    Parameters
    ----------
    source
        The other recording.
    """

    def __init__(self, source: FrameSource) -> None:
        self.source = source

    @property
    def path(self) -> pathlib.Path | None:
        """File of the recording; None when it is in memory."""
        return self.source.path

    @property
    def identifier(self) -> str | None:
        """Identifier of the series."""
        return self.source.identifier

    @property
    def shape(self) -> tuple[int, int]:
        """Size of the first frame along (y, x) [px]."""
        return self.source.shape

    @property
    def times(self) -> npt.NDArray[np.float64]:
        """Acquisition times of all frames, of shape (t,) [s]; NaN where a frame has none."""
        return self.source.times

    @property
    def identifiers(self) -> Sequence[str | None]:
        """Identifiers of all frames."""
        return self.source.identifiers

    def __len__(self) -> int:
        return len(self.source)

    def raw(self, index: int) -> npt.NDArray[Any]:
        """Raw image of a frame, of shape (y, x), in its stored type; not to be changed."""
        return self.source.raw(index)

    def background(self, index: int) -> npt.NDArray[Any] | None:
        """Background images of a frame added up, of shape (y, x); None where there are none."""
        return self.source.background(index)

    def image(self, index: int) -> npt.NDArray[np.floating[Any]]:
        """Background-corrected image of a frame, of shape (y, x); not to be changed."""
        return subtract_background(self.raw(index), self.background(index))

    def meta(self, index: int) -> FLMetaDict:
        """Metadata of a frame."""
        return self.source.meta(index)


class SeriesSource:
    """Frames of a series.

    Parameters
    ----------
    series
        The series; it has to stay open while the source is in use.
    """

    def __init__(self, series: FLSeries) -> None:
        if len(series) == 0:
            raise InputError(f"{describe(series.h5)}: there are no frames in the series.")
        self.series = series
        self._group = series.h5
        self._reader = FrameReader(self._group, series._index.all_here)
        self._shape = self._find_shape()
        self._times = series.times
        self._times.setflags(write=False)

    def _find_shape(self) -> tuple[int, int]:
        """Size of the first frame that is not damaged."""
        first: FlimageError | None = None
        for number in range(len(self.series)):
            try:
                height, width = image_dataset(self._group, f"fli_{number}").shape
            except FlimageError as error:
                first = first or error
                continue
            return int(height), int(width)
        assert first is not None
        raise first

    @property
    def path(self) -> pathlib.Path | None:
        """File of the series; None when it is in memory."""
        return self.series.path

    @property
    def identifier(self) -> str | None:
        """Identifier of the series."""
        return self.series.identifier

    @property
    def shape(self) -> tuple[int, int]:
        """Size of the first frame that is not damaged along (y, x) [px]."""
        return self._shape

    @property
    def times(self) -> npt.NDArray[np.float64]:
        """Acquisition times of all frames, of shape (t,) [s]; NaN where a frame has none."""
        return self._times

    @property
    def identifiers(self) -> Sequence[str | None]:
        """Identifiers of all frames."""
        return self.series.identifiers

    def __len__(self) -> int:
        return len(self.series)

    def raw(self, index: int) -> npt.NDArray[Any]:
        """Raw image of a frame, of shape (y, x), in its stored type."""
        return self._reader.raw(index)

    def background(self, index: int) -> npt.NDArray[np.float64] | None:
        """Background images of a frame added up, of shape (y, x); None where there are none."""
        return self._reader.background(index)

    def image(self, index: int) -> npt.NDArray[np.floating[Any]]:
        """Background-corrected image of a frame, of shape (y, x)."""
        raw, background = self.raw(index), self.background(index)
        if background is None:
            return subtract_background(raw, None)
        return subtract_stored(self._group, raw, background, f"fli_{index}")

    def meta(self, index: int) -> FLMetaDict:
        """Metadata of a frame."""
        return read_group_meta(frame_group(self._group, index))


@dataclass(frozen=True)
class Edits:
    """Changes to a recording that are shown, but not written.

    Frames are named by their number in the unedited recording.

    Parameters
    ----------
    order
        Frames that are kept, in their new order; None keeps all.
    backgrounds
        Background images of shape (y, x) that take the place of the stored ones; None for a
        frame whose backgrounds are removed.
    meta
        Changed metadata per frame; the value None removes a key.
    """

    order: tuple[int, ...] | None = None
    backgrounds: Mapping[int, npt.NDArray[Any] | None] = field(
        default_factory=lambda: MappingProxyType({})
    )
    meta: Mapping[int, Mapping[str, Any]] = field(default_factory=lambda: MappingProxyType({}))

    def with_background(self, frames: Sequence[int], image: npt.NDArray[Any] | None) -> Edits:
        """Edits with the background of some frames replaced by `image`, or removed."""
        backgrounds = dict(self.backgrounds)
        backgrounds.update(dict.fromkeys(frames, image))
        return replace(self, backgrounds=MappingProxyType(backgrounds))

    def with_meta(self, changes: Mapping[int, Mapping[str, Any]]) -> Edits:
        """Edits with some metadata of some frames changed."""
        meta = dict(self.meta)
        for frame, values in changes.items():
            meta[frame] = MappingProxyType({**meta.get(frame, {}), **values})
        return replace(self, meta=MappingProxyType(meta))

    def with_order(self, order: Sequence[int] | None) -> Edits:
        """Edits with only the frames of `order` kept, in that order."""
        return replace(self, order=None if order is None else tuple(order))


class EditedSource(WrappedSource):
    """A recording as it will be once edits are saved.

    Parameters
    ----------
    source
        The recording.
    edits
        What is changed; assign another :class:`Edits` by building a new source, which costs
        nothing.

    Raises
    ------
    flimage.errors.InputError
        When the edits do not fit the recording: a frame that is not there, or a background of
        another size.
    """

    def __init__(self, source: FrameSource, edits: Edits | None = None) -> None:
        super().__init__(source)
        self.edits = Edits() if edits is None else edits
        count = len(source)
        order = self.edits.order
        self._order = tuple(range(count)) if order is None else order
        if not self._order:
            raise InputError("A recording needs at least one frame; keep one.")
        named = {*self._order, *self.edits.backgrounds, *self.edits.meta}
        beyond = [frame for frame in named if not 0 <= frame < count]
        if beyond:
            raise InputError(
                f"Frame {beyond[0]} cannot be edited; the recording has the frames 0 to"
                f" {count - 1}."
            )
        for frame, image in self.edits.backgrounds.items():
            if image is not None and image.shape != source.shape:
                raise InputError(
                    f"The background for frame {frame} has shape {image.shape}, the frames"
                    f" {source.shape}; both must be the same."
                )
        times = source.times[list(self._order)]
        names = source.identifiers
        identifiers = [names[frame] for frame in self._order]
        for position, frame in enumerate(self._order):
            changes = self.edits.meta.get(frame, {})
            if "time" in changes:
                value = changes["time"]
                times[position] = value if is_number(value) else np.nan
            if "identifier" in changes:
                identifiers[position] = changes["identifier"]
        times.setflags(write=False)
        self._times = times
        self._identifiers = identifiers

    def with_edits(self, edits: Edits) -> EditedSource:
        """Return the same recording as it is seen through other edits."""
        return EditedSource(self.source, edits)

    @property
    def times(self) -> npt.NDArray[np.float64]:
        """Acquisition times of all frames, of shape (t,) [s]; NaN where a frame has none."""
        return self._times

    @property
    def identifiers(self) -> Sequence[str | None]:
        """Identifiers of all frames."""
        return self._identifiers

    @property
    def order(self) -> tuple[int, ...]:
        """Number of each frame in the unedited recording."""
        return self._order

    def __len__(self) -> int:
        return len(self._order)

    def raw(self, index: int) -> npt.NDArray[Any]:
        """Raw image of a frame, of shape (y, x), in its stored type."""
        return self.source.raw(self._order[index])

    def background(self, index: int) -> npt.NDArray[Any] | None:
        """Background image of a frame, of shape (y, x); None where there is none."""
        frame = self._order[index]
        if frame in self.edits.backgrounds:
            return self.edits.backgrounds[frame]
        return self.source.background(frame)

    def image(self, index: int) -> npt.NDArray[np.floating[Any]]:
        """Background-corrected image of a frame, of shape (y, x)."""
        frame = self._order[index]
        if frame in self.edits.backgrounds:
            return subtract_background(self.source.raw(frame), self.edits.backgrounds[frame])
        return self.source.image(frame)

    def meta(self, index: int) -> FLMetaDict:
        """Metadata of a frame."""
        frame = self._order[index]
        meta = self.source.meta(frame)
        for key, value in self.edits.meta.get(frame, {}).items():
            if value is None:
                meta.data.pop(key, None)
            else:
                meta[key] = value
        return meta
