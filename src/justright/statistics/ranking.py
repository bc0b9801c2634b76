"""How well scores rank rows of one class above all others: ROC and precision-recall curves, and the areas under them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from justright.runs.weighted_means import effective_rows, spread_out
from justright.statistics.crossed import Floats
from justright.statistics.estimates import Estimate

Flags = npt.NDArray[np.bool_]
Counts = npt.NDArray[np.int32]  # half as large as what NumPy counts with: there may be millions of rows

BLOCK_ROWS = 1 << 16  # looked up at a time


@dataclass(frozen=True, slots=True, eq=False)
class Ranking:
    """Rows counted by distinct score, from the highest: all that curves and areas need.

    Shape:
        positives, negatives: (scores,) rows with exactly that score, each counted by its weight.
        places: (rows,) the place of each row's score.
        is_positive: (rows,).
        weights: (rows,) how much each counts, above 0 and with mean 1; None if all count the same.
    """

    positives: Counts | Floats
    negatives: Counts | Floats
    places: Counts
    is_positive: Flags
    weights: Floats | None = None

    @property
    def fewest(self) -> int:
        """Rows of the rarer kind: so many as of equal weight tell as much."""
        if self.weights is None:
            return int(min(self.positives.sum(), self.negatives.sum()))
        kinds = (self.weights[self.is_positive], self.weights[~self.is_positive])
        return max(int(min(map(effective_rows, kinds))), 1)

    def weighed(self, influence: Floats) -> Floats:
        """Return (rows,) influences that count by their rows' weights."""
        return influence if self.weights is None else spread_out(influence * self.weights, self.weights)


def rank_rows(scores: npt.ArrayLike, is_positive: Flags, weights: Floats | None = None) -> Ranking:
    """Return rows ranked by score.

    Args:
        scores: (rows,), not NaN; higher ones speak for the class.
        is_positive: (rows,) whether a row is of the class.
        weights: (rows,) how much each counts, above 0 and with mean 1; None if all count the same.

    Example:
        >>> ranking = rank_rows([0.1, 0.9, 0.9], np.array([False, True, False]))
        >>> ranking.positives.tolist(), ranking.negatives.tolist(), ranking.places.tolist()
        ([1, 0], [1, 1], [1, 0, 0])
    """
    given = np.asarray(scores)
    values = -(given if given.dtype == np.float32 else given.astype(np.float64))
    order = np.argsort(values)
    values = values[order]
    number = np.concatenate([[True], values[1:] != values[:-1]]).cumsum(dtype=np.int32)
    number -= 1
    del values
    places = np.empty_like(number)
    places[order] = number
    del order, number
    if weights is not None:
        own: Floats = np.bincount(places, np.where(is_positive, weights, 0.0)).astype(np.float64)
        other: Floats = np.bincount(places, np.where(is_positive, 0.0, weights)).astype(np.float64)
        return Ranking(own, other, places, is_positive, weights)
    every = np.bincount(places).astype(np.int32)
    positives = np.bincount(places[is_positive], minlength=len(every)).astype(np.int32)
    every -= positives
    return Ranking(positives, every, places, is_positive)


def roc_auc(ranking: Ranking) -> Estimate:
    """Return the area under the ROC curve: how often a row of the class has a higher score than another row; ties count half.

    Its influences are the placements of DeLong, DeLong & Clarke-Pearson (Biometrics 44, 1988). Both kinds of rows occur.

    Example:
        >>> scores, is_positive = [0.1, 0.4, 0.35, 0.8], np.array([False, False, True, True])
        >>> roc_auc(rank_rows(scores, is_positive)).value
        0.75
    """
    positives, negatives = ranking.positives.sum(), ranking.negatives.sum()
    rows, is_positive = len(ranking.places), ranking.is_positive
    below = _counted_to_middle(ranking.negatives)
    below /= negatives
    np.subtract(1, below, out=below)
    placement = np.empty(rows)
    value = float(np.multiply(below, ranking.positives, out=placement[: len(below)]).sum() / positives)
    for part, at in _looked_up(below, ranking.places):
        placement[part] = np.where(is_positive[part], (at - value) * (rows / positives), 0.0)
    del below
    above = _counted_to_middle(ranking.positives)
    above /= positives
    for part, at in _looked_up(above, ranking.places):
        placement[part] += np.where(is_positive[part], 0.0, (at - value) * (rows / negatives))
    return Estimate(value, ranking.weighed(placement), ranking.fewest)


def _looked_up(values: Floats, places: Counts) -> Iterator[tuple[slice, Floats]]:
    """Yield the values at these places, a block of rows at a time: NumPy would copy all places as larger numbers."""
    for start in range(0, len(places), BLOCK_ROWS):
        part = slice(start, start + BLOCK_ROWS)
        yield part, values[places[part]]


def _counted_to_middle(counts: Counts | Floats) -> Floats:
    """Return (scores,) rows with higher scores, and by half those with the same."""
    found = counts.cumsum(dtype=np.float64)
    for start in range(0, len(counts), BLOCK_ROWS):
        part = slice(start, start + BLOCK_ROWS)
        found[part] -= counts[part] / 2
    return found


def average_precision(ranking: Ranking) -> Estimate:
    """Return the area under the precision-recall curve, as steps: the mean precision at the scores of the class's rows.

    As scikit-learn's `average_precision_score`. With G(s) the share of all rows that are of the class and score at least s,
    and T(s) that of all rows, it is E[G/T | class]; the influence is the derivative in each row's weight.

    Example:
        >>> scores, is_positive = [0.1, 0.4, 0.35, 0.8], np.array([False, False, True, True])
        >>> round(average_precision(rank_rows(scores, is_positive)).value, 3)
        0.833
    """
    total = np.cumsum(ranking.positives + ranking.negatives, dtype=np.float64)
    precision = np.cumsum(ranking.positives, dtype=np.float64)
    precision /= total
    positives, rows = ranking.positives.sum(), len(ranking.places)
    # A row adds to G and T at its own and all lower scores.
    own = ranking.positives / total
    _sum_from_each(own)
    own += precision
    precision *= ranking.positives
    value = float(precision.sum() / positives)
    own -= value
    lost = np.divide(precision, total, out=precision)
    del total
    _sum_from_each(lost)
    influence = np.empty(rows)
    for part, at in _looked_up(lost, ranking.places):
        influence[part] = -at
    del lost, precision
    for part, at in _looked_up(own, ranking.places):
        influence[part] += np.where(ranking.is_positive[part], at, 0.0)
    influence *= rows / positives
    return Estimate(value, ranking.weighed(influence), ranking.fewest)


def _sum_from_each(values: Floats) -> None:
    """Replace each value by the sum from it on to the last.

    Example:
        >>> values = np.array([1.0, 2.0, 4.0])
        >>> _sum_from_each(values)
        >>> values.tolist()
        [7.0, 6.0, 4.0]
    """
    np.cumsum(values[::-1], out=values[::-1])


def roc_curve(ranking: Ranking) -> tuple[Floats, Floats]:
    """Return (scores + 1,) false positive rates and true positive rates, from (0, 0) to (1, 1).

    Example:
        >>> [
        ...     values.tolist()
        ...     for values in roc_curve(rank_rows([0.1, 0.9, 0.9], np.array([False, True, False])))
        ... ]
        [[0.0, 0.5, 1.0], [0.0, 1.0, 1.0]]
    """
    return _shares_from_zero(ranking.negatives), _shares_from_zero(ranking.positives)


def _shares_from_zero(counts: Counts | Floats) -> Floats:
    shares = np.zeros(len(counts) + 1)
    counts.cumsum(out=shares[1:])
    shares /= shares[-1]
    return shares


def precision_recall_curve(ranking: Ranking) -> tuple[Floats, Floats]:
    """Return (scores,) recalls, rising, and the precision at each.

    Example:
        >>> ranking = rank_rows([0.1, 0.9, 0.9], np.array([False, True, False]))
        >>> [values.round(3).tolist() for values in precision_recall_curve(ranking)]
        [[1.0, 1.0], [0.5, 0.333]]
    """
    found = np.cumsum(ranking.positives)
    precision = found / np.cumsum(ranking.positives + ranking.negatives)
    return found / found[-1], precision
