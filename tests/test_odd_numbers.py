"""Numbers that are not like others: defined results everywhere, and nothing on the console."""

from __future__ import annotations

import contextlib
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from flimage import FLSeries, Recipe, bleach
from flimage import facts as facts_of
from flimage.denoise import denoise_image
from flimage.errors import FlimageError, InputError
from flimage.export.frames import Images
from flimage.region import found_signal
from flimage.scan import scan_series
from flimage.source import SeriesSource
from flimage.thumbnails import picture

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from tests.torture.odd_numbers import (
    COMMANDS,
    RECIPES,
    RECORDINGS,
    TIMES,
    cell,
    check_command,
    correct_or_refuse,
    try_odd,
    write_frames,
)


@pytest.fixture(autouse=True)
def silent(capfd: pytest.CaptureFixture[str]) -> Iterator[None]:
    """Fail a test in which anything is printed, or anybody warns."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.filterwarnings("ignore", message="Interface '.*' unavailable!")
        yield
    out, err = capfd.readouterr()
    assert (out, err) == ("", "")


@pytest.fixture(params=RECORDINGS)
def recording(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A series with odd pixels."""
    return write_frames(tmp_path / "odd.h5", RECORDINGS[request.param]())


@pytest.fixture(params=TIMES)
def odd_times(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A series with odd times."""
    return write_frames(tmp_path / "odd.h5", cell(), TIMES[request.param])


@pytest.mark.parametrize("number", range(len(RECIPES)))
def test_odd_pixels_give_finite_gains_or_a_sentence(
    number: int, recording: Path, tmp_path: Path
) -> None:
    correct_or_refuse(recording, RECIPES[number], tmp_path / "out.h5")


@pytest.mark.parametrize("number", [0, 2, 3])
def test_odd_times_give_finite_gains_or_a_sentence(
    number: int, odd_times: Path, tmp_path: Path
) -> None:
    correct_or_refuse(odd_times, RECIPES[number], tmp_path / "out.h5")


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


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: f"{command[0]} {command[-1]}")
def test_commands_take_odd_pixels_or_say_why_not(
    command: tuple[str, ...], recording: Path, tmp_path: Path
) -> None:
    words = [word.format(recording, out=tmp_path / "out") for word in command]
    check_command(words, tmp_path)


@pytest.mark.parametrize("seed", range(3))
def test_odd_numbers_in_any_combination_give_defined_results(seed: int, tmp_path: Path) -> None:
    # `python -m tests.torture.odd_numbers` tries hundreds of them.
    for number in range(8):
        try_odd(seed, number, tmp_path)


@pytest.mark.parametrize("number", [574, 931, 970, 1418])
def test_what_a_long_run_has_found_stays_mended(number: int, tmp_path: Path) -> None:
    """Denormal pixels whose squares are 0, and frames as bright as the background to the digit."""
    try_odd(20261129, number, tmp_path)


def test_noise_that_is_less_than_any_number_of_the_image_is_none(silent: None) -> None:
    image = np.zeros((20, 16), np.float32)
    image[::2] = 1e-45
    np.testing.assert_array_equal(denoise_image(image), image)


@pytest.mark.parametrize("value", [1e30, 3.4e38, 1e-45, 0.1, 1e300])
@pytest.mark.parametrize("shape", [(3, 5), (6, 7), (20, 16)])
def test_equal_pixels_whose_mean_is_rounded_are_no_signal(
    value: float, shape: tuple[int, int], silent: None
) -> None:
    assert not found_signal(np.full(shape, value)).any()


def test_a_picture_of_infinite_pixels_or_levels_is_made_without_a_warning(silent: None) -> None:
    image = np.array([[np.inf, -np.inf, np.nan, 1e300]])
    for levels in ((0.0, np.inf), (-np.inf, np.inf), (0.0, 1e-300)):
        assert picture(image, levels, "odd").startswith("<img ")
