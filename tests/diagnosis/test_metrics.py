"""Metrics from what runs recorded: outputs of every kind, losses alone, and rows that allow none."""

from __future__ import annotations

import json
import tracemalloc

import numpy as np
import pytest
from sklearn import metrics as sk

from justright.diagnosis.scores.metric_list import FOREMOST, METRICS, metrics_of
from justright.diagnosis.scores.metrics import (
    FEW_ROWS,
    NEEDS_TEST,
    UNEVEN,
    UNRECORDED,
    constant_metrics,
    find_logits,
    loss_metrics,
    measure_metrics,
    output_metrics,
)
from justright.runs.losses import row_losses
from justright.statistics.class_metrics import BLOCK_ROWS, ONE_CLASS

TASKS = ("binary", "multiclass", "regression")
MANY_ROWS = 2 * BLOCK_ROWS + 1_000


@pytest.fixture
def rng():
    """The same draws for each test."""
    return np.random.default_rng(11)


def recorded(rng, task, rows=120):
    """Return float32 outputs, row after row, and targets."""
    if task == "regression":
        targets = rng.normal(20, 5, rows).astype(np.float32)
        return targets + rng.normal(size=rows).astype(np.float32), targets
    classes = 2 if task == "binary" else 4
    targets = rng.integers(0, classes, rows).astype(np.float32)
    if task == "binary":
        return (rng.normal(size=rows) + 2 * targets - 1).astype(np.float32), targets
    logits = rng.normal(size=(rows, classes)) + np.eye(classes)[targets.astype(int)]
    return logits.astype(np.float32).ravel(), targets


def chances_of(logits, rows):
    """Return probabilities as a model records that ends in them."""
    values = logits.astype(np.float64).reshape(rows, -1)
    if values.shape[1] == 1:
        return (1 / (1 + np.exp(-values))).astype(np.float32).ravel()
    return (np.exp(values) / np.exp(values).sum(1, keepdims=True)).astype(np.float32).ravel()


@pytest.mark.parametrize("task", TASKS)
def test_every_metric_of_the_list_is_measured_within_its_bounds(rng, task):
    """By its name, with an interval around the mean, and as JSON can hold it."""
    runs = []
    outputs, targets = recorded(rng, task)
    for _ in range(3):
        noise = rng.normal(size=len(outputs)).astype(np.float32) / 5
        runs.append(output_metrics(outputs + noise, targets, task, are_logits=True))
    found = measure_metrics(task, runs)
    assert list(found) == [metric.name for metric in metrics_of(task)]
    for metric in metrics_of(task):
        ends = found[metric.name]
        assert metric.low <= ends["low"] <= ends["mean"] <= ends["high"] <= metric.high
        assert ends["low"] < ends["high"]
    assert json.loads(json.dumps(found, allow_nan=False)) == found
    assert FOREMOST[task][0] in found


@pytest.mark.parametrize("task", ["binary", "multiclass"])
def test_logits_and_their_probabilities_have_the_same_metrics(rng, task):
    """And are told apart by the recorded losses, or by their range where these are of another kind."""
    logits, targets = recorded(rng, task)
    chances = chances_of(logits, len(targets))
    losses = row_losses(task, chances.reshape(len(targets), -1).astype(np.float64), targets)
    assert find_logits(logits, targets, losses, task)
    assert not find_logits(chances, targets, losses, task)
    assert find_logits(logits, targets, losses**2, task)
    assert not find_logits(chances, targets, losses**2, task)
    one, other = (
        measure_metrics(task, [output_metrics(values, targets, task, are_logits=are_logits)])
        for values, are_logits in ((logits, True), (chances, False))
    )
    for name, ends in one.items():
        assert other[name]["mean"] == pytest.approx(ends["mean"], abs=2e-3), name


def test_probabilities_of_classes_need_not_sum_to_one(rng):
    """A model that ends in a sigmoid for each class is normalised, as its loss was."""
    logits, targets = recorded(rng, "multiclass")
    chances = chances_of(logits, len(targets))
    one, other = (
        dict(output_metrics(each, targets, "multiclass", are_logits=False)) for each in (chances, chances / 3)
    )
    assert other["log_loss"].value == pytest.approx(one["log_loss"].value, rel=1e-5)


@pytest.mark.parametrize("task", ["binary", "regression"])
def test_losses_alone_tell_the_same_as_outputs(rng, task):
    """Each half of validation rows is measured at another epoch, of which only losses are recorded."""
    outputs, targets = recorded(rng, task)
    values = outputs if task == "regression" else chances_of(outputs, len(targets))
    losses = row_losses(task, values[:, None].astype(np.float64), targets).astype(np.float32)
    other = dict(loss_metrics(losses, targets, task))
    for name, estimate in output_metrics(outputs, targets, task, are_logits=True):
        assert other[name].value == pytest.approx(estimate.value, abs=1e-4), name


def test_losses_of_several_classes_do_not_tell_which_other_is_likely(rng):
    """So nothing is made up."""
    _, targets = recorded(rng, "multiclass")
    found = loss_metrics(np.ones(len(targets), np.float32), targets, "multiclass")
    assert {reason for _, reason in found} == {NEEDS_TEST}


@pytest.mark.parametrize(
    ("outputs", "targets", "reason"),
    [
        ([0.0, 1.0, 2.0], [0, 1], UNEVEN),
        ([0.0, np.nan], [0, 1], UNEVEN),
        ([0.0, 1.0], [0, 7], UNEVEN),
        ([1.0], [1], FEW_ROWS),
    ],
)
def test_what_cannot_be_measured_has_a_reason(outputs, targets, reason):
    """Instead of a warning or an exception."""
    arrays = (np.array(each, np.float32) for each in (outputs, targets))
    found = output_metrics(*arrays, "binary", are_logits=True)
    assert {said for _, said in found} == {reason}


def test_metrics_of_many_rows_are_those_of_scikit_learn(rng):
    """Of more than one block of rows, in single precision as they are recorded, with ties."""
    targets = (rng.random(MANY_ROWS) < 0.3).astype(np.float32)
    outputs = (rng.normal(size=MANY_ROWS) + targets).round(2).astype(np.float32)
    chances = 1 / (1 + np.exp(-outputs.astype(np.float64)))
    found = {name: one.value for name, one in output_metrics(outputs, targets, "binary", are_logits=True)}
    expected = {
        "roc_auc": sk.roc_auc_score(targets, chances),
        "average_precision": sk.average_precision_score(targets, chances),
        "log_loss": sk.log_loss(targets, chances),
        "brier_score": sk.brier_score_loss(targets, chances),
        "balanced_accuracy": sk.balanced_accuracy_score(targets, chances > 0.5),
    }
    assert {name: found[name] for name in expected} == pytest.approx(expected, rel=1e-12)


def test_metrics_of_many_rows_take_little_memory(rng):
    """Of a run's ten metrics, each as long as the rows, one is held at a time: all took 250 bytes for each row."""
    targets = (rng.random(MANY_ROWS) < 0.3).astype(np.float32)
    outputs = rng.normal(size=MANY_ROWS).astype(np.float32)
    tracemalloc.start()
    try:
        measure_metrics("binary", [output_metrics(outputs, targets, "binary", are_logits=True)])
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 70 * MANY_ROWS


def test_without_runs_every_metric_is_null_with_the_reason():
    """Programs find the same keys."""
    found = measure_metrics("regression", [])
    assert found["r2"] == {"mean": None, "low": None, "high": None, "reason": UNRECORDED}
    assert set(found) == {metric.name for metric in METRICS if "regression" in metric.tasks}


def test_the_constant_is_measured_as_a_model(rng):
    """Frequencies of training rows, or their mean, on the rows that measure: scikit-learn's numbers."""
    targets = np.array([0, 0, 0, 1, 1, 2], np.float32)
    found = constant_metrics([0.5, 0.3, 0.2], targets, "multiclass")
    assert found["log_loss"]["mean"] == pytest.approx(sk.log_loss(targets, np.tile([0.5, 0.3, 0.2], (6, 1))))
    assert (found["accuracy"]["mean"], found["balanced_accuracy"]["mean"]) == pytest.approx((1 / 2, 1 / 3))
    mean = constant_metrics([2.0], np.array([1.0, 5.0], np.float32), "regression")
    assert mean["r2"]["mean"] == pytest.approx(sk.r2_score([1, 5], [2, 2]))
    one = constant_metrics([0.5, 0.5], np.ones(3, np.float32), "binary")
    assert one["roc_auc"] == {"mean": None, "low": None, "high": None, "reason": ONE_CLASS}
