"""Did the end of training make a variant worse? Compares its loss at the last epoch with that at the chosen one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from justright.diagnosis.evidence import Losses
from justright.diagnosis.measured import Measured
from justright.diagnosis.words.numbers import epochs, estimate, number, sentence
from justright.statistics.crossed import MIN_ROWS, crossed
from justright.statistics.intervals import Interval, interval_of
from justright.statistics.sample_size import Needs, required_seeds_or_rows

# Per-row binary cross-entropy above ln 2 means a probability below 1/2 for the true class: a wrong answer.
WRONG_ABOVE = float(np.log(2))
ACCURACY = "accuracy"  # the score of tasks with classes, as runs record it


@dataclass(frozen=True, slots=True)
class Overfit:
    """What the end of training did to one variant.

    Args:
        rise: loss at the last epoch minus loss at the chosen one, paired by row and seed.
        margin: what counts as a difference.
        train_first: mean training loss at the first epoch; NaN where unknown.
        train_best: the same at the chosen epoch.
        train_last: the same at the last epoch.
        accuracy_change: accuracy at the last epoch minus at the chosen one: by row for binary tasks; by seed for several
            classes, so that it covers other seeds on the same rows; None if unknown.
        needs: what would decide it, if the interval contains the margin.
    """

    rise: Interval
    margin: float
    train_first: float
    train_best: float
    train_last: float
    accuracy_change: Interval | None
    needs: Needs | None

    @property
    def has_risen(self) -> bool:
        """Whether the loss rose by more than the margin: the whole interval lies above it."""
        return self.rise.is_above(self.margin)

    @property
    def is_excluded(self) -> bool:
        """Whether a rise by more than the margin is excluded: the whole interval lies below it."""
        return self.rise.is_below(self.margin)

    @property
    def has_train_fallen(self) -> bool:
        """Whether the training loss fell from the chosen epoch to the last; False where unknown."""
        return self.train_last < self.train_best

    @property
    def has_train_risen(self) -> bool:
        """Whether training went wrong: its loss rose by more than the margin, and above that of the first epoch.

        A smaller rise is the ordinary jitter from epoch to epoch.
        """
        start = self.train_first if np.isfinite(self.train_first) else self.train_best
        return self.train_last > max(self.train_best + self.margin, start)


def judge_overfit(measured: Measured, margin: float, *, is_binary: bool, level: float) -> Overfit:
    """Return what the end of training did to a variant.

    Args:
        measured: its losses at both epochs.
        margin: what counts as a difference, in units of the loss.
        is_binary: whether losses are binary cross-entropies, from which accuracy follows row by row.
        level: coverage of the intervals.
    """
    table = crossed(measured.rise)
    rise = interval_of(table, level=level)
    is_open = rise.low <= margin <= rise.high
    return Overfit(
        rise,
        margin,
        float(np.mean([run.train_loss_first for run in measured.runs])),
        float(np.mean([run.train_loss_best for run in measured.runs])),
        float(np.mean([run.train_loss_last for run in measured.runs])),
        _accuracy_change(measured, level) if is_binary else _score_change(measured, level),
        required_seeds_or_rows(table, margin, level=level) if is_open else None,
    )


def overfit_reasons(overfit: Overfit, measured: Measured) -> tuple[str, ...]:
    """Return the sentences about the end of training: the change, the training loss, the accuracy."""
    chosen = [run.chosen_epoch for run in measured.runs]
    at_chosen = f"the best {epochs(min(chosen), max(chosen))}"
    sentences = [_change_sentence(overfit, at_chosen, measured.loss)]
    if overfit.has_risen and np.isfinite(overfit.train_last - overfit.train_best):
        verb = "fell" if overfit.has_train_fallen else "rose" if overfit.has_train_risen else "did not fall"
        sentences.append(
            f"Meanwhile the training loss {verb}: {number(overfit.train_best)} at {at_chosen}, "
            f"{number(overfit.train_last)} at the last."
        )
    elif overfit.has_risen:
        sentences.append("The training loss is not known, so overfitting cannot be told from divergence.")
    accuracy = overfit.accuracy_change
    if overfit.has_risen and accuracy is not None and not accuracy.is_below(0.0):
        sentences.append(
            f"Accuracy does not confirm it: it changes by {estimate(accuracy)} from {at_chosen} to the last."
        )
    elif not overfit.has_risen and accuracy is not None and accuracy.is_below(0.0):
        sentences.append(
            f"Accuracy disagrees with the loss: it falls by {estimate(accuracy.negated())} from {at_chosen} to the last."
        )
    return tuple(sentences)


def errors(curve: Mapping[int, Losses]) -> dict[int, Losses]:
    """Return epoch -> (rows,) 1 where the answer is wrong, else 0, from binary cross-entropies; NaN stays NaN.

    Example:
        >>> errors({3: np.array([0.1, 0.9], np.float32)})
        {3: array([0., 1.], dtype=float32)}
    """
    return {
        epoch: np.where(np.isfinite(losses), losses > WRONG_ABOVE, np.nan).astype(np.float32)
        for epoch, losses in curve.items()
    }


def _change_sentence(overfit: Overfit, at_chosen: str, loss: str) -> str:
    """Return the sentence about the loss at the last epoch."""
    rise = overfit.rise
    if rise.low == rise.high == 0:
        return "The best epoch is the last one, so the end of training cannot have made the loss worse."
    size, side = (rise, "above") if rise.mean >= 0 else (rise.negated(), "below")
    said = f"{loss} at the last epoch is {estimate(size)} {side} that at {at_chosen} (margin {number(overfit.margin)})."
    is_open = rise.low <= overfit.margin <= rise.high
    return sentence(said) + (" Whether it rises by more than the margin is open." if is_open else "")


def _accuracy_change(measured: Measured, level: float) -> Interval:
    """Return accuracy at the last epoch minus at the chosen one, paired, from binary cross-entropies."""
    best, last = measured.best < WRONG_ABOVE, measured.last < WRONG_ABOVE
    return interval_of(crossed(last.astype(np.float64) - best), level=level)


def _score_change(measured: Measured, level: float) -> Interval | None:
    """Return accuracy at the last epoch minus at the chosen one from the runs' own scores: Student's t over seeds.

    None with fewer than two seeds, or where a run has no accuracy.
    """
    pairs = [(run.score_best.get(ACCURACY), run.score_last.get(ACCURACY)) for run in measured.runs]
    changes = [last - best for best, last in pairs if best is not None and last is not None]
    if len(changes) < max(len(pairs), MIN_ROWS) or measured.source != "test":
        return None
    # Seeds in the place of rows: with a single "seed" the interval is Student's t over what is left.
    return interval_of(crossed([changes]), level=level)
