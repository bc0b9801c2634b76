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
from justright.data.read_options import ReadOptions, read_options
from justright.data.readers.in_memory import is_in_memory, read_memory
from justright.data.readers.raw import MAX_TABLE_BYTES, RawTable, check_column_count
from justright.data.readers.registry import find_format, format_names, format_promised
from justright.data.readers.sniff import BinaryError
from justright.data.sources import Progress, Request, is_url, sources
from justright.data.table import MEMORY_SOURCE, Table
from justright.errors import InputError, near_miss

# First bytes of a file, by which formats are recognised.
START_BYTES = 4096
# Endings that say how a file is compressed, not what it holds.
PACKED_ENDINGS = (".gz", ".zst")
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
            address of CSV/TSV, Parquet, Arrow/Feather, NPZ, JSON, ARFF or LIBSVM (text also .gz, .zst); '-' for standard
            input, or a named pipe; a (rows, columns) array, a pair (X, y), a pandas or Polars frame.
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
            "`source` must be a name, path, address, array, (X, y) pair or frame; got "
            f"{type(source).__name__}. Convert it with numpy.asarray."
        )
    request = replace(request, target=_checked_target(target))
    if named:
        return named.read(request)
    read = _read_address if is_url(str(source)) else _read_path
    return build_table(read(str(source), request), request, source=str(source), like=like)


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
        return table
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
        raise _no_source(source, path) from None
    except OSError as error:
        raise InputError(f"`source` must be a readable file; {source!r} is not: {error.strerror}.") from None
    if stat.S_ISDIR(kind):
        raise InputError(f"`source` must be a file; {source!r} is a folder. Name a file in it.")
    if not stat.S_ISREG(kind):
        raise InputError(f"`source` must be a file or a pipe; {source!r} is a device. Pipe its bytes in.")
    return read_file(path, repr(source), request)


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
