"""Several windows, programs and threads at one file; the long run is `make torture`."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import h5py
import numpy as np
import pytest
import simulation
from test_crash import torture

from flimage import FLSeries, storage
from flimage.errors import FileAccessError
from flimage.save import save_edited
from flimage.source import EditedSource, Edits, SeriesSource

posix = pytest.mark.skipif(os.name != "posix", reason="an open file can be replaced on POSIX")


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    truth = simulation.simulate(np.arange(6.0), simulation.exponential(0.1), shape=(24, 30))
    return simulation.write(tmp_path / "recording.h5", truth)


@posix
def test_windows_and_programs_share_files_and_jobs_end_when_they_are_cancelled() -> None:
    pytest.importorskip("PyQt5")
    out = torture("concurrency", "--rounds", "5", "--seconds", "0.5")
    assert "0 defects" in out


@posix
def test_what_another_window_has_saved_is_not_overwritten(recording: Path) -> None:
    def save(series: FLSeries, name: str) -> None:
        edits = Edits().with_meta({0: {"identifier": name}})
        save_edited(EditedSource(SeriesSource(series), edits), recording, overwrite=True)

    with (
        FLSeries(h5file=recording, h5mode="r") as first,
        FLSeries(h5file=recording, h5mode="r") as second,
    ):
        save(first, "first")
        with pytest.raises(FileAccessError, match=r"recording\.h5 was replaced by another window"):
            save(second, "second")
    with FLSeries(h5file=recording, h5mode="r") as series:
        assert series[0]["identifier"] == "first"


@posix
def test_a_file_that_is_replaced_while_it_is_saved_is_kept(recording: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.h5"
    other.write_bytes(recording.read_bytes())

    def replace(done: int, total: int, stage: str) -> None:
        if other.exists():
            other.replace(recording)

    with FLSeries(h5file=recording, h5mode="r") as series:
        edits = Edits().with_meta({0: {"identifier": "mine"}})
        source = EditedSource(SeriesSource(series), edits)
        with pytest.raises(FileAccessError, match="was replaced by another"):
            save_edited(source, recording, overwrite=True, progress=replace)
    with FLSeries(h5file=recording, h5mode="r") as series:
        assert series[0]["identifier"] == "frame-0"


def test_images_are_written_in_one_thread_while_others_read(tmp_path: Path) -> None:
    image = np.random.default_rng(0).poisson(50, (40, 50)).astype(np.float32)
    with h5py.File(tmp_path / "read.h5", "w") as file:
        storage.write_image(file, "image", image)
    with (
        h5py.File(tmp_path / "read.h5", "r") as file,
        h5py.File(tmp_path / "write.h5", "w") as out,
        ThreadPoolExecutor(3) as pool,
    ):
        reads = [pool.submit(storage.read_image, file, "image") for _ in range(300)]
        for number in range(300):
            storage.write_image(out, f"image{number}", image)
        assert all(np.array_equal(read.result(), image) for read in reads)
        assert np.array_equal(storage.read_image(out, "image299"), image)
