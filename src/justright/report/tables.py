"""The tables of a report as cells of text, the same for HTML and Markdown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from justright.diagnosis.words.formats import (
    format_count,
    format_interval,
    format_metric,
    format_rounded,
    format_span,
    largest_runs,
    mean_of,
    metric_words,
    verdict_symbol,
)
from justright.report.since import since_words

# Which recorded values a table's columns show. Training values are those of the fixed subset, in inference mode and
# without penalties, where it was measured: the only ones comparable with validation and test values.
TRAIN, VALIDATION, TEST = ("train", "validation", "test")
MEASURED = ("fixed", VALIDATION, TEST)  # the kinds of rows that may have an interval


def verdict_rows(summary: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return a row a variant of the table that answers the question; every cell is text.

    Each is {name, parameters, best_epoch, loss: {train, validation, test, test_interval}, score: the same,
    label, since, symbol, slug}. Values are means over seeds at each run's best epoch.
    """
    return [_verdict_row(variant, summary["loss"], summary["score"]) for variant in summary["variants"]]


def run_rows(variant: Mapping[str, Any], loss: str) -> list[dict[str, Any]]:
    """Return a row a run of one variant: seed, rows, epochs, outcome and the loss where it was measured."""
    return [
        {
            "seed": str(run["seed"]),
            "train_rows": format_count(run["train_rows"]),
            "best_epoch": format_count(run["best_epoch"]),
            "epochs": format_count(run["epochs"]),
            "validation": format_metric(loss, run["best"].get(f"val_{loss}")),
            "test": format_metric(loss, run["test"].get(loss)),
            "validation_last": format_metric(loss, run["last"].get(f"val_{loss}")),
            "test_last": format_metric(loss, run["test_last"].get(loss)),
            "seconds": run["train_seconds"],
            "outcome": run["outcome"] or "running",
            "reason": run.get("reason") or "",
        }
        for run in variant["runs"]
    ]


def reference_row(summary: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the reference model's name and its `loss` and `score` cells, as in `verdict_rows`; None without one."""
    reference = summary["reference"]
    if not reference:
        return None
    interval = {"mean": reference.get("test"), "low": reference.get("low"), "high": reference.get("high")}
    return {
        "name": str(reference["name"]),
        "loss": _values([], summary["loss"], {TEST: interval}),
        "score": _values([], summary["score"], {TEST: {"mean": reference.get("score")}}),
    }


def heading(summary: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return the study in a few words: (name, value) pairs."""
    rows = summary["rows"]
    parts = [f"{format_count(rows[part])} {part}" for part in (TRAIN, VALIDATION, TEST) if rows.get(part)]
    return [
        ("Study", str(summary["study"])),
        ("Table", f"{summary['source']} ({summary['task']})"),
        ("Rows", ", ".join(parts)),
        ("Seeds", str(len(summary["seeds"]))),
        ("Loss", metric_words(summary["loss"])),
    ]


def _verdict_row(variant: Mapping[str, Any], loss: str, score: str) -> dict[str, Any]:
    runs = largest_runs(variant)
    label = variant["verdict"]["label"]
    intervals = variant.get("intervals") or {}
    return {
        "name": variant["name"],
        "parameters": format_count(variant["parameters"]),
        "best_epoch": format_span([run["best_epoch"] for run in runs if run["best_epoch"] is not None]),
        "loss": _values(runs, loss, intervals | {TEST: variant["test"]}),
        "score": _values(runs, score, {part: intervals.get(f"{part}_score") for part in MEASURED}),
        "since": since_words(variant, loss),
        "label": label,
        "symbol": verdict_symbol(label),
        "slug": slug(label),
    }


def _values(runs: Sequence[Mapping[str, Any]], metric: str, intervals: Mapping[str, Any]) -> dict[str, str]:
    """Return one metric at the best epochs: on training, validation and test rows, as text.

    Each is as exact as its interval where there is one; `intervals` maps 'fixed', 'validation' and 'test' to them.
    """
    known = {part: intervals.get(part) or {} for part in MEASURED}
    test = known[TEST]
    mean = test.get("mean")
    values = (
        mean_of(_first(run["best"], (f"fixed_{metric}", metric)) for run in runs),
        mean_of(run["best"].get(f"val_{metric}") for run in runs),
        mean_of(run["test"].get(metric) for run in runs) if mean is None else mean,
    )
    cells = {
        part: format_rounded(metric, value, interval.get("low"), interval.get("high"))
        for part, value, interval in zip((TRAIN, VALIDATION, TEST), values, known.values(), strict=True)
    }
    return cells | {"test_interval": format_interval(metric, test.get("low"), test.get("high"))}


def slug(label: str) -> str:
    """Return a verdict's label as a CSS class name; anything unknown is 'other'.

    Example:
        >>> slug("just right"), slug('"><script>')
        ('just-right', 'other')
    """
    name = label.replace(" ", "-")
    return name if name in ("underfits", "just-right", "overfits", "undecided", "diverged") else "other"


def _first(values: Mapping[str, float | None], names: Sequence[str]) -> float | None:
    return next((values[name] for name in names if values.get(name) is not None), None)
