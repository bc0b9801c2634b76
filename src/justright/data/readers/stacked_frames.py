"""Frames below each other whose columns have the same names, but types that only agree as numbers or text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import polars as pl


def stack_frames(frames: Sequence[pl.DataFrame]) -> pl.DataFrame:
    """Return all rows of several frames, in order.

    A column that holds numbers in each frame holds numbers; else dates and times if all are that; else text. A frame in which it
    is empty decides nothing.

    Args:
        frames: one at least, with the same columns in the same order.
    Example:
        >>> import polars as pl
        >>> parts = [pl.DataFrame({"x": [1]}), pl.DataFrame({"x": [0.5]}), pl.DataFrame({"x": [None]})]
        >>> stack_frames(parts)["x"].to_list()
        [1.0, 0.5, None]
    """
    import polars as pl

    columns = []
    for name in frames[0].columns:
        parts = [frame[name] for frame in frames]
        dtype = _common([part.dtype for part in parts if part.null_count() < len(part)])
        columns.append(pl.concat([_as(part, dtype) for part in parts]).alias(name))
    return pl.DataFrame(columns)


def _as(column: pl.Series, dtype: pl.DataType | type[pl.DataType]) -> pl.Series:
    import polars as pl

    if column.null_count() == len(column):  # of any type, such as text, which is never cast to a date
        return pl.repeat(None, len(column), dtype=dtype, eager=True)
    return column.cast(dtype)


def _common(dtypes: Sequence[pl.DataType]) -> pl.DataType | type[pl.DataType]:
    """Return a type that holds values of all these types."""
    import polars as pl

    different = set(dtypes)
    if len(different) == 1 and dtypes[0] not in (pl.Categorical, pl.Enum):
        return dtypes[0]
    if different and all(dtype.is_numeric() or dtype == pl.Boolean for dtype in different):
        whole = [dtype.is_integer() or dtype == pl.Boolean for dtype in different]
        return pl.Int64 if all(whole) and pl.UInt64 not in different else pl.Float64
    if different and all(dtype in (pl.Date, pl.Datetime) for dtype in different):
        return pl.Datetime("us")
    return pl.String
