from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from flimage import FLSeries
from flimage.errors import InputError
from flimage.recipe import Recipe, Region
from flimage.retune import adapt_scan, can_adapt, preview_scan
from flimage.scan import SeriesScan, scan_series
from flimage.source import SeriesSource

RECTANGLE = Region("rectangle", ((20.0, 10.0), (50.0, 44.0)))
CORNER = Region("ellipse", ((0.0, 0.0), (14.0, 12.0)))


def recording(n_frames: int = 20) -> SeriesSource:
    """Two discs that bleach at different rates on a ground of 100."""
    rng = np.random.default_rng(5)
    y, x = np.mgrid[:60, :80]
    frames = np.full((n_frames, 60, 80), 100.0)
    for row, column, rate in ((30, 25, 0.1), (30, 60, 0.02)):
        disc = np.hypot(y - row, x - column) < 10
        frames += 400 * disc * np.exp(-rate * np.arange(n_frames))[:, None, None]
    frames += rng.normal(0, 2, frames.shape)
    series = FLSeries()
    series.add_images(frames.astype(np.float32), [{"time": float(i)} for i in range(n_frames)])
    return SeriesSource(series)


def assert_equal(found: SeriesScan, expected: SeriesScan) -> None:
    for field in dataclasses.fields(SeriesScan):
        a, b = getattr(found, field.name), getattr(expected, field.name)
        if isinstance(b, np.ndarray) and field.name != "region_missing":
            np.testing.assert_allclose(a, b, rtol=1e-6, err_msg=field.name)


@pytest.mark.parametrize(
    "changes",
    [
        {"region": RECTANGLE},
        {"region": Region("frame")},
        {"background_source": "region", "background_region": CORNER},
        {
            "region": RECTANGLE,
            "background_source": "region",
            "background_region": CORNER,
        },
    ],
)
def test_an_adapted_scan_is_the_scan_of_the_other_recipe(changes: dict) -> None:
    source, scanned = recording(), Recipe(border_px=5)
    wanted = scanned.replace(**changes)
    scan = scan_series(source, scanned)
    assert can_adapt(scanned, scan, wanted)
    assert_equal(adapt_scan(source, scanned, scan, wanted), scan_series(source, wanted))


def test_a_preview_is_close_to_the_scan_that_it_stands_for() -> None:
    source, scanned = recording(), Recipe(border_px=5)
    scan = scan_series(source, scanned)
    wanted = scanned.replace(region=RECTANGLE, background_source="region", background_region=CORNER)
    preview, exact = preview_scan(scanned, scan, wanted), scan_series(source, wanted)
    assert np.array_equal(preview.region, exact.region)
    assert np.array_equal(preview.region_count, exact.region_count)
    np.testing.assert_allclose(preview.region_sum, exact.region_sum, rtol=0.02)
    np.testing.assert_allclose(
        preview.background_region_sum, exact.background_region_sum, rtol=0.01
    )


def test_what_a_scan_knows_nothing_about_needs_another_one() -> None:
    source, scanned = recording(), Recipe(border_px=5, region=RECTANGLE)
    scan = scan_series(source, scanned)
    assert not can_adapt(scanned, scan, scanned.replace(region=Region("auto")))
    assert not can_adapt(scanned, scan, scanned.replace(exclude=(3,)))
    assert not can_adapt(scanned, scan, scanned.replace(background_source="plane"))


def test_a_region_beside_the_image_is_refused() -> None:
    source, scanned = recording(), Recipe(border_px=5)
    scan = scan_series(source, scanned)
    beside = scanned.replace(region=Region("rectangle", ((200.0, 0.0), (210.0, 9.0))))
    with pytest.raises(InputError, match="no pixel"):
        preview_scan(scanned, scan, beside)
