"""What would decide an undecided comparison: how many more seeds, or how many more rows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from justright.statistics.crossed import Crossed, Floats, variance_components, variances_by_source
from justright.statistics.intervals import DEFAULT_LEVEL, half_widths

Counts = npt.NDArray[np.int64]
Truths = npt.NDArray[np.bool_]

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
    return required_for_each(
        np.array([abs(table.mean - threshold)]),
        variances_by_source([table]),
        seeds=table.seeds,
        rows=table.rows,
        level=level,
        widening=widening,
    )[0]


def required_for_each(
    distances: Floats, by_source: Floats, *, seeds: int, rows: int, level: float, widening: float
) -> list[Needs]:
    """Return how many more seeds or rows each of several comparisons needs; assumptions as in `required_seeds_or_rows`.

    Args:
        distances: (comparisons,) from each mean to the value that its interval should exclude.
        by_source: (3, comparisons) variances of the means, as `variances_by_source` returns them.
        seeds: number of seeds behind each.
        rows: number of rows.
        level: coverage of each interval.
        widening: common multiplier of simultaneous intervals.
    """
    from scipy import special

    components = variance_components(by_source, seeds=seeds, rows=rows)
    luck, share = float(special.ndtri(POWER)), rows / seeds

    def are_enough(which: Counts, more_seeds: Counts | int, more_rows: Counts | int) -> Truths:
        half, error = _expected(components[:, which], seeds + more_seeds, rows + more_rows, level)
        return half * widening + luck * error <= distances[which]

    def with_seeds(which: Counts, more: Counts) -> Truths:
        return are_enough(which, more, 0)

    def with_rows(which: Counts, more: Counts) -> Truths:
        return are_enough(which, 0, more)

    def with_both(
        which: Counts, more: Counts
    ) -> Truths:  # by the same factor, so that both errors shrink equally
        return are_enough(which, more, np.rint(more * share).astype(np.int64))

    none = np.zeros(len(distances), dtype=np.int64)
    every = np.arange(len(distances))
    is_decided = are_enough(every, 0, 0)
    open_ones = every[~is_decided]
    can_plan_seeds = seeds >= MIN_SEEDS_TO_PLAN
    by_seeds, by_rows, by_both = none.copy(), none.copy(), none.copy()
    if can_plan_seeds:
        by_seeds[open_ones] = _smallest(with_seeds, open_ones, MAX_SEEDS - seeds)
    by_rows[open_ones] = _smallest(with_rows, open_ones, max(MOST_TIMES_ROWS * rows, ALWAYS_ROWS) - rows)
    if can_plan_seeds:
        neither = open_ones[(by_seeds[open_ones] == 0) & (by_rows[open_ones] == 0)]
        by_both[neither] = _smallest(with_both, neither, MAX_SEEDS - seeds)
    return [
        Needs(0, 0)
        if decided
        else Needs(one or None, other or None, (both, round(both * share)) if both else None)
        for decided, one, other, both in zip(
            is_decided, by_seeds.tolist(), by_rows.tolist(), by_both.tolist(), strict=True
        )
    ]


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
    half, error = _expected(np.array(table.components)[:, None], seeds, rows, level)
    return float(half[0]), float(error[0])


def _expected(
    components: Floats, seeds: Counts | int, rows: Counts | int, level: float
) -> tuple[Floats, Floats]:
    """Return (comparisons,) expected half-widths and standard errors of means over `seeds` x `rows`.

    Args:
        components: (3, comparisons), as `variance_components` returns them.
        seeds: for all comparisons or each.
        rows: likewise.
        level: coverage of each interval.
    """
    seed, row, error = components
    rest = error / (seeds * rows)
    by_seed, by_row = seed / seeds + rest, row / rows + rest
    halves = half_widths(np.array([by_seed, by_row, rest]), seeds=seeds, rows=rows, level=level)
    variance = by_row + np.where(np.equal(seeds, 1), 0.0, by_seed - rest)
    return halves, np.sqrt(variance)


def _smallest(are_enough: Callable[[Counts, Counts], Truths], which: Counts, limit: int) -> Counts:
    """Return for each comparison of `which` the smallest whole number in 1..limit that is enough, else 0.

    Args:
        are_enough: takes comparisons and a number for each; more is never worse.
        which: (comparisons,), their numbers.
        limit: the largest number that is looked at.
    """
    found = np.zeros(len(which), dtype=np.int64)
    if limit < 1 or not len(which):
        return found
    # The limit first: most questions have no answer within it.
    reachable = np.flatnonzero(are_enough(which, np.full(len(which), limit)))
    low, high = np.zeros(len(which), dtype=np.int64), np.ones(len(which), dtype=np.int64)
    active = reachable
    while len(active := active[~are_enough(which[active], high[active])]):
        low[active], high[active] = high[active], np.minimum(2 * high[active], limit)
    active = reachable
    while len(active := active[high[active] - low[active] > 1]):
        middle = (low[active] + high[active]) // 2
        enough = are_enough(which[active], middle)
        high[active[enough]], low[active[~enough]] = middle[enough], middle[~enough]
    found[reachable] = high[reachable]
    return found
