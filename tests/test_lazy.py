"""Lazy arrays: right values and coordinates, nothing read too early, no file left open."""

from __future__ import annotations

import pickle
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import simulation

from flimage import FLImage, FLSeries, Recipe, bleach, correct
from flimage.errors import InputError
from flimage.export import Images
from flimage.scan import scan_series
from flimage.source import SeriesSource

pytest.importorskip("dask")
xr = pytest.importorskip("xarray")

TIMES = np.array([0.0, 0.5, 1.25, 2.0, 3.5, 4.0, 4.5, 6.0, 7.0, 9.0])
RECIPE = Recipe(border_px=5)


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """Compute in this thread, so that Dask keeps none."""
    import dask

    with dask.config.set(scheduler="synchronous"):
        yield


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Path:
    truth = simulation.simulate(TIMES, simulation.exponential(0.2, 0.2), shape=(32, 40))
    path = simulation.write(tmp_path_factory.mktemp("lazy") / "cells.h5", truth, "dish")
    with FLSeries(h5file=path) as series:
        series[3].set_bg_data(np.full((32, 40), 7.0))
    return path


@pytest.fixture
def series(recording: Path) -> Iterator[FLSeries]:
    with FLSeries(h5file=recording, h5mode="r") as series:
        yield series


# --- Dask ---------------------------------------------------------------------------------------


def test_a_dask_array_has_the_pixels_of_the_series(series: FLSeries) -> None:
    raw = series.to_dask("raw")
    assert (raw.shape, raw.dtype) == ((10, 32, 40), np.float32)
    np.testing.assert_array_equal(raw.compute(), [fli.raw_fl for fli in series])
    # As FLImage.fl, in single precision.
    np.testing.assert_array_equal(
        series.to_dask().compute(), np.array([fli.fl for fli in series], dtype=np.float32)
    )


def test_raw_images_keep_their_stored_type() -> None:
    with FLSeries() as series:
        series.add_images(np.arange(24, dtype=np.uint16).reshape(2, 3, 4), dtype="uint16")
        assert series.to_dask("raw").dtype == np.uint16
        assert series.to_dask("raw")[1, 2, 3].compute() == 23


def test_only_the_frames_that_are_needed_are_read(series: FLSeries, images_read: Any) -> None:
    array = series.to_dask("raw", frames_per_chunk=2)
    assert array.chunks == ((2,) * 5, (32,), (40,))
    images_read.paths.clear()
    array[4].compute(scheduler="synchronous")
    assert set(images_read.paths) <= {f"fli_{i}/fluorescence/raw" for i in (0, 4, 5)}
    assert "fli_4/fluorescence/raw" in images_read.paths


def test_a_dask_array_outlives_the_closed_series(recording: Path) -> None:
    with FLSeries(h5file=recording, h5mode="r") as series:
        array = series.to_dask("raw")
        expected = series[9].raw_fl
    np.testing.assert_array_equal(array[9].compute(), expected)


def test_a_dask_array_is_computed_by_other_processes(series: FLSeries) -> None:
    array = series.to_dask("raw", frames_per_chunk=3)
    again = pickle.loads(pickle.dumps(array))
    np.testing.assert_array_equal(again.compute(scheduler="synchronous"), array.compute())
    mean = array.mean(axis=(1, 2)).compute(scheduler="processes", num_workers=2)
    np.testing.assert_allclose(mean, [fli.raw_fl.mean() for fli in series], rtol=1e-6)


def test_bleach_corrected_images_are_those_of_the_correction(series: FLSeries) -> None:
    source = SeriesSource(series)
    fit = bleach.fit(scan_series(source, RECIPE), RECIPE)
    array = series.to_dask("bleach-corrected", fit=fit).compute()
    images = Images(source, "bleach-corrected", fit)
    np.testing.assert_array_equal(array, [images.image(i) for i in range(10)])
    with pytest.raises(InputError, match="need a fit"):
        series.to_dask("bleach-corrected")


def test_names_of_dask_arrays_follow_what_they_hold(series: FLSeries) -> None:
    assert series.to_dask("raw").name == series.to_dask("raw").name
    assert series.to_dask("raw").name != series.to_dask().name


def test_a_series_in_a_group_is_found_by_its_location(recording: Path, tmp_path: Path) -> None:
    path = tmp_path / "nested.h5"
    with h5py.File(path, "w") as file, FLSeries(h5file=file.create_group("a/b")) as series:
        series.add_flimage(FLImage(np.full((3, 4), 5.0), meta_data={"time": 0}))
        array = series.to_dask("raw")
    assert float(array.sum().compute()) == 60


# --- xarray -------------------------------------------------------------------------------------


def test_an_xarray_has_times_and_positions_in_si_units(series: FLSeries) -> None:
    array = series.to_xarray("raw")
    assert array.dims == ("time", "y", "x")
    np.testing.assert_array_equal(array.time, TIMES)
    np.testing.assert_allclose(array.x, (np.arange(40) + 0.5) * 1e-7)
    assert (array.time.units, array.y.units, array.units) == ("s", "m", "counts")
    assert array.identifier.values[2] == "frame-2"
    assert array.attrs["identifier"] == "dish"
    frame = array.sel(time=3.6, method="nearest").sel(x=slice(1e-6, 2e-6))
    np.testing.assert_array_equal(frame, series[4].raw_fl[:, 10:20])


def test_positions_are_in_pixels_where_the_pixel_size_is_not_known() -> None:
    with FLSeries() as series:
        series.add_images(np.zeros((2, 3, 4)), [{"time": 0.0}, {}])
        array = series.to_xarray()
        assert array.y.units == "px"
        assert array.y.values.tolist() == [0.5, 1.5, 2.5]
        assert np.isnan(array.time.values[1])


def test_the_engine_opens_a_series_lazily(
    series: FLSeries, recording: Path, images_read: Any
) -> None:
    with xr.open_dataset(recording, engine="flimage") as dataset:
        # One frame tells the type, the others wait.
        assert images_read.paths == ["fli_0/fluorescence/raw"]
        assert dict(dataset.sizes) == {"time": 10, "y": 32, "x": 40}
        for key in (5, slice(2, 8, 3), [0, 9, 4], slice(None, None, -1)):
            np.testing.assert_array_equal(
                dataset.intensity[key].values, np.stack([f.raw_fl for f in series])[key]
            )
        np.testing.assert_array_equal(dataset.intensity[1, 3:5, ::-2], series[1].raw_fl[3:5, ::-2])
        assert "identifier" not in xr.open_dataset(
            recording, engine="flimage", drop_variables="identifier"
        )


def test_the_engine_is_found_by_xarray_and_by_the_look_of_a_file(
    recording: Path, tmp_path: Path
) -> None:
    engine = xr.backends.list_engines()["flimage"]
    assert engine.guess_can_open(recording)
    with h5py.File(tmp_path / "other.h5", "w") as file:
        file["data"] = np.zeros(3)
    (tmp_path / "text.h5").write_text("no")
    with h5py.File(recording) as old, h5py.File(tmp_path / "two.h5", "w") as new:
        old.copy("/", new, name="a")
        old.copy("/", new, name="b")
    assert engine.guess_can_open(tmp_path / "two.h5")
    with xr.open_dataset(tmp_path / "two.h5", engine="flimage", group="/b") as dataset:
        assert dataset.sizes["time"] > 1
    with pytest.raises(InputError, match="choose one"):
        xr.open_dataset(tmp_path / "two.h5", engine="flimage")
    for name in ("other.h5", "text.h5", "gone.h5"):
        assert not engine.guess_can_open(tmp_path / name)
    assert not engine.guess_can_open(object())


def test_a_corrected_series_brings_its_gains_along(series: FLSeries, tmp_path: Path) -> None:
    fit = correct.run(SeriesSource(series), RECIPE, tmp_path / "c.h5").fit
    with xr.open_dataset(tmp_path / "c.h5", engine="flimage") as dataset:
        np.testing.assert_allclose(dataset.gain, fit.gain)
        np.testing.assert_allclose(dataset.background, fit.trace.background)
        assert Recipe.from_json(dataset.attrs["bleach recipe"]) == RECIPE


def test_the_engine_goes_together_with_dask_chunks(series: FLSeries, recording: Path) -> None:
    with xr.open_dataset(recording, engine="flimage", chunks={}) as dataset:
        assert dataset.intensity.chunks[0] == (1,) * 10
        total = float(dataset.intensity.sum().compute())
    assert total == pytest.approx(sum(float(f.raw_fl.sum(dtype=float)) for f in series), rel=1e-5)
