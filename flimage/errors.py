"""Every exception that flimage raises on purpose.

Each class derives from :class:`FlimageError` *and* from the built-in exception a caller would
expect in its place, so that code which catches ``ValueError`` or ``FileExistsError`` keeps working.
"""

from __future__ import annotations

from typing import Any

__all__ = [
    "BorderError",
    "Cancelled",
    "DamagedImageError",
    "DamagedSeriesError",
    "FileAccessError",
    "FileFormatError",
    "FileLockedError",
    "FlimageError",
    "FrameNotFoundError",
    "InputError",
    "MetaDataMissingError",  # noqa: F822 - resolved by __getattr__ below
    "MissingFileError",
    "NeverReplacedError",
    "OutputExistsError",
    "SameFileError",
    "TimesError",
    "TooFewFramesError",
]


class FlimageError(Exception):
    """Base class of all exceptions raised on purpose."""


class InputError(FlimageError, ValueError):
    """A value, an image or a recording cannot be used as it is."""


class BorderError(InputError):
    """The border leaves no image, or is not a number of pixels."""


class TimesError(InputError):
    """Acquisition times are missing, not finite, or all the same."""


class TooFewFramesError(InputError):
    """Fewer usable frames than the computation needs."""


class FileFormatError(FlimageError, ValueError):
    """A file opens, but does not hold what it is said to hold."""


class DamagedSeriesError(FileFormatError):
    """Parts of a series are missing; :func:`flimage.recover.recover` writes the others."""


class MissingFileError(FlimageError, FileNotFoundError):
    """A file or a folder does not exist."""


class FileAccessError(FlimageError, OSError):
    """A file or a folder cannot be opened: permissions, or another program uses it."""


class FileLockedError(FileAccessError):
    """Another program has the file open for writing."""


class DamagedImageError(FlimageError, OSError):
    """The bytes of an image are damaged: checksum or decompression failed."""


class FrameNotFoundError(FlimageError, KeyError, IndexError):
    """A series has no frame with that number or identifier."""

    def __str__(self) -> str:
        # KeyError would show the sentence in quotation marks.
        return str(self.args[0]) if self.args else ""


class OutputExistsError(FlimageError, FileExistsError):
    """The output exists and replacing it was not asked for."""


class NeverReplacedError(OutputExistsError):
    """What stands in the place of the output is not replaced, even if that is asked for."""


class SameFileError(FlimageError, ValueError):
    """The output would overwrite the recording that is being read."""


class Cancelled(FlimageError):  # noqa: N818 - it is a request that was met, not an error
    """A progress callback asked to stop; everything half-done was removed."""


def __getattr__(name: str) -> Any:
    """Resolve :class:`MetaDataMissingError` when it is first needed.

    It derives from qpimage's exception of that name, and importing qpimage takes longer than
    everything else in flimage together.
    """
    if name == "MetaDataMissingError":
        from ._qpimage import MetaDataMissingError

        return MetaDataMissingError
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
