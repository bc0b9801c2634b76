"""CSV logs: Keras' CSVLogger, Lightning's metrics.csv, and any table with an epoch a row."""

from __future__ import annotations

import numpy as np

from justright.errors import InputError
from justright.logs.curves import LogCurves, by_epoch, measured, metric_name
from justright.logs.source import Source

NOT_MEASURED = frozenset({"", "na", "none", "null", "-"})  # Keras writes NA, Lightning nothing
EPOCH_COLUMNS = ("epoch", "epochs", "iteration", "step")


def is_lightning_csv(source: Source) -> bool:
    """Return whether the log is Lightning's metrics.csv, whose rows are steps and whose metrics share no rows."""
    return {"epoch", "step"} <= set(source.columns)


def is_keras_csv(source: Source) -> bool:
    """Return whether the log is a CSVLogger file: `epoch` and metrics under Keras' names."""
    return "epoch" in source.columns and any(name.startswith("val_") for name in source.columns)


def is_plain_csv(source: Source) -> bool:
    """Return whether the log is a CSV file at all."""
    return bool(source.columns)


def read_lightning_csv(source: Source) -> LogCurves:
    """Return the curves of Lightning's metrics.csv: of each metric the last value an epoch."""
    return _curves(source, "lightning-csv", epoch_column="epoch", skip={"step"})


def read_keras_csv(source: Source) -> LogCurves:
    """Return the curves of a CSVLogger file."""
    return _curves(source, "keras-csv", epoch_column="epoch", skip=set())


def read_plain_csv(source: Source) -> LogCurves:
    """Return the curves of any CSV file with an epoch a row; without an epoch column rows are counted from 0."""
    lowered = {name.lower(): name for name in source.columns}
    column = next((lowered[name] for name in EPOCH_COLUMNS if name in lowered), None)
    return _curves(source, "csv", epoch_column=column, skip=set())


def _curves(source: Source, format_name: str, *, epoch_column: str | None, skip: set[str]) -> LogCurves:
    """Return the named columns as curves.

    Raises:
        InputError: a cell of a metric is a word, or a row has no epoch.
    """
    points: dict[str, dict[float, float]] = {}
    position = None if epoch_column is None else source.columns.index(epoch_column)
    words = _word_columns(source)
    for index, row in enumerate(source.rows):
        epoch = float(index) if position is None else _epoch(source, index, row[position])
        for column, cell in zip(source.columns, row, strict=True):
            if (
                column == epoch_column
                or column in skip
                or column in words
                or cell.strip().lower() in NOT_MEASURED
            ):
                continue
            points.setdefault(metric_name(column), {})[epoch] = _number(source, index, column, cell)
    epochs, metrics = by_epoch(points)
    return LogCurves(source.name, epochs, metrics, format_name)


def _word_columns(source: Source) -> set[str]:
    """Return columns whose first filled cell is a word, such as a run's name or a time stamp: no metrics."""
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
    if value is None or not np.isfinite(value):
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
