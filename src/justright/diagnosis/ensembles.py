"""Several runs as one model: their outputs averaged row by row, and the losses of that average."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from justright.data.read_options import Task
from justright.diagnosis.evidence import EnsembleEvidence, Losses
from justright.runs.losses import Floats, log_probabilities, row_losses

MIN_SEEDS = 2  # one model is no ensemble
# How closely a loss computed from a recorded output must agree with the recorded loss, to tell logits from
# probabilities: float32 outputs give losses to about 1e-6 of their size, and the wrong reading differs by tenths.
AGREEMENT = 1e-3
BLOCK_ROWS = 1 << 16  # compared at a time


def build_ensemble(
    variant: str,
    task: Task,
    outputs: Mapping[str, Mapping[int, Losses]],
    losses: Mapping[str, Mapping[int, Losses]],
    targets: Mapping[str, npt.NDArray[np.float32]],
) -> EnsembleEvidence | None:
    """Return the ensemble of one variant's seeds, or None with fewer than two seeds or without recorded outputs.

    Args:
        variant: its name.
        task: decides what is averaged: probabilities of classes, or predictions.
        outputs: 'validation' and 'test' -> seed -> (rows * outputs,) of the chosen epoch.
        losses: the same -> (rows,) losses of the chosen epoch, which tell logits from probabilities.
        targets: the same -> (rows,).
    """
    seeds = tuple(sorted(outputs.get("validation", {})))
    if len(seeds) < MIN_SEEDS:
        return None
    mean: dict[str, Losses] = {}
    for kind, targeted in targets.items():
        if set(outputs.get(kind, {})) != set(seeds) or not len(targeted):
            continue
        values = np.stack([outputs[kind][seed].reshape(len(targeted), -1) for seed in seeds])
        are_logits = agreeing_logits(values[0], targeted, losses[kind][seeds[0]], task)
        if are_logits is None or not np.isfinite(values).all():
            return None
        mean[kind] = ensemble_losses(values, targeted, task, are_logits=are_logits).astype(np.float32)
    if "validation" not in mean:
        return None
    return EnsembleEvidence(variant, seeds, mean["validation"], mean.get("test"))


def ensemble_losses(
    outputs: npt.ArrayLike, targets: npt.ArrayLike, task: Task, *, are_logits: bool = True
) -> Floats:
    """Return the losses of the mean of several models' probabilities, or predictions for a regression.

    Args:
        outputs: (seeds, rows, outputs) of the models; one output for a binary target or a regression.
        targets: (rows,) 0 or 1, class numbers, or values.
        task: 'binary', 'multiclass' or 'regression'.
        are_logits: whether outputs are logits; False for probabilities. Ignored for a regression.

    Returns:
        (rows,) cross-entropies or squared errors.

    Example:
        >>> ensemble_losses([[[0.0]], [[100.0]]], [1.0], "binary").round(4).tolist()
        [0.2877]
        >>> float(-np.log((0.5 + 1.0) / 2).round(4))
        0.2877
    """
    values, wanted = np.asarray(outputs, np.float64), np.asarray(targets, np.float64)
    if task == "regression":
        return row_losses(task, values.mean(axis=0), wanted)
    chances = log_probabilities(values, wanted.astype(np.int64), are_logits=are_logits)
    return np.asarray(np.log(len(values)) - np.logaddexp.reduce(chances, axis=0))


def agreeing_logits(
    outputs: Losses, targets: npt.NDArray[np.float32], losses: Losses, task: Task
) -> bool | None:
    """Return whether outputs are logits, by which reading reproduces the recorded losses; None if neither does."""
    return next(
        (reading for reading in (True, False) if _agrees(outputs, targets, losses, task, reading)), None
    )


def _agrees(
    outputs: Losses, targets: npt.NDArray[np.float32], losses: Losses, task: Task, are_logits: bool
) -> bool:
    """Return whether one reading reproduces all losses, found for a block of rows at a time."""
    for start in range(0, len(targets), BLOCK_ROWS):
        part = slice(start, start + BLOCK_ROWS)
        own = ensemble_losses(outputs[None, part], targets[part], task, are_logits=are_logits)
        if not np.isclose(own, losses[part], rtol=AGREEMENT, atol=AGREEMENT).all():
            return False
    return True
