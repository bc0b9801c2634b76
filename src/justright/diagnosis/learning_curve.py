"""What more training rows would be worth: learning curves are measured, fitted, tested on their own ends, and forecast.

The error of a measured curve has three parts. Test rows are the same at all sizes, which therefore share their error.
Seeds differ; by how much is estimated from all sizes together. And the training rows are one nested sample: its distance
from the mean of all samples is taken as half of the change from size to size. If the scatter about the fit exceeds all that,
the errors are widened by the ratio (Birge, Phys. Rev. 40, 1932). Draws of all three are refitted by both families of
curves; the interval of a forecast runs from the lower of their lower ends to the higher of their upper ends.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from justright.diagnosis.evidence import LearningCurve
from justright.diagnosis.learning_curve_checks import acceleration_problem, rise_problem, size_problem
from justright.diagnosis.words.numbers import estimate, rounded
from justright.statistics.crossed import Crossed, Floats, crossed, row_covariance, variances_by_source
from justright.statistics.curve_fits import FAMILIES, CurveFit, fit_curve, fit_draws
from justright.statistics.intervals import DEFAULT_LEVEL, Interval, interval_of
from justright.statistics.simultaneous import draws_for

FACTORS = (2, 4)  # how many times the rows a forecast looks ahead; beyond 4 no family of curves is reliable
FORECAST_DRAWS = 1_000  # the Monte Carlo error of a 2.5 % quantile is then about 7 % of the half-width
# The training rows are one nested sample; five sizes cannot show how far its curve lies from the mean of all samples. Of
# 19 simulated curves (docs/calibration.md) gains were covered 13 times without this, 18 times with half of the change
# from size to size as its standard deviation.
SAMPLE_SHARE = 0.5
PARAMETERS = 3  # that a fit uses up: a floor, a height and an exponent


@dataclass(frozen=True, slots=True)
class Point:
    """A loss at a number of training rows, with its interval."""

    train_rows: int
    mean: float
    low: float
    high: float

    def to_dict(self) -> dict[str, Any]:
        """Return the point as in result.json."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class BackTest:
    """The largest size, predicted from the smaller ones.

    `predicted` has the interval of the difference, around the measured value.
    """

    predicted: Point
    measured: float

    @property
    def has_held(self) -> bool:
        """Whether the measured value lies in the predicted interval."""
        return self.predicted.low <= self.measured <= self.predicted.high


@dataclass(frozen=True, slots=True)
class Scaling:
    """What is known about one variant's learning curve.

    Args:
        variant: its name.
        measured: the curve, one point for each size.
        forecast: losses at `FACTORS` times the rows; empty when refused.
        gains: change of the loss from the measured rows to those of `forecast`, in its order.
        fits: both families fitted to the measured curve; empty when there are too few sizes.
        back_test: how well the smaller sizes predicted the largest; None when that was not tried.
        refusal: why there is no forecast, in one sentence; None if there is one.
    """

    variant: str
    measured: tuple[Point, ...]
    forecast: tuple[Point, ...]
    gains: tuple[Interval, ...]
    fits: tuple[CurveFit, ...]
    back_test: BackTest | None
    refusal: str | None


def judge_scaling(curve: LearningCurve, *, margin: float) -> Scaling:
    """Return what a measured learning curve says about more rows, or why it cannot.

    Args:
        curve: the measured losses.
        margin: what counts as a difference, in units of the loss.
    """
    tables = [crossed(losses) for losses in curve.losses]
    intervals = [interval_of(table) for table in tables]
    measured = tuple(
        Point(rows, one.mean, one.low, one.high)
        for rows, one in zip(curve.train_rows, intervals, strict=True)
    )
    problem = size_problem(curve.train_rows, seeds=tables[0].seeds if tables else 0)
    if problem:
        return Scaling(curve.variant, measured, (), (), (), None, problem)
    rng = draws_for(0, "scaling", curve.variant)
    means = np.array([table.mean for table in tables])
    noisy = _Noisy(
        curve.train_rows,
        means,
        error_covariance(tables) + np.diag(_sample_variances(means)),
        len(tables) * (tables[0].seeds - 1),
    )
    fits = tuple(fit_curve(family, noisy.rows, noisy.means, noisy.covariance) for family in FAMILIES)
    back_test = _back_test(noisy, rng)
    shape = curve.train_rows, curve.losses, margin, DEFAULT_LEVEL, rng
    problem = rise_problem(*shape) or acceleration_problem(*shape) or _miss(noisy, back_test)
    if problem:
        return Scaling(curve.variant, measured, (), (), fits, back_test, problem)
    forecast, gains = _forecast(noisy, tables[0], rng)
    problem = _vagueness(noisy, gains[0], margin)
    if problem:
        return Scaling(curve.variant, measured, (), (), fits, back_test, problem)
    return Scaling(curve.variant, measured, forecast, gains, fits, back_test, None)


@dataclass(frozen=True, slots=True, eq=False)
class _Noisy:
    """A curve's means with their errors.

    Shape:
        means: (sizes,); covariance: (sizes, sizes).

    Args:
        rows: the sizes.
        freedom: degrees of freedom of the variance between seeds, over all sizes.
    """

    rows: tuple[int, ...]
    means: Floats
    covariance: Floats
    freedom: int

    def draws(self, rng: np.random.Generator, *, fitted: int) -> Floats:
        """Return (draws, sizes) plausible curves, the measured one first.

        Errors have the covariance that rows and seeds explain, times the scatter about the better fit of the first
        `fitted` sizes where that is larger, times the chance that both were estimated too small.
        """
        part = self.covariance[:fitted, :fitted]
        misfits = [fit_curve(each, self.rows[:fitted], self.means[:fitted], part).misfit for each in FAMILIES]
        scatter = max(1.0, min(misfits) / max(1, fitted - PARAMETERS))
        chance = rng.chisquare(self.freedom, size=(FORECAST_DRAWS, 1)) / self.freedom
        normal = rng.standard_normal((FORECAST_DRAWS, len(self.rows)))
        errors = np.sqrt(scatter / chance) * (normal @ np.linalg.cholesky(self.covariance).T)
        errors[0] = 0.0
        return np.asarray(self.means + errors, dtype=np.float64)


def error_covariance(tables: Sequence[Crossed]) -> Floats:
    """Return the (sizes, sizes) covariance of the errors of the means that rows and seeds explain.

    Rows are shared by all sizes. The variance between seeds is that of a straight line through the logarithms of the
    sizes' own estimates, against the logarithm of the mean loss: three seeds alone say little about it.

    Args:
        tables: losses by seed and row, one table for each size, over the same seeds and rows; at least two seeds.

    Example:
        >>> rng = np.random.default_rng(0)
        >>> shared = rng.normal(0, 1, 100)
        >>> one = error_covariance([crossed(shared + rng.normal(0, 0.1, (3, 1)) + 1 / n) for n in (1, 2, 4)])
        >>> bool(one[0, 1] > 0.9 * shared.var() / 100)
        True
    """
    from_rows = row_covariance(tables)
    by_seed, _, rest = variances_by_source(tables)
    between = np.maximum(_smoothed_variances(by_seed, tables[0].seeds - 1) - rest, 0)
    # A variance of exactly 0, as with two equal seeds, would let one size decide everything.
    floor = max(1e-3 * float(np.trace(from_rows)) / len(tables), np.finfo(np.float64).tiny)
    return np.asarray(from_rows + np.diag(np.maximum(between, floor)), dtype=np.float64)


def _sample_variances(means: Floats) -> Floats:
    """Return (sizes,) variances for the choice of training rows: in proportion to the change to the neighbouring sizes."""
    squares = (SAMPLE_SHARE * np.diff(means)) ** 2
    return np.asarray((np.r_[squares[0], squares] + np.r_[squares, squares[-1]]) / 2, dtype=np.float64)


def _smoothed_variances(variances: Floats, freedom: int) -> Floats:
    """Return variances that follow a straight line in their logarithms from size to size; unbiased on that scale."""
    from scipy import special

    positive = variances > 0
    if not positive.any():
        return variances
    bias = float(special.digamma(freedom / 2) - np.log(freedom / 2))
    logs = np.log(np.where(positive, variances, variances[positive].min())) - bias
    steps = np.arange(len(variances)) - (len(variances) - 1) / 2
    slope = float(steps @ logs / (steps @ steps))
    return np.asarray(np.exp(logs.mean() + slope * steps), dtype=np.float64)


def _forecast(
    noisy: _Noisy, table: Crossed, rng: np.random.Generator
) -> tuple[tuple[Point, ...], tuple[Interval, ...]]:
    """Return the losses at `FACTORS` times the rows, and their differences from the loss fitted to the present rows."""
    now = noisy.rows[-1]
    targets = [now, *(factor * now for factor in FACTORS)]
    draws = noisy.draws(rng, fitted=len(noisy.rows))
    fitted = [fit_draws(family, noisy.rows, draws, noisy.covariance, targets)[0] for family in FAMILIES]
    points, gains = [], []
    for number, target in enumerate(targets[1:], start=1):
        points.append(Point(target, *_ends([each[:, number] for each in fitted])))
        ends = _ends([each[:, number] - each[:, 0] for each in fitted])
        gains.append(Interval(*ends, table.seeds))
    return tuple(points), tuple(gains)


def _back_test(noisy: _Noisy, rng: np.random.Generator) -> BackTest:
    """Return the prediction of the largest size from the smaller ones."""
    draws = noisy.draws(rng, fitted=len(noisy.rows) - 1)
    smaller, part = noisy.rows[:-1], noisy.covariance[:-1, :-1]
    errors = [
        fit_draws(family, smaller, draws[:, :-1], part, noisy.rows[-1:])[0][:, 0] - draws[:, -1]
        for family in FAMILIES
    ]
    now = float(noisy.means[-1])
    # `errors` are predicted minus measured: their interval around the measured value is that of the prediction.
    mean, low, high = (now + end for end in _ends(errors))
    return BackTest(Point(noisy.rows[-1], mean, low, high), now)


def _ends(families: Sequence[Floats]) -> tuple[float, float, float]:
    """Return the mean of both families' estimates, with the hull of their intervals."""
    tails = [(1 - DEFAULT_LEVEL) / 2, (1 + DEFAULT_LEVEL) / 2]
    lows, highs = np.array([np.quantile(draws, tails) for draws in families]).T
    return float(np.mean([draws[0] for draws in families])), float(lows.min()), float(highs.max())


def _miss(noisy: _Noisy, back_test: BackTest) -> str | None:
    """Return a sentence if the back-test failed, else None."""
    if back_test.has_held:
        return None
    predicted, rows = back_test.predicted, noisy.rows
    interval = Interval(predicted.mean, predicted.low, predicted.high)
    return (
        f"The sizes up to {rows[-2]:,} rows predict {estimate(interval)} at {rows[-1]:,}, where "
        f"{rounded(back_test.measured, interval)} was measured: the curve does not follow the families it is fitted with."
    )


def _vagueness(noisy: _Noisy, gain: Interval, margin: float) -> str | None:
    """Return a sentence if the forecast is wider than all measured change and not surely below the margin, else None."""
    change = float(noisy.means[-1] - noisy.means[0])
    if gain.high - gain.low <= -change or gain.low > -margin:
        return None
    return (
        f"Its forecast is too vague to be of use: {estimate(gain)} for {FACTORS[0]} times the rows, where "
        f"{noisy.rows[-1] / noisy.rows[0]:.0f} times the rows changed the loss by {rounded(change, gain)} so far."
    )
