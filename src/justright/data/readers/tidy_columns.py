"""Columns that hold one value in each row: structures are taken apart, what cannot be a feature is left out and said."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from justright.data.checks import listed
from justright.data.readers.raw import RawTable, check_column_count, check_column_names

if TYPE_CHECKING:
    import polars as pl

MAX_LISTED = 5
# In which bytes may be text, and what fills it up to a fixed length.
ENCODINGS, PADDING = ("utf-8", "cp1252"), " \0"
# Of a second, in the units in which Polars counts durations.
TICKS = {"ms": 1e3, "us": 1e6, "ns": 1e9}


def tidy_columns(raw: RawTable) -> RawTable:
    """Return a table of numbers, booleans, texts, dates and times only.

    The fields of a structure become columns `outer.inner`, one level deep. Decimal numbers become floats, durations seconds, and
    times with a zone are those that clocks there show. Bytes that hold text, as SAS, ARFF and HDF5 give it to Python, become text.
    Lists, other bytes and objects are left out, with a note.

    Args:
        raw: as a reader or a frame gives it. A table in pieces holds numbers only and is returned as it is.
    Raises:
        InputError: two columns then have the same name, or there are too many.
    """
    import polars as pl

    if raw.pieces is not None:
        return raw
    left_out: dict[str, list[str]] = {}
    durations: list[str] = []
    kept: list[pl.Series] = []
    for given in _taken_apart(raw.frame):
        column = _decoded(given) if given.dtype == pl.Binary else given
        what = _unusable(column.dtype)
        if what:
            left_out.setdefault(what, []).append(column.name)
            continue
        if column.dtype == pl.Duration:
            durations.append(column.name)
        kept.append(_simple(column))
    notes = [_left_out_note(what, names) for what, names in left_out.items()]
    if durations:
        notes.append(f"Durations are taken in seconds: {listed(durations, most=MAX_LISTED)}.")
    if pl.Struct in raw.frame.dtypes:
        check_column_count(len(kept), raw.label)
        check_column_names([column.name for column in kept], raw.label)
    return replace(raw, frame=pl.DataFrame(kept), notes=(*raw.notes, *notes))


def _taken_apart(frame: pl.DataFrame) -> Iterator[pl.Series]:
    import polars as pl

    for column in frame.iter_columns():
        if column.dtype == pl.Struct:
            for field in column.struct.fields:
                yield column.struct.field(field).alias(f"{column.name}.{field}")
        else:
            yield column


def _decoded(column: pl.Series) -> pl.Series:
    """Return a column of bytes as text in UTF-8, else in Windows-1252; as it is if it holds anything but text."""
    import polars as pl

    values = column.to_list()
    for encoding in ENCODINGS:
        try:
            texts = [None if value is None else value.decode(encoding).strip(PADDING) for value in values]
        except UnicodeDecodeError:
            continue
        if all(text is None or text.isprintable() for text in texts):
            return pl.Series(column.name, texts, dtype=pl.String)
    return column


def _unusable(dtype: pl.DataType) -> str:
    """Return what values of this type are called if they cannot be a feature; empty if they can."""
    import polars as pl

    names = {pl.List: "lists", pl.Array: "lists", pl.Struct: "structures", pl.Binary: "bytes"}
    known = next((name for kind, name in names.items() if dtype == kind), "")
    simple = (pl.Boolean, pl.String, pl.Categorical, pl.Enum, pl.Null)
    return known or (
        "" if dtype.is_numeric() or dtype.is_temporal() or dtype in simple else "lists or objects"
    )


def _simple(column: pl.Series) -> pl.Series:
    import polars as pl

    if column.dtype == pl.Null:
        return column.cast(pl.String)
    if column.dtype.is_decimal():
        return column.cast(pl.Float64)
    if isinstance(column.dtype, pl.Duration):
        return column.to_physical() / TICKS[column.dtype.time_unit or "us"]
    if column.dtype == pl.Datetime:
        return column.dt.replace_time_zone(None)
    return column


def _left_out_note(what: str, names: list[str]) -> str:
    if len(names) == 1:
        return f"Column {names[0]!r} holds {what} and is left out."
    return f"{len(names):,} columns hold {what} and are left out: {listed(names, most=MAX_LISTED)}."
