"""How many more seeds or rows would decide."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from justright.statistics.crossed import Crossed, crossed, variances_by_source
from justright.statistics.intervals import interval_of, mean_interval
from justright.statistics.sample_size import (
    MAX_SEEDS,
    POWER,
    Needs,
    expected_errors,
    required_for_each,
    required_seeds_or_rows,
)


def flat(
    mean: float, *, seeds: int, rows: int, seed_square: float, row_square: float, error: float
) -> Crossed:
    """Return moments with the given mean squares."""
    return Crossed(np.full(seeds, mean), np.full(rows, mean), seed_square, row_square, error)


def test_rows_for_one_seed_are_those_of_the_normal_sample_size_formula():
    """(z_0.975 + z_0.8)^2 variance / distance^2, up to Student's t and rounding."""
    table = flat(0.05, seeds=1, rows=100, seed_square=0.0, row_square=1.0, error=0.0)
    expected = ((stats.norm.ppf(0.975) + stats.norm.ppf(0.8)) / 0.05) ** 2
    needs = required_seeds_or_rows(table, 0.0)
    assert needs.more_seeds is None
    np.testing.assert_allclose(needs.more_rows + 100, expected, rtol=0.01)


def test_rows_alone_cannot_decide_what_seeds_disagree_about():
    """All spread between seeds: no number of rows helps, more seeds do."""
    table = flat(0.1, seeds=3, rows=1_000, seed_square=1_000 * 0.04, row_square=0.0, error=0.0)
    needs = required_seeds_or_rows(table, 0.0)
    assert needs.more_rows is None
    assert 10 <= needs.more_seeds <= 60


def test_seeds_alone_cannot_decide_what_rows_disagree_about():
    """All spread between rows: no number of seeds helps, more rows do."""
    table = flat(0.01, seeds=3, rows=1_000, seed_square=0.0, row_square=3.0, error=0.0)
    needs = required_seeds_or_rows(table, 0.0)
    assert needs.more_seeds is None
    assert needs.more_rows > 10_000


def test_a_mean_exactly_at_the_threshold_cannot_be_decided():
    """There is nothing to tell apart."""
    table = flat(0.0, seeds=3, rows=50, seed_square=1.0, row_square=1.0, error=0.5)
    assert required_seeds_or_rows(table, 0.0) == Needs(None, None)


def test_what_is_decided_needs_nothing():
    """Far from the threshold no more is needed."""
    table = flat(10.0, seeds=3, rows=50, seed_square=1.0, row_square=1.0, error=0.5)
    assert required_seeds_or_rows(table, 0.0) == Needs(0, 0)


def test_wider_simultaneous_intervals_need_more():
    """A family of comparisons costs rows."""
    table = flat(0.05, seeds=1, rows=100, seed_square=0.0, row_square=1.0, error=0.0)
    assert (
        required_seeds_or_rows(table, 0.0, widening=1.3).more_rows
        > required_seeds_or_rows(table, 0.0).more_rows
    )


@pytest.mark.parametrize("extra", [0, 5])
def test_the_planned_number_of_seeds_decides_about_four_times_in_five(extra):
    """Simulated: with the number of seeds it asks for, the interval excludes the threshold in 70-97 % of studies."""
    rng = np.random.default_rng(extra)

    def study(seeds: int) -> np.ndarray:
        return 0.1 + 0.15 * rng.normal(size=(seeds, 1)) + 0.3 * rng.normal(size=(seeds, 200))

    table = flat(0.1, seeds=4, rows=200, seed_square=200 * 0.15**2 + 0.09, row_square=0.09, error=0.09)
    needs = required_seeds_or_rows(table, 0.0)
    assert needs.more_seeds is not None
    assert needs.more_seeds < MAX_SEEDS
    seeds = 4 + needs.more_seeds + extra
    share = np.mean([mean_interval(study(seeds)).is_above(0.0) for _ in range(200)])
    assert share >= 0.7 if extra else 0.7 <= share <= 0.97


def test_more_rows_are_never_fewer_than_needed_for_a_larger_difference():
    """Monotone: a larger difference needs no more."""
    rng = np.random.default_rng(0)
    base = rng.normal(size=(1, 300))
    base -= base.mean()
    rows = [required_seeds_or_rows(crossed(base + mean), 0.0).more_rows for mean in (0.02, 0.05, 0.1)]
    assert rows == sorted(rows, reverse=True)


def test_what_neither_seeds_nor_rows_decide_alone_both_decide_together():
    """Seeds and rows each contribute more error than the distance: both must grow, and by the same factor."""
    table = flat(0.05, seeds=3, rows=1_000, seed_square=1_000 * 0.004, row_square=3 * 0.8, error=0.1)
    needs = required_seeds_or_rows(table, 0.0)
    assert (needs.more_seeds, needs.more_rows) == (None, None)
    assert needs.together is not None
    more_seeds, more_rows = needs.together
    assert more_rows == round(more_seeds * 1_000 / 3)
    larger = flat(
        0.05,
        seeds=3 + more_seeds,
        rows=1_000 + more_rows,
        seed_square=(1_000 + more_rows) * 0.0039 + 0.1,
        row_square=(3 + more_seeds) * 0.7667 + 0.1,
        error=0.1,
    )
    assert interval_of(larger).is_above(0.0)


@pytest.mark.parametrize(
    ("needs", "least"),
    [
        (Needs(4, 900), (4, 0)),
        (Needs(None, 900), (0, 900)),
        (Needs(None, None, (5, 700)), (5, 700)),
        (Needs(None, None), None),
    ],
)
def test_the_least_that_decides_is_seeds_then_rows_then_both(needs, least):
    """Seeds cost only time; rows must be had."""
    assert needs.least == least


@pytest.mark.parametrize("seeds", [1, 2, 4])
def test_many_comparisons_need_what_each_needs_alone(seeds):
    """Forty comparisons at once and one by one, with all kinds of answers among them."""
    rng = np.random.default_rng(seeds)
    tables = []
    for distance in np.geomspace(0.005, 0.5, 40):
        values = distance + rng.normal(size=(1, 200)) + 0.1 * rng.normal(size=(seeds, 1))
        tables.append(crossed(values + 0.3 * rng.normal(size=(seeds, 200))))
    distances = np.array([abs(table.mean) for table in tables])
    found = required_for_each(
        distances, variances_by_source(tables), seeds=seeds, rows=200, level=0.95, widening=1.2
    )
    assert found == [required_seeds_or_rows(table, 0.0, widening=1.2) for table in tables]
    assert len(set(found)) > 3


def test_the_needed_number_is_the_smallest_that_is_enough():
    """One row fewer would not do, by the expected errors themselves."""
    table = flat(0.05, seeds=1, rows=100, seed_square=0.0, row_square=1.0, error=0.0)
    more = required_seeds_or_rows(table, 0.0).more_rows
    planned = [expected_errors(table, seeds=1, rows=100 + rows) for rows in (more - 1, more)]
    reached = [half + stats.norm.ppf(POWER) * error for half, error in planned]
    assert reached[0] > 0.05 >= reached[1]
