"""Intervals for a mean of values crossed by seed and row: they cover other rows *and* other seeds.

The default, `combined`, has the half-width `sqrt((1 - w) a^2 + w b^2)` of two intervals whose errors have opposite signs:

- `random effects` (a): the two-way variance of the mean with Satterthwaite's degrees of freedom
  (Satterthwaite, Biometrics Bulletin 2, 1946). It covers too rarely with few, very different seeds.
- `generalized` (b): the fiducial interval for a sum of variances (Weerahandi, JASA 88, 1993; Hannig, Iyer &
  Patterson, JASA 101, 2006), which for two sources is that of Behrens and Fisher. It is the limit of a bootstrap
  in which every row carries a Gaussian multiplier and every seed a multiplier from Student's t. It covers too
  often while seeds differ no more than rows do.

The weight w is the share of seeds in the standard error, the root of their share in the estimated variance: where rows
are all the error the first is right, where seeds are the second. Two seeds can hardly tell, so there w is at least 1/2.
With one seed every method but the bootstrap is Student's t over rows. `python -m benchmarks.intervals` measures how
often each covers.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import numpy as np
import numpy.typing as npt

from justright.errors import InputError, one_of
from justright.statistics.bootstrap import crossed_bootstrap
from justright.statistics.crossed import Crossed, Floats, crossed

Method = Literal["combined", "generalized", "random effects", "crossed bootstrap", "rows only"]

DEFAULT_LEVEL = 0.95
NODES = 500  # of the quadrature over the seeds' variance: right to 0.2 % even with the heavy tail of 2 seeds
HALVINGS = 32  # bisection steps: 2**-32 of the bracket, far below what any reader sees
FEWEST_SEEDS = 2  # of which a variance can be had, with one degree of freedom


@dataclass(frozen=True, slots=True)
class Interval:
    """A mean with its confidence interval.

    Args:
        mean: the estimate.
        low: lower end.
        high: upper end.
        seeds: how many seeds it rests on; with 1 it speaks about that one network only.
        rows: how many rows it rests on.
        method: how it was made.
        level: its nominal coverage.
    """

    mean: float
    low: float
    high: float
    seeds: int
    rows: int
    method: str
    level: float = DEFAULT_LEVEL

    @property
    def covers(self) -> str:
        """What the interval speaks about: 'rows and seeds', or 'rows of this one network'."""
        return "rows and seeds" if self.seeds > 1 else "rows of this one network"

    def is_above(self, threshold: float) -> bool:
        """Return whether the whole interval lies above `threshold`."""
        return self.low > threshold

    def is_below(self, threshold: float) -> bool:
        """Return whether the whole interval lies below `threshold`."""
        return self.high < threshold

    def negated(self) -> Interval:
        """Return the interval of the opposite difference."""
        return Interval(-self.mean, -self.high, -self.low, self.seeds, self.rows, self.method, self.level)


def paired_interval(
    differences: npt.ArrayLike,
    *,
    level: float = DEFAULT_LEVEL,
    method: Method = "combined",
    rng: np.random.Generator | None = None,
) -> Interval:
    """Return the mean of paired differences with an interval that covers rows and seeds.

    Args:
        differences: (seeds, rows), finite.
        level: nominal coverage, in (0, 1).
        method: 'combined' (default), 'generalized', 'random effects', 'crossed bootstrap' or 'rows only'.
        rng: draws of the crossed bootstrap; None starts from 0. The other methods draw nothing.

    Raises:
        InputError: shape, values, `level` or `method` are not usable.

    Example:
        >>> interval = paired_interval([[0.0, 2.0, 4.0]])
        >>> interval.mean, round(interval.low, 3), round(interval.high, 3), interval.covers
        (2.0, -2.968, 6.968, 'rows of this one network')
    """
    if method not in METHODS:
        raise one_of("method", method, METHODS)
    check_level(level)
    table = crossed(differences)
    if method == "crossed bootstrap":
        generator = rng if rng is not None else np.random.default_rng(0)
        means = crossed_bootstrap(np.asarray(differences, dtype=np.float64), generator)
        low, high = np.quantile(means, [(1 - level) / 2, (1 + level) / 2])
        return Interval(table.mean, float(low), float(high), table.seeds, table.rows, method, level)
    return interval_of(table, level=level, method=method)


def mean_interval(
    losses: npt.ArrayLike, *, level: float = DEFAULT_LEVEL, method: Method = "combined"
) -> Interval:
    """Return the mean of losses crossed by seed and row with its interval: `paired_interval` of plain values.

    Args:
        losses: (seeds, rows) per-row losses, finite.
        level: nominal coverage, in (0, 1).
        method: as in `paired_interval`.

    Raises:
        InputError: shape, values, `level` or `method` are not usable.

    Example:
        >>> mean_interval([[0.5, 0.5], [0.7, 0.7]]).mean
        0.6
    """
    return paired_interval(losses, level=level, method=method)


def interval_of(table: Crossed, *, level: float = DEFAULT_LEVEL, method: Method = "combined") -> Interval:
    """Return the interval from moments already computed; no method that draws.

    Example:
        >>> interval_of(crossed([[0.0, 1.0], [0.0, 1.0]]), method="rows only").seeds
        2
    """
    half = float(half_widths([table], level=level, method=method)[0])
    return Interval(table.mean, table.mean - half, table.mean + half, table.seeds, table.rows, method, level)


def half_widths(tables: list[Crossed], *, level: float, method: Method = "combined") -> Floats:
    """Return (tables,) half-widths, each on its own level; every table has the same seeds and rows.

    Example:
        >>> half_widths([crossed([[0.0, 2.0, 4.0]])], level=0.95).round(3)
        array([4.968])
    """
    seeds, rows = tables[0].seeds, tables[0].rows
    by_seed, by_row, rest = np.array([table.parts for table in tables]).T
    return half_width(by_seed, by_row, rest, seeds=seeds, rows=rows, level=level, method=method)


def half_width(
    by_seed: Floats, by_row: Floats, rest: Floats, *, seeds: int, rows: int, level: float, method: Method
) -> Floats:
    """Return half-widths from the variances of the mean by source, as `Crossed.parts` gives them.

    Args:
        by_seed: (n,) between seeds, the rest included.
        by_row: (n,) between rows, the rest included.
        rest: (n,) the rest alone.
        seeds: number of seeds behind `by_seed`.
        rows: number of rows behind `by_row`.
        level: nominal coverage.
        method: one of `HALF_WIDTHS`.

    Raises:
        InputError: `method` has no half-width.
    """
    if method not in HALF_WIDTHS:
        raise one_of("method", method, HALF_WIDTHS)
    if seeds == 1:
        return _rows_only(by_seed, by_row, rest, seeds, rows, level)
    return HALF_WIDTHS[method](by_seed, by_row, rest, seeds, rows, level)


def share_of_seeds(by_seed: Floats, by_row: Floats, rest: Floats) -> Floats:
    """Return (n,) the share of seeds in the standard error: the root of their share in the estimated variance.

    Args:
        by_seed: (n,) variance of the mean between seeds, the rest included.
        by_row: (n,) between rows, the rest included.
        rest: (n,) the rest alone.

    Example:
        >>> share_of_seeds(np.array([2.0, 0.5]), np.array([3.0, 3.0]), np.array([1.0, 1.0]))
        array([0.5, 0. ])
    """
    excess = np.maximum(by_seed - rest, 0)
    total = by_row + excess
    return np.sqrt(np.divide(excess, total, out=np.zeros_like(total), where=total > 0))


def check_level(level: float) -> None:
    """Raise InputError unless `level` is a coverage.

    Example:
        >>> check_level(0.95)
    """
    if not 0 < level < 1:
        raise InputError(f"`level` must lie between 0 and 1; got {level!r}. 0.95 is usual.")


def _rows_only(by_seed: Floats, by_row: Floats, rest: Floats, seeds: int, rows: int, level: float) -> Floats:
    """Return Student's t half-widths over rows of the mean over these very seeds."""
    return np.asarray(_student(rows - 1, level) * np.sqrt(by_row), dtype=np.float64)


def _random_effects(
    by_seed: Floats, by_row: Floats, rest: Floats, seeds: int, rows: int, level: float
) -> Floats:
    """Return half-widths with Satterthwaite's degrees of freedom; negative components are clipped at 0."""
    from scipy import special

    variance = rest + np.maximum(by_seed - rest, 0) + np.maximum(by_row - rest, 0)
    spread = by_seed**2 / (seeds - 1) + by_row**2 / (rows - 1) + rest**2 / ((seeds - 1) * (rows - 1))
    freedom = np.divide(variance**2, spread, out=np.full_like(variance, np.inf), where=spread > 0)
    # No combination is surer than all values together, and none less sure than its least sure part.
    freedom = np.clip(freedom, min(seeds, rows) - 1, seeds * rows - 1)
    return np.asarray(special.stdtrit(freedom, (1 + level) / 2) * np.sqrt(variance), dtype=np.float64)


def _generalized(
    by_seed: Floats, by_row: Floats, rest: Floats, seeds: int, rows: int, level: float
) -> Floats:
    """Return h with `mean over the fiducial variances v of P(|Normal(0, v)| <= h) = level`, by bisection.

    The fiducial variance between seeds is `by_seed (seeds - 1) / chi2`, never below the rest, which rows tell well.
    Rows are many: their part gets Student's factor instead of an integral of its own.
    """
    from scipy import special

    normal = float(special.ndtri((1 + level) / 2))
    known = by_row * (_student(rows - 1, level) / normal) ** 2
    excess = np.maximum(by_seed[:, None] * fiducial_factors(seeds) - rest[:, None], 0)
    scale = np.sqrt(known[:, None] + excess)
    low = np.zeros(len(by_row))
    # The sum of both parts' own half-widths is too wide; twice that surely brackets the solution.
    high = 2 * (np.sqrt(known) * normal + np.sqrt(by_seed) * _student(seeds - 1, level))
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        ratio = np.divide(middle[:, None], scale, out=np.full_like(scale, np.inf), where=scale > 0)
        is_short = (2 * special.ndtr(ratio) - 1).mean(axis=1) < level
        low, high = np.where(is_short, middle, low), np.where(is_short, high, middle)
    return np.asarray((low + high) / 2, dtype=np.float64)


def _combined(by_seed: Floats, by_row: Floats, rest: Floats, seeds: int, rows: int, level: float) -> Floats:
    """Return the quadratic mean of the too narrow and the too wide half-width, weighted by what the seeds add."""
    narrow = _random_effects(by_seed, by_row, rest, seeds, rows, level)
    wide = _generalized(by_seed, by_row, rest, seeds, rows, level)
    weight = np.maximum(share_of_seeds(by_seed, by_row, rest), 1 / 2 if seeds == FEWEST_SEEDS else 0)
    return np.asarray(np.sqrt((1 - weight) * narrow**2 + weight * wide**2), dtype=np.float64)


@lru_cache(maxsize=256)
def fiducial_factors(seeds: int) -> Floats:
    """Return (NODES,) equally likely values of `(seeds - 1) / chi2(seeds - 1)`, falling.

    Example:
        >>> bool(np.isclose(np.median(fiducial_factors(1_000)), 1, atol=1e-3))
        True
    """
    from scipy import special

    shares = (np.arange(NODES) + 0.5) / NODES
    factors = np.asarray((seeds - 1) / special.chdtri(seeds - 1, 1 - shares), dtype=np.float64)
    factors.setflags(write=False)
    return factors


@lru_cache(maxsize=1024)
def _student(freedom: int, level: float) -> float:
    """Return the two-sided quantile of Student's t."""
    from scipy import special

    return float(special.stdtrit(freedom, (1 + level) / 2))


HALF_WIDTHS = {
    "combined": _combined,
    "generalized": _generalized,
    "random effects": _random_effects,
    "rows only": _rows_only,
}
METHODS = (*HALF_WIDTHS, "crossed bootstrap")
