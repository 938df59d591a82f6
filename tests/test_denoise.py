"""Denoising of single frames."""

from __future__ import annotations

import numpy as np
import pytest

from flimage.denoise import denoise_image, noise_sigma
from flimage.errors import InputError


def step(noise=5.0, seed=0):
    image = np.full((48, 48), 100.0)
    image[:, 24:] = 200.0
    return image, image + np.random.default_rng(seed).normal(0, noise, image.shape)


def test_the_noise_is_measured_in_spite_of_an_edge() -> None:
    assert noise_sigma(step(5.0)[1]) == pytest.approx(5.0, rel=0.1)


def test_noise_falls_and_the_edge_stays() -> None:
    truth, image = step()
    result = denoise_image(image, 1.0)
    assert np.std(result - truth) < 0.5 * np.std(image - truth)
    assert result[:, 26:].mean() - result[:, :22].mean() == pytest.approx(100, abs=1)


def test_more_strength_smooths_more() -> None:
    _, image = step()
    rough = [np.abs(np.diff(denoise_image(image, s), axis=0)).mean() for s in (0, 0.5, 1, 3)]
    assert rough == sorted(rough, reverse=True)


@pytest.mark.parametrize("scale", [1e-6, 1e6])
def test_the_unit_of_intensity_does_not_matter(scale) -> None:
    _, image = step()
    np.testing.assert_allclose(
        denoise_image(image * scale, 1.0), denoise_image(image, 1.0) * scale, rtol=1e-6
    )


def test_missing_pixels_stay_missing_and_do_not_spread() -> None:
    _, image = step()
    image[3, 4] = np.nan
    result = denoise_image(image, 1.0)
    assert np.isnan(result).sum() == 1
    assert np.isnan(result[3, 4])


def test_no_strength_changes_nothing() -> None:
    _, image = step()
    np.testing.assert_array_equal(denoise_image(image, 0), image)


def test_single_precision_stays_single() -> None:
    assert denoise_image(step()[1].astype(np.float32)).dtype == np.float32


@pytest.mark.parametrize("strength", [-1, float("nan"), float("inf"), "1"])
def test_a_wrong_strength_is_refused(strength) -> None:
    with pytest.raises(InputError, match="strength"):
        denoise_image(np.zeros((4, 4)), strength)


@pytest.mark.parametrize(
    ("level", "photons"), [(0, 20), (0, 3000), (100, 300), (30_000, 500), (60_000, 5)]
)
@pytest.mark.parametrize("strength", [0.3, 1.0, 3.0])
def test_single_precision_gives_what_double_does(level, photons, strength) -> None:
    rng = np.random.default_rng(level + photons)
    shape = np.clip(1.5 - np.hypot(*np.mgrid[-2:2:80j, -2:2:72j]), 0, 1)
    image = np.round(level + rng.poisson(photons * (0.2 + shape)) + rng.normal(0, 2, shape.shape))
    single = denoise_image(image.astype(np.float32), strength)
    double = denoise_image(image, strength)
    assert double.dtype == np.float64
    # In units of what is looked at: the signal above its level.
    assert np.abs(single - double).max() <= 1e-4 * np.ptp(image)
