"""``flimage edit`` and ``flimage traces`` do what the library does, or refuse in a sentence."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from flimage import FLImage, FLSeries, edit
from flimage.edit_steps import DeleteFrames, MeanBackground, SetInterval, apply_steps, frame_text
from flimage.source import EditedSource, SeriesSource

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def series(tmp_path: Path) -> Path:
    path = tmp_path / "a.h5"
    rng = np.random.default_rng(1)
    with FLSeries(h5file=path, h5mode="w", identifier="a") as made:
        for i in range(6):
            image = rng.normal(50, 2, (20, 30)).astype(np.float32)
            made.add_flimage(FLImage(image, meta_data={"time": 0.5 * i, "identifier": f"a{i}"}))
    return path


def test_changes_are_made_in_the_order_in_which_they_are_written(
    run: Run, series: Path, tmp_path: Path
) -> None:
    out = tmp_path / "b.h5"
    words = "--delete 0 --frames 0-1 --background-mean 2,4 --frames all --interval 0.3@1 --move 4:0"
    names = ("--set", "identifier=cell {n}", "--remove", "time")
    assert run("edit", series, out, *words.split(), "--frames", "2", *names)[0] == 0
    with FLSeries(h5file=series) as old, FLSeries(h5file=out) as new:
        made = SeriesSource(new)
        expected = EditedSource(SeriesSource(old))
        steps = [DeleteFrames((0,)), MeanBackground((2, 4), (0, 1)), SetInterval(0.3, 1.0)]
        expected = apply_steps(expected, steps)
        expected = expected.with_edits(edit.move_frames(expected, [4], 0))
        expected = expected.with_edits(edit.set_identifiers(expected, [2], "cell {n}"))
        expected = expected.with_edits(edit.set_meta(expected, [2], {"time": None}))
        assert list(made.identifiers) == list(expected.identifiers)
        np.testing.assert_array_equal(made.times, expected.times)
        for i in range(5):
            np.testing.assert_array_equal(made.raw(i), expected.raw(i))
            np.testing.assert_array_equal(made.image(i), expected.image(i))


@pytest.mark.parametrize(
    ("words", "code", "sentence"),
    [
        ("", 2, "No change is named"),
        ("--delete 9", 1, "no frame 9"),
        ("--delete 0-5", 1, "at least one"),
        ("--set colour=1", 2, "'colour' cannot be edited"),
        ("--set time", 2, "has no value"),
        ("--set time=soon", 2, "no time"),
        ("--set pixel-size=-1", 1, "above 0"),
        ("--move 3", 2, "names no place"),
        ("--interval 0", 1, "above 0"),
        ("--background-mean 7", 1, "no frame 7"),
        ("--background-plane 0", 1, "0 px wide"),
        ("--background-file none.tif", 1, "none.tif"),
        ("--session none.flsession", 1, "none.flsession"),
    ],
)
def test_what_cannot_be_done_is_refused_and_nothing_is_written(
    run: Run, series: Path, tmp_path: Path, words: str, code: int, sentence: str
) -> None:
    found, _, err = run("edit", series, tmp_path / "b.h5", *words.split())
    assert found == code
    assert sentence in err
    assert [path.name for path in tmp_path.iterdir()] == ["a.h5"]


def test_a_series_is_edited_in_place_only_with_leave(run: Run, series: Path) -> None:
    before = series.read_bytes()
    assert run("edit", series, series, "--delete", "0")[0] == 1
    assert series.read_bytes() == before
    assert run("edit", series, series, "--delete", "0", "--overwrite")[0] == 0
    with FLSeries(h5file=series) as made:
        assert made.identifiers == ["a1", "a2", "a3", "a4", "a5"]


def test_traces_are_means_of_the_raw_region(run: Run, series: Path, tmp_path: Path) -> None:
    out = tmp_path / "t.csv"
    follow = ("--follow", "a=2,3,6,8", "--follow", "all=frame")
    assert run("traces", series, out, *follow)[0] == 0
    with out.open(newline="") as file:
        rows = list(csv.DictReader(file))
    with FLSeries(h5file=series) as made:
        raw = np.stack([SeriesSource(made).raw(i) for i in range(6)]).astype(float)
    part = raw[:, 3:8, 2:6].reshape(6, -1)
    np.testing.assert_allclose(
        [float(row["a: raw mean [counts/px]"]) for row in rows], part.mean(axis=1)
    )
    np.testing.assert_allclose(
        [float(row["a: raw SD [counts/px]"]) for row in rows], part.std(axis=1, ddof=1)
    )
    assert {row["all: pixels [px]"] for row in rows} == {"600"}
    assert run("traces", series, out, *follow)[0] == 1
    code, _, err = run("traces", series, tmp_path / "u.csv", "--follow", "a=frame", *follow)
    assert code == 1
    assert "Two regions are called 'a'" in err


def test_frame_numbers_are_written_as_runs() -> None:
    assert frame_text([3, 7, 8, 9, 11]) == "3,7-9,11"
