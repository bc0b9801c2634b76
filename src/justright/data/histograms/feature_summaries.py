"""The distribution of each feature: its range, its moments and a histogram, by class where there are classes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from justright.data.arrays import Target
from justright.data.checks import MAX_FLOAT

# Bins of a histogram: fine enough to show a peak, coarse enough for a small picture.
HISTOGRAM_BINS = 30
# Of a table with more features, those have a histogram that tell most about the target: ten rows of six in a report.
MAX_HISTOGRAMS = 60
CHUNK_VALUES = 4_000_000  # described at once: 32 MB
HISTOGRAM_ROWS = 1 << 18  # counted at once, so that no column is copied as a whole
NO_HISTOGRAM: dict[str, Any] = {"edges": [], "counts": [], "class_counts": []}


def describe_features(
    features: npt.NDArray[np.float32],
    names: Sequence[str],
    target: Target,
    codes: Target | None,
    classes: int,
    *,
    bins: int = HISTOGRAM_BINS,
) -> list[dict[str, Any]]:
    """Return `name`, `min`, `max`, `mean`, `std`, `edges`, `counts` and `class_counts` of each feature.

    The last three are empty beyond the 60 features that tell most about the target by themselves.

    Args:
        features: (rows, features).
        names: of the features.
        target: (rows,).
        codes: (rows,) classes as whole numbers from 0; None for a numeric target.
        classes: how many there are.
        bins: of each histogram.
    """
    numbers, strengths = _describe_numbers(features, target, codes)
    drawn = set(np.argsort(-strengths, kind="stable")[:MAX_HISTOGRAMS].tolist())
    return [
        {"name": name}
        | own
        | (histogram(features[:, index], codes, classes, bins=bins) if index in drawn else NO_HISTOGRAM)
        for index, (name, own) in enumerate(zip(names, numbers, strict=True))
    ]


def _describe_numbers(
    features: npt.NDArray[np.float32], target: Target, codes: Target | None
) -> tuple[list[dict[str, Any]], npt.NDArray[np.float64]]:
    """Return each feature's range and moments, and what it tells of the target by itself: a share of its variance.

    The share is what lies between classes, or the squared correlation with a numeric target. Where all features have
    histograms nobody asks for it, and it is 0.

    Shape:
        shares: (features,), in [0, 1].
    """
    found: list[dict[str, Any]] = []
    shares = np.zeros(features.shape[1])
    at_once = max(1, CHUNK_VALUES // max(1, len(features)))
    for start in range(0, len(shares), at_once):
        # float64: a float32 sum over millions of rows loses digits.
        part = np.array(features[:, start : start + at_once].T, np.float64, order="C")
        numbers, deviations = moments(part)
        found += numbers
        if len(shares) > MAX_HISTOGRAMS:
            shares[start : start + at_once] = _shares_told(deviations, target, codes)
        del part, deviations  # before the next ones are made: of a long table each is a column in float64
    return found, shares


def moments(values: npt.NDArray[np.float64]) -> tuple[list[dict[str, Any]], npt.NDArray[np.float64]]:
    """Return min, max, mean and standard deviation of each column, and deviations from the mean in a unit of its own.

    Sums of huge values overflow, and squares of tiny ones vanish: each column is scaled by a power of two, which
    rounds nothing. What is not finite is left out; a column without any finite value has None for each number.

    Shape:
        values: (columns, rows); overwritten.
    """
    is_finite = np.isfinite(values)
    counts = is_finite.sum(1)
    low = values.min(1, initial=np.inf, where=is_finite)
    high = values.max(1, initial=-np.inf, where=is_finite)
    largest = np.where(counts, np.maximum(np.abs(low), np.abs(high)), 0.0)
    power = np.frexp(largest)[1]
    values[~is_finite] = 0.0
    np.ldexp(values, -power[:, None], out=values)
    number = np.maximum(counts, 1)
    mean = values.sum(1) / number
    values -= mean[:, None]
    values[~is_finite] = 0.0
    deviation = np.sqrt(np.einsum("cr,cr->c", values, values) / number)
    columns = {"min": low, "max": high, "mean": np.ldexp(mean, power), "std": np.ldexp(deviation, power)}
    lists = {name: column.tolist() for name, column in columns.items()}
    numbers = [
        {name: column[index] if counts[index] else None for name, column in lists.items()}
        for index in range(len(values))
    ]
    return numbers, values


def _shares_told(
    deviations: npt.NDArray[np.float64], target: npt.NDArray[Any], codes: Target | None
) -> npt.NDArray[np.float64]:
    """Return the share of each column's variance that the target tells; 0 for a constant column."""
    total = np.einsum("cr,cr->c", deviations, deviations)
    if codes is None:
        wanted = target.astype(np.float64)
        wanted = wanted / (np.abs(wanted).max(initial=0.0) or 1.0)
        wanted -= wanted.mean()
        told = (deviations @ wanted) ** 2 / (wanted @ wanted or 1.0)
    else:
        order = np.argsort(codes, kind="stable")
        present, starts, counts = np.unique(codes[order], return_index=True, return_counts=True)
        sums = np.add.reduceat(deviations[:, order], starts, axis=1) if len(present) else deviations[:, :0]
        told = (sums**2 / counts).sum(1)
    shares: npt.NDArray[np.float64] = np.divide(told, total, out=np.zeros(len(total)), where=total > 0)
    return shares


def histogram(
    values: npt.NDArray[np.floating[Any] | np.int32],
    codes: Target | None,
    classes: int,
    *,
    bins: int = HISTOGRAM_BINS,
) -> dict[str, Any]:
    """Return `edges`, `counts` and `class_counts` of one column's finite values; empty lists if there is none.

    A constant stands in the middle of a range around it. Ends are the least and the largest value, whatever lies
    between them: NumPy's own histogram refuses ranges that overflow, or whose bins floating point cannot tell apart.
    """
    low, high = _range(values)
    if low > high:
        return NO_HISTOGRAM
    is_constant = low == high
    if is_constant:
        low, high = range_around(low)
    unit = 1.0 if high / 2 - low / 2 < MAX_FLOAT / 4 else 0.25  # neither the range nor a bin of it overflows
    edges = np.clip(np.linspace(low * unit, high * unit, bins + 1) / unit, low, high)
    counts = np.zeros(bins * max(1, classes), np.int64)
    for start in range(0, len(values), HISTOGRAM_ROWS):
        part = slice(start, start + HISTOGRAM_ROWS)
        wide = values[part].astype(np.float64)
        is_finite = np.isfinite(wide)
        wide = wide[is_finite]
        places = np.full(len(wide), bins // 2)
        if not is_constant:
            shares = (wide * unit - low * unit) / (high * unit - low * unit)
            places = np.minimum((shares * bins).astype(np.int64), bins - 1)
        own = codes[part][is_finite].astype(np.int64) if codes is not None else 0
        counts += np.bincount(places + bins * own, minlength=len(counts))
    by_class = counts.reshape(-1, bins)
    return {
        "edges": edges.tolist(),
        "counts": by_class.sum(0).tolist(),
        "class_counts": by_class.tolist() if codes is not None else [],
    }


def _range(values: npt.NDArray[np.floating[Any] | np.int32]) -> tuple[float, float]:
    """Return the least and the largest finite value; infinity and its negative if there is none."""
    low, high = np.inf, -np.inf
    for start in range(0, len(values), HISTOGRAM_ROWS):
        wide = values[start : start + HISTOGRAM_ROWS].astype(np.float64)
        if len(wide := wide[np.isfinite(wide)]):
            low, high = min(low, float(wide.min())), max(high, float(wide.max()))
    return low, high


def range_around(constant: float) -> tuple[float, float]:
    """Return the ends of a range in whose middle a constant stands.

    Example:
        >>> range_around(2.0), range_around(-4e6)
        ((1.5, 2.5), (-4000004.0, -3999996.0))
    """
    room = max(0.5, abs(constant) * 1e-6)
    return max(-MAX_FLOAT, constant - room), min(MAX_FLOAT, constant + room)
