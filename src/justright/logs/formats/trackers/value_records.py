"""What Comet, ClearML and Neptune keep of a run without a network: a record, or a list of them, on each line, one value in each."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from justright.logs.formats.json_shapes.json_numbers import to_number
from justright.logs.formats.trackers.counters import check_points, count_steps
from justright.logs.logged_run import LoggedRun, Series
from justright.logs.source import LogFormat, Source

HEAD_LINES = 50  # looked at to know the tool; Comet and Neptune begin with settings


@dataclass(frozen=True, slots=True)
class _Value:
    """One value: of what, how much, and when as far as it was said."""

    name: str
    value: float
    step: float | None
    epoch: float | None = None


def _values_of(record: Mapping[str, Any]) -> list[_Value]:
    """Return what a record holds; nothing if it is none of these tools', or about something else."""
    found: list[tuple[Any, Any, Any, Any]] = []
    match record:
        case {"type": "metric_msg", "payload": {"metric": dict(metric), **rest}}:  # Comet
            context = rest.get("context")
            name = f"{context}_{metric.get('metricName')}" if context else metric.get("metricName")
            found = [(name, metric.get("metricValue"), metric.get("step"), metric.get("epoch"))]
        case {"type": "training_stats_scalar", "metric": metric, "variant": variant}:  # ClearML
            found = [(f"{metric}/{variant}", record.get("value"), record.get("iter"), None)]
        case {"obj": {"type": "LogFloats", "path": list(path), "values": list(values)}}:  # Neptune
            name = "/".join(map(str, path))
            found = [
                (name, one.get("value"), one.get("step"), None) for one in values if isinstance(one, dict)
            ]
    return [
        _Value(str(name), number, to_number(step), to_number(epoch))
        for name, value, step, epoch in found
        if name and (number := to_number(value)) is not None
    ]


def _records(text: str) -> Iterator[Mapping[str, Any]]:
    """Yield the records on each line; the last one may be half-written."""
    for line in text.splitlines():
        if line.startswith(("{", "[")):
            try:
                read = json.loads(line)
            except (ValueError, RecursionError):
                continue
            yield from (one for one in (read if isinstance(read, list) else [read]) if isinstance(one, dict))


def _matches(source: Source) -> bool:
    head = "\n".join(source.text.split("\n", HEAD_LINES)[:HEAD_LINES])
    return any(word in head for word in ('"metric_msg"', '"training_stats_scalar"', '"LogFloats"')) and any(
        map(_values_of, _records(head))
    )


def _read(source: Source) -> Iterator[LoggedRun]:
    """Yield the run; values without a step are counted."""
    series: dict[str, Series] = {}
    epochs = Series("epoch", [], [])
    for line, record in enumerate(_records(source.text)):
        for value in _values_of(record):
            one = series.setdefault(value.name, Series(value.name, [], []))
            at = float(len(one.at)) if value.step is None else value.step
            one.add(at, value.value, line)
            if value.epoch is not None:
                epochs.add(at, value.epoch, line)
        check_points(line, source.name)
    counted = count_steps(
        [*series.values(), *([epochs] if epochs.at else [])], epoch_name=source.choices.epoch
    )
    yield LoggedRun(source.name, counted.series, counted.unit, counted.epochs, counted.notes, tool="network")


VALUE_RECORDS = LogFormat(
    "value-records", "what Comet, ClearML or Neptune keep of a run without a network", _read, _matches
)
