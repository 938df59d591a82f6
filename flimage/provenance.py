"""What a corrected file says about its own making, and how that is stored.

The recipe and the fit stand as JSON in attributes of the series group, the gain and the subtracted
background of each frame in attributes of its dataset ``raw``. Image groups get no attributes
beyond the metadata keys, because flimage 0.3.3 refuses to read those that it does not know.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import h5py
import numpy as np
import numpy.typing as npt

from ._version import __version__
from .attributes import as_text, read_attributes
from .checked import file_name, named
from .errors import FileFormatError, FlimageError
from .fit_record import check_fit
from .frame_survey import numbers_of_images
from .image_group import describe
from .plain_text import clean
from .recipe import Recipe

__all__ = [
    "FRAME_BACKGROUND",
    "FRAME_GAIN",
    "Origin",
    "Provenance",
    "frame_attributes",
    "of_source",
    "origin",
    "read",
    "write",
]

#: Attributes of the series group.
SERIES_RECIPE = "bleach recipe"
SERIES_FIT = "bleach fit"
SERIES_SOURCE = "bleach source"
SERIES_VERSION = "bleach flimage version"
DENOISE_STRENGTH = "denoise strength"

#: Attributes of each dataset ``raw``.
FRAME_GAIN = "bleach gain"
FRAME_BACKGROUND = "bleach background"

#: HDF5 keeps an attribute in at most 64 KiB; a longer text goes on in "NAME (2)", and so on.
_PIECE = 48_000

#: Pieces of a text that are read: enough for the record of 400 000 frames.
MOST_PIECES = 2000


@dataclass(frozen=True)
class Provenance:
    """How a corrected series was made.

    Parameters
    ----------
    recipe
        All settings of the correction.
    fit
        Result of the fit as plain values, see :meth:`flimage.bleach.BleachFit.to_dict`.
    version
        Version of flimage that wrote the series.
    source
        Name of the recording that was corrected (no folder), or an empty text.
    gain
        Gain of each frame, of shape (t,).
    background
        Level that was subtracted from each frame, of shape (t,) [counts].
    """

    recipe: Recipe
    fit: Mapping[str, Any]
    version: str
    source: str
    gain: npt.NDArray[np.float64]
    background: npt.NDArray[np.float64]


@dataclass(frozen=True)
class Origin:
    """What a series was corrected from, and by which version.

    Parameters
    ----------
    source
        Name of the recording that was corrected (no folder), or an empty text.
    version
        Version of flimage that wrote the series.
    """

    source: str
    version: str

    def warning(self, name: str) -> str:
        """Say what it means to correct the series again.

        Parameters
        ----------
        name
            Name of its file.
        """
        source = f", from {self.source}" if self.source else ""
        return f"{name} was bleach-corrected already{source}; correcting it again counts twice."


def frame_attributes(gain: float, background: float) -> dict[str, float]:
    """Attributes for the dataset ``raw`` of a corrected frame."""
    return {FRAME_GAIN: float(gain), FRAME_BACKGROUND: float(background)}


def write(group: h5py.Group, recipe: Recipe, fit: Mapping[str, Any], source: str) -> None:
    """Write recipe, fit and version to a series group.

    Parameters
    ----------
    group
        Series group.
    recipe
        All settings of the correction.
    fit
        Result of the fit as plain values.
    source
        Name of the recording.
    """
    _write_text(group, SERIES_RECIPE, recipe.to_json())
    _write_text(group, SERIES_FIT, json.dumps(fit, separators=(",", ":"), allow_nan=False))
    _write_text(group, SERIES_SOURCE, clean(source))
    _write_text(group, SERIES_VERSION, __version__)


def read(group: h5py.Group) -> Provenance | None:
    """Read what :func:`write` wrote; None for a series that was not corrected.

    Raises
    ------
    flimage.errors.FileFormatError
        When what stands there cannot be understood.
    """
    if not _is_there(group):
        return None
    try:
        recipe = Recipe.from_json(_read_text(group, SERIES_RECIPE))
        fit = json.loads(_read_text(group, SERIES_FIT))
        check_fit(fit)
        frames = sum(1 for name in group if name.startswith("fli_"))
        gain = numbers_of_images(group, frames, FRAME_GAIN)
        background = numbers_of_images(group, frames, FRAME_BACKGROUND)
        if not (np.isfinite(gain).all() and np.isfinite(background).all()):
            raise ValueError("a gain or background is no finite number")
        if not (gain > 0).all():
            raise ValueError("a gain is not above 0")
    except FlimageError as error:
        if file_name(group) in str(error):  # a frame, which is named
            raise
        raise FileFormatError(
            f"{describe(group)}: the record of the bleach correction is damaged. {error}"
        ) from error
    except (KeyError, OSError, RecursionError, RuntimeError, TypeError, ValueError) as error:
        raise FileFormatError(
            f"{describe(group)}: the record of the bleach correction is damaged ({error})."
        ) from error
    return Provenance(
        recipe=recipe,
        fit=fit,
        version=_read_text(group, SERIES_VERSION),
        source=_read_text(group, SERIES_SOURCE),
        gain=gain,
        background=background,
    )


def of_source(source: object) -> Provenance | None:
    """Read how the series behind a source of frames was corrected; None where it was not.

    Raises
    ------
    flimage.errors.FileFormatError
        See :func:`read`.
    """
    # Edits stand in front of the source that they change.
    series = getattr(getattr(source, "source", source), "series", None)
    return None if series is None else read(series.h5)


def origin(group: h5py.Group) -> Origin | None:
    """Tell what a series was corrected from, without looking at its frames.

    Returns
    -------
    Origin or None
        None for a series that was not corrected.
    """
    if not _is_there(group):
        return None
    return Origin(_read_text(group, SERIES_SOURCE), _read_text(group, SERIES_VERSION))


def _write_text(group: h5py.Group, name: str, text: str) -> None:
    pieces = [text[i : i + _PIECE] for i in range(0, len(text), _PIECE)] or [""]
    for number, piece in enumerate(pieces, start=1):
        group.attrs[name if number == 1 else f"{name} ({number})"] = piece


def _is_there(group: h5py.Group) -> bool:
    with named(group):
        return SERIES_RECIPE in group.attrs


def _read_text(group: h5py.Group, name: str) -> str:
    """Read a text, and how it goes on."""
    with named(group):
        there = set(group.attrs)
    names = [name, *(f"{name} ({number})" for number in range(2, MOST_PIECES + 1))]
    found = read_attributes(group, itertools.takewhile(there.__contains__, names))
    pieces = [as_text(found.get(each)) for each in itertools.takewhile(found.__contains__, names)]
    return "".join(piece or "" for piece in pieces)
