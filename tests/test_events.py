from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest
from simulation import ArraySource, exponential, simulate

from flimage import Recipe
from flimage.bleach import event_preservation
from flimage.errors import Cancelled, InputError

RECIPE = Recipe(border_px=8)


@pytest.fixture(scope="module")
def source():
    truth = simulate(np.arange(60.0), exponential(0.03, 0.2), read_noise=2.0)
    return ArraySource(truth.images, truth.times)


def test_a_model_keeps_a_change_that_ratio_and_histogram_matching_erase(source):
    result = event_preservation(source, RECIPE, light=0.9)
    assert list(result.survived) == ["exponential", "ratio", "histogram"]
    assert result.survived["exponential"] == pytest.approx(1, abs=0.03)
    assert result.survived["ratio"] < 0.3
    assert result.survived["histogram"] < 0.6
    assert "exponential 1" in result.sentence or "exponential 9" in result.sentence


def test_ratio_leaves_what_arithmetic_says(source):
    result = event_preservation(source, RECIPE, change=0.5, light=0.5, methods=["ratio"])
    expected = (1.5 / (1 + 0.5 * result.light) - 1) / 0.5
    assert result.survived["ratio"] == pytest.approx(expected, abs=0.03)


def test_event_and_region_can_be_chosen(source):
    region = np.zeros(source.shape, dtype=bool)
    region[24:30, 26:32] = True
    result = event_preservation(
        source, RECIPE, change=-0.4, frames=(10, 14), region=region, methods=["exponential"]
    )
    assert result.frames == (10, 14)
    assert 0 < result.light < 0.3
    assert result.survived["exponential"] == pytest.approx(1, abs=0.03)


@pytest.mark.parametrize(
    "settings",
    [
        {"change": 0.0},
        {"change": -2.0},
        {"change": np.nan},
        {"light": 0.0},
        {"light": 1.5},
        {"frames": (5, 60)},
        {"frames": (7, 3)},
        {"region": np.ones((3, 3), dtype=bool)},
        {"region": np.zeros((64, 64), dtype=bool)},
        {"methods": ["magic"]},
    ],
)
def test_settings_out_of_range_are_refused(source, settings):
    with pytest.raises(InputError):
        event_preservation(source, RECIPE, **settings)


def test_it_can_be_cancelled(source):
    def stop(done, total, stage):
        if done:
            raise Cancelled("stopped")

    with pytest.raises(Cancelled):
        event_preservation(source, RECIPE, progress=stop)


def test_the_result_is_plain_json_also_without_a_number(source):
    found = event_preservation(source, RECIPE, methods=["exponential"])
    values = json.loads(json.dumps(found.to_dict(), allow_nan=False))
    assert values["frames"] == list(found.frames)
    assert values["survived"] == pytest.approx(found.survived)
    nothing = dataclasses.replace(found, light=float("nan"), survived={"ratio": float("nan")})
    assert nothing.to_dict()["survived"] == {"ratio": None}
    assert nothing.to_dict()["light"] is None
