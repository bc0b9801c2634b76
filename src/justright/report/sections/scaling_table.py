"""What more data would do: test losses against training rows, measured and forecast."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from justright.diagnosis.words.numbers import MAX_DECIMALS, rounded_by
from justright.report.blocks import Block, Cell, Chart, Column, Media, Row, Section, Sentences, Table, Text
from justright.report.charts import scaling_plot
from justright.report.notable_variants import notable_variants
from justright.report.number_formats import MISSING, format_count, format_loss, metric_words
from justright.report.palette import page_colours
from justright.report.summary import Record, Summary

NOTE = "Test loss at the best epoch against the number of training rows. Dashed: forecast."
MAX_CURVES = 12  # columns of the table, and lines of the chart, that can be told apart
DECIMALS = 4  # in a terminal: what twice the rows are worth is seldom more than a few thousandths


def scaling_blocks(summary: Summary) -> list[Block]:
    """Return the chart, the sentences and the table of learning curves."""
    curves = summary["data_scaling"]
    if len(curves) > MAX_CURVES:
        shown = {one["name"] for one in notable_variants(summary, MAX_CURVES)}
        curves = [one for one in curves if one["variant"] in shown]
    rows = scaling_rows(curves)
    if not rows:
        return []
    colours = page_colours(variant["name"] for variant in summary["variants"])
    plot = scaling_plot(f"Test {metric_words(summary['loss']).lower()}", rows, colours)
    left_out = len(summary["data_scaling"]) - len(curves)
    few = f" {left_out:,} more learning curves are in result.json." if left_out else ""
    sentences = tuple(curve["conclusion"] for curve in curves if curve.get("conclusion"))
    legend = tuple((curve["variant"], colours.get(curve["variant"], "")) for curve in curves)
    return [
        Text(NOTE + few, media=Media.PAGE),
        Chart("scaling", "Test loss against training rows", plot, legend=legend),
        *([Sentences(sentences, "paragraphs")] if sentences else []),
        scaling_table(curves),
    ]


def scaling_table(curves: list[Record]) -> Table:
    """Return a row for each number of training rows, measured ones first, and a column for each learning curve."""
    rows = []
    for kind in ("measured", "forecast"):
        is_forecast = kind == "forecast"
        points = [{point["train_rows"]: point for point in curve[kind]} for curve in curves]
        for size in sorted({size for each in points for size in each}):
            count = format_count(size)
            head = Cell(f"{count} (forecast)" if is_forecast else count, short=count)
            cells = [_cell(each.get(size)) for each in points]
            last = Cell("forecast" if is_forecast else "")
            rows.append(Row((head, *cells, last), tone="open" if is_forecast else None))
    columns = (
        Column("Training rows", "training rows"),
        *(Column(curve["variant"]) for curve in curves),
        Column("", is_text=True, media=Media.TERMINAL),
    )
    return Table("Test loss by training rows", columns, tuple(rows), splits=True)


def scaling_rows(curves: Iterable[Record]) -> list[dict[str, Any]]:
    """Return the points of test loss against training rows: {v, x, y, low, high, kind: measured | forecast | join}.

    Where there is a forecast, its line and band begin at the last measured point, once more, as a `join`.
    """
    rows = []
    for item in curves:
        measured, forecast = item["measured"], item["forecast"]
        kinds = {"measured": measured, "join": measured[-1:] if forecast else [], "forecast": forecast}
        for kind, points in kinds.items():
            for point in points:
                ends = {"low": point["low"], "high": point["high"], "kind": kind}
                rows.append({"v": item["variant"], "x": point["train_rows"], "y": point["mean"], **ends})
    return rows


def _cell(point: Record | None) -> Cell:
    """Return a loss with half its interval."""
    if point is None:
        return Cell(MISSING)
    half = (point["high"] - point["low"]) / 2
    if not half > 0:
        return Cell(format_loss(point["mean"]))

    def written(gap: str, most: int) -> str:
        return f"{gap}±{gap}".join(rounded_by(value, half, most=most) for value in (point["mean"], half))

    return Cell(written(" ", MAX_DECIMALS), short=written("", DECIMALS))


SCALING = Section("data", "What more data would do", scaling_blocks, nav="More data")
