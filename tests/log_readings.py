"""Readings of logs made by hand: one for each label, and those that are hard to show."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from justright.logs.log_curves import Curve, LogCurves
from justright.logs.logged_run import Role
from justright.logs.run_reading import (
    Advice,
    CurveLabel,
    Finding,
    Keep,
    MetricReading,
    RunReading,
    SetReading,
)
from justright.statistics.turns import Change

EPOCHS = 90
GRID = np.arange(EPOCHS, dtype=float)
FALLING = 0.2 + 0.8 * np.exp(-GRID / 25)
COURSES: dict[CurveLabel, np.ndarray] = {
    "overfits": np.where(GRID < 30, 0.6 + 0.4 * np.exp(-GRID / 8), 0.6 + 0.01 * (GRID - 30)),
    "overfits by loss only": np.where(GRID < 30, 0.6 + 0.4 * np.exp(-GRID / 8), 0.6 + 0.004 * (GRID - 30)),
    "still improving": 0.3 + 0.7 * np.exp(-GRID / 40),
    "flat": 0.6 + 0.4 * np.exp(-GRID / 8),
    "diverged": np.where(GRID < 60, 0.6 + 0.4 * np.exp(-GRID / 8), np.nan),
    "unstable": 0.6 + 0.4 * np.exp(-GRID / 8) + 0.5 * (GRID % 13 == 5),
    "undecided": 0.6 + 0.4 * np.exp(-GRID / 8) + 0.02 * np.sin(GRID),
}
# What would end, colour or reorder something where it is shown.
HOSTILE = "a\x1b[31m|`<script>alert(1)</script>\u202e[x](http://e.x)*_#" + "\u05d0\u05d1\u05d2" + "long " * 40


def make_curve(
    values: np.ndarray,
    role: Role = "validation",
    *,
    metric: str = "loss",
    set_name: str = "",
    at: np.ndarray | None = None,
) -> Curve:
    """Return a curve of one metric."""
    prefix = {"train": "", "validation": "val_", "test": "test_"}[role]
    written = f"{prefix}{set_name + '_' if set_name else ''}{metric}"
    is_loss = "acc" not in metric
    at = np.arange(len(values), dtype=float) if at is None else at
    return Curve(written, metric, role, set_name, at, values, "less" if is_loss else "more", is_loss)


def make_metric(
    curve: Curve, train: Curve | None = None, *, since: tuple[float, float] | None = None
) -> MetricReading:
    """Return the reading of a curve's values; whether it worsened is what `since` says."""
    is_finite = np.isfinite(curve.values)
    at, values = curve.at[is_finite], curve.values[is_finite]
    sign = -1.0 if curve.direction == "more" else 1.0
    best = int((sign * values).argmin())
    rise = sign * float(values[-1] - values[best])
    is_long = len(values) >= 5
    return MetricReading(
        curve.metric,
        curve.written,
        curve.direction,
        len(values),
        float(at[0]),
        float(at[-1]),
        float(at[best]),
        float(values[best]),
        float(values[-1]),
        None if train is None else train.written,
        None if train is None else float(train.values[-1]),
        Change(rise, rise - 0.02, rise + 0.02) if is_long else None,
        since,
        Change(0.0, -0.01, 0.01) if is_long else None,
        (),
        None if train is None else float(train.values[-1] - train.values[best]),
    )


def make_run(
    label: CurveLabel = "overfits",
    *,
    name: str = "metrics.csv",
    sets: Sequence[str] = ("",),
    courses: Mapping[str, np.ndarray] | None = None,
    has_training: bool = True,
    is_earlier: bool = False,
    members: tuple[RunReading, ...] = (),
    hostile: str = "",
) -> RunReading:
    """Return a reading of a run that has a label; of several evaluation sets each has its own curve.

    `hostile` is a text put wherever a log can put one.
    """
    values = COURSES.get(label, COURSES["flat"][:3])
    train = make_curve(FALLING[: len(values)], "train")
    train_accuracy = make_curve(1 - FALLING[: len(values)] / 2, "train", metric="accuracy")
    since = (31.0, 36.0) if label.startswith("overfits") else None
    curves, readings = ([train, train_accuracy] if has_training else []), []
    for number, set_name in enumerate(sets):
        own = values + 0.05 * number if courses is None else courses[set_name]
        loss = make_curve(own, set_name=set_name)
        accuracy = make_curve(1 - own / 2, set_name=set_name, metric="accuracy")
        curves += [loss, accuracy]
        readings.append(
            SetReading(
                "validation",
                set_name,
                f"validation: {set_name}" if set_name else "validation",
                label,
                make_metric(loss, train if has_training else None, since=since),
                (make_metric(accuracy, train_accuracy if has_training else None),),
                f"Validation loss was best at epoch 30, and the label is {label}.{hostile}",
            )
        )
    return RunReading(
        name=hostile or name,
        format="keras-csv",
        label=label,
        sentence=f"Validation loss was lowest at epoch 30 (0.600) and ended at 1.190, 0.59 [0.57, 0.61] higher.{hostile}",
        unit="epoch",
        sets=tuple(readings),
        findings=(
            Finding(
                "JR101", f"Validation loss rises since epoch 31 to 36 while training loss falls.{hostile}"
            ),
            Finding("JR204", "Accuracy does not change.", readings[0].title if readings else ""),
        ),
        advice=(
            Advice(
                f"Keep the state of epoch 30.{hostile}",
                "measured in this log",
                f"cp checkpoint-30 best{hostile}",
            ),
            Advice("Stop when validation loss has not improved for 10 epochs.", "general"),
        ),
        keep=Keep(30.0, 0.6, "checkpoint-30", 30.0),
        notes=(f"Epochs are counted from 0.{hostile}",),
        members=members,
        is_earlier=is_earlier,
        curves=LogCurves(hostile or name, "keras-csv", tuple(curves), "epoch"),
    )


def train_only() -> RunReading:
    """Return the reading of a log that holds nothing but a training loss."""
    from dataclasses import replace

    run = make_run("undecided", sets=(), name="train-only.csv")
    return replace(
        run, sentence="Only training rows were logged, which say nothing about overfitting.", keep=None
    )


def all_labels() -> list[RunReading]:
    """Return one run for each label."""
    return [make_run(label, name=f"{label}.csv") for label in (*COURSES, "too short")]


SIX_SETS = ("cola", "mnli", "mrpc", "qnli", "stsb", "wnli")


def every_kind() -> dict[str, list[RunReading]]:
    """Return lists of runs as outputs get them, by what is special about each."""
    folds = tuple(make_run(name=f"fold {number}") for number in range(5))
    return {
        **{run.label: [run] for run in all_labels()},
        "six sets": [make_run(sets=SIX_SETS)],
        "three sets": [make_run("flat", sets=SIX_SETS[:3])],
        "folds": [make_run(name="cv", members=folds)],
        "train only": [train_only()],
        "several runs": [*all_labels(), make_run(name="attempt 1", is_earlier=True)],
        "one run with earlier attempts": [make_run(), make_run("flat", name="attempt 1", is_earlier=True)],
        "hostile": [make_run(hostile=HOSTILE)],
        "hostile runs": [make_run(hostile=HOSTILE), make_run("flat", hostile=HOSTILE)],
    }
