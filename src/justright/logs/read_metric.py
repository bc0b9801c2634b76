"""What one metric did on one set of rows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from justright.logs.log_curves import Curve
from justright.logs.run_reading import MetricReading
from justright.logs.thresholds import ALLOWANCE, FEWEST_ASSISTED, LEARNED_BY_HEART, NOISY
from justright.statistics.crossed import Floats
from justright.statistics.intervals import DEFAULT_LEVEL, normal_quantile
from justright.statistics.turns import FEWEST_POINTS, Change, Course, Turn

# Part of the values of training loss, and fewest of them, whose median is its level at a time: single batches, as some tools
# log them, and single spikes say little.
NEAR, FEWEST_NEAR = 0.05, 3


@dataclass(frozen=True, slots=True, eq=False)
class ReadCurve:
    """A curve that was read.

    Args:
        curve: of one metric.
        train: the same metric on training rows, if it was logged.
        reading: what it did.
        own_rise: by how much it became worse, judged by itself alone: neither with the help of training nor together with
            other curves; None for too few points.
    """

    curve: Curve
    train: Curve | None
    reading: MetricReading
    own_rise: Change | None


def read_metric(curve: Curve, train: Curve | None = None, *, curves: int = 1) -> ReadCurve:
    """Return what a metric did; with fewer than `FEWEST_POINTS` values only its best and its last.

    Args:
        curve: with at least one finite value.
        train: the same metric on training rows.
        curves: how many curves are looked at for the same verdict; the intervals of all of them hold together.
    """
    at, values = curve.finite()
    _, badness = curve.badness()
    own, turn = _turns(curve, train)
    best = int(np.argmin(badness)) if own is None else own.best
    rise = None if turn is None else _not_negative(widened(turn.rise, curves))
    reading = MetricReading(
        metric=curve.metric,
        written=curve.written,
        direction=curve.direction,
        points=len(values),
        first_at=float(at[0]),
        last_at=float(at[-1]),
        best_at=float(at[best]),
        best=float(values[best]),
        last=float(values[-1]),
        train=None if train is None else train.written,
        train_last=None if train is None else _last(train),
        worsening=rise,
        since=_since(turn, rise, at),
        gain=None if turn is None else _turned(widened(turn.fall, curves)),
        spikes=() if turn is None else tuple(float(at[place]) for place in turn.spikes),
        train_change=None if train is None else change_between(train, float(at[best]), float(at[-1])),
        is_assisted=turn is not own,
    )
    return ReadCurve(curve, train, reading, None if own is None else own.rise)


def _turns(curve: Curve, train: Curve | None) -> tuple[Turn, Turn] | tuple[None, None]:
    """Return what a curve did, judged by itself, and with the help of training where that shows a rise; None for too few points."""
    at, badness = curve.badness()
    if len(at) < FEWEST_POINTS:
        return None, None
    course = Course(badness, at)
    own = course.turn()
    if train is None or not _may_be_assisted(own, at, badness, train):
        return own, own
    helped = course.turn(ALLOWANCE)
    return own, helped if helped.rise.low > 0 else own


def _may_be_assisted(turn: Turn, at: Floats, badness: Floats, train: Curve) -> bool:
    """Return whether noise hides a loss's course, while training fell by so much since its best that a rise is to be expected."""
    then = _level_at(train, float(at[turn.best]))
    change = change_between(train, float(at[turn.best]), float(at[-1]))
    return (
        turn.rise.low <= 0
        and train.direction == "less"
        and len(badness) >= FEWEST_ASSISTED
        and turn.jitter >= NOISY * abs(float(badness[turn.best]))
        and change is not None
        and then is not None
        and change <= -LEARNED_BY_HEART * abs(then)
    )


def widened(change: Change, curves: int) -> Change:
    """Return a change with an interval that holds together with those of as many curves (Bonferroni's, for normal errors).

    Example:
        >>> widened(Change(1.0, 0.0, 2.0), 1)
        Change(value=1.0, low=0.0, high=2.0)
        >>> round(widened(Change(1.0, 0.0, 2.0), 6).low, 2)
        -0.35
    """
    if curves < 2:
        return change
    factor = normal_quantile(1 - (1 - DEFAULT_LEVEL) / curves) / normal_quantile(DEFAULT_LEVEL)
    value = change.value
    return Change(value, value - factor * (value - change.low), value + factor * (change.high - value))


def change_between(curve: Curve, first: float, last: float) -> float | None:
    """Return how much a curve changed from around one time to another; None where it was not measured."""
    at, values = curve.finite()
    if len(at) == 0 or not last > first:
        return None
    return _level(at, values, last) - _level(at, values, first)


def _level_at(curve: Curve, when: float) -> float | None:
    at, values = curve.finite()
    return _level(at, values, when) if len(at) else None


def _level(at: Floats, values: Floats, when: float) -> float:
    """Return the median of the values nearest to a time."""
    count = max(FEWEST_NEAR, round(NEAR * len(at)))
    return float(np.median(values[np.argsort(np.abs(at - when), kind="stable")[:count]]))


def _last(curve: Curve) -> float | None:
    _, values = curve.finite()
    return float(values[-1]) if len(values) else None


def _since(turn: Turn | None, rise: Change | None, at: Floats) -> tuple[float, float] | None:
    if turn is None or rise is None or turn.since is None or rise.low <= 0:
        return None
    return float(at[turn.since[0]]), float(at[turn.since[1]])


def _not_negative(rise: Change) -> Change:
    """Return a rise from the lowest, which is never below 0."""
    return Change(max(rise.value, 0.0), max(rise.low, 0.0), max(rise.high, 0.0))


def _turned(change: Change) -> Change:
    return Change(-change.value, -change.high, -change.low)
