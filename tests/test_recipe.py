"""The recipe: checked when made, the same after a round trip through JSON."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flimage import Recipe, Region
from flimage.errors import InputError

points = st.tuples(st.floats(-1e4, 1e4), st.floats(-1e4, 1e4))
regions = st.one_of(
    st.sampled_from([Region(), Region("frame")]),
    st.builds(lambda p: Region("rectangle", tuple(p)), st.lists(points, min_size=2, max_size=2)),
    st.builds(lambda p: Region("polygon", tuple(p)), st.lists(points, min_size=3, max_size=6)),
    st.builds(
        lambda r: Region("mask", runs=tuple(r)),
        st.lists(st.tuples(st.integers(0, 999), st.integers(1, 99)), min_size=1, max_size=4),
    ),
)
recipes = st.builds(
    Recipe,
    border_px=st.integers(0, 100),
    background=st.sampled_from(["series", "frame"]),
    background_source=st.sampled_from(["border", "plane"]),
    region=regions,
    model=st.sampled_from(["none", "linear", "exponential", "stretched", "auto", "ratio"]),
    offset=st.sampled_from(["unbleachable", "background"]),
    first=st.none() | st.integers(0, 5),
    last=st.none() | st.integers(6, 99),
    exclude=st.lists(st.integers(0, 99), max_size=5).map(tuple),
    robust=st.booleans(),
    max_gain=st.floats(1, 1e6),
    interval=st.none() | st.floats(1e-9, 1e6),
    time_axis=st.sampled_from(["time", "exposure"]),
    denoise=st.floats(0, 100),
)


@given(recipes)
def test_recipe_survives_json(recipe: Recipe) -> None:
    assert Recipe.from_json(recipe.to_json()) == recipe


def test_excluded_frames_are_sorted_and_unique() -> None:
    assert Recipe(exclude=(7, 2, 7)).exclude == (2, 7)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"border_px": -1}, "border_px is -1"),
        ({"border_px": 1.5}, "border_px is 1.5"),
        ({"model": "cubic"}, "model is 'cubic'"),
        ({"offset": "both"}, "offset is 'both'"),
        ({"first": 9, "last": 3}, "frame 9 after its end at frame 3"),
        ({"exclude": (-1,)}, "exclude"),
        ({"max_gain": 0.5}, "max_gain is 0.5"),
        ({"max_gain": float("nan")}, "max_gain is nan"),
        ({"interval": 0.0}, "interval is 0.0"),
        ({"denoise": -1}, "denoise is -1"),
        ({"background_source": "region"}, "no background_region"),
    ],
)
def test_wrong_setting_is_refused_with_its_value(settings, message) -> None:
    with pytest.raises(InputError, match=message):
        Recipe(**settings)


@pytest.mark.parametrize(
    "region",
    [("circle", ()), ("rectangle", ((0, 0),)), ("polygon", ((0, 0), (1, 1)))],
)
def test_wrong_region_is_refused(region) -> None:
    with pytest.raises(InputError):
        Region(*region)


def test_unknown_setting_is_named() -> None:
    with pytest.raises(InputError, match="unknown setting 'modle'"):
        Recipe.from_dict({"modle": "auto"})


@pytest.mark.parametrize("text", ["{", "[1]", json.dumps({"region": 3, "border_px": "x"})])
def test_damaged_json_is_refused(text) -> None:
    with pytest.raises(InputError):
        Recipe.from_json(text)
