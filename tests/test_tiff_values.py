"""Stored numbers of TIFF files that stand for other values: the values are what is read."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tifffile

from flimage import FLSeries, convert
from flimage.core import FLImage
from flimage.export import Images, write_tiff
from flimage.source import SeriesSource

TIMES = [0.0, 0.5, 1.7, 2.0]


@pytest.fixture
def real_numbers() -> np.ndarray:
    images = np.random.default_rng(4).normal(100, 40, (4, 12, 15)).astype(np.float32)
    images[1, 2, 3] = np.nan
    return images


@pytest.fixture
def source(real_numbers: np.ndarray) -> SeriesSource:
    series = FLSeries(
        [FLImage(image, {"time": t}) for image, t in zip(real_numbers, TIMES, strict=True)]
    )
    return SeriesSource(series)


@pytest.mark.parametrize("flavour", ["ome", "imagej"])
def test_what_was_exported_in_whole_numbers_comes_back_as_the_values(
    flavour: str, source: SeriesSource, real_numbers: np.ndarray, tmp_path: Path
) -> None:
    path = tmp_path / "a.tif"
    done = write_tiff(Images(source), path, flavour=flavour, dtype="uint16")
    assert done.scaling is not None
    with convert.open_recording(path) as recording:
        assert recording.dtype == np.float32
        assert recording.maximum is None
        assert any("Value in counts = stored number" in note for note in recording.notes)
        np.testing.assert_allclose(recording.times, TIMES)
        for index, image in enumerate(real_numbers):
            found = recording.frame(index)
            np.testing.assert_allclose(found, image, atol=0.51 * done.scaling.scale)


@pytest.mark.parametrize("flavour", ["ome", "imagej"])
def test_counts_that_were_exported_as_they_are_stay_counts(flavour: str, tmp_path: Path) -> None:
    counts = np.random.default_rng(1).integers(0, 65536, (4, 12, 15)).astype(np.float32)
    source = SeriesSource(FLSeries([FLImage(image, {}) for image in counts]))
    write_tiff(Images(source), tmp_path / "a.tif", flavour=flavour, dtype="uint16")
    with convert.open_recording(tmp_path / "a.tif") as recording:
        assert (recording.dtype, recording.maximum) == (np.uint16, 65535)
        np.testing.assert_array_equal(recording.frame(3), counts[3])


def _imagej(path: Path, stored: np.ndarray, **calibration: float) -> Path:
    tifffile.imwrite(path, stored, imagej=True, metadata={"axes": "TYX", **calibration})
    return path


def test_signed_numbers_of_imagej_are_read_as_such(tmp_path: Path) -> None:
    values = np.random.default_rng(2).integers(-300, 900, (3, 9, 11))
    stored = (values + 32768).astype(np.uint16)
    path = _imagej(tmp_path / "a.tif", stored, cf=0, c0=-32768.0, c1=1.0, vunit="Gray Value")
    with convert.open_recording(path) as recording:
        assert (recording.dtype, recording.maximum) == (np.int16, 32767)
        np.testing.assert_array_equal(recording.frame(2), values[2])
    convert.convert(path, tmp_path / "a.h5", interval=1.0)
    with FLSeries(h5file=tmp_path / "a.h5", h5mode="r") as series:
        np.testing.assert_array_equal(series[1].raw_fl, values[1])


@pytest.mark.parametrize(
    ("c0", "c1", "dtype", "maximum"),
    [
        (10.0, 2.0, np.float32, None),
        (10.0, 1.0, np.uint16, 265),
        (-128.0, 1.0, np.int16, 127),
        (0.0, 1.0, np.uint8, 255),
    ],
)
def test_calibrations_of_8_bits_are_applied_as_those_of_16(
    c0: float, c1: float, dtype: type, maximum: int | None, tmp_path: Path
) -> None:
    stored = np.random.default_rng(2).integers(0, 256, (3, 9, 11)).astype(np.uint8)
    path = _imagej(tmp_path / "a.tif", stored, cf=0, c0=c0, c1=c1)
    with convert.open_recording(path) as recording:
        assert (recording.dtype, recording.maximum) == (dtype, maximum)
        np.testing.assert_array_equal(recording.frame(2), stored[2] * c1 + c0)
        assert ("ImageJ's calibration" in " ".join(recording.notes)) == (dtype != np.uint8)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize(
    "calibration",
    [
        {"cf": 3, "c0": 1.0, "c1": 2.0, "c2": 3.0},
        {"cf": 0, "c0": float("nan"), "c1": 1.0},
        {"cf": 0, "c0": 0.0, "c1": -1.0},
        {"cf": 21},
    ],
)
def test_a_calibration_that_is_not_applied_is_said(
    calibration: dict[str, float], dtype: type, tmp_path: Path
) -> None:
    stored = np.arange(60, dtype=dtype).reshape(3, 4, 5)
    path = _imagej(tmp_path / "a.tif", stored, **calibration)
    with convert.open_recording(path) as recording:
        np.testing.assert_array_equal(recording.frame(1), stored[1])
        assert any("calibration of values" in note for note in recording.notes)


@pytest.mark.parametrize("info", ["[1, 2", "7", "[]", f"[{'9' * 500}]", "[" * 9000, '["x", "y"]'])
def test_damaged_times_in_the_info_are_left_out(info: str, tmp_path: Path) -> None:
    stored = np.zeros((2, 4, 5), np.uint16)
    text = f"times in seconds = {info}"
    tifffile.imwrite(
        tmp_path / "a.tif",
        stored,
        imagej=True,
        metadata={"axes": "TYX", "finterval": 2.0, "Info": text},
    )
    with convert.open_recording(tmp_path / "a.tif") as recording:
        np.testing.assert_array_equal(recording.times, [0.0, 2.0])
