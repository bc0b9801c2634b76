"""Several comparisons at once: intervals that hold together, and the probability that each one is the best.

Draws come from the same law as the `generalized` interval: one Gaussian multiplier for each row, shared by all
comparisons, and one multiplier for each seed from a multivariate t, so that what the comparisons have in common (a baseline,
easy rows, a lucky seed) is common to their errors too. Given the data both are normal with the covariances of
the row means and of the seed means, so nothing row-sized is ever drawn (Chernozhukov, Chetverikov & Kato, Annals
of Statistics 41, 2013, for the Gaussian multiplier bootstrap of a maximum).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from zlib import crc32

import numpy as np

from justright.errors import InputError
from justright.statistics.crossed import Crossed, Floats, row_covariance, variances_by_source
from justright.statistics.intervals import (
    DEFAULT_LEVEL,
    Interval,
    check_level,
    half_widths,
    share_of_seeds,
)

DRAWS = 5_000  # the Monte Carlo error of the common multiplier is then about 1.5 %
# With few seeds neither law of the seed variances is right for comparisons of different networks: one factor common to
# all makes intervals too narrow where seeds differ much, separate ones too wide. Their multipliers are averaged
# geometrically, the second with this weight times the share of seeds in the standard error (benchmarks/intervals.py).
SEPARATE_WEIGHT = 0.7


@dataclass(frozen=True, slots=True, eq=False)
class Joint:
    """Comparisons judged together.

    Shape:
        intervals: (comparisons,), simultaneous.
        draws: (DRAWS, comparisons), plausible true means given the data.
    """

    intervals: tuple[Interval, ...]
    draws: Floats

    @property
    def probability_below_zero(self) -> Floats:
        """(comparisons,) how probably each true mean is negative; a draw of exactly 0 counts half."""
        return np.asarray(
            (self.draws < 0).mean(axis=0) + (self.draws == 0).mean(axis=0) / 2, dtype=np.float64
        )

    @property
    def probability_lowest(self) -> Floats:
        """(comparisons,) how probably each true mean is the lowest; ties share. They sum to 1."""
        is_lowest = self.draws == self.draws.min(axis=1, keepdims=True)
        return np.asarray((is_lowest / is_lowest.sum(axis=1, keepdims=True)).mean(axis=0), dtype=np.float64)


def judge_jointly(
    tables: Sequence[Crossed],
    *,
    level: float = DEFAULT_LEVEL,
    rng: np.random.Generator | None = None,
    of_same_runs: bool = False,
) -> Joint:
    """Return draws, and intervals that all hold together with probability `level`.

    Each is its own `interval_of` widened by one common multiplier (balanced: Beran, JASA 83, 1988); a single
    comparison is not widened at all.

    Args:
        tables: the moments of each comparison; at least one.
        level: nominal coverage of all intervals together.
        rng: source of the draws; None starts from 0.
        of_same_runs: whether they compare the same runs with themselves, at different epochs: then a lucky estimate of
            how much seeds differ is lucky for all of them.

    Raises:
        InputError: there is no comparison, or seeds or rows differ.

    Example:
        >>> from justright.statistics.crossed import crossed
        >>> judge_jointly([crossed([[0.0, 2.0, 4.0]])]).probability_lowest
        array([1.])
    """
    check_level(level)
    shapes = {(table.seeds, table.rows) for table in tables}
    if len(shapes) != 1:
        raise InputError(f"Comparisons must share their seeds and rows; got the shapes {sorted(shapes)!r}.")
    generator = rng if rng is not None else np.random.default_rng(0)
    by_source = variances_by_source(tables)
    shared, separate = _deviations(tables, by_source, generator)
    weight = 0.0 if of_same_runs else SEPARATE_WEIGHT * float(share_of_seeds(*by_source).mean())
    widening = _widening(shared, level) ** (1 - weight) * _widening(separate, level) ** weight
    seeds, rows = shapes.pop()
    halves = half_widths(by_source, seeds=seeds, rows=rows, level=level) * widening
    means = np.array([table.mean for table in tables])
    intervals = tuple(
        Interval(float(mean), float(mean - half), float(mean + half), seeds)
        for mean, half in zip(means, halves, strict=True)
    )
    return Joint(intervals, means + shared)


def draws_for(seed: int, *names: str) -> np.random.Generator:
    """Return the random generator of one comparison, independent of what else the study holds.

    Example:
        >>> draws_for(0, "Tiny").random() == draws_for(0, "Tiny").random()
        True
    """
    return np.random.default_rng([seed, *(crc32(name.encode()) for name in names)])


def _deviations(
    tables: Sequence[Crossed], by_source: Floats, rng: np.random.Generator
) -> tuple[Floats, Floats]:
    """Return plausible errors of the means, twice: with one factor of the seed variance for all, and with separate ones.

    Both are (DRAWS, comparisons), correlated through rows and seeds, and equal for a single comparison.
    """
    seeds = tables[0].seeds
    by_seed, _, rest = by_source
    from_rows = _normal_draws(row_covariance(tables), rng)
    if seeds == 1:
        return from_rows, from_rows
    seed_means = np.array([table.seed_means for table in tables])
    seed_means = seed_means - seed_means.mean(axis=1, keepdims=True)
    length = np.linalg.norm(seed_means, axis=1, keepdims=True)
    unit = np.divide(seed_means, length, out=np.zeros_like(seed_means), where=length > 0)
    between_seeds = _normal_draws(unit @ unit.T, rng)

    def errors(factors: int) -> Floats:
        # The rest is in the row means already, so seeds add only what exceeds it.
        factor = (seeds - 1) / rng.chisquare(seeds - 1, size=(DRAWS, factors))
        return np.asarray(from_rows + between_seeds * np.sqrt(np.maximum(by_seed * factor - rest, 0)))

    return errors(1), errors(len(tables))


def _normal_draws(covariance: Floats, rng: np.random.Generator) -> Floats:
    """Return (DRAWS, comparisons) normal draws; the covariance may be singular."""
    values, vectors = np.linalg.eigh(covariance)
    root = vectors * np.sqrt(np.maximum(values, 0))
    return np.asarray(rng.standard_normal((DRAWS, len(values))) @ root.T, dtype=np.float64)


def _widening(deviations: Floats, level: float) -> float:
    """Return by how much intervals must widen to hold together: the quantile of the worst standardised deviation."""
    if deviations.shape[1] == 1:
        return 1.0
    sizes = np.abs(deviations)
    own = np.quantile(sizes, level, axis=0)
    is_uncertain = own > 0
    if not is_uncertain.any():
        return 1.0
    worst = (sizes[:, is_uncertain] / own[is_uncertain]).max(axis=1)
    return max(1.0, float(np.quantile(worst, level)))
