"""Series as lazy arrays: read when they are computed, frame by frame, also on other computers."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from .errors import InputError
from .export.formats import ImageKind
from .export.frames import Images
from .extras import need
from .meta import is_number
from .series import FLSeries
from .source import SeriesSource
from .storage import open_file

if TYPE_CHECKING:
    from .bleach import BleachFit

__all__ = ["Location", "attributes", "coordinates", "to_dask", "to_xarray"]

#: Size of a chunk of several frames [bytes].
_CHUNK_BYTES = 8e6


@dataclass(frozen=True)
class Location:
    """Where a series is, in a form that other processes understand.

    Parameters
    ----------
    path
        The file.
    group
        HDF5 group of the series.
    """

    path: Path
    group: str

    @contextlib.contextmanager
    def open(self) -> Iterator[SeriesSource]:
        """Open the series for reading."""
        with open_file(self.path) as file, FLSeries(h5file=file[self.group]) as series:
            yield SeriesSource(series)


@dataclass(frozen=True, eq=False)
class _InMemory:
    """A series that is in the memory of this process only."""

    series: FLSeries

    @contextlib.contextmanager
    def open(self) -> Iterator[SeriesSource]:
        """Read from the series itself."""
        yield SeriesSource(self.series)


def _location(series: FLSeries) -> Location | _InMemory:
    if series.path is None:
        return _InMemory(series)
    return Location(series.path.absolute(), series.h5.name)


def _type(source: SeriesSource, kind: ImageKind) -> np.dtype[Any]:
    """Type of the pixels: as stored, or single precision for computed images."""
    return source.raw(0).dtype if kind == "raw" else np.dtype(np.float32)


def read_frames(
    location: Location | _InMemory,
    kind: ImageKind,
    fit: BleachFit | None,
    frames: range,
    dtype: np.dtype[Any],
) -> npt.NDArray[Any]:
    """Read some frames into one array of shape (t, y, x)."""
    with location.open() as source:
        images = Images(source, kind, fit)
        stack = np.empty((len(frames), *source.shape), dtype=dtype)
        for position, frame in enumerate(frames):
            stack[position] = images.image(frame)
    return stack


def _read_block(
    location: Location | _InMemory,
    kind: ImageKind,
    fit: BleachFit | None,
    dtype: np.dtype[Any],
    block_info: Any = None,
) -> npt.NDArray[Any]:
    """Read one chunk of a Dask array."""
    start, stop = block_info[None]["array-location"][0]
    return read_frames(location, kind, fit, range(start, stop), dtype)


def to_dask(
    series: FLSeries,
    images: ImageKind = "background-corrected",
    *,
    fit: BleachFit | None = None,
    frames_per_chunk: int | None = None,
) -> Any:
    """Turn a series into a Dask array that reads frames when it is computed.

    Parameters
    ----------
    series
        The series. One in a file may be closed afterwards: it is opened again for each chunk, by
        whichever process computes it.
    images
        ``"raw"``: as stored; ``"background-corrected"``: without the assigned backgrounds, like
        :attr:`flimage.core.FLImage.fl`, and with a `fit` without its background level, too;
        ``"bleach-corrected"``: needs `fit`.
    fit
        Fit of the series, see :func:`flimage.bleach.fit`.
    frames_per_chunk
        Frames that are read together; about 8 MB by default.

    Returns
    -------
    dask.array.Array
        Of shape (t, y, x); raw images in their stored type, others in single precision [counts].

    Raises
    ------
    flimage.errors.InputError
        When `dask` is not installed, or a fit is missing.
    """
    da = need("dask.array", "lazy", "A lazy array")
    from dask.base import tokenize

    source = SeriesSource(series)
    Images(source, images, fit)  # refuses what cannot be read before anything is built
    dtype = _type(source, images)
    height, width = source.shape
    count = len(source)
    if frames_per_chunk is None:
        frames_per_chunk = max(1, int(_CHUNK_BYTES / (height * width * dtype.itemsize)))
    if frames_per_chunk < 1:
        raise InputError(f"A chunk cannot hold {frames_per_chunk} frames; give at least 1.")
    full, rest = divmod(count, frames_per_chunk)
    times = (frames_per_chunk,) * full + ((rest,) if rest else ())
    location = _location(series)
    changed = location.path.stat().st_mtime_ns if isinstance(location, Location) else id(series)
    token = tokenize(str(location), changed, count, images, None if fit is None else fit.to_dict())
    return da.map_blocks(
        _read_block,
        location,
        images,
        fit,
        dtype,
        chunks=(times, (height,), (width,)),
        dtype=dtype,
        meta=np.empty((0, 0, 0), dtype=dtype),
        name=f"flimage-{token}",
    )


def coordinates(source: SeriesSource) -> dict[str, tuple[str, npt.NDArray[Any], dict[str, str]]]:
    """Coordinates for xarray: name -> (dimension, values, attributes).

    Pixels are at the positions of their centres, in metres where the pixel size is known.
    """
    size = source.meta(0).get("pixel size")
    height, width = source.shape
    known = is_number(size) and np.isfinite(size) and size > 0
    scale, unit = (float(size), "m") if known else (1.0, "px")
    found: dict[str, tuple[str, npt.NDArray[Any], dict[str, str]]] = {
        "time": ("time", np.array(source.times), {"units": "s", "long_name": "acquisition time"}),
        "y": ("y", (np.arange(height) + 0.5) * scale, {"units": unit, "long_name": "position"}),
        "x": ("x", (np.arange(width) + 0.5) * scale, {"units": unit, "long_name": "position"}),
    }
    if any(name is not None for name in source.identifiers):
        names = np.array([name or "" for name in source.identifiers])
        found["identifier"] = ("time", names, {"long_name": "identifier of the frame"})
    return found


def attributes(source: SeriesSource) -> dict[str, Any]:
    """Attributes for xarray: what all frames share, by the keys of the metadata."""
    first, last = source.meta(0), source.meta(len(source) - 1)
    own = {"time", "identifier"}
    shared = {k: v for k, v in first.items() if k not in own and last.get(k) == v}
    if source.identifier is not None:
        shared["identifier"] = source.identifier
    if source.path is not None:
        shared["source"] = source.path.name
    return shared


def to_xarray(
    series: FLSeries,
    images: ImageKind = "background-corrected",
    *,
    fit: BleachFit | None = None,
    frames_per_chunk: int | None = None,
) -> Any:
    """Turn a series into a lazy xarray.DataArray with times and positions.

    Parameters
    ----------
    series, images, fit, frames_per_chunk
        See :func:`to_dask`.

    Returns
    -------
    xarray.DataArray
        With the dimensions time [s], y and x [m, or px where the pixel size is not known], and
        values in counts.

    Raises
    ------
    flimage.errors.InputError
        When `dask` or `xarray` is not installed, or a fit is missing.
    """
    xr = need("xarray", "lazy", "A labelled array")
    source = SeriesSource(series)
    return xr.DataArray(
        to_dask(series, images, fit=fit, frames_per_chunk=frames_per_chunk),
        dims=("time", "y", "x"),
        coords={
            name: xr.Variable(dimension, values, attrs)
            for name, (dimension, values, attrs) in coordinates(source).items()
        },
        name="intensity",
        attrs={"units": "counts", "long_name": f"{images} intensity", **attributes(source)},
    )
