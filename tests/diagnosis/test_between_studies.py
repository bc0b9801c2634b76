"""Differences of networks from different studies, against closed forms and simulated truth."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from justright.diagnosis.between_studies import StudyNetwork, differences_between
from justright.statistics.intervals import mean_interval


def losses(seed, shape, mean=0.0):
    """Values around a mean."""
    return np.random.default_rng(seed).normal(mean, 1.0, shape)


def only(first, second):
    """Return the one difference of two networks."""
    (found,) = differences_between([first, second])
    return found


def test_shared_seeds_are_paired_by_row_and_seed_whatever_their_order():
    """As the paired interval of exactly these seeds; others are left out."""
    left, right = losses(0, (3, 50)), losses(1, (2, 50))
    found = only(StudyNetwork(left, (1, 2, 5), 0), StudyNetwork(right, (5, 1), 0))
    expected = mean_interval(right[[1, 0]] - left[[0, 2]])
    assert (found.interval, found.pairing, found.seeds) == (expected, "rows and seeds", (2, 2))


def test_other_seeds_on_the_same_rows_are_paired_by_row():
    """As many of them as both have."""
    left, right = losses(0, (3, 50)), losses(1, (2, 50))
    found = only(StudyNetwork(left, (1, 2, 3), 0), StudyNetwork(right, (8, 9), 0))
    assert (found.interval, found.pairing) == (mean_interval(right - left[:2]), "rows")


def test_one_seed_each_on_other_rows_is_welchs_test():
    """Up to its degrees of freedom, which hardly matter with this many rows."""
    left, right = losses(0, (1, 900)), losses(1, (1, 400), 0.1)
    found = only(StudyNetwork(left, (1,), 0), StudyNetwork(right, (1,), 1))
    welch = stats.ttest_ind(right[0], left[0], equal_var=False).confidence_interval(0.95)
    assert found.pairing == "nothing"
    assert (found.interval.low, found.interval.high) == pytest.approx((welch.low, welch.high), abs=2e-4)


@pytest.mark.parametrize("seed_deviation", [0.0, 0.1])
def test_unpaired_intervals_cover_the_truth(seed_deviation):
    """Of 300 simulated pairs of studies with 3 seeds and 200 rows, no fewer than 95 % less four standard errors."""
    rng, covered = np.random.default_rng(5), 0
    for _ in range(300):
        tables = [
            StudyNetwork(
                rng.normal(0, seed_deviation, (3, 1))
                + rng.normal(0, 1, (1, 200))
                + rng.normal(0, 0.3, (3, 200)),
                (1, 2, 3),
                number,
            )
            for number in range(2)
        ]
        interval = only(*tables).interval
        covered += interval.low <= 0 <= interval.high
    assert covered / 300 >= 0.95 - 4 * np.sqrt(0.95 * 0.05 / 300)


def test_several_intervals_hold_together():
    """Any two of three networks are compared, at the level that three comparisons leave to each."""
    tables = [losses(number, (1, 60)) for number in range(3)]
    found = differences_between([StudyNetwork(one, (1,), 0) for one in tables])
    assert [(one.first, one.second) for one in found] == [(0, 1), (0, 2), (1, 2)]
    assert [one.interval for one in found] == [
        mean_interval(tables[one.second] - tables[one.first], level=1 - 0.05 / 3) for one in found
    ]
