"""The noise of a pixel, measured from the recording."""

from __future__ import annotations

import numpy as np
import pytest

from flimage.noise import PixelNoise, photon_transfer, thin


def pairs(rng, image, gain, read_noise, offset, count=8):
    def frame():
        counts = rng.poisson(image / gain) * gain
        return counts + offset + rng.normal(0, read_noise, image.shape)

    return [(frame(), frame()) for _ in range(count)]


def scene(size=96, brightness=400.0):
    y, x = np.mgrid[:size, :size]
    return 10 + brightness * np.exp(-((x - size / 2) ** 2 + (y - size / 2) ** 2) / (0.02 * size**2))


@pytest.mark.parametrize(("gain", "read_noise"), [(1.0, 3.0), (4.0, 2.0), (0.5, 6.0)])
def test_gain_and_read_noise_are_recovered_below_a_camera_offset(gain, read_noise) -> None:
    rng = np.random.default_rng(1)
    noise = photon_transfer(pairs(rng, scene(), gain, read_noise, offset=100.0))
    for value in (110.0, 200.0, 400.0):
        expected = gain * (value - 100.0) + read_noise**2
        assert noise.variance_of_sum(value, 1) == pytest.approx(expected, rel=0.1)


def test_bleaching_between_the_frames_is_no_noise() -> None:
    rng = np.random.default_rng(2)
    image = scene()
    both = [(rng.poisson(image), rng.poisson(0.7 * image)) for _ in range(8)]
    noise = photon_transfer(both)
    assert noise.gain == pytest.approx(1.0, rel=0.1)


def test_missing_pixels_are_left_out() -> None:
    rng = np.random.default_rng(3)
    both = pairs(rng, scene(), 1.0, 3.0, 0.0)
    both[0][0][10:20, 10:20] = np.nan
    assert photon_transfer(both).gain == pytest.approx(1.0, rel=0.15)


def test_noise_free_frames_have_none() -> None:
    image = scene()
    noise = photon_transfer([(image, image)] * 3)
    assert noise.variance_of_sum(image.sum(), image.size) == 0


def test_tiny_frames_tell_nothing() -> None:
    assert photon_transfer([(np.ones((2, 2)), np.ones((2, 2)))]) is None


def test_variance_of_a_sum_adds_up() -> None:
    assert PixelNoise(2.0, 5.0).variance_of_sum(100.0, 10) == 250.0


def test_variance_does_not_fall_below_what_was_seen() -> None:
    assert PixelNoise(1.0, -50.0, least=3.0).variance_of_sum(10.0, 10) == 30.0


def test_thinned_image_holds_whole_bands_of_rows() -> None:
    image = np.arange(400 * 10, dtype=float).reshape(400, 10)
    part = thin(image, 640)
    assert part.shape == (64, 10)
    assert set(map(tuple, part)) <= set(map(tuple, image))
