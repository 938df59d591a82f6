"""Datasets in HDF5 files of other programs as recordings: ``FILE.h5::/group/dataset``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import numpy.typing as npt

from .attributes import read_attribute
from .checked import follow, named, reason
from .checked_dataset import check_storage, is_stored
from .errors import FileFormatError, InputError
from .pieces import ImageReader
from .plain_text import clean
from .readers import SEPARATOR
from .recording import Recording
from .selecting import Selection
from .storage import open_file

__all__ = ["SEPARATOR", "Hdf5Recording", "choice_of", "datasets_in", "list_datasets"]

#: Datasets that are named in a message.
_NAMED = 6

#: Attribute with the labels of the axes, as the dimension scales of HDF5 define it.
_LABELS = "DIMENSION_LABELS"

#: What dimension labels mean.
_LETTERS = {
    **dict.fromkeys(("t", "time", "frame", "frames"), "T"),
    **dict.fromkeys(("c", "channel", "channels"), "C"),
    **dict.fromkeys(("z", "depth", "slice"), "Z"),
    **dict.fromkeys(("p", "position", "scene", "s"), "P"),
    "y": "Y",
    "x": "X",
}


def list_datasets(path: Path) -> list[tuple[str, tuple[int, ...], str]]:
    """List what could be a recording in an HDF5 file.

    Parameters
    ----------
    path
        The file.

    Returns
    -------
    datasets : list of (name, shape, type)
        See :func:`datasets_in`.
    """
    with open_file(path) as file:
        return datasets_in(file)


def datasets_in(file: h5py.File) -> list[tuple[str, tuple[int, ...], str]]:
    """List what could be a recording in an open HDF5 file.

    Parameters
    ----------
    file
        The file.

    Returns
    -------
    datasets : list of (name, shape, type)
        Datasets of numbers with at least two axes; not the frames of a flimage series.
    """
    found: list[tuple[str, tuple[int, ...], str]] = []

    def visit(name: str, item: Any) -> None:
        if not isinstance(item, h5py.Dataset) or not is_stored(item.id) or item.shape is None:
            return
        if item.dtype.kind in "uif" and item.ndim >= 2 and "fluorescence/" not in name:
            found.append((f"/{name}", tuple(int(n) for n in item.shape), str(item.dtype)))

    with named(file):
        file.visititems(visit)
    return found


def choice_of(path: Path, datasets: Sequence[tuple[str, tuple[int, ...], str]]) -> str:
    """Write what can be chosen in a file: ``FILE.h5::/name (shape)``, the first ones of many."""
    some = ", ".join(
        f"{path.name}{SEPARATOR}{name} ({'×'.join(map(str, shape))})"
        for name, shape, _ in datasets[:_NAMED]
    )
    return f"{some}, …" if len(datasets) > _NAMED else some


class Hdf5Recording(Recording):
    """A dataset of shape (t, y, x), or of more axes if they are labelled, in an HDF5 file."""

    kind = "HDF5 dataset"

    def __init__(
        self, path: Path, selection: Selection | None = None, key: str | None = None
    ) -> None:
        super().__init__(path, selection)
        name = self._only() if key is None else key
        self._file = open_file(path)
        try:
            dataset = follow(self._file, name)
            if not isinstance(dataset, h5py.Dataset):
                what = "a group" if isinstance(dataset, h5py.Group) else "not there"
                raise InputError(f"{path}: {name} is {what}; {self._known()}")
            with named(self._file, name):
                check_storage(self._file, name, dataset.id)
            if dataset.shape is None:
                raise InputError(f"{path}: {name} holds no value; {self._known()}")
            self._dataset = dataset
            self.dtype = dataset.dtype
            self._check_dtype()
            self._set_axes(
                self._letters(), dataset.shape, "save one of them as a dataset (t, y, x)."
            )
            self._images = ImageReader(dataset.id)
            self._read_pixel_size()
        except BaseException:
            self.close()
            raise
        self._notes.append(f"Images are the dataset {dataset.name}.")

    def _known(self) -> str:
        """Name what is there, as the end of a sentence."""
        datasets = list_datasets(self.path)
        if not datasets:
            return "the file holds no dataset of images."
        return f"choose one of {choice_of(self.path, datasets)}."

    def _only(self) -> str:
        with open_file(self.path) as file:
            if "fli_0" in file:
                raise InputError(f"{self.path} is a series already; it needs no conversion.")
        datasets = list_datasets(self.path)
        if len(datasets) != 1:
            count = len(datasets) or "no"
            raise InputError(
                f"{self.path} holds {count} datasets that could be a recording; {self._known()}"
            )
        return datasets[0][0]

    def _letters(self) -> str:
        """Letters of the axes, from the dimension labels or from their number."""
        ndim = self._dataset.ndim
        labels = self._labels()
        if all(labels):
            letters = "".join(_LETTERS.get(label.lower(), "Q") for label in labels)
            self._notes.append(f"Axes are {', '.join(labels)}, from the dimension labels.")
            return letters
        if not 2 <= ndim <= 3:
            raise InputError(
                f"{self.path}: {self._dataset.name} has {ndim} axes, and none is labelled; label"
                " its dimensions (t, c, z, y, x), or save one recording as a dataset (t, y, x)."
            )
        return "TYX"[-ndim:]

    def _labels(self) -> list[str]:
        """Labels of the axes; empty where there are none, or others than one text for each axis.

        `dims[…].label` of h5py is not asked: HDF5 takes whatever stands in the attribute for as
        many texts as there are axes, and crashes where it is something else.
        """
        ndim = self._dataset.ndim
        found = read_attribute(self._dataset, _LABELS)
        if not isinstance(found, np.ndarray) or found.shape != (ndim,):
            return [""] * ndim
        if found.dtype.kind not in "OS":
            return [""] * ndim
        texts = [
            each.decode("utf-8", "replace") if isinstance(each, bytes) else str(each)
            for each in found.tolist()
        ]
        return [clean(text) for text in texts]

    def _read_pixel_size(self) -> None:
        """Take the pixel size that ImageJ's and ilastik's HDF5 plug-ins write [µm]."""
        found = read_attribute(self._dataset, "element_size_um")
        size = np.ravel(() if found is None else found)
        if size.size >= 2 and size.dtype.kind in "uif":
            y, x = (float(value) * 1e-6 for value in size[-2:])
            self._set_pixel_size(x, y, "the attribute element_size_um")

    def _read(self, index: int) -> npt.NDArray[Any]:
        if not self._file:
            raise InputError(f"{self.path} is closed.")
        position = self._layout.coordinates(index)
        leading = tuple(position[letter] for letter, _ in self._layout.leading)
        try:
            return self._images.read(leading)
        except (OSError, RuntimeError, ValueError) as error:
            raise FileFormatError(
                f"{self.path}: {self._dataset.name} is damaged ({reason(error)})."
            ) from error

    def close(self) -> None:
        """Close the file."""
        self._file.close()
