"""Tables for guards: healthy ones, and what makes one ill."""

from __future__ import annotations

import numpy as np
import pytest

from justright.data.table import Table


def table_of(
    features: np.ndarray, target: np.ndarray, *, names: tuple[str, ...] = (), task: str = ""
) -> Table:
    """Return a table; whole numbers are classes unless `task` says otherwise."""
    classes = 0 if task == "regression" or target.dtype.kind == "f" else int(target.max()) + 1
    task = {0: "regression", 2: "binary"}.get(classes, "multiclass")
    return Table(
        features=np.ascontiguousarray(features, np.float32),
        target=target.astype(np.int32 if task == "multiclass" else np.float32),
        feature_names=names or tuple(f"x{number}" for number in range(features.shape[1])),
        target_name="y",
        task=task,
        class_names=tuple("abcdefgh"[:classes]),
    )


@pytest.fixture
def make_table():
    """The maker of tables."""
    return table_of


@pytest.fixture
def healthy():
    """Features (1,000 rows, 4), and the probability of class 1."""
    features = np.random.default_rng(0).standard_normal((1_000, 4))
    return features, 1 / (1 + np.exp(-2 * features[:, 0]))
