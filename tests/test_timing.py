"""Odd times are found without calling a change of the interval odd."""

from __future__ import annotations

import numpy as np
import pytest

from flimage.timing import TimeFlag, time_flags, time_steps

NONE, MISSING, BACKWARDS, REPEATED, GAP = TimeFlag


def found(times) -> dict[int, TimeFlag]:
    flags = time_flags(times)
    return {int(i): TimeFlag(flags[i]) for i in np.flatnonzero(flags)}


def test_equal_steps_are_not_odd():
    assert found(np.arange(20) * 0.3 + 1e9) == {}


@pytest.mark.parametrize("dropped", [1, 7, 18])
def test_a_dropped_frame_leaves_a_gap(dropped):
    assert found(np.delete(np.arange(20.0), dropped)) == {dropped: GAP}


def test_neighbouring_gaps_are_all_found():
    times = np.cumsum([0, 1, 1, 1, 1, 1, 2, 2, 1, 1, 1, 1])
    assert found(times) == {6: GAP, 7: GAP}


def test_a_change_of_the_interval_is_no_gap():
    assert found(np.concatenate([np.arange(10), 10 + 5.0 * np.arange(10)])) == {}


def test_jitter_is_no_gap():
    rng = np.random.default_rng(0)
    assert found(np.arange(500) + rng.uniform(-0.1, 0.1, 500)) == {}


def test_steps_backwards_repeated_and_missing_times_are_found():
    assert found([0, 1, 0.5, 0.5, np.nan, 3]) == {2: BACKWARDS, 3: REPEATED, 4: MISSING}


@pytest.mark.parametrize("times", [[], [1.0], [np.nan], [np.nan, np.nan], [2.0, np.inf]])
def test_too_few_times_are_no_problem(times):
    assert len(time_flags(times)) == len(times)


def test_steps_belong_to_the_later_frame():
    np.testing.assert_array_equal(time_steps([1, 3, 2]), [np.nan, 2, -1])
