"""How well scores rank rows of one class above all others: ROC and precision-recall curves, and the areas under them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from justright.statistics.crossed import Floats
from justright.statistics.estimates import Estimate

Flags = npt.NDArray[np.bool_]
Counts = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Ranking:
    """Rows counted by distinct score, from the highest: all that curves and areas need.

    Shape:
        positives, negatives: (scores,) rows with exactly that score.
        places: (rows,) the place of each row's score.
        is_positive: (rows,).
    """

    positives: Counts
    negatives: Counts
    places: Counts
    is_positive: Flags


def rank_rows(scores: npt.ArrayLike, is_positive: Flags) -> Ranking:
    """Return rows ranked by score.

    Args:
        scores: (rows,), not NaN; higher ones speak for the class.
        is_positive: (rows,) whether a row is of the class.

    Example:
        >>> ranking = rank_rows([0.1, 0.9, 0.9], np.array([False, True, False]))
        >>> ranking.positives.tolist(), ranking.negatives.tolist(), ranking.places.tolist()
        ([1, 0], [1, 1], [1, 0, 0])
    """
    values = -np.asarray(scores, dtype=np.float64)
    order = np.argsort(values)
    sorted_values = values[order]
    starts = np.concatenate([[True], sorted_values[1:] != sorted_values[:-1]])
    places = np.empty(len(values), dtype=np.int64)
    places[order] = np.cumsum(starts) - 1
    every = np.bincount(places)
    positives = np.bincount(places[is_positive], minlength=len(every))
    return Ranking(positives, every - positives, places, is_positive)


def roc_auc(ranking: Ranking) -> Estimate:
    """Return the area under the ROC curve: how often a row of the class has a higher score than another row; ties count half.

    Its influences are the placements of DeLong, DeLong & Clarke-Pearson (Biometrics 44, 1988). Both kinds of rows occur.

    Example:
        >>> scores, is_positive = [0.1, 0.4, 0.35, 0.8], np.array([False, False, True, True])
        >>> roc_auc(rank_rows(scores, is_positive)).value
        0.75
    """
    positives, negatives = ranking.positives.sum(), ranking.negatives.sum()
    # From the highest score: rows above, and those at it by half.
    above = (np.cumsum(ranking.positives) - ranking.positives / 2) / positives
    below = 1 - (np.cumsum(ranking.negatives) - ranking.negatives / 2) / negatives
    value = float((below * ranking.positives).sum() / positives)
    rows = len(ranking.places)
    placement = np.where(ranking.is_positive, below[ranking.places], above[ranking.places]) - value
    weight = np.where(ranking.is_positive, rows / positives, rows / negatives)
    return Estimate(value, placement * weight, int(min(positives, negatives)))


def average_precision(ranking: Ranking) -> Estimate:
    """Return the area under the precision-recall curve, as steps: the mean precision at the scores of the class's rows.

    As scikit-learn's `average_precision_score`. With G(s) the share of all rows that are of the class and score at least s,
    and T(s) that of all rows, it is E[G/T | class]; the influence is the derivative in each row's weight.

    Example:
        >>> scores, is_positive = [0.1, 0.4, 0.35, 0.8], np.array([False, False, True, True])
        >>> round(average_precision(rank_rows(scores, is_positive)).value, 3)
        0.833
    """
    found, total = np.cumsum(ranking.positives), np.cumsum(ranking.positives + ranking.negatives)
    precision, positives, rows = found / total, found[-1], len(ranking.places)
    value = float((precision * ranking.positives).sum() / positives)
    # A row adds to G and T at its own and all lower scores.
    more_found = np.cumsum((ranking.positives / total)[::-1])[::-1]
    more_rows = np.cumsum((ranking.positives * precision / total)[::-1])[::-1]
    own = precision + more_found - value
    influence = np.where(ranking.is_positive, own[ranking.places], 0.0) - more_rows[ranking.places]
    return Estimate(value, influence * (rows / positives), int(min(positives, rows - positives)))


def roc_curve(ranking: Ranking) -> tuple[Floats, Floats]:
    """Return (scores + 1,) false positive rates and true positive rates, from (0, 0) to (1, 1).

    Example:
        >>> [
        ...     values.tolist()
        ...     for values in roc_curve(rank_rows([0.1, 0.9, 0.9], np.array([False, True, False])))
        ... ]
        [[0.0, 0.5, 1.0], [0.0, 1.0, 1.0]]
    """
    false, true = (
        np.concatenate([[0], np.cumsum(counts)]) for counts in (ranking.negatives, ranking.positives)
    )
    return false / false[-1], true / true[-1]


def precision_recall_curve(ranking: Ranking) -> tuple[Floats, Floats]:
    """Return (scores,) recalls, rising, and the precision at each.

    Example:
        >>> ranking = rank_rows([0.1, 0.9, 0.9], np.array([False, True, False]))
        >>> [values.round(3).tolist() for values in precision_recall_curve(ranking)]
        [[1.0, 1.0], [0.5, 0.333]]
    """
    found, total = np.cumsum(ranking.positives), np.cumsum(ranking.positives + ranking.negatives)
    return found / found[-1], found / total
