"""The words for what a training log says: labels, values as they were logged, times, and what each metric did."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from types import MappingProxyType

from justright.diagnosis.labels import Label
from justright.logs.run_reading import MetricReading, RunReading, SetReading
from justright.report.number_formats import MISSING, format_interval, format_loss, format_metric, metric_words
from justright.statistics.turns import Change

MOST_NAME = 80  # characters of a name in a headline: the end of a path, which tells runs apart
# Curves cannot show that a network is just right: none of their labels is good news without reserve.
LOG_LABELS: Mapping[str, Label] = MappingProxyType(
    {
        one.name: one
        for one in (
            Label(
                "overfits",
                "↑",
                "validation grew worse while training went on getting better",
                "overfits",
                "overfit",
                "bad",
            ),
            Label(
                "overfits by loss only",
                "↑",
                "the loss grew worse, the metric did not: confidence suffers, not the ranking",
                "overfits by loss only",
                "overfit by loss only",
                "warning",
            ),
            Label(
                "still improving",
                "↓",
                "validation was still getting better when the log ends",
                "is still improving",
                "are still improving",
                "warning",
            ),
            Label(
                "flat", "=", "validation has settled: neither better nor worse", "is flat", "are flat", "good"
            ),
            Label("diverged", "×", "training itself went wrong", "diverged", "diverged", "broken"),
            Label(
                "unstable",
                "~",
                "validation jumps by more than what it gained",
                "is unstable",
                "are unstable",
                "bad",
            ),
            Label(
                "too short",
                "?",
                "too few evaluations for a verdict",
                "is too short to judge",
                "are too short to judge",
                "open",
            ),
            Label("undecided", "?", "neither shown nor excluded", "is undecided", "are undecided", "open"),
        )
    }
)


def headline(runs: Sequence[RunReading]) -> str:
    """Return what the runs of a log say, in a line; earlier attempts do not count.

    Example:
        >>> headline([])
        'No runs'
    """
    counted = [run for run in runs if not run.is_earlier]
    if len(counted) == 1:
        name = counted[0].name
        short = name if len(name) <= MOST_NAME else f"…{name[1 - MOST_NAME :]}"
        return f"{short} {LOG_LABELS[counted[0].label].one}"
    if not counted:
        return "No runs"
    labels = Counter(run.label for run in counted)
    parts = (f"{count:,} {_predicate(label, count)}" for label, count in labels.most_common())
    return f"{len(counted):,} runs: {', '.join(parts)}"


def _predicate(label: str, count: int) -> str:
    known = LOG_LABELS[label]
    return known.one.removeprefix("is ") if count == 1 else known.many.removeprefix("are ")


def format_value(value: float | None) -> str:
    """Return a value in the units in which it was logged.

    Example:
        >>> format_value(0.61849), format_value(76.13), format_value(float("nan")), format_value(None)
        ('0.6185', '76.1300', 'NaN', '–')
    """
    if value is None:
        return MISSING
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "∞" if value > 0 else "−∞"
    return format_loss(value)


def format_size(change: Change) -> str:
    """Return the size of a change with its interval, where there is one.

    Example:
        >>> format_size(Change(0.591, 0.572, 0.61))
        '0.591 [0.572, 0.610]'
    """
    if not (math.isfinite(change.low) and math.isfinite(change.high)):
        return format_value(change.value)
    size = format_metric("loss", change.value, change.low, change.high)
    return f"{size} {format_interval('loss', change.low, change.high)}"


def format_time(at: float) -> str:
    """Return a time as a number.

    Example:
        >>> format_time(1200.0), format_time(2.456)
        ('1,200', '2.46')
    """
    if not math.isfinite(at):
        return MISSING
    return f"{at:,.0f}" if at == round(at) else f"{at:,.2f}".rstrip("0").rstrip(".")


def when(run: RunReading, at: float) -> str:
    """Return a time with its unit, and with its epoch where steps are counted and the log tells."""
    said = f"{run.unit} {format_time(at)}"
    epoch = run.curves.epochs.get(at)
    return said if epoch is None or run.unit == "epoch" else f"{said} (epoch {format_time(epoch)})"


def format_since(since: tuple[float, float]) -> str:
    """Return when something began.

    Example:
        >>> format_since((31.0, 36.0)), format_since((8.0, 8.0))
        ('31–36', '8')
    """
    first, last = map(format_time, since)
    return first if first == last else f"{first}–{last}"


def metric_title(one: SetReading, metric: MetricReading, *, alone: bool) -> str:
    """Return a metric for readers; with its evaluation set where that is not `alone`."""
    name = metric_words(metric.metric)
    return name if alone else f"{one.title}, {name[:1].lower()}{name[1:]}"


def what_it_did(metric: MetricReading) -> str:
    """Return in a few words what a metric did after it was best."""
    if not math.isfinite(metric.last):
        return "left the numbers"
    if metric.direction is None:
        return MISSING
    if metric.worsening is None:
        return "too few points"
    if metric.since is not None:
        return f"worse by {format_size(metric.worsening)} since {format_since(metric.since)}"
    if metric.gain is not None and metric.gain.low > 0:
        return "still improving"
    if metric.worsening.low > 0:
        return f"worse by {format_size(metric.worsening)}"
    return "no clear change"


def numbers_of(run: RunReading, metric: MetricReading) -> str:
    """Return the numbers of a judged metric in one sentence without its end."""
    parts = [
        f"Best {format_value(metric.best)} at {when(run, metric.best_at)}",
        f"last {format_value(metric.last)} at {format_time(metric.last_at)}",
    ]
    if metric.direction is not None:
        parts.append(what_it_did(metric))
    if metric.train_last is not None:
        training = f"training {format_value(metric.train_last)} at the end"
        if metric.train_change is not None and math.isfinite(metric.train_change):
            training += f" ({format_loss(metric.train_change, signed=True)} since the best)"
        parts.append(training)
    return "; ".join(parts)
