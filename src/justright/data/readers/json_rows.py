"""JSON: a record per line, a list of records, or columns as pandas writes them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from justright.data.read_options import ReadOptions
from justright.data.readers.inflate import inflate_all
from justright.data.readers.plain_values import values_column
from justright.data.readers.raw import (
    MAX_TABLE_BYTES,
    RawTable,
    TableFormat,
    check_equal_lengths,
    made_up_names,
    row_place,
)
from justright.data.readers.sniff import check_text
from justright.errors import InputError

# Python's objects take about ten times the room of their text: half a gigabyte of it becomes five.
MAX_JSON_BYTES = min(MAX_TABLE_BYTES, 512 * 2**20)
# Objects within objects that become columns of their own, such as `address.city`.
MAX_DEPTH = 3
# Under one of these names an object holds its records beside facts about them.
RECORDS_NAMES = ("data", "records", "rows", "results", "items")
SHAPES = "a record per line, a list of records, or an object of columns"


def read_json(path: Path, label: str, options: ReadOptions) -> RawTable:
    """Return the columns of a JSON file: one document, or a record per line.

    Objects within records become columns of their own, named `outer.inner`. A value that a record lacks is missing.

    Args:
        path: the file, which may be compressed.
        label: how messages name it.
        options: of `head_rows`, no more rows are read.

    Raises:
        InputError: too large, no JSON, no records in it, or lists within them; the message names line or columns.
    """
    text = check_text(_bounded(path, label), label)
    try:
        return _table(_document(text, label), label, options.head_rows)
    except RecursionError:
        raise InputError(f"{label}: JSON must hold records of values; it is nested too deeply.") from None


def looks_like_json(start: bytes) -> bool:
    """Return whether text begins as JSON with records or columns in it.

    Example:
        >>> looks_like_json(b' [{"x": 1}'), looks_like_json(b"[x],y")
        (True, False)
    """
    squeezed = b"".join(start[:200].split())
    return squeezed.startswith((b'[{"', b'[["')) or (squeezed.startswith(b'{"') and b":" in squeezed)


def gather_records(records: Sequence[Mapping[str, Any]]) -> dict[str, list[Any]]:
    """Return columns in the order in which records first name them; a value that a record lacks is None.

    Example:
        >>> gather_records([{"a": {"b": 1}}, {"c": 2}])
        {'a.b': [1, None], 'c': [None, 2]}
    """
    flat = [dict(_flat(record)) for record in records]
    names = dict.fromkeys(name for record in flat for name in record)
    return {name: [record.get(name) for record in flat] for name in names}


def _bounded(path: Path, label: str) -> bytes:
    is_small = path.stat().st_size <= MAX_JSON_BYTES
    data = inflate_all(path.read_bytes(), label) if is_small else b""
    if not is_small or len(data) > MAX_JSON_BYTES:
        raise InputError(
            f"{label}: JSON must take at most {MAX_JSON_BYTES:,} bytes; it takes more. Save it as Parquet or CSV."
        )
    return data


def _document(text: bytes, label: str) -> Any:  # noqa: ANN401  # plain values
    """Return the plain values of one document, or a list of those of each line."""
    try:
        return _parse(text)
    except ValueError as whole:
        lines = text.splitlines()
        try:
            first = _parse(lines[0])
        except ValueError:
            raise InputError(f"{label}: {SHAPES} was expected as JSON; {_reason(whole)}.") from None
    found = [first]
    for number, line in enumerate(lines[1:], start=2):
        if line.strip():
            try:
                found.append(_parse(line))
            except ValueError as error:
                raise InputError(
                    f"{label}: every line must be a JSON record; line {number:,} is not ({_reason(error)}). "
                    "Correct that line."
                ) from None
    return found


def _parse(text: bytes) -> Any:  # noqa: ANN401  # plain values
    # Whole numbers as floats: Python refuses those of more than 4,300 digits, and every feature is a float anyway.
    return json.loads(text, parse_int=float)


def _reason(error: ValueError) -> str:
    return str(error).partition(": line")[0]


def _table(document: Any, label: str, rows: int | None) -> RawTable:  # noqa: ANN401  # plain values
    import polars as pl

    columns = _columns(document)
    if columns is None:
        raise InputError(
            f"{label}: {SHAPES} was expected as JSON; it holds something else. Save the records alone."
        )
    check_equal_lengths(columns.values(), label, " Save it again.")
    frame = pl.DataFrame([values_column(name, values[:rows]) for name, values in columns.items()])
    return RawTable(frame, label, has_header=not _is_made_up(columns), locate=row_place)


def _columns(document: Any) -> dict[str, list[Any]] | None:  # noqa: ANN401  # plain values
    """Return the values of each column; None if the document holds neither records nor columns."""
    if isinstance(document, dict):
        return _columns_of_object(document)
    if not isinstance(document, list) or not document:
        return None
    if all(isinstance(one, dict) for one in document):
        return gather_records(document)
    widths = {len(one) if isinstance(one, list) else None for one in document}
    if len(widths) != 1 or None in widths or widths == {0}:
        return None
    first = document[0]
    if len(document) > 1 and all(isinstance(name, str) for name in first) and len(set(first)) == len(first):
        return dict(zip(first, _turned(document[1:]), strict=True))
    return dict(zip(made_up_names(len(first)), _turned(document), strict=True))


def _columns_of_object(document: Mapping[str, Any]) -> dict[str, list[Any]] | None:
    """Return columns from one of the layouts of `pandas.DataFrame.to_json`, or from the records that an object holds."""
    names, rows = document.get("columns"), document.get("data")
    if (
        isinstance(names, list)  # pandas' layout "split"
        and isinstance(rows, list)
        and all(isinstance(row, list) and len(row) == len(names) for row in rows)
    ):
        return dict(zip(map(str, names), _turned(rows), strict=True))
    for name in RECORDS_NAMES:
        inner = document.get(name)
        if isinstance(inner, list) and inner and all(isinstance(one, dict) for one in inner):
            return _columns(inner)
    values = list(document.values())
    if values and all(isinstance(one, list) for one in values):
        return dict(document)
    if len(values) > 1 and all(isinstance(one, dict) and one for one in values):
        keys = list(values[0])
        if all(list(one) == keys for one in values) and all(key.isdigit() for key in keys):
            return {name: list(one.values()) for name, one in document.items()}
        return gather_records(values)
    return None


def _flat(record: Mapping[str, Any], prefix: str = "", depth: int = 1) -> Iterator[tuple[str, Any]]:
    for name, value in record.items():
        if isinstance(value, dict) and value and depth < MAX_DEPTH:
            yield from _flat(value, f"{prefix}{name}.", depth + 1)
        else:
            yield prefix + name, value


def _turned(rows: Iterable[Sequence[Any]]) -> list[list[Any]]:
    return [list(values) for values in zip(*rows, strict=True)]


def _is_made_up(columns: Mapping[str, Any]) -> bool:
    return list(columns) == made_up_names(len(columns))


JSON = TableFormat(
    "JSON", "a JSON file", (), (".json", ".jsonl", ".ndjson"), read_json, recognise=looks_like_json
)
