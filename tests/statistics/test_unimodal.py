"""Fits of falling, then rising curves against SciPy's isotonic regression."""

from __future__ import annotations

import numpy as np
from scipy.optimize import isotonic_regression

from justright.statistics.unimodal import turning_errors


def error(values, *, increasing):
    """Return the squared error of the best monotone fit."""
    return (
        ((isotonic_regression(values, increasing=increasing).x - values) ** 2).sum() if len(values) else 0.0
    )


def test_errors_are_those_of_isotonic_fits_on_both_sides_of_each_point():
    """The turning point belongs to the side where it fits better."""
    rng = np.random.default_rng(0)
    for points in (1, 2, 5, 30):
        values = rng.normal(size=points).round(1)
        splits = [
            error(values[:at], increasing=False) + error(values[at:], increasing=True)
            for at in range(points + 1)
        ]
        assert np.allclose(turning_errors(values), np.minimum(splits[:-1], splits[1:]))


def test_a_curve_that_turns_once_fits_exactly_there():
    """Without noise nothing is left to explain."""
    errors = turning_errors(np.array([5.0, 3.0, 2.0, 1.0, 1.5, 4.0]))
    assert np.flatnonzero(errors < 1e-12).tolist() == [2, 3, 4]
