"""Means of rows that count differently, and their linearised values: against closed forms, and how often intervals cover."""

from __future__ import annotations

import numpy as np
import pytest

from justright.runs.weighted_means import (
    effective_rows,
    linearised,
    relative_weights,
    weighed,
    weighted_mean,
)
from justright.statistics.intervals import mean_interval


def test_the_linearised_values_have_the_mean_and_the_variance_of_a_ratio():
    """By the jackknife, up to 1 in n: leaving out one row after the other, of which some do not count and one counts much."""
    rng = np.random.default_rng(0)
    values, weights = rng.normal(3, 1, (2, 400)), rng.exponential(size=400)
    weights[::7], weights[3] = 0, 100
    found = linearised(values, relative_weights(weights))
    means = np.average(values, axis=1, weights=weights)
    np.testing.assert_allclose(found.mean(axis=1), means)
    left = np.array(
        [
            np.average(np.delete(values, row, axis=1), axis=1, weights=np.delete(weights, row))
            for row in range(400)
        ]
    )
    np.testing.assert_allclose(found.var(axis=1, ddof=1) / 400, left.var(axis=0) * 399, rtol=0.01)
    assert weighted_mean(values[0], relative_weights(weights)) == pytest.approx(means[0])


def test_equal_weights_are_none():
    """Whatever they are."""
    values = np.random.default_rng(0).normal(size=(2, 20))
    np.testing.assert_allclose(linearised(values, relative_weights(np.full(20, 7.0))), values)


def test_rows_of_weight_0_change_no_interval():
    """It is that of the other rows alone."""
    values, weights = np.random.default_rng(4).exponential(size=(2, 12))
    weights[:5] = 0
    whole, part = (
        linearised(values[rows], relative_weights(weights[rows])) for rows in (slice(None), slice(5, None))
    )
    assert whole.var(ddof=1) / 12 == pytest.approx(part.var(ddof=1) / 7)


def test_differences_of_linearised_values_are_those_of_differences():
    """So that whatever pairs rows may be given linearised losses."""
    rng = np.random.default_rng(1)
    one, other, relative = (
        rng.normal(size=50),
        rng.normal(size=50),
        relative_weights(rng.exponential(size=50)),
    )
    paired = linearised(one, relative) - linearised(other, relative)
    np.testing.assert_allclose(paired, linearised(one - other, relative), atol=1e-12)


def test_values_times_weights_come_back_from_linearised_ones():
    """Also of rows without weight, whose own value is lost."""
    rng = np.random.default_rng(2)
    values, relative = rng.normal(size=(3, 50)), relative_weights(rng.integers(0, 3, 50))
    np.testing.assert_allclose(weighed(linearised(values, relative), relative), values * relative, atol=1e-12)


def test_rows_are_worth_as_many_as_kish_says():
    """All alike, none of them, and one that counts for all."""
    assert effective_rows(np.full(8, 0.3)) == pytest.approx(8)
    assert effective_rows(np.zeros(3)) == 0
    assert effective_rows(np.array([5.0, 0, 0])) == 1
    assert relative_weights(np.zeros(2)).tolist() == [1, 1]


def test_intervals_of_weighted_means_cover_the_mean_of_the_population():
    """Of rows drawn with unequal chances and weighted by the inverse, a plain mean is wrong, and 95 % intervals cover as often."""
    rng = np.random.default_rng(3)
    population = rng.exponential(size=100_000)
    chances = np.where(population > 1, 4.0, 1.0)
    drawn = rng.choice(len(population), (600, 300), p=chances / chances.sum())
    covered = {"weighted": 0, "plain": 0}
    for rows in drawn:
        values, relative = population[rows], relative_weights(1 / chances[rows])
        for name, given in (("weighted", linearised(values, relative)), ("plain", values)):
            covered[name] += not (
                (found := mean_interval(given[None])).is_above(population.mean())
                or found.is_below(population.mean())
            )
    # Three standard errors of a share of 0.95 of 600.
    assert covered["weighted"] / 600 == pytest.approx(0.95, abs=0.027)
    assert covered["plain"] == 0
