"""Python's own values as columns: of records, dictionaries, databases and columns of objects."""

from __future__ import annotations

import datetime
import math
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import polars as pl

# Beyond these a whole number does not fit Polars' integers.
LEAST_INT, MOST_INT = -(2**63), 2**63 - 1
PLAIN = (float, int, str, bool)
NOTHINGS = ("NAType", "NaTType")  # what pandas writes for a missing value
# Longer durations, in microseconds, do not fit Polars' integers.
MOST_DAYS = 100_000_000
CONTAINERS = (list, tuple, set, frozenset, Mapping)


def values_column(name: str, values: Iterable[Any]) -> pl.Series:
    """Return a column of values of one type; values of several types become text, None is missing.

    Args:
        name: of the column.
        values: numbers, booleans, texts, dates, times, durations, bytes, or any other objects.
    Returns:
        Numbers of several types become floats, dates beside times of a date such times. A column that holds lists, mappings or
        arrays keeps them as objects, which are no feature.
    Example:
        >>> values_column("x", [1, None, 2.5]).to_list(), values_column("x", [1, "one"]).to_list()
        ([1.0, None, 2.5], ['1', 'one'])
    """
    import polars as pl

    cells = [_plain(value) for value in values]
    kinds = {type(cell) for cell in cells} - {type(None)}
    if any(issubclass(kind, CONTAINERS) or hasattr(kind, "ndim") for kind in kinds):
        return pl.Series(name, cells, dtype=pl.Object)
    if kinds <= {float, int, bool} and kinds:
        return _number_column(name, cells, kinds)
    simple: dict[type, Any] = {
        datetime.time: pl.Time,
        datetime.date: pl.Date,
        bytes: pl.Binary,
    }
    if kinds == {datetime.timedelta}:
        if any(abs(cell.days) > MOST_DAYS for cell in cells if cell is not None):
            cells = [None if cell is None else cell.total_seconds() for cell in cells]
            return pl.Series(name, cells, dtype=pl.Float64)
        return pl.Series(name, cells, dtype=pl.Duration("us"))
    if len(kinds) == 1 and (dtype := simple.get(next(iter(kinds)))):
        return pl.Series(name, cells, dtype=dtype)
    if kinds and kinds <= {datetime.date, datetime.datetime}:
        return pl.Series(name, [_moment(cell) for cell in cells], dtype=pl.Datetime("us"))
    return pl.Series(name, [_text(cell) for cell in cells], dtype=pl.String)


def _number_column(name: str, cells: Sequence[Any], kinds: set[type]) -> pl.Series:
    import polars as pl

    if kinds == {bool}:
        return pl.Series(name, cells, dtype=pl.Boolean)
    if kinds == {int} and all(cell is None or LEAST_INT <= cell <= MOST_INT for cell in cells):
        return pl.Series(name, cells, dtype=pl.Int64)
    return pl.Series(name, [None if cell is None else _as_float(cell) for cell in cells], dtype=pl.Float64)


def _as_float(value: float) -> float:
    try:
        return float(value)
    except OverflowError:  # a whole number beyond all floats
        return float("inf") if value > 0 else float("-inf")


def _plain(value: Any) -> Any:  # noqa: ANN401  # a value of any type
    """Return one of Python's own types for a number or date of NumPy, pandas and their like."""
    if value is None or type(value) in PLAIN:
        return value
    if type(value).__name__ in NOTHINGS:
        return None
    if type(value).__module__ == "numpy" and hasattr(value, "item") and not getattr(value, "ndim", 0):
        is_moment = value.dtype.kind in "mM" if hasattr(value, "dtype") else False
        value = value.astype(f"{value.dtype.kind}8[us]").item() if is_moment else value.item()
    if isinstance(value, Decimal):
        return math.nan if value.is_nan() else float(value)  # one kind of NaN there is no float
    if isinstance(value, datetime.datetime) and type(value) is not datetime.datetime:  # pandas' Timestamp
        return value.to_pydatetime(warn=False) if hasattr(value, "to_pydatetime") else value
    if isinstance(value, datetime.timedelta) and type(value) is not datetime.timedelta:
        return datetime.timedelta(value.days, value.seconds, value.microseconds)
    # An enumeration, or NumPy's str_.
    return next((kind(value) for kind in PLAIN if isinstance(value, kind)), value)


def _moment(value: datetime.date | None) -> datetime.datetime | None:
    """Return a time of a date, as clocks there show it."""
    if value is None or isinstance(value, datetime.datetime):
        return None if value is None else value.replace(tzinfo=None)
    return datetime.datetime.combine(value, datetime.time())


def _text(value: Any) -> str | None:  # noqa: ANN401  # a value of any type
    if value is None or (
        isinstance(value, float) and value != value
    ):  # NaN among texts is how pandas marks what is missing
        return None
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value).encode("utf-8", "replace").decode()  # half a pair of UTF-16 is no character
