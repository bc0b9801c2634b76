"""What makes an end of a curve the surest rise."""

from __future__ import annotations

import numpy as np
import pytest

from justright.statistics.rises import LEVELS, fall_floor, find_rise, least_score, level_of, omission_price

RNG = np.random.default_rng(0)
RISING = np.concatenate([[1.0, 0.5, 0.2], np.linspace(0, 0.6, 9)]) + 0.01 * RNG.normal(size=12)


def test_levels_lie_on_the_table_and_between_its_points():
    """Longer curves than the table's have the last one."""
    assert [level_of(points) for points in LEVELS] == pytest.approx(list(LEVELS.values()))
    assert LEVELS[10] > level_of(11) > LEVELS[12]
    assert level_of(1_000) == LEVELS[150]


def test_a_whole_curve_that_surely_rose_loses_no_point():
    """Leaving one out is for curves that would not be said to rise."""
    rise = find_rise(RISING)
    assert rise.score < rise.level
    assert rise.omitted is None


def test_the_point_that_hides_a_rise_is_left_out():
    """A spike in the midst of the rise."""
    curve = RISING.copy()
    curve[8] += 0.8
    rise = find_rise(curve)
    assert (rise.omitted, rise.score < rise.level) == (8, True)
    assert least_score(curve) == rise.score


def test_a_rise_after_a_fall_is_surer_than_the_same_rise_alone():
    """Noise that wanders rises as well, but does not plunge before."""
    after_nothing = np.concatenate([RISING[3] + [0.01, -0.01, 0.0], RISING[3:]])
    assert find_rise(RISING).score < find_rise(after_nothing).score


def test_a_jump_to_a_plateau_is_found():
    """A parabola does not follow it."""
    curve = np.concatenate([np.full(8, 0.5), np.full(52, 0.6)]) + 0.002 * RNG.normal(size=60)
    rise = find_rise(10 * curve - 5)
    assert rise.score < rise.level


def test_prices_grow_with_the_number_of_points_and_end():
    """Short curves can be told from those with a spike only by leaving it out, and show only large p values."""
    assert [omission_price(points) for points in (5, 10, 15, 20, 99)] == [0.0, 0.0, 1.0, 2.0, 2.0]
    assert [fall_floor(points) for points in (5, 10, 20, 30, 99)] == [-4.0, -4.0, -5.0, -6.0, -6.0]
