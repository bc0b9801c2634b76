"""Read a table from a named source, file, address, array or frame: `read_table`."""

from __future__ import annotations

import os
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import fields, replace
from itertools import islice
from pathlib import Path, PurePosixPath
from typing import Any, NoReturn
from urllib.parse import urlsplit

from justright.data.build import build_table
from justright.data.pipes import came_from_pipe, is_pipe, keep_pipe, pipe_name
from justright.data.read_options import READ_ALL, ReadOptions, read_options
from justright.data.readers.databases.server import read_server
from justright.data.readers.frames.in_memory import is_in_memory, read_memory
from justright.data.readers.inflate import PACKED_ENDINGS
from justright.data.readers.parts import is_pattern, read_parts
from justright.data.readers.raw import (
    MAX_TABLE_BYTES,
    SPECIAL_OPTIONS,
    RawTable,
    check_column_count,
    row_place,
)
from justright.data.readers.registry import find_format, format_names, format_promised, formats
from justright.data.readers.sniff import BinaryError
from justright.data.readers.tidy_columns import tidy_columns
from justright.data.readers.totals import without_totals
from justright.data.sources import Progress, Request, is_database, is_url, sources, without_password
from justright.data.table import MEMORY_SOURCE, Table
from justright.errors import InputError, near_miss

# First bytes of a file, by which formats are recognised.
START_BYTES = 4096
MAX_NEIGHBOURS = 1_000  # files considered for a near miss: a hint must not take seconds


def read_table(
    source: object,
    *,
    target: object = None,
    location: str | Path | None = None,
    progress: Progress | None = None,
    cache_dir: str | Path | None = None,
    like: Table | None = None,
    **options: Any,
) -> Table:
    """Return a table of float32 features and one target.

    Args:
        source: `higgs-sim` (packaged, simulated) or `higgs` (UCI's, read as far as `rows` needs); a path or http(s)
            address of CSV/TSV, Parquet, Arrow/Feather, NPZ, Excel/ODS, SQLite, JSON, ARFF or LIBSVM (text also .gz, .zst);
            a folder or pattern of files with the same columns; a database's address, such as `postgresql://me@host/db`,
            with `query`; '-' for standard input, or a named pipe; or what is in memory: a (rows, columns) array or sparse
            matrix, a pair (X, y), a pandas, Polars or PyArrow table, a mapping of columns, a list of records, a data set of
            `datasets`, or a Bunch of scikit-learn.
        target: the target's column name, or its number from 0; for arrays and frames also its values. None: the
            only column called label, target, y or class, or the first of a header-less table if it is 0/1.
        location: for `higgs`, a path or address to read instead of UCI's.
        progress: called with a `ReadProgress` while bytes arrive.
        cache_dir: where parsed HIGGS rows are kept; None: $JUSTRIGHT_CACHE, or justright in the user's cache.
        like: the training table, whose plan says what columns and target of this one are; None for a table of its own.
        options: those of `ReadOptions`, such as `rows`, `task`, `missing`, `categorical`, `drop` and `sep`.
    Raises:
        InputError: the source cannot be read as a table, or a value in it cannot be used; the message names
            file, row and column.
    Example:
        >>> table = read_table("higgs-sim", rows=1_000)
        >>> table.rows, table.n_features, table.task
        (1000, 28, 'binary')
    """
    chosen = read_options(options)
    plain: dict[str, Any] = {one.name: getattr(chosen, one.name) for one in fields(ReadOptions)}
    request = Request(location=location, progress=progress, cache_dir=cache_dir, **plain)
    named = sources().get(source) if isinstance(source, str) else None
    if location is not None and not (named and named.is_remote):
        _refuse_location()
    if is_in_memory(source):
        return build_table(read_memory(source, target), request, source=MEMORY_SOURCE, like=like)
    if not isinstance(source, (str, Path)):
        raise InputError(
            "`source` must be a name, path, address, array, (X, y) pair, frame, mapping of columns or list of records; got "
            f"{type(source).__name__}. Convert it with numpy.asarray."
        )
    request = replace(request, target=_checked_target(target))
    if named:
        return named.read(request)
    place = str(source)
    raw = without_totals(_read_place(place, request), request)
    return build_table(raw, request, source=without_password(place), like=like)


def read_columns(
    source: object, options: ReadOptions = READ_ALL, *, progress: Progress | None = None, name: str = "source"
) -> RawTable:
    """Return the columns of a source as they are, none of them a target.

    Args:
        source: as for `read_table`.
        options: how it is read.
        progress: called while bytes arrive.
        name: what messages call it.
    Raises:
        InputError: the source cannot be read as a table.
    """
    plain: dict[str, Any] = {one.name: getattr(options, one.name) for one in fields(ReadOptions)}
    request = Request(progress=progress, **plain)
    if is_in_memory(source):
        return read_memory(source, None)
    if not isinstance(source, (str, Path)):
        raise InputError(
            f"`{name}` must be a frame, an array, a path, an address or a dictionary; got {type(source).__name__}."
        )
    try:
        if named := sources().get(str(source)):
            return _columns_of(named.read(request))
        raw = _read_place(str(source), request)
    except InputError as error:
        raise InputError(str(error).replace("`source`", f"`{name}`", 1)) from None
    return raw.pieces.whole() if raw.pieces else raw


def _columns_of(table: Table) -> RawTable:
    import polars as pl

    frame = pl.DataFrame(table.features, schema=list(table.feature_names), orient="row")
    return RawTable(frame, repr(table.source.source), has_header=True, locate=row_place)


def read_file(path: Path, label: str, options: ReadOptions, *, name: str = "") -> RawTable:
    """Return the columns of a file of any known format.

    Args:
        path: an existing file.
        label: how messages name it.
        options: how it is read.
        name: the file's name where it came from; empty if that is the name in `path`.
    Raises:
        InputError: it is too large, or is not of the format that its first bytes or its name promise.
    """
    ending = _ending(name or path.name)
    try:
        with path.open("rb") as file:
            start = file.read(START_BYTES)
        found, promised = find_format(start, ending), format_promised(ending)
        if start and promised and not found.magic:
            raise InputError(
                f"{label}: {promised.summary} was expected; it does not begin as one. Save it again, or rename it."
            )
        table = found.read(path, label, options)
        check_column_count(table.frame.width, label)
        unused = [name for name in SPECIAL_OPTIONS if getattr(options, name) and name not in found.takes]
        notes = [f"`{name}` is for {SPECIAL_OPTIONS[name]} and is not used." for name in unused]
        return tidy_columns(replace(table, notes=(*table.notes, *notes)))
    except BinaryError as error:
        raise InputError(f"{error} Give a {format_names(' or ')} file.") from None
    except OSError as error:
        raise InputError(f"{label}: a readable file was expected; {error.strerror or error}.") from None


def _ending(name: str) -> str:
    """Return the ending of a file's name that says what it holds.

    Example:
        >>> _ending("rows.jsonl.gz"), _ending("rows.csv")
        ('.jsonl', '.csv')
    """
    path = PurePosixPath(name)
    return (path.with_suffix("") if path.suffix.lower() in PACKED_ENDINGS else path).suffix


def _refuse_location() -> NoReturn:
    remote = " or ".join(repr(source.name) for source in sources().values() if source.is_remote)
    raise InputError(f"`location` says where to read {remote} from; give other files as `source`.")


def _checked_target(target: object) -> str | int | None:
    if target is None or (isinstance(target, (str, int)) and not isinstance(target, bool)):
        return target
    raise InputError(
        f"`target` must be a column's name or number when the source is a file; got {type(target).__name__}. "
        "Pass arrays as read_table((X, y))."
    )


def _read_place(place: str, request: Request) -> RawTable:
    """Return the columns of what lies at a path or an address."""
    if is_database(place):
        return read_server(place, request)
    return _read_address(place, request) if is_url(place) else _read_path(place, request)


def _read_address(source: str, request: Request) -> RawTable:
    from justright.data.fetch import download  # the web client in it is slow to import

    with _kept(repr(source)) as path:
        download(source, path, progress=request.progress, limit=MAX_TABLE_BYTES)
        return read_file(path, repr(source), request, name=urlsplit(source).path)


def _read_pipe(source: str, request: Request) -> RawTable:
    with _kept(pipe_name(source)) as path:
        keep_pipe(source, path, progress=request.progress, limit=MAX_TABLE_BYTES)
        return read_file(path, pipe_name(source), request)


@contextmanager
def _kept(label: str) -> Iterator[Path]:
    """Yield where to keep bytes until they have been read; `label` names their source."""
    try:
        with tempfile.TemporaryDirectory(prefix="justright-") as folder:
            yield Path(folder) / "table"
    except OSError as error:
        raise InputError(
            f"{label}: there must be room for a copy in {tempfile.gettempdir()!r}; there is none: {error.strerror}. "
            "Free some space, or name another folder as TMPDIR."
        ) from error


def _read_path(source: str, request: Request) -> RawTable:
    if "\0" in source:
        raise InputError(f"A path must not hold zero characters; got {source!r}.")
    if is_pipe(source):
        return _read_pipe(source, request)
    path = Path(source).expanduser()
    try:
        kind = path.stat().st_mode
    except (FileNotFoundError, NotADirectoryError):
        if not is_pattern(source):
            raise _no_source(source, path) from None
        return _read_parts(path, request)
    except OSError as error:
        raise InputError(f"`source` must be a readable file; {source!r} is not: {error.strerror}.") from None
    if stat.S_ISDIR(kind):
        return _read_parts(path, request)
    if not stat.S_ISREG(kind):
        raise InputError(f"`source` must be a file or a pipe; {source!r} is a device. Pipe its bytes in.")
    return read_file(path, repr(source), request)


def _read_parts(path: Path, request: Request) -> RawTable:
    endings = {ending for one in formats() for ending in one.endings if one.name}
    return read_parts(
        path,
        request,
        lambda part: read_file(part, repr(str(part)), request),
        is_table=lambda part: _ending(part.name).lower() in endings,
    )


def _no_source(source: str, path: Path) -> InputError:
    names = ", ".join(repr(name) for name in sources())
    hint = near_miss(source, [*sources(), *_neighbours(path, source)])
    if came_from_pipe(source):
        hint = " It was the pipe of a command that has ended: pipe the table in again."
    return InputError(
        f"`source` must be {names}, an http(s) address or an existing file; there is no {source!r}.{hint}"
    )


def _neighbours(path: Path, source: str) -> list[str]:
    """Return the files in the folder of a missing one, written as `source` is; none if it cannot be read."""
    try:
        with os.scandir(path.parent) as entries:
            names = [entry.name for entry in islice(entries, MAX_NEIGHBOURS)]
    except OSError:
        return []
    return [source.removesuffix(path.name) + name for name in names]
