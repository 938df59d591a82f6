"""Folders of single images as recordings, one file per frame, in the order a person reads."""

from __future__ import annotations

import contextlib
import math
import os
import re
import stat
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import tifffile

from .beside import check_within
from .errors import FileFormatError, FlimageError, InputError
from .folder_files import OTHER_SUFFIXES, TIFF_SUFFIXES, images_of
from .recording import Recording, check_size
from .selecting import Selection
from .tiff_checks import check_directories, check_page, remarks
from .tiff_codecs import PageDecoder, is_missing_codec, missing_codec
from .tiff_sets import check_counts

__all__ = ["FolderRecording", "natural_key"]

#: Bytes of a pixel, by Pillow's names of kinds of pixels, where these are more than one.
_BYTES = {"I": 4, "F": 4, "I;16": 2, "I;16B": 2, "I;16L": 2}


def natural_key(name: str) -> tuple[tuple[int, int | str], ...]:
    """Key that sorts ``img2`` before ``img10``.

    Parameters
    ----------
    name
        Name of a file.
    """
    # A name starts with a text, maybe an empty one, so that texts and numbers take turns.
    parts = re.split(r"([0-9]+)", name.casefold())
    return tuple((1, int(part)) if part.isdigit() else (0, part) for part in parts)


class FolderRecording(Recording):
    """Images in a folder: all of them, or those that a pattern names.

    A link that leads out of the folder is refused, as anywhere else: an archive from a stranger may
    hold one (see decision 8).
    """

    kind = "image folder"

    def __init__(self, path: Path, selection: Selection | None = None) -> None:
        super().__init__(path, selection)
        folder = path if path.is_dir() else path.parent
        self._folder = os.path.realpath(folder)
        self._files = self._find()
        first = self._load(self._files[0])
        self.dtype = first.dtype
        self._check_dtype()
        axes = "I" * (first.ndim - 2) + "YX"
        if first.ndim == 3 and first.shape[-1] in (3, 4):
            axes = "YXS"
        if first.ndim > 3 or axes == "IYX":
            raise InputError(
                f"{self._files[0]} holds {first.shape[0]} images, but in a folder each file is one"
                " frame; choose this file instead of its folder, or take it out of there."
            )
        remedy = "save each frame as a grey-scale image in a file of its own."
        self._set_axes(f"T{axes}", (len(self._files), *first.shape), remedy)
        names = self._files[0].name, self._files[-1].name
        self._notes.append(
            f"Frames are the {len(self._files)} files {names[0]} … {names[1]}, in natural order."
        )

    def _find(self) -> list[Path]:
        """Find the images, which have to be of one kind."""
        found = (Path(entry.path) for entry in images_of(self.path))
        images = [p for p in found if p.exists() and not p.is_dir()]
        if not images:
            raise InputError(
                f"{self.path} holds no images; they have to end in"
                f" {', '.join(sorted((*TIFF_SUFFIXES, *OTHER_SUFFIXES)))}."
            )
        kinds = sorted({p.suffix.lower() for p in images})
        if len(kinds) > 1 and not {*kinds} <= {*TIFF_SUFFIXES}:
            raise InputError(
                f"{self.path} holds images of several kinds ({', '.join(kinds)}); name those that"
                f" belong together with a pattern, such as '{self._example(kinds[0])}'."
            )
        return sorted(images, key=lambda p: natural_key(p.name))

    def _example(self, suffix: str) -> Path:
        folder = self.path if self.path.is_dir() else self.path.parent
        return folder / f"*{suffix}"

    def _load(self, path: Path) -> npt.NDArray[Any]:
        try:
            if not stat.S_ISREG(path.lstat().st_mode):
                check_within(self.path, self._folder, path, path.name)
            return _load_tiff(path) if path.suffix.lower() in TIFF_SUFFIXES else _load_other(path)
        except FlimageError:
            raise
        # Damaged files make the decoders raise many kinds of exceptions.
        except Exception as error:
            raise FileFormatError(f"{path} is not a readable image: {error}") from error

    @property
    def files(self) -> Sequence[Path]:
        """Files of the frames, in order."""
        return tuple(self._files)

    def _read(self, index: int) -> npt.NDArray[Any]:
        image = self._load(self._files[index])
        if image.shape != self.shape:
            raise FileFormatError(
                f"{self._files[index]} is of shape {image.shape}, but the images before it of"
                f" {self.shape}; the frames of a series must be of one size."
            )
        return image

    def close(self) -> None:
        """Do nothing: files are only open while they are read."""


def _load_tiff(path: Path) -> npt.NDArray[Any]:
    """Read the first image of a TIFF file, whatever other files it names."""
    smallest = check_directories(path)
    # What else belongs to a set are frames of their own.
    alone: dict[str, Any] = {"_multifile": False, "is_mmstack": False, "is_ndtiff": False}
    with remarks(), tifffile.TiffFile(path, **alone) as file:
        check_counts(path, file, smallest)
        series = file.series[0]
        shape: tuple[int, ...] = series.shape
        check_size(path, shape, series.dtype.itemsize, path.stat().st_size)
        for page in series.pages:
            if page is not None:
                check_page(path, page)
        if math.prod(series.keyframe.shape) == math.prod(shape):
            with contextlib.closing(PageDecoder(path)) as decoder:
                image = decoder.read(series.pages[0])
            return image.reshape(shape)
        # Several images are no frame; what is told is their shape.
        try:
            return np.asarray(series.asarray())
        except (ValueError, ImportError) as error:
            if is_missing_codec(error):
                raise missing_codec(path, series.keyframe) from error
            raise


def _load_other(path: Path) -> npt.NDArray[Any]:
    from PIL import Image

    with warnings.catch_warnings():
        # Of large images, which may well be; those of which next to nothing is stored are refused.
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)
        picture = Image.open(path)
    with picture:
        # Which of its kinds of pixels takes how much, it keeps to itself.
        shape = (picture.height, picture.width, len(picture.getbands()))
        check_size(path, shape, _BYTES.get(picture.mode, 1), path.stat().st_size)
        # A palette is how a picture is shown, not what was measured.
        return np.asarray(picture.convert("RGB") if picture.mode == "P" else picture)
