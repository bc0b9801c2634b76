"""What every reader returns - columns as read, and how to say where a row is - and the description of a format."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence, Sized
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from justright.data.checks import check_names
from justright.data.read_options import ReadOptions
from justright.errors import InputError

if TYPE_CHECKING:
    import polars as pl

# What a table may take in memory once decompressed. A 16 GB machine holds the text and the parsed columns; a
# decompression bomb (1 kB -> 1 MB is easy) stops here. Larger HIGGS files stream through `higgs` and `location`.
MAX_TABLE_BYTES: Final = 4 * 2**30
# Each column has a name, a scale, a histogram and a line in reports, and each row of features is one array: 20,000 genes are
# usual, 50,000 columns are read in seconds. More are a table that lies on its side, or pixels, which need another model.
MAX_COLUMNS: Final = 100_000
# Names that columns get where the source has none.
MADE_UP_NAME = re.compile(r"column_\d+")


# Files from this size on are read in pieces, so that a table of numbers is in memory once, as float32.
PIECES_FROM_BYTES: Final = 1 << 26
# Of a file, or of its values, read at a time.
PIECE_BYTES: Final = 1 << 23


class NotNumbersError(ValueError):
    """A piece of a table holds something other than numbers."""


@dataclass(frozen=True, slots=True)
class Pieces:
    """A large table of numbers, read a piece at a time.

    Args:
        most_rows: how many rows there are at most.
        frames: yields all rows in order, as columns of numbers without missing values; raises NotNumbersError.
        whole: reads all at once what is not like that; it finds the words for what is wrong, too.
    """

    most_rows: int
    frames: Callable[[], Iterator[pl.DataFrame]]
    whole: Callable[[], RawTable]


@dataclass(frozen=True, slots=True)
class RawTable:
    """Columns as read, not yet told apart into features and target.

    Args:
        frame: the columns; text columns keep their text. Of a table in pieces, its first rows.
        label: how messages name the source, quoted where it is a path or URL.
        has_header: whether the source names its columns itself.
        locate: 0-based data row -> where a user finds it, such as `row 3` or `row 3 (line 4)`.
        target: name or number of the target column if the source says which it is; None otherwise.
        pieces: how to read a table that is too large for `frame`; None if all of it is there.
        notes: what was understood in an unusual way, a sentence each.
    """

    frame: pl.DataFrame
    label: str
    has_header: bool
    locate: Callable[[int], str]
    target: str | int | None = None
    pieces: Pieces | None = None
    notes: tuple[str, ...] = ()


# Options that only some formats have a use for, and which formats these are.
SPECIAL_OPTIONS: Final = {"sheet": "workbooks, zip archives and SQLite files", "query": "databases"}


@dataclass(frozen=True, slots=True)
class TableFormat:
    """A format of table files.

    Args:
        name: its name in lists of formats, such as 'Parquet'; empty for one that is recognised only to be refused.
        summary: how a sentence names such a file, such as 'a Parquet file'.
        magic: first bytes, any of which identify the format whatever the file's name; none for text.
        endings: endings of such files' names, in lower case and with the dot.
        read: (path, how messages name the file, the options) -> its columns. It raises InputError for a file that is damaged
            or too large. Of `rows`, the first so many are enough if `head` is set.
        recognise: first bytes -> whether they are of this format, for files whose names do not tell and whose `magic` says too
            little or nothing.
        takes: which of `SPECIAL_OPTIONS` it follows.
    """

    name: str
    summary: str
    magic: tuple[bytes, ...]
    endings: tuple[str, ...]
    read: Callable[[Path, str, ReadOptions], RawTable]
    recognise: Callable[[bytes], bool] | None = None
    takes: tuple[str, ...] = ()


def check_column_count(columns: int, label: str) -> None:
    """Refuse a table with too many columns.

    Raises:
        InputError: there are more than `MAX_COLUMNS`; the message names the source by its `label`.
    """
    if columns > MAX_COLUMNS:
        raise InputError(
            f"{label}: a table must have at most {MAX_COLUMNS:,} columns; it has {columns:,}. "
            "Choose columns, or turn the table if its rows are columns."
        )


def check_column_names(names: Sequence[str], label: str) -> None:
    """Refuse names that `check_names` refuses.

    Raises:
        InputError: one of them does; the message names the source by its `label`.
    """
    try:
        check_names("column", names)
    except InputError as error:
        raise InputError(f"{label}: {error}") from None


def check_equal_lengths(columns: Iterable[Sized], label: str, advice: str = "") -> None:
    """Refuse columns of different lengths.

    Raises:
        InputError: they are; the message names the source by its `label`, and ends in `advice`.
    """
    lengths = {len(values) for values in columns}
    if len(lengths) > 1:
        raise InputError(
            f"{label}: every column must have as many values; they have {min(lengths):,} to {max(lengths):,}.{advice}"
        )


def row_place(row: int) -> str:
    """Return the name of a 0-based row for users, who count from 1.

    Example:
        >>> row_place(2)
        'row 3'
    """
    return f"row {row + 1:,}"


def made_up_names(columns: int) -> list[str]:
    """Return names for columns without names, numbered from 0 as for `target`.

    Example:
        >>> made_up_names(2)
        ['column_0', 'column_1']
    """
    return [f"column_{index}" for index in range(columns)]
