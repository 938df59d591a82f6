"""Simulated recordings whose decay is known are corrected to what they were."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
from simulation import ArraySource, Truth, exponential, simulate

from flimage import Recipe, bleach
from flimage.scan import scan_series

MINUTE, HOUR = 60.0, 3600.0


@dataclass(frozen=True)
class Case:
    """A recording, and what is asked of its correction."""

    name: str
    times: np.ndarray
    rate: float
    offset: float = 0.0
    brightness: float = 400.0
    read_noise: float = 3.0
    spread: float = 0.001
    end: float = 0.003

    def simulate(self, seed: int) -> Truth:
        return simulate(
            self.times,
            exponential(self.rate, self.offset),
            brightness=self.brightness,
            read_noise=self.read_noise,
            seed=seed,
        )


CASES = [
    Case("seconds", np.arange(100) * 0.5, 0.04),
    Case("seconds with offset", np.arange(100) * 0.5, 0.06, offset=0.3),
    Case("mostly unbleachable", np.arange(100) * 0.5, 0.08, offset=0.7),
    Case("milliseconds", np.arange(200) * 2e-3, 8.0, offset=0.1),
    Case("minutes", np.arange(80) * MINUTE, 2e-4, offset=0.2, end=0.005, spread=0.002),
    Case("hours", np.arange(60) * HOUR, 1.5e-5, offset=0.1, end=0.005, spread=0.002),
    Case("clock since 1970", 1.7e9 + np.arange(100) * 0.5, 0.04),
    Case("dim", np.arange(100) * 0.5, 0.04, brightness=40, spread=0.006, end=0.015),
    Case("noisy", np.arange(100) * 0.5, 0.04, read_noise=30, spread=0.006, end=0.015),
    Case("15 % bleaching", np.arange(100) * 0.5, 0.0033, spread=0.002, end=0.005),
    Case("ten frames", np.arange(10) * 5.0, 0.04, offset=0.2, spread=0.004, end=0.01),
    Case("2000 frames", np.arange(2000) * 0.025, 0.04, offset=0.2),
    Case("irregular times", np.cumsum(0.1 + np.arange(90) % 7 * 0.2), 0.03, offset=0.2),
]


def correct(truth: Truth, recipe: Recipe) -> bleach.BleachFit:
    return bleach.fit(scan_series(ArraySource(truth.images, truth.times), recipe), recipe)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_gain_undoes_the_decay(case):
    truth = case.simulate(seed=1)
    fit = correct(truth, Recipe(border_px=8))
    flat = fit.gain * truth.decay
    assert flat.std() / flat.mean() < case.spread
    # Few photons leave a statistical error that no fit can avoid.
    assert abs(flat[-1] / flat[0] - 1) < max(case.end, 3 * fit.gain_stderr[-1] / fit.gain[-1])
    assert fit.verdict.grade != "refused"
    rate = next(p for p in fit.parameters if p.symbol == "k")
    assert rate.low <= case.rate <= rate.high or abs(rate.value / case.rate - 1) < 0.02
    assert rate.unit == "1/s"


@pytest.mark.parametrize(
    ("name", "decay"),
    [("constant", lambda t: np.ones_like(t)), ("rising", lambda t: 1 + t / t[-1])],
    ids=["constant", "rising"],
)
@pytest.mark.parametrize("seed", range(5))
def test_a_series_that_does_not_bleach_is_left_alone(name, decay, seed):
    truth = simulate(np.arange(50.0), decay, seed=seed)
    fit = correct(truth, Recipe(border_px=8))
    np.testing.assert_array_equal(fit.gain, 1.0)
    assert fit.verdict.grade == "refused"
    codes = {reason.code for reason in fit.verdict.reasons}
    assert codes & ({"rising", "not-bleaching"} if name == "rising" else {"not-bleaching"})


@pytest.mark.parametrize("scale", [1e-6, 1e-3, 1e3, 1e6])
def test_the_unit_of_time_does_not_matter(scale):
    truth = CASES[1].simulate(seed=2)
    reference = correct(truth, Recipe(border_px=8))
    scaled = Truth(truth.images, truth.times * scale, truth.decay, truth.signal, truth.background)
    fit = correct(scaled, Recipe(border_px=8))
    np.testing.assert_allclose(fit.gain, reference.gain, rtol=1e-6)
    rates = [next(p.value for p in f.parameters if p.symbol == "k") for f in (reference, fit)]
    assert rates[1] * scale == pytest.approx(rates[0], rel=1e-6)


@pytest.mark.parametrize("origin", [-1e3, 1e5, 2.0**30])
def test_the_origin_of_time_does_not_matter(origin):
    truth = CASES[1].simulate(seed=2)
    reference = correct(truth, Recipe(border_px=8))
    moved = Truth(truth.images, truth.times + origin, truth.decay, truth.signal, truth.background)
    np.testing.assert_allclose(correct(moved, Recipe(border_px=8)).gain, reference.gain, rtol=1e-6)


@pytest.mark.parametrize("scale", [2.0**-20, 0.5, 2.0**20])
def test_the_unit_of_intensity_does_not_matter(scale):
    truth = CASES[1].simulate(seed=2)
    reference = correct(truth, Recipe(border_px=8))
    scaled = Truth(truth.images * scale, truth.times, truth.decay, truth.signal, 0)
    np.testing.assert_allclose(correct(scaled, Recipe(border_px=8)).gain, reference.gain, rtol=1e-6)


def test_the_order_of_the_frames_in_the_file_does_not_matter():
    truth = CASES[1].simulate(seed=2)
    reference = correct(truth, Recipe(border_px=8))
    order = np.random.default_rng(0).permutation(len(truth.times))
    shuffled = Truth(truth.images[order], truth.times[order], truth.decay[order], truth.signal, 100)
    fit = correct(shuffled, Recipe(border_px=8))
    np.testing.assert_allclose(fit.gain, reference.gain[order], rtol=1e-4)
    assert "times-not-monotonic" in {reason.code for reason in fit.verdict.reasons}


def test_an_excluded_frame_changes_nothing():
    truth = CASES[1].simulate(seed=2)
    reference = correct(truth, Recipe(border_px=8))
    images = np.insert(truth.images, 30, 5e4, axis=0)
    times = np.insert(truth.times, 30, truth.times[30] - 0.1)
    more = Truth(images, times, np.insert(truth.decay, 30, 1), truth.signal, 100)
    fit = correct(more, Recipe(border_px=8, exclude=(30,)))
    np.testing.assert_allclose(np.delete(fit.gain, 30), reference.gain, rtol=1e-6)


@pytest.mark.parametrize("event", ["flash", "dropped", "particle"])
def test_single_odd_frames_do_not_move_the_rate(event):
    truth = CASES[1].simulate(seed=2)
    images = truth.images.copy()
    if event == "flash":
        images[40] = 100 + 3 * (images[40] - 100)
    elif event == "dropped":
        images[40] = 100
    else:
        images[40:43, 28:36, 24:32] += 500
    rates = []
    for stack in (truth.images, images):
        changed = Truth(stack, truth.times, truth.decay, truth.signal, 100)
        fit = correct(changed, Recipe(border_px=8))
        rates.append(next(p.value for p in fit.parameters if p.symbol == "k"))
    assert rates[1] == pytest.approx(rates[0], rel=0.01)
    assert 40 in fit.outliers


def test_cells_that_move_are_measured_wherever_they_are():
    truth = CASES[0].simulate(seed=3)
    moving = np.array([np.roll(im, round(i * 0.2) - 10, 1) for i, im in enumerate(truth.images)])
    fit = correct(Truth(moving, truth.times, truth.decay, truth.signal, 100), Recipe(border_px=4))
    flat = fit.gain * truth.decay
    assert flat.std() / flat.mean() < 0.005


def test_signal_that_dissolves_into_its_surroundings_is_measured_over_the_whole_frame(
    real_recording,
):
    tifffile = pytest.importorskip("tifffile")
    images = tifffile.imread(real_recording("mitosis_C1_51x196x171_u16.tif")).astype(float)
    recipe = Recipe(border_px=20)
    fit = correct(Truth(images, np.arange(51.0), np.ones(51), images[0], 0), recipe)
    assert "signal-moves" in {reason.code for reason in fit.verdict.reasons}
    corrected = (images.mean(axis=(1, 2)) - fit.trace.background) * fit.gain
    assert corrected.std() / corrected.mean() < 0.06


@pytest.mark.parametrize("model", ["exponential", "auto", "biexponential", "linear", "none"])
def test_a_trace_without_signal_is_refused_and_left_alone(model):
    """It is so when a frame of the recording itself is taken as its background image."""
    truth = CASES[0].simulate(seed=4)
    images = truth.images - truth.images[0]
    recipe = Recipe(border_px=8, model=model, background="frame")
    fit = correct(Truth(images, truth.times, truth.decay, truth.signal, 0), recipe)
    np.testing.assert_array_equal(fit.gain, 1.0)
    assert fit.verdict.grade == "refused"
    assert np.isfinite(fit.curve).all()


def test_a_background_that_changes_more_than_the_signal_is_refused_with_the_remedy():
    truth = CASES[1].simulate(seed=5)
    fall = np.linspace(0, -600, len(truth.times))[:, None, None]
    drifting = Truth(truth.images + 600 + fall, truth.times, truth.decay, truth.signal, 700)
    fit = correct(drifting, Recipe(border_px=8))
    np.testing.assert_array_equal(fit.gain, 1.0)
    assert fit.verdict.grade == "refused"
    assert "one level per frame" in fit.verdict.sentence
    per_frame = correct(drifting, Recipe(border_px=8, background="frame"))
    flat = per_frame.gain * truth.decay
    assert flat.std() / flat.mean() < 0.005


@pytest.mark.parametrize("seed", range(3))
def test_where_pixels_lie_does_not_matter(seed):
    """With region and background given, only the values of the pixels count."""
    from flimage import Region

    truth = CASES[1].simulate(seed=6)
    recipe = Recipe(border_px=0, region=Region("frame"))
    reference = correct(
        Truth(truth.images - 100, truth.times, truth.decay, truth.signal, 0), recipe
    )
    order = np.random.default_rng(seed).permutation(truth.images[0].size)
    images = (truth.images - 100).reshape(len(truth.times), -1)[:, order]
    shuffled = Truth(images.reshape(truth.images.shape), truth.times, truth.decay, truth.signal, 0)
    fit = correct(shuffled, recipe)
    np.testing.assert_allclose(fit.trace.intensity, reference.trace.intensity, rtol=1e-6)
    # The noise of a pixel is measured from its neighbours, which sets the weights a little.
    np.testing.assert_allclose(fit.gain, reference.gain, rtol=2e-3)
