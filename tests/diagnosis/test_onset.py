"""Since when a run overfits, on U-shaped curves whose minimum is known."""

from __future__ import annotations

import numpy as np
import pytest

from justright.diagnosis.onset import Onset, find_onset

GRID = (*range(20), 25, 32, 40, 50, 64, 80, 99)


def curve(seed, *, lowest=25, depth=1.0, noise=0.3, rows=1_000):
    """Return per-row validation losses of one run: a U in log epochs with its minimum at `lowest`."""
    rng = np.random.default_rng(seed)
    base = rng.exponential(1.0, rows)
    return {
        epoch: (base + depth * np.log((epoch + 1) / (lowest + 1)) ** 2 + rng.normal(0, noise, rows)).astype(
            np.float32
        )
        for epoch in GRID
    }


@pytest.mark.parametrize("seeds", [1, 3, 5])
@pytest.mark.parametrize("lowest", [3, 25, 64])
def test_the_true_minimum_lies_in_the_set(seeds, lowest):
    """Best, cheapest and last good epoch enclose the truth, and not half of the curve."""
    onset = find_onset([curve(100 * seeds + seed, lowest=lowest) for seed in range(seeds)])
    assert onset.low <= lowest <= onset.high
    assert onset.low <= onset.best <= onset.high
    # Where the U has risen by 0.3 (with noise 0.3 / sqrt(1000) a row mean) nothing can be mistaken.
    assert lowest / 2 - 1 <= onset.low
    assert onset.high <= 2 * lowest + 1


def test_the_true_minimum_is_found_in_nearly_all_studies():
    """Forty noisy studies at 95 %: the set misses the truth in at most 10 %."""
    hits = 0
    for seed in range(40):
        onset = find_onset([curve(seed, depth=0.05, rows=200)])
        hits += onset.low <= 25 <= onset.high
    assert hits >= 36


def test_seeds_that_run_apart_leave_the_truth_in_a_set_that_still_says_something():
    """Two seeds whose courses differ smoothly: the mean course's minimum is in 57 of 60 sets, the first epochs are not.

    The seeds' part is a Gaussian process over log epochs with a tenth of the course's depth.
    """
    rng = np.random.default_rng(0)
    log = np.log(np.array(GRID) + 1)
    root = np.linalg.cholesky(np.exp(-0.5 * (log[:, None] - log) ** 2) + 1e-8 * np.eye(len(GRID)))
    hits, lows = 0, []
    for study in range(60):
        runs = [curve(1_000 * study + seed, depth=0.1, rows=200) for seed in range(2)]
        for run in runs:
            shift = 0.02 * (root @ rng.standard_normal(len(GRID)))
            run.update({epoch: run[epoch] + np.float32(one) for epoch, one in zip(GRID, shift, strict=True)})
        onset = find_onset(runs)
        hits += onset.low <= 25 <= onset.high
        lows.append(onset.low)
    assert hits >= 57
    assert np.median(lows) >= 2


def test_a_sharper_curve_has_a_narrower_set():
    """More curvature, fewer epochs."""
    flat, sharp = find_onset([curve(0, depth=0.02)]), find_onset([curve(0, depth=2.0)])
    assert sharp.high - sharp.low < flat.high - flat.low


def test_more_rows_narrow_the_set():
    """What cannot be told on 50 rows can on 5,000."""
    few, many = find_onset([curve(1, depth=0.1, rows=50)]), find_onset([curve(1, depth=0.1, rows=5_000)])
    assert many.high - many.low < few.high - few.low


def test_a_curve_that_only_falls_ends_its_set_at_the_last_epoch():
    """No overfitting: the last epoch is good."""
    assert find_onset([curve(2, lowest=10_000)]).high == 99


def test_only_epochs_common_to_all_runs_and_finite_are_compared():
    """Seeds stop at different epochs, and one diverges at the end."""
    first, second = curve(3), curve(4)
    second.pop(99)
    first[80] = np.full_like(first[80], np.nan)
    onset = find_onset([first, second])
    assert onset.high <= 64
    assert onset.last == max(epoch for epoch in first if epoch != 80 and epoch in second)
    assert onset.is_dated


def test_nothing_measured_has_no_onset_and_one_epoch_is_its_own():
    """Edge cases of the grid."""
    assert find_onset([]) is None
    assert find_onset([{}]) is None
    assert find_onset([{7: np.ones(5, np.float32)}]) == Onset(7, 7, 7, 7)


def test_rows_and_runs_may_come_in_any_order():
    """The set does not depend on how the evidence is stored."""
    runs = [curve(5), curve(6), curve(7)]
    order = np.random.default_rng(0).permutation(1_000)
    shuffled = [{epoch: run[epoch][order] for epoch in reversed(GRID)} for run in reversed(runs)]
    assert find_onset(shuffled) == find_onset(runs)
