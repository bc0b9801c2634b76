"""When the rows of a log were written that counts epochs, steps, or both."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

WHOLE = 0.02  # Hugging Face rounds epochs to two digits


@dataclass(slots=True)
class Placed:
    """When rows were logged: `at` in epochs or steps, and for steps what epochs they lay in."""

    at: list[float]
    in_epochs: bool
    epochs: dict[float, float] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


def place_rows(
    epochs: Sequence[float | None], steps: Sequence[float | None], evaluated: Sequence[bool]
) -> Placed:
    """Return when each row was logged.

    Epochs count if every evaluation was at the end of an epoch of its own, else steps do. A row without a number belongs to
    the row before it.

    Args:
        epochs: of each row, as logged.
        steps: the same.
        evaluated: whether a row holds a metric of rows that were not trained on.

    Example:
        >>> place_rows([0.0, 0.0, 0.0], [10.0, 20.0, 20.0], [False, False, True]).at
        [0.5, 1.0, 1.0]
    """
    filled_epochs, filled_steps = _fill(epochs), _fill(steps)
    if filled_epochs is None and filled_steps is None:
        return Placed([float(row) for row in range(len(epochs))], in_epochs=True)
    if filled_epochs is None or filled_steps is None:
        return Placed(filled_epochs or filled_steps or [], in_epochs=filled_epochs is not None)
    return _place_by_both(filled_epochs, filled_steps, evaluated)


def _place_by_both(epochs: list[float], steps: list[float], evaluated: Sequence[bool]) -> Placed:
    is_fractional = any(not _is_whole(epoch) for epoch in epochs)
    pairs = list(zip(epochs, steps, strict=True))
    starts_again = any(later[1] < earlier[1] and later[0] > earlier[0] for earlier, later in pairwise(pairs))
    evaluations = {pair for pair, is_one in zip(pairs, evaluated, strict=True) if is_one} or set(pairs)
    whole = {round(epoch) for epoch, _ in evaluations if _is_whole(epoch)}
    if len(whole) < len(evaluations) and not starts_again:
        return Placed(steps, in_epochs=False, epochs=dict(zip(steps, epochs, strict=True)))
    if is_fractional:
        return Placed(epochs, in_epochs=True)
    spread = _within_epochs if starts_again else _between_epochs
    at = spread(epochs, steps, evaluated)
    if min(at) < 0 <= min(epochs):
        note = (
            "The log counts epochs from 0; here they are counted from 1, so that steps are parts of an epoch."
        )
        return Placed([when + 1 for when in at], in_epochs=True, notes=(note,))
    return Placed(at, in_epochs=True)


def _is_whole(epoch: float) -> bool:
    return abs(epoch - round(epoch)) <= WHOLE


def _within_epochs(epochs: list[float], steps: list[float], evaluated: Sequence[bool]) -> list[float]:
    """Place steps that start again in each epoch; evaluations lie at its end."""
    of_training = [step for step, is_one in zip(steps, evaluated, strict=True) if not is_one]
    first, last = min(of_training, default=0.0), max(of_training, default=0.0)
    offset = 1.0 if first <= 0 else 0.0
    if first == last:  # logged once in each epoch
        return epochs
    return [
        epoch if is_one else epoch - 1 + min((step + offset) / (last + offset), 1.0)
        for epoch, step, is_one in zip(epochs, steps, evaluated, strict=True)
    ]


def _between_epochs(epochs: list[float], steps: list[float], evaluated: Sequence[bool]) -> list[float]:
    """Place steps that count on, by the first and last of each epoch; evaluations lie at its end."""
    ends: dict[float, float] = {}
    starts: dict[float, float] = {}
    for epoch, step in zip(epochs, steps, strict=True):
        ends[epoch] = max(ends.get(epoch, step), step)
        starts[epoch] = min(starts.get(epoch, step), step)
    at = []
    for epoch, step, is_one in zip(epochs, steps, evaluated, strict=True):
        start = min(ends.get(epoch - 1, 0.0), starts[epoch])
        length = ends[epoch] - start
        at.append(epoch if is_one or length <= 0 else epoch - 1 + (step - start) / length)
    return at


def _fill(numbers: Sequence[float | None]) -> list[float] | None:
    """Return the numbers, those that are missing as the one before; None if there is none at all."""
    last = next((number for number in numbers if number is not None), None)
    if last is None:
        return None
    filled = []
    for number in numbers:
        last = last if number is None else number
        filled.append(last)
    return filled
