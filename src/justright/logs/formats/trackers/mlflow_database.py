"""MLflow's SQLite store, such as mlflow.db: one table holds every value of every run."""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import TYPE_CHECKING

from justright.errors import InputError
from justright.logs.formats.trackers.counters import MAX_POINTS, check_points
from justright.logs.formats.trackers.mlflow import Point, metrics_run
from justright.logs.formats.trackers.open_database import opened_database, unread_notes
from justright.logs.logged_run import LoggedRun
from justright.logs.source import LogFormat, Source

if TYPE_CHECKING:
    from justright.data.readers.databases.guarded_connection import GuardedConnection

MAX_RUNS = 1_000
# SQL has no infinity: MLflow stores the largest float instead.
LARGEST = 1.7976931348623157e308
RUNS = "SELECT run_uuid, name FROM runs WHERE lifecycle_stage IS NOT 'deleted' ORDER BY start_time, run_uuid LIMIT ?"
POINTS = "SELECT key, timestamp, value, step, is_nan FROM metrics WHERE run_uuid = ? ORDER BY key, timestamp, step LIMIT ?"


def _read(source: Source) -> Iterator[LoggedRun]:
    """Yield the runs that were not deleted.

    Raises:
        InputError: it is damaged, too large, or takes too long.
    """
    (path,) = source.files
    with opened_database(path, "MLflow") as connection:
        left = MAX_POINTS
        for run, name in _runs(connection, path):
            rows = connection.execute(POINTS, (run, left + 1)).fetchall()
            left -= len(rows)
            check_points(MAX_POINTS - left, str(path))
            logged = [
                (str(key), [_point(*row[1:]) for row in group]) for key, group in groupby(rows, itemgetter(0))
            ]
            if logged:
                yield metrics_run(f"{path}, run {name or run}", logged, unread_notes(path), source.choices)


def _runs(connection: GuardedConnection, path: Path) -> list[tuple[str, str]]:
    runs = connection.execute(RUNS, (MAX_RUNS + 1,)).fetchall()
    if len(runs) > MAX_RUNS:
        raise InputError(f"A log must hold at most {MAX_RUNS:,} runs; {str(path)!r} has more.")
    return runs


def _point(time: int, value: float, step: int, is_nan: int) -> Point:
    if is_nan:
        return int(time), math.nan, float(step)
    number = float(value)
    return int(time), math.copysign(math.inf, number) if abs(number) >= LARGEST else number, float(step)


MLFLOW_DATABASE = LogFormat(
    "mlflow-database",
    "MLflow's database",
    _read,
    tables=frozenset({"runs", "metrics"}),
)
