"""How much networks of different studies differ: paired by row and seed as far as the studies agree on them.

On the same rows a difference is paired by row, and by seed where both have it: the same seed draws the same batches. Seeds
that differ are paired in their order, which is as good as any. On different rows there is nothing to pair: the variances of
both means add up, so that the half-width of the difference is the root of the sum of the squared half-widths (method of
variance estimates recovery: Zou & Donner, Statistics in Medicine 27, 2008).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Literal

from justright.diagnosis.measured import differences_by_seed
from justright.statistics.crossed import Floats, crossed
from justright.statistics.intervals import DEFAULT_LEVEL, Interval, interval_of

Pairing = Literal["rows and seeds", "rows", "nothing"]


@dataclass(frozen=True, slots=True, eq=False)
class StudyNetwork:
    """The network of a study that is compared with those of others.

    Shape:
        values: (seeds, rows) losses, or what each row adds to another metric: their mean is the metric.

    Args:
        seeds: those behind the first axis.
        rows: a number that networks measured on the same rows share.
    """

    values: Floats
    seeds: tuple[int, ...]
    rows: int


@dataclass(frozen=True, slots=True)
class StudyDifference:
    """The metric of the second network minus that of the first.

    Args:
        first, second: numbers of the networks.
        interval: the difference; all intervals hold together.
        pairing: what the two were paired by.
        seeds: how many seeds of the first and of the second are behind it.
    """

    first: int
    second: int
    interval: Interval
    pairing: Pairing
    seeds: tuple[int, int]


def differences_between(
    networks: Sequence[StudyNetwork], *, level: float = DEFAULT_LEVEL
) -> list[StudyDifference]:
    """Return the difference of any two networks; intervals hold together with probability `level` (Bonferroni).

    Example:
        >>> import numpy as np
        >>> rows = np.arange(100.0)[None]
        >>> first, second = StudyNetwork(rows, (1,), 0), StudyNetwork(rows + 0.5, (1,), 0)
        >>> found = differences_between([first, second])
        >>> found[0].interval, found[0].pairing
        (Interval(mean=0.5, low=0.5, high=0.5, seeds=1), 'rows and seeds')
    """
    pairs = list(combinations(range(len(networks)), 2))
    share = 1 - (1 - level) / max(len(pairs), 1)
    return [
        StudyDifference(first, second, *_difference(networks[first], networks[second], share))
        for first, second in pairs
    ]


def _difference(
    first: StudyNetwork, second: StudyNetwork, level: float
) -> tuple[Interval, Pairing, tuple[int, int]]:
    if first.rows != second.rows:
        seeds = len(first.seeds), len(second.seeds)
        return _unpaired(first.values, second.values, level), "nothing", seeds
    pairing: Pairing = "rows and seeds"
    differences = differences_by_seed(second.values, second.seeds, first.values, first.seeds)
    if differences is None:
        pairing, count = "rows", min(len(first.seeds), len(second.seeds))
        differences = second.values[:count] - first.values[:count]
    count = len(differences)
    return interval_of(crossed(differences), level=level), pairing, (count, count)


def _unpaired(left: Floats, right: Floats, level: float) -> Interval:
    """Return the interval of mean(right) - mean(left) for different rows and seeds."""
    one, other = (interval_of(crossed(values), level=level) for values in (left, right))
    mean = other.mean - one.mean
    half = math.hypot((one.high - one.low) / 2, (other.high - other.low) / 2)
    return Interval(mean, mean - half, mean + half, min(one.seeds, other.seeds))
