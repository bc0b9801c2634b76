"""The training curves and the learning rates that made them: lines grouped, averaged over seeds and scaled."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from justright.report.blocks import Block, Chart, CurveFigure, Media, Section, Text
from justright.report.charts import rate_plot, widened
from justright.report.notable_variants import MOST_WHOLE, notable_variants
from justright.report.palette import page_colours
from justright.report.summary import RunCurves, Summary
from justright.study.variant_groups import compared_variants

NOTE = (
    "Strong lines: mean over seeds, as far as all of them trained. Faint lines: each seed. Dots: best epochs. Epochs count "
    "from 0. “As trained” is what Keras reports: means over moving weights, dropout on. “Fixed subset” is measured like "
    "validation: still weights, dropout off."
)
SMOOTHED_NOTE = (
    " Smoothing averages strong lines over neighbouring epochs, by a Gaussian of that standard deviation; what was measured "
    "then stays behind."
)
MAX_FIGURES = 8  # further groups are found in the legends of these
MOST_DRAWN = 1e100  # a loss beyond it has left every scale, and differences of such losses overflow
MAX_NAMED = 8  # variants that share a schedule
MAX_SHOWN = 8  # as many lines as there are colours; more can be switched on in the legend
# The view that opens spans what the best variant gained since epoch 0, and this share of it above and below: an
# overfitting network may end at many times that, and would flatten everything else.
ROOM = 0.35
# Only when the full range is this many times the opening one is there anything to zoom.
WORTH_ZOOMING = 1.5
TITLES = {"sizes": "Size curves", "regularizers": "Regularizer curves", "": "Training curves"}


def curve_blocks(summary: Summary) -> list[Block]:
    """Return the figures of curves, one for each group of variants, and the chart of learning rates."""
    measured = {
        line["v"] for metric in (summary["loss"], summary["score"]) for line in curve_lines(summary, metric)
    }
    blocks: list[Block] = [figure for figure in curve_figures(summary) if measured & set(figure.shown)]
    blocks = blocks[:MAX_FIGURES]
    if lines := rate_lines(summary):
        colours = page_colours(line["v"] for line in lines)
        legend = tuple(colours.items()) if len(lines) > 1 else ()
        plot = rate_plot(lines, colours)
        blocks.append(Chart("rates", "Learning rate against epochs", plot, "Learning rate", legend))
    if not blocks:
        return []
    every, drawn = len(summary["variants"]), len({run["variant"] for run in summary["curves"]})
    few = (
        f" Of {every:,} variants the {drawn} that matter most are drawn; the folder's event files hold all."
        if drawn < every > MOST_WHOLE
        else ""
    )
    return [Text(NOTE + (SMOOTHED_NOTE if summary.get("smoothed") else "") + few, media=Media.PAGE), *blocks]


def curve_figures(summary: Summary) -> list[CurveFigure]:
    """Return the figures of training curves: one for each group of variants, with those it opens with.

    A figure holds every notable variant, so that any can be switched on; it opens with its group's members and what they are
    compared with. A group all of whose variants another figure shows has no figure of its own.
    """
    offered = tuple(one["name"] for one in notable_variants(summary, MOST_WHOLE))
    variants = [one for one in summary["variants"] if one["name"] in offered]
    opened: dict[str, tuple[str, ...]] = {}
    for group in dict.fromkeys(one["group"] for one in variants):
        members = [one["name"] for one in variants if one["group"] == group]
        compared = [name for name in compared_variants(summary["variants"], group) if name in offered]
        # What a group is compared with stays, however many members it has.
        first = sorted(compared, key=lambda name, members=members: name in members)[:MAX_SHOWN]  # type: ignore[misc]
        opened[group] = tuple(name for name in compared if name in first)
    return [
        CurveFigure(
            f"curves-{index}", TITLES.get(group) or f"{group[:1].upper()}{group[1:]} curves", shown, offered
        )
        for index, (group, shown) in enumerate(opened.items())
        if not any(set(shown) < set(other) for other in opened.values())
    ]


def curve_lines(summary: Summary, metric: str) -> list[dict[str, Any]]:
    """Return the lines of `metric`: every run's, and each variant's mean over the epochs all its seeds trained.

    Each is {v: variant, s: seed or '' for a mean, k: 'train' | 'val' | 'fixed', x: epochs, y: values}.
    """
    lines: list[dict[str, Any]] = []
    for name, runs in _runs_by_variant(summary["curves"]).items():
        for kind, column in curve_columns(metric).items():
            seeds = [line for run in runs if (line := _line(run, column))]
            lines += [{"v": name, "k": kind, **line} for line in seeds]
            if seeds:
                lines.append({"v": name, "k": kind, **_mean_line(seeds)})
    return lines


def smoothed_lines(summary: Summary, metric: str) -> list[dict[str, Any]]:
    """Return the smoothed means of `metric`, as `curve_lines` returns means, with `z`: by how many epochs."""
    kinds = {column: kind for kind, column in curve_columns(metric).items()}
    return [
        {
            "v": one["variant"],
            "k": kinds[one["metric"]],
            "s": "",
            "z": one["std"],
            "x": one["epoch"],
            "y": one["values"],
        }
        for one in summary.get("smoothed", ())
        if one["metric"] in kinds
    ]


def curve_columns(metric: str) -> dict[str, str]:
    """Return the kinds of lines and the column of each: as trained, on validation rows, and on the fixed subset."""
    return {"train": metric, "val": f"val_{metric}", "fixed": f"fixed_{metric}"}


def best_points(summary: Summary, metric: str) -> list[dict[str, Any]]:
    """Return each run's validation value at its best epoch: {v, s, x, y}; of the runs that count."""
    key = f"val_{metric}"
    return [
        {"v": variant["name"], "s": str(run["seed"]), "x": run["best_epoch"], "y": value}
        for variant in summary["variants"]
        for run in variant["runs"]
        if run["counts"] and run["best_epoch"] is not None
        if (value := run["best"].get(key)) is not None and abs(value) < MOST_DRAWN
    ]


def rate_lines(summary: Summary) -> list[dict[str, Any]]:
    """Return the learning rates over epochs, one line for each schedule: {v: the variants' names, x, y}."""
    common = set.intersection(*([set(run["epoch"]) for run in summary["curves"]] or [set()]))
    schedules: dict[tuple[Any, ...], tuple[list[str], dict[str, Any]]] = {}
    for name, runs in _runs_by_variant(summary["curves"]).items():
        lines = [line for run in runs if (line := _line(run, "learning_rate"))]
        if lines:
            longest = max(lines, key=lambda line: line["x"][-1])
            key = tuple(y for x, y in zip(longest["x"], longest["y"], strict=True) if x in common)
            names, other = schedules.get(key, ([], longest))
            schedules[key] = ([*names, name], max(other, longest, key=lambda line: line["x"][-1]))
    every = len({run["variant"] for run in summary["curves"]})
    return [
        {"v": "every variant" if len(names) == every else _listed(names), "x": line["x"], "y": line["y"]}
        for names, line in schedules.values()
    ]


def opening_range(lines: Sequence[Mapping[str, Any]], *, is_share: bool) -> dict[str, list[float]] | None:
    """Return the y-range a figure opens with and the full one, {opening, full: [low, high]}; None without values.

    Lower is better unless `is_share`. The opening range runs from the start of training to the best validation
    value, with some room; it never exceeds the full one.
    """
    values = [y for line in lines for y in line["y"] if y is not None]
    validation = [line["y"] for line in lines if line["k"] == "val" and line["s"] != "" and line["y"]]
    if not values:
        return None
    full = [*widened(min(values), max(values), share=0.03)]
    if not validation:
        return {"opening": full, "full": full}
    best = max(map(max, validation)) if is_share else min(map(min, validation))
    start = sorted(each[0] for each in validation)[len(validation) // 2]
    room = ROOM * abs(start - best)
    opening = [max(full[0], min(start, best) - room), min(full[1], max(start, best) + room)]
    if full[1] - full[0] < WORTH_ZOOMING * (opening[1] - opening[0]) or opening[0] >= opening[1]:
        opening = full
    return {"opening": opening, "full": full}


def _listed(names: Sequence[str]) -> str:
    """Return names in a row, the first of them where they are many."""
    more = len(names) - MAX_NAMED
    return f"{', '.join(names[:MAX_NAMED])} and {more:,} more" if more > 1 else ", ".join(names)


def _runs_by_variant(curves: Iterable[RunCurves]) -> dict[str, list[RunCurves]]:
    """Return each variant's runs at its largest training size."""
    by_variant: dict[str, list[RunCurves]] = {}
    for run in curves:
        by_variant.setdefault(run["variant"], []).append(run)
    most = {name: max(run["train_rows"] for run in runs) for name, runs in by_variant.items()}
    return {
        name: [run for run in runs if run["train_rows"] == most[name]] for name, runs in by_variant.items()
    }


def _line(run: RunCurves, column: str) -> dict[str, Any] | None:
    """Return the measured points of one metric of one run, or None when there are none."""
    pairs = [
        (x, y)
        for x, y in zip(run["epoch"], run["metrics"].get(column, ()), strict=False)
        if y is not None and abs(y) < MOST_DRAWN
    ]
    if not pairs:
        return None
    return {"s": str(run["seed"]), "x": [x for x, _ in pairs], "y": [y for _, y in pairs]}


def _mean_line(lines: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the mean over seeds at the epochs all of them have."""
    tables = [dict(zip(line["x"], line["y"], strict=True)) for line in lines]
    epochs = [x for x in lines[0]["x"] if all(x in table for table in tables)]
    means = [float(f"{math.fsum(table[x] for table in tables) / len(tables):.6g}") for x in epochs]
    return {"s": "", "x": epochs, "y": means}


CURVES = Section("curves", "Training curves", curve_blocks, nav="Curves")
