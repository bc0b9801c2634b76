"""The summary's numbers are NumPy's, and all of it is JSON."""

from __future__ import annotations

import json

import numpy as np
import pytest

from justright.data.describe import describe_table
from justright.data.read import read_table


def test_classes_and_columns_are_counted():
    """Class balance, moments and histograms of a small table against NumPy."""
    features = np.random.default_rng(0).normal(size=(50, 2)).astype(np.float32)
    target = np.arange(50) % 3
    summary = describe_table(read_table((features, target)))
    assert json.loads(json.dumps(summary)) == summary
    assert (summary["rows"], summary["features"], summary["task"]) == (50, 2, "multiclass")
    assert summary["classes"] == [
        {"name": "0", "rows": 17, "fraction": 0.34},
        {"name": "1", "rows": 17, "fraction": 0.34},
        {"name": "2", "rows": 16, "fraction": 0.32},
    ]
    for index, column in enumerate(summary["columns"]):
        values = features[:, index].astype(np.float64)
        assert column["min"] == values.min()
        assert column["max"] == values.max()
        assert (column["mean"], column["std"]) == (pytest.approx(values.mean()), pytest.approx(values.std()))
        counts, edges = np.histogram(values, 30)
        assert (column["counts"], column["edges"]) == (counts.tolist(), edges.tolist())
        assert np.sum(column["class_counts"], axis=0).tolist() == column["counts"]


def test_a_regression_target_is_described_itself():
    """No classes; the target has a histogram. A constant feature has one full bin."""
    table = read_table((np.ones((40, 1)), np.linspace(0, 1, 40)))
    summary = describe_table(table)
    assert (summary["classes"], summary["columns"][0]["class_counts"]) == ([], [])
    assert summary["target_column"]["max"] == 1.0
    assert (sum(summary["columns"][0]["counts"]), summary["columns"][0]["std"]) == (40, 0.0)
