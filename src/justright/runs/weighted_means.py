"""Means over rows that count differently, and what intervals need of them.

A weighted mean is a ratio of two sums over rows. To first order its error is that of a plain mean of *linearised values*,
mean + w (value - mean), where the weights w have mean 1 (Woodruff, JASA 66, 1971; Deville, Survey Methodology 25, 1999). A row with much
of all weight pulls the mean towards itself, and so looks as if it told little: its deviation is divided by the share of weight that
the others have, as leaving it out would move the mean (the jackknife; Yung & Rao, Survey Methodology 22, 1996). The values' plain
mean is the weighted mean itself. The linearised value of a difference is the difference of the linearised values. So whatever
pairs rows, crosses them with seeds or draws them again needs no weights once the losses are linearised.
"""

from __future__ import annotations

from typing import Any, overload

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

LEAST_OTHERS = 1e-9  # share of all weight that other rows must have for a row to be left out


@overload
def relative_weights(weights: npt.NDArray[np.floating[Any]]) -> Floats: ...
@overload
def relative_weights(weights: npt.NDArray[np.floating[Any]] | None) -> Floats | None: ...
def relative_weights(weights: npt.NDArray[np.floating[Any]] | None) -> Floats | None:
    """Return (rows,) weights divided by their mean; ones where they are all 0, or there are no rows, and None for none.

    Example:
        >>> relative_weights(np.array([1.0, 3.0])).tolist()
        [0.5, 1.5]
    """
    if weights is None:
        return None
    values = np.asarray(weights, np.float64)
    mean = values.mean() if len(values) else 0.0
    return values / mean if mean > 0 else np.ones_like(values)


def weighted_mean(values: npt.NDArray[Any], relative: Floats | None) -> float:
    """Return the mean of (rows,) values, in double precision.

    Args:
        values: of each row.
        relative: (rows,) weights with mean 1; None weighs all rows the same.

    Example:
        >>> weighted_mean(np.array([1.0, 3.0]), np.array([0.5, 1.5]))
        2.5
    """
    if relative is None:
        return float(values.mean(dtype=np.float64))
    return float((values * relative).mean())


def linearised(values: npt.NDArray[np.floating[Any]], relative: Floats | None) -> npt.NDArray[Any]:
    """Return values whose plain mean over rows is the weighted mean, and whose plain variance is that of a weighted mean.

    Shape:
        values: (..., rows); so is the result, of the same type.

    Args:
        values: of each row. Where one is not finite, nor are all of its series.
        relative: (rows,) weights with mean 1; None returns the values as they are.

    Example:
        >>> linearised(np.array([1.0, 3.0]), np.array([0.5, 1.5])).tolist()
        [1.5, 3.5]
    """
    if relative is None:
        return values
    with np.errstate(invalid="ignore", over="ignore"):  # of a run that diverged
        means = (values * relative).mean(axis=-1, keepdims=True)
        found = means + spread_out(relative * (values - means), relative)
    return np.asarray(found, values.dtype)


def spread_out(influence: npt.NDArray[np.floating[Any]], relative: Floats) -> Floats:
    """Return how much each row moves a weighted metric, with those of heavy rows as large as leaving them out would show; mean 0.

    Args:
        influence: (..., rows), each with its row's weight as a factor.
        relative: (rows,) the weights.
    """
    moved = influence * _without_own(relative)
    counts = relative > 0
    return np.asarray(moved - counts * (moved.sum(axis=-1, keepdims=True) / max(counts.sum(), 1)), np.float64)


def _without_own(relative: Floats) -> Floats:
    """Return (rows,) positive factors: 1 for rows of equal weight, more for those with a larger share of all weight."""
    rows, counting = len(relative), max(int((relative > 0).sum()), 1)
    others = 1 - relative / rows
    # So that the variance is as without the rows that do not count: that of n rows divides by n (n - 1).
    equal = np.sqrt((1 - 1 / rows) * (1 - 1 / counting))
    return np.divide(equal, others, out=np.ones(rows), where=others > LEAST_OTHERS)


def weighed(found: npt.NDArray[np.floating[Any]], relative: Floats) -> Floats:
    """Return each row's value times its weight from linearised values, exactly, also where a weight is 0.

    Args:
        found: (..., rows), as `linearised` returned them.
        relative: (rows,) the same weights.

    Example:
        >>> relative = np.array([0.5, 1.5])
        >>> weighed(linearised(np.array([1.0, 3.0]), relative), relative).tolist()
        [0.5, 4.5]
    """
    means = found.mean(axis=-1, keepdims=True, dtype=np.float64)
    shares = 1 / _without_own(relative)
    moved = found - means
    counts = relative > 0
    common = (moved * shares).sum(axis=-1, keepdims=True) / (counts * shares).sum()
    return np.asarray((moved - counts * common) * shares + relative * means, np.float64)


def effective_rows(weights: npt.NDArray[np.floating[Any]]) -> float:
    """Return how many rows of equal weight tell as much as these (Kish, Survey Sampling, 1965): (sum w)^2 / sum w^2.

    Example:
        >>> effective_rows(np.array([1.0, 1.0, 0.0])), effective_rows(np.array([1.0, 3.0]))
        (2.0, 1.6)
    """
    values = np.asarray(weights, np.float64)
    total = float(np.square(values).sum())
    return float(values.sum()) ** 2 / total if total else 0.0
