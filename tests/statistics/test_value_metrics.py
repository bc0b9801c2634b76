"""Metrics of values against scikit-learn, and their influences against leaving rows out."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn import metrics as sk

from justright.runs.weighted_means import spread_out
from justright.statistics.value_metrics import CONSTANT_TARGET, value_metrics

ROWS = 300


@pytest.fixture
def rows():
    """Errors and targets: both (rows,)."""
    rng = np.random.default_rng(1)
    return rng.normal(size=ROWS), 50 + 3 * rng.normal(size=ROWS)


def test_every_metric_is_that_of_scikit_learn(rows):
    """In the target's units."""
    errors, targets = rows
    said = targets + errors
    expected = {
        "r2": sk.r2_score(targets, said),
        "mean_absolute_error": sk.mean_absolute_error(targets, said),
        "root_mean_squared_error": sk.root_mean_squared_error(targets, said),
        "median_absolute_error": sk.median_absolute_error(targets, said),
    }
    assert {name: one.value for name, one in dict(value_metrics(errors, targets)).items()} == pytest.approx(
        expected
    )


def test_signs_of_errors_do_not_matter(rows):
    """So that squared errors are enough."""
    errors, targets = rows
    plain, unsigned = dict(value_metrics(errors, targets)), dict(value_metrics(np.abs(errors), targets))
    assert {name: one.value for name, one in plain.items()} == {
        name: one.value for name, one in unsigned.items()
    }


def test_an_influence_is_what_leaving_out_the_row_changes(rows):
    """Up to terms that many rows make small; a median is a step, whose height is checked by its coverage."""
    errors, targets = rows
    whole = dict(value_metrics(errors, targets))
    for name in ("r2", "mean_absolute_error", "root_mean_squared_error"):
        less = [
            dict(value_metrics(np.delete(errors, row), np.delete(targets, row)))[name].value
            for row in range(ROWS)
        ]
        changes = (ROWS - 1) * (whole[name].value - np.array(less))
        np.testing.assert_allclose(whole[name].influence, changes, atol=0.3 * whole[name].influence.std())


def test_a_median_spreads_as_much_as_the_known_density_says():
    """The standard error of the median of sizes of normal errors, 1 / (2 f sqrt(rows)), from the density there."""
    errors = np.random.default_rng(2).normal(size=20_000)
    found = dict(value_metrics(errors, np.arange(20_000.0)))["median_absolute_error"].influence.std()
    median = 0.6744897501960817
    density = 2 * np.exp(-(median**2) / 2) / np.sqrt(2 * np.pi)
    assert found == pytest.approx(1 / (2 * density), rel=0.05)


def test_a_target_of_one_value_has_no_variance_to_explain():
    """The errors are measured all the same."""
    found = dict(value_metrics(np.array([1.0, -1.0, 2.0]), np.full(3, 7.0)))
    assert found["r2"] == CONSTANT_TARGET
    assert found["mean_absolute_error"].value == pytest.approx(4 / 3)


def test_perfect_and_huge_values_give_finite_metrics():
    """No division by an error of 0, and no square that overflows."""
    perfect = dict(value_metrics(np.zeros(4), np.arange(4.0)))
    assert [one.value for one in perfect.values()] == [1.0, 0.0, 0.0, 0.0]
    huge = dict(value_metrics(np.array([1e200, -1e200, 0.0]), np.array([1e200, 2e200, 3e200])))
    assert huge["root_mean_squared_error"].value == pytest.approx(1e200 * np.sqrt(2 / 3))


def test_weighted_metrics_are_those_of_scikit_learn(rows):
    """And the influences of rows those of all their copies, where weights are whole numbers; the median's depend on how many rows there are."""
    errors, targets = rows
    times = np.random.default_rng(2).integers(1, 5, ROWS)
    relative = times / times.mean()
    found = dict(value_metrics(errors, targets, relative))
    said, given = targets + errors, {"sample_weight": times}
    expected = {
        "r2": sk.r2_score(targets, said, **given),
        "mean_absolute_error": sk.mean_absolute_error(targets, said, **given),
        "root_mean_squared_error": sk.root_mean_squared_error(targets, said, **given),
        "median_absolute_error": np.median(np.repeat(np.abs(errors), times)),
    }
    assert {name: one.value for name, one in found.items()} == pytest.approx(expected)
    copies = np.repeat(np.arange(ROWS), times)
    repeated = dict(value_metrics(errors[copies], targets[copies]))
    first = np.concatenate([[0], times.cumsum()[:-1]])
    for name in set(expected) - {"median_absolute_error"}:
        np.testing.assert_allclose(
            found[name].influence, spread_out(relative * repeated[name].influence[first], relative), atol=1e-9
        )
    assert found["median_absolute_error"].influence.mean() == pytest.approx(0, abs=1e-9)
