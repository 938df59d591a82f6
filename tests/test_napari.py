"""The napari plug-in: its manifest is valid, and what it reads it can write again."""

from __future__ import annotations

import importlib.metadata
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import simulation

from flimage import FLImage, FLSeries, Recipe, correct
from flimage.errors import InputError
from flimage.plugins import napari as plugin
from flimage.source import SeriesSource

pytest.importorskip("dask")

TIMES = 0.5 * np.arange(8) + 2.0


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """Compute in this thread, so that Dask keeps none."""
    import dask

    with dask.config.set(scheduler="synchronous"):
        yield


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    truth = simulation.simulate(TIMES, simulation.exponential(0.1), shape=(24, 32))
    return simulation.write(tmp_path / "cells.h5", truth, "dish")


def read(path: Path) -> tuple[Any, dict[str, Any], str]:
    reader = plugin.get_reader(str(path))
    assert reader is not None
    (layer,) = reader(str(path))
    return layer


def test_the_manifest_is_valid_and_every_command_can_be_imported() -> None:
    npe2 = pytest.importorskip("npe2")
    manifest = npe2.PluginManifest.from_distribution("flimage")
    assert manifest.name == "flimage"
    manifest.validate_imports()
    assert {command.id for command in manifest.contributions.commands} == {
        "flimage.get_reader",
        "flimage.write_image",
        "flimage.example",
    }


def test_napari_finds_reader_and_writer_by_the_name_of_a_file(recording: Path) -> None:
    npe2 = pytest.importorskip("npe2")
    manager = npe2.PluginManager()
    manager.discover(include_npe1=False)
    readers = [reader.plugin_name for reader in manager.iter_compatible_readers([str(recording)])]
    assert "flimage" in readers
    (writer,) = (w for w in manager.iter_compatible_writers(["image"]) if "flimage" in w.command)
    assert writer.filename_extensions == [".h5"]


def test_a_series_becomes_one_layer_with_scale_times_and_metadata(recording: Path) -> None:
    data, arguments, kind = read(recording)
    assert kind == "image"
    assert data.shape == (8, 24, 32)
    with FLSeries(h5file=recording, h5mode="r") as series:
        np.testing.assert_array_equal(data[5].compute(), series[5].fl)
    assert arguments["name"] == "dish"
    assert arguments["scale"] == pytest.approx((0.5, 0.1, 0.1))
    assert arguments["translate"] == (2.0, 0.0, 0.0)
    low, high = arguments["contrast_limits"]
    assert low < 110 < high
    assert arguments["metadata"]["flimage"]["times"] == TIMES.tolist()


def test_a_corrected_series_brings_recipe_and_gains_along(recording: Path, tmp_path: Path) -> None:
    recipe = Recipe(border_px=4)
    with FLSeries(h5file=recording, h5mode="r") as series:
        fit = correct.run(SeriesSource(series), recipe, tmp_path / "c.h5").fit
    metadata = read(tmp_path / "c.h5")[1]["metadata"]["flimage"]
    assert metadata["gain"] == pytest.approx(fit.gain.tolist())
    assert metadata["recipe"]["border_px"] == 4


def test_every_series_of_a_file_becomes_a_layer(recording: Path, tmp_path: Path) -> None:
    path = tmp_path / "plate.h5"
    with h5py.File(recording) as old, h5py.File(path, "w") as new:
        for place in ("control", "drug/dish1"):
            old.copy("/", new, name=place)
        new["drug/dish1"].attrs["identifier"] = "other"
        new["drug/dish1/fli_5/fluorescence/raw"][:] = 7
    reader = plugin.get_reader(str(path))
    assert reader is not None
    layers = reader(str(path))
    assert [layer[1]["name"] for layer in layers] == ["dish", "other"]
    assert [float(layer[0][5].max()) for layer in layers][1] == 7
    assert float(layers[0][0][5].max()) > 100


@pytest.mark.parametrize("release", ["0.9.2", "0.4.19", None])
def test_axes_have_units_where_napari_knows_them(
    release: str | None, recording: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def version(name: str) -> str:
        if release is None:
            raise importlib.metadata.PackageNotFoundError(name)
        return release

    monkeypatch.setattr(plugin.importlib.metadata, "version", version)
    _, arguments, _ = read(recording)
    expected = {"axis_labels": ("t", "y", "x"), "units": ("s", "um", "um")}
    found = {key: arguments[key] for key in expected if key in arguments}
    assert found == (expected if release == "0.9.2" else {})


def test_a_single_image_becomes_a_layer_of_two_axes(tmp_path: Path) -> None:
    image = np.arange(12.0).reshape(3, 4)
    with FLImage(image, h5file=tmp_path / "i.h5", h5mode="w") as fli:
        fli.set_bg_data(np.ones((3, 4)))
    data, arguments, _ = read(tmp_path / "i.h5")
    np.testing.assert_array_equal(data, image - 1)
    assert arguments["scale"] == (1.0, 1.0)


def test_other_files_are_left_to_other_plugins(tmp_path: Path) -> None:
    (tmp_path / "a.h5").write_text("text")
    with h5py.File(tmp_path / "b.h5", "w") as file:
        file["data"] = np.zeros((3, 4, 5))
    for name in ("a.h5", "b.h5", "gone.h5"):
        assert plugin.get_reader(str(tmp_path / name)) is None
    assert plugin.get_reader([str(tmp_path / "a.h5")]) is None


def test_a_layer_is_written_with_everything_it_was_read_with(
    recording: Path, tmp_path: Path
) -> None:
    data, arguments, _ = read(recording)
    out = tmp_path / "out.h5"
    assert plugin.write_image(str(out), data, arguments) == [str(out)]
    with FLSeries(h5file=recording, h5mode="r") as one, FLSeries(h5file=out, h5mode="r") as two:
        assert two.identifier == "dish"
        np.testing.assert_array_equal(two.times, one.times)
        assert two.identifiers == one.identifiers
        assert two[0].meta["pixel size"] == one[0].meta["pixel size"]
        for first, second in zip(one, two, strict=True):
            np.testing.assert_array_equal(first.fl, second.fl)


def test_a_layer_from_elsewhere_takes_its_steps_from_its_scale(tmp_path: Path) -> None:
    stack = np.arange(24, dtype=np.uint16).reshape(2, 3, 4)
    attributes = {"name": "other", "scale": (2.0, 0.25, 0.25), "metadata": {}, "rgb": False}
    plugin.write_image(str(tmp_path / "o.h5"), stack, attributes)
    with FLSeries(h5file=tmp_path / "o.h5", h5mode="r") as series:
        assert series.times.tolist() == [0.0, 2.0]
        assert series[0].meta["pixel size"] == pytest.approx(2.5e-7)
        np.testing.assert_array_equal(series[1].raw_fl, stack[1])


def test_layers_that_are_no_series_are_refused_and_nothing_is_written(tmp_path: Path) -> None:
    for data, attributes in ((np.zeros((2, 3, 4, 5)), {}), (np.zeros((4, 5, 3)), {"rgb": True})):
        with pytest.raises(InputError, match="time, y and x"):
            plugin.write_image(str(tmp_path / "o.h5"), data, attributes)
    assert list(tmp_path.iterdir()) == []


def test_the_example_is_offered_as_sample_data() -> None:
    ((data, arguments, kind),) = plugin.example()
    assert kind == "image"
    assert data.ndim == 3
    assert arguments["metadata"]["flimage"]["times"][0] == 0
