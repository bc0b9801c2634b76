"""Intervals that hold together, and the probability of being best."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats
from tests.refusals import refusal

from justright.statistics.crossed import crossed, row_covariance, variances_by_source
from justright.statistics.intervals import interval_of, mean_interval, share_of_seeds
from justright.statistics.simultaneous import (
    SEPARATE_WEIGHT,
    Family,
    draw_errors,
    judge_jointly,
    root_of_rows,
)


def simultaneous_intervals(differences, **options):
    """Return the intervals of (comparisons, seeds, rows) differences that hold together."""
    return judge_jointly([crossed(one) for one in differences], **options).intervals


def test_a_single_comparison_is_not_widened():
    """One comparison is its own family."""
    values = np.random.default_rng(0).normal(size=(3, 100))
    assert simultaneous_intervals([values]) == (mean_interval(values),)


def test_independent_comparisons_widen_as_sidak_says():
    """Five independent means, one seed, many rows: level 0.95 ** (1/5) each."""
    values = np.random.default_rng(1).normal(size=(5, 1, 20_000))
    intervals = simultaneous_intervals(values)
    alone = [mean_interval(one) for one in values]
    ratio = np.mean([(a.high - a.low) / (b.high - b.low) for a, b in zip(intervals, alone, strict=True)])
    expected = stats.norm.ppf((1 + 0.95**0.2) / 2) / stats.norm.ppf(0.975)
    np.testing.assert_allclose(ratio, expected, rtol=0.02)  # Monte Carlo: about 1 %


@pytest.mark.parametrize("seeds", [1, 12])
def test_identical_comparisons_are_hardly_widened(seeds):
    """What is common to all comparisons costs little: with 12 seeds that is all there is, Bonferroni would add half."""
    values = np.random.default_rng(2).normal(size=(seeds, 500))
    one, alone = simultaneous_intervals([values] * 6)[0], mean_interval(values)
    assert 1 - 1e-9 <= (one.high - one.low) / (alone.high - alone.low) <= 1.2


@pytest.mark.parametrize("deviation", [0.0, 3.0])
def test_families_cover_as_often_as_they_say(deviation):
    """Six remedies against one baseline, 3 seeds, 300 studies: all six intervals hold in 92-100 % of them."""
    rng = np.random.default_rng(3)
    hits = 0
    rows = 300
    for study in range(300):
        losses = rng.normal(size=(7, 1, rows)) + deviation / np.sqrt(rows) * rng.normal(size=(7, 3, 1))
        intervals = simultaneous_intervals(losses[1:] - losses[:1], rng=np.random.default_rng(study))
        hits += all(one.low <= 0 <= one.high for one in intervals)
    assert hits / 300 >= 0.92


def test_probability_of_being_best_is_even_between_equals_and_sure_between_unequals():
    """Two exchangeable candidates share; a third, far worse, gets nothing."""
    rng = np.random.default_rng(4)
    noise = rng.normal(size=(1, 2_000))
    losses = (
        np.array([noise, -noise, noise + 5.0]) - np.array([noise.mean(), -noise.mean(), 0.0])[:, None, None]
    )
    found = judge_jointly([crossed(one) for one in losses]).probability_lowest
    np.testing.assert_allclose(found, [0.5, 0.5, 0.0], atol=0.03)


def test_probability_below_zero_follows_students_t_over_seeds():
    """When only seeds differ, P(true mean < 0) is the one-sided fiducial probability."""
    means = np.array([0.5, -0.1, 0.3, 0.6])
    table = crossed(np.repeat(means[:, None], 40, axis=1))
    expected = stats.ttest_1samp(means, 0.0, alternative="greater").pvalue
    np.testing.assert_allclose(judge_jointly([table]).probability_below_zero, expected, atol=0.01)


def test_draws_are_repeatable_and_differ_with_the_generator():
    """None starts from 0; another generator gives another family, a little."""
    values = np.random.default_rng(5).normal(size=(3, 2, 50))
    assert simultaneous_intervals(values) == simultaneous_intervals(values, rng=np.random.default_rng(0))
    assert simultaneous_intervals(values) != simultaneous_intervals(values, rng=np.random.default_rng(1))


def test_comparisons_without_any_spread_stay_without():
    """All-zero differences among real ones neither divide by zero nor widen."""
    real = np.random.default_rng(6).normal(size=(3, 50))
    zero, other = simultaneous_intervals([np.zeros((3, 50)), real])
    assert (zero.low, zero.high) == (0.0, 0.0)
    np.testing.assert_allclose(other.high, mean_interval(real).high, rtol=1e-9)


def test_comparisons_over_different_rows_are_refused():
    """They cannot be drawn together."""
    assert (
        refusal(simultaneous_intervals, [np.zeros((3, 50)), np.zeros((3, 40))])
        == "Comparisons must share their seeds and rows; got the shapes [(3, 40), (3, 50)]."
    )


def test_no_comparison_is_refused():
    """An empty family has no intervals."""
    assert refusal(judge_jointly, []) == "Comparisons must share their seeds and rows; got the shapes []."


def tables_of(rng, comparisons, seeds, rows, deviation=1.0):
    """Return moments of comparisons with one baseline, of which rows and seeds each make a part; the true means are 0."""
    networks = rng.standard_normal((comparisons + 1, 1, rows)) + rng.standard_normal(
        (comparisons + 1, seeds, rows)
    )
    networks += deviation / np.sqrt(rows) * rng.standard_normal((comparisons + 1, seeds, 1))
    return [crossed(network - networks[0]) for network in networks[1:]]


@pytest.mark.parametrize(("comparisons", "rows"), [(60, 15), (5, 200)])
def test_errors_are_drawn_with_the_covariance_of_the_row_means_through_the_smaller_side(comparisons, rows):
    """Closed form: many comparisons of few rows never need a matrix of comparisons by comparisons."""
    tables = tables_of(np.random.default_rng(7), comparisons, 1, rows)
    root = root_of_rows(np.array([table.row_means for table in tables]))
    assert root.shape == (comparisons, min(comparisons, rows))
    np.testing.assert_allclose(root @ root.T, row_covariance(tables), rtol=1e-9, atol=1e-12)


def test_draws_have_the_covariance_of_their_root():
    """5,000 draws over 1,000 rows: covariances within 5 standard errors, 7 % of the variances."""
    tables = tables_of(np.random.default_rng(8), 20, 1, 1_000)
    root = root_of_rows(np.array([table.row_means for table in tables]))
    means = np.array([table.seed_means for table in tables])
    errors = draw_errors(root, means, rows=1_000, rng=np.random.default_rng(0), separate=20)
    expected = row_covariance(tables)
    np.testing.assert_allclose(np.cov(errors.from_rows), expected, atol=0.1 * expected.max())


def plain_widening(tables, level, rng):
    """The common multiplier by the plainest means: a full decomposition, independent factors, quantiles of draws."""
    by_seed, _, rest = by_source = variances_by_source(tables)
    seeds, rows, draws = tables[0].seeds, tables[0].rows, 20_000

    def normal(covariance):
        values, vectors = np.linalg.eigh(covariance)
        return rng.standard_normal((draws, len(values))) @ (vectors * np.sqrt(np.maximum(values, 0))).T

    from_rows = normal(row_covariance(tables)) * np.sqrt((rows - 1) / rng.chisquare(rows - 1, (draws, 1)))
    spread = np.array([table.seed_means - table.mean for table in tables])
    unit = spread / np.maximum(np.linalg.norm(spread, axis=1, keepdims=True), 1e-300)
    between = normal(unit @ unit.T)
    multipliers = []
    for columns in (1, len(tables)):
        errors = from_rows
        if seeds > 1:
            factor = (seeds - 1) / rng.chisquare(seeds - 1, (draws, columns))
            errors = from_rows + between * np.sqrt(np.maximum(by_seed * factor - rest, 0))
        sizes = np.abs(errors)
        multipliers.append(np.quantile((sizes / np.quantile(sizes, level, axis=0)).max(axis=1), level))
    weight = SEPARATE_WEIGHT * share_of_seeds(*by_source).mean() if seeds > 1 else 0.0
    return multipliers[0] ** (1 - weight) * multipliers[1] ** weight


@pytest.mark.parametrize(
    ("comparisons", "seeds", "rows"), [(6, 1, 300), (60, 1, 25), (12, 3, 300), (100, 5, 200)]
)
def test_intervals_are_those_of_full_decompositions(comparisons, seeds, rows):
    """Against the plain implementation, within Monte Carlo error: 6 % of the half-width, 3 standard errors of the few."""
    tables = tables_of(np.random.default_rng(comparisons), comparisons, seeds, rows)
    interval, alone = judge_jointly(tables).intervals[0], interval_of(tables[0])
    widening = (interval.high - interval.low) / (alone.high - alone.low)
    np.testing.assert_allclose(widening, plain_widening(tables, 0.95, np.random.default_rng(1)), rtol=0.06)


def test_many_comparisons_of_few_rows_hold_together():
    """150 networks against one on 60 rows, one seed: all 150 intervals hold in at least 90 % of 150 studies.

    Normal draws, without Student's factor, hold in about 2 % fewer, and with 20 rows in 5 % fewer.
    """
    rng = np.random.default_rng(9)
    hits = 0
    for _ in range(150):
        intervals = judge_jointly(tables_of(rng, 150, 1, 60, deviation=0.0), rng=rng).intervals
        hits += all(one.low <= 0 <= one.high for one in intervals)
    assert hits / 150 >= 0.9


def test_more_comparisons_than_there_are_factors_have_factors_of_their_own():
    """No two of 500 comparisons start at the same place of the pool."""
    tables = tables_of(np.random.default_rng(10), 500, 3, 20)
    means = np.array([table.seed_means for table in tables])
    root = root_of_rows(np.array([table.row_means for table in tables]))
    errors = draw_errors(root, means, rows=20, rng=np.random.default_rng(0), separate=500)
    family = Family(errors, variances_by_source(tables), np.arange(500))
    factors = family.separate_factors(slice(0, 500))
    assert len({row.tobytes() for row in factors}) == 500
    np.testing.assert_allclose(np.corrcoef(factors[:20]) - np.eye(20), 0, atol=0.2)
