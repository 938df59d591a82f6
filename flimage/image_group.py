"""The HDF5 group of one fluorescence image: what stands in it, and how it is read and written.

An image group has attributes (the metadata), and a group ``fluorescence`` with the dataset ``raw``
and the group ``bg_data``. The latter may hold ``data``, an assigned background image, and ``fit``,
an estimated one; the background-corrected image is ``raw`` minus both.
"""

from __future__ import annotations

import functools
import importlib.metadata
from collections.abc import Iterable, Mapping
from typing import Any

import h5py
import numpy as np
import numpy.typing as npt

from . import storage
from ._version import __version__
from .attributes import HeapCheck, read_attributes
from .checked import follow, named
from .checked_dataset import check_dataset, check_tree
from .copied_attributes import HEAPS_DAMAGED, copy_attributes
from .errors import FileFormatError, InputError
from .meta import META_KEYS_FL, VERSION_KEYS, FLMetaDict, check_meta, read_meta

__all__ = [
    "BG_KEYS",
    "add_versions",
    "as_image",
    "check_image_group",
    "copy_image_group",
    "create_image_group",
    "describe",
    "read_background",
    "read_group_meta",
    "read_raw",
    "set_background",
    "write_group_meta",
]

#: Names that a background image can have in ``bg_data``.
BG_KEYS = ("data", "fit")

#: Background images that are added up, at most: one is assigned, one estimated, as a rule.
MOST_BACKGROUNDS = 100

#: Attributes that mark a dataset as an image; they are written with every image.
IMAGE_MARKS = ("CLASS", "IMAGE_VERSION", "IMAGE_SUBCLASS")

RAW = "fluorescence/raw"
BG_DATA = "fluorescence/bg_data"


@functools.cache
def _versions() -> dict[str, str]:
    """Versions of flimage and qpimage, without importing qpimage."""
    try:
        qpimage = importlib.metadata.version("qpimage")
    except importlib.metadata.PackageNotFoundError:
        qpimage = "unknown"
    return dict(zip(VERSION_KEYS, (__version__, qpimage), strict=True))


def add_versions(meta: Mapping[str, Any]) -> dict[str, Any]:
    """Metadata with the versions of the software that writes it, where it states none."""
    return {**_versions(), **meta}


def describe(group: h5py.Group) -> str:
    """Name an HDF5 group for a message: file and object."""
    if group.file.driver == "core":
        return f"image {group.name!r} in memory"
    return f"{group.file.filename}, {group.name!r}"


def as_image(data: Any, name: str = "data") -> npt.NDArray[Any]:
    """Turn an array or nested lists into a 2D array of real numbers.

    Parameters
    ----------
    data
        Array or nested lists of shape (y, x).
    name
        What the data are, for messages.

    Raises
    ------
    flimage.errors.InputError
        When the data are not a 2D array of real numbers with at least one pixel.
    """
    try:
        image = np.asarray(data)
    except ValueError as error:
        raise InputError(
            f"{name}: the rows of an image must be of one length ({error})."
        ) from error
    if image.dtype.kind not in "biuf":
        raise InputError(
            f"{name}: pixels are of type {image.dtype}; a fluorescence image needs real numbers."
        )
    if image.ndim != 2:
        raise InputError(
            f"{name}: the array has shape {image.shape}; an image needs two axes (y, x)."
        )
    if image.size == 0:
        raise InputError(f"{name}: the array has shape {image.shape} and so holds no pixel.")
    return image


def is_image_group(group: h5py.Group) -> bool:
    """Tell whether `group` holds an image."""
    return isinstance(follow(group, RAW), h5py.Dataset)


def image_dataset(group: h5py.Group, frame: str = "") -> h5py.Dataset:
    """Open the raw image of an image group, or of a frame of a series, without reading it.

    Parameters
    ----------
    group
        Image group, or series group.
    frame
        Name of the frame in a series group.

    Raises
    ------
    flimage.errors.FileFormatError
        When there is no image that can be read.
    """
    path = f"{frame}/{RAW}" if frame else RAW
    dataset = follow(group, path)
    where = storage.object_name(group, path)
    if not isinstance(dataset, h5py.Dataset):
        raise FileFormatError(f"{storage.file_name(group)}: there is no image {where}.")
    with named(group, path):
        check_dataset(group, path, dataset.id)
    return dataset


def frame_group(series: h5py.Group, number: int) -> h5py.Group:
    """Open the group of a frame.

    Raises
    ------
    flimage.errors.FileFormatError
        When it is no group, or in another file.
    """
    found = follow(series, f"fli_{number}")
    if not isinstance(found, h5py.Group):
        shown = storage.object_name(series, f"fli_{number}")
        raise FileFormatError(f"{storage.file_name(series)}: {shown} is not a frame, but {found}.")
    return found


def subtract_stored(
    group: h5py.Group, raw: npt.NDArray[Any], background: npt.NDArray[Any], frame: str = ""
) -> npt.NDArray[np.float64]:
    """Subtract a background that stands in the file beside the image.

    Raises
    ------
    flimage.errors.FileFormatError
        When the two are not of one size.
    """
    if raw.shape != background.shape:
        raise FileFormatError(
            f"{storage.file_name(group)}: {storage.object_name(group, frame)} has an image of the"
            f" shape {raw.shape} and a background of {background.shape}; both must be the same."
        )
    with np.errstate(invalid="ignore"):
        difference: npt.NDArray[np.float64] = np.subtract(raw, background, dtype=np.float64)
    return difference


def check_image_group(group: h5py.Group) -> None:
    """Make sure that `group` holds an image.

    Raises
    ------
    flimage.errors.FileFormatError
        When it does not.
    """
    if not is_image_group(group):
        hint = ""
        with named(group):
            if any(name.startswith("fli_") for name in group):
                hint = " It looks like a series: open it with FLSeries."
        raise FileFormatError(
            f"{describe(group)}: there is no fluorescence image (no dataset {RAW!r}).{hint}"
        )


def read_raw(group: h5py.Group) -> npt.NDArray[Any]:
    """Raw image of shape (y, x) as stored."""
    return storage.read_image(group, RAW)


def read_background(
    group: h5py.Group, keys: Iterable[str] | None = None
) -> npt.NDArray[np.float64] | None:
    """Sum of the background images, of shape (y, x), or None where there is none.

    Parameters
    ----------
    group
        Image group.
    keys
        Names of the backgrounds to add up; all that exist by default.
    """
    backgrounds = follow(group, BG_DATA)
    if backgrounds is None:
        return None
    if not isinstance(backgrounds, h5py.Group):
        raise FileFormatError(f"{describe(group)}: {BG_DATA} is no group of background images.")
    with named(group, BG_DATA):
        check_number_of_backgrounds(backgrounds)
        there = list(backgrounds)
    total: npt.NDArray[np.float64] | None = None
    for key in there if keys is None else keys:
        if key in there:
            image = storage.read_image(backgrounds, key).astype(np.float64)
            total = image if total is None else add_backgrounds(backgrounds, total, image)
    return total


def check_number_of_backgrounds(backgrounds: h5py.Group) -> None:
    """Refuse a group of more background images than any image has.

    Raises
    ------
    flimage.errors.FileFormatError
        When it is one.
    """
    count = len(backgrounds)
    if count > MOST_BACKGROUNDS:
        raise FileFormatError(
            f"{describe(backgrounds)}: there are {count} background images, and at most"
            f" {MOST_BACKGROUNDS} are added up; remove the others."
        )


def add_backgrounds(
    group: h5py.Group, one: npt.NDArray[np.float64], other: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    """Add up two background images of one size."""
    if one.shape != other.shape:
        raise FileFormatError(
            f"{describe(group)}: the background images have the shapes {one.shape} and"
            f" {other.shape}; they must be the same."
        )
    return one + other


def set_background(
    group: h5py.Group,
    image: npt.NDArray[Any] | h5py.Dataset | None,
    key: str = "data",
    dtype: npt.DTypeLike = "float32",
) -> None:
    """Set, share or remove a background image.

    Parameters
    ----------
    group
        Image group.
    image
        Image of the shape of ``raw``; a dataset of the same file, which is then shared (hard
        link); or None to remove the background.
    key
        Which background, one of :data:`BG_KEYS`.
    dtype
        Data type in the file.

    Raises
    ------
    flimage.errors.InputError
        For an unknown key, or an image of another shape than ``raw``.
    """
    if key not in BG_KEYS:
        raise InputError(f"Background {key!r} is unknown; use one of {', '.join(BG_KEYS)}.")
    if image is not None and image.shape != group[RAW].shape:
        raise InputError(
            f"{describe(group)}: the background has shape {image.shape}, the image"
            f" {group[RAW].shape}; both must be the same."
        )
    backgrounds = group.require_group(BG_DATA)
    if key in backgrounds:
        del backgrounds[key]
    if isinstance(image, h5py.Dataset):
        backgrounds[key] = image
    elif image is not None:
        storage.write_image(backgrounds, key, image, dtype=dtype)


def read_group_meta(group: h5py.Group) -> FLMetaDict:
    """Metadata of an image group; attributes with unknown names are left out.

    Attributes that cannot be read are left out as well: the image is worth more than its date. An
    array of one number, as some programs write it, is that number.
    """
    with named(group):
        names = [name for name in group.attrs if name in META_KEYS_FL]
    found = read_attributes(group, names)
    return read_meta(
        (name, value.reshape(-1)[0] if isinstance(value, np.ndarray) and value.size == 1 else value)
        for name, value in found.items()
    )


def write_group_meta(group: h5py.Group, meta_data: Mapping[str, Any]) -> None:
    """Write metadata as attributes of an image group, all or none of them.

    Raises
    ------
    KeyError
        For an unknown key.
    flimage.errors.InputError
        For a value that cannot be an attribute.
    """
    meta = check_meta(meta_data)
    for key, value in meta.items():
        try:
            group.attrs[key] = value
        except TypeError as error:
            raise InputError(
                f"Metadata {key!r} cannot be {value!r}; give a number or a text."
            ) from error


def create_image_group(
    group: h5py.Group,
    image: npt.NDArray[Any],
    meta_data: Mapping[str, Any],
    dtype: npt.DTypeLike = "float32",
) -> None:
    """Fill `group` with an image and its metadata, replacing an image that it holds."""
    meta = check_meta(add_versions(meta_data))
    if "fluorescence" in group:
        del group["fluorescence"]
    fluorescence = group.create_group("fluorescence")
    storage.write_image(fluorescence, "raw", image, dtype=dtype)
    fluorescence.create_group("bg_data")
    write_group_meta(group, meta)


def copy_image_group(source: h5py.Group, target: h5py.Group) -> None:
    """Copy an image with its backgrounds and known metadata from group to group.

    Where both are in files, compressed images move as they are; to and from memory they are
    packed and unpacked.
    """
    in_memory = {group.file.driver == "core" for group in (source, target)}
    if "fluorescence" in target:
        del target["fluorescence"]
    if in_memory == {False}:
        _check_texts(source, "fluorescence")
        storage.copy_object(source, "fluorescence", target, "fluorescence")
    else:
        fluorescence = target.create_group("fluorescence")
        raw = read_raw(source)
        storage.write_image(fluorescence, "raw", raw, dtype=raw.dtype)
        backgrounds = fluorescence.create_group("bg_data")
        stored = follow(source, BG_DATA)
        with named(source, BG_DATA):
            keys = list(stored) if isinstance(stored, h5py.Group) else []
        for key in keys:
            image = storage.read_image(stored, key)
            made = storage.write_image(backgrounds, key, image, dtype=image.dtype)
            copy_attributes(stored[key], made, without=IMAGE_MARKS)
        mask_path = "fluorescence/estimate_bg_from_mask"
        if follow(source, mask_path) is not None:
            mask = storage.read_image(source, mask_path)
            storage.write_image(fluorescence, "estimate_bg_from_mask", mask, dtype=mask.dtype)
    target["fluorescence"].require_group("bg_data")
    for key in [key for key in target.attrs if key in META_KEYS_FL]:
        del target.attrs[key]
    write_group_meta(target, read_group_meta(source))


def _check_texts(group: h5py.Group, path: str) -> None:
    """Refuse to copy objects with texts from which HDF5 would not come back."""
    paths = check_tree(group, path)
    with named(group, path), HeapCheck(group.id) as heaps:
        if not all(heaps.end(paths)):
            raise ValueError(HEAPS_DAMAGED)
