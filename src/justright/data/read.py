"""Read a table from wherever it is: `read_table` is the one door, each kind of source one entry below."""

from __future__ import annotations

import difflib
import os
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from importlib.resources import as_file, files
from itertools import islice
from pathlib import Path
from types import MappingProxyType

from justright.data.build import build_table
from justright.data.checks import is_whole
from justright.data.progress import Progress, is_url
from justright.data.readers.columnar import read_arrow, read_parquet
from justright.data.readers.delimited import read_delimited
from justright.data.readers.inflate import inflate_all
from justright.data.readers.memory import is_in_memory, read_memory
from justright.data.readers.npz import read_npz
from justright.data.readers.raw import MAX_TABLE_BYTES, RawTable, Request
from justright.data.table import MEMORY_SOURCE, TASKS, Table, Task
from justright.errors import InputError, one_of
from justright.higgs.columns import HIGGS_TARGET

BUILT_IN = ("higgs-sim", "higgs")
PACKAGED_FILE = "higgs_sim.parquet"
# Bytes that tell binary formats apart, whatever the file is called.
MAGIC_BYTES = 6
MAX_NEIGHBOURS = 1_000  # files looked at for a near miss: a hint must not take seconds


def read_table(
    source: object,
    *,
    target: object = None,
    rows: int | None = None,
    location: str | Path | None = None,
    task: Task | None = None,
    missing: Sequence[str] = (),
    categorical: Sequence[str] = (),
    progress: Progress | None = None,
    cache_dir: str | Path | None = None,
) -> Table:
    """Return a table of float32 features and one target.

    Args:
        source: `higgs-sim` (packaged, simulated), `higgs` (UCI's, read as far as `rows` needs); a path or http(s)
            address of CSV/TSV (.gz, .zst), Parquet, Arrow/Feather or NPZ; a (rows, columns) array, a pair
            (X, y), a pandas or Polars frame.
        target: the target's column name, or its number from 0; for arrays and frames also its values. None: the
            only column called label, target, y or class, or the first of a header-less table if it is 0/1.
        rows: the first rows only; None for all (of `higgs`: 31,000, or what `location` holds if less).
        location: for `higgs`, a path or address to read instead of UCI's.
        task: `binary`, `multiclass` or `regression`; None to find it from the target's values.
        missing: texts that stand for "no value"; rows holding one are left out. '' is an empty cell.
        categorical: columns to turn into one 0/1 feature a level, named `column=level`.
        progress: called with a `ReadProgress` while bytes arrive.
        cache_dir: where parsed HIGGS rows are kept; None: $JUSTRIGHT_CACHE, or justright in the user's cache.
    Raises:
        InputError: the source cannot be read as a table, or a value in it cannot be used; the message names
            file, row and column.
    Example:
        >>> table = read_table("higgs-sim", rows=1_000)
        >>> table.rows, table.n_features, table.task
        (1000, 28, 'binary')
    """
    request = Request(rows=rows, task=task, missing=tuple(missing), categorical=tuple(categorical))
    _check_request(request, missing, categorical)
    if location is not None and not _is_higgs(source):
        raise InputError("`location` says where to read 'higgs' from; give other files as `source`.")
    if _is_higgs(source):
        from justright.higgs.uci import read_higgs  # the web client in it is slow to import

        _check_higgs(request, target)
        return read_higgs(rows=rows, location=location, progress=progress, cache_dir=cache_dir)
    if is_in_memory(source):
        raw, chosen = read_memory(source, target)
        return build_table(raw, replace(request, target=chosen), source=MEMORY_SOURCE)
    if not isinstance(source, (str, Path)):
        raise InputError(
            "`source` must be a name, path, address, array, (X, y) pair or frame; got "
            f"{type(source).__name__}. Convert it with numpy.asarray."
        )
    column = _checked_target(target)
    raw, found = _read_named(str(source), rows, progress)
    return build_table(raw, replace(request, target=found if column is None else column), source=str(source))


def _is_higgs(source: object) -> bool:
    return isinstance(source, str) and source == "higgs"


def _check_request(request: Request, missing: Sequence[str], categorical: Sequence[str]) -> None:
    rows, task = request.rows, request.task
    if rows is not None and not is_whole(rows, least=1):
        raise InputError(f"`rows` must be a whole number of 1 or more; got {rows!r}.")
    if task is not None and task not in TASKS:
        raise one_of("task", task, TASKS)
    for name, value in (("missing", missing), ("categorical", categorical)):
        if isinstance(value, str) or not all(isinstance(item, str) for item in value):
            raise InputError(f"`{name}` must be a list of texts; got {value!r}. Write {name}=['...'].")


def _check_higgs(request: Request, target: object) -> None:
    fixed = {"task": request.task in (None, "binary"), "target": target in (None, HIGGS_TARGET)}
    fixed |= {"missing": not request.missing, "categorical": not request.categorical}
    for name, is_default in fixed.items():
        if not is_default:
            raise InputError(
                f"`{name}` must be left out for 'higgs', whose columns are known; read a copy by its path."
            )


def _checked_target(target: object) -> str | int | None:
    if target is None or (isinstance(target, (str, int)) and not isinstance(target, bool)):
        return target
    raise InputError(
        f"`target` must be a column's name or number when the source is a file; got {type(target).__name__}. "
        "Pass arrays as read_table((X, y))."
    )


def _read_named(source: str, rows: int | None, progress: Progress | None) -> tuple[RawTable, str | None]:
    if source == "higgs-sim":
        with as_file(files("justright.higgs").joinpath(PACKAGED_FILE)) as path:
            return read_parquet(path, "'higgs-sim'", rows=rows), HIGGS_TARGET
    if not is_url(source):
        return read_file(_existing(source), repr(source), rows=rows)
    from justright.data.readers.fetch import download  # the web client in it is slow to import

    with tempfile.TemporaryDirectory(prefix="justright-") as folder:
        path = Path(folder) / "download"
        download(source, path, progress=progress, limit=MAX_TABLE_BYTES)
        return read_file(path, repr(source), rows=rows)


def read_file(path: Path, label: str, *, rows: int | None) -> tuple[RawTable, str | None]:
    """Return the columns of a file of any known format, and its target where the format says which it is.

    Args:
        path: an existing file.
        label: how messages name it.
        rows: first rows that matter; None for all.
    Raises:
        InputError: too large, or not readable as its first bytes promise.
    """
    try:
        with path.open("rb") as file:
            start = file.read(MAGIC_BYTES)
        reader = next(
            (reader for magic, reader in READERS.items() if start.startswith(magic)), _read_text_file
        )
        return reader(path, label, rows)
    except OSError as error:
        raise InputError(f"{label}: a readable file was expected; {error.strerror or error}.") from None


def _existing(source: str) -> Path:
    if "\0" in source:
        raise InputError(f"A path must hold no zero characters; got {source!r}.")
    path = Path(source).expanduser()
    if path.is_file():
        return path
    if path.is_dir():
        raise InputError(f"`source` must be a file; {source!r} is a folder. Name a file in it.")
    near = difflib.get_close_matches(source, [*BUILT_IN, *_neighbours(path, source)], n=1)
    hint = f" Did you mean {near[0]!r}?" if near else ""
    raise InputError(
        f"`source` must be 'higgs-sim', 'higgs', an http(s) address or an existing file; there is no {source!r}.{hint}"
    )


def _neighbours(path: Path, source: str) -> list[str]:
    """Return the files beside a missing one, written as `source` is; none where the folder cannot be read."""
    try:
        with os.scandir(path.parent) as entries:
            names = [entry.name for entry in islice(entries, MAX_NEIGHBOURS)]
    except OSError:
        return []
    return [source.removesuffix(path.name) + name for name in names]


def _read_text_file(path: Path, label: str, rows: int | None) -> tuple[RawTable, str | None]:
    kind = BINARY_ENDINGS.get(path.suffix.lower())
    if kind and path.stat().st_size:
        raise InputError(
            f"{label}: {kind} was expected; it does not begin as one. Save it again, or rename it."
        )
    size = path.stat().st_size
    if size > MAX_TABLE_BYTES:
        raise InputError(
            f"{label}: a text table must take at most {MAX_TABLE_BYTES:,} bytes; it takes {size:,}. "
            "Split it, or save it as Parquet and ask for fewer `rows`."
        )
    return read_delimited(inflate_all(path.read_bytes(), label), label, rows=rows), None


def _read_parquet(path: Path, label: str, rows: int | None) -> tuple[RawTable, str | None]:
    return read_parquet(path, label, rows=rows), None


def _read_arrow(path: Path, label: str, rows: int | None) -> tuple[RawTable, str | None]:
    return read_arrow(path, label, rows=rows), None


def _read_npz(path: Path, label: str, rows: int | None) -> tuple[RawTable, str | None]:
    return read_npz(path, label)


def _refuse_npy(path: Path, label: str, rows: int | None) -> tuple[RawTable, str | None]:
    raise InputError(
        f"{label}: an .npy file holds one array only. Save both with numpy.savez(path, X=X, y=y)."
    )


# What text is never called: such a file is damaged or something else, and would be misread as a table of one column.
BINARY_ENDINGS: Mapping[str, str] = MappingProxyType(
    {
        ".parquet": "a Parquet file",
        ".arrow": "an Arrow file",
        ".feather": "an Arrow file",
        ".npz": "an NPZ file",
    }
)
Reader = Callable[[Path, str, "int | None"], "tuple[RawTable, str | None]"]
# First bytes -> reader; anything else is read as delimited text, decompressed first where it is compressed.
READERS: Mapping[bytes, Reader] = MappingProxyType(
    {
        b"PAR1": _read_parquet,
        b"ARROW1": _read_arrow,
        b"PK\x03\x04": _read_npz,
        b"PK\x05\x06": _read_npz,
        b"\x93NUMPY": _refuse_npy,
    }
)
