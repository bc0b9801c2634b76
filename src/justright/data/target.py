"""The target column: which task it is, and its values as 0/1, class numbers or numbers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from justright.data.arrays import BLOCK_VALUES, Target
from justright.data.checks import MAX_NAME_CHARACTERS, counted, listed
from justright.data.plan.column_plans import OTHER, read_levels, read_numbers
from justright.data.plan.date_text import are_day_numbers, day_texts, find_date_format, has_year, seconds
from justright.data.plan.decide import are_codes, shown
from justright.data.plan.missing_values import MISSING, MISSING_AMONG_NUMBERS, as_text, without_missing
from justright.data.plan.number_text import (
    CLOCKS,
    LENGTH_OF_TIME,
    PLAIN,
    NumberFormat,
    find_length_format,
    find_number_format,
    is_mostly_numbers,
)
from justright.data.read_options import ReadOptions, Task
from justright.data.shared_arrays import shareable_empty
from justright.errors import InputError

if TYPE_CHECKING:
    import polars as pl

Rows = npt.NDArray[np.int64] | npt.NDArray[np.int32]

# Whole numbers with up to this many different values, and this many rows of each on average, are classes: grades, codes.
# More are counts, ages, amounts.
MAX_NUMBER_CLASSES, MIN_ROWS_PER_NUMBER = 10, 5
# Texts with up to this many different values are classes; up to MAX_CLASSES if they come often enough.
MAX_FOUND_CLASSES = 50
MIN_ROWS_PER_CLASS = 5
# So many classes may have a single row each: nobody would call more of them classes.
MAX_LONE_CLASSES = 10
# An output layer beyond this is a different kind of problem.
MAX_CLASSES = 1_000
MAX_LISTED = 5


@dataclass(frozen=True, slots=True, eq=False)
class TargetColumn:
    """A target as it is trained on.

    Args:
        values: (rows,) float32 or, for `multiclass`, int32, of the rows that have a value.
        rows: which rows those are, in order.
        task: found, or asked for.
        class_names: what 0, 1, ... stand for; empty for `regression`.
        reason: why it is this task, for the printed plan.
    """

    values: Target
    rows: Rows
    task: Task
    class_names: tuple[str, ...]
    reason: str


def read_target(values: pl.Series, options: ReadOptions, label: str) -> TargetColumn:
    """Return a target's values and its task.

    Two different values are `binary`. Texts are classes; whole numbers are classes if they are few and come often;
    other numbers are a `regression`. Classes are sorted, as numbers or as text.

    Args:
        values: the column as read.
        options: the task asked for, and how missing values and numbers are written.
        label: how messages name the table.
    Raises:
        InputError: no value, only one, or values that do not fit the task asked for.
    """
    name = f"{label}: the target {values.name!r}"
    numbers, form = _numbers(values, options)
    if options.task is None:
        _refuse_dates(values, options, name)
    if options.task == "regression" or (numbers is not None and options.task is None):
        if numbers is None:
            raise InputError(_no_numbers(values, name))
        rows = _known_rows(numbers)
        known = numbers if len(rows) == len(numbers) else numbers[rows]
        distinct = np.unique(np.concatenate([np.unique(block) for block in _blocks(known)]))
        _refuse_one_value([shown(float(value)) for value in distinct[:2]], len(known), name)
        task: Task = "regression"
        reason = "as asked"
        if options.task is None and form.unit in CLOCKS:
            reason = "times, in seconds"
        elif options.task is None:
            task, reason = _task_of_numbers(distinct, len(known))
        odd = _unread(values, form, options)
        if task == "regression":
            if len(odd):
                gone = f"{counted(len(odd), 'row')} whose value is no number (such as {odd[0][:MAX_NAME_CHARACTERS]!r})"
                reason += f"; without {gone}"
            return TargetColumn(known, rows, "regression", (), reason)
        if not options.min_class_rows and not len(odd):
            names = tuple(shown(float(value)) for value in distinct)
            return TargetColumn(_codes_among(distinct, known, task), rows, task, names, reason)
    levels = read_levels(values, options.missing)
    rows = np.flatnonzero(levels.is_not_null().to_numpy())
    return _as_classes(levels.drop_nulls(), rows, options, name)


def read_target_like(
    values: pl.Series, options: ReadOptions, label: str, *, task: Task, class_names: tuple[str, ...]
) -> TargetColumn:
    """Return another table's target as that of the training table: the same task and the same classes.

    Raises:
        InputError: it holds no numbers where they are needed, or a class that the training table lacks.
    """
    name = f"The target of {label}"
    if task == "regression":
        numbers, _ = _numbers(values, options)
        if numbers is None:
            raise InputError(_no_numbers(values, name))
        rows = np.flatnonzero(np.isfinite(numbers))
        return TargetColumn(numbers[rows], rows, task, (), "")
    levels = read_levels(values, options.missing)
    rows, known = np.flatnonzero(levels.is_not_null().to_numpy()), levels.drop_nulls()
    spare = class_names.index(OTHER) if options.min_class_rows and OTHER in class_names else None
    unknown = sorted(set(known.unique().to_list()) - set(class_names))
    if unknown and spare is None:
        raise InputError(
            f"{name} must hold the classes of the training table, {listed(class_names, most=MAX_LISTED)}; it also holds "
            f"{listed(unknown, most=MAX_LISTED)}. Remove those rows, or name the right target column."
        )
    places = {level: index for index, level in enumerate(class_names)}
    return TargetColumn(_coded(known, places, task, default=spare), rows, task, class_names, "")


def _numbers(values: pl.Series, options: ReadOptions) -> tuple[npt.NDArray[np.float32] | None, NumberFormat]:
    """Return a column's numbers, NaN where there is none, and how they are written; None if it is no column of numbers."""
    import polars as pl

    if values.dtype.is_numeric():
        return read_numbers(values, PLAIN, options.missing)[0], PLAIN
    if values.dtype == pl.Time:
        return seconds(values).to_numpy().astype(np.float32), NumberFormat(unit=LENGTH_OF_TIME)
    if values.dtype == pl.Boolean or values.dtype.is_temporal() or values.dtype.is_nested():
        return None, PLAIN
    text = without_missing(as_text(values), MISSING_AMONG_NUMBERS, options.missing)
    known = text.drop_nulls()
    distinct = known.unique(maintain_order=True)
    if options.task is None and are_codes(distinct):
        return None, PLAIN
    form = find_number_format(distinct, decimal=options.decimal, thousands=options.thousands)
    is_numeric = options.task == "regression" and form.parse(known).count() > 0
    if not (is_numeric or is_mostly_numbers(form.parse(known), known)):
        lengths = find_length_format(distinct)
        if lengths is None or options.task not in (None, "regression"):
            return None, PLAIN
        form = lengths
    return read_numbers(values, form, options.missing)[0], form


def _unread(values: pl.Series, form: NumberFormat, options: ReadOptions) -> pl.Series:
    """Return the texts of a column of numbers that are no numbers: a class such as 7+, or a remark."""
    import polars as pl

    if values.dtype != pl.String:
        return pl.Series(dtype=pl.String)
    known = without_missing(as_text(values), MISSING_AMONG_NUMBERS, options.missing).drop_nulls()
    return known.filter(form.parse(known).is_null())


def _refuse_dates(values: pl.Series, options: ReadOptions, name: str) -> None:
    """Refuse dates as a target: as they stand they are neither amounts nor classes."""
    import polars as pl

    text = without_missing(as_text(values), MISSING_AMONG_NUMBERS, options.missing).drop_nulls()
    if isinstance(values.dtype, pl.Datetime) or values.dtype == pl.Date:
        are_dates = len(text) > 0
    elif values.dtype.is_numeric():
        are_dates = are_day_numbers(values)
        text = day_texts(values.drop_nulls()) if are_dates else text
    else:
        form = find_date_format(text.unique(maintain_order=True)) if values.dtype == pl.String else None
        are_dates = form is not None and has_year(form)
    if are_dates:
        raise InputError(
            f"{name} must hold numbers or classes; it holds dates (first: {text[0][:MAX_NAME_CHARACTERS]!r}). Name another "
            "column, write a number such as the days since a start in it, or pass task='multiclass' to take each for a class."
        )


def _task_of_numbers(distinct: npt.NDArray[np.float32], rows: int) -> tuple[Task, str]:
    if len(distinct) == 2:
        return "binary", f"two values, {shown(float(distinct[0]))} and {shown(float(distinct[1]))}"
    if not np.array_equal(distinct, np.round(distinct)):
        return "regression", "numbers with decimals"
    if len(distinct) <= MAX_NUMBER_CLASSES and rows >= MIN_ROWS_PER_NUMBER * len(distinct):
        span = f"{shown(float(distinct[0]))} to {shown(float(distinct[-1]))}"
        return (
            "multiclass",
            f"{len(distinct)} whole numbers, {span}, taken for classes; --task regression takes them for amounts",
        )
    return (
        "regression",
        f"whole numbers with {len(distinct):,} different values, taken for amounts; --task multiclass takes them for classes",
    )


def _as_classes(levels: pl.Series, rows: Rows, options: ReadOptions, name: str) -> TargetColumn:
    table = levels.alias("level").value_counts(name="rows")
    counts: dict[str, int] = dict(zip(table["level"].to_list(), table["rows"].to_list(), strict=True))
    _refuse_one_value(list(counts), len(levels), name)
    kept, merged = _merged(counts, options.min_class_rows)
    names = tuple(sorted(kept, key=_class_order)) + ((OTHER,) if merged else ())
    if len(names) < 2:
        raise InputError(
            f"{name} must keep at least two classes; with min_class_rows={options.min_class_rows} all are merged. "
            "Ask for fewer rows."
        )
    _check_classes(names, counts, levels, options.task, name)
    found: Task = options.task or ("binary" if len(names) == 2 else "multiclass")
    reason = "as asked" if options.task else f"{'two' if len(names) == 2 else len(names)} classes"
    if merged:
        reason += f", {counted(len(merged), 'rare one')} merged into {OTHER!r}"
    places = {level: index for index, level in enumerate(names)}
    return TargetColumn(
        _coded(levels, places, found, default=len(names) - 1 if merged else None), rows, found, names, reason
    )


def _merged(counts: dict[str, int], least: int | None) -> tuple[list[str], list[str]]:
    """Return the classes that stay, and those that become one."""
    rare = [level for level, count in counts.items() if least and (count < least or level == OTHER)]
    return [level for level in counts if level not in rare], rare


def _coded(levels: pl.Series, places: dict[str, int], task: Task, *, default: int | None) -> Target:
    import polars as pl

    if default is None:
        codes = levels.replace_strict(places, return_dtype=pl.Int32).to_numpy()
    else:
        codes = levels.replace_strict(places, default=default, return_dtype=pl.Int32).to_numpy()
    return _typed(codes, task)


def _typed(codes: npt.NDArray[Any], task: Task) -> Target:
    return codes.astype(np.int32) if task == "multiclass" else codes.astype(np.float32)


def _codes_among(distinct: npt.NDArray[np.float32], known: npt.NDArray[np.float32], task: Task) -> Target:
    """Return where each known number is among the distinct ones, found for a block of rows at a time."""
    codes: Target = shareable_empty(known.shape, np.int32 if task == "multiclass" else np.float32)
    for block, own in zip(_blocks(known), _blocks(codes), strict=True):
        own[:] = np.searchsorted(distinct, block)
    return codes


def _known_rows(numbers: npt.NDArray[np.float32]) -> Rows:
    """Return the rows that have a number; where that is all, in half the memory."""
    is_known = np.isfinite(numbers)
    return np.arange(len(numbers), dtype=np.int32) if is_known.all() else np.flatnonzero(is_known)


def _blocks(values: npt.NDArray[Any]) -> Iterator[npt.NDArray[Any]]:
    return (values[start : start + BLOCK_VALUES] for start in range(0, max(1, len(values)), BLOCK_VALUES))


def _class_order(level: str) -> tuple[int, float, str]:
    try:
        return 0, float(level), level
    except ValueError:
        return 1, 0.0, level


def _check_classes(
    names: tuple[str, ...], counts: dict[str, int], levels: pl.Series, task: Task | None, name: str
) -> None:
    if task == "binary" and len(names) > 2:
        raise InputError(
            f"{name} must have two values for task='binary'; it has {len(names):,}: {listed(names, most=MAX_LISTED)}. "
            "Correct them, or use task='multiclass' or 'regression'."
        )
    rows = len(levels)
    too_few = rows < MIN_ROWS_PER_CLASS * len(names) and len(names) > MAX_FOUND_CLASSES
    if task is None and (too_few or (rows < 2 * len(names) and len(names) > MAX_LONE_CLASSES)):
        raise InputError(
            f"{name} must be numbers, or texts that repeat; it has {len(names):,} different texts in {rows:,} rows "
            f"(first: {levels[0][:MAX_NAME_CHARACTERS]!r}). Name another column, or pass task='multiclass'."
        )
    if len(names) > MAX_CLASSES:
        raise InputError(
            f"{name} must have at most {MAX_CLASSES:,} classes; it has {len(names):,}. Name another column, or merge "
            "rare classes with min_class_rows."
        )
    longest = max(counts, key=len)
    if len(longest) > MAX_NAME_CHARACTERS:
        raise InputError(
            f"{name} must have classes of at most {MAX_NAME_CHARACTERS} characters; one has {len(longest):,}. Shorten it, "
            "or name another column."
        )


def _refuse_one_value(distinct: Sequence[str], rows: int, name: str) -> None:
    """Refuse a target whose different values, as they are shown, are fewer than two."""
    if not distinct:
        raise InputError(f"{name} must have values; it has none. Name another column.")
    if len(distinct) == 1:
        raise InputError(
            f"{name} must have at least two different values; all {rows:,} rows hold {distinct[0][:MAX_NAME_CHARACTERS]!r}. "
            "Name another column, or read more rows."
        )


def _no_numbers(values: pl.Series, name: str) -> str:
    text = without_missing(as_text(values), MISSING, ()).drop_nulls()
    first = f" (such as {text[0][:MAX_NAME_CHARACTERS]!r})" if len(text) else ""
    return f"{name} must hold numbers for a regression; it holds {values.dtype} values{first}. Name another column, or another task."
