"""What the window writes for other programs: names, endings, and what opens it (no Qt)."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from flimage.export.formats import FIGURES, FORMATS, MOVIES, STACKS

from .colormaps import COLORMAPS

__all__ = [
    "KINDS",
    "SERIES",
    "SERIES_SUFFIXES",
    "ExportKind",
    "colormap_name",
    "format_in",
    "name_of",
    "split_name",
]

#: Format that stands for flimage's own files, and their endings.
SERIES = "series"
SERIES_SUFFIXES = (".h5", ".hdf5", ".hdf")


@dataclass(frozen=True)
class ExportKind:
    """One kind of file.

    Parameters
    ----------
    format
        One of :data:`flimage.export.formats.FORMATS`.
    text
        What it is called in a list.
    name
        What one of them is called in a sentence.
    suffix
        Ending of a new name.
    sentence
        What it holds and what opens it.
    """

    format: str
    text: str
    name: str
    suffix: str
    sentence: str

    @property
    def suffixes(self) -> tuple[str, ...]:
        """All endings that stand for it, the usual one first."""
        others = [each for each, kind in FORMATS.items() if kind == self.format]
        return (self.suffix, *(each for each in others if each != self.suffix))

    @property
    def has_images(self) -> bool:
        """Whether it holds images of chosen frames."""
        return self.format in (*STACKS, *MOVIES)

    @property
    def is_tiff(self) -> bool:
        """Whether the type of its pixels can be chosen."""
        return self.format in ("ome", "imagej")

    @property
    def is_movie(self) -> bool:
        """Whether it is a movie."""
        return self.format in MOVIES

    @property
    def is_table(self) -> bool:
        """Whether it can hold regions as well as the fit."""
        return self.format == "csv"

    @property
    def is_folder(self) -> bool:
        """Whether it is a folder of files."""
        return self.format == "zarr"

    @property
    def tag(self) -> str:
        """What a new name says of it, where it does not say which images are in it."""
        if self.format in ("json", "csv", *FIGURES):
            return "fit"
        return "report" if self.format == "html" else ""


KINDS: tuple[ExportKind, ...] = (
    ExportKind(
        "ome",
        "Images: OME-TIFF",
        "an OME-TIFF",
        ".ome.tif",
        "Images with the time of every frame, for Fiji (Bio-Formats), napari, QuPath and OMERO.",
    ),
    ExportKind(
        "imagej",
        "Images: ImageJ TIFF",
        "an ImageJ TIFF",
        ".tif",
        "Images as a hyperstack with one frame interval, for ImageJ, Fiji and most other programs.",
    ),
    ExportKind(
        "zarr",
        "Images: OME-Zarr",
        "an OME-Zarr folder",
        ".zarr",
        "A folder of compressed images, for napari, Fiji and viewers in the cloud.",
    ),
    ExportKind(
        "mp4",
        "Movie: MP4",
        "a movie",
        ".mp4",
        "A small movie with time and scale bar, for PowerPoint, browsers and media players.",
    ),
    ExportKind(
        "gif",
        "Movie: GIF",
        "a movie",
        ".gif",
        "A movie with time and scale bar that plays wherever pictures are shown; larger than MP4.",
    ),
    ExportKind(
        "csv",
        "Table: CSV",
        "a table",
        ".csv",
        "Numbers, one row per frame and units in the header, for Excel, R, Prism and Origin.",
    ),
    ExportKind(
        "html",
        "Report: HTML",
        "a report",
        ".html",
        "One page with settings, plots, parameters and verdict, for browsers and lab books.",
    ),
    ExportKind(
        "json",
        "Fit: JSON",
        "a fit as JSON",
        ".json",
        "Everything about the fit, for scripts in Python, R or MATLAB.",
    ),
    ExportKind(
        "png",
        "Figure: PNG",
        "a figure",
        ".png",
        "Trace, fit and residuals as a picture, for slides and documents.",
    ),
    ExportKind(
        "svg",
        "Figure: SVG",
        "a figure",
        ".svg",
        "Trace, fit and residuals as a drawing, to be edited in Inkscape or Illustrator.",
    ),
    ExportKind(
        "pdf",
        "Figure: PDF",
        "a figure",
        ".pdf",
        "Trace, fit and residuals as a drawing, for papers and printers.",
    ),
)


def format_in(name: str) -> str:
    """Return the format that the ending of a name stands for; empty where it stands for none."""
    lower = name.lower()
    if lower.endswith(SERIES_SUFFIXES):
        return SERIES
    return next((kind for suffix, kind in FORMATS.items() if lower.endswith(suffix)), "")


def name_of(format_: str) -> str:
    """Return what a file of that format is called in a sentence."""
    return next((kind.name for kind in KINDS if kind.format == format_), "a series file")


def split_name(path: Path) -> tuple[str, str]:
    """Split a file name into stem and ending, of which some have two parts.

    Nothing but what stands for a format is an ending: not the last digits of ``dose 1.25``.
    """
    lower = path.name.lower()
    known = (*FORMATS, *SERIES_SUFFIXES)
    end = len(path.name) - max((len(each) for each in known if lower.endswith(each)), default=0)
    return path.name[:end], path.name[end:]


def colormap_name(shown: str) -> str:
    """Return what the library calls a colour map of the window."""
    assert shown in COLORMAPS
    base, _, inverted = shown.partition(" ")
    return base.lower() + ("_r" if inverted else "")
