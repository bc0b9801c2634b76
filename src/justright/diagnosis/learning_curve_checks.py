"""Checks of learning curves that must not be extrapolated: each returns a sentence that says why, or None.

Curves that rise, peak or fall in steps are real: of the curves in LCDB most are well behaved, some are not (Mohr, Viering,
Loog & van Rijn, ECML PKDD 2022), and a network passes a peak where its rows are about as many as it has weights (Nakkiran
et al., "Deep double descent", ICLR 2020). No family of falling curves says what comes after.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

import numpy as np

from justright.diagnosis.evidence import Losses
from justright.diagnosis.words.numbers import counted, estimate
from justright.statistics.crossed import Floats, crossed
from justright.statistics.intervals import Interval
from justright.statistics.simultaneous import judge_jointly

MIN_SIZES = 5  # one for each of three parameters, one to test the fit, one to see scatter
MIN_SEEDS = 2  # one says nothing about how much seeds differ
MIN_SPAN = 8  # a forecast looks 4 times ahead; it should rest on more than it claims

Table = Losses | Floats


def size_problem(train_rows: Sequence[int], *, seeds: int) -> str | None:
    """Return why these sizes and seeds are too few to forecast from, or None.

    Example:
        >>> size_problem([500, 1_000], seeds=3)
        'It was trained on 2 sizes; a forecast needs at least 5.'
    """
    if seeds < MIN_SEEDS:
        return f"Its sizes share {counted(seeds, 'seed')}; a forecast needs at least {MIN_SEEDS}, better 3."
    if len(train_rows) < MIN_SIZES:
        return f"It was trained on {counted(len(train_rows), 'size')}; a forecast needs at least {MIN_SIZES}."
    if train_rows[-1] < MIN_SPAN * train_rows[0]:
        return (
            f"Its sizes span a factor of {train_rows[-1] / train_rows[0]:.1f}, from {train_rows[0]:,} to "
            f"{train_rows[-1]:,} rows; a forecast to 4 times the rows needs at least {MIN_SPAN}."
        )
    return None


def rise_problem(
    train_rows: Sequence[int], losses: Sequence[Table], margin: float, level: float, rng: np.random.Generator
) -> str | None:
    """Return the sentence about the largest rise with more rows, if any is beyond noise and margin.

    Args:
        train_rows: the sizes, rising.
        losses: (seeds, rows) for each size.
        margin: a rise below it is not worth a refusal.
        level: coverage of all comparisons of the curve together.
        rng: source of the draws.
    """
    pairs = list(combinations(range(len(train_rows)), 2))
    tables = [crossed(losses[late].astype(np.float64) - losses[early]) for early, late in pairs]
    intervals = judge_jointly(tables, level=level, rng=rng).intervals
    rises = [
        (one.mean, pair, one) for pair, one in zip(pairs, intervals, strict=True) if one.is_above(margin)
    ]
    if not rises:
        return None
    _, (early, late), interval = max(rises, key=lambda item: item[0])
    means = [float(table.mean(dtype=np.float64)) for table in losses]
    where = f"from {train_rows[early]:,} to {train_rows[late]:,} rows"
    if late < len(means) - 1 and min(means[late + 1 :]) < means[late]:
        peak = f"It passes a peak near {train_rows[late]:,} rows, as in double descent:"
        return f"{peak} {where} the loss rises by {estimate(interval)}."
    return f"With more rows it gets worse: {where} the loss rises by {estimate(interval)}."


def acceleration_problem(
    train_rows: Sequence[int], losses: Sequence[Table], margin: float, level: float, rng: np.random.Generator
) -> str | None:
    """Return a sentence if the curve's end falls faster with every doubling, beyond noise and margin.

    Both families bend the other way: a curve that has not begun to flatten leaves their floor to chance. Arguments
    as those of `rise_problem`.
    """
    first, second, third = (table.astype(np.float64) for table in losses[-3:])
    rows = np.log2(np.asarray(train_rows[-3:], dtype=np.float64))
    before, after = (second - first) / (rows[1] - rows[0]), (third - second) / (rows[2] - rows[1])
    change: Interval = judge_jointly([crossed(after - before)], level=level, rng=rng).intervals[0]
    if not change.is_below(-margin):
        return None
    return (
        f"It has not begun to flatten: from {train_rows[-2]:,} to {train_rows[-1]:,} rows each doubling lowers the loss by "
        f"{estimate(change.negated())} more than before."
    )
