"""The summary's numbers are NumPy's, and all of it is JSON."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from justright.data.describe import describe_table
from justright.data.histograms.feature_summaries import HISTOGRAM_BINS, MAX_HISTOGRAMS, histogram, moments
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


@given(st.lists(st.floats(width=64), max_size=40))
@example([1e16] * 4)
@example([1e308, -1e308])
@example([1.7976931348623157e308, -1.7976931348623157e308, 0.0])
@example([1.7976931348623157e308] * 2)
@example([5e-324, 0.0])
@example([1.0, np.nextafter(1.0, 2.0)])
@example([1e16, np.nextafter(1e16, 2e16)])
@example([np.nan, np.nan])
def test_any_column_has_a_histogram_andmoments(values):
    """Constants, huge and tiny values, neighbours, nothing at all: every finite value is counted once, inside its range."""
    column = np.array(values, dtype=np.float64)
    finite = column[np.isfinite(column)]
    codes = np.arange(len(column)) % 2
    (numbers,), _ = moments(column[None].copy())
    found = histogram(column, codes, 2)
    assert json.loads(json.dumps([numbers, found], allow_nan=False)) == [numbers, found]
    if not len(finite):
        assert set(numbers.values()) == {None}
        assert found == {"edges": [], "counts": [], "class_counts": []}
        return
    assert (numbers["min"], numbers["max"]) == (finite.min(), finite.max())
    exact = finite.astype(np.longdouble)
    assert numbers["mean"] == pytest.approx(float(exact.mean()), rel=1e-9, abs=1e-12 * np.abs(finite).max())
    assert numbers["std"] <= max(abs(finite.min()), abs(finite.max()))
    edges = found["edges"]
    assert len(edges) == HISTOGRAM_BINS + 1
    assert edges == sorted(edges)
    assert edges[0] <= finite.min() <= finite.max() <= edges[-1]
    assert sum(found["counts"]) == len(finite)
    assert np.sum(found["class_counts"], axis=0).tolist() == found["counts"]


@pytest.mark.parametrize("task", ["classes", "numbers"])
def test_of_many_features_those_that_tell_most_have_ahistogram(task):
    """Two of 200 columns make the target: they are drawn, and each feature keeps its range and moments."""
    features = np.random.default_rng(1).normal(size=(300, 200)).astype(np.float32)
    target = features[:, 150] + features[:, 190]
    summary = describe_table(read_table((features, target > 0 if task == "classes" else target)))
    drawn = [index for index, column in enumerate(summary["columns"]) if column["counts"]]
    assert len(drawn) == MAX_HISTOGRAMS
    assert {150, 190} <= set(drawn)
    assert summary["columns"][0].keys() == summary["columns"][150].keys()
    assert all(column["std"] == pytest.approx(1, abs=0.3) for column in summary["columns"])


def test_what_a_feature_tells_is_its_share_of_variance():
    """By hand: half of one column's variance lies between two classes; a constant tells nothing."""
    from justright.data.histograms.feature_summaries import _shares_told

    codes = np.array([0, 0, 1, 1])
    deviations = np.array([[-2.0, 0.0, 0.0, 2.0], [0.0, 0.0, 0.0, 0.0], [-1.0, -1.0, 1.0, 1.0]])
    assert _shares_told(deviations, codes, codes).tolist() == [0.5, 0.0, 1.0]
    assert _shares_told(deviations, codes.astype(np.float32), None).tolist() == [0.5, 0.0, 1.0]
