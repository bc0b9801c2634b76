"""Trackio's database of a project: a row for each step of each run, with its metrics as JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import groupby
from operator import itemgetter

from justright.logs.formats.json_shapes.logged_rows import flatten
from justright.logs.formats.trackers.counters import MAX_POINTS, check_points, count_steps
from justright.logs.formats.trackers.open_database import opened_database, unread_notes
from justright.logs.logged_run import LoggedRun, Series
from justright.logs.source import LogFormat, Source

ROWS = "SELECT run_id, run_name, step, metrics FROM metrics ORDER BY run_id, id LIMIT ?"


def _read(source: Source) -> Iterator[LoggedRun]:
    """Yield each run.

    Raises:
        InputError: the database is damaged, or too large.
    """
    (path,) = source.files
    with opened_database(path, "Trackio") as connection:
        rows = connection.execute(ROWS, (MAX_POINTS + 1,)).fetchall()
        check_points(len(rows), str(path))
        for _, group in groupby(rows, itemgetter(0)):
            logged = list(group)
            series: dict[str, Series] = {}
            for line, (*_, step, metrics) in enumerate(logged):
                for metric, value in flatten(json.loads(metrics)).items():
                    if isinstance(value, float):
                        series.setdefault(metric, Series(metric, [], [])).add(float(step), value, line)
            counted = count_steps(list(series.values()), epoch_name=source.choices.epoch)
            notes = (*unread_notes(path), *counted.notes)
            yield LoggedRun(
                f"{path} ({logged[-1][1]})",
                counted.series,
                counted.unit,
                counted.epochs,
                notes,
                tool="network",
            )


TRACKIO = LogFormat(
    "trackio",
    "Trackio's database of a project",
    _read,
    tables=frozenset({"metrics", "configs", "system_metrics"}),
)
