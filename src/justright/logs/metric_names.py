"""What the name of a series says: rows, evaluation set, metric, and whether more or less of it is better."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from justright.logs.logged_run import Role

Direction = Literal["less", "more"]


@dataclass(frozen=True, slots=True)
class MetricName:
    """What a name says.

    Args:
        metric: the metric in Keras' words: 'loss', 'accuracy', 'binary_crossentropy'.
        role: rows it was measured on; None if the name does not say, as in Keras' 'loss', which is that of training.
        set: name of the evaluation set; empty if there is one of its role, or the name does not say.
    """

    metric: str
    role: Role | None = None
    set: str = ""


def parse_name(written: str) -> MetricName:
    """Return what a name says by itself; how names of one log belong together is `LogCurves`' business."""
    from justright.logs.points import metric_name

    name = metric_name(written)
    return MetricName(name.removeprefix("val_"), "validation" if name.startswith("val_") else None)


def direction_of(metric: str) -> Direction | None:
    """Return whether less or more of a metric is better; None for a number that is no measure of success."""
    if is_loss(metric):
        return "less"
    return "more" if any(word in metric.lower() for word in ("acc", "auc", "f1")) else None


def is_loss(metric: str) -> bool:
    """Return whether a metric is a loss, or an error that falls as one does."""
    lowered = metric.lower()
    return any(word in lowered for word in ("loss", "error", "entropy", "mse", "mae", "nll"))
