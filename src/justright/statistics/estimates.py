"""Metrics that are no means of rows, such as the area under a curve: their mean over seeds, and its interval.

A metric's *influence* says how much each row moves it (Hampel, JASA 69, 1974; its empirical form is the infinitesimal
jackknife of Efron, 1982). To first order the metric is the mean of `value + influence`, so that the interval of a mean of
values crossed by seed and row (`intervals.py`) is one for the metric. For the area under the ROC curve its variance between
rows is that of DeLong, DeLong & Clarke-Pearson (Biometrics 44, 1988).

Ends of metrics with two bounds are found on the scale of their log-odds, ends of others are cut off at the bound. Where no
row could move a metric, as where all are predicted right, the interval reaches as far as the exact one for a share of
rows of which none was observed (Clopper & Pearson, Biometrika 26, 1934).

How often nominal 95 % intervals covered, over 400 simulated studies each, with 1 / 2 / 3 / 5 seeds:

- area under the ROC curve 0.86, a class of 30 among 100 rows: 93 / 99 / 96 / 97 %; among 1,000 rows 93 / 98 / 97 / 94 %;
- area 0.98, a class of 10 among 100 rows: 95 / 99 / 95 / 89 % (without log-odds 73 / 91 / 82 / 78 %);
- balanced accuracy 0.77 of the first: 94 / 100 / 96 / 97 %; 0.94 of the second: 78 / 97 / 87 / 83 %, because ten rows that
  are all right say nothing of the eleventh;
- R2 of 60 rows with 2 / 3 / 5 seeds: 98 / 94 / 96 %; where seeds are skewed and differ far more than rows, 77 to 90 %.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import chain, islice

import numpy as np

from justright.statistics.crossed import Floats
from justright.statistics.intervals import DEFAULT_LEVEL, Interval, half_widths

FARTHEST = 700.0  # log-odds beyond which a share is 0 or 1, and exp overflows


@dataclass(frozen=True, slots=True, eq=False)
class Estimate:
    """A metric of one run.

    Shape:
        influence: (rows,), with mean 0: how much more weight of each row moves the metric, per share of all weight.

    Args:
        value: the metric.
        fewest: rows of its smallest part, such as the rarer class: no more of them can have shown what never occurred.
        excess: how far above the truth the metric may lie on average, because it counts chance: the low end reaches that
            much further.
    """

    value: float
    influence: Floats
    fewest: int
    excess: float = 0.0


@dataclass(frozen=True, slots=True, eq=False)
class Pooled:
    """A metric of several runs on the same rows: what intervals need of `value + influence`, crossed by seed and row.

    Shape:
        values: (seeds,).

    Args:
        rows: how many.
        parts: variances of the mean by source, as `Crossed.parts`.
    """

    values: Floats
    rows: int
    parts: tuple[float, float, float]
    fewest: int
    excess: float = 0.0

    @property
    def mean(self) -> float:
        """The mean over seeds."""
        return float(self.values.mean())


# The metrics of a run by name, perhaps computed only when their turn comes; the sentence that says why where one has no value.
Estimates = Iterable[tuple[str, Estimate | str]]


def pool_estimates(runs: Iterable[Estimates]) -> dict[str, Pooled | str]:
    """Return each metric of several runs as one; the reason where a run has none.

    Only sums over runs are kept, so that many of them take no more memory than two, and of a single run only numbers.

    Args:
        runs: for each seed, the metrics on the same rows; at least one.

    Example:
        >>> one = [("r2", Estimate(0.5, np.array([1.0, -1.0]), 2))]
        >>> pool_estimates([one, one])["r2"].mean
        0.5
    """
    found: dict[str, list[tuple[float, float, int, float]]] = {}
    sums: dict[str, Floats] = {}
    reasons: dict[str, str] = {}
    rows: dict[str, int] = {}
    every = iter(runs)
    first = list(islice(every, 2))
    for run in chain(first, every):
        for name, one in run:
            if isinstance(one, str):
                reasons.setdefault(name, one)
                continue
            square = float(np.square(one.influence).sum())
            found.setdefault(name, []).append((one.value, square, one.fewest, one.excess))
            rows[name] = len(one.influence)
            if len(first) > 1:
                sums[name] = sums[name] + one.influence if name in sums else one.influence
            del one  # as long as the rows, while the next metric is computed
    pooled: dict[str, Pooled | str] = {}
    for name, seeds in found.items():
        values, squares, fewest, excess = map(np.array, zip(*seeds, strict=True))
        total = float(squares.sum())
        # Not `sums @ sums`: a product of vectors waits for threads that other work keeps busy.
        by_row = float(np.square(sums[name]).sum()) / len(values) if name in sums else total
        parts = _parts(values, rows[name], by_row=by_row, squares=total)
        pooled[name] = Pooled(values, rows[name], parts, int(fewest.min()), float(excess.mean()))
    return pooled | reasons


def metric_intervals(
    pooled: Mapping[str, Pooled | str],
    bounds: Mapping[str, tuple[float, float]],
    *,
    level: float = DEFAULT_LEVEL,
) -> dict[str, Interval | str]:
    """Return the mean of each metric over seeds with an interval over rows and seeds, within the metric's bounds.

    Args:
        pooled: metrics of the same runs on the same rows.
        bounds: name -> the lowest and highest possible value; infinite where there is none.
        level: nominal coverage.

    Example:
        >>> rows = np.tile([0.5, -0.5], 50)
        >>> one = metric_intervals(
        ...     pool_estimates([[("accuracy", Estimate(0.5, rows, 100))]]), {"accuracy": (0.0, 1.0)}
        ... )
        >>> one["accuracy"].mean, round(one["accuracy"].low, 3), round(one["accuracy"].high, 3)
        (0.5, 0.402, 0.598)
    """
    measured = {name: one for name, one in pooled.items() if isinstance(one, Pooled)}
    found: dict[str, Interval | str] = {name: one for name, one in pooled.items() if isinstance(one, str)}
    if measured:
        any_one = next(iter(measured.values()))
        seeds, by_source = len(any_one.values), np.array([one.parts for one in measured.values()]).T
        halves = half_widths(by_source, seeds=seeds, rows=any_one.rows, level=level)
        for (name, one), half in zip(measured.items(), halves.tolist(), strict=True):
            low, high = _ends(one.mean, half, bounds[name], one.fewest, level)
            low = max(low - one.excess, bounds[name][0])
            found[name] = Interval(one.mean, low, high, seeds)
    return {name: found[name] for name in pooled}


def _parts(values: Floats, rows: int, *, by_row: float, squares: float) -> tuple[float, float, float]:
    """Return the variances by source of the mean of `values[seed] + influence[seed, row]`, whose rows' influences have mean 0.

    Args:
        values: (seeds,).
        rows: how many.
        by_row: the sum of squares between rows.
        squares: of all influences, summed.
    """
    seeds = len(values)
    cells = seeds * rows
    row_square = by_row / (rows - 1)
    if seeds == 1:
        return 0.0, row_square / cells, 0.0
    rest = max(squares - by_row, 0.0) / ((seeds - 1) * (rows - 1))
    return rows * float(values.var(ddof=1)) / cells, row_square / cells, rest / cells


def _ends(
    mean: float, half: float, bounds: tuple[float, float], fewest: int, level: float
) -> tuple[float, float]:
    """Return the ends of an interval within its metric's bounds."""
    least, most = bounds
    if not (math.isfinite(least) and math.isfinite(most)):
        return max(mean - half, least), min(mean + half, most)
    span = most - least
    share = (mean - least) / span
    if not 0 < share < 1 or not half > 0:
        return (
            _unmoved_ends(mean, bounds, fewest, level)
            if half == 0
            else (max(mean - half, least), min(mean + half, most))
        )
    odds = math.log(share / (1 - share))
    reach = half / span / (share * (1 - share))
    low, high = (
        least + span / (1 + math.exp(-max(-FARTHEST, min(FARTHEST, odds + side)))) for side in (-reach, reach)
    )
    return low, high


def _unmoved_ends(mean: float, bounds: tuple[float, float], fewest: int, level: float) -> tuple[float, float]:
    """Return the ends where no row moves the metric: at a bound, as far as what none of `fewest` rows showed may occur."""
    least, most = bounds
    unseen = (most - least) * (1 - ((1 - level) / 2) ** (1 / fewest))
    low = mean - unseen if mean >= most else mean
    high = mean + unseen if mean <= least else mean
    return low, high
