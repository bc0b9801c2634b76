"""The training curves, and the learning rates that made them."""

from __future__ import annotations

from functools import partial

from justright.report import charts, figures
from justright.report.blocks import PAGE, Block, Chart, CurveFigure, Section, Text
from justright.report.summary import Summary

NOTE = (
    "Strong lines: mean over seeds, as far as all of them trained. Faint lines: each seed. Dots: best epochs. Epochs count "
    "from 0. “As trained” is what Keras reports: means over moving weights, dropout on. “Fixed subset” is measured like "
    "validation: still weights, dropout off."
)


def curve_blocks(summary: Summary) -> list[Block]:
    """Return the figures of curves, one for each group of variants, and the chart of learning rates."""
    blocks: list[Block] = [Text(NOTE, media=PAGE)]
    names = {f"{kind}{summary['loss']}" for kind in ("", "val_", "fixed_")}
    if any(names & run["metrics"].keys() for run in summary["curves"]):
        blocks += [
            CurveFigure(figure["id"], figure["title"], tuple(figure["shown"]))
            for figure in figures.curve_figures(summary)
        ]
    lines = figures.rate_lines(summary)
    if lines:
        last = max(line["x"][-1] for line in lines)
        make = partial(charts.rate_chart, [line["v"] for line in lines], last_epoch=last, log_x=False)
        label = "Learning rate against epochs"
        blocks.append(Chart("rates", label, figures.as_rows(lines), make, title="Learning rate"))
    return blocks


CURVES = Section("curves", "Training curves", curve_blocks, nav="Curves")
