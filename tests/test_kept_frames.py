"""A correction decodes a short recording once, and of a long one what fits into a limit."""

from __future__ import annotations

import h5py
import numpy as np
import pytest

from flimage import FLSeries, Recipe, correct, kept_frames
from flimage.kept_frames import KeptFrames
from flimage.source import SeriesSource

FRAMES = {
    "counts": np.array([[0, 1, 2], [65535, 300, 7]], "f4"),
    "large counts": np.array([[0, 65536, 2]], "f4"),
    "fractions": np.array([[0.5, 1, 2]], "f4"),
    "negative zero": np.array([[-0.0, 1, 2]], "f4"),
    "negative": np.array([[-1, 1, 2]], "f4"),
    "missing": np.array([[np.nan, np.inf, 2]], "f4"),
    "double": np.array([[0.1, 1, 2]], "f8"),
    "integers": np.array([[0, 70000, 2]], "u4"),
}


class Counted:
    """A recording that counts how often its frames are read."""

    def __init__(self, *images: np.ndarray) -> None:
        self.images = images
        self.reads = [0] * len(images)

    def raw(self, index: int) -> np.ndarray:
        self.reads[index] += 1
        return self.images[index].copy()

    def background(self, index: int) -> np.ndarray | None:
        return None


@pytest.mark.parametrize("name", FRAMES)
def test_a_kept_frame_is_the_same_to_the_last_bit(name):
    inner = Counted(FRAMES[name])
    kept = KeptFrames(inner)
    for _ in range(3):
        image = kept.raw(0)
        assert image.dtype == FRAMES[name].dtype
        assert image.tobytes() == FRAMES[name].tobytes()
    assert inner.reads == [1]


def test_no_more_is_kept_than_the_limits_allow(monkeypatch):
    frames = [np.full((8, 8), 0.5 + i, "f4") for i in range(6)]
    inner = Counted(*frames)
    monkeypatch.setattr(kept_frames, "_BYTES", 3 * frames[0].nbytes)
    kept = KeptFrames(inner)
    for _ in range(2):
        for i in range(6):
            np.testing.assert_array_equal(kept.raw(i), frames[i])
    assert inner.reads == [1, 1, 1, 2, 2, 2]
    monkeypatch.setattr(kept_frames, "_FRAMES", 1)
    kept = KeptFrames(inner)
    kept.raw(0), kept.raw(1)
    assert len(kept._kept) == 1


def test_a_correction_reads_each_frame_of_a_short_recording_once(
    tmp_path, monkeypatch, images_read
):
    rng = np.random.default_rng(1)
    path = tmp_path / "recording.h5"
    with FLSeries(h5file=path, h5mode="w") as series:
        decay = np.exp(-np.arange(12) / 5)
        images = [rng.poisson(40 + 900 * d * np.eye(40)).astype("f4") for d in decay]
        series.add_images(images, [{"time": 1.0 * i} for i in range(12)])

    def outcome(name: str) -> list[bytes]:
        with FLSeries(h5file=path, h5mode="r") as series:
            correct.run(SeriesSource(series), Recipe(border_px=5), tmp_path / name)
        with h5py.File(tmp_path / name) as file:
            return [file[f"fli_{i}/fluorescence/raw"][()].tobytes() for i in range(12)]

    kept = outcome("kept.h5")
    assert sorted(images_read.paths) == sorted(f"fli_{i}/fluorescence/raw" for i in range(12))
    monkeypatch.setattr(kept_frames, "_FRAMES", 0)
    images_read.paths.clear()
    assert outcome("read again.h5") == kept
    assert len(images_read.paths) == 36
