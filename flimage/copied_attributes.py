"""Read and copy all attributes of HDF5 objects, whatever they hold.

h5py turns attributes into Python's values and back, which not all survive: texts that are no
UTF-8, arrays of arrays, types with a name. Here they go from file to file in their own type.
"""

from __future__ import annotations

from collections.abc import Container, Iterator
from typing import Any

import h5py
import numpy as np
import numpy.typing as npt
from h5py import h5a, h5t

from .attributes import heaps_end
from .checked import named

__all__ = ["HEAPS_DAMAGED", "attributes_of", "copy_attributes"]

#: Why texts are not read.
HEAPS_DAMAGED = "the texts of its attributes are damaged"

#: Attributes up to which the one of a number is found faster than that of a name.
_FEW = 32


def copy_attributes(
    old: h5py.Group | h5py.Dataset, new: h5py.Group | h5py.Dataset, without: Container[str] = ()
) -> None:
    """Copy attributes of an object to another one, in the same or another file.

    References lose what they refer to, as where HDF5 copies an object: it is in the other file.

    Parameters
    ----------
    old
        Whose attributes they are.
    new
        Who gets them; attributes of the same names are replaced.
    without
        Names that are left out.

    Raises
    ------
    flimage.errors.DamagedImageError
        When one cannot be read.
    """
    with named(old):
        if not h5a.get_num_attrs(old.id):
            return
        if not heaps_end(old.id):
            raise ValueError(HEAPS_DAMAGED)
        found = list(_opened(old.id))
    for attribute in found:
        name, value = attribute.name, None
        if name.decode("utf-8", "surrogateescape") in without:
            continue
        with named(old, f"attribute {name.decode('utf-8', 'replace')!r}"):
            # A type that has a name in the file would stay there: its copy does not.
            datatype, space = attribute.get_type().copy(), attribute.get_space()
            if attribute.shape is not None and not datatype.detect_class(h5t.REFERENCE):
                value = _read(attribute)
        if h5a.exists(new.id, name):
            h5a.delete(new.id, name)
        made = h5a.create(new.id, name, datatype, space)
        if value is not None:
            made.write(value)


def attributes_of(group: Any) -> list[tuple[bytes, object]]:
    """Read all attributes of an object, in a form that can be compared.

    Parameters
    ----------
    group
        Low-level identifier of a group or dataset, the texts of which HDF5 comes back from.

    Returns
    -------
    list of (name, value)
        Sorted by name.
    """
    found: list[tuple[bytes, object]] = []
    for attribute in _opened(group):
        if _size(attribute) == 8 and attribute.get_type().equal(h5t.IEEE_F64LE):
            # One number of double precision: to ask for type and shape takes longer than this.
            number_read = np.empty((), dtype=np.float64)
            attribute.read(number_read, h5t.NATIVE_DOUBLE)
            found.append((attribute.name, number_read.tobytes()))
        elif attribute.shape is None or attribute.get_type().detect_class(h5t.REFERENCE):
            found.append((attribute.name, (attribute.get_type().get_class(), attribute.shape)))
        else:
            value = _read(attribute)
            content = _comparable(value.tolist()) if value.dtype.hasobject else value.tobytes()
            found.append((attribute.name, (value.dtype, value.shape, content)))
    return sorted(found, key=lambda pair: pair[0])


def _opened(owner: Any) -> Iterator[h5a.AttrID]:
    """Open all attributes of an object, one after the other."""
    count = h5a.get_num_attrs(owner)
    if count <= _FEW:
        return (h5a.open(owner, index=number) for number in range(count))
    # HDF5 goes through all attributes to find the one of a number.
    names: list[bytes] = []
    h5a.iterate(owner, names.append)
    return (h5a.open(owner, name) for name in names)


def _size(attribute: h5a.AttrID) -> int:
    try:
        return int(attribute.get_storage_size())
    except RuntimeError:  # h5py takes no size for an error
        return 0


def _read(attribute: h5a.AttrID) -> npt.NDArray[Any]:
    value = np.empty(attribute.shape, dtype=attribute.dtype)
    attribute.read(value)
    return value


def _comparable(value: object) -> object:
    """Turn values that hold others into some that can be compared; NaN is the same as NaN."""
    if isinstance(value, np.ndarray):
        if not value.dtype.hasobject:
            return value.dtype.str, value.shape, value.tobytes()
        return value.shape, _comparable(value.tolist())
    if isinstance(value, (list, tuple)):
        return [_comparable(each) for each in value]
    return repr(value)
