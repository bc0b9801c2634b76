"""The database of a study folder: its tables, its version, and how a connection is opened."""

from __future__ import annotations

import re
import sqlite3
from collections import Counter
from contextlib import closing
from pathlib import Path

from justright.data.readers.databases.guarded_connection import GuardedConnection
from justright.errors import FolderError
from justright.records.entries import check_inside
from justright.records.faults import DamagedError, database_faults

APPLICATION_ID = 0x4A525354  # "JRST": tells our file from any other SQLite database
BUSY_SECONDS = 10.0  # how long to wait for a reading program, such as a backup or a database browser

# Entry n brings version n to version n + 1; an empty database is version 0. Entries are never edited once released.
MIGRATIONS: tuple[str, ...] = (
    """
    CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL);
    CREATE TABLE variants (
        name TEXT PRIMARY KEY, parameters INTEGER NOT NULL, summary TEXT NOT NULL, config TEXT NOT NULL,
        layers TEXT NOT NULL
    );
    CREATE TABLE runs (
        id INTEGER PRIMARY KEY, variant TEXT NOT NULL, seed INTEGER NOT NULL, train_rows INTEGER NOT NULL,
        worker TEXT NOT NULL DEFAULT '', outcome TEXT, reason TEXT NOT NULL DEFAULT '', epochs INTEGER,
        best_epoch INTEGER, train_seconds REAL, best TEXT NOT NULL DEFAULT '{}', last TEXT NOT NULL DEFAULT '{}',
        test TEXT NOT NULL DEFAULT '{}', test_last TEXT NOT NULL DEFAULT '{}', model_path TEXT,
        UNIQUE (variant, seed, train_rows)
    );
    -- Which column of `epochs` holds a metric: SQLite's column names ignore case, metrics' names do not.
    CREATE TABLE metrics (name TEXT PRIMARY KEY, column_name TEXT NOT NULL UNIQUE COLLATE NOCASE);
    CREATE TABLE epochs (
        run INTEGER NOT NULL REFERENCES runs (id) ON DELETE CASCADE, epoch INTEGER NOT NULL,
        PRIMARY KEY (run, epoch)
    ) WITHOUT ROWID;
    CREATE TABLE row_losses (
        run INTEGER NOT NULL REFERENCES runs (id) ON DELETE CASCADE, kind TEXT NOT NULL, epoch INTEGER NOT NULL,
        losses BLOB NOT NULL, PRIMARY KEY (run, kind, epoch)
    );
    CREATE TABLE checkpoints (
        stack TEXT PRIMARY KEY, path TEXT NOT NULL, epoch INTEGER NOT NULL, lanes TEXT NOT NULL
    );
    CREATE TABLE reference (name TEXT NOT NULL, kind TEXT NOT NULL, losses BLOB NOT NULL, PRIMARY KEY (name, kind));
    CREATE TABLE verdicts (variant TEXT PRIMARY KEY, value TEXT NOT NULL);
    CREATE TABLE effects (id INTEGER PRIMARY KEY, value TEXT NOT NULL);
    CREATE TABLE events (id INTEGER PRIMARY KEY, time TEXT NOT NULL, kind TEXT NOT NULL, text TEXT NOT NULL);
    """,
)
# Every table, parents before children. `verdicts` and `effects` hold what versions up to 0.1 wrote and none read: the
# judgement is the value of 'judgement' in `meta`.
TABLES = (
    *("meta", "variants", "runs", "metrics", "epochs", "row_losses", "checkpoints"),
    *("reference", "verdicts", "effects", "events"),
)

# What `ALTER TABLE epochs` appends for metrics. Their columns are all that may differ between two studies.
METRIC_COLUMNS = re.compile(rb'(?:, "(?:[^"]|"")+" REAL)*')
MAX_OBJECTS = 1_000  # of a schema, ours having 20; a stranger's may have any number
SHOWN_CHARACTERS = 60
FILES = ("", "-wal", "-shm", "-journal")

Objects = Counter[tuple[bytes, ...]]


def open_for_writing(path: Path, *, busy_seconds: float = BUSY_SECONDS) -> GuardedConnection:
    """Return a connection in which every committed transaction survives a power cut; the file is made if missing.

    Older versions are migrated.

    Raises:
        DamagedError: the file is not a readable database.
        FolderError: it is of a newer version, holds anything that justright did not write, is locked, or may not be
            written.
    """
    _check_files(path)
    with database_faults(path):
        connection = sqlite3.connect(
            path, isolation_level=None, timeout=busy_seconds, factory=GuardedConnection
        )
        try:
            connection.allow_for(path)
            with connection.metered():
                version = _checked_version(connection, path)
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute(
                "PRAGMA synchronous = FULL"
            )  # WAL's default, NORMAL, may lose the last transactions
            connection.execute("PRAGMA foreign_keys = ON")
            if version < len(MIGRATIONS):
                _migrate(connection)
            with connection.metered():
                _check_sound(connection, path)
        except BaseException:
            connection.close()
            raise
    return connection


def open_for_reading(path: Path, *, busy_seconds: float = BUSY_SECONDS) -> GuardedConnection:
    """Return a connection that cannot change the file; one of an older version is migrated in memory.

    Raises:
        DamagedError, FolderError: as `open_for_writing`.
    """
    _check_files(path)
    with database_faults(path):
        connection = _connect_reading(path, busy_seconds)
        try:
            connection.allow_for(path)
            with connection.metered():
                version = _checked_version(connection, path)
            if version < len(MIGRATIONS):
                connection = _migrated_copy(connection)
        except BaseException:
            connection.close()
            raise
    return connection


def open_damaged(path: Path) -> GuardedConnection:
    """Return a connection to what can still be read of a damaged database; nothing is checked."""
    connection = _connect_uri(f"{path.as_uri()}?mode=ro")
    connection.allow_for(path)
    return connection


def _check_files(path: Path) -> None:
    """Refuse links and pipes as the database's files, which SQLite would open."""
    for suffix in FILES:
        check_inside(path.with_name(path.name + suffix), path.parent)


def _connect_uri(uri: str, busy_seconds: float = BUSY_SECONDS) -> GuardedConnection:
    return sqlite3.connect(
        uri, uri=True, isolation_level=None, timeout=busy_seconds, factory=GuardedConnection
    )


def _connect_reading(path: Path, busy_seconds: float) -> GuardedConnection:
    """Connect read-only; as an immutable file on a medium that allows no lock."""
    uri = path.absolute().as_uri()
    connection = _connect_uri(f"{uri}?mode=ro", busy_seconds)
    try:
        connection.execute("SELECT 1 FROM sqlite_schema")
    except sqlite3.OperationalError as error:
        connection.close()
        # Without a write-ahead log the file is complete, so nothing is missed without a lock.
        unlogged = not path.with_name(f"{path.name}-wal").exists()
        if (
            error.sqlite_errorcode & 0xFF not in (sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY)
            or not unlogged
        ):
            raise
        return _connect_uri(f"{uri}?immutable=1")
    except BaseException:
        connection.close()
        raise
    return connection


def _checked_version(connection: sqlite3.Connection, path: Path) -> int:
    """Return the version of a database that is ours, not newer than this program, and holds what that version made."""
    version = int(connection.execute("PRAGMA user_version").fetchone()[0])
    application = int(connection.execute("PRAGMA application_id").fetchone()[0])
    tables = int(connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0])
    if (application != APPLICATION_ID and (tables or version)) or version < 0:
        raise FolderError(
            f"The database {str(path)!r} was not written by justright. Choose another folder, or move the file away."
        )
    if version > len(MIGRATIONS):
        raise FolderError(
            f"The database {str(path)!r} has schema version {version}; this justright knows versions up to "
            f"{len(MIGRATIONS)}. Install a newer justright, or choose another folder."
        )
    _check_schema(connection, path, version)
    return version


def _check_schema(connection: sqlite3.Connection, path: Path, version: int) -> None:
    """Compare a schema with that of its version, before anything in it is used.

    A view in the place of a table may never end, a trigger acts when we write, a virtual table or a computed column runs code.
    Reading the list of what there is runs none of that.
    """
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as made:
        for step in MIGRATIONS[:version]:
            for statement in _statements(step):
                made.execute(statement)
        expected = _objects(made)
        if version:
            made.execute('ALTER TABLE epochs ADD COLUMN "" REAL')
        start, end = next(
            (sql.split(b', "" REAL') for _, name, _, sql in _objects(made) if name == b"epochs"), (b"", b"")
        )
    found: Objects = Counter()
    for (kind, name, table, sql), count in _objects(connection).items():
        middle = sql[len(start) : len(sql) - len(end)]
        has_metrics = sql == start + middle + end and METRIC_COLUMNS.fullmatch(middle)
        found[kind, name, table, start + end if has_metrics else sql] += count
    for kind, name, _, _ in found - expected:
        words = (part.decode(errors="replace")[:SHOWN_CHARACTERS] for part in (kind, name))
        raise FolderError(
            f"The database {str(path)!r} must hold the tables of a study as justright made them, and nothing else; "
            "its {} {!r} is different. Take the folder from its source again.".format(*words)
        )
    for kind, name, _, _ in expected - found:
        raise DamagedError(
            f"The database {str(path)!r} is damaged ({kind.decode()} {name.decode()!r} is gone). "
            "Run the study again: what can be read is recovered."
        )


def _objects(connection: sqlite3.Connection) -> Objects:
    """Return what a schema lists, as bytes: type, name, table and SQL text of each; they may hold anything."""
    columns = ", ".join(f"CAST(coalesce({name}, '') AS BLOB)" for name in ("type", "name", "tbl_name", "sql"))
    select = f"SELECT {columns} FROM sqlite_schema LIMIT {MAX_OBJECTS}"  # noqa: S608  # all ours
    return Counter(connection.execute(select).fetchall())


def _migrate(connection: sqlite3.Connection) -> None:
    """Bring a database to the current version, all steps or none."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        version = int(connection.execute("PRAGMA user_version").fetchone()[0])
        for step in MIGRATIONS[version:]:
            for statement in _statements(step):
                connection.execute(statement)
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute(f"PRAGMA user_version = {len(MIGRATIONS)}")
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def _statements(script: str) -> list[str]:
    """Return the statements of a script; `executescript` would commit the transaction it is called in.

    Example:
        >>> _statements("CREATE TABLE a (x); DROP TABLE a;")
        ['CREATE TABLE a (x);', 'DROP TABLE a;']
    """
    statements, pending = [], ""
    for part in script.split(";")[:-1]:
        pending += part + ";"
        if sqlite3.complete_statement(pending):
            statements.append(pending.strip())
            pending = ""
    return statements


def _migrated_copy(connection: GuardedConnection) -> GuardedConnection:
    copy = _connect_uri(":memory:")
    copy.allowance = connection.allowance
    connection.backup(copy)
    connection.close()
    _migrate(copy)
    return copy


def _check_sound(connection: sqlite3.Connection, path: Path) -> None:
    """Check every page once, so that damage is found before training and not in the middle of it."""
    finding = str(connection.execute("PRAGMA quick_check(1)").fetchone()[0])
    if finding != "ok":
        sentence = " ".join(finding.split())
        raise DamagedError(
            f"The database {str(path)!r} is damaged ({sentence}). Run the study again: what can be read is recovered."
        )
