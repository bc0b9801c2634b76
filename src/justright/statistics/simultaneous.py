"""Several comparisons at once: intervals that hold together, and the probability that each one is the best.

Draws come from the same law as the `generalized` interval. Errors from rows have the covariance of the row means, over
one factor for the estimated size of them all: a multivariate t. Errors between seeds have the covariance of the seed means
times a factor for their variance, which few seeds hardly show. So what the comparisons have in common (a baseline, easy rows,
a lucky seed) is common to their errors too, and nothing row-sized is ever drawn (Chernozhukov, Chetverikov & Kato, Annals of
Statistics 41, 2013, for the Gaussian multiplier bootstrap of a maximum).

Errors are drawn for *means*: of single comparisons (`judge_jointly`), or of models any two of which are then compared
(`paired.PairedLosses`). Comparisons take what they need from them in blocks, so that a hundred thousand comparisons of a
few hundred models take little memory, and never a matrix of comparisons by comparisons.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from zlib import crc32

import numpy as np
import numpy.typing as npt

from justright.errors import InputError
from justright.statistics.crossed import Crossed, Floats, variances_by_source
from justright.statistics.intervals import (
    DEFAULT_LEVEL,
    Interval,
    check_level,
    half_widths_and_generalized,
    share_of_seeds,
)

Singles = npt.NDArray[np.float32]
Indices = npt.NDArray[np.int64]

DRAWS = 5_000  # the Monte Carlo error of the common multiplier is then about 1.5 %
# With few seeds neither law of the seed variances is right for comparisons of different networks: one factor common to
# all makes intervals too narrow where seeds differ much, separate ones too wide. Their multipliers are averaged
# geometrically, the second with this weight times the share of seeds in the standard error (benchmarks/intervals.py).
SEPARATE_WEIGHT = 0.7
MOST_SEPARATE = (
    40  # comparisons for which separate factors are drawn; more of them share these, each from another place
)
GOLDEN = (5**0.5 - 1) / 2
BLOCK = 64  # comparisons whose draws are held at once: 1.3 MB, which a processor's cache holds


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
        share = 1 / is_lowest.sum(axis=1)
        return np.asarray(share @ is_lowest / len(share), dtype=np.float64)


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
    seeds, rows = shapes.pop()
    errors = draw_errors(
        root_of_rows(np.array([table.row_means for table in tables])),
        np.array([table.seed_means for table in tables]),
        rows=rows,
        rng=rng if rng is not None else np.random.default_rng(0),
        separate=0 if of_same_runs else len(tables),
    )
    family = Family(errors, variances_by_source(tables), np.arange(len(tables)))
    halves, _ = simultaneous_half_widths(family, rows=rows, level=level, of_same_runs=of_same_runs)
    means = np.array([table.mean for table in tables])
    intervals = tuple(
        Interval(float(mean), float(mean - half), float(mean + half), seeds)
        for mean, half in zip(means, halves, strict=True)
    )
    return Joint(intervals, means + family.deviations(slice(None), errors.factor).T)


def draws_for(seed: int, *names: str) -> np.random.Generator:
    """Return the random generator of one comparison, independent of what else the study holds.

    Example:
        >>> draws_for(0, "Tiny").random() == draws_for(0, "Tiny").random()
        True
    """
    return np.random.default_rng([seed, *(crc32(name.encode()) for name in names)])


@dataclass(frozen=True, slots=True, eq=False)
class Errors:
    """Plausible errors of several means, drawn together.

    Shape:
        from_rows: (means, DRAWS), correlated as the rows that the means share make them.
        between_seeds: (means, DRAWS), normal with the variance between seeds as it was estimated.
        factor: (DRAWS,), true over estimated variance between seeds.
        pool: (up to MOST_SEPARATE * DRAWS,), more of these factors.

    Args:
        seeds: how many seeds; with one there are errors from rows only, and the others are empty.
    """

    seeds: int
    from_rows: Singles
    between_seeds: Singles
    factor: Singles
    pool: Singles


@dataclass(frozen=True, slots=True, eq=False)
class Family:
    """Comparisons that are judged together: means, or differences of two means.

    Shape:
        by_source: (3, comparisons), variances as `variances_by_source` returns them.
        left: (comparisons,), which mean of `errors`.
        right: (comparisons,), which mean is subtracted; None subtracts nothing.
    """

    errors: Errors
    by_source: Floats
    left: Indices
    right: Indices | None = None

    def deviations(self, part: slice, factor: Singles) -> Singles:
        """Return (comparisons of `part`, DRAWS) errors of the comparisons.

        Args:
            part: which comparisons.
            factor: (DRAWS,) or (comparisons, DRAWS), true over estimated variance between seeds.
        """
        found = self._differences(self.errors.from_rows, part)
        if self.errors.seeds == 1:
            return found
        by_seed, _, rest = self.by_source[:, part]
        # The rest is in the row means already, so seeds add only what exceeds it.
        share = np.divide(rest, by_seed, out=np.zeros_like(rest), where=by_seed > 0).astype(np.float32)
        scale = np.subtract(factor, share[:, None])
        np.sqrt(np.maximum(scale, 0, out=scale), out=scale)
        scale *= self._differences(self.errors.between_seeds, part)
        found += scale
        return found

    def separate_factors(self, part: slice) -> Singles:
        """Return (comparisons of `part`, DRAWS) factors of the variance between seeds, one for each comparison.

        They are stretches of the pool that start in different places, spread by the golden section, so that no two
        comparisons get the same ones.
        """
        places = np.lib.stride_tricks.sliding_window_view(self.errors.pool, DRAWS)
        numbers = np.arange(len(self.left), dtype=np.float64)[part]
        starts = (np.modf(numbers * GOLDEN)[0] * len(places)).astype(np.int64)
        return np.asarray(places[starts], dtype=np.float32)

    def _differences(self, errors: Singles, part: slice) -> Singles:
        found = errors[self.left[part]]
        if self.right is not None:
            found -= errors[self.right[part]]
        return found


def root_of_rows(row_means: Floats) -> Floats:
    """Return (means, k) whose product with its own transpose is the covariance of means that comes from their rows.

    k is the smaller of means and rows, so that neither many rows nor many means make a large matrix.

    Args:
        row_means: (means, rows), which are changed: a copy may be the largest array of a study.

    Example:
        >>> root = root_of_rows(np.array([[0.0, 2.0, 4.0], [0.0, 1.0, 2.0]]))
        >>> (root @ root.T).round(2)
        array([[1.33, 0.67],
               [0.67, 0.33]])
    """
    rows = row_means.shape[1]
    row_means -= row_means.mean(axis=1, keepdims=True)
    row_means /= np.sqrt((rows - 1) * rows)
    return row_means if rows <= len(row_means) else root_of(row_means @ row_means.T)


def root_of(covariance: Floats) -> Floats:
    """Return a matrix whose product with its own transpose is `covariance`, which may be singular.

    Example:
        >>> root = root_of(np.array([[4.0, 2.0], [2.0, 1.0]]))
        >>> (root @ root.T).round(9)
        array([[4., 2.],
               [2., 1.]])
    """
    values, vectors = np.linalg.eigh(covariance)
    return np.asarray(vectors * np.sqrt(np.maximum(values, 0)), dtype=np.float64)


def draw_errors(
    root: Floats, seed_means: Floats, *, rows: int, rng: np.random.Generator, separate: int
) -> Errors:
    """Return plausible errors of means.

    Args:
        root: (means, k) as `root_of_rows` returns it.
        seed_means: (means, seeds).
        rows: number of rows behind `root`.
        rng: source of the draws.
        separate: comparisons that will need a factor of the variance between seeds of their own.
    """
    seeds = seed_means.shape[1]
    from_rows = root.astype(np.float32) @ rng.standard_normal((root.shape[1], DRAWS), dtype=np.float32)
    from_rows *= np.sqrt((rows - 1) / rng.chisquare(rows - 1, DRAWS)).astype(np.float32)
    if seeds == 1:
        empty = np.empty(0, np.float32)
        return Errors(1, from_rows, empty, empty, empty)
    centred = (seed_means - seed_means.mean(axis=1, keepdims=True)) / np.sqrt((seeds - 1) * seeds)
    between_seeds = centred.astype(np.float32) @ rng.standard_normal((seeds, DRAWS), dtype=np.float32)
    factor, pool = (
        ((seeds - 1) / rng.chisquare(seeds - 1, count * DRAWS)).astype(np.float32)
        for count in (1, min(separate, MOST_SEPARATE))
    )
    return Errors(seeds, from_rows, between_seeds, factor, pool)


def simultaneous_half_widths(
    family: Family, *, rows: int, level: float, of_same_runs: bool = False
) -> tuple[Floats, float]:
    """Return (comparisons,) half-widths that hold together, and by how much they were widened for that.

    Arguments as for `judge_jointly`; `rows` is the number of rows.
    """
    seeds, by_source = family.errors.seeds, family.by_source
    halves, own = half_widths_and_generalized(by_source, seeds=seeds, rows=rows, level=level)
    if np.count_nonzero(own) <= 1:
        return halves, 1.0
    share = 0.0 if of_same_runs or seeds == 1 else float(share_of_seeds(*by_source).mean())
    weight = SEPARATE_WEIGHT * share
    widening = _widening(family, own, level, are_separate=False) ** (1 - weight)
    if weight > 0:
        widening *= _widening(family, own, level, are_separate=True) ** weight
    return halves * widening, widening


def _widening(family: Family, own: Floats, level: float, *, are_separate: bool) -> float:
    """Return by how much intervals must widen to hold together: the quantile of the worst deviation, at least 1.

    Deviations are measured in units of the interval that holds for each alone. In a small family that is the quantile of its
    own draws, whose Monte Carlo error the worst deviation shares; in a large one finding it would take most of the time.

    Args:
        family: the comparisons.
        own: (comparisons,) half-width of each alone by the law that is drawn from.
        level: coverage.
        are_separate: whether each comparison has its own factor of the variance between seeds.
    """
    worst = np.zeros(DRAWS, np.float32)
    for start in range(0, len(own), BLOCK):
        part = slice(start, start + BLOCK)
        factor = family.separate_factors(part) if are_separate else family.errors.factor
        sizes = family.deviations(part, factor)
        np.abs(sizes, out=sizes)
        unit = np.quantile(sizes, level, axis=1) if len(own) <= BLOCK else own[part]
        is_uncertain = (unit > 0) & (own[part] > 0)
        inverse = np.divide(1, unit, out=np.zeros_like(unit), where=is_uncertain)
        sizes *= inverse[:, None].astype(np.float32)
        np.maximum(worst, sizes.max(axis=0), out=worst)
    return max(1.0, float(np.quantile(worst, level)))
