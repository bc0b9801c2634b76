"""Spikes are single epochs; jitter, steps and steep rises are none."""

from __future__ import annotations

import numpy as np
import pytest

from justright.statistics.spikes import MOST, Peak, find_spikes


def jittering(epochs=300, seed=0):
    """Return a flat curve that jitters by 0.001."""
    return 0.5 + 0.001 * np.random.default_rng(seed).standard_normal(epochs)


@pytest.mark.parametrize("epoch", [160, 295, 298, 299])
def test_a_spike_is_found_wherever_it_is(epoch):
    """In the middle, a few epochs before the end, and at the end; with its height and its neighbours' level."""
    curve = jittering()
    curve[epoch] = 1.5
    (found,) = find_spikes(curve, 150, least=0.005)
    assert (found.epoch, found.loss) == (epoch, 1.5)
    np.testing.assert_allclose(found.level, 0.5, atol=0.003)


def test_a_spike_of_several_epochs_is_one():
    """The way back takes a while: its highest epoch stands for it."""
    curve = jittering()
    curve[200:206] = [1.5, 0.9, 0.7, 0.6, 0.55, 0.52]
    assert [one.epoch for one in find_spikes(curve, 150, least=0.005)] == [200]


def test_early_spikes_and_small_ones_do_not_count():
    """Before `since`, and not `least` above the neighbours."""
    curve = jittering()
    curve[[100, 200]] = 1.5, 0.53
    assert find_spikes(curve, 150, least=0.05) == ()


def test_jitter_makes_no_spikes():
    """Skewed jitter, a step up and a rise: nothing stands out on both sides."""
    rng = np.random.default_rng(1)
    skewed = 0.5 + 0.001 * rng.gamma(4.0, size=1_000)
    step = jittering() + 0.1 * (np.arange(300) > 200)
    rise = jittering() + 0.01 * np.maximum(np.arange(300) - 200, 0)
    assert [find_spikes(curve, 100, least=0.005) for curve in (skewed, step, rise)] == [(), (), ()]


def test_of_many_spikes_the_highest_are_named():
    """By rising epoch; every tenth epoch is one."""
    curve = jittering()
    places = np.arange(155, 300, 20)
    curve[places] = 1.0 + 0.1 * np.arange(len(places))
    assert [one.epoch for one in find_spikes(curve, 150, least=0.005)] == places[-MOST:].tolist()


def test_epochs_without_a_value_are_no_neighbours():
    """A curve measured at every other epoch."""
    curve = jittering()
    curve[::2] = np.nan
    curve[201] = 1.5
    level = np.median(curve[[181, 183, 185, 187, 189, 191, 193, 195, 197, 199]])
    other = np.median(curve[[203, 205, 207, 209, 211, 213, 215, 217, 219, 221]])
    assert find_spikes(curve, 150, least=0.005) == (Peak(201, 1.5, max(level, other)),)


def test_short_curves_have_none():
    """Ten steps are the least that shows jitter."""
    assert find_spikes(np.array([0.5, 0.5, 5.0, 0.5]), 0, least=0.005) == ()
