"""Did the end of training make a variant worse, and was its loss still falling? The jitter from epoch to epoch decides neither.

The *rise* is that of the trend: the level of the loss about the last epoch minus its level about the chosen one. Both
epochs are single draws of a curve that jitters, and the chosen one is among its lowest, so their plain difference
(`raw_rise`) is too large on average. Where both lie in the jitter shows on the curve of validation rows, which has every
epoch. The part of it that is common to all rows is taken out of the difference on the rows that measure, and what this
leaves unknown is added to the interval (`statistics/jitter.py`).

The *fall* is that of the validation loss along the last quarter of the epochs, for runs that ended at their epoch limit: by
about as much, or less, it would fall in as many epochs more. It is told only where at
least half of these runs chose an epoch of their last quarter; others have trained that long without finding a better one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from justright.diagnosis.evidence import Losses, RunEvidence
from justright.diagnosis.measured import Measured, RowSource, chosen_by_halves
from justright.diagnosis.words.numbers import epochs, estimate, number, rough, sentence
from justright.runs.weighted_means import linearised, weighed
from justright.statistics.crossed import MIN_ROWS, Floats, crossed
from justright.statistics.intervals import Interval, interval_of
from justright.statistics.jitter import (
    Fall,
    Jittered,
    Stray,
    common_share,
    fall_of,
    luck_of,
    neighbourhood,
    share_error,
    slope_fall_of,
    stray,
    uncertain,
)
from justright.statistics.sample_size import Needs
from justright.statistics.spikes import find_spikes

# Per-row binary cross-entropy above ln 2 means a probability below 1/2 for the true class: a wrong answer.
WRONG_ABOVE = float(np.log(2))
ACCURACY = "accuracy"  # the score of tasks with classes, as runs record it
PARTS = 4  # the last quarter of the epochs is compared with the one before
LEAST_EPOCHS = 8  # of a run whose fall is told: two in each quarter
LEAST_OF_LINE = 5  # epochs in the last quarter of a run, for a line through it that knows its own error
MOST_PAIRS = 8  # of kept epochs that show how much single rows jitter; more of them only take time
SPIKE_MARGINS = 5.0  # a spike lies at least so many margins above its neighbours


@dataclass(frozen=True, slots=True)
class Spike:
    """A single late epoch whose validation loss lies far above that of its neighbours.

    Args:
        seed: of the run.
        epoch: which.
        loss: there.
        level: of its neighbours.
    """

    seed: int
    epoch: int
    loss: float
    level: float

    def to_dict(self) -> dict[str, Any]:
        """Return the spike as plain values."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class End:
    """What the end of training did to one variant.

    Args:
        rise: of the trend of the loss from the chosen epoch to the last, on the rows that measure; its interval covers
            rows, seeds, and which epochs of a jittering curve these happen to be.
        raw_rise: the difference of exactly these two epochs; its interval covers rows and seeds only.
        fall: by how much the validation loss still fell in the last quarter of runs that ended at their epoch limit;
            None where no run did, or where nothing can be said.
        spikes: late epochs far above their neighbours, of all runs; they decide nothing.
        margin: what counts as a difference.
        train_first: mean training loss at the first epoch; NaN where unknown.
        train_best: the same at the chosen epoch.
        train_last: the same at the last epoch.
        accuracy_change: accuracy at the last epoch minus at the chosen one: by row for binary tasks; by seed for several
            classes, so that it covers other seeds on the same rows; None if unknown.
        needs: what would decide the rise, if its interval contains the margin.
        jitter: standard deviation of the validation loss about its trend, from epoch to epoch; NaN where unknown.
        fall_epochs: over how many epochs the loss fell by `fall`: a quarter of the longest run's.
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
    jitter: float = float("nan")
    fall_epochs: int = 0

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
        """Whether the validation loss still fell by more than the margin in the last quarter: the whole interval does."""
        return self.fall is not None and self.fall.is_above(self.margin)

    @property
    def fall_is_excluded(self) -> bool:
        """Whether it is excluded that the validation loss still fell by more than the margin; False where unknown."""
        return self.fall is not None and self.fall.is_below(self.margin)

    @property
    def is_train_known(self) -> bool:
        """Whether the training loss is known at both epochs, so that overfitting can be told from divergence."""
        return bool(np.isfinite(self.train_last - self.train_best))

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


def judge_rise(measured: Measured, *, level: float) -> Interval:
    """Return by how much the end of training is worse than the chosen epoch: `End.rise`, at any level."""
    return _risen(measured, level)[0].interval(level=level)


def judge_end(measured: Measured, margin: float, *, is_binary: bool, level: float) -> End:
    """Return what the end of training did to a variant.

    Args:
        measured: its losses at both epochs, and its runs.
        margin: what counts as a difference, in units of the loss.
        is_binary: whether losses are binary cross-entropies, from which accuracy follows row by row.
        level: coverage of the intervals.
    """
    risen, jitter = _risen(measured, level)
    rise = risen.interval(level=level)
    fallen, fall_epochs = _fallen(measured.runs, level)
    is_open = rise.low <= margin <= rise.high
    return End(
        rise=rise,
        raw_rise=interval_of(crossed(measured.rise), level=level),
        fall=fallen,
        spikes=tuple(spike for run in measured.runs for spike in _spikes(run, margin)),
        margin=margin,
        train_first=float(np.mean([run.train_loss_first for run in measured.runs])),
        train_best=float(np.mean([run.train_loss_best for run in measured.runs])),
        train_last=float(np.mean([run.train_loss_last for run in measured.runs])),
        accuracy_change=_accuracy_change(measured, level) if is_binary else _score_change(measured, level),
        needs=risen.needs(margin, level=level) if is_open else None,
        jitter=jitter,
        fall_epochs=fall_epochs,
    )


def end_reasons(end: End, measured: Measured) -> tuple[str, ...]:
    """Return the sentences about the end of training: the rise, jitter, spikes, training loss and accuracy."""
    chosen = [run.chosen_epoch for run in measured.runs]
    at_chosen = f"the best {epochs(min(chosen), max(chosen))}"
    sentences = [_rise_sentence(end, at_chosen, measured.loss), *_jitter_sentence(end)]
    if end.spikes:
        sentences.append(_spike_sentence(end.spikes, len(measured.runs)))
    if end.has_risen and end.is_train_known:
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


def fall_sentence(end: End) -> str:
    """Return the sentence about the loss in the last part of runs that ended at their epoch limit; empty where unknown."""
    if end.fall is None:
        return ""
    size, verb = (end.fall, "fell") if end.fall.mean >= 0 else (end.fall.negated(), "rose")
    said = f"Over the last {end.fall_epochs} epochs the validation loss {verb} by {estimate(size)}"
    margin = f"the margin {number(end.margin)}"
    if end.is_still_falling:
        return f"{said}, more than {margin}; as many epochs more would gain at most about that."
    if end.fall_is_excluded:
        return f"{said}, so it no longer falls by more than {margin}."
    return f"{said}: whether it still falls by more than {margin} is open."


def errors(curve: Mapping[int, Losses], weights: Floats | None = None) -> dict[int, Losses]:
    """Return epoch -> (rows,) 1 where the answer is wrong, else 0, from binary cross-entropies; NaN stays NaN.

    Args:
        curve: epoch -> (rows,) losses.
        weights: (rows,) with mean 1, of losses that are linearised, as what comes back then is; None of plain losses.

    Example:
        >>> errors({3: np.array([0.1, 0.9], np.float32)})
        {3: array([0., 1.], dtype=float32)}
    """
    found = {
        epoch: np.where(np.isfinite(losses), _are_wrong(losses, weights), np.nan).astype(np.float32)
        for epoch, losses in curve.items()
    }
    return {epoch: linearised(wrong, weights) for epoch, wrong in found.items()}


def _are_wrong(losses: Losses, weights: Floats | None) -> npt.NDArray[np.bool_]:
    """Return (..., rows) whether a binary cross-entropy tells of a wrong answer; of a row without weight it tells nothing."""
    if weights is None:
        return losses > WRONG_ABOVE
    return np.asarray(weighed(losses, weights) > weights * WRONG_ABOVE)


def _rise_sentence(end: End, at_chosen: str, loss: str) -> str:
    """Return the sentence about the loss at the last epoch."""
    rise = end.rise
    if rise.low == rise.high == 0:
        return "The best epoch is the last one, so the end of training cannot have made the loss worse."
    size, side = (rise, "above") if rise.mean >= 0 else (rise.negated(), "below")
    said = f"{loss} at the last epoch is {estimate(size)} {side} that at {at_chosen} (margin {number(end.margin)})."
    is_open = rise.low <= end.margin <= rise.high
    return sentence(said) + (" Whether it rises by more than the margin is open." if is_open else "")


def _jitter_sentence(end: End) -> tuple[str, ...]:
    """Return the sentence about the jitter; none where it is unknown, or makes no difference."""
    if end.rise == end.raw_rise or not end.jitter > 0:
        return ()
    jitters = f"from epoch to epoch the loss jitters by {rough(end.jitter)}"
    return (f"That is its trend: {jitters}, and these two epochs alone differ by {estimate(end.raw_rise)}.",)


def _spike_sentence(spikes: tuple[Spike, ...], runs: int) -> str:
    """Return the sentence about spikes: the highest of them, and how many more there are."""
    highest = max(spikes, key=lambda one: one.loss - one.level)
    of_seed = f" of seed {highest.seed}" if runs > 1 else ""
    more = "" if len(spikes) == 1 else f" (and {len(spikes) - 1} more)"
    return (
        f"Epoch {highest.epoch}{of_seed} is a spike{more}: a validation loss of {number(highest.loss)} where its neighbours "
        f"have {number(highest.level)}. It decides nothing."
    )


def _risen(measured: Measured, level: float) -> tuple[Jittered, float]:
    """Return by how much the trend of each row's loss rose, and the jitter's standard deviation; NaN where unknown."""
    strays = [_strays(run, measured.source) for run in measured.runs]
    every = [one for found in strays for _, one in found.values()]
    if not every:
        return Jittered(crossed(measured.rise), 0.0), float("nan")
    parts = [
        part
        for run, found in zip(measured.runs, strays, strict=True)
        if found and (part := _row_part(run, min(found))) is not None
    ]
    share = common_share([one.variance for one in every], parts)
    # Where the curve's rows measure, the best epoch of all of them is one that either half may choose: of its luck half
    # of the rows took part in that choice.
    lucks = [
        luck_of(found.values(), share, own=0.0 if measured.source == "test" else 0.5) for found in strays
    ]
    own = uncertain(
        sum(one.variance for one in lucks), freedom=sum(one.freedom for one in every), level=level
    )
    shared = share_error(share) * float(np.mean([one.common for one in lucks]))
    rise = measured.rise
    rise -= np.array([[one.mean] for one in lucks])
    table = crossed(rise)
    jitter = float(np.sqrt(np.mean([one.variance for one in every])))
    return Jittered(table, own / len(lucks) ** 2, shared**2), jitter


def _strays(run: RunEvidence, source: RowSource) -> dict[int, tuple[float, Stray]]:
    """Return epoch -> (weight, how far the curve strays there) for the epochs whose weighted sum `Measured.rise` is.

    Empty where they cancel, and where the curve does not tell.
    """
    chosen: tuple[int, ...] = (run.chosen_epoch,)
    if source != "test":
        kept = {epoch: run.validation[epoch] for epoch in _kept(run)}
        chosen = chosen_by_halves(kept, run.validation_weights)
    weights = {run.epochs - 1: 1.0}
    for epoch in chosen:
        weights[epoch] = weights.get(epoch, 0.0) - 1 / len(chosen)
    if run.curve is None:
        return {}
    found = {epoch: (weight, stray(run.curve, epoch)) for epoch, weight in weights.items() if weight}
    known = {epoch: (weight, one) for epoch, (weight, one) in found.items() if one is not None}
    return known if len(known) == len(found) else {}


def _row_part(run: RunEvidence, since: int) -> float | None:
    """Return the jitter's variance if rows moved each for itself, from the losses of single rows; None if unknown.

    Two epochs that follow each other among those kept are near enough for rows to jitter more than they drift.

    Args:
        run: one run.
        since: the first epoch of interest.
    """
    pairs = list(pairwise(_kept(run, since - neighbourhood(since))))
    found = []
    for one, other in pairs[:: max(1, len(pairs) // MOST_PAIRS)]:
        steps = run.validation[other].astype(np.float64) - run.validation[one]
        if len(steps) >= MIN_ROWS:
            found.append(float(steps.var(ddof=1)) / 2 / len(steps))
    return float(np.median(found)) if found else None


def _kept(run: RunEvidence, since: int = 0) -> list[int]:
    """Return the epochs from `since` on at which the finite loss of each validation row was kept, rising."""
    return sorted(
        epoch for epoch, losses in run.validation.items() if epoch >= since and np.isfinite(losses).all()
    )


def _fallen(runs: Iterable[RunEvidence], level: float) -> tuple[Interval | None, int]:
    """Return by how much the trend of each validation row's loss fell in the last quarter, and its number of epochs.

    The mean and the low end are those of the line through the last quarter. Where the curve jitters that line is known
    poorly, and a curve that levels off falls by less than it did between the quarters: the high end is the one of that.
    """
    falls = [(run, found) for run in runs if (found := _fall_between(run)) is not None]
    late = [run for run, _ in falls if run.chosen_epoch >= run.epochs - run.epochs // PARTS]
    if not falls or 2 * len(late) < len(falls):
        return None, 0
    length = max(run.epochs // PARTS for run, _ in falls)
    between = _joint_fall([found for _, found in falls], level)
    along = [found for run, _ in falls if (found := _fall_along(run)) is not None]
    if len(along) < len(falls):
        return between, length
    line = _joint_fall(along, level)
    ends = min(line.low, between.low), max(line.mean, between.high)
    return Interval(line.mean, *ends, line.seeds), length


def _joint_fall(falls: Sequence[tuple[Fall, Floats]], level: float) -> Interval:
    """Return the mean fall of several runs, from what jitter and rows say of each."""
    own = uncertain(
        sum(fall.variance for fall, _ in falls), freedom=sum(fall.freedom for fall, _ in falls), level=level
    )
    return Jittered(crossed([rows for _, rows in falls]), own / len(falls) ** 2).interval(level=level)


def _fall_between(run: RunEvidence) -> tuple[Fall, Floats] | None:
    """Return by how much the loss of a run fell from the last quarter but one to the last; None if unknown.

    On the mean, and row by row: rows' losses are known at some epochs only, so they show how much rows differ, and the
    curve by how much all fell.
    """
    length = run.epochs // PARTS
    is_told = run.outcome == "finished" and run.curve is not None and run.epochs >= LEAST_EPOCHS
    if not is_told or run.curve is None or not np.isfinite(run.curve[-2 * length :]).all():
        return None
    middle = run.epochs - length
    kept = _kept(run, middle - length)
    before, after = ([epoch for epoch in kept if (epoch < middle) == is_early] for is_early in (True, False))
    if not before or not after or len(run.validation[before[0]]) < MIN_ROWS:
        return None
    fall = fall_of(run.curve, length)
    early, late = (
        np.mean([run.validation[epoch] for epoch in part], axis=0, dtype=np.float64)
        for part in (before, after)
    )
    rows = early - late
    return fall, rows - rows.mean() + fall.mean


def _fall_along(run: RunEvidence) -> tuple[Fall, Floats] | None:
    """Return by how much the line through the last quarter of a run falls, likewise; None with too few epochs."""
    length = run.epochs // PARTS
    kept = np.array(_kept(run, run.epochs - length), dtype=np.float64)
    if run.curve is None or length < LEAST_OF_LINE or len(kept) <= 1:
        return None
    fall = slope_fall_of(run.curve, length)
    apart = kept - kept.mean()
    losses = np.array([run.validation[int(epoch)] for epoch in kept], dtype=np.float64)
    rows = -length * (apart @ losses) / (apart @ apart)
    return fall, rows - rows.mean() + fall.mean


def _spikes(run: RunEvidence, margin: float) -> Iterable[Spike]:
    """Return the spikes of a run after its chosen epoch, or in its second half where that is later chosen."""
    if run.curve is None:
        return
    since = min(run.chosen_epoch, run.epochs // 2)
    for one in find_spikes(run.curve, since, least=SPIKE_MARGINS * margin):
        yield Spike(run.seed, one.epoch, one.loss, one.level)


def _accuracy_change(measured: Measured, level: float) -> Interval:
    """Return accuracy at the last epoch minus at the chosen one, paired, from binary cross-entropies."""
    if measured.weights is not None:
        wrong = [_are_wrong(losses, measured.weights) for losses in (measured.best, measured.last)]
        change = wrong[0].astype(np.float64) - wrong[1]
        return interval_of(crossed(linearised(change, measured.weights)), level=level)
    best, last = measured.best < WRONG_ABOVE, measured.last < WRONG_ABOVE
    change = last.astype(np.float64)
    change -= best
    return interval_of(crossed(change), level=level)


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
