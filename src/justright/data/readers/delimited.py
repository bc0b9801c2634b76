"""CSV, TSV and similar text: find out how it is laid out, read it fast if all is well, explain what is wrong if not."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from itertools import islice
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Any

from justright.data.checks import listed
from justright.data.read_options import READ_ALL, ReadOptions
from justright.data.readers.delimited_text.header import MAX_LISTED, find_header, find_units, name_columns
from justright.data.readers.delimited_text.layout import (
    ALIGNED,
    WHITESPACE,
    Layout,
    check_separator,
    describe_skipped,
    find_layout,
    is_like_number,
    is_rule,
    name_separator,
)
from justright.data.readers.delimited_text.lines import (
    BLANKS,
    MAX_CELL_CHARACTERS,
    Body,
    Lines,
    find_lines,
    kept_data,
    sort_out,
)
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
# Records examined to tell a header from data: enough to see a column of numbers under a word.
HEAD_RECORDS = 100
# In place of separators that are longer than one byte: no text holds it.
SUBSTITUTE = "\x1f"
QUOTED_OR_BLANKS = re.compile(rb'("[^"\n]*")|[ \t]+')
GAP = re.compile(rb"[ \t]{2,}+")
LINE_ENDS = (b"", b"\r", b"\n")
# Rows from which the kinds of columns are guessed.
SAMPLE_ROWS = 1_000
# What a file's name promises about its separators.
PROMISED = {".csv": ",", ".tsv": "\t", ".tab": "\t"}
# Ways to read quotes, the usual one first: doubled within quotes, behind a backslash (MySQL), or as a letter like any other.
QUOTES: tuple[dict[str, Any], ...] = (
    {"strict": True},
    {"strict": True, "escapechar": "\\", "doublequote": False},
    {"quoting": csv.QUOTE_NONE},
)


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
    frame = _read_numbers(body, body.data)
    if frame is None or _has_nulls(frame):
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
    frame = _read_numbers(body, delimited(body.data, body.sep)[0]) if is_plain else None
    if frame is None or _has_nulls(frame):
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
    frame = _read_numbers(body, text)
    return None if frame is None or _has_nulls(frame) else frame


def delimited(data: bytes, sep: str) -> tuple[bytes, str]:
    r"""Return text whose fields one character of one byte separates, and that character; line ends stay where they are.

    Args:
        data: whole lines.
        sep: what separates the fields now, or 'whitespace'.
    Example:
        >>> delimited(b" 1  2\t3 \n", "whitespace"), delimited(b"1::2\n", "::")
        ((b'1 2 3\n', ' '), (b'1\x1f2\n', '\x1f'))
    """
    if sep == ALIGNED:
        return GAP.sub(_replace_gap, data), SUBSTITUTE
    if sep != WHITESPACE:
        if len(sep.encode()) == 1:
            return data, sep
        return data.replace(sep.encode(), SUBSTITUTE.encode()), SUBSTITUTE
    if b'"' in data:
        data = QUOTED_OR_BLANKS.sub(lambda found: found[1] or b" ", data)
    else:
        data = data.replace(b"\t", b" ")
        while b"  " in data:
            data = data.replace(b"  ", b" ")
    data = data.replace(b"\r\n", b"\n").replace(b"\n ", b"\n").replace(b" \n", b"\n")
    return data.removeprefix(b" ").removesuffix(b" "), " "


def _replace_gap(found: re.Match[bytes]) -> bytes:
    before, after = (
        found.string[max(0, found.start() - 1) : found.start()],
        found.string[found.end() : found.end() + 1],
    )
    return found[0] if before in LINE_ENDS or after in LINE_ENDS else SUBSTITUTE.encode()


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
    records = _first_records(body)
    if not records:
        raise InputError(f"{label}: a table must have at least one row; it holds blank lines only.")
    cells = [cells for _, cells in records]
    names, is_first = _find_names(cells, layout, options.header)
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


def _first_records(body: Body) -> list[tuple[int, list[str]]]:
    """Return the first records, as far as they can be read: those beyond may end within quotes."""
    found: list[tuple[int, list[str]]] = []
    try:  # on an error, `extend` has kept what was there before
        found.extend(islice(_records(body), HEAD_RECORDS))
    except InputError:
        if not found:
            found.extend(islice(_records(body, QUOTES[-1]), HEAD_RECORDS))
    return found


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
    records = _first_records(Body(data, delimiter, (), ""))
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
        if (index == fields - 1 > 0 if names is None else index < len(names) and not names[index])
        and rows
        and not any(row[index] for row in rows if len(row) == fields)
    ]
    if names is None:
        columns, notes = made_up_names(fields), list[str]()
    else:
        columns, notes = name_columns([*names[:fields], *[""] * (fields - len(names))], empty=hollow)
    return columns, [columns[index] for index in hollow], notes


def _layout_notes(layout: Layout, sep: str | None, name: str) -> list[str]:
    path = PurePath(name.lower())
    promised = PROMISED.get((path.with_suffix("") if path.suffix in PACKED_ENDINGS else path).suffix)
    notes = [f"Fields are separated by {name_separator(layout.sep)}."]
    if sep or promised in (None, layout.sep) or layout.fields == 1:
        notes = []
    return notes + ([describe_skipped(layout.skipped, "above the table")] if layout.skipped else [])


def _has_nulls(frame: pl.DataFrame) -> bool:
    return any(column.null_count() for column in frame.iter_columns())


def _read_body(body: Body) -> tuple[pl.DataFrame, Callable[[int], str], list[str]]:
    """Return the rows, how to find one of them in the file, and a sentence for each line that is unusual."""
    numbers = _read_numbers(body, body.data)
    if numbers is not None and not _has_nulls(numbers):
        return numbers, partial(_locate, body), []
    # A null is an empty cell, a short row or a blank line.
    lines = find_lines(body)
    if lines is None:
        return _read_records(body)
    keep, notes = sort_out(body, lines)
    numbers_of_lines = lines.numbers if keep.all() else lines.numbers.filter(keep)
    is_all = len(numbers_of_lines) == body.data.count(b"\n") + (not body.data.endswith(b"\n"))
    data = body.data if is_all else kept_data(body, keep)
    frame = numbers if is_all else _read_numbers(body, data)
    try:
        frame = _read_text(body, data) if frame is None else frame
    except _polars_error():
        return _read_records(body)
    return frame, partial(_locate_line, numbers_of_lines), [*lines.notes, *notes]


def _read_numbers(body: Body, data: bytes) -> pl.DataFrame | None:
    """Return the rows as float64, empty cells as nulls; None if anything else is no number, or in quotes."""
    import polars as pl

    if b'"' in data:  # Polars panics on a number that is a quote and nothing else
        return None
    try:
        return _read_csv(body, data, pl.Float64)
    except _polars_error():
        return None


def _read_text(body: Body, data: bytes) -> pl.DataFrame:
    import polars as pl

    first = _read_csv(replace(body, rows=min(body.rows or SAMPLE_ROWS, SAMPLE_ROWS)), data, pl.String)
    # Numbers as such wherever they begin as such: text takes twice the time and room.
    kinds = {one.name: pl.Float64 if _begins_as_numbers(one) else pl.String for one in first.iter_columns()}
    try:
        frame = _read_csv(body, data, kinds)
    except _polars_error():
        frame = _read_csv(body, data, pl.String)
    return frame.with_columns([_tidied(one) for one in frame.iter_columns() if one.dtype == pl.String])


def _begins_as_numbers(column: pl.Series) -> bool:
    return column.null_count() < len(column) and _tidied(column).dtype.is_numeric()


def _polars_error() -> type[Exception]:
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


def _tidied(column: pl.Series) -> pl.Series:
    """Return a text column without blanks around its values, as numbers if all values are plain numbers or missing.

    Single quotes are taken off if all texts are in a pair of them.
    """
    import polars as pl

    text = column.str.strip_chars()
    text = text.set(text == "", None)
    numbers = text.cast(pl.Float64, strict=False)
    if numbers.null_count() == text.null_count():
        return numbers
    words = text.filter(numbers.is_null() & text.is_not_null())
    if words.str.contains(r"^'[^']*'$").all():
        return _tidied(text.str.replace(r"^'([^']*)'$", "$1"))
    return text


def _read_records(body: Body) -> tuple[pl.DataFrame, Callable[[int], str], list[str]]:
    """Return the rows as the csv module reads them: slower, but it knows quotes that span lines and stray ones."""
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
            pl.DataFrame([_tidied(column) for column in series]),
            partial(_locate_line, lines.numbers.filter(keep)),
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


def _locate(body: Body, row: int) -> str:
    lines = (number for number, line in enumerate(body.data.split(b"\n"), start=1) if line.strip())
    return _place(row, body.lines_before + next(islice(lines, row, None), row + 1))


def _locate_line(numbers: pl.Series, row: int) -> str:
    return _place(row, int(numbers[row]))


def _place(row: int, line: int) -> str:
    return f"{row_place(row)}, line {line:,}"


DELIMITED = TableFormat("CSV, TSV", "a CSV or TSV file", (), (".csv", ".tsv"), read_text_file)
