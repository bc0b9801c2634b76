"""Connections to a database that may come from anybody: its schema runs nothing, and every question to it ends."""

from __future__ import annotations

import math
import sqlite3
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

# What all statements of a reader may cost together, or one of a writer. CPU time, so that neither a busy machine nor a slow
# disk counts. Reading 10 million epochs of 8 metrics takes ten seconds per GB.
BASE_SECONDS = 20.0
BYTES_PER_SECOND = 20_000_000
STEPS = 100_000  # of SQLite's machine between two looks at the clock: about a millisecond
LIMITS = {
    # One value: the losses of 134 million rows. A file of 100 bytes can claim to hold any length.
    sqlite3.SQLITE_LIMIT_LENGTH: 512 << 20,
    sqlite3.SQLITE_LIMIT_ATTACHED: 0,
    sqlite3.SQLITE_LIMIT_WORKER_THREADS: 0,
}


def quoted(name: str) -> str:
    """Return any `name` as an SQL identifier.

    Example:
        >>> quoted('say "x')
        '"say ""x"'
    """
    return '"' + name.replace('"', '""') + '"'


class GuardedConnection(sqlite3.Connection):
    """A connection for `sqlite3.connect(..., factory=GuardedConnection)`.

    What the schema says is data: functions in it that could act are not called. Statements in a `metered` block are
    interrupted once their allowance is spent.
    """

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.allowance = self._left = BASE_SECONDS
        self._end = math.inf
        for limit, value in LIMITS.items():
            self.setlimit(limit, value)
        if sys.version_info >= (3, 12):
            self.setconfig(sqlite3.SQLITE_DBCONFIG_DEFENSIVE)
            self.setconfig(sqlite3.SQLITE_DBCONFIG_DQS_DML, False)  # noqa: FBT003  # positional in sqlite3
        self.execute("PRAGMA trusted_schema = OFF")
        self.execute("PRAGMA cell_size_check = ON")
        self.set_progress_handler(self._is_spent, STEPS)

    def allow_for(self, path: Path) -> None:
        """Set the allowance to what a database of that size may need."""
        size = path.stat().st_size if path.exists() else 0
        self.allowance = self._left = BASE_SECONDS + size / BYTES_PER_SECOND

    @contextmanager
    def metered(self, *, renewed: bool = False) -> Iterator[None]:
        """Count the CPU seconds of a block; SQLite interrupts what would exceed the allowance.

        Args:
            renewed: whether this block has the whole allowance for itself.
        """
        if renewed:
            self._left = self.allowance
        started = time.thread_time()
        self._end = started + self._left
        try:
            yield
        finally:
            self._end = math.inf
            self._left -= time.thread_time() - started

    def _is_spent(self) -> bool:
        return time.thread_time() > self._end
