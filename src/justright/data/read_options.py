"""How a table is read, and what its columns are taken for: every option of `read_table` besides where the table is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Literal, get_args

from justright.data.checks import is_whole
from justright.errors import InputError, check_one_of

Task = Literal["binary", "multiclass", "regression"]
TASKS: tuple[Task, ...] = get_args(Task)

# Options that are lists of texts.
LISTS = ("missing", "categorical", "numeric", "drop", "keep")
# Options that are one text.
TEXTS = ("sep", "decimal", "thousands", "encoding", "sheet", "query", "group", "time", "weights")


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadOptions:
    """How a table is read: plain values, which a study file keeps. None, or nothing, leaves the decision to the table.

    Args:
        rows: how many rows to keep, drawn at random in the order of the file; None for all.
        head: whether `rows` are the first ones instead.
        task: `binary`, `multiclass` or `regression`; None to find it from the target's values.
        missing: texts that mean "no value", besides the usual ones (empty, NA, NaN, null, None, ?, -, n/a ...).
        categorical: columns that are categories, whatever they look like.
        numeric: columns that are numbers; what is none in them is missing.
        drop: columns to leave out.
        keep: columns to keep that would be left out, such as identifiers.
        sep: what separates the columns of a text; 'whitespace' for any number of blanks.
        decimal: the decimal mark of numbers, '.' or ','.
        thousands: what groups the digits of large numbers, such as ','.
        encoding: of a text, such as 'latin-1'.
        header: whether the first row of a text names the columns.
        sheet: the sheet of a workbook, or the table of a database.
        query: SQL for a database.
        group: a column whose equal values stay in one part of a split, such as a patient. It is no feature.
        time: a column by which the rows are ordered in time: validation rows come after training rows, test rows last.
        weights: a column of how much each row counts, in training and in means of losses and metrics. It is no feature.
        min_class_rows: classes with fewer rows become one class, 'other'; None keeps every class.
    Raises:
        InputError: an option is of another type, or not one of the values that it may have.
    """

    rows: int | None = None
    head: bool = False
    task: Task | None = None
    missing: tuple[str, ...] = ()
    categorical: tuple[str, ...] = ()
    numeric: tuple[str, ...] = ()
    drop: tuple[str, ...] = ()
    keep: tuple[str, ...] = ()
    sep: str | None = None
    decimal: str | None = None
    thousands: str | None = None
    encoding: str | None = None
    header: bool | None = None
    sheet: str | None = None
    query: str | None = None
    group: str | None = None
    time: str | None = None
    weights: str | None = None
    min_class_rows: int | None = None

    def __post_init__(self) -> None:
        for name in ("rows", "min_class_rows"):
            value = getattr(self, name)
            if value is not None and not is_whole(value, least=1):
                raise InputError(f"`{name}` must be a whole number of 1 or more; got {value!r}.")
        if self.task is not None:
            check_one_of("task", self.task, TASKS)
        if self.decimal is not None:
            check_one_of("decimal", self.decimal, (".", ","))
        for name in LISTS:
            value = getattr(self, name)
            if isinstance(value, str) or not all(isinstance(item, str) for item in value):
                raise InputError(f"`{name}` must be a list of texts; got {value!r}. Write {name}=['...'].")
            object.__setattr__(self, name, tuple(value))
        for name in TEXTS:
            value = getattr(self, name)
            if value is not None and not isinstance(value, str):
                raise InputError(f"`{name}` must be a text; got {value!r}.")

    @property
    def head_rows(self) -> int | None:
        """How many of the first rows are enough; None for all rows."""
        return self.rows if self.head else None

    def plain(self) -> dict[str, Any]:
        """Return the options that were given, without those at their defaults."""
        return {
            one.name: getattr(self, one.name)
            for one in fields(ReadOptions)
            if getattr(self, one.name) != one.default
        }


READ_ALL = ReadOptions()


def read_options(values: Mapping[str, Any]) -> ReadOptions:
    """Return options from keywords.

    Raises:
        InputError: a keyword is no option, or a value cannot be used.
    Example:
        >>> read_options({"drop": ["name"]}).drop
        ('name',)
    """
    for name in values:
        check_one_of("option of `read_table`", name, [one.name for one in fields(ReadOptions)])
    return ReadOptions(**values)
