"""The metrics that people expect, of every variant, the reference model, and the constant that any model must beat."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from justright.diagnosis.scores.metric_list import Metric, metrics_of
from justright.report.blocks import Block, Cell, Column, Folded, Media, Row, Section, Sentences, Table, Text
from justright.report.notable_variants import MOST_WHOLE, notable_variants
from justright.report.number_formats import format_interval, format_metric
from justright.report.palette import page_colours
from justright.report.summary import Summary

CONSTANTS = {
    "regression": "mean of training rows",
    "binary": "class frequencies",
    "multiclass": "class frequencies",
}


def metric_blocks(summary: Summary) -> list[Block]:
    """Return the table of metrics and what they are; nothing for a study judged by a version without them."""
    metrics = metrics_of(summary["task"])
    if not any(variant["metrics"] for variant in summary["variants"]):
        return []
    rows = tuple(_rows(summary, metrics))
    columns = (Column("Variant", is_text=True), *(Column(metric.heading) for metric in metrics))
    meanings = tuple(f"{metric.words}: {metric.meaning}." for metric in metrics)
    return [
        Text(_note(summary), media=Media.WRITTEN),
        Table("Metrics", columns, rows, css="metrics", media=Media.WRITTEN),
        *_reasons(summary, metrics),
        Folded(Cell("What these metrics are"), (Sentences(meanings),)),
    ]


def _rows(summary: Summary, metrics: Iterable[Metric]) -> Iterable[Row]:
    """Yield a row for each notable variant, the reference model and the constant."""
    colours = page_colours(variant["name"] for variant in summary["variants"])
    for variant in notable_variants(summary, MOST_WHOLE):
        yield _row(Cell(variant["name"], swatch=colours[variant["name"]]), variant["metrics"], metrics)
    others = summary["other_metrics"]
    reference = summary["reference"]
    if reference and others.get("reference"):
        yield _row(Cell(reference["name"], swatch="var(--muted)"), others["reference"], metrics)
    if others.get("constant"):
        yield _row(Cell("constant", remark=CONSTANTS.get(summary["task"], "")), others["constant"], metrics)


def _row(head: Cell, found: Mapping[str, Any], metrics: Iterable[Metric]) -> Row:
    return Row((head, *(metric_cell(metric.name, found) for metric in metrics)))


def metric_cell(name: str, found: Mapping[str, Any]) -> Cell:
    """Return one metric with its interval."""
    ends = found.get(name) or {}
    value, low, high = (ends.get(end) for end in ("mean", "low", "high"))
    is_exact = low is None or high is None or not high > low
    return Cell(
        format_metric(name, value, low, high),
        detail="" if is_exact else format_interval(name, low, high),
        hint=ends.get("reason", ""),
    )


def _reasons(summary: Summary, metrics: Iterable[Metric]) -> list[Block]:
    """Return why metrics are missing, each reason once."""
    found: dict[str, list[str]] = {}
    for variant in summary["variants"]:
        for metric in metrics:
            reason = (variant["metrics"].get(metric.name) or {"reason": ""}).get("reason")
            if reason and metric.words not in found.setdefault(reason, []):
                found[reason].append(metric.words)
    if not found:
        return []
    sentences = tuple(f"No {', '.join(words)}: {reason}" for reason, words in found.items())
    return [Sentences(sentences, media=Media.WRITTEN)]


def _note(summary: Summary) -> str:
    """Return what the numbers are about."""
    names = [each["name"] for each in summary["table"].get("classes") or []]
    second = (
        f" Of two classes, ROC AUC, PR AUC, F1 and Brier score are about {names[1]!r}."
        if len(names) == 2
        else ""
    )
    many = len(summary["seeds"]) > 1
    means = "Means over seeds at each run's best epoch" if many else "Values at each network's best epoch"
    over = "seeds and rows" if many else "rows"
    if summary["rows"]["test"]:
        rows = "on test rows"
    else:
        rows = "on validation rows, each half at the epoch that the other half chooses; the reference model chose on all of them"
    missing = _absent(summary)
    return f"{means}, {rows}. Brackets: 95 % intervals over {over}.{second}{missing}"


def _absent(summary: Summary) -> str:
    """Return that averages leave out classes without rows to measure them, if there are any."""
    part = summary["pictures"].get("models") or [{}]
    counts = part[0].get("confusion") or []
    absent = sum(not any(row) for row in counts)
    if not absent or len(counts) < 3:
        return ""
    return f" Averages are over the {len(counts) - absent} of {len(counts)} classes that these rows contain."


METRICS_TABLE = Section("metrics", "Metrics", metric_blocks, nav="Metrics")
