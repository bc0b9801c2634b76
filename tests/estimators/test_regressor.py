"""The regressor."""

from __future__ import annotations

import pickle

import numpy as np
from tests.refusals import refusal

import justright as jr


def test_numbers_come_back_in_the_units_of_the_target(small):
    """A target far from 0 is learned without scaling, and a copy predicts the same."""
    x = np.random.default_rng(0).normal(size=(200, 2))
    y = 1_000 + 100 * x[:, 0]
    model = jr.JustRightRegressor(**small).fit(x, y)
    assert model.score(x, y) > 0.9
    assert np.array_equal(pickle.loads(pickle.dumps(model)).predict(x), model.predict(x))
    assert model.result_.summary["task"] == "regression"


def test_a_constant_target_is_refused(small):
    """There is nothing to learn."""
    assert refusal(jr.JustRightRegressor(**small).fit, np.zeros((10, 1)), np.ones(10)) == (
        "The array: the target 'target' must have at least two different values; all 10 rows hold '1'. Name another column, "
        "or read more rows."
    )
