"""Rows for engine tests, and two oracles: plain Keras, and float64 NumPy without any framework."""

from __future__ import annotations

import os
from pathlib import Path

from justright.engine.local import XLA_FLAGS

# Before Keras or JAX is imported anywhere in this process; the same flags workers get.
os.environ["KERAS_BACKEND"] = "jax"
os.environ["XLA_FLAGS"] = " ".join(XLA_FLAGS)

import numpy as np
import polars as pl
import pytest

import justright.data
from justright.engine.tasks import Storage, StudyRows
from justright.records.checkpoints import read_tensors, write_tensors
from justright.records.models import save_model_atomically


@pytest.fixture(scope="session")
def higgs_sim() -> tuple[np.ndarray, np.ndarray]:
    """The packaged table as (features float32, target float32), read without our own reader."""
    path = Path(justright.data.__file__).parent / "simulated" / "higgs_sim.parquet"
    values = pl.read_parquet(path).to_numpy().astype(np.float32)
    return np.ascontiguousarray(values[:, 1:]), np.ascontiguousarray(values[:, 0])


@pytest.fixture(scope="session")
def rows(higgs_sim) -> StudyRows:
    """The tutorial's split of the packaged table: 1,000 validate, 10,000 learn, 2,000 measure."""
    x, y = higgs_sim
    cut = [slice(1_000, 11_000), slice(0, 1_000), slice(11_000, 13_000)]
    return StudyRows("binary", 1, *((np.ascontiguousarray(x[part]), y[part]) for part in cut))


@pytest.fixture(scope="session")
def small_rows(higgs_sim) -> StudyRows:
    """1,250 rows learn (two full batches of 500 and a partial one), 300 validate, 400 measure."""
    x, y = higgs_sim
    cut = [slice(1_000, 2_250), slice(0, 300), slice(3_000, 3_400)]
    return StudyRows("binary", 1, *((np.ascontiguousarray(x[part]), y[part]) for part in cut))


@pytest.fixture
def storage(tmp_path) -> Storage:
    """A study folder that is written as real ones are."""
    (tmp_path / "checkpoints").mkdir()
    return Storage(tmp_path, write_tensors, read_tensors, save_model_atomically)
