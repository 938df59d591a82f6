"""Filters for images, against those of scipy."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from scipy import ndimage

from flimage.smoothing import box_sum, dilate, gaussian

SHAPES = [(1, 1), (1, 30), (3, 2), (40, 57), (64, 64)]


@pytest.mark.parametrize("shape", SHAPES)
def test_a_gaussian_is_that_of_scipy(shape):
    image = np.random.default_rng(1).normal(100, 20, shape)
    for sigma in (0.7, 1.0, 2.0):
        wanted = ndimage.gaussian_filter(image, sigma, mode="nearest")
        np.testing.assert_allclose(gaussian(image, sigma), wanted, rtol=1e-14)


@pytest.mark.parametrize("shape", SHAPES)
def test_the_sum_over_a_box_is_exact_for_counts(shape):
    image = np.random.default_rng(1).poisson(100, shape).astype(float)
    padded = np.pad(image, 2, mode="edge")
    windows = np.lib.stride_tricks.sliding_window_view(padded, (5, 5))
    np.testing.assert_array_equal(box_sum(image, 2), windows.sum(axis=(2, 3)))


@pytest.mark.parametrize("shape", SHAPES)
def test_a_mask_grows_as_that_of_scipy(shape):
    mask = np.random.default_rng(1).random(shape) < 0.05
    before = mask.copy()
    np.testing.assert_array_equal(dilate(mask, 3), ndimage.binary_dilation(mask, iterations=3))
    np.testing.assert_array_equal(mask, before)


def test_measuring_a_recording_loads_no_library_of_filters():
    code = """
import sys
import numpy as np
from flimage import Recipe
from flimage.scan import scan_series

class Source:
    shape, path, identifier, times = (40, 50), None, None, np.arange(6.0)
    def __len__(self): return 6
    def raw(self, index):
        image = np.random.default_rng(index).poisson(100, self.shape).astype("f4")
        image[10:30, 10:30] += 100
        return image
    def background(self, index): return None

scan = scan_series(Source(), Recipe(border_px=4))
assert scan.region.sum() < 500 and scan.noise is not None
print([name for name in sys.modules if name.startswith("scipy")])
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
