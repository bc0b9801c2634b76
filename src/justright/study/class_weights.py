"""How much classes count in training: the option `class_weight` of a recipe."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from justright.data.checks import is_finite_number
from justright.errors import InputError, near_miss

BALANCED = "balanced"


def check_class_weight(given: object) -> Any:
    """Return 'balanced', the weights with texts for classes, or None.

    Raises:
        InputError: it is none of these, or a weight is not a number of at least 0.
    """
    if given is None or given == BALANCED:
        return given
    if not isinstance(given, Mapping) or not given:
        raise InputError(f"`class_weight` must be {BALANCED!r} or map classes to weights; got {given!r}.")
    wrong = {key: value for key, value in given.items() if not is_finite_number(value) or value < 0}
    if wrong:
        raise InputError(
            f"Each weight of `class_weight` must be a finite number of at least 0; got {wrong!r}."
        )
    return {str(key): float(value) for key, value in given.items()}


def weights_by_class(given: str | Mapping[str, float] | None, names: Sequence[str]) -> list[float] | None:
    """Return the weight of each class; None for 'balanced', whose weights depend on the training rows, and for None.

    Args:
        given: as `check_class_weight` returned it.
        names: the table's classes. Where a key is the name of none, keys are numbers of classes, as in Keras.

    Raises:
        InputError: a key is neither; all such keys are named.

    Example:
        >>> weights_by_class({"yes": 3.0}, ("no", "yes")), weights_by_class({"1": 3.0}, ("no", "yes"))
        ([1.0, 3.0], [1.0, 3.0])
    """
    if given is None or isinstance(given, str):
        return None
    numbers = {str(number): name for number, name in enumerate(names)}
    are_numbers = not set(given) & set(names) and set(given) <= set(numbers)
    chosen = {numbers[key]: value for key, value in given.items()} if are_numbers else dict(given)
    unknown = [key for key in chosen if key not in names]
    if unknown:
        listed, known = ", ".join(map(repr, unknown)), ", ".join(map(repr, names))
        raise InputError(
            f"`class_weight` must name classes of the table, {known}; got {listed}.{near_miss(unknown[0], names)}"
        )
    return [chosen.get(name, 1.0) for name in names]
