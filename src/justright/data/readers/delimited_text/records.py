"""The rows of delimited text as the csv module reads them: slower, but it knows quotes that span lines, and stray ones."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any

from justright.data.readers.delimited_text.frames import tidied
from justright.data.readers.delimited_text.layout import is_like_number, is_rule
from justright.data.readers.delimited_text.lines import BLANKS, MAX_CELL_CHARACTERS, Body, Lines, sort_out
from justright.errors import InputError

if TYPE_CHECKING:
    import polars as pl

# Records examined to tell a header from data: enough to see a column of numbers under a word.
HEAD_RECORDS = 100
# Ways to read quotes, the usual one first: doubled within quotes, behind a backslash (MySQL), or as a letter like any other.
QUOTES: tuple[dict[str, Any], ...] = (
    {"strict": True},
    {"strict": True, "escapechar": "\\", "doublequote": False},
    {"quoting": csv.QUOTE_NONE},
)


def first_records(body: Body) -> list[tuple[int, list[str]]]:
    """Return the first records, as far as they can be read: those beyond may end within quotes."""
    found: list[tuple[int, list[str]]] = []
    try:  # on an error, `extend` has kept what was there before
        found.extend(islice(_records(body), HEAD_RECORDS))
    except InputError:
        if not found:
            found.extend(islice(_records(body, QUOTES[-1]), HEAD_RECORDS))
    return found


def read_records(body: Body) -> tuple[pl.DataFrame, pl.Series, list[str]]:
    """Return the rows, the line on which each ends, and a sentence for each thing that is unusual.

    Raises:
        InputError: quotes that do not match, or what `sort_out` raises; that of the usual way to read quotes.
    """
    import polars as pl

    problem: InputError | None = None
    for quotes in QUOTES:
        if "escapechar" in quotes and b'\\"' not in body.data:
            continue
        try:
            found = list(islice(_records(body, quotes), body.rows))
            lines = Lines(
                pl.Series([line for line, _ in found], dtype=pl.Int64),
                pl.Series([len(cells) for _, cells in found], dtype=pl.Int64),
                {
                    place: body.delimiter.join(cells)
                    for place, (_, cells) in enumerate(found)
                    if len(cells) != len(body.columns)
                },
                any(not cells[-1] for _, cells in found),
            )
            keep, notes = sort_out(body, lines)
        except InputError as error:
            problem = problem or error
            continue
        rows = [cells for (_, cells), is_row in zip(found, keep, strict=True) if is_row]
        if problem and (notes or _cuts_numbers(rows)):
            continue
        series = [
            pl.Series(name, [cells[index] if index < len(cells) else None for cells in rows], dtype=pl.String)
            for index, name in enumerate(body.columns)
        ]
        return (
            pl.DataFrame([tidied(column) for column in series]),
            lines.numbers.filter(keep),
            notes,
        )
    assert problem is not None  # noqa: S101  # every way of reading quotes has failed
    raise problem


def _cuts_numbers(rows: Sequence[Sequence[str]]) -> bool:
    """Return whether a number has a quote at one end only: a slip of the pen, which must not make its column text."""
    return any('"' in cell and is_like_number(cell.strip('"')) for cells in rows for cell in cells)


def _records(body: Body, quotes: Mapping[str, Any] = QUOTES[0]) -> Iterator[tuple[int, list[str]]]:
    """Yield each record that may be a row, with the line of the file on which it ends, counted from 1."""
    text = io.TextIOWrapper(io.BytesIO(body.data), encoding="utf-8", errors="replace", newline="")
    reader = csv.reader(text, delimiter=body.delimiter, skipinitialspace=True, **quotes)
    csv.field_size_limit(MAX_CELL_CHARACTERS)
    try:
        for cells in reader:
            stripped = [cell.strip(BLANKS) for cell in cells]
            is_comment = body.comment and stripped and stripped[0].startswith(body.comment)
            if any(stripped) and not is_comment and not is_rule(body.delimiter.join(stripped)):
                yield reader.line_num + body.lines_before, stripped
    except csv.Error as error:
        line = reader.line_num + body.lines_before
        raise InputError(
            f"{body.label}: every line must be readable as delimited text; line {line:,} is not ({error}). "
            "Correct its quotes."
        ) from None
