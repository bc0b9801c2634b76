"""What one noisy curve did: by how much it rose after its lowest stretch, since when, and whether it still falls."""

from __future__ import annotations

from dataclasses import dataclass

from justright.statistics.crossed import Floats

FEWEST_POINTS = 5


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


def find_turn(values: Floats, at: Floats | None = None) -> Turn:
    """Return what a curve did.

    Args:
        values: (points,), at least `FEWEST_POINTS` finite numbers.
        at: (points,), increasing: when each was measured; None: evenly.
    """
    raise NotImplementedError
