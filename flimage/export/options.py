"""The options of ``flimage export``, and what goes with what."""

from __future__ import annotations

import argparse
import dataclasses
import math
from pathlib import Path
from typing import TYPE_CHECKING, get_args

from ..errors import InputError
from ..options import add_recipe_options, frame_numbers, positive, region
from .formats import ImageKind
from .request import PixelType, Request

if TYPE_CHECKING:
    from ..recipe import Region

__all__ = [
    "add_export_options",
    "check_export_options",
    "request_from",
]

#: What settings are called on the command line, where it is not by their names.
_OPTIONS = {"limits": "range", "traces": "trace"}


def _numbers(text: str) -> tuple[float, float]:
    """Read two numbers ``LOW,HIGH``."""
    try:
        low, high = (float(part) for part in text.split(","))
    except ValueError:
        low = high = math.nan
    if not low < high:
        raise argparse.ArgumentTypeError(f"{text!r} is no range; write for example 0,4095")
    return low, high


def _named_region(text: str) -> tuple[str, Region]:
    """Read ``NAME=REGION``."""
    name, equals, rest = text.rpartition("=")
    if not equals or not name.strip():
        raise argparse.ArgumentTypeError(
            f"{text!r} has no name; write for example nucleus=10,10,40,40"
        )
    found = region(rest)
    if found.kind == "auto":
        raise argparse.ArgumentTypeError("a region to measure has to be drawn, not 'auto'")
    return name.strip(), found


def add_export_options(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of ``flimage export``."""
    parser.add_argument("source", type=Path, metavar="IN", help="the series")
    parser.add_argument(
        "out",
        type=Path,
        metavar="OUT",
        help="its ending chooses the format: images as .ome.tif, .tif (ImageJ hyperstack) or .zarr"
        " (OME-Zarr); trace, fit and gains as .csv; the fit as .json, .html, .png, .svg or .pdf;"
        " a movie as .mp4 or .gif",
    )
    parser.add_argument(
        "--group",
        metavar="PATH",
        help="HDF5 group of the series, where it is not the only one in the file",
    )
    parser.add_argument("--overwrite", action="store_true", help="replace files that exist already")
    group = parser.add_argument_group("images")
    group.add_argument(
        "--images",
        choices=get_args(ImageKind),
        help="what is exported (default: bleach-corrected, or a corrected series as it stands;"
        " movies show raw and corrected side by side); background-corrected is raw minus assigned"
        " backgrounds and background level",
    )
    group.add_argument(
        "--frames",
        type=frame_numbers,
        default=(),
        metavar="FRAMES",
        help="frames to export, such as 0-99 (default: all)",
    )
    group.add_argument(
        "--dtype",
        choices=get_args(PixelType),
        default="float32",
        help="of TIFF pixels; uint16 is scaled, and the scale is stated in the file",
    )
    group.add_argument(
        "--range",
        dest="limits",
        type=_numbers,
        metavar="LOW,HIGH",
        help="values that uint16 reaches from and to, or that a movie shows black and white"
        " (default: found from the images)",
    )
    group.add_argument(
        "--clip", action="store_true", help="cut off what lies outside --range, and count it"
    )
    group = parser.add_argument_group("movies")
    group.add_argument(
        "--fps",
        type=positive,
        default=15.0,
        metavar="N",
        help="pictures per second (default: 15)",
    )
    group.add_argument(
        "--colormap",
        default="gray",
        metavar="NAME",
        help="such as gray, green, magma, viridis (default: gray)",
    )
    group = parser.add_argument_group("tables")
    group.add_argument(
        "--trace",
        dest="traces",
        type=_named_region,
        action="append",
        default=[],
        metavar="NAME=REGION",
        help="write the mean of this region in each frame, raw and corrected, instead of the fit;"
        " written like --region, may be repeated",
    )
    add_recipe_options(parser)


def request_from(arguments: argparse.Namespace) -> Request:
    """Return what the command line asks for.

    Raises
    ------
    flimage.errors.InputError
        When the output has an unknown ending, or two regions have the same name.
    """
    traces = dict(arguments.traces)
    if len(traces) < len(arguments.traces):
        raise InputError("Two regions have the same name (--trace); give each its own.")
    given = {
        each.name: getattr(arguments, each.name)
        for each in dataclasses.fields(Request)
        if each.name != "traces"
    }
    return Request(**given, traces=traces)


def check_export_options(arguments: argparse.Namespace) -> None:
    """Refuse options that would be ignored.

    Parameters
    ----------
    arguments
        What :func:`add_export_options` added.

    Raises
    ------
    flimage.errors.InputError
        When the output has an unknown ending, or an option does not go with it.
    """
    request = request_from(arguments)
    if request.ignored:
        name = _OPTIONS.get(request.ignored[0], request.ignored[0])
        raise InputError(
            f"--{name} does not go with the output {arguments.out}; leave it out"
            + (" or add --dtype uint16." if name == "range" and request.format != "csv" else ".")
        )
