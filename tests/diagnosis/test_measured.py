"""Which losses measure, and that a choice never measures itself."""

from __future__ import annotations

import numpy as np

from justright.diagnosis.ends import errors
from justright.diagnosis.measured import (
    chosen_by_halves,
    cross_fitted,
    measure_study,
    paired_differences,
)
from justright.runs.weighted_means import linearised, relative_weights


def test_cross_fitting_takes_the_optimism_out_of_a_minimum():
    """Fifty epochs of pure noise: the minimum looks 0.1 better than the truth, the cross-fitted loss does not."""
    minima, fitted = [], []
    for seed in range(200):
        losses = np.random.default_rng(seed).normal(1.0, 0.5, (50, 200)).astype(np.float32)
        minima.append(losses.mean(axis=1).min())
        fitted.append(cross_fitted(dict(enumerate(losses)))[0].mean())
    assert np.mean(minima) < 0.93
    np.testing.assert_allclose(np.mean(fitted), 1.0, atol=0.01)


def test_test_rows_measure_where_there_are_any(maker):
    """Test losses as they are, by rising seed."""
    evidence = maker.study(maker.variant("A", 10, 0.6, 0.1))
    measured = measure_study(evidence)["A"]
    assert (measured.source, measured.loss, measured.seeds) == ("test", "test loss", (0, 1, 2, 3))
    np.testing.assert_array_equal(measured.last[2], evidence.variants[0].runs[2].test_last)


def test_without_test_rows_halves_of_the_validation_rows_measure(maker_of):
    """Every row is measured, in its own place."""
    evidence = maker_of(has_test=False).study(maker_of(has_test=False).variant("A", 10, 0.6, 0.1))
    measured = measure_study(evidence)["A"]
    assert (measured.source, measured.loss) == ("validation halves", "cross-fitted validation loss")
    np.testing.assert_array_equal(measured.best[0], cross_fitted(evidence.variants[0].runs[0].validation)[0])


def test_runs_that_diverged_or_failed_or_left_no_finite_losses_are_left_out(maker):
    """The others are measured; a variant without any is absent."""
    nan = np.full(maker.rows, np.nan, np.float32)
    runs = (
        maker.run("A", 0, 0.6, 0.0),
        maker.run("A", 1, 0.6, 0.0, outcome="diverged", test_best=None, test_last=None),
        maker.run("A", 2, 0.6, 0.0, test_last=nan),
    )
    good = type(maker.variant("A", 10, 0.6))("A", 10, runs)
    bad = maker.variant("B", 10, 0.6, outcome="failed")
    measured = measure_study(maker.study(good, bad))
    assert {name: one.seeds for name, one in measured.items()} == {"A": (0,)}


def test_differences_are_paired_by_seed(maker_of):
    """Only common seeds, each with its own; none in common gives None."""
    maker = maker_of(seeds=3)
    left, right = maker.variant("A", 10, 0.6), maker.variant("B", 20, 0.5)
    fewer = type(right)("B", 20, right.runs[1:])
    measured = measure_study(maker.study(left, fewer))
    differences = paired_differences(measured["A"], measured["B"])
    expected = left.runs[1].test_best.astype(float) - right.runs[1].test_best
    assert differences.shape == (2, maker.rows)
    np.testing.assert_array_equal(differences[0], expected)
    alone = measure_study(maker.study(type(left)("A", 10, left.runs[:1]), fewer))
    assert paired_differences(alone["A"], alone["B"]) is None


def test_rows_that_count_differently_are_cross_fitted_by_their_weights():
    """Each half is chosen by the other's weighted mean, and the mean of both is weighted: found here from losses as they are."""
    rng = np.random.default_rng(0)
    weights = rng.exponential(size=41)
    weights[::4] = 0  # of even rows alone, which then count less in all
    relative = relative_weights(weights)
    losses = {epoch: rng.normal(1, 1, 41).astype(np.float32) for epoch in range(12)}
    linear = {epoch: linearised(values, relative) for epoch, values in losses.items()}
    chosen = chosen_by_halves(linear, relative)
    for epoch, other in zip(chosen, (1, 0), strict=True):
        means = [np.average(values[other::2], weights=weights[other::2]) for values in losses.values()]
        assert epoch == np.argmin(means)
    best, last = cross_fitted(linear, relative)
    mixed = np.where(np.arange(41) % 2 == 0, losses[chosen[0]], losses[chosen[1]])
    np.testing.assert_allclose(best, linearised(mixed, relative), atol=1e-5)
    np.testing.assert_array_equal(last, linear[11])


def test_wrong_answers_are_told_from_linearised_losses():
    """A row without weight tells nothing."""
    rng = np.random.default_rng(1)
    weights = rng.exponential(size=60)
    weights[::5] = 0
    relative = relative_weights(weights)
    losses = rng.exponential(size=60).astype(np.float32)
    (found,) = errors({0: linearised(losses, relative)}, relative).values()
    wrong = (losses > np.log(2)).astype(np.float32)
    wrong[::5] = 0
    np.testing.assert_allclose(found, linearised(wrong, relative), atol=1e-6)
