"""Every reason that a verdict can give is given for a recording, in one sentence with numbers."""

from __future__ import annotations

import re
from collections.abc import Callable

import numpy as np
import pytest
from simulation import ArraySource, Truth, exponential, simulate

from flimage import Recipe, bleach
from flimage.bleach import BleachFit
from flimage.scan import scan_series
from flimage.verdict import REASON_CODES

TIMES = np.linspace(0.0, 50.0, 100)
CLEAN = exponential(0.05, 0.2)


def fit_of(images: np.ndarray, times: np.ndarray, **settings: object) -> BleachFit:
    recipe = Recipe(**{"border_px": 8, **settings})
    return bleach.fit(scan_series(ArraySource(images, times), recipe), recipe)


def recorded(decay: Callable = CLEAN, times: np.ndarray = TIMES, **settings: object) -> Truth:
    return simulate(times, decay, **settings)


def plain(decay: Callable = CLEAN, times: np.ndarray = TIMES, **settings: object) -> BleachFit:
    return fit_of(recorded(decay, times).images, times, **settings)


def no_signal() -> BleachFit:
    noise = np.random.default_rng(0).normal(0, 3, (100, 64, 64))
    ring = np.full((64, 64), 100.0)
    ring[8:-8, 8:-8] = 60.0
    return fit_of(np.round(noise + ring), TIMES)


def unsteady_background() -> BleachFit:
    images = recorded().images
    return fit_of(images + np.linspace(0, 30, 100)[:, None, None], TIMES)


def filled_frame(**settings: object) -> BleachFit:
    """A sample without a border, which bleaches all over."""
    rng = np.random.default_rng(1)
    sample = rng.gamma(4.0, 20.0, (64, 64)) * (0.4 + 0.6 * CLEAN(TIMES))[:, None, None]
    return fit_of(rng.poisson(sample).astype(float), TIMES, **settings)


def cell_in_border() -> BleachFit:
    truth = recorded()
    return fit_of(np.roll(truth.images, -16, axis=1), TIMES)


def moving() -> BleachFit:
    """A bright core that dissolves into the cell around it."""
    y, x = np.mgrid[:64, :64]
    distance = np.hypot(y - 32, x - 32)
    core, whole = 1.0 * (distance < 6), 1.0 * (distance < 20)
    part = np.clip((np.arange(60) - 45) / 10, 0, 1)[:, None, None]
    light = (1 - part) * core / core.sum() + part * whole / whole.sum()
    light *= 5e4 * np.exp(-0.01 * np.arange(60))[:, None, None]
    rng = np.random.default_rng(0)
    uneven = rng.normal(100, 10, (64, 64))
    return fit_of(uneven + light + rng.normal(0, 3, light.shape), np.arange(60.0))


def saturated() -> BleachFit:
    images = recorded(exponential(0.02, 0.5), brightness=4000.0).images
    return fit_of(np.clip(images, 0, 255), TIMES)


def missing() -> BleachFit:
    images = recorded().images
    images[5:9, 20:30, 20:40] = np.nan
    return fit_of(images, TIMES)


def structured() -> BleachFit:
    return plain(lambda t: 0.5 * np.exp(-t / 2) + 0.5 * np.exp(-t / 40))


def flickering() -> BleachFit:
    truth = recorded()
    lamp = 1 + 0.05 * np.random.default_rng(0).normal(size=100)
    images = 100 + (truth.images - 100) * lamp[:, None, None]
    return fit_of(images, TIMES)


def flash() -> BleachFit:
    images = recorded().images
    images[40] = 100 + 3 * (images[40] - 100)
    return fit_of(images, TIMES)


def irregular() -> BleachFit:
    times = np.where(TIMES > 25, TIMES + 10, TIMES)
    return fit_of(recorded(times=times).images, times)


def out_of_order() -> BleachFit:
    order = np.random.default_rng(0).permutation(100)
    return fit_of(recorded().images[order], TIMES[order])


CASES: dict[str, tuple[Callable[[], BleachFit], str]] = {
    "not-bleaching": (lambda: plain(np.ones_like), "refused"),
    "rising": (lambda: plain(lambda t: 1 + t / 50), "refused"),
    "no-signal": (no_signal, "refused"),
    "too-few-frames": (lambda: plain(CLEAN, np.linspace(0, 50, 6)), "caution"),
    "short-range": (lambda: plain(exponential(0.0015)), "info"),
    "uncertain-gain": (
        lambda: fit_of(recorded(exponential(0.12), brightness=12.0).images, TIMES, max_gain=1e4),
        "caution",
    ),
    "background-drifts": (unsteady_background, "caution"),
    "sample-in-border": (filled_frame, "refused"),
    "no-background": (lambda: plain(border_px=0), "caution"),
    "cells-in-border": (cell_in_border, "info"),
    "signal-moves": (moving, "caution"),
    "saturated-pixels": (saturated, "caution"),
    "missing-pixels": (missing, "caution"),
    "gain-capped": (lambda: plain(exponential(0.05), max_gain=5.0), "caution"),
    "structured-residuals": (structured, "caution"),
    "extra-noise": (flickering, "info"),
    "outliers": (flash, "info"),
    "times-irregular": (irregular, "info"),
    "times-not-monotonic": (out_of_order, "caution"),
    "extrapolated": (lambda: plain(first=20), "info"),
    "not-quantitative": (lambda: plain(model="ratio"), "caution"),
}


def test_every_documented_reason_has_a_recording() -> None:
    assert set(CASES) == set(REASON_CODES)


@pytest.mark.parametrize("code", CASES)
def test_the_recording_gets_the_reason_in_one_sentence(code: str) -> None:
    make, severity = CASES[code]
    fit = make()
    reason = next((r for r in fit.verdict.reasons if r.code == code), None)
    assert reason is not None, fit.verdict.codes
    assert reason.severity == severity
    assert reason.sentence[0].isupper() or reason.sentence[0].isdigit()
    assert reason.sentence.endswith(".")
    assert not re.search(r"[.!?] +[A-Z]", reason.sentence), "one sentence"
    assert "nan" not in reason.sentence.lower().split()
    if severity == "refused":
        np.testing.assert_array_equal(fit.gain, 1.0)
    assert fit.verdict.grade in {"info": ("good", "caution")}.get(severity, (severity,))


def test_a_clean_recording_gets_none() -> None:
    fit = plain()
    assert fit.verdict.codes == ()
    assert fit.verdict.grade == "good"


@pytest.mark.parametrize("border", [0, 3, 10])
@pytest.mark.parametrize("model", ["exponential", "auto"])
def test_where_the_border_holds_sample_a_region_or_an_image_is_advised(
    border: int, model: str
) -> None:
    fit = filled_frame(border_px=border, model=model)
    said = " ".join(reason.sentence for reason in fit.verdict.reasons)
    assert "draw a background region or assign a background image" in said
    assert "one level per frame" not in said
    assert "set a border" not in said
    # What is not advised any more would not have helped.
    assert filled_frame(border_px=border or 10, background="frame").verdict.grade == "refused"


def test_a_border_that_falls_around_a_sample_that_bleaches_is_measured_per_frame() -> None:
    fading = np.linspace(60, 0, 100)[:, None, None]
    for border, remedy in ((8, "use one level per frame"), (0, "set a border")):
        fit = fit_of(recorded().images + fading, TIMES, border_px=border)
        assert any(remedy in reason.sentence for reason in fit.verdict.reasons)
