"""What a log holds, before anything is made of it: series of numbers under the names they were logged by.

Every format returns `LoggedRun`s; nothing in them is interpreted but what only the format knows. Plain Python, so that help
texts are quick.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

# On which rows a metric was measured. Test rows did not decide anything while the network was trained.
Role = Literal["train", "validation", "test"]
# What a run counts its measurements by: as printed, in the singular.
Unit = Literal["epoch", "step", "iteration", "evaluation"]


@dataclass(slots=True)
class Series:
    """One metric of a log, in the order in which it was logged.

    Args:
        written: its name in the log.
        at: when each value was measured, in the run's unit; it may step back where a run was resumed or started again.
        values: what was measured, NaN and infinities as they were logged; what was not measured is left out.
        lines: line or event of the log that holds each value, rising; empty where all series lie side by side, as columns
            of a JSON history, so that `at` is the order.
        role, set, metric: rows it was measured on, name of the evaluation set among those of its role, and metric, where
            the format knows them; otherwise the name tells (`metric_names`).
        direction: whether less or more is better, where the log says so.
    """

    written: str
    at: list[float]
    values: list[float]
    lines: list[int] = field(default_factory=list)
    role: Role | None = None
    set: str | None = None
    metric: str | None = None
    direction: Literal["less", "more"] | None = None

    def add(self, at: float, value: float, line: int | None = None) -> None:
        """Append what was measured at one time, and the line that holds it, if all lines are kept."""
        self.at.append(at)
        self.values.append(value)
        if line is not None:
            self.lines.append(line)


@dataclass(frozen=True, slots=True)
class LoggedRun:
    """One run of a log.

    Args:
        name: its name: the file or folder it came from.
        series: what was logged.
        unit: what `at` of all series counts.
        epochs: step -> epoch, where a log of steps tells.
        notes: what had to be assumed, one sentence each.
        checkpoints: when -> name of the checkpoint that was saved then, as the log or its folder names it; NaN -> the one that its
            tool called the best, if that is all there is.
        member: which fold or seed of one experiment this run is, such as 'fold 0'; empty if it is a run of its own.
        group: what the members of one experiment share: they are pooled.
        is_earlier: whether a later run in the same log took its place, as after a restart.
        tool: what kind of learner wrote it, if the log tells: advice differs between networks and boosted trees.
    """

    name: str
    series: Sequence[Series]
    unit: Unit = "epoch"
    epochs: Mapping[float, float] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    checkpoints: Mapping[float, str] = field(default_factory=dict)
    member: str = ""
    group: str = ""
    is_earlier: bool = False
    tool: Literal["", "network", "trees"] = ""
