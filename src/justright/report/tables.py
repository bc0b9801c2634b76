"""The tables of a report as cells of text, the same for HTML and Markdown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from justright.report.summary import mean_of
from justright.report.words import (
    format_count,
    format_interval,
    format_metric,
    format_span,
    metric_words,
    verdict_symbol,
)

# Which recorded values a table's columns show. Training values are those of the fixed subset, in inference mode and
# without penalties, where it was measured: the only ones comparable with validation and test values.
TRAIN, VALIDATION, TEST = ("train", "validation", "test")


def verdict_rows(summary: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return a row a variant of the table that answers the question; every cell is text.

    Each is {name, parameters, best_epoch, loss: {train, validation, test, test_interval}, score: the same,
    label, symbol, slug}. Values are means over seeds at each run's best epoch.
    """
    return [_verdict_row(variant, summary["loss"], summary["score"]) for variant in summary["variants"]]


def largest_runs(variant: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return a variant's runs at its largest training size: those that tables show."""
    most = max((run["train_rows"] for run in variant["runs"]), default=0)
    return [run for run in variant["runs"] if run["train_rows"] == most]


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
        "loss": _values([], summary["loss"], interval),
        "score": _values([], summary["score"], {"mean": reference.get("score")}),
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
    return {
        "name": variant["name"],
        "parameters": format_count(variant["parameters"]),
        "best_epoch": format_span([run["best_epoch"] for run in runs if run["best_epoch"] is not None]),
        "loss": _values(runs, loss, variant["test"]),
        "score": _values(runs, score, (variant.get("intervals") or {}).get("test_score") or {}),
        "label": label,
        "symbol": verdict_symbol(label),
        "slug": slug(label),
    }


def _values(runs: Sequence[Mapping[str, Any]], metric: str, interval: Mapping[str, Any]) -> dict[str, str]:
    """Return one metric at the best epochs: on training, validation and test rows, as text."""
    train = mean_of(_first(run["best"], (f"fixed_{metric}", metric)) for run in runs)
    validation = mean_of(run["best"].get(f"val_{metric}") for run in runs)
    test = interval.get("mean")
    if test is None:
        test = mean_of(run["test"].get(metric) for run in runs)
    return {
        TRAIN: format_metric(metric, train),
        VALIDATION: format_metric(metric, validation),
        TEST: format_metric(metric, test),
        "test_interval": format_interval(metric, interval.get("low"), interval.get("high")),
    }


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
