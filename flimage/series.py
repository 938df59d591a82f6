"""A series of fluorescence images, kept in one HDF5 group."""

from __future__ import annotations

import os
import pathlib
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple, overload

import h5py
import numpy as np
import numpy.typing as npt

from .attributes import read_text
from .checked import follow
from .codec import Compression
from .core import FLImage
from .errors import FrameNotFoundError, InputError
from .frame_index import FrameIndex
from .groups import PathOrGroup, open_group
from .image_group import (
    BG_DATA,
    copy_image_group,
    describe,
    frame_group,
    set_background,
    write_group_meta,
)
from .meta import check_meta
from .progress import SharedCounters

if TYPE_CHECKING:
    from .export.formats import ImageKind
    from .recipe import Recipe

__all__ = ["BleachCorrection", "FLSeries"]


class BleachCorrection(NamedTuple):
    """What :meth:`FLSeries.bleach_correction` returns.

    Parameters
    ----------
    bg
        Background level that was subtracted from each image; of shape (t,) where the recipe asks
        for one per frame.
    flint
        Intensity trace, of shape (t,): sum of the background-corrected signal region.
    decay
        Fitted decay, of shape (t,), in the units of `flint`.
    times
        Acquisition times, of shape (t,) [s].
    """

    bg: float | npt.NDArray[np.float64]
    flint: npt.NDArray[np.float64]
    decay: npt.NDArray[np.float64]
    times: npt.NDArray[np.float64]


class FLSeries:
    """Fluorescence microscopy series: images with times, in order.

    Parameters
    ----------
    flimage_list : iterable of FLImage
        Images to append, in the given order.
    meta_data : mapping, optional
        Metadata that override those of every image, in `flimage_list` and in `h5file`; keys are
        those of :data:`flimage.meta.META_KEYS_FL`, values in SI units.
    h5file : str, pathlib.Path, h5py.Group, h5py.File or None
        Where the series is kept: a file that is opened according to `h5mode`, or an open group.
        None (default) keeps everything in memory.
    h5mode : str
        How a path is opened: ``"r"``, ``"r+"``, ``"w"``, ``"w-"``, ``"x"`` or ``"a"``, see
        :class:`flimage.core.FLImage`.
    identifier : str, optional
        Identifier of the series.

    Raises
    ------
    flimage.errors.FileFormatError
        When `h5file` is no series: it holds a single image, other members than ``fli_0``,
        ``fli_1``, …, or has gaps in their numbering.
    flimage.errors.InputError
        When images, metadata or an identifier are given for a file opened with ``"r"``.
    FileNotFoundError
        When `h5file` does not exist and has to.

    Examples
    --------
    >>> import numpy as np
    >>> from flimage import FLImage, FLSeries
    >>> frames = [FLImage(np.full((3, 4), 9.0 - i), meta_data={"time": i}) for i in range(3)]
    >>> series = FLSeries(frames, identifier="dish 1")
    >>> len(series), float(series[-1].fl.mean()), series.times.tolist()
    (3, 7.0, [0.0, 1.0, 2.0])
    """

    def __init__(
        self,
        flimage_list: Iterable[FLImage] = (),
        meta_data: Mapping[str, Any] | None = None,
        h5file: PathOrGroup | None = None,
        h5mode: str = "a",
        identifier: str | None = None,
    ) -> None:
        images = list(flimage_list)
        meta = check_meta(meta_data or {})
        #: HDF5 group that holds everything.
        self.h5, self._owned = open_group(h5file, h5mode)
        try:
            self._index = FrameIndex(self.h5)
            if images or meta or identifier is not None:
                self._check_writable()
            for fli in images:
                self.add_flimage(fli)
            for frame in range(len(self) if meta else 0):
                write_group_meta(frame_group(self.h5, frame), meta)
            if meta:
                self._index.forget()
            if identifier is not None:
                self.h5.attrs["identifier"] = identifier
        except BaseException:
            self.close()
            raise

    def _check_writable(self) -> None:
        if self.h5.file.mode == "r":
            raise InputError(
                f"{describe(self.h5)}: the series cannot be changed, because the file is open for"
                " reading only; open it with h5mode='a'."
            )

    def close(self) -> None:
        """Close the file, if it was opened by this series."""
        if self._owned is not None and self._owned:
            self._owned.close()

    def __enter__(self) -> FLSeries:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    def __len__(self) -> int:
        return len(self._index)

    def __iter__(self) -> Iterator[FLImage]:
        for frame in range(len(self)):
            yield self.get_flimage(frame)

    def __contains__(self, identifier: object) -> bool:
        """Tell whether an image with this identifier (or that of this FLImage) is there."""
        if isinstance(identifier, FLImage):
            identifier = identifier.meta.get("identifier")
        return isinstance(identifier, str) and identifier in self._index.numbers()

    @overload
    def __getitem__(self, index: int | str) -> FLImage: ...

    @overload
    def __getitem__(self, index: slice) -> list[FLImage]: ...

    def __getitem__(self, index: int | str | slice) -> FLImage | list[FLImage]:
        """One image by number (negative from the end) or identifier; a list by slice."""
        if isinstance(index, slice):
            return [self.get_flimage(frame) for frame in range(len(self))[index]]
        return self.get_flimage(index)

    def __repr__(self) -> str:
        if not self.h5:
            return "FLSeries <closed>"
        where = "in memory" if self.path is None else self.path.name
        name = self.identifier
        return f"FLSeries <{where if name is None else name}>, {len(self)} frames"

    def _repr_html_(self) -> str:
        """Show the series in a Jupyter notebook."""
        from ._notebook import series_html

        return series_html(self)

    @property
    def path(self) -> pathlib.Path | None:
        """File of the series; None when it is in memory."""
        file = self.h5.file
        return None if file.driver == "core" else pathlib.Path(os.fsdecode(file.filename))

    @property
    def identifier(self) -> str | None:
        """Unique identifier of the series, or None."""
        return read_text(self.h5, "identifier")

    @property
    def identifiers(self) -> list[str | None]:
        """Identifiers of all images; None for an image that has none."""
        return list(self._index.identifiers())

    @property
    def times(self) -> npt.NDArray[np.float64]:
        """Acquisition times of all images, of shape (t,) [s]; NaN for an image that has none."""
        return np.array(self._index.times(), dtype=np.float64)

    def _frame_number(self, index: int | str) -> int:
        if isinstance(index, str):
            try:
                return self._index.numbers()[index]
            except KeyError:
                raise FrameNotFoundError(
                    f"{self}: there is no image with the identifier {index!r}."
                ) from None
        if isinstance(index, (bool, np.bool_)) or not isinstance(index, (int, np.integer)):
            raise FrameNotFoundError(
                f"{self}: an image cannot be found by {index!r}; use its number or identifier."
            )
        count = len(self)
        if not -count <= index < count:
            raise FrameNotFoundError(f"{self}: there is no image {index} among {count}.")
        return int(index) % count

    def get_flimage(self, index: int | str) -> FLImage:
        """Return one image of the series.

        Parameters
        ----------
        index
            Number of the image, counted from 0 (negative: from the end), or its identifier.

        Raises
        ------
        flimage.errors.FrameNotFoundError
            When there is none; it is a ``KeyError`` and an ``IndexError``.

        Notes
        -----
        ``series[index]`` is the short form.
        """
        return FLImage(h5file=frame_group(self.h5, self._frame_number(index)))

    def add_flimage(
        self,
        fli: FLImage,
        identifier: str | None = None,
        bg_from_idx: int | str | None = None,
    ) -> None:
        """Append an image.

        Parameters
        ----------
        fli
            The image; it is copied with background and metadata.
        identifier
            Identifier of the image in this series, in place of its own.
        bg_from_idx
            Share the assigned background of another image of the series (number or identifier)
            instead of storing that of `fli`: it takes no further space.

        Raises
        ------
        flimage.errors.InputError
            When `fli` is no FLImage, or its identifier is taken.
        """
        if not isinstance(fli, FLImage):
            raise InputError(f"Only an FLImage can be appended to a series, not {type(fli)}.")
        self._check_writable()
        taken = self._index.numbers()
        name = fli.meta.get("identifier") if identifier is None else str(identifier)
        name = None if name is None else str(name)
        if name in taken:
            raise InputError(
                f"{self}: the identifier {name!r} is taken by image {taken[name]}; append {fli}"
                " with another one."
            )
        shared: h5py.Dataset | None = None
        if bg_from_idx is not None:
            other = self._frame_number(bg_from_idx)
            shared = follow(self.h5, f"fli_{other}/{BG_DATA}/data")
            if not isinstance(shared, h5py.Dataset):
                raise InputError(f"{self}: image {other} has no background to be shared.")
            if shared.shape != fli.shape:
                raise InputError(
                    f"{self}: the background of image {other} has shape {shared.shape}, {fli}"
                    f" {fli.shape}; both must be the same."
                )
        frame = len(self)
        group = self.h5.create_group(f"fli_{frame}")
        try:
            copy_image_group(fli.h5, group)
            if name is not None:
                group.attrs["identifier"] = name
            if shared is not None:
                set_background(group, shared, "data")
        except BaseException:
            del self.h5[f"fli_{frame}"]
            raise
        self._index.appended(name, fli.meta.get("time"))

    def add_images(
        self,
        images: Iterable[npt.ArrayLike],
        meta_data: Iterable[Mapping[str, Any]] | None = None,
        dtype: npt.DTypeLike = "float32",
        compression: Compression = "balanced",
    ) -> None:
        """Append many raw images at once, which is much quicker than one by one.

        Images are compressed in parallel, and never all held in memory.

        Parameters
        ----------
        images
            Images of shape (y, x).
        meta_data
            Metadata of each image, as many as there are images; none by default.
        dtype
            Data type in the file.
        compression
            ``"fast"``, ``"balanced"`` or ``"small"``.

        Raises
        ------
        flimage.errors.InputError
            When an image is none, an identifier is taken, or the numbers of images and metadata
            differ. None of the images is in the series then.
        """
        from .appending import append_images

        self._check_writable()
        try:
            append_images(
                self.h5,
                str(self),
                dict(self._index.numbers()),
                len(self),
                images,
                meta_data,
                dtype,
                compression,
            )
        finally:
            self._index.refresh()

    def bleach_correction(
        self,
        h5out: PathOrGroup | None = None,
        border_px: int = 20,
        flscorr: FLSeries | None = None,
        count: Any = None,
        max_count: Any = None,
        *,
        recipe: Recipe | None = None,
        overwrite: bool = False,
    ) -> BleachCorrection:
        """Correct the series for photobleaching.

        The decay of the signal is fitted with an exponential and an offset, and every image is
        multiplied by what it lost against the first one.

        Parameters
        ----------
        h5out : path, h5py.Group or None
            The corrected series is written to this new file or empty group; None only computes.
        border_px
            Width of the image border that holds background [px].
        flscorr : FLSeries, optional
            Apply the correction to the images of this series, for example a denoised version of
            this one, instead.
        count, max_count
            Objects with an attribute ``value``, for example ``multiprocessing.Value``, that
            follow the progress; both are equal at the end, also after an error.
        recipe : flimage.recipe.Recipe, optional
            All settings at once; `border_px` is then taken from it.
        overwrite
            Replace an output that exists.

        Returns
        -------
        BleachCorrection
            The tuple ``(bg, flint, decay, times)``.

        Raises
        ------
        flimage.errors.OutputExistsError
            When the output exists; it is a ``FileExistsError``.
        flimage.errors.SameFileError
            When the output is the series itself.
        flimage.errors.TimesError
            When times are missing or not finite, or all the same.
        flimage.errors.TooFewFramesError
            When there are fewer than four usable frames.
        flimage.errors.BorderError
            When the border covers the whole image.
        flimage.errors.InputError
            When frames differ in size, or `flscorr` does not fit.

        See Also
        --------
        flimage.correct.run : the same with the fit's parameters, errors and verdict as result.
        """
        from . import correct
        from .recipe import Recipe
        from .source import SeriesSource

        with SharedCounters(count, max_count) as counters:
            chosen = Recipe(border_px=border_px) if recipe is None else recipe
            result = correct.run(
                SeriesSource(self),
                chosen,
                h5out,
                target=None if flscorr is None else SeriesSource(flscorr),
                overwrite=overwrite,
                progress=counters,
            )
        fit = result.fit
        level = fit.trace.background
        return BleachCorrection(
            bg=float(level[0]) if chosen.background == "series" else level,
            flint=fit.trace.intensity,
            decay=fit.curve,
            times=fit.trace.times,
        )

    def to_dask(self, images: ImageKind = "background-corrected", **options: Any) -> Any:
        """Return the images as a lazy Dask array of shape (t, y, x).

        See :func:`flimage.lazy.to_dask`.
        """
        from .lazy import to_dask

        return to_dask(self, images, **options)

    def to_xarray(self, images: ImageKind = "background-corrected", **options: Any) -> Any:
        """Return the images as a lazy xarray.DataArray with times [s] and positions [m].

        See :func:`flimage.lazy.to_xarray`.
        """
        from .lazy import to_xarray

        return to_xarray(self, images, **options)

    def denoise(
        self,
        h5file: PathOrGroup,
        count: Any = None,
        max_count: Any = None,
        *,
        strength: float = 1.0,
        overwrite: bool = False,
    ) -> None:
        """Write a denoised copy of the series.

        Each image is denoised by total variation; assigned backgrounds are subtracted before.

        Parameters
        ----------
        h5file
            New file, or empty group, for the denoised series.
        count, max_count
            Objects that follow the progress, see :meth:`bleach_correction`.
        strength
            Strength of the denoising relative to the noise of each image; it has no unit, so that
            the result does not depend on the unit of the intensity.
        overwrite
            Replace an output that exists.

        Raises
        ------
        flimage.errors.OutputExistsError
            When the output exists; it is a ``FileExistsError``.
        flimage.errors.SameFileError
            When the output is the series itself.
        """
        from . import correct
        from .source import SeriesSource

        with SharedCounters(count, max_count) as counters:
            correct.denoise_series(
                SeriesSource(self),
                h5file,
                strength=strength,
                overwrite=overwrite,
                progress=counters,
            )
