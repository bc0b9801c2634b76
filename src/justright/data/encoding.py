"""Columns as float32, one at a time: text and numbers to numbers, levels to 0/1 features, missing values found."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from justright.data.checks import MAX_NAME_CHARACTERS, counted
from justright.data.readers.raw import RawTable
from justright.errors import InputError

if TYPE_CHECKING:
    import polars as pl

# A text column with more levels than this is an identifier or free text: as 0/1 features it would be memorised.
MAX_LEVELS = 50

Rows = npt.NDArray[np.int64]


def to_numbers(
    column: pl.Series, keep: Rows, raw: RawTable, *, is_target: bool = False
) -> npt.NDArray[np.float32]:
    """Return a feature column as finite float32 values.

    Args:
        column: the column after rows were left out.
        keep: (rows,), the 0-based row of the source that each value stands in, for messages.
        raw: the source, for messages.
        is_target: the column is the target, which cannot be declared categorical.
    Raises:
        InputError: a value is missing, not a number, not finite, or beyond float32; the message says where.
    """
    values = as_float64(column, keep, raw, is_target=is_target)
    with np.errstate(over="ignore"):
        narrow = values.astype(np.float32)
    bad = np.flatnonzero(~np.isfinite(narrow))
    if len(bad) == 0:
        return narrow
    first, number = values[bad[0]], len(bad)
    what, advice = counted(number, "value") + " beyond what float32 holds", "Rescale the column."
    if np.isnan(first):
        what = counted(number, "NaN value")
        advice = "Fill them in, or pass missing=['nan'] to leave such rows out."
    elif np.isinf(first):
        what, advice = counted(number, "infinite value"), "Correct or remove those rows."
    raise InputError(
        f"{raw.label}: column {column.name!r} has {what} (first: {raw.locate(int(keep[bad[0]]))}, {first}). {advice}"
    )


def as_float64(
    column: pl.Series, keep: Rows, raw: RawTable, *, is_target: bool = False
) -> npt.NDArray[np.float64]:
    """Return a column of numbers, booleans or numeric text as float64; NaN and infinity pass.

    Args:
        column: the column after rows were left out.
        keep: (rows,), the 0-based row of the source that each value stands in, for messages.
        raw: the source, for messages.
        is_target: the column is the target, which cannot be declared categorical.
    Raises:
        InputError: a value is missing or not a number, or the column holds dates, lists or objects.
    """
    import polars as pl

    where = f"{raw.label}: column {column.name!r}"
    refuse_missing(column, keep, raw)
    if is_text(column):
        return _numeric_text(column, keep, raw, is_target=is_target)
    if not (column.dtype.is_numeric() or column.dtype == pl.Boolean):
        raise InputError(
            f"{where} must hold numbers or text; got {column.dtype} values. Convert or remove it."
        )
    return column.cast(pl.Float64).to_numpy().astype(np.float64, copy=False)


def encode_levels(column: pl.Series, keep: Rows, raw: RawTable) -> tuple[npt.NDArray[np.float32], list[str]]:
    """Return one 0/1 feature for each level of a categorical column, levels in sorted order.

    Args:
        column: text, whole numbers or booleans.
        keep: (rows,), the 0-based row of the source that each value stands in, for messages.
        raw: the source, for messages.
    Returns:
        (rows, levels) float32 with a single 1 in each row, and the levels' names.
    Raises:
        InputError: a value is missing, or there are fewer than 2 or more than `MAX_LEVELS` levels.
    """
    refuse_missing(column, keep, raw)
    values = to_class_values(column, keep, raw)
    levels, codes = np.unique(values, return_inverse=True)
    if not 2 <= len(levels) <= MAX_LEVELS:
        raise InputError(
            f"{raw.label}: a categorical column must have 2 to {MAX_LEVELS} levels; {column.name!r} has "
            f"{len(levels):,}. Remove it, or group its values."
        )
    return np.eye(len(levels), dtype=np.float32)[codes], [level_name(level) for level in levels]


def to_class_values(
    column: pl.Series, keep: Rows, raw: RawTable
) -> npt.NDArray[np.float64] | npt.NDArray[np.str_]:
    """Return a column's values for telling classes apart: numbers where all are numeric, otherwise text.

    Args:
        column: the column; no value is missing.
        keep: (rows,), the 0-based row of the source that each value stands in, for messages.
        raw: the source, for messages.
    Raises:
        InputError: the column holds dates, lists or objects.
    """
    import polars as pl

    if not is_text(column):
        return as_float64(column, keep, raw)
    text = column.cast(pl.String).str.strip_chars()
    numbers = text.cast(pl.Float64, strict=False)
    if numbers.null_count() == 0:
        return numbers.to_numpy().astype(np.float64, copy=False)
    _refuse_long_text(text, keep, raw)
    return text.to_numpy().astype(np.str_)


def _refuse_long_text(text: pl.Series, keep: Rows, raw: RawTable) -> None:
    """Refuse what can be no class: NumPy gives every row the room of the longest, gigabytes for one long cell."""
    lengths = text.str.len_chars()
    row = int(lengths.arg_max() or 0)
    if lengths[row] > MAX_NAME_CHARACTERS:
        raise InputError(
            f"{raw.label}: a class or level must have at most {MAX_NAME_CHARACTERS} characters; column {text.name!r} "
            f"has one of {lengths[row]:,} ({raw.locate(int(keep[row]))}). Shorten it, or remove the column."
        )


def refuse_missing(column: pl.Series, keep: Rows, raw: RawTable) -> None:
    """Refuse a column with an empty cell or null, naming the first.

    Args:
        column: the column after rows were left out.
        keep: (rows,), the 0-based row of the source that each value stands in, for messages.
        raw: the source, for messages.
    Raises:
        InputError: a value is null.
    """
    missing = column.is_null()
    if missing.any():
        first = raw.locate(int(keep[int(missing.arg_max() or 0)]))
        raise InputError(
            f"{raw.label}: column {column.name!r} has {counted(int(missing.sum()), 'missing value')} (first: {first}). "
            "Fill them in, or pass missing=[''] to leave such rows out."
        )


def is_missing(column: pl.Series, tokens: Sequence[str]) -> npt.NDArray[np.bool_]:
    """Return which values of a column are one of the tokens; '' stands for an empty cell, 'nan' for NaN.

    Args:
        column: any column.
        tokens: texts as they stand in the source; in a numeric column, numbers they spell.
    Returns:
        (rows,), True where the value counts as missing.
    """
    import polars as pl

    gone = column.is_null() if "" in tokens else pl.zeros(len(column), dtype=pl.Boolean, eager=True)
    if is_text(column):
        gone |= column.cast(pl.String).str.strip_chars().is_in(list(tokens)).fill_null(value=False)
    elif column.dtype.is_numeric():
        numbers = pl.Series(list(tokens), dtype=pl.String).cast(pl.Float64, strict=False).drop_nulls()
        gone |= column.cast(pl.Float64).is_in(numbers.implode()).fill_null(value=False)
    return gone.to_numpy().astype(np.bool_)


def is_text(column: pl.Series) -> bool:
    """Return whether a column holds text: strings, categories or an enumeration."""
    import polars as pl

    return column.dtype in (pl.String, pl.Categorical, pl.Enum)


def level_name(value: object) -> str:
    """Return how a class or level is called: whole numbers without a decimal point.

    Example:
        >>> level_name(2.0), level_name("red")
        ('2', 'red')
    """
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() else repr(float(value))
    return str(value)


def _numeric_text(
    column: pl.Series, keep: Rows, raw: RawTable, *, is_target: bool
) -> npt.NDArray[np.float64]:
    import polars as pl

    text = column.cast(pl.String).str.strip_chars()
    numbers = text.cast(pl.Float64, strict=False)
    bad = np.flatnonzero(numbers.is_null().to_numpy())
    if len(bad) == 0:
        return numbers.to_numpy().astype(np.float64, copy=False)
    first, levels = text[int(bad[0])], text.n_unique()
    if len(first) > MAX_NAME_CHARACTERS:  # nobody types that as a token, and it would fill the screen
        raise InputError(
            f"{raw.label}: column {column.name!r} has {counted(len(bad), 'non-numeric value')} "
            f"(first: {raw.locate(int(keep[bad[0]]))}, a text of {len(first):,} characters). Remove the column."
        )
    advice = f"Pass missing=[{first!r}] to leave such rows out, or correct them."
    if is_target:
        advice = f"Correct them, pass missing=[{first!r}] to leave such rows out, or task='multiclass'."
    elif len(bad) == len(text) and levels > MAX_LEVELS:
        advice = (
            f"With {levels:,} different texts it cannot be categorical: remove it, or turn it into numbers."
        )
    elif levels <= MAX_LEVELS:
        advice = f"Declare it categorical, or pass missing=[{first!r}] to leave such rows out."
    raise InputError(
        f"{raw.label}: column {column.name!r} has {counted(len(bad), 'non-numeric value')} "
        f"(first: {raw.locate(int(keep[bad[0]]))}, {first!r}). {advice}"
    )
