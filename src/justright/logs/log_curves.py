"""The curves of a run that another tool trained."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt

from justright.errors import InputError
from justright.logs.points import LoggedRun

# Losses in order of preference: without penalties first, since Keras' `loss` includes them.
LOSS_NAMES = (
    *("binary_crossentropy", "sparse_categorical_crossentropy", "categorical_crossentropy"),
    *("mean_squared_error", "loss", "logloss", "binary_logloss", "mlogloss", "multi_logloss"),
    *("cross_entropy", "nll", "mse", "rmse", "l2", "mae", "l1", "error"),
)


@dataclass(frozen=True, slots=True)
class LogCurves:
    """The curves of one run: one value per epoch.

    Shape:
        epochs: (epochs,) float64, increasing, as the log counts them (Keras from 0; fractions are possible).
        metrics: name -> (epochs,) float64. NaN: not measured at that epoch. Infinite: measured, and not a
            finite number (so a logged 'nan' is told apart from an empty cell).

    Args:
        name: the run's name: the file or folder it came from.
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
                    f"Every metric of a log must have one value per epoch; in {self.name!r} metric {metric!r} has "
                    f"{len(values)} for {len(self.epochs)} epochs."
                )

    @classmethod
    def of_run(cls, run: LoggedRun, format_name: str) -> Self:
        """Return the curves of a logged run, whose metrics need not be measured at the same epochs.

        Example:
            >>> points = {"loss": {0.0: 0.7, 1.0: 0.6}, "val_loss": {1.0: 0.65}}
            >>> LogCurves.of_run(LoggedRun("x.csv", points), "csv").metrics["val_loss"]
            array([ nan, 0.65])
        """
        epochs = sorted({epoch for values in run.points.values() for epoch in values})
        metrics = {
            name: np.array([values.get(epoch, np.nan) for epoch in epochs], dtype=np.float64)
            for name, values in run.points.items()
        }
        return cls(run.name, np.array(epochs, dtype=np.float64), metrics, format_name, run.notes)

    def loss_name(self) -> str:
        """Return the loss to judge by: the most preferred one that was measured on validation rows.

        Raises:
            InputError: no loss was measured on validation rows.
        """
        validation = [name.removeprefix("val_") for name in self.metrics if name.startswith("val_")]
        custom = [name for name in validation if "loss" in name.lower()]  # such as 'focal_loss'
        for name in (*LOSS_NAMES, *custom):
            values = self.metrics.get(f"val_{name}")
            if values is not None and not np.isnan(values).all():
                return name
        raise InputError(
            f"A log must hold a loss of validation rows, such as 'val_loss'; {self.name!r} has "
            f"{', '.join(map(repr, self.metrics)) or 'no metrics'}. Log it during training, and try again."
        )
