"""What Weights & Biases keeps of a run that was logged offline, written by its own library."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

import justright as jr

STEPS = 10


@pytest.fixture
def run_folder(tmp_path, monkeypatch):
    """The folder of a finished offline run."""
    monkeypatch.setenv("WANDB_MODE", "offline")
    monkeypatch.setenv("WANDB_SILENT", "true")
    monkeypatch.setenv("WANDB_ERROR_REPORTING", "false")
    for kind in ("CONFIG", "CACHE", "DATA"):
        monkeypatch.setenv(f"WANDB_{kind}_DIR", str(tmp_path / kind.lower()))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        wandb = pytest.importorskip("wandb", reason="W&B is not installed: pip install --group log-writers")
        with wandb.init(project="mine", name="greedy-fox", dir=str(tmp_path)) as run:
            for epoch in range(STEPS):
                run.log({"epoch": epoch, "train/loss": 1 / (epoch + 1), "val/loss": 0.5 + 1 / (epoch + 1)})
        wandb.teardown()
    return next(path for path in (tmp_path / "wandb").glob("offline-run-*"))


def test_an_offline_run_is_read(run_folder, read_curve):
    """The run's folder, the file in it, and the folder of all runs."""
    said = [0.5 + 1 / (epoch + 1) for epoch in range(STEPS)]
    (file,) = run_folder.glob("*.wandb")
    for log in (run_folder, file, run_folder.parent):
        np.testing.assert_allclose(read_curve(log, "validation"), said)
    assert "greedy-fox" in jr.diagnose(run_folder).run.name
