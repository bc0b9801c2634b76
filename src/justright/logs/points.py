"""The content of a log: metrics at epochs, under justright's names. Plain Python, so that help texts are quick."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

from justright.errors import InputError
from justright.logs.logged_run import LoggedRun, Series

# Prefixes of metrics on training rows and on validation rows: 'train_loss', 'eval/loss', 'valid_1-auc'.
TRAIN_PREFIX = re.compile(r"(?:training|train|learn)[ _/.-]+", re.IGNORECASE)
VALIDATION_PREFIX = re.compile(r"(?:validation|valid|val|eval)[ _/.-]+", re.IGNORECASE)
# Lightning appends this when a metric is logged both per step and per epoch.
PER_EPOCH_SUFFIX = "_epoch"
KERAS_TENSORBOARD_PREFIX = "epoch_"

# Metric -> epoch -> value. NaN: not measured at that epoch. Infinite: measured, and not a finite number.
Points = dict[str, dict[float, float]]


def run_of_points(name: str, points: Points, notes: tuple[str, ...] = ()) -> LoggedRun:
    """Return a run whose series have justright's names."""
    series = [Series(metric, list(values), list(values.values())) for metric, values in points.items()]
    for one in series:
        kept = [(at, value) for at, value in zip(one.at, one.values, strict=True) if not math.isnan(value)]
        one.at, one.values = [at for at, _ in kept], [value for _, value in kept]
    return LoggedRun(name, series, notes=notes)


def metric_name(written: str) -> str:
    """Return justright's name for another tool's metric.

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


def measured(value: float) -> float:
    """Return a value of a log, with NaN as infinite: it was measured, and is not a finite number."""
    return math.inf if math.isnan(value) else value


def is_number(value: object) -> bool:
    """Return whether a value of a JSON log is a number; true and false are not."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def is_listed(value: object) -> bool:
    """Return whether a value of a JSON log is {name: list}, such as metrics with one value per epoch."""
    return isinstance(value, dict) and bool(value) and all(isinstance(item, list) for item in value.values())


def to_float(log: str, metric: str, value: float) -> float:
    """Return a number of a JSON log, in which whole numbers may have any size.

    Raises:
        InputError: it is beyond the range of floats.
    """
    try:
        return measured(float(value))
    except OverflowError:
        raise InputError(f"A metric must fit a 64-bit float; {metric!r} of {log!r} does not.") from None


def listed_points(log: str, lists: Mapping[str, Sequence[Any]]) -> Points:
    """Return the points of {metric: [one value per epoch]}; epochs count from 0, and None means not measured.

    Raises:
        InputError: a value is not a number, or metrics have different lengths.

    Example:
        >>> listed_points("x.json", {"loss": [0.5, None]})
        {'loss': {0.0: 0.5, 1.0: nan}}
    """
    points: Points = {}
    length = len(next(iter(lists.values()))) if lists else 0
    for metric, values in lists.items():
        for epoch, value in enumerate(values):
            if value is not None and not is_number(value):
                raise InputError(
                    f"A metric must be a number; {log!r} has {value!r} at epoch {epoch} of {metric!r}."
                )
        if len(values) != length:
            raise InputError(
                f"Every metric of a log must have one value per epoch; in {log!r} metric {metric!r} has {len(values)} "
                f"for {length} epochs."
            )
        points[metric] = {
            float(epoch): math.nan if value is None else to_float(log, metric, value)
            for epoch, value in enumerate(values)
        }
    return points
