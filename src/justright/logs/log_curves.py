"""The curves of a run that another tool trained."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Literal, Self

import numpy as np

from justright.logs.choices import NO_CHOICES, Choices
from justright.logs.logged_run import LoggedRun, Role, Unit
from justright.logs.metric_names import Direction, is_loss
from justright.logs.names.metric_words import PARTS
from justright.logs.names.name_roles import name_series
from justright.logs.names.named_series import NamedSeries, listed
from justright.statistics.crossed import Floats

# Losses that hold no penalty in any tool we know, the one nearest to what was trained; of Keras' 'loss' that cannot be known.
CROSS_ENTROPIES = frozenset(
    [
        "binary_crossentropy",
        "categorical_crossentropy",
        "sparse_categorical_crossentropy",
        "crossentropy",
        "logloss",
        "binary_logloss",
        "multi_logloss",
        "mlogloss",
        "bce",
        "ce",
        "nll",
    ]
)
# Losses that no prediction makes negative, as a likelihood of densities or an ELBO may be.
NEVER_NEGATIVE = re.compile(
    r"cross_?entropy|log_?loss|(?:^|_)(?:rmse|mse|mae|mape|rmsle|msle|smape)(?:_|$)|squared|absolute|pinball|quantile|hinge"
)
TURNED = "The sign of {names} was turned: it is negative throughout, as tools write losses of which more is to be better."
WHOLE_LOSSES = frozenset(("loss", "total_loss", "loss_total", "crossentropy_loss", "ce_loss", "nll_loss"))


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

    def finite(self) -> tuple[Floats, Floats]:
        """Return times and values of what was measured as a finite number, (finite points,) each."""
        is_finite = np.isfinite(self.values)
        return self.at[is_finite], self.values[is_finite]

    def badness(self) -> tuple[Floats, Floats]:
        """Return the same, with values turned so that less is better."""
        at, values = self.finite()
        return at, -values if self.direction == "more" else values

    def not_finite_since(self) -> float | None:
        """Return when it stopped being a finite number for good; None if its last value is one, or if it has none at all."""
        if len(self.at) == 0 or np.isfinite(self.values[-1]):
            return None
        finite = np.flatnonzero(np.isfinite(self.values))
        return float(self.at[finite[-1] + 1 if len(finite) else 0])


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
        chosen_metric: the metric that the user wants judged; empty if it is the loss.
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
    chosen_metric: str = ""

    @classmethod
    def of_run(cls, run: LoggedRun, format_name: str, choices: Choices = NO_CHOICES) -> Self:
        """Return the curves of a logged run, with what its names and its reader say about them.

        Raises:
            InputError: a name among the choices is not in the log.
        """
        named = name_series(run.series, choices)
        turned = [one for one in named.series if _is_turned(one)]
        for one in turned:
            one.series = replace(one.series, values=[-value for value in one.series.values])
        notes = (TURNED.format(names=listed([one.written for one in turned])),) if turned else ()
        return cls(
            run.name,
            format_name,
            tuple(_curve(one) for one in named.series),
            run.unit,
            run.epochs,
            (*run.notes, *named.notes, *notes),
            run.checkpoints,
            run.member,
            run.group,
            run.is_earlier,
            run.tool,
            named.metric,
        )

    def evaluation_sets(self) -> tuple[tuple[Role, str], ...]:
        """Return (role, set) of everything but training that was measured, in the order in which it is judged."""
        found = dict.fromkeys((one.role, one.set) for one in self.curves if one.role != "train")
        return tuple(sorted(found, key=lambda pair: pair[0] == "test"))

    def of_set(self, role: Role, set_name: str = "") -> Iterator[Curve]:
        """Yield the curves on one set of rows."""
        return (one for one in self.curves if one.role == role and one.set == set_name)

    def named(self, written: str, role: Role, set_name: str = "") -> Curve:
        """Return the curve on one set of rows that the log calls so; there must be one."""
        return next(one for one in self.of_set(role, set_name) if one.written == written)

    def losses_of(self, role: Role, set_name: str = "") -> list[Curve]:
        """Return the losses on one set of rows in the order in which they are judged, or the metric that the user chose.

        A cross-entropy comes before 'loss', which may hold penalties, and both before other losses and parts of one; the
        parts themselves if there is no whole, as Ultralytics logs box, class and distribution losses.
        """
        if self.chosen_metric:
            return [one for one in self.of_set(role, set_name) if one.metric == self.chosen_metric]
        return sorted((one for one in self.of_set(role, set_name) if one.is_loss), key=loss_rank)

    def judged_first(self, role: Role, set_name: str = "") -> list[Curve]:
        """Return the curves that the verdict on a set of rows is about: one, or all parts of a loss if only they were logged."""
        losses = self.losses_of(role, set_name)
        parts = [one for one in losses if loss_rank(one) == PART_RANK and "loss" in one.metric]
        return parts if len(parts) == len(losses) and not self.chosen_metric else losses[:1]

    def train_curve(self, metric: str) -> Curve | None:
        """Return the same metric on training rows, if it was logged, or the one loss that goes with it under another name."""
        training = [one for one in self.curves if one.role == "train"]
        same = next((one for one in training if one.metric == metric), None)
        if same is not None or not is_loss(metric):
            return same
        losses = {one.metric for one in self.curves if one.role != "train" and one.is_loss}
        alone = losses - {one.metric for one in training}
        others = sorted((one for one in training if one.is_loss and one.metric not in losses), key=loss_rank)
        return others[0] if alone == {metric} and others else None


PART_RANK = 3


def loss_rank(curve: Curve) -> int:
    """Return a loss's place: cross-entropies without penalties, the loss as trained, other losses, parts of a loss."""
    words = set(curve.metric.split("_"))
    if curve.metric in CROSS_ENTROPIES:
        return 0
    if curve.metric in WHOLE_LOSSES:
        return 1
    return PART_RANK if words & PARTS else 2


def _is_turned(one: NamedSeries) -> bool:
    """Return whether a loss that cannot be negative is so throughout: AutoGluon and scorers turn its sign, so that more is better."""
    if one.series.direction or one.direction != "less" or not NEVER_NEGATIVE.search(one.metric):
        return False
    values = [value for value in one.series.values if math.isfinite(value)]
    return bool(values) and max(values) <= 0 and min(values) < 0


def _curve(one: NamedSeries) -> Curve:
    at = np.array(one.series.at, dtype=np.float64)
    values = np.array(one.series.values, dtype=np.float64)
    if len(at) > 1 and not (np.diff(at) > 0).all():
        order = np.argsort(at, kind="stable")
        is_last = np.append(np.diff(at[order]) > 0, True)  # of several values at one time the last
        at, values = at[order][is_last], values[order][is_last]
    return Curve(
        one.written,
        one.metric,
        one.role or "train",
        one.set,
        at,
        values,
        one.series.direction or one.direction,
        one.is_loss,
    )
