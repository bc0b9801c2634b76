"""From what runs said about the rows that measure to the metrics that people expect, with their intervals."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from justright.data.read_options import Task
from justright.diagnosis.ensembles import agreeing_logits
from justright.diagnosis.evidence import Losses
from justright.diagnosis.scores.metric_list import metrics_of
from justright.runs.losses import EPSILON
from justright.runs.weighted_means import relative_weights
from justright.statistics.class_metrics import Classes, ClassPredictions, class_metrics
from justright.statistics.crossed import MIN_ROWS, Floats
from justright.statistics.estimates import Estimates, metric_intervals, pool_estimates
from justright.statistics.intervals import Interval
from justright.statistics.value_metrics import value_metrics

Targets = npt.NDArray[np.float32]
LEAST_LOSS = 1e-38  # of float32: a smaller loss is recorded as 0, whose logit is infinite
UNENDED = "No run of it has ended by its epoch limit or stopping rule."
UNRECORDED = "What it said about each row was not recorded."
UNEVEN = "What was recorded about its rows does not fit them."
FEW_ROWS = f"At least {MIN_ROWS} rows must measure."
NEEDS_TEST = (
    "It takes test rows: of validation rows, outputs are recorded only at the epoch that these rows chose."
)


def measure_metrics(
    task: Task, runs: Iterable[Estimates], *, reason: str = UNRECORDED
) -> dict[str, dict[str, Any]]:
    """Return each metric of a task: name -> mean over runs, low and high; with a reason where there is none.

    Args:
        task: the table's task.
        runs: the metrics of each run on the same rows, or the reason that one has none.
        reason: why there is no run.
    """
    metrics = metrics_of(task)
    bounds = {metric.name: (float(metric.low), float(metric.high)) for metric in metrics}
    found = metric_intervals(pool_estimates(runs), bounds)
    return {metric.name: _to_dict(found.get(metric.name, reason)) for metric in metrics}


def output_metrics(
    outputs: Losses, targets: Targets, task: Task, *, are_logits: bool, weights: Floats | None = None
) -> Estimates:
    """Return the metrics of one run from what it said about each row.

    Args:
        outputs: (rows * outputs,) logits or probabilities of classes, or values.
        targets: (rows,) class numbers, or values.
        task: the table's task.
        are_logits: whether they are logits; ignored for a regression.
        weights: (rows,) how much each counts, with mean 1; None if all count the same. Rows that do not count are left out.
    """
    if not len(targets) or len(outputs) % len(targets) or not np.isfinite(outputs).all():
        return without_metrics(task, UNEVEN)
    if weights is not None:
        rows, counting = outputs.reshape(len(targets), -1), weights > 0
        outputs, targets, weights = rows[counting].ravel(), targets[counting], counted_weights(weights)
    if len(targets) < MIN_ROWS:
        return without_metrics(task, FEW_ROWS)
    if task == "regression":
        wanted = targets.astype(np.float64)
        return value_metrics(outputs.astype(np.float64) - wanted, wanted, weights)
    classes = max(len(outputs) // len(targets), 2)
    if not (targets.min() >= 0 and targets.max() < classes):
        return without_metrics(task, UNEVEN)
    return class_metrics(class_predictions(outputs, targets, are_logits=are_logits, weights=weights))


def counted_weights(weights: Floats) -> Floats:
    """Return the weights of the rows that count, with mean 1 among these."""
    return relative_weights(weights[weights > 0])


def loss_metrics(losses: Losses, targets: Targets, task: Task, *, weights: Floats | None = None) -> Estimates:
    """Return the metrics of one run from the loss of each row, as far as these tell them.

    Args:
        losses: (rows,) cross-entropies, or squared errors.
        targets: (rows,) class numbers, or values.
        task: the table's task.
        weights: as of `output_metrics`.

    A binary cross-entropy gives the probability of both classes, and a squared error all but the error's sign. That of more
    classes tells nothing about which other class is likely.
    """
    if len(losses) != len(targets) or not np.isfinite(losses).all():
        return without_metrics(task, UNEVEN)
    values = losses.astype(np.float64)
    if weights is not None:
        values, targets, weights = values[weights > 0], targets[weights > 0], counted_weights(weights)
    if task == "regression":
        return value_metrics(np.sqrt(values), targets.astype(np.float64), weights)
    if task == "multiclass":
        return without_metrics(task, NEEDS_TEST)
    values = np.maximum(values, LEAST_LOSS)
    own = -np.log(np.expm1(np.minimum(values, 700.0)))  # the logit of the own class
    outputs = np.where(targets > 0.5, own, -own)
    return class_metrics(class_predictions(outputs, targets, are_logits=True, weights=weights))


def class_predictions(
    outputs: npt.ArrayLike, targets: Targets, *, are_logits: bool, weights: Floats | None = None
) -> ClassPredictions:
    """Return what one run said about rows of known classes.

    Args:
        outputs: (rows * outputs,); a single output of a row is that of class 1 of two.
        targets: (rows,) class numbers.
        are_logits: whether they are logits.
        weights: (rows,) how much each counts, above 0 and with mean 1; None if all count the same.

    Example:
        >>> class_predictions([0.0, 2.0], np.array([0, 1]), are_logits=True).probabilities.round(2).tolist()
        [[0.5], [0.88]]
    """
    given = np.asarray(outputs).reshape(len(targets), -1)
    is_small = given.shape[1] <= np.iinfo(np.int8).max
    classes: Classes = np.asarray(targets).astype(np.int8 if is_small else np.int32)
    if given.shape[1] == 1:
        return ClassPredictions(given, classes, are_logits, weights)
    values = given.astype(np.float64)
    if values.shape[1] == 2:
        return ClassPredictions(second_of_two(values, are_logits=are_logits), classes, are_logits, weights)
    if are_logits:
        values -= np.logaddexp.reduce(values, axis=1, keepdims=True)  # of a class against the rest
    else:
        values = _shares(values)
    return ClassPredictions(values, classes, are_logits, weights)


def second_of_two(values: Floats, *, are_logits: bool) -> Floats:
    """Return (rows, 1) the logit, or the probability, of class 1 from (rows, 2) of both classes.

    Example:
        >>> second_of_two(np.array([[1.0, 3.0]]), are_logits=False).tolist()
        [[0.75]]
    """
    if are_logits:
        return np.asarray(values[:, 1:] - values[:, :1])
    return np.asarray(_shares(values)[:, 1:])


def _shares(values: Floats) -> Floats:
    """Return (rows, classes) values divided by their sum; equal shares where it is not positive."""
    total = values.sum(axis=1, keepdims=True)
    equal = np.full_like(values, 1 / values.shape[1])
    return np.asarray(np.divide(values, total, out=equal, where=total > 0))


def find_logits(outputs: Losses, targets: Targets, losses: Losses | None, task: Task) -> bool:
    """Return whether outputs are logits: by the losses recorded beside them, or by their range if those are of another kind."""
    rows = outputs.reshape(len(targets), -1)
    if losses is not None and len(losses) == len(targets):
        agreeing = agreeing_logits(rows, targets, losses, task)
        if agreeing is not None:
            return agreeing
    return bool(rows.min() < -EPSILON or rows.max() > 1 + EPSILON)


def constant_metrics(
    constant: npt.ArrayLike, targets: Targets, task: Task, *, weights: Floats | None = None
) -> dict[str, dict[str, Any]]:
    """Return the metrics of predicting the same for each row: the classes' frequencies among training rows, or the mean.

    Args:
        constant: (classes,) frequencies, or (1,) the mean.
        targets: (rows,) of the rows that measure.
        task: the table's task.
        weights: as of `output_metrics`.
    """
    values = np.asarray(constant, np.float32)
    if task == "binary" and len(values) == 2:
        values = second_of_two(values[None].astype(np.float64), are_logits=False)[0]
    is_one = len(values) == 1  # then no array is as long as the rows
    outputs = np.broadcast_to(values, len(targets)) if is_one else np.tile(values, len(targets))
    found = output_metrics(outputs, targets, task, are_logits=False, weights=weights)
    return measure_metrics(task, [found])


def without_metrics(task: Task, reason: str) -> Estimates:
    """Return the reason why a run has none of a task's metrics."""
    return [(metric.name, reason) for metric in metrics_of(task)]


def _to_dict(found: Interval | str) -> dict[str, Any]:
    """Return an interval as in result.json."""
    if isinstance(found, Interval):
        values: Mapping[str, float] = found.to_dict()
        if np.isfinite(list(values.values())).all():
            return dict(values)
        found = UNEVEN
    return {"mean": None, "low": None, "high": None, "reason": found}
