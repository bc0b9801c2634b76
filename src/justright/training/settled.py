"""When more training can change neither a run's best epoch nor its verdict: the rule behind `stop = "settled"`.

The rule looks at a run at fixed epochs only (`look_after`), never at times or chunks, so that it stops the same run at
the same epoch on every machine and after every interruption. It compares means over many epochs, row by row: jitter
from epoch to epoch and the luck of the validation rows both enter its standard errors. Everything it needs is the
sum of each row's losses between two looks. docs/settled.md says how its numbers were chosen and how often it is wrong.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

# Looks: every 5 epochs, and from epoch 60 on after another tenth of the epochs so far. A run ends at a look, so that
# waiting for one costs a tenth of its epochs at most, and 10,000 epochs take 66 looks.
LOOK_EPOCHS = 5
LOOK_SHARE = 10
# What verdicts count as a difference (copies of `justright.diagnosis.judge`, which this package may not import;
# tested to be equal).
MARGIN_SHARE = 0.01
MARGIN_FLOOR_SHARE = 0.001


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
        """Return whether it lies above `least` by more than so many standard errors.

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
        """Return (first, stop) looks of about the last `length` epochs' predecessors and of those, cut at looks.

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


# How flat is flat: the trend lies within so many standard errors of zero, while training loss fell by less than so many
# margins over the same epochs. The less there is still to be learned, the less a trend of validation rows can grow to;
# a training loss in full fall announces a turn, and then only the turn decides.
FLAT_LIMITS = ((0.75, 8.0), (2.0, 2.4))


@dataclass(frozen=True, slots=True)
class SettlingRule:
    """Says whether a run is settled.

    It is when it has *turned*: its latest stretch is worse than its best one by more than the margin, the second half
    of its last half is worse than the first, both by more than `turn_errors` standard errors, and the training loss has
    fallen. Then the best epoch lies behind, and the end of training made it worse.

    It is, too, when it is *flat*: from one window of `window` epochs (`window_share` of all, where that is more) to the
    next, validation loss changed by no more, and training loss fell by no more, than one of `flat_limits` allows.

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
        """Return why the run is settled at its last look, in one sentence; None where it is not."""
        if len(history.ends) < 2:
            return None
        best = int(np.argmin(history.losses.mean(axis=1) / history.lengths))
        return self._turned(history, best) or self._flat(history, best)

    def margin(self, best_loss: float) -> float:
        """Return what counts as a difference where the best stretch has this loss: as verdicts do.

        Example:
            >>> round(SettlingRule(constant_loss=0.69).margin(0.59), 4)
            0.001
        """
        learnable = self.constant_loss - best_loss
        return MARGIN_SHARE * learnable if learnable > 0 else MARGIN_FLOOR_SHARE * abs(self.constant_loss)

    def _turned(self, history: History, best: int) -> str | None:
        last = len(history.ends) - 1
        if best == last or not history.train_mean(last, last + 1) < history.train_mean(best, best + 1):
            return None
        rise = history.change((best, best + 1), (last, last + 1))
        margin = self.margin(float(history.mean(best, best + 1).mean()))
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
        margin = self.margin(float(history.mean(best, best + 1).mean()))
        for errors, margins in self.flat_limits:
            if abs(trend.mean) < errors * trend.error and fall < margins * margin:
                return (
                    f"Settled: from the {length} epochs before to the last {length}, validation loss changed by "
                    f"{trend.mean:+.4f} (standard error {trend.error:.4f}) and training loss by {0.0 - fall:+.4f}."
                )
        return None
