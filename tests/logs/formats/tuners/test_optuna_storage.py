"""Optuna's storages, written by hand: what trials reported while they trained."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing

import pytest
from tests.refusals import refusal

from justright.logs.formats.registry import read_logs

REPORTED = [[0.8, 0.7, 0.6, 0.65, 0.7], [0.9, 0.8, 0.7, 0.6, 0.5]]


def write_database(path, trials, direction):
    """Write the tables of a study with one trial for each list of values."""
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.executescript("""
            CREATE TABLE studies (study_id, study_name);
            CREATE TABLE study_directions (study_direction_id, direction, study_id, objective);
            CREATE TABLE trials (trial_id, number, study_id, state);
            CREATE TABLE trial_intermediate_values (
                trial_intermediate_value_id, trial_id, step, intermediate_value, intermediate_value_type
            );
            INSERT INTO studies VALUES (1, 'sizes');
        """)
        connection.execute("INSERT INTO study_directions VALUES (1, ?, 1, 0)", (direction,))
        for number, values in enumerate(trials):
            connection.execute("INSERT INTO trials VALUES (?, ?, 1, 'COMPLETE')", (number + 1, number))
            rows = [(number + 1, step, value) for step, value in enumerate(values)]
            connection.executemany(
                "INSERT INTO trial_intermediate_values VALUES (0, ?, ?, ?, 'FINITE')", rows
            )


def write_journal(path, trials, direction):
    """Write a journal of the same."""
    lines = [{"op_code": 0, "study_name": "sizes", "directions": [1 if direction == "MINIMIZE" else 2]}]
    for number, values in enumerate(trials):
        lines.append({"op_code": 4, "study_id": 0})
        lines += [
            {"op_code": 7, "trial_id": number, "step": step, "intermediate_value": value}
            for step, value in enumerate(values)
        ]
    path.write_text("".join(json.dumps({**line, "worker_id": "w"}) + "\n" for line in lines))


WRITERS = {"optuna.db": write_database, "journal.log": write_journal}
NAMES = {"optuna.db": "(sizes, trial {})", "journal.log": "(trial {})"}


@pytest.mark.parametrize("name", WRITERS)
@pytest.mark.parametrize(("direction", "better"), [("MINIMIZE", "less"), ("MAXIMIZE", "more")])
def test_each_trial_is_a_run(tmp_path, name, direction, better):
    """Judged as its study does."""
    path = tmp_path / name
    WRITERS[name](path, REPORTED, direction)
    runs = read_logs(tmp_path).curves
    assert [run.name for run in runs] == [f"{path} {NAMES[name].format(number)}" for number in (0, 1)]
    assert [[float(value) for value in run.curves[0].values] for run in runs] == REPORTED
    assert {(run.curves[0].role, run.curves[0].direction) for run in runs} == {("validation", better)}


@pytest.mark.parametrize(("name", "what"), [("optuna.db", "database"), ("journal.log", "journal")])
def test_trials_that_reported_nothing_are_refused(tmp_path, name, what):
    """With what makes them report."""
    path = tmp_path / name
    WRITERS[name](path, [[]], "MINIMIZE")
    assert refusal(read_logs, path) == (
        f"A {what} of Optuna, here {str(path)!r}, must hold what its trials reported while they trained; none reported anything. "
        "Call `trial.report(val_loss, epoch)` after each epoch, and run the study again."
    )
