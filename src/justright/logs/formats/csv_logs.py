"""CSV logs: Keras' CSVLogger, Lightning's metrics.csv, and any other table with one row per epoch."""

from __future__ import annotations

import math
from collections.abc import Collection

from justright.errors import InputError
from justright.logs.logged_run import LoggedRun
from justright.logs.points import Points, measured, metric_name, run_of_points
from justright.logs.source import LogFormat, Source

NOT_MEASURED = frozenset({"", "na", "none", "null", "-"})  # Keras writes NA, Lightning nothing
EPOCH_COLUMNS = ("epoch", "epochs", "iteration", "step")


def _is_keras(source: Source) -> bool:
    return "epoch" in source.columns and any(name.startswith("val_") for name in source.columns)


def _read_plain(source: Source) -> list[LoggedRun]:
    """Return the run; without an epoch column, rows are counted, from 0."""
    lowered = {name.lower(): name for name in source.columns}
    column = next((lowered[name] for name in EPOCH_COLUMNS if name in lowered), None)
    return [column_run(source, epoch_column=column)]


def column_run(source: Source, *, epoch_column: str | None, skip: Collection[str] = ()) -> LoggedRun:
    """Return the run whose metrics are the columns of a CSV log.

    Args:
        source: the log.
        epoch_column: which column counts epochs; None counts rows.
        skip: columns that are not metrics; columns of words are left out anyway.

    Raises:
        InputError: a cell of a metric is a word, or a row has no epoch.
    """
    points: Points = {}
    position = None if epoch_column is None else source.columns.index(epoch_column)
    left_out = {epoch_column, *skip, *_word_columns(source)}
    for index, row in enumerate(source.rows):
        epoch = float(index) if position is None else _epoch(source, index, row[position])
        for column, cell in zip(source.columns, row, strict=True):
            if column not in left_out and cell.strip().lower() not in NOT_MEASURED:
                points.setdefault(metric_name(column), {})[epoch] = _number(source, index, column, cell)
    return run_of_points(source.name, points)


def _word_columns(source: Source) -> set[str]:
    """Return columns whose first filled cell is a word, such as a run's name or a time stamp."""
    words = set()
    for position, column in enumerate(source.columns):
        first = next(
            (row[position] for row in source.rows if row[position].strip().lower() not in NOT_MEASURED), "0"
        )
        if _parse(first) is None:
            words.add(column)
    return words


def _epoch(source: Source, index: int, cell: str) -> float:
    value = _parse(cell)
    if value is None or not math.isfinite(value):
        raise InputError(
            f"Every row of a CSV log must say its epoch; row {index + 2} of {source.name!r} says {cell!r}."
        )
    return value


def _number(source: Source, index: int, column: str, cell: str) -> float:
    value = _parse(cell)
    if value is None:
        raise InputError(
            f"A metric must be a number; row {index + 2} of {source.name!r} has {cell!r} in column {column!r}."
        )
    return measured(value)


def _parse(cell: str) -> float | None:
    try:
        return float(cell)
    except ValueError:
        return None


LIGHTNING_CSV = LogFormat(
    "lightning-csv",
    "Lightning's metrics.csv",
    # Rows are steps, and metrics lie in separate rows: take the last value of each in each epoch.
    lambda source: [column_run(source, epoch_column="epoch", skip={"step"})],
    lambda source: {"epoch", "step"} <= set(source.columns),
    folder_file="metrics.csv",
)
KERAS_CSV = LogFormat(
    "keras-csv",
    "a Keras CSVLogger file",
    lambda source: [column_run(source, epoch_column="epoch")],
    _is_keras,
)
PLAIN_CSV = LogFormat(
    "csv", "a CSV file with one row per epoch", _read_plain, lambda source: bool(source.columns)
)
