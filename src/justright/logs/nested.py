"""JSON logs: Keras' History, Hugging Face's trainer_state.json, XGBoost's and LightGBM's evals_result."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from justright.errors import InputError
from justright.logs.curves import LogCurves, by_epoch, measured, metric_name
from justright.logs.source import Source

# What boosting libraries call the evaluation set that is the training table.
TRAINING_SETS = frozenset({"train", "training", "dtrain", "learn"})
# Fields of a Hugging Face log entry that are no metrics.
NOT_METRICS = frozenset({"epoch", "step", "total_flos", "train_loss", "train_runtime"})


def is_trainer_state(source: Source) -> bool:
    """Return whether the log is Hugging Face's trainer_state.json."""
    return isinstance(source.value, dict) and isinstance(source.value.get("log_history"), list)


def is_evals_result(source: Source) -> bool:
    """Return whether the log is {evaluation set: {metric: [value a round]}}."""
    value = source.value
    return isinstance(value, dict) and bool(value) and all(_is_history(inner) for inner in value.values())


def is_keras_history(source: Source) -> bool:
    """Return whether the log is {metric: [value an epoch]}, alone or under 'history'."""
    return _is_history(_unwrap(source.value))


def read_trainer_state(source: Source) -> LogCurves:
    """Return the curves of Hugging Face's trainer: `loss` as logged, `eval_*` as validation, by epoch."""
    points: dict[str, dict[float, float]] = {}
    for number, entry in enumerate(source.value["log_history"]):
        if not isinstance(entry, dict) or not _is_number(entry.get("epoch")):
            raise InputError(
                f"Every entry of `log_history` must say its epoch; entry {number} of {source.name!r} does not."
            )
        for written, value in entry.items():
            if written not in NOT_METRICS and _is_number(value):
                points.setdefault(metric_name(written), {})[float(entry["epoch"])] = measured(float(value))
    epochs, metrics = by_epoch(points)
    return LogCurves(source.name, epochs, metrics, "huggingface-trainer")


def read_keras_history(source: Source) -> LogCurves:
    """Return the curves of `History.history` written as JSON; epochs count from 0."""
    metrics = {
        metric_name(name): _curve(source, name, values) for name, values in _unwrap(source.value).items()
    }
    length = len(next(iter(metrics.values())))
    return LogCurves(source.name, np.arange(length, dtype=np.float64), metrics, "keras-history")


def read_evals_result(source: Source) -> LogCurves:
    """Return the curves of a boosting library: the training set's metrics, and the last other set's as validation."""
    sets: dict[str, dict[str, Any]] = source.value
    train, validation, notes = _roles(list(sets))
    metrics: dict[str, npt.NDArray[np.float64]] = {}
    for role, prefix in ((train, ""), (validation, "val_")):
        for name, values in sets[role].items() if role is not None else ():
            metrics[prefix + name] = _curve(source, name, values)
    length = len(next(iter(metrics.values()))) if metrics else 0
    return LogCurves(source.name, np.arange(length, dtype=np.float64), metrics, "evals-result", notes)


def _roles(names: list[str]) -> tuple[str | None, str | None, tuple[str, ...]]:
    """Return which evaluation set is training, which validation, and the sentences that say what was assumed."""
    train = next((name for name in names if name.lower() in TRAINING_SETS), None)
    others = [name for name in names if name != train]
    notes = []
    if train is None and len(others) > 1:
        train, others = others[0], others[1:]
        notes.append(f"No evaluation set is named 'train': the first, {train!r}, was taken for it.")
    validation = others[-1] if others else None
    if len(others) > 1:
        notes.append(f"Of several evaluation sets the last, {validation!r}, was taken for validation.")
    return train, validation, tuple(notes)


def _unwrap(value: Any) -> Any:  # noqa: ANN401  # parsed JSON is anything
    """Return what lies under 'history' where a tool saved more than the metrics."""
    return value["history"] if isinstance(value, dict) and isinstance(value.get("history"), dict) else value


def _is_history(value: object) -> bool:
    return isinstance(value, dict) and bool(value) and all(isinstance(item, list) for item in value.values())


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _curve(source: Source, name: str, values: list[Any]) -> npt.NDArray[np.float64]:
    for epoch, value in enumerate(values):
        if value is not None and not _is_number(value):
            raise InputError(
                f"A metric must be a number; {source.name!r} has {value!r} at epoch {epoch} of {name!r}."
            )
    try:
        return np.array(
            [np.nan if value is None else measured(float(value)) for value in values], dtype=np.float64
        )
    except OverflowError:
        raise InputError(f"A metric must fit a 64-bit float; {name!r} of {source.name!r} does not.") from None
