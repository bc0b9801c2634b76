"""A table in parts: a folder, or a pattern such as `data/*.csv`, of files with the same columns, read in sorted order."""

from __future__ import annotations

import glob
import os
import re
from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence, Set
from itertools import accumulate
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote

from justright.data.checks import counted, listed
from justright.data.read_options import ReadOptions
from justright.data.readers.raw import MAX_TABLE_BYTES, RawTable
from justright.data.readers.stacked_frames import stack_frames
from justright.errors import InputError

if TYPE_CHECKING:
    import polars as pl

MAX_PARTS = 10_000
# Entries of folders looked at on the way; a folder of logs or of photographs ends here.
MAX_ENTRIES = 100_000
# A folder of a partitioned table: Hive's `year=2020`.
PARTITION = re.compile(r"([^=]+)=(.*)")
NO_VALUE = "__HIVE_DEFAULT_PARTITION__"
MAX_LISTED = 5

ReadPart = Callable[[Path], RawTable]


def is_pattern(source: str) -> bool:
    """Return whether a path is a pattern for several files.

    Example:
        >>> is_pattern("parts/*.csv"), is_pattern("a.csv")
        (True, False)
    """
    return glob.has_magic(source)


def read_parts(
    source: Path, options: ReadOptions, read: ReadPart, *, is_table: Callable[[Path], bool]
) -> RawTable:
    """Return the rows of all parts, and the values in the names of the folders that they lie in, `key=value`, as columns.

    Hidden files, and those that begin with an underscore, such as _SUCCESS, are no parts.

    Args:
        source: the folder, or a pattern.
        options: of `head_rows`, no more parts are read than are needed.
        read: a part -> its columns.
        is_table: whether a file in a folder is one of a table, by its name.
    Raises:
        InputError: there are no parts or too many, they have different columns or formats, or they are too large together.
    """
    label = repr(str(source))
    paths = _parts_of(source, label, is_table)
    size = sum(path.stat().st_size for path in paths)
    if size > MAX_TABLE_BYTES:
        raise _too_large(label, f"its files take {size:,}")
    tables: list[RawTable] = []
    frames: list[pl.DataFrame] = []
    size = 0
    for path in paths:
        raw = read(path)
        raw = raw.pieces.whole() if raw.pieces else raw
        frame = raw.frame.with_columns(_partition_values(path, source, raw.frame.height))
        size += int(frame.estimated_size())
        if size > MAX_TABLE_BYTES:
            raise _too_large(label, "they take more")
        tables.append(raw)
        frames.append(frame)
        if options.head_rows is not None and sum(each.height for each in frames) >= options.head_rows:
            break
    _check_columns(label, paths, frames)
    ends = list(accumulate(frame.height for frame in frames))

    def locate(row: int) -> str:
        part = min(bisect_right(ends, row), len(ends) - 1)
        return f"{tables[part].locate(row - (ends[part - 1] if part else 0))} of {str(paths[part])!r}"

    columns = frames[0].columns
    rows = _with_numbers(
        stack_frames([frame.select(columns) for frame in frames]), set(tables[0].frame.columns)
    )
    said = dict.fromkeys(note for table in tables for note in table.notes)
    first = tables[0]
    return RawTable(rows, label, first.has_header, locate, first.target, notes=tuple(said))


def _parts_of(source: Path, label: str, is_table: Callable[[Path], bool]) -> list[Path]:
    """Return the parts in order of their names, folder by folder."""
    if source.is_dir():
        paths = [path for path in _files_below(source, label) if is_table(path)]
        endings = {path.suffix.lower() for path in paths}
        if len(endings) > 1:
            first = sorted(endings)[0]
            raise InputError(
                f"{label}: the files of a table must be of one format; those in this folder end with "
                f"{listed(sorted(endings), most=MAX_LISTED)}. Name one file, or a pattern such as {str(source / ('*' + first))!r}."
            )
    else:
        found = sorted(glob.iglob(str(source), recursive=True))  # noqa: PTH207  # Path.glob takes no absolute pattern
        paths = [path for name in found if (path := Path(name)).is_file()]
    if not 1 <= len(paths) <= MAX_PARTS:
        told = f"there are {len(paths):,}" if paths else "there is none"
        raise InputError(
            f"{label}: 1 to {MAX_PARTS:,} files with the parts of a table were expected; {told}. Name a file."
        )
    return paths


def _files_below(folder: Path, label: str) -> Iterator[Path]:
    """Yield the files in a folder and in its folders; links to folders are not followed."""
    count = 0
    for place, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if _is_shown(name))
        count += len(folders) + len(names)
        if count > MAX_ENTRIES:
            raise InputError(
                f"{label}: a folder must hold at most {MAX_ENTRIES:,} files; it holds more. Name a folder in it."
            )
        yield from (
            path for name in sorted(names) if _is_shown(name) and (path := Path(place, name)).is_file()
        )


def _is_shown(name: str) -> bool:
    return not name.startswith((".", "_"))


def _partition_values(path: Path, source: Path, height: int) -> list[pl.Series]:
    """Return a column for each folder `key=value` between the source and a part."""
    import polars as pl

    fixed = str(source).count(os.sep) if not source.is_dir() else 0
    inner = (
        path.relative_to(source).parent.parts
        if source.is_dir()
        else path.parent.parts[-fixed:]
        if fixed
        else ()
    )
    columns = []
    for name in inner:
        if found := PARTITION.fullmatch(name):
            value = unquote(found[2])
            columns.append(
                pl.repeat(None if value == NO_VALUE else value, height, dtype=pl.String, eager=True).alias(
                    found[1]
                )
            )
    return columns


def _with_numbers(frame: pl.DataFrame, own: Set[str]) -> pl.DataFrame:
    """Return the frame with those values from names of folders that are all numbers as numbers."""
    import polars as pl

    for column in frame.iter_columns():
        numbers = column.cast(pl.Float64, strict=False) if column.name not in own else None
        if numbers is not None and numbers.null_count() == column.null_count():
            frame = frame.with_columns(numbers)
    return frame


def _check_columns(label: str, paths: Sequence[Path], frames: Sequence[pl.DataFrame]) -> None:
    """Refuse parts whose columns are not those of the first, naming them all."""
    first = frames[0].columns
    odd = [
        (str(path), frame.columns)
        for path, frame in zip(paths, frames, strict=False)
        if set(frame.columns) != set(first)
    ]
    if odd:
        more, fewer = (
            [one for one in a if one not in b] for a, b in ((odd[0][1], first), (first, odd[0][1]))
        )
        what = " and ".join(
            f"{verb} {listed(names, most=MAX_LISTED)}"
            for verb, names in (("has", more), ("lacks", fewer))
            if names
        )
        raise InputError(
            f"{label}: all parts must have the columns of the first, {str(paths[0])!r}; "
            f"{counted(len(odd), 'part')} differ, {listed([name for name, _ in odd], most=MAX_LISTED)}; the first of these {what}. "
            "Name one file, or a pattern that only the parts match."
        )


def _too_large(label: str, what: str) -> InputError:
    return InputError(
        f"{label}: a table must take at most {MAX_TABLE_BYTES:,} bytes; {what}. Name fewer files, or ask for the first `rows`."
    )
