"""The table on a sheet of a workbook: which sheet, where its header is, and its columns. Runs in a process of its own.

A workbook of a few kilobytes can hold a text that a million cells repeat, or two cells a billion apart: fastexcel has no limit
for what these take. The process that starts this one (`workbook.py`) ends it when it takes too much.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from justright.data.checks import counted, listed
from justright.data.readers.delimited_text.header import find_header, name_columns
from justright.data.readers.raw import made_up_names
from justright.errors import InputError, near_miss

if TYPE_CHECKING:
    import polars as pl

# Rows searched for the header. Above it there may be a title, a date, and some empty rows.
HEAD_ROWS = 100
MAX_LISTED = 12
# The column that says in which row of the sheet a row of the table stands; no header can hold a zero character.
PLACES = "\0row"


def main() -> None:
    """Read the sheet that the first argument describes as JSON; print what was found, or what is wrong, as JSON.

    Without a place to write to, the names of all sheets are found.
    """
    asked = json.loads(sys.argv[1])
    said: dict[str, Any]
    try:
        if "out" not in asked:
            sys.stdout.write(json.dumps({"sheets": list_sheets(asked["path"])}))
            return
        frame, said = read_sheet(asked["path"], asked["sheet"], asked["rows"], asked["header"])
        frame.write_ipc(asked["out"], compression="uncompressed")
    except InputError as error:
        said = {"error": str(error)}
    sys.stdout.write(json.dumps(said))


def list_sheets(path: str | Path) -> list[str]:
    """Return the names of the sheets of a workbook.

    Raises:
        InputError: the file is damaged.
    """
    import fastexcel

    try:
        return list(fastexcel.read_excel(str(path)).sheet_names)
    except (fastexcel.FastExcelError, ValueError, RuntimeError) as error:
        raise _damaged(error) from None
    except BaseException as error:
        if type(error).__name__ != "PanicException":  # a panic of Rust is no Exception
            raise
        raise _damaged(error) from None


def read_sheet(
    path: str | Path, sheet: str | None, rows: int | None, header: bool | None
) -> tuple[pl.DataFrame, dict[str, Any]]:
    """Return the table on a sheet of a workbook.

    Args:
        path: the file.
        sheet: the name of the sheet, or its number from 1; None for the first one with a table on it.
        rows: how many of the first rows are enough; None for all.
        header: whether a row names the columns; None to see.
    Returns:
        The columns, the last of them, `PLACES`, the 1-based row of the sheet; `has_header`, and `notes`, a list of sentences.
    Raises:
        InputError: there is no such sheet, no table on it, or the file is damaged.
    """
    import fastexcel
    import polars as pl

    try:
        book = fastexcel.read_excel(str(path))
        name, head = _choose(book, sheet)
        start, names = find_table(head, header)
        loaded = book.load_sheet(
            name, header_row=None, skip_rows=start, n_rows=rows, schema_sample_rows=None
        ).to_polars()
    except (fastexcel.FastExcelError, pl.exceptions.PolarsError, ValueError, RuntimeError) as error:
        if isinstance(error, InputError):
            raise
        raise _damaged(error) from None
    except BaseException as error:
        if type(error).__name__ != "PanicException":  # a panic of Rust is no Exception
            raise
        raise _damaged(error) from None
    others = [one for one in book.sheet_names if one != name]
    notes = (
        [f"Sheet {name!r} is read; `sheet` names another: {listed(others, most=MAX_LISTED)}."]
        if others
        else []
    )
    above = start - (names is not None)
    if above:
        notes.append(f"{counted(above, 'row')} above the table {'is' if above == 1 else 'are'} left out.")
    frame, about_names = _trimmed(loaded, names, start)
    return frame, {"has_header": names is not None, "notes": [*notes, *about_names]}


def find_table(head: Sequence[Sequence[str | None]], header: bool | None) -> tuple[int, list[str] | None]:
    """Return the row, from 0, in which the values of a table begin, and its columns' names if it has any.

    The table begins in the first row that fills more than half as many cells as the fullest: titles fill one or two.

    Args:
        head: the first rows of the sheet; None for an empty cell.
        header: whether the table's first row names its columns; None to see.
    Raises:
        InputError: no row fills two cells.
    Example:
        >>> find_table([["Sales", None, None], [None] * 3, ["a", "b", "c"], ["1", "2", "3"]], None)
        (3, ['a', 'b', 'c'])
    """
    filled = [sum(cell is not None for cell in row) for row in head]
    least = max(2, max(filled, default=0) // 2 + 1)
    first = next((number for number, count in enumerate(filled) if count >= least), None)
    if first is None:
        raise InputError("a sheet must hold a table of two columns at least; it holds none.")
    cells = [[" ".join((cell or "").split()) for cell in row] for row in head[first:]]
    names = find_header(cells) if header is None else cells[0] if header else None
    return (first, None) if names is None else (first + 1, names)


def _choose(book: Any, sheet: str | None) -> tuple[str, list[list[str | None]]]:  # noqa: ANN401 - fastexcel has no stubs
    """Return the name of a sheet, and its first rows as text."""
    names: list[str] = book.sheet_names
    if sheet is not None:
        if sheet not in names and sheet.isdecimal() and 1 <= int(sheet) <= len(names):
            sheet = names[int(sheet) - 1]
        if sheet not in names:
            raise InputError(
                f"`sheet` must be the name of a sheet, or its number from 1 to {len(names)}; got {sheet!r}."
                f"{near_miss(sheet, names)} Sheets: {listed(names, most=MAX_LISTED)}."
            )
        return sheet, _head(book, sheet)
    for name in names:
        head = _head(book, name)
        if _is_table(head):
            return name, head
    raise InputError(
        f"a workbook must have a sheet with a table of two rows and two columns; it has {listed(names, most=MAX_LISTED)}."
    )


def _head(book: Any, name: str) -> list[list[str | None]]:  # noqa: ANN401 - as above
    # `skip_rows=0` counts rows from the sheet's top; without it fastexcel counts from the first that is used.
    sheet = book.load_sheet(name, header_row=None, skip_rows=0, n_rows=HEAD_ROWS, dtypes="string")
    return [list(row) for row in sheet.to_polars().rows()]


def _is_table(head: list[list[str | None]]) -> bool:
    return sum(sum(cell is not None for cell in row) > 1 for row in head) > 1


def _trimmed(frame: pl.DataFrame, names: list[str] | None, start: int) -> tuple[pl.DataFrame, list[str]]:
    """Return the columns under their names, without empty rows and empty columns, and what was done about names."""
    import polars as pl

    places = pl.int_range(start + 1, frame.height + start + 1).alias(PLACES)
    frame = frame.with_columns(places).filter(pl.any_horizontal(pl.exclude(PLACES).is_not_null()))
    columns = frame.drop(PLACES).get_columns()
    is_empty = [column.null_count() == len(column) for column in columns]
    if names is None:
        kept = [column for column, gone in zip(columns, is_empty, strict=True) if not gone]
        known, notes = made_up_names(len(kept)), list[str]()
    else:
        cells = [*names, *[""] * (len(columns) - len(names))]
        nothing = [index for index, gone in enumerate(is_empty) if gone and not cells[index]]
        found, notes = name_columns(cells, empty=nothing)
        known = [name for index, name in enumerate(found) if index not in nothing]
        kept = [column for index, column in enumerate(columns) if index not in nothing]
    renamed = [column.alias(name) for name, column in zip(known, kept, strict=True)]
    return pl.DataFrame([*renamed, frame[PLACES]]), notes


def _damaged(error: BaseException) -> InputError:
    reason = (str(error).splitlines() or ["no reason given"])[0]
    return InputError(f"a readable workbook was expected; {reason!r}. Save it again.")


if __name__ == "__main__":
    main()
