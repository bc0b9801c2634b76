"""What a Keras model of any backend says of rows, and its losses and scores in NumPy."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from justright.callbacks.fit_rows import FitRows, class_targets
from justright.data.read_options import Task
from justright.errors import InputError
from justright.runs.limits import PIECE_ROWS
from justright.runs.losses import Floats, log_probabilities, row_losses, row_scores
from justright.runs.weighted_means import relative_weights, weighted_mean


@dataclass(frozen=True, slots=True, eq=False)
class Measures:
    """What was measured on rows of one kind.

    Shape:
        outputs: (rows, outputs) float64, as a study records them: one for two classes.
        losses: (rows,) float64, without penalties.
        scores: (rows,) float64, 1 where the class is right, or absolute errors.
        weights: (rows,) float64, how much each counts, with mean 1; None if all count the same.
    """

    outputs: Floats
    losses: Floats
    scores: Floats
    weights: Floats | None = None

    @property
    def means(self) -> tuple[float, float]:
        """The mean loss and the mean score."""
        return weighted_mean(self.losses, self.weights), weighted_mean(self.scores, self.weights)


def model_outputs(model: Any, rows: FitRows, *, most: int | None = None) -> npt.NDArray[Any]:  # noqa: ANN401  # of Keras
    """Return (rows, outputs) of a model in inference mode.

    Args:
        model: built.
        rows: what it sees.
        most: of them only so many; None for all.

    Raises:
        InputError: it has several outputs, or gives more than one row of numbers for each row.
    """
    count = len(rows) if most is None else min(most, len(rows))
    pieces = []
    for start in range(0, count, PIECE_ROWS):
        given = model.predict_on_batch(rows.part(slice(start, min(start + PIECE_ROWS, count))))
        if isinstance(given, list | tuple | dict):
            raise InputError(
                f"The model must have one output; it has {len(given)}. A network of several outputs is not judged: train one "
                "for each."
            )
        pieces.append(np.asarray(given))
    outputs = np.concatenate(pieces)
    if outputs.ndim == 1:
        outputs = outputs[:, None]
    if outputs.ndim != 2:
        raise InputError(
            f"The model must give one row of numbers for each row; its outputs have shape {outputs.shape}. "
            "Sequences and pictures as targets are not judged."
        )
    return outputs


def check_width(task: Task, width: int, classes: int) -> None:
    """Raise InputError unless a model gives as many numbers for each row as its task takes."""
    allowed = {"binary": (1, 2), "regression": (1,)}.get(task, (classes,))
    if width not in allowed:
        raise InputError(
            f"The model must give {' or '.join(map(str, allowed))} number{'s' * (max(allowed) > 1)} per row for a {task} "
            f"target; it gives {width}."
        )


def measure(outputs: npt.NDArray[Any], rows: FitRows, task: Task, *, are_logits: bool) -> Measures:
    """Return the losses and scores of a model's outputs.

    Args:
        outputs: (rows, outputs); of two classes also (rows, 2).
        rows: with their targets.
        task: what is learned.
        are_logits: whether outputs are logits rather than probabilities.

    Example:
        >>> rows = FitRows(np.zeros((2, 1)), np.array([1, 0]), ())
        >>> measure(np.array([[0.0], [-1.0]]), rows, "binary", are_logits=True).losses.round(3)
        array([0.693, 0.313])
    """
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):  # of a network that diverged
        values, targets = outputs.astype(np.float64), class_targets(rows.y, task)
        measured = _measure(values, targets, task, are_logits=are_logits)
    return replace(measured, weights=relative_weights(rows.weights))


def _measure(values: Floats, targets: npt.NDArray[Any], task: Task, *, are_logits: bool) -> Measures:
    if task == "regression":
        return Measures(values, row_losses(task, values, targets), row_scores(task, values, targets))
    if not are_logits and values.shape[1] > 1:
        values = values / values.sum(axis=1, keepdims=True)  # as Keras' losses do
    if task == "binary" and values.shape[1] == 2:
        values = values[:, 1:] - values[:, :1] if are_logits else values[:, 1:]
    losses = -log_probabilities(values, targets.astype(np.int64), are_logits=are_logits)
    wide = values
    if task == "binary":
        wide = np.concatenate([np.zeros_like(values) if are_logits else 1 - values, values], axis=1)
    return Measures(values, losses, row_scores(task, wide, targets))
