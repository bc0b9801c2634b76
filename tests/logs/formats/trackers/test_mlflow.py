"""MLflow's file store and database, written by hand; `with_libraries` has the same by MLflow itself."""

from __future__ import annotations

import math
import sqlite3
from contextlib import closing

import pytest
from tests.refusals import refusal

from justright.errors import InputError
from justright.logs.formats.registry import read_logs

TIME = 1_708_208_368_539
LOSSES = [0.7, 0.6, math.nan, 0.4, 0.35]


def lines(values, *, steps=True):
    """Return the text of a metric's file."""
    return "".join(
        f"{TIME + 1000 * place} {value!r} {place if steps else 0}\n" for place, value in enumerate(values)
    )


def write_run(folder, metrics, *, about="lifecycle_stage: active\nrun_name: calm-owl-7\n"):
    """Write a run's folder."""
    for name, text in metrics.items():
        path = folder / "metrics" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    for name, text in {"meta.yaml": about, "params/lr": "0.1", "tags/mlflow.user": "me"}.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def values(path):
    """Return, for each run, its name, unit and values."""
    return [
        (run.name, run.unit, {curve.written: curve.values.tolist() for curve in run.curves})
        for run in read_logs(path).curves
    ]


def test_a_run_an_experiment_and_a_store_are_read(tmp_path):
    """Nested names are folders inside `metrics`; NaN is kept."""
    run = tmp_path / "mlruns" / "0" / "4fa2"
    write_run(run, {"val/loss": lines(LOSSES), "accuracy": lines([0.5, 0.6])})
    for path in (run, run.parent, tmp_path / "mlruns", tmp_path):
        ((name, unit, metrics),) = values(path)
        assert (name, unit) == (f"{run} (calm-owl-7)", "epoch")
        assert metrics["accuracy"] == [0.5, 0.6]
        assert [value for value in metrics["val/loss"] if not math.isnan(value)] == [0.7, 0.6, 0.4, 0.35]


def test_metrics_alone_are_read(tmp_path):
    """A folder of metrics, or a single metric's file, as people share them."""
    write_run(tmp_path / "run", {"val_loss": lines(LOSSES[:2])})
    for path in (tmp_path / "run" / "metrics", tmp_path / "run" / "metrics" / "val_loss"):
        ((_, _, metrics),) = values(path)
        assert metrics == {"val_loss": LOSSES[:2]}


def test_deleted_runs_are_left_out(tmp_path):
    """As MLflow's own pages leave them out."""
    write_run(tmp_path / "0" / "kept", {"val_loss": lines(LOSSES[:2])})
    write_run(tmp_path / "0" / "gone", {"val_loss": lines(LOSSES)}, about="lifecycle_stage: deleted\n")
    runs = read_logs(tmp_path)
    assert [run.name for run in runs.curves] == [str(tmp_path / "0" / "kept") + " (calm-owl-7)"]
    assert runs.refused == ()


def test_values_without_steps_are_counted_in_their_order(tmp_path):
    """MLflow writes step 0 for each, and wrote none in its first versions."""
    write_run(tmp_path / "zeros", {"val_loss": lines(LOSSES[:2], steps=False)})
    write_run(tmp_path / "old", {"val_loss": f"{TIME} 0.7\n{TIME + 1} 0.6\n"})
    for run in read_logs(tmp_path).curves:
        assert run.unit == "evaluation"
        assert run.curves[0].at.tolist() == [0, 1]
        assert run.notes == ("Its values were logged without a step: they are counted in their order.",)


def test_steps_know_their_epochs(tmp_path):
    """Lightning's logger for MLflow logs the epoch as a metric."""
    steps = "".join(f"{TIME + place} {place // 2} {50 * place}\n" for place in range(4))
    losses = "".join(f"{TIME + place} {0.5 - 0.1 * place} {50 * place}\n" for place in range(4))
    write_run(tmp_path, {"epoch": steps, "val_loss": losses})
    (run,) = read_logs(tmp_path).curves
    assert (run.unit, run.epochs) == ("step", {0: 0, 50: 0, 100: 1, 150: 1})
    assert [curve.written for curve in run.curves] == ["val_loss"]


def test_a_half_written_line_is_left_out_and_said(tmp_path):
    """Training goes on while we read."""
    write_run(tmp_path, {"val_loss": lines(LOSSES[:2]) + f"{TIME} 0."[:9]})
    (run,) = read_logs(tmp_path).curves
    assert run.curves[0].values.tolist() == LOSSES[:2]
    assert run.notes == ("1 line of 'val_loss' could not be read and was left out.",)


def write_database(path, runs):
    """Write MLflow's two tables: run -> (name, stage, {metric: values})."""
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(
            "CREATE TABLE runs (run_uuid TEXT, name TEXT, lifecycle_stage TEXT, start_time INT)"
        )
        connection.execute(
            "CREATE TABLE metrics (key TEXT, value REAL, timestamp INT, run_uuid TEXT, step INT, is_nan INT)"
        )
        for place, (run, (name, stage, metrics)) in enumerate(runs.items()):
            connection.execute("INSERT INTO runs VALUES (?, ?, ?, ?)", (run, name, stage, place))
            for key, numbers in metrics.items():
                for step, value in enumerate(numbers):
                    is_nan = math.isnan(value)
                    stored = (
                        0.0 if is_nan else max(min(value, 1.7976931348623157e308), -1.7976931348623157e308)
                    )
                    row = (key, stored, TIME + step, run, step, is_nan)
                    connection.execute("INSERT INTO metrics VALUES (?, ?, ?, ?, ?, ?)", row)
    return path


@pytest.mark.parametrize("name", ["mlflow.db", "mlruns.db", "tracking"])
def test_a_database_is_read_whatever_its_name(tmp_path, name):
    """NaN and infinity come back; deleted runs do not."""
    path = write_database(
        tmp_path / name,
        {
            "b": ("first", "active", {"val_loss": [0.7, math.nan, math.inf]}),
            "a": ("second", "active", {"val_loss": [0.6, 0.5]}),
            "c": ("third", "deleted", {"val_loss": [0.6, 0.4]}),
        },
    )
    first, second = values(path)
    assert first[0] == f"{path}, run first"
    assert repr(first[2]["val_loss"]) == "[0.7, nan, inf]"
    assert second[2] == {"val_loss": [0.6, 0.5]}
    if name.endswith(".db"):
        assert [run[0] for run in values(tmp_path)] == [first[0], second[0]]


def test_another_database_is_refused(tmp_path):
    """Also one whose 'metrics' is a view, which could be any question."""
    path = tmp_path / "other.db"
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("CREATE TABLE runs (run_uuid TEXT)")
        connection.execute("CREATE VIEW metrics AS SELECT 1 AS key")
    assert refusal(read_logs, path) == (
        "A database must hold a table of metrics, with a row per epoch or step, to be a training log; "
        f"{str(path)!r} holds 'runs'."
    )


def test_a_damaged_database_is_refused(tmp_path):
    """In a sentence, wherever the damage is."""
    path = write_database(tmp_path / "mlflow.db", {"a": ("first", "active", {"val_loss": [0.6] * 500})})
    content = bytearray(path.read_bytes())
    for start in (100, 4096, 8192, 12288):
        damaged = tmp_path / f"{start}.db"
        damaged.write_bytes(content[:start] + bytes(200) + content[start + 200 :])
        with pytest.raises(InputError):
            read_logs(damaged)


def test_columns_of_another_kind_are_refused(tmp_path):
    """A stranger's database may name its columns as MLflow does, and hold words."""
    path = write_database(tmp_path / "mlflow.db", {"a": ("first", "active", {})})
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("INSERT INTO metrics VALUES ('val_loss', 'much', 'now', 'a', 'here', 0)")
    with pytest.raises(InputError) as caught:
        read_logs(path)
    assert str(caught.value).startswith(f"A database of MLflow must be whole; {str(path)!r} is not: ")
