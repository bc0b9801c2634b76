"""Charts of Weights & Biases, exported as CSV: a column per run, with its smallest and largest values beside it."""

from __future__ import annotations

from dataclasses import replace

from justright.logs.formats.table_runs import TableReader
from justright.logs.logged_run import LoggedRun
from justright.logs.metric_names import NAMELESS, direction_of, parse_name
from justright.logs.source import LogFormat, Source

BOUNDS = ("__MIN", "__MAX")
SEPARATOR = " - "


def _metric_columns(columns: tuple[str, ...]) -> list[str]:
    return [column for column in columns[1:] if SEPARATOR in column and not column.endswith(BOUNDS)]


def _matches(source: Source) -> bool:
    """Return whether every column but the first is named 'RUN - metric'."""
    columns = source.columns
    rest = [column for column in columns[1:] if not column.endswith(BOUNDS)]
    pairs = [column.rpartition(SEPARATOR) for column in _metric_columns(columns)]
    # 'loss - train' beside 'loss - validation' is a metric on rows, not a run's metric.
    is_metric_first = all(
        direction_of(run) is not None and parse_name(metric).metric == NAMELESS for run, _, metric in pairs
    )
    return bool(rest) and len(pairs) == len(rest) and not is_metric_first


def _read(source: Source) -> list[LoggedRun]:
    table = source.table
    if table is None:
        return []
    by_run: dict[str, list[str]] = {}
    for column in _metric_columns(table.columns):
        run, _, metric = column.rpartition(SEPARATOR)
        if metric != "_step":
            by_run.setdefault(run, []).append(column)
    runs = []
    for run, columns in by_run.items():
        metrics = {column.rpartition(SEPARATOR)[2]: table.cells[column] for column in columns}
        rows = [row for row, measured in enumerate(zip(*metrics.values(), strict=True)) if any(measured)]
        counter = {table.columns[0]: table.cells[table.columns[0]]}
        part = replace(table, cells=counter | metrics | counter).with_rows(rows)
        if rows:
            runs += [_named(run, one, source) for one in TableReader(source, "network").runs(part)]
    return runs


def _named(run: str, one: LoggedRun, source: Source) -> LoggedRun:
    return LoggedRun(f"{source.name} ({run})", one.series, one.unit, one.epochs, one.notes, tool=one.tool)


WANDB_CSV = LogFormat("wandb-csv", "a chart exported from Weights & Biases", _read, _matches)
