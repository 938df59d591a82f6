"""Changes of metadata and order are checked before they become edits."""

from __future__ import annotations

import numpy as np
import pytest

from flimage import FLImage, FLSeries, edit
from flimage.errors import InputError
from flimage.recipe import Recipe
from flimage.source import EditedSource, SeriesSource


@pytest.fixture
def source() -> EditedSource:
    series = FLSeries()
    for i, time in enumerate((0.0, 3.0, 1.0, 2.0)):
        meta = {"time": time, "identifier": f"f{i}", "pixel size": 1e-7}
        series.add_flimage(FLImage(np.full((3, 5), 10.0 + i), meta))
    return EditedSource(SeriesSource(series))


def shown(source: EditedSource, edits) -> EditedSource:
    return EditedSource(source.source, edits)


def test_metadata_are_set_for_chosen_frames_and_for_all(source):
    some = shown(source, edit.set_meta(source, [1, 3], {"pixel size": 2e-7}))
    assert [some.meta(i)["pixel size"] for i in range(4)] == [1e-7, 2e-7, 1e-7, 2e-7]
    every = shown(some, edit.set_meta(some, None, {"pixel size": None}))
    assert not any("pixel size" in every.meta(i) for i in range(4))


def test_frames_are_named_by_their_shown_number(source):
    moved = shown(source, edit.move_frames(source, [3], 0))
    assert moved.identifiers == ["f3", "f0", "f1", "f2"]
    changed = shown(moved, edit.set_meta(moved, [0], {"time": -1.0}))
    assert changed.times.tolist() == [-1, 0, 3, 1]
    assert changed.edits.meta.keys() == {3}


def test_an_interval_gives_equally_spaced_times(source):
    every = shown(source, edit.set_interval(source, 0.5, start=10.0))
    assert every.times.tolist() == [10, 10.5, 11, 11.5]
    some = shown(source, edit.set_interval(source, 0.5, frames=[2, 1]))
    assert some.times.tolist() == [0, 0, 0.5, 2]


def test_a_pattern_gives_each_frame_its_own_identifier(source):
    named = shown(source, edit.set_identifiers(source, None, "cell {n}"))
    assert named.identifiers == ["cell 0", "cell 1", "cell 2", "cell 3"]


def test_identifiers_may_be_swapped_among_the_chosen_frames(source):
    named = shown(source, edit.set_identifiers(source, [0, 1], "f{n}"))
    assert named.identifiers[:2] == ["f0", "f1"]


@pytest.mark.parametrize(
    ("key", "value", "words"),
    [
        ("time", float("nan"), "finite"),
        ("time", float("inf"), "finite"),
        ("time", "soon", "finite"),
        ("time", True, "finite"),
        ("pixel size", 0.0, "above 0"),
        ("pixel size", -1e-7, "above 0"),
        ("pixel size", float("inf"), "finite"),
        ("identifier", "  ", "at least one character"),
        ("identifier", "f2", "frame 2 already"),
        ("focus", 1.0, "cannot be edited"),
    ],
)
def test_values_that_cannot_be_used_are_refused_in_one_sentence(source, key, value, words):
    with pytest.raises(InputError, match=words) as caught:
        edit.set_meta(source, [0], {key: value})
    assert str(caught.value).endswith(".")


def test_one_identifier_for_many_frames_is_refused(source):
    with pytest.raises(InputError, match=r"each needs its own"):
        edit.set_identifiers(source, [0, 1], "cell")
    with pytest.raises(InputError, match="frame 1 already"):
        edit.set_identifiers(source, [0], "f1")


@pytest.mark.parametrize("interval", [0, -1, float("nan"), float("inf"), 1e308])
def test_impossible_intervals_are_refused(source, interval):
    with pytest.raises(InputError, match="interval"):
        edit.set_interval(source, interval)


def test_frames_are_deleted_kept_and_sorted(source):
    assert shown(source, edit.delete_frames(source, [1])).identifiers == ["f0", "f2", "f3"]
    assert shown(source, edit.keep_frames(source, [3, 1])).identifiers == ["f1", "f3"]
    assert shown(source, edit.sort_by_time(source)).times.tolist() == [0, 1, 2, 3]


@pytest.mark.parametrize(
    ("frames", "to", "expected"),
    [([0], 3, "1230"), ([0, 2], 1, "1023"), ([3], 0, "3012"), ([0, 1], 99, "2301")],
)
def test_moved_frames_stay_in_their_order(source, frames, to, expected):
    moved = shown(source, edit.move_frames(source, frames, to))
    assert "".join(str(number) for number in moved.order) == expected


def test_the_last_frame_cannot_be_deleted(source):
    with pytest.raises(InputError, match="keep one"):
        edit.delete_frames(source, range(4))


@pytest.mark.parametrize("frames", [[], [4], [-1]])
def test_frames_that_are_not_there_are_refused(source, frames):
    with pytest.raises(InputError):
        edit.keep_frames(source, frames)


def test_frames_without_time_cannot_be_sorted(source):
    some = shown(source, edit.set_meta(source, [2], {"time": None}))
    with pytest.raises(InputError, match="Frame 2 has no time"):
        edit.sort_by_time(some)


def test_the_recipe_goes_on_naming_the_same_frames():
    recipe = Recipe(exclude=(1, 3), first=1, last=3)
    after = edit.follow_order(recipe, range(5), [0, 2, 3, 4])
    assert (after.exclude, after.first, after.last) == ((2,), 1, 2)
    gone = edit.follow_order(recipe, range(5), [0, 4])
    assert (gone.exclude, gone.first, gone.last) == ((), None, None)
    assert edit.follow_order(recipe, range(5), tuple(range(5))) is recipe
