"""Histograms of weights in few numbers: against NumPy's."""

from __future__ import annotations

import json

import numpy as np
import pytest

from justright.runs.weight_histograms import (
    BINS,
    bins_of,
    histogram_of,
    kept_histograms,
    weight_histograms,
    weight_names,
)


@pytest.mark.parametrize("values", [[0.0, 0.0, 0.0], [1.0, np.nan, -2.0, np.inf], "normal", "halves"])
def test_edges_and_counts_are_numpys_of_the_finite_values(values):
    """Also of weights that are all the same, such as biases before training, and after a trip through JSON."""
    if isinstance(values, str):
        values = (
            np.random.default_rng(0)
            .normal(size=(40, 7))
            .astype("float32" if values == "normal" else "float16")
        )
    array = np.asarray(values)
    edges, counts = bins_of(json.loads(json.dumps(histogram_of(array))))
    expected, expected_edges = np.histogram(array[np.isfinite(array)].astype(float), BINS)
    np.testing.assert_array_equal(counts, expected)
    np.testing.assert_allclose(edges, expected_edges, rtol=1e-12)


@pytest.mark.parametrize(
    "values", [[1.0], [np.nan, 1.0, np.inf], np.array([1, 2], np.uint32), np.array([True, False])]
)
def test_a_counter_and_a_state_of_random_numbers_are_no_distributions(values):
    """Nor is a single number, or what is not finite."""
    assert histogram_of(values) == []


@pytest.mark.parametrize(
    "histogram", [[], [0.0, 1.0], [0.0, 1.0, *[1.0] * 29], [0.0, np.nan, *[1.0] * 30], ["a"] * 32]
)
def test_what_is_no_histogram_is_refused(histogram):
    """As in a stranger's file."""
    with pytest.raises(ValueError):  # noqa: PT011  # float() and we name the fault in words of their own
        bins_of(histogram)


def test_weights_are_named_by_their_layers_once():
    """Without the model's name, whose number depends on what was built before."""
    paths = ["net_3/dense/kernel", "net_3/dense/bias", "net_3/tower/dense/bias", "net_3/dense/bias"]
    assert weight_names(paths, "net_3") == ["dense/kernel", "dense/bias", "tower/dense/bias", "dense/bias_1"]


def test_of_two_at_one_epoch_the_later_one_counts():
    """Weights before training stand at the first epoch's step, unless its own weights are shown."""
    first, best, last = (weight_histograms([[0.0, value], [1.0]]) for value in (1.0, 2.0, 3.0))
    kept = kept_histograms(["kernel", "bias"], {0: first} | {9: last, 4: best})
    assert kept == {"0": {"kernel": first[0]}, "4": {"kernel": best[0]}, "9": {"kernel": last[0]}}
    assert kept_histograms(["kernel", "bias"], {0: first} | {9: last, 0: best})["0"] == {"kernel": best[0]}
