"""Losses and scores by row in NumPy against those that are trained with."""

from __future__ import annotations

import numpy as np
import pytest

from justright.runs.losses import EPSILON, log_probabilities, row_losses, row_scores
from justright.training.objective import objective_for


@pytest.fixture
def outputs():
    """Logits of 40 rows and 3 classes, some of them certain."""
    logits = np.random.default_rng(0).normal(size=(40, 3))
    logits[0] = [30.0, -30.0, 0.0]
    return logits


def softmax(logits):
    """Probabilities of classes."""
    chances = np.exp(logits - logits.max(axis=1, keepdims=True))
    return chances / chances.sum(axis=1, keepdims=True)


@pytest.mark.parametrize("are_logits", [True, False])
@pytest.mark.parametrize("task", ["binary", "multiclass", "regression"])
def test_losses_are_those_of_training(task, are_logits, outputs):
    """The JAX version, in float32; a certain mistake costs as much in both."""
    targets = np.random.default_rng(1).integers(0, 3 if task == "multiclass" else 2, 40)
    targets[0] = 1
    values = outputs if task == "multiclass" else -outputs[:, :1]
    if not are_logits:
        values = softmax(values) if task == "multiclass" else 1 / (1 + np.exp(-values))
    trained = objective_for(task, from_logits=are_logits).row_losses(
        targets.astype(np.int32 if task == "multiclass" else np.float32), values.astype(np.float32)
    )
    if are_logits and task != "regression":
        found = -log_probabilities(values, targets, are_logits=True)
    else:
        found = row_losses(task, values, targets)
    # In float32 one minus a clipped probability is right to 1e-7, and the clipped maximum, 16.1, to a hundredth.
    tolerance = 1e-4 if are_logits else 2e-2
    np.testing.assert_allclose(found, np.asarray(trained), rtol=tolerance, atol=1e-6)


def test_models_before_the_rows_are_an_axis_of_their_own(outputs):
    """Two models at once are each model alone."""
    targets = np.arange(40) % 3
    both = log_probabilities(np.stack([outputs, -outputs]), targets, are_logits=True)
    alone = [log_probabilities(one, targets, are_logits=True) for one in (outputs, -outputs)]
    np.testing.assert_array_equal(both, alone)


def test_a_certain_mistake_is_clipped():
    """Not infinite, for one output as for several."""
    wrong = row_losses("binary", np.array([[0.0]]), np.array([1]))
    several = row_losses("multiclass", np.array([[1.0, 0.0]]), np.array([1]))
    np.testing.assert_allclose([wrong[0], several[0]], -np.log(EPSILON))


def test_scores_are_accuracies_and_absolute_errors(outputs):
    """By plain NumPy."""
    targets = np.arange(40) % 3
    np.testing.assert_array_equal(
        row_scores("multiclass", outputs, targets), outputs.argmax(axis=1) == targets
    )
    np.testing.assert_array_equal(
        row_scores("regression", outputs[:, :1], targets), abs(outputs[:, 0] - targets)
    )
