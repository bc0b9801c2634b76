"""Which runs of a folder are the same curves, read from two formats."""

from __future__ import annotations

import numpy as np
import pytest

from justright.logs.discovery.same_curves import without_repeats
from justright.logs.log_curves import LogCurves
from justright.logs.logged_run import LoggedRun, Series

EXACT = np.random.default_rng(0).uniform(0.1, 0.9, 40)


def curves(values, *, format_name="csv", written="val_loss"):
    """Return a run with one curve."""
    series = Series(written, [float(at) for at in range(len(values))], [float(value) for value in values])
    return LogCurves.of_run(LoggedRun("log", [series]), format_name)


@pytest.mark.parametrize(
    "values",
    [
        EXACT,
        EXACT.astype(np.float32),
        EXACT.round(3),
        EXACT.round(5),
        EXACT[:38],
        np.concatenate([EXACT, [np.nan]]),
    ],
    ids=["exact", "32 bits", "3 decimals", "5 decimals", "shorter", "longer"],
)
def test_the_same_curve_is_one_run(values):
    """Whatever a format rounds, or writes later than another; the preferred format's run is kept."""
    runs = [curves(values, format_name="tensorboard"), curves(EXACT)]
    assert without_repeats(runs, ["csv", "tensorboard"]) == [runs[1]]


@pytest.mark.parametrize(
    "values",
    [EXACT + 0.002, EXACT.round(1), EXACT[:20], EXACT[::-1], np.full(40, 0.5)],
    ids=["shifted", "1 decimal", "half", "reversed", "constant"],
)
def test_other_curves_are_other_runs(values):
    """Numbers rounded too far identify nothing."""
    runs = [curves(values, format_name="tensorboard"), curves(EXACT)]
    assert without_repeats(runs, ["csv", "tensorboard"]) == runs


def test_one_format_repeats_nothing():
    """A copy may be meant."""
    runs = [curves(EXACT), curves(EXACT)]
    assert without_repeats(runs, ["csv"]) == runs


def test_two_perfect_accuracies_are_no_proof():
    """Curves with hardly a value of their own are not compared."""
    values = np.minimum(1.0, 0.9 + 0.1 * np.arange(40))
    runs = [curves(values, format_name=name, written="val_accuracy") for name in ("csv", "json")]
    assert without_repeats(runs, ["csv", "json"]) == runs
