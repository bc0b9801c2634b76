"""Jitter about a trend: against least squares by hand, conditional expectations, and simulated tables."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from justright.statistics.crossed import crossed
from justright.statistics.intervals import interval_of
from justright.statistics.jitter import (
    FAR,
    LEAST_SHARE,
    SHARE_BELOW,
    SPIKE_ERROR,
    USUAL_SHARE,
    Jittered,
    Stray,
    common_share,
    fall_of,
    fit_line,
    luck_of,
    neighbourhood,
    slope_fall_of,
    stray,
    uncertain,
)
from justright.statistics.sample_size import Needs, required_seeds_or_rows


def test_without_far_strays_a_line_is_that_of_least_squares():
    """NumPy's polyfit; nothing uniform lies as far as three standard deviations."""
    rng = np.random.default_rng(0)
    epochs = np.delete(np.arange(30.0, 60.0), 12)
    values = 0.5 + 0.01 * epochs + rng.uniform(-1, 1, len(epochs))
    line = fit_line(epochs, values)
    slope, start = np.polyfit(epochs, values, 1)
    np.testing.assert_allclose(line.slope, slope)
    np.testing.assert_allclose(line.height, start + slope * line.middle)
    np.testing.assert_allclose(line.residuals, values - start - slope * epochs, atol=1e-12)
    np.testing.assert_allclose(line.variance, (line.residuals**2).sum() / (len(epochs) - 2))


@pytest.mark.parametrize("size", [1.0, 1_000.0])
def test_a_spike_moves_a_line_no_more_than_three_standard_deviations_do(size):
    """However high it is, one epoch of twenty counts as one at the bound."""
    rng = np.random.default_rng(1)
    epochs = np.arange(20.0)
    values = 0.01 * rng.standard_normal(20)
    spiked = values.copy()
    spiked[17] += size
    line, plain = fit_line(epochs, spiked), fit_line(epochs, values)
    assert abs(line.values[17]) < 2 * FAR * 0.01
    assert abs(line.height - plain.height) < 2 * FAR * 0.01 / 20
    np.testing.assert_allclose(line.variance, plain.variance, rtol=1.0)


@pytest.mark.parametrize(
    ("epoch", "first", "stop"), [(100, 90, 111), (199, 161, 200), (195, 161, 200), (2, 0, 11)]
)
def test_a_stray_is_the_distance_from_the_line_through_the_neighbours(epoch, first, stop):
    """By hand with the design matrix; near an end as many neighbours, on one side."""
    rng = np.random.default_rng(2)
    curve = 0.6 - 0.001 * np.arange(200) + rng.uniform(-0.01, 0.01, 200)
    near = np.array([one for one in range(first, stop) if one != epoch])
    design = np.column_stack([np.ones(len(near)), near])
    solved, squares, *_ = np.linalg.lstsq(design, curve[near], rcond=None)
    here = np.array([1.0, epoch])
    found = stray(curve, epoch)
    np.testing.assert_allclose(found.deviation, curve[epoch] - here @ solved, atol=1e-12)
    np.testing.assert_allclose(found.variance, squares[0] / (len(near) - 2))
    np.testing.assert_allclose(found.trend_error, here @ np.linalg.inv(design.T @ design) @ here)
    assert found.freedom == len(near) - 2
    assert neighbourhood(epoch) in (5, 10, 19)


def test_a_stray_needs_four_neighbours():
    """Epochs without a value are none; nor can an epoch without one stray."""
    curve = np.array([0.6, np.nan, 0.5, 0.52, 0.51, 0.5])
    assert stray(curve, 0) is not None
    assert stray(curve, 1) is None
    curve[2] = np.nan
    assert stray(curve, 0) is None


def test_the_share_is_what_rows_do_not_make_by_themselves():
    """Simulated: 400 rows that jitter by 0.02 each, and by 0.001 together: half of the variance of their mean."""
    rng = np.random.default_rng(3)
    losses = 0.02 * rng.standard_normal((2_000, 400)) + 0.001 * rng.standard_normal((2_000, 1))
    variance = losses.mean(axis=1).var()
    row_part = (losses[1:] - losses[:-1]).var(axis=1).mean() / 2 / 400
    np.testing.assert_allclose(common_share([variance], [row_part]), 0.5, atol=0.05)
    assert common_share([1.0], [2.0]) == LEAST_SHARE
    assert common_share([1.0], [0.0]) == 1.0
    assert common_share([0.0], [0.0]) == common_share([], []) == USUAL_SHARE


def test_luck_is_the_conditional_expectation_of_what_rows_share():
    """Normal jitter above the trend, 0.4 of it common: the guess is right on average, its variance that of the error."""
    rng = np.random.default_rng(4)
    common = 0.4**0.5 * rng.standard_normal(100_000)
    whole = common + 0.6**0.5 * rng.standard_normal(100_000)
    above = (whole > 0) & (whole < FAR)
    lucks = [luck_of([(1.0, Stray(one, 1.0, 0.0, 20))], 0.4) for one in whole[above][:5_000]]
    wrong = common[above][:5_000] - [one.mean for one in lucks]
    np.testing.assert_allclose(wrong.mean(), 0.0, atol=0.02)
    np.testing.assert_allclose(wrong.var(), lucks[0].variance, rtol=0.06)


def test_luck_below_the_trend_is_less_common():
    """And its sign is that of the weight; the trend's error comes on top."""
    low = luck_of([(-1.0, Stray(-2.0, 1.0, 0.1, 20))], 0.5)
    np.testing.assert_allclose(low.mean, 0.5 * SHARE_BELOW * 2)
    np.testing.assert_allclose(low.common, SHARE_BELOW * 2)
    np.testing.assert_allclose(low.variance, 0.25 + 0.025)


def test_what_lies_beyond_three_standard_deviations_is_common_but_unsure():
    """A spike is no luck of rows, yet of no known size on others."""
    spike = luck_of([(1.0, Stray(103.0, 1.0, 0.0, 20))], 0.5)
    np.testing.assert_allclose(spike.mean, 0.5 * FAR + 100)
    np.testing.assert_allclose(spike.variance, 0.25 + (100 * SPIKE_ERROR) ** 2)


def test_rows_that_measure_themselves_share_more():
    """Where half of the rest is theirs, half of the way to the whole deviation."""
    theirs, others = (luck_of([(1.0, Stray(-1.0, 1.0, 0.0, 20))], 0.4, own=own).mean for own in (0.5, 0.0))
    np.testing.assert_allclose(theirs, (others - 1.0) / 2)


def test_without_jitter_the_interval_is_that_of_rows_and_seeds():
    """And so is what it needs to be decided."""
    table = crossed(np.random.default_rng(5).normal(0.1, 1.0, (4, 300)))
    known = Jittered(table, 0.0)
    assert known.interval(level=0.95) == interval_of(table, level=0.95)
    assert known.needs(0.2, level=0.95) == required_seeds_or_rows(table, 0.2)


def test_with_one_seed_the_variances_of_rows_and_jitter_add_up():
    """Closed form."""
    rows = np.random.default_rng(6).normal(0.1, 1.0, 300)
    found = Jittered(crossed(rows[None]), 0.02, 0.01).interval(level=0.95)
    half = stats.t.ppf(0.975, 299) * np.sqrt(rows.var(ddof=1) / 300 + 0.03)
    np.testing.assert_allclose((found.low, found.high), (rows.mean() - half, rows.mean() + half))


@pytest.mark.parametrize("seeds", [2, 3, 8])
def test_jitter_of_known_size_is_counted_once(seeds):
    """Seeds that differ by jitter alone: 95 % intervals cover, and are narrower than if their spread had to show it."""
    rng = np.random.default_rng(seeds)
    own, hits, halves, unknown = 0.01, [], [], []
    for _ in range(400):
        rows = 0.5 * rng.standard_normal((seeds, 200)) + own**0.5 * rng.standard_normal((seeds, 1))
        found = Jittered(crossed(rows), own / seeds).interval(level=0.95)
        hits.append(found.low <= 0 <= found.high)
        halves.append(found.high - found.low)
        plain = interval_of(crossed(rows), level=0.95)
        unknown.append(plain.high - plain.low)
    assert np.mean(hits) > 0.93
    # With many seeds a little is lost instead: what seeds differ by beyond the jitter is never taken to be negative.
    assert np.mean(halves) < (1.1 if seeds > 3 else 1.0) * np.mean(unknown)


def test_jitter_that_nothing_lessens_can_make_a_plan_impossible():
    """One seed cannot plan for more; what all seeds share no plan lessens."""
    one = crossed(np.random.default_rng(7).normal(0.1, 1.0, (1, 4_000)))
    assert Jittered(one, 0.1).needs(0.15, level=0.95) == Needs(None, None)
    several = crossed(np.random.default_rng(8).normal(0.1, 1.0, (4, 500)))
    assert Jittered(several, 0.0, 0.1).needs(0.15, level=0.95) == Needs(None, None)
    plain, shaken = (Jittered(several, own).needs(0.15, level=0.95) for own in (0.0, 0.001))
    assert shaken.more_seeds > plain.more_seeds


def test_few_degrees_of_freedom_make_a_normal_interval_students():
    """The root of the larger variance times the normal quantile is Student's quantile."""
    larger = uncertain(4.0, freedom=6, level=0.95)
    np.testing.assert_allclose(1.959964 * np.sqrt(larger), 2 * stats.t.ppf(0.975, 6), rtol=1e-6)
    assert uncertain(0.0, freedom=0, level=0.95) == 0.0


def test_a_steady_fall_is_the_slope_times_the_window():
    """Exactly, without jitter; earlier epochs do not count."""
    curve = np.concatenate([[9.0, 3.0], 1 - 0.01 * np.arange(40)])
    found = fall_of(curve, 20)
    np.testing.assert_allclose(found.mean, 0.2)
    np.testing.assert_allclose(found.variance, 0.0, atol=1e-20)
    assert found.freedom == 38


@pytest.mark.parametrize("correlation", [0.0, 0.5])
def test_the_variance_of_a_fall_allows_for_correlated_epochs(correlation):
    """Simulated: it is the variance of the fall, or a little more."""
    rng = np.random.default_rng(9)
    values = rng.standard_normal((600, 80))
    for at in range(1, 80):
        values[:, at] = correlation * values[:, at - 1] + np.sqrt(1 - correlation**2) * values[:, at]
    falls = [fall_of(one, 40) for one in values]
    told, true = np.mean([one.variance for one in falls]), np.var([one.mean for one in falls])
    assert 0.85 < told / true < 1.35


def test_the_fall_along_a_line_is_that_of_numpy_s_fit():
    """Slope times length, by `polyfit`; over many draws its variance is the one that is told."""
    rng = np.random.default_rng(0)
    curves = 1.0 - 0.01 * np.arange(80) + 0.02 * rng.standard_normal((400, 80))
    found = [slope_fall_of(one, 40) for one in curves]
    by_hand = [-40 * np.polyfit(np.arange(40), one[-40:], 1)[0] for one in curves]
    agree = np.isclose([one.mean for one in found], by_hand, rtol=1e-6)
    assert agree.mean() > 0.6  # in the others a far stray was pulled in
    np.testing.assert_allclose(np.mean([one.mean for one in found]), 0.4, atol=0.01)
    np.testing.assert_allclose(
        np.mean([one.variance for one in found]), np.var([one.mean for one in found]), rtol=0.25
    )
