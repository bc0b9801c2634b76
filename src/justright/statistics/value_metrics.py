"""Metrics of predicted values, each with the influence of every row."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from justright.statistics.class_metrics import mean_of_rows
from justright.statistics.crossed import Floats
from justright.statistics.estimates import Estimate

CONSTANT_TARGET = (
    "The target has one value only in the measured rows, so that there is no variance to explain."
)


def value_metrics(errors: Floats, targets: Floats) -> Iterator[tuple[str, Estimate | str]]:
    """Yield every metric of one run with its name, or the reason why it has none: one at a time, for each is as long as the rows.

    Args:
        errors: (rows,) predictions minus targets; their signs do not matter.
        targets: (rows,).

    Example:
        >>> found = dict(value_metrics(np.array([1.0, -1.0, 0.0, 0.0]), np.array([1.0, 2.0, 3.0, 4.0])))
        >>> found["r2"].value, found["mean_absolute_error"].value
        (0.6, 0.5)
    """
    # In a unit of its own: squares of huge values overflow.
    unit = float(max(np.abs(errors).max(), np.abs(targets).max())) or 1.0
    errors, targets = errors / unit, targets / unit
    squares = errors**2
    yield "r2", _r2(squares, (targets - targets.mean()) ** 2)
    del targets
    yield "root_mean_squared_error", _scaled(_root_mean(squares), unit)
    del squares
    sizes = np.abs(errors)
    del errors
    yield "mean_absolute_error", _scaled(mean_of_rows(sizes), unit)
    yield "median_absolute_error", _scaled(_median(sizes), unit)


def _r2(squares: Floats, spread: Floats) -> Estimate | str:
    """Return the share of the targets' variance that is explained: below 0 where their mean would be closer."""
    total = float(spread.mean())
    if not total > 0:
        return CONSTANT_TARGET
    missed = float(squares.mean()) / total
    return Estimate(1 - missed, (missed * spread - squares) / total, len(squares))


def _root_mean(squares: Floats) -> Estimate:
    mean = mean_of_rows(squares)
    root = float(np.sqrt(mean.value))
    return Estimate(root, mean.influence / (2 * root) if root > 0 else mean.influence, mean.fewest)


def _median(sizes: Floats) -> Estimate:
    """Return the median; its influence is a step over the density there (Bahadur), from two quantiles around it.

    They lie as far apart as Hall & Sheather (JRSS B 50, 1988) found best for intervals, in their normal approximation.
    """
    rows = len(sizes)
    share = min(0.49, rows ** (-1 / 3) * 1.96 ** (2 / 3) * (1.5 / (2 * np.pi)) ** (1 / 3))
    low, value, high = np.quantile(sizes, [0.5 - share, 0.5, 0.5 + share]).tolist()
    step = (sizes > value) - 0.5
    step -= step.mean()
    return Estimate(value, step * (high - low) / (2 * share), rows)


def _scaled(estimate: Estimate, unit: float) -> Estimate:
    return Estimate(estimate.value * unit, estimate.influence * unit, estimate.fewest)
