"""Faults of the disk and the database, each described in one sentence."""

from __future__ import annotations

import errno
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from justright.errors import FolderError, JustrightError

# A process limited by `ulimit -f` gets EFBIG; to the user it means the same: no more can be written.
FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
READ_ONLY = frozenset({errno.EROFS, errno.EACCES, errno.EPERM})
GONE = frozenset({errno.ENOENT, errno.ENOTDIR, errno.ESTALE})

DAMAGED_CODES = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})
LOCKED_CODES = frozenset({sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED})
PRIMARY_CODE = 0xFF  # SQLite's extended result codes keep the primary one in the low byte

# Errors of reading a value that this program would not write. SQLite checks pages, not meanings.
STRANGE_VALUES = (
    ArithmeticError,
    AttributeError,
    LookupError,
    RecursionError,
    TypeError,
    ValueError,
    sqlite3.OperationalError,  # text that is not UTF-8
)


class DamagedError(FolderError):
    """A file of a study folder can be opened, but its content is not what was written."""


@contextmanager
def disk_faults(path: Path, action: str) -> Iterator[None]:
    """Turn an `OSError` inside the block into a FolderError that names `path` and says what to do.

    Args:
        path: the file or folder the user should look at.
        action: continues a sentence after "Cannot", such as "write the model".

    Raises:
        FolderError: instead of any OSError.
    """
    try:
        yield
    except OSError as error:
        raise FolderError(f"Cannot {action} at {str(path)!r}: {_disk_sentence(error)}") from error


@contextmanager
def database_faults(path: Path) -> Iterator[None]:
    """Turn an `sqlite3.Error` inside the block into a FolderError that says what to do.

    Raises:
        DamagedError: the file is not a readable database any more.
        FolderError: it is locked, full, read-only or gone.
    """
    try:
        yield
    except sqlite3.DatabaseError as error:
        code = getattr(error, "sqlite_errorcode", None)
        if code is None:  # raised by the sqlite3 module itself (misuse): a bug, which keeps its traceback
            raise
        raise _database_error(path, error, code & PRIMARY_CODE) from error


@contextmanager
def content_faults(path: Path) -> Iterator[None]:
    """Turn any error that strange values of a database raise, while a study is read and shown, into a DamagedError.

    A folder may come from anybody, and an intact database may hold any values.

    Raises:
        DamagedError: instead of any error of a value; the package's own errors pass through.
    """
    try:
        yield
    except JustrightError:
        raise
    except STRANGE_VALUES as error:
        reason = f"{type(error).__name__}: {error}".partition("\n")[0]
        raise DamagedError(
            f"The database {str(path)!r} holds what no study writes ({reason}). Take the folder from its source again."
        ) from error


def _disk_sentence(error: OSError) -> str:
    if error.errno in FULL:
        return "the disk is full. Free some space and run the same command again; what was recorded is kept."
    if error.errno in READ_ONLY:
        return "it may not be written. Choose another folder, or change its permissions."
    if error.errno in GONE or isinstance(error, FileNotFoundError):  # the latter from Rust, without a number
        return "it is missing. Put it back, or choose another folder."
    reason = error.strerror or str(error)
    return f"{reason}. Correct that, or choose another folder."


def _database_error(path: Path, error: sqlite3.DatabaseError, code: int) -> FolderError:
    where = f"The database {str(path)!r}"
    if code in DAMAGED_CODES:
        return DamagedError(
            f"{where} is damaged ({error}). Run the study again: what can be read is recovered."
        )
    if code in LOCKED_CODES:
        return FolderError(
            f"{where} is locked by another program. Close that program and run the same command again."
        )
    if code in (sqlite3.SQLITE_INTERRUPT, sqlite3.SQLITE_TOOBIG):
        long = (
            "it takes too long to read"
            if code == sqlite3.SQLITE_INTERRUPT
            else "one of its values is too large"
        )
        return FolderError(
            f"{where} holds what no study writes ({long}). Take the folder from its source again."
        )
    if code == sqlite3.SQLITE_FULL:
        return FolderError(
            f"{where} cannot grow: the disk is full. Free some space and run the same command again; "
            "what was recorded is kept."
        )
    if code == sqlite3.SQLITE_READONLY:
        return FolderError(f"{where} may not be written. Choose another folder, or change its permissions.")
    return FolderError(f"{where} cannot be used ({error}). Check that its folder and disk are still there.")
