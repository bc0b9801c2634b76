"""When the values of lists were measured that lie side by side in a JSON log and are not equally long."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import mode

# Validation may be rarer than training by this factor; beyond it the longer list has a value per step, not per epoch.
MAX_EVERY = 10


@dataclass(frozen=True, slots=True)
class Placement:
    """Length of a list -> when its values were measured, in epochs counted from 0; and what was assumed.

    Args:
        at: by length.
        notes: one sentence for each assumption.
    """

    at: Mapping[int, Sequence[float]]
    notes: tuple[str, ...] = ()


def place_lists(trained: Mapping[str, int], evaluated: Mapping[str, int]) -> Placement:
    """Return when the values of lists were measured.

    Args:
        trained: name -> length of lists of training, or of none of either.
        evaluated: the same of validation and test.

    Example:
        >>> place_lists({"loss": 4}, {"val_loss": 2}).at[2]
        [1.0, 3.0]
        >>> place_lists({"loss": 60}, {"val_loss": 2}).at[60][:2]
        [0.033333333, 0.066666667]
    """
    names = {length: name for name, length in reversed([*trained.items(), *evaluated.items()])}
    epochs = _count_epochs(list(trained.values()), list(evaluated.values()))
    placed = {length: _place(length, epochs, length in evaluated.values()) for length in names}
    # Training's first value is taken before epoch 0 ends, an evaluation before training lies at -1.
    shift = 1.0 if any(at[0] < 0 for at, _ in placed.values()) else 0.0
    notes = [
        sentence.format(
            name=names[length], length=f"{length:,}", base=names.get(epochs, ""), epochs=f"{epochs:,}"
        )
        for length, (_, sentence) in placed.items()
        if sentence
    ]
    return Placement(
        {length: [round(when + shift, 9) for when in at] for length, (at, _) in placed.items()}, tuple(notes)
    )


def _count_epochs(trained: list[int], evaluated: list[int]) -> int:
    """Return which length is that of epochs."""
    if not trained or not evaluated:
        return mode(trained or evaluated)
    train, validation = mode(trained), mode(evaluated)
    every = train // validation
    if train <= validation or every < 2 or (every <= MAX_EVERY and train // every == validation):
        return train
    return validation


def _place(length: int, epochs: int, is_evaluation: bool) -> tuple[list[float], str]:
    """Return when the values of a list were measured, and a sentence about it."""
    counted = [float(number) for number in range(length)]
    if length == epochs:
        return counted, ""
    has = "{name!r} has {length} values for {epochs} of {base!r}: "
    if length == epochs + 1 and is_evaluation:
        return [at - 1 for at in counted], has + "its first was taken as measured before training."
    if length >= 2 * epochs:
        at = [(number + 1) * epochs / length - 1 for number in counted]
        return (
            at,
            has
            + f"it was taken as logged {_times(length / epochs)} per epoch, and epochs as counted from 1.",
        )
    every = epochs // length
    if every >= 2 and epochs // every == length:
        return [
            (number + 1) * every - 1 for number in counted
        ], has + f"it was taken as measured every {every} epochs."
    return counted, has + "both were taken to begin at the first epoch."


def _times(ratio: float) -> str:
    return f"{ratio:.0f} times" if ratio == round(ratio) else f"about {ratio:.0f} times"
