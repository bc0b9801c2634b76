"""A number of an optimizer that is a program's input, where Keras asks in Python whether there is any.

`if self.momentum != 0` decides which program is traced, and has no answer for a traced value.
"""

from __future__ import annotations

from typing import Any


class LaneNumber:
    """A traced value to compute with, and the number that a program is traced with, which answers what Python asks.

    Args:
        number: the latter.
        value: the former, of shape ().
    """

    def __init__(self, number: float, value: Any) -> None:
        self._number, self._value = number, value
        self.shape, self.dtype = value.shape, value.dtype

    def __jax_array__(self) -> Any:
        """Return the value, as which JAX takes this."""
        return self._value

    def __bool__(self) -> bool:
        """Return whether the number is not 0."""
        return bool(self._number)

    def __gt__(self, other: float) -> bool:
        """Return whether the number is larger than another."""
        return self._number > other

    def __eq__(self, other: object) -> bool:
        """Return whether the number is another."""
        return self._number == other

    __hash__ = None  # type: ignore[assignment]  # as of an array
