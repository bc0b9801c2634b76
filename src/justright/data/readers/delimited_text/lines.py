"""Which lines of a text are rows: blank lines, comments and footers are none, and all rows have as many fields."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from justright.data.checks import counted
from justright.data.readers.delimited_text.layout import (
    ALIGNED,
    COMMENTS,
    RULE_CHARACTERS,
    RULE_MARKS,
    WHITESPACE,
    describe_skipped,
)
from justright.errors import InputError

if TYPE_CHECKING:
    import polars as pl

# The csv module's own limit for one cell, applied to Polars as well so that both refuse the same files.
MAX_CELL_CHARACTERS = 131_072
# What `bytes.strip` takes away: a line must be blank as text exactly when it is blank as bytes.
BLANKS = " \t\n\r\v\f"
# Of text split into lines at a time.
BLOCK_BYTES = 1 << 24
# Lines below a table that may be remarks on it; more are rows with too few fields.
MAX_FOOTERS = 30
# Fewer short rows than this are mistakes; programs that leave out empty cells at the end of a row do it more often.
LEAST_SHORT_ROWS = 2
# Lines named in a message.
MAX_LISTED = 3


@dataclass(frozen=True, slots=True)
class Body:
    """The data lines of a text, without its header.

    Args:
        data: the lines, fields separated by `delimiter`.
        delimiter: the one character between fields.
        columns: the name of each field.
        label: how messages name the source.
        sep: what separates fields in the file, or 'whitespace'.
        lines_before: lines cut off before `data`.
        rows: first rows that matter; None for all.
        comment: what begins lines that are comments; empty if nothing does.
        heading: the line that names the columns, which some files repeat; empty if none does.
        empty: columns that are left out if they hold nothing, as after a separator at the end of each line.
        like: how messages name the lines whose number of fields all must have.
    """

    data: bytes
    delimiter: str
    columns: tuple[str, ...]
    label: str
    sep: str = ","
    lines_before: int = 0
    rows: int | None = None
    comment: str = ""
    heading: str = ""
    empty: tuple[str, ...] = ()
    like: str = "most lines have"


@dataclass(frozen=True, slots=True)
class Lines:
    """The lines, or records of several lines, that may be rows.

    Args:
        numbers: (lines,), the line of the file on which each ends, from 1.
        counts: (lines,), how many fields each has.
        odd: the texts of lines that have more or fewer fields than there are columns, by their place from 0.
        has_open_ends: whether any line ends with a delimiter.
        notes: a sentence on the lines that were left out as comments or repeated names.
    """

    numbers: pl.Series
    counts: pl.Series
    odd: Mapping[int, str]
    has_open_ends: bool
    notes: tuple[str, ...] = ()


def find_lines(body: Body) -> Lines | None:
    """Return the lines that may be rows; None where quotes span lines or stand where no cell begins or ends."""
    import polars as pl

    parts, odd, has_open_ends, comments, headings, rows = (
        list[pl.DataFrame](),
        dict[int, str](),
        False,
        0,
        0,
        0,
    )
    for block in _blocks(body):
        texts = block.rows["line"]
        bare = _without_quotes(texts, body)
        if bare is None or (texts.str.len_bytes().max() or 0) > MAX_CELL_CHARACTERS:  # type: ignore[operator]  # a number
            return None
        part = block.rows.select("number", count=bare.str.count_matches(body.delimiter, literal=True) + 1)
        places = (part["count"] != len(body.columns)).arg_true()
        odd |= zip((places + rows).to_list(), texts.gather(places).to_list(), strict=True)
        has_open_ends = has_open_ends or bool(
            texts.str.strip_chars_end(" ").str.ends_with(body.delimiter).any()
        )
        comments, headings, rows = comments + block.comments, headings + block.headings, rows + part.height
        parts.append(part)
    whole = pl.concat(parts)
    return Lines(whole["number"], whole["count"], odd, has_open_ends, left_out_notes(comments, headings))


def kept_data(body: Body, keep: pl.Series) -> bytes:
    """Return the text of some of the lines that `find_lines` found.

    Args:
        body: the same.
        keep: (lines,), whether to keep each.
    """
    kept, place = list[bytes](), 0
    for block in _blocks(body):
        texts = block.rows["line"].filter(keep[place : place + block.rows.height])
        place += block.rows.height
        kept.append((texts.str.join("\n")[0] or "").encode())
    return b"\n".join(part for part in kept if part)


@dataclass(frozen=True, slots=True)
class _Block:
    """Some lines: those that may be rows, as `line` and `number`, and how many were left out."""

    rows: pl.DataFrame
    comments: int
    headings: int


def _blocks(body: Body) -> Iterator[_Block]:
    """Yield the lines of a body up to the rows that matter, some megabytes at a time."""
    import polars as pl

    line = pl.col("line")
    blanks = r"[ \t\x0b\x0c]*"
    empty = f'(?:{blanks}|"{blanks}")'
    is_empty = line.str.contains(rf"^{empty}(?:{_escaped(body)}{empty})*$")
    has_mark = pl.any_horizontal(line.str.contains(mark, literal=True) for mark in RULE_MARKS)
    is_rule = has_mark & (line.str.strip_chars(RULE_CHARACTERS) == "")
    is_comment = line.str.strip_chars_start(BLANKS).str.starts_with(body.comment or "\0")
    is_heading = line == (body.heading or "\0")
    start, number, left = 0, body.lines_before + 1, body.rows
    while start < len(body.data) and left != 0:
        end = body.data.rfind(b"\n", start, start + BLOCK_BYTES) + 1 or len(body.data)
        block = body.data[start:end]
        frame = pl.select(line=pl.lit(block.removesuffix(b"\n").decode()).str.split("\n")).explode("line")
        frame = frame.with_row_index("number", offset=number).cast({"number": pl.Int64})
        frame = frame.with_columns(line.str.strip_chars_end("\r")).filter(~is_empty, ~is_rule)
        comments, headings = frame.select(comments=is_comment.sum(), headings=is_heading.sum()).row(0)
        if comments or headings:
            frame = frame.filter(~is_comment, ~is_heading)
        frame = frame if left is None else frame.head(left)
        left = None if left is None else left - frame.height
        yield _Block(frame, comments, headings)
        start, number = end, number + block.count(b"\n")


def left_out_notes(comments: int, headings: int) -> tuple[str, ...]:
    """Return a sentence for each kind of lines that were left out, if there were any.

    Example:
        >>> left_out_notes(0, 2)
        ('Left out between the rows: 2 lines like the header.',)
    """
    kinds = (
        (comments, counted(comments, "comment")),
        (headings, f"{counted(headings, 'line')} like the header"),
    )
    return tuple(f"Left out between the rows: {what}." for number, what in kinds if number)


def _without_quotes(texts: pl.Series, body: Body) -> pl.Series | None:
    """Return the lines without their quoted cells; None if a quote is neither at the edge of a cell nor doubled within."""
    if b'"' not in body.data:
        return texts
    delimiter = _escaped(body)
    cell = rf'(?:[^"{delimiter}]*|"(?:[^"]|"")*")'
    if not texts.str.contains(rf"^{cell}(?:{delimiter}{cell})*$").all():
        return None
    return texts.str.replace_all(r'"[^"]*"', "")


def _escaped(body: Body) -> str:
    return f"\\x{{{ord(body.delimiter):x}}}"


def sort_out(body: Body, lines: Lines) -> tuple[pl.Series, list[str]]:
    """Return which lines are rows, and a sentence for each thing that was understood in an unusual way.

    Raises:
        InputError: lines have more or fewer fields than there are columns, and are neither remarks nor without empty cells
            at their ends; the message names the first of them.
    """
    fields = len(body.columns)
    is_row = lines.counts == fields
    if is_row.all():
        return is_row, []
    bad = (~is_row).arg_true().to_list()
    remarks = [place for place in bad if lines.odd[place].lstrip().startswith(COMMENTS)]
    bad = sorted(set(bad) - set(remarks))
    footers = _footers(body, lines, bad)
    bad = bad[: len(bad) - len(footers)]
    notes = [
        describe_skipped([int(lines.numbers[place]) - 1 for place in places], what)
        for places, what in ((remarks, "between the rows"), (footers, "below the table"))
        if places
    ]
    if bad and not _only_lack_empty_cells(body, lines, bad):
        _refuse(body, lines, bad)
    if bad:
        notes.append(
            f"{counted(len(bad), 'row')} with fewer fields than columns (first: line {lines.numbers[bad[0]]:,}) were filled with "
            "missing values at the end."
        )
    keep = is_row.clone()
    return (keep.scatter(bad, values=True) if bad else keep), notes


def _footers(body: Body, lines: Lines, bad: Sequence[int]) -> list[int]:
    """Return the last lines if they are sentences about the table: below a blank line, or of a single field with blanks in it."""
    last = len(lines.counts) - 1
    length = 0
    while length < min(len(bad), MAX_FOOTERS) and bad[-1 - length] == last - length:
        length += 1
    for first in range(last - length + 1, last + 1):
        texts = [lines.odd[place].strip(BLANKS + body.delimiter + '"') for place in range(first, last + 1)]
        height = 1 + lines.odd[first].count("\n")
        is_apart = first > 0 and lines.numbers[first] - lines.numbers[first - 1] > height
        are_sentences = all(" " in text and body.delimiter not in text for text in texts)
        if (is_apart or are_sentences) and all(any(map(str.isalpha, text)) for text in texts):
            return list(range(first, last + 1))
    return []


def _only_lack_empty_cells(body: Body, lines: Lines, bad: Sequence[int]) -> bool:
    """Return whether rows are short because what wrote them leaves out empty cells at the end, always."""
    is_short = (lines.counts <= len(body.columns)).all()
    is_cut = len(bad) >= LEAST_SHORT_ROWS and body.sep not in (WHITESPACE, ALIGNED)
    return bool(is_short) and is_cut and not lines.has_open_ends


def _refuse(body: Body, lines: Lines, bad: Sequence[int]) -> None:
    rule = f"{body.label}: every line must have {counted(len(body.columns), 'field')} as {body.like}"
    shown = ", ".join(
        f"line {lines.numbers[place]:,} has {lines.counts[place]:,}" for place in bad[:MAX_LISTED]
    )
    if len(bad) == 1:
        raise InputError(f"{rule}; {shown}. Correct that line.")
    more = f" and {len(bad) - MAX_LISTED:,} more" if len(bad) > MAX_LISTED else ""
    raise InputError(f"{rule}; {len(bad):,} lines do not: {shown}{more}. Correct those lines, or name `sep`.")
