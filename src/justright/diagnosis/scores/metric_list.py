"""Every metric that reports show, beside the loss that verdicts rest on: a new one is one entry here, and its function.

The functions are in `statistics/class_metrics.py` and `statistics/value_metrics.py`, under the same names.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from justright.data.read_options import Task

ANY = math.inf  # no bound


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric.

    Args:
        name: as `result.json` and `Result.metrics` spell it.
        words: as reports write it.
        heading: the same above a column.
        tasks: those of the tables it is for.
        low, high: its bounds; infinite where there is none.
        meaning: what it is, for several classes too.
    """

    name: str
    words: str
    heading: str
    tasks: tuple[Task, ...]
    low: float
    high: float
    meaning: str


CLASSES: tuple[Task, ...] = ("binary", "multiclass")
VALUES: tuple[Task, ...] = ("regression",)


def metrics_of(task: str) -> tuple[Metric, ...]:
    """Return the metrics of a task, those that people ask for first in front.

    Example:
        >>> [metric.name for metric in metrics_of("regression")][:2]
        ['r2', 'mean_absolute_error']
    """
    return tuple(metric for metric in METRICS if task in metric.tasks)


# The metric that a terminal shows beside loss and score, and its heading there.
FOREMOST: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "binary": ("roc_auc", "AUC"),
        "multiclass": ("balanced_accuracy", "bal.acc."),
        "regression": ("r2", "R2"),
    }
)
METRICS: tuple[Metric, ...] = (
    Metric("roc_auc", "ROC AUC", "ROC AUC", CLASSES, 0, 1, "how often a row of the class is ranked above another row; several classes: each against the rest, then their mean"),
    Metric("average_precision", "PR AUC", "PR AUC", CLASSES, 0, 1, "average precision, the area under the precision-recall curve; several classes: as ROC AUC"),
    Metric("accuracy", "Accuracy", "Accuracy", CLASSES, 0, 1, "share of rows whose most probable class is right"),
    Metric("balanced_accuracy", "Balanced accuracy", "Balanced", CLASSES, 0, 1, "mean over classes of the share of their rows that is right"),
    Metric("f1", "F1", "F1", CLASSES, 0, 1, "harmonic mean of precision and recall of the second class, where its probability is above 1/2; several classes: the mean of all"),
    Metric("matthews_correlation", "Matthews correlation", "Matthews", CLASSES, -1, 1, "correlation of predicted and own class; 0 where one class is always predicted"),
    Metric("log_loss", "Log loss", "Log loss", CLASSES, 0, ANY, "cross-entropy in nats"),
    Metric("brier_score", "Brier score", "Brier", ("binary",), 0, 1, "mean squared error of the second class's probability"),
    Metric("brier_score", "Brier score", "Brier", ("multiclass",), 0, 2, "squared error of the probabilities, summed over classes"),
    Metric("calibration_error", "Calibration error", "Calibration", CLASSES, 0, ANY, "expected calibration error: how far probabilities are from the shares that came true, in 15 bins; above 0 by chance even where all are right, which its interval allows for"),
    Metric("r2", "R²", "R²", VALUES, -ANY, 1, "share of the target's variance that is explained; below 0 where the mean of the measured rows would be closer"),
    Metric("mean_absolute_error", "MAE", "MAE", VALUES, 0, ANY, "mean absolute error, in units of the target"),
    Metric("root_mean_squared_error", "RMSE", "RMSE", VALUES, 0, ANY, "root of the mean squared error, in units of the target"),
    Metric("median_absolute_error", "Median error", "Median error", VALUES, 0, ANY, "median absolute error, in units of the target"),
)  # fmt: skip
