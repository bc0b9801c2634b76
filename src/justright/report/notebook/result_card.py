"""A study's result as a notebook shows it: verdicts, a small picture of each network's curves, and the fit map."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from justright.diagnosis.measured import LOSS_NAMES
from justright.report.charts import curve_plot
from justright.report.drawable_text import printable
from justright.report.html import chart_style, render_template
from justright.report.notable_variants import MOST_PRINTED, notable_variants, rest_words
from justright.report.number_formats import (
    MISSING,
    format_count,
    format_interval,
    format_loss,
    is_share,
    metric_words,
)
from justright.report.palette import page_colours
from justright.report.sections.answer_list import fit_map
from justright.report.sections.provenance import heading, headline
from justright.report.sections.training_curves import curve_lines, opening_range
from justright.report.sections.verdict_table import verdict_cell
from justright.report.summary import Summary, VariantSummary, measuring_rows


def render_result_card(summary: Summary, repairs: Sequence[str] = (), *, folder: str | None = None) -> str:
    """Return the result as HTML for the output of a cell: it follows the notebook's theme, and runs nothing.

    Args:
        summary: the study.
        repairs: what was found damaged, and which runs failed, a sentence each.
        folder: the study folder as commands name it; None leaves DIR in its place.
    """
    summary = printable(summary if folder is None else summary | {"folder": folder})
    shown = notable_variants(summary, MOST_PRINTED)
    return render_template(
        "notebook/result_card.html.jinja",
        style=chart_style("notebook/result_card.css"),
        title=headline(summary),
        heading=heading(summary),
        repairs=printable(list(repairs)),
        curves_title=f"{metric_words(summary['loss'])} of training rows (solid) and validation rows, mean over seeds",
        measured=_measured(summary).capitalize(),
        rows=_rows(summary, shown),
        rest=rest_words(summary["variants"], shown),
        map=fit_map(summary),
    )


def render_result_text(summary: Summary, folder: str) -> str:
    """Return the result in a few lines: where it is, its conclusion, and a line for each network."""
    shown = notable_variants(summary, MOST_PRINTED)
    lines = [f"Result({folder!r}): {headline(summary | {'folder': folder})}"]
    width = max((len(one["name"]) for one in shown), default=0)
    for one in shown:
        test = one["test"]
        loss = "" if test["mean"] is None else f", {_measured(summary)} {format_loss(test['mean'])}"
        lines.append(f"  {one['name']:{width}}  {verdict_cell(one, summary['loss']).text}{loss}")
    rest = rest_words(summary["variants"], shown)
    return "\n".join([*lines, *([f"  {rest}"] if rest else [])])


def _measured(summary: Summary) -> str:
    """Return what the loss is called that verdicts are about: without test rows it is one of validation rows."""
    return LOSS_NAMES["test" if measuring_rows(summary) == "test" else "validation halves"]


def _rows(summary: Summary, shown: Sequence[VariantSummary]) -> list[dict[str, Any]]:
    """Return what the table shows of each variant."""
    colours = page_colours(variant["name"] for variant in summary["variants"])
    loss = summary["loss"]
    lines = curve_lines(summary, loss)
    ends = opening_range(lines, is_share=is_share(loss))
    means = [line for line in lines if line["s"] == "" and line["k"] != "fixed" and line["x"]]
    last = max((line["x"][-1] for line in means), default=0)
    rows = []
    for variant in shown:
        own = [line for line in means if line["v"] == variant["name"]]
        test = variant["test"]
        rows.append(
            {
                "name": variant["name"],
                "colour": colours[variant["name"]],
                "verdict": verdict_cell(variant, loss),
                "parameters": format_count(variant["parameters"]),
                "loss": MISSING if test["mean"] is None else format_loss(test["mean"]),
                "interval": format_interval("loss", test["low"], test["high"]),
                "paths": curve_plot(loss, own, [], colours, ends["opening"], last).paths
                if own and ends
                else (),
            }
        )
    return rows
