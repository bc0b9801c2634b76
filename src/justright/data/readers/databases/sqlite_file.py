"""SQLite files, which may come from anybody: read only, with limits, and nothing in them but questions is run."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from justright.data.checks import listed
from justright.data.read_options import ReadOptions
from justright.data.readers.databases.guarded_connection import GuardedConnection, quoted
from justright.data.readers.plain_values import values_column
from justright.data.readers.raw import (
    MAX_TABLE_BYTES,
    RawTable,
    TableFormat,
    check_column_count,
    check_column_names,
    row_place,
)
from justright.data.readers.stacked_frames import stack_frames
from justright.errors import InputError, near_miss

if TYPE_CHECKING:
    import polars as pl

# Fetched at a time. Values of the largest size then take a gigabyte.
BLOCK_ROWS = 1_000
MAX_ROW_BYTES = 1 << 20
MAX_LISTED = 12
# What a question may do: read, and call SQLite's own functions. All else, such as ATTACH or PRAGMA, is refused.
ALLOWED = frozenset(
    {sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ, sqlite3.SQLITE_FUNCTION, sqlite3.SQLITE_RECURSIVE}
)
LIST_TABLES = """
    SELECT name, type FROM sqlite_schema WHERE type IN ('table', 'view') AND name NOT LIKE 'sqlite!_%' ESCAPE '!' ORDER BY name
"""


def read_sqlite(path: Path, label: str, options: ReadOptions) -> RawTable:
    """Return the columns of a table in an SQLite file, or those of a query's answer.

    Args:
        path: the file.
        label: how messages name it.
        options: `query` asks the database; `sheet` names the table or view, which is needed where there are several tables. Of
            `head_rows`, no more rows are read.
    Raises:
        InputError: the file is damaged, there is no such table, the query cannot be answered, or the answer takes too long or too
            much memory.
    """
    log = path.with_name(path.name + "-wal")
    notes = (
        (
            "Rows that its programs have not written to the file itself yet, but to its -wal file, are not read.",
        )
        if log.is_file() and log.stat().st_size
        else ()
    )
    with _faults(label), closing(open_readonly(path)) as connection:
        query = _query(connection, label, options)
        with connection.metered():
            cursor = connection.execute(query)
        if cursor.description is None:
            raise InputError(f"{label}: `query` must be a SELECT; got {query!r}.")
        names = [str(column[0]) for column in cursor.description]
        check_column_count(len(names), label)
        check_column_names(names, label)
        frames = list(_frames(connection, cursor, names, label, options.head_rows))
    return RawTable(stack_frames(frames), label, has_header=True, locate=row_place, notes=notes)


def open_readonly(path: Path) -> GuardedConnection:
    """Return a connection to a file that may come from anybody: nothing is written, and nothing but questions is answered."""
    uri = f"{path.absolute().as_uri()}?mode=ro&immutable=1"  # without locks, and no file beside it is made or read
    connection = sqlite3.connect(uri, uri=True, isolation_level=None, factory=GuardedConnection)
    connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, MAX_ROW_BYTES)
    connection.allow_for(path)
    connection.text_factory = partial(str, encoding="utf-8", errors="replace")
    connection.set_authorizer(_authorize)
    return connection


def _authorize(action: int, *about: str | None) -> int:
    return sqlite3.SQLITE_OK if action in ALLOWED else sqlite3.SQLITE_DENY


def _query(connection: GuardedConnection, label: str, options: ReadOptions) -> str:
    """Return the question that the options ask: all of a table, unless they ask something else."""
    if options.query is not None:
        return options.query
    with connection.metered():
        found = dict(connection.execute(LIST_TABLES).fetchall())
    tables = [name for name, kind in found.items() if kind == "table"]
    chosen = options.sheet
    if chosen is None and len(tables) == 1:
        chosen = tables[0]
    if chosen is None or chosen not in found:
        got = (
            "there are several"
            if chosen is None and tables
            else "there is none"
            if chosen is None
            else f"got {chosen!r}"
        )
        raise InputError(
            f"{label}: `sheet` must name the table of the database that is meant; {got}.{near_miss(chosen or '', found)} "
            f"Tables: {listed(list(found), most=MAX_LISTED) or 'none'}."
        )
    return f"SELECT * FROM {quoted(chosen)}"  # noqa: S608  # quoted, and only questions are allowed


def _frames(
    connection: GuardedConnection, cursor: sqlite3.Cursor, names: Sequence[str], label: str, rows: int | None
) -> Iterator[pl.DataFrame]:
    """Yield the answer a block at a time, the first one even if there are no rows."""
    import polars as pl

    size, count = 0, 0
    while True:
        wanted = BLOCK_ROWS if rows is None else min(rows - count, BLOCK_ROWS)
        with connection.metered():
            block: list[tuple[Any, ...]] = cursor.fetchmany(wanted) if wanted else []
        if count and not block:
            return
        columns = zip(*block, strict=True) if block else [()] * len(names)
        frame = pl.DataFrame(
            [values_column(name, column) for name, column in zip(names, columns, strict=True)]
        )
        size += int(frame.estimated_size())
        if size > MAX_TABLE_BYTES:
            raise InputError(
                f"{label}: a table must take at most {MAX_TABLE_BYTES:,} bytes in memory; it takes more. Ask for fewer rows in `query`."
            )
        yield frame
        count += len(block)
        if not block:
            return


@contextmanager
def _faults(label: str) -> Iterator[None]:
    """Say in a sentence what SQLite finds wrong in the block."""
    try:
        yield
    except (sqlite3.Error, sqlite3.Warning, UnicodeDecodeError) as error:
        # The last of these: a damaged name, also in what SQLite says about it.
        is_text = not isinstance(error, UnicodeDecodeError)
        reason = (str(error).splitlines() or ["no reason given"])[0] if is_text else "its names are damaged"
        advice = "Copy the database with its own program, or correct `query`."
        if reason == "interrupted":
            reason, advice = "it takes too long", "Export the table as CSV or Parquet."
        raise InputError(
            f"{label}: the database must answer with a table; it does not: {reason.rstrip('.')}. {advice}"
        ) from None


SQLITE = TableFormat(
    "SQLite",
    "an SQLite file",
    (b"SQLite format 3\0",),
    (".sqlite", ".sqlite3", ".db", ".db3"),
    read_sqlite,
    takes=("sheet", "query"),
)
