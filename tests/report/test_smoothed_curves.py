"""Smoothed means: of every epoch, of all seeds, and as few points as a smooth line needs."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from scipy import ndimage

from justright.report.smoothed_curves import MAX_POINTS, SMOOTHINGS, smoothed_means


def frame(values, **more):
    """Return the curves of one run."""
    keys = {"variant": "A", "seed": 0, "train_rows": 10, "epoch": np.arange(len(values))}
    return pl.DataFrame(keys | {"loss": values} | more)


def line_of(curves, std, metric="loss"):
    """Return epoch -> value of one smoothed line."""
    (line,) = (one for one in smoothed_means(curves, [metric]) if one["std"] == std)
    return dict(zip(line["epoch"], line["values"], strict=True))


@pytest.mark.parametrize("std", SMOOTHINGS)
def test_values_are_those_of_scipy_s_gaussian_over_every_epoch(std):
    """Not of the few epochs that a page shows, between which noise would be lost or doubled."""
    values = np.random.default_rng(0).normal(1.0, 0.2, 3_000)
    expected = ndimage.gaussian_filter1d(values, std)
    found = line_of(frame(values), std)
    inner = [epoch for epoch in found if 150 < epoch < 2_850]
    assert len(inner) > 30
    np.testing.assert_allclose([found[epoch] for epoch in inner], expected[inner], rtol=1e-5)


def test_few_points_are_kept_with_the_first_and_the_last():
    """Evenly spaced in log(1 + epoch), as the axis that the page opens with."""
    epochs = list(line_of(frame(np.ones(5_000)), 10))
    assert (epochs[0], epochs[-1]) == (0, 4_999)
    assert len(epochs) <= MAX_POINTS


def test_a_mean_is_over_the_seeds_as_far_as_all_of_them_trained():
    """By hand: two constants, one of them shorter."""
    curves = pl.concat([frame(np.full(50, 1.0)), frame(np.full(40, 2.0), seed=1)])
    found = line_of(curves, 3)
    assert set(found.values()) == {1.5}
    assert max(found) == 39


def test_only_runs_on_the_most_training_rows_are_smoothed():
    """As those that are drawn."""
    curves = pl.concat([frame(np.full(50, 9.0), train_rows=5), frame(np.full(50, 1.0))])
    assert set(line_of(curves, 3).values()) == {1.0}


def test_epochs_that_were_not_measured_have_no_values():
    """The fixed subset is measured at some epochs; a loss that has left every scale is none."""
    values = np.full(60, 0.5)
    values[1::2] = np.nan
    values[30] = 1e200
    found = line_of(frame(values), 3)
    assert set(found) == set(range(0, 60, 2)) - {30}
    assert set(found.values()) == {0.5}


def test_a_smoothing_that_would_flatten_every_run_is_left_out():
    """30 epochs need a run of 300."""
    assert {line["std"] for line in smoothed_means(frame(np.ones(299)), ["loss"])} == {3, 10}
    assert smoothed_means(frame(np.ones(29)), ["loss"]) == []


def test_metrics_that_were_never_measured_have_no_lines():
    """Neither a missing column nor one without values."""
    curves = frame(np.ones(50), val_loss=np.full(50, np.nan))
    assert [line["metric"] for line in smoothed_means(curves, ["loss", "val_loss", "accuracy"])] == ["loss"]
    assert smoothed_means(curves.clear(), ["loss"]) == []
