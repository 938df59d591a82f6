"""One image <-> one HDF5 dataset: quick reading, quick writing, attributes."""

from __future__ import annotations

import functools
import math
from collections.abc import Mapping
from typing import Any, NamedTuple

import h5py
import numpy as np
import numpy.typing as npt
from h5py import _objects, h5a, h5d, h5f, h5fd, h5i, h5p, h5s, h5t

from . import codec
from .checked import check_links, file_name, named, object_name, reason
from .checked_chunks import filters_of
from .checked_dataset import LARGE_IMAGE, check_dataset, check_ratio, is_plain_type
from .codec import Compression, EncodedImage, Filters, encode_image
from .errors import DamagedImageError, FileFormatError
from .pieces import ImageReader, usual_filters

__all__ = [
    "create_dataset",
    "file_name",
    "in_memory",
    "object_name",
    "read_image",
    "read_opened",
    "reason",
    "write_attributes",
    "write_encoded",
    "write_image",
]


def in_memory(object_id: Any) -> bool:
    """Tell whether an object lives in a file that is kept in memory."""
    return bool(_file_id(object_id).get_access_plist().get_driver() == h5fd.CORE)


def _file_id(object_id: Any) -> Any:
    """Low-level identifier of the file that an object belongs to."""
    return object_id if isinstance(object_id, h5f.FileID) else h5i.get_file_id(object_id)


# --- reading -------------------------------------------------------------------------------


def read_image(group: h5py.Group, name: str) -> npt.NDArray[Any]:
    """Read a whole image.

    One compressed chunk per image, as flimage writes it, is taken out of the file as it is and
    unpacked outside of HDF5's lock; everything else is put together by
    :class:`~flimage.pieces.ImageReader`.

    Parameters
    ----------
    group
        Where to look.
    name
        Name of the dataset, or a path such as ``"fluorescence/raw"``.

    Returns
    -------
    ndarray
        A new array in the file's type and the machine's byte order, axes (y, x).

    Raises
    ------
    flimage.errors.FileFormatError
        When there is no dataset of that name, or it needs a filter that is not installed.
    flimage.errors.DamagedImageError
        When checksum, compressed data or storage are damaged.
    """
    with named(group, name):
        return read_opened(group, name, _open(group, name))


def read_opened(group: h5py.Group, name: str, dataset: Any) -> npt.NDArray[Any]:
    """Read a dataset that is open already.

    Parameters
    ----------
    group, name
        Where it is, for messages.
    dataset
        Low-level identifier.

    Returns
    -------
    ndarray
        As that of :func:`read_image`, whose exceptions it raises too.
    """
    if codec.is_available():
        image = _read_chunk(group, name, dataset)
        if image is not None:
            return image
    return _read_pieces(group, name, dataset)


def _open(group: h5py.Group, name: str) -> Any:
    """Open a dataset that is in the file itself."""
    try:
        check_links(group, name)
        dataset = h5d.open(group.id, name.encode())
    except FileFormatError:
        raise
    except (KeyError, TypeError, ValueError, RuntimeError) as error:
        raise _explain_missing(group, name, error) from error
    return dataset


def _explain_missing(group: h5py.Group, name: str, error: Exception) -> Exception:
    if not group:
        return FileFormatError(f"The file of image {name!r} was closed; open it again.")
    try:
        kind = "is not an image" if name in group else "is missing"
    except (OSError, RuntimeError, ValueError, KeyError):
        kind = f"cannot be read ({reason(error)})"
    return FileFormatError(
        f"{file_name(group)}: the dataset {object_name(group, name)} {kind};"
        " the file was not written by flimage or is incomplete."
    )


def _read_chunk(group: h5py.Group, name: str, dataset: Any) -> npt.NDArray[Any] | None:
    """Read a dataset of one chunk past HDF5's filters.

    Returns
    -------
    ndarray or None
        None when the dataset is stored differently or something is wrong with it; the long way
        then reads it, or says what is wrong.
    """
    layout = _read_layout(dataset)
    if layout is None:
        return None
    shape, dtype, filters = layout
    if dataset.shape != shape:
        return None
    try:
        # Before version 3.16, h5py forgets its own lock here, and crashes with other threads.
        with _objects.phil:
            mask, chunk = dataset.read_direct_chunk((0,) * len(shape))
    except (OSError, RuntimeError, ValueError, MemoryError):
        # A chunk that was never written has no size, which h5py takes for an enormous one.
        return None
    if mask:
        return None
    if math.prod(shape) > LARGE_IMAGE:
        shown = f"{file_name(group)}: {object_name(group, name)}"
        check_ratio(shown, shape, dtype.itemsize, len(chunk))
    try:
        return codec.decompress_chunk(chunk, shape, dtype, filters)
    except ValueError:
        return None


class _Layout(NamedTuple):
    """What a dataset of the kind that flimage writes consists of."""

    chunk: tuple[int, ...]
    dtype: np.dtype[Any]
    filters: Filters


#: Properties and type of the dataset that was read last, and its layout. It is replaced as a
#: whole, so that threads need no lock.
_last_layout: tuple[Any, Any, _Layout | None] | None = None


def _read_layout(dataset: Any) -> _Layout | None:
    """Layout of a dataset; None when it is not of the kind that flimage writes."""
    # The datasets of a series are all alike: comparing takes a quarter of the time of asking.
    global _last_layout
    last = _last_layout
    plist, datatype = dataset.get_create_plist(), dataset.get_type()
    if last is not None and plist.equal(last[0]) and datatype.equal(last[1]):
        return last[2]
    layout = None
    if is_plain_type(datatype, dataset.dtype) and plist.get_layout() == h5d.CHUNKED:
        filters, chunk = usual_filters(filters_of(plist)), plist.get_chunk()
        if filters is not None and len(chunk) == 2:
            layout = _Layout(chunk, dataset.dtype, filters)
    # A type that has a name in the file would keep the file open: its copy does not.
    _last_layout = (plist, datatype.copy(), layout)
    return layout


def _read_pieces(group: h5py.Group, name: str, dataset: Any) -> npt.NDArray[Any]:
    check_dataset(group, name, dataset)
    try:
        return ImageReader(dataset).read()
    except (OSError, RuntimeError, ValueError) as error:
        raise DamagedImageError(
            f"{file_name(group)}: the image {object_name(group, name)} is damaged"
            f" ({reason(error)}); restore the file from a copy."
        ) from error


# --- writing -------------------------------------------------------------------------------


def write_image(
    group: h5py.Group,
    name: str,
    data: npt.ArrayLike,
    dtype: npt.DTypeLike = "float32",
    compression: Compression = "balanced",
    attrs: Mapping[str, Any] | None = None,
) -> h5py.Dataset:
    """Write an image, replacing one of the same name.

    In a file, the image is one compressed chunk with a checksum and carries the attributes of
    the HDF5 image specification; in a file that is kept in memory it is a plain dataset.

    Parameters
    ----------
    group
        Where to put it.
    name
        Name of the dataset, or a path whose groups exist.
    data
        Image (y, x) of real numbers.
    dtype
        Pixel type in the file.
    compression
        ``"fast"``, ``"balanced"`` or ``"small"``.
    attrs
        Further attributes of the dataset.

    Raises
    ------
    flimage.errors.InputError
        When `data` is not a 2D image, has no pixels, or holds values that `dtype` cannot.
    """
    if in_memory(group.id):
        encoded = codec.keep_plain(data, dtype)
    else:
        encoded = encode_image(data, dtype, compression)
    return write_encoded(group, name, encoded, attrs)


def write_encoded(
    group: h5py.Group,
    name: str,
    encoded: EncodedImage,
    attrs: Mapping[str, Any] | None = None,
) -> h5py.Dataset:
    """Write what :func:`~flimage.codec.encode_image` made, replacing an image of the same name.

    Parameters
    ----------
    group
        Where to put it.
    name
        Name of the dataset, or a path whose groups exist.
    encoded
        The image.
    attrs
        Further attributes of the dataset.
    """
    return h5py.Dataset(create_dataset(group.id, name.encode(), encoded, attrs or {}))


def create_dataset(
    group_id: Any,
    name: bytes,
    encoded: EncodedImage,
    attrs: Mapping[str, Any],
    plain: bool | None = None,
) -> Any:
    """Do what :func:`write_encoded` says with low-level identifiers.

    Parameters
    ----------
    group_id, name, encoded, attrs
        See :func:`write_encoded`.
    plain
        Whether the file is kept in memory; None to ask it.
    """
    if plain is None:
        plain = in_memory(group_id)
    plist = None if plain else _image_plist(encoded.shape, encoded.filters)
    if name in group_id:
        group_id.unlink(name)
    dataset = h5d.create(group_id, name, _type(encoded.dtype), _space(encoded.shape), plist)
    if plain or encoded.chunk is None:
        dataset.write(h5s.ALL, h5s.ALL, encoded.data)
    else:
        with _objects.phil:  # see _read_chunk
            dataset.write_direct_chunk((0, 0), encoded.chunk)
    if not plain:
        for attr_name, attr_type, value in _IMAGE_ATTRIBUTES:
            h5a.create(dataset, attr_name, attr_type, _SCALAR).write(value, attr_type)
    write_attributes(dataset, attrs)
    return dataset


# The frames of a series are all alike: what describes them is made once.


@functools.lru_cache(maxsize=16)
def _image_plist(shape: tuple[int, int], filters: Filters) -> Any:
    """Creation properties of a dataset that holds one image in one chunk."""
    plist = h5p.create(h5p.DATASET_CREATE)
    plist.set_chunk(shape)
    plist.set_fill_time(h5d.FILL_TIME_NEVER)
    plist.set_obj_track_times(False)
    if filters.shuffle:
        plist.set_shuffle()
    if filters.level is not None:
        plist.set_deflate(filters.level)
    if filters.fletcher:
        plist.set_fletcher32()
    return plist


@functools.lru_cache(maxsize=16)
def _space(shape: tuple[int, int]) -> Any:
    return h5s.create_simple(shape)


@functools.lru_cache(maxsize=16)
def _type(dtype: np.dtype[Any]) -> Any:
    return h5t.py_create(dtype, logical=True)


def _fixed_string(text: bytes) -> tuple[Any, npt.NDArray[Any]]:
    """Type and value of an attribute that is a text of fixed length."""
    value = np.array(text, dtype=f"S{len(text)}")
    return h5t.py_create(value.dtype), value


_SCALAR = h5s.create(h5s.SCALAR)
_IMAGE_ATTRIBUTES = [
    (attr_name, *_fixed_string(text))
    for attr_name, text in (
        (b"CLASS", b"IMAGE"),
        (b"IMAGE_VERSION", b"1.2"),
        (b"IMAGE_SUBCLASS", b"IMAGE_GRAYSCALE"),
    )
]
_TEXT_DTYPE = h5py.string_dtype()
_TEXT_TYPE = h5t.py_create(_TEXT_DTYPE, logical=True)


def _owner(object_id: Any) -> h5py.Dataset | h5py.Group:
    """Return the high-level object of an identifier."""
    if isinstance(object_id, h5d.DatasetID):
        return h5py.Dataset(object_id)
    return h5py.Group(object_id)


def write_attributes(object_id: Any, attrs: Mapping[str, Any]) -> None:
    """Write attributes of a new object.

    Parameters
    ----------
    object_id
        Low-level identifier of a group or dataset.
    attrs
        Names and values: numbers, texts, or anything h5py can store.
    """
    for key, value in attrs.items():
        if isinstance(value, str):
            attribute = h5a.create(object_id, key.encode(), _TEXT_TYPE, _SCALAR)
            attribute.write(np.array(value, dtype=_TEXT_DTYPE))
        elif isinstance(value, (float, np.float64)):
            attribute = h5a.create(object_id, key.encode(), h5t.IEEE_F64LE, _SCALAR)
            attribute.write(np.array(value, dtype="<f8"))
        else:
            _owner(object_id).attrs[key] = value
