"""Columns as float32: text and numbers become numbers, levels 0/1 features, and missing values are found."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
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


@dataclass(frozen=True, slots=True, eq=False)
class Column:
    """One column as read, and the rows that its values come from.

    Args:
        values: of the rows that are kept.
        keep: (rows,), the 0-based row of the source that each value comes from.
        raw: the source, for messages.
        is_target: whether it is the target, which cannot be declared categorical.
    """

    values: pl.Series
    keep: Rows
    raw: RawTable
    is_target: bool = False

    @property
    def name(self) -> str:
        """Its name."""
        return self.values.name

    @property
    def label(self) -> str:
        """How messages name it."""
        return f"{self.raw.label}: column {self.name!r}"

    def place(self, index: int) -> str:
        """Return where in the source a user finds a value."""
        return self.raw.locate(int(self.keep[index]))


def to_numbers(column: Column) -> npt.NDArray[np.float32]:
    """Return a column as finite float32 values.

    Raises:
        InputError: a value is missing, not a number, not finite, or beyond float32; the message says where.
    """
    values = as_float64(column)
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
    raise InputError(f"{column.label} has {what} (first: {column.place(bad[0])}, {first}). {advice}")


def as_float64(column: Column) -> npt.NDArray[np.float64]:
    """Return a column of numbers, booleans or numeric text as float64; NaN and infinity pass.

    Raises:
        InputError: a value is missing or not a number, or the column holds dates, lists or objects.
    """
    import polars as pl

    refuse_missing(column)
    if is_text(column.values):
        return _numeric_text(column)
    dtype = column.values.dtype
    if not (dtype.is_numeric() or dtype == pl.Boolean):
        raise InputError(
            f"{column.label} must hold numbers or text; got {dtype} values. Convert or remove it."
        )
    return column.values.cast(pl.Float64).to_numpy().astype(np.float64, copy=False)


def encode_levels(column: Column) -> tuple[npt.NDArray[np.float32], list[str]]:
    """Return one 0/1 feature for each level of a column of text, whole numbers or booleans, levels in sorted order.

    Returns:
        (rows, levels) float32 with a single 1 in each row, and the levels' names.
    Raises:
        InputError: a value is missing, or there are fewer than 2 or more than `MAX_LEVELS` levels.
    """
    refuse_missing(column)
    levels, codes = np.unique(to_class_values(column), return_inverse=True)
    if not 2 <= len(levels) <= MAX_LEVELS:
        raise InputError(
            f"{column.raw.label}: a categorical column must have 2 to {MAX_LEVELS} levels; {column.name!r} has "
            f"{len(levels):,}. Remove it, or group its values."
        )
    return np.eye(len(levels), dtype=np.float32)[codes], [level_name(level) for level in levels]


def to_class_values(column: Column) -> npt.NDArray[np.float64] | npt.NDArray[np.str_]:
    """Return a complete column's values for telling classes apart: numbers where all are numeric, otherwise text.

    Raises:
        InputError: the column holds dates, lists or objects, or a text that is too long for a class.
    """
    import polars as pl

    if not is_text(column.values):
        return as_float64(column)
    text = column.values.cast(pl.String).str.strip_chars()
    numbers = text.cast(pl.Float64, strict=False)
    if numbers.null_count() == 0:
        return numbers.to_numpy().astype(np.float64, copy=False)
    # NumPy gives every row the room of the longest text: gigabytes for one long cell.
    lengths = text.str.len_chars()
    row = int(lengths.arg_max() or 0)
    if lengths[row] > MAX_NAME_CHARACTERS:
        raise InputError(
            f"{column.raw.label}: a class or level must have at most {MAX_NAME_CHARACTERS} characters; column "
            f"{column.name!r} has one of {lengths[row]:,} ({column.place(row)}). Shorten it, or remove the column."
        )
    return text.to_numpy().astype(np.str_)


def refuse_missing(column: Column) -> None:
    """Refuse a column with an empty cell or null, naming the first.

    Raises:
        InputError: a value is null.
    """
    missing = column.values.is_null()
    if missing.any():
        raise InputError(
            f"{column.label} has {counted(int(missing.sum()), 'missing value')} "
            f"(first: {column.place(missing.arg_max() or 0)}). "
            "Fill them in, or pass missing=[''] to leave such rows out."
        )


def is_missing(values: pl.Series, tokens: Sequence[str]) -> npt.NDArray[np.bool_]:
    """Return which values of a column are one of the tokens; '' means an empty cell, 'nan' means NaN.

    Args:
        values: of any type.
        tokens: texts as written in the source; in a numeric column, the numbers that they spell.
    Returns:
        (rows,), True where the value counts as missing.
    """
    import polars as pl

    gone = values.is_null() if "" in tokens else pl.zeros(len(values), dtype=pl.Boolean, eager=True)
    if is_text(values):
        gone |= values.cast(pl.String).str.strip_chars().is_in(list(tokens)).fill_null(value=False)
    elif values.dtype.is_numeric():
        numbers = pl.Series(list(tokens), dtype=pl.String).cast(pl.Float64, strict=False).drop_nulls()
        gone |= values.cast(pl.Float64).is_in(numbers.implode()).fill_null(value=False)
    return gone.to_numpy().astype(np.bool_)


def is_text(values: pl.Series) -> bool:
    """Return whether values are text: strings, categories or an enumeration."""
    import polars as pl

    return values.dtype in (pl.String, pl.Categorical, pl.Enum)


def level_name(value: object) -> str:
    """Return the name of a class or level: whole numbers have no decimal point.

    Example:
        >>> level_name(2.0), level_name("red")
        ('2', 'red')
    """
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() else repr(float(value))
    return str(value)


def _numeric_text(column: Column) -> npt.NDArray[np.float64]:
    import polars as pl

    text = column.values.cast(pl.String).str.strip_chars()
    numbers = text.cast(pl.Float64, strict=False)
    bad = np.flatnonzero(numbers.is_null().to_numpy())
    if len(bad) == 0:
        return numbers.to_numpy().astype(np.float64, copy=False)
    first, levels = text[int(bad[0])], text.n_unique()
    shown, advice = repr(first), f"Pass missing=[{first!r}] to leave such rows out, or correct them."
    if len(first) > MAX_NAME_CHARACTERS:  # too long to type as a token, and it would fill the screen
        shown, advice = f"a text of {len(first):,} characters", "Remove the column."
    elif column.is_target:
        advice = f"Correct them, pass missing=[{first!r}] to leave such rows out, or task='multiclass'."
    elif levels <= MAX_LEVELS:
        advice = f"Declare it categorical, or pass missing=[{first!r}] to leave such rows out."
    elif len(bad) == len(text):
        advice = (
            f"With {levels:,} different texts it cannot be categorical: remove it, or turn it into numbers."
        )
    raise InputError(
        f"{column.label} has {counted(len(bad), 'non-numeric value')} (first: {column.place(bad[0])}, {shown}). {advice}"
    )
