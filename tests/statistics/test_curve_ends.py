"""Parabolas through ends of curves against generalized least squares with the whole covariance matrix written out."""

from __future__ import annotations

from math import lgamma, log, pi

import numpy as np
import pytest

from justright.statistics.curve_ends import CORRELATIONS, CUBIC, PARABOLA, PRIOR, SHORTEST, curve_ends


def by_matrices(values, grid, correlation, parameters):
    """Return coefficients, their covariance, the innovations' variance and the restricted log-likelihood."""
    points = len(values)
    apart = np.abs(np.subtract.outer(np.arange(points), np.arange(points)))
    precision = np.linalg.inv(correlation**apart / (1 - correlation**2))
    powers = grid[:, None] ** np.arange(parameters)
    inverse = np.linalg.inv(powers.T @ precision @ powers)
    coefficients = inverse @ powers.T @ precision @ values
    rest = values - powers @ coefficients
    squares, free = rest @ precision @ rest, points - parameters
    evidence = (
        lgamma(free / 2)
        - free / 2 * log(pi * squares)
        + np.linalg.slogdet(precision)[1] / 2
        + np.linalg.slogdet(inverse)[1] / 2
    )
    return coefficients, inverse * squares / free, squares / free, evidence


@pytest.mark.parametrize("points", [5, 12])
def test_ends_are_fitted_as_by_written_out_matrices(points):
    """For every end and every correlation: level, change, their standard errors, and the size of the noise."""
    values = np.random.default_rng(points).random((2, points))
    grid = np.linspace(-1.0, 0.0, points)
    found = curve_ends(values)
    (first, first_error), (change, change_error) = found.first(), found.changes()
    assert found.lengths.tolist() == list(range(points, SHORTEST - 1, -1))
    for curve in range(2):
        for row, correlation in enumerate(CORRELATIONS):
            for start in range(points - SHORTEST + 1):
                at, covariance, variance, _ = by_matrices(
                    values[curve, start:], grid[start:], correlation, PARABOLA
                )
                here = grid[start] ** np.arange(PARABOLA)
                step = np.array([1.0, 0.0, 0.0]) - here
                place = curve, row, start
                assert found.last()[place] == pytest.approx(at[0])
                assert first[place] == pytest.approx(here @ at)
                assert first_error[place] == pytest.approx((here @ covariance @ here) ** 0.5)
                assert change[place] == pytest.approx(step @ at)
                assert change_error[place] == pytest.approx((step @ covariance @ step) ** 0.5)
                assert found.deviation[place] == pytest.approx((variance / (1 - correlation**2)) ** 0.5)


def test_correlations_are_weighted_by_the_likelihood_of_the_end_and_of_what_lay_before():
    """Of the seven points before an end of five as well, through which a cubic is drawn; five would be too few."""
    points = 12
    values = np.random.default_rng(1).random(points)
    grid = np.linspace(-1.0, 0.0, points)
    weights = curve_ends(values[None]).weights[0]
    for start, with_before in ((7, True), (5, False)):
        logarithms = []
        for correlation, prior in zip(CORRELATIONS, PRIOR, strict=True):
            evidence = log(prior) + by_matrices(values[start:], grid[start:], correlation, PARABOLA)[3]
            if with_before:
                evidence += by_matrices(values[:start][::-1], grid[-start:], correlation, CUBIC)[3]
            logarithms.append(evidence)
        shares = np.exp(np.array(logarithms) - max(logarithms))
        assert weights[:, start] == pytest.approx(shares / shares.sum())


def test_a_late_rise_far_below_the_first_values_keeps_its_digits():
    """The curve starts at 1 and rises by 1e-6 at its end."""
    curve = np.concatenate([np.linspace(1, 0, 20), 1e-7 * np.arange(11)])
    assert curve_ends(curve[None]).changes()[0][0, 0, 20] == pytest.approx(1e-6)
