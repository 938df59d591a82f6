"""Signal region, border and background level."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
from simulation import ArraySource

from flimage import Recipe, Region, bleach
from flimage import region as region_module
from flimage.background import (
    background_levels,
    border_mask,
    check_border,
    image_background,
    largest_border,
)
from flimage.errors import BorderError, InputError
from flimage.region import border_exclusion, region_mask, signal_region
from flimage.scan import scan_series


def cell(size=64, radius=12, centre=(32, 32), height=50.0, level=100.0, noise=2.0, seed=0):
    y, x = np.mgrid[:size, :size]
    image = level + height * (np.hypot(y - centre[0], x - centre[1]) < radius)
    return image + np.random.default_rng(seed).normal(0, noise, image.shape)


def test_the_region_is_the_cell_within_a_pixel() -> None:
    y, x = np.mgrid[:64, :64]
    distance = np.hypot(y - 32, x - 32)
    region = signal_region(cell(), Recipe())
    assert region[distance < 10].all()
    assert not region[distance > 15].any()


def test_the_region_does_not_depend_on_the_border() -> None:
    image = cell()
    regions = [signal_region(image, Recipe(border_px=width)) for width in (0, 5, 20)]
    assert all((one == regions[0]).all() for one in regions)


def test_noise_alone_gives_the_whole_frame() -> None:
    image = np.random.default_rng(1).normal(100, 3, (64, 64))
    assert signal_region(image, Recipe()).all()


def test_a_hot_pixel_is_no_signal() -> None:
    image = cell()
    image[5, 5] = 5000
    assert not signal_region(image, Recipe())[5, 5]


def test_pixels_that_never_had_a_value_are_in_no_region() -> None:
    image = cell()
    image[30:33, 30:33] = np.nan
    assert not signal_region(image, Recipe())[30:33, 30:33].any()
    assert signal_region(image, Recipe(region=Region("frame"))).sum() == 64 * 64 - 9


def test_an_image_without_a_value_is_refused() -> None:
    with pytest.raises(InputError, match="no finite pixel"):
        signal_region(np.full((8, 8), np.nan), Recipe())


@pytest.mark.parametrize(
    ("region", "expected"),
    [
        (Region("rectangle", ((1, 1), (3, 2))), {(1, 1), (1, 2)}),
        (Region("rectangle", ((3, 2), (1, 1))), {(1, 1), (1, 2)}),
        (Region("rectangle", ((0.6, 0), (2.4, 1))), {(0, 1)}),
        (Region("polygon", ((0, 0), (2, 0), (2, 2), (0, 2))), {(0, 0), (0, 1), (1, 0), (1, 1)}),
        (Region("polygon", ((0, 0), (3, 0), (0, 3))), {(0, 0), (0, 1), (1, 0)}),
        (Region("ellipse", ((0, 0), (3, 3))), {(0, 1), (1, 0), (1, 1), (1, 2), (2, 1)}
         | {(0, 0), (0, 2), (2, 0), (2, 2)}),
        (Region("mask", runs=((1, 2), (5, 1))), {(0, 1), (0, 2), (1, 1)}),
    ],
)  # fmt: skip
def test_a_drawn_region_holds_the_pixels_whose_centres_lie_inside(region, expected) -> None:
    mask = region_mask(region, (4, 4))
    assert {tuple(map(int, place)) for place in np.argwhere(mask)} == expected


def test_a_region_outside_the_image_is_refused() -> None:
    with pytest.raises(InputError, match="no pixel of the image"):
        region_mask(Region("rectangle", ((10, 10), (12, 12))), (4, 4))


def test_a_mask_for_a_larger_image_is_refused() -> None:
    with pytest.raises(InputError, match="names pixel 19"):
        region_mask(Region("mask", runs=((10, 10),)), (4, 4))


@pytest.mark.parametrize("shape", [(1, 9), (5, 7), (6, 6), (64, 65)])
def test_the_widest_border_leaves_a_pixel_and_one_more_does_not(shape) -> None:
    widest = largest_border(shape)
    assert not border_mask(shape, widest).all()
    with pytest.raises(BorderError, match=f"border of {widest + 1} px"):
        check_border(shape, widest + 1)


def test_the_error_of_a_border_names_the_largest_usable_one() -> None:
    with pytest.raises(BorderError, match="at most 4 px"):
        check_border((10, 30), 5)


def test_the_border_is_as_wide_as_it_says() -> None:
    mask = border_mask((6, 8), 2)
    assert mask.sum() == 6 * 8 - 2 * 4


def test_cells_and_their_stray_light_do_not_count_as_background() -> None:
    image = cell(centre=(32, 2))
    excluded = border_exclusion(image)
    assert excluded[signal_region(image, Recipe())].all()
    assert excluded.sum() > signal_region(image, Recipe()).sum()


def series(centre=(32, 32), drift=0.0, tilt=0.0, frames=20):
    x = np.arange(64) - 31.5
    images = [
        cell(centre=centre, height=200 * np.exp(-0.1 * i), level=100 + drift * i, seed=i) + tilt * x
        for i in range(frames)
    ]
    return ArraySource(np.array(images), np.arange(float(frames)))


@pytest.mark.parametrize("centre", [(32, 32), (32, 4)])
def test_the_level_is_that_of_the_background_also_with_cells_in_the_border(centre) -> None:
    recipe = Recipe(border_px=10)
    levels = background_levels(scan_series(series(centre), recipe), recipe)
    np.testing.assert_allclose(levels, 100, atol=0.1)
    assert np.ptp(levels) == 0


def test_cells_in_the_border_are_said() -> None:
    recipe = Recipe(border_px=10)
    fit = bleach.fit(scan_series(series((32, 4)), recipe), recipe)
    assert "cells-in-border" in fit.verdict.codes


def test_a_level_per_frame_follows_a_drift() -> None:
    recipe = Recipe(border_px=10, background="frame")
    levels = background_levels(scan_series(series(drift=2.0), recipe), recipe)
    np.testing.assert_allclose(levels, 100 + 2.0 * np.arange(20), atol=0.3)


def test_a_drift_under_one_level_is_said() -> None:
    recipe = Recipe(border_px=10)
    fit = bleach.fit(scan_series(series(drift=1.0), recipe), recipe)
    assert "background-drifts" in fit.verdict.codes


def test_no_border_subtracts_nothing_and_says_so() -> None:
    recipe = Recipe(border_px=0)
    scan = scan_series(series(), recipe)
    assert not background_levels(scan, recipe).any()
    assert "no-background" in bleach.fit(scan, recipe).verdict.codes


def test_a_drawn_background_region_gives_the_level() -> None:
    recipe = Recipe(
        background_source="region", background_region=Region("rectangle", ((0, 0), (64, 10)))
    )
    levels = background_levels(scan_series(series(), recipe), recipe)
    np.testing.assert_allclose(levels, 100, atol=0.2)


def test_a_plane_follows_a_tilt() -> None:
    recipe = Recipe(border_px=10, background_source="plane", background="frame")
    scan = scan_series(series(tilt=0.5), recipe)
    fit = bleach.fit(scan, recipe)
    x = np.arange(64) - 31.5
    np.testing.assert_allclose(
        fit.background_of(3), np.broadcast_to(100 + 0.5 * x, (64, 64)), atol=1
    )
    plane = image_background(np.broadcast_to(100 + 0.5 * x, (64, 64)), recipe, 100.0)
    np.testing.assert_allclose(plane, np.broadcast_to(100 + 0.5 * x, (64, 64)), atol=1e-9)


def test_missing_pixels_do_not_dim_a_frame() -> None:
    source = series()
    whole = bleach.fit(scan_series(source, Recipe(border_px=10)), Recipe(border_px=10))
    source.raw(7)[26:38, 26:32] = np.nan
    recipe = Recipe(border_px=10)
    fit = bleach.fit(scan_series(source, recipe), recipe)
    assert fit.trace.intensity[7] == pytest.approx(whole.trace.intensity[7], rel=0.01)
    assert "missing-pixels" in fit.verdict.codes


@pytest.mark.parametrize("gaps", [False, True])
def test_the_signal_does_not_depend_on_how_an_image_is_cut_into_bands(gaps, monkeypatch) -> None:
    image = np.random.default_rng(1).poisson(100.0 + 50 * cell()).astype(float)
    if gaps:
        image[10:13, 20:22] = np.nan
    whole = region_module.found_signal(image)
    assert whole.any()
    monkeypatch.setattr(region_module, "_BAND_PIXELS", 9 * image.shape[1])
    np.testing.assert_array_equal(region_module.found_signal(image), whole)
    finite = np.isfinite(image)
    cut = region_module._smooth(image, finite)
    monkeypatch.undo()
    np.testing.assert_array_equal(region_module._smooth(image, finite), cut)


def test_signal_of_a_large_image_is_found_without_several_copies_of_it() -> None:
    image = np.random.default_rng(1).poisson(20.0, (1600, 2000)).astype(float)
    image[500:900, 500:900] += 30
    tracemalloc.start()
    region = region_module.found_signal(image)
    found = tracemalloc.get_traced_memory()[1]
    moved = region_module.signal_moved(region, image.astype("f4"), image.astype("f4"))
    compared = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert np.count_nonzero(region) == pytest.approx(400**2, rel=0.02)
    assert moved < 0.01
    assert found < 2.2 * image.nbytes
    # Of it, one image are the two of single precision.
    assert compared < 3.2 * image.nbytes
