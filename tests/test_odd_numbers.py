"""Numbers that are not like others: defined results everywhere, and nothing on the console."""

from __future__ import annotations

import contextlib
import io
import json
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from flimage import FLImage, FLSeries, Recipe, bleach, correct
from flimage import facts as facts_of
from flimage.cli import main
from flimage.errors import FlimageError, InputError
from flimage.export.frames import Images
from flimage.scan import scan_series
from flimage.source import SeriesSource

FRAMES, SHAPE = 8, (20, 16)

Frames = np.ndarray


def _cell(frames: int = FRAMES, shape: tuple[int, int] = SHAPE) -> Frames:
    """A bleaching cell with noise (t, y, x)."""
    rng = np.random.default_rng(5)
    y, x = np.mgrid[: shape[0], : shape[1]]
    spot = np.hypot(y - shape[0] / 2, x - shape[1] / 2) < max(1, min(shape) / 4)
    decay = 0.4 + 0.6 * np.exp(-np.arange(frames) / 3)
    images = 100 + 300 * spot * decay[:, None, None] + rng.normal(0, 3, (frames, *shape))
    return images.astype(np.float32)


def _with(value: float, place: Any) -> Callable[[], Frames]:
    def make() -> Frames:
        images = _cell()
        images[place] = value
        return images

    return make


def _signalling() -> Frames:
    images = _cell()
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
    "negative": lambda: -_cell(),
    "denormal": lambda: (_cell() * np.float32(1e-42)).astype(np.float32),
    "tiny": lambda: (_cell() * np.float32(1e-36)).astype(np.float32),
    "1e30": lambda: (_cell() * np.float32(1e30)).astype(np.float32),
    "the largest numbers": lambda: np.full((FRAMES, *SHAPE), np.finfo(np.float32).max),
    "the largest numbers of both signs": _with(float(np.finfo(np.float32).min), (ALL, 3)),
    "a hot pixel of 1e30": _with(1e30, (ALL, 10, 8)),
    "uint16, saturated in a spot": lambda: np.where(_cell() > 250, 65535, _cell()).astype(
        np.uint16
    ),
    "uint16, saturated everywhere": lambda: np.full((FRAMES, *SHAPE), 65535, np.uint16),
    "uint8": lambda: (_cell() / 2).astype(np.uint8),
    "int32 at its limit": lambda: np.full((FRAMES, *SHAPE), -(2**31), np.int32),
    "uint64 at its limit": lambda: np.full((FRAMES, *SHAPE), 2**64 - 1, np.uint64),
    "float64 of 1e300": lambda: _cell().astype(np.float64) * 1e300,
    "one pixel": lambda: _cell(FRAMES, (1, 1)),
    "one row": lambda: _cell(FRAMES, (1, 30)),
    "one column": lambda: _cell(FRAMES, (30, 1)),
    "two by two": lambda: _cell(FRAMES, (2, 2)),
    "one frame": lambda: _cell(1),
    "two frames": lambda: _cell(2),
    "four frames": lambda: _cell(4),
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


@pytest.fixture(autouse=True)
def silent(capfd: pytest.CaptureFixture[str]) -> Iterator[None]:
    """Fail a test in which anything is printed, or anybody warns."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.filterwarnings("ignore", message="Interface '.*' unavailable!")
        yield
    out, err = capfd.readouterr()
    assert (out, err) == ("", "")


def _write(path: Path, images: Frames, times: list[float] | None = None) -> Path:
    stamps = list(range(len(images))) if times is None else times
    with FLSeries(h5file=path, h5mode="w") as series:
        for image, time in zip(images, stamps, strict=True):
            series.add_flimage(FLImage(image, meta_data={"time": time}, h5dtype=images.dtype))
    return path


@pytest.fixture(params=RECORDINGS)
def recording(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A series with odd pixels."""
    return _write(tmp_path / "odd.h5", RECORDINGS[request.param]())


@pytest.fixture(params=TIMES)
def odd_times(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A series with odd times."""
    return _write(tmp_path / "odd.h5", _cell(), TIMES[request.param])


RECIPES = [
    Recipe(border_px=2),
    Recipe(border_px=0),
    Recipe(border_px=1, background="frame", model="auto", denoise=1.0),
    Recipe(border_px=2, model="ratio", offset="background"),
    Recipe(border_px=2, model="histogram"),
]


def _correct(path: Path, recipe: Recipe, out: Path) -> None:
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
        assert (fit.gain > 0).all()
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


@pytest.mark.parametrize("number", range(len(RECIPES)))
def test_odd_pixels_give_finite_gains_or_a_sentence(
    number: int, recording: Path, tmp_path: Path
) -> None:
    _correct(recording, RECIPES[number], tmp_path / "out.h5")


@pytest.mark.parametrize("number", [0, 2, 3])
def test_odd_times_give_finite_gains_or_a_sentence(
    number: int, odd_times: Path, tmp_path: Path
) -> None:
    _correct(odd_times, RECIPES[number], tmp_path / "out.h5")


def test_every_kind_of_image_of_odd_pixels_can_be_read(recording: Path) -> None:
    with FLSeries(h5file=recording, h5mode="r") as series:
        source = SeriesSource(series)
        facts_of.as_text(facts_of.of_series(series.h5))
        fit = None
        with contextlib.suppress(FlimageError):
            recipe = Recipe(border_px=0)
            fit = bleach.fit(scan_series(source, recipe), recipe)
        for kind in ("raw", "background-corrected", *(["bleach-corrected"] if fit else [])):
            images = Images(source, kind, fit)  # type: ignore[arg-type]  # one of the three
            for index in range(len(source)):
                assert images.image(index).shape == source.shape
        for frame in series:
            with frame.copy() as copy:
                np.testing.assert_array_equal(copy.fl, frame.fl)
                with contextlib.suppress(InputError):  # 1e300 in single precision
                    copy.set_bg_data(frame.fl)
                assert copy.fl.shape == frame.shape


def _run(*arguments: object) -> tuple[int, str, str]:
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = main([str(each) for each in arguments])
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


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: f"{command[0]} {command[-1]}")
def test_commands_take_odd_pixels_or_say_why_not(
    command: tuple[str, ...], recording: Path, tmp_path: Path
) -> None:
    words = [word.format(recording, out=tmp_path / "out") for word in command]
    code, out, err = _run(*words)
    assert "Unexpected" not in err, err
    assert "Warning" not in err
    assert code in (0, 1, 3), err
    assert (code == 1) == bool(err), err
    assert "nan" not in err.lower() or code == 1
    if "--json" in command:
        json.loads(out, parse_constant=pytest.fail)
    for path in tmp_path.glob("out*.json"):
        json.loads(path.read_text(), parse_constant=pytest.fail)
