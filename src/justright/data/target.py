"""The target column: find its task and turn its values into 0/1, class indices or numbers."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from justright.data.arrays import Target
from justright.data.encoding import (
    Column,
    as_float64,
    is_text,
    level_name,
    refuse_missing,
    to_class_values,
    to_numbers,
)
from justright.data.read_options import Task
from justright.errors import InputError

# Whole numbers or texts with up to this many different values are classes; above, counts or identifiers.
MAX_FOUND_CLASSES = 50
# Whole numbers that repeat less often than this on average are measurements, not classes.
MIN_ROWS_PER_CLASS = 2
# With task='multiclass' asked for. An output layer beyond this is a different kind of problem.
MAX_CLASSES = 1_000
# From this share of numbers on, a text among the values is taken for a mistake, not for another class.
MOSTLY_NUMERIC = 0.5


def encode_target(column: Column, *, task: Task | None) -> tuple[Target, Task, tuple[str, ...]]:
    """Return a target's values for a table, its task, and the names of its classes.

    Two different values are `binary`; up to `MAX_FOUND_CLASSES` texts or repeating whole numbers are
    `multiclass`; other numbers are `regression`. Classes are sorted, as numbers or as text.

    Args:
        column: the target.
        task: the task asked for; None to find it.
    Returns:
        (rows,) values, float32 or, for `multiclass`, int32; the task found or asked for; what 0, 1, ... stand for, empty
        for `regression`.
    Raises:
        InputError: a value is missing or not finite, all values are equal, or they do not fit the task asked for.
    """
    if task == "regression":
        numbers = to_numbers(column)
        _refuse_one_value(column, np.unique(numbers))
        return numbers, "regression", ()
    values = _class_values(column, task)
    classes, codes = np.unique(values, return_inverse=True)
    _refuse_one_value(column, classes)
    found = task or _find_task(classes, column)
    if found == "regression":
        return values.astype(np.float32), "regression", ()
    _check_class_count(found, classes, values, column)
    names = tuple(level_name(value) for value in classes.tolist())
    encoded: Target = codes.astype(np.float32) if found == "binary" else codes.astype(np.int32)
    return encoded, found, names


def _class_values(column: Column, task: Task | None) -> npt.NDArray[np.float64] | npt.NDArray[np.str_]:
    import polars as pl

    refuse_missing(column)
    if not is_text(column.values):
        to_numbers(column)  # refuses NaN and infinity, naming the row
        return as_float64(column)
    values = to_class_values(column)
    if values.dtype.kind != "f" and task is None:
        numbers = column.values.cast(pl.String).str.strip_chars().cast(pl.Float64, strict=False)
        if 1.0 - numbers.null_count() / len(numbers) >= MOSTLY_NUMERIC:
            as_float64(column)  # refuses the first word among the numbers
    return values


def _refuse_one_value(column: Column, distinct: npt.NDArray[np.generic]) -> None:
    if len(distinct) < 2:
        raise InputError(
            f"{_label(column)} must have at least two different values; all {len(column.values):,} rows hold "
            f"{level_name(distinct[0].item())!r}. Name another column, or read more rows."
        )


def _find_task(classes: npt.NDArray[np.generic], column: Column) -> Task:
    if len(classes) == 2:
        return "binary"
    is_number = classes.dtype.kind == "f"
    if is_number and not np.array_equal(classes, np.round(classes)):
        return "regression"
    few = len(classes) <= MAX_FOUND_CLASSES
    if few and (not is_number or len(column.values) >= MIN_ROWS_PER_CLASS * len(classes)):
        return "multiclass"
    if is_number:
        return "regression"
    raise InputError(
        f"{_label(column)} must be numbers, or text with at most {MAX_FOUND_CLASSES} different values; it has "
        f"{len(classes):,} different texts (first: {column.raw.locate(0)}, {column.values[0]!r}). "
        "Name another column, or pass task='multiclass'."
    )


def _check_class_count(
    task: Task, classes: npt.NDArray[np.generic], values: npt.NDArray[np.generic], column: Column
) -> None:
    if task == "binary" and len(classes) > 2:
        order = np.sort(np.unique(values, return_index=True)[1])
        first, second, third = (level_name(values[row].item()) for row in order[:3])
        raise InputError(
            f"{_label(column)} must have two values for task='binary'; {column.place(order[2])} holds a third, "
            f"{third!r}, after {first!r} and {second!r}. "
            "Correct the row, or use task='multiclass' or 'regression'."
        )
    if len(classes) > MAX_CLASSES:
        raise InputError(
            f"{_label(column)} must have at most {MAX_CLASSES:,} classes; it has {len(classes):,}. "
            "Use task='regression', or group its values."
        )


def _label(column: Column) -> str:
    return f"{column.raw.label}: the target {column.name!r}"
