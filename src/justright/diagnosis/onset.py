"""Since when a variant overfits: the epochs that cannot be told apart from the best one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from justright.diagnosis.evidence import Losses
from justright.diagnosis.words.numbers import epochs
from justright.statistics.crossed import MIN_ROWS, crossed
from justright.statistics.intervals import DEFAULT_LEVEL
from justright.statistics.simultaneous import judge_jointly


@dataclass(frozen=True, slots=True)
class Onset:
    """First and last of the epochs that cannot be told apart from the best one.

    Args:
        low: the cheapest good epoch: training further has not measurably helped.
        high: the last good epoch: every later epoch that was measured is worse.
        best: the epoch of the lowest mean validation loss over all runs.
        last: the last epoch that was measured on every run.
    """

    low: int
    high: int
    best: int
    last: int

    @property
    def is_dated(self) -> bool:
        """Whether an epoch after `high` was measured, so that `high` says since when the loss is worse."""
        return self.high < self.last


def find_onset(
    validation: Sequence[Mapping[int, Losses]],
    *,
    level: float = DEFAULT_LEVEL,
    rng: np.random.Generator | None = None,
) -> Onset | None:
    """Return the first and last epoch that cannot be told apart from the best, from per-row validation losses.

    The best epoch b has the lowest mean over runs and rows among the epochs that every run measured. Another epoch
    e is told apart from it when the simultaneous interval of `loss(e) - loss(b)`, paired by row and run, lies above 0.
    The set is Hsu's (Annals of Statistics 12, 1984) multiple comparison with the best, with b as the control:
    it holds the truly best epoch with about probability `level`. It need not be contiguous (one noisy epoch in
    the middle may be told apart); `low` and `high` are its first and last members on the measured grid.

    Args:
        validation: for each run, epoch -> (validation rows,) losses without penalties.
        level: simultaneous coverage.
        rng: source of the draws; None starts from 0.

    Returns:
        None when no epoch with finite losses on at least two rows is common to all runs.

    Example:
        >>> rows = np.linspace(0.0, 1.0, 50)
        >>> find_onset([{epoch: rows + abs(epoch - 4) * (1 + rows) for epoch in range(9)}])
        Onset(low=4, high=4, best=4, last=8)
    """
    common = _common_epochs(validation)
    if not common:
        return None
    means = [np.mean([run[epoch].mean(dtype=np.float64) for run in validation]) for epoch in common]
    best = common[int(np.argmin(means))]
    others = [epoch for epoch in common if epoch != best]
    if not others:
        return Onset(best, best, best, best)
    base = _stacked(validation, best)
    tables = [crossed(_stacked(validation, epoch) - base) for epoch in others]
    intervals = judge_jointly(tables, level=level, rng=rng, of_same_runs=True).intervals
    good = [epoch for epoch, one in zip(others, intervals, strict=True) if not one.is_above(0.0)]
    return Onset(min([best, *good]), max([best, *good]), best, common[-1])


def onset_reasons(onset: Onset | None, by_accuracy: Onset | None) -> tuple[str, ...]:
    """Return the sentences about the good epochs of a variant that overfits, by loss and by accuracy.

    Example:
        >>> onset_reasons(Onset(22, 30, 24, 99), None)[0]
        'On validation rows epochs 22 to 30 cannot be told apart from the best, 24; 22 is the cheapest good epoch, and after 30 it overfits.'
    """
    if onset is None:
        return ()
    if not onset.is_dated:  # the rise shows on test rows alone, which are not looked at epoch by epoch
        loss = (
            "Since when it overfits cannot be told: the validation rows do not show the rise, epoch by epoch."
        )
    elif onset.low == onset.high:
        loss = f"On validation rows every measured epoch but the best, {onset.best}, is measurably worse: after it, it overfits."
    else:
        good = f"On validation rows {epochs(onset.low, onset.high)} cannot be told apart from the best, {onset.best}"
        loss = f"{good}; {onset.low} is the cheapest good epoch, and after {onset.high} it overfits."
    if by_accuracy is None or by_accuracy.high == onset.high:
        return (loss,)
    order = "later" if by_accuracy.high > onset.high else "sooner"
    kept = f"they are {epochs(by_accuracy.low, by_accuracy.high)} (best {by_accuracy.best})"
    return loss, f"By accuracy the good epochs end {order}: {kept}."


def _common_epochs(validation: Sequence[Mapping[int, Losses]]) -> list[int]:
    """Return the epochs that every run measured with finite losses, rising."""
    usable = [
        {epoch for epoch, losses in run.items() if len(losses) >= MIN_ROWS and np.isfinite(losses).all()}
        for run in validation
    ]
    return sorted(set.intersection(*usable)) if usable else []


def _stacked(
    validation: Sequence[Mapping[int, Losses]], epoch: int
) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    """Return (runs, rows) losses of all runs at one epoch."""
    return np.array([run[epoch] for run in validation], dtype=np.float64)
