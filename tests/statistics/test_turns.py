"""What one noisy curve did: ground truth by simulation, and curves whose answer is plain."""

from __future__ import annotations

import numpy as np
import pytest

from justright.statistics.turns import Change, find_turn

CURVES = 60


def noisy(rng, trend, *, correlation, noise=0.01):
    """Return the trend with stationary noise in which consecutive points have so much in common."""
    steps = rng.normal(size=len(trend))
    for now in range(1, len(steps)):
        steps[now] = correlation * steps[now - 1] + steps[now] * np.sqrt(1 - correlation**2)
    return trend + noise * steps


def turning(points, rise):
    """Return a trend that plunges to 1 for a third of the run and then rises steadily."""
    share = np.arange(points) / (points - 1)
    before, after = np.clip(1 - 3 * share, 0, 1), np.clip(1.5 * share - 0.5, 0, 1)
    return 1 + 0.6 * before**2 + rise * after


@pytest.mark.parametrize("points", [5, 10, 40])
@pytest.mark.parametrize("correlation", [0.0, 0.9])
@pytest.mark.parametrize("fall", [0.0, 1.5])
def test_noise_is_rarely_taken_for_a_rise(points, correlation, fall):
    """About a constant and about a plateau: at most 5 %; 10 of 60 would be seen once in 900 times at that rate."""
    rng = np.random.default_rng(0)
    trend = 1 + fall * np.exp(-np.arange(points) / points * 20)
    turns = [find_turn(noisy(rng, trend, correlation=correlation)) for _ in range(CURVES)]
    assert sum(turn.rise.low > 0 for turn in turns) <= 9
    assert all((turn.rise.low > 0) == (turn.since is not None) for turn in turns)


@pytest.mark.parametrize(("points", "rise"), [(10, 0.3), (30, 0.06), (100, 0.02)])
def test_a_rise_is_found_and_its_interval_and_onset_hold_the_truth(points, rise):
    """Noise of 1 %; of 100 curves at least 80 are found where 90 % should be, and of intervals 85 hold where 95 % should."""
    rng = np.random.default_rng(1)
    trend = turning(points, rise)
    turns = [find_turn(noisy(rng, trend, correlation=0.0)) for _ in range(100)]
    lowest = int(np.argmin(trend))
    found = [turn for turn in turns if turn.since is not None]
    assert len(found) >= 80
    assert sum(turn.rise.low <= rise <= turn.rise.high for turn in found) >= 0.85 * len(found)
    assert sum(turn.since[0] <= lowest <= turn.since[1] for turn in found if turn.since) >= 0.85 * len(found)


@pytest.mark.parametrize("points", [10, 30, 100])
def test_one_spike_hides_no_rise(points):
    """Wherever it is, the lowest and the last point not excluded, up or down, of 5 to 50 standard deviations."""
    rng = np.random.default_rng(2)
    found = 0
    for _ in range(40):
        curve = noisy(rng, turning(points, 0.3), correlation=0.0)
        curve[rng.integers(points)] += 0.01 * rng.uniform(5, 50) * rng.choice([-1, 1])
        found += find_turn(curve).rise.low > 0
    assert found >= 30


@pytest.mark.parametrize("points", [10, 30])
@pytest.mark.parametrize("correlation", [0.0, 0.9])
def test_noise_at_a_flat_end_is_rarely_taken_for_a_fall(points, correlation):
    """At most 5 %; 10 of 60 would be seen once in 900 times at that rate."""
    rng = np.random.default_rng(3)
    curves = [noisy(rng, np.ones(points), correlation=correlation) for _ in range(CURVES)]
    assert sum(find_turn(curve).fall.high < 0 for curve in curves) <= 9


def test_a_curve_that_still_falls_has_a_fall_below_zero_and_no_rise():
    """By a quarter of a straight fall from 1 to 0.5, whatever the times are counted in."""
    values = np.linspace(1, 0.5, 60)
    for at in (None, 100.0 * np.arange(60)):
        turn = find_turn(values, at)
        assert (turn.fall.value, turn.fall.high) == pytest.approx((-0.125, -0.125))
        assert (turn.rise.value, turn.rise.low <= 0, turn.since, turn.best) == (0.0, True, None, 59)
        assert (turn.lowest, turn.end) == pytest.approx((0.5, 0.5))


def test_the_last_quarter_is_one_of_time():
    """Here the last 30 points lie in the last tenth of the time."""
    at = np.concatenate([np.linspace(0, 90, 30), np.linspace(90.3, 100, 30)])
    assert find_turn(1 - at / 100, at).fall.value == pytest.approx(-0.25)


def test_a_constant_curve_did_nothing():
    """No noise at all must not divide by zero."""
    still = Change(0.0, 0.0, 0.0)
    turn = find_turn(np.full(30, 0.5))
    assert (turn.best, turn.lowest, turn.end, turn.since, turn.jitter) == (0, 0.5, 0.5, None, 0.0)
    assert (turn.rise, turn.fall) == (still, still)


def test_a_clear_turn_of_five_points_is_found():
    """The fewest that there may be."""
    turn = find_turn(np.array([1.0, 0.5, 0.6, 0.7, 0.8]))
    assert (turn.best, turn.since) == (1, (0, 2))
    assert turn.rise.value == pytest.approx(0.3, abs=1e-5)


def test_a_spike_is_said_and_decides_nothing():
    """The log behind a bug report: a curve that turns at epoch 10 and has 1.5 at epoch 20."""
    curve = 0.5 + 0.01 * np.abs(np.arange(30) - 10.0)
    curve[20] = 1.5
    turn = find_turn(curve)
    assert (turn.best, turn.spikes) == (10, (20,))
    assert turn.since is not None
    assert turn.since[0] <= 10 <= turn.since[1]
    assert 0 < turn.rise.low <= 0.19 <= turn.rise.high


def test_positions_in_long_curves_are_those_of_points():
    """Of 20,000 points stretches are read: the onset is right to a few of them."""
    grid = np.arange(20_000.0)
    rng = np.random.default_rng(4)
    turn = find_turn(1 + np.abs(grid - 8_000) / 20_000 + 0.01 * rng.normal(size=20_000))
    assert turn.since is not None
    assert 7_000 < turn.since[0] <= 8_000 <= turn.since[1] < 9_000
    assert turn.rise.value == pytest.approx(0.6, abs=0.01)


@pytest.mark.parametrize("scale", [1e-300, 1e-9, 1e9, 1e307])
def test_scale_and_level_change_nothing_but_numbers(scale):
    """Huge, tiny and negative values are judged alike."""
    values = noisy(np.random.default_rng(5), turning(30, 0.2), correlation=0.0)
    one, other = find_turn(values), find_turn((values - 5) * scale)
    assert other.rise.low / scale == pytest.approx(one.rise.low)
    assert (other.since, other.best) == (one.since, one.best)


@pytest.mark.parametrize(
    "values",
    [
        np.tile([0.5, 0.6], 25),
        np.repeat([1.0, 0.0], 20),
        np.append(np.full(50, 0.3), 0.4),
        np.array([0.8, 0.82, 0.8, 0.82, 0.82, 0.84, 0.82, 0.8]),
        np.array([1.0, 1.0, 1.0, 1.0, 1.1]),
        np.array([-1.7e308, 1.7e308, 0.0, -1.7e308, 1.7e308]),
        1 + np.exp(-np.arange(5_000) / 500),
    ],
    ids=["two values", "a step down", "a last step", "quantized", "five", "huge", "exact"],
)
def test_odd_curves_have_finite_answers_and_no_rise(values):
    """None of them rose for sure."""
    turn = find_turn(values)
    numbers = [turn.lowest, turn.end, turn.jitter, turn.correlation]
    for change in (turn.rise, turn.fall):
        assert change.low <= change.value <= change.high
        numbers += [change.value, change.low, change.high]
    assert np.isfinite(numbers).all()
    assert turn.rise.low <= 0


def test_a_rise_of_some_per_cent_needs_less_proof_only_where_noise_is_a_small_share_of_the_level():
    """The same rises above the same noise, 1 % and 2 % of the level."""
    rng = np.random.default_rng(1)
    curves = [noisy(rng, turning(30, 0.035), correlation=0.7) for _ in range(CURVES)]
    high, low = (sum(find_turn(curve - less).rise.low > 0 for curve in curves) for less in (0.0, 0.5))
    assert high > low


def test_one_low_value_is_no_rise_to_all_others():
    """However far below it is: a large rise needs less proof, but must be there without the lowest value."""
    assert find_turn(np.array([1.0, 1.0, 0.54, 1.0, 1.02, 0.99, 1.01, 1.02, 1.01, 1.02])).rise.low <= 0
