"""CSV, TSV and similar text: find delimiter and header, read fast if all is well, explain what is wrong if not."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from justright.data.checks import counted
from justright.data.read_options import ReadOptions
from justright.data.readers.inflate import GZIP_MAGIC, ZSTD_MAGIC, checked_size, read_packed
from justright.data.readers.raw import (
    PIECE_BYTES,
    PIECES_FROM_BYTES,
    NotNumbersError,
    Pieces,
    RawTable,
    TableFormat,
    check_column_count,
    check_column_names,
    made_up_names,
    row_place,
)
from justright.data.readers.sniff import SNIFFED_BYTES, check_text, find_delimiter, find_header
from justright.errors import InputError

if TYPE_CHECKING:
    import polars as pl

# The csv module's own limit for one cell, applied to Polars as well so that both refuse the same files.
MAX_CELL_CHARACTERS = 131_072
# What `bytes.strip` takes away: a line must be blank as text exactly when it is blank as bytes.
BLANKS = " \t\n\r\v\f"
# Records examined to tell a header from data: enough to see a column of numbers under a word.
HEAD_RECORDS = 100


@dataclass(frozen=True, slots=True)
class Body:
    """The data lines of a text, without its header.

    Args:
        data: the lines.
        delimiter: between fields.
        columns: the name of each field.
        label: how messages name the source.
        lines_before: lines cut off before `data`.
        rows: first rows that matter; None for all.
    """

    data: bytes
    delimiter: str
    columns: tuple[str, ...]
    label: str
    lines_before: int = 0
    rows: int | None = None


def read_text_file(path: Path, label: str, options: ReadOptions) -> RawTable:
    """Return the columns of a file of delimited text, which may be compressed by gzip or Zstandard.

    Args:
        path: the file.
        label: how messages name it.
        options: how it is written, where that must not be found out; of `head_rows`, no more rows are read.
    Raises:
        InputError: too large, damaged, or no delimited text; see `read_delimited`.
    """
    rows = options.head_rows
    if checked_size(path, label) >= PIECES_FROM_BYTES and (raw := _in_pieces(path, label, rows)):
        return raw
    return _read_whole(path, label, rows)


def _read_whole(path: Path, label: str, rows: int | None) -> RawTable:
    return read_delimited(read_packed(path, label), label, rows=rows)


def _in_pieces(path: Path, label: str, rows: int | None) -> RawTable | None:
    """Return a large file as pieces if it begins as a table of numbers; None otherwise."""
    with path.open("rb") as file:
        start = file.read(SNIFFED_BYTES)
        lines = start.count(b"\n") + sum(
            block.count(b"\n") for block in iter(partial(file.read, PIECE_BYTES), b"")
        )
    start = start[: start.rfind(b"\n") + 1]
    if not start or start.startswith((GZIP_MAGIC, ZSTD_MAGIC)):
        return None
    text = check_text(start, label)
    body, has_header = _find_body(text, label, rows)
    frame = _read_numbers(body)
    if frame is None:
        return None
    most = lines + 1 if rows is None else min(rows, lines + 1)
    frames = partial(_number_pieces, path, body, skipped=len(start) - len(body.data))
    pieces = Pieces(most, frames, whole=partial(_read_whole, path, label, rows))
    return RawTable(frame, label, has_header=has_header, locate=row_place, pieces=pieces)


def _number_pieces(path: Path, body: Body, *, skipped: int) -> Iterator[pl.DataFrame]:
    """Yield the rows of a file that begins with `skipped` bytes before the first of them."""
    left = body.rows
    with path.open("rb") as file:
        file.seek(skipped)
        rest = b""
        while left is None or left > 0:
            block = file.read(PIECE_BYTES)
            data = rest + block
            end = data.rfind(b"\n") + 1 if block else len(data)
            data, rest = data[:end], data[end:]
            if data:
                yield (frame := _piece(replace(body, data=data, rows=left)))
                left = None if left is None else left - frame.height
            if not block:
                return


def _piece(body: Body) -> pl.DataFrame:
    # What the whole file is checked for; a quote may begin a text that goes on in the next piece.
    is_plain = body.data.isascii() and not any(mark in body.data for mark in (b"\0", b'"'))
    frame = _read_numbers(body) if is_plain else None
    if frame is None:
        raise NotNumbersError
    return frame


def read_delimited(data: bytes, label: str, *, rows: int | None = None) -> RawTable:
    r"""Return the columns of delimited text: numbers as float64, everything else as text.

    The delimiter is whichever of comma, tab, semicolon and bar is most frequent in the first line; the first line
    is a header unless it looks like the lines below it. Blank lines are skipped, spaces around cells removed.

    Args:
        data: the text, UTF-8 with or without byte-order mark.
        label: how messages name it.
        rows: how many of the first rows matter; later ones are not read. None for all.
    Raises:
        InputError: empty, not UTF-8, a row with more or fewer fields than the first, a nameless or repeated
            column; the message says in which line.
    Example:
        >>> read_delimited(b"x,y\n1,0\n2,1\n", "'a.csv'").frame.columns
        ['x', 'y']
    """
    body, has_header = _find_body(check_text(data, label), label, rows)
    frame = _read_numbers(body)
    if frame is None:
        _check_fields(body)
        frame = _read_text(body)
    return RawTable(frame, label, has_header=has_header, locate=partial(_locate, body))


def read_number_rows(text: bytes, columns: Sequence[str]) -> pl.DataFrame | None:
    """Return comma-separated numbers without a header as float64 columns, or None if anything is not a number.

    Args:
        text: whole lines.
        columns: the name of each field.
    """
    return _read_numbers(Body(text, ",", tuple(columns), ""))


def _find_body(data: bytes, label: str, rows: int | None) -> tuple[Body, bool]:
    """Return the lines below the header, and whether there is one."""
    delimiter = find_delimiter(data)
    first, _, _ = data.lstrip(b"\n").partition(b"\n")
    # Before anything is parsed; a delimiter within quotes counts for a column here, which only matters at the limit.
    check_column_count(first.count(delimiter.encode()) + 1, label)
    whole = Body(data, delimiter, (), label)
    head = list(islice(_records(whole), HEAD_RECORDS))
    if not head:
        raise InputError(f"{label}: a table must have at least one row; it holds blank lines only.")
    names = find_header([cells for _, cells in head])
    _check_header(names, label)
    columns = tuple(names or made_up_names(len(head[0][1])))
    cut = head[0][0] if names else 0
    return Body(_without_lines(data, cut), delimiter, columns, label, cut, rows), names is not None


def _without_lines(data: bytes, lines: int) -> bytes:
    end = 0
    for _ in range(lines):
        end = data.find(b"\n", end) + 1 or len(data)
    return data[end:]


def _check_header(names: Sequence[str] | None, label: str) -> None:
    if names is None:
        return
    if "" in names:
        raise InputError(
            f"{label}: every column must have a name in the header (line 1); column number {names.index('')} (from 0) "
            "has none. Name it, or remove it if it only numbers the rows."
        )
    check_column_names(names, label)


def _read_numbers(body: Body) -> pl.DataFrame | None:
    import polars as pl

    try:
        frame = _read_csv(body, body.data, pl.Float64)
    except pl.exceptions.PolarsError:
        return None
    # A null is an empty cell, a short row or a blank line: the slow path tells which.
    return None if any(column.null_count() for column in frame.iter_columns()) else frame


def _read_csv(body: Body, data: bytes, dtype: type[pl.DataType]) -> pl.DataFrame:
    import polars as pl

    if not data.strip():  # Polars refuses empty input, but a header alone is a table of no rows
        return pl.DataFrame(schema=dict.fromkeys(body.columns, dtype))
    return pl.read_csv(
        data,
        has_header=False,
        separator=body.delimiter,
        schema=dict.fromkeys(body.columns, dtype),
        n_rows=body.rows,
    )


def _check_fields(body: Body) -> None:
    for line, cells in islice(_records(body), body.rows):
        if len(cells) != len(body.columns):
            raise InputError(
                f"{body.label}: every line must have {counted(len(body.columns), 'field')} as line 1 has; line "
                f"{line:,} has {len(cells):,}. Correct that line."
            )


def _read_text(body: Body) -> pl.DataFrame:
    import polars as pl

    try:
        # Spaces alone make a line blank too; Polars would read it as a row of one cell.
        lines = b"\n".join(line for line in body.data.splitlines() if line.strip())
        # Polars and the csv module read stray quotes differently; rows were counted with the latter.
        frame = _read_records(body) if b'"' in body.data else _read_csv(body, lines, pl.String)
    except pl.exceptions.PolarsError:
        # It looks beyond the rows asked for, where lines may have any length.
        frame = _read_records(body)
    return frame.with_columns([_narrowed(column) for column in frame.iter_columns()])


def _read_records(body: Body) -> pl.DataFrame:
    import polars as pl

    records = [cells for _, cells in islice(_records(body), body.rows)]
    series = [
        pl.Series(name, [cells[index] or None for cells in records], dtype=pl.String)
        for index, name in enumerate(body.columns)
    ]
    return pl.DataFrame(series)


def _narrowed(column: pl.Series) -> pl.Series:
    """Return a text column as numbers if all its values are numbers or missing."""
    import polars as pl

    text = column.str.strip_chars()
    text = text.set(text == "", None)
    numbers = text.cast(pl.Float64, strict=False)
    return numbers if numbers.null_count() == text.null_count() else text


def _records(body: Body) -> Iterator[tuple[int, list[str]]]:
    """Yield each record that is not blank, with the line of the file on which it ends, counted from 1."""
    text = io.TextIOWrapper(io.BytesIO(body.data), encoding="utf-8", newline="")
    reader = csv.reader(text, delimiter=body.delimiter, strict=True)
    csv.field_size_limit(MAX_CELL_CHARACTERS)
    try:
        for cells in reader:
            if len(cells) > 1 or (cells and cells[0].strip(BLANKS)):
                yield reader.line_num + body.lines_before, [cell.strip(BLANKS) for cell in cells]
    except csv.Error as error:
        line = reader.line_num + body.lines_before
        raise InputError(
            f"{body.label}: every line must be readable as delimited text; line {line:,} is not ({error}). "
            "Correct its quotes."
        ) from None


def _locate(body: Body, row: int) -> str:
    for line, _ in islice(_records(body), row, None):
        return f"{row_place(row)}, line {line:,}"
    return row_place(row)


DELIMITED = TableFormat("CSV, TSV", "a CSV or TSV file", (), (".csv", ".tsv"), read_text_file)
