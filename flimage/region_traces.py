"""Mean and spread of regions over time, and profiles along a line."""

from __future__ import annotations

import contextlib
import csv
import io
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from .errors import InputError
from .output import atomic_output
from .parallel import ordered_map
from .plain_text import for_spreadsheet
from .progress import Progress, ignore_progress
from .recipe import Region
from .region import region_mask
from .scan_reading import batches, choose_workers

if TYPE_CHECKING:
    from .source import FrameSource

__all__ = [
    "NamedRegion",
    "RegionTraces",
    "line_profile",
    "region_traces",
    "traces_csv",
    "write_traces",
]

Float = npt.NDArray[np.float64]
Int = npt.NDArray[np.int64]


@dataclass(frozen=True)
class NamedRegion:
    """A region with a name and a colour.

    Parameters
    ----------
    name
        Name for a person; unique among the regions of a recording.
    region
        Its pixels; any kind but ``"auto"``.
    color
        ``"#rrggbb"``.
    """

    name: str
    region: Region
    color: str = "#40e0d0"

    def __post_init__(self) -> None:
        if self.region.kind == "auto":
            raise InputError(
                f"Region {self.name!r} is automatic; draw one, or use the whole frame."
            )

    def to_dict(self) -> dict[str, Any]:
        """Return plain values that JSON can hold."""
        region = {"kind": self.region.kind, "points": self.region.points, "runs": self.region.runs}
        return {"name": self.name, "color": self.color, "region": region}

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> NamedRegion:
        """Build a region from what :meth:`to_dict` returned.

        Raises
        ------
        flimage.errors.InputError
            When something is missing or wrong.
        """
        try:
            return cls(str(values["name"]), Region(**values["region"]), str(values["color"]))
        except (KeyError, TypeError) as error:
            raise InputError(f"The stored region cannot be used: {error!r} is wrong.") from error


@dataclass(frozen=True, eq=False)
class RegionTraces:
    """Regions over time.

    Parameters
    ----------
    names
        Names of the k regions.
    times
        (n,) acquisition times [s]; NaN where a frame has none.
    mean, std
        (n, k) mean and standard deviation of the finite pixels of each region, in the unit of
        the images; NaN where there are none. `std` divides by the number of pixels less one.
    count
        (n, k) number of finite pixels.
    """

    names: tuple[str, ...]
    times: Float
    mean: Float
    std: Float
    count: Int


def region_traces(
    source: FrameSource,
    regions: Sequence[NamedRegion],
    image: Callable[[int], npt.NDArray[Any]] | None = None,
    progress: Progress | None = None,
    workers: int | None = None,
) -> RegionTraces:
    """Follow the intensity of regions over time.

    Parameters
    ----------
    source
        The recording.
    regions
        What to measure.
    image
        Returns the image (y, x) of a frame to measure on, from any thread; by default
        ``source.image``, raw minus the assigned background. For corrected images, give
        ``flimage.correct.FrameCorrector(source, fit).frame``.
    progress
        Called as ``progress(done, total, stage)`` from the calling thread; it may raise
        :class:`~flimage.errors.Cancelled`.
    workers
        Number of threads; None for one per processor.

    Raises
    ------
    flimage.errors.InputError
        When a region holds no pixel of the image.
    """
    report = ignore_progress if progress is None else progress
    read = source.image if image is None else image
    count = len(source)
    pixels = [np.flatnonzero(region_mask(each.region, source.shape)) for each in regions]
    mean = np.full((count, len(regions)), np.nan)
    std = np.full((count, len(regions)), np.nan)
    number = np.zeros((count, len(regions)), np.int64)

    def work(frames: range, stopped: threading.Event) -> None:
        for index in frames:
            if stopped.is_set():
                return
            flat = np.asarray(read(index)).ravel()
            for column, members in enumerate(pixels):
                values = flat[members].astype(np.float64)
                finite = values[np.isfinite(values)]
                number[index, column] = finite.size
                if finite.size:
                    mean[index, column] = finite.mean()
                    std[index, column] = finite.std(ddof=1) if finite.size > 1 else np.nan

    if regions:
        todo = batches(count, source.shape)
        threads = choose_workers(source.shape, workers)
        with contextlib.closing(ordered_map(work, todo, threads, "flimage-regions")) as results:
            for frames, _ in zip(todo, results, strict=True):
                report(frames.stop, count, "Measuring regions")
    names = tuple(each.name for each in regions)
    return RegionTraces(names, np.asarray(source.times, dtype=float), mean, std, number)


def traces_csv(traces: RegionTraces, shown: str = "") -> str:
    """Write traces as a table with a head, one line per frame, times in seconds.

    Numbers have all their digits; what is not known is left empty.

    Parameters
    ----------
    traces
        What was measured.
    shown
        What it was measured on, for the head; one of :data:`flimage.shown.SHOWN`.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    head = ["frame", "time [s]"]
    for name in traces.names:
        means = (f"{shown} {what}".lstrip() for what in ("mean [counts/px]", "SD [counts/px]"))
        head += [for_spreadsheet(f"{name}: {what}") for what in (*means, "pixels [px]")]
    writer.writerow(head)
    for index, time in enumerate(traces.times):
        row: list[Any] = [index, _number(float(time))]
        for column in range(len(traces.names)):
            row.append(_number(float(traces.mean[index, column])))
            row.append(_number(float(traces.std[index, column])))
            row.append(int(traces.count[index, column]))
        writer.writerow(row)
    return text.getvalue()


def write_traces(traces: RegionTraces, path: str | Path, shown: str = "") -> Path:
    """Write :func:`traces_csv` to a file, in place of one that is there already.

    Raises
    ------
    flimage.errors.FileAccessError
        When the file cannot be written.
    flimage.errors.MissingFileError
        When its folder does not exist.
    """
    path = Path(path)
    with atomic_output(path, overwrite=True) as temporary:
        temporary.write_text(traces_csv(traces, shown), encoding="utf-8", newline="")
    return path


def _number(value: float) -> str:
    return repr(value) if np.isfinite(value) else ""


def line_profile(
    image: npt.ArrayLike, start: tuple[float, float], end: tuple[float, float]
) -> tuple[Float, Float]:
    """Return the values of an image along a straight line, interpolated between pixel centres.

    Parameters
    ----------
    image
        Image (y, x).
    start, end
        Ends of the line (x, y) [px]; the centre of the first pixel is at (0.5, 0.5).

    Returns
    -------
    distance, values : ndarray
        Distances from the start [px], at steps of at most one pixel, and the values there; NaN
        outside the image and next to missing pixels.
    """
    from scipy import ndimage

    array = np.asarray(image)
    (xa, ya), (xb, yb) = start, end
    length = float(np.hypot(xb - xa, yb - ya))
    part = np.linspace(0.0, 1.0, max(2, int(np.ceil(length)) + 1))
    x = xa + (xb - xa) * part - 0.5
    y = ya + (yb - ya) * part - 0.5
    # Half a pixel beyond the outermost centres still belongs to the image.
    height, width = array.shape
    outside = (x < -0.5) | (y < -0.5) | (x > width - 0.5) | (y > height - 0.5)
    rows, columns = np.clip(y, 0, height - 1), np.clip(x, 0, width - 1)
    # Only what lies around the line is converted.
    top, left = int(rows.min()), int(columns.min())
    part_of = array[top : int(rows.max()) + 2, left : int(columns.max()) + 2].astype(np.float64)
    values: Float = ndimage.map_coordinates(
        part_of, [rows - top, columns - left], order=1, mode="nearest"
    )
    values[outside] = np.nan
    return part * length, values
