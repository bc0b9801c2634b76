"""What W&B leaves in its folder when it runs offline, written by W&B itself."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

import justright as jr

STEPS = 10


def test_an_offline_run_is_read(tmp_path, monkeypatch):
    """Its run-ID.wandb, found below the folder in which training ran."""
    monkeypatch.setenv("WANDB_MODE", "offline")
    monkeypatch.setenv("WANDB_SILENT", "true")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of other packages' versions, on import
        wandb = pytest.importorskip("wandb", reason="W&B is not installed")
    run = wandb.init(project="any", name="calm-owl-7", dir=tmp_path)
    said = [0.5 + 1 / (step + 1) for step in range(STEPS)]
    for step, loss in enumerate(said):
        run.log({"train/loss": 1 / (step + 1), "val/loss": loss, "epoch": step})
    run.finish()
    (reading,) = jr.diagnose(tmp_path).runs
    assert reading.name.endswith(".wandb (calm-owl-7)")
    (curve,) = [curve for curve in reading.curves.curves if curve.role == "validation"]
    np.testing.assert_allclose(curve.values, said)
