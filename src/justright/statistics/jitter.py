"""Jitter: how far a loss strays from its trend at a single epoch, and how far it would stray on other rows.

Near an epoch the trend is a straight line through its neighbours; far strays among them (spikes) are pulled in first. What
is left about that line is the jitter. One part of it is common to all rows, those that measure included: the network
moved. The other is the luck of the rows on which the curve was measured, and known from how much single rows move.
So a curve on some rows tells, at each epoch, how lucky other rows were with that epoch, and how surely
(a control variate: Lavenberg & Welch, Management Science 27, 1981).

The constants were measured on runs whose losses on both kinds of rows were recorded after every epoch (docs/calibration.md).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from justright.statistics.crossed import Crossed, Floats
from justright.statistics.intervals import Interval, half_widths, normal_quantile, student_quantile
from justright.statistics.sample_size import POWER, Needs, required_for_each

# Neighbours lie within a tenth of the epochs so far, as training slows down with them: at least 5 to either side, at most 50.
REACH_SHARE = 10
LEAST_REACH, MOST_REACH = 5, 50
LEAST_NEIGHBOURS = 4  # the line takes two of them, the others show the jitter
# Strays beyond so many standard deviations are spikes, of which there is no distribution: normal jitter has 1 in 370.
FAR = 3.0
NORMAL_MAD = 1.4826  # standard deviation of a normal distribution per median absolute deviation
# Share of the jitter that is common: real networks have 0.3 to 0.6 with 1,000 rows. Estimates below this are luck.
LEAST_SHARE = 0.2
USUAL_SHARE = 0.5  # where no row's loss is known
# Whatever moves a network away from a good place costs all rows, so common jitter is skewed, and a low value is rather
# the rows' luck: of 0.1 to 0.8 times the share is common.
SHARE_BELOW = 0.6
SHARE_ERROR = (
    0.25  # standard error of the share, per share that is not common: 0.15 was seen where the share was 0.4
)
SPIKE_ERROR = 0.5  # how much of a spike beyond FAR other rows may lack: 0.3 to 0.4 was seen
MOST_CORRELATION = 0.9


@dataclass(frozen=True, slots=True)
class Line:
    """A straight trend through a curve, from which far strays have been pulled in.

    Shape:
        values: (epochs,), no farther than `FAR` standard deviations from their trend; residuals: likewise.

    Args:
        middle: the mean epoch.
        height: of the line there.
        slope: per epoch.
    """

    values: Floats
    residuals: Floats
    middle: float
    height: float
    slope: float

    @property
    def freedom(self) -> int:
        """Degrees of freedom of the residuals."""
        return len(self.residuals) - 2

    @property
    def variance(self) -> float:
        """The jitter's variance: of a single epoch about the line."""
        return float(self.residuals @ self.residuals) / self.freedom


@dataclass(frozen=True, slots=True)
class Stray:
    """How far a curve lies from its trend at one epoch.

    Args:
        deviation: its value minus the trend.
        variance: of the jitter at neighbouring epochs.
        trend_error: variance of the trend, per `variance`.
        freedom: degrees of freedom of `variance`.
    """

    deviation: float
    variance: float
    trend_error: float
    freedom: int


@dataclass(frozen=True, slots=True)
class Luck:
    """What jitter added to a difference of epochs, on rows other than the curve's.

    Args:
        mean: the best guess.
        variance: of what it leaves unknown.
        common: derivative of `mean` by the share of the jitter that is common to all rows.
    """

    mean: float
    variance: float
    common: float


@dataclass(frozen=True, slots=True)
class Fall:
    """By how much a curve fell from one window of epochs to the next.

    Args:
        mean: of the first window minus of the second.
        variance: of it, from jitter.
        freedom: degrees of freedom of the jitter's variance.
    """

    mean: float
    variance: float
    freedom: int


@dataclass(frozen=True, slots=True, eq=False)
class Jittered:
    """Values crossed by seed and row, with what jitter adds to the error of their mean.

    Args:
        table: moments of the values.
        own: variance of the mean that each seed's own jitter makes; it falls with more seeds, and not with more rows.
        shared: variance of the mean that all seeds share; it falls with neither.
    """

    table: Crossed
    own: float
    shared: float = 0.0

    def interval(self, *, level: float) -> Interval:
        """Return the interval of the mean: jitter, whose size is known, is not estimated again from how seeds differ."""
        table = self.table
        by_seed, by_row, rest = table.parts
        by_source = np.array([[by_seed], [by_row + self.own + self.shared], [rest + self.own]])
        half = float(half_widths(by_source, seeds=table.seeds, rows=table.rows, level=level)[0])
        return Interval(table.mean, table.mean - half, table.mean + half, table.seeds)

    def needs(self, threshold: float, *, level: float) -> Needs:
        """Return how many more seeds or rows would put the interval on one side of `threshold`."""
        table = self.table
        by_seed, by_row, rest = table.parts
        # What neither can lessen takes its part of the distance; with one seed no more seeds can be planned.
        fixed = self.shared + (self.own if table.seeds == 1 else 0.0)
        reach = normal_quantile(level) + normal_quantile(2 * POWER - 1)
        left = (table.mean - threshold) ** 2 - reach**2 * fixed
        if left <= 0:
            return Needs(None, None)
        by_source = np.array([[max(by_seed, rest + self.own)], [by_row], [rest]])
        return required_for_each(
            np.array([left**0.5]), by_source, seeds=table.seeds, rows=table.rows, level=level, widening=1.0
        )[0]


def fit_line(epochs: Floats, values: Floats) -> Line:
    """Return the least-squares line through a curve, far strays pulled in first.

    Example:
        >>> line = fit_line(np.arange(8.0), np.array([0.0, 1.1, 2.0, 2.9, 4.0, 50.0, 6.1, 6.9]))
        >>> round(line.slope, 1), float(line.values.max().round(1))
        (1.0, 6.9)
    """
    tamed = _tamed(epochs, values)
    middle, height = float(epochs.mean()), float(tamed.mean())
    apart = epochs - middle
    slope = float(apart @ tamed / (apart @ apart))
    return Line(tamed, tamed - height - slope * apart, middle, height, slope)


def neighbourhood(epoch: int) -> int:
    """Return how many epochs before and after `epoch` are its neighbours.

    Example:
        >>> neighbourhood(20), neighbourhood(300), neighbourhood(5_000)
        (5, 30, 50)
    """
    return min(max(epoch // REACH_SHARE, LEAST_REACH), MOST_REACH)


def stray(curve: Floats, epoch: int) -> Stray | None:
    """Return how far a curve strays at `epoch` from the line through its neighbours; None with too few of them.

    Near the first and the last epoch the neighbours lie on one side, and are as many.

    Args:
        curve: (epochs,), NaN where unknown.
        epoch: which.
    """
    last, reach = len(curve) - 1, neighbourhood(epoch)
    first, stop = max(min(epoch, last - reach) - reach, 0), min(max(epoch, reach) + reach, last) + 1
    near = np.arange(first, stop)
    near = near[np.isfinite(curve[first:stop]) & (near != epoch)]
    if len(near) < LEAST_NEIGHBOURS or not np.isfinite(curve[epoch]):
        return None
    line = fit_line(near.astype(np.float64), curve[near])
    apart = epoch - line.middle
    return Stray(
        float(curve[epoch]) - line.height - line.slope * apart,
        line.variance,
        1 / len(near) + apart**2 / float(((near - line.middle) ** 2).sum()),
        line.freedom,
    )


def common_share(variances: Sequence[float], row_parts: Sequence[float]) -> float:
    """Return the share of the jitter's variance that is common to all rows.

    Args:
        variances: of the jitter of mean losses.
        row_parts: how much of it rows that move each for itself would make, in the same runs.

    Example:
        >>> common_share([2.0, 6.0], [1.0, 1.0]), common_share([2.0], [])
        (0.75, 0.5)
    """
    if not variances or not row_parts:
        return USUAL_SHARE
    total = float(np.mean(variances))
    return min(max(1 - float(np.mean(row_parts)) / total, LEAST_SHARE), 1.0) if total > 0 else USUAL_SHARE


def luck_of(strays: Iterable[tuple[float, Stray]], share: float, *, own: float = 0.0) -> Luck:
    """Return what jitter added to a weighted sum of losses at several epochs.

    Args:
        strays: weights, and the strays of the curve.
        share: of the curve's jitter that is common to all rows.
        own: how much of the rest is that of the rows that measure: none where they are others than the curve's.

    Example:
        >>> luck_of([(1.0, Stray(0.2, 0.01, 0.0, 8)), (-1.0, Stray(-0.1, 0.01, 0.0, 8))], 0.5)
        Luck(mean=0.13, variance=0.005, common=0.26)
    """
    mean = variance = common = 0.0
    taken = own + (1 - own) * share
    for weight, one in strays:
        limit = FAR * one.variance**0.5
        near = min(max(one.deviation, -limit), limit)
        beyond = one.deviation - near
        shared = near if near > 0 else SHARE_BELOW * near
        mean += weight * (own * near + (1 - own) * share * shared + beyond)
        common += weight * (1 - own) * shared
        unknown = taken * (1 - taken) + taken**2 * one.trend_error
        variance += weight**2 * (unknown * one.variance + (SPIKE_ERROR * beyond) ** 2)
    return Luck(mean, variance, common)


def share_error(share: float) -> float:
    """Return the standard error of the share of the jitter that is common to all rows.

    Example:
        >>> share_error(0.36)
        0.2
    """
    return SHARE_ERROR * float((1 - share) ** 0.5)


def uncertain(variance: float, *, freedom: int, level: float) -> float:
    """Return a variance, larger for its few degrees of freedom: a normal interval of that level is then Student's."""
    if freedom < 1:
        return variance
    return variance * (float(student_quantile(freedom, level)) / normal_quantile(level)) ** 2


def fall_of(curve: Floats, length: int) -> Fall:
    """Return by how much a curve fell from the `length` epochs before to its last `length` ones.

    Args:
        curve: (epochs,), at least twice as many as `length`, which is at least 2; finite.
        length: of both windows.
    """
    line = fit_line(np.arange(2.0 * length), curve[-2 * length :])
    mean = float(line.values[:length].mean() - line.values[length:].mean())
    return Fall(mean, 2 * _inflated(line) / length, line.freedom)


def slope_fall_of(curve: Floats, length: int) -> Fall:
    """Return by how much the line through the last `length` epochs of a curve falls in as many epochs.

    Args:
        curve: (epochs,), finite there.
        length: at least 3, so that the line shows its own error.

    Example:
        >>> round(slope_fall_of(np.linspace(1.0, 0.0, 101), 20).mean, 3)
        0.2
    """
    line = fit_line(np.arange(float(length)), curve[-length:])
    # The variance of a slope over n epochs is 12 / n^3 times that of an epoch.
    return Fall(-line.slope * length, 12 * _inflated(line) / length, line.freedom)


def _inflated(line: Line) -> float:
    """Return the variance of jitter, larger where neighbouring epochs jitter alike.

    As for the mean of a window of an autoregressive sequence of the first order, for windows that are long.
    """
    correlation = _correlation(line.residuals)
    return line.variance * (1 + correlation) / (1 - correlation)


def _correlation(residuals: Floats) -> float:
    """Return how much the jitter of neighbouring epochs is correlated, never below 0."""
    size = float(residuals @ residuals)
    if not size > 0:
        return 0.0
    found = float(residuals[1:] @ residuals[:-1]) / size
    # Residuals about a line with two parameters have about 2 / n less of it than the jitter itself.
    return min(max(found + 2 / len(residuals), 0.0), MOST_CORRELATION)


def _tamed(epochs: Floats, values: Floats) -> Floats:
    """Return values, those far from their trend pulled in to `FAR` standard deviations from it.

    The trend's slope is the median of those between each point and the one half of all points later, an incomplete version
    of Theil's (1950), so that no spike moves it much.
    """
    half = len(values) // 2
    rise, run = (part[half:] - part[: len(part) - half] for part in (values, epochs))
    rest = values - np.median(rise / run) * epochs
    centre = np.median(rest)
    limit = FAR * NORMAL_MAD * np.median(np.abs(rest - centre))
    pulled = np.clip(rest, centre - limit, centre + limit) - rest
    return np.asarray(values + pulled, dtype=np.float64)
