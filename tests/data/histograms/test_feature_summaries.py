"""Histograms that are counted a block of rows at a time are those of the whole column."""

from __future__ import annotations

import numpy as np
import pytest

from justright.data.histograms.feature_summaries import histogram

COLUMNS = {
    "ordinary": np.random.default_rng(0).normal(size=101).astype(np.float32),
    "constant": np.full(101, 3, np.float32),
    "gaps": np.where(np.arange(101) % 7, np.arange(101), np.nan),
    "a block of gaps": np.where(np.arange(101) < 20, np.inf, np.arange(101)),
    "nothing": np.full(101, np.nan),
    "huge": np.linspace(-1, 1, 101) * 1.7e308,
}


@pytest.mark.parametrize("column", COLUMNS)
@pytest.mark.parametrize("has_classes", [True, False])
def test_blocks_of_rows_give_the_same_histogram(
    monkeypatch: pytest.MonkeyPatch, column: str, has_classes: bool
) -> None:
    """To the last bit of the edges, with the last block shorter than the others."""
    values, codes = COLUMNS[column], (np.arange(101) % 3).astype(np.int32) if has_classes else None
    at_once = histogram(values, codes, 3 if has_classes else 0)
    monkeypatch.setattr("justright.data.histograms.feature_summaries.HISTOGRAM_ROWS", 10)
    assert histogram(values, codes, 3 if has_classes else 0) == at_once
    assert sum(at_once["counts"]) == np.isfinite(values).sum()


def test_counts_and_edges_are_those_of_numpy(monkeypatch: pytest.MonkeyPatch) -> None:
    """By class, too; numbers drawn at random do not fall on an edge."""
    values, codes = COLUMNS["ordinary"], (np.arange(101) % 2).astype(np.int32)
    monkeypatch.setattr("justright.data.histograms.feature_summaries.HISTOGRAM_ROWS", 10)
    found = histogram(values, codes, 2, bins=5)
    wide = values.astype(np.float64)
    counts, edges = np.histogram(wide, 5)
    np.testing.assert_allclose(found["edges"], edges, rtol=1e-15)
    assert found["counts"] == counts.tolist()
    expected = [np.histogram(wide[codes == code], edges)[0].tolist() for code in range(2)]
    assert found["class_counts"] == expected
