"""The engine ``"flimage"`` of :func:`xarray.open_dataset`."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import numpy.typing as npt
import xarray as xr
from xarray.backends import BackendArray, BackendEntrypoint
from xarray.core import indexing

from .. import provenance
from ..errors import FlimageError
from ..lazy import Location, attributes, coordinates, read_frames
from ..opening import open_series, series_groups
from ..source import SeriesSource
from ..storage import open_file

__all__ = ["FlimageBackendEntrypoint"]


class _Stack(BackendArray):
    """Images of a series that are read when they are indexed."""

    def __init__(self, location: Location, shape: tuple[int, ...], dtype: np.dtype[Any]) -> None:
        self.location = location
        self.shape = shape
        self.dtype = dtype

    def __getitem__(self, key: indexing.ExplicitIndexer) -> Any:
        return indexing.explicit_indexing_adapter(
            key, self.shape, indexing.IndexingSupport.BASIC, self._read
        )

    def _read(self, key: tuple[int | slice, ...]) -> npt.NDArray[Any]:
        first = key[0]
        if isinstance(first, slice):
            frames = range(self.shape[0])[first]
        else:
            frames = range(first, first + 1)
        stack = read_frames(self.location, "raw", None, frames, self.dtype)
        inside = (slice(None) if isinstance(first, slice) else 0, *key[1:])
        found: npt.NDArray[Any] = stack[inside]
        return found


class FlimageBackendEntrypoint(BackendEntrypoint):
    """Open a series as a dataset with the variable ``intensity`` over time, y and x.

    A corrected series also has the variables ``gain`` and ``background`` over time.
    """

    description = "Fluorescence series of flimage (HDF5)"

    def open_dataset(
        self,
        filename_or_obj: Any,
        *,
        drop_variables: str | Iterable[str] | None = None,
        group: str | None = None,
    ) -> xr.Dataset:
        """Open a series file; images are read when they are needed.

        Parameters
        ----------
        filename_or_obj
            The file.
        drop_variables
            Variables to leave out.
        group
            HDF5 group of the series; by default the only one in the file.
        """
        path = Path(filename_or_obj)
        with open_series(path, group) as series:
            source = SeriesSource(series)
            location = Location(path.absolute(), series.h5.name)
            shape = (len(source), *source.shape)
            record = provenance.read(series.h5)
            stack = _Stack(location, shape, source.raw(0).dtype)
            variables = {
                "intensity": xr.Variable(
                    ("time", "y", "x"),
                    indexing.LazilyIndexedArray(stack),
                    {"units": "counts", "long_name": "fluorescence intensity"},
                    # One frame is the least that can be read.
                    encoding={"preferred_chunks": {"time": 1, "y": shape[1], "x": shape[2]}},
                )
            }
            attrs = attributes(source)
            if record is not None:
                attrs["bleach recipe"] = record.recipe.to_json()
                variables["gain"] = xr.Variable("time", record.gain, {"units": "1"})
                variables["background"] = xr.Variable(
                    "time", record.background, {"units": "counts"}
                )
            coords = {
                name: xr.Variable(dimension, values, own)
                for name, (dimension, values, own) in coordinates(source).items()
            }
        left_out = (
            {drop_variables} if isinstance(drop_variables, str) else {*(drop_variables or ())}
        )
        return xr.Dataset(
            {name: variable for name, variable in variables.items() if name not in left_out},
            {name: variable for name, variable in coords.items() if name not in left_out},
            attrs,
        )

    def guess_can_open(self, filename_or_obj: Any) -> bool:
        """Tell whether this is a file with a series, by looking into it."""
        try:
            path = Path(filename_or_obj)
            if not path.is_file() or not h5py.is_hdf5(path):
                return False
            with open_file(path) as file:
                return bool(series_groups(file))
        except (FlimageError, OSError, TypeError):
            return False
