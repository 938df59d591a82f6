"""Pixels at the end of the detector's range must not bend the decay, or it must be said."""

from __future__ import annotations

import numpy as np
import pytest
import tifffile
from simulation import ArraySource, exponential, simulate

from flimage import FLSeries, Recipe, Region, bleach
from flimage.convert import convert
from flimage.detector import stated_maximum
from flimage.region import without_saturated
from flimage.retune import adapt_scan
from flimage.scan import scan_series
from flimage.source import EditedSource, SeriesSource

TIMES = np.linspace(0.0, 50.0, 100)
DECAY = exponential(0.05, 0.2)


def recording(top: float, spread: float, seed: int = 0, times=TIMES, decay=DECAY):
    """Two cells, brighter at their centres, as an 8-bit camera sees them."""
    truth = simulate(times, decay, brightness=0.0, background=20.0, seed=seed)
    y, x = np.mgrid[:64, :64]
    light = sum(
        np.clip(1 - (np.hypot(y - cy, x - cx) / 11) ** 2, 0, 1) ** spread
        for cy, cx in ((26, 24), (40, 44))
    )
    rng = np.random.default_rng(seed)
    images = truth.images + rng.poisson(top * light * truth.decay[:, None, None])
    return np.clip(images, 0, 255), truth


def fit_of(images, times=TIMES, **settings):
    recipe = Recipe(border_px=5, **settings)
    scan = scan_series(ArraySource(images, times), recipe)
    return bleach.fit(scan, recipe), scan


def reason_of(fit):
    return next(r for r in fit.verdict.reasons if r.code == "saturated-pixels")


@pytest.mark.parametrize("seed", range(5))
def test_saturated_pixels_are_left_out_of_the_region_and_the_decay_is_right(seed):
    images, truth = recording(330.0, 0.8, seed)
    fit, scan = fit_of(images)
    saturated = (images == 255).any(axis=0)
    assert 0.05 < (images[0] == 255).sum() / scan.region.sum() < 0.4
    assert not (scan.region & saturated).any()
    flat = fit.gain * truth.decay
    assert abs(flat[-1] / flat[0] - 1) < max(0.01, 3 * fit.gain_stderr[-1] / fit.gain[-1])
    assert abs(fit.parameter("rate").value / 0.05 - 1) < 0.04
    reason = reason_of(fit)
    assert reason.severity == "info"
    assert f"{scan.left_out} brightest pixels were left out of the signal region" in reason.sentence


def test_frames_are_left_out_where_most_of_the_signal_saturates():
    images, truth = recording(420.0, 0.05)
    fit, scan = fit_of(images)
    assert scan.left_out == 0
    hidden = (images == 255).sum(axis=(1, 2)) > 1e-3 * scan.region.sum()
    assert 10 < hidden.sum() < 60
    np.testing.assert_array_equal(fit.trace.used, ~hidden)
    flat = fit.gain * truth.decay
    assert abs(flat[-1] / flat[0] - 1) < 0.02
    reason = reason_of(fit)
    assert reason.severity == "caution"
    assert f"{hidden.sum()} frames with too many were left out of the fit" in reason.sentence


def test_where_nothing_is_left_without_saturation_the_gain_is_said_to_be_too_small():
    images, _ = recording(900.0, 0.05, decay=exponential(0.02, 0.5))
    fit, scan = fit_of(images)
    assert scan.left_out == 0
    assert fit.trace.used.all()
    reason = reason_of(fit)
    assert reason.severity == "caution"
    assert "the gain is too small" in reason.sentence


def test_saturated_pixels_beside_the_signal_cost_nothing():
    images, _ = recording(150.0, 0.8)
    plain, scan = fit_of(images)
    images[:, 60, 60] = 255
    fit, other = fit_of(images)
    assert other.left_out == 0
    np.testing.assert_array_equal(other.region, scan.region)
    assert reason_of(fit).severity == "info"
    assert "none of them lies in the signal region" in reason_of(fit).sentence
    assert not [r for r in plain.verdict.reasons if r.code == "saturated-pixels"]


def test_an_excluded_frame_that_saturates_changes_nothing():
    images, _ = recording(180.0, 0.8)
    plain, scan = fit_of(images)
    with_flash = np.insert(images, 40, 255.0, axis=0)
    times = np.insert(TIMES, 40, TIMES[39] + 1e-3)
    fit, other = fit_of(with_flash, times, exclude=(40,))
    assert other.saturated is None or not other.saturated.any()
    assert other.region.sum() == pytest.approx(scan.region.sum(), rel=0.02)
    assert fit.parameter("rate").value == pytest.approx(plain.parameter("rate").value, rel=0.01)


def test_a_drawn_region_leaves_them_out_as_well_also_without_a_new_scan():
    images, _ = recording(330.0, 0.8)
    source = ArraySource(images, TIMES)
    drawn = Recipe(border_px=5, region=Region("rectangle", ((10.0, 12.0), (40.0, 42.0))))
    whole = scan_series(source, drawn)
    adapted = adapt_scan(source, Recipe(), scan_series(source, Recipe()), drawn)
    assert 0 < whole.left_out < 900
    assert adapted.left_out == whole.left_out
    np.testing.assert_array_equal(adapted.region, whole.region)
    np.testing.assert_allclose(adapted.region_sum, whole.region_sum, rtol=1e-12)


def test_as_bright_pixels_are_left_out_with_those_that_saturate():
    region = np.ones((10, 10), dtype=bool)
    mean = np.arange(100.0).reshape(10, 10)
    saturated = mean >= 80
    saturated[9, 5] = False  # by chance of its noise
    kept, left_out = without_saturated(region, saturated, mean)
    assert left_out == 20
    np.testing.assert_array_equal(kept, mean < 80)


def test_a_single_odd_pixel_takes_no_others_with_it():
    region = np.ones((20, 20), dtype=bool)
    saturated = np.zeros_like(region)
    saturated[3, 4] = True
    kept, left_out = without_saturated(region, saturated, np.ones((20, 20)))
    assert left_out == 1
    assert kept.sum() == 399


@pytest.mark.parametrize(
    ("bits", "top", "saturated"),
    [(11, 2047, True), (11, 1023, False), (16, 1023, True), (11, 4095, True), (None, 1023, True)],
)
def test_what_the_file_says_of_the_detector_counts_more_than_a_guess(
    tmp_path, bits, top, saturated
):
    """Brightest pixels at `top`, in a file that says how many bits are significant."""
    rng = np.random.default_rng(0)
    frames = rng.integers(100, 200, (6, 32, 32)).astype(np.uint16)
    frames[:, 10:14, 10:14] = top
    said = {} if bits is None else {"SignificantBits": bits}
    tifffile.imwrite(
        tmp_path / "a.ome.tif",
        frames,
        ome=True,
        metadata={"axes": "TYX", "TimeIncrement": 1.0, **said},
    )
    convert(tmp_path / "a.ome.tif", tmp_path / "a.h5")
    with FLSeries(h5file=tmp_path / "a.h5", h5mode="r") as series:
        source = EditedSource(SeriesSource(series))
        assert stated_maximum(source) == (2047 if bits == 11 else None)
        scan = scan_series(source, Recipe(border_px=4, region=Region("frame")))
    assert scan.saturation_level == (top if saturated else None)
    assert (scan.n_saturated == (16 if saturated else 0)).all()
