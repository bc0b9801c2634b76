"""Which losses measure, and that a choice never measures itself."""

from __future__ import annotations

import numpy as np

from justright.diagnosis.measured import cross_fitted, measure_study, paired_differences


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
