"""XGBoost's and LightGBM's evals_result, saved as JSON: {evaluation set: {metric: [one value per round]}}."""

from __future__ import annotations

from typing import Any

from justright.logs.logged_run import LoggedRun
from justright.logs.points import is_listed, listed_points, run_of_points
from justright.logs.source import LogFormat, Source

# Names that boosting libraries give the training table among evaluation sets.
TRAINING_SETS = frozenset({"train", "training", "dtrain", "learn"})


def _matches(source: Source) -> bool:
    value = source.value
    return isinstance(value, dict) and bool(value) and all(map(is_listed, value.values()))


def _read(source: Source) -> list[LoggedRun]:
    """Return the run: metrics of the training set, and of the last other set as validation."""
    sets: dict[str, dict[str, Any]] = source.value
    train, validation, notes = _roles(list(sets))
    lists = {
        prefix + name: values
        for role, prefix in ((train, ""), (validation, "val_"))
        if role is not None
        for name, values in sets[role].items()
    }
    return [run_of_points(source.name, listed_points(source.name, lists), notes)]


def _roles(names: list[str]) -> tuple[str | None, str | None, tuple[str, ...]]:
    """Return which evaluation set is training and which validation, with sentences about what was assumed."""
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


EVALS_RESULT = LogFormat("evals-result", "XGBoost's or LightGBM's evals_result as JSON", _read, _matches)
