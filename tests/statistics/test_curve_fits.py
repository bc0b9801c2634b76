"""Fits of learning curves, against SciPy's least squares and against curves that are known."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import least_squares
from tests.known_truth import predicted

from justright.statistics.curve_fits import EXPONENTS, FAMILIES, CurveFit, fit_curve, fit_draws

ROWS = np.array([625.0, 1_250.0, 2_500.0, 5_000.0, 10_000.0])
AHEAD = np.array([20_000.0, 40_000.0])
ERROR = 0.003  # of each loss: what 3 seeds and a few thousand rows leave


def power_law(rows):
    """Return a curve as text classifiers have it (Hestness et al. 2017)."""
    return 0.45 + 1.8 * rows**-0.35


def mmf(rows):
    """Return an S-shaped curve in the logarithm of rows, with its middle among the measured sizes."""
    return 0.4 + 0.25 / (1 + (rows / 2_000) ** 0.9)


@pytest.mark.parametrize(("family", "curve"), [("power law", power_law), ("MMF", mmf)])
def test_a_curve_of_the_family_is_found_and_continued(family, curve):
    """Without noise, prediction at 4 times the rows is right to a quarter of a typical error."""
    fit = fit_curve(family, ROWS, curve(ROWS), ERROR**2 * np.eye(5))
    np.testing.assert_allclose(predicted(fit, AHEAD), curve(AHEAD), atol=ERROR / 4)
    np.testing.assert_allclose(predicted(fit, ROWS), curve(ROWS), atol=ERROR / 30)


@pytest.mark.parametrize("seed", range(5))
def test_no_better_fit_exists_within_the_bounds(seed):
    """SciPy's bounded least squares, from 20 starts, comes no closer than the last step allows."""
    losses = power_law(ROWS) + np.random.default_rng(seed).normal(0, ERROR, 5)
    bounds = ([0, 0, EXPONENTS[0]], [np.inf, np.inf, EXPONENTS[-1]])
    best = min(
        2
        * least_squares(
            lambda p: (p[0] + p[1] * ROWS ** -p[2] - losses) / ERROR, (0.4, height, exponent), bounds=bounds
        ).cost
        for height in (0.5, 1, 3, 10)
        for exponent in (0.06, 0.2, 0.4, 0.8, 0.95)
    )
    misfit = fit_curve("power law", ROWS, losses, ERROR**2 * np.eye(5)).misfit
    assert best - 1e-6 <= misfit <= best + 0.002


@pytest.mark.parametrize("family", FAMILIES)
def test_parameters_are_those_of_the_formula(family):
    """The reported parameters, put into the textbook's formula, give the fitted curve."""
    predictions, fit = fit_draws(family, ROWS, mmf(ROWS)[None], np.eye(5), [*ROWS, *AHEAD])
    np.testing.assert_allclose(predicted(fit, [*ROWS, *AHEAD]), predictions[0], rtol=1e-9)


@pytest.mark.parametrize("family", FAMILIES)
def test_no_fit_rises_or_falls_below_zero(family):
    """Rising and negative curves are fitted by the nearest ones that are neither: flat, or with a floor of zero."""
    rising = fit_curve(family, ROWS, 0.5 + 0.01 * np.arange(5), np.eye(5))
    np.testing.assert_allclose(predicted(rising, [ROWS[0], ROWS[-1]]), 0.52, atol=1e-9)
    steep = fit_curve(family, ROWS, np.array([1.0, 0.5, 0.25, 0.125, 0.06]), np.eye(5))
    losses = predicted(steep, [*ROWS, *AHEAD])
    assert (np.diff(losses) < 0).all()
    assert losses.min() > 0


def test_an_error_that_all_sizes_share_shifts_the_curve_and_no_more():
    """With a covariance of shared test rows, adding a constant to every size adds it to the forecast."""
    covariance = 0.01**2 * np.ones((5, 5)) + ERROR**2 * np.eye(5)
    losses = mmf(ROWS) + np.random.default_rng(1).normal(0, ERROR, 5)
    first, second = (fit_curve("power law", ROWS, losses + shift, covariance) for shift in (0.0, 0.05))
    np.testing.assert_allclose(predicted(second, AHEAD), predicted(first, AHEAD) + 0.05, atol=1e-9)


def test_draws_are_fitted_one_by_one():
    """Many draws at once give what each gives alone."""
    rng = np.random.default_rng(2)
    draws = power_law(ROWS) + rng.normal(0, ERROR, (6, 5))
    covariance = ERROR**2 * np.eye(5)
    together, _ = fit_draws("MMF", ROWS, draws, covariance, AHEAD)
    for draw, losses in zip(draws, together, strict=True):
        np.testing.assert_allclose(losses, predicted(fit_curve("MMF", ROWS, draw, covariance), AHEAD))


def test_a_power_law_by_hand():
    """A + b n^-c."""
    assert predicted(CurveFit("power law", {"a": 0.5, "b": 2.0, "c": 0.5}, 0.0), [16]).tolist() == [1.0]
    assert predicted(CurveFit("MMF", {"a": 1.0, "b": 4.0, "c": 0.5, "d": 1.0}, 0.0), [4]).tolist() == [0.75]
