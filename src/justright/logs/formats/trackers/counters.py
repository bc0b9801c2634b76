"""What the steps of an experiment tracker count: epochs, or steps of the optimizer, or one for some series and one for others.

TensorBoard, MLflow and W&B store a whole number with each value and do not say of what.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from justright.errors import InputError
from justright.logs.logged_run import Series, Unit
from justright.logs.metric_names import direction_of, parse_name

MAX_POINTS = 2_000_000  # of one log: 10,000 epochs of 200 metrics, some 400 MB while they are read
# A series whose last step is this many times that of the evaluations counts something else.
OTHER_COUNTER = 10


@dataclass(frozen=True, slots=True)
class Counted:
    """Series with what their times count; see `LoggedRun` for the rest."""

    series: tuple[Series, ...]
    unit: Unit
    epochs: Mapping[float, float]
    notes: tuple[str, ...] = ()


def check_points(count: int, name: str) -> None:
    """Refuse a log with too many values to read.

    Raises:
        InputError: it has more than `MAX_POINTS`.
    """
    if count > MAX_POINTS:
        raise InputError(f"A log must hold at most {MAX_POINTS:,} values; {name!r} has more.")


def count_steps(series: Sequence[Series], *, epoch_name: str | None = None) -> Counted:
    """Return what the steps of series are.

    Args:
        series: as logged, at whole numbers.
        epoch_name: the series that holds the epoch of each step; by default one named 'epoch', as Lightning and Hugging Face
            log it.
    """
    named = [one for one in series if one.written == epoch_name or _is_epoch(one.written)]
    others = [one for one in series if one not in named]
    epochs = {at: value for one in named for at, value in zip(one.at, one.values, strict=True)}
    judged = (
        [one for one in others if _is_evaluation(one)]
        or [one for one in others if _is_measure(one)]
        or others
    )
    if len(epochs) > 1 and _are_one_to_one(epochs, others):
        return Counted(tuple(replace(one, at=[epochs[at] for at in one.at]) for one in others), "epoch", {})
    if len(epochs) > 1 and not _are_equal(epochs):
        return Counted(tuple(others), "step", epochs)
    # Validation once an epoch, counted one by one, is counted in epochs.
    is_epochs = all(_is_one_by_one(one) for one in judged if len(one.at) > 1)
    return _aligned(others, judged, "epoch" if is_epochs else "step")


def _aligned(series: Sequence[Series], judged: Sequence[Series], unit: Unit) -> Counted:
    """Return series of which those that count something else end with the judged ones."""
    last = max((max(one.at) for one in judged if one.at), default=0.0)
    aligned, moved = [], []
    for one in series:
        if unit == "epoch" and last > 0 and one not in judged and max(one.at) >= OTHER_COUNTER * last:
            scale = last / max(one.at)
            aligned.append(replace(one, at=[at * scale for at in one.at]))
            moved.append(one)
        else:
            aligned.append(one)
    if not moved:
        return Counted(tuple(aligned), unit, {})
    most = max(max(one.at) for one in moved)
    note = (
        f"{moved[0].written!r} counts steps up to {most:,g} and {judged[0].written!r} epochs up to {last:,g}: they were taken to "
        "end together."
    )
    return Counted(tuple(aligned), unit, {}, (note,))


def _is_epoch(written: str) -> bool:
    return written.rpartition("/")[2].lower() in ("epoch", "epochs", "current_epoch")


def _is_evaluation(one: Series) -> bool:
    return (
        bool(one.at)
        and (one.role or parse_name(one.written).role) in ("validation", "test")
        and _is_measure(one)
    )


def _is_measure(one: Series) -> bool:
    return direction_of(one.metric or parse_name(one.written).metric) is not None


def _is_one_by_one(one: Series) -> bool:
    return sum(after - before == 1 for before, after in pairwise(one.at)) >= (len(one.at) - 1) / 2


def _are_equal(epochs: Mapping[float, float]) -> bool:
    """Return whether steps are the epochs themselves."""
    return all(step == epoch for step, epoch in epochs.items())


def _are_one_to_one(epochs: Mapping[float, float], series: Sequence[Series]) -> bool:
    """Return whether steps are the epochs, but for where both begin, and all was logged at them."""
    offsets = {epoch - step for step, epoch in epochs.items()}
    return (
        len(offsets) == 1
        and all(later - earlier == 1 for earlier, later in pairwise(epochs))
        and all(at in epochs for one in series for at in one.at)
    )
