"""The commands ``flimage edit`` and ``flimage traces``: their options, and what they do."""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from . import edit_steps as steps
from .errors import InputError, OutputExistsError
from .options import add_recipe_options, frame_numbers, recipe_from, region
from .progress import Progress
from .shown import SHOWN

if TYPE_CHECKING:
    from .region_traces import NamedRegion
    from .source import FrameSource

__all__ = ["add_edit_options", "add_traces_options", "check_edit_options", "edit", "follow"]

_KEYS = {"time": "time", "pixel-size": "pixel size", "identifier": "identifier"}
Frames = tuple[int, ...] | None
Make = Callable[[Any, Frames], steps.EditStep]


class _AddStep(argparse.Action):
    """Appends a step to the list, for the frames that were named last."""

    make: Make

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: Any,
        option_string: str | None = None,
    ) -> None:
        done = getattr(namespace, "steps", None) or []
        step = type(self).make(values, getattr(namespace, "frames", None))
        namespace.steps = [*done, step]


def _adds(make: Make) -> type[_AddStep]:
    return type("_Adds", (_AddStep,), {"make": staticmethod(make)})


def _frames(text: str) -> tuple[int, ...]:
    frames = frame_numbers(text)
    if not frames:
        raise argparse.ArgumentTypeError("no frame is named; write for example 3,7-9")
    return frames


def _frames_or_all(text: str) -> Frames:
    return None if text == "all" else _frames(text)


def _finite(text: str, what: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise argparse.ArgumentTypeError(f"{text!r} is no {what}; give a finite number")
    return value


def _key(text: str) -> str:
    if text not in _KEYS:
        raise argparse.ArgumentTypeError(f"{text!r} cannot be edited; use {', '.join(_KEYS)}")
    return _KEYS[text]


def _assignment(text: str) -> tuple[str, Any]:
    name, sign, value = text.partition("=")
    if not sign:
        raise argparse.ArgumentTypeError(f"{text!r} has no value; write for example time=1.5")
    key = _key(name)
    return key, value if key == "identifier" else _finite(value, key)


def _spacing(text: str) -> tuple[float, float]:
    interval, _, start = text.partition("@")
    return _finite(interval, "interval"), _finite(start, "time") if start else 0.0


def _move(text: str) -> tuple[tuple[int, ...], int]:
    frames, sign, to = text.rpartition(":")
    if not (sign and to.isascii() and to.isdigit()):
        raise argparse.ArgumentTypeError(f"{text!r} names no place; write for example 3-5:0")
    return _frames(frames), int(to)


def add_edit_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of ``flimage edit``."""
    parser.add_argument("source", type=Path, metavar="IN", help="the series")
    parser.add_argument(
        "out",
        type=Path,
        metavar="OUT",
        help="the edited series; it may be IN itself with --overwrite",
    )
    group = parser.add_argument_group(
        "changes",
        "made in the order in which they are written; frames count from 0 in the series as the"
        " changes before left it",
    )

    def add(name: str, make: Make, help_text: str, **options: Any) -> None:
        group.add_argument(name, action=_adds(make), help=help_text, **options)

    group.add_argument(
        "--frames",
        type=_frames_or_all,
        metavar="FRAMES",
        help="frames that the following changes are for, such as 3,7-9, or all (default: all)",
    )
    add(
        "--background-file",
        steps.FileBackground,
        "subtract the image in a file; of a stack, its mean",
        type=Path,
        metavar="FILE",
    )
    add(
        "--background-mean",
        steps.MeanBackground,
        "subtract the mean of some raw frames",
        type=_frames,
        metavar="FRAMES",
    )
    add(
        "--background-plane",
        steps.PlaneBackground,
        "subtract a plane fitted to the border of the frames",
        type=int,
        metavar="PX",
    )
    add(
        "--clear-background",
        lambda _, frames: steps.ClearBackground(frames),
        "remove background images",
        nargs=0,
    )
    add(
        "--set",
        lambda value, frames: steps.SetValue(value[0], value[1], frames),
        f"change metadata: {', '.join(_KEYS)}, in s and m; {{n}} in an identifier stands for the"
        " number of the frame",
        type=_assignment,
        metavar="KEY=VALUE",
    )
    add(
        "--remove",
        lambda key, frames: steps.SetValue(key, None, frames),
        "remove metadata",
        type=_key,
        metavar="KEY",
    )
    add(
        "--interval",
        lambda value, frames: steps.SetInterval(value[0], value[1], frames),
        "give frames equally spaced times, from 0 or from START on",
        type=_spacing,
        metavar="SECONDS[@START]",
    )
    add(
        "--delete",
        lambda value, _: steps.DeleteFrames(value),
        "leave frames out",
        type=_frames,
        metavar="FRAMES",
    )
    add(
        "--keep",
        lambda value, _: steps.KeepFrames(value),
        "leave all other frames out",
        type=_frames,
        metavar="FRAMES",
    )
    add(
        "--move",
        lambda value, _: steps.MoveFrames(*value),
        "move frames; the first of them gets the number TO",
        type=_move,
        metavar="FRAMES:TO",
    )
    add(
        "--session",
        lambda path, _: steps.SessionEdits(path),
        "make the edits that a session file of the window keeps",
        type=Path,
        metavar="FILE",
    )
    add("--sort-by-time", lambda *_: steps.SortByTime(), "sort the frames by time", nargs=0)


def check_edit_options(arguments: argparse.Namespace) -> None:
    """Refuse a command line that changes nothing.

    Raises
    ------
    flimage.errors.InputError
        When no change is named.
    """
    if not getattr(arguments, "steps", None):
        raise InputError("No change is named; give one, such as --delete 3,7-9")


def edit(source: FrameSource, arguments: argparse.Namespace, progress: Progress) -> Path:
    """Write a series with the changes that the command line asks for."""
    from .save import save_edited
    from .source import EditedSource

    if arguments.out.exists() and not arguments.overwrite:
        raise OutputExistsError(f"{arguments.out} exists already; choose another file.")
    edited = steps.apply_steps(EditedSource(source), arguments.steps, progress)
    return save_edited(
        edited,
        arguments.out,
        arguments.overwrite,
        progress,
        compression=arguments.compression,
    )


# --- traces --------------------------------------------------------------------------------


def _followed(text: str) -> NamedRegion:
    from .region_traces import NamedRegion

    name, sign, pixels = text.rpartition("=")
    if not sign or not name.strip():
        raise argparse.ArgumentTypeError(
            f"{text!r} has no name; write for example nucleus=10,10,30,30"
        )
    try:
        return NamedRegion(name.strip(), region(pixels))
    except InputError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def add_traces_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of ``flimage traces``."""
    parser.add_argument("source", type=Path, metavar="IN", help="the series")
    parser.add_argument("out", type=Path, metavar="OUT", help="the table to write (.csv)")
    parser.add_argument(
        "--follow",
        type=_followed,
        action="append",
        required=True,
        metavar="NAME=REGION",
        help="a region to follow: frame, x0,y0,x1,y1, ellipse:x0,y0,x1,y1 or"
        " polygon:x0,y0,x1,y1,x2,y2,…; may be given several times",
    )
    parser.add_argument(
        "--on",
        choices=SHOWN,
        default="raw",
        help="what is measured (default: raw); the options below say how it is corrected",
    )
    add_recipe_options(parser)


def follow(source: FrameSource, arguments: argparse.Namespace, progress: Progress) -> Sequence[str]:
    """Write mean, standard deviation and number of pixels of regions; return their names."""
    from .background import suitable_border
    from .region_traces import region_traces, traces_csv
    from .shown import images_of
    from .storage import atomic_output

    names = [each.name for each in arguments.follow]
    twice = [name for name in names if names.count(name) > 1]
    if twice:
        raise InputError(f"Two regions are called {twice[0]!r}; give each a name of its own.")
    recipe = recipe_from(arguments, suitable_border(source.shape))
    with atomic_output(
        arguments.out, overwrite=arguments.overwrite, source=arguments.source
    ) as temporary:
        images = images_of(source, recipe, arguments.on, progress)
        traces = region_traces(source, arguments.follow, images, progress)
        temporary.write_text(traces_csv(traces, arguments.on), encoding="utf-8", newline="")
    return traces.names
