"""TIFF pages in compressions that `tifffile` leaves to `imagecodecs`: LZW, Zstandard, JPEG.

That package takes some 80 MB, so it is optional. Where it is missing, Pillow decodes what it can,
LZW first of all, which many programs of microscopes write.
"""

from __future__ import annotations

import os
import threading
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from .errors import InputError
from .extras import install_command

__all__ = ["PageDecoder", "is_missing_codec", "missing_codec"]

#: Compressions that Pillow is asked for: LZW, JPEG, PackBits, LZMA, Zstandard and WebP. Of others
#: it knows those for black and white only, and complains on the console about anything else.
_OF_PILLOW = (5, 7, 32773, 34925, 50000, 50001)


def is_missing_codec(error: Exception) -> bool:
    """Tell whether `tifffile` failed because `imagecodecs`, or a part of it, is not installed."""
    # Older versions of tifffile call it not supported what they have no decoder for.
    said = ("requires the 'imagecodecs' package", "> not supported")
    return isinstance(error, ImportError) or any(each in str(error) for each in said)


def missing_codec(path: Path, page: Any, frame: int | None = None) -> InputError:
    """Return the error for a compression that nothing here can decode."""
    name = getattr(page.compression, "name", str(page.compression))
    what = path if frame is None else f"Frame {frame} of {path}"
    return InputError(
        f"{what} is compressed with {name}, which needs the package imagecodecs: run"
        f" '{install_command('tiff')}', or save the file without compression."
    )


class PageDecoder:
    """Decodes pages of one recording, which may stand in several files.

    Parameters
    ----------
    path
        The recording, for messages.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._own = os.path.realpath(path)
        self._opened: dict[str, Any] = {}
        #: The last file of a set that was read from; tifffile opens them only to look at them.
        self._member: Any = None
        self._lock = threading.Lock()

    def read(self, page: Any, frame: int | None = None) -> npt.NDArray[Any]:
        """Decode a page.

        Parameters
        ----------
        page
            A page of `tifffile`.
        frame
            Which frame it is, for messages; None where the file holds no other.

        Returns
        -------
        numpy.ndarray
            Its values.

        Raises
        ------
        flimage.errors.InputError
            When its compression needs a package that is not installed.
        """
        try:
            image: npt.NDArray[Any] = self._read(page)
        except (ValueError, ImportError) as error:
            if not is_missing_codec(error):
                raise
        else:
            return image
        if page.compression not in _OF_PILLOW:
            raise missing_codec(self._path, page, frame)
        return self._decode(page, frame)

    def read_all(self, series: Any) -> npt.NDArray[Any]:
        """Decode all pages of a stack, which may stand in several files."""
        with warnings.catch_warnings():
            # It opens each file of a set when it comes to it, and says so.
            warnings.filterwarnings("ignore", "reading array from closed file", UserWarning)
            image: npt.NDArray[Any] = series.asarray()
        return image

    def _read(self, page: Any) -> npt.NDArray[Any]:
        handle = page.parent.filehandle
        if handle.path == self._own:
            image: npt.NDArray[Any] = page.asarray()
            return image
        with self._lock:
            if handle is not self._member:
                if self._member is not None:
                    self._member.close()
                handle.open()
                self._member = handle
            image = page.asarray()
        return image

    def _decode(self, page: Any, frame: int | None) -> npt.NDArray[Any]:
        from PIL import Image

        name = str(page.parent.filehandle.path)
        with self._lock:
            # Pillow tells in many ways what it does not know.
            try:
                with warnings.catch_warnings():
                    # Of large pages; what they hold was looked at before.
                    warnings.simplefilter("ignore", Image.DecompressionBombWarning)
                    if name not in self._opened:
                        self._opened[name] = Image.open(name)
                    picture = self._opened[name]
                    picture.seek(page.index)
                    values = np.asarray(picture)
            except Exception as error:
                raise missing_codec(self._path, page, frame) from error
        if values.shape != page.shape or values.dtype.kind not in "iuf":
            raise missing_codec(self._path, page, frame)
        # Pillow has no unsigned integers of 32 bits: these come back from its signed ones.
        return values.astype(page.dtype)

    def close(self) -> None:
        """Close the files."""
        for picture in self._opened.values():
            picture.close()
        self._opened.clear()
        if self._member is not None:
            self._member.close()
            self._member = None
