"""What would decide an undecided comparison: how many more seeds, or how many more rows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from justright.statistics.crossed import Crossed
from justright.statistics.intervals import DEFAULT_LEVEL, half_widths

POWER = 0.8  # the usual chance of success that a plan is made for; it also sets the allowance for luck
MAX_SEEDS = 200  # more are not trained in practice; beyond it the answer is "seeds alone will not do"
MOST_TIMES_ROWS = 100  # nor are there 100 times the present rows,
ALWAYS_ROWS = 100_000  # unless they are few: this many are always within reach
MIN_SEEDS_TO_PLAN = 2  # one seed says nothing about how much seeds differ


@dataclass(frozen=True, slots=True)
class Needs:
    """How many more seeds or rows would decide a comparison; None if that alone would not.

    Args:
        more_seeds: seeds to add, with the same rows.
        more_rows: measuring rows to add, with the same seeds.
        together: (seeds, rows) to add if neither alone would do: both grow by one factor. None if that is too much.
    """

    more_seeds: int | None
    more_rows: int | None
    together: tuple[int, int] | None = None

    @property
    def least(self) -> tuple[int, int] | None:
        """(seeds, rows) to add: seeds if they alone would do, else rows, else both; None if nothing would do."""
        if self.more_seeds is not None:
            return self.more_seeds, 0
        return (0, self.more_rows) if self.more_rows is not None else self.together


def required_seeds_or_rows(
    table: Crossed, threshold: float, *, level: float = DEFAULT_LEVEL, widening: float = 1.0
) -> Needs:
    """Return how many more seeds or rows would put the interval on one side of `threshold`.

    It is planned for a chance of 80 %, assuming that the measured mean is the true one and that the variance components
    stay the same. With one seed the spread between seeds is unknown, so no number of seeds is given.

    Args:
        table: moments of the comparison so far.
        threshold: the value that the interval should exclude.
        level: coverage of the interval.
        widening: common multiplier of simultaneous intervals.

    Example:
        >>> rng = np.random.default_rng(0)
        >>> from justright.statistics.crossed import crossed
        >>> required_seeds_or_rows(crossed(rng.normal(0.1, 1.0, (1, 100))), 0.0).more_seeds is None
        True
    """
    from scipy import special

    distance, luck = abs(table.mean - threshold), float(special.ndtri(POWER))

    def is_enough(seeds: int, rows: int) -> bool:
        half, error = expected_errors(table, seeds=seeds, rows=rows, level=level)
        return half * widening + luck * error <= distance

    if is_enough(table.seeds, table.rows):
        return Needs(0, 0)
    seeds = None
    if table.seeds >= MIN_SEEDS_TO_PLAN:
        seeds = _smallest(lambda more: is_enough(table.seeds + more, table.rows), MAX_SEEDS - table.seeds)
    most_rows = max(MOST_TIMES_ROWS * table.rows, ALWAYS_ROWS)
    rows = _smallest(lambda more: is_enough(table.seeds, table.rows + more), most_rows - table.rows)
    if seeds is not None or rows is not None or table.seeds < MIN_SEEDS_TO_PLAN:
        return Needs(seeds, rows)
    # Seeds and rows grow by the same factor, so that both sources of error shrink equally.
    share = table.rows / table.seeds
    more = _smallest(
        lambda more: is_enough(table.seeds + more, table.rows + round(more * share)), MAX_SEEDS - table.seeds
    )
    return Needs(None, None, None if more is None else (more, round(more * share)))


def combine_needs(every: Sequence[Needs], *, any_is_enough: bool) -> Needs:
    """Return what decides the cheapest of several comparisons, or all of them.

    Example:
        >>> combine_needs([Needs(4, None), Needs(9, 500)], any_is_enough=False)
        Needs(more_seeds=9, more_rows=None, together=(9, 0))
    """
    choose = min if any_is_enough else max
    least = [one.least for one in every if one.least is not None]
    together = None
    if any_is_enough:
        together = min(least, default=None)
    elif len(least) == len(every):
        together = max(seeds for seeds, _ in least), max(rows for _, rows in least)

    def chosen(ways: list[int | None]) -> int | None:
        known = [way for way in ways if way is not None]
        return choose(known) if known and (any_is_enough or len(known) == len(ways)) else None

    return Needs(
        chosen([one.more_seeds for one in every]), chosen([one.more_rows for one in every]), together
    )


def expected_errors(
    table: Crossed, *, seeds: int, rows: int, level: float = DEFAULT_LEVEL
) -> tuple[float, float]:
    """Return the expected half-width, and the standard error, of the mean in a study of `seeds` x `rows`.

    The variance components are taken from `table`.

    Example:
        >>> from justright.statistics.crossed import crossed
        >>> table = crossed(np.random.default_rng(0).normal(size=(4, 500)))
        >>> half, error = expected_errors(table, seeds=4, rows=10_000)
        >>> round(half, 3), round(error, 3)
        (0.056, 0.018)
    """
    seed, row, error = table.components
    rest = error / (seeds * rows)
    by_seed, by_row = seed / seeds + rest, row / rows + rest
    half = half_widths(np.array([[by_seed], [by_row], [rest]]), seeds=seeds, rows=rows, level=level)
    variance = by_seed + by_row - rest if seeds > 1 else by_row
    return float(half[0]), float(np.sqrt(variance))


def _smallest(is_enough: Callable[[int], bool], limit: int) -> int | None:
    """Return the smallest whole number in 1..limit that is enough, or None; more is never worse."""
    # The limit first: most questions have no answer within it.
    if limit < 1 or not is_enough(limit):
        return None
    high = 1
    while high < limit and not is_enough(high):
        high *= 2
    high = min(high, limit)
    low = high // 2
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if is_enough(middle) else (middle, high)
    return high
