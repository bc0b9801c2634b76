"""Intervals for a mean over seeds and rows: closed forms, coverage, and what must not change them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from tests.refusals import refusal

from justright.statistics.crossed import crossed, variances_by_source
from justright.statistics.intervals import (
    generalized,
    half_widths,
    mean_interval,
    random_effects,
    student_quantile,
    unpaired_interval,
)

RELATIVE = 2e-3  # 1,000 quadrature nodes; the heaviest tail is that of 2 seeds


def table_of(rng, seeds, rows, *, deviation=1.0, rest=1.0):
    """Return (seeds, rows) values of true mean 0, seeds differing `deviation` times the rows' standard error."""
    shift = rng.standard_normal((seeds, 1)) * deviation / np.sqrt(rows)
    return shift + rng.standard_normal((1, rows)) + rest * rng.standard_normal((seeds, rows))


def halves_of(method, tables, level=0.95):
    """Return (tables,) half-widths by one method, of tables with the same seeds and rows."""
    first = tables[0]
    return method(variances_by_source(tables), seeds=first.seeds, rows=first.rows, level=level)


def rows_only(by_source, *, seeds, rows, level):
    """Student's t over rows: what an interval is that does not look at seeds."""
    return student_quantile(rows - 1, level) * np.sqrt(by_source[1])


def test_one_seed_gives_students_interval_over_rows():
    """With one seed there is nothing but rows, and the interval says so."""
    values = np.random.default_rng(0).exponential(size=(1, 50))
    interval = mean_interval(values)
    expected = stats.ttest_1samp(values[0], 0.0).confidence_interval(0.95)
    np.testing.assert_allclose((interval.low, interval.high), expected)
    assert interval.seeds == 1


@pytest.mark.parametrize("seeds", [2, 3, 5, 10])
def test_generalized_interval_is_students_over_seeds_when_rows_agree(seeds):
    """When every row says the same, only the seeds are left: Student's t over seed means."""
    means = np.random.default_rng(seeds).normal(size=seeds)
    table = crossed(np.repeat(means[:, None], 30, axis=1))
    half = halves_of(generalized, [table])[0]
    expected = stats.ttest_1samp(means, 0.0).confidence_interval(0.95)
    np.testing.assert_allclose((table.mean - half, table.mean + half), expected, rtol=RELATIVE, atol=1e-9)


@pytest.mark.parametrize("method", [half_widths, generalized, random_effects])
def test_seeds_that_agree_leave_students_interval_over_rows(method):
    """Identical seeds add nothing: the interval is that of one seed."""
    row = np.random.default_rng(3).exponential(size=200)
    alone = mean_interval(row[None])
    thrice = halves_of(method, [crossed(np.tile(row, (3, 1)))])[0]
    np.testing.assert_allclose(thrice, alone.high - alone.mean, rtol=RELATIVE)


def test_random_effects_interval_is_that_of_the_balanced_table():
    """Hand arithmetic: variance (MSa + MSb - MSe) / cells, degrees of freedom by Satterthwaite."""
    values = np.array([[0.0, 2.0, 4.0], [1.0, 3.0, 8.0]])
    variance = (6.0 + 15.5 - 1.5) / 6
    freedom = (6.0 + 15.5 - 1.5) ** 2 / (6.0**2 / 1 + 15.5**2 / 2 + 1.5**2 / 2)
    half = halves_of(random_effects, [crossed(values)])[0]
    np.testing.assert_allclose(half, stats.t.ppf(0.975, freedom) * np.sqrt(variance))


def test_generalized_interval_is_that_of_behrens_and_fisher():
    """Two sources of error, 4 seeds and many rows: the fiducial quantile by plain simulation."""
    table = crossed(table_of(np.random.default_rng(4), 4, 2_000, deviation=2.0, rest=0.0))
    by_seed, by_row, rest = table.parts
    rng = np.random.default_rng(5)
    excess = np.maximum(by_seed * 3 / rng.chisquare(3, 400_000) - rest, 0)
    draws = rng.standard_normal(400_000) * np.sqrt(by_row + excess)
    expected = np.quantile(np.abs(draws), 0.95)
    np.testing.assert_allclose(halves_of(generalized, [table]), expected, rtol=0.01)


@pytest.mark.parametrize(("seeds", "deviation"), [(2, 0.0), (2, 9.0), (3, 0.0), (3, 1.0), (5, 9.0)])
def test_combined_half_width_weighs_its_parts_by_what_seeds_add_to_the_error(seeds, deviation):
    """Hand arithmetic: the second part weighs as the seeds' share of the standard error, 1/2 at least with two seeds."""
    table = crossed(table_of(np.random.default_rng(6), seeds, 300, deviation=deviation))
    narrow, wide = (halves_of(method, [table], 0.9)[0] for method in (random_effects, generalized))
    by_seed, by_row, rest = table.parts
    excess = max(by_seed - rest, 0.0)
    weight = np.sqrt(excess / (by_row + excess))
    weight = max(weight, 0.5) if seeds == 2 else weight
    expected = np.sqrt((1 - weight) * narrow**2 + weight * wide**2)
    np.testing.assert_allclose(halves_of(half_widths, [table], 0.9)[0], expected)


def test_seeds_that_differ_no_more_than_chance_leave_the_narrower_interval():
    """Three seeds over rows they share: as wide as the random effects' alone, not as the fiducial one."""
    table = crossed(table_of(np.random.default_rng(1), 3, 2_000, deviation=0.0, rest=0.0))
    half, narrow = (halves_of(method, [table])[0] for method in (half_widths, random_effects))
    np.testing.assert_allclose(half, narrow, rtol=1e-6)


@pytest.mark.parametrize(
    ("seeds", "deviation"), [(2, 3.0), (3, 0.0), (3, 1.0), (3, 3.0), (5, 0.0), (5, 3.0), (10, 1.0)]
)
@pytest.mark.parametrize("kind", ["normal", "lognormal"])
def test_default_interval_covers_as_often_as_it_says(seeds, deviation, kind):
    """400 simulated studies for each case; 95 % nominal, 92-99 % allowed (93-97 %, and 2 standard errors of 1 %)."""
    rng = np.random.default_rng(11)
    tables = []
    for _ in range(400):
        values = table_of(rng, seeds, 200, deviation=deviation, rest=0.0)
        if kind == "lognormal":
            heavy = np.exp(rng.standard_normal((1, 200)) * 0.75)
            values += heavy - np.exp(0.75**2 / 2)
        tables.append(crossed(values))
    means = np.array([table.mean for table in tables])
    coverage = (np.abs(means) <= halves_of(half_widths, tables)).mean()
    assert 0.92 <= coverage <= 0.99


def test_rows_alone_cover_too_rarely_when_seeds_differ():
    """Why the default looks at seeds at all: the simulation must be able to fail."""
    rng = np.random.default_rng(12)
    tables = [crossed(table_of(rng, 3, 200, deviation=3.0, rest=0.0)) for _ in range(400)]
    means = np.array([table.mean for table in tables])
    assert (np.abs(means) <= halves_of(rows_only, tables)).mean() < 0.8


@given(st.integers(0, 10_000), st.integers(1, 6), st.floats(1e-6, 1e6), st.floats(-1e3, 1e3))
def test_interval_moves_and_stretches_with_the_values(seed, seeds, scale, shift):
    """Shift and scale equivariance: units do not matter."""
    values = table_of(np.random.default_rng(seed), seeds, 20)
    plain, moved = mean_interval(values), mean_interval(scale * (values + shift))
    expected = [scale * (end + shift) for end in (plain.mean, plain.low, plain.high)]
    np.testing.assert_allclose(
        (moved.mean, moved.low, moved.high), expected, rtol=1e-5, atol=scale * 1e-8 * (1 + abs(shift))
    )


@given(st.integers(0, 10_000), st.integers(2, 6))
def test_order_of_seeds_and_rows_does_not_matter(seed, seeds):
    """The same values in another order give the same interval."""
    rng = np.random.default_rng(seed)
    values = table_of(rng, seeds, 20)
    other = values[rng.permutation(seeds)][:, rng.permutation(20)]
    first, second = mean_interval(values), mean_interval(other)
    np.testing.assert_allclose((second.low, second.high), (first.low, first.high), rtol=1e-7, atol=1e-9)


def test_values_without_any_spread_give_an_interval_of_no_width():
    """The chosen epoch is the last one in every run: all differences are exactly 0."""
    for method in (half_widths, generalized, random_effects):
        assert halves_of(method, [crossed(np.zeros((3, 10)))]) == [0.0]


def test_a_higher_level_is_wider():
    """99 % contains 95 % contains 50 %."""
    values = table_of(np.random.default_rng(13), 4, 100)
    widths = [mean_interval(values, level=level).high for level in (0.5, 0.95, 0.99)]
    assert widths == sorted(widths)


def test_unpaired_interval_is_welchs():
    """Against SciPy; rows without any spread have an interval of no width."""
    rng = np.random.default_rng(0)
    left, right = rng.normal(size=30), rng.normal(1.0, 3.0, size=50)
    expected = stats.ttest_ind(left, right, equal_var=False).confidence_interval(0.95)
    interval = unpaired_interval(left, right)
    np.testing.assert_allclose((interval.low, interval.high), expected)
    still = unpaired_interval(np.ones(3), np.zeros(4))
    assert (still.low, still.mean, still.high) == (1.0, 1.0, 1.0)


def test_a_level_outside_0_to_1_is_refused():
    """95 is not a share."""
    assert (
        refusal(mean_interval, [[0.0, 1.0]], level=95)
        == "`level` must lie between 0 and 1; got 95. 0.95 is usual."
    )
