"""What one noisy curve did: by how much it rose after its lowest stretch, since when, and whether it still falls.

Single points far from their neighbours are left out (`lone_points`), and of long curves the means of stretches are read.
Whether and by how much the curve rose is said by `rises`; since when, by how well curves fit that fall up to a point and
rise from there (`unimodal`); whether it still falls, by the parabola through its last quarter.
`python -m benchmarks.diagnose.simulation` measures how often each is right.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from justright.statistics.crossed import Floats
from justright.statistics.curve_ends import CORRELATIONS, CurveEnds
from justright.statistics.lone_points import FEWEST, lone_points
from justright.statistics.noise_sizes import MOST_SPREAD, has_small_noise
from justright.statistics.rises import Rise, Rises
from justright.statistics.unimodal import turning_errors

FEWEST_POINTS = 5
# Rises that need less proof: of so much of the level, and so many times the noise of one value; by how much less, as a logarithm,
# by the number of points, from the fewest on; and whether only where noise is nearer to 1 % of the level than to 3 % (`noise_sizes`).
# Noise of 3 % of a loss that wanders slowly reaches a tenth of it in ten evaluations, and no fifth; noise of 1 % seldom reaches 3 %,
# but the more values there are, the oftener.
EVIDENT = ((0.2, 2.0, {FEWEST_POINTS: 4.5}, False), (0.03, 0.0, {20: 1.0, 30: 2.4, 100: 0.5}, True))
# So that no spike makes them, half of a rise must show in the middle one of so many last values, and a third of it must be left above
# the second lowest value.
AT_END = 3
MOST_POINTS = 150  # of longer curves the means of so many stretches are read
MISSED = 0.05  # how often an interval may miss what it is about, half of it on each side
LAST_SHARE = 4  # the last quarter
# Curves of few points: read off the last third, which shows its slope more exactly, or these last points.
LAST_READ, MOST_READ, FEWEST_READ = 3, 20, 6
# How much of each side the interval of the last quarter leaves out, by the number of points: noise that wanders (of
# correlation 0.9) about a flat curve is then taken for a fall in 4.5 %. With half of `MISSED` it was in up to 11 %.
MISSED_LAST = {10: 0.01, 30: 0.01, 100: 0.022}
# How much worse than the best one a curve may fit that turns where the trend does, in variances of a point:
# `ONSET_GROWTH * log(points / ONSET_POINTS)` times the root of how much longer correlated noise takes to average out. It is
# more in 5 % of simulated curves. Few points leave hardly anything to choose from.
ONSET_GROWTH, ONSET_POINTS, LEAST_ONSET = 3.8, 16.0, 0.5
HALVINGS = 60  # of an interval that holds a quantile: beyond the digits of a float

Places = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Change:
    """A difference along a curve with its 95 % interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Turn:
    """What one curve did.

    Positions count the points that were given, from 0.

    Args:
        best: position of the lowest value, spikes aside.
        lowest: the trend there: the level of the curve at its lowest, which a single lucky point does not lower.
        end: the trend at the last point.
        rise: `end` minus `lowest`, with an interval that holds although the lowest was selected; `low` > 0: it rose.
        since: first and last position at which the rise may have begun; None unless it rose.
        fall: by how much the curve changed over its last quarter: `high` < 0 means that it still fell.
        spikes: positions of single points far from their neighbours, which decide nothing.
        jitter: standard deviation of one point about the trend, without spikes.
        correlation: of the jitter of consecutive points, as estimated.
    """

    best: int
    lowest: float
    end: float
    rise: Change
    since: tuple[int, int] | None
    fall: Change
    spikes: tuple[int, ...]
    jitter: float
    correlation: float


@dataclass(frozen=True, slots=True)
class _Stretches:
    """What is read of a curve: the means of stretches of its points, in most cases of one point each.

    Shape:
        all: (stretches,); first and last: positions of each one's first and last point.
    """

    means: Floats
    times: Floats
    first: Places
    last: Places

    def without(self, one: int | None) -> _Stretches:
        if one is None:
            return self
        return _Stretches(
            np.delete(self.means, one),
            np.delete(self.times, one),
            np.delete(self.first, one),
            np.delete(self.last, one),
        )


def find_turn(values: Floats, at: Floats | None = None, *, allowance: float = 0.0) -> Turn:
    """Return what a curve did.

    Args:
        values: (points,), at least `FEWEST_POINTS` finite numbers.
        at: (points,), increasing: when each was measured, which says what its last quarter is; None: evenly.
        allowance: logarithm of how much more often than usual noise may pass for a rise, where something else speaks for one: the
            interval of the rise is that much less careful.

    Example:
        >>> turn = find_turn(np.array([0.9, 0.6, 0.5, 0.51, 0.56, 0.6, 0.63, 0.69, 0.74, 0.8]))
        >>> turn.best, turn.rise.low > 0
        (2, True)
    """
    return Course(values, at).turn(allowance)


class Course:
    """One curve, to which everything is fitted once: what it did follows for any allowance.

    Args:
        values, at: as for `find_turn`.
    """

    def __init__(self, values: Floats, at: Floats | None = None) -> None:
        self._values = np.asarray(values, dtype=np.float64)
        self._lowest = float(self._values.min())
        # In halves, as the range of huge values may be no float.
        self._half_spread = float(self._values.max() / 2 - self._lowest / 2)
        if self._half_spread > 0:
            scaled = (self._values / 2 - self._lowest / 2) / self._half_spread
            times = np.arange(float(len(scaled))) if at is None else np.asarray(at, dtype=np.float64)
            self._lone = lone_points(scaled) if len(scaled) >= FEWEST else []
            self._read = _stretches(scaled, times, self._lone)
            self._rises = Rises(self._read.means)

    def turn(self, allowance: float = 0.0) -> Turn:
        """Return what the curve did; see `find_turn`."""
        if not self._half_spread > 0:
            still = Change(0.0, 0.0, 0.0)
            return Turn(0, self._lowest, self._lowest, still, None, still, (), 0.0, 0.0)
        found = self._turn(self._rises.surest(allowance))
        for share, times, by_points, needs_small_noise in EVIDENT:
            less = float(
                np.interp(np.log(len(self._values)), np.log(list(by_points)), list(by_points.values()))
            )
            if found.rise.low <= 0 and less > allowance and len(self._values) >= min(by_points):
                rise = self._rises.surest(less)
                if not rise.is_sure:
                    continue
                freer = self._turn(rise)
                if _is_evident(freer, self._values, share=share, times=times) and (
                    not needs_small_noise or self._has_small_noise(rise.omitted, freer.lowest)
                ):
                    found = freer
        return found

    def _has_small_noise(self, omitted: int | None, level: float) -> bool:
        """Return whether noise is a small share of a level, the point `omitted` aside."""
        per_level = self._half_spread / (abs(level) / 2) if level else np.inf
        return per_level < MOST_SPREAD and has_small_noise(self._read.without(omitted).means * per_level)

    def _turn(self, rise: Rise) -> Turn:
        lowest, half_spread, lone = self._lowest, self._half_spread, self._lone
        if rise.omitted is not None:
            lone = sorted({*lone, int(self._read.first[rise.omitted])})
        read = self._read.without(rise.omitted)
        errors = turning_errors(read.means)
        change, end = _rise(rise, int(np.argmin(errors)))
        variance, correlation = _noise(rise.ends)
        since = _onset(read, errors, variance, correlation) if change.low > 0 else None
        places = np.delete(np.arange(len(self._values)), lone)
        return Turn(
            int(places[np.argmin(self._values[places])]),
            _finite(lowest / 2 + half_spread * (end - change.value)),
            _finite(lowest / 2 + half_spread * end),
            _times(change, half_spread),
            since,
            _times(_fall(read, rise.ends), half_spread),
            tuple(lone),
            _finite(half_spread * float(np.sqrt(variance))),
            correlation,
        )


def _is_evident(turn: Turn, values: Floats, *, share: float, times: float) -> bool:
    """Return whether a curve rose by so large a share of its level, and so far beyond its noise, that it needs less proof."""
    at_end = float(np.median(values[-AT_END:]))
    rise = turn.rise.value
    return (
        turn.rise.low > 0
        and rise >= share * abs(turn.lowest)
        and rise >= times * turn.jitter
        and at_end - turn.lowest >= rise / 2
        and at_end - float(np.partition(values, 1)[1]) >= rise / 3
    )


def _stretches(values: Floats, times: Floats, lone: list[int]) -> _Stretches:
    """Return at most `MOST_POINTS` stretches of as many points each, lone points left out."""
    places = np.delete(np.arange(len(values)), lone)
    starts = np.arange(0, len(places), -(-len(places) // MOST_POINTS))
    stops = np.append(starts[1:], len(places))
    means, middles = (np.add.reduceat(one[places], starts) / (stops - starts) for one in (values, times))
    return _Stretches(means, middles, places[starts], places[stops - 1])


def _rise(rise: Rise, turn: int) -> tuple[Change, float]:
    """Return by how much the curve rose from its turn on, and the trend at its last point.

    It rose by no less than its surest end did.
    """
    ends = rise.ends
    place = min(turn, len(ends.lengths) - 1)
    changes, errors = (part[0] for part in ends.changes())
    weights, freedom = ends.weights[0], ends.freedom
    low = _quantile(rise.changes, rise.errors, rise.freedom, rise.weights, rise.share)
    # Which side of 0 it lies on was decided by the score, of which it is another form; rounding must not change it.
    low = max(low, np.finfo(np.float64).tiny) if rise.is_sure else min(low, 0.0)
    value = max(float(weights[:, place] @ changes[:, place]), low, 0.0)
    high = _quantile(
        changes[:, place], errors[:, place], float(freedom[place]), weights[:, place], 1 - MISSED / 2
    )
    return Change(value, low, max(high, value)), float(weights[:, place] @ ends.last()[0, :, place])


def _fall(read: _Stretches, ends: CurveEnds) -> Change:
    """Return by how much the curve changed over its last quarter."""
    points = len(read.means)
    read_off = max(round(points / LAST_SHARE), min(round(points / LAST_READ), MOST_READ), FEWEST_READ)
    place = max(points - read_off, 0)
    half = min(points // 2, place)
    changes, errors = (part[0, :, place] for part in ends.changes())
    weights, freedom = ends.weights[0, :, half], float(ends.freedom[place])
    share = (read.times[-1] - read.times[0]) / LAST_SHARE / (read.times[-1] - read.times[place])
    changes, errors = share * changes, share * errors
    missed = float(np.interp(np.log(points), np.log(list(MISSED_LAST)), list(MISSED_LAST.values())))
    low, high = (_quantile(changes, errors, freedom, weights, side) for side in (missed, 1 - missed))
    return Change(float(weights @ changes), low, high)


def _noise(ends: CurveEnds) -> tuple[float, float]:
    """Return the variance of one point about the trend and the correlation of consecutive ones, in the later half."""
    place = min(ends.points // 2, len(ends.lengths) - 1)
    weights = ends.weights[0, :, place]
    return float(weights @ ends.deviation[0, :, place] ** 2), float(weights @ CORRELATIONS)


def _onset(read: _Stretches, errors: Floats, variance: float, correlation: float) -> tuple[int, int]:
    """Return the first and the last position at which a curve may turn that fits almost as well as the best."""
    growth = max(ONSET_GROWTH * float(np.log(len(errors) / ONSET_POINTS)), LEAST_ONSET)
    allowed = growth * variance * ((1 + correlation) / (1 - correlation)) ** 0.5
    fitting = np.flatnonzero(errors <= errors.min() + allowed)
    # With what was left out beside them, as the turn may be there.
    before = np.concatenate([[-1], read.last])[fitting[0]]
    after = np.append(read.first, read.last[-1] + 1)[fitting[-1] + 1]
    return int(before) + 1, int(after) - 1


def _quantile(
    centres: Floats, errors: Floats, freedom: Floats | float, weights: Floats, share: float
) -> float:
    """Return the quantile of a mixture of Student's t distributions."""
    from scipy import special

    reach = special.stdtrit(freedom, share)
    bounds = centres + errors * reach
    low, high = float(bounds.min()), float(bounds.max())
    safe = np.maximum(errors, np.finfo(np.float64).tiny)
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        if float(weights @ special.stdtr(freedom, (middle - centres) / safe)) < share:
            low = middle
        else:
            high = middle
    return (low + high) / 2


def _times(change: Change, half: float) -> Change:
    return Change(_finite(half * change.value), _finite(half * change.low), _finite(half * change.high))


def _finite(half: float) -> float:
    """Return twice a value, or the largest number of its sign if there is none so large."""
    most = float(np.finfo(np.float64).max)
    return 2 * min(max(half, -most / 2), most / 2)
