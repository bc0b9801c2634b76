"""Has a network learned anything? It has if it beats the best constant prediction on the rows that measure."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from justright.diagnosis.evidence import Losses
from justright.diagnosis.words.numbers import estimate, number
from justright.statistics.crossed import MIN_ROWS
from justright.statistics.intervals import Interval, mean_interval

# Losses are recorded in single precision: a gain below a millionth of the loss is none.
RESOLUTION = 1e-6
# What the constant is, in sentences about any task.
CONSTANT = "always predicting the same"


@dataclass(frozen=True, slots=True)
class Learned:
    """How a network compares with the constant prediction.

    Args:
        difference: its loss minus the constant's, paired by row; over rows and seeds.
        constant: the mean loss of the constant.
    """

    difference: Interval
    constant: float

    @property
    def is_shown(self) -> bool | None:
        """Whether it has learned anything; None where its loss is lower, but rows and seeds could explain that."""
        least = RESOLUTION * abs(self.constant)
        if self.difference.is_below(-least):
            return True
        return False if self.difference.mean >= -least else None


def judge_learned(losses: Losses, constant: Losses | None, *, level: float) -> Learned | None:
    """Return how losses compare with the constant's; None if that was not recorded for the same rows.

    Args:
        losses: (seeds, rows) on the rows that measure.
        constant: (rows,) of the constant prediction.
        level: coverage of the interval.
    """
    if constant is None or constant.shape != losses.shape[1:] or len(constant) < MIN_ROWS:
        return None
    mean = float(constant.astype(np.float64).mean())
    difference = losses.astype(np.float64)
    difference -= constant
    return Learned(mean_interval(difference, level=level), mean)


def learned_reasons(learned: Learned | None, *, loss: str) -> tuple[str, ...]:
    """Return the sentence that a network has learned nothing, or that this is open; none for one that has.

    Args:
        learned: as `judge_learned` returned it.
        loss: the name of the loss, such as 'test loss'.
    """
    if learned is None or learned.is_shown:
        return ()
    of_constant = f"that of {CONSTANT} ({number(learned.constant)})"
    difference = learned.difference
    if learned.is_shown is None:
        gain = estimate(difference.negated())
        return (
            f"Whether it has learned anything is open: its {loss} is {gain} below {of_constant}, which may be chance.",
        )
    if abs(difference.mean) <= RESOLUTION * abs(learned.constant):
        return (f"It has learned nothing: its {loss} is {of_constant}.",)
    return (f"It has learned nothing: its {loss} is {estimate(difference)} above {of_constant}.",)
