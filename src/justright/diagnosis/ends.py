"""Did the end of training make a variant worse? Compares its loss at the last epoch with that at the chosen one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

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
class Spike:
    """A single late epoch far above its neighbours: it decides nothing.

    Args:
        seed: of the run.
        epoch: which.
        loss: validation loss after it.
        level: of its neighbours.
    """

    seed: int
    epoch: int
    loss: float
    level: float

    def to_dict(self) -> dict[str, Any]:
        """Return the spike as in result.json."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class End:
    """What the end of training did to one variant.

    Args:
        rise: loss at the last epoch minus loss at the chosen one, paired by row and seed.
        raw_rise: the same at exactly these two epochs.
        fall: by how much the loss still fell in the last part of training; None where nothing can be said.
        spikes: single late epochs far above their neighbours.
        margin: what counts as a difference.
        train_first: mean training loss at the first epoch; NaN where unknown.
        train_best: the same at the chosen epoch.
        train_last: the same at the last epoch.
        accuracy_change: accuracy at the last epoch minus at the chosen one: by row for binary tasks; by seed for several
            classes, so that it covers other seeds on the same rows; None if unknown.
        needs: what would decide it, if the interval contains the margin.
    """

    rise: Interval
    raw_rise: Interval
    fall: Interval | None
    spikes: tuple[Spike, ...]
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
    def is_still_falling(self) -> bool:
        """Whether the loss fell by more than the margin in the last part of training: the whole interval lies above it."""
        return self.fall is not None and self.fall.is_above(self.margin)

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


def judge_end(measured: Measured, margin: float, *, is_binary: bool, level: float) -> End:
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
    return End(
        rise,
        rise,
        None,
        (),
        margin,
        float(np.mean([run.train_loss_first for run in measured.runs])),
        float(np.mean([run.train_loss_best for run in measured.runs])),
        float(np.mean([run.train_loss_last for run in measured.runs])),
        _accuracy_change(measured, level) if is_binary else _score_change(measured, level),
        required_seeds_or_rows(table, margin, level=level) if is_open else None,
    )


def end_reasons(end: End, measured: Measured) -> tuple[str, ...]:
    """Return the sentences about the end of training: the change, the training loss, the accuracy."""
    chosen = [run.chosen_epoch for run in measured.runs]
    at_chosen = f"the best {epochs(min(chosen), max(chosen))}"
    sentences = [_change_sentence(end, at_chosen, measured.loss)]
    if end.has_risen and np.isfinite(end.train_last - end.train_best):
        verb = "fell" if end.has_train_fallen else "rose" if end.has_train_risen else "did not fall"
        sentences.append(
            f"Meanwhile the training loss {verb}: {number(end.train_best)} at {at_chosen}, "
            f"{number(end.train_last)} at the last."
        )
    elif end.has_risen:
        sentences.append("The training loss is not known, so overfitting cannot be told from divergence.")
    accuracy = end.accuracy_change
    if end.has_risen and accuracy is not None and not accuracy.is_below(0.0):
        sentences.append(
            f"Accuracy does not confirm it: it changes by {estimate(accuracy)} from {at_chosen} to the last."
        )
    elif not end.has_risen and accuracy is not None and accuracy.is_below(0.0):
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


def _change_sentence(end: End, at_chosen: str, loss: str) -> str:
    """Return the sentence about the loss at the last epoch."""
    rise = end.rise
    if rise.low == rise.high == 0:
        return "The best epoch is the last one, so the end of training cannot have made the loss worse."
    size, side = (rise, "above") if rise.mean >= 0 else (rise.negated(), "below")
    said = f"{loss} at the last epoch is {estimate(size)} {side} that at {at_chosen} (margin {number(end.margin)})."
    is_open = rise.low <= end.margin <= rise.high
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
