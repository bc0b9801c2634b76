"""An experiment's SQLite file, opened for questions alone; what is wrong with it is said in a sentence."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from justright.errors import InputError

if TYPE_CHECKING:
    from justright.data.readers.databases.guarded_connection import GuardedConnection


@contextmanager
def opened_database(path: Path, tool: str) -> Iterator[GuardedConnection]:
    """Yield a connection that reads only, within a limit of time.

    Raises:
        InputError: what is read turns out to be damaged, or of another kind than `tool` writes.
    """
    import sqlite3

    from justright.data.readers.databases.sqlite_file import open_readonly

    try:
        with closing(open_readonly(path)) as connection, connection.metered():
            yield connection
    except (
        *(sqlite3.Error, sqlite3.Warning, UnicodeDecodeError),
        *(TypeError, ValueError, OverflowError),
    ) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(
            f"A database of {tool} must be whole; {str(path)!r} is not: {str(error).splitlines()[0].rstrip('.')}. "
            "Copy it again, or export its runs as CSV."
        ) from None


def unread_notes(path: Path) -> tuple[str, ...]:
    """Return a sentence about rows that are not in the file itself yet, if there are any."""
    log = path.with_name(path.name + "-wal")
    is_waiting = log.is_file() and log.stat().st_size > 0
    return ("What its -wal file holds is not in the database yet, and is not read.",) if is_waiting else ()
