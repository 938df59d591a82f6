from __future__ import annotations

import csv
import errno
import io

import numpy as np
import pytest

from flimage import FLSeries
from flimage.errors import Cancelled, FileAccessError, InputError, MissingFileError
from flimage.recipe import Region
from flimage.region_traces import (
    NamedRegion,
    line_profile,
    region_traces,
    traces_csv,
    write_traces,
)
from flimage.source import SeriesSource

REGIONS = (
    NamedRegion("a", Region("rectangle", ((2.0, 1.0), (5.0, 4.0)))),
    NamedRegion("all, really", Region("frame"), "#ff0000"),
)


def recording() -> tuple[SeriesSource, np.ndarray]:
    frames = np.random.default_rng(2).normal(50, 5, (7, 8, 9)).astype(np.float32)
    frames[3, 2, 3] = np.nan
    series = FLSeries()
    series.add_images(frames, [{"time": 0.5 * i} for i in range(7)])
    return SeriesSource(series), frames


def test_mean_and_spread_are_those_of_the_finite_pixels() -> None:
    source, frames = recording()
    traces = region_traces(source, REGIONS)
    part = frames[:, 1:4, 2:5].reshape(7, -1).astype(float)
    np.testing.assert_allclose(traces.mean[:, 0], np.nanmean(part, axis=1))
    np.testing.assert_allclose(traces.std[:, 0], np.nanstd(part, axis=1, ddof=1))
    assert traces.count[:, 0].tolist() == [9, 9, 9, 8, 9, 9, 9]
    assert traces.count[:, 1].tolist() == [72, 72, 72, 71, 72, 72, 72]
    np.testing.assert_array_equal(traces.times, 0.5 * np.arange(7))


def test_other_images_can_be_measured() -> None:
    source, _ = recording()
    traces = region_traces(source, REGIONS, image=lambda i: np.full((8, 9), float(i)))
    np.testing.assert_array_equal(traces.mean[:, 1], np.arange(7.0))
    np.testing.assert_array_equal(traces.std, 0.0)


def test_a_region_beside_the_image_is_refused() -> None:
    source, _ = recording()
    beside = NamedRegion("x", Region("rectangle", ((20.0, 1.0), (25.0, 4.0))))
    with pytest.raises(InputError, match="no pixel"):
        region_traces(source, [beside])
    with pytest.raises(InputError, match="automatic"):
        NamedRegion("x", Region("auto"))


def test_measuring_can_be_cancelled() -> None:
    source, _ = recording()

    def cancel(done: int, total: int, stage: str) -> None:
        raise Cancelled("stop")

    with pytest.raises(Cancelled):
        region_traces(source, REGIONS, progress=cancel)


def test_the_table_holds_every_digit(tmp_path) -> None:
    source, _ = recording()
    traces = region_traces(source, REGIONS)
    path = write_traces(traces, tmp_path / "traces.csv")
    rows = list(csv.reader(io.StringIO(path.read_text(encoding="utf-8"))))
    assert rows[0][:5] == [
        "frame",
        "time [s]",
        "a: mean [counts/px]",
        "a: SD [counts/px]",
        "a: pixels [px]",
    ]
    assert rows[0][5] == "all, really: mean [counts/px]"
    assert len(rows) == 8
    assert [float(row[2]) for row in rows[1:]] == traces.mean[:, 0].tolist()
    assert traces_csv(traces) == path.read_text(encoding="utf-8")
    assert "a: raw mean [counts/px]" in traces_csv(traces, "raw").splitlines()[0]
    with pytest.raises(MissingFileError, match="missing"):
        write_traces(traces, tmp_path / "missing" / "traces.csv")


def test_a_table_that_cannot_be_written_leaves_the_old_one(
    tmp_path, monkeypatch: pytest.MonkeyPatch
) -> None:
    traces = region_traces(recording()[0], REGIONS)
    path = tmp_path / "traces.csv"
    path.write_text("old")

    def fail(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("flimage.output.os.fsync", fail)
    with pytest.raises(FileAccessError, match=r"traces\.csv could .*: the disk is full"):
        write_traces(traces, path)
    assert [each.name for each in tmp_path.iterdir()] == ["traces.csv"]
    assert path.read_text() == "old"


def test_regions_survive_json() -> None:
    import json

    for each in REGIONS:
        assert NamedRegion.from_dict(json.loads(json.dumps(each.to_dict()))) == each
    with pytest.raises(InputError, match="cannot be used"):
        NamedRegion.from_dict({"name": "a"})


def test_profile_of_a_ramp_is_a_ramp() -> None:
    y, x = np.mgrid[:20, :30] + 0.5
    distance, values = line_profile(2 * x + 3 * y, (1.0, 2.0), (25.0, 12.0))
    assert distance[-1] == pytest.approx(26.0)
    np.testing.assert_allclose(values, 8 + distance / 26.0 * (2 * 24 + 3 * 10))


def test_profile_beside_the_image_is_not_known() -> None:
    _, values = line_profile(np.ones((5, 5)), (-4.0, 2.5), (5.0, 2.5))
    assert np.isnan(values[:4]).all()
    assert (values[4:] == 1).all()
