"""What every reader hands over: columns as read, and how to say where a row stands; and what describes a format."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import polars as pl

# What a table may take in memory once decompressed. A 16 GB machine holds the text and the parsed columns; a
# decompression bomb (1 kB -> 1 MB is easy) stops here. Larger HIGGS files stream through `higgs` and `location`.
MAX_TABLE_BYTES: Final = 4 * 2**30
# Names that columns get where the source has none.
MADE_UP_NAME = re.compile(r"column_\d+")


@dataclass(frozen=True, slots=True)
class RawTable:
    """Columns as read, not yet told apart into features and target.

    Args:
        frame: the columns; text columns keep their text.
        label: how messages name the source, quoted where it is a path or URL.
        has_header: whether the source names its columns itself.
        locate: 0-based data row -> where a user finds it, `row 3` or `row 3 (line 4)`.
        target: name or number of the target column where the source says which it is; None otherwise.
    """

    frame: pl.DataFrame
    label: str
    has_header: bool
    locate: Callable[[int], str]
    target: str | int | None = None


@dataclass(frozen=True, slots=True)
class TableFormat:
    """A format of table files.

    Args:
        name: what lists of formats call it, such as 'Parquet'; empty for one that is only recognised to be refused.
        summary: one such file in a sentence, such as 'a Parquet file'.
        magic: first bytes, any of which tell the format whatever the file is called; none for text.
        endings: what names of such files end in, in lower case and with the dot.
        read: (path, how messages name the file, first rows that matter or None for all) -> its columns. It raises
            InputError for a file that is damaged or too large.
    """

    name: str
    summary: str
    magic: tuple[bytes, ...]
    endings: tuple[str, ...]
    read: Callable[[Path, str, int | None], RawTable]


def row_place(row: int) -> str:
    """Return how a user counts a 0-based row: from 1.

    Example:
        >>> row_place(2)
        'row 3'
    """
    return f"row {row + 1:,}"


def made_up_names(columns: int) -> list[str]:
    """Return names for columns that have none, numbered from 0 like `target` numbers.

    Example:
        >>> made_up_names(2)
        ['column_0', 'column_1']
    """
    return [f"column_{index}" for index in range(columns)]
