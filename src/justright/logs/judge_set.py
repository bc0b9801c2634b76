"""The label of one evaluation set: what its loss, and the metrics beside it, say together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from justright.logs.log_curves import Curve, LogCurves
from justright.logs.logged_run import Role
from justright.logs.read_metric import ReadCurve, read_metric
from justright.logs.run_reading import CurveLabel, MetricReading
from justright.logs.thresholds import (
    DEAREST_ERROR,
    FEW_SPIKES,
    FLAT_SHARE,
    LEAST_PENALTY,
    MANY_SPIKES,
    MATERIAL_SHARE,
    SATURATED,
    SHARED_RISE,
)
from justright.statistics.intervals import DEFAULT_LEVEL, student_quantile
from justright.statistics.jitter import slope_fall_of
from justright.statistics.turns import FEWEST_POINTS, Change

LAST_QUARTER = 0.25  # of a run: over which `MetricReading.gain` is measured
END_VALUES = 5
# Labels from the most to the least urgent: of parts of one loss, the most urgent is that of the set.
URGENCY: tuple[CurveLabel, ...] = (
    *("diverged", "overfits", "overfits by loss only", "unstable", "still improving", "undecided", "flat"),
    "too short",
)
# By these, networks for segmentation and detection are ranked, whatever accuracies stand before them.
RANKED_BY = frozenset({"mean_iou", "map"})
Cause = Literal[
    "",
    "train not finite",
    "validation not finite",
    "grew beyond its start",
    "train rose too",
    "spikes",
    "penalty",
]


@dataclass(frozen=True, slots=True)
class SetJudgement:
    """The label of one evaluation set, and what it rests on.

    Args:
        role, set: which rows.
        label: the label.
        judged: what it is about.
        others: the other metrics.
        ranking: of the others, the one that says whether answers still get better: accuracy, AUC and the like; None if there
            is none.
        cause: why it is diverged or unstable.
        not_finite_at: when validation stopped being a finite number for good; None if it did not.
        parts: names of the parts of the loss with their labels, where only they were logged; otherwise none.
    """

    role: Role
    set: str
    label: CurveLabel
    judged: MetricReading
    others: tuple[MetricReading, ...]
    ranking: MetricReading | None
    cause: Cause = ""
    not_finite_at: float | None = None
    parts: tuple[tuple[str, CurveLabel], ...] = ()


def judge_set(curves: LogCurves, role: Role, set_name: str, *, sets: int = 1) -> SetJudgement | None:
    """Return the label of an evaluation set; None if none of its metrics was ever measured as a finite number.

    Args:
        curves: of the run.
        role: the rows.
        set_name: the set of that role.
        sets: how many of the run there are: their labels hold together.
    """
    measured = [
        one
        for one in curves.of_set(role, set_name)
        if one.direction is not None and np.isfinite(one.values).any()
    ]
    if not measured:
        return None
    candidates = [one for one in curves.judged_first(role, set_name) if one in measured] or [
        _leading(measured)
    ]
    read = {
        one: read_metric(
            one, curves.train_curve(one.metric), curves=sets * (len(candidates) if one in candidates else 1)
        )
        for one in measured
    }
    losses = [read[one] for one in candidates]
    ranking = _ranking([read[one] for one in measured if one.direction == "more" and one not in candidates])
    is_trees = curves.tool == "trees"
    labelled = [(one, *_label(one, ranking, is_trees=is_trees)) for one in losses]
    judged, label, cause = min(labelled, key=lambda found: URGENCY.index(found[1]))
    if label == "still improving" and ranking is not None and holds_penalty(judged, ranking):
        judged, (label, _), cause = ranking, _label(ranking, None, is_trees=is_trees), "penalty"
    turned_at = judged.reading.best_at if label.startswith("overfits") else None
    readings = {one: with_improvement(one, turned_at) for one in read.values()}
    return SetJudgement(
        role,
        set_name,
        label,
        readings[judged],
        tuple(reading for one, reading in readings.items() if one is not judged),
        None if ranking is None else readings[ranking],
        cause,
        judged.curve.not_finite_since(),
        tuple((one.curve.written, found) for one, found, _ in labelled) if len(labelled) > 1 else (),
    )


def with_improvement(one: ReadCurve, turned_at: float | None) -> MetricReading:
    """Return a reading that says whether its metric improved to the end of the run.

    Args:
        one: any metric of a set.
        turned_at: when the judged loss of the set was best, if it overfits.
    """
    reading = one.reading
    if reading.gain is None or reading.since is not None:
        return reading
    middle = _middle(reading)
    if reaches_new_best(one.curve) and (reading.gain.low > 0 or still_improves(one, since=middle)):
        return replace(reading, improved_since=middle)
    if turned_at is not None and one.curve.direction == "more" and still_improves(one, since=turned_at):
        return replace(reading, improved_since=turned_at)
    return reading


def _ranking(metrics: Sequence[ReadCurve]) -> ReadCurve | None:
    """Return the metric that says whether answers get better: accuracy before others."""
    return next((one for one in metrics if "accuracy" in one.curve.metric), metrics[0] if metrics else None)


def holds_penalty(loss: ReadCurve, ranking: ReadCurve) -> bool:
    """Return whether training loss is more than the errors on training rows can cost, at the end.

    A penalty (L2) in it, or label smoothing, falls or stays by itself: then accuracy says how training goes.
    """
    if loss.train is None or ranking.train is None or "accuracy" not in ranking.train.metric:
        return False
    ends = [one.finite()[1][-END_VALUES:] for one in (loss.train, ranking.train)]
    if not all(map(len, ends)):
        return False
    cost, share = (float(np.median(one)) for one in ends)
    share = share / 100 if share > 1 else share
    return share >= SATURATED and cost > DEAREST_ERROR * (1 - share) + LEAST_PENALTY


def _leading(measured: Sequence[Curve]) -> Curve:
    """Return the metric that a verdict is about where there is no loss: what the field ranks by, else the first that ever changes."""
    moving = [one for one in measured if len(np.unique(one.finite()[1])) > 1] or list(measured)
    return min(moving, key=lambda one: one.metric not in RANKED_BY)


def material(reading: MetricReading) -> float:
    """Return the least change of a metric that matters."""
    return MATERIAL_SHARE * abs(reading.best)


def _label(one: ReadCurve, ranking: ReadCurve | None, *, is_trees: bool) -> tuple[CurveLabel, Cause]:
    """Return the label by one curve, and why it is diverged or unstable.

    Trees fit their training rows ever better: a loss on other rows that grows beyond its start shows that they overfit.
    """
    curve, train, reading = one.curve, one.train, one.reading
    if train is not None and train.not_finite_since() is not None:
        return "diverged", "train not finite"
    broke_off = curve.not_finite_since() is not None
    if broke_off and train is None:
        return "diverged", "validation not finite"
    if has_exploded(curve, train) and not (is_trees and train is None):
        return "diverged", "grew beyond its start"
    if reading.worsening is None or reading.gain is None:
        return "too short", ""
    if reading.worsening.low > 0 and reading.worsening.value > material(reading):
        if _has_train_risen(reading):
            return "unstable", "train rose too"
        is_better = ranking is not None and still_improves(ranking, since=reading.best_at)
        return ("overfits by loss only" if is_better else "overfits"), ""
    if broke_off:
        return "undecided", "validation not finite"
    return _label_without_rise(one, reading.worsening, reading.gain)


def _label_without_rise(one: ReadCurve, rise: Change, gain: Change) -> tuple[CurveLabel, Cause]:
    reading, new_low = one.reading, reaches_new_best(one.curve)
    if (
        new_low
        and gain.value > material(reading)
        and (gain.low > 0 or still_improves(one, since=_middle(reading)))
    ):
        return "still improving", ""
    if len(reading.spikes) > max(FEW_SPIKES, MANY_SPIKES * reading.points):
        return "unstable", "spikes"
    limit = FLAT_SHARE * abs(reading.best)
    is_flat = rise.high <= limit and (gain.high <= limit or not new_low)
    return ("flat" if is_flat else "undecided"), ""


def _middle(reading: MetricReading) -> float:
    return (reading.first_at + reading.last_at) / 2


def reaches_new_best(curve: Curve) -> bool:
    """Return whether a metric ended better than ever before its last quarter, by as much as matters.

    A curve that only comes back to where it was improves nothing. Of each three values the middle one, so that no spike decides.
    """
    _, values = curve.badness()
    level = np.median(np.lib.stride_tricks.sliding_window_view(values, 3), axis=1)
    before = level[: max(len(level) - max(round(LAST_QUARTER * len(values)), 1), 1)]
    return bool(level[-1] < before.min() - MATERIAL_SHARE * abs(before.min()))


def has_exploded(curve: Curve, train: Curve | None) -> bool:
    """Return whether a loss ended far above its start, as that of training did: farther than it ever fell below it."""
    return all(one is None or _ends_above_start(one) for one in (curve, train))


def _ends_above_start(curve: Curve) -> bool:
    _, values = curve.finite()
    if len(values) < 3 or curve.direction != "less":
        return False
    # Of three values the middle one, so that no single spike decides.
    start, end = float(np.median(values[:3])), float(np.median(values[-3:]))
    fallen = start - float(values.min())
    return end - start > max(fallen, abs(start))


def _has_train_risen(reading: MetricReading) -> bool:
    if reading.train_change is None or reading.worsening is None:
        return False
    worse = reading.train_change if reading.direction == "less" else -reading.train_change
    return worse >= SHARED_RISE * reading.worsening.value


def still_improves(one: ReadCurve, *, since: float) -> bool:
    """Return whether a metric surely became better after a time, by as much as matters, and did not fall back.

    By the line through its values since then, whose error takes their correlation as it was estimated. That is less careful than
    `find_turn`, which guards against any correlation: this decides between labels that ask for no harm, not whether to raise an alarm.
    """
    at, badness = one.curve.badness()
    length, back = int((at >= since).sum()), one.own_rise
    if length < FEWEST_POINTS or back is None:
        return False
    fall = slope_fall_of(badness, length)
    reach = float(student_quantile(fall.freedom, DEFAULT_LEVEL)) * fall.variance**0.5
    least = MATERIAL_SHARE * float(np.abs(badness[-length:]).min())
    return fall.mean - reach > 0 and fall.mean > least and not (back.low > 0 and back.value > least)


def most_urgent(judgements: Sequence[SetJudgement]) -> SetJudgement:
    """Return the judgement with the most urgent label; of several the first."""
    return min(judgements, key=lambda one: URGENCY.index(one.label))
