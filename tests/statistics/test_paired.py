"""Models compared in pairs: the same numbers as from their differences, without forming them."""

from __future__ import annotations

import numpy as np
import pytest

from justright.statistics import paired
from justright.statistics.crossed import crossed, variances_by_source
from justright.statistics.paired import PairedLosses
from justright.statistics.simultaneous import judge_jointly


def models_of(rng, models, seeds, rows):
    """Return float32 losses of models on rows that are hard or easy for all of them."""
    common = rng.exponential(1.0, rows)
    return [
        (common + 0.3 * rng.standard_normal((seeds, rows)) + 0.05 * rng.standard_normal((seeds, 1))).astype(
            np.float32
        )
        for _ in range(models)
    ]


def differences_of(losses, left, right):
    """Return the moments of each pair's difference, formed by row and seed."""
    return [
        crossed(losses[one].astype(np.float64) - losses[other])
        for one, other in zip(left, right, strict=True)
    ]


@pytest.mark.parametrize("seeds", [1, 3])
@pytest.mark.parametrize("block_bytes", [paired.BLOCK_BYTES, 2_000])
def test_moments_of_pairs_are_those_of_their_differences(seeds, block_bytes, monkeypatch):
    """All pairs of six models, from one block of rows and from many."""
    monkeypatch.setattr(paired, "BLOCK_BYTES", block_bytes)
    losses = models_of(np.random.default_rng(0), 6, seeds, 300)
    left, right = np.triu_indices(6, 1)
    found = PairedLosses.of(losses, np.random.default_rng(0)).compare(left, right, level=0.95)
    tables = differences_of(losses, left, right)
    np.testing.assert_allclose(found.means, [table.mean for table in tables], atol=1e-12)
    np.testing.assert_allclose(found.by_source, variances_by_source(tables), rtol=1e-9, atol=1e-18)


@pytest.mark.parametrize("seeds", [1, 3])
def test_intervals_of_pairs_are_those_of_their_differences(seeds):
    """All pairs of eight models: as wide as if each difference had been drawn, within Monte Carlo error."""
    losses = models_of(np.random.default_rng(1), 8, seeds, 400)
    left, right = np.triu_indices(8, 1)
    found = PairedLosses.of(losses, np.random.default_rng(2)).compare(left, right, level=0.95)
    tables = differences_of(losses, left, right)
    intervals = judge_jointly(tables).intervals
    halves = [(one.high - one.low) / 2 for one in intervals]
    np.testing.assert_allclose(found.halves, halves, rtol=0.06)


def test_the_same_losses_twice_do_not_differ_at_all():
    """Two variants that train the same networks: a difference of exactly 0, beside one that is not."""
    one, other = models_of(np.random.default_rng(3), 2, 3, 200)
    pairs = PairedLosses.of([one, one.copy(), other], np.random.default_rng(0))
    found = pairs.compare(np.array([0, 2]), np.array([1, 0]), level=0.95)
    assert (found.means[0], found.halves[0]) == (0.0, 0.0)
    assert found.halves[1] > 0


def test_all_pairs_of_many_models_hold_together():
    """25 networks that do not differ, 300 pairs on 150 rows: all intervals hold in at least 90 % of 100 studies."""
    rng = np.random.default_rng(4)
    left, right = np.triu_indices(25, 1)
    hits = 0
    for _ in range(100):
        losses = list(rng.exponential(1.0, 150) + rng.standard_normal((25, 1, 150)))
        found = PairedLosses.of(losses, rng).compare(left, right, level=0.95)
        hits += bool(((found.lows <= 0) & (found.highs >= 0)).all())
    assert hits / 100 >= 0.9
