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

Counts = int | npt.NDArray[np.int64]  # of seeds or rows: one for all means, or one for each

DEFAULT_LEVEL = 0.95
NODES = 64  # of the quadrature over the seeds' variance: right to 0.03 %, and at a level of 99.9 % with 2 seeds to 0.01 %
DEVIATIONS = (
    7.0  # how far it reaches, in standard deviations of the seeds' standard deviation: beyond lies 1e-11
)
STEPS = 40  # of Newton's method at most; about 6 are enough
PRECISE = 1e-9  # relative change of a half-width at which it stops, far below what any reader sees
BLOCK = 4_096  # half-widths found together, so that a million of them take no more memory
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

    def at_least(self, least: float) -> Interval:
        """Return the interval without what lies below `least`, for means that cannot: it covers as often.

        Example:
            >>> Interval(0.14, -0.11, 0.40).at_least(0.0)
            Interval(mean=0.14, low=0.0, high=0.4, seeds=1)
        """
        return Interval(max(self.mean, least), max(self.low, least), max(self.high, least), self.seeds)

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


def loss_interval(losses: npt.ArrayLike, *, level: float = DEFAULT_LEVEL) -> Interval:
    """Return the mean of losses, which are never negative, with an interval that does not reach below 0.

    Arguments and errors are those of `mean_interval`.

    Example:
        >>> loss_interval([[0.0, 0.0, 3.0]]).low
        0.0
    """
    return mean_interval(losses, level=level).at_least(0.0)


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


def half_widths(by_source: Floats, *, seeds: Counts, rows: Counts, level: float) -> Floats:
    """Return (means,) half-widths of separate intervals: the weighted mean described at the top of this file.

    Args:
        by_source: (3, means) variances of the means, as `variances_by_source` returns them.
        seeds: number of seeds behind the first of them, for all means or each; either 1 for all or at least 2 for all.
        rows: number of rows behind the second, likewise.
        level: nominal coverage.

    Example:
        >>> half_widths(variances_by_source([crossed([[0.0, 2.0, 4.0]])]), seeds=1, rows=3, level=0.95).round(
        ...     3
        ... )
        array([4.968])
    """
    return half_widths_and_generalized(by_source, seeds=seeds, rows=rows, level=level)[0]


def half_widths_and_generalized(
    by_source: Floats, *, seeds: Counts, rows: Counts, level: float
) -> tuple[Floats, Floats]:
    """Return `half_widths`, and those of the `generalized` intervals they are made from: with one seed the same.

    Example:
        >>> table = crossed([[0.0, 2.0, 4.0], [1.0, 3.0, 8.0]])
        >>> half, wide = half_widths_and_generalized(
        ...     variances_by_source([table]), seeds=2, rows=3, level=0.95
        ... )
        >>> bool(half < wide)
        True
    """
    if np.all(np.equal(seeds, 1)):
        half = np.asarray(student_quantile(np.subtract(rows, 1), level) * np.sqrt(by_source[1]))
        return half, half
    narrow = random_effects(by_source, seeds=seeds, rows=rows, level=level)
    wide = generalized(by_source, seeds=seeds, rows=rows, level=level)
    weight = np.maximum(share_of_seeds(*by_source), np.equal(seeds, FEWEST_SEEDS) / 2)
    return np.asarray(np.sqrt((1 - weight) * narrow**2 + weight * wide**2)), wide


def random_effects(by_source: Floats, *, seeds: Counts, rows: Counts, level: float) -> Floats:
    """Return half-widths with Satterthwaite's degrees of freedom; negative components are clipped at 0.

    Arguments as for `half_widths`, with at least two seeds.
    """
    by_seed, by_row, rest = by_source
    of_seeds, of_rows = np.subtract(seeds, 1), np.subtract(rows, 1)
    variance = rest + np.maximum(by_seed - rest, 0) + np.maximum(by_row - rest, 0)
    spread = by_seed**2 / of_seeds + by_row**2 / of_rows + rest**2 / (of_seeds * of_rows)
    freedom = np.divide(variance**2, spread, out=np.full_like(variance, np.inf), where=spread > 0)
    # No combination has more degrees of freedom than all values together, and none fewer than its poorest part.
    freedom = np.clip(freedom, np.minimum(of_seeds, of_rows), np.multiply(seeds, rows) - 1)
    return np.asarray(student_quantile(freedom, level) * np.sqrt(variance), dtype=np.float64)


def generalized(by_source: Floats, *, seeds: Counts, rows: Counts, level: float) -> Floats:
    """Return h with `mean over the fiducial variances v of P(|Normal(0, v)| <= h) = level`.

    The fiducial variance between seeds is `by_seed (seeds - 1) / chi2`, never below the rest, which rows determine well.
    There are many rows: their part gets Student's factor instead of an integral. Arguments as for `half_widths`, with at
    least two seeds.
    """
    by_seed, by_row, rest = by_source
    known = by_row * (student_quantile(np.subtract(rows, 1), level) / normal_quantile(level)) ** 2
    every = np.broadcast_to(seeds, known.shape)
    halves = np.empty(len(known))
    for start in range(0, len(known), BLOCK):
        part = slice(start, start + BLOCK)
        counts, which = np.unique(every[part], return_inverse=True)
        nodes = np.array([fiducial_factors(int(count)) for count in counts])[which]
        excess = np.maximum(by_seed[part, None] * nodes[:, 0] - rest[part, None], 0)
        halves[part] = _mixture_quantile(np.sqrt(known[part, None] + excess), nodes[:, 1], level)
    return halves


def _mixture_quantile(scales: Floats, weights: Floats, level: float) -> Floats:
    """Return (means,) h with `sum of weights * P(|Normal(0, scale^2)| <= h) = level`, by Newton's method.

    The sum is a concave function of h, so that from a start below the solution every step stays below it.

    Shape:
        scales, weights: (means, NODES); scales rise with the second axis, weights sum to 1 along it.
    """
    from scipy import special

    is_spread = scales > 0
    inverse = np.divide(1, scales, out=np.zeros_like(scales), where=is_spread)
    point = np.where(is_spread, 0.0, weights).sum(axis=1)  # the probability of exactly 0
    weights = np.where(is_spread, weights, 0.0)
    # At least half of the probability lies in wider distributions than the middle one, and all of it in wider ones than the first.
    middle = (np.cumsum(weights, axis=1) < weights.sum(axis=1, keepdims=True) / 2).sum(axis=1)
    median = scales[np.arange(len(scales)), np.minimum(middle, scales.shape[1] - 1)]
    at_least = median * normal_quantile(max(2 * level - 1, 0.0)) * (point == 0)
    h = np.maximum(scales[:, 0] * normal_quantile(level), at_least)
    for _ in range(STEPS):
        ratio = h[:, None] * inverse
        missing = level - point - (weights * (2 * special.ndtr(ratio) - 1)).sum(axis=1)
        slope = (weights * inverse * np.exp(-(ratio**2) / 2)).sum(axis=1) * np.sqrt(2 / np.pi)
        step = np.divide(missing, slope, out=np.zeros_like(h), where=(missing > 0) & (slope > 0))
        h = h + step
        if (step <= PRECISE * h).all():
            break
    return np.asarray(h, dtype=np.float64)


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


def normal_quantile(level: float) -> float:
    """Return the two-sided quantile of the normal distribution.

    Example:
        >>> round(normal_quantile(0.95), 2)
        1.96
    """
    from scipy import special

    return float(special.ndtri((1 + level) / 2))


@lru_cache(maxsize=256)
def fiducial_factors(seeds: int) -> Floats:
    """Return (2, NODES): values of `(seeds - 1) / chi2(seeds - 1)`, rising, and their probabilities.

    Gauss-Legendre quadrature over chi, the root of chi2, in which what is integrated is smooth.

    Example:
        >>> values, weights = fiducial_factors(12)
        >>> float(weights.sum().round(9)), float((weights * values).sum().round(6)), round(11 / 9, 6)
        (1.0, 1.222222, 1.222222)
    """
    freedom = seeds - 1
    nodes, weights = np.polynomial.legendre.leggauss(NODES)
    # Squares of evenly spread numbers are dense near 0, where the heavy tail of few seeds comes from.
    share, weights = ((nodes + 1) / 2) ** 2, weights * (nodes + 1)
    # The standard deviation of chi is at most 1 / sqrt(2), with one degree of freedom 0.6.
    reach = DEVIATIONS / np.sqrt(2)
    low, high = max(0.0, np.sqrt(freedom) - reach), np.sqrt(freedom) + reach
    chi = (low + (high - low) * share)[::-1]
    logarithm = (freedom - 1) * np.log(chi) - chi**2 / 2
    weights = weights[::-1] * np.exp(logarithm - logarithm.max())
    factors = np.array([freedom / chi**2, weights / weights.sum()])
    factors.setflags(write=False)
    return factors
