"""Chunks made outside of HDF5 against HDF5 itself, for any type, size and value."""

from __future__ import annotations

import zlib

import h5py
import hypothesis.extra.numpy as hnp
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from flimage import codec, compression
from flimage.codec import Filters, decompress_chunk, encode_image, fletcher32, shuffle, unshuffle
from flimage.compression import Plan, choose_plan
from flimage.errors import InputError

quick = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
TYPES = ["f2", "f4", "f8", "u1", "u2", "i2", "i4", "i8"]


def reference_fletcher32(data: bytes) -> int:
    """Fletcher-32 word by word, as the HDF5 specification's library computes it."""
    first = second = 0
    words = [data[i] << 8 | data[i + 1] for i in range(0, len(data) - 1, 2)]
    if len(data) % 2:
        words.append(data[-1] << 8)
    for word in words:
        first += word
        first = (first & 0xFFFF) + (first >> 16)
        second += first
        second = (second & 0xFFFF) + (second >> 16)
    return second << 16 | first


@quick
@given(st.binary(max_size=3000))
def test_checksum_is_that_of_the_definition(data):
    assert fletcher32(data) == reference_fletcher32(data)


@pytest.mark.parametrize("size", [0, 1, 2, 2047, 2**14, 2**14 + 1, 2**14 + 3, 300_001])
@pytest.mark.parametrize("fill", [None, 0, 255])
def test_checksum_of_long_and_of_extreme_data(size, fill):
    rng = np.random.default_rng(size)
    values = rng.integers(0, 256, size, np.uint8) if fill is None else np.full(size, fill, "u1")
    assert fletcher32(values.tobytes()) == reference_fletcher32(values.tobytes())


def test_checksum_of_a_long_run_of_the_largest_words_does_not_overflow():
    assert fletcher32(b"\xff" * (1024 * 2 * 65536 + 6)) == 0xFFFFFFFF


@quick
@given(hnp.arrays(st.sampled_from(TYPES), hnp.array_shapes(min_dims=2, max_dims=2, max_side=9)))
def test_shuffling_is_undone(image):
    planes = shuffle(image)
    assert planes.tobytes() == image.reshape(-1).view("u1").reshape(-1, image.itemsize).T.tobytes()
    restored = unshuffle(planes.tobytes(), image.dtype)
    assert restored.tobytes() == image.tobytes()


@quick
@given(
    hnp.arrays(
        st.sampled_from([np.dtype(code).newbyteorder(order) for code in TYPES for order in "<>"]),
        hnp.array_shapes(min_dims=2, max_dims=2, max_side=40),
    ),
    st.sampled_from(["fast", "balanced", "small"]),
)
def test_any_image_comes_back_as_it_was(image, setting):
    encoded = encode_image(image, image.dtype, setting)
    assert encoded.chunk is not None
    restored = decompress_chunk(encoded.chunk, encoded.shape, encoded.dtype, encoded.filters)
    assert restored.dtype == image.dtype.newbyteorder("=")
    assert restored.tobytes() == image.astype(restored.dtype).tobytes()
    assert restored.flags.writeable


def bank() -> dict[str, np.ndarray]:
    """Images of all the kinds that the choice of filters tells apart."""
    rng = np.random.default_rng(3)
    y, x = np.mgrid[:256, :256] / 256
    cell = np.exp(-((y - 0.5) ** 2 + (x - 0.5) ** 2) / 0.03)
    images = {}
    for level in (3, 15, 60, 250, 1000, 8000):
        counts = rng.poisson(level * (0.2 + cell)) + 100.0
        images[f"counts {level}"] = counts
        images[f"corrected {level}"] = (counts - 100 - 0.2 * level) * 1.3712
    images["noise"] = rng.normal(100, 5, (256, 256))
    images["smooth"] = 40 * cell + x
    images["constant"] = np.full((256, 256), 3.25)
    images["missing"] = np.where(cell > 0.5, np.nan, counts)
    images["all missing"] = np.full((256, 256), np.nan)
    return {name: image.astype("f4") for name, image in images.items()}


@pytest.mark.parametrize("with_ng", [True, False], ids=["zlib-ng", "without zlib-ng"])
@pytest.mark.parametrize("name", bank())
def test_the_default_is_no_larger_than_gzip_at_its_highest_level(name, with_ng, monkeypatch):
    if not with_ng:
        monkeypatch.setattr(compression, "zlib_ng", None)
    image = bank()[name]
    encoded = encode_image(image)
    size = len(zlib.compress(image.tobytes(), 9))
    limit = 1.02 if name.startswith("counts") else 1.05
    # Images that compress to nearly nothing differ by a few bytes of headers.
    assert len(encoded.chunk) <= limit * size + 1500
    restored = decompress_chunk(encoded.chunk, encoded.shape, encoded.dtype, encoded.filters)
    np.testing.assert_array_equal(restored, image)


@pytest.mark.parametrize("name", ["counts 250", "corrected 1000"])
def test_settings_go_from_fast_to_small(name):
    image = bank()[name]
    fast, balanced, small = (
        len(encode_image(image, compression=setting).chunk)
        for setting in ("fast", "balanced", "small")
    )
    assert small <= balanced <= fast


def test_counts_are_shuffled_and_counts_times_a_gain_are_not():
    images = bank()
    assert choose_plan(images["counts 250"]).shuffle
    assert choose_plan(images["noise"]).shuffle
    assert choose_plan(images["missing"]).shuffle
    assert not choose_plan(images["corrected 250"]).shuffle
    assert choose_plan(images["counts 250"].astype("u2")) == Plan(True, "libdeflate", 4)
    assert choose_plan(images["counts 15"].astype("u1")) == Plan(False, "libdeflate", 4)


def test_an_unknown_setting_is_refused():
    with pytest.raises(InputError, match="'best' is unknown; use one of fast, balanced, small"):
        encode_image([[1.0]], compression="best")


@pytest.mark.parametrize(
    "data",
    [
        np.zeros((0, 5)),
        np.zeros((3, 0)),
        [],
        [[]],
        3.0,
        [1, 2],
        np.zeros((2, 2, 2)),
        [[1, 2], [3]],
        [["a", "b"]],
        np.zeros((2, 2), complex),
        np.zeros((2, 2), "M8[s]"),
        None,
    ],
)
def test_what_is_no_image_is_refused(data):
    with pytest.raises(InputError):
        encode_image(data)


@pytest.mark.parametrize(
    ("value", "dtype", "message"),
    [
        (1e300, "f4", "float32 cannot hold; use float64"),
        (300, "u1", "uint8 cannot hold; use float32"),
        (-1, "u2", "uint16 cannot hold"),
        (np.nan, "i4", "int32 cannot hold"),
        (np.inf, "u1", "uint8 cannot hold"),
        (1, "c8", "cannot be stored as complex64"),
        (1, "S3", "cannot be stored"),
    ],
)
def test_values_that_the_type_cannot_hold_are_refused(value, dtype, message):
    with pytest.raises(InputError, match=message):
        encode_image([[0.0, value]], dtype)


def test_infinite_and_missing_pixels_are_stored_as_floats():
    image = np.array([[np.nan, np.inf], [-np.inf, -0.0]])
    encoded = encode_image(image)
    restored = decompress_chunk(encoded.chunk, (2, 2), encoded.dtype, encoded.filters)
    assert restored.tobytes() == image.astype("f4").tobytes()


def test_the_image_may_be_changed_after_it_was_encoded():
    image = np.ones((3, 3), "f4")
    encoded = encode_image(image)
    image[:] = 7
    np.testing.assert_array_equal(encoded.data, 1)


@pytest.mark.parametrize(
    "filters", [Filters(s, lv, f) for s in (0, 1) for lv in (4, None) for f in (0, 1)]
)
@pytest.mark.parametrize("dtype", ["<f4", ">f4", "<f8", ">u2", "u1"])
def test_chunks_of_hdf5_itself_are_read(tmp_path, filters, dtype):
    image = (np.arange(12 * 17).reshape(12, 17) * 1.37 % 200).astype(dtype)
    with h5py.File(tmp_path / "a.h5", "w") as h5:
        h5.create_dataset(
            "image",
            data=image,
            chunks=image.shape,
            shuffle=filters.shuffle,
            compression=None if filters.level is None else "gzip",
            fletcher32=filters.fletcher,
        )
        mask, chunk = h5["image"].id.read_direct_chunk((0, 0))
    assert mask == 0
    restored = decompress_chunk(chunk, image.shape, np.dtype(dtype), filters)
    np.testing.assert_array_equal(restored, image)


def test_every_damaged_byte_of_a_chunk_is_found():
    image = np.random.default_rng(0).poisson(50, (16, 16)).astype("f4")
    encoded = encode_image(image)
    for position in range(len(encoded.chunk)):
        damaged = bytearray(encoded.chunk)
        damaged[position] ^= 0x40
        with pytest.raises(ValueError, match="checksum"):
            decompress_chunk(bytes(damaged), (16, 16), encoded.dtype, encoded.filters)


def test_chunks_of_the_wrong_length_are_found_without_a_checksum():
    image = np.arange(64, dtype="f4").reshape(8, 8)
    chunk = encode_image(image).chunk[:-4]
    filters = encode_image(image).filters._replace(fletcher=False)
    for shape in ((8, 7), (8, 9)):
        with pytest.raises(ValueError, match=r"decompressed|bytes instead of"):
            decompress_chunk(chunk, shape, np.dtype("f4"), filters)
    with pytest.raises(ValueError, match="decompressed"):
        decompress_chunk(b"no stream", (8, 8), np.dtype("f4"), filters)
    with pytest.raises(ValueError, match="too short"):
        decompress_chunk(b"abc", (8, 8), np.dtype("f4"), Filters(True, 4, True))
    with pytest.raises(ValueError, match="bytes instead of"):
        decompress_chunk(bytes(10), (8, 8), np.dtype("f4"), Filters(False, None, False))


def test_without_the_codec_package_images_are_left_to_hdf5(monkeypatch):
    monkeypatch.setattr(compression, "deflate", None)
    assert not compression.is_available()
    for image in bank().values():
        encoded = encode_image(image)
        assert encoded.chunk is None
        np.testing.assert_array_equal(encoded.data, image)
        assert 1 <= encoded.filters.level <= 9
    assert codec.encode_image([[1]]).shape == (1, 1)
