"""Whether a curve rises beyond its noise: ground truth by simulation."""

from __future__ import annotations

import numpy as np
import pytest

from justright.logs.rise import end_slope, rise_after_best

RUNS = 200


def noisy(rng, epochs, *, correlation, rise=0.0):
    """Return a curve that falls, settles, and from its middle on rises by `rise`, with AR(1) noise of 0.01."""
    noise = rng.normal(size=epochs + 100)
    for index in range(1, len(noise)):
        noise[index] = correlation * noise[index - 1] + noise[index] * np.sqrt(1 - correlation**2)
    grid = np.arange(epochs)
    course = 0.6 + 0.4 * np.exp(-grid / (epochs / 10)) + rise * np.clip(grid / epochs * 2 - 1, 0, 1)
    return course + 0.01 * noise[100:]


@pytest.mark.parametrize("epochs", [20, 60, 300])
@pytest.mark.parametrize("correlation", [0.0, 0.5])
def test_a_curve_that_settles_is_rarely_said_to_rise(epochs, correlation):
    """At most 5 % false alarms; 21 of 200 would be seen once in 1,000 times at that rate."""
    rng = np.random.default_rng(0)
    alarms = sum(rise_after_best(noisy(rng, epochs, correlation=correlation)).low > 0 for _ in range(RUNS))
    assert alarms <= 20


@pytest.mark.parametrize("epochs", [60, 300])
def test_a_rise_of_five_noise_deviations_is_found(epochs):
    """Power against a planted rise of 0.05 under noise of 0.01."""
    rng = np.random.default_rng(1)
    found = sum(rise_after_best(noisy(rng, epochs, correlation=0.5, rise=0.05)).low > 0 for _ in range(50))
    assert found >= 45


def test_a_curve_still_falling_has_a_negative_end_slope():
    """A straight fall is not noise."""
    assert end_slope(np.linspace(1, 0.5, 60)).high < 0


def test_a_constant_curve_neither_rises_nor_falls():
    """No noise at all must not divide by zero."""
    change = rise_after_best(np.full(30, 0.5))
    # The fit of a parabola to a constant is exact up to float64 rounding.
    assert (change.value, change.low, change.high) == pytest.approx((0.0, 0.0, 0.0), abs=1e-12)
