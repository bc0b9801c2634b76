"""Which single points are spikes."""

from __future__ import annotations

import numpy as np

from justright.statistics.lone_points import lone_points

NOISE = 0.01 * np.random.default_rng(0).normal(size=60)


def test_spikes_up_and_down_are_found():
    """Both are twenty standard deviations off."""
    curve = 1 + NOISE
    curve[[20, 45]] += 0.2, -0.2
    assert lone_points(curve) == [20, 45]


def test_a_larger_spike_does_not_hide_its_neighbour():
    """The smaller one stands two points beside one ten times as large."""
    curve = 1 + NOISE
    curve[[20, 22]] += 5.0, 0.5
    assert lone_points(curve) == [20, 22]


def test_noise_plunges_and_sharp_turns_have_no_spikes():
    """What is steep is no spike, nor is the lowest point of a curve that turns at once."""
    grid = np.arange(60.0)
    for curve in (
        1 + NOISE,
        np.exp(-grid / 3),
        np.abs(grid - 30),
        np.where(grid < 30, 1.0, 0.5),
        np.ones(60),
    ):
        assert lone_points(curve) == []


def test_short_curves_have_none():
    """Of 15 points none can be told from a turn."""
    curve = np.ones(15)
    curve[7] = 9.0
    assert lone_points(curve) == []
