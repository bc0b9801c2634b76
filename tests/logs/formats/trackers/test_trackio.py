"""Trackio's database: a row per step of each run."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing

from tests.refusals import refusal

from justright.logs.formats.registry import read_logs

VALIDATION = [0.72, 0.65, 0.66]


def write_project(path, runs, metrics=json.dumps):
    """Write a project's database with {run: losses}."""
    with closing(sqlite3.connect(path)) as connection, connection:
        for table in ("configs", "system_metrics"):
            connection.execute(f"CREATE TABLE {table} (run_id TEXT)")
        connection.execute("CREATE TABLE metrics (id INTEGER PRIMARY KEY, run_id, run_name, step, metrics)")
        for run, losses in runs.items():
            rows = [
                (f"id of {run}", run, step, metrics({"val": {"loss": loss}}))
                for step, loss in enumerate(losses)
            ]
            connection.executemany(
                "INSERT INTO metrics (run_id, run_name, step, metrics) VALUES (?, ?, ?, ?)", rows
            )


def test_each_run_of_a_project_is_read(tmp_path):
    """In its folder, and by its file."""
    path = tmp_path / "project.db"
    write_project(path, {"small": VALIDATION, "large": VALIDATION[::-1]})
    for place in (tmp_path, path):
        runs = read_logs(place).curves
        assert {run.name: [float(value) for value in run.curves[0].values] for run in runs} == {
            f"{path} (large)": VALIDATION[::-1],
            f"{path} (small)": VALIDATION,
        }
        assert {(run.format, run.unit, run.curves[0].written) for run in runs} == {
            ("trackio", "epoch", "val/loss")
        }


def test_a_damaged_project_is_refused(tmp_path):
    """In a sentence."""
    path = tmp_path / "project.db"
    write_project(path, {"run": VALIDATION}, metrics=lambda _: "{")
    assert refusal(read_logs, path) == (
        f"A database of Trackio must be whole; {str(path)!r} is not: Expecting property name enclosed in double quotes: line 1 "
        "column 2 (char 1). Copy it again, or export its runs as CSV."
    )


def test_steps_that_are_epochs_but_for_where_they_begin_are_epochs(tmp_path):
    """A loop that logs its epoch once per epoch, counted from 1."""
    path = tmp_path / "project.db"
    write_project(
        path,
        {"run": VALIDATION},
        metrics=lambda one: json.dumps({**one, "epoch": VALIDATION.index(one["val"]["loss"]) + 1}),
    )
    (run,) = read_logs(path).curves
    assert (run.unit, list(run.curves[0].at)) == ("epoch", [1, 2, 3])


def test_runs_of_one_file_that_differ_by_a_seed_alone_are_pooled(tmp_path):
    """As files of a folder are."""
    path = tmp_path / "project.db"
    write_project(path, {"small seed 0": VALIDATION, "small seed 1": VALIDATION[::-1]})
    assert [run.member for run in read_logs(path).curves] == ["seed 0", "seed 1"]
