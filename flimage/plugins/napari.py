"""Reader and writer for napari; the manifest ``napari.yaml`` beside this module names them.

napari itself is not imported: layers are handed over as plain tuples of data, arguments and type.
"""

from __future__ import annotations

import importlib.metadata
import importlib.resources
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias

import h5py
import numpy as np
import numpy.typing as npt

from .. import provenance
from ..errors import FlimageError, InputError
from ..export.frames import interval_of
from ..image_group import is_image_group, read_background, read_group_meta, read_raw
from ..lazy import to_dask
from ..meta import META_KEYS_FL, is_number
from ..opening import series_groups
from ..series import FLSeries
from ..source import SeriesSource, subtract_background
from ..storage import atomic_output, open_file
from ..thumbnails import contrast

__all__ = ["example", "get_reader", "write_image"]

#: What napari calls LayerData: data, arguments of the layer, type of the layer.
Layer: TypeAlias = "tuple[Any, dict[str, Any], str]"

#: Key of the layer's metadata under which ours stand.
_KEY = "flimage"

_MICROMETRE = 1e-6

#: Release of napari since which layers have units.
_UNITS_SINCE = (0, 5)


def get_reader(path: str | Sequence[str]) -> Callable[[Any], list[Layer]] | None:
    """Return a reader for a file with a fluorescence series or image; None for other files.

    Parameters
    ----------
    path
        A file, or several that napari was asked to open as one stack, which this cannot do.
    """
    if not isinstance(path, str):
        return None
    try:
        if not h5py.is_hdf5(path):
            return None
        with open_file(path) as file:
            known = is_image_group(file) or bool(series_groups(file))
    except (FlimageError, OSError):
        return None
    return _read if known else None


def _read(path: str) -> list[Layer]:
    """Read a file into one layer for each series; frames are read when they are shown."""
    name = Path(path).stem
    with open_file(path) as file:
        if is_image_group(file):
            return [_image_layer(file, name)]
        layers = []
        groups = series_groups(file)
        for group in groups:
            with FLSeries(h5file=file[group]) as series:
                layers.append(_series_layer(series, name if len(groups) == 1 else group))
        return layers


def _image_layer(group: h5py.Group, name: str) -> Layer:
    meta = dict(read_group_meta(group))
    image = subtract_background(read_raw(group), read_background(group))
    arguments = {
        "name": meta.get("identifier", name),
        "scale": _scale(meta.get("pixel size")),
        **_axes(None, meta.get("pixel size")),
        "contrast_limits": contrast([image]),
        "metadata": {_KEY: {"meta": meta}},
    }
    return image, arguments, "image"


def _series_layer(series: FLSeries, name: str) -> Layer:
    source = SeriesSource(series)
    last = len(source) - 1
    step = interval_of(source.times)
    record = provenance.read(series.h5)
    own: dict[str, Any] = {
        "identifiers": list(source.identifiers),
        "times": source.times.tolist(),
        "meta": {k: v for k, v in source.meta(0).items() if k not in ("time", "identifier")},
    }
    if record is not None:
        own["recipe"] = record.recipe.to_dict()
        own["gain"] = record.gain.tolist()
    arguments = {
        "name": source.identifier or name,
        # napari shows the time of a frame only where all intervals are the same.
        "scale": (step or 1.0, *_scale(source.meta(0).get("pixel size"))),
        **_axes("s" if step else "", source.meta(0).get("pixel size")),
        "translate": (float(source.times[0]) if step else 0.0, 0.0, 0.0),
        "contrast_limits": contrast(source.image(i) for i in sorted({0, last // 2, last})),
        "metadata": {_KEY: own},
    }
    return to_dask(series), arguments, "image"


def _axes(time_unit: str | None, pixel_size: Any) -> dict[str, Any]:
    """Names and units of the axes, for releases of napari that know them.

    Parameters
    ----------
    time_unit
        Unit along time, or "" where steps are counted; None where there is no such axis.
    pixel_size
        Size of a pixel [m], where it is known.
    """
    try:
        release = tuple(int(n) for n in importlib.metadata.version("napari").split(".")[:2])
    except (importlib.metadata.PackageNotFoundError, ValueError):
        return {}
    if release < _UNITS_SINCE:
        return {}
    length = "um" if _is_size(pixel_size) else "pixel"
    times = () if time_unit is None else (time_unit or "pixel",)
    return {"axis_labels": (*("t" for _ in times), "y", "x"), "units": (*times, length, length)}


def _is_size(pixel_size: Any) -> bool:
    return bool(is_number(pixel_size) and np.isfinite(pixel_size) and pixel_size > 0)


def _scale(pixel_size: Any) -> tuple[float, float]:
    """Size of a pixel for the layer [µm]; 1 where it is not known."""
    if _is_size(pixel_size):
        size = float(f"{pixel_size / _MICROMETRE:.12g}")
        return size, size
    return 1.0, 1.0


def write_image(path: str, data: Any, attributes: Mapping[str, Any]) -> list[str]:
    """Write an image layer as a series file.

    Times, identifiers and further metadata of a layer that was read from a series go with it. Of
    others, the steps of the layer's scale are taken as seconds and micrometres.

    Parameters
    ----------
    path
        The file; napari has asked whether it may be replaced.
    data
        Image of shape (y, x), or images of shape (t, y, x); frames are computed one by one.
    attributes
        What napari knows about the layer.

    Returns
    -------
    paths : list of str
        The file.

    Raises
    ------
    flimage.errors.InputError
        When the layer has other axes.
    """
    # A layer of several resolutions: the first one is the finest.
    if attributes.get("multiscale") or isinstance(data, (list, tuple)):
        data = data[0]
    if attributes.get("rgb") or data.ndim not in (2, 3):
        raise InputError(
            f"The layer has the shape {tuple(data.shape)}, but a series has time, y and x; save"
            " one channel and depth of it."
        )
    scale = tuple(float(value) for value in attributes.get("scale", ()))
    known = attributes.get("metadata", {}).get(_KEY, {})
    count = 1 if data.ndim == 2 else data.shape[0]
    meta = {k: v for k, v in known.get("meta", {}).items() if k in META_KEYS_FL}
    if scale and scale[-1] != 1 and "pixel size" not in meta:
        meta["pixel size"] = scale[-1] * _MICROMETRE
    times = known.get("times", ())
    if len(times) != count:
        step = scale[0] if len(scale) == 3 else 1.0
        times = (np.arange(count) * step).tolist()
    names = known.get("identifiers", ())
    metas = [{**meta, "time": times[i]} for i in range(count)]
    if len(names) == count:
        metas = [
            {**meta, "identifier": name} if name is not None else meta
            for meta, name in zip(metas, names, strict=True)
        ]
    name = str(attributes.get("name", Path(path).stem))
    with (
        atomic_output(path, overwrite=True) as temporary,
        FLSeries(h5file=temporary, h5mode="w", identifier=name) as series,
    ):
        series.add_images(_frames(data), metas)
    return [path]


def _frames(data: Any) -> Iterator[npt.NDArray[Any]]:
    """Compute one frame after the other."""
    if data.ndim == 2:
        yield np.asarray(data)
        return
    for number in range(data.shape[0]):
        yield np.asarray(data[number])


def example() -> list[Layer]:
    """Return the example recording as napari's sample data."""
    resource = importlib.resources.files("flimage_gui.resources").joinpath("example.h5")
    # Installed as a plain file, so that its frames can be read when they are shown.
    return _read(str(resource))
