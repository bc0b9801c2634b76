"""ARFF, the format of Weka and OpenML: named attributes with types, then rows of comma-separated values.

SciPy's reader refuses text attributes and sparse rows, which OpenML's files have. The grammar is that of Weka's
documentation ("Attribute-Relation File Format", stable version).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from justright.data.checks import counted
from justright.data.read_options import ReadOptions
from justright.data.readers.inflate import read_packed
from justright.data.readers.raw import RawTable, TableFormat, check_column_names, row_place
from justright.data.readers.sniff import check_text
from justright.errors import InputError

if TYPE_CHECKING:
    import polars as pl

QUOTED = r"'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\""
ATTRIBUTE = re.compile(rf"@attribute\s+({QUOTED}|[^\s{{]+)\s*(.+)", re.IGNORECASE)
# One value and what follows it. Nothing is tried twice (`++` gives nothing back): a line of blanks would take for ever.
VALUE = re.compile(rf"\s*+((?:{QUOTED})(?=\s*+(?:,|$))|[^,'\"]*+)\s*+(,|$)")
SPARSE_VALUE = re.compile(rf"\s*+(\d++)\s++((?:{QUOTED})(?=\s*+(?:,|$))|[^,'\"]*+)\s*+(,|$)")
NUMERIC = ("numeric", "real", "integer")
MISSING = "?"


@dataclass(frozen=True, slots=True)
class Attribute:
    """A column: its name, whether it holds numbers, and the value that sparse rows leave out."""

    name: str
    is_number: bool
    default: str


def read_arff(path: Path, label: str, options: ReadOptions) -> RawTable:
    """Return the columns of an ARFF file; `?` is a missing value.

    Args:
        path: the file, which may be compressed.
        label: how messages name it.
        options: of `head_rows`, no more rows are read.

    Raises:
        InputError: a line that breaks the grammar, or a value that is not of its attribute's type; the message names the line.
    """
    import polars as pl

    lines = _lines(check_text(read_packed(path, label), label).decode())
    attributes = _attributes(lines, label)
    places = list[int]()
    columns = [list[str | None]() for _ in attributes]
    for number, line in lines:
        if options.head_rows is not None and len(places) == options.head_rows:
            break
        for column, value in zip(columns, _values(line, number, attributes, label), strict=True):
            column.append(value)
        places.append(number)
    frame = pl.DataFrame(
        [_series(one, column, places, label) for one, column in zip(attributes, columns, strict=True)]
    )
    return RawTable(
        frame, label, has_header=True, locate=lambda row: f"{row_place(row)}, line {places[row]:,}"
    )


def looks_like_arff(start: bytes) -> bool:
    r"""Return whether text begins as ARFF: comments, then @relation.

    Example:
        >>> looks_like_arff(b"% iris\n@RELATION iris\n"), looks_like_arff(b"x,y")
        (True, False)
    """
    lines = [line.strip() for line in start.splitlines()]
    first = next((line for line in lines if line and not line.startswith(b"%")), b"")
    return first.lower().startswith(b"@relation")


def _lines(text: str) -> Iterator[tuple[int, str]]:
    """Yield the lines that say something, with their numbers from 1."""
    for number, line in enumerate(text.split("\n"), start=1):
        stripped = line.strip()
        if stripped and not stripped.startswith("%"):
            yield number, stripped


def _attributes(lines: Iterator[tuple[int, str]], label: str) -> list[Attribute]:
    """Return the columns that the header declares, and leave the lines at the first row."""
    found: list[Attribute] = []
    for number, line in lines:
        word = line.split(maxsplit=1)[0].lower()
        if word == "@data":
            break
        declared = ATTRIBUTE.fullmatch(line)
        if declared:
            found.append(_attribute(*declared.groups()))
        elif word != "@relation":
            _refuse(label, number, "@relation, @attribute or @data was expected")
    if not found:
        raise InputError(f"{label}: an ARFF file must declare its columns with @attribute; it declares none.")
    check_column_names([one.name for one in found], label)
    return found


def _attribute(name: str, kind: str) -> Attribute:
    is_number = kind.split()[0].lower() in NUMERIC
    levels = VALUE.match(kind.strip().removeprefix("{").removesuffix("}"))
    default = "0" if is_number else _plain(levels[1]) if kind.startswith("{") and levels else ""
    return Attribute(_plain(name), is_number, default)


def _values(line: str, number: int, attributes: Sequence[Attribute], label: str) -> list[str | None]:
    """Return the text of each value of a row; None where it is missing."""
    if line.startswith("{"):
        row = [one.default for one in attributes]
        if not line.endswith("}"):
            _refuse(label, number, "'}' was expected at its end")
        inner = line[1:-1].strip()
        for place, value in _split(inner, SPARSE_VALUE, number, label) if inner else ():
            if int(place) >= len(row):
                _refuse(label, number, f"there is no attribute number {int(place):,}")
            row[int(place)] = value
    else:
        row = [value for (value,) in _split(line, VALUE, number, label)]
    if len(row) != len(attributes):
        _refuse(label, number, f"{counted(len(attributes), 'value')} were expected, {len(row):,} found")
    return [None if value == MISSING else _plain(value) for value in row]


def _split(line: str, pattern: re.Pattern[str], number: int, label: str) -> Iterator[tuple[str, ...]]:
    at, end = 0, ","
    while end:
        found = pattern.match(line, at)
        if found is None:
            _refuse(label, number, f"its quotes do not match at character {at + 1:,}")
        *values, end = found.groups()
        yield tuple(value.strip() for value in values)
        at = found.end()


def _plain(value: str) -> str:
    r"""Return a value without its quotes and backslashes.

    Example:
        >>> _plain(r"'it\'s'"), _plain("x y")
        ("it's", 'x y')
    """
    if len(value) > 1 and value[0] in "'\"" and value[-1] == value[0]:
        return re.sub(r"\\(.)", r"\1", value[1:-1])
    return value


def _series(attribute: Attribute, values: list[str | None], places: list[int], label: str) -> pl.Series:
    import polars as pl

    text = pl.Series(attribute.name, values, dtype=pl.String)
    if not attribute.is_number:
        return text
    numbers = text.cast(pl.Float64, strict=False)
    bad = (numbers.is_null() & text.is_not_null()).arg_true()
    if len(bad):
        row = int(bad[0])
        _refuse(label, places[row], f"{attribute.name!r} must be a number, got {text[row]!r}")
    return numbers


def _refuse(label: str, number: int, what: str) -> NoReturn:
    raise InputError(
        f"{label}: every line of an ARFF file must follow the format; line {number:,} does not: {what}."
    )


ARFF = TableFormat("ARFF", "an ARFF file", (), (".arff",), read_arff, recognise=looks_like_arff)
