"""Numbers in JSON as people save them: plain, as text, missing, NaN, or each in a list of its own."""

from __future__ import annotations

import math
from collections.abc import Sequence

from justright.logs.text.cell_numbers import is_measured, parse_number


def is_missing(value: object) -> bool:
    """Return whether a value says that nothing was measured."""
    return value is None or (isinstance(value, str) and not is_measured(value))


def to_number(value: object) -> float | None:
    """Return a number as a float, and None for what is none; true and false are not numbers.

    Example:
        >>> [to_number(value) for value in (3, "0.5", "70 %", [0.25], True, "lr", None)]
        [3.0, 0.5, 0.7, 0.25, None, None, None]
    """
    if isinstance(value, float):
        return value
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        try:
            return float(value)
        except OverflowError:  # what a float cannot hold has left the numbers
            return math.inf if value > 0 else -math.inf
    if isinstance(value, str):
        return parse_number(value)
    if isinstance(value, list) and len(value) == 1 and not isinstance(value[0], list):
        return to_number(value[0])
    return None


def to_numbers(values: Sequence[object]) -> list[float | None] | None:
    """Return a list's numbers, with None for what is missing or no number; None if it is not a list of numbers.

    A few words among numbers cost only themselves.
    """
    numbers = [to_number(value) for value in values]
    measured = sum(number is not None for number in numbers)
    words = sum(
        number is None and not is_missing(value) for number, value in zip(numbers, values, strict=True)
    )
    return numbers if measured > 0 and words * 10 <= measured else None
