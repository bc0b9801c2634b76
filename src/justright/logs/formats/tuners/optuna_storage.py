"""Optuna's storages, a database or a journal: what each trial reported to its pruner while it trained, a run each."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Literal

from justright.errors import InputError
from justright.logs.formats.json_shapes.json_numbers import to_number
from justright.logs.formats.trackers.counters import MAX_POINTS, check_points
from justright.logs.formats.trackers.open_database import opened_database
from justright.logs.logged_run import LoggedRun, Series
from justright.logs.source import LogFormat, Source

Direction = Literal["less", "more"]
# Optuna gives what is reported no name; of what a study maximises nothing more is known.
METRICS: Mapping[Direction, str] = {"less": "loss", "more": "objective"}
ASSUMED = "What the trial reported was taken for {what} on validation rows."
NOTHING = (
    "{storage} must hold what its trials reported while they trained; none reported anything. "
    "Call `trial.report(val_loss, epoch)` after each epoch, and run the study again."
)
# In the order of a study's trials: whether it maximises, the trial's number, when and what it reported.
VALUES = """
    SELECT studies.study_name, study_directions.direction, trials.number, reported.step, reported.intermediate_value,
        reported.intermediate_value_type
    FROM trial_intermediate_values AS reported JOIN trials USING (trial_id) JOIN studies USING (study_id)
        JOIN study_directions USING (study_id)
    WHERE study_directions.objective = 0 ORDER BY studies.study_id, trials.number, reported.step LIMIT ?
"""
NOT_FINITE = {"INF_POS": math.inf, "INF_NEG": -math.inf, "NAN": math.nan}
# What a line of a journal does.
CREATES_STUDY, CREATES_TRIAL, REPORTS = 0, 4, 7
MAXIMIZES = 2


def trial_run(name: str, reported: Mapping[float, float], direction: Direction) -> LoggedRun:
    """Return the run of one trial, given step -> value."""
    what = "its loss" if direction == "less" else "something of which more is better,"
    steps = sorted(reported)
    series = Series(
        "reported value",
        steps,
        [reported[step] for step in steps],
        role="validation",
        metric=METRICS[direction],
        direction=direction,
    )
    return LoggedRun(name, [series], notes=(ASSUMED.format(what=what),))


def _read_database(source: Source) -> Iterator[LoggedRun]:
    """Yield the run of each trial that reported something.

    Raises:
        InputError: the database is damaged or too large, or no trial did.
    """
    (path,) = source.files
    with opened_database(path, "Optuna") as connection:
        rows = connection.execute(VALUES, (MAX_POINTS + 1,)).fetchall()
    check_points(len(rows), str(path))
    trials: dict[tuple[str, str, int], dict[float, float]] = defaultdict(dict)
    for study, direction, number, step, value, kind in rows:
        trials[study, direction, number][float(step)] = NOT_FINITE.get(kind, value)
    if not trials:
        raise InputError(NOTHING.format(storage=f"A database of Optuna, here {str(path)!r},"))
    for (study, direction, number), reported in trials.items():
        yield trial_run(
            f"{path} ({study}, trial {number})", reported, "more" if direction == "MAXIMIZE" else "less"
        )


def _is_journal(source: Source) -> bool:
    return bool(source.records) and all(
        {"op_code", "worker_id"} <= one.keys() for one in source.records or ()
    )


def _read_journal(source: Source) -> Iterator[LoggedRun]:
    """Yield the run of each trial that reported something.

    Raises:
        InputError: no trial did.
    """
    directions: list[Direction] = []
    studies: list[int] = []  # of each trial: both are numbered in the order of the journal
    trials: dict[int, dict[float, float]] = defaultdict(dict)
    for one in source.records or ():
        if one["op_code"] == CREATES_STUDY:
            directions.append("more" if one.get("directions", [0])[0] == MAXIMIZES else "less")
        elif one["op_code"] == CREATES_TRIAL:
            studies.append(int(one.get("study_id", 0)))
        elif one["op_code"] == REPORTS and (value := to_number(one.get("intermediate_value"))) is not None:
            trials[int(one["trial_id"])][float(one["step"])] = value
    if not trials:
        raise InputError(NOTHING.format(storage=f"A journal of Optuna, here {source.name!r},"))
    for number, reported in sorted(trials.items()):
        study = studies[number] if number < len(studies) else 0
        direction = directions[study] if study < len(directions) else "less"
        yield trial_run(f"{source.name} (trial {number})", reported, direction)


OPTUNA_DATABASE = LogFormat(
    "optuna-database",
    "Optuna's database",
    _read_database,
    tables=frozenset({"studies", "trials", "trial_intermediate_values"}),
)
OPTUNA_JOURNAL = LogFormat("optuna-journal", "Optuna's journal", _read_journal, _is_journal)
