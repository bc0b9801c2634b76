"""Smoothing against an oracle, and at its edges."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage
from tests.refusals import refusal

from justright.statistics.curves import smooth


@pytest.mark.parametrize("std", [0.5, 1.0, 3.0, 10.0])
def test_smoothing_is_scipys_gaussian_of_that_standard_deviation(std):
    """Away from the ends the two agree; 'smoothing_std' really is the sigma."""
    values = np.random.default_rng(0).normal(size=(2, 300))
    inner = slice(50, -50)
    np.testing.assert_allclose(
        smooth(values, std)[:, inner], ndimage.gaussian_filter1d(values, std)[:, inner]
    )


def test_smoothing_weighs_by_a_gaussian_up_to_the_ends():
    """Hand arithmetic at every epoch: the weights inside the curve, scaled to sum to 1."""
    values, std = np.random.default_rng(1).normal(size=12), 1.5
    away = np.arange(12)[:, None] - np.arange(12)
    weights = np.where(abs(away) <= 6, np.exp(-0.5 * (away / std) ** 2), 0)  # 4 standard deviations, as SciPy
    np.testing.assert_allclose(smooth(values, std), weights @ values / weights.sum(axis=1))


def test_a_constant_stays_constant_to_the_ends():
    """The weights that reach beyond the ends are given to the rest."""
    np.testing.assert_allclose(smooth(np.full(30, 2.5), 10.0), 2.5)


def test_gaps_stay_gaps_and_do_not_spread():
    """NaN where nothing was measured; the measured epochs use each other only."""
    values = np.array([1.0, np.nan, 1.0, np.nan, 1.0])
    np.testing.assert_allclose(smooth(values, 1.0), values)


def test_no_smoothing_returns_the_values():
    """A standard deviation of 0 changes nothing, and copies."""
    values = np.array([1.0, 3.0, 2.0])
    assert smooth(values, 0.0).tolist() == values.tolist()
    assert smooth(values, 0.0) is not values


def test_a_negative_standard_deviation_is_refused():
    """It has no meaning."""
    assert refusal(smooth, [1.0], -1.0) == "`std` must be a finite number of epochs of at least 0; got -1.0."


def test_a_number_is_no_curve():
    """There is no axis to smooth along."""
    assert refusal(smooth, 1.0, 1.0) == "`values` must have an axis of epochs; got a single number."
