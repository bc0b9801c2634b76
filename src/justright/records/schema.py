"""The database of a study folder: its tables, its version, and how a connection is opened."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from justright.errors import FolderError
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


def open_for_writing(path: Path, *, busy_seconds: float = BUSY_SECONDS) -> sqlite3.Connection:
    """Return a connection in which every committed transaction survives a power cut; the file is made if missing.

    Older versions are migrated.

    Raises:
        DamagedError: the file is not a readable database.
        FolderError: it is of a newer version, was not written by justright, is locked, or may not be written.
    """
    with database_faults(path):
        connection = sqlite3.connect(path, isolation_level=None, timeout=busy_seconds)
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute(
                "PRAGMA synchronous = FULL"
            )  # WAL's default, NORMAL, may lose the last transactions
            connection.execute("PRAGMA foreign_keys = ON")
            if _version(connection, path) < len(MIGRATIONS):
                _migrate(connection)
            _check_sound(connection, path)
        except BaseException:
            connection.close()
            raise
    return connection


def open_for_reading(path: Path, *, busy_seconds: float = BUSY_SECONDS) -> sqlite3.Connection:
    """Return a connection that cannot change the file; one of an older version is migrated in memory.

    Raises:
        DamagedError, FolderError: as `open_for_writing`.
    """
    with database_faults(path):
        connection = _connect_reading(path, busy_seconds)
        try:
            if _version(connection, path) < len(MIGRATIONS):
                connection = _migrated_copy(connection)
        except BaseException:
            connection.close()
            raise
    return connection


def quoted(name: str) -> str:
    """Return any `name` as an SQL identifier.

    Example:
        >>> quoted('say "x')
        '"say ""x"'
    """
    return '"' + name.replace('"', '""') + '"'


def _connect_reading(path: Path, busy_seconds: float) -> sqlite3.Connection:
    """Connect read-only; as an immutable file on a medium that allows no lock."""
    uri = path.absolute().as_uri()
    connection = sqlite3.connect(f"{uri}?mode=ro", uri=True, isolation_level=None, timeout=busy_seconds)
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
        return sqlite3.connect(f"{uri}?immutable=1", uri=True, isolation_level=None)
    except BaseException:
        connection.close()
        raise
    return connection


def _version(connection: sqlite3.Connection, path: Path) -> int:
    """Return the version of a database that is ours and not newer than this program."""
    version = int(connection.execute("PRAGMA user_version").fetchone()[0])
    application = int(connection.execute("PRAGMA application_id").fetchone()[0])
    tables = int(connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0])
    if application != APPLICATION_ID and (tables or version):
        raise FolderError(
            f"The database {str(path)!r} was not written by justright. Choose another folder, or move the file away."
        )
    if version > len(MIGRATIONS):
        raise FolderError(
            f"The database {str(path)!r} has schema version {version}; this justright knows versions up to "
            f"{len(MIGRATIONS)}. Install a newer justright, or choose another folder."
        )
    return version


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


def _migrated_copy(connection: sqlite3.Connection) -> sqlite3.Connection:
    copy = sqlite3.connect(":memory:", isolation_level=None)
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
