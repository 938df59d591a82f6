"""Fluorescence images as qpimage sees image data: raw data with backgrounds to subtract."""

from __future__ import annotations

from typing import Any

import h5py
import numpy as np
import numpy.typing as npt

from . import storage
from ._qpimage import qpimage
from .errors import FileFormatError, InputError
from .image_group import BG_KEYS

__all__ = ["Fluorescence"]


class Fluorescence(qpimage.image_data.Phase):  # type: ignore[misc]  # qpimage carries no types
    """Dedicated class for fluorescence data.

    For fluorescence data, background correction is defined by subtracting the background images
    from the raw image, as it is for the phase.

    Parameters
    ----------
    h5 : h5py.Group
        Group ``fluorescence`` of an image, where all data are kept.
    h5dtype : str or numpy.dtype
        Data type in which images are stored. Single precision is enough for images of a camera
        and takes half the space of numpy's default.

    Raises
    ------
    flimage.errors.FileFormatError
        When `h5` is opened for reading only and lacks the group ``bg_data``.
    """

    def __init__(self, h5: h5py.Group, h5dtype: npt.DTypeLike = "float32") -> None:
        if "bg_data" not in h5 and h5.file.mode == "r":
            raise FileFormatError(
                f"{h5.file.filename}, {h5.name!r}: the group 'bg_data' is missing and the file is"
                " open for reading only; open it with h5mode='a' once to have it added."
            )
        super().__init__(h5, h5dtype=np.dtype(h5dtype).name)

    def __setitem__(self, key: str, value: npt.NDArray[Any] | None) -> None:
        if value is None:
            if key in self.h5:
                del self.h5[key]
        else:
            dtype = value.dtype if value.dtype == np.bool_ else self.h5dtype
            storage.write_image(self.h5, key, value, dtype=dtype)

    @property
    def raw(self) -> npt.NDArray[Any]:
        """Raw image of shape (y, x)."""
        return storage.read_image(self.h5, "raw")

    def set_bg(
        self,
        bg: npt.NDArray[Any] | h5py.Dataset | float | None,
        key: str = "data",
        attrs: dict[str, Any] | None = None,
    ) -> None:
        """Set, share or remove a background image.

        Parameters
        ----------
        bg
            Image of shape (y, x); one number for all pixels; a dataset in the same file, which is
            shared by a hard link; None to remove the background.
        key
            ``"data"`` for an assigned, ``"fit"`` for an estimated background.
        attrs
            Attributes of the dataset.

        Raises
        ------
        flimage.errors.InputError
            For another key, or an image of another shape than the raw one.
        """
        if key not in BG_KEYS:
            raise InputError(f"Background {key!r} is unknown; use one of {', '.join(BG_KEYS)}.")
        shape = self.h5["raw"].shape
        if bg is not None and not isinstance(bg, h5py.Dataset):
            bg = np.broadcast_to(bg, shape) if np.ndim(bg) == 0 else np.asarray(bg)
        if bg is not None and bg.shape != shape:
            raise InputError(
                f"The background has shape {bg.shape}, the image {shape}; both must be the same."
            )
        backgrounds = self.h5["bg_data"]
        if key in backgrounds:
            del backgrounds[key]
        if isinstance(bg, h5py.Dataset):
            backgrounds[key] = bg
        elif bg is not None:
            storage.write_image(backgrounds, key, bg, dtype=self.h5dtype, attrs=attrs)
