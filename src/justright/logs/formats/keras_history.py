"""Keras' `History.history`, saved as JSON: {metric: [one value per epoch]}."""

from __future__ import annotations

from typing import Any

from justright.logs.logged_run import LoggedRun
from justright.logs.points import is_listed, listed_points, metric_name, run_of_points
from justright.logs.source import LogFormat, Source


def _unwrap(value: Any) -> Any:  # noqa: ANN401  # parsed JSON is anything
    """Return the value of 'history' if a tool saved more than the metrics, else the whole."""
    return value["history"] if isinstance(value, dict) and isinstance(value.get("history"), dict) else value


def _read(source: Source) -> list[LoggedRun]:
    lists = {metric_name(name): values for name, values in _unwrap(source.value).items()}
    return [run_of_points(source.name, listed_points(source.name, lists))]


KERAS_HISTORY = LogFormat(
    "keras-history",
    "a Keras History as JSON",
    _read,
    lambda source: is_listed(_unwrap(source.value)),
)
