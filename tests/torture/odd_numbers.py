"""Combines odd pixels, odd times and settings at random: results are defined, nothing warns.

Run with ``python -m tests.torture.odd_numbers --rounds 300 --seed 1``. The exit code is 1 where a
gain was not finite, an error was no sentence, or anything was printed on the console.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import random
import sys
import tempfile
import time
import traceback
import warnings
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, get_args

import numpy as np

from flimage import FLImage, FLSeries, Recipe, correct
from flimage import facts as facts_of
from flimage.cli import main as flimage
from flimage.errors import FlimageError
from flimage.recipe import ModelName, OffsetMeaning
from flimage.source import SeriesSource
from tests.torture.outcome import keep

__all__ = [
    "COMMANDS",
    "RECIPES",
    "RECORDINGS",
    "TIMES",
    "cell",
    "check_command",
    "correct_or_refuse",
    "try_odd",
    "write_frames",
]

FRAMES, SHAPE = 8, (20, 16)

Frames = np.ndarray


def cell(frames: int = FRAMES, shape: tuple[int, int] = SHAPE) -> Frames:
    """A bleaching cell with noise (t, y, x)."""
    rng = np.random.default_rng(5)
    y, x = np.mgrid[: shape[0], : shape[1]]
    spot = np.hypot(y - shape[0] / 2, x - shape[1] / 2) < max(1, min(shape) / 4)
    decay = 0.4 + 0.6 * np.exp(-np.arange(frames) / 3)
    images = 100 + 300 * spot * decay[:, None, None] + rng.normal(0, 3, (frames, *shape))
    return images.astype(np.float32)


def _with(value: float, place: Any) -> Callable[[], Frames]:
    def make() -> Frames:
        images = cell()
        images[place] = value
        return images

    return make


def _signalling() -> Frames:
    images = cell()
    images.view(np.uint32)[3, 4, 5] = 0x7F800001
    return images


ALL = slice(None)
RECORDINGS: dict[str, Callable[[], Frames]] = {
    "a pixel is NaN": _with(np.nan, (ALL, 3, 4)),
    "a pixel is NaN once": _with(np.nan, (3, 3, 4)),
    "a NaN that signals": _signalling,
    "a frame is NaN": _with(np.nan, 3),
    "the first frame is NaN": _with(np.nan, 0),
    "all is NaN": _with(np.nan, ALL),
    "a pixel is infinite": _with(np.inf, (3, 10, 8)),
    "a pixel is infinite both ways": _with(-np.inf, (ALL, 10, 8)),
    "a frame is infinite": _with(np.inf, 3),
    "all is infinite": _with(np.inf, ALL),
    "no photons": lambda: np.zeros((FRAMES, *SHAPE), np.float32),
    "no photons in a frame": _with(0.0, 3),
    "constant": lambda: np.full((FRAMES, *SHAPE), 7.0, np.float32),
    "constant in space": lambda: (
        np.exp(-np.arange(FRAMES))[:, None, None] * np.ones((FRAMES, *SHAPE), np.float32)
    ),
    "negative": lambda: -cell(),
    "denormal": lambda: (cell() * np.float32(1e-42)).astype(np.float32),
    "tiny": lambda: (cell() * np.float32(1e-36)).astype(np.float32),
    "1e30": lambda: (cell() * np.float32(1e30)).astype(np.float32),
    "the largest numbers": lambda: np.full((FRAMES, *SHAPE), np.finfo(np.float32).max),
    "the largest numbers of both signs": _with(float(np.finfo(np.float32).min), (ALL, 3)),
    "a hot pixel of 1e30": _with(1e30, (ALL, 10, 8)),
    "uint16, saturated in a spot": lambda: np.where(cell() > 250, 65535, cell()).astype(np.uint16),
    "uint16, saturated everywhere": lambda: np.full((FRAMES, *SHAPE), 65535, np.uint16),
    "uint8": lambda: (cell() / 2).astype(np.uint8),
    "int32 at its limit": lambda: np.full((FRAMES, *SHAPE), -(2**31), np.int32),
    "uint64 at its limit": lambda: np.full((FRAMES, *SHAPE), 2**64 - 1, np.uint64),
    "float64 of 1e300": lambda: cell().astype(np.float64) * 1e300,
    "one pixel": lambda: cell(FRAMES, (1, 1)),
    "one row": lambda: cell(FRAMES, (1, 30)),
    "one column": lambda: cell(FRAMES, (30, 1)),
    "two by two": lambda: cell(FRAMES, (2, 2)),
    "one frame": lambda: cell(1),
    "two frames": lambda: cell(2),
    "four frames": lambda: cell(4),
}

TIMES: dict[str, list[float]] = {
    "NaN": [np.nan] * FRAMES,
    "one NaN": [0.0, 1, 2, np.nan, 4, 5, 6, 7],
    "infinite": [0.0, 1, 2, 3, 4, 5, 6, np.inf],
    "all the same": [1.0] * FRAMES,
    "backwards": list(range(FRAMES, 0, -1)),
    "1e300": [i * 1e300 for i in range(FRAMES)],
    "denormal": [i * 5e-324 for i in range(FRAMES)],
    "huge offset": [1e17 + i for i in range(FRAMES)],
    "both ends": [-1.7e308, *range(1, FRAMES - 1), 1.7e308],
}


def write_frames(path: Path, images: Frames, times: list[float] | None = None) -> Path:
    stamps = list(range(len(images))) if times is None else times
    with FLSeries(h5file=path, h5mode="w") as series:
        for image, time in zip(images, stamps, strict=True):
            series.add_flimage(FLImage(image, meta_data={"time": time}, h5dtype=images.dtype))
    return path


RECIPES = [
    Recipe(border_px=2),
    Recipe(border_px=0),
    Recipe(border_px=1, background="frame", model="auto", denoise=1.0),
    Recipe(border_px=2, model="ratio", offset="background"),
    Recipe(border_px=2, model="histogram"),
]


def correct_or_refuse(path: Path, recipe: Recipe, out: Path) -> None:
    """Correct, or be refused in a sentence; the result is as defined as the source."""
    with FLSeries(h5file=path, h5mode="r") as series:
        source = SeriesSource(series)
        try:
            result = correct.run(source, recipe, out)
        except FlimageError as error:
            refusal = str(error)
        else:
            refusal = ""
        if refusal:
            assert refusal.endswith(".")
            assert not out.exists()
            return
        fit = result.fit
        assert np.isfinite(fit.gain).all()
        # What histogram matching does to a pixel of 1e300 is less than any number.
        assert (fit.gain > 0).all() or recipe.model == "histogram"
        assert fit.verdict.grade in ("good", "caution", "refused")
        json.dumps(fit.to_dict(), allow_nan=False)
        facts_of.of_fit(fit)
        with FLSeries(h5file=out, h5mode="r") as corrected:
            for index in range(len(series)):
                before, after = source.image(index), corrected[index].fl
                assert after.shape == before.shape
                if recipe.model != "histogram" and not recipe.denoise:
                    # Nothing is made up for a pixel that is not known.
                    assert not np.isfinite(after[~np.isfinite(before)]).any()


def run(*arguments: object) -> tuple[int, str, str]:
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = flimage([str(each) for each in arguments])
    return code, out.getvalue(), err.getvalue()


COMMANDS = [
    ("info", "{}"),
    ("info", "--json", "{}"),
    ("bleach", "{}", "{out}.h5", "--border", "1", "--report", "{out}.json", "--no-cache"),
    ("export", "{}", "{out}.csv", "--border", "1", "--no-cache"),
    ("export", "{}", "{out}.html", "--border", "1", "--no-cache"),
    ("export", "{}", "{out}.tif", "--images", "raw", "--no-cache"),
    ("denoise", "{}", "{out}.h5"),
]


def _refuse_constant(name: str) -> None:
    raise AssertionError(f"{name} in JSON")


def check_command(words: Sequence[str], folder: Path) -> int:
    """Run a command, and check what it says and writes; return the exit code."""
    code, out, err = run(*words)
    assert "Unexpected" not in err, err
    assert "Warning" not in err
    assert code in (0, 1, 3), err
    assert (code == 1) == bool(err), err
    assert "nan" not in err.lower() or code == 1
    if "--json" in words:
        json.loads(out, parse_constant=_refuse_constant)
    for path in folder.glob("out*.json"):
        json.loads(path.read_text(), parse_constant=_refuse_constant)
    return code


# --- any combination -----------------------------------------------------------------------------

_VALUES = (np.nan, np.inf, -np.inf, 0.0, -0.0, 1e30, -1e30, 3.4e38, 1e-45, 65535.0, -1.0, 1e300)
_DTYPES = ("f4", "f4", "f4", "f8", "u2", "u1", "i2", "i4", "u8", "f2")
_SHAPES = (SHAPE, SHAPE, (1, 1), (1, 30), (30, 1), (2, 2), (3, 5))


def _odd_images(rng: random.Random) -> Frames:
    """Make frames, and put odd numbers into them."""
    images = cell(rng.choice((1, 2, 4, 8, 8, 12)), rng.choice(_SHAPES)).astype(np.float64)
    images = images * rng.choice((1.0, 1.0, 1e-40, 1e30, -1.0))
    for _ in range(rng.choice((0, 1, 1, 2, 3))):
        place = [slice(None)] * 3
        for axis in rng.sample(range(3), rng.choice((0, 1, 2, 3))):
            place[axis] = rng.randrange(images.shape[axis])  # type: ignore[call-overload]
        images[tuple(place)] = rng.choice(_VALUES)
    dtype = np.dtype(rng.choice(_DTYPES))
    if dtype.kind != "f":
        info = np.iinfo(dtype)
        # The largest number of a long integer is none of a floating one.
        ends = float(info.min), np.nextafter(float(info.max), 0)
        images = np.clip(np.nan_to_num(images), *ends)
    with np.errstate(over="ignore"):
        return images.astype(dtype)


def _odd_recipe(rng: random.Random) -> Recipe:
    return Recipe(
        border_px=rng.choice((0, 0, 1, 2)),
        background=rng.choice(("series", "frame")),
        model=rng.choice(get_args(ModelName)),
        offset=rng.choice(get_args(OffsetMeaning)),
        denoise=rng.choice((0.0, 0.0, 1.0)),
    )


def try_odd(seed: int, number: int, folder: Path) -> str:
    """Correct one recording of odd numbers, and run a command on it; say what it was."""
    rng = random.Random(f"{seed}:{number}")
    images = _odd_images(rng)
    times = [*map(float, range(len(images)))]
    if rng.random() < 0.2:
        times = [each * rng.choice((1.0, np.nan, 1e300, 0.0, -1.0)) for each in times]
    path = write_frames(folder / "odd.h5", images, times)
    recipe = _odd_recipe(rng)
    out = folder / "corrected.h5"
    out.unlink(missing_ok=True)
    correct_or_refuse(path, recipe, out)
    command = rng.choice(COMMANDS)
    for each in folder.glob("out*"):
        each.unlink()
    check_command([word.format(path, out=folder / "out") for word in command], folder)
    return f"{images.dtype} {images.shape}, {recipe.model}, {command[0]}"


def main(argv: list[str] | None = None) -> int:
    """Try many, print what came of it, and return the exit code."""
    parser = argparse.ArgumentParser(description=str(__doc__).splitlines()[0])
    parser.add_argument("--rounds", type=int, default=300)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--keep", action="store_true", help="keep the figures in build/torture")
    arguments = parser.parse_args(argv)
    began = time.monotonic()
    defects: list[str] = []
    commands: Counter[str] = Counter()
    console = io.StringIO()
    with tempfile.TemporaryDirectory(prefix="flimage-torture-") as name, warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.filterwarnings("ignore", message="Interface '.*' unavailable!")
        for number in range(arguments.rounds):
            try:
                with contextlib.redirect_stdout(console), contextlib.redirect_stderr(console):
                    commands[try_odd(arguments.seed, number, Path(name)).rpartition(", ")[2]] += 1
            # Whatever it is, it is what is looked for.
            except Exception as error:
                where = "".join(traceback.format_tb(error.__traceback__)[-8:])
                defects.append(
                    f"{arguments.seed}:{number}: {type(error).__name__}: {error}\n{where}"
                )
                print(defects[-1], flush=True)
            if console.getvalue():
                defects.append(f"{arguments.seed}:{number} printed {console.getvalue()[:300]!r}")
                print(defects[-1], flush=True)
                console.seek(0)
                console.truncate()
    print(f"{arguments.rounds} recordings, {len(defects)} defects")
    if arguments.keep:
        keep(
            "odd_numbers",
            "NaN, infinite, denormal, saturated, negative, constant and enormous values, frames of"
            " one pixel or one row and odd times give defined results or a sentence, and nothing"
            " is printed on the console.",
            {"recordings": arguments.rounds, **{f"with {k}": n for k, n in commands.items()}},
            time.monotonic() - began,
            seeds=[arguments.seed],
            defects=defects,
        )
    return 1 if defects else 0


if __name__ == "__main__":
    sys.exit(main())
