"""Losses and scores row by row in NumPy, for each task: of the reference model, ensembles and the constant prediction.

`training/objective.py` has the same in JAX, for what is trained.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from justright.data.read_options import Task
from justright.runs.tasks import StudyRows
from justright.runs.weighted_means import relative_weights, weighted_mean

EPSILON = 1e-7  # Keras' backend.epsilon(): probabilities are clipped, so that a certain mistake costs 16.1, not infinity

Floats = npt.NDArray[np.float64]


def row_losses(task: Task, outputs: npt.NDArray[np.floating[Any]], targets: npt.NDArray[Any]) -> Floats:
    """Return (..., rows) cross-entropies in nats, or squared errors for a regression.

    Args:
        task: the table's task.
        outputs: (..., rows, outputs): probabilities of classes, where a single output is that of class 1 of two; or
            predictions (..., rows, 1).
        targets: (rows,) class numbers, or values.

    Example:
        >>> row_losses("binary", np.array([[0.5], [0.0]]), np.array([1, 1])).round(3)
        array([ 0.693, 16.118])
    """
    if task == "regression":
        return np.asarray((outputs[..., 0] - targets) ** 2, dtype=np.float64)
    return -log_probabilities(outputs, targets.astype(np.int64), are_logits=False)


def row_scores(task: Task, outputs: npt.NDArray[np.floating[Any]], targets: npt.NDArray[Any]) -> Floats:
    """Return (rows,) 1 where the most probable class is right, else 0; absolute errors for a regression.

    Args:
        task: the table's task.
        outputs: (rows, classes) probabilities, or (rows, 1) predictions.
        targets: (rows,) class numbers, or values.

    Example:
        >>> row_scores("binary", np.array([[0.2, 0.8], [0.6, 0.4]]), np.array([1, 1]))
        array([1., 0.])
    """
    if task == "regression":
        return np.asarray(np.abs(outputs[:, 0] - targets), dtype=np.float64)
    return np.asarray(outputs.argmax(axis=1) == targets, dtype=np.float64)


def log_probabilities(
    outputs: npt.NDArray[np.floating[Any]], classes: npt.NDArray[np.signedinteger[Any]], *, are_logits: bool
) -> Floats:
    """Return (..., rows) logarithms of the probability that is given to each row's own class.

    Args:
        outputs: (..., rows, outputs); a single output is that of class 1 of two.
        classes: (rows,), from 0.
        are_logits: whether the outputs are logits; probabilities are clipped as Keras does.

    Example:
        >>> log_probabilities(np.array([[0.0], [2.0]]), np.array([1, 0]), are_logits=True).round(3)
        array([-0.693, -2.127])
    """
    if outputs.shape[-1] == 1:
        own = outputs[..., 0]
        if are_logits:
            return np.asarray(-np.logaddexp(0.0, np.where(classes == 1, -own, own)))
        chances = np.where(classes == 1, own, 1 - own)
    else:
        index = np.broadcast_to(classes[:, None], (*outputs.shape[:-1], 1))
        chances = np.take_along_axis(outputs, index, axis=-1)[..., 0]
        if are_logits:
            return np.asarray(chances - np.logaddexp.reduce(outputs, axis=-1))
    return np.asarray(np.log(np.clip(chances, EPSILON, 1 - EPSILON)))


def constant_prediction(rows: StudyRows) -> Floats:
    """Return (outputs,) the best constant on training rows: the classes' frequencies, or the mean for a regression.

    What any model must beat. Rows count by their weights where they do in means of losses.
    """
    train, weights = rows.train_targets, rows.weights_of_train_rows if rows.measures_weighted else None
    relative = relative_weights(weights)
    if rows.task == "regression":
        return np.array([weighted_mean(train, relative)])
    return np.bincount(train.astype(np.int64), relative, max(rows.outputs, 2)) / len(train)


def constant_loss(rows: StudyRows) -> float:
    """Return the mean loss of `constant_prediction` on test rows (or validation rows without any)."""
    has_test = len(rows.test[0]) > 0
    targets = rows.test[1] if has_test else rows.validation[1]
    weights = rows.test_weights if has_test else rows.validation_weights
    return weighted_mean(constant_losses(rows, targets), relative_weights(weights))


def constant_losses(rows: StudyRows, targets: npt.NDArray[Any]) -> Floats:
    """Return (rows,) losses of the same constant on rows with these targets."""
    constant = constant_prediction(rows)
    return row_losses(rows.task, np.broadcast_to(constant, (len(targets), len(constant))), targets)
