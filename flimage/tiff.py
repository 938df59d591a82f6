"""TIFF, BigTIFF, OME-TIFF and ImageJ stacks as recordings, through `tifffile`.

Each frame is read when it is asked for. Times and pixel sizes are taken from where the format
defines them (OME-XML, ImageJ's properties), never from the resolution that an image program wrote
for printing.
"""

from __future__ import annotations

import dataclasses
import functools
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import tifffile

from .errors import FileFormatError, FlimageError, InputError
from .image_folder import natural_key
from .ome import OmeRecording, as_list, ome_images, ome_maps
from .recording import check_size, read_block
from .selecting import Axis, ChoiceNeededError, Selection
from .tiff_checks import check_directories, check_page, remarks
from .tiff_codecs import PageDecoder, is_missing_codec, missing_codec
from .tiff_sets import check_set
from .tiff_values import StoredValues, times_in_info, values_of_imagej, values_of_ome
from .units import METRES, SECONDS, number_of, scale_of

__all__ = ["TiffRecording"]


class TiffRecording(OmeRecording):
    """A stack of grey-scale images in a TIFF file of any flavour."""

    kind = "TIFF"

    def __init__(self, path: Path, selection: Selection | None = None) -> None:
        super().__init__(path, selection)
        self._whole: npt.NDArray[Any] | None = None
        self._stored_type = self.dtype
        self._values: StoredValues | None = None
        self._pages: list[Any] = []
        # The files of a set in which frames stand.
        self._members: set[Any] = set()
        self._image = 0
        self._block: int | None = None
        self._decoder = PageDecoder(path)
        with remarks() as found:
            smallest = check_directories(path)
            # Where bytes are damaged, tifffile raises whatever comes of them.
            try:
                self._file = tifffile.TiffFile(path)
            except Exception as error:
                if "not a TIFF file" in str(error):
                    raise FileFormatError(
                        f"{path} is no TIFF file, whatever its ending says; name the recording, or"
                        " save it as TIFF in the program that it comes from."
                    ) from error
                raise FileFormatError(
                    f"{path} is not a readable TIFF file ({error}); restore it from a copy."
                ) from error
            try:
                missing = check_set(path, self._file, smallest)
                self._open_series()
                self._read_metadata()
            except FlimageError:
                self.close()
                raise
            except Exception as error:
                self.close()
                if is_missing_codec(error):
                    raise missing_codec(path, self._file.pages.first) from error
                raise FileFormatError(
                    f"{path} is damaged ({type(error).__name__}: {error}); restore it from a copy."
                ) from error
            except BaseException:
                self.close()
                raise
        self._tell_of_set(missing)
        self._notes += [f"The TIFF reader remarks: {text}" for text in dict.fromkeys(found)]

    def _open_series(self) -> None:
        """Find the stack to read; thumbnails and labels beside it don't count."""
        found = [s for s in self._file.series if not s.keyframe.is_reduced]
        if not found:
            raise FileFormatError(f"{self.path} holds no image.")
        series = found[0]
        axes, shape = series.axes, series.shape
        pages: Sequence[Any] = series.pages
        if len(found) > 1:
            alike = len({(s.shape, s.axes, s.dtype) for s in found}) == 1
            if alike and all(len(s.pages) == 1 for s in found):
                # Images that a program wrote one by one, without saying that they belong together.
                axes, shape = f"I{axes}", (len(found), *shape)
                pages = [s.pages[0] for s in found]
            else:
                series = self._choose_stack(found)
                axes, shape, pages = series.axes, series.shape, series.pages
                found = [series]
        self.dtype = self._stored_type = np.dtype(series.dtype)
        self._check_dtype()
        self._set_axes(
            axes,
            shape,
            "save one channel, position and depth as a stack over time, in ImageJ with"
            " Image › Duplicate… or Image › Hyperstacks › Make Subset….",
            self._channel_names(),
        )
        block = series.dataoffset if series.keyframe.parent is self._file else None
        if len(found) == 1 and block is not None:
            # One block of bytes, often announced by the first page alone (ImageJ beyond 4 GB).
            if block + series.nbytes > self.path.stat().st_size:
                raise FileFormatError(
                    f"{self.path} ends before its last frame; it was not written or copied whole."
                )
            self._block = int(block)
            self._keyframe = series.keyframe
            return
        self._keyframe = pages[0].keyframe
        planes = self._layout.planes
        if len(pages) < planes and math.prod(series.keyframe.shape) == math.prod(self.shape):
            pages = [*pages, *[None] * (planes - len(pages))]
        if len(pages) != planes:
            # Frames that are no pages of their own (volumes, separate planes): read at once.
            self._check_whole(series)
            self._whole = self._decoder.read_all(series).reshape(planes, *self.shape)
            return
        self._pages = [pages[self._layout.plane(index)] for index in range(self.n_frames)]
        self._members |= {page.parent for page in self._pages if page is not None}
        if any(page is None for page in self._pages):
            self._drop_missing()

    def _check_whole(self, series: Any) -> None:
        """Make sure that a stack that is read at once is there."""
        self._members |= {page.parent for page in series.pages if page is not None}
        check_size(self.path, series.shape, self.dtype.itemsize, self._bytes())
        for page in series.pages:
            if page is not None:
                check_page(self._file_of(page), page)

    def _file_of(self, page: Any) -> Path:
        """Find the file in which a page stands: it may be another one of a set."""
        return self.path if page.parent is self._file else Path(page.parent.filehandle.path)

    def _bytes(self) -> int:
        others = {Path(each.filehandle.path) for each in self._members if each is not self._file}
        return sum(each.stat().st_size for each in (self.path, *others))

    def _tell_of_set(self, missing: Sequence[str]) -> None:
        """Note which files the images come from where that is not the opened one alone."""
        names = sorted({each.filehandle.name for each in self._members} or {""}, key=natural_key)
        shown = f"{', '.join(names[:4])}{', …' if names[4:] else ''}"
        if len(names) > 1:
            self._notes.append(f"Images are spread over {len(names)} files: {shown}.")
        elif self._members and self._file not in self._members:
            self._notes.append(f"Images are in the file {shown} beside this one.")
        if missing:
            shown = f"{', '.join(missing[:4])}{', …' if missing[4:] else ''}"
            self._notes.append(f"Files that belong to the recording are not beside it: {shown}.")

    def _choose_stack(self, found: Sequence[Any]) -> Any:
        """Choose one of several stacks, which are the positions of a recording."""
        if len(found) > 1 and self.selection.position is None:
            shapes = ", ".join("×".join(map(str, s.shape)) for s in found[:4])
            axis = Axis("P", len(found), tuple(s.name or "" for s in found))
            raise ChoiceNeededError(
                f"{self.path} holds {len(found)} stacks ({shapes}{', …' if found[4:] else ''});"
                f" choose one with {axis.choices}, or save the one to use as a file of its own."
                " (The frames of a series must be of one size.)",
                (axis,),
            )
        number = self.selection.position or 0
        if not 0 <= number < len(found):
            raise InputError(
                f"{self.path} has no position {number}; there is (0 to {len(found) - 1})"
                " (--position)."
            )
        self._notes.append(f"Images are those of position {number} of {len(found)}.")
        # Within this stack there is one position only.
        self.selection = dataclasses.replace(self.selection, position=None)
        self._image = number
        return found[number]

    def _channel_names(self) -> list[str]:
        """Names of the channels, as far as the file states them."""
        names = [channel.get("Name") for channel in as_list(self._ome_pixels().get("Channel"))]
        return [] if None in names else [str(name) for name in names]

    def _drop_missing(self) -> None:
        """Shorten the series to the frames that an interrupted acquisition did write."""
        missing = [index for index, page in enumerate(self._pages) if page is None]
        present = self.n_frames - len(missing)
        if missing[0] != present or present == 0:
            raise FileFormatError(
                f"{self.path} announces {self.n_frames} frames, but frame {missing[0]} is missing;"
                " the recording is incomplete."
            )
        self._notes.append(
            f"The file announces {self.n_frames} frames, but holds only the first {present}."
        )
        self.n_frames = present

    def _read_metadata(self) -> None:
        if self._file.is_ome:
            self._read_ome()
        if self._file.is_imagej:
            self._read_imagej()
        self._take_values()
        software = self._keyframe.software
        if software:
            self.meta["software"] = str(software).strip()

    def _take_values(self) -> None:
        """Find out what stored numbers of 8 or 16 bits stand for."""
        if self.dtype not in (np.uint8, np.uint16):
            return
        if self._file.is_imagej:
            properties = self._file.imagej_metadata or {}
            self._values, note = values_of_imagej(properties, np.iinfo(self.dtype).max)
        elif self.dtype == np.uint8:  # nothing that is written here is stored in these
            return
        else:
            self._values, note = values_of_ome(self._maps)
        self._notes += [note] if note else []
        if self._values is None:
            return
        self.dtype = self._values.dtype
        if self.maximum is not None:
            # Numbers that were spread over all bits say nothing about the detector.
            top = self.maximum + int(self._values.scaling.offset)
            self.maximum = top if self.dtype.kind in "ui" and top > 0 else None

    @property
    def _maps(self) -> list[Any]:
        """Maps among the annotations of OME-XML; none where it is damaged, or there is none."""
        return ome_maps(self._file.ome_metadata or "") if self._file.is_ome else []

    @functools.cached_property
    def _ome(self) -> list[dict[str, Any]]:
        """Images of the OME-XML; none where it is damaged, or there is none."""
        return ome_images(self._file.ome_metadata or "") if self._file.is_ome else []

    def _ome_pixels(self) -> dict[str, Any]:
        """Return what OME-XML says about the pixels of the image that is read."""
        if not self._image < len(self._ome):
            return {}
        pixels: dict[str, Any] = self._ome[self._image].get("Pixels", {})
        return pixels

    def _read_ome(self) -> None:
        """Take times and pixel size from the OME-XML."""
        if not self._ome_pixels():
            self._notes.append("The OME-XML is damaged and was not used.")
            return
        self._take_ome(self._ome[self._image])

    def _read_imagej(self) -> None:
        """Take interval and pixel size from the properties that ImageJ writes.

        The resolution is in pixels per `unit`; without a unit it is the one for printing.
        """
        properties = self._file.imagej_metadata or {}
        times = times_in_info(properties)
        if len(times) == self.n_frames == self._layout.planes:
            self._set_times(times, "the times that flimage wrote into ImageJ's info")
        scale = scale_of(SECONDS, properties.get("tunit"), "sec")
        self._set_interval(
            number_of(properties.get("finterval")) * scale, "ImageJ's frame interval"
        )
        rate = number_of(properties.get("fps"))
        if rate > 0:
            self._set_interval(1 / rate, "ImageJ's frame rate")
        unit = properties.get("unit")
        if unit and self.pixel_size is None:
            scale = scale_of(METRES, unit, "")
            x, y = self._keyframe.resolution
            if x > 0 and y > 0:
                self._set_pixel_size(
                    scale / x, scale_of(METRES, properties.get("yunit"), unit) / y, "ImageJ"
                )

    def _read(self, index: int) -> npt.NDArray[Any]:
        stored = self._stored(index)
        return stored if self._values is None else self._values.restore(stored)

    def _stored(self, index: int) -> npt.NDArray[Any]:
        """Read the numbers of a frame as they stand in the file."""
        if self._whole is not None:
            whole: npt.NDArray[Any] = self._whole[self._layout.plane(index)]
            return whole
        if self._block is not None:
            size = math.prod(self.shape) * self._stored_type.itemsize
            dtype = self._stored_type.newbyteorder(self._file.byteorder)
            start = self._block + self._layout.plane(index) * size
            return read_block(self._file.filehandle, start, self.shape, dtype)
        page = self._pages[index]
        check_page(self._file_of(page), page)
        with remarks():
            image = self._decoder.read(page, index)
        return image.reshape(image.shape[-2:]) if image.size == math.prod(self.shape) else image

    def close(self) -> None:
        """Close the file."""
        self._whole = None
        self._decoder.close()
        self._file.close()
