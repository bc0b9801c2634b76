"""Intervals of metrics that are no means of rows: their moments, their bounds, and how often they cover."""

from __future__ import annotations

import math

import numpy as np
import pytest

from justright.statistics.class_metrics import ClassPredictions, class_metrics, mean_of_rows
from justright.statistics.crossed import crossed
from justright.statistics.estimates import Estimate, metric_intervals, pool_estimates
from justright.statistics.intervals import mean_interval
from justright.statistics.value_metrics import value_metrics

SHARE, CORRELATION, EXPLAINED = (0.0, 1.0), (-1.0, 1.0), (-math.inf, 1.0)
REPEATS = 150
# Of a nominal 95 %: three standard errors of a share over 150 repetitions are 5.3 %.
LEAST_COVERED = 0.90


@pytest.mark.parametrize("seeds", [1, 2, 5])
def test_moments_are_those_of_the_table_of_values_and_influences(seeds):
    """Summed over runs as they come, they are what `crossed` finds in the whole table."""
    values = np.random.default_rng(seeds).normal(size=(seeds, 40))
    pooled = pool_estimates([("loss", mean_of_rows(each))] for each in values)["loss"]
    expected = crossed(values)
    np.testing.assert_allclose(pooled.parts, expected.parts, rtol=1e-9, atol=1e-15)
    np.testing.assert_allclose(pooled.values, expected.seed_means)
    assert (pooled.mean, pooled.rows) == (pytest.approx(expected.mean), 40)


def test_a_mean_of_rows_has_the_interval_of_a_mean():
    """Without bounds nothing is changed."""
    values = np.random.default_rng(0).normal(size=(3, 60))
    found = metric_intervals(
        pool_estimates([("loss", mean_of_rows(each))] for each in values), {"loss": (0.0, math.inf)}
    )["loss"]
    expected = mean_interval(values)
    assert (found.mean, found.high, found.seeds) == pytest.approx((expected.mean, expected.high, 3))
    assert found.low == max(expected.low, 0.0)


def test_an_interval_stays_within_the_bounds_of_its_metric():
    """However few rows and however far apart seeds are."""
    runs = [[("f1", Estimate(value, np.array([0.4, -0.4, 0.0]), 3))] for value in (0.2, 0.98)]
    found = metric_intervals(pool_estimates(runs), {"f1": SHARE})["f1"]
    assert 0 < found.low < 0.59 < found.high < 1


def test_rows_that_are_all_right_do_not_make_a_metric_certain():
    """The low end is that of Clopper and Pearson for no error among the rows of the rarer class."""
    runs = [[("roc_auc", Estimate(1.0, np.zeros(50), 10))]]
    found = metric_intervals(pool_estimates(runs), {"roc_auc": SHARE})["roc_auc"]
    assert (found.mean, found.high) == (1.0, 1.0)
    assert found.low == pytest.approx(0.025 ** (1 / 10))


def test_what_counts_chance_has_a_lower_low_end():
    """By the excess that chance alone gives on average."""
    rows = np.tile([0.1, -0.1], 50)
    plain, less = (
        metric_intervals(
            pool_estimates([[("error", Estimate(0.5, rows, 100, excess))]]), {"error": (0.0, math.inf)}
        )["error"]
        for excess in (0.0, 0.3)
    )
    assert (less.mean, less.high) == (plain.mean, plain.high)
    assert less.low == pytest.approx(plain.low - 0.3)


def test_one_run_without_a_metric_is_the_reason_for_all():
    """A mean over fewer runs would be about other networks."""
    runs = [[("r2", Estimate(0.5, np.zeros(3), 3))], [("r2", "No variance.")]]
    assert metric_intervals(pool_estimates(runs), {"r2": EXPLAINED}) == {"r2": "No variance."}


def covered(make, truth, bounds, *, seeds, rows):
    """Return the share of repetitions whose intervals hold the truth, by metric."""
    rng = np.random.default_rng(20)
    found = []
    for _ in range(REPEATS):
        intervals = metric_intervals(
            pool_estimates([(name, run[name]) for name in bounds] for run in make(rng, seeds, rows)),
            bounds,
        )
        found.append([intervals[name].low <= truth[name] <= intervals[name].high for name in bounds])
    return dict(zip(bounds, np.mean(found, axis=0), strict=True))


def true_values(make, names):
    """Return the metrics of 20 runs on 20,000 rows each."""
    rng = np.random.default_rng(21)
    runs = [make(rng, 1, 20_000)[0] for _ in range(20)]
    return {name: float(np.mean([run[name].value for run in runs])) for name in names}


def classifiers(rng, seeds, rows):
    """Return metrics of runs whose scores share most of their noise and differ in skill."""
    classes = (rng.random(rows) < 0.3).astype(np.int64)
    skill = 1.5 * (1 + 0.1 * rng.normal(size=(seeds, 1)))
    shared, own = rng.normal(size=rows), rng.normal(size=(seeds, rows))
    scores = skill * (classes - 0.5) + 0.8 * shared + 0.6 * own
    runs = []
    for each in scores:
        runs.append(dict(class_metrics(ClassPredictions(each[:, None], classes, are_logits=True))))
    return runs


def regressions(rng, seeds, rows):
    """Return metrics of runs that share the target's noise and differ in a coefficient."""
    feature, noise = rng.normal(size=(2, rows))
    slopes = 1 + 0.1 * rng.normal(size=(seeds, 1))
    own = 0.3 * rng.normal(size=(seeds, rows))
    return [dict(value_metrics(each, feature + noise)) for each in slopes * feature + own - feature - noise]


@pytest.mark.parametrize(("seeds", "rows"), [(3, 120), (5, 600)])
def test_intervals_of_class_metrics_cover_other_rows_and_seeds(seeds, rows):
    """The area under the ROC curve, and metrics of the confusion, in a world whose truth is known."""
    bounds = {"roc_auc": SHARE, "average_precision": SHARE, "balanced_accuracy": SHARE, "f1": SHARE}
    bounds["matthews_correlation"] = CORRELATION
    truth = true_values(classifiers, bounds)
    found = covered(classifiers, truth, bounds, seeds=seeds, rows=rows)
    assert min(found.values()) >= LEAST_COVERED, found


@pytest.mark.parametrize(("seeds", "rows"), [(3, 60), (5, 600)])
def test_intervals_of_value_metrics_cover_other_rows_and_seeds(seeds, rows):
    """R2, and errors in the target's units."""
    bounds = {
        "r2": EXPLAINED,
        "root_mean_squared_error": (0.0, math.inf),
        "median_absolute_error": (0.0, math.inf),
    }
    truth = true_values(regressions, bounds)
    found = covered(regressions, truth, bounds, seeds=seeds, rows=rows)
    assert min(found.values()) >= LEAST_COVERED, found
