"""What every reader hands over: columns as read, and how to say where a row stands."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from justright.data.table import Task

if TYPE_CHECKING:
    import polars as pl

# What a table may take in memory once decompressed. A 16 GB machine holds the text and the parsed columns; a
# decompression bomb (1 kB -> 1 MB is easy) stops here. Larger HIGGS files stream through `higgs` and `location`.
MAX_TABLE_BYTES: Final = 4 * 2**30


@dataclass(frozen=True, slots=True)
class Request:
    """What the caller of `read_table` asked for, apart from the source.

    Args:
        target: the target's column name or number; None to choose it.
        rows: first rows to keep; None for all.
        task: the task asked for; None to find it.
        missing: tokens whose rows are left out.
        categorical: columns that become one 0/1 feature a level.
    """

    target: str | int | None = None
    rows: int | None = None
    task: Task | None = None
    missing: tuple[str, ...] = ()
    categorical: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class RawTable:
    """Columns as read, not yet told apart into features and target.

    Args:
        frame: the columns; text columns keep their text.
        label: how messages name the source, quoted where it is a path or URL.
        has_header: the source names its columns itself.
        locate: 0-based data row -> where a user finds it, `row 3` or `row 3 (line 4)`.
    """

    frame: pl.DataFrame
    label: str
    has_header: bool
    locate: Callable[[int], str]


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
