"""Times, changes and names of a log as readers see them."""

from __future__ import annotations

import math
from collections.abc import Mapping

from justright.diagnosis.words.numbers import estimate, number
from justright.logs.log_curves import LogCurves
from justright.logs.logged_run import Role, Unit
from justright.statistics.intervals import Interval
from justright.statistics.turns import Change

MOST_PER_CENT = 1_000  # beyond it nobody reads per cent
SMALLEST_PER_CENT = 0.01
TEN = 9.95  # per cent, beside which decimals say nothing
EPOCH_DIGITS = 2  # decimals of an epoch beside a step


class Times:
    """When something happened, in words: 'epoch 12', 'step 800 (epoch 1.7)', 'iterations 10 to 14'."""

    def __init__(self, unit: Unit, epochs: Mapping[float, float] | None = None) -> None:
        self.unit = unit
        self._epochs = sorted((epochs or {}).items())

    @classmethod
    def of(cls, curves: LogCurves) -> Times:
        """Return the times of one run."""
        return cls(curves.unit, curves.epochs if curves.unit == "step" else None)

    def at(self, when: float) -> str:
        """Return one time.

        Example:
            >>> Times("epoch").at(12.0), Times("step", {0.0: 0.0, 1000.0: 2.0}).at(800.0)
            ('epoch 12', 'step 800 (epoch 1.6)')
        """
        epoch = self._epoch(when)
        return f"{self.unit} {_count(when)}" + ("" if epoch is None else f" (epoch {_count(epoch)})")

    def span(self, first: float, last: float) -> str:
        """Return an interval of times.

        Example:
            >>> Times("epoch").span(3.0, 9.0), Times("iteration").span(4.0, 4.0)
            ('epochs 3 to 9', 'iteration 4')
        """
        if first == last:
            return self.at(first)
        ends = [self._epoch(first), self._epoch(last)]
        beside = "" if None in ends else f" (epochs {_count(ends[0] or 0)} to {_count(ends[1] or 0)})"
        return f"{self.unit}s {_count(first)} to {_count(last)}{beside}"

    def _epoch(self, when: float) -> float | None:
        """Return the epoch of a step, between those that are known."""
        if not self._epochs or not self._epochs[0][0] <= when <= self._epochs[-1][0]:
            return None
        later = next(index for index, (step, _) in enumerate(self._epochs) if step >= when)
        step, epoch = self._epochs[later]
        if step == when or later == 0:
            return epoch
        before, start = self._epochs[later - 1]
        return start + (epoch - start) * (when - before) / (step - before)


def _count(value: float) -> str:
    if value == round(value) and abs(value) < 1e15:
        return f"{int(value):,}"
    return f"{round(value, EPOCH_DIGITS):,g}"


def title_of(role: Role, set_name: str) -> str:
    """Return what readers call a set of rows.

    Example:
        >>> title_of("validation", ""), title_of("validation", "stsb"), title_of("test", "test")
        ('validation', 'validation stsb', 'test')
    """
    return role if set_name.lower() in ("", role) else f"{role} {set_name}"


def change_words(change: Change) -> str:
    """Return a change with its interval, to the second digit of its uncertainty.

    Example:
        >>> change_words(Change(0.0561, 0.0452, 0.0673))
        '0.056 [0.045, 0.067]'
    """
    return estimate(Interval(change.value, change.low, change.high))


def share_words(change: float, level: float) -> str:
    """Return a change in per cent of a level; empty where that says nothing, as beside a level near zero.

    Example:
        >>> share_words(0.056, 0.232), share_words(0.0056, 0.232), share_words(0.5, 0.0)
        ('24 %', '2.4 %', '')
    """
    if level == 0 or not math.isfinite(change / level):
        return ""
    share = abs(100 * change / level)
    if share > MOST_PER_CENT:
        return ""
    if share < SMALLEST_PER_CENT:
        return f"{number(share)} %"
    return f"{share:.2g} %" if share < TEN else f"{share:,.0f} %"
