"""CSV, TSV and similar text: find out how it is laid out, read it fast if all is well, explain what is wrong if not."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from itertools import islice
from pathlib import Path, PurePath
from typing import TYPE_CHECKING

from justright.data.checks import counted, listed
from justright.data.read_options import READ_ALL, ReadOptions
from justright.data.readers.delimited_text.frames import has_nulls, polars_error, read_numbers, read_text
from justright.data.readers.delimited_text.header import MAX_LISTED, find_header, find_units, name_columns
from justright.data.readers.delimited_text.layout import (
    Layout,
    check_separator,
    delimited,
    describe_skipped,
    find_layout,
    name_separator,
)
from justright.data.readers.delimited_text.lines import (
    MAX_CELL_CHARACTERS,
    Body,
    find_lines,
    kept_data,
    sort_out,
)
from justright.data.readers.delimited_text.records import first_records, read_records
from justright.data.readers.inflate import PACKED_ENDINGS, checked_size, is_packed, read_packed
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
from justright.data.readers.sniff import decode_text
from justright.errors import InputError

if TYPE_CHECKING:
    import polars as pl

# Bytes from which the layout is found; more if they hold only a few lines, up to the larger number.
SNIFFED_BYTES = 1 << 20
MOST_SNIFFED_BYTES = 1 << 26
SNIFFED_LINES = 10
# What a file's name promises about its separators.
PROMISED = {".csv": ",", ".tsv": "\t", ".tab": "\t"}


def read_text_file(path: Path, label: str, options: ReadOptions) -> RawTable:
    """Return the columns of a file of delimited text, which may be compressed.

    Args:
        path: the file.
        label: how messages name it.
        options: how it is written, where that must not be found out; of `head_rows`, no more rows are read.
    Raises:
        InputError: too large, damaged, or no delimited text; see `read_delimited`.
    """
    if checked_size(path, label) >= PIECES_FROM_BYTES and (raw := _in_pieces(path, label, options)):
        return raw
    return _read_whole(path, label, options)


def _read_whole(path: Path, label: str, options: ReadOptions) -> RawTable:
    return read_delimited(read_packed(path, label), label, options, name=path.name)


def _in_pieces(path: Path, label: str, options: ReadOptions) -> RawTable | None:
    """Return a large file as pieces if it begins as a table of numbers; None otherwise."""
    with path.open("rb") as file:
        start = file.read(SNIFFED_BYTES)
        lines = start.count(b"\n") + sum(
            block.count(b"\n") for block in iter(partial(file.read, PIECE_BYTES), b"")
        )
    start = start[: start.rfind(b"\n") + 1]
    if not start or is_packed(start) or options.encoding:
        return None
    text, note = decode_text(start, label)
    if note:
        return None
    body, has_header, notes = _find_body(text, label, options, name=path.name)
    frame = read_numbers(body, body.data)
    if frame is None or has_nulls(frame):
        return None
    rows = options.head_rows
    most = lines + 1 if rows is None else min(rows, lines + 1)
    skipped = len(start) - len(_without_lines(text, body.lines_before))
    frames = partial(_number_pieces, path, body, skipped=skipped)
    pieces = Pieces(most, frames, whole=partial(_read_whole, path, label, options))
    return RawTable(frame, label, has_header=has_header, locate=row_place, pieces=pieces, notes=notes)


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
    frame = read_numbers(body, delimited(body.data, body.sep)[0]) if is_plain else None
    if frame is None or has_nulls(frame):
        raise NotNumbersError
    return frame


def read_delimited(data: bytes, label: str, options: ReadOptions = READ_ALL, *, name: str = "") -> RawTable:
    r"""Return the columns of delimited text: plain numbers as float64, everything else as text.

    What separates the fields, which line names the columns, and which lines are no rows is found from the first lines, as
    far as the options do not say it. Blank lines are skipped, spaces around cells removed. What was understood in an unusual
    way is in `notes`.

    Args:
        data: the text, in any encoding.
        label: how messages name it.
        options: `sep`, `encoding` and `header`; of `head_rows`, later rows are not read.
        name: the file's name, which may promise a separator.
    Raises:
        InputError: empty, a binary file, or rows with more or fewer fields than the others; the message says in which lines.
    Example:
        >>> read_delimited(b"x,y\n1,0\n2,1\n", "'a.csv'").frame.columns
        ['x', 'y']
    """
    text, note = decode_text(data, label, options.encoding)
    body, has_header, notes = _find_body(text, label, options, name=name)
    frame, locate, more = _read_body(body)
    hollow = [one for one in body.empty if frame[one].null_count() == frame.height]
    nameless = [one for one in body.empty if one not in hollow]
    if nameless and has_header:
        more.append(f"Columns without a name are called {listed(nameless, most=MAX_LISTED)}.")
    told = (*([note] if note else []), *notes, *more)
    return RawTable(frame.drop(hollow), label, has_header=has_header, locate=locate, notes=told)


def read_number_rows(text: bytes, columns: Sequence[str]) -> pl.DataFrame | None:
    """Return comma-separated numbers without a header as float64 columns, or None if anything is not a number.

    Args:
        text: whole lines.
        columns: the name of each field.
    """
    body = Body(text, ",", tuple(columns), "")
    frame = read_numbers(body, text)
    return None if frame is None or has_nulls(frame) else frame


def _find_body(
    text: bytes, label: str, options: ReadOptions, *, name: str
) -> tuple[Body, bool, tuple[str, ...]]:
    """Return the lines below the header, whether there is one, and a sentence for each thing that is unusual about them."""
    head = _head(text)
    sep = None if options.sep is None else check_separator(options.sep)
    layout = find_layout(head.decode("utf-8", "replace"), sep)
    check_column_count(layout.fields, label)
    data, delimiter = delimited(_without_lines(head, layout.first_line), layout.sep)
    body = Body(data, delimiter, (), label, layout.sep, layout.first_line, options.head_rows, layout.comment)
    records = first_records(body)
    if not records:
        raise InputError(f"{label}: a table must have at least one row; it holds blank lines only.")
    cells = [cells for _, cells in records]
    names, is_first = _find_names(cells, layout, options.header)
    if names and len(names) != layout.fields:
        raise InputError(
            f"{label}: the header must name {counted(layout.fields, 'column')}, as many as most lines have; line "
            f"{records[0][0]:,} names {len(names):,}. Correct that line."
        )
    cut, rows = layout.first_line, cells
    notes = _layout_notes(layout, sep, name)
    if names and is_first:
        cut, rows = records[0][0], cells[1:]
        if options.header is None and find_units(rows):
            cut, rows = records[1][0], rows[1:]
            notes.append(f"Line {cut:,} was skipped: it holds units, no values.")
    elif names:
        notes.append("The names of the columns stand in a comment.")
    columns, empty, more = _name_columns(names, rows, layout.fields)
    check_column_names(columns, label)
    whole = next((line for line, found in records if len(found) == layout.fields), None)
    body = replace(
        body,
        data=delimited(_without_lines(text, cut), layout.sep)[0],
        columns=tuple(columns),
        lines_before=cut,
        heading=_line(data) if names and is_first and options.header is None else "",
        empty=tuple(empty),
        like=f"line {whole:,} has" if whole else "most have",
    )
    return body, names is not None, (*notes, *more)


def _head(text: bytes) -> bytes:
    """Return the first lines of a text, whole; more bytes of a text with long lines."""
    size = SNIFFED_BYTES
    while size < min(len(text), MOST_SNIFFED_BYTES) and text.count(b"\n", 0, size) < SNIFFED_LINES:
        size *= 2
    return text if size >= len(text) else text[: text.rfind(b"\n", 0, size) + 1] or text[:size]


def _without_lines(data: bytes, lines: int) -> bytes:
    end = 0
    for _ in range(lines):
        end = data.find(b"\n", end) + 1 or len(data)
    return data[end:]


def _line(data: bytes) -> str:
    return data.partition(b"\n")[0].rstrip(b"\r").decode("utf-8", "replace")


def _find_names(cells: list[list[str]], layout: Layout, header: bool | None) -> tuple[list[str] | None, bool]:
    """Return the names of the columns, and whether they are the first record; a comment above may hold them, too."""
    first, rows = _fitted(cells[0], cells[1:], layout.fields), cells[1:]
    if header is True:
        return first, True
    if header is False:
        return None, True
    if len(first) == layout.fields and (names := find_header([first, *rows])):
        return names, True
    for sep in (layout.sep, *",\t;") if 0 < len(layout.heading) <= MAX_CELL_CHARACTERS else ():
        found = _cells_of(layout.heading, sep)
        if len(found) == layout.fields and (names := find_header([found, *cells])):
            return names, False
    return None, True


def _cells_of(line: str, sep: str) -> list[str]:
    data, delimiter = delimited(line.encode(), sep)
    records = first_records(Body(data, delimiter, (), ""))
    return records[0][1] if len(records) == 1 else []


def _fitted(first: list[str], rows: Sequence[Sequence[str]], fields: int) -> list[str]:
    """Return a header with as many cells as rows have, if it may be one.

    A name fewer leaves the column of row names without one (R does that), or rows alone end with a separator.
    """
    if len(first) == fields + 1 and not first[-1]:
        return first[:-1]
    if len(first) == fields - 1 and rows:
        ends = [row[-1] for row in rows if len(row) == fields]
        return ["", *first] if any(ends) else [*first, ""]
    return first


def _name_columns(
    names: Sequence[str] | None, rows: Sequence[Sequence[str]], fields: int
) -> tuple[list[str], list[str], list[str]]:
    """Return names for all columns, those of columns that seem to be none, and what is to be said about names."""
    hollow = [
        index
        for index in range(fields)
        if (index == fields - 1 > 0 if names is None else not names[index])
        and rows
        and not any(row[index] for row in rows if len(row) == fields)
    ]
    if names is None:
        columns, notes = made_up_names(fields), list[str]()
    else:
        columns, notes = name_columns(names, empty=hollow)
    return columns, [columns[index] for index in hollow], notes


def _layout_notes(layout: Layout, sep: str | None, name: str) -> list[str]:
    path = PurePath(name.lower())
    promised = PROMISED.get((path.with_suffix("") if path.suffix in PACKED_ENDINGS else path).suffix)
    notes = [f"Fields are separated by {name_separator(layout.sep)}."]
    if sep or promised in (None, layout.sep) or layout.fields == 1:
        notes = []
    return notes + ([describe_skipped(layout.skipped, "above the table")] if layout.skipped else [])


def _read_body(body: Body) -> tuple[pl.DataFrame, Callable[[int], str], list[str]]:
    """Return the rows, how to find one of them in the file, and a sentence for each thing that is unusual."""
    numbers = read_numbers(body, body.data)
    if numbers is not None and not has_nulls(numbers):
        return numbers, partial(_locate, body), []
    frame, places, notes = _read_lines(body, numbers) or read_records(body)
    return frame, partial(_locate_line, places), notes


def _read_lines(body: Body, numbers: pl.DataFrame | None) -> tuple[pl.DataFrame, pl.Series, list[str]] | None:
    """Return the rows as Polars reads them, and the line of each; None where its reading may not be that of the csv module.

    Args:
        body: the lines.
        numbers: them as numbers, if they are; a null in them is an empty cell, a short row or a blank line.
    """
    lines = find_lines(body)
    if lines is None:
        return None
    keep, notes = sort_out(body, lines)
    places = lines.numbers if keep.all() else lines.numbers.filter(keep)
    is_all = len(places) == body.data.count(b"\n") + (not body.data.endswith(b"\n"))
    data = body.data if is_all else kept_data(body, keep)
    frame = numbers if is_all else read_numbers(body, data)
    try:
        frame = read_text(body, data) if frame is None else frame
    except polars_error():
        return None
    return frame, places, [*lines.notes, *notes]


def _locate(body: Body, row: int) -> str:
    lines = (number for number, line in enumerate(body.data.split(b"\n"), start=1) if line.strip())
    return _place(row, body.lines_before + next(islice(lines, row, None), row + 1))


def _locate_line(numbers: pl.Series, row: int) -> str:
    return _place(row, int(numbers[row]))


def _place(row: int, line: int) -> str:
    return f"{row_place(row)}, line {line:,}"


DELIMITED = TableFormat("CSV, TSV", "a CSV or TSV file", (), (".csv", ".tsv"), read_text_file)
