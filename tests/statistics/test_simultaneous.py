"""Intervals that hold together, and the probability of being best."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from justright.errors import InputError
from justright.statistics.crossed import crossed
from justright.statistics.intervals import mean_interval
from justright.statistics.simultaneous import judge_jointly


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
    """Six remedies against one baseline, 3 seeds, 100 studies: all six intervals hold in 92-100 % of them."""
    rng = np.random.default_rng(3)
    hits = 0
    rows = 300
    for _ in range(100):
        losses = rng.normal(size=(7, 1, rows)) + deviation / np.sqrt(rows) * rng.normal(size=(7, 3, 1))
        intervals = simultaneous_intervals(losses[1:] - losses[:1], rng=rng)
        hits += all(one.low <= 0 <= one.high for one in intervals)
    assert hits / 100 >= 0.92


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
    with pytest.raises(InputError) as caught:
        simultaneous_intervals([np.zeros((3, 50)), np.zeros((3, 40))])
    assert (
        str(caught.value) == "Comparisons must share their seeds and rows; got the shapes [(3, 40), (3, 50)]."
    )


def test_no_comparison_is_refused():
    """An empty family has no intervals."""
    with pytest.raises(InputError) as caught:
        judge_jointly([])
    assert str(caught.value) == "Comparisons must share their seeds and rows; got the shapes []."
