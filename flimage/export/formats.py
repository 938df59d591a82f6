"""What can be exported, and which ending of a file name stands for which format."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from ..errors import InputError

__all__ = [
    "EXTRAS",
    "FIGURES",
    "FORMATS",
    "MOVIES",
    "STACKS",
    "ImageKind",
    "check_series_name",
    "format_of",
]

#: The images as stored, without their assigned backgrounds, or corrected for bleaching.
ImageKind = Literal["raw", "background-corrected", "bleach-corrected"]

#: Formats by the ending of the output, the longest ending first.
FORMATS: Mapping[str, str] = {
    ".ome.zarr": "zarr",
    ".ome.tiff": "ome",
    ".ome.tif": "ome",
    ".ome.btf": "ome",
    ".html": "html",
    ".json": "json",
    ".tiff": "imagej",
    ".zarr": "zarr",
    ".tif": "imagej",
    ".csv": "csv",
    ".gif": "gif",
    ".htm": "html",
    ".mp4": "mp4",
    ".pdf": "pdf",
    ".png": "png",
    ".svg": "svg",
}

#: Formats that hold images, one or several panes of them, or a fit.
STACKS = ("ome", "imagej", "zarr")
MOVIES = ("mp4", "gif")
FIGURES = ("png", "svg", "pdf")

#: What some formats need: the module, the extra of flimage that installs it, and what it is for.
EXTRAS: Mapping[str, tuple[str, str, str]] = {
    "zarr": ("zarr", "zarr", "OME-Zarr"),
    "mp4": ("av", "movie", "MP4"),
}


def format_of(path: Path) -> str:
    """Return the format that the ending of a file name stands for.

    Raises
    ------
    flimage.errors.InputError
        When it stands for none.
    """
    name = path.name.lower()
    for suffix, kind in FORMATS.items():
        if name.endswith(suffix):
            return kind
    raise InputError(
        f"{path} has an unknown ending; export to .ome.tif, .tif (ImageJ), .zarr, .csv, .json,"
        " .html, .png, .svg, .pdf, .mp4 or .gif (or correct to .h5 with 'flimage bleach')."
    )


def check_series_name(path: Path) -> None:
    """Make sure that the name of a series does not promise another format.

    Raises
    ------
    flimage.errors.InputError
        When its ending stands for one that flimage writes or reads, but a series is not.
    """
    from ..readers import SUFFIXES

    name = path.name.lower()
    if name.endswith((*FORMATS, *SUFFIXES)):
        raise InputError(
            f"{path} would hold a series, which is an HDF5 file, not what its ending says; let it"
            " end in .h5. 'flimage export' writes other formats."
        )
