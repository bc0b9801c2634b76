"""Simulated runs with a known trend: what `benchmarks.ends` measures, on a few of them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from benchmarks.ends import FALLING, MARGIN, TAILS, Design, correlated, simulate, simulate_run, skewed
from justright.diagnosis.ends import judge_end

SHORT = TAILS["patience 20, limit 60"]


def judged(design, studies, seed=0):
    """Return the ends of simulated studies, and by how much their trends rise."""
    rng = np.random.default_rng(seed)
    every = [simulate(design, rng) for _ in range(studies)]
    ends = [judge_end(one, MARGIN, is_binary=False, level=0.95) for one, _ in every]
    return ends, np.array([truth for _, truth in every])


@pytest.mark.parametrize(
    "design",
    [SHORT, replace(SHORT, seeds=3), replace(SHORT, test_rows=0)],
    ids=["one", "three", "no test rows"],
)
def test_jitter_is_not_called_a_rise(design):
    """At most 5 % of flat tails, the intervals cover the trend; those of two epochs alone do not."""
    ends, truths = judged(design, 60)
    assert np.mean([end.has_risen for end in ends]) <= 0.05
    covers, raw_covers = (
        np.mean([one.low <= truth <= one.high for one, truth in zip(intervals, truths, strict=True)])
        for intervals in ([end.rise for end in ends], [end.raw_rise for end in ends])
    )
    assert covers >= 0.93
    assert raw_covers < 0.9


def test_a_true_rise_is_found_and_not_excluded():
    """Two margins, with 5 seeds and 10,000 test rows, where jitter is small against the margin."""
    design = Design(
        seeds=5, test_rows=10_000, limit=200, patience=1_000, turn=100, rise=2.2, jitter=0.1, scale=15.0
    )
    ends, truths = judged(design, 12)
    np.testing.assert_allclose(truths.mean() / MARGIN, 2.0, atol=0.2)
    assert np.mean([end.has_risen for end in ends]) >= 0.8
    assert not any(end.is_excluded for end in ends)


def test_a_large_rise_is_found_from_one_seed():
    """Forty margins in twenty epochs, though jitter is three of them."""
    design = Design(limit=40, patience=1_000, scale=4.0, turn=20, rise=40.0, jitter=3.0)
    ends, _ = judged(design, 15)
    assert all(end.has_risen for end in ends)


def test_an_end_that_is_a_spike_is_no_rise():
    """0.1 on all rows at the last epoch; it is named."""
    ends, _ = judged(replace(TAILS["a spike at the end"], jitter=0.3, limit=100), 15)
    assert not any(end.has_risen for end in ends)
    assert all(end.raw_rise.is_above(MARGIN) for end in ends)
    assert all([spike.epoch for spike in end.spikes] == [99] for end in ends)


def test_flat_curves_do_not_fall_and_falling_ones_do():
    """Three margins in a quarter are found, none never; the interval covers the truth."""
    flat, falling = (
        replace(FALLING, limit=100, jitter=0.3),
        replace(FALLING, limit=100, jitter=0.3, rise=-12.0),
    )
    level, fallen = judged(flat, 40)[0], judged(falling, 40)[0]
    assert not any(end.is_still_falling for end in level)
    assert np.mean([end.is_still_falling for end in fallen]) >= 0.9
    told = [end.fall for end in level if end.fall is not None]
    assert len(told) < len(level)  # a best epoch long before the end says enough
    assert np.mean([one.low <= 0 <= one.high for one in told]) >= 0.9


def test_the_truth_of_a_simulated_run_is_its_trend():
    """Jitter of the asked size, skewness and correlation about the trend; it stops when its patience ends."""
    rng = np.random.default_rng(1)
    design = Design(limit=20_000, patience=10**6, drift_epochs=1e9)
    run, trend, common = simulate_run(design, 0, rng)
    np.testing.assert_allclose(common.std(), MARGIN, rtol=0.05)
    np.testing.assert_allclose((run.curve - trend).var(), 2 * MARGIN**2, rtol=0.05)
    values = skewed(rng, 50_000, 1.5)
    np.testing.assert_allclose((values**3).mean(), 1.5, atol=0.15)
    chain = correlated(values, 0.4)
    np.testing.assert_allclose([chain.std(), np.corrcoef(chain[1:], chain[:-1])[0, 1]], [1.0, 0.4], atol=0.03)
    stopped, _, _ = simulate_run(Design(), 0, rng)
    assert stopped.epochs == stopped.best_epoch + 201
