"""Curves of a run somebody else trained, under the names that justright uses."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from justright.errors import InputError

# What tools write in front of a metric of training rows, and of validation rows: 'train_loss', 'eval/loss', 'valid_1-auc'.
TRAIN_PREFIX = re.compile(r"(?:training|train|learn)[ _/.-]+", re.IGNORECASE)
VALIDATION_PREFIX = re.compile(r"(?:validation|valid|val|eval)[ _/.-]+", re.IGNORECASE)
# Lightning appends these when a metric is logged both per step and per epoch.
PER_EPOCH_SUFFIX = "_epoch"
KERAS_TENSORBOARD_PREFIX = "epoch_"
# Losses in the order of preference: without penalties first, since Keras' `loss` includes them.
LOSS_NAMES = (
    "binary_crossentropy",
    "sparse_categorical_crossentropy",
    "categorical_crossentropy",
    "mean_squared_error",
    "loss",
    "logloss",
    "binary_logloss",
    "mlogloss",
    "multi_logloss",
    "cross_entropy",
    "nll",
    "mse",
    "rmse",
    "l2",
    "mae",
    "l1",
    "error",
)


@dataclass(frozen=True, slots=True)
class LogCurves:
    """The curves of one run, a value an epoch.

    Shape:
        epochs: (epochs,) float64, increasing, as the log counts them (Keras from 0; fractions are possible).
        metrics: name -> (epochs,) float64. NaN: not measured at that epoch. Infinite: measured, and not a
            finite number (so a logged 'nan' is told apart from an empty cell).

    Args:
        name: what to call the run: the file or folder it came from.
        format: name of the registered format that read it.
        notes: what had to be assumed, one sentence each.

    Raises:
        InputError: there are no epochs, or a metric has another length.
    """

    name: str
    epochs: npt.NDArray[np.float64]
    metrics: Mapping[str, npt.NDArray[np.float64]]
    format: str
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if len(self.epochs) == 0:
            raise InputError(f"A training log must hold at least one epoch; {self.name!r} has none.")
        for metric, values in self.metrics.items():
            if values.shape != self.epochs.shape:
                raise InputError(
                    f"Every metric of a log must have one value an epoch; in {self.name!r} metric {metric!r} has "
                    f"{len(values)} for {len(self.epochs)} epochs."
                )

    def loss_name(self) -> str:
        """Return the loss to judge by: the one with the best claim that validation rows were measured with.

        Raises:
            InputError: no loss was measured on validation rows.
        """
        for name in (*LOSS_NAMES, *self._custom_losses()):
            if _is_measured(self.metrics.get(f"val_{name}")):
                return name
        raise InputError(
            f"A log must hold a loss of validation rows, such as 'val_loss'; {self.name!r} has "
            f"{', '.join(map(repr, self.metrics)) or 'no metrics'}. Log it during training, and try again."
        )

    def _custom_losses(self) -> Iterable[str]:
        """Return names without `val_` that say 'loss' somewhere, such as 'focal_loss'."""
        names = (name.removeprefix("val_") for name in self.metrics if name.startswith("val_"))
        return [name for name in names if "loss" in name.lower()]


def metric_name(written: str) -> str:
    """Return justright's name for a metric as another tool wrote it.

    Example:
        >>> [
        ...     metric_name(name)
        ...     for name in ("train_loss_epoch", "valid/loss", "eval_loss", "epoch_accuracy", "lr")
        ... ]
        ['loss', 'val_loss', 'val_loss', 'accuracy', 'learning_rate']
    """
    name = written.strip()
    name = name.removeprefix(KERAS_TENSORBOARD_PREFIX).removesuffix(PER_EPOCH_SUFFIX)
    if match := VALIDATION_PREFIX.match(name):
        return "val_" + metric_name(name[match.end() :])
    if match := TRAIN_PREFIX.match(name):
        return metric_name(name[match.end() :])
    return {"lr": "learning_rate", "acc": "accuracy"}.get(name, name)


def by_epoch(
    points: Mapping[str, Mapping[float, float]],
) -> tuple[npt.NDArray[np.float64], dict[str, npt.NDArray[np.float64]]]:
    """Return metrics that were measured at their own epochs on one common grid of epochs.

    Args:
        points: metric -> epoch -> value.

    Returns:
        The epochs, and metric -> (epochs,), NaN where a metric was not measured.

    Example:
        >>> by_epoch({"loss": {0.0: 0.7, 1.0: 0.6}, "val_loss": {1.0: 0.65}})[1]["val_loss"]
        array([ nan, 0.65])
    """
    epochs = np.array(sorted({epoch for values in points.values() for epoch in values}), dtype=np.float64)
    metrics = {
        name: np.array([values.get(float(epoch), np.nan) for epoch in epochs], dtype=np.float64)
        for name, values in points.items()
    }
    return epochs, metrics


def measured(value: float) -> float:
    """Return a value that a log states, with 'not a number' as infinite: it was measured and left the numbers."""
    return np.inf if np.isnan(value) else value


def _is_measured(values: npt.NDArray[np.float64] | None) -> bool:
    return values is not None and not bool(np.isnan(values).all())
