"""Smoothing and gaps against oracles."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from justright.errors import InputError
from justright.statistics.curves import generalization_gap, smooth


@pytest.mark.parametrize("std", [0.5, 1.0, 3.0, 10.0])
def test_smoothing_is_scipys_gaussian_of_that_standard_deviation(std):
    """Away from the ends the two agree; 'smoothing_std' really is the sigma."""
    values = np.random.default_rng(0).normal(size=(2, 300))
    inner = slice(50, -50)
    np.testing.assert_allclose(
        smooth(values, std)[:, inner], ndimage.gaussian_filter1d(values, std)[:, inner]
    )


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
    with pytest.raises(InputError) as caught:
        smooth([1.0], -1.0)
    assert str(caught.value) == "`std` must be a finite number of epochs of at least 0; got -1.0."


def test_a_number_is_no_curve():
    """There is no axis to smooth along."""
    with pytest.raises(InputError) as caught:
        smooth(1.0, 1.0)
    assert str(caught.value) == "`values` must have an axis of epochs; got a single number."


def test_gap_is_nan_for_a_run_that_diverged_in_the_window_only():
    """Infinity inside the window is NaN, before it it does not matter."""
    train = np.array([[0.5, 0.4, 0.3], [0.5, 0.4, np.inf], [np.nan, 0.4, 0.3]])
    gap = generalization_gap(train, np.full((3, 3), 1.0), window=2)
    np.testing.assert_allclose(gap, [0.65, np.nan, 0.65])


def test_gap_of_different_shapes_is_refused():
    """Epochs must match."""
    with pytest.raises(InputError) as caught:
        generalization_gap(np.zeros((1, 3)), np.zeros((1, 4)))
    assert (
        str(caught.value)
        == "`train_loss` and `val_loss` must share the shape (runs, epochs); got (1, 3) and (1, 4)."
    )


def test_a_window_longer_than_the_curve_is_refused():
    """There are only so many epochs."""
    with pytest.raises(InputError) as caught:
        generalization_gap(np.zeros((1, 3)), np.zeros((1, 3)))
    assert str(caught.value) == "`window` must lie in 1..3, the number of epochs; got 5."
