"""What a stack remembers of its runs for the rule in `settling`, in bounded memory and in its checkpoints."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from justright.runs.baseline import constant_loss
from justright.runs.tasks import StackTask, StudyRows
from justright.training.settled import History, SettlingRule, look_after

Floats = npt.NDArray[np.float64]

# Validation rows are dealt into at most so many groups, whose means are compared: a bound on memory (0.5 MB a lane after
# 10,000 epochs). Standard errors from 1,000 groups are as good as from a million rows.
MAX_GROUPS = 1_000
# With fewer validation rows nothing is decided early: the thresholds are quantiles of a normal distribution.
MIN_ROWS = 50
# Names of what a checkpoint keeps.
TENSORS = ("settling_ends", "settling_losses", "settling_curves", "settling_open", "settling_open_curves")


@dataclass(slots=True)
class Settling:
    """What a stack remembers for the rule: sums over the epochs between looks, a lane each.

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
        """Return the memory that `to_tensors` described, after `epoch` epochs; takes its names out of `tensors`."""
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

    def epochs_to_look(self) -> int:
        """Return how many epochs may be trained before the next look: no chunk may go beyond it."""
        return look_after(self.epoch) - self.epoch

    def add(self, losses: npt.NDArray[np.float32], train: Floats) -> None:
        """Take down a chunk's epochs, one after the other, so that the sums do not depend on its length.

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


def begin_settling(task: StackTask, rows: StudyRows) -> Settling | None:
    """Return the memory of a stack before its first epoch; None where its recipe or too few rows ask for no rule."""
    count = len(rows.validation[0])
    if task.recipe.stop != "settled" or count < MIN_ROWS:
        return None
    # Test rows only measure: the constant prediction is scored on the rows that choose.
    validation = replace(rows, test=(rows.test[0][:0], rows.test[1][:0]))
    rule = SettlingRule(constant_loss(validation))
    return Settling.begin(rule, lanes=len(task.runs), rows=count)


def restore_settling(
    task: StackTask, rows: StudyRows, tensors: dict[str, npt.NDArray[Any]], epoch: int
) -> Settling | None:
    """Return the memory that a checkpoint after `epoch` epochs holds; takes it out of `tensors`."""
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
