"""Charts of Weights & Biases, exported as CSV: a column per run, with its smallest and largest values beside it."""

from __future__ import annotations

from justright.logs.formats.table_runs import TableReader
from justright.logs.logged_run import LoggedRun
from justright.logs.metric_names import NAMELESS, direction_of, parse_name
from justright.logs.source import LogFormat, Source
from justright.logs.text.log_table import LogTable

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
        positions = [0, *(table.columns.index(column) for column in columns)]
        names = (table.columns[0], *(column.rpartition(SEPARATOR)[2] for column in columns))
        rows = [
            (line, [row[position] for position in positions])
            for line, row in zip(table.lines, table.rows, strict=True)
        ]
        rows = [(line, row) for line, row in rows if any(row[1:])]
        part = LogTable(names, [row for _, row in rows], [line for line, _ in rows], notes=table.notes)
        if rows:
            runs += [_named(run, one, source) for one in TableReader(source, "network").runs(part)]
    return runs


def _named(run: str, one: LoggedRun, source: Source) -> LoggedRun:
    return LoggedRun(f"{source.name} ({run})", one.series, one.unit, one.epochs, one.notes, tool=one.tool)


WANDB_CSV = LogFormat("wandb-csv", "a chart exported from Weights & Biases", _read, _matches)
