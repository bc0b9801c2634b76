"""Which of many variants a report shows: those that its reader would look for first."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from justright.report.number_formats import mean_of

MOST_PRINTED = 20  # in a terminal: with what stands around them they fill one screen
MOST_WHOLE = 40  # in a page, with all numbers, reasons, runs and curves
MOST_LISTED = 2_000  # in a page, with a line each

CHOSEN_WORDS = "the best, what others change, and those that validation rows like best"


def notable_variants(summary: Mapping[str, Any], most: int) -> list[Any]:
    """Return at most `most` variants of a summary, in the study's order.

    Where there are more, these are the one that validation rows choose, those that others change, and then those with the
    lowest validation loss.
    """
    variants: list[Any] = summary["variants"]
    if len(variants) <= most:
        return variants
    choice = summary["choice"]
    chosen = {summary["best_variant"], choice["variant"] if choice else None}
    changed = {one["baseline"] for one in variants}
    key = f"val_{summary['loss']}"

    def rank(variant: Mapping[str, Any]) -> tuple[bool, bool, float]:
        name = variant["name"]
        loss = mean_of(run["best"].get(key) for run in variant["runs"] if run["counts"])
        return name not in chosen, name not in changed, math.inf if loss is None else loss

    names = {one["name"] for one in sorted(variants, key=rank)[:most]}
    return [one for one in variants if one["name"] in names]


def rest_words(variants: Iterable[Mapping[str, Any]], shown: Iterable[Mapping[str, Any]]) -> str:
    """Return how many variants are not shown, by verdict; empty if there are none.

    Example:
        >>> rest_words([{"name": "A", "verdict": {"label": "overfits"}}, {"name": "B"}], [{"name": "B"}])
        '1 more variant (1 overfits)'
    """
    names = {one["name"] for one in shown}
    labels = Counter(one["verdict"]["label"] for one in variants if one["name"] not in names)
    if not labels:
        return ""
    counts = ", ".join(f"{count:,} {label}" for label, count in labels.most_common())
    return f"{labels.total():,} more variant{'' if labels.total() == 1 else 's'} ({counts})"
