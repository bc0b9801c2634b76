"""Every format of table files. A new one is a file in this folder and an entry in `FORMATS`, or comes from a plug-in."""

from __future__ import annotations

from justright.data.readers.arff import ARFF
from justright.data.readers.arrow import ARROW
from justright.data.readers.databases.sqlite_file import SQLITE
from justright.data.readers.delimited import DELIMITED
from justright.data.readers.json_rows import JSON
from justright.data.readers.libsvm import LIBSVM
from justright.data.readers.no_tables import NO_TABLES
from justright.data.readers.npz import NPY, NPZ
from justright.data.readers.parquet import PARQUET
from justright.data.readers.raw import TableFormat
from justright.data.readers.workbooks.workbook import EXCEL
from justright.data.readers.zipped import ZIP
from justright.plugins import plugged_in


def formats() -> tuple[TableFormat, ...]:
    """Return every format of table files, those of plug-ins last."""
    return (*FORMATS, *plugged_in("table_formats"))


def format_names(last: str = ", ") -> str:
    """Return the formats that can be read, for messages and help texts.

    Args:
        last: the separator before the last one.

    Example:
        >>> format_names(" or ")
        'CSV, TSV, Parquet, Arrow, NPZ, Excel, ODS, SQLite, JSON, ARFF, LIBSVM or zip'
    """
    names = [one.name for one in formats() if one.name]
    return ", ".join(names[:-1]) + last + names[-1]


def find_format(start: bytes, ending: str) -> TableFormat:
    """Return the format of a file: by its first bytes, else by its name, else by how its text looks, else delimited text.

    Args:
        start: its first bytes.
        ending: the ending of its name, with the dot; chooses among formats that begin alike.

    Formats that begin alike, such as archives, are told apart by name, else by how they go on.

    Example:
        >>> find_format(b"PAR1", ".data").name, find_format(b"x,y", ".parquet").name
        ('Parquet', 'CSV, TSV')
    """
    begun = [one for one in formats() if start.startswith(one.magic)]
    named = [one for one in formats() if ending.lower() in one.endings]
    both = [one for one in begun if one in named]
    sure = [one for one in begun if one.recognise and one.recognise(start)]
    text = [one for one in named if not one.magic] or [
        one for one in formats() if not one.magic and one.recognise and one.recognise(start)
    ]
    return next(iter([*both, *sure, *begun, *text]), DELIMITED)


def format_promised(ending: str) -> TableFormat | None:
    """Return the binary format that this ending promises, if any: such a file must not be read as text."""
    return next((one for one in formats() if one.magic and ending.lower() in one.endings), None)


FORMATS: tuple[TableFormat, ...] = (
    *(DELIMITED, PARQUET, ARROW, NPZ, NPY, EXCEL, SQLITE, JSON, ARFF, LIBSVM, ZIP),
    *NO_TABLES,
)
