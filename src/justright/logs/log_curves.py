"""The curves of a run that another tool trained."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal, Self

import numpy as np

from justright.logs.choices import NO_CHOICES, Choices
from justright.logs.logged_run import LoggedRun, Role, Unit
from justright.logs.metric_names import Direction, direction_of, is_loss, parse_name
from justright.statistics.crossed import Floats


@dataclass(frozen=True, slots=True, eq=False)
class Curve:
    """One metric, measured on one set of rows.

    Shape:
        at: (points,), increasing, in the run's unit. values: (points,); NaN was measured, and is no number.

    Args:
        written: its name in the log.
        metric: the metric in Keras' words.
        role: the rows.
        set: name of the evaluation set; empty if it is the only one of its role.
        direction: whether less or more is better; None if unknown.
        is_loss: whether it is a loss, or an error that falls as one does.
    """

    written: str
    metric: str
    role: Role
    set: str
    at: Floats
    values: Floats
    direction: Direction | None
    is_loss: bool


@dataclass(frozen=True, slots=True, eq=False)
class LogCurves:
    """The curves of one run.

    Args:
        name: the run's name: the file or folder it came from.
        format: name of the registered format that read it.
        curves: in the order of the log.
        unit: what `at` counts.
        epochs: step -> epoch, where a log of steps tells.
        notes: what had to be assumed, one sentence each.
        checkpoints: when -> name of a checkpoint.
        member, group, is_earlier, tool: see `LoggedRun`.
    """

    name: str
    format: str
    curves: tuple[Curve, ...]
    unit: Unit = "epoch"
    epochs: Mapping[float, float] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    checkpoints: Mapping[float, str] = field(default_factory=dict)
    member: str = ""
    group: str = ""
    is_earlier: bool = False
    tool: Literal["", "network", "trees"] = ""

    @classmethod
    def of_run(cls, run: LoggedRun, format_name: str, choices: Choices = NO_CHOICES) -> Self:
        """Return the curves of a logged run, with what its names and its reader say about them.

        Raises:
            InputError: a name among the choices is not in the log.
        """
        curves = []
        for one in run.series:
            named = parse_name(one.written)
            metric = one.metric or named.metric
            last = dict(zip(one.at, one.values, strict=True))  # of several values at one time the last
            at = sorted(last)
            curves.append(
                Curve(
                    one.written,
                    metric,
                    one.role or named.role or "train",
                    named.set if one.set is None else one.set,
                    np.array(at, dtype=np.float64),
                    np.array([last[when] for when in at], dtype=np.float64),
                    one.direction or direction_of(metric),
                    is_loss(metric),
                )
            )
        return cls(
            run.name,
            format_name,
            tuple(curves),
            run.unit,
            run.epochs,
            run.notes,
            run.checkpoints,
            run.member,
            run.group,
            run.is_earlier,
            run.tool,
        )

    def evaluation_sets(self) -> tuple[tuple[Role, str], ...]:
        """Return (role, set) of everything but training that was measured, in the order in which it is judged."""
        found = dict.fromkeys((one.role, one.set) for one in self.curves if one.role != "train")
        return tuple(sorted(found, key=lambda pair: pair[0] == "test"))

    def of_set(self, role: Role, set_name: str = "") -> Iterator[Curve]:
        """Yield the curves on one set of rows."""
        return (one for one in self.curves if one.role == role and one.set == set_name)

    def train_curve(self, curve: Curve) -> Curve | None:
        """Return the same metric on training rows, if it was logged."""
        return next((one for one in self.curves if one.role == "train" and one.metric == curve.metric), None)

    def judged_first(self, role: Role, set_name: str = "") -> tuple[Curve, ...]:
        """Return the curves that the verdict on a set of rows is about: the loss, or its parts where only they were logged."""
        return tuple(one for one in self.of_set(role, set_name) if one.is_loss)[:1]
