"""What MLflow keeps of a run, as files and as an SQLite database, written by MLflow itself."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

import justright as jr

STEPS = 10


@pytest.fixture
def mlflow(monkeypatch):
    """MLflow, with its warnings of other packages left out."""
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")  # in maintenance, and full of people's runs
    monkeypatch.setenv("MLFLOW_DISABLE_TELEMETRY", "true")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield pytest.importorskip("mlflow", reason="MLflow is not installed: pip install --group log-writers")


def log_run(mlflow, address, name):
    """Log two curves as a run; return that of validation."""
    mlflow.set_tracking_uri(address)
    with mlflow.start_run(run_name=name):
        for step in range(STEPS):
            mlflow.log_metrics({"train_loss": 1 / (step + 1), "val_loss": 0.5 + 1 / (step + 1)}, step=step)
    return [0.5 + 1 / (step + 1) for step in range(STEPS)]


def test_a_file_store_is_read(mlflow, tmp_path, read_curve):
    """mlruns/, an experiment's folder in it, and a run's folder in that."""
    said = log_run(mlflow, (tmp_path / "mlruns").as_uri(), "one")
    run = next(path.parent for path in (tmp_path / "mlruns").glob("*/*/metrics"))
    for folder in (run, run.parent, tmp_path / "mlruns"):
        np.testing.assert_allclose(read_curve(folder, "validation"), said)


def test_a_database_is_read(mlflow, tmp_path, read_curve):
    """SQLite, MLflow's default today."""
    pytest.importorskip(
        "sqlalchemy", reason="MLflow's databases need SQLAlchemy: pip install --group log-writers"
    )
    path = tmp_path / "mlflow.db"
    said = log_run(mlflow, f"sqlite:///{path}", "one")
    np.testing.assert_allclose(read_curve(path, "validation"), said)


def test_runs_in_one_database_are_told_apart(mlflow, tmp_path):
    """By the names that they were given."""
    pytest.importorskip(
        "sqlalchemy", reason="MLflow's databases need SQLAlchemy: pip install --group log-writers"
    )
    path = tmp_path / "mlflow.db"
    for name in ("one", "two"):
        log_run(mlflow, f"sqlite:///{path}", name)
    names = {run.name for run in jr.diagnose(path).runs}
    assert len(names) == 2
    assert all(any(word in name for name in names) for word in ("one", "two"))
