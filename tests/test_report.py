"""Figures of fits: every kind of result can be drawn, and the same fit gives the same file."""

from __future__ import annotations

import dataclasses
import xml.etree.ElementTree as ET
from pathlib import Path

import matplotlib
import numpy as np
import pytest
import simulation
from matplotlib import image as matplotlib_image

from flimage import FLSeries, Recipe, correct
from flimage.bleach import BleachFit
from flimage.errors import InputError
from flimage.report import FIGURE_SUFFIXES, check_figure_path, figure
from flimage.source import SeriesSource
from flimage.verdict import Reason


def fit_of(truth: simulation.Truth, path: Path, recipe: Recipe) -> BleachFit:
    with FLSeries(h5file=simulation.write(path, truth), h5mode="r") as series:
        return correct.run(SeriesSource(series), recipe).fit


@pytest.fixture(scope="module")
def fit(tmp_path_factory: pytest.TempPathFactory) -> BleachFit:
    truth = simulation.simulate(0.5 * np.arange(40), simulation.exponential(0.1, 0.2))
    return fit_of(truth, tmp_path_factory.mktemp("report") / "a.h5", Recipe(exclude=(3,)))


def texts_of(path: Path) -> str:
    """Everything that is written in an SVG, as text that can be edited."""
    elements = ET.parse(path).iter("{http://www.w3.org/2000/svg}text")
    return "\n".join("".join(element.itertext()) for element in elements)


@pytest.mark.parametrize("suffix", FIGURE_SUFFIXES)
def test_the_ending_chooses_the_format(suffix: str, fit: BleachFit, tmp_path: Path) -> None:
    start = {".png": b"\x89PNG", ".svg": b"<?xml", ".pdf": b"%PDF"}[suffix]
    out = tmp_path / f"fit{suffix.upper()}"
    assert figure(fit, out) == out
    assert out.read_bytes().startswith(start)


def test_a_format_can_be_given_for_any_name(fit: BleachFit, tmp_path: Path) -> None:
    figure(fit, tmp_path / "fit.part", file_format="png")
    assert (tmp_path / "fit.part").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("name", ["fit", "fit.jpg", "fit.png.txt"])
def test_other_endings_are_refused(name: str, fit: BleachFit, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=rf"{name} .*\.png or \.svg or \.pdf"):
        figure(fit, tmp_path / name)
    assert list(tmp_path.iterdir()) == []
    assert check_figure_path("a.SVG") == "svg"


def test_the_figure_names_parameters_units_and_verdict(fit: BleachFit, tmp_path: Path) -> None:
    figure(fit, tmp_path / "fit.svg", "dish 1")
    texts = texts_of(tmp_path / "fit.svg")
    for text in ("dish 1", "k = 0.1", "/s", "Time (s)", "Gain", "Residual", "not fitted"):
        assert text in texts
    assert f"Verdict: {fit.verdict.grade}" in texts


def test_the_same_fit_gives_the_same_file(fit: BleachFit, tmp_path: Path) -> None:
    for suffix in FIGURE_SUFFIXES:
        first, second = (figure(fit, tmp_path / f"{n}{suffix}").read_bytes() for n in (1, 2))
        assert first == second


def test_the_curve_runs_through_the_frames(fit: BleachFit, tmp_path: Path) -> None:
    """The drawing has both the colour of the trace and that of the curve, well apart."""
    figure(fit, tmp_path / "fit.png")
    pixels = (matplotlib_image.imread(tmp_path / "fit.png")[..., :3] * 255).astype(int)
    assert pixels.shape[:2] == (960, 1440)
    for colour in ((0xC8, 0x40, 0x2F), (0x22, 0x27, 0x2E)):
        assert (np.abs(pixels - colour).max(axis=-1) < 12).sum() > 300


def test_drawing_leaves_matplotlib_as_it_was(fit: BleachFit, tmp_path: Path) -> None:
    before = dict(matplotlib.rcParams)
    figure(fit, tmp_path / "fit.png")
    assert dict(matplotlib.rcParams) == before


@pytest.mark.parametrize(
    ("recipe", "constant"),
    [
        (Recipe(), True),
        (Recipe(background="frame"), False),
        (Recipe(border_px=0), False),
        (Recipe(time_axis="exposure"), False),
        (Recipe(model="ratio"), False),
        (Recipe(model="linear"), False),
        (Recipe(model="auto"), False),
        (Recipe(max_gain=1.5), False),
        (Recipe(first=5, last=20, offset="background"), False),
    ],
)
def test_every_kind_of_fit_can_be_drawn(recipe: Recipe, constant: bool, tmp_path: Path) -> None:
    decay = np.ones_like if constant else simulation.exponential(0.1, 0.1)
    truth = simulation.simulate(60.0 * np.arange(30), lambda t: decay(t / 60))
    figure(fit_of(truth, tmp_path / "a.h5", recipe), tmp_path / "fit.svg")
    texts = texts_of(tmp_path / "fit.svg")
    assert ("Exposures" if recipe.time_axis == "exposure" else "Time (min)") in texts


def test_outliers_and_frames_out_of_order_are_drawn(tmp_path: Path) -> None:
    truth = simulation.simulate(np.arange(30.0)[::-1], simulation.exponential(0.1, 0.1))
    images = truth.images.copy()
    images[10] = truth.background + 3 * (images[10] - truth.background)
    flash = dataclasses.replace(truth, images=images)
    fit = fit_of(flash, tmp_path / "a.h5", Recipe())
    assert 10 in fit.outliers
    figure(fit, tmp_path / "fit.svg")
    texts = texts_of(tmp_path / "fit.svg")
    assert "outliers" in texts
    assert "frames 10" in texts


def test_a_long_verdict_stays_on_the_page(fit: BleachFit, tmp_path: Path) -> None:
    sentence = "Something was noticed about this recording that takes quite some words to tell"
    reasons = tuple(Reason("outliers", "caution", f"{sentence}: {i}.") for i in range(20))
    verdict = dataclasses.replace(fit.verdict, reasons=reasons)
    figure(dataclasses.replace(fit, verdict=verdict), tmp_path / "fit.svg")
    texts = texts_of(tmp_path / "fit.svg")
    shown = texts.count("Something was noticed")
    assert 2 <= shown < 20
    assert "more remarks" in texts


def test_bounds_that_the_data_do_not_set_are_written_as_infinite() -> None:
    from flimage.quantities import format_estimate

    estimate, interval, symbol = format_estimate(0.02, 1e300, 0.0, 1e305, "1/s")
    assert estimate.endswith("± ∞")
    assert interval.endswith("… ∞")
    assert symbol.startswith("/")
