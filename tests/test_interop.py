"""Files go both ways between this project and flimage 0.3.3."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import h5py
import numpy as np
import pytest
from simulation import exponential, simulate

from flimage import FLImage, FLSeries, Recipe, correct
from flimage.source import SeriesSource

HERE = Path(__file__).parent


def test_a_series_written_by_0_3_3_is_read_whole():
    with FLSeries(h5file=HERE / "data/series_written_by_flimage_0.3.3.h5", h5mode="r") as series:
        assert series.identifier == "peer"
        assert series.times.tolist() == [0, 0.5, 1, 1.5, 2]
        for i, fli in enumerate(series):
            expected = np.arange(48.0).reshape(6, 8)
            np.testing.assert_array_equal(fli.raw_fl, expected + i)
            np.testing.assert_array_equal(fli.fl, expected)
            assert fli["flimage version"] == "0.3.3"
            assert fli["device"] == "camera"
            assert fli == series[f"img-{i}"]


def test_a_series_written_by_0_3_3_can_be_appended_to(tmp_path):
    path = tmp_path / "a.h5"
    path.write_bytes((HERE / "data/series_written_by_flimage_0.3.3.h5").read_bytes())
    with FLSeries(h5file=path, h5mode="a") as series:
        series.add_flimage(series[2].copy(), identifier="again", bg_from_idx=1)
        assert series["again"].bg_fl.sum() == 48


@pytest.mark.parametrize("name", ["flimage_basic.h5", "flimage_retina_p10.h5"])
def test_single_images_of_older_versions_are_read(real_recording, name):
    with FLImage(h5file=real_recording(name), h5mode="r") as fli:
        shapes = {"flimage_basic.h5": (10, 20), "flimage_retina_p10.h5": (146, 168)}
        assert fli.shape == shapes[name]
        assert np.isfinite(fli.fl).all()
        if "retina" in name:
            assert fli["identifier"] == "cda88:49"


def test_a_series_of_a_simulator_is_read(real_recording):
    with FLSeries(h5file=real_recording("cellsino_sinogram_fli.h5"), h5mode="r") as series:
        assert len(series) == 200
        assert series[0].shape == (150, 150)
        np.testing.assert_allclose(series.times, np.arange(200) * 0.1, atol=1e-9)
        assert series[series[77]["identifier"]] == series[77]


def test_frames_carry_only_what_0_3_3_knows(tmp_path):
    truth = simulate(np.arange(6.0), exponential(0.2))
    with FLSeries(h5file=tmp_path / "a.h5", h5mode="w") as series:
        series.add_images(truth.images, [{"time": t} for t in truth.times])
        correct.run(SeriesSource(series), Recipe(border_px=5), tmp_path / "b.h5")
    with h5py.File(tmp_path / "b.h5") as file:
        assert sorted(file) == [f"fli_{i}" for i in range(6)]
        group = file["fli_3"]
        assert set(group.attrs) <= set(FLImage.__init__.__globals__["META_KEYS_FL"])
        assert list(group) == ["fluorescence"]
        assert sorted(group["fluorescence"]) == ["bg_data", "raw"]
        raw = group["fluorescence/raw"]
        assert (raw.dtype, raw.chunks) == (np.float32, raw.shape)
        assert (raw.compression, raw.fletcher32) == ("gzip", True)
        assert raw.attrs["CLASS"] == b"IMAGE"
        assert raw.attrs["IMAGE_VERSION"] == b"1.2"
        assert raw.attrs["IMAGE_SUBCLASS"] == b"IMAGE_GRAYSCALE"


def test_0_3_3_itself_reads_changes_and_corrects_what_this_project_writes(tmp_path):
    python = os.environ.get("FLIMAGE_PEER_PYTHON")
    if not python:
        pytest.skip("FLIMAGE_PEER_PYTHON does not name a Python with flimage==0.3.3")
    truth = simulate(np.arange(8.0), exponential(0.2))
    with FLSeries(h5file=tmp_path / "raw.h5", h5mode="w", identifier="dish ä") as series:
        for i, image in enumerate(truth.images):
            meta = {"time": truth.times[i], "pixel size": 1e-7, "identifier": f"img-{i}"}
            fli = FLImage(image, meta)
            if i == 0:
                fli.set_bg_data(np.full(image.shape, 2.0))
            series.add_flimage(fli, bg_from_idx=0 if i == 1 else None)
        correct.run(SeriesSource(series), Recipe(border_px=5), tmp_path / "corrected.h5")
    with FLImage(truth.images[0], {"time": 1}, h5file=tmp_path / "image.h5") as fli:
        fli.compute_bg(border_px=5)
        image_sum = float(fli.fl.sum())
    for name in ("raw.h5", "corrected.h5"):
        arguments = [tmp_path / name, tmp_path / "image.h5", tmp_path / f"peer-{name}"]
        done = subprocess.run(
            [python, HERE / "peer_check.py", *arguments],
            capture_output=True,
            text=True,
            timeout=250,
            env={k: v for k, v in os.environ.items() if k != "PYTHONPATH"},
        )
        assert done.returncode == 0, done.stderr
        found = json.loads(done.stdout.splitlines()[-1])
        assert found["version"] == "0.3.3"
        with FLSeries(h5file=tmp_path / name, h5mode="r") as series:
            assert found["identifier"] == series.identifier == "dish ä"
            np.testing.assert_allclose(found["sums"], [f.fl.sum() for f in series], rtol=1e-6)
            np.testing.assert_allclose(found["backgrounds"], [f.bg_fl.sum() for f in series])
            assert found["times"] == series.times.tolist()
            assert found["names"] == series.identifiers
        assert found["image"] == pytest.approx(image_sum, rel=1e-6)
        # And back: what 0.3.3 makes of it is read here.
        with FLSeries(h5file=tmp_path / f"peer-{name}", h5mode="r") as series:
            assert series.identifiers == found["names"]
