"""Metrics of predicted values, each with the influence of every row."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from justright.runs.weighted_means import spread_out, weighted_mean
from justright.statistics.class_metrics import mean_of_rows, rows_worth
from justright.statistics.crossed import Floats
from justright.statistics.estimates import Estimate

ROUNDING = 1e-12  # of sums of weights
CONSTANT_TARGET = (
    "The target has one value only in the measured rows, so that there is no variance to explain."
)


def value_metrics(
    errors: Floats, targets: Floats, weights: Floats | None = None
) -> Iterator[tuple[str, Estimate | str]]:
    """Yield every metric of one run with its name, or the reason why it has none: one at a time, for each is as long as the rows.

    Args:
        errors: (rows,) predictions minus targets; their signs do not matter.
        targets: (rows,).
        weights: (rows,) how much each counts, above 0 and with mean 1; None if all count the same.

    Example:
        >>> found = dict(value_metrics(np.array([1.0, -1.0, 0.0, 0.0]), np.array([1.0, 2.0, 3.0, 4.0])))
        >>> found["r2"].value, found["mean_absolute_error"].value
        (0.6, 0.5)
    """
    # In a unit of its own: squares of huge values overflow.
    unit = float(max(np.abs(errors).max(), np.abs(targets).max())) or 1.0
    errors, targets = errors / unit, targets / unit
    squares = errors**2
    yield "r2", _r2(squares, (targets - weighted_mean(targets, weights)) ** 2, weights)
    del targets
    yield "root_mean_squared_error", _scaled(_root_mean(squares, weights), unit)
    del squares
    sizes = np.abs(errors)
    del errors
    yield "mean_absolute_error", _scaled(mean_of_rows(sizes, weights), unit)
    yield "median_absolute_error", _scaled(_median(sizes, weights), unit)


def _r2(squares: Floats, spread: Floats, weights: Floats | None) -> Estimate | str:
    """Return the share of the targets' variance that is explained: below 0 where their mean would be closer."""
    total = weighted_mean(spread, weights)
    if not total > 0:
        return CONSTANT_TARGET
    missed = weighted_mean(squares, weights) / total
    influence = (missed * spread - squares) / total
    if weights is None:
        return Estimate(1 - missed, influence, len(squares))
    return Estimate(1 - missed, spread_out(weights * influence, weights), rows_worth(weights))


def _root_mean(squares: Floats, weights: Floats | None) -> Estimate:
    mean = mean_of_rows(squares, weights)
    root = float(np.sqrt(mean.value))
    return Estimate(root, mean.influence / (2 * root) if root > 0 else mean.influence, mean.fewest)


def _median(sizes: Floats, weights: Floats | None) -> Estimate:
    """Return the median; its influence is a step over the density there (Bahadur), from two quantiles around it.

    They lie as far apart as Hall & Sheather (JRSS B 50, 1988) found best for intervals, in their normal approximation.
    """
    rows = len(sizes) if weights is None else rows_worth(weights)
    share = min(0.49, rows ** (-1 / 3) * 1.96 ** (2 / 3) * (1.5 / (2 * np.pi)) ** (1 / 3))
    shares = [0.5 - share, 0.5, 0.5 + share]
    found = np.quantile(sizes, shares) if weights is None else weighted_quantiles(sizes, weights, shares)
    low, value, high = found.tolist()
    step = (sizes > value) - 0.5
    step -= weighted_mean(step, weights)
    if weights is not None:
        step = spread_out(step * weights, weights)
    return Estimate(value, step * (high - low) / (2 * share), rows)


def weighted_quantiles(values: Floats, weights: Floats, shares: Sequence[float]) -> Floats:
    """Return the values below which rows of these shares of all weight lie; in a gap between two values, their middle.

    Args:
        values: (rows,).
        weights: (rows,) above 0.
        shares: in (0, 1).

    Example:
        >>> weighted_quantiles(np.array([3.0, 1.0, 2.0]), np.array([1.0, 1.0, 2.0]), [0.25, 0.5]).tolist()
        [1.5, 2.0]
    """
    order = np.argsort(values)
    reached = np.cumsum(weights[order])
    wanted = np.asarray(shares) * reached[-1]
    within = ROUNDING * reached[-1]
    ends = [np.searchsorted(reached, wanted + side) for side in (-within, within)]
    found = [values[order][np.minimum(end, len(values) - 1)] for end in ends]
    return np.asarray((found[0] + found[1]) / 2)


def _scaled(estimate: Estimate, unit: float) -> Estimate:
    return Estimate(estimate.value * unit, estimate.influence * unit, estimate.fewest)
