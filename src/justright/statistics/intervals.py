"""Intervals for a mean of values crossed by seed and row: they cover other rows *and* other seeds.

The half-width is `sqrt((1 - w) a^2 + w b^2)` of two intervals whose errors have opposite signs:

- *random effects* (a): the two-way variance of the mean with Satterthwaite's degrees of freedom
  (Satterthwaite, Biometrics Bulletin 2, 1946). It covers too rarely with few, very different seeds.
- *generalized* (b): the fiducial interval for a sum of variances (Weerahandi, JASA 88, 1993; Hannig, Iyer &
  Patterson, JASA 101, 2006), which for two sources is that of Behrens and Fisher. It is the limit of a bootstrap
  in which every row carries a Gaussian multiplier and every seed a multiplier from Student's t. It covers too
  often while seeds differ no more than rows do.

The weight w is the share of seeds in the standard error, the root of their share in the estimated variance: if all the
error comes from rows, the first interval is right; if it comes from seeds, the second. Two seeds show little of that, so
w is then at least 1/2. With one seed the interval is Student's t over rows. `python -m benchmarks.intervals` measures how
often each covers.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from justright.errors import InputError
from justright.statistics.crossed import Crossed, Floats, crossed, variances_by_source

DEFAULT_LEVEL = 0.95
NODES = 500  # of the quadrature over the seeds' variance: right to 0.2 % even with the heavy tail of 2 seeds
HALVINGS = 32  # bisection steps: 2**-32 of the bracket, far below what any reader sees
FEWEST_SEEDS = 2  # the fewest with a variance, of one degree of freedom


@dataclass(frozen=True, slots=True)
class Interval:
    """A mean with its confidence interval.

    Args:
        mean: the estimate.
        low: lower end.
        high: upper end.
        seeds: number of seeds behind it; with 1 it covers rows only, and is about that one network.
    """

    mean: float
    low: float
    high: float
    seeds: int = 1

    def is_above(self, threshold: float) -> bool:
        """Return whether the whole interval lies above `threshold`."""
        return self.low > threshold

    def is_below(self, threshold: float) -> bool:
        """Return whether the whole interval lies below `threshold`."""
        return self.high < threshold

    def negated(self) -> Interval:
        """Return the interval of the opposite difference."""
        return Interval(-self.mean, -self.high, -self.low, self.seeds)

    def to_dict(self) -> dict[str, float]:
        """Return the mean and both ends as in result.json."""
        return {"mean": self.mean, "low": self.low, "high": self.high}


def mean_interval(values: npt.ArrayLike, *, level: float = DEFAULT_LEVEL) -> Interval:
    """Return the mean of losses, or of their paired differences, with an interval that covers rows and seeds.

    Args:
        values: (seeds, rows), finite.
        level: nominal coverage, in (0, 1).

    Raises:
        InputError: shape, values or `level` cannot be used.

    Example:
        >>> interval = mean_interval([[0.0, 2.0, 4.0]])
        >>> interval.mean, round(interval.low, 3), round(interval.high, 3), interval.seeds
        (2.0, -2.968, 6.968, 1)
    """
    check_level(level)
    return interval_of(crossed(values), level=level)


def interval_of(table: Crossed, *, level: float = DEFAULT_LEVEL) -> Interval:
    """Return the interval of a mean from moments already computed.

    Example:
        >>> interval_of(crossed([[0.0, 1.0], [0.0, 1.0]])).seeds
        2
    """
    half = float(
        half_widths(variances_by_source([table]), seeds=table.seeds, rows=table.rows, level=level)[0]
    )
    return Interval(table.mean, table.mean - half, table.mean + half, table.seeds)


def unpaired_interval(left: Floats, right: Floats, *, level: float = DEFAULT_LEVEL) -> Interval:
    """Return the interval of mean(left) - mean(right) for different rows of the same networks: Welch's t.

    Args:
        left: (rows,), at least two.
        right: (other rows,), at least two.
        level: nominal coverage.

    Example:
        >>> one = unpaired_interval(np.array([1.0, 3.0]), np.array([0.0, 0.0]))
        >>> one.mean, round(one.high, 2)
        (2.0, 14.71)
    """
    # By hand, because importing scipy.stats takes longer than judging a study.
    parts = np.array([left.var(ddof=1) / len(left), right.var(ddof=1) / len(right)])
    mean = float(left.mean() - right.mean())
    if not parts.sum() > 0:
        return Interval(mean, mean, mean)
    freedom = parts.sum() ** 2 / (parts**2 / (np.array([len(left), len(right)]) - 1)).sum()
    half = float(student_quantile(freedom, level) * np.sqrt(parts.sum()))
    return Interval(mean, mean - half, mean + half)


def half_widths(by_source: Floats, *, seeds: int, rows: int, level: float) -> Floats:
    """Return (means,) half-widths of separate intervals: the weighted mean described at the top of this file.

    Args:
        by_source: (3, means) variances of the means, as `variances_by_source` returns them.
        seeds: number of seeds behind the first of them.
        rows: number of rows behind the second.
        level: nominal coverage.

    Example:
        >>> half_widths(variances_by_source([crossed([[0.0, 2.0, 4.0]])]), seeds=1, rows=3, level=0.95).round(
        ...     3
        ... )
        array([4.968])
    """
    if seeds == 1:
        return np.asarray(student_quantile(rows - 1, level) * np.sqrt(by_source[1]), dtype=np.float64)
    narrow = random_effects(by_source, seeds=seeds, rows=rows, level=level)
    wide = generalized(by_source, seeds=seeds, rows=rows, level=level)
    weight = np.maximum(share_of_seeds(*by_source), 1 / 2 if seeds == FEWEST_SEEDS else 0)
    return np.asarray(np.sqrt((1 - weight) * narrow**2 + weight * wide**2), dtype=np.float64)


def random_effects(by_source: Floats, *, seeds: int, rows: int, level: float) -> Floats:
    """Return half-widths with Satterthwaite's degrees of freedom; negative components are clipped at 0.

    Arguments as for `half_widths`, with at least two seeds.
    """
    by_seed, by_row, rest = by_source
    variance = rest + np.maximum(by_seed - rest, 0) + np.maximum(by_row - rest, 0)
    spread = by_seed**2 / (seeds - 1) + by_row**2 / (rows - 1) + rest**2 / ((seeds - 1) * (rows - 1))
    freedom = np.divide(variance**2, spread, out=np.full_like(variance, np.inf), where=spread > 0)
    # No combination has more degrees of freedom than all values together, and none fewer than its poorest part.
    freedom = np.clip(freedom, min(seeds, rows) - 1, seeds * rows - 1)
    return np.asarray(student_quantile(freedom, level) * np.sqrt(variance), dtype=np.float64)


def generalized(by_source: Floats, *, seeds: int, rows: int, level: float) -> Floats:
    """Return h with `mean over the fiducial variances v of P(|Normal(0, v)| <= h) = level`, by bisection.

    The fiducial variance between seeds is `by_seed (seeds - 1) / chi2`, never below the rest, which rows determine well.
    There are many rows: their part gets Student's factor instead of an integral. Arguments as for `half_widths`, with at
    least two seeds.
    """
    from scipy import special

    by_seed, by_row, rest = by_source
    normal = float(special.ndtri((1 + level) / 2))
    known = by_row * (student_quantile(rows - 1, level) / normal) ** 2
    excess = np.maximum(by_seed[:, None] * fiducial_factors(seeds) - rest[:, None], 0)
    scale = np.sqrt(known[:, None] + excess)
    low = np.zeros(len(by_row))
    # The sum of both parts' half-widths is too wide; twice that surely brackets the solution.
    high = 2 * (np.sqrt(known) * normal + np.sqrt(by_seed) * student_quantile(seeds - 1, level))
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        ratio = np.divide(middle[:, None], scale, out=np.full_like(scale, np.inf), where=scale > 0)
        is_short = (2 * special.ndtr(ratio) - 1).mean(axis=1) < level
        low, high = np.where(is_short, middle, low), np.where(is_short, high, middle)
    return np.asarray((low + high) / 2, dtype=np.float64)


def share_of_seeds(by_seed: Floats, by_row: Floats, rest: Floats) -> Floats:
    """Return (means,) the share of seeds in the standard error: the root of their share in the estimated variance.

    Args:
        by_seed: (means,) variance of the mean between seeds, the rest included.
        by_row: (means,) between rows, the rest included.
        rest: (means,) the rest alone.

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


def student_quantile(freedom: Floats | float, level: float) -> Floats:
    """Return the two-sided quantile of Student's t for each number of degrees of freedom.

    Example:
        >>> student_quantile(np.array([4.0, 1e9]), 0.95).round(3)
        array([2.776, 1.96 ])
    """
    from scipy import special

    return np.asarray(special.stdtrit(freedom, (1 + level) / 2), dtype=np.float64)


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
