"""What the file says about every frame of a series, read in a job for the frame table (no Qt)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import h5py
import numpy as np

from flimage.image_group import BG_DATA, RAW
from flimage.progress import Progress
from flimage.provenance import FRAME_GAIN

if TYPE_CHECKING:
    from .opening import Opened

__all__ = ["FrameTable", "survey_frames"]

#: Progress is reported once for this many frames.
_STRIDE = 50


@dataclass(frozen=True, eq=False)
class FrameTable:
    """Facts of all frames of the recording as it is stored, without edits.

    Parameters
    ----------
    pixel_sizes
        (n,) [m]; NaN where a frame has none.
    has_background
        (n,) bool: whether background images are stored with a frame.
    gains
        (n,) gain of a correction that the frames went through; NaN where there was none.
    """

    pixel_sizes: np.ndarray
    has_background: np.ndarray
    gains: np.ndarray


def survey_frames(opened: Opened, progress: Progress) -> FrameTable:
    """Read the facts of all frames; pixels are not touched.

    Parameters
    ----------
    opened
        The open recording.
    progress
        Called now and then.
    """
    series = opened.series.h5.id
    count = len(opened.source.source)
    sizes, gains = np.full(count, np.nan), np.full(count, np.nan)
    has_background = np.zeros(count, dtype=bool)
    for index in range(count):
        if index % _STRIDE == 0:
            progress(index, count, "Reading the frame table")
        frame = h5py.h5g.open(series, f"fli_{index}".encode())
        sizes[index] = _number(frame, b"pixel size")
        gains[index] = _number(h5py.h5d.open(frame, RAW.encode()), FRAME_GAIN.encode())
        if BG_DATA.encode() in frame:
            has_background[index] = h5py.h5g.open(frame, BG_DATA.encode()).get_num_objs() > 0
    return FrameTable(sizes, has_background, gains)


def _number(owner: h5py.h5g.GroupID | h5py.h5d.DatasetID, name: bytes) -> float:
    """Read an attribute as a number; NaN where there is none."""
    if not h5py.h5a.exists(owner, name):
        return float("nan")
    attribute = h5py.h5a.open(owner, name)
    if attribute.shape != () or attribute.dtype.kind not in "iuf":
        return float("nan")
    value = np.empty((), dtype=np.float64)
    attribute.read(value)
    return float(value)
