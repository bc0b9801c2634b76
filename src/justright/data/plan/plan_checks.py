"""Whether the plan of a column is one that justright writes: a plan may come with a stranger's model."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import fields
from functools import partial
from typing import Any, get_type_hints

import numpy as np

from justright.data.checks import is_finite_number, is_whole
from justright.data.plan.date_text import date_parts
from justright.data.plan.number_text import NumberFormat

MAX_FLOAT32 = float(np.finfo(np.float32).max)
MAX_WHOLE = 2**53  # written without a point, a number may be larger than any that NumPy holds


def _is_text(value: object) -> bool:
    # Halves of a UTF-16 pair are no characters, and no text that Polars could hold.
    return isinstance(value, str) and not any("\ud800" <= character <= "\udfff" for character in value)


def _is_number(value: object) -> bool:
    most = MAX_FLOAT32 if isinstance(value, float) else MAX_WHOLE
    return is_finite_number(value) and abs(value) <= most


def _all(check: Callable[[Any], bool]) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, tuple) and all(map(check, value))


# Type of a field -> whether a value is of it.
CHECKS: Mapping[Any, Callable[[Any], bool]] = {
    str: _is_text,
    bool: lambda value: isinstance(value, bool),
    float: _is_number,
    tuple[str, ...]: _all(_is_text),
    tuple[int, ...]: _all(partial(is_whole, least=1)),
    tuple[float, ...]: _all(_is_number),
    NumberFormat: lambda value: all(_is_text(getattr(value, one.name)) for one in fields(value)),
}


def check_column_plan(column: Any) -> None:  # noqa: ANN401  # any of the kinds, which import this
    """Raise ValueError unless every field has a value of its type, and the values fit each other.

    Args:
        column: the plan of a column.
    """
    hints = get_type_hints(type(column))
    for one in fields(column):
        value = getattr(column, one.name)
        if not CHECKS[hints[one.name]](value):
            raise ValueError(f"{one.name!r} of a column cannot be {value!r}")
    levels = (*getattr(column, "levels", ("",)), *getattr(column, "rare_levels", ()))
    if len(set(levels)) < len(levels) or not levels:
        raise ValueError(f"the levels of column {column.name!r} must differ")
    if column.kind == "two levels" and len(levels) != 2:
        raise ValueError(f"column {column.name!r} must have two levels")
    if getattr(column, "counts", ()) and len(column.counts) != len(levels):
        raise ValueError(f"every level of column {column.name!r} must have a count")
    parts = getattr(column, "parts", ())
    if (
        len(parts) != len(getattr(column, "fills", ()))
        or not set(parts) <= date_parts(np.zeros(1), origin=0.0).keys()
    ):
        raise ValueError(f"the parts of column {column.name!r} must be those of a moment, each with its mean")
