"""Columnar files, Parquet and Arrow, read with Polars once their size has been checked."""

from __future__ import annotations

import struct
from collections.abc import Callable
from pathlib import Path
from typing import IO, TYPE_CHECKING

from justright.data.readers.native_output import held_stderr
from justright.data.readers.raw import MAX_TABLE_BYTES, RawTable, row_place
from justright.errors import InputError

if TYPE_CHECKING:
    import polars as pl

# A value takes at most this once read; text longer than that is not a feature anyway.
BYTES_PER_VALUE = 8
# What damaged numbers lead to: a missing field, one of another type, a place before the file's start.
DAMAGES = (LookupError, TypeError, AttributeError, ValueError, OverflowError, struct.error, OSError)


class FooterError(ValueError):
    """The file does not follow the format."""


def read_columnar(
    path: Path,
    label: str,
    rows: int | None,
    *,
    kind: str,
    parts: str,
    count_unpacked: Callable[[Path, int | None], int],
    scanner: str,
) -> RawTable:
    """Return the columns of a file that Polars reads.

    Args:
        path: the file.
        label: how messages name it.
        rows: how many of the first rows to read; None for all.
        kind: what messages call the format.
        parts: what messages call the compressed parts of such a file.
        count_unpacked: (path, rows) -> how many bytes those parts unpack to; raises FooterError.
        scanner: the name of Polars' function for it.
    Raises:
        InputError: the file is damaged, or larger in memory than `MAX_TABLE_BYTES`.
    """
    import polars as pl

    try:
        unpacked = _count(count_unpacked, path, rows)
        _check_size(label, unpacked, f"its {parts} unpack to {unpacked:,}")
        with held_stderr():  # a panic prints its stack trace before it becomes an error that can be caught
            frame = _frame(path, label, rows, getattr(pl, scanner))
    except (pl.exceptions.PolarsError, FooterError, OSError) as error:
        # Polars says OSError of some damaged files, too.
        raise _damaged(label, kind, error) from None
    except BaseException as error:
        # Polars reports some damage by a Rust panic, which is not an Exception; nothing else may be swallowed here.
        if type(error).__name__ != "PanicException":
            raise
        raise _damaged(label, kind, error) from None
    return RawTable(frame, label, has_header=True, locate=row_place)


def _count(count_unpacked: Callable[[Path, int | None], int], path: Path, rows: int | None) -> int:
    try:
        return count_unpacked(path, rows)
    except FooterError:
        raise
    except DAMAGES as error:
        raise FooterError(f"its footer is damaged ({type(error).__name__})") from None


def _frame(
    path: Path, label: str, rows: int | None, scan: Callable[[IO[bytes]], pl.LazyFrame]
) -> pl.DataFrame:
    import polars as pl

    # The open file, not the path: Polars would expand * and [ in it, and take some names for cloud addresses.
    with path.open("rb") as file:
        lazy = scan(file)
        width = len(lazy.collect_schema())
        height = int(lazy.select(pl.len()).collect().item())
        wanted = height if rows is None else min(rows, height)
        _check_size(
            label,
            wanted * width * BYTES_PER_VALUE,
            f"{wanted:,} rows of {width:,} columns take more",
        )
        return (lazy if rows is None or rows > height else lazy.head(rows)).collect()


def _check_size(label: str, size: int, told: str) -> None:
    if size > MAX_TABLE_BYTES:
        raise InputError(
            f"{label}: a table must take at most {MAX_TABLE_BYTES:,} bytes in memory; {told}. Ask for fewer `rows`."
        )


def _damaged(label: str, kind: str, error: BaseException) -> InputError:
    reason = (str(error).splitlines() or ["no reason given"])[0]
    return InputError(
        f"{label}: a readable {kind} file was expected; {reason!r}. Write or download it again."
    )
