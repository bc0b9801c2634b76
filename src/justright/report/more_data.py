"""Learning curves as cells of text, the same for HTML, Markdown and the terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from justright.diagnosis.words.formats import MISSING, format_count, format_loss
from justright.diagnosis.words.numbers import MAX_DECIMALS, rounded_by


def scaling_table(
    curves: Sequence[Mapping[str, Any]], *, plus_minus: str = "±", decimals: int | None = None
) -> list[dict[str, Any]]:
    """Return a row a training size, measured ones first: {rows, is_forecast, cells: a loss ± half its interval a curve}.

    Args:
        curves: entries of a summary's `data_scaling`.
        plus_minus: what stands between a loss and half its interval.
        decimals: at most so many, and no blanks, for a narrow column; None for the reports.

    Example:
        >>> point = {"train_rows": 100, "mean": 0.5, "low": 0.4, "high": 0.6}
        >>> scaling_table([{"variant": "A", "measured": [point], "forecast": []}])
        [{'rows': '100', 'is_forecast': False, 'cells': ['0.50 ± 0.10']}]
    """
    found = []
    for kind in ("measured", "forecast"):
        points = [{point["train_rows"]: point for point in curve.get(kind) or ()} for curve in curves]
        for rows in sorted({rows for each in points for rows in each}):
            cells = [_cell(each.get(rows), plus_minus, decimals) for each in points]
            found.append({"rows": format_count(rows), "is_forecast": kind == "forecast", "cells": cells})
    return found


def _cell(point: Mapping[str, Any] | None, plus_minus: str, decimals: int | None) -> str:
    if point is None:
        return MISSING
    half = (point["high"] - point["low"]) / 2
    if not half > 0:
        return format_loss(point["mean"])
    most = MAX_DECIMALS if decimals is None else decimals
    gap = " " if decimals is None else ""
    mean, spread = (rounded_by(value, half, most=most) for value in (point["mean"], half))
    return f"{mean}{gap}{plus_minus}{gap}{spread}"
