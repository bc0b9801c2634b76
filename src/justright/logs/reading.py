"""What curves alone can tell about a run that another tool trained."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from justright.logs.formats.registry import read_log
from justright.logs.log_curves import LogCurves
from justright.logs.rise import MIN_EPOCHS, Change, end_slope, rise_after_best

# Of the five verdicts, those that curves can establish; the other two need losses by row and rival models.
CurveLabel = Literal["overfits", "undecided", "diverged"]
# A rise below this share of the best loss is within what another seed changes, however smooth the curve: best losses of
# single seeds of the tutorial's networks differ by about 1 %. (The margin of a study is a share of what can be learned,
# which no log shows.)
SMALL_RISE_SHARE = 0.01
NOT_FINITE = (
    "The loss was not a finite number when the run ended: a lower learning rate is the first thing to try."
)
NOT_SEEN = (
    "Only the curves of this run were seen, neither losses row by row nor other seeds or models: "
    "underfitting, or being just right, cannot be established from them."
)


@dataclass(frozen=True, slots=True)
class CurveReading:
    """What the curves of one run say.

    Args:
        name: the run.
        format: the log format it was read from.
        label: 'overfits', 'diverged' or 'undecided'.
        loss: name of the loss that was judged.
        epochs: epochs with a validation loss.
        best_epoch: the epoch of the lowest validation loss, counted as the log does.
        best: that loss, which is a little too good, since it was chosen as the lowest.
        last: validation loss at the end.
        rise: smoothed validation loss at the end minus at its lowest, with its interval; None for too few epochs.
        gap: validation minus training loss, averaged over the end; None without training loss.
        still_falling: whether validation loss was still falling, beyond its noise, when the run ended.
        sentences: the reading in words, the most important first.
    """

    name: str
    format: str
    label: CurveLabel
    loss: str
    epochs: int
    best_epoch: float
    best: float
    last: float
    rise: Change | None
    gap: float | None
    still_falling: bool
    sentences: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return the reading as plain values for JSON."""
        return asdict(self) | {"sentences": list(self.sentences)}

    def __str__(self) -> str:
        return f"{self.name}: {self.label}\n" + "\n".join(f"  {sentence}" for sentence in self.sentences)


def diagnose(path: str | Path) -> CurveReading:
    """Return what the curves in a training log say; see `read_log` for the formats and `diagnose_curves`.

    Raises:
        InputError: the log cannot be read, holds several runs, or has no validation loss.
    """
    return diagnose_curves(read_log(path))


def diagnose_curves(curves: LogCurves) -> CurveReading:
    """Return what the curves of one run say: they can show overfitting and divergence, and nothing else.

    Raises:
        InputError: there is no validation loss.
    """
    loss = curves.loss_name()
    values = curves.metrics[f"val_{loss}"]
    is_measured = ~np.isnan(values)
    epochs, validation = curves.epochs[is_measured], values[is_measured]
    train = curves.metrics.get(loss)
    rise, gap, still_falling = None, None, False
    label: CurveLabel = "diverged"
    sentences: tuple[str, ...] = (NOT_FINITE, *curves.notes)
    if not _diverged(train, validation):
        finite = np.isfinite(validation)
        epochs, validation = epochs[finite], validation[finite]
        rise = rise_after_best(validation) if len(validation) >= MIN_EPOCHS else None
        gap = _gap(curves, train, epochs, validation)
        still_falling = rise is not None and end_slope(validation).high < 0
        change = _train_change(curves, train, epochs, rise)
        label = "overfits" if _is_overfit(rise, validation.min(), change) else "undecided"
        sentences = _sentences(curves, loss, epochs, validation, rise, change, still_falling, label)
    best = int(np.argmin(np.where(np.isfinite(validation), validation, np.inf)))
    return CurveReading(
        name=curves.name,
        format=curves.format,
        label=label,
        loss=loss,
        epochs=len(validation),
        best_epoch=float(epochs[best]),
        best=float(validation[best]),
        last=float(validation[-1]),
        rise=rise,
        gap=gap,
        still_falling=still_falling,
        sentences=sentences,
    )


def _diverged(train: npt.NDArray[np.float64] | None, validation: npt.NDArray[np.float64]) -> bool:
    """Return whether the loss was not a finite number when the run ended, or at any epoch."""
    measured = validation if train is None else train[~np.isnan(train)]
    return (len(measured) > 0 and not np.isfinite(measured[-1])) or not np.isfinite(validation).any()


def _is_overfit(rise: Change | None, best: float, train_change: float | None) -> bool:
    """Return whether validation loss rose, by more than matters and beyond noise, while training loss fell."""
    if rise is None or train_change is None or train_change >= 0:
        return False
    return rise.low > 0 and rise.value > SMALL_RISE_SHARE * abs(best)


def _train_change(
    curves: LogCurves,
    train: npt.NDArray[np.float64] | None,
    epochs: npt.NDArray[np.float64],
    rise: Change | None,
) -> float | None:
    """Return how much training loss changed from validation's lowest stretch to the end; None if unknown."""
    if train is None or rise is None:
        return None
    first, last = epochs[list(rise.best_window)]
    known = np.isfinite(train)
    before = known & (curves.epochs >= first) & (curves.epochs <= last)
    after = known & (curves.epochs >= epochs[rise.end_window[0]])
    if not before.any() or not after.any():
        return None
    return float(train[after].mean() - train[before].mean())


def _gap(
    curves: LogCurves,
    train: npt.NDArray[np.float64] | None,
    epochs: npt.NDArray[np.float64],
    validation: npt.NDArray[np.float64],
) -> float | None:
    """Return validation minus training loss over the last tenth of the epochs."""
    if train is None:
        return None
    tail = max(1, len(validation) // 10)
    recent = np.isfinite(train) & (curves.epochs >= epochs[-tail])
    return float(validation[-tail:].mean() - train[recent].mean()) if recent.any() else None


def _sentences(
    curves: LogCurves,
    loss: str,
    epochs: npt.NDArray[np.float64],
    validation: npt.NDArray[np.float64],
    rise: Change | None,
    train_change: float | None,
    still_falling: bool,
    label: CurveLabel,
) -> tuple[str, ...]:
    best = int(np.argmin(validation))
    said = [
        f"Validation {loss} was lowest at epoch {epochs[best]:g} ({validation[best]:.4g}) of {epochs[0]:g} to {epochs[-1]:g}."
    ]
    if rise is None:
        said.append(
            f"{len(validation)} epochs are too few to tell a rise from noise: at least {MIN_EPOCHS} are needed."
        )
    elif label == "overfits":
        said.append(
            f"It then rose by {rise.value:.3g} (95 % interval {rise.low:.3g} to {rise.high:.3g}) while training loss fell: "
            "the run overfits from there on. Keep the weights of that epoch, or regularize."
        )
    else:
        said += _why_not(rise, validation[best], train_change)
    if still_falling:
        said.append(
            "Validation loss was still falling when the run ended: train longer before judging this network."
        )
    return (*said, NOT_SEEN, *curves.notes)


def _why_not(rise: Change, best: float, train_change: float | None) -> Sequence[str]:
    """Return the sentence that says why a rise, if any, is not called overfitting."""
    if rise.best_window == rise.end_window:
        return ["Its lowest stretch is the end of the run: nothing has risen yet."]
    if rise.low <= 0:
        return [
            f"Its change from there to the end, {rise.value:+.3g} (95 % interval {rise.low:.3g} to {rise.high:.3g}), is within its noise."
        ]
    if rise.value <= SMALL_RISE_SHARE * abs(best):
        return [
            f"It then rose by {rise.value:.3g}, less than {100 * SMALL_RISE_SHARE:g} % of its lowest value: too little to matter."
        ]
    if train_change is None:
        return [
            f"It then rose by {rise.value:.3g}, but training loss was not logged: whether the network learnt the rows by heart is open."
        ]
    return [
        f"It then rose by {rise.value:.3g}, but training loss rose as well: the training became unstable rather than overfit."
    ]
