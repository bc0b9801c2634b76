"""The words for what a training log says: labels, values as they were logged, times, and what each metric did."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Sequence

from justright.logs.curve_labels import LOG_LABELS
from justright.logs.run_reading import MetricReading, RunReading, SetReading
from justright.logs.wording import Times, change_words
from justright.report.number_formats import MISSING, format_loss, metric_words

MOST_NAME = 80  # characters of a name in a headline: the end of a path, which tells runs apart


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


def codes_of_sentence(run: RunReading) -> str:
    """Return the codes of the findings that say no more than the run's sentence, or its label does of a further set."""
    said = _said(run)
    return " ".join(dict.fromkeys(one.code for one in run.findings if one.words in said))


def other_findings(run: RunReading) -> Iterator[tuple[str, str]]:
    """Yield (code, sentence) of the other findings."""
    said = _said(run)
    for finding in run.findings:
        if finding.words not in said:
            about = f"{finding.set}: " if finding.set and len(run.sets) > 1 else ""
            yield finding.code, about + finding.words


def _said(run: RunReading) -> set[str]:
    """Return the sentences that need no repetition: the run's, and those of sets whose label is the run's."""
    return {run.sentence, *(one.sentence for one in run.sets if one.label == run.label)}


def telling_first(run: RunReading) -> list[tuple[SetReading, MetricReading]]:
    """Return the metrics that no label is about, the most telling first: what worsened, then scores, then losses."""

    def rank(pair: tuple[SetReading, MetricReading]) -> int:
        metric = pair[1]
        if metric.direction is None:
            return 3
        return 0 if metric.since else 1 if metric.direction == "more" else 2

    return sorted(((one, metric) for one in run.sets for metric in one.others), key=rank)


def rest_words(metrics: Sequence[tuple[SetReading, MetricReading]]) -> str:
    """Return how many metrics are not shown, and what they did."""
    kinds = Counter("worse" if metric.since else what_it_did(metric) for _, metric in metrics)
    unknown = kinds.pop(MISSING, 0)
    parts = [f"{count:,} {kind}" for kind, count in kinds.most_common()]
    parts += [f"{unknown:,} of unknown direction"] if unknown else []
    return f"{len(metrics):,} more metrics: {', '.join(parts)}."


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


def format_time(at: float) -> str:
    """Return a time as a number.

    Example:
        >>> format_time(1200.0), format_time(2.456)
        ('1,200', '2.46')
    """
    if not math.isfinite(at):
        return MISSING
    return f"{at:,.0f}" if at == round(at) else f"{at:,.2f}".rstrip("0").rstrip(".")


def format_since(since: tuple[float, float]) -> str:
    """Return when something began.

    Example:
        >>> format_since((31.0, 36.0)), format_since((8.0, 8.0))
        ('31–36', '8')
    """
    first, last = map(format_time, since)
    return first if first == last else f"{first}–{last}"


def best_and_last(metric: MetricReading | None) -> tuple[str, str, str]:
    """Return when a metric was best, its value then, and its last."""
    if metric is None:
        return MISSING, MISSING, MISSING
    if metric.direction is None:
        return MISSING, MISSING, format_value(metric.last)
    return format_time(metric.best_at), format_value(metric.best), format_value(metric.last)


def metric_title(one: SetReading, metric: MetricReading, *, alone: bool) -> str:
    """Return a metric for readers; with its evaluation set where that is not `alone`."""
    name = metric_words(metric.metric)
    return name if alone else f"{one.title}, {name[:1].lower()}{name[1:]}"


def what_it_did(metric: MetricReading, *, is_brief: bool = False) -> str:
    """Return in a few words what a metric did after it was best; without intervals where they are to be brief."""
    if metric.direction is None:
        return MISSING
    if metric.worsening is None:
        return "too few points"
    size = format_loss(metric.worsening.value) if is_brief else change_words(metric.worsening)
    if metric.since is not None:
        return f"worse by {size} since {format_since(metric.since)}"
    if metric.improved_since is not None:
        is_middle = metric.improved_since == (metric.first_at + metric.last_at) / 2
        return "still improving" if is_middle else f"better since {format_time(metric.improved_since)}"
    if metric.worsening.low > 0:
        return f"worse by {size}"
    return "no clear change"


def numbers_of(run: RunReading, metric: MetricReading) -> str:
    """Return the numbers of a judged metric in one sentence without its end."""
    parts = [
        f"Best {format_value(metric.best)} at {Times.of(run.curves).at(metric.best_at)}",
        f"last {format_value(metric.last)} at {format_time(metric.last_at)}",
    ]
    if metric.direction is not None:
        parts.append(what_it_did(metric))
    if metric.train_last is not None:
        training = f"training {format_value(metric.train_last)} at the end"
        if metric.train_change and math.isfinite(metric.train_change):
            training += f" ({format_loss(metric.train_change, signed=True)} since the best)"
        parts.append(training)
    return "; ".join(parts)
