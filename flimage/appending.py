"""Append many raw images to a series at once: all of them, or none."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping
from typing import Any

import h5py
import numpy.typing as npt

from . import storage
from .codec import Compression
from .errors import InputError
from .image_group import add_versions, as_image
from .meta import check_meta

__all__ = ["append_images"]


def append_images(
    group: h5py.Group,
    label: str,
    taken: dict[str, int],
    start: int,
    images: Iterable[npt.ArrayLike],
    meta_data: Iterable[Mapping[str, Any]] | None,
    dtype: npt.DTypeLike,
    compression: Compression,
) -> None:
    """Write images behind the frames of a series group.

    Parameters
    ----------
    group
        Group of the series, open for writing.
    label
        Name of the series, for messages.
    taken
        Numbers of the frames by identifier; the new ones are added.
    start
        Number of frames in the group.
    images, meta_data, dtype, compression
        See :meth:`flimage.series.FLSeries.add_images`.

    Raises
    ------
    flimage.errors.InputError
        When an image is none, an identifier is taken, or the numbers of images and metadata
        differ. The group is as it was then.
    """
    metas = itertools.repeat({}) if meta_data is None else iter(meta_data)
    try:
        with storage.SeriesWriter(group, compression=compression, start=start) as writer:
            for number, data in enumerate(images):
                found = next(metas, None)
                if found is None:
                    raise InputError(
                        f"{label}: there are metadata for {number} images only; give as many as"
                        " there are images."
                    )
                meta = check_meta(found)
                if (given := meta.get("identifier")) is not None:
                    name = str(given)
                    if name in taken:
                        raise InputError(
                            f"{label}: the identifier {name!r} of image {number} is taken by"
                            f" image {taken[name]}."
                        )
                    taken[name] = start + number
                image = as_image(data, f"image {number}")
                writer.add(image, add_versions(meta), dtype=dtype)
        if meta_data is not None and next(metas, None) is not None:
            raise InputError(f"{label}: there are more metadata than images.")
    except BaseException:
        for name in [name for name in group if int(name[4:]) >= start]:
            del group[name]
        raise
