"""When more training can change neither a run's best epoch nor its verdict: the rule behind `stop = "settled"`.

The rule looks at a run at fixed epochs only (`look_after`), never at times or chunks, so that it stops the same run at
the same epoch on every machine and after every interruption. It compares means over many epochs, row by row: jitter
from epoch to epoch and the luck of the validation rows both enter its standard errors. All it needs is the sum
of each row's losses between two looks. docs/settled.md says how its numbers were chosen and how often it is wrong.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from justright.runs.losses import constant_loss
from justright.runs.margin import default_margin
from justright.runs.tasks import StackTask, StudyRows

Floats = npt.NDArray[np.float64]

# Looks: every 5 epochs, and from epoch 60 on after another tenth of the epochs so far. A run ends at a look, so
# waiting for one costs at most a tenth of its epochs, and 10,000 epochs take 66 looks.
LOOK_EPOCHS = 5
LOOK_SHARE = 10
# Validation rows are dealt into at most this many groups, whose means are compared: a bound on memory (0.5 MB per lane
# after 10,000 epochs). Standard errors from 1,000 groups are as good as from a million rows.
MAX_GROUPS = 1_000
# With fewer validation rows nothing is decided early: the thresholds are quantiles of a normal distribution.
MIN_ROWS = 50
# Names of the arrays that a checkpoint keeps.
TENSORS = ("settling_ends", "settling_losses", "settling_curves", "settling_open", "settling_open_curves")


def look_after(epoch: int) -> int:
    """Return the first look after `epoch` epochs have been trained.

    Example:
        >>> [look_after(epoch) for epoch in (0, 4, 5, 50, 55, 1_000)]
        [5, 5, 10, 55, 60, 1069]
    """
    look = 0
    while look <= epoch:
        look += max(LOOK_EPOCHS, look // LOOK_SHARE)
    return look


@dataclass(frozen=True, slots=True)
class Change:
    """A difference of mean losses and its standard error, in units of the loss."""

    mean: float
    error: float

    def exceeds(self, least: float, errors: float) -> bool:
        """Return whether it lies above `least` by more than `errors` standard errors.

        Example:
            >>> Change(mean=0.5, error=0.1).exceeds(0.2, 2.0), Change(mean=0.5, error=0.1).exceeds(0.2, 4.0)
            (True, False)
        """
        return self.mean - least > errors * self.error


@dataclass(frozen=True, slots=True)
class History:
    """What the rule knows of one run.

    Shape:
        ends: (looks,), epochs trained at each look, rising.
        losses: (looks, groups), validation loss of each group of rows summed over the epochs since the look before.
        train: (looks,), training loss of the epoch summed in the same way.
        jitter: (looks,), half the squared difference of the mean validation loss from epoch to epoch, summed likewise.
    """

    ends: npt.NDArray[np.int64]
    losses: Floats
    train: Floats
    jitter: Floats

    @property
    def epochs(self) -> int:
        """Epochs trained at the last look."""
        return int(self.ends[-1])

    @property
    def lengths(self) -> npt.NDArray[np.int64]:
        """(looks,), epochs since the look before."""
        return self.ends - self.starts

    @property
    def starts(self) -> npt.NDArray[np.int64]:
        """(looks,), the epoch at which each look's stretch of epochs begins."""
        return np.concatenate([[0], self.ends[:-1]]).astype(np.int64)

    def mean(self, first: int, stop: int) -> Floats:
        """Return the mean loss of each group over the epochs of looks first..stop - 1.

        Shape:
            (groups,)
        """
        epochs = self.ends[stop - 1] - self.starts[first]
        return np.asarray(self.losses[first:stop].sum(axis=0) / epochs, np.float64)

    def train_mean(self, first: int, stop: int) -> float:
        """Return the mean training loss over the epochs of looks first..stop - 1."""
        return float(self.train[first:stop].sum() / (self.ends[stop - 1] - self.starts[first]))

    def change(self, earlier: tuple[int, int], later: tuple[int, int]) -> Change:
        """Return the mean loss over the looks of `later` minus that of `earlier`, each (first, stop).

        Its standard error has two parts: the spread of the groups' differences, and the jitter from epoch to epoch,
        which all rows share and which therefore their spread does not show.
        """
        difference = self.mean(*later) - self.mean(*earlier)
        rows = difference.var(ddof=1) / len(difference)
        epochs = [int(self.ends[stop - 1] - self.starts[first]) for first, stop in (earlier, later)]
        jitter = sum(float(self.jitter[first:stop].sum()) for first, stop in (earlier, later)) / sum(epochs)
        error = np.sqrt(rows + jitter * sum(1 / count for count in epochs))
        return Change(float(difference.mean()), float(error))

    def windows(self, length: int) -> tuple[tuple[int, int], tuple[int, int]]:
        """Return two windows of about `length` epochs, each (first, stop) in looks; the second follows the first to the end.

        Both hold at least one look; `length` may not exceed half the epochs.

        Example:
            >>> looks = np.arange(5, 55, 5)
            >>> History(looks, np.zeros((10, 2)), np.zeros(10), np.zeros(10)).windows(12)
            ((5, 7), (7, 10))
        """
        looks = len(self.ends)
        middle = min(int(np.searchsorted(self.ends, self.epochs - length, side="right")), looks - 1)
        first = min(int(np.searchsorted(self.ends, self.epochs - 2 * length, side="right")), middle - 1)
        return (first, middle), (middle, looks)


# How flat is flat: the trend lies within this many standard errors of zero, while training loss fell by less than this
# many margins over the same epochs. The less is left to be learned, the less a trend on validation rows can grow. A
# training loss that falls fast announces a turn, and then only the turn decides.
FLAT_LIMITS = ((0.75, 8.0), (2.0, 2.4))


@dataclass(frozen=True, slots=True)
class SettlingRule:
    """Says whether a run is settled.

    A run is settled when it has *turned*: its latest stretch is worse than its best one by more than the margin, the second half
    of its last half is worse than the first, both by more than `turn_errors` standard errors, and the training loss has
    fallen. Then the best epoch lies behind, and the end of training made it worse.

    It is also settled when it is *flat*: from one window of `window` epochs (`window_share` of all, where that is more) to
    the next, validation loss changed by no more, and training loss fell by no more, than one of `flat_limits` allows.

    Args:
        constant_loss: validation loss of the best constant prediction; the margin is a share of what can be learned.
        turn_errors: see above.
        window: see above.
        window_share: see above.
        flat_limits: pairs of (standard errors of the change, margins that training loss may have fallen).
    """

    constant_loss: float
    turn_errors: float = 2.0
    window: int = 80
    window_share: float = 0.1
    flat_limits: tuple[tuple[float, float], ...] = FLAT_LIMITS

    def judge(self, history: History) -> str | None:
        """Return why the run is settled at its last look, in one sentence; None if it is not."""
        if len(history.ends) < 2:
            return None
        best = int(np.argmin(history.losses.mean(axis=1) / history.lengths))
        return self._turned(history, best) or self._flat(history, best)

    def _turned(self, history: History, best: int) -> str | None:
        last = len(history.ends) - 1
        if best == last or not history.train_mean(last, last + 1) < history.train_mean(best, best + 1):
            return None
        rise = history.change((best, best + 1), (last, last + 1))
        margin = default_margin(self.constant_loss, float(history.mean(best, best + 1).mean()))
        trend = history.change(*history.windows(max(LOOK_EPOCHS, history.epochs // 4)))
        if not (rise.exceeds(margin, self.turn_errors) and trend.exceeds(0.0, self.turn_errors)):
            return None
        first, stop = int(history.starts[best]), int(history.ends[best]) - 1
        return (
            f"Settled: validation loss has risen by {rise.mean:.4f} (standard error {rise.error:.4f}) since epochs "
            f"{first} to {stop}, more than the margin {margin:.2g}, and still rises."
        )

    def _flat(self, history: History, best: int) -> str | None:
        length = max(self.window, int(self.window_share * history.epochs))
        if history.epochs < 2 * length:
            return None
        earlier, later = history.windows(length)
        trend = history.change(earlier, later)
        fall = history.train_mean(*earlier) - history.train_mean(*later)
        margin = default_margin(self.constant_loss, float(history.mean(best, best + 1).mean()))
        for errors, margins in self.flat_limits:
            if abs(trend.mean) < errors * trend.error and fall < margins * margin:
                return (
                    f"Settled: from the {length} epochs before to the last {length}, validation loss changed by "
                    f"{trend.mean:+.4f} (standard error {trend.error:.4f}) and training loss by {0.0 - fall:+.4f}."
                )
        return None


@dataclass(slots=True)
class Settling:
    """What a stack remembers for the rule: sums over the epochs between looks, for each lane.

    Shape:
        losses: looks x (lanes, groups), of validation losses; open_losses: (lanes, groups), since the last look.
        curves: looks x (2, lanes), of the training loss, and of half the squared change of the mean validation loss;
            open_curves: (3, lanes), the same since the last look, and the mean validation loss of the last epoch.
        All are NaN where a lane had ended.

    Args:
        rule: the rule.
        epoch: epochs trained.
        ends: epochs trained at each look.
    """

    rule: SettlingRule
    epoch: int
    ends: list[int]
    losses: list[Floats]
    curves: list[Floats]
    open_losses: Floats
    open_curves: Floats

    @classmethod
    def begin(cls, rule: SettlingRule, *, lanes: int, rows: int) -> Settling:
        """Return the memory of a stack before its first epoch."""
        open_losses = np.zeros((lanes, min(rows, MAX_GROUPS)))
        return cls(rule, 0, [], [], [], open_losses, np.zeros((3, lanes)))

    @classmethod
    def restore(cls, rule: SettlingRule, tensors: dict[str, npt.NDArray[Any]], epoch: int) -> Settling:
        """Return the memory that `to_tensors` described, after `epoch` epochs; removes its arrays from `tensors`."""
        ends, losses, curves, open_losses, open_curves = (np.array(tensors.pop(name)) for name in TENSORS)
        return cls(rule, epoch, ends.tolist(), list(losses), list(curves), open_losses, open_curves)

    def to_tensors(self) -> dict[str, npt.NDArray[Any]]:
        """Return everything as named arrays for a checkpoint."""
        lanes, groups = self.open_losses.shape
        values = (
            np.array(self.ends, np.int64),
            np.array(self.losses, np.float64).reshape(-1, lanes, groups),
            np.array(self.curves, np.float64).reshape(-1, 2, lanes),
            self.open_losses.copy(),
            self.open_curves.copy(),
        )
        return dict(zip(TENSORS, values, strict=True))

    def of(self, lanes: Sequence[int]) -> Settling:
        """Return what is remembered of some lanes."""
        if len(lanes) == len(self.open_losses):
            return self
        chosen = list(lanes)
        return Settling(
            *(self.rule, self.epoch, list(self.ends)),
            losses=[values[chosen] for values in self.losses],
            curves=[values[:, chosen] for values in self.curves],
            open_losses=self.open_losses[chosen],
            open_curves=self.open_curves[:, chosen],
        )

    def epochs_to_look(self) -> int:
        """Return how many epochs may be trained before the next look: no chunk may go beyond it."""
        return look_after(self.epoch) - self.epoch

    def add(self, losses: npt.NDArray[np.float32], train: Floats) -> None:
        """Add a chunk's epochs, one after the other, so that the sums do not depend on its length.

        Shape:
            losses: (epochs, lanes, rows) of validation rows; train: (epochs, lanes), the epoch's training loss.
        """
        for row_losses, train_loss in zip(losses, train, strict=True):
            values = group_means(row_losses, self.open_losses.shape[1])
            mean = values.mean(axis=1)
            self.open_losses += values
            self.open_curves[0] += train_loss
            if self.epoch:
                self.open_curves[1] += (mean - self.open_curves[2]) ** 2 / 2
            self.open_curves[2] = mean
            self.epoch += 1

    def settled(self, lanes: Collection[int]) -> dict[int, str]:
        """Return those of `lanes` that are settled, with the reason; none between looks.

        At a look it closes the stretch of epochs since the one before.
        """
        if self.epoch == 0 or look_after(self.epoch - 1) != self.epoch:
            return {}
        self.ends.append(self.epoch)
        self.losses.append(self.open_losses.copy())
        self.curves.append(self.open_curves[:2].copy())
        self.open_losses[:] = 0.0
        self.open_curves[:2] = 0.0
        reasons = {lane: self.rule.judge(self._history(lane)) for lane in lanes}
        return {lane: reason for lane, reason in reasons.items() if reason}

    def _history(self, lane: int) -> History:
        losses = np.array([losses[lane] for losses in self.losses])
        train, jitter = np.array(self.curves)[:, :, lane].T
        return History(np.array(self.ends, np.int64), losses, train, jitter)


def can_settle(task: StackTask, rows: StudyRows) -> bool:
    """Return whether a stack's recipe has such a rule, and there are enough rows for it."""
    return task.recipe.stop == "settled" and len(rows.validation[0]) >= MIN_ROWS


def settling_rule(rows: StudyRows) -> SettlingRule:
    """Return the rule for a study's rows."""
    # Test rows only measure: the constant prediction is scored on the rows that choose.
    validation = replace(rows, test=(rows.test[0][:0], rows.test[1][:0]), test_weights=None)
    return SettlingRule(constant_loss(validation))


def begin_settling(task: StackTask, rows: StudyRows) -> Settling | None:
    """Return the memory of a stack before its first epoch; None if it cannot settle."""
    if not can_settle(task, rows):
        return None
    return Settling.begin(settling_rule(rows), lanes=len(task.runs), rows=len(rows.validation[0]))


def restore_settling(
    task: StackTask, rows: StudyRows, tensors: dict[str, npt.NDArray[Any]], epoch: int
) -> Settling | None:
    """Return the memory that a checkpoint after `epoch` epochs holds; removes it from `tensors`."""
    settling = begin_settling(task, rows)
    if settling is None:
        return None
    return Settling.restore(settling.rule, tensors, epoch)


def group_means(losses: npt.NDArray[np.float32], groups: int) -> Floats:
    """Return the mean loss of each group, rows dealt out in turn: row i belongs to group i modulo `groups`.

    Shape:
        losses: (lanes, rows); the result is (lanes, groups).

    Example:
        >>> group_means(np.array([[1.0, 2.0, 3.0, 4.0, 6.0]]), 2)
        array([[3.33333333, 3.        ]])
    """
    lanes, rows = losses.shape
    if rows == groups:
        return losses.astype(np.float64)
    padded = np.zeros((lanes, -(-rows // groups) * groups))
    padded[:, :rows] = losses
    counts = np.bincount(np.arange(rows) % groups, minlength=groups)
    return np.asarray(padded.reshape(lanes, -1, groups).sum(axis=1) / counts, np.float64)
