"""Curves with few points that still show what matters."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from justright.report.thinned_curves import MAX_POINTS, log_grid, thin_curves


def frame_of(values: np.ndarray, **metrics: np.ndarray) -> pl.DataFrame:
    """Return the curves of one run."""
    columns = {
        "variant": "A",
        "seed": 0,
        "train_rows": 10,
        "epoch": np.arange(len(values)),
        "val_loss": values,
    }
    return pl.DataFrame({**columns, **metrics})


@given(st.integers(1, 5_000), st.integers(0, 2**31), st.integers(10, MAX_POINTS))
def test_minimum_and_ends_survive_within_the_limit(epochs, seed, limit):
    """However long a run is, its best, first and last epochs are in the picture."""
    values = np.random.default_rng(seed).normal(size=epochs)
    (run,) = thin_curves(frame_of(values), max_points=limit)
    assert len(run["epoch"]) <= limit
    assert run["epoch"] == sorted(set(run["epoch"]))
    assert {0, epochs - 1, int(values.argmin())} <= set(run["epoch"])
    kept = dict(zip(run["epoch"], run["metrics"]["val_loss"], strict=True))
    assert kept[int(values.argmin())] == pytest.approx(values.min(), rel=1e-5)


def test_the_best_accuracy_is_its_maximum():
    """Of an accuracy, the extreme that counts is the highest."""
    accuracy = np.zeros(5_000)
    accuracy[3_333] = 0.9
    (run,) = thin_curves(frame_of(np.arange(5_000.0), val_accuracy=accuracy))
    assert 3_333 in run["epoch"]


def test_short_run_is_kept_whole():
    """Up to the limit, nothing is left out."""
    (run,) = thin_curves(frame_of(np.linspace(1, 0, 100)))
    assert run["epoch"] == list(range(100))


def test_epochs_of_the_fixed_subset_are_kept():
    """The fixed subset is measured at few epochs: thinning must not miss them."""
    fixed = np.full(9_000, np.nan)
    measured = [0, 7, 123, 4_567, 8_999]
    fixed[measured] = 0.5
    (run,) = thin_curves(frame_of(np.linspace(1, 0, 9_000), fixed_loss=fixed))
    kept = [x for x, y in zip(run["epoch"], run["metrics"]["fixed_loss"], strict=True) if y is not None]
    assert kept == measured


def test_runs_of_different_length_share_their_grid():
    """Means over seeds need values at the same epochs."""
    frames = [
        frame_of(np.linspace(1, 0, n)).with_columns(pl.lit(s).alias("seed"))
        for s, n in enumerate((3_000, 4_000))
    ]
    first, second = thin_curves(pl.concat(frames))
    short = {epoch for epoch in second["epoch"] if epoch < 2_999}
    assert short <= set(first["epoch"])


def test_metric_never_measured_is_left_out_and_diverged_values_are_null():
    """NaN and infinity are not points."""
    (run,) = thin_curves(frame_of(np.array([1.0, np.inf, np.nan]), never=np.full(3, np.nan)))
    assert run["metrics"] == {"val_loss": [1.0, None, None]}


def test_no_curves_is_no_run():
    """A study that has not begun has an empty list."""
    assert thin_curves(frame_of(np.zeros(3)).clear()) == []


def test_grid_is_dense_at_first_and_ends_at_the_last_epoch():
    """The early epochs, where most happens, are all there."""
    grid = log_grid(9_999, 240)
    assert grid[:20].tolist() == list(range(20))
    assert grid[-1] == 9_999
    assert len(grid) <= 240
