"""The names of a text's columns: whether its first row holds them, and what is done about those that cannot be used."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

from justright.data.checks import MAX_NAME_CHARACTERS, listed
from justright.data.readers.delimited_text.layout import is_like_number

# A column name may be a year or an identifier, but hardly 0.5 or 1e-3: those are data.
WHOLE_NUMBER = re.compile(r"\d+")
YEAR = re.compile(r"1[5-9]\d\d|20\d\d|21\d\d")
# What stands for a missing value says nothing about whether it is a name.
NO_VALUE = ("", "?", "-", ".", "na", "n/a", "nan", "null", "none")
# What pandas calls the column of an index that it wrote without a name.
UNNAMED = "Unnamed: 0"
INDEX = "index"
# As many columns numbered from 0 are what a program writes that has no names; fewer may be counts.
NUMBERED_COLUMNS = 4
# A word in the first row that makes up more than this share of the values below it is one of them.
COMMON_SHARE = 0.2
# Words above numbers that a row of units has at least, and the records that are needed to say that they are numbers.
LEAST_UNITS = 2
LEAST_UNITS_RECORDS = 3
# Names shown in a note.
MAX_LISTED = 5


def find_header(head: Sequence[Sequence[str]]) -> list[str] | None:
    """Return the names in the first record, or None if it is data.

    Words above numbers are names. Without such a column, words that come again in most of their own columns are data; so is
    every number, unless all are whole and distinct and words beside them are names, or they are years, or count from 0.

    Args:
        head: the first records, cells without surrounding spaces.
    Example:
        >>> find_header([["age", "2019"], ["33", "0.5"]]), find_header([["5.1", "setosa"], ["4.9", "setosa"]])
        (['age', '2019'], None)
        >>> find_header([["young", "no"], ["old", "no"], ["young", "yes"]]) is None
        True
    """
    first = list(head[0])
    columns = _columns(len(first), [record for record in head[1:] if list(record) != first])
    numbers = [cell for cell in first if is_number(cell) or is_like_number(cell)]
    if numbers:
        return first if _are_named_by_numbers(first, numbers, columns) else None
    words = [(cell, below) for cell, below in zip(first, columns, strict=True) if not _is_missing(cell)]
    if not words:
        return None
    if any(_are_numbers(below) for _, below in words) or len(head) == 1:
        return first
    if len(set(first)) < len(first) and 2 * len({cell for cell, _ in words}) < len(first):
        return None
    shares = [below.count(cell) / max(len(below), 1) for cell, below in words]
    is_data = (
        2 * sum(map(bool, shares)) > len(words) or max(shares) > COMMON_SHARE or 2 * len(words) < len(first)
    )
    return None if is_data else first


def find_units(head: Sequence[Sequence[str]]) -> bool:
    """Return whether the record below the names only says in what units the values are, or the like.

    It holds no number, stands above columns of nothing but numbers, and none of its words comes again.

    Args:
        head: the records below the names.
    Example:
        >>> find_units([["s", "V", ""], ["1", "2", "on"], ["2", "3", "off"]])
        True
    """
    if len(head) < LEAST_UNITS_RECORDS or any(map(is_like_number, head[0])):
        return False
    columns = _columns(len(head[0]), head[1:])
    words = [(cell, below) for cell, below in zip(head[0], columns, strict=True) if not _is_missing(cell)]
    above_numbers = sum(_are_numbers(below) for _, below in words)
    return above_numbers >= LEAST_UNITS and not any(cell in below for cell, below in words)


def _columns(fields: int, records: Sequence[Sequence[str]]) -> list[list[str]]:
    return [[record[index] for record in records if index < len(record)] for index in range(fields)]


def is_number(cell: str) -> bool:
    """Return whether a cell is a number; an empty cell is not.

    Example:
        >>> is_number("1e-3"), is_number("one")
        (True, False)
    """
    try:
        float(cell)
    except ValueError:
        return False
    return "_" not in cell


def name_columns(cells: Sequence[str], *, empty: Sequence[int] = ()) -> tuple[list[str], list[str]]:
    r"""Return usable names for the cells of a header, and a sentence for each thing that was done about them.

    Args:
        cells: as many as there are columns.
        empty: columns without a name that hold nothing, which will be left out: they get a name without a word.
    Example:
        >>> name_columns(["", "x", "x", "two\nlines"])[0]
        ['index', 'x', 'x_2', 'two lines']
    """
    notes = list[str]()
    names = [" ".join(cell.split()) for cell in cells]
    if all(re.fullmatch("'.+'", name) for name in names if name):
        names = [name[1:-1] for name in names]
    long = [index for index, name in enumerate(names) if len(name) > MAX_NAME_CHARACTERS]
    for index in long:
        names[index] = names[index][: MAX_NAME_CHARACTERS - 8]
    if long:
        notes.append(
            f"Names longer than {MAX_NAME_CHARACTERS} characters were cut: columns {_numbers(long)}."
        )
    if names[0] in ("", UNNAMED) and 0 not in empty:
        notes.append(f"The first column has no name; it is called {INDEX!r}.")
        names[0] = INDEX
    nameless = [index for index, name in enumerate(names) if not name]
    for index in nameless:
        names[index] = f"column_{index}"
    if told := [index for index in nameless if index not in empty]:
        notes.append(
            f"Columns without a name are called {listed([names[index] for index in told], most=MAX_LISTED)}."
        )
    renamed = _make_unique(names)
    if renamed:
        notes.append(f"Columns with the name of another were renamed {listed(renamed, most=MAX_LISTED)}.")
    return names, notes


def _are_named_by_numbers(
    first: Sequence[str], numbers: Sequence[str], columns: Sequence[Sequence[str]]
) -> bool:
    if not all(WHOLE_NUMBER.fullmatch(cell) for cell in numbers) or len(set(numbers)) < len(numbers):
        return False
    is_whole_below = [all(WHOLE_NUMBER.fullmatch(cell) for cell in below) for below in columns]
    above = [(cell, below) for cell, below in zip(first, columns, strict=True) if not is_number(cell)]
    counts = [int(cell) for cell in numbers] == list(range(len(numbers)))
    if not any(cell for cell, _ in above):
        return counts and len(numbers) >= NUMBERED_COLUMNS and not all(is_whole_below)
    if any(cell in below for cell, below in above if not _is_missing(cell)):
        return False
    if any(not _is_missing(cell) and _are_numbers(below) for cell, below in above):
        return True
    years = (
        all(YEAR.fullmatch(cell) for cell in numbers)
        and len(set(numbers) & {one for below in columns for one in below}) == 0
    )
    return bool(columns[0]) and (years or (counts and len(numbers) >= NUMBERED_COLUMNS))


def _are_numbers(below: Sequence[str]) -> bool:
    """Return whether a column holds numbers, and nothing but missing values besides."""
    values = [cell for cell in below if not _is_missing(cell)]
    return bool(values) and all(map(is_like_number, values))


def _is_missing(cell: str) -> bool:
    return cell.lower() in NO_VALUE


def _make_unique(names: list[str]) -> list[str]:
    """Rename what is there already, in place, and return the new names."""
    taken, counts, renamed = set(names), Counter[str](), list[str]()
    for index, name in enumerate(names):
        counts[name] += 1
        if counts[name] > 1:
            while (new := f"{name}_{counts[name]}") in taken:
                counts[name] += 1
            taken.add(new)
            renamed.append(new)
            names[index] = new
    return renamed


def _numbers(indices: Sequence[int]) -> str:
    shown = ", ".join(str(index) for index in indices[:MAX_LISTED])
    return shown + (" and more" if len(indices) > MAX_LISTED else "") + " (from 0)"
