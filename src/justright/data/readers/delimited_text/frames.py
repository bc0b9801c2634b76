"""The rows of delimited text as columns, read by Polars: numbers as such, all else as text."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from justright.data.readers.delimited_text.lines import BLANKS, Body

if TYPE_CHECKING:
    import polars as pl

# Rows from which the kinds of columns are guessed, and bytes.
SAMPLE_ROWS, SAMPLE_BYTES = 1_000, 1 << 18
# A cell such as 02139: as a number, it would lose its zero.
PADDED = re.compile(rb"(?:^|[\n,;|\t ])0\d+\s*(?:$|[\n,;|\t ])")


def has_nulls(frame: pl.DataFrame) -> bool:
    """Return whether any value is missing."""
    return any(column.null_count() for column in frame.iter_columns())


def read_numbers(body: Body, data: bytes) -> pl.DataFrame | None:
    """Return the rows as float64, empty cells as nulls; None if anything else is no number, or in quotes."""
    import polars as pl

    # Polars panics on a number that is a quote and nothing else.
    if b'"' in data or PADDED.search(data, 0, SAMPLE_BYTES):
        return None
    try:
        return _read_csv(body, data, pl.Float64)
    except polars_error():
        return None


def read_text(body: Body, data: bytes) -> pl.DataFrame:
    """Return the rows, each column as float64 if all its values are plain numbers or missing, else as text.

    Raises:
        PolarsError: Polars reads the lines otherwise than they were counted.
    """
    import polars as pl

    first = _read_csv(replace(body, rows=min(body.rows or SAMPLE_ROWS, SAMPLE_ROWS)), data, pl.String)
    # Numbers as such wherever they begin as such: text takes twice the time and room.
    begins_as_numbers = first.select(map(_are_numbers, first.columns)).row(0)
    kinds = {
        name: pl.Float64 if is_like_numbers else pl.String
        for name, is_like_numbers in zip(first.columns, begins_as_numbers, strict=True)
    }
    try:
        frame = _read_csv(body, data, kinds)
    except polars_error():
        frame = _read_csv(body, data, pl.String)
    return frame.with_columns([tidied(one) for one in frame.iter_columns() if one.dtype == pl.String])


def _are_numbers(name: str) -> pl.Expr:
    """Return whether a text column holds numbers and nothing else, none of which is a code that begins with 0."""
    import polars as pl

    text = pl.col(name).str.strip_chars()
    number = text.cast(pl.Float64, strict=False)
    is_other = (text != "") & number.is_null()
    is_code = text.str.contains(r"^0\d+$")
    return (number.is_not_null().any() & ~is_other.any() & ~is_code.any()).alias(name)


def polars_error() -> type[Exception]:
    """Return what Polars raises, for files that do not import it at once."""
    import polars as pl

    return pl.exceptions.PolarsError


def _read_csv(
    body: Body, data: bytes, kinds: type[pl.DataType] | Mapping[str, type[pl.DataType]]
) -> pl.DataFrame:
    import polars as pl

    schema = dict(kinds) if isinstance(kinds, Mapping) else dict.fromkeys(body.columns, kinds)
    if not data.strip(
        BLANKS.encode()
    ):  # Polars refuses empty input, but a header alone is a table of no rows
        return pl.DataFrame(schema=schema)
    if data.startswith(b"x"):  # Polars would take `x^` for compressed bytes; a blank before a text is nothing
        data = b" " + data
    return pl.read_csv(data, has_header=False, separator=body.delimiter, schema=schema, n_rows=body.rows)


def tidied(column: pl.Series) -> pl.Series:
    """Return a text column without blanks around its values, as numbers if all values are plain numbers or missing.

    Single quotes are taken off if all texts are in a pair of them.
    """
    import polars as pl

    text = column.str.strip_chars()
    text = text.set(text == "", None)
    if text.str.contains(r"^0\d+$").any():
        return text
    numbers = text.cast(pl.Float64, strict=False)
    if numbers.null_count() == text.null_count():
        return numbers
    words = text.filter(numbers.is_null() & text.is_not_null())
    if words.str.contains(r"^'[^']*'$").all():
        return tidied(text.str.replace(r"^'([^']*)'$", "$1"))
    return text
