"""Metrics of predicted classes and their probabilities, each with the influence of every row.

Averages over classes are over those that the rows contain. Definitions are those of scikit-learn.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from justright.runs.losses import log_probabilities
from justright.runs.weighted_means import effective_rows, spread_out, weighted_mean
from justright.statistics.crossed import Floats
from justright.statistics.estimates import Estimate
from justright.statistics.ranking import Flags, Ranking, average_precision, rank_rows, roc_auc

Classes = npt.NDArray[np.signedinteger[Any]]

BINS = 15  # of probabilities, as Guo et al. (ICML 2017) have them
MOST_RANKED = 30  # classes: each takes a sort of all rows
BLOCK_ROWS = 1 << 16  # looked at together: their temporary values stay in a processor's cache
ONE_CLASS = "The measured rows contain one class only, so that there is nothing to tell apart."
TOO_MANY = f"It is computed for at most {MOST_RANKED} classes."


@dataclass(frozen=True, slots=True, eq=False)
class ClassPredictions:
    """What one run said about rows of known classes.

    Probabilities and losses are computed when they are asked for, since of millions of rows each takes as much memory as
    several features.

    Shape:
        scores: (rows, 1) the probability of class 1 of two, or its logit; (rows, classes) probabilities of more classes,
            which sum to 1, or their logarithms.
        classes: (rows,) own class, from 0.
        weights: (rows,) how much each counts, above 0 and with mean 1; None if all count the same.

    Args:
        are_logits: whether scores are logits, or logarithms.
    """

    scores: npt.NDArray[np.floating[Any]]
    classes: Classes
    are_logits: bool
    weights: Floats | None = None

    @property
    def count(self) -> int:
        """The number of classes."""
        return max(2, int(self.scores.shape[1]))

    @property
    def is_binary(self) -> bool:
        """Whether there are two classes, of which metrics are about the second."""
        return self.count == 2

    @property
    def probabilities(self) -> Floats:
        """(rows, 1) of class 1 of two, or (rows, classes)."""
        found = np.empty(self.scores.shape)
        for part in _blocks(len(found)):
            scores = self.scores[part].astype(np.float64)
            is_one = scores.shape[1] == 1
            if self.are_logits:
                found[part] = np.exp(-np.logaddexp(0.0, -scores) if is_one else scores)
            else:
                found[part] = np.clip(scores, 0.0, 1.0) if is_one else scores
        return found

    @property
    def losses(self) -> Floats:
        """(rows,) minus the logarithm of the probability of the own class."""
        found = np.empty(len(self.classes))
        for part in _blocks(len(found)):
            scores = self.scores[part].astype(np.float64)
            found[part] = -log_probabilities(scores, self.classes[part], are_logits=self.are_logits)
        return found

    @property
    def predicted(self) -> Classes:
        """(rows,) the most probable class; with two classes the second only if its probability is above 1/2."""
        if self.scores.shape[1] > 1:
            return np.asarray(self.scores.argmax(axis=1), dtype=np.int32)
        return np.asarray(self.scores[:, 0] > (0.0 if self.are_logits else 0.5), dtype=np.int32)


def class_metrics(predictions: ClassPredictions) -> Iterator[tuple[str, Estimate | str]]:
    """Yield every metric of one run with its name, or the reason why it has none: one at a time, for each is as long as the rows.

    Example:
        >>> found = dict(
        ...     class_metrics(
        ...         ClassPredictions(np.array([[0.1], [0.8], [0.4], [0.6]]), np.array([0, 1, 1, 0]), False)
        ...     )
        ... )
        >>> found["accuracy"].value, found["roc_auc"].value, round(found["brier_score"].value, 4)
        (0.5, 0.75, 0.1925)
    """
    table = Confusion.of(predictions)
    has_several = np.count_nonzero(table.counts.sum(axis=1)) > 1
    yield "accuracy", table.accuracy()
    yield "balanced_accuracy", table.balanced_accuracy() if has_several else ONE_CLASS
    yield "f1", table.f1(is_binary=predictions.is_binary) if has_several else ONE_CLASS
    yield "matthews_correlation", table.matthews_correlation() if has_several else ONE_CLASS
    del table
    if has_several:
        yield from _ranked(predictions)
    else:
        yield from dict.fromkeys(RANKED, ONE_CLASS).items()
    weights = predictions.weights
    yield "log_loss", mean_of_rows(predictions.losses, weights)
    chances = predictions.probabilities
    yield "brier_score", brier_score(chances, predictions.classes, weights)
    yield (
        "calibration_error",
        calibration_error(*told_and_seen(chances, predictions.classes), weights).estimate,
    )


def _blocks(rows: int) -> Iterator[slice]:
    return (slice(start, start + BLOCK_ROWS) for start in range(0, rows, BLOCK_ROWS))


def mean_of_rows(values: Floats, weights: Floats | None = None) -> Estimate:
    """Return the mean of values, one for each row.

    Args:
        values: (rows,).
        weights: (rows,) how much each counts, with mean 1; None if all count the same.

    Example:
        >>> mean_of_rows(np.array([1.0, 3.0])).influence.tolist()
        [-1.0, 1.0]
    """
    if weights is not None:
        value = weighted_mean(values, weights)
        return Estimate(value, spread_out(weights * (values - value), weights), rows_worth(weights))
    value = float(values.mean())
    return Estimate(value, values - value, len(values))


def rows_worth(weights: Floats) -> int:
    """Return how many rows of equal weight tell as much as these: a whole number, at least 1."""
    return max(int(effective_rows(weights)), 1)


def brier_score(chances: Floats, classes: Classes, weights: Floats | None = None) -> Estimate:
    """Return the mean squared error of probabilities: of class 1, or summed over more than two classes.

    Args:
        chances: as `ClassPredictions.probabilities`.
        classes: (rows,) own class.
        weights: as of `mean_of_rows`.
    """
    if chances.shape[1] == 1:
        missed = chances[:, 0] - classes
        return mean_of_rows(np.square(missed, out=missed), weights)
    own = chances[np.arange(len(classes)), classes]
    return mean_of_rows((chances**2).sum(axis=1) - 2 * own + 1, weights)


@dataclass(frozen=True, slots=True, eq=False)
class Calibration:
    """Rows by the probability they were given.

    Shape:
        rows, told, seen: (BINS,) rows in each bin, the mean probability that they were given, and the share for which it
            came true; NaN in an empty bin. Rows that count differently are so many as of equal weight tell as much.

    Args:
        estimate: the expected calibration error.
    """

    rows: Floats
    told: Floats
    seen: Floats
    estimate: Estimate


def told_and_seen(chances: Floats, classes: Classes) -> tuple[Floats, Flags]:
    """Return (rows,) probabilities and whether they came true: of class 1, or of the most probable of several classes.

    Arguments as for `brier_score`.
    """
    if chances.shape[1] == 1:
        return chances[:, 0], classes == 1
    predicted = chances.argmax(axis=1)
    return chances[np.arange(len(predicted)), predicted], predicted == classes


def calibration_error(told: Floats, seen: Flags, weights: Floats | None = None) -> Calibration:
    """Return how far probabilities are from the shares that came true, in bins of equal width: mean distance over rows.

    It is above 0 although all probabilities are right, because a bin has few rows: at most by its `excess`, on average.

    Args:
        told: (rows,) probabilities.
        seen: (rows,) whether it came true.
        weights: as of `mean_of_rows`.

    Example:
        >>> round(
        ...     calibration_error(np.array([0.8, 0.8, 0.1]), np.array([True, False, False])).estimate.value, 4
        ... )
        0.2333
    """
    bins = np.minimum((told * BINS).astype(np.int8), BINS - 1)
    if weights is not None:
        return _weighted_calibration(bins, told, seen, weights)
    counts = np.bincount(bins, minlength=BINS).astype(np.float64)
    with np.errstate(invalid="ignore"):
        means = [np.bincount(bins, each, minlength=BINS) / counts for each in (told, seen)]
    missed = told - seen
    sums = np.bincount(bins, missed, minlength=BINS)
    value = float(np.abs(sums).sum() / len(told))
    squares = np.bincount(bins, missed**2, minlength=BINS)
    spread = np.sqrt(
        np.maximum(squares - np.divide(sums**2, counts, out=np.zeros(BINS), where=counts > 0), 0)
    )
    excess = float(np.sqrt(2 / np.pi) * spread.sum() / len(told))  # the mean size of normal deviates
    missed *= np.sign(sums)[bins]
    missed -= missed.mean()
    return Calibration(counts, means[0], means[1], Estimate(value, missed, len(told), excess))


def _weighted_calibration(bins: Classes, told: Floats, seen: Flags, weights: Floats) -> Calibration:
    """Return the same of rows that count differently."""

    def summed(values: Floats) -> Floats:
        return np.bincount(bins, values, minlength=BINS).astype(np.float64)

    counts, missed = summed(weights), told - seen
    with np.errstate(invalid="ignore"):
        means = [summed(weights * each) / counts for each in (told, seen)]
        rows = np.nan_to_num(counts**2 / summed(weights**2))
    sums = summed(weights * missed)
    value = float(np.abs(sums).sum() / len(told))
    about = missed - np.divide(sums, counts, out=np.zeros(BINS), where=counts > 0)[bins]
    spread = np.sqrt(summed((weights * about) ** 2))
    excess = float(np.sqrt(2 / np.pi) * spread.sum() / len(told))
    influence = weights * (missed * np.sign(sums)[bins] - value)
    estimate = Estimate(value, spread_out(influence, weights), rows_worth(weights), excess)
    return Calibration(rows, means[0], means[1], estimate)


@dataclass(frozen=True, slots=True, eq=False)
class Confusion:
    """How often each class was predicted for each class.

    Shape:
        counts: (own classes, predicted classes) rows, each counted by its weight.
        cells: (rows,) the place of each row in the flattened counts.
        weights: (rows,) as of the predictions.
    """

    counts: Floats
    cells: Classes
    weights: Floats | None = None

    @classmethod
    def of(cls, predictions: ClassPredictions) -> Confusion:
        """Return the table of one run."""
        classes = predictions.count
        cells = predictions.classes * np.int32(classes) + predictions.predicted
        counts = np.bincount(cells, predictions.weights, classes * classes).reshape(classes, classes)
        return cls(counts.astype(np.float64), cells, predictions.weights)

    @property
    def rows(self) -> Floats:
        """(own classes,) rows of each class: so many as of equal weight tell as much."""
        counts: Floats = self.counts.sum(axis=1)
        if self.weights is None:
            return counts
        squares = np.bincount(self.cells, self.weights**2, self.counts.size).reshape(self.counts.shape)
        return np.asarray(np.maximum(np.floor(_divided(counts**2, squares.sum(axis=1))), 1.0))

    @property
    def shares(self) -> Floats:
        """The counts as shares of all rows."""
        return np.asarray(self.counts / self.counts.sum())

    def accuracy(self) -> Estimate:
        """Return the share of rows whose own class is predicted."""
        value = float(np.trace(self.shares))
        return self._estimate(value, np.eye(len(self.counts)) - value, self._all_rows)

    @property
    def _all_rows(self) -> int:
        return len(self.cells) if self.weights is None else rows_worth(self.weights)

    def balanced_accuracy(self) -> Estimate:
        """Return the mean over classes of the share of their rows that is predicted right."""
        own = self.shares.sum(axis=1)
        is_there = own > 0
        recall = _divided(np.diag(self.shares), own)
        moved = _divided((np.eye(len(own)) - recall[:, None]).T, own).T / is_there.sum()
        fewest = int(self.rows[is_there].min())
        return self._estimate(float(recall[is_there].mean()), moved, fewest)

    def f1(self, *, is_binary: bool) -> Estimate:
        """Return the harmonic mean of precision and recall of class 1 of two, or its mean over several classes."""
        own, said = self.shares.sum(axis=1), self.shares.sum(axis=0)
        both = own + said
        is_there = both > 0
        scores = _divided(2 * np.diag(self.shares), both)
        weights = is_there / is_there.sum()
        if is_binary:
            weights = np.array([0.0, 1.0])
        lost = _divided(scores * weights, both)
        moved = np.diag(_divided(2 * weights, both)) - lost[:, None] - lost[None, :]
        counted = self.rows[(weights > 0) & (own > 0)]
        return self._estimate(float(scores @ weights), moved, int(counted.min(initial=self._all_rows)))

    def matthews_correlation(self) -> Estimate:
        """Return the correlation of own and predicted class (Gorodkin 2004); 0, its limit, where one class is always predicted."""
        own, said, right = self.shares.sum(axis=1), self.shares.sum(axis=0), np.trace(self.shares)
        spread = (1 - own @ own), (1 - said @ said)
        root = np.sqrt(max(spread[0] * spread[1], 0.0))
        if not root > 0:
            return self._estimate(0.0, np.zeros_like(self.counts), self._all_rows)
        above = right - own @ said
        value = float(above / root)
        moved_above = np.eye(len(own)) - right - (said[:, None] + own[None, :] - 2 * own @ said)
        moved_spread = (
            -2 * (own - own @ own)[:, None] / spread[0] - 2 * (said - said @ said)[None, :] / spread[1]
        )
        fewest = int(self.rows[own > 0].min())
        return self._estimate(value, moved_above / root - value / 2 * moved_spread, fewest)

    def _estimate(self, value: float, moved: Floats, fewest: int) -> Estimate:
        """Return a metric from the influence of each cell's rows."""
        # Of cells without rows nothing is asked; the mean of the rest is 0 up to rounding.
        moved = moved - (moved * self.shares).sum()
        influence = moved.ravel()[self.cells]
        if self.weights is not None:
            influence = spread_out(self.weights * influence, self.weights)
        return Estimate(value, influence, fewest)


def _ranked(predictions: ClassPredictions) -> Iterator[tuple[str, Estimate | str]]:
    """Yield the areas under the curves: of class 1 of two, or the mean over several classes, each against the rest."""
    present = [1] if predictions.is_binary else np.unique(predictions.classes).tolist()
    if len(present) > MOST_RANKED:
        yield from dict.fromkeys(RANKED, TOO_MANY).items()
        return
    rankings = [class_ranking(predictions, each) for each in present]
    for name, metric in RANKED.items():
        if len(rankings) == 1:
            yield name, metric(rankings[0])
            continue
        each = [metric(ranking) for ranking in rankings]
        yield (
            name,
            Estimate(
                float(np.mean([one.value for one in each])),
                np.mean([one.influence for one in each], axis=0),
                min(one.fewest for one in each),
            ),
        )


def class_ranking(predictions: ClassPredictions, which: int) -> Ranking:
    """Return rows ranked by how much speaks for one class against all others."""
    column = 0 if predictions.scores.shape[1] == 1 else which
    return rank_rows(predictions.scores[:, column], predictions.classes == which, predictions.weights)


def _divided(above: Floats, below: Floats) -> Floats:
    """Return a quotient, 0 where the divisor is."""
    return np.divide(
        above, below, out=np.zeros(np.broadcast_shapes(above.shape, below.shape)), where=below > 0
    )


RANKED: dict[str, Callable[[Ranking], Estimate]] = {
    "roc_auc": roc_auc,
    "average_precision": average_precision,
}
