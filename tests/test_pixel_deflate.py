"""The encoder for images of few different values: what any reader expands is what went in."""

from __future__ import annotations

import zlib

import deflate
import h5py
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from flimage import pixel_deflate, storage
from flimage.compression import choose_plan
from flimage.pixel_deflate import compress_pixels

SIDE = 2**9


def counts(
    seed: int = 0, shape: tuple[int, int] = (SIDE, SIDE), photons: float = 100
) -> np.ndarray:
    """Counts with shot noise, corrected for background and bleaching."""
    image = np.random.default_rng(seed).poisson(photons, shape)
    return ((image - 7.31) * 1.3712345).astype("f4")


def expanded(stream: bytes) -> bytes:
    """What three independent libraries make of a stream; they must agree."""
    whole = zlib.decompress(stream)
    assert bytes(deflate.zlib_decompress(stream, len(whole))) == whole
    zlib_ng = pytest.importorskip("zlib_ng.zlib_ng")
    assert zlib_ng.decompress(stream) == whole
    return whole


@settings(deadline=None, max_examples=200)
@given(
    hnp.arrays(
        st.sampled_from([np.float32, np.uint32]),
        st.integers(1, 400),
        elements=st.sampled_from([0, 1, 2, 3, 250, 65535]),
    ),
    st.integers(1, 40),
)
def test_small_images_come_back(values, times):
    image = np.tile(values, times)
    assert expanded(compress_pixels(image)) == image.tobytes()


IMAGES = {
    "counts": counts(),
    "one pixel": np.array([[3.5]], "f4"),
    "constant": np.full((SIDE, SIDE), 1.25, "f4"),
    "zero": np.zeros((3, 7), "f4"),
    "all different": np.arange(SIDE * 300, dtype="u4").reshape(300, SIDE),
    "noise": np.random.default_rng(1).normal(size=(SIDE, SIDE)).astype("f4"),
    "missing": np.where(counts() > 130, np.float32(np.nan), counts()),
    "several blocks": counts(2, (700, 900)),
    "constant blocks": np.repeat(np.arange(9, dtype="f4"), 2**17),
    "a block and a pixel": np.append(np.tile(counts(3, (1, 2**9))[0], 2**9), np.float32(4)),
    # The distance is the farthest that there is, and one more.
    "farthest": np.tile(np.arange(8192, dtype="u4"), 3),
    "too far": np.tile(np.arange(8193, dtype="u4"), 3),
}


@pytest.mark.parametrize("name", IMAGES)
def test_images_of_every_kind_come_back(name):
    image = IMAGES[name]
    assert expanded(compress_pixels(image)) == image.tobytes()


def test_pixels_that_stand_within_reach_are_never_written_again():
    near, far = (len(compress_pixels(IMAGES[name])) for name in ("farthest", "too far"))
    assert near < 0.6 * far


def test_pairs_with_one_hash_are_told_apart(monkeypatch):
    monkeypatch.setattr(pixel_deflate, "_GOLDEN", np.uint32(0))
    image = counts(4, (100, 200))
    assert expanded(compress_pixels(image)) == image.tobytes()


@pytest.mark.parametrize("longest", [15, 7])
def test_codes_are_complete_and_never_longer_than_allowed(longest):
    fibonacci = [1, 1]
    while len(fibonacci) < 19:
        fibonacci.append(fibonacci[-1] + fibonacci[-2])
    for frequencies in (fibonacci, [0, 0, 5], [0] * 19, [10**6, 1, 1, 0, 1]):
        code, size = pixel_deflate._codes(np.array(frequencies), longest)
        used = size[size > 0].astype(int)
        assert used.max() <= longest
        assert sum(2.0**-used) == 1
        assert all(size[i] > 0 for i, count in enumerate(frequencies) if count)
        assert len({(int(c), int(s)) for c, s in zip(code, size, strict=True) if s}) == used.size


def test_every_distance_and_length_has_the_symbol_of_the_specification():
    far, near = pixel_deflate._distance_table(), pixel_deflate._length_table()
    # RFC 1951, 3.2.5: first distance, and first length, of each symbol.
    starts = [1, 2, 3, 4, 5, 7, 9, 13, 17, 25, 33, 49, 65, 97, 129, 193, 257, 385, 513, 769]
    starts += [1025, 1537, 2049, 3073, 4097, 6145, 8193, 12289, 16385, 24577]
    for pixels in range(1, 8193):
        symbol = int(far.symbol[pixels])
        assert starts[symbol] + int(far.extra[pixels]) == 4 * pixels
        assert int(far.extra[pixels]) < 2 ** int(far.extra_bits[pixels])
    starts = [3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 15, 17, 19, 23, 27, 31, 35, 43, 51, 59, 67, 83, 99]
    starts += [115, 131, 163, 195, 227]
    for pixels in range(1, 65):
        symbol = int(near.symbol[pixels])
        assert starts[symbol - 257] + int(near.extra[pixels]) == 4 * pixels


@pytest.mark.parametrize("photons", [100, 150, 300])
def test_dim_counts_take_no_more_space_than_with_gzip_at_its_highest_level(photons):
    image = counts(5, photons=photons)
    assert choose_plan(image).engine == "pixels"
    assert len(compress_pixels(image)) < 1.05 * len(zlib.compress(image.tobytes(), 9))


def test_images_with_longer_repetitions_are_left_to_a_longer_search():
    image = counts(6)
    image[:200] = np.sort(image[:200])
    assert choose_plan(image).engine != "pixels"


def test_hdf5_reads_what_was_written(tmp_path):
    image = counts(7)
    assert choose_plan(image).engine == "pixels"
    with h5py.File(tmp_path / "a.h5", "w") as file:
        storage.write_image(file, "image", image)
        np.testing.assert_array_equal(file["image"][()], image)
        np.testing.assert_array_equal(storage.read_image(file, "image"), image)
