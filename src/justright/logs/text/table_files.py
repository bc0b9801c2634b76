"""Logs kept in table files that are no text - Parquet, Arrow, workbooks, SQLite, ARFF, NumPy arrays - as text that says the same."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

from justright.data.checks import listed
from justright.errors import InputError
from justright.logs.formats.row_counters import EPOCHS, ITERATIONS, STEPS, plain
from justright.logs.metric_names import names_metric
from justright.logs.names.metric_words import word_set

if TYPE_CHECKING:
    import polars as pl

START_BYTES = 4096
SQLITE = b"SQLite format 3\0"
NUMPY = b"\x93NUMPY"
OBJECTS = b"'descr': '|O'"  # in the header of an array
MAX_LISTED = 8
MAX_TABLES = 100  # of a workbook or a database
# A table with a row per value has such a column instead of metrics.
VALUES = word_set("value values")
MEMBER = re.compile(r"(fold|seed|run|trial|rep)[_ -]?(\d+)", re.IGNORECASE)


def table_text(path: Path) -> tuple[str, tuple[str, ...]] | None:
    """Return what is in a table file as CSV, or arrays as JSON, and what was left out; None for any other file.

    Raises:
        InputError: it is one, and cannot be read.
        OSError: it cannot be opened.
    """
    with path.open("rb") as file:
        start = file.read(START_BYTES)
    if start.startswith(NUMPY):
        if OBJECTS in start:
            return None  # a pickle, which is refused as any other
        return _array_text(path), ()
    kind = _kind_of(start, path.suffix)
    if kind == "NPZ":
        return _archive_text(path), ()
    if kind == "SQLite":
        return _database_text(path)
    if kind == "Excel, ODS":
        from justright.data.readers.workbooks.workbook import sheet_names

        return _tables_text(path, sheet_names(path, repr(str(path))))
    return _tables_text(path, ()) if kind else None


def database_tables(path: Path) -> list[str]:
    """Return the names of the tables in an SQLite file; none if it is no such file, or damaged.

    Raises:
        OSError: it cannot be opened.
    """
    with path.open("rb") as file:
        if file.read(len(SQLITE)) != SQLITE:
            return []
    import sqlite3

    from justright.data.readers.databases.sqlite_file import LIST_TABLES, open_readonly

    try:
        with closing(open_readonly(path)) as connection, connection.metered():
            return [str(name) for name, kind in connection.execute(LIST_TABLES) if kind == "table"]
    except (sqlite3.Error, sqlite3.Warning, UnicodeDecodeError):
        return []


def _kind_of(start: bytes, ending: str) -> str:
    """Return the name of a table format that is no text, or is ARFF; empty for other content."""
    from justright.data.readers.arff import looks_like_arff
    from justright.data.readers.registry import find_format

    found = find_format(start, ending)
    is_table = any(map(start.startswith, found.magic)) or looks_like_arff(start)
    return found.name if is_table and found.name != "zip" else ""


def _database_text(path: Path) -> tuple[str, tuple[str, ...]]:
    names = database_tables(path)
    found = _tables_text(path, names) if names else None
    if found is None or not found[0].strip():
        raise InputError(
            "A database must hold a table of metrics, with a row per epoch or step, to be a training log; "
            f"{str(path)!r} holds {listed(names, most=MAX_LISTED) or 'no table'}."
        )
    return found


def _tables_text(path: Path, names: Sequence[str]) -> tuple[str, tuple[str, ...]]:
    """Return the tables with curves: several under each other, told apart by a first column."""
    frames = dict(_frames(path, names))
    chosen = _with_curves(frames)
    if not chosen:
        return "".join(
            map(_csv, ({name: frame} for name, frame in list(frames.items())[:1] if frame.height))
        ), ()
    left = [repr(name) for name in names if name not in chosen]
    notes = (f"Of its tables, {', '.join(map(repr, chosen))} {'was' if len(chosen) == 1 else 'were'} read.",)
    return _csv(chosen), notes if left else ()


def _frames(path: Path, names: Sequence[str]) -> Iterator[tuple[str, pl.DataFrame]]:
    """Yield name -> table of a file; of several, those that cannot be read are no logs.

    Raises:
        InputError: there is one, and it cannot be read, or there are too many.
    """
    from justright.data.read import read_file
    from justright.data.read_options import ReadOptions

    if len(names) > MAX_TABLES:
        raise InputError(
            f"A log must hold at most {MAX_TABLES} tables; {str(path)!r} has {len(names):,}. Save the one that is meant as CSV."
        )
    for name in names or ("",):
        try:
            raw = read_file(path, repr(str(path)), ReadOptions(sheet=name or None))
        except InputError:
            if len(names) < 2:
                raise
            continue
        yield (
            name,
            (raw.pieces.whole() if raw.pieces else raw).frame if raw.has_header else _headless(raw.frame),
        )


def _headless(frame: pl.DataFrame) -> pl.DataFrame:
    """Return a table without names of columns, so that its text has none either."""
    return frame.rename({name: f"\0{number}" for number, name in enumerate(frame.columns)})


def _with_curves(frames: dict[str, pl.DataFrame]) -> dict[str, pl.DataFrame]:
    """Return the tables that hold metrics; where some count epochs or steps, only those: others have a row per run."""
    found = {
        name: frame
        for name, frame in frames.items()
        if frame.height > 1
        and any(
            column.dtype.is_numeric() and (names_metric(column.name) or plain(column.name) in VALUES)
            for column in frame.iter_columns()
        )
    }
    counting = {
        name: frame
        for name, frame in found.items()
        if {*map(plain, frame.columns)} & (EPOCHS | STEPS | ITERATIONS)
    }
    return counting or found


def _csv(frames: dict[str, pl.DataFrame]) -> str:
    """Return tables as one text, the first column of which tells them apart if there are several."""
    import polars as pl

    if len(frames) == 1:
        (frame,) = frames.values()
        has_header = not any(name.startswith("\0") for name in frame.columns)
        return frame.select(pl.exclude(pl.List, pl.Array, pl.Struct, pl.Object, pl.Binary)).write_csv(
            include_header=has_header
        )
    members = {name: MEMBER.fullmatch(name.strip()) for name in frames}
    words = {match[1].lower() for match in members.values() if match}
    column = words.pop() if len(words) == 1 and all(members.values()) else "sheet"
    told = [
        frame.select(
            pl.lit(match[2] if (match := members[name]) and column != "sheet" else name).alias(column),
            pl.exclude(column),
        )
        for name, frame in frames.items()
    ]
    return _csv({"": pl.concat(told, how="diagonal_relaxed")})


def _archive_text(path: Path) -> str:
    from justright.data.readers.npz import read_arrays

    return json.dumps(
        {name: array.tolist() for name, array in read_arrays(path, repr(str(path))).items()}, default=str
    )


def _array_text(path: Path) -> str:
    """Return the curve, or the named fields, of one array.

    Raises:
        InputError: it is something else.
    """
    from justright.data.readers.npz import read_array

    array = read_array(path, repr(str(path)))
    if array.dtype.names:
        return json.dumps({name: array[name].tolist() for name in array.dtype.names}, default=str)
    if array.ndim != 1:
        raise InputError(
            f"An array must be one curve, (epochs,); {str(path)!r} has shape {tuple(array.shape)}. "
            "Name each curve: numpy.savez(path, loss=..., val_loss=...)."
        )
    return json.dumps({path.stem: array.tolist()}, default=str)
