"""Columnar files, Parquet and Arrow, read with Polars once their size has been checked."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import IO, TYPE_CHECKING

from justright.data.read_options import ReadOptions
from justright.data.readers.native_output import held_stderr
from justright.data.readers.raw import (
    MAX_TABLE_BYTES,
    PIECE_BYTES,
    PIECES_FROM_BYTES,
    NotNumbersError,
    Pieces,
    RawTable,
    row_place,
)
from justright.errors import InputError

if TYPE_CHECKING:
    import polars as pl

# A value takes at most this once read; text longer than that is not a feature anyway.
BYTES_PER_VALUE = 8
# What damaged numbers lead to: a missing field, one of another type, a place before the file's start.
DAMAGES = (LookupError, TypeError, AttributeError, ValueError, OverflowError, struct.error, OSError)


Scan = Callable[[IO[bytes]], "pl.LazyFrame"]
Frames = Callable[[], "Iterator[pl.DataFrame]"]


class FooterError(ValueError):
    """The file does not follow the format."""


def read_columnar(
    path: Path,
    label: str,
    options: ReadOptions,
    *,
    kind: str,
    parts: str,
    count_unpacked: Callable[[Path, int | None], int],
    scanner: str,
    at_once: bool = False,
) -> RawTable:
    """Return the columns of a file that Polars reads.

    Args:
        path: the file.
        label: how messages name it.
        options: of `head_rows`, no more rows are read.
        kind: what messages call the format.
        parts: what messages call the compressed parts of such a file.
        count_unpacked: (path, rows) -> how many bytes those parts unpack to; raises FooterError.
        scanner: the name of Polars' function for it.
        at_once: whether a large table of numbers, too, is read whole.
    Raises:
        InputError: the file is damaged, or larger in memory than `MAX_TABLE_BYTES`.
    """
    import polars as pl

    rows = options.head_rows
    try:
        unpacked = _count(count_unpacked, path, rows)
        _check_size(label, unpacked, f"its {parts} unpack to {unpacked:,}")
        with held_stderr():  # a panic prints its stack trace before it becomes an error that can be caught
            raw, pieces = _read(path, label, rows, getattr(pl, scanner), at_once=at_once)
    except (pl.exceptions.PolarsError, FooterError, OSError) as error:
        # Polars says OSError of some damaged files, too.
        raise _damaged(label, kind, error) from None
    except BaseException as error:
        if not _is_panic(error):
            raise
        raise _damaged(label, kind, error) from None
    if pieces is None:
        return raw
    form = {"kind": kind, "parts": parts, "count_unpacked": count_unpacked, "scanner": scanner}
    whole = partial(read_columnar, path, label, options, **form, at_once=True)  # type: ignore[arg-type]  # values differ in type
    return replace(raw, pieces=Pieces(*pieces, whole))


def _count(count_unpacked: Callable[[Path, int | None], int], path: Path, rows: int | None) -> int:
    try:
        return count_unpacked(path, rows)
    except FooterError:
        raise
    except DAMAGES as error:
        raise FooterError(f"its footer is damaged ({type(error).__name__})") from None


def _read(
    path: Path, label: str, rows: int | None, scan: Scan, *, at_once: bool
) -> tuple[RawTable, tuple[int, Frames] | None]:
    """Return the table, or its first rows with the number of all and how to read them in pieces."""
    import polars as pl

    # The open file, not the path: Polars would expand * and [ in it, and take some names for cloud addresses.
    with path.open("rb") as file:
        lazy = scan(file)
        schema = lazy.collect_schema()
        height = int(lazy.select(pl.len()).collect().item())
        wanted = height if rows is None else min(rows, height)
        size = wanted * len(schema) * BYTES_PER_VALUE
        _check_size(label, size, f"{wanted:,} rows of {len(schema):,} columns take more")
        in_pieces = size >= PIECES_FROM_BYTES and not at_once and _is_numeric(schema)
        part = max(1, PIECE_BYTES // (len(schema) * BYTES_PER_VALUE)) if in_pieces else wanted
        raw = RawTable(lazy.head(part).collect(), label, has_header=True, locate=row_place)
    return raw, (wanted, partial(_number_pieces, path, scan, wanted, part)) if in_pieces else None


def _is_numeric(schema: pl.Schema) -> bool:
    import polars as pl

    return all(dtype.is_numeric() or dtype == pl.Boolean for dtype in schema.dtypes())


def _number_pieces(path: Path, scan: Scan, wanted: int, size: int) -> Iterator[pl.DataFrame]:
    """Yield the first rows of a file, `size` at a time."""
    with path.open("rb") as file:
        lazy = scan(file)
        for start in range(0, wanted, size):
            with held_stderr():
                frame = _slice(lazy, start, min(size, wanted - start))
            if any(column.null_count() for column in frame.iter_columns()):
                raise NotNumbersError
            yield frame


def _slice(lazy: pl.LazyFrame, start: int, rows: int) -> pl.DataFrame:
    try:
        return lazy.slice(start, rows).collect()
    except BaseException as error:
        if not isinstance(error, Exception) and not _is_panic(error):
            raise
        raise NotNumbersError from None  # damaged: reading it whole will say how


def _is_panic(error: BaseException) -> bool:
    """Return whether an error is a Rust panic, by which Polars reports some damage; it is no Exception."""
    return type(error).__name__ == "PanicException"


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
