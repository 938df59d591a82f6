"""One fluorescence image, kept in one HDF5 group."""

from __future__ import annotations

import os
import pathlib
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import h5py
import numpy as np
import numpy.typing as npt

from . import storage
from .attributes import read_attribute
from .checked import follow, named
from .checked_dataset import check_tree
from .errors import InputError, SameFileError
from .groups import PathOrGroup, open_group
from .image_group import (
    BG_DATA,
    BG_KEYS,
    as_image,
    check_image_group,
    copy_image_group,
    create_image_group,
    describe,
    image_dataset,
    read_background,
    read_group_meta,
    read_raw,
    set_background,
    subtract_stored,
    write_group_meta,
)
from .meta import DATA_KEYS_FL, META_KEYS_FL, VERSION_KEYS, FLMetaDict

if TYPE_CHECKING:
    from .image_data import Fluorescence

__all__ = ["DATA_KEYS_FL", "META_KEYS_FL", "FLImage", "FLMetaDict"]


class FLImage:
    """One fluorescence image with its background and its metadata.

    Parameters
    ----------
    data : array_like of shape (y, x), optional
        Raw fluorescence image: real numbers, as an array or nested lists.
    meta_data : mapping, optional
        Metadata; keys are those of :data:`flimage.meta.META_KEYS_FL`, values in SI units. They
        override what `h5file` holds.
    h5file : str, pathlib.Path, h5py.Group, h5py.File or None
        Where the data are kept: a file that is opened according to `h5mode`, or an open group.
        None (default) keeps everything in memory.
    h5mode : str
        How a path is opened. ``"r"``: for reading, must exist; ``"r+"``: for reading and writing,
        must exist; ``"w"``: create or replace; ``"w-"`` or ``"x"``: create, must not exist;
        ``"a"``: for reading and writing, created where it does not exist (default).
    h5dtype : str or numpy.dtype
        Data type in which images are stored; single precision by default.

    Raises
    ------
    flimage.errors.InputError
        When `data` is not an image, when neither `data` nor `h5file` is given, or when a file
        opened with ``"r"`` is to be changed.
    flimage.errors.FileFormatError
        When `h5file` holds no image.
    KeyError
        For an unknown metadata key.
    FileNotFoundError
        When `h5file` does not exist and has to.

    Examples
    --------
    >>> import numpy as np
    >>> from flimage import FLImage
    >>> fli = FLImage(np.full((3, 4), 7.0), meta_data={"time": 1.5})
    >>> fli.set_bg_data(np.full((3, 4), 2.0))
    >>> float(fli.fl.mean()), float(fli["time"])
    (5.0, 1.5)
    """

    __hash__ = None  # type: ignore[assignment]  # images are compared by value and can change

    def __init__(
        self,
        data: npt.ArrayLike | None = None,
        meta_data: Mapping[str, Any] | None = None,
        h5file: PathOrGroup | None = None,
        h5mode: str = "a",
        h5dtype: npt.DTypeLike = "float32",
    ) -> None:
        if data is None and h5file is None:
            raise InputError("An FLImage needs `data`, or an `h5file` that holds an image.")
        image = None if data is None else as_image(data)
        if image is None and not isinstance(h5file, h5py.Group):
            # A file that holds no image must neither be created nor emptied for that.
            if h5mode in ("w", "w-", "x"):
                raise InputError(
                    f"h5mode is {h5mode!r}, which starts a new file, but there are no `data` for"
                    f" {h5file}; use 'r' or 'a' to open an image."
                )
            h5mode = "r+" if h5mode == "a" else h5mode
        self._h5dtype = np.dtype(h5dtype)
        if self._h5dtype.kind not in "biuf":
            raise InputError(f"h5dtype is {h5dtype!r}; use a type of real numbers such as float32.")
        #: HDF5 group that holds everything.
        self.h5, self._owned = open_group(h5file, h5mode)
        try:
            if image is not None:
                self._check_writable("store an image")
                create_image_group(self.h5, image, meta_data or {}, self._h5dtype)
            else:
                check_image_group(self.h5)
                if meta_data:
                    self._check_writable("change metadata")
                    write_group_meta(self.h5, meta_data)
        except BaseException:
            self.close()
            raise

    def _check_writable(self, what: str) -> None:
        if self.h5.file.mode == "r":
            raise InputError(
                f"{describe(self.h5)}: cannot {what}, because the file is open for reading only;"
                " open it with h5mode='a'."
            )

    def close(self) -> None:
        """Close the file, if it was opened by this image."""
        if self._owned is not None and self._owned:
            self._owned.close()

    def __enter__(self) -> FLImage:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    def __contains__(self, key: object) -> bool:
        return isinstance(key, str) and key in META_KEYS_FL and key in self.h5.attrs

    def __eq__(self, other: object) -> bool:
        """Compare shape, background-corrected image and metadata, but not software versions."""
        if not isinstance(other, FLImage):
            return NotImplemented
        if self.shape != other.shape:
            return False
        mine, others = (
            {key: value for key, value in fli.meta.items() if key not in VERSION_KEYS}
            for fli in (self, other)
        )
        return (
            mine.keys() == others.keys()
            and all(_same_value(mine[key], others[key]) for key in mine)
            and np.array_equal(self.fl, other.fl, equal_nan=True)
        )

    def __getitem__(self, given: Any) -> Any:
        """Metadata by key, or a part of the image by slices.

        Parameters
        ----------
        given : str, slice or tuple of slices
            A metadata key; or slices along y and x. The background images go along. Where both
            steps are the same, the pixel size is scaled by it; where they differ, the part has
            no pixel size.

        Returns
        -------
        value or FLImage
            The part of the image is kept in memory.
        """
        if isinstance(given, str):
            return self.meta[given]
        slices = given if isinstance(given, tuple) else (given,)
        if sum(part is Ellipsis for part in slices) == 1 and len(slices) <= 3:
            place = [part is Ellipsis for part in slices].index(True)
            fill = (slice(None),) * (3 - len(slices))
            slices = (*slices[:place], *fill, *slices[place + 1 :])
        if not all(isinstance(part, slice) for part in slices) or len(slices) > 2:
            raise InputError(
                f"An FLImage cannot be indexed with {given!r}; use slices such as [10:20, :30] or"
                " a metadata key."
            )
        part = self.raw_fl[slices]
        if part.size == 0:
            raise InputError(f"The part {given!r} of an image of shape {self.shape} is empty.")
        meta = self.meta
        steps = [1 if s.step is None else abs(s.step) for s in (*slices, slice(None))[:2]]
        if steps != [1, 1] and "pixel size" in meta:
            if steps[0] == steps[1]:
                meta["pixel size"] = meta["pixel size"] * steps[0]
            else:
                del meta["pixel size"]
        fli = FLImage(part, meta_data=meta, h5dtype=self.dtype)
        for key in BG_KEYS:
            background = read_background(self.h5, [key])
            if background is not None:
                set_background(fli.h5, background[slices], key, self.h5[BG_DATA][key].dtype)
        return fli

    def __repr__(self) -> str:
        if not self.h5:
            return "FLImage <closed>"
        name = read_group_meta(self.h5).get("identifier", hex(id(self)))
        return f"FLImage <{name}>, {self.shape[0]}x{self.shape[1]}px"

    def _repr_html_(self) -> str:
        """Show the image in a Jupyter notebook."""
        from ._notebook import image_html

        return image_html(self)

    @property
    def fluorescence(self) -> Fluorescence:
        """The image data in the form qpimage knows, with its ways to estimate backgrounds."""
        from .image_data import Fluorescence

        check_tree(self.h5, "fluorescence")
        return Fluorescence(self.h5["fluorescence"], h5dtype=self._h5dtype)

    @property
    def raw_fl(self) -> npt.NDArray[Any]:
        """Raw fluorescence image, of shape (y, x)."""
        return read_raw(self.h5)

    @property
    def bg_fl(self) -> npt.NDArray[np.float64]:
        """Background fluorescence image, of shape (y, x); zeros where there is none."""
        background = read_background(self.h5)
        return np.zeros(self.shape) if background is None else background

    @property
    def fl(self) -> npt.NDArray[np.float64]:
        """Background-corrected fluorescence image, of shape (y, x)."""
        raw, background = self.raw_fl, read_background(self.h5)
        if background is None:
            with np.errstate(invalid="ignore"):  # a NaN can be of the kind that signals
                return raw.astype(np.float64)
        return subtract_stored(self.h5, raw, background)

    @property
    def dtype(self) -> np.dtype[Any]:
        """Data type of the raw image."""
        dtype: np.dtype[Any] = image_dataset(self.h5).dtype
        return dtype

    @property
    def shape(self) -> tuple[int, int]:
        """Size of the image along (y, x) [px]."""
        height, width = image_dataset(self.h5).shape
        return int(height), int(width)

    @property
    def meta(self) -> FLMetaDict:
        """Metadata of the image; a copy, changing it does not change the image."""
        return read_group_meta(self.h5)

    @property
    def info(self) -> list[tuple[str, Any]]:
        """Metadata and background parameters, as a list of (name, value)."""
        info = sorted(self.meta.items())
        fit = follow(self.h5, f"{BG_DATA}/fit")
        if fit is not None:
            hidden = ("CLASS", "IMAGE_VERSION", "IMAGE_SUBCLASS")
            with named(self.h5, f"{BG_DATA}/fit"):
                info += [
                    (f"fluorescence background {key}", read_attribute(fit, key))
                    for key in fit.attrs
                    if key not in hidden
                ]
                info.append(
                    (
                        "fluorescence background from mask",
                        "fluorescence/estimate_bg_from_mask" in self.h5,
                    )
                )
        return info

    def copy(self, h5file: PathOrGroup | None = None) -> FLImage:
        """Copy the image with everything that belongs to it.

        Parameters
        ----------
        h5file
            Where the copy is kept: a path, an open group, or None for memory. A file that is
            there already is replaced; in a group, an image that it holds.

        Returns
        -------
        FLImage
            The copy, open for writing. It does not depend on the original.

        Raises
        ------
        flimage.errors.SameFileError
            When `h5file` is the file or group of the image itself.
        """
        if h5file is None:
            target, owned = open_group(None, "w")
        elif isinstance(h5file, h5py.Group):
            if h5file == self.h5:
                raise SameFileError(f"{describe(self.h5)}: an image cannot be copied onto itself.")
            target, owned = h5file, None
        else:
            path = pathlib.Path(h5file)
            if path.exists() and self._is_kept_in(path):
                raise SameFileError(f"{path}: an image cannot be copied onto its own file.")
            target = owned = storage.open_file(path, "w")
        try:
            if target.file.mode == "r":
                raise InputError(f"{describe(target)}: cannot be written; it is open for reading.")
            copy_image_group(self.h5, target)
            copied = FLImage(h5file=target, h5dtype=self._h5dtype)
        except BaseException:
            if owned is not None:
                owned.close()
            raise
        copied._owned = owned
        return copied

    def _is_kept_in(self, path: pathlib.Path) -> bool:
        """Tell whether `path`, which exists, is the file of this image."""
        file = self.h5.file
        return file.driver != "core" and path.samefile(os.fsdecode(file.filename))

    def set_bg_data(self, bg_data: npt.ArrayLike | FLImage | None) -> None:
        """Assign a background image, or remove it.

        Parameters
        ----------
        bg_data : array_like of shape (y, x), FLImage or None
            Background image; of an FLImage its background-corrected image is taken. None removes
            the assigned background.

        Raises
        ------
        flimage.errors.InputError
            When it is not an image, or has another shape.
        """
        self._check_writable("assign a background")
        if isinstance(bg_data, FLImage):
            bg_data = bg_data.fl
        image = None if bg_data is None else as_image(bg_data, "background")
        set_background(self.h5, image, "data", self._h5dtype)

    def compute_bg(
        self,
        fit_offset: str = "mean",
        fit_profile: str = "tilt",
        border_m: float = 0,
        border_perc: float = 0,
        border_px: float = 0,
        from_mask: npt.NDArray[np.bool_] | None = None,
        ret_mask: bool = False,
    ) -> npt.NDArray[np.bool_] | None:
        """Estimate the background from a border or a mask, and subtract it from now on.

        The widest of the three borders counts. Where a border and a mask are given, the pixels
        that are in both are used.

        Parameters
        ----------
        fit_offset
            How the offset is found: ``"mean"``, ``"fit"``, ``"gauss"`` or ``"mode"``.
        fit_profile
            Shape of the background: ``"offset"``, ``"tilt"`` or ``"poly2o"``.
        border_m
            Width of the border [m]; needs the metadata ``"pixel size"``.
        border_perc
            Width of the border in percent of the mean side length.
        border_px
            Width of the border [px].
        from_mask : bool array of shape (y, x), optional
            True where there is background.
        ret_mask
            Return the pixels that were used.

        Returns
        -------
        mask : bool array of shape (y, x) or None
            Only with `ret_mask`.

        Raises
        ------
        flimage.errors.BorderError
            When the border covers the whole image.
        flimage.errors.InputError
            When there is neither border nor mask, or an argument is not one of the above.

        See Also
        --------
        qpimage.bg_estimate.estimate : the estimation itself.
        """
        from .background import check_border

        self._check_writable("estimate a background")
        for name, value, allowed in (
            ("fit_offset", fit_offset, ("fit", "gauss", "mean", "mode")),
            ("fit_profile", fit_profile, ("offset", "poly2o", "tilt")),
        ):
            if value not in allowed:
                raise InputError(f"{name} is {value!r}; use one of {', '.join(allowed)}.")
        if (fit_offset, fit_profile) == ("fit", "offset"):
            raise InputError("A profile 'offset' has nothing to fit; use fit_offset='mean'.")
        widths = [border_px, border_perc / 100 * float(np.mean(self.shape))]
        if border_m:
            widths.append(border_m / self["pixel size"])
        border = round(max(widths))
        check_border(self.shape, border)
        if from_mask is not None:
            from_mask = np.asarray(from_mask)
            if from_mask.shape != self.shape or from_mask.dtype != np.bool_:
                raise InputError(
                    f"from_mask has shape {from_mask.shape} and type {from_mask.dtype}; it must be"
                    f" boolean and of the image's shape {self.shape}."
                )
            if not from_mask.any():
                raise InputError("from_mask marks no pixel as background.")
        elif border == 0:
            raise InputError("Give a border of at least 1 px or a mask of background pixels.")
        mask: npt.NDArray[np.bool_] = self.fluorescence.estimate_bg(
            fit_offset=fit_offset,
            fit_profile=fit_profile,
            border_px=border,
            from_mask=from_mask,
            ret_mask=True,
        )
        return mask if ret_mask else None

    def clear_bg(self, keys: str | Sequence[str] = "fit") -> None:
        """Remove background images.

        Parameters
        ----------
        keys
            ``"fit"`` for the estimated, ``"data"`` for the assigned background, or a list of
            both. One that is not there is passed over.

        Raises
        ------
        flimage.errors.InputError
            For another key.
        """
        self._check_writable("remove a background")
        for key in [keys] if isinstance(keys, str) else keys:
            set_background(self.h5, None, key)
            if key == "fit" and "fluorescence/estimate_bg_from_mask" in self.h5:
                del self.h5["fluorescence/estimate_bg_from_mask"]


def _same_value(one: Any, other: Any) -> bool:
    """Compare two metadata values; NaN equals NaN."""
    if isinstance(one, str) or isinstance(other, str):
        return bool(one == other)
    return np.array_equal(one, other, equal_nan=np.asarray(one).dtype.kind == "f")
