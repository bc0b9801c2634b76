"""Each feature's distribution: small histograms as SVG paths that take their colours from the page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from justright.data.histograms.feature_summaries import MAX_HISTOGRAMS
from justright.report.blocks import Block, Cell, Folded, Histograms, Media, Section, Text
from justright.report.palette import page_colours
from justright.report.sections.column_table import column_blocks
from justright.report.summary import Summary

MOST_LISTED = 10_000  # features named, at about 30 bytes each
WIDTH, HEIGHT = 100, 40  # of the drawing's own coordinates; the page stretches it


def feature_blocks(summary: Summary) -> list[Block]:
    """Return what columns are taken for, the histograms of all features that have one, and the names of the rest."""
    plan = column_blocks(summary)
    cells = histogram_cells(summary["table"])
    if not cells:
        return plan
    classes = [each["name"] for each in summary["table"].get("classes") or []]
    by_class = " by class, each class scaled to its own number of rows" if len(classes) > 1 else ""
    legend = tuple(page_colours(classes).items()) if len(classes) > 1 else ()
    columns = summary["table"]["columns"]
    drawn = {cell["name"] for cell in cells}
    rest = [column for column in columns if column["name"] not in drawn]
    which = f"Each feature's distribution{by_class}."
    if len(columns) > MAX_HISTOGRAMS:
        told = (
            "squared correlation with it"
            if summary["task"] == "regression"
            else "share of variance between classes"
        )
        which += f" Of {len(columns):,} features the {len(cells)} are drawn that tell most about the target by themselves ({told})."
    blocks: list[Block] = [*plan, Text(which, media=Media.PAGE), Histograms(tuple(cells), legend)]
    if rest:
        blocks.append(_rest(rest))
    return blocks


def _rest(columns: Sequence[Mapping[str, Any]]) -> Folded:
    """Return the features without a histogram, each with its range."""
    parts = [_range_words(column) for column in columns[:MOST_LISTED]]
    more = len(columns) - len(parts)
    text = "; ".join(parts) + (f"; and {more:,} more" if more else "")
    count = len(columns)
    head = Cell(f"{count:,} feature{'' if count == 1 else 's'} without a histogram")
    return Folded(head, (Text(text),), remark="name, lowest and highest value", media=Media.PAGE)


def _range_words(column: Mapping[str, Any]) -> str:
    low, high = column.get("min"), column.get("max")
    if low is None or high is None:
        return str(column["name"])
    return f"{column['name']} ({low:.3g} to {high:.3g})"


def histogram_cells(table: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return name, range and a path for each class of every column that has a histogram.

    Each class is scaled to its own number of rows, so that shapes can be compared when classes differ in size.
    `table` is what `describe_table` returned.
    """
    cells = []
    for column in table.get("columns") or []:
        edges, counts = column.get("edges") or [], column.get("class_counts") or [column.get("counts") or []]
        if len(edges) > 1 and any(map(sum, counts)):
            paths = histogram_paths(counts)
            cells.append({"name": column["name"], "low": edges[0], "high": edges[-1], "paths": paths})
    return cells


def histogram_paths(counts: Sequence[Sequence[float]]) -> list[str]:
    """Return the outline of each class's histogram as an SVG path in a box of 100 x 40, the highest bin at the top.

    Shape:
        counts: (classes, bins), rows in each bin.
    """
    shares = [[count / (sum(row) or 1) for count in row] for row in counts]
    top = max(map(max, shares)) or 1
    paths = []
    for row in shares:
        step = WIDTH / len(row)
        bars = "".join(
            f"V{_coordinate(HEIGHT * (1 - share / top))}H{_coordinate((i + 1) * step)}"
            for i, share in enumerate(row)
        )
        paths.append(f"M0 {HEIGHT}{bars}V{HEIGHT}Z")
    return paths


def _coordinate(value: float) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".")


FEATURES = Section("table", "The table", feature_blocks, nav="Table")
