"""What two workers gain on one device, against a simulation of every change of theirs."""

from __future__ import annotations

import numpy as np
import pytest

from justright.workers.sharing.throughput import gain_of_a_second, weighted_speedup


def simulated_gain(idle_share, speedup, rounds=40_000):
    """Two workers in turn away from the device and on it, which serves both at once; over one worker alone.

    Times are exponential, so that each change comes at a rate of its own.
    """
    random = np.random.default_rng(0)
    rates = 1 / np.array([idle_share, 1 - idle_share])
    on_device, now, served = 0, 0.0, 0
    waits, choices = random.exponential(size=rounds), random.random(rounds)
    for wait, choice in zip(waits, choices, strict=True):
        leaving = rates[1] * (0.0, 1.0, speedup)[on_device]
        coming = rates[0] * (2 - on_device)
        now += wait / (leaving + coming)
        if choice < leaving / (leaving + coming):
            served, on_device = served + 1, on_device - 1
        else:
            on_device += 1
    return served / now  # one alone is served once in a unit of time


@pytest.mark.parametrize("idle_share", [0.1, 0.5])
@pytest.mark.parametrize("speedup", [0.9, 1.0, 1.6])
def test_the_gain_of_a_second_worker_is_that_of_a_simulation(idle_share, speedup):
    """Within 2 %, three standard errors of 20,000 stacks."""
    assert gain_of_a_second(idle_share, speedup) == pytest.approx(
        simulated_gain(idle_share, speedup), rel=0.02
    )


def test_stacks_are_compared_with_themselves():
    """One of them half as fast as alone, and one three quarters, whatever their epochs take."""
    alone, together = {"a": 1.0, "b": 30.0}, {"a": 2.0, "b": 40.0}
    assert weighted_speedup(alone, together) == pytest.approx(1.25)
    assert weighted_speedup(alone, {"b": 40.0}) == pytest.approx(0.75)
    assert weighted_speedup(alone, {"a": 0.5, "b": 40.0}) == pytest.approx(
        1.75
    )  # a machine that was slower for a while
