"""Small tables, and estimators that have learned from them."""

from __future__ import annotations

import numpy as np
import pytest

import justright as jr
from justright.workers.kept_workers import end_kept_workers

NETWORK = {"Small": jr.mlp(8)}


@pytest.fixture(scope="session", autouse=True)
def _no_worker_stays():
    """All tests of this folder share one worker process, which starts once."""
    yield
    end_kept_workers()


@pytest.fixture(scope="session")
def table():
    """Return (rows, 3) numbers and (rows,) texts that follow from the first."""
    x = np.random.default_rng(0).normal(size=(100, 3))
    return x, np.where(x[:, 0] > 0, "yes", "no")


@pytest.fixture(scope="session")
def small():
    """Return parameters for a study that takes a fraction of a second."""
    return {"study": NETWORK, "max_iter": 200, "batch_size": 16, "random_state": 0}


@pytest.fixture(scope="session")
def fitted(table, small):
    """Return a classifier that has learned."""
    return jr.JustRightClassifier(**small).fit(*table)
