"""What trackers keep of a run without a network: lines as Comet, ClearML and Neptune write them."""

from __future__ import annotations

import json

import pytest

from justright.logs.formats.registry import read_logs

TRAIN = [0.7, 0.6, 0.5]
VALIDATION = [0.72, 0.65, 0.66]
EPOCHS = list(enumerate(zip(TRAIN, VALIDATION, strict=True)))


def comet():
    """Return messages.json: settings, then a line for each value."""
    setting = {"param": {"paramName": "lr", "paramValue": 0.1, "step": None}}
    lines = [{"type": "parameter_msg", "payload": setting}]
    for epoch, values in EPOCHS:
        for context, value in zip(("train", "validate"), values, strict=True):
            metric = {"metricName": "loss", "metricValue": value, "step": epoch * 10, "epoch": epoch}
            lines.append({"type": "metric_msg", "payload": {"context": context, "metric": metric}})
    return lines


def clearml():
    """Return metrics.jsonl: a list of values on each line, as they were flushed."""
    about = {"type": "training_stats_scalar", "metric": "loss", "timestamp": 1, "task": "t"}
    return [
        [
            {**about, "variant": name, "iter": epoch, "value": value}
            for name, value in zip(("train", "val"), values, strict=True)
        ]
        for epoch, values in EPOCHS
    ]


def neptune():
    """Return data-1.log: values without a step, and what else a run sets."""
    lines = [{"obj": {"type": "AssignString", "path": ["sys", "name"], "value": "run"}, "version": 1}]
    for _, values in EPOCHS:
        for rows, value in zip(("train", "val"), values, strict=True):
            logged = [{"value": value, "step": None, "ts": 1.5}]
            lines.append(
                {"obj": {"type": "LogFloats", "path": [rows, "loss"], "values": logged}, "version": 2}
            )
    return lines


@pytest.mark.parametrize(
    ("lines", "names", "unit"),
    [
        (comet(), ["train_loss", "validate_loss"], "step"),
        (clearml(), ["loss/train", "loss/val"], "epoch"),
        (neptune(), ["train/loss", "val/loss"], "epoch"),
    ],
    ids=["comet", "clearml", "neptune"],
)
@pytest.mark.parametrize("end", ["\n", '\n{"type": "met'], ids=["whole", "half-written"])
def test_values_are_put_together_by_their_names(tmp_path, lines, names, unit, end):
    """With the rows that each is of, and what its steps count."""
    path = tmp_path / "data-1.log"
    path.write_text("\n".join(map(json.dumps, lines)) + end)
    (run,) = read_logs(path).curves
    assert {curve.written: list(curve.values) for curve in run.curves} == dict(
        zip(names, (TRAIN, VALIDATION), strict=True)
    )
    assert [curve.role for curve in run.curves] == ["train", "validation"]
    assert (run.format, run.unit) == ("value-records", unit)
