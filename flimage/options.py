"""The options of a correction on the command line, and how they become a Recipe.

Only the options that were given change the recipe: the others keep the value that the recipe file
or the library says.
"""

from __future__ import annotations

import argparse
import math
import re
from pathlib import Path
from typing import Any, get_args

from .errors import InputError
from .recipe import (
    BackgroundScope,
    BackgroundSource,
    ModelName,
    OffsetMeaning,
    Recipe,
    Region,
    RegionKind,
    TimeAxis,
)
from .selecting import Selection

__all__ = [
    "add_recipe_options",
    "add_selection_options",
    "border",
    "frame_numbers",
    "positive",
    "recipe_from",
    "region",
    "region_text",
    "selection_from",
    "suits_frames",
]

#: Written in place of the width of the border: what suits the size of the frames.
SUITABLE = "auto"

_NUMBER = r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?"


def positive(text: str) -> float:
    """Read a positive, finite number.

    Raises
    ------
    argparse.ArgumentTypeError
        When `text` is something else.
    """
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not (math.isfinite(value) and value > 0):
        raise argparse.ArgumentTypeError(f"{text!r} is not a positive number")
    return value


def frame_numbers(text: str) -> tuple[int, ...]:
    """Read frame numbers such as ``3,7-9``.

    Raises
    ------
    argparse.ArgumentTypeError
        When `text` is something else.
    """
    numbers: set[int] = set()
    for part in filter(None, (part.strip() for part in text.split(","))):
        match = re.fullmatch(r"(\d+)(?:\s*-\s*(\d+))?", part)
        if not match:
            raise argparse.ArgumentTypeError(
                f"{part!r} is no frame number or range; write for example 3,7-9"
            )
        first, last = int(match[1]), int(match[2] or match[1])
        if first > last:
            raise argparse.ArgumentTypeError(f"the range {part!r} ends before it starts")
        numbers.update(range(first, last + 1))
    return tuple(sorted(numbers))


def region(text: str) -> Region:
    """Read a region of pixels.

    Parameters
    ----------
    text
        ``auto``, ``frame``, ``x0,y0,x1,y1`` (two corners of a rectangle),
        ``ellipse:x0,y0,x1,y1`` or ``polygon:x0,y0,x1,y1,x2,y2,…``, in pixels.

    Raises
    ------
    argparse.ArgumentTypeError
        When `text` is something else.
    """
    name, _, numbers = text.rpartition(":")
    name = name or ("rectangle" if "," in text else text)
    # A mask has too many pixels to be typed; it comes with a recipe.
    kinds: dict[str, RegionKind] = {each: each for each in get_args(RegionKind) if each != "mask"}
    kind = kinds.get(name)
    if kind is None:
        raise argparse.ArgumentTypeError(
            f"{text!r} is no region; write auto, frame, x0,y0,x1,y1, ellipse:x0,y0,x1,y1 or"
            " polygon:x0,y0,x1,y1,x2,y2,…"
        )
    if kind in ("auto", "frame"):
        return Region(kind=kind)
    if not re.fullmatch(rf"\s*{_NUMBER}(?:\s*,\s*{_NUMBER})*\s*", numbers):
        raise argparse.ArgumentTypeError(f"{numbers!r} is no list of pixel coordinates x,y,x,y,…")
    values = [float(number) for number in numbers.split(",")]
    if len(values) % 2:
        raise argparse.ArgumentTypeError(f"{numbers!r} has an x without a y")
    try:
        return Region(kind=kind, points=tuple(zip(values[::2], values[1::2], strict=True)))
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def region_text(region: Region) -> str:
    """Write a region so that :func:`region` reads it again.

    Raises
    ------
    flimage.errors.InputError
        When it is a mask, which has too many pixels to be typed.
    """
    if region.kind == "mask":
        raise InputError(
            "A region that is a mask cannot be written as an option; copy the steps as Python."
        )
    text = ",".join(repr(value) for point in region.points for value in point)
    return f"{region.kind}:{text}" if text else region.kind


def border(text: str) -> int | str:
    """Read the width of a border [px], or ``auto`` for what suits the size of the frames.

    Raises
    ------
    argparse.ArgumentTypeError
        When `text` is something else.
    """
    if text == SUITABLE:
        return text
    try:
        return int(text)
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"{text!r} is no width in pixels; write a whole number, or {SUITABLE}"
        ) from None


def add_recipe_options(parser: argparse.ArgumentParser) -> None:
    """Add the options that make up a recipe; what is not given leaves no trace."""
    missing = argparse.SUPPRESS
    parser.add_argument(
        "--recipe",
        type=Path,
        metavar="FILE",
        help="settings as JSON, as saved by the window or with --save-recipe; further options"
        " change them",
    )
    group = parser.add_argument_group("background")
    group.add_argument(
        "--border",
        dest="border_px",
        type=border,
        default=missing,
        metavar="PX",
        help="width of the image border that holds background; 0: subtract none; auto: 20, or a"
        " sixth of the shorter side of smaller frames (default: auto)",
    )
    group.add_argument(
        "--background",
        choices=get_args(BackgroundScope),
        default=missing,
        help="one level for the whole series, or one per frame (default: series)",
    )
    group.add_argument(
        "--background-source",
        choices=get_args(BackgroundSource),
        default=missing,
        help="where the level comes from (default: border)",
    )
    group.add_argument(
        "--background-region",
        type=region,
        default=missing,
        metavar="REGION",
        help="pixels of the background, written like --region",
    )
    group = parser.add_argument_group("signal and fit")
    group.add_argument(
        "--region",
        type=region,
        default=missing,
        metavar="REGION",
        help="signal region: auto, frame, x0,y0,x1,y1, ellipse:x0,y0,x1,y1 or"
        " polygon:x0,y0,x1,y1,x2,y2,… in pixels (default: auto)",
    )
    group.add_argument(
        "--model",
        choices=get_args(ModelName),
        default=missing,
        help="decay model (default: exponential); ratio and histogram are not for quantification:"
        " they erase real changes",
    )
    group.add_argument(
        "--offset",
        choices=get_args(OffsetMeaning),
        default=missing,
        help="what the constant part of the decay is: signal that does not bleach, or background"
        " that is left over and is subtracted (default: unbleachable)",
    )
    group.add_argument(
        "--first", type=int, default=missing, metavar="N", help="first frame of the fit, from 0"
    )
    group.add_argument(
        "--last", type=int, default=missing, metavar="N", help="last frame of the fit"
    )
    group.add_argument(
        "--exclude",
        type=frame_numbers,
        default=missing,
        metavar="FRAMES",
        help="frames to leave out of the fit, such as 3,7-9",
    )
    group.add_argument(
        "--no-robust",
        dest="robust",
        action="store_false",
        default=missing,
        help="give outlying frames their full weight in the fit",
    )
    group.add_argument(
        "--interval",
        type=positive,
        default=missing,
        metavar="SECONDS",
        help="time between frames, in place of the stored times",
    )
    group.add_argument(
        "--time-axis",
        choices=get_args(TimeAxis),
        default=missing,
        help="whether bleaching goes with time or with the number of exposures (default: time)",
    )
    group = parser.add_argument_group("correction")
    group.add_argument(
        "--max-gain",
        type=float,
        default=missing,
        metavar="GAIN",
        help="largest gain that is applied (default: 10)",
    )
    group.add_argument(
        "--denoise",
        type=float,
        default=missing,
        metavar="STRENGTH",
        help="denoise each frame first; 1 suits the noise of the image (default: 0, off)",
    )


def _count(text: str) -> int:
    """Read a number that counts from 0."""
    if not (text.isascii() and text.isdigit()):
        raise argparse.ArgumentTypeError(f"{text!r} is no number; they count from 0")
    return int(text)


def add_selection_options(parser: argparse.ArgumentParser) -> None:
    """Add the options that choose one time series of a recording."""
    group = parser.add_argument_group(
        "what is read", "where a recording holds more than one time series; numbers count from 0"
    )
    group.add_argument("--channel", metavar="N", help="number or name of the channel")
    group.add_argument("--z", type=_count, metavar="N", help="slice along depth")
    group.add_argument("--position", type=_count, metavar="N", help="position, scene or stack")
    group.add_argument(
        "--key", metavar="NAME", help="array in an NPZ file, or image in an OME-Zarr folder"
    )


def selection_from(arguments: argparse.Namespace) -> Selection:
    """Return which part of a recording the command line asks for."""
    return Selection(arguments.channel, arguments.z, arguments.position)


def suits_frames(arguments: argparse.Namespace) -> bool:
    """Tell whether the border is to suit the frames, because nothing says how wide it is."""
    given = getattr(arguments, "border_px", None)
    return given == SUITABLE or (given is None and arguments.recipe is None)


def recipe_from(arguments: argparse.Namespace, border_px: int | None = None) -> Recipe:
    """Build the recipe that the command line asks for.

    Parameters
    ----------
    arguments
        What :func:`add_recipe_options` added.
    border_px
        Border where neither an option nor a recipe file says one, or the option says ``auto`` [px];
        by default that of :class:`~flimage.recipe.Recipe`.

    Raises
    ------
    flimage.errors.InputError
        For a value that is out of range, or a recipe file that is none.
    OSError
        When the recipe file cannot be read.
    """
    recipe = Recipe()
    if arguments.recipe is not None:
        recipe = Recipe.read(arguments.recipe)
    given: dict[str, Any] = {
        name: value
        for name, value in vars(arguments).items()
        if name in Recipe.__dataclass_fields__
    }
    if "background_region" in given and "background_source" not in given:
        given["background_source"] = "region"
    if suits_frames(arguments):
        given["border_px"] = Recipe().border_px if border_px is None else border_px
    return recipe.replace(**given)
