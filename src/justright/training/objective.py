"""The loss that training minimises and the score beside it, row by row, for each task."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp

from justright.data.read_options import Task
from justright.runs.losses import EPSILON
from justright.study.recipe import LOSSES, SCORES
from justright.training.keras_objects import OwnLoss, OwnMetric, RowFunction


@dataclass(frozen=True, slots=True)
class Objective:
    """The loss and the score of a task, each a function (targets, outputs) -> one value per row.

    Shape:
        targets: (rows,), float32 or, for multiclass, int32 class indices.
        outputs: (rows, outputs) float32, logits or probabilities (or predictions, for regression).

    Args:
        loss_name: Keras' name of the loss.
        score_name: Keras' name of the score.
        row_losses: the loss of each row, without penalties.
        row_scores: 1 where the class is right (or the absolute error, for regression).
        smoothed_losses: what training minimises where labels are smoothed; None where they are not.
        own_loss: what training minimises instead; None for the loss of the task.
        metrics: further ones.
        unit: what a loss is divided by before penalties are added: in a target's own units a squared error may be 1e10.
    """

    loss_name: str
    score_name: str
    row_losses: RowFunction
    row_scores: RowFunction
    smoothed_losses: RowFunction | None = None
    own_loss: OwnLoss | None = None
    metrics: tuple[OwnMetric, ...] = ()
    unit: float = 1.0

    @property
    def minimised(self) -> RowFunction:
        """What training minimises, smoothing left out: the loss of validation rows as well."""
        return self.own_loss.row_losses if self.own_loss else self.row_losses

    @property
    def own_name(self) -> str | None:
        """The name of the loss that takes the place of the task's, where it needs a column of its own."""
        name = self.own_loss.name if self.own_loss else None
        return None if name in (self.loss_name, self.score_name) else name

    def in_units(self, loss: Any) -> Any:
        """Return a minimised loss, or penalties, in the units of the target."""
        return loss if self.unit == 1.0 else loss * self.unit


def objective_for(task: Task, *, from_logits: bool, label_smoothing: float = 0.0) -> Objective:
    """Return the objective of `task` for models that end in logits, or in probabilities.

    Args:
        task: the table's task.
        from_logits: whether they end in logits.
        label_smoothing: share of each target's weight that is spread evenly over all classes in training.
    """
    losses: dict[tuple[Task, bool], RowFunction] = {
        ("binary", True): binary_crossentropy_from_logits,
        ("binary", False): binary_crossentropy,
        ("multiclass", True): sparse_crossentropy_from_logits,
        ("multiclass", False): sparse_crossentropy,
        ("regression", True): squared_error,
        ("regression", False): squared_error,
    }
    # A logit is right above 0, a probability above 0.5. Keras' plain "accuracy" would threshold logits at 0.5.
    threshold = 0.0 if from_logits else 0.5
    scores: dict[Task, RowFunction] = {
        "binary": lambda targets, outputs: ((outputs[:, 0] > threshold) == (targets > 0.5)).astype(
            jnp.float32
        ),
        "multiclass": lambda targets, outputs: (outputs.argmax(-1) == targets).astype(jnp.float32),
        "regression": lambda targets, outputs: jnp.abs(outputs[:, 0] - targets),
    }
    row_losses = losses[task, from_logits]
    smoothed = smoothed_losses(task, row_losses, label_smoothing) if label_smoothing else None
    return Objective(LOSSES[task], SCORES[task], row_losses, scores[task], smoothed)


def smoothed_losses(task: Task, row_losses: RowFunction, share: float) -> RowFunction:
    """Return the cross-entropy of targets of which `share` is spread evenly over all classes.

    As the `label_smoothing` of Keras' losses (Szegedy et al. 2016, section 7). A binary loss is linear in its target;
    a loss of several classes takes the target's distribution in place of its index.
    """
    if task == "binary":
        return lambda targets, outputs: row_losses(targets * (1.0 - share) + 0.5 * share, outputs)

    def losses(targets: Any, outputs: Any) -> Any:
        classes = outputs.shape[-1]
        return row_losses(jax.nn.one_hot(targets, classes) * (1.0 - share) + share / classes, outputs)

    return losses


def binary_crossentropy_from_logits(targets: Any, outputs: Any) -> Any:
    """Return -log p(target) for logits (rows, 1), in the form that neither overflows nor clips."""
    logits = outputs[:, 0]
    return jnp.maximum(logits, 0.0) - logits * targets + jnp.log1p(jnp.exp(-jnp.abs(logits)))


def binary_crossentropy(targets: Any, outputs: Any) -> Any:
    """Return -log p(target) for probabilities (rows, 1), clipped as Keras does."""
    chances = jnp.clip(outputs[:, 0], EPSILON, 1.0 - EPSILON)
    return -targets * jnp.log(chances) - (1.0 - targets) * jnp.log(1.0 - chances)


def sparse_crossentropy_from_logits(targets: Any, outputs: Any) -> Any:
    """Return -log p(target) for logits (rows, classes)."""
    return -_of_target(jax.nn.log_softmax(outputs), targets)


def sparse_crossentropy(targets: Any, outputs: Any) -> Any:
    """Return -log p(target) for probabilities (rows, classes), normalised and clipped as Keras does."""
    chances = outputs / outputs.sum(-1, keepdims=True)
    return -_of_target(jnp.log(jnp.clip(chances, EPSILON, 1.0 - EPSILON)), targets)


def squared_error(targets: Any, outputs: Any) -> Any:
    """Return the squared error of predictions (rows, 1)."""
    return jnp.square(outputs[:, 0] - targets)


def _of_target(values: Any, targets: Any) -> Any:
    """Return values[row, targets[row]] for each row, as a sum over one-hot rows (no gather: it vectorises).

    Targets (rows, classes) are distributions already, and give the mean of `values` under them.
    """
    if targets.ndim == 1:
        targets = jax.nn.one_hot(targets, values.shape[-1], dtype=values.dtype)
    return (values * targets).sum(-1)
