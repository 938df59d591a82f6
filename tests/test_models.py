"""Decay models: values, derivatives, starting points."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flimage import models
from flimage.errors import InputError
from flimage.models import MODELS, get_model

FITTED = [model for model in MODELS.values() if model.n_linear]
TIMES = np.linspace(0.0, 1.0, 41)


def test_exponential_is_its_formula() -> None:
    value = MODELS["exponential"].evaluate(TIMES, [0.2, 0.8], [np.log(3.0)])
    np.testing.assert_allclose(value, 0.2 + 0.8 * np.exp(-3.0 * TIMES), rtol=1e-14)


def test_two_exponentials_are_their_formula() -> None:
    value = MODELS["biexponential"].evaluate(TIMES, [0.1, 0.3, 0.6], np.log([9.0, 0.7]))
    expected = 0.1 + 0.3 * np.exp(-9.0 * TIMES) + 0.6 * np.exp(-0.7 * TIMES)
    np.testing.assert_allclose(value, expected, rtol=1e-14)


def test_stretched_exponential_is_its_formula() -> None:
    value = MODELS["stretched"].evaluate(TIMES, [0.1, 0.9], np.log([4.0, 0.5]))
    np.testing.assert_allclose(value, 0.1 + 0.9 * np.exp(-np.sqrt(4.0 * TIMES)), rtol=1e-12)


def test_linear_model_ends_at_its_first_parameter() -> None:
    value = MODELS["linear"].evaluate(TIMES, [0.7, 0.3], [])
    assert value[0] == pytest.approx(1.0)
    assert value[-1] == pytest.approx(0.7)


@pytest.mark.parametrize("model", FITTED, ids=lambda model: model.name)
@given(data=st.data())
def test_jacobian_is_the_derivative(model, data) -> None:
    heights = np.array(
        data.draw(st.lists(st.floats(0.1, 2), min_size=model.n_linear, max_size=model.n_linear))
    )
    theta = np.array(
        [data.draw(st.floats(max(low, -2.0), min(high, 3.0))) for low, high in model.bounds]
    )
    x = np.concatenate([heights, theta])
    analytic = model.jacobian(TIMES[1:], heights, theta)
    p = model.n_linear
    for column in range(x.size):
        step = np.zeros(x.size)
        step[column] = 1e-6
        up, down = x + step, x - step
        numeric = (
            model.evaluate(TIMES[1:], up[:p], up[p:])
            - model.evaluate(TIMES[1:], down[:p], down[p:])
        ) / 2e-6
        np.testing.assert_allclose(analytic[:, column], numeric, atol=2e-8, rtol=1e-6)


@pytest.mark.parametrize("model", FITTED, ids=lambda model: model.name)
def test_starting_points_are_the_shapes_of_their_rates(model) -> None:
    library = model.library_shapes(TIMES)
    for pick, theta in list(zip(model.picks, model.starts, strict=True))[::17]:
        np.testing.assert_allclose(library[pick], model.shapes(TIMES, theta), atol=1e-12)


@pytest.mark.parametrize("model", MODELS.values(), ids=lambda model: model.name)
def test_every_model_says_what_it_is(model) -> None:
    assert model.title
    assert model.formula
    assert model.reference
    assert len(model.parameters) == model.n_linear + model.n_rates


def test_methods_of_display_are_marked_as_not_quantitative() -> None:
    assert {name for name, model in MODELS.items() if not model.quantitative} == {
        "ratio",
        "histogram",
    }


def test_values_before_the_first_frame_stay_finite() -> None:
    for model in FITTED:
        theta = model.bounds[:, 1]
        value = model.evaluate(np.array([-100.0]), np.ones(model.n_linear), theta)
        assert np.isfinite(value).all()


def test_a_component_cannot_live_in_the_first_frame_alone() -> None:
    model = MODELS["biexponential"]
    fastest = np.exp(model.bounds_for(np.linspace(0, 1, 101))[0, 1])
    assert np.exp(-fastest / 100) > 0.15


def test_unknown_model_is_refused_with_the_known_ones() -> None:
    with pytest.raises(InputError, match=r"'cubic'.*exponential"):
        get_model("cubic")


@pytest.mark.parametrize("name", sorted(MODELS))
def test_the_documentation_of_the_module_states_each_model(name):
    text = " ".join((models.__doc__ or "").split())
    model = MODELS[name]
    assert model.formula in text
    assert model.reference.split(":")[-1].split("Not for")[0].strip() in text
    assert ("Not for quantification" in model.reference) == (not model.quantitative)


def test_the_documented_number_of_starts_is_true():
    assert f"Starts: {len(MODELS['exponential'].starts)} rates" in (models.__doc__ or "")
