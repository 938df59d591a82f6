"""A request says all about an export; command line, window and API write what it says."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import simulation
import tifffile

from flimage import FLImage, FLSeries, Recipe, Region, bleach, correct, extras
from flimage.cli import main
from flimage.errors import FlimageError, InputError
from flimage.export import Images, Request, write, write_tiff
from flimage.export.options import add_export_options, request_from
from flimage.scan import scan_series
from flimage.shown import images_of
from flimage.source import EditedSource, Edits, SeriesSource

RECIPE = Recipe(border_px=8)


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Path:
    times = 0.5 * np.arange(12)
    truth = simulation.simulate(times, simulation.exponential(0.1, 0.2), shape=(48, 64))
    return simulation.write(tmp_path_factory.mktemp("request") / "cells.h5", truth, "dish")


@pytest.fixture
def source(recording: Path) -> Iterator[EditedSource]:
    with FLSeries(h5file=recording, h5mode="r") as series:
        yield EditedSource(SeriesSource(series))


REQUESTS = [
    Request(Path("a.ome.tif"), images="raw", frames=(0, 1, 2, 7)),
    Request(Path("a.tif"), dtype="uint16", limits=(-3.5, 4095.0), clip=True, overwrite=True),
    Request(Path("a.zarr"), images="background-corrected"),
    Request(Path("a.gif"), fps=7.5, colormap="magma", limits=(0.0, 10.0)),
    Request(
        Path("a.csv"),
        traces={
            "a = b": Region("rectangle", ((1.0, 2.0), (30.0, 40.5))),
            "ellipse": Region("ellipse", ((1.0, 2.0), (30.0, 40.0))),
        },
    ),
]


@pytest.mark.parametrize("request_", REQUESTS, ids=lambda each: each.out.name)
def test_the_options_of_a_request_are_read_as_the_same_request(request_: Request) -> None:
    parser = argparse.ArgumentParser()
    add_export_options(parser)
    words = ["cells.h5", str(request_.out), *request_.options()]
    assert request_from(parser.parse_args(words)) == request_


def test_the_command_line_and_the_api_write_the_same_file(
    recording: Path, source: EditedSource, tmp_path: Path
) -> None:
    for name in ("a.ome.tif", "a.csv", "a.json", "a.gif"):
        (tmp_path / "api").mkdir(exist_ok=True)
        done = write(source, Request(tmp_path / "api" / name), RECIPE)
        assert done.path == tmp_path / "api" / name
        assert done.fit is not None
        words = ["-q", "export", str(recording), str(tmp_path / name), "--border", "8"]
        assert main([*words, "--no-cache"]) == 0
        theirs, ours = (tmp_path / name).read_bytes(), done.path.read_bytes()
        if name.endswith(".tif"):
            # Each OME-TIFF has an identifier of its own.
            np.testing.assert_array_equal(
                tifffile.imread(done.path), tifffile.imread(tmp_path / name)
            )
        else:
            assert theirs == ours


def test_edits_are_part_of_what_is_written(source: EditedSource, tmp_path: Path) -> None:
    dark = np.full(source.shape, 2.0)
    edits = Edits().with_order((5, 3, 4)).with_background((3,), dark)
    edited = source.with_edits(edits)
    write(edited, Request(tmp_path / "o.tif", images="background-corrected"), Recipe(border_px=0))
    found = tifffile.imread(tmp_path / "o.tif")
    want = [source.image(5), source.raw(3) - dark, source.image(4)]
    np.testing.assert_array_equal(found, np.float32(want))


@pytest.mark.parametrize(
    "recipe",
    [
        RECIPE,
        RECIPE.replace(background="frame"),
        RECIPE.replace(background_source="plane"),
        Recipe(
            background_source="region",
            background_region=Region("rectangle", ((0, 0), (5, 5))),
        ),
        Recipe(border_px=0),
    ],
)
def test_background_corrected_images_are_those_that_are_shown_and_measured(
    source: EditedSource, tmp_path: Path, recipe: Recipe
) -> None:
    dark = np.full(source.shape, 2.0)
    edited = source.with_edits(Edits().with_background((3,), dark))
    done = write(edited, Request(tmp_path / "o.tif", images="background-corrected"), recipe)
    found = tifffile.imread(tmp_path / "o.tif")
    shown = images_of(edited, recipe, "background-corrected")
    np.testing.assert_array_equal(found, [shown(number) for number in range(len(edited))])
    # What the correction multiplies.
    fit = bleach.fit(scan_series(edited, recipe), recipe)
    write(edited, Request(tmp_path / "c.tif"), recipe, fit=fit)
    corrected = tifffile.imread(tmp_path / "c.tif")
    wanted = found * np.asarray(fit.gain)[:, None, None]
    np.testing.assert_allclose(corrected, wanted, rtol=1e-5, atol=1e-3)
    assert not any(text.startswith("Correction") for text in done.sentences)
    assert not done.refused


def test_a_background_is_subtracted_also_where_no_decay_can_be_fitted(
    source: EditedSource, tmp_path: Path
) -> None:
    two = source.with_edits(Edits().with_order((4, 5)))
    request = Request(tmp_path / "o.tif", images="background-corrected")
    write(two, request, RECIPE)
    shown = images_of(two, RECIPE, "background-corrected")
    found = tifffile.imread(tmp_path / "o.tif")
    np.testing.assert_array_equal(found, [shown(0), shown(1)])
    assert abs(found[:, :5, :5].mean()) < 3
    timeless = FLSeries([FLImage(source.image(number)) for number in range(6)])
    write(
        SeriesSource(timeless), Request(tmp_path / "t.tif", images="background-corrected"), RECIPE
    )
    assert abs(tifffile.imread(tmp_path / "t.tif")[:, :5, :5].mean()) < 3


@pytest.mark.parametrize("kind", ["raw", "background-corrected", "bleach-corrected"])
def test_an_interval_gives_the_times_of_whatever_is_exported(
    source: EditedSource, tmp_path: Path, kind: Any
) -> None:
    recipe = RECIPE.replace(interval=2.5)
    write(source, Request(tmp_path / "o.tif", images=kind), recipe)
    with tifffile.TiffFile(tmp_path / "o.tif") as file:
        assert file.imagej_metadata["finterval"] == pytest.approx(2.5)


@pytest.mark.parametrize(
    ("kind", "stated"),
    [("raw", False), ("background-corrected", True), ("bleach-corrected", True)],
)
def test_settings_are_stated_where_they_matter(
    source: EditedSource, tmp_path: Path, kind: Any, stated: bool
) -> None:
    write(source, Request(tmp_path / "o.ome.tif", images=kind), RECIPE)
    with tifffile.TiffFile(tmp_path / "o.ome.tif") as file:
        assert ("background_source" in file.ome_metadata) is stated


def test_a_fit_that_there_is_is_not_made_again(
    source: EditedSource, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fit = bleach.fit(scan_series(source, RECIPE), RECIPE)

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("measured again")

    monkeypatch.setattr(correct, "run", refuse)
    write(source, Request(tmp_path / "o.ome.tif"), RECIPE, fit=fit)
    write_tiff(Images(source, "bleach-corrected", fit), tmp_path / "p.ome.tif")
    np.testing.assert_array_equal(
        tifffile.imread(tmp_path / "o.ome.tif"), tifffile.imread(tmp_path / "p.ome.tif")
    )


@pytest.mark.parametrize(
    ("name", "settings", "word"),
    [
        ("a.csv", {"images": "raw"}, "images"),
        ("a.json", {"frames": (1,)}, "frames"),
        ("a.zarr", {"dtype": "uint16"}, "dtype"),
        ("a.tif", {"limits": (0, 1)}, "limits"),
        ("a.gif", {"clip": True, "limits": (0, 1)}, "clip"),
        ("a.tif", {"traces": {"a": Region("frame")}}, "traces"),
        ("a.tif", {"fps": 5.0}, "fps"),
        ("a.csv", {"colormap": "viridis"}, "colormap"),
    ],
)
def test_a_setting_that_would_have_no_effect_is_refused(
    source: EditedSource, tmp_path: Path, name: str, settings: dict[str, Any], word: str
) -> None:
    with pytest.raises(InputError, match=f"'{word}' does not go with"):
        write(source, Request(tmp_path / name, **settings), RECIPE)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("settings", "word"),
    [
        ({"images": "blurred"}, "images"),
        ({"dtype": "int8"}, "dtype"),
        ({"limits": (2.0, 1.0)}, "range"),
        ({"limits": (0.0, float("nan"))}, "range"),
    ],
)
def test_a_value_that_is_no_choice_is_refused_at_once(settings: dict[str, Any], word: str) -> None:
    with pytest.raises(InputError, match=word):
        Request(Path("a.tif"), **settings)


def test_a_missing_package_is_told_before_anything_is_measured(
    source: EditedSource, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(extras.importlib.util, "find_spec", lambda name: None)

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("measured")

    monkeypatch.setattr(correct, "run", refuse)
    for name, package in (("a.zarr", "zarr"), ("a.mp4", "av")):
        with pytest.raises(InputError, match=f"needs the package {package}"):
            write(source, Request(tmp_path / name), RECIPE)


def test_the_fit_of_a_corrected_series_that_lost_frames_is_refused(
    source: EditedSource, tmp_path: Path
) -> None:
    correct.run(source, RECIPE, tmp_path / "c.h5")
    with FLSeries(h5file=tmp_path / "c.h5", h5mode="r") as series:
        corrected = EditedSource(SeriesSource(series), Edits().with_order(range(5)))
        with pytest.raises(FlimageError, match="the fit of 12 frames, but 5"):
            write(corrected, Request(tmp_path / "fit.csv"))
        write(corrected, Request(tmp_path / "o.tif"))
    assert tifffile.imread(tmp_path / "o.tif").shape == (5, 48, 64)
