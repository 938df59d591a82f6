"""Command line, figure, pages and window say the same about the same recording."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import simulation

from flimage import FLImage, Recipe, provenance
from flimage.background import largest_border, suitable_border
from flimage.bleach import fit
from flimage.errors import BorderError, InputError
from flimage.facts import of_fit
from flimage.quantities import format_count, format_number
from flimage.report import figure
from flimage.result import per_pixel
from flimage.scan import scan_series
from flimage.series import FLSeries
from flimage.source import SeriesSource

TIMES = 0.5 * np.arange(60)


@pytest.fixture(scope="module")
def cells(tmp_path_factory: pytest.TempPathFactory) -> Path:
    truth = simulation.simulate(TIMES, simulation.exponential(0.1, 0.2))
    return simulation.write(tmp_path_factory.mktemp("read") / "cells.h5", truth, "dish")


def write_small(path: Path, shape: tuple[int, int] = (24, 36)) -> Path:
    rng = np.random.default_rng(1)
    decay = 0.3 + 0.7 * np.exp(-np.arange(20) / 6)
    frames = np.full((20, *shape), 100.0)
    frames[:, 8:-8, 10:-10] += 300 * decay[:, None, None]
    frames += rng.normal(0, 2, frames.shape)
    with FLSeries(h5file=path, h5mode="w") as series:
        series.add_images(frames, [{"time": 0.5 * i} for i in range(20)])
    return path


# ------------------------------------------------------------------ units


def test_only_intensities_become_means_over_the_region() -> None:
    amplitude = {"value": 300.0, "stderr": 3.0, "low": None, "high": 330.0, "unit": "counts"}
    assert per_pixel(amplitude, 30) == {
        "value": 10.0,
        "stderr": 0.1,
        "low": None,
        "high": 11.0,
        "unit": "counts/px",
    }
    rate = {"value": 0.1, "stderr": 0.01, "low": 0.08, "high": 0.12, "unit": "1/s"}
    assert per_pixel(rate, 30) == rate


def test_the_command_line_writes_intensities_as_means_and_says_so(cells: Path) -> None:
    with FLSeries(h5file=cells, h5mode="r") as series:
        source = SeriesSource(series)
        found = fit(scan_series(source, Recipe()), Recipe())
    text = of_fit(found)
    amplitude = next(p for p in found.parameters if p.unit == "counts")
    mean = amplitude.value / found.trace.region_pixels
    line = next(line for line in text.splitlines() if f"{amplitude.name} " in line)
    written = float(line.split("=")[1].split("±")[0])
    assert written == pytest.approx(mean, rel=1e-2)
    assert line.endswith("counts/px")
    pixels = format_count(found.trace.region_pixels, "pixel")
    assert f"{pixels}; counts/px are means over them" in text


def test_the_figure_writes_intensities_as_means(cells: Path, tmp_path: Path) -> None:
    import flimage.report

    with FLSeries(h5file=cells, h5mode="r") as series:
        source = SeriesSource(series)
        found = fit(scan_series(source, Recipe()), Recipe())
    lines = flimage.report._parameter_lines(found)
    amplitude = next(p for p in found.parameters if p.unit == "counts")
    line = next(line for line in lines if line.startswith(f"{amplitude.symbol} ="))
    mean = amplitude.value / found.trace.region_pixels
    assert float(line.split("=")[1].split("±")[0].strip("( ")) == pytest.approx(mean, rel=1e-2)
    assert line.endswith("counts/px")
    assert figure(found, tmp_path / "fit.png").stat().st_size > 0


# ------------------------------------------------------------------ sizes


def test_sizes_are_width_by_height_everywhere(
    run: Callable[..., tuple[int, str, str]], tmp_path: Path
) -> None:
    small = write_small(tmp_path / "small.h5")
    assert "36 × 24 px (width × height)" in run("info", small)[1]
    code, _, error = run("bleach", small, tmp_path / "out.h5", "--border", "20")
    assert code == 1
    assert "36 × 24 px" in error


# ------------------------------------------------------------------ border


@pytest.mark.parametrize(
    ("shape", "border"),
    [((512, 512), 20), ((120, 400), 20), ((24, 36), 4), ((5, 5), 1), ((2, 2), 0), ((1, 9), 0)],
)
def test_the_suitable_border_is_twenty_pixels_and_less_for_small_frames(
    shape: tuple[int, int], border: int
) -> None:
    assert suitable_border(shape) == border <= largest_border(shape)


def test_the_command_line_starts_with_the_border_that_suits(
    run: Callable[..., tuple[int, str, str]], tmp_path: Path
) -> None:
    small = write_small(tmp_path / "small.h5")
    saved = tmp_path / "recipe.json"
    code, _, _ = run("bleach", small, tmp_path / "out.h5", "--save-recipe", saved)
    assert code == 0
    assert Recipe.from_json(saved.read_text()).border_px == 4
    with FLSeries(h5file=tmp_path / "out.h5", h5mode="r") as series:
        record = provenance.read(series.h5)
    assert record is not None
    assert record.recipe.border_px == 4


def test_the_functions_of_the_library_keep_twenty_pixels(tmp_path: Path) -> None:
    assert Recipe().border_px == 20
    with (
        FLSeries(h5file=write_small(tmp_path / "small.h5"), h5mode="r") as series,
        pytest.raises(BorderError, match="20 px"),
    ):
        series.bleach_correction(tmp_path / "out.h5")


# ------------------------------------------------------------------ corrected already


def test_correcting_a_result_takes_no_background_again_and_is_remarked(
    run: Callable[..., tuple[int, str, str]], cells: Path, tmp_path: Path
) -> None:
    assert run("bleach", cells, tmp_path / "once.h5")[0] == 0
    saved = tmp_path / "recipe.json"
    _, text, _ = run("bleach", tmp_path / "once.h5", tmp_path / "twice.h5", "--save-recipe", saved)
    assert "was bleach-corrected already, from cells.h5; correcting it again counts twice" in text
    assert Recipe.from_json(saved.read_text()).border_px == 0


def test_the_origin_of_a_series_is_told_without_its_frames(
    run: Callable[..., tuple[int, str, str]], cells: Path, tmp_path: Path
) -> None:
    import flimage

    run("bleach", cells, tmp_path / "once.h5")
    with (
        FLSeries(h5file=tmp_path / "once.h5", h5mode="r") as result,
        FLSeries(h5file=cells, h5mode="r") as recording,
    ):
        assert provenance.origin(result.h5) == provenance.Origin("cells.h5", flimage.__version__)
        assert provenance.origin(recording.h5) is None


# ------------------------------------------------------------------ remedies


def test_an_extra_is_installed_into_the_python_that_runs(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from flimage import extras

    python = tmp_path / ".venv" / "bin" / "python"
    monkeypatch.setattr(sys, "executable", str(python))
    monkeypatch.setattr(extras.shutil, "which", lambda name: "/usr/bin/pip")
    monkeypatch.chdir(tmp_path)
    short = str(Path(".venv", "bin", "python"))
    assert extras.install_command("nd2") == f'{short} -m pip install "flimage[nd2]"'
    with pytest.raises(InputError, match="-m pip install"):
        extras.need("no_such_package", "nd2", "ND2")
    # In an environment that is active, the shorter command means the same.
    monkeypatch.setattr(extras.shutil, "which", lambda name: str(python.with_name("pip")))
    assert extras.install_command("nd2") == 'pip install "flimage[nd2]"'


def test_what_is_no_recording_is_said_once_and_without_bytes(tmp_path: Path, run: Any) -> None:
    (tmp_path / "notes.tif").write_bytes(b"this is text")
    _, _, err = run("info", tmp_path / "notes.tif")
    assert "notes.tif is no TIFF file, whatever its ending says" in err
    assert "header" not in err
    with h5py.File(tmp_path / "one.h5", "w") as file:
        FLImage(np.ones((8, 8)), h5file=file)
    _, _, err = run("bleach", tmp_path / "one.h5")
    assert "one.h5 holds a single image" in err
    assert "'/'" not in err


@pytest.mark.parametrize(
    ("value", "text"),
    [(5e-324, "4.940656 × 10⁻³²⁴"), (-2.5e-310, "−2.5 × 10⁻³¹⁰"), (1.7e308, "1.7 × 10³⁰⁸")],
)
def test_numbers_at_the_ends_of_what_there_is_are_written(value: float, text: str) -> None:
    assert format_number(value, 7) == text
